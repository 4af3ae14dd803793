/*
 * The whole of two hosts that negotiate (tests/unit/lab.h): plutod, ike-negotiate, secrets and
 * kernel-sa of both, with a network, a clock and deaths that the input is the script of.
 *
 * Input: a byte that chooses the connection, then steps of six bytes: what, which, and two numbers
 * of 16 bits (enum what says which mean what). Messages under way stand in a list, oldest first;
 * one that is changed in the clear is opened with its receiver's keys, gets its HASH again and is
 * sealed (tests/unit/hostile.h), so that what is behind the encryption is reached. Holds: nobody
 * among our own processes breaks the rules of the records; and when all is over, the next attempt
 * brings a tunnel up, with the same keys at both ends.
 */
#include "fuzz.h"

#include "tests/unit/hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 64
#define FLIGHT_MAX 48
#define INITIATES_MAX 6 /* the kernel's table is small: FAKE_MAX */
#define POLICY "policy=psk,encrypt,tunnel "
#define QUIET 400000    /* ms until everybody has given up everything */

enum what {
    DELIVER,        /* which */
    DELIVER_ALL,    /* and what comes of them, a times at most */
    DROP,           /* which */
    REPEAT,         /* which is delivered and stays */
    CUT,            /* which, to a bytes */
    FLIP,           /* which, byte a, bits b */
    FROM_ELSEWHERE, /* which */
    /* in the clear: message which */
    SET_BYTE,       /* byte a becomes b */
    SET_WORD,       /* bytes a and a + 1 become b */
    REMOVE,         /* payload a */
    COPY,           /* payload a to place b */
    RETYPE,         /* payload a, type b */
    SHORTEN,        /* payload a, to b bytes */
    INSERT,         /* at place a, type b / 256, of b % 256 bytes */
    HEADER,         /* byte a of exchange type, flags, message id becomes b */
    /* somebody who has the keys */
    SAY,            /* exchange type a, payload type b / 256 of b % 256 bytes */
    PASS,           /* a * 10 ms */
    WHACK,          /* a says what */
    KILL,           /* tool a */
    WHATS
};

struct step {
    uint8_t what;
    uint8_t which;
    uint16_t a;
    uint16_t b;
};

struct run {
    struct lab *l;
    struct datagram *flight[FLIGHT_MAX];
    size_t count;
    unsigned initiates;
    struct opened *opened;
};

/* ---- messages under way ---- */

static void forget(struct run *run, size_t n)
{
    free(run->flight[n]);
    for (run->count--; n < run->count; n++) {
        run->flight[n] = run->flight[n + 1];
    }
}

static unsigned keep(struct lab *l, struct datagram *d, unsigned number)
{
    struct run *run = l->data;
    (void)number;
    if (run->count == FLIGHT_MAX) {
        forget(run, 0);
    }
    struct datagram *copy = malloc(sizeof *copy);
    fuzz_check(copy != NULL);
    *copy = *d;
    run->flight[run->count++] = copy;
    return 0;
}

static void hear(struct run *run, const struct datagram *d)
{
    uint8_t *exact = malloc(d->len + 1);
    fuzz_check(exact != NULL);
    memcpy(exact, d->bytes, d->len);
    lab_hear(run->l, &d->path, exact, d->len);
    free(exact);
    lab_settle(run->l);
}

static void deliver(struct run *run, size_t n)
{
    struct datagram *d = run->flight[n];
    run->flight[n] = NULL;
    forget(run, n);
    hear(run, d);
    free(d);
}

static void deliver_all(struct run *run, unsigned most)
{
    while (most-- > 0 && run->count > 0) {
        deliver(run, 0);
    }
}

static void on_the_wire(struct run *run, const struct step *s, size_t n)
{
    struct datagram *d = run->flight[n];
    switch (s->what) {
    case CUT:
        d->len = s->a % (d->len + 1);
        break;
    case FLIP:
        d->bytes[s->a % d->len] ^= (uint8_t)s->b;
        break;
    case FROM_ELSEWHERE:
        lab_address(&d->path.remote, 2);
        break;
    default:
        break;
    }
    deliver(run, n);
}

