#include "hosts.h"

#include "plutod/requests.h"
#include "plutod/script.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT 7

static const unsigned direction[TOOLS][TOOLS] = {
    [P] = { 0, P_N, P_S, P_K }, [N] = { N_P, 0, N_S, N_K },
    [S] = { S_P, S_N, 0, S_K }, [K] = { K_P, K_N, K_S, 0 },
};

static bool runs(const struct host *h, unsigned tool)
{
    return tool == P || (tool == N && h->ike != NULL) || (tool == S && h->secrets != NULL)
           || (tool == K && h->kernel_runs);
}

/* Where `from` writes to `to`, or NULL: as far as it knows there is nobody. */
static struct buffer *out(struct host *h, unsigned from, unsigned to)
{
    return h->epoch[from][to] == 0 ? NULL : &h->q[from][to].b;
}

/* ---- plutod's surroundings ---- */

static void hook_log(void *context, enum log_level level, const char *prefix, const char *text)
{
    struct host *h = context;
    (void)level;
    buffer_add_text(&h->log, prefix);
    buffer_add_text(&h->log, text);
    buffer_add_text(&h->log, "\n");
}

static void hook_say(void *context, uint64_t client, const char *line)
{
    struct host *h = context;
    assert_int_equal(client, CLIENT);
    buffer_add_text(&h->said, line);
    buffer_add_text(&h->said, "\n");
}

static void hook_hold(void *context, uint64_t client)
{
    struct host *h = context;
    h->holds += client == CLIENT ? 1 : 0;
}

static void hook_release(void *context, uint64_t client)
{
    struct host *h = context;
    h->holds -= client == CLIENT ? 1 : 0;
    assert_true(h->holds >= 0);
}

static void hook_script(void *context, struct script_job *job)
{
    struct host *h = context;
    assert_true(h->job_count < 8);
    h->jobs[h->job_count++] = job;
}

static void hook_idle(void *context, uint32_t worker)
{
    (void)context;
    (void)worker;
}

/* ---- the negotiator's outputs ---- */

static struct buffer *out_kernel(void *context)
{
    return out(context, N, K);
}

static struct buffer *out_worker(void *context, uint64_t worker)
{
    struct host *h = context;
    return worker == h->worker_of[N] ? out(h, N, S) : NULL;
}

static void out_send(void *context, const struct path *path, const uint8_t *bytes, size_t len)
{
    struct host *h = context;
    struct hosts *w = h->w;
    assert_true(w->queued < 64);
    struct datagram *d = &w->queue[w->queued++];
    *d = (struct datagram){ .to = 1 - h->which, .len = len };
    d->path = (struct path){ .local = path->remote, .remote = path->local,
                             .local_port = path->remote_port, .remote_port = path->local_port };
    memcpy(d->bytes, bytes, len);
}

static void refill(struct host *h)
{
    uint8_t bytes[IKE_RANDOM_POOL];
    size_t want = ike_random_wanted(h->ike);
    if (want > 0 && RAND_bytes(bytes, (int)want) == 1) {
        ike_random(h->ike, bytes, want);
    }
}

static bool random_bytes(uint8_t *bytes, size_t len)
{
    return RAND_bytes(bytes, (int)len) == 1;
}

/* Looking the groups up takes longer than a negotiation: once. */
static const struct dh_lib *shared_dh(void)
{
    static struct dh_lib *dh;
    const char *why = NULL;
    if (dh == NULL) {
        dh = dh_lib_new(&why);
    }
    return dh;
}

/* ---- lives ---- */

static void add_channel(struct host *h, unsigned to, unsigned tool, uint64_t epoch)
{
    static const char *const names[TOOLS] = { "plutod", "ike-negotiate", "secrets", "kernel-sa" };
    char line[100];
    if (tool == S) {
        snprintf(line, sizeof line, "channel tool=secrets epoch=%u worker=%u\n", (unsigned)epoch, h->worker);
    } else {
        snprintf(line, sizeof line, "channel tool=%s epoch=%u\n", names[tool], (unsigned)epoch);
    }
    buffer_add_text(&h->q[P][to].b, line);
}

