/* What is read from the kernel: counters, what a predecessor left; and flush. */
#include "state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- sample ---- */

void sample_start(struct core *core, const struct record *r)
{
    uint64_t id = record_number(r, K_ID);
    struct exchange *x = exchange_find(core, record_number(r, K_EXCHANGE));
    if (x == NULL || (x->stage != STAGE_UP && x->stage != STAGE_HELD)) {
        core_refuse(core, PEER_PLUTOD, V_SAMPLE, id, "this exchange has no SAs in the kernel");
        return;
    }
    job_start(core, JOB_SAMPLE, x, V_SAMPLE, id);
}

bool sample_next(struct core *core)
{
    return !core->job.failed && job_next_sa(core, KERNEL_GET_SA);
}

void sample_result(struct core *core, const struct kernel_result *result)
{
    struct job *job = &core->job;
    if (job_sa_answered(core, result)) {
        job->bytes[job->step] = result->sa.bytes;
        job->packets[job->step] = result->sa.packets;
    }
    job->step++;
}

void sample_end(struct core *core)
{
    const struct job *job = &core->job;
    struct record_writer w;
    if (job->failed) {
        core_refuse(core, PEER_PLUTOD, V_SAMPLE, job->id, job->why);
    } else if (core->out[PEER_PLUTOD] != NULL) {
        record_answer(&w, core->out[PEER_PLUTOD], V_OK, V_SAMPLE, job->id);
        record_put_number(&w, K_BYTES_IN, job->bytes[SIDE_IN]);
        record_put_number(&w, K_BYTES_OUT, job->bytes[SIDE_OUT]);
        record_put_number(&w, K_PACKETS_IN, job->packets[SIDE_IN]);
        record_put_number(&w, K_PACKETS_OUT, job->packets[SIDE_OUT]);
        (void)record_finish(&w);
    }
}

/* ---- what LIST finds ---- */

static struct kernel_request *todo_add(struct core *core)
{
    struct job *job = &core->job;
    if (job->todo_count == job->todo_cap) {
        size_t cap = job->todo_cap == 0 ? 64 : 2 * job->todo_cap;
        struct kernel_request *more = realloc(job->todo, cap * sizeof *more);
        if (more == NULL) {
            job_fail_text(core, "no memory for the list of what is to be removed");
            job->waiting = true; /* the LIST's result is still to come */
            return NULL;
        }
        job->todo = more;
        job->todo_cap = cap;
    }
    return &job->todo[job->todo_count++];
}

static void adopt_sa(struct core *core, const struct kernel_sa *sa)
{
    struct exchange *x = exchange_get(core, sa->exchange);
    enum side side = sa->inbound ? SIDE_IN : SIDE_OUT;
    if (x == NULL || (x->asked && !x->adopted) || sa->cipher == NULL) {
        return;
    }
    x->adopted = true;
    x->asked = true;
    x->permit.reqid = sa->reqid;
    struct install *i = &x->install;
    i->suite = (struct esp_suite){ .cipher = sa->cipher, .hash = sa->hash };
    i->transport = sa->transport;
    i->spi[side] = sa->spi;
    i->our_host = sa->inbound ? sa->dst : sa->src;
    i->peer_host = sa->inbound ? sa->src : sa->dst;
    i->life = (uint32_t)sa->hard;
    x->life = i->life;
    x->sa_here[side] = true;
}

void core_found_sa(struct core *core, const struct kernel_sa *sa)
{
    if (core->job.kind == JOB_LOOKUP) {
        lookup_found_sa(core, sa);
        return;
    }
    if (sa->maker != core->maker) {
        return;
    }
    if (core->job.kind == JOB_ADOPT) {
        adopt_sa(core, sa);
        return;
    }
    struct kernel_request *r = todo_add(core);
    if (r != NULL) {
        *r = (struct kernel_request){ .verb = KERNEL_DELETE_SA, .sa = *sa };
    }
}

void core_found_policy(struct core *core, const struct kernel_policy *policy)
{
    if (core->job.kind == JOB_LOOKUP) {
        lookup_found_policy(core, policy);
        return;
    }
    if (policy->maker != core->maker) {
        return;
    }
    if (core->job.kind == JOB_ADOPT) {
        if (policy_find(core->policies, policy) == NULL) {
            (void)policy_add(&core->policies, policy,
                             policy->kind == POLICY_IPSEC ? policy->reqid : 0);
        }
        return;
    }
    struct kernel_request *r = todo_add(core);
    if (r != NULL) {
        *r = (struct kernel_request){ .verb = KERNEL_DELETE_POLICY, .policy = *policy };
    }
}