/* ---- in the clear ---- */

static void fill(uint8_t *bytes, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(seed * 31 + i * (seed & 3));
    }
    if (len > 8 && (seed & 4) != 0) { /* a DOI, a protocol, a size of 4: N, D */
        memcpy(bytes, "\0\0\0\1\3\4\0\1", 8);
    }
}

static void copy_payload(struct opened *o, size_t from, size_t to)
{
    uint8_t body[2000];
    size_t len;
    const uint8_t *at = payload_at(o, from, &len);
    unsigned type = from == 0 ? o->header.next_payload : *payload_at(o, from - 1, NULL);
    if (len <= sizeof body) {
        memcpy(body, at, len);
        payload_insert(o, to, type, body + GENERIC_HEADER_LEN, len - GENERIC_HEADER_LEN);
    }
}

static void change_payloads(struct opened *o, const struct step *s)
{
    uint8_t body[256];
    size_t count = payload_count(o);
    size_t len = 0;
    if (s->what == INSERT) {
        fill(body, s->b & 255u, s->which);
        payload_insert(o, s->a % (count + 1), s->b >> 8, body, s->b & 255u);
        return;
    }
    if (count == 0) {
        return;
    }
    size_t n = s->a % count;
    switch (s->what) {
    case REMOVE:
        payload_remove(o, n);
        break;
    case COPY:
        copy_payload(o, n, s->b % (count + 1));
        break;
    case RETYPE:
        payload_type(o, n, s->b & 255u);
        break;
    case SHORTEN:
        (void)payload_at(o, n, &len);
        len = s->b % (len - GENERIC_HEADER_LEN + 1);
        if (len <= sizeof body) {
            memcpy(body, payload_at(o, n, NULL) + GENERIC_HEADER_LEN, len);
            payload_body(o, n, body, len);
        }
        break;
    default:
        break;
    }
}

static void in_the_clear(struct run *run, const struct step *s, size_t n)
{
    struct opened *o = run->opened;
    struct datagram *d = run->flight[n];
    if (!hostile_open(run->l, d, o)) {
        deliver(run, n);
        return;
    }
    if (s->what == SET_BYTE && o->len > 0) {
        o->chain[s->a % o->len] = (uint8_t)s->b;
    } else if (s->what == SET_WORD && o->len > 1) {
        o->chain[s->a % (o->len - 1)] = (uint8_t)(s->b >> 8);
        o->chain[s->a % (o->len - 1) + 1] = (uint8_t)s->b;
    } else if (s->what == HEADER && s->a % 3 == 0) {
        o->header.exchange = (uint8_t)s->b;
    } else if (s->what == HEADER && s->a % 3 == 1) {
        o->header.flags = (uint8_t)s->b;
    } else if (s->what == HEADER && o->encrypted) {
        hostile_renumber(o, s->b);
    } else {
        change_payloads(o, s);
    }
    hostile_seal(o, d);
    deliver(run, n);
}

static void speak(struct run *run, const struct step *s)
{
    static const uint8_t exchanges[] = { EXCHANGE_INFORMATIONAL, EXCHANGE_QUICK, EXCHANGE_MAIN,
                                         EXCHANGE_TRANSACTION };
    struct opened *o = run->opened;
    unsigned to = s->which & 1u;
    uint8_t body[256];
    struct datagram *d = calloc(1, sizeof *d);
    fuzz_check(d != NULL);
    if (hostile_main(run->l, to) != NULL) {
        hostile_begin(run->l, to, exchanges[s->a % 4], s->a % 4 == 2 ? 0 : 1u + s->a, o);
        fill(body, s->b & 255u, s->which >> 1);
        payload_insert(o, payload_count(o), s->b >> 8, body, s->b & 255u);
        hostile_seal(o, d);
        hear(run, d);
    }
    free(d);
}

/* ---- those within ---- */

