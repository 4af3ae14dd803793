#include "routing.h"

#include "ends.h"
#include "foreign.h"
#include "initiate.h"
#include "paths.h"
#include "script.h"

#include <stdio.h>
#include <utlist.h>

#define WHY 600

const struct conn *routing_conflict(struct keying *k, const struct conn *c)
{
    const struct eroute *e = path_eroute(k, c);
    if (e != NULL && e->owner != c) {
        return e->owner;
    }
    const struct route *r = path_route(k, c);
    return r != NULL && r->eroutes != NULL && !path_same_way(r, c) ? r->eroutes->owner : NULL;
}

const char *routing_story(const struct conn *c)
{
    if (c->eroute == NULL) {
        return "unrouted";
    }
    if (c->eroute->step != STEP_DONE) {
        return "being routed";
    }
    if (foreign_unprotected(c)) {
        return "not protected: another program took its policies out of the kernel";
    }
    return xchg_has_ipsec(c, NULL) ? "erouted" : "erouted HOLD";
}

/* ---- scripts ---- */

static const char no_memory[] = "could not be run for want of memory";

/* Begins a script; 0: it could not be begun. */
static uint64_t run(struct keying *k, struct conn *c, const char *action, uint64_t client)
{
    uint64_t id = keying_ask(k, PENDING_SCRIPT, 0, client);
    struct script_job *job = id == 0 ? NULL : script_job_new(k, c, action, id);
    if (job == NULL) {
        uint64_t ignored;
        keying_log_conn(k, LOG_LEVEL_SERIOUS, c, "%s: no memory to run the updown script", action);
        (void)keying_answered(k, id, PENDING_SCRIPT, 0, &ignored);
        return 0;
    }
    k->hooks.script(k->hooks.context, job);
    return id;
}

void routing_down(struct keying *k, struct conn *c, uint64_t client)
{
    foreign_forget_policies(c);
    if (c->eroute == NULL) {
        return;
    }
    bool upped = c->eroute->upped;
    path_leave_eroute(k, c);
    if (upped) {
        (void)run(k, c, "down", client);
    }
    if (path_leave_route(k, c)) {
        (void)run(k, c, "unroute", client);
    }
}

/* ---- the steps ---- */

/* Scripts of this eroute have ended well: everything that came up meanwhile is ready. */
static void done(struct keying *k, struct conn *c)
{
    struct xchg *y;
    struct xchg *next;
    DL_FOREACH_SAFE(c->exchanges, y, next) {
        if (y->quick && y->up && !y->ready && !y->ending) {
            y->ready = true;
            initiate_quick_ready(k, y);
        }
    }
}

/* It came up and cannot be used: a negotiation that has failed, after which no other one is begun by itself. */
static void give_up(struct keying *k, struct xchg *y, unsigned code, const char *why)
{
    struct conn *c = y->conn;
    counters_failed(&k->counters, code);
    conn_failed(k, c, y->number, why);
    keying_event_tell(k, y, code, "%s", why);
    if (y->initiator) {
        c->attempt = 0;
        conn_stale(k, c);
    }
    ends_quick(k, y, ENDS_TELL_PEER, 0, NULL);
}

/* how: the script failed. */
static void undo(struct keying *k, struct conn *c, const char *action, const char *how)
{
    char why[WHY];
    struct xchg *y;
    struct xchg *next;
    snprintf(why, sizeof why, "the updown script failed at %s: it %s; so the IPsec SA is taken down again. What the "
             "script has written is in the log", action, how);
    DL_FOREACH_SAFE(c->exchanges, y, next) {
        if (y->quick && y->up && !y->ending) {
            give_up(k, y, REPLY_NO_ROUTE, why);
        }
    }
}

/*
 * The route that c shares: false when it stands already. One that is being made is waited for; one
 * that could not be made is tried anew, with c's own words.
 */
static bool make_route(struct keying *k, struct conn *c)
{
    struct eroute *e = c->eroute;
    struct route *r = path_route(k, c);
    if (r == NULL || r->routed) {
        return false;
    }
    if (r->script == 0) {
        r->begun = true;
        e->script = run(k, c, "route", 0);
        path_route_wait(k, r, e->script);
        if (e->script == 0) {
            undo(k, c, "route", no_memory);
        }
    }
    return true;
}

static void advance(struct keying *k, struct conn *c, enum path_step step)
{
    struct eroute *e = c->eroute;
    path_step(k, e, step);
    e->script = 0;
    if (step == STEP_PREPARE) {
        e->script = run(k, c, "prepare", 0);
        if (e->script == 0) {
            undo(k, c, "prepare", no_memory);
        }
        return;
    }
    if (step == STEP_ROUTE) {
        if (make_route(k, c)) {
            return;
        }
        e->step = step = STEP_UP;
    }
    if (step == STEP_UP) {
        e->upped = true;
        e->script = run(k, c, "up", 0);
        if (e->script == 0) {
            undo(k, c, "up", no_memory);
        }
        return;
    }
    done(k, c);
}

void routing_up(struct keying *k, struct xchg *y)
{
    struct conn *c = y->conn;
    const struct conn *other = c->eroute != NULL ? NULL : routing_conflict(k, c);
    if (other != NULL) {
        char why[WHY];
        snprintf(why, sizeof why, "cannot route: its clients are in use by connection \"%s\"; terminate that one "
                 "first", other->name);
        give_up(k, y, REPLY_NO_ROUTE, why);
        return;
    }
    if (c->eroute == NULL) {
        if (path_take(k, c) == NULL) {
            give_up(k, y, REPLY_INTERNAL, "no memory for its route");
            return;
        }
        advance(k, c, STEP_PREPARE);
    } else if (c->eroute->step == STEP_DONE) {
        done(k, c);
    }
}

static void eroute_done(struct keying *k, const struct eroute *e, const char *failed)
{
    switch (e->step) {
    case STEP_PREPARE:
        advance(k, e->owner, STEP_ROUTE);
        break;
    case STEP_ROUTE:
        if (failed == NULL) {
            advance(k, e->owner, STEP_UP);
        } else {
            undo(k, e->owner, "route", failed);
        }
        break;
    case STEP_UP:
        if (failed == NULL) {
            advance(k, e->owner, STEP_DONE);
        } else {
            undo(k, e->owner, "up", failed);
        }
        break;
    case STEP_DONE:
        break;
    }
}

void routing_script_done(struct keying *k, uint64_t id, const char *failed)
{
    struct route *r = path_route_by_script(k, id);
    const struct eroute *e = path_by_script(k, id);
    bool was_route = r != NULL;
    struct subnet peer = { 0 };
    if (r != NULL) {
        path_route_wait(k, r, 0);
        r->routed = failed == NULL;
        peer = r->peer; /* the route may go with its user */
    }
    if (e != NULL) { /* else a down or unroute, or its connection went down meanwhile */
        eroute_done(k, e, failed);
    }
    while (was_route && (e = path_waiter(k, &peer)) != NULL) {
        advance(k, e->owner, STEP_ROUTE);
    }
}
