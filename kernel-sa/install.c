/* An exchange's SAs and policies: into the kernel, and out again. */
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * The order matters: what comes in is accepted before the peer learns that he may send, and
 * nothing is sent into the tunnel before there is an SA for it.
 */
enum step { STEP_SA_IN, STEP_POLICY_IN, STEP_POLICY_FWD, STEP_SA_OUT, STEP_POLICY_OUT, STEP_END };

/* ---- one SA ---- */

static void sa_next(struct core *core, enum side side)
{
    static const enum kernel_verb verbs[] = {
        [PHASE_FIRST] = KERNEL_ADD_SA, [PHASE_LOOKING] = KERNEL_GET_SA,
        [PHASE_CLEARING] = KERNEL_DELETE_SA, [PHASE_AGAIN] = KERNEL_ADD_SA
    };
    const struct exchange *x = core->job.exchange;
    enum kernel_verb verb = verbs[core->job.phase];
    struct kernel_sa *sa = job_sa_request(core, verb, x, side);
    if (verb == KERNEL_ADD_SA && x->keys != NULL) {
        sa->key_len = x->keys->key_len;
        sa->auth_len = x->keys->auth_len;
        memcpy(sa->key, x->keys->key[side], sizeof sa->key);
        memcpy(sa->auth, x->keys->auth[side], sizeof sa->auth);
    }
}

/* Left there by this same exchange, or by one that nobody knows any more. */
static bool is_ours(struct core *core, const struct kernel_result *result)
{
    const struct kernel_sa *sa = &result->sa;
    return result->found && sa->maker == core->maker
           && (sa->exchange == core->job.exchange->number
               || exchange_find(core, sa->exchange) == NULL);
}

static void sa_result(struct core *core, enum side side, const struct kernel_result *result)
{
    struct job *job = &core->job;
    struct kernel_result exists = { .error = EEXIST };
    bool adds = job->phase == PHASE_FIRST || job->phase == PHASE_AGAIN;
    if (adds && result->error == 0) {
        job->exchange->sa_here[side] = true;
        job->phase = PHASE_FIRST;
        job->step++;
    } else if (job->phase == PHASE_FIRST && result->error == EEXIST) {
        job->phase = PHASE_LOOKING;
    } else if (job->phase == PHASE_LOOKING && is_ours(core, result)) {
        job->phase = PHASE_CLEARING;
    } else if (job->phase == PHASE_LOOKING && job_not_there(result)) {
        job->phase = PHASE_AGAIN;
    } else if (job->phase == PHASE_LOOKING) {
        job->request.verb = KERNEL_ADD_SA; /* that is what was refused */
        job_fail(core, &exists);
    } else if (job->phase == PHASE_CLEARING && (result->error == 0 || job_not_there(result))) {
        job->phase = PHASE_AGAIN;
    } else {
        job_fail(core, result);
    }
}

/* ---- install, activate ---- */

static enum way step_way(unsigned step)
{
    return step == STEP_POLICY_IN ? WAY_IN : step == STEP_POLICY_FWD ? WAY_FWD : WAY_OUT;
}

static void hold_policy(struct exchange *x, enum way way, struct policy_entry *e, bool was_here,
                        const struct kernel_policy *was_like)
{
    if (x->policy[way] == NULL) {
        x->policy[way] = e;
        x->policy_before[way] = was_here;
        free(x->before[way]);
        x->before[way] = was_here ? malloc(sizeof *was_like) : NULL;
        if (x->before[way] != NULL) {
            *x->before[way] = *was_like;
        }
        e->refs++;
    }
}

/*
 * What waits for `activate` needs the outbound policy of the SAs that it is to replace: if those
 * go first, packets are to wait and not to leave in the clear.
 */
static void hold_old_policy(struct core *core, struct exchange *x)
{
    struct kernel_policy want;
    (void)policy_for_exchange(&want, x, WAY_OUT);
    struct policy_entry *e = policy_find(core->policies, &want);
    if (x->permit.policies && e != NULL && e->reqid == x->permit.reqid) {
        hold_policy(x, WAY_OUT, e, true, &e->policy);
    }
}

bool install_next(struct core *core)
{
    struct job *job = &core->job;
    struct exchange *x = job->exchange;
    bool outward = job->kind == JOB_ACTIVATE || x->install.activate;
    if (job->kind == JOB_ACTIVATE && job->step < STEP_SA_OUT && !x->adopted) {
        job->step = STEP_SA_OUT; /* else nobody knows how far a predecessor came */
    }
    for (; job->step < STEP_END; job->step++) {
        bool is_sa = job->step == STEP_SA_IN || job->step == STEP_SA_OUT;
        enum side side = job->step == STEP_SA_IN ? SIDE_IN : SIDE_OUT;
        if (is_sa && side == SIDE_OUT && !outward) {
            return false;
        }
        if (is_sa && !x->sa_here[side]) {
            sa_next(core, side);
            return true;
        }
        if (is_sa) {
            continue;
        }
        enum way way = step_way(job->step);
        struct kernel_policy want;
        struct policy_entry *e = NULL;
        if (!x->permit.policies || !orphans_want(core, &want, x, way)) {
            continue;
        }
        if (place_next(core, &want, x->permit.reqid, &e)) {
            return true;
        }
        hold_policy(x, way, e, job->was_here, &job->was_like);
    }
    return false;
}

void install_result(struct core *core, const struct kernel_result *result)
{
    struct job *job = &core->job;
    if (job->step == STEP_SA_IN || job->step == STEP_SA_OUT) {
        sa_result(core, job->step == STEP_SA_IN ? SIDE_IN : SIDE_OUT, result);
        return;
    }
    struct kernel_policy want;
    (void)orphans_want(core, &want, job->exchange, step_way(job->step));
    place_result(core, &want, job->exchange->permit.reqid, result);
}