static void initiate(struct run *run, unsigned host)
{
    if (run->initiates++ < INITIATES_MAX) {
        lab_initiate(run->l, host);
    }
}

static void whack(struct run *run, unsigned host, unsigned what)
{
    switch (what % 6) {
    case 0:
    case 1: initiate(run, host); break;
    case 2: lab_whack(run->l, host, "whack-terminate name=net"); break;
    case 3: lab_whack(run->l, host, "whack-status"); break;
    case 4: lab_whack(run->l, host, "whack-deletestate serial=%u", 1 + what / 6 % 8); break;
    default: lab_whack(run->l, host, "whack-debug classes=all"); break;
    }
}

static void do_step(struct run *run, const struct step *s)
{
    static const enum tool tools[] = { TOOL_IKE_NEGOTIATE, TOOL_SECRETS, TOOL_KERNEL_SA };
    size_t n = run->count == 0 ? 0 : s->which % run->count;
    unsigned host = s->which & 1u;
    if (s->what == PASS) {
        lab_pass(run->l, (uint64_t)s->a * 10);
    } else if (s->what == WHACK) {
        whack(run, host, s->a);
    } else if (s->what == KILL) {
        lab_kill(run->l, host, tools[s->a % 3]);
        lab_settle(run->l);
    } else if (s->what == SAY) {
        speak(run, s);
    } else if (s->what == DELIVER_ALL) {
        deliver_all(run, s->a % 64);
    } else if (run->count == 0) {
        return;
    } else if (s->what == DROP) {
        forget(run, n);
    } else if (s->what == REPEAT) {
        hear(run, run->flight[n]);
    } else if (s->what < SET_BYTE) {
        on_the_wire(run, s, n);
    } else {
        in_the_clear(run, s, n);
    }
}

/* After the storm: old ones are gone, and a new one comes up. */
static void check_recovery(struct run *run)
{
    struct lab *l = run->l;
    while (run->count > 0) {
        forget(run, 0);
    }
    l->network = NULL;
    for (unsigned i = 0; i < 2; i++) {
        lab_whack(l, i, "whack-terminate name=net");
    }
    lab_pass(l, QUIET);
    lab_initiate(l, 0);
    lab_settle(l);
    for (unsigned i = 0; i < 2 && !lab_up(l); i++) {
        fprintf(stderr, "-- host %u says\n%.*s", i, (int)l->host[i].log.len, l->host[i].log.data);
    }
    fuzz_check(lab_up(l));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const words[8] = {
        LAB_CHEAP, POLICY "ike=aes256-sha2_512-modp2048 esp=aes256gcm16",
        POLICY "ike=classic esp=classic", POLICY "ikelifetime=600 ipseclifetime=300 rekeymargin=30",
        "policy=psk,encrypt,tunnel,pfs pfsgroup=ecp256,curve25519 ike=aes128-sha1-curve25519",
        POLICY "ike=default esp=default", POLICY "ike=3des-md5-modp1024 esp=3des-md5",
        "policy=psk,pfs,encrypt ike=aes192-sha2_384-ecp384 esp=aes192-sha2_512"
    };
    static struct opened opened;
    struct fuzz_input in = { data, size };
    uint8_t config = fuzz_u8(&in);
    struct run run = { .opened = &opened };

    fuzz_random_begin(config);
    run.l = lab_new(words[config % 8]);
    run.l->network = keep;
    run.l->data = &run;
    initiate(&run, (config & 32) != 0 ? 1 : 0);
    if ((config & 8) != 0) {
        initiate(&run, 1);
    }
    for (unsigned i = 0; i < STEPS_MAX && in.left > 0; i++) {
        struct step s = { (uint8_t)(fuzz_u8(&in) % WHATS), fuzz_u8(&in), fuzz_u16(&in), 0 };
        s.b = fuzz_u16(&in);
        do_step(&run, &s);
    }
    if ((config & 16) != 0) {
        check_recovery(&run);
    }
    while (run.count > 0) {
        forget(&run, 0);
    }
    lab_free(run.l);
    return 0;
}
