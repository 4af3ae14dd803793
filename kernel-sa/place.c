/* Policies on their way into the kernel: for exchanges, and by plutod's order. */
#include "state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- one policy ---- */

static bool is_free_for(const struct policy_entry *e, uint32_t reqid)
{
    return e->reqid == reqid || e->reqid == 0 || (e->refs == e->orphans && !e->standing);
}

static void fail_taken(struct core *core, const struct policy_entry *e)
{
    struct buffer why;
    buffer_init(&why, WHY_MAX - 1);
    buffer_add_text(&why, "policy ");
    policy_describe(&why, &e->policy);
    say(&why, " belongs to another connection of ours (reqid %" PRIu32 "): terminate or unroute "
        "that one first", e->reqid);
    buffer_add_u8(&why, 0);
    job_fail_text(core, why.overflowed ? "policy of another connection" : (const char *)why.data);
    buffer_wipe(&why);
}

bool place_next(struct core *core, const struct kernel_policy *want, uint32_t reqid,
                struct policy_entry **e)
{
    struct job *job = &core->job;
    struct policy_entry *found = policy_find(core->policies, want);
    if (job->phase == PHASE_AGAIN) { /* it is in place now */
        job->phase = PHASE_FIRST;
        *e = found;
        return false;
    }
    if (job->phase == PHASE_LOOKING) {
        struct kernel_policy *p = job_policy_request(core, KERNEL_GET_POLICY);
        *p = *want;
        p->index = 0;
        return true;
    }
    job->was_here = found != NULL;
    if (found == NULL) {
        struct kernel_policy *p = job_policy_request(core, KERNEL_ADD_POLICY);
        *p = *want;
        p->index = policy_index(core->maker, want->way, core_word(core));
        return true;
    }
    if (!is_free_for(found, reqid)) {
        fail_taken(core, found);
        return true;
    }
    job->was_like = found->policy;
    if (policy_same_effect(&found->policy, want)) {
        found->reqid = reqid;
        *e = found;
        return false;
    }
    struct kernel_policy *p = job_policy_request(core, KERNEL_UPDATE_POLICY);
    *p = *want;
    p->index = found->policy.index;
    return true;
}

/* Never UPDPOLICY over a stranger's: his stays, and is shown. */
struct kernel_result place_taken(struct core *core, const struct kernel_result *result)
{
    struct kernel_result exists = { .error = EEXIST };
    if (result->found) {
        struct buffer there;
        buffer_init(&there, sizeof exists.text - 1);
        buffer_add_text(&there, "there is: ");
        policy_describe(&there, &result->policy);
        memcpy(exists.text, there.data, there.len);
        buffer_wipe(&there);
    }
    core->job.request.verb = KERNEL_ADD_POLICY;
    return exists;
}

static void refuse_stranger(struct core *core, const struct kernel_result *result)
{
    struct kernel_result exists = place_taken(core, result);
    job_fail(core, &exists);
}

void place_result(struct core *core, const struct kernel_policy *want, uint32_t reqid,
                  const struct kernel_result *result)
{
    struct job *job = &core->job;
    struct policy_entry *e = NULL;
    switch (job->request.verb) {
    case KERNEL_ADD_POLICY:
        if (result->error == EEXIST) {
            job->phase = PHASE_LOOKING;
            return;
        }
        e = result->error == 0 ? policy_add(&core->policies, &job->request.policy, reqid) : NULL;
        break;
    case KERNEL_UPDATE_POLICY:
        e = result->error == 0 ? policy_find(core->policies, want) : NULL;
        break;
    default: /* KERNEL_GET_POLICY */
        if (!result->found || result->policy.maker != core->maker
            || !policy_same_selector(&result->policy, want)
            || (result->policy.kind == POLICY_IPSEC && result->policy.reqid != reqid)) {
            refuse_stranger(core, result);
        } else if (policy_add(&core->policies, &result->policy, reqid) == NULL) {
            job_fail_text(core, "no memory for another policy");
        } else {
            job->phase = PHASE_FIRST; /* an old one of ours: look again whether it fits */
        }
        return;
    }
    if (e == NULL && result->error == 0) {
        job_fail_text(core, "no memory for another policy");
    } else if (e == NULL) {
        job_fail(core, result);
    } else {
        e->policy = job->request.policy;
        e->reqid = reqid;
        others_placed(core, e);
        job->phase = PHASE_AGAIN;
    }
}

/* ---- plutod's order about a pair of clients ---- */

static const enum way order[WAY_COUNT] = { WAY_OUT, WAY_IN, WAY_FWD };

static bool wants_way(const struct exchange *like, unsigned kind, enum way way)
{
    struct kernel_policy ignored;
    if (kind == KIND_TRAP) {
        return way == WAY_OUT;
    }
    return kind != KIND_IPSEC || policy_for_exchange(&ignored, like, way);
}

