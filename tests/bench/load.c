/*
 * load - thousands of initiators against one responder, and what that costs it
 *
 *   load --remote ADDRESS --first ADDRESS --port PORT --ike WORDS --secretsfile FILE [--rsasig ID] [--quick]
 *        --peers N --warm N --flight N [--rate PER-SECOND] [--give-up SECONDS] [--linger SECONDS] [--watch NAME=PID]...
 *
 * The first `warm` negotiations are not counted, the `peers` after them are. `flight` of them are kept
 * going at once, and memory is looked at `linger` seconds after the last one; with --rate no more begin than so many a second. Prints lines of a name and a number.
 */
#include "crowd.h"
#include "watch.h"

#include "clock.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    struct crowd_plan plan;
    uint64_t peers, warm, flight, rate, port, give_up, linger;
    struct watch watch;
};

/* ---- one value for all peers: making new ones would cost as much as answering them ---- */

struct dh *__real_dh_new(const struct dh_lib *lib, enum group_id group);
struct dh *__wrap_dh_new(const struct dh_lib *lib, enum group_id group);
void __wrap_dh_free(struct dh *dh);

struct dh *__wrap_dh_new(const struct dh_lib *lib, enum group_id group)
{
    static struct dh *shared[GROUP_COUNT];
    if (shared[group] == NULL) {
        shared[group] = __real_dh_new(lib, group);
    }
    return shared[group];
}

void __wrap_dh_free(struct dh *dh)
{
    (void)dh;
}

/* ---- options ---- */

