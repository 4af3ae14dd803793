/* Jobs: what takes several requests to the kernel, and how it is undone when one is refused. */
#include "state.h"

#include "reason.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- requests ---- */

static void clear_request(struct job *job)
{
    explicit_bzero(&job->request, sizeof job->request);
}

struct kernel_policy *job_policy_request(struct core *core, enum kernel_verb verb)
{
    clear_request(&core->job);
    core->job.request.verb = verb;
    core->job.waiting = true;
    return &core->job.request.policy;
}

/* Replaced by plutod's order in time; the kernel's own word is for where that fails. */
static uint64_t soft_life(uint32_t life)
{
    return life - (life + 9) / 10;
}

struct kernel_sa *job_sa_request(struct core *core, enum kernel_verb verb,
                                 const struct exchange *x, enum side side)
{
    const struct install *i = &x->install;
    bool in = side == SIDE_IN;
    clear_request(&core->job);
    core->job.request.verb = verb;
    core->job.waiting = true;
    struct kernel_sa *sa = &core->job.request.sa;
    sa->src = in ? i->peer_host : i->our_host;
    sa->dst = in ? i->our_host : i->peer_host;
    sa->spi = i->spi[side];
    sa->reqid = x->permit.reqid;
    sa->transport = i->transport;
    sa->cipher = i->suite.cipher;
    sa->hash = i->suite.hash;
    sa->replay = in ? x->permit.replay : 0;
    sa->soft = soft_life(x->life);
    sa->hard = x->life;
    sa->maker = core->maker;
    sa->inbound = in;
    sa->exchange = x->number;
    return sa;
}

bool job_not_there(const struct kernel_result *result)
{
    return result->error == ESRCH || result->error == ENOENT;
}

/* ---- failing ---- */

void job_fail_text(struct core *core, const char *why)
{
    struct job *job = &core->job;
    if (!job->failed) {
        (void)snprintf(job->why, sizeof job->why, "%s", why);
    }
    job->failed = true;
    job->waiting = false;
    job->phase = PHASE_FIRST;
    if (job->kind == JOB_INSTALL || job->kind == JOB_ACTIVATE) {
        job->kind = JOB_REMOVE;
        job->policies = true;
        job->undo = true;
    } else if (job->kind == JOB_POLICY && !job->undo) {
        job->undo = true;
        job->step = 0;
    }
}

void job_fail(struct core *core, const struct kernel_result *result)
{
    struct buffer why;
    buffer_init(&why, WHY_MAX - 1);
    kernel_reason(&why, &core->job.request, result);
    buffer_add_u8(&why, 0);
    job_fail_text(core, why.overflowed ? "the kernel refused" : (const char *)why.data);
    buffer_wipe(&why);
}

/* ---- one SA of the exchange after the other ---- */

bool job_next_sa(struct core *core, enum kernel_verb verb)
{
    struct job *job = &core->job;
    for (; job->step < SIDE_COUNT; job->step++) {
        if (job->exchange->sa_here[job->step]) {
            (void)job_sa_request(core, verb, job->exchange, (enum side)job->step);
            return true;
        }
    }
    return false;
}

bool job_sa_answered(struct core *core, const struct kernel_result *result)
{
    struct job *job = &core->job;
    if (job_not_there(result)) {
        sa_gone(core, job->exchange, (enum side)job->step, false);
    } else if (result->error != 0) {
        job_fail(core, result);
    }
    return result->error == 0;
}

/* ---- the engine ---- */

void job_start(struct core *core, enum job_kind kind, struct exchange *x, enum verb re,
               uint64_t id)
{
    struct job *job = &core->job;
    assert(job->kind == JOB_NONE);
    memset(job, 0, sizeof *job);
    job->kind = kind;
    job->exchange = x;
    job->re = re;
    job->id = id;
}

static bool next(struct core *core)
{
    switch (core->job.kind) {
    case JOB_INSTALL:
    case JOB_ACTIVATE:
        return install_next(core);
    case JOB_REMOVE:
        return remove_next(core);
    case JOB_POLICY:
        return policy_next(core);
    case JOB_SAMPLE:
        return sample_next(core);
    case JOB_FLUSH:
        return flush_next(core);
    case JOB_ADOPT:
        return adopt_next(core);
    case JOB_CHECK:
        return check_next(core);
    case JOB_UPDATE:
        return update_next(core);
    case JOB_LOOKUP:
        return lookup_next(core);
    case JOB_NONE:
        break;
    }
    return false;
}

static void take_result(struct core *core, const struct kernel_result *result)
{
    switch (core->job.kind) {
    case JOB_INSTALL:
    case JOB_ACTIVATE:
        install_result(core, result);
        break;
    case JOB_REMOVE:
        remove_result(core, result);
        break;
    case JOB_POLICY:
        policy_result(core, result);
        break;
    case JOB_SAMPLE:
        sample_result(core, result);
        break;
    case JOB_FLUSH:
        flush_result(core, result);
        break;
    case JOB_ADOPT:
        adopt_result(core, result);
        break;
    case JOB_CHECK:
        check_result(core, result);
        break;
    case JOB_UPDATE:
        update_result(core, result);
        break;
    case JOB_LOOKUP:
        lookup_result(core, result);
        break;
    case JOB_NONE:
        break;
    }
}

static void end(struct core *core)
{
    switch (core->job.kind) {
    case JOB_INSTALL:
    case JOB_ACTIVATE:
        install_end(core);
        break;
    case JOB_REMOVE:
        remove_end(core);
        break;
    case JOB_POLICY:
        policy_end(core);
        break;
    case JOB_SAMPLE:
        sample_end(core);
        break;
    case JOB_FLUSH:
        flush_end(core);
        break;
    case JOB_ADOPT:
        adopt_end(core);
        break;
    case JOB_UPDATE:
        update_end(core);
        break;
    case JOB_LOOKUP:
        lookup_end(core);
        break;
    case JOB_CHECK:
        check_end(core);
        break;
    case JOB_NONE:
        break;
    }
    free(core->job.todo);
    core->job.todo = NULL;
    core->job.kind = JOB_NONE;
    clear_request(&core->job);
}

void job_run(struct core *core)
{
    while (core->job.kind != JOB_NONE && !core->job.waiting) {
        if (!next(core)) {
            end(core);
        }
    }
}

const struct kernel_request *core_request(const struct core *core)
{
    return core->job.waiting ? &core->job.request : NULL;
}

void core_result(struct core *core, const struct kernel_result *result, uint64_t now)
{
    assert(core->job.waiting);
    core->now = now;
    core->job.waiting = false;
    take_result(core, result);
    job_run(core);
}