static void core_begins(struct host *h, unsigned tool)
{
    if (tool == N) {
        const struct ike_outputs outputs = { &h->q[N][P].b, out_kernel, out_worker, out_send, h };
        h->ike = ike_new(&outputs);
    } else if (tool == S) {
        h->worker++;
        h->secrets_log = (struct log){ .tool = "secrets", .records = &h->q[S][P].b };
        const struct core_config config = { h->store, shared_dh(), &h->secrets_log, random_bytes };
        h->secrets = secrets_new(&config);
    } else {
        uint32_t seed = 0;
        (void)RAND_bytes((unsigned char *)&seed, sizeof seed);
        h->kernel_runs = true;
        h->kernel->random = seed;
        h->kernel->die_at = 0;
        h->kernel->now = h->w->now;
        fake_restart(h->kernel);
    }
}

/* As plutod's process_start: channels to the others first, then the core of plutod hears of it. */
static void begins(struct host *h, unsigned tool)
{
    core_begins(h, tool);
    h->epoch[P][tool] = h->epoch[tool][P] = ++h->next_epoch;
    for (unsigned other = N; other < TOOLS; other++) {
        if (other != tool && h->epoch[P][other] != 0) {
            h->next_epoch++;
            add_channel(h, tool, other, h->next_epoch);
            add_channel(h, other, tool, h->next_epoch);
        }
    }
    if (tool == N) {
        keying_negotiator_up(&h->k, &h->q[P][N].b);
    } else if (tool == S) {
        assert_true(keying_worker_up(&h->k, h->worker, &h->q[P][S].b));
    } else {
        keying_kernel_up(&h->k, &h->q[P][K].b);
    }
}

static void dies(struct host *h, unsigned tool)
{
    if (tool == N) {
        ike_free(h->ike);
        h->ike = NULL;
    } else if (tool == S) {
        secrets_free(h->secrets);
        h->secrets = NULL;
    } else {
        h->kernel_runs = false;
    }
    h->worker_of[tool] = 0;
    h->dead[tool] = true;
    for (unsigned other = P; other < TOOLS; other++) {
        buffer_wipe(&h->q[other][tool].b);
        h->q[other][tool].old = 0;
        h->q[tool][other].old = h->q[tool][other].b.len;
        h->epoch[tool][other] = 0;
    }
}

/* `tool` sees the end of its channel to `gone`, or plutod reaps it. */
static void ends(struct host *h, unsigned tool, unsigned gone)
{
    h->epoch[tool][gone] = 0;
    buffer_wipe(&h->q[tool][gone].b);
    buffer_consume(&h->q[gone][tool].b, h->q[gone][tool].old);
    h->q[gone][tool].old = 0;
    if (tool == N && gone != P) {
        ike_source_gone(h->ike, h->w->now, gone == K ? FROM_KERNEL_SA : FROM_WORKER,
                        gone == K ? 0 : h->worker_of[N]);
    } else if (tool == K && gone == N) {
        core_connect(h->kernel->core, PEER_NEGOTIATE, NULL);
        core_negotiator_gone(h->kernel->core);
    } else if (tool == K && gone == S) {
        core_connect_worker(h->kernel->core, h->worker_of[K], NULL);
    }
}

static void reaped(struct host *h, unsigned gone)
{
    ends(h, P, gone);
    h->dead[gone] = false;
    if (gone == N) {
        keying_negotiator_down(&h->k);
    } else if (gone == S) {
        keying_worker_down(&h->k, h->worker);
    } else {
        keying_kernel_down(&h->k);
    }
    begins(h, gone);
}

