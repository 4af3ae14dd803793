#include "state.h"

#include <assert.h>
#include <bsd/sys/endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct core *core_new(enum maker maker)
{
    struct core *core = calloc(1, sizeof *core);
    if (core != NULL) {
        core->maker = maker;
    }
    return core;
}

void core_free(struct core *core)
{
    if (core == NULL) {
        return;
    }
    struct exchange *x;
    struct exchange *next_x;
    memset(core->workers, 0, sizeof core->workers); /* nobody is told */
    HASH_ITER(hh, core->exchanges, x, next_x) {
        exchange_drop(core, x);
    }
    struct policy_entry *e;
    struct policy_entry *next_e;
    HASH_ITER(hh, core->policies, e, next_e) {
        policy_remove(&core->policies, e);
    }
    free(core->job.todo);
    buffer_wipe(&core->job.others_text);
    spis_free(&core->spis);
    explicit_bzero(core, sizeof *core);
    free(core);
}

void core_connect(struct core *core, enum core_peer peer, struct buffer *out)
{
    if (peer == PEER_SECRETS) {
        core_connect_worker(core, 0, out);
    } else {
        core->out[peer] = out;
    }
}

static struct worker *find_worker(struct core *core, uint64_t number)
{
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        if (core->workers[i].out != NULL && core->workers[i].number == number) {
            return &core->workers[i];
        }
    }
    return NULL;
}

void core_connect_worker(struct core *core, uint64_t worker, struct buffer *out)
{
    struct worker *w = find_worker(core, worker);
    for (size_t i = 0; i < WORKERS_MAX && w == NULL; i++) {
        w = core->workers[i].out == NULL ? &core->workers[i] : NULL;
    }
    if (w != NULL) { /* the owner has no more channels than there are places */
        *w = (struct worker){ .number = worker, .out = out };
    }
}

void core_negotiator_gone(struct core *core)
{
    for (struct exchange *x = core->exchanges; x != NULL; x = x->hh.next) {
        x->answer_due = false;
        x->activate_due = false;
    }
}

size_t core_random_wanted(const struct core *core)
{
    return RANDOM_MAX - core->random_count;
}

void core_random(struct core *core, const uint32_t *words, size_t count)
{
    assert(count <= core_random_wanted(core));
    memcpy(core->random + core->random_count, words, count * sizeof *words);
    core->random_count += count;
}

uint32_t core_word(struct core *core)
{
    if (core->random_count == 0) {
        return 0;
    }
    uint32_t word = core->random[--core->random_count];
    core->random[core->random_count] = 0;
    return word;
}

/* ---- exchanges ---- */

struct exchange *exchange_find(struct core *core, uint64_t number)
{
    struct exchange *x = NULL;
    HASH_FIND(hh, core->exchanges, &number, sizeof number, x);
    return x;
}

struct exchange *exchange_get(struct core *core, uint64_t number)
{
    struct exchange *x = exchange_find(core, number);
    if (x != NULL) {
        return x;
    }
    if (HASH_COUNT(core->exchanges) >= EXCHANGES_MAX) {
        return NULL;
    }
    x = calloc(1, sizeof *x);
    if (x != NULL) {
        x->number = number;
        HASH_ADD(hh, core->exchanges, number, sizeof x->number, x);
    }
    return x;
}

void exchange_set_deadline(struct core *core, struct exchange *x)
{
    x->deadline = core->now + GIVE_UP;
    if (core->soonest == 0 || x->deadline < core->soonest) {
        core->soonest = x->deadline;
    }
}

void exchange_wipe_keys(struct core *core, struct exchange *x)
{
    const struct worker *w = x->keys_due ? find_worker(core, x->keys_worker) : NULL;
    struct record_writer writer;
    if (w != NULL) {
        record_answer(&writer, w->out, V_OK, V_SA_KEYS, x->keys_id);
        (void)record_finish(&writer);
    }
    x->keys_due = false;
    if (x->keys != NULL) {
        explicit_bzero(x->keys, sizeof *x->keys);
        free(x->keys);
        x->keys = NULL;
    }
}

void exchange_drop(struct core *core, struct exchange *x)
{
    for (unsigned way = 0; way < WAY_COUNT; way++) {
        if (x->policy[way] != NULL) {
            x->policy[way]->refs--;
            x->policy[way]->orphans -= orphan_is(x) ? 1 : 0;
        }
        free(x->before[way]);
    }
    if (x->parked) {
        core->parked--;
    }
    exchange_wipe_keys(core, x);
    free(x->permit.esp);
    free(x->permit.connection);
    HASH_DEL(core->exchanges, x);
    free(x);
}

/* ---- speaking ---- */

