/*
 * A DNS server that answers badly, each name in its own way: what the first label of a question says is done. For
 * tests/dnskey.bats.
 *
 *     nameserver ADDRESS [LOG]
 *
 * Listens on port 53 of the address, UDP and TCP, prints "ready", and runs until it is killed. LOG gets a line "udp
 * NAME TYPE" or "tcp NAME TYPE" for each question.
 *
 *     good[-TTL]    A 10.9.9.9 and AAAA 2001:db8::9
 *     silent        never an answer
 *     half          A as good, to AAAA never an answer
 *     slow-MS       as good, after so many milliseconds
 *     servfail, refused, formerr, notimp
 *     truncated-N   by UDP nothing but TC, by TCP N addresses 10.10.x.y
 *     tcponce-N     as truncated-N, and the end of the connection
 *     tcpsilent     by UDP TC, by TCP nothing
 *     tcpcut        by UDP TC, by TCP half an answer and the end
 *     loop          a CNAME for itself
 *     circle-N      a CNAME for circle-(N+1 mod 5)
 *     chain-N       a CNAME for chain-(N-1); chain-0 is good
 *     other         addresses for another name
 *     poison        as good, and addresses of victim.test beside
 *     wrongid       an answer with another id
 *     wrongname     an answer to another question
 *     unusable      224.0.0.1, 255.255.255.255, 0.0.0.0; ff02::1, ::
 *     mixed         10.9.9.9 and 224.0.0.1
 *     short         three bytes
 *     garbage       bytes without meaning
 *     pointer       compression pointers that point at themselves
 *     rdata         addresses of a wrong length
 *     many          64 KB of UDP would be too much: 70 addresses, twice each, in falling order
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/address.h"

#define PACKET_MAX 65535
#define SLOW_MAX 4096
#define TYPE_A 1
#define TYPE_CNAME 5
#define TYPE_AAAA 28

struct packet {
    uint8_t bytes[PACKET_MAX];
    size_t len;
    unsigned answers;
};

struct question {
    uint16_t id;
    char name[256];   /* with dots */
    char label[64];   /* the first */
    long number;      /* behind the last hyphen of the label, or -1 */
    unsigned type;
    size_t end;       /* of the question section, in the packet */
    bool tcp;
};

struct delayed { /* an answer by UDP that is for later */
    uint64_t when;
    struct sockaddr_storage to;
    socklen_t to_len;
    uint8_t bytes[512];
    size_t len;
};

static struct packet packet;
static struct delayed delayed[SLOW_MAX];
static size_t delayed_count;
static FILE *log_file;

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- writing an answer ---- */

static void add(const void *bytes, size_t len)
{
    if (packet.len + len <= PACKET_MAX) {
        memcpy(packet.bytes + packet.len, bytes, len);
        packet.len += len;
    }
}

static void add_u16(unsigned value)
{
    const uint8_t b[2] = { (uint8_t)(value >> 8), (uint8_t)value };
    add(b, sizeof b);
}

static void add_name(const char *name)
{
    while (*name != '\0') {
        const size_t len = strcspn(name, ".");
        const uint8_t l = (uint8_t)len;
        add(&l, 1);
        add(name, len);
        name += len + (name[len] == '.' ? 1 : 0);
    }
    add("", 1);
}

/* The head of a record; owner NULL: the name of the question. */
static void add_head(const char *owner, unsigned type, unsigned ttl, unsigned len)
{
    if (owner == NULL) {
        add_u16(0xc00c);
    } else {
        add_name(owner);
    }
    add_u16(type);
    add_u16(1);
    add_u16(ttl >> 16);
    add_u16(ttl & 0xffff);
    add_u16(len);
    packet.answers++;
}

static void add_address(const char *owner, unsigned ttl, const char *text)
{
    struct address a;
    if (address_parse(&a, text) == NULL) {
        add_head(owner, a.family == 4 ? TYPE_A : TYPE_AAAA, ttl, address_len(&a));
        add(a.bytes, address_len(&a));
    }
}

static void add_alias(const char *to)
{
    add_head(NULL, TYPE_CNAME, 60, (unsigned)strlen(to) + 2);
    add_name(to);
}

static void begin(const struct question *q, const uint8_t *asked, unsigned rcode, bool truncated)
{
    packet.len = 0;
    packet.answers = 0;
    add_u16(q->id);
    add_u16(0x8180u | (truncated ? 0x0200u : 0) | rcode);
    add_u16(1);
    add_u16(0);
    add_u16(0);
    add_u16(0);
    add(asked + 12, q->end - 12);
}

static void finish(void)
{
    packet.bytes[6] = (uint8_t)(packet.answers >> 8);
    packet.bytes[7] = (uint8_t)packet.answers;
}

static void add_good(const struct question *q, const char *owner)
{
    const unsigned ttl = q->number >= 0 ? (unsigned)q->number : 60;
    add_address(owner, ttl, q->type == TYPE_A ? "10.9.9.9" : "2001:db8::9");
}

/* ---- what each name does ---- */

static bool is(const struct question *q, const char *label)
{
    return strcasecmp(q->label, label) == 0;
}