static void connected(struct host *h, unsigned tool, const struct record *r)
{
    static const unsigned of[] = { [TOOL_IKE_NEGOTIATE] = N, [TOOL_SECRETS] = S, [TOOL_KERNEL_SA] = K };
    unsigned other = of[record_word(r, K_TOOL)];
    if (h->epoch[tool][other] != 0) {
        ends(h, tool, other);
    }
    buffer_wipe(&h->q[tool][other].b);
    h->epoch[tool][other] = record_number(r, K_EPOCH);
    if (tool == N && other == S) {
        h->worker_of[N] = (uint32_t)record_number(r, K_WORKER);
    }
    if (tool == N && other == K) {
        refill(h);
        ike_kernel_ready(h->ike, h->w->now);
    } else if (tool == S && other == K) {
        const struct core_out o = { out(h, S, P), out(h, S, N), out(h, S, K) };
        secrets_kernel_again(h->secrets, &o);
    } else if (tool == K && other == N) {
        core_connect(h->kernel->core, PEER_NEGOTIATE, &h->kernel->out[PEER_NEGOTIATE]);
    } else if (tool == K && other == S) {
        h->worker_of[K] = (uint32_t)record_number(r, K_WORKER);
        h->kernel->worker = h->worker_of[K];
        core_connect_worker(h->kernel->core, h->worker_of[K], &h->kernel->out[PEER_SECRETS]);
    }
}

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
        struct buffer *o = out(h, K, who[peer]);
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
        connected(h, to, r);
    } else if (why == NULL && to == P) {
        why = r->verb == V_BAD ? "bad" : to_plutod(h, from, r);
    } else if (why == NULL && to == N) {
        refill(h);
        why = ike_record(h->ike, h->w->now, sources[from], from == S ? h->worker_of[N] : 0, r);
    } else if (why == NULL && to == S) {
        const struct core_out o = { out(h, S, P), out(h, S, N), out(h, S, K) };
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
    if (q->b.len == 0 || !runs(h, to) || h->epoch[to][from] == 0 || (q->old == 0 && !open)) {
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
    static const unsigned order[][2] = { { P, K }, { P, S }, { P, N }, { S, P }, { K, P }, { S, K },
                                         { K, S }, { S, N }, { K, N }, { N, P }, { N, S }, { N, K } };
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
            reaped(h, tool);
            return true;
        }
    }
    return false;
}

static bool others_notice(struct host *h)
{
    for (unsigned tool = N; tool < TOOLS; tool++) {
        for (unsigned other = N; other < TOOLS; other++) {
            if (tool != other && runs(h, tool) && h->epoch[tool][other] != 0
                && h->epoch[other][tool] == 0 && h->dead[other] && h->q[other][tool].old == 0) {
                ends(h, tool, other);
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
    keying_script_done(&h->k, id, true);
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
        refill(h);
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
        dies(h, w->death.tool);
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
        uint64_t at[] = { agenda_next(&h->k.agenda), h->ike == NULL ? UINT64_MAX : ike_next_timer(h->ike),
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
            refill(h);
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

static void host_init(struct hosts *w, unsigned which)
{
    struct host *h = &w->host[which];
    const struct keying_settings settings = { .epoch = 5 + which, .ikeport = 500, .updown = "/updown" };
    const struct keying_hooks hooks = { .context = h, .log = hook_log, .say = hook_say, .hold = hook_hold,
                                        .release = hook_release, .script = hook_script, .idle = hook_idle };
    struct interface *list = calloc(1, sizeof *list);
    h->w = w;
    h->which = which;
    h->store = store_new();
    (void)store_add(h->store, "hosts", 1, NULL, 0, (const uint8_t *)"a secret", 8);
    h->kernel = fake_new(MAKER_DAEMON);
    keying_init(&h->k, &settings, &hooks);
    h->k.now = w->now;
    begins(h, K);
    begins(h, N);
    begins(h, S);
    assert_null(address_parse(&list->address, which == 0 ? "10.9.0.1" : "10.9.0.2"));
    list->port = 500;
    keying_interfaces(&h->k, list, 1);
}

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
