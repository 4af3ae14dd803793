/*
 * The whole of two hosts that negotiate (tests/unit/lab.h): plutod, ike-negotiate, secrets and
 * kernel-sa of both, with a network, a clock and deaths that the input is the script of.
 *
 * Input: a byte that chooses the connection, then steps of six bytes: what, which,
 * and two numbers of 16 bits (enum what in script.h says which mean what). Messages under way stand in a list,
 * oldest first; one that is changed in the clear is opened with its receiver's keys, gets its HASH
 * again and is sealed (tests/unit/hostile.h), so that what is behind the encryption is reached. It
 * is delivered then, or with bit MORE in `which` stays where it is for another change. Holds: nobody
 * among our own processes breaks the rules of the records; no SA lives longer than its connection
 * allows; and when all is over, the next attempt brings a tunnel up, with the same keys at both ends.
 */
#include "fuzz.h"
#include "script.h"

#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 64
#define FLIGHT_MAX 48
#define INITIATES_MAX 6 /* the kernel's table is small: FAKE_MAX */
#define FLOODS_MAX 2    /* they take long */
#define POLICY "policy=psk,encrypt,tunnel "
#define QUIET 400000    /* ms until everybody has given up everything */

struct config {
    const char *words;
    uint8_t bits;
    bool other; /* with the first words, host 1 knows host 0 under another name, too, and takes anybody */
};

struct run {
    struct lab *l;
    uint64_t life[2]; /* that an IPsec SA may have at most there */
    struct datagram *flight[FLIGHT_MAX];
    size_t count;
    unsigned initiates;
    unsigned floods;
    unsigned hurried; /* so many more messages arrive before records are read */
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
    run->hurried -= run->hurried > 0 ? 1 : 0;
    if (run->hurried == 0) {
        lab_settle(run->l);
    }
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
        if ((s->b & 1) != 0) {
            const struct address sender = d->path.remote;
            d->path.remote = d->path.local;
            d->path.local = sender;
        } else {
            lab_address(&d->path.remote, 2);
        }
        break;
    default:
        break;
    }
    deliver(run, n);
}

/* ---- in the clear ---- */

static void in_the_clear(struct run *run, const struct step *s, size_t n)
{
    struct opened *o = run->opened;
    struct datagram *d = run->flight[n];
    bool more = (s->which & MORE) != 0;
    if (hostile_open(run->l, d, o)) {
        script_change(o, s);
        hostile_seal(o, d);
    } else {
        more = false;
    }
    if (!more) {
        deliver(run, n);
    }
}

static const uint8_t exchanges[] = { EXCHANGE_INFORMATIONAL, EXCHANGE_QUICK, EXCHANGE_MAIN,
                                     EXCHANGE_TRANSACTION, EXCHANGE_AGGRESSIVE };
#define EXCHANGES (sizeof exchanges / sizeof exchanges[0])

/* A message of somebody who has the keys, of one payload behind the HASH. */
static void speak(struct run *run, const struct step *s)
{
    struct opened *o = run->opened;
    unsigned to = s->which & 1u;
    unsigned exchange = exchanges[s->a % EXCHANGES];
    uint8_t body[256];
    struct datagram *d = calloc(1, sizeof *d);
    fuzz_check(d != NULL);
    if (hostile_main(run->l, to) != NULL) {
        hostile_begin(run->l, to, exchange, exchange == EXCHANGE_MAIN ? 0 : 1u + s->a, o);
        if ((s->which & CLEAR) != 0 && o->encrypted) {
            payload_remove(o, 0);
            o->encrypted = false;
            o->hash = 0;
        }
        if (s->what == TELL) {
            known_append(o, (enum known)((s->b >> 8) % KNOWN_COUNT), s->b & 255u);
        } else {
            script_fill(body, s->b & 255u, s->which >> 1);
            payload_insert(o, payload_count(o), s->b >> 8, body, s->b & 255u);
        }
        hostile_seal(o, d);
        if ((s->which & MORE) != 0) {
            (void)keep(run->l, d, 0);
        } else {
            hear(run, d);
        }
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
    size_t n = run->count == 0 ? 0 : (s->which & ~MORE) % run->count;
    unsigned host = s->which & 1u;
    if (s->what == PASS) {
        lab_pass(run->l, (uint64_t)s->a * 10);
    } else if (s->what == WHACK) {
        whack(run, host, s->a);
    } else if (s->what == KILL) {
        lab_kill(run->l, host, tools[s->a % 3]);
        lab_settle(run->l);
    } else if (s->what == HURRY) {
        run->hurried = s->a % 16;
    } else if (s->what == REFUSE) {
        struct fake *kernel = run->l->host[host].kernel;
        kernel->refuse_at = kernel->requests + 1 + s->a % 16;
        kernel->refuse_with = 1 + s->b % 120;
    } else if (s->what == SAY || s->what == TELL) {
        speak(run, s);
    } else if (s->what == FLOOD) {
        if (run->floods++ < FLOODS_MAX) {
            script_flood(run->l, s);
        }
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
        l->host[i].kernel->refuse_at = 0;
        lab_whack(l, i, "whack-terminate name=net");
    }
    lab_pass(l, QUIET);
    lab_initiate(l, 0);
    lab_settle(l);
    for (unsigned i = 0; i < 2 && !lab_up(l); i++) {
        fuzz_say("-- host %u says\n%.*s", i, (int)l->host[i].log.len, (const char *)l->host[i].log.data);
    }
    fuzz_check(lab_up(l));
}

/* Whatever peers say of lives, it makes them shorter. */
static void check_lives(const struct run *run)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct fake *kernel = run->l->host[i].kernel;
        for (size_t n = 0; n < kernel->sas; n++) {
            fuzz_check(kernel->sa[n].hard > 0 && kernel->sa[n].hard <= run->life[i]);
        }
    }
}

