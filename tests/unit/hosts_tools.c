/* The tools of a host: how they begin and die, and what they have of their surroundings. */
#include "hosts_private.h"

#include "shared_dh.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool host_runs(const struct host *h, unsigned tool)
{
    return tool == P || (tool == N && h->ike != NULL) || (tool == S && h->secrets != NULL)
           || (tool == K && h->kernel_runs);
}

/* Where `from` writes to `to`, or NULL: as far as it knows there is nobody. */
struct buffer *host_out(struct host *h, unsigned from, unsigned to)
{
    return h->epoch[from][to] == 0 ? NULL : &h->q[from][to].b;
}

/* ---- plutod's surroundings ---- */

static void hook_log(void *context, enum log_level level, const struct address *peer,
                     const char *prefix, const char *text)
{
    struct host *h = context;
    (void)peer;
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

static bool hook_is_there(void *context, uint64_t client)
{
    (void)context;
    return client == CLIENT;
}

static bool hook_process(void *context, unsigned place, struct process_view *view)
{
    (void)context;
    *view = (struct process_view){ .tool = "plutod", .current = true, .pid = 1 };
    return place == 0;
}

static bool hook_question(void *context, struct question_view *view)
{
    (void)context;
    (void)view;
    return false;
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

/* There is no DNS here. */
static void hook_need_dnskey(void *context)
{
    (void)context;
}

static void hook_end_dnskey(void *context, const char *why)
{
    (void)context;
    (void)why;
}

/* ---- the negotiator's outputs ---- */

static struct buffer *out_kernel(void *context)
{
    return host_out(context, N, K);
}

static struct buffer *out_worker(void *context, uint64_t worker)
{
    struct host *h = context;
    return worker == h->worker_of[N] ? host_out(h, N, S) : NULL;
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

void host_refill(struct host *h)
{
    uint8_t bytes[IKE_RANDOM_POOL];
    size_t want = ike_random_wanted(h->ike);
    if (want > 0 && RAND_bytes(bytes, (int)want) == 1) {
        ike_random(h->ike, bytes, want);
    }
}

/* ---- lives ---- */

static void add_channel(struct host *h, unsigned to, unsigned tool, uint64_t epoch)
{
    static const char *const names[TOOLS] = { "plutod", "ike-negotiate", "secrets", "kernel-sa" };
    char line[100];
    if (tool == S) {
        snprintf(line, sizeof line, "channel tool=secrets epoch=%u worker=%u\n", (unsigned)epoch,
                 h->worker);
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
        const struct core_config config = { .store = h->store, .dh = shared_dh(), .log = &h->secrets_log,
                                            .random = dh_random };
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
void host_begins(struct host *h, unsigned tool)
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

void host_dies(struct host *h, unsigned tool)
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
void host_ends(struct host *h, unsigned tool, unsigned gone)
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

void host_reaped(struct host *h, unsigned gone)
{
    host_ends(h, P, gone);
    h->dead[gone] = false;
    if (gone == N) {
        keying_negotiator_down(&h->k);
    } else if (gone == S) {
        keying_worker_down(&h->k, h->worker);
    } else {
        keying_kernel_down(&h->k);
    }
    host_begins(h, gone);
}

void host_connected(struct host *h, unsigned tool, const struct record *r)
{
    static const unsigned of[] = { [TOOL_IKE_NEGOTIATE] = N, [TOOL_SECRETS] = S,
                                   [TOOL_KERNEL_SA] = K };
    unsigned other = of[record_word(r, K_TOOL)];
    if (h->epoch[tool][other] != 0) {
        host_ends(h, tool, other);
    }
    buffer_wipe(&h->q[tool][other].b);
    h->epoch[tool][other] = record_number(r, K_EPOCH);
    if (tool == N && other == S) {
        h->worker_of[N] = (uint32_t)record_number(r, K_WORKER);
    }
    if (tool == N && other == K) {
        host_refill(h);
        ike_kernel_ready(h->ike, h->w->now);
    } else if (tool == S && other == K) {
        const struct core_out o = { host_out(h, S, P), host_out(h, S, N), host_out(h, S, K) };
        secrets_kernel_again(h->secrets, &o);
    } else if (tool == K && other == N) {
        core_connect(h->kernel->core, PEER_NEGOTIATE, &h->kernel->out[PEER_NEGOTIATE]);
    } else if (tool == K && other == S) {
        h->worker_of[K] = (uint32_t)record_number(r, K_WORKER);
        h->kernel->worker = h->worker_of[K];
        core_connect_worker(h->kernel->core, h->worker_of[K], &h->kernel->out[PEER_SECRETS]);
    }
}

/* ---- making ---- */

void host_init(struct hosts *w, unsigned which)
{
    struct host *h = &w->host[which];
    const struct keying_settings settings = { .epoch = 5 + which, .ikeport = 500,
                                              .updown = "/updown" };
    const struct keying_hooks hooks = { .context = h, .log = hook_log, .say = hook_say,
                                        .hold = hook_hold, .release = hook_release, .is_there = hook_is_there,
                                        .script = hook_script, .idle = hook_idle,
                                        .need_dnskey = hook_need_dnskey, .end_dnskey = hook_end_dnskey,
                                        .json = hook_say, .process = hook_process,
                                        .question = hook_question };
    struct interface *list = calloc(1, sizeof *list);
    assert_non_null(list);
    h->w = w;
    h->which = which;
    h->store = store_new();
    (void)store_add(h->store, "hosts", 1, NULL, 0, (const uint8_t *)"a secret", 8);
    h->kernel = fake_new(MAKER_DAEMON);
    keying_init(&h->k, &settings, &hooks);
    h->k.now = w->now;
    host_begins(h, K);
    host_begins(h, N);
    host_begins(h, S);
    assert_null(address_parse(&list->address, which == 0 ? "10.9.0.1" : "10.9.0.2"));
    list->port = 500;
    keying_interfaces(&h->k, list, 1, false);
}