static bool number(const char *text, uint64_t *n)
{
    char *end = NULL;
    errno = 0;
    *n = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

static bool take_option(struct options *o, int option, const char *value)
{
    switch (option) {
    case 'r':
        return address_parse(&o->plan.remote, value) == NULL;
    case 'a':
        return address_parse(&o->plan.first, value) == NULL;
    case 'i':
        o->plan.ike = value;
        return true;
    case 's':
        o->plan.secrets = value;
        return true;
    case 'k':
        o->plan.rsasig = true;
        o->plan.id = value;
        return true;
    case 'q':
        o->plan.quick = true;
        return true;
    case 'P':
        return number(value, &o->port) && o->port > 0 && o->port < 65536;
    case 'n':
        return number(value, &o->peers) && o->peers < 1000000;
    case 'w':
        return number(value, &o->warm) && o->warm < 1000000;
    case 'f':
        return number(value, &o->flight) && o->flight > 0;
    case 'R':
        return number(value, &o->rate) && o->rate > 0;
    case 'g':
        return number(value, &o->give_up);
    case 'l':
        return number(value, &o->linger) && o->linger < 3600;
    case 'W':
        return watch_add(&o->watch, value);
    default:
        return false;
    }
}

static bool parse_options(struct options *o, int argc, char **argv)
{
    static const struct option words[] = {
        { "remote", required_argument, NULL, 'r' }, { "first", required_argument, NULL, 'a' },
        { "port", required_argument, NULL, 'P' },   { "ike", required_argument, NULL, 'i' },
        { "secretsfile", required_argument, NULL, 's' }, { "quick", no_argument, NULL, 'q' },
        { "peers", required_argument, NULL, 'n' },  { "warm", required_argument, NULL, 'w' },
        { "flight", required_argument, NULL, 'f' }, { "rate", required_argument, NULL, 'R' },
        { "give-up", required_argument, NULL, 'g' }, { "watch", required_argument, NULL, 'W' },
        { "linger", required_argument, NULL, 'l' }, { "rsasig", required_argument, NULL, 'k' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = getopt_long(argc, argv, "", words, NULL)) != -1) {
        if (!take_option(o, option, optarg)) {
            (void)fprintf(stderr, "load: wrong option or value: %s\n", argv[optind - 1]);
            return false;
        }
    }
    return optind == argc && o->plan.remote.family == 4 && o->plan.first.family == 4;
}

/* ---- the run ---- */

struct run {
    const struct options *o;
    struct crowd *crowd;
    uint64_t began; /* ms: of the counted part */
    uint64_t done_before;
    uint64_t failed_before;
};

static bool may_begin(const struct run *r, uint64_t until, uint64_t now)
{
    const struct crowd *c = r->crowd;
    return c->begun < until && c->begun - c->done - c->failed < r->o->flight
           && (r->o->rate == 0
               || (c->begun - r->done_before - r->failed_before) * 1000
                      <= (now - r->began) * r->o->rate);
}

/* Until `until` peers have had their end, or nothing more is expected. */
static void go(const struct run *r, uint64_t until)
{
    struct crowd *c = r->crowd;
    uint64_t now = clock_ms();
    const uint64_t last = now + r->o->give_up * 1000;
    while (c->done + c->failed < until && now < last) {
        struct pollfd readable = { .fd = c->wire->fd, .events = POLLIN };
        while (may_begin(r, until, now)) {
            crowd_begin(c, now);
        }
        uint64_t next = crowd_next_timer(c);
        uint64_t wait = next > now ? next - now : 0;
        uint64_t most = r->o->rate != 0 ? 5 : 500;
        (void)poll(&readable, 1, (int)(wait < most ? wait : most));
        now = clock_ms();
        for (int i = 0; i < 16 && crowd_turn(c, now); i++) {
        }
    }
}

/* What is kept for duplicates only is gone after 70 seconds, on both sides. */
static void linger(struct crowd *c, uint64_t seconds)
{
    const uint64_t last = clock_ms() + seconds * 1000;
    for (uint64_t now = clock_ms(); now < last; now = clock_ms()) {
        struct pollfd readable = { .fd = c->wire->fd, .events = POLLIN };
        (void)poll(&readable, 1, 100);
        (void)crowd_turn(c, clock_ms());
    }
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a;
    const uint32_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* Processes of one name are one, said where the first of them stands. */
static void report_process(const struct watch *w, unsigned which, uint64_t done)
{
    uint64_t ns = 0;
    uint64_t kb_before = 0;
    uint64_t kb = 0;
    const char *name = w->of[which].name;
    for (unsigned i = 0; i < w->count; i++) {
        if (strcmp(w->of[i].name, name) != 0) {
            continue;
        }
        if (i < which) {
            return;
        }
        ns += w->of[i].ns;
        kb_before += w->of[i].kb_before;
        kb += w->of[i].kb;
    }
    (void)printf("cpu-us-%s %.1f\nkb-before-%s %" PRIu64 "\nkb-%s %" PRIu64 "\n", name,
                 done == 0 ? 0.0 : (double)ns / 1e3 / (double)done, name, kb_before, name, kb);
}

static void report(const struct run *r, uint64_t wall_ns, const struct watch *w)
{
    const struct crowd *c = r->crowd;
    const uint64_t done = c->done - r->done_before;
    uint32_t *took = c->took + r->done_before;
    uint64_t all = 0;

    qsort(took, done, sizeof *took, compare);
    (void)printf("done %" PRIu64 "\nfailed %" PRIu64 "\n", done, r->o->peers - done);
    (void)printf("wall-ms %.1f\nrate %.1f\n", (double)wall_ns / 1e6,
                 (double)done * 1e9 / (double)wall_ns);
    if (done > 0) {
        (void)printf("median-ms %u\nworst-ms %u\np99-ms %u\n", took[done / 2], took[done - 1],
                     took[done - 1 - done / 100]);
    }
    for (unsigned i = 0; i < w->count; i++) {
        report_process(w, i, done);
        all += w->of[i].ns;
    }
    (void)printf("cpu-us-all %.1f\n", done == 0 ? 0.0 : (double)all / 1e3 / (double)done);
    if (c->why[0] != '\0') {
        (void)fprintf(stderr, "load: %" PRIu64 " failed, the first one so: %s\n", c->failed, c->why);
    }
}

int main(int argc, char **argv)
{
    struct options o = { .flight = 64, .port = 4501, .give_up = 120 };
    struct wire wire;
    struct crowd crowd;
    const char *why = NULL;

    o.plan.secrets = "/etc/ipsec.secrets";
    o.plan.ike = "aes128-sha2_256-modp2048";
    if (!parse_options(&o, argc, argv)) {
        return 100;
    }
    if (!wire_open(&wire, (uint16_t)o.port)) {
        (void)fprintf(stderr, "load: UDP port %u: %s\n", (unsigned)o.port, strerror(errno));
        return 111;
    }
    if (!crowd_init(&crowd, &o.plan, &wire, o.warm + o.peers, &why)) {
        (void)fprintf(stderr, "load: %s\n", why);
        return 111;
    }
    struct run r = { .o = &o, .crowd = &crowd, .began = clock_ms() };
    go(&r, o.warm);
    r.began = clock_ms();
    r.done_before = crowd.done;
    r.failed_before = crowd.failed;
    watch_begin(&o.watch);
    uint64_t start = watch_clock_ns();
    go(&r, o.warm + o.peers);
    uint64_t wall = watch_clock_ns() - start;
    watch_until_quiet(&o.watch);
    watch_end(&o.watch);
    linger(&crowd, o.linger);
    watch_memory(&o.watch);
    report(&r, wall, &o.watch);
    bool good = crowd.failed == 0 && crowd.done == o.warm + o.peers;
    crowd_free(&crowd);
    wire_close(&wire);
    return good ? 0 : 1;
}