static const char *read_policy(const struct record *r, struct exchange *like)
{
    struct install *i = &like->install;
    unsigned kind = record_word(r, K_KIND);
    bool template = record_word(r, K_ACTION) == ACTION_ADD
                    && (kind == KIND_IPSEC || kind == KIND_TRAP);
    (void)record_subnet(r, K_OUR_CLIENT, &i->our_client);
    (void)record_subnet(r, K_PEER_CLIENT, &i->peer_client);
    i->transport = record_word(r, K_MODE) == MODES_TRANSPORT;
    like->permit.reqid = (uint32_t)record_number(r, K_REQID);
    bool hosts = record_address(r, K_OUR_HOST, &i->our_host)
                 && record_address(r, K_PEER_HOST, &i->peer_host);
    if (i->our_client.base.family != i->peer_client.base.family) {
        return "our-client and peer-client are of different address families";
    }
    if (template && !hosts) {
        return "our-host and peer-host are needed for kinds ipsec and trap";
    }
    if (template && i->our_host.family != i->peer_host.family) {
        return "our-host and peer-host are of different address families";
    }
    if (template && i->transport && (!subnet_is_host(&i->our_client, &i->our_host)
                                     || !subnet_is_host(&i->peer_client, &i->peer_host))) {
        return "mode is transport, but a client is a net and not the host itself";
    }
    return NULL;
}

void policy_start(struct core *core, const struct record *r)
{
    struct exchange like = { 0 };
    uint64_t id = record_number(r, K_ID);
    unsigned kind = record_word(r, K_KIND);
    bool add = record_word(r, K_ACTION) == ACTION_ADD;
    const char *why = read_policy(r, &like);
    if (why != NULL) {
        core_refuse(core, PEER_PLUTOD, V_POLICY, id, why);
        return;
    }
    job_start(core, JOB_POLICY, NULL, V_POLICY, id);
    struct job *job = &core->job;
    job->reqid = like.permit.reqid;
    for (unsigned way = 0; way < WAY_COUNT; way++) {
        struct kernel_policy *p = &job->want[way];
        (void)policy_for_exchange(p, &like, (enum way)way);
        if (kind == KIND_PASS) {
            p->kind = POLICY_PASS;
        } else if (kind == KIND_DROP || kind == KIND_REJECT) {
            p->kind = POLICY_DROP; /* a local sender gets an error, a forwarded packet silence */
        }
        job->wanted[way] = add && wants_way(&like, kind, (enum way)way);
    }
}

/* What is not wanted goes, unless an exchange holds it: then it goes with that one. */
static bool release(struct core *core, struct policy_entry *e, bool standing)
{
    e->standing = standing;
    if (e->refs > 0 || standing) {
        return false;
    }
    core->job.entry = e;
    *job_policy_request(core, KERNEL_DELETE_POLICY) = e->policy;
    return true;
}

static bool policy_undo_next(struct core *core)
{
    struct job *job = &core->job;
    for (; job->step < WAY_COUNT; job->step++) {
        enum way way = order[job->step];
        struct policy_entry *e = policy_find(core->policies, &job->want[way]);
        if (!job->done[way] || e == NULL) {
            continue;
        }
        job->done[way] = false;
        if (!job->was[way]) {
            if (release(core, e, false)) {
                return true;
            }
            continue;
        }
        e->standing = job->was_standing[way];
        if (!policy_same_effect(&e->policy, &job->before[way])) {
            job->entry = e;
            *job_policy_request(core, KERNEL_UPDATE_POLICY) = job->before[way];
            return true;
        }
    }
    return false;
}

bool policy_next(struct core *core)
{
    struct job *job = &core->job;
    if (job->undo) {
        return policy_undo_next(core);
    }
    for (; job->step < WAY_COUNT; job->step++) {
        enum way way = order[job->step];
        struct policy_entry *e = NULL;
        if (!job->wanted[way]) {
            e = policy_find(core->policies, &job->want[way]);
            if (e != NULL && is_free_for(e, job->reqid)) {
                if (release(core, e, false)) {
                    return true;
                }
                orphans_unwanted(core, e);
            }
            continue;
        }
        if (place_next(core, &job->want[way], job->reqid, &e)) {
            return true;
        }
        job->done[way] = true;
        job->was[way] = job->was_here;
        job->before[way] = job->was_like;
        job->was_standing[way] = e->standing;
        e->standing = true;
    }
    return false;
}

void policy_result(struct core *core, const struct kernel_result *result)
{
    struct job *job = &core->job;
    if (!job->undo && job->step < WAY_COUNT && job->wanted[order[job->step]]) {
        place_result(core, &job->want[order[job->step]], job->reqid, result);
    } else if (result->error != 0 && !job_not_there(result)) {
        job_fail(core, result);
    } else if (job->request.verb == KERNEL_UPDATE_POLICY) {
        job->entry->policy = job->request.policy;
    } else {
        policy_remove(&core->policies, job->entry);
    }
}

void policy_end(struct core *core)
{
    const struct job *job = &core->job;
    if (job->failed) {
        core_refuse(core, PEER_PLUTOD, V_POLICY, job->id, job->why);
    } else {
        core_answer(core, PEER_PLUTOD, V_POLICY, job->id);
    }
}