static void tell_up(struct core *core, const struct exchange *x)
{
    struct record_writer w;
    char suite[SUITE_TEXT];
    uint8_t spi[SIDE_COUNT][4];
    if (core->out[PEER_PLUTOD] == NULL) {
        return;
    }
    for (unsigned side = 0; side < SIDE_COUNT; side++) {
        for (unsigned i = 0; i < 4; i++) {
            spi[side][i] = (uint8_t)(x->install.spi[side] >> (24 - 8 * i));
        }
    }
    esp_suite_print(&x->install.suite, suite);
    record_start(&w, core->out[PEER_PLUTOD], V_SA_UP);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_word(&w, K_PROTOCOL, WORD_ESP);
    record_put_text(&w, K_PROPOSAL, suite);
    record_put_word(&w, K_MODE, x->install.transport ? MODES_TRANSPORT : MODES_TUNNEL);
    record_put_bytes(&w, K_SPI_IN, spi[SIDE_IN], 4);
    record_put_bytes(&w, K_SPI_OUT, spi[SIDE_OUT], 4);
    record_put_number(&w, K_LIFE, x->life);
    (void)record_finish(&w);
}

void install_end(struct core *core)
{
    const struct job *job = &core->job;
    struct exchange *x = job->exchange;
    if (job->kind == JOB_ACTIVATE || x->install.activate) {
        x->stage = STAGE_UP;
        x->deadline = 0;
        exchange_wipe_keys(core, x);
        orphans_replaced(core, x);
        tell_up(core, x);
    } else {
        x->stage = STAGE_HELD;
        exchange_set_deadline(core, x);
        hold_old_policy(core, x);
        if (x->keys != NULL) {
            explicit_bzero(x->keys->key[SIDE_IN], SA_KEY_MAX);
            explicit_bzero(x->keys->auth[SIDE_IN], SA_AUTH_MAX);
        }
    }
    if (x->activate_due && x->stage == STAGE_UP) {
        core_answer(core, PEER_NEGOTIATE, V_ACTIVATE, x->activate_id);
        x->activate_due = false;
    }
    if (x->answer_due) {
        core_answer(core, PEER_NEGOTIATE, V_INSTALL, x->ask_id);
        x->answer_due = false;
    }
}

/* ---- remove ---- */

/* True: a request waits. `e` is held by this exchange no more. */
static bool release_policy(struct core *core, struct policy_entry *e, enum way way)
{
    const struct job *job = &core->job;
    const struct exchange *x = job->exchange;
    bool goes = e->refs == 0 && !e->standing && job->policies;
    if (x->superseded) {
        return orphan_release(core, e);
    }
    if (job->undo && x->policy_before[way]) {
        struct kernel_policy placed;
        (void)orphans_want(core, &placed, x, way);
        const struct kernel_policy *before = x->before[way];
        if (before != NULL
            && policy_same_effect(&e->policy, &placed) /* plutod has not changed it since */
            && !policy_same_effect(&e->policy, before)) {
            *job_policy_request(core, KERNEL_UPDATE_POLICY) = *before;
            return true;
        }
        goes = goes && e->leaving;
    }
    if (!job->undo) {
        e->leaving = job->policies;
    }
    if (goes) {
        *job_policy_request(core, KERNEL_DELETE_POLICY) = e->policy;
    }
    return goes;
}

/*
 * Policies first: an outbound policy without its SA would have the kernel ask for a new one
 * (ACQUIRE) for every packet until it goes too.
 */
bool remove_next(struct core *core)
{
    static const enum way order[WAY_COUNT] = { WAY_OUT, WAY_FWD, WAY_IN };
    struct job *job = &core->job;
    struct exchange *x = job->exchange;
    for (unsigned i = 0; i < WAY_COUNT; i++) {
        enum way way = order[i];
        struct policy_entry *e = x->policy[way];
        if (e == NULL) {
            continue;
        }
        x->policy[way] = NULL;
        e->refs--;
        e->orphans -= orphan_is(x) ? 1 : 0;
        job->entry = e;
        if (release_policy(core, e, way)) {
            return true;
        }
    }
    for (unsigned side = SIDE_COUNT; side-- > 0;) {
        if (x->sa_here[side]) {
            x->sa_here[side] = false;
            (void)job_sa_request(core, KERNEL_DELETE_SA, x, (enum side)side);
            return true;
        }
    }
    return false;
}

void remove_result(struct core *core, const struct kernel_result *result)
{
    struct job *job = &core->job;
    if (result->error != 0 && !job_not_there(result)) {
        job_fail(core, result);
    } else if (job->request.verb == KERNEL_UPDATE_POLICY) {
        job->entry->policy = job->request.policy;
    } else if (job->request.verb == KERNEL_DELETE_POLICY) {
        policy_remove(&core->policies, job->entry);
    }
}

void remove_end(struct core *core)
{
    const struct job *job = &core->job;
    struct exchange *x = job->exchange;
    if (!job->forget) {
        if (job->failed) {
            core_log(core, LOG_LEVEL_SERIOUS, x->number, job->why);
        }
        exchange_refuse(core, x, job->why);
        if (!x->permitted) {
            exchange_drop(core, x); /* an adopted one that plutod does not know */
        }
        return;
    }
    if (job->failed) {
        core_refuse(core, PEER_PLUTOD, job->re, job->id, job->why);
    } else {
        core_answer(core, PEER_PLUTOD, job->re, job->id);
    }
    exchange_drop(core, x);
}
