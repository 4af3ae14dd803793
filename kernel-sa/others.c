/*
 * What other programs did to what is ours: policies are put back at once, of SAs plutod is told.
 *
 * After a flush, or when events were lost, all is looked up one by one: a dump that something is changing
 * meanwhile is of no use (reply.h). A program that goes on deleting is not fought without end: after a
 * few times the pauses grow. Only under plutod: by hand, others' `flush` is a way to take away what is ours.
 */
#include "state.h"

#include "reason.h"

#include <errno.h>
#include <string.h>

#define AT_ONCE 3u              /* times that a policy is put back without a pause */
#define PAUSE UINT64_C(100)     /* then; each time twice as long, */
#define DOUBLINGS 3u            /* up to 0.8 s, as meanwhile packets leave in the clear */
#define REFUSED_PAUSE UINT64_C(1000) /* where another one stands in its place, or the kernel refuses it; likewise */
#define REFUSED_DOUBLINGS 6u    /* up to 64 s */
#define QUIET UINT64_C(600000)  /* after that nothing is held against anybody */
#define SOON UINT64_C(100)      /* until there is room for more records to plutod */

static void look_at(struct core *core, uint64_t when)
{
    if (core->look_at == 0 || when < core->look_at) {
        core->look_at = when;
    }
}

static bool is_full(const struct core *core)
{
    return core->out[PEER_PLUTOD] != NULL && core->out[PEER_PLUTOD]->len > CHANNEL_MAX / 2;
}

/* ---- events ---- */

static void doubt(struct core *core, struct policy_entry *e)
{
    e->restores = core->now - e->restored_at > QUIET ? 0 : e->restores;
    e->refused = false; /* what stood in its place may be what was deleted */
    e->doubt = true;
    look_at(core, core->now);
}

static void doubt_policies(struct core *core)
{
    for (struct policy_entry *e = core->policies; e != NULL; e = e->hh.next) {
        doubt(core, e);
    }
}

static void doubt_sas(struct core *core)
{
    core->doubt_sas = true;
    look_at(core, core->now);
}

void others_doubt_all(struct core *core)
{
    doubt_sas(core);
    if (core->maker == MAKER_DAEMON) {
        doubt_policies(core);
    }
}

static void sa_deleted(struct core *core, const struct kernel_sa *sa)
{
    struct exchange *x = sa->maker == core->maker ? exchange_find(core, sa->exchange) : NULL;
    enum side side = sa->inbound ? SIDE_IN : SIDE_OUT;
    if (x != NULL && x->sa_here[side] && x->install.spi[side] == sa->spi) {
        sa_gone(core, x, side, false);
    }
}

void others_event(struct core *core, const struct kernel_event *event)
{
    struct policy_entry *e;
    if (core->maker != MAKER_DAEMON) {
        return;
    }
    switch (event->kind) {
    case EVENT_SA_DELETED:
        sa_deleted(core, &event->sa);
        break;
    case EVENT_SAS_FLUSHED:
        doubt_sas(core);
        break;
    case EVENT_POLICY_DELETED:
        e = policy_find(core->policies, &event->policy);
        if (e != NULL) {
            doubt(core, e);
        }
        break;
    case EVENT_POLICIES_FLUSHED:
        doubt_policies(core);
        break;
    case EVENT_OTHER:
    case EVENT_EXPIRE:
    case EVENT_ACQUIRE:
        break;
    }
}

/* ---- one policy ---- */

/* When it may be put back (again). What could not be put back is not tried again in the same look. */
static uint64_t due_at(const struct policy_entry *e)
{
    uint64_t pause = e->refused ? REFUSED_PAUSE : PAUSE;
    unsigned most = e->refused ? REFUSED_DOUBLINGS : DOUBLINGS;
    if (e->restores < AT_ONCE) {
        return e->restored_at + (e->missing ? pause : 0);
    }
    unsigned doublings = e->restores - AT_ONCE;
    return e->restored_at + (pause << (doublings < most ? doublings : most));
}

