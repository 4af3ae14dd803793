/* An attack on a negotiation or on an established pair of hosts, and what may come of it; see hostile.h. */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

struct plan {
    const struct attack *a;
    bool done;
    size_t forged_len;
    unsigned notified[LAB_HOSTS]; /* type of the last notification that a host sent; 0: none */
    struct opened *opened;
};

static void note_notification(struct lab *l, struct plan *p, const struct datagram *d)
{
    struct notification n;
    struct opened *o = p->opened;
    if (!hostile_open(l, d, o) || o->header.exchange != EXCHANGE_INFORMATIONAL) {
        return;
    }
    size_t len;
    size_t n_first = o->encrypted ? 1 : 0; /* behind the HASH */
    const uint8_t *payload = payload_at(o, n_first, &len);
    if (payload_type_of(o, n_first) == PAYLOAD_N
        && notification_decode(&n, payload + GENERIC_HEADER_LEN,
                               len - GENERIC_HEADER_LEN) == NULL) {
        p->notified[1 - o->to] = n.type;
    }
}

static unsigned forge(struct lab *l, struct datagram *d, unsigned number)
{
    struct plan *p = l->data;
    const struct attack *a = p->a;
    if (number != a->at || p->done) {
        note_notification(l, p, d);
        return 1;
    }
    p->done = true;
    struct datagram *forged = malloc(sizeof *forged);
    assert_non_null(forged);
    *forged = *d;
    if (a->change != NULL) {
        assert_true(hostile_open(l, d, p->opened));
        a->change(p->opened, a->variant);
        hostile_seal(p->opened, forged);
    }
    if (a->spoil != NULL) {
        a->spoil(forged, a->variant);
    }
    p->forged_len = forged->len;
    lab_inject(l, forged);
    free(forged);
    return a->instead ? 0 : 1;
}

/* What each host sends if nobody interferes; remembered for the words that were asked for last. */
static void honest_bytes(const char *words, uint64_t sent[2])
{
    static const char *last = "";
    static uint64_t last_sent[2];
    if (words == last) {
        memcpy(sent, last_sent, sizeof last_sent);
        return;
    }
    struct lab *l = lab_new(words);
    lab_initiate(l, 0);
    assert_true(lab_up(l));
    for (unsigned i = 0; i < 2; i++) {
        sent[i] = last_sent[i] = l->host[i].sent;
    }
    last = words;
    lab_free(l);
}

static void complain(const struct lab *l, const struct attack *a, const char *what)
{
    const struct buffer *log = &l->host[a->at % 2].log;
    fail_msg("message %u%s, variant %zu: %s (expected line: %s)\nthe receiver's log:\n%.*s", a->at,
             a->instead ? " replaced" : "", a->variant, what, a->line == NULL ? "-" : a->line,
             (int)log->len, log->len == 0 ? "" : (const char *)log->data);
}

static void check_answers(const struct lab *l, const struct attack *a, const struct plan *p,
                          const uint64_t honest[2])
{
    unsigned to = a->at % 2;
    const struct lab_host *h = &l->host[to];
    unsigned before = a->instead ? a->at / 2 : to == 0 ? 5 : 4;
    if (h->sent_count > before + a->answers) {
        complain(l, a, "it was answered");
    }
    if (!a->instead && h->sent > honest[to] + 3 * p->forged_len) {
        complain(l, a, "the answer is an amplification");
    }
    if (a->notify != ANY_NOTIFICATION && p->notified[to] != a->notify) {
        complain(l, a, a->notify == 0 ? "a notification was sent" : "not the right notification");
    }
}

/* [C3] Bad messages are logged and counted. */
static bool was_counted(const struct lab *l, unsigned host)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < FLAW_COUNT; i++) {
        count += l->host[host].ike->ignored[i] + l->host[host].keying.counters.ignored[i];
    }
    return count > 0;
}

void attack(const struct attack *a)
{
    uint64_t honest[2] = { 0 };
    struct plan p = { .a = a, .opened = malloc(sizeof *p.opened) };
    assert_non_null(p.opened);
    if (!a->instead) {
        honest_bytes(a->words, honest);
    }
    struct lab *l = lab_new(a->words);
    l->network = forge;
    l->data = &p;
    lab_initiate(l, 0);
    assert_true(p.done);
    if (a->line != NULL && !lab_logged(l, a->at % 2, a->line)) {
        complain(l, a, "no such line");
    }
    if (lab_logged(l, a->at % 2, " ignored") && !was_counted(l, a->at % 2)) {
        complain(l, a, "it was ignored and not counted");
    }
    if (a->never != NULL && lab_logged(l, a->at % 2, a->never)) {
        complain(l, a, "what may not be in the log is there");
    }
    if (lab_lines(l, a->at % 2) > 12) {
        complain(l, a, "too many lines");
    }
    check_answers(l, a, &p, honest);
    if (a->instead) {
        if (lab_up(l)) {
            complain(l, a, "a tunnel came of it");
        }
        lab_pass(l, 300000);
    }
    if (!lab_up(l)) {
        complain(l, a, "no tunnel comes afterwards");
    }
    lab_free(l);
    free(p.opened);
}

void assault(struct lab *l, const struct datagram *d, const char *line, unsigned notify)
{
    unsigned to = lab_host_of(&d->path.local);
    struct lab_host *h = &l->host[to];
    struct plan p = { .opened = malloc(sizeof *p.opened) };
    static const struct attack none = { .at = 0 };
    size_t sas = h->kernel->sas;
    uint64_t sent = h->sent;
    assert_non_null(p.opened);
    p.a = &none;
    l->network = forge;
    l->data = &p; /* cppcheck-suppress autoVariables ; taken back below */
    lab_forget_log(l);
    lab_hear(l, &d->path, d->bytes, d->len);
    lab_settle(l);
    l->network = NULL;
    l->data = NULL;
    free(p.opened);
    if (line != NULL && !lab_logged(l, to, line)) {
        fail_msg("expected line: %s\nlog:\n%.*s", line, (int)h->log.len, (const char *)h->log.data);
    }
    assert_int_equal(p.notified[to], notify);
    assert_true(h->sent - sent <= 3 * d->len);
    assert_true(notify != 0 || h->sent == sent);
    assert_int_equal(h->kernel->sas, sas);
    assert_true(lab_up(l));
}