static bool list_next(struct core *core)
{
    struct job *job = &core->job;
    if (job->step > 0) {
        return false;
    }
    job->step = 1;
    (void)job_policy_request(core, KERNEL_LIST);
    return true;
}

/* ---- flush ---- */

bool flush_next(struct core *core)
{
    struct job *job = &core->job;
    if (list_next(core)) {
        return true;
    }
    if (job->todo_count == 0) {
        return false;
    }
    job->request = job->todo[--job->todo_count]; /* from the end: policies before SAs */
    job->waiting = true;
    return true;
}

static void forget_all(struct core *core)
{
    struct exchange *x;
    struct exchange *next_x;
    HASH_ITER(hh, core->exchanges, x, next_x) {
        exchange_refuse(core, x, "plutod had everything removed");
        exchange_drop(core, x);
    }
    struct policy_entry *e;
    struct policy_entry *next_e;
    HASH_ITER(hh, core->policies, e, next_e) {
        policy_remove(&core->policies, e);
    }
}

void flush_result(struct core *core, const struct kernel_result *result)
{
    bool listed = core->job.request.verb == KERNEL_LIST;
    if (result->error != 0 && !job_not_there(result)) {
        job_fail(core, result);
    } else if (listed && !core->job.failed) {
        forget_all(core);
    }
    if (listed && core->job.failed) {
        core->job.todo_count = 0;
    }
}

void flush_end(struct core *core)
{
    const struct job *job = &core->job;
    if (job->failed) {
        core_refuse(core, PEER_PLUTOD, V_FLUSH, job->id, job->why);
    } else {
        core_answer(core, PEER_PLUTOD, V_FLUSH, job->id);
    }
}

/* ---- adopt ---- */

void core_adopt(struct core *core, uint64_t now)
{
    core->now = now;
    job_start(core, JOB_ADOPT, NULL, V_NONE, 0);
    job_run(core);
}

bool adopt_next(struct core *core)
{
    return list_next(core);
}

void adopt_result(struct core *core, const struct kernel_result *result)
{
    if (result->error != 0) {
        job_fail(core, result);
        core_log(core, LOG_LEVEL_SERIOUS, 0, core->job.why);
    }
}

static void adopt_policy(struct exchange *x, struct policy_entry *e)
{
    struct policy_entry **place = &x->policy[e->policy.way];
    if (*place == NULL) {
        *place = e;
        e->refs++;
        e->orphans++;
    }
}

/*
 * The policies of a connection are known by its reqid; where it was taking the place of orphans when
 * we were killed, the inward ones have none, but the outward one's selector.
 */
static void adopt_policies(struct core *core, struct exchange *x)
{
    for (struct policy_entry *e = core->policies; e != NULL; e = e->hh.next) {
        if (e->reqid == x->permit.reqid) {
            adopt_policy(x, e);
        }
    }
    for (unsigned way = 0; way < WAY_COUNT; way++) {
        if (x->policy[WAY_OUT] == NULL || x->policy[way] != NULL) {
            continue;
        }
        const struct kernel_policy *out = &x->policy[WAY_OUT]->policy;
        struct kernel_policy like = { .src = out->dst, .dst = out->src, .way = (enum way)way };
        struct policy_entry *e = policy_find(core->policies, &like);
        if (e != NULL && e->reqid == 0) {
            adopt_policy(x, e);
        }
    }
}

void adopt_end(struct core *core)
{
    size_t count = 0;
    char text[WHY_MAX];
    for (struct exchange *x = core->exchanges; x != NULL; x = x->hh.next) {
        x->stage = x->sa_here[SIDE_OUT] ? STAGE_UP : STAGE_HELD;
        adopt_policies(core, x);
        count++;
    }
    if (count > 0 || core->policies != NULL) {
        (void)snprintf(text, sizeof text, "found in the kernel and adopted: the SAs of %zu "
                       "exchanges, %u policies; they stay as they are", count, HASH_COUNT(core->policies));
        core_log(core, LOG_LEVEL_INFO, 0, text);
    }
}
