#include "state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

/* ---- events ---- */

static bool is_side(const struct exchange *x, enum side side, const struct kernel_sa *sa)
{
    const struct address *dst = side == SIDE_IN ? &x->install.our_host : &x->install.peer_host;
    return x->sa_here[side] && x->install.spi[side] == sa->spi && address_equal(dst, &sa->dst);
}

static void tell_end(struct core *core, const struct exchange *x, enum verb verb, bool hard)
{
    struct record_writer w;
    if (core->out[PEER_PLUTOD] == NULL) {
        return;
    }
    record_start(&w, core->out[PEER_PLUTOD], verb);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_word(&w, K_PROTOCOL, WORD_ESP);
    if (verb == V_SA_EXPIRED) {
        record_put_yes(&w, K_HARD, hard);
    }
    (void)record_finish(&w);
}

/* What was held back is dropped, as plutod knows nothing of it yet; at the next tick, as an event begins no job. */
void sa_gone(struct core *core, struct exchange *x, enum side side, bool expired)
{
    x->sa_here[side] = false;
    if (x->stage == STAGE_HELD && x->permitted) {
        x->robbed = true;
        x->deadline = core->now;
        core->soonest = core->now;
    }
    if (!x->told_hard) {
        x->told_hard = true;
        tell_end(core, x, expired ? V_SA_EXPIRED : V_SA_DELETED, true);
    }
}

static void sa_event(struct core *core, const struct kernel_event *event)
{
    for (struct exchange *x = core->exchanges; x != NULL; x = x->hh.next) {
        for (unsigned side = 0; side < SIDE_COUNT; side++) {
            if (!is_side(x, (enum side)side, &event->sa)) {
                continue;
            }
            if (event->hard) {
                sa_gone(core, x, (enum side)side, true);
            } else if (!x->told_soft) {
                x->told_soft = true;
                tell_end(core, x, V_SA_EXPIRED, false);
            }
            return;
        }
    }
}

/* Another program's traps are its own business. */
static void acquire_event(struct core *core, const struct kernel_event *event)
{
    struct record_writer w;
    const struct kernel_policy *p = &event->policy;
    if (core->out[PEER_PLUTOD] == NULL || p->kind != POLICY_IPSEC || p->maker != core->maker
        || p->way != WAY_OUT || p->reqid == 0) {
        return;
    }
    record_start(&w, core->out[PEER_PLUTOD], V_ACQUIRE);
    record_put_number(&w, K_REQID, p->reqid);
    record_put_subnet(&w, K_OUR_CLIENT, &p->src);
    record_put_subnet(&w, K_PEER_CLIENT, &p->dst);
    record_put_number(&w, K_SEQ, event->seq);
    (void)record_finish(&w);
}

void core_event(struct core *core, const struct kernel_event *event, uint64_t now)
{
    core->now = now;
    if (event->kind == EVENT_EXPIRE) {
        sa_event(core, event);
    } else if (event->kind == EVENT_ACQUIRE) {
        acquire_event(core, event);
    } else {
        others_event(core, event);
    }
}

void core_events_lost(struct core *core, const char *why, uint64_t now)
{
    char text[WHY_MAX];
    assert(core->job.kind == JOB_NONE);
    core->now = now;
    (void)snprintf(text, sizeof text,
                   "%s; every SA and policy is looked up again, but a packet that met a trap may have gone "
                   "unnoticed", why);
    core_log(core, LOG_LEVEL_INFO, 0, text);
    others_doubt_all(core);
    core_tick(core, now);
}

/* ---- time ---- */

/* May be earlier than what is really due: then a tick finds nothing, and puts it right. */
uint64_t core_deadline(const struct core *core)
{
    uint64_t soonest = core->soonest == 0 ? UINT64_MAX : core->soonest;
    return core->look_at != 0 && core->look_at < soonest ? core->look_at : soonest;
}