static void settle(struct core *core, struct policy_entry *e, bool missing)
{
    e->doubt = false;
    e->missing = missing;
    core->job.phase = PHASE_FIRST;
}

static void tell(struct core *core, const struct policy_entry *e, bool restored)
{
    struct record_writer w;
    const struct kernel_policy *p = &e->policy;
    bool out = p->way == WAY_OUT;
    if (core->out[PEER_PLUTOD] == NULL || e->reqid == 0) {
        return;
    }
    record_start(&w, core->out[PEER_PLUTOD], V_POLICY_DELETED);
    record_put_number(&w, K_REQID, e->reqid);
    record_put_subnet(&w, K_OUR_CLIENT, out ? &p->src : &p->dst);
    record_put_subnet(&w, K_PEER_CLIENT, out ? &p->dst : &p->src);
    record_put_word(&w, K_WAY, p->way == WAY_IN ? WORD_IN : out ? WORD_OUT : WORD_FWD);
    record_put_yes(&w, K_RESTORED, restored);
    (void)record_finish(&w);
}

/* Of what was put back at once, plutod hears as far as there is room: nothing hangs on it. */
static void put_back(struct core *core, struct policy_entry *e)
{
    struct job *job = &core->job;
    job->back++;
    if (e->restores == 0) {
        job->first_time++;
        job->one = e->policy;
    }
    e->restores++;
    e->restored_at = core->now;
    e->refused = false;
    settle(core, e, false);
    if (!e->told_missing && e->policy.way == WAY_OUT && !is_full(core)) {
        tell(core, e, true);
    }
}

/* why: NULL: it was not even tried, so soon after the last time. */
static void lost(struct core *core, struct policy_entry *e, const struct kernel_result *why)
{
    struct buffer text;
    if (why != NULL) {
        buffer_init(&text, WHY_MAX - 1);
        buffer_add_text(&text, "another program took a policy of ours out of the kernel, and it does not go back: ");
        kernel_reason(&text, &core->job.request, why);
        buffer_add_text(&text, "; it is tried again, after growing pauses");
        buffer_add_u8(&text, 0);
        if (!e->missing && !text.overflowed) {
            core_log(core, LOG_LEVEL_SERIOUS, 0, (const char *)text.data);
        }
        buffer_wipe(&text);
        e->restores++;
        e->restored_at = core->now;
        e->refused = true;
    }
    settle(core, e, true);
}

/* In the place of ours stands a stranger's. */
static void stranger(struct core *core, struct policy_entry *e, const struct kernel_result *result)
{
    struct kernel_result exists = place_taken(core, result);
    core->job.request.policy = e->policy;
    lost(core, e, &exists);
}

static bool is_as_it_was(const struct policy_entry *e, const struct kernel_policy *p)
{
    return policy_same_effect(&e->policy, p) && p->priority == e->policy.priority && !p->optional
           && p->templates <= 1;
}

static void looked_up(struct core *core, struct policy_entry *e, const struct kernel_result *result)
{
    struct job *job = &core->job;
    bool ours = result->found && result->policy.index == e->policy.index
                && policy_same_selector(&result->policy, &e->policy);
    if (ours && is_as_it_was(e, &result->policy)) {
        settle(core, e, false);
    } else if (ours && due_at(e) <= core->now) {
        job->phase = PHASE_CLEARING; /* replaced, which leaves it our number: ours goes over it */
    } else if (job->phase == PHASE_LOOKING) {
        stranger(core, e, result);
    } else {
        lost(core, e, NULL);
    }
}

