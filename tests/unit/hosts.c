/* Two hosts: what happens when, and in which order. */
#include "hosts_private.h"

#include "plutod/requests.h"
#include "plutod/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned direction[TOOLS][TOOLS] = {
    [P] = { 0, P_N, P_S, P_K }, [N] = { N_P, 0, N_S, N_K },
    [S] = { S_P, S_N, 0, S_K }, [K] = { K_P, K_N, K_S, 0 },
};

/* ---- events ---- */

static const char *to_plutod(struct host *h, unsigned from, const struct record *r)
{
    const char *why = "?";
    bool good = from == N   ? keying_from_negotiator(&h->k, r, &why)
                : from == S ? keying_from_secrets(&h->k, h->worker, r, &why)
                            : keying_from_kernel(&h->k, r, &why);
    return good ? NULL : why;
}

static void kernel_said(struct host *h)
{
    static const unsigned who[PEER_COUNT] = { P, N, S };
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        struct buffer *b = &h->kernel->out[peer];
        struct buffer *o = host_out(h, K, who[peer]);
        if (o != NULL && b->len > 0) {
            buffer_add(o, b->data, b->len);
        }
        buffer_wipe(b);
    }
}

static void take(struct host *h, unsigned from, unsigned to, char *line, size_t len)
{
    static const enum core_peer peers[TOOLS] = { PEER_PLUTOD, PEER_NEGOTIATE, PEER_SECRETS, 0 };
    static const enum ike_source sources[TOOLS] = { FROM_PLUTOD, 0, FROM_WORKER, FROM_KERNEL_SA };
    struct record *r = malloc(sizeof *r);
    enum key field = K_END;
    char *shown = strndup(line, len);
    assert_non_null(r);
    const char *why = record_parse(r, line, len, direction[from][to], &field);
    if (why == NULL && r->verb == V_CHANNEL) {
        host_connected(h, to, r);
    } else if (why == NULL && to == P) {
        why = r->verb == V_BAD ? "bad" : to_plutod(h, from, r);
    } else if (why == NULL && to == N) {
        host_refill(h);
        why = ike_record(h->ike, h->w->now, sources[from], from == S ? h->worker_of[N] : 0, r);
    } else if (why == NULL && to == S) {
        const struct core_out o = { host_out(h, S, P), host_out(h, S, N), host_out(h, S, K) };
        secrets_record(h->secrets, r, &o, h->w->now);
    } else if (why == NULL) {
        h->kernel->now = h->w->now;
        fake_feed(h->kernel, peers[from], "%s", shown);
    }
    if (why != NULL) {
        fail_msg("host %u: %s (%s)", h->which, shown, why);
    }
    free(shown);
    free(r);
}

static bool deliver(struct host *h, unsigned from, unsigned to)
{
    struct line_queue *q = &h->q[from][to];
    bool open = h->epoch[from][to] != 0 && h->epoch[from][to] == h->epoch[to][from];
    if (q->b.len == 0 || !host_runs(h, to) || h->epoch[to][from] == 0 || (q->old == 0 && !open)) {
        return false;
    }
    const uint8_t *end = memchr(q->b.data, '\n', q->b.len);
    assert_non_null(end);
    size_t len = (size_t)(end - q->b.data);
    char *line = strndup((const char *)q->b.data, len);
    buffer_consume(&q->b, len + 1);
    q->old -= q->old > 0 ? len + 1 : 0;
    take(h, from, to, line, len);
    free(line);
    return true;
}

/* Everybody hears plutod first, and plutod the others before ike-negotiate. */
static bool one_record(struct host *h)
{
    static const unsigned order[][2] = {
        { P, K }, { P, S }, { P, N }, { S, P }, { K, P }, { S, K },
        { K, S }, { S, N }, { K, N }, { N, P }, { N, S }, { N, K }
    };
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (deliver(h, order[i][0], order[i][1])) {
            return true;
        }
    }
    return false;
}

static bool plutod_notices(struct host *h)
{
    for (unsigned tool = N; tool < TOOLS; tool++) {
        if (h->dead[tool] && h->q[tool][P].old == 0) {
            host_reaped(h, tool);
            return true;
        }
    }
    return false;
}

static bool others_notice(struct host *h)
{
    for (unsigned tool = N; tool < TOOLS; tool++) {
        for (unsigned other = N; other < TOOLS; other++) {
            if (tool != other && host_runs(h, tool) && h->epoch[tool][other] != 0
                && h->epoch[other][tool] == 0 && h->dead[other] && h->q[other][tool].old == 0) {
                host_ends(h, tool, other);
                return true;
            }
        }
    }
    return false;
}

static bool one_script(struct host *h)
{
    if (h->job_count == 0) {
        return false;
    }
    struct script_job *job = h->jobs[0];
    uint64_t id = job->id;
    h->job_count--;
    memmove(h->jobs, h->jobs + 1, h->job_count * sizeof h->jobs[0]);
    script_job_free(job);
    keying_script_done(&h->k, id, NULL);
    return true;
}