/* As if it had never been. Whoever waits for it (for the keys of its outbound SA, say) is told why. */
static void drop_held(struct core *core, struct exchange *x, const char *why)
{
    job_start(core, JOB_REMOVE, x, V_NONE, 0);
    (void)snprintf(core->job.why, sizeof core->job.why, "%s", why);
    core->job.policies = true;
    core->job.undo = true;
}

static void give_up(struct core *core, struct exchange *x)
{
    if (x->superseded) {
        job_start(core, JOB_REMOVE, x, V_NONE, 0);
        return;
    }
    const char *why = x->activate_due
                          ? "held back for 70 seconds, and its keys did not come again: it is dropped"
                          : "held back for 70 seconds without `activate`: it is dropped";
    if (x->robbed) {
        why = "its inbound SA is not in the kernel any more: another program deleted it, or its life was over";
    }
    if (x->stage == STAGE_HELD) {
        core_log(core, LOG_LEVEL_INFO, x->number, why);
        drop_held(core, x, why);
        return;
    }
    if (!x->permitted) {
        why = "no permit came for it within 70 seconds: keys and request are dropped";
        core_log(core, LOG_LEVEL_SERIOUS, x->number, why);
        exchange_refuse(core, x, why);
        exchange_drop(core, x);
        return;
    }
    why = x->keys == NULL ? "no keys came for it within 70 seconds: the request is dropped"
                          : "no request came for it within 70 seconds: the keys are dropped";
    core_log(core, LOG_LEVEL_INFO, x->number, why);
    exchange_refuse(core, x, why);
}

void core_tick(struct core *core, uint64_t now)
{
    assert(core->job.kind == JOB_NONE);
    core->now = now;
    if (core->look_at != 0 && core->look_at <= now) {
        core->look_at = 0;
        job_start(core, JOB_CHECK, core->doubt_sas ? core->exchanges : NULL, V_NONE, 0);
        core->job.entry = core->policies;
        core->doubt_sas = false;
        job_run(core);
        return;
    }
    if (core->soonest == 0 || core->soonest > now) {
        return;
    }
    uint64_t soonest = 0;
    for (struct exchange *x = core->exchanges; x != NULL; x = x->hh.next) {
        if (x->deadline != 0 && x->deadline <= now) {
            give_up(core, x);
            job_run(core);
            return; /* soonest stays: the next tick looks for more */
        }
        if (x->deadline != 0 && (soonest == 0 || x->deadline < soonest)) {
            soonest = x->deadline;
        }
    }
    core->soonest = soonest;
}

/* ---- by hand ---- */

size_t core_unfinished(const struct core *core, struct buffer *out)
{
    size_t count = 0;
    for (const struct exchange *x = core->exchanges; x != NULL; x = x->hh.next) {
        const char *what = NULL;
        if (x->stage == STAGE_HELD) {
            what = "its outbound SA was never activated (activate exchange=...): all of it is "
                   "removed";
        } else if (x->stage == STAGE_OPEN && !x->permitted) {
            what = "nothing permits it (permit exchange=...)";
        } else if (x->stage == STAGE_OPEN && x->keys == NULL) {
            what = "its keys are missing (sa-keys exchange=...)";
        } else if (x->stage == STAGE_OPEN && !x->asked) {
            what = "nothing asks for it (install exchange=...)";
        }
        if (what != NULL) {
            say(out, "exchange %" PRIu64 ": %s\n", x->number, what);
            count++;
        }
    }
    return count;
}

bool core_drop_unfinished(struct core *core, uint64_t now)
{
    assert(core->job.kind == JOB_NONE);
    core->now = now;
    for (struct exchange *x = core->exchanges; x != NULL; x = x->hh.next) {
        if (x->stage == STAGE_HELD) {
            drop_held(core, x, "the input has ended"); /* whatever the kernel says: it is not held any more */
            job_run(core);
            return true;
        }
    }
    return false;
}