static void aliases(const struct question *q)
{
    char to[128];
    const char *rest = strchr(q->name, '.');
    rest = rest == NULL ? "" : rest;
    if (is(q, "loop")) {
        add_alias(q->name);
    } else if (is(q, "circle")) {
        (void)snprintf(to, sizeof to, "circle-%ld%.60s", (q->number + 1) % 5, rest);
        add_alias(to);
    } else if (q->number > 0) {
        (void)snprintf(to, sizeof to, "chain-%ld%.60s", q->number - 1, rest);
        add_alias(to);
    } else {
        add_address(NULL, 60, q->type == TYPE_A ? "10.9.9.9" : "2001:db8::9");
    }
}

static void many_addresses(const struct question *q)
{
    char text[ADDRESS_TEXT];
    const unsigned count = is(q, "many") ? 70 : (unsigned)q->number;
    for (unsigned i = count; i > 0 && q->type == TYPE_A; i--) {
        (void)snprintf(text, sizeof text, "10.10.%u.%u", i / 256, i % 256);
        add_address(NULL, 60, text);
        if (is(q, "many")) {
            add_address(NULL, 60, text);
        }
    }
}

static void oddities(const struct question *q)
{
    if (is(q, "other")) {
        add_good(q, "somebody.else");
    } else if (is(q, "poison")) {
        add_good(q, NULL);
        add_good(q, "victim.test");
    } else if (is(q, "unusable")) {
        add_address(NULL, 60, q->type == TYPE_A ? "224.0.0.1" : "ff02::1");
        add_address(NULL, 60, q->type == TYPE_A ? "255.255.255.255" : "::");
        add_address(NULL, 60, q->type == TYPE_A ? "0.0.0.0" : "ff0e::2");
    } else if (is(q, "mixed")) {
        add_good(q, NULL);
        add_address(NULL, 60, q->type == TYPE_A ? "224.0.0.1" : "ff02::1");
    } else if (is(q, "rdata")) {
        add_head(NULL, q->type, 60, 3);
        add("abc", 3);
    } else if (is(q, "pointer")) {
        for (unsigned i = 0; i < 20; i++) {
            const size_t at = packet.len;
            add_u16(0xc000u | (unsigned)at);
            add("\0\5\0\1\0\0\0\74\0\2", 10);
            add_u16(0xc000u | (unsigned)at);
            packet.answers++;
        }
    }
}

/* False: no answer. */
static bool answer(const struct question *q, const uint8_t *asked)
{
    static const struct {
        const char *label;
        unsigned rcode;
    } errors[] = { { "formerr", 1 }, { "servfail", 2 }, { "nothere", 3 }, { "notimp", 4 }, { "refused", 5 } };
    const bool by_tcp = is(q, "truncated") || is(q, "tcponce") || is(q, "tcpsilent") || is(q, "tcpcut");
    if (is(q, "silent") || (is(q, "half") && q->type == TYPE_AAAA) || (is(q, "tcpsilent") && q->tcp)) {
        return false;
    }
    begin(q, asked, 0, by_tcp && !q->tcp);
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (is(q, errors[i].label)) {
            begin(q, asked, errors[i].rcode, false);
            return true;
        }
    }
    if (is(q, "good") || is(q, "half") || is(q, "slow") || is(q, "wrongid")) {
        add_good(q, NULL);
        packet.bytes[0] ^= is(q, "wrongid") ? 0x55 : 0;
    } else if (is(q, "loop") || is(q, "circle") || is(q, "chain")) {
        aliases(q);
    } else if (is(q, "many") || ((is(q, "truncated") || is(q, "tcponce")) && q->tcp)) {
        many_addresses(q);
    } else if (is(q, "wrongname")) {
        add_good(q, NULL);
        packet.bytes[14] ^= 1;
    } else {
        oddities(q);
    }
    finish();
    if (is(q, "short")) {
        packet.len = 3;
    } else if (is(q, "garbage")) {
        for (size_t i = 2; i < 400; i++) {
            packet.bytes[i] = (uint8_t)(i * 7919 >> 3);
        }
        packet.len = 400;
    }
    return true;
}

/* False: no question that can be understood. */
static bool read_question(struct question *q, const uint8_t *p, size_t len)
{
    size_t at = 12;
    size_t name_len = 0;
    memset(q, 0, sizeof *q);
    while (at < len && p[at] != 0 && p[at] < 64 && at + 1 + p[at] < len && name_len + p[at] + 2 < sizeof q->name) {
        memcpy(q->name + name_len, p + at + 1, p[at]);
        name_len += p[at];
        q->name[name_len++] = '.';
        at += 1u + p[at];
    }
    if (len < 12 || at + 5 > len || p[at] != 0 || name_len == 0) {
        return false;
    }
    q->name[name_len - 1] = '\0';
    q->id = (uint16_t)(p[0] << 8 | p[1]);
    q->type = (unsigned)p[at + 1] << 8 | p[at + 2];
    q->end = at + 5;
    q->number = -1;
    (void)snprintf(q->label, sizeof q->label, "%.*s", (int)strcspn(q->name, "."), q->name);
    char *hyphen = strrchr(q->label, '-');
    if (hyphen != NULL) {
        *hyphen = '\0';
        q->number = strtol(hyphen + 1, NULL, 10);
    }
    return true;
}