static struct config read_config(uint8_t byte)
{
    static const char *const words[8] = {
        LAB_CHEAP, POLICY "ike=aes256-sha2_512-modp2048 esp=aes256gcm16",
        POLICY "ike=classic esp=classic", POLICY "ike=aes256-sha2_256-modp2048",
        "policy=psk,encrypt,tunnel,pfs pfsgroup=ecp256,curve25519 ike=aes128-sha1-curve25519",
        POLICY "ike=default esp=default", "policy=psk,rsasig,encrypt,tunnel ike=3des-md5-modp1024 esp=3des-md5",
        "policy=psk,pfs,encrypt ike=aes192-sha2_384-ecp384 esp=aes192-sha2_512"
    };
    return (struct config){ .words = words[byte % 8], .bits = byte, .other = byte % 8 == 0 };
}

static void connect_hosts(struct run *run, const struct config *c)
{
    static const char *const ends[2] = {
        "left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=10.9.0.2 right-client=10.2.0.0/24",
        "left-host=10.9.0.1 right-host=10.9.0.2"
    };
    run->l = lab_new_alone();
    run->l->policies = (c->bits & HOSTS) != 0 ? 2 : 3;
    for (unsigned i = 0; i < 2; i++) {
        bool shorter = i == 1 && (c->bits & SHORTER) != 0;
        run->life[i] = shorter ? 300 : 3600;
        lab_whack(run->l, i, "whack-connection name=net %s %s%s", ends[(c->bits & HOSTS) != 0 ? 1 : 0], c->words,
                  shorter ? " ikelifetime=600 ipseclifetime=300 rekeymargin=30" : "");
    }
    if (c->other) {
        lab_whack(run->l, 1, "whack-connection name=other left-host=10.9.0.1 left-id=@gate.example "
                  "left-client=10.11.0.0/24 right-host=10.9.0.2 right-client=10.12.0.0/24 " POLICY
                  "ike=aes128-sha1-curve25519 esp=aes256gcm16");
        lab_whack(run->l, 1, "whack-connection name=road left-host=10.9.0.2 left-nexthop=%%25direct "
                  "left-client=10.2.0.0/24 right-host=%%25any " LAB_CHEAP);
    }
    if (strstr(c->words, "rsasig") != NULL) {
        lab_give_rsa(run->l);
    }
    run->l->network = keep;
    run->l->data = run;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct opened opened;
    struct fuzz_input in = { data, size };
    uint8_t byte = fuzz_u8(&in);
    const struct config config = read_config(byte);
    struct run run = { .opened = &opened };

    fuzz_random_begin(byte);
    connect_hosts(&run, &config);
    initiate(&run, (byte & HOST_1) != 0 ? 1 : 0);
    if ((byte & BOTH_INITIATE) != 0) {
        initiate(&run, 1);
    }
    for (unsigned i = 0; i < STEPS_MAX && in.left > 0; i++) {
        struct step s = { (uint8_t)(fuzz_u8(&in) % WHATS), fuzz_u8(&in), fuzz_u16(&in), 0 };
        s.b = fuzz_u16(&in);
        do_step(&run, &s);
        check_lives(&run);
    }
    lab_settle(run.l);
    if ((byte & FIND_AGAIN) != 0) {
        check_recovery(&run);
    }
    while (run.count > 0) {
        forget(&run, 0);
    }
    lab_free(run.l);
    return 0;
}
