/*
 * Orphans: what a plutod that was killed left in the kernel, and no plutod has permitted since.
 *
 * Its SAs carry traffic until their life is over, its policies stay: nothing leaves in the clear. A
 * new exchange for the same clients takes the policies over, and then the orphans' SAs go.
 */
#include "state.h"

/* The peer sends under the old SA until he has the last message of Quick Mode. */
#define ORPHAN_LINGER 10000u

bool orphan_is(const struct exchange *x)
{
    return x->adopted && !x->permitted;
}

void orphan_claimed(struct core *core, struct exchange *x)
{
    for (unsigned way = 0; way < WAY_COUNT; way++) {
        if (x->policy[way] != NULL) {
            x->policy[way]->orphans--;
        }
    }
    x->superseded = false;
    x->deadline = 0;
    if (x->stage == STAGE_HELD) {
        exchange_set_deadline(core, x);
    }
}

/*
 * While orphans' inbound SAs are in use, packets of theirs are let in beside those of the new SA:
 * under a reqid of its own the policy would refuse what the peer still sends.
 */
bool orphans_want(struct core *core, struct kernel_policy *p, const struct exchange *x,
                  enum way way)
{
    bool wanted = policy_for_exchange(p, x, way);
    const struct policy_entry *e = way == WAY_OUT ? NULL : policy_find(core->policies, p);
    if (e != NULL && e->orphans > 0) {
        p->reqid = 0;
    }
    return wanted;
}

static void supersede(struct core *core, const struct policy_entry *e, uint64_t at)
{
    for (struct exchange *o = core->exchanges; o != NULL; o = o->hh.next) {
        if (!orphan_is(o) || o->policy[e->policy.way] != e
            || (o->superseded && o->deadline <= at)) {
            continue;
        }
        o->superseded = true;
        o->deadline = at;
        if (core->soonest == 0 || at < core->soonest) {
            core->soonest = at;
        }
    }
}

void orphans_replaced(struct core *core, const struct exchange *x)
{
    for (unsigned way = 0; way < WAY_COUNT; way++) {
        if (x->policy[way] != NULL && x->policy[way]->orphans > 0) {
            supersede(core, x->policy[way], core->now + ORPHAN_LINGER);
        }
    }
}

void orphans_unwanted(struct core *core, struct policy_entry *e)
{
    if (e->orphans > 0 && e->refs == e->orphans && !e->standing) {
        e->leaving = true;
        supersede(core, e, core->now);
    }
}

bool orphan_release(struct core *core, struct policy_entry *e)
{
    if (e->refs == 0 && !e->standing && e->leaving) {
        *job_policy_request(core, KERNEL_DELETE_POLICY) = e->policy;
        return true;
    }
    if (e->refs > 0 && e->orphans == 0 && e->policy.kind == POLICY_IPSEC && e->policy.reqid == 0
        && e->reqid != 0) {
        struct kernel_policy *p = job_policy_request(core, KERNEL_UPDATE_POLICY);
        *p = e->policy; /* from now on only the new SAs' packets */
        p->reqid = e->reqid;
        return true;
    }
    return false;
}