static void tell(const struct question *q)
{
    if (log_file != NULL) {
        (void)fprintf(log_file, "%s %s %u\n", q->tcp ? "tcp" : "udp", q->name, q->type);
        (void)fflush(log_file);
    }
}

/* ---- sockets ---- */

static void send_later(const struct question *q, const struct sockaddr_storage *to, socklen_t to_len)
{
    if (delayed_count < SLOW_MAX && packet.len <= sizeof delayed[0].bytes) {
        struct delayed *d = &delayed[delayed_count++];
        d->when = now_ms() + (uint64_t)q->number;
        d->to = *to;
        d->to_len = to_len;
        d->len = packet.len;
        memcpy(d->bytes, packet.bytes, packet.len);
    }
}

static void serve_udp(int fd)
{
    uint8_t p[4096];
    struct sockaddr_storage from;
    socklen_t from_len = sizeof from;
    struct question q;
    const ssize_t n = recvfrom(fd, p, sizeof p, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
    if (n <= 0 || !read_question(&q, p, (size_t)n)) {
        return;
    }
    tell(&q);
    if (!answer(&q, p)) {
        return;
    }
    if (is(&q, "slow")) {
        send_later(&q, &from, from_len);
    } else {
        (void)sendto(fd, packet.bytes, packet.len, 0, (struct sockaddr *)&from, from_len);
    }
}

static void send_delayed(int fd)
{
    for (size_t i = 0; i < delayed_count;) {
        if (delayed[i].when <= now_ms()) {
            (void)sendto(fd, delayed[i].bytes, delayed[i].len, 0, (struct sockaddr *)&delayed[i].to, delayed[i].to_len);
            delayed[i] = delayed[--delayed_count];
        } else {
            i++;
        }
    }
}

/* The answer to one question; false: the connection is to end. */
static bool answer_by_tcp(int fd)
{
    uint8_t p[4096];
    uint8_t head[2];
    struct question q;
    if (recv(fd, head, sizeof head, MSG_WAITALL) != sizeof head) {
        return false;
    }
    const size_t len = (size_t)head[0] << 8 | head[1];
    if (len > sizeof p || recv(fd, p, len, MSG_WAITALL) != (ssize_t)len || !read_question(&q, p, len)) {
        return false;
    }
    q.tcp = true;
    tell(&q);
    if (answer(&q, p)) {
        head[0] = (uint8_t)(packet.len >> 8);
        head[1] = (uint8_t)packet.len;
        (void)send(fd, head, sizeof head, MSG_NOSIGNAL);
        (void)send(fd, packet.bytes, is(&q, "tcpcut") ? packet.len / 2 : packet.len, MSG_NOSIGNAL);
    }
    return !is(&q, "tcpcut") && !is(&q, "tcponce");
}

/* Each connection has a process of its own, until the other side ends it. */
static void serve_tcp(int listener)
{
    const int fd = accept(listener, NULL, NULL);
    if (fd >= 0 && fork() == 0) {
        while (answer_by_tcp(fd)) {
        }
        _exit(0);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static int open_socket(const char *text, int type)
{
    struct address a;
    struct sockaddr_storage ss;
    const int on = 1;
    const int room = 8 << 20; /* for the questions that come while others have the processor; only root gets it */
    if (address_parse(&a, text) != NULL) {
        return -1;
    }
    const int fd = socket(a.family == 4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0);
    const socklen_t len = address_to_sockaddr(&a, 53, &ss);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
        || bind(fd, (struct sockaddr *)&ss, len) != 0 || (type == SOCK_STREAM && listen(fd, 100) != 0)) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    return fd;
}

int main(int argc, char *argv[])
{
    if (argc < 2) {
        (void)fputs("usage: nameserver ADDRESS [LOG]\n", stderr);
        return 100;
    }
    const int udp = open_socket(argv[1], SOCK_DGRAM);
    const int tcp = open_socket(argv[1], SOCK_STREAM);
    log_file = argc > 2 ? fopen(argv[2], "ae") : NULL;
    if (udp < 0 || tcp < 0 || (argc > 2 && log_file == NULL)) {
        (void)fprintf(stderr, "nameserver: %s: %s\n", argv[1], strerror(errno));
        return 111;
    }
    (void)signal(SIGCHLD, SIG_IGN);
    (void)puts("ready");
    (void)fflush(stdout);
    for (;;) {
        struct pollfd fds[2] = { { .fd = udp, .events = POLLIN }, { .fd = tcp, .events = POLLIN } };
        (void)poll(fds, 2, delayed_count > 0 ? 5 : -1);
        if ((fds[0].revents & POLLIN) != 0) {
            serve_udp(udp);
        }
        if ((fds[1].revents & POLLIN) != 0) {
            serve_tcp(tcp);
        }
        send_delayed(udp);
    }
}