void core_log(struct core *core, enum log_level level, uint64_t exchange, const char *text)
{
    struct record_writer w;
    char missing[LINE_MISSING];
    char more[WHY_MAX + LINE_MISSING];
    if (core->out[PEER_PLUTOD] == NULL) {
        return;
    }
    /* A hijacked process could otherwise fill the log, by what is refused and by what it leaves undone. */
    struct line_bucket *b = &core->said[level == LOG_LEVEL_SERIOUS];
    if (!line_bucket_take(b, SAID_EVERY, SAID_BURST, core->now)) {
        return;
    }
    (void)snprintf(more, sizeof more, "%s%s", text, line_bucket_missing(b, missing));
    text = more;
    record_start(&w, core->out[PEER_PLUTOD], V_LOG);
    record_put_word(&w, K_LEVEL, level);
    record_put_text(&w, K_TEXT, text);
    if (exchange != 0) {
        record_put_number(&w, K_EXCHANGE, exchange);
    }
    (void)record_finish(&w);
}

void core_answer(struct core *core, enum core_peer to, enum verb re, uint64_t id)
{
    struct record_writer w;
    if (core->out[to] != NULL) {
        record_answer(&w, core->out[to], V_OK, re, id);
        (void)record_finish(&w);
    }
}

void core_refuse(struct core *core, enum core_peer to, enum verb re, uint64_t id, const char *why)
{
    if (core->out[to] != NULL) {
        record_fail(core->out[to], re, id, why);
    }
}

void exchange_refuse(struct core *core, struct exchange *x, const char *why)
{
    if (x->answer_due) {
        core_refuse(core, PEER_NEGOTIATE, V_INSTALL, x->ask_id, why);
    }
    if (x->activate_due) {
        core_refuse(core, PEER_NEGOTIATE, V_ACTIVATE, x->activate_id, why);
    }
    x->answer_due = false;
    x->activate_due = false;
    x->stage = STAGE_REFUSED;
    x->deadline = 0;
    exchange_wipe_keys(core, x);
}

/* ---- records ---- */

/* Whether the kernel has one in use already, NEWSA's EEXIST tells. */
static void give_spis(struct core *core, const struct record *r)
{
    uint8_t bytes[4 * 256];
    size_t wanted = (size_t)record_number(r, K_COUNT);
    size_t count = 0;
    while (count < wanted && core->random_count > 0) {
        uint32_t spi = core_word(core);
        if (spi < SPI_MIN || spis_known(&core->spis, spi)) {
            continue;
        }
        if (!spis_add(&core->spis, spi)) {
            break;
        }
        be32enc(bytes + 4 * count++, spi);
    }
    if (count == 0) {
        core_refuse(core, PEER_NEGOTIATE, V_SPIS, record_number(r, K_ID),
                    "no random numbers, or no memory, are at hand: ask again");
        return;
    }
    struct record_writer w;
    if (core->out[PEER_NEGOTIATE] != NULL) {
        record_answer(&w, core->out[PEER_NEGOTIATE], V_OK, V_SPIS, record_number(r, K_ID));
        record_put_bytes(&w, K_SPIS, bytes, 4 * count);
        (void)record_finish(&w);
    }
}

static void take_record(struct core *core, const struct record *r, uint64_t now)
{
    assert(core->job.kind == JOB_NONE);
    core->now = now;
    switch (r->verb) {
    case V_PERMIT:
        take_permit(core, r);
        break;
    case V_SA_KEYS:
        take_keys(core, r);
        break;
    case V_SPIS:
        give_spis(core, r);
        break;
    case V_INSTALL:
        take_install(core, r);
        break;
    case V_ACTIVATE:
        take_activate(core, r);
        break;
    case V_DELETE_KERNEL_SA:
        take_delete(core, r);
        break;
    case V_UPDATE_KERNEL_SA:
        update_start(core, r);
        break;
    case V_POLICY:
        policy_start(core, r);
        break;
    case V_SAMPLE:
        sample_start(core, r);
        break;
    case V_LOOKUP:
        lookup_start(core, r);
        break;
    case V_FLUSH:
        job_start(core, JOB_FLUSH, NULL, V_FLUSH, record_number(r, K_ID));
        break;
    default: /* answers, debug: nothing to do */
        break;
    }
    job_run(core);
}

void core_record(struct core *core, enum core_peer from, const struct record *r, uint64_t now)
{
    if (from == PEER_SECRETS) {
        core_from_worker(core, 0, r, now);
    } else {
        take_record(core, r, now);
    }
}

void core_from_worker(struct core *core, uint64_t worker, const struct record *r, uint64_t now)
{
    const struct worker *w = find_worker(core, worker);
    core->worker = worker;
    core->out[PEER_SECRETS] = w == NULL ? NULL : w->out;
    take_record(core, r, now);
    core->out[PEER_SECRETS] = NULL;
}