/* True: a request waits. */
static bool policy_wants(struct core *core, struct policy_entry *e)
{
    struct job *job = &core->job;
    enum kernel_verb verb = KERNEL_GET_POLICY;
    if (!e->doubt && !(e->missing && due_at(e) <= core->now)) {
        return false;
    }
    if (job->phase == PHASE_FIRST && due_at(e) <= core->now) {
        verb = KERNEL_ADD_POLICY; /* the first thing: until then packets leave in the clear */
    } else if (job->phase == PHASE_CLEARING) {
        verb = KERNEL_UPDATE_POLICY;
    }
    struct kernel_policy *p = job_policy_request(core, verb);
    *p = e->policy;
    p->index = verb == KERNEL_GET_POLICY ? 0 : p->index; /* whatever has these selectors now */
    return true;
}

static void policy_said(struct core *core, struct policy_entry *e, const struct kernel_result *result)
{
    struct job *job = &core->job;
    if (job->request.verb == KERNEL_GET_POLICY) {
        looked_up(core, e, result);
    } else if (result->error == 0) {
        put_back(core, e);
    } else if (job->request.verb == KERNEL_ADD_POLICY && result->error == EEXIST) {
        job->phase = PHASE_LOOKING;
    } else {
        lost(core, e, result);
    }
}

/* ---- the job: policies, then SAs ---- */

bool check_next(struct core *core)
{
    struct job *job = &core->job;
    for (; job->entry != NULL; job->entry = job->entry->hh.next) {
        if (policy_wants(core, job->entry)) {
            return true;
        }
    }
    while (job->exchange != NULL) {
        if (is_full(core)) {
            core->doubt_sas = true;
            look_at(core, core->now + SOON);
            return false;
        }
        if (job_next_sa(core, KERNEL_GET_SA)) {
            return true;
        }
        job->exchange = job->exchange->hh.next;
        job->step = 0;
    }
    return false;
}

void check_result(struct core *core, const struct kernel_result *result)
{
    struct job *job = &core->job;
    if (job->entry != NULL) {
        policy_said(core, job->entry, result);
        return;
    }
    if (job_not_there(result)) {
        sa_gone(core, job->exchange, (enum side)job->step, false);
    }
    job->step++;
}

/* Once for each policy that had been left in peace for long. */
static void say_back(struct core *core)
{
    const struct job *job = &core->job;
    struct buffer text;
    if (job->first_time == 0) {
        return;
    }
    buffer_init(&text, WHY_MAX - 1);
    say(&text, "another program deleted or replaced policies of ours in the kernel, and they were put back: %u, one "
        "of them ", job->back);
    policy_describe(&text, &job->one);
    buffer_add_text(&text, "; if it goes on, they are put back after short pauses, and that is not said again");
    buffer_add_u8(&text, 0);
    if (!text.overflowed) {
        core_log(core, LOG_LEVEL_SERIOUS, 0, (const char *)text.data);
    }
    buffer_wipe(&text);
}

void check_end(struct core *core)
{
    say_back(core);
    for (struct policy_entry *e = core->policies; e != NULL; e = e->hh.next) {
        if (e->missing != e->told_missing && is_full(core)) {
            look_at(core, core->now + SOON);
        } else if (e->missing != e->told_missing) {
            e->told_missing = e->missing;
            tell(core, e, !e->missing);
        }
        if (e->missing) {
            look_at(core, due_at(e));
        }
    }
}

void others_placed(struct core *core, struct policy_entry *e)
{
    e->doubt = false;
    e->missing = false;
    if (e->told_missing) {
        look_at(core, core->now);
    }
}

void others_took(struct core *core, struct exchange *x)
{
    for (unsigned way = 0; way < WAY_COUNT; way++) {
        struct kernel_policy want;
        if (x->policy[way] != NULL || !x->permit.policies || !policy_for_exchange(&want, x, (enum way)way)) {
            continue;
        }
        struct policy_entry *e = policy_find(core->policies, &want);
        if (e == NULL) {
            want.index = policy_index(core->maker, want.way, core_word(core));
            e = policy_add(&core->policies, &want, x->permit.reqid);
        }
        if (e != NULL && e->reqid == x->permit.reqid) {
            x->policy[way] = e;
            e->refs++;
            doubt(core, e);
        }
    }
}