static bool one_of_host(struct host *h)
{
    h->k.now = h->w->now;
    enum notice n = h->w->death.notice;
    if ((n == PLUTOD_FIRST && plutod_notices(h)) || (n != PLUTOD_FIRST && others_notice(h))
        || (n == OTHERS_FIRST && plutod_notices(h))) {
        return true;
    }
    return one_record(h) || one_script(h);
}

static bool one_datagram(struct hosts *w)
{
    for (size_t i = 0; i < w->queued; i++) {
        struct datagram d = w->queue[i];
        struct host *h = &w->host[d.to];
        if (h->ike == NULL) {
            continue; /* the socket keeps it for the next one */
        }
        w->queued--;
        memmove(&w->queue[i], &w->queue[i + 1], (w->queued - i) * sizeof d);
        host_refill(h);
        ike_datagram(h->ike, w->now, &d.path, d.bytes, d.len);
        return true;
    }
    return false;
}

static bool one(struct hosts *w)
{
    return one_of_host(&w->host[0]) || one_of_host(&w->host[1]) || one_datagram(w)
           || plutod_notices(&w->host[0]) || plutod_notices(&w->host[1]);
}

static void after_event(struct hosts *w, const size_t before[TOOLS])
{
    struct host *h = &w->host[w->death.host];
    for (unsigned i = 0; i < 2; i++) {
        if (w->host[i].kernel_runs) {
            kernel_said(&w->host[i]);
        }
    }
    if (++w->events == w->death.at) {
        for (unsigned to = P; to < TOOLS && w->death.lost; to++) {
            struct buffer *b = &h->q[w->death.tool][to].b;
            if (b->len > before[to]) {
                buffer_truncate(b, before[to]);
            }
        }
        host_dies(h, w->death.tool);
        w->died = true;
    }
    if (w->look != NULL) {
        w->look(w);
    }
}

static bool event(struct hosts *w, bool (*happen)(struct hosts *w))
{
    size_t before[TOOLS];
    for (unsigned to = P; to < TOOLS; to++) {
        before[to] = w->host[w->death.host].q[w->death.tool][to].b.len;
    }
    bool happened = happen(w);
    if (happened) {
        after_event(w, before);
    }
    return happened;
}

void hosts_settle(struct hosts *w)
{
    unsigned rounds = 0;
    while (event(w, one)) {
        assert_true(++rounds < 100000);
    }
}

static uint64_t next_timer(const struct hosts *w)
{
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < 2; i++) {
        const struct host *h = &w->host[i];
        uint64_t at[] = { agenda_next(&h->k.agenda),
                          h->ike == NULL ? UINT64_MAX : ike_next_timer(h->ike),
                          h->kernel_runs ? core_deadline(h->kernel->core) : UINT64_MAX };
        for (unsigned j = 0; j < 3; j++) {
            next = at[j] < next ? at[j] : next;
        }
    }
    return next;
}

static bool timers(struct hosts *w)
{
    for (unsigned i = 0; i < 2; i++) {
        struct host *h = &w->host[i];
        h->k.now = w->now;
        keying_tick(&h->k);
        if (h->ike != NULL) {
            host_refill(h);
            ike_timer(h->ike, w->now);
        }
        if (h->kernel_runs) {
            h->kernel->now = w->now;
            fake_pass(h->kernel, 0);
        }
    }
    return true;
}

void hosts_pass(struct hosts *w, uint64_t ms)
{
    uint64_t end = w->now + ms;
    hosts_settle(w);
    for (uint64_t next; (next = next_timer(w)) <= end;) {
        w->now = next > w->now ? next : w->now;
        (void)event(w, timers);
        hosts_settle(w);
    }
    w->now = end;
}

void hosts_mark(struct hosts *w)
{
    w->events = 0;
}

void hosts_whack(struct hosts *w, unsigned host, const char *line)
{
    struct host *h = &w->host[host];
    struct record *r = malloc(sizeof *r);
    char *copy = strdup(line);
    enum key field = K_END;
    h->k.now = w->now;
    const char *why = record_parse(r, copy, strlen(copy), W_P, &field);
    if (why != NULL || !request_take(&h->k, CLIENT, r)) {
        fail_msg("%s: %s", line, why == NULL ? "not for the core" : why);
    }
    free(copy);
    free(r);
}

/* ---- making ---- */

struct hosts *hosts_new(void)
{
    struct hosts *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->now = 1000000;
    w->death.tool = N;
    host_init(w, 0);
    host_init(w, 1);
    hosts_settle(w);
    return w;
}

void hosts_free(struct hosts *w)
{
    for (unsigned i = 0; i < 2; i++) {
        struct host *h = &w->host[i];
        while (h->job_count > 0) {
            script_job_free(h->jobs[--h->job_count]);
        }
        keying_free(&h->k);
        ike_free(h->ike);
        secrets_free(h->secrets);
        fake_free(h->kernel);
        store_free(h->store);
        for (unsigned from = P; from < TOOLS; from++) {
            for (unsigned to = P; to < TOOLS; to++) {
                buffer_wipe(&h->q[from][to].b);
            }
        }
        buffer_wipe(&h->said);
        buffer_wipe(&h->log);
    }
    free(w);
}
