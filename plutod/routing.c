#include "routing.h"

#include "ends.h"
#include "initiate.h"
#include "orders.h"
#include "script.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <utlist.h>

enum step { STEP_PREPARE, STEP_ROUTE, STEP_UP, STEP_DONE };

struct eroute_key {
    struct subnet ours;
    struct subnet peer;
};

struct eroute {
    struct eroute_key key;
    struct conn *owner;
    enum step step;         /* what runs now, or STEP_DONE */
    uint64_t script;        /* the job that is waited for; 0: none */
    bool upped;             /* `up` was begun, so `down` is due in the end */
    UT_hash_handle hh;
};

struct route {
    struct subnet peer;
    char interface[16];
    struct address next_hop;
    const struct conn *first; /* for messages; of those that share it */
    unsigned users;
    bool routed;            /* `route` was begun, so `unroute` is due in the end */
    UT_hash_handle hh;
};

static struct eroute *find_eroute(struct keying *k, const struct conn *c)
{
    struct eroute_key key;
    struct eroute *e;
    memset(&key, 0, sizeof key);
    key.ours = c->our_client;
    key.peer = c->peer_client;
    HASH_FIND(hh, k->eroutes, &key, sizeof key, e);
    return e;
}

static struct route *find_route(struct keying *k, const struct conn *c)
{
    struct route *r;
    HASH_FIND(hh, k->routes, &c->peer_client, sizeof c->peer_client, r);
    return r;
}

static const struct address *next_hop_of(const struct conn *c)
{
    const struct connection_end *our = conn_our_end(c);
    return our->nexthop_kind == NEXTHOP_ADDRESS ? &our->nexthop : &c->peer_host;
}

/* A host that is its own client is reached by the route that is there anyway. */
static bool same_way(const struct route *r, const struct conn *c)
{
    return strcmp(r->interface, c->interface) == 0 && address_equal(&r->next_hop, next_hop_of(c));
}

const struct conn *routing_conflict(struct keying *k, const struct conn *c)
{
    const struct eroute *e = find_eroute(k, c);
    if (e != NULL && e->owner != c) {
        return e->owner;
    }
    const struct route *r = find_route(k, c);
    return r != NULL && !same_way(r, c) ? r->first : NULL;
}

const char *routing_story(const struct conn *c)
{
    if (c->eroute == NULL) {
        return "unrouted";
    }
    return c->eroute->step == STEP_DONE ? "erouted" : "being routed";
}

/* ---- taking and giving up ---- */

static bool claim_route(struct keying *k, struct conn *c)
{
    struct route *r = find_route(k, c);
    if (r == NULL) {
        r = calloc(1, sizeof *r);
        if (r == NULL) {
            return false;
        }
        r->peer = c->peer_client;
        r->next_hop = *next_hop_of(c);
        r->first = c;
        strlcpy(r->interface, c->interface, sizeof r->interface);
        HASH_ADD(hh, k->routes, peer, sizeof r->peer, r);
    }
    r->users++;
    return true;
}

static struct eroute *claim(struct keying *k, struct conn *c)
{
    struct eroute *e = calloc(1, sizeof *e);
    if (e == NULL || !claim_route(k, c)) {
        free(e);
        return NULL;
    }
    e->key.ours = c->our_client;
    e->key.peer = c->peer_client;
    e->owner = c;
    HASH_ADD(hh, k->eroutes, key, sizeof e->key, e);
    c->eroute = e;
    return e;
}

/* Begins a script; 0: it could not be begun. */
static uint64_t run(struct keying *k, struct conn *c, const char *action, uint64_t client)
{
    uint64_t id = keying_ask(k, PENDING_SCRIPT, 0, client);
    struct script_job *job = id == 0 ? NULL : script_job_new(k, c, action, id);
    if (job == NULL) {
        uint64_t ignored;
        keying_log_conn(k, LOG_LEVEL_SERIOUS, c, "%s: no memory to run the updown script", action);
        (void)keying_answered(k, id, PENDING_SCRIPT, &ignored);
        return 0;
    }
    k->hooks.script(k->hooks.context, job);
    return id;
}

/* The next user of a route that its first one leaves, for messages. */
static const struct conn *other_user(struct keying *k, const struct route *r, const struct conn *c)
{
    for (const struct eroute *e = k->eroutes; e != NULL; e = e->hh.next) {
        if (e->owner != c && subnet_equal(&e->key.peer, &r->peer)) {
            return e->owner;
        }
    }
    return NULL;
}

static void leave_route(struct keying *k, struct conn *c, uint64_t client)
{
    struct route *r = find_route(k, c);
    if (r == NULL) {
        return;
    }
    r->users--;
    if (r->users > 0) {
        r->first = r->first == c ? other_user(k, r, c) : r->first;
        return;
    }
    if (r->routed) {
        (void)run(k, c, "unroute", client);
    }
    HASH_DEL(k->routes, r);
    free(r);
}

void routing_down(struct keying *k, struct conn *c, uint64_t client)
{
    struct eroute *e = c->eroute;
    if (e == NULL) {
        return;
    }
    if (e->upped) {
        (void)run(k, c, "down", client);
    }
    HASH_DEL(k->eroutes, e);
    c->eroute = NULL;
    free(e);
    leave_route(k, c, client);
}

void routing_free(struct keying *k)
{
    struct eroute *e;
    struct eroute *next;
    struct route *r;
    struct route *next_route;
    HASH_ITER(hh, k->eroutes, e, next) {
        HASH_DEL(k->eroutes, e);
        free(e);
    }
    HASH_ITER(hh, k->routes, r, next_route) {
        HASH_DEL(k->routes, r);
        free(r);
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

static void undo(struct keying *k, struct conn *c, const char *action)
{
    struct xchg *y;
    struct xchg *next;
    keying_log_conn(k, LOG_LEVEL_SERIOUS, c,
                    "%s: the updown script failed, so the IPsec SA is taken down again", action);
    DL_FOREACH_SAFE(c->exchanges, y, next) {
        if (y->quick && y->up && !y->ending) {
            keying_tell(k, y, 25, "the updown script failed at %s; see the log for its output",
                        action);
            ends_quick(k, y, ENDS_TELL_PEER, 0);
        }
    }
}

static void advance(struct keying *k, struct eroute *e, enum step step)
{
    struct conn *c = e->owner;
    e->step = step;
    e->script = 0;
    if (step == STEP_PREPARE) {
        e->script = run(k, c, "prepare", 0);
        if (e->script == 0) {
            undo(k, c, "prepare");
        }
        return;
    }
    if (step == STEP_ROUTE) {
        struct route *r = find_route(k, c);
        if (r != NULL && !r->routed) {
            r->routed = true;
            e->script = run(k, c, "route", 0);
            if (e->script == 0) {
                undo(k, c, "route");
            }
            return;
        }
        e->step = step = STEP_UP;
    }
    if (step == STEP_UP) {
        e->upped = true;
        e->script = run(k, c, "up", 0);
        if (e->script == 0) {
            undo(k, c, "up");
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
        keying_tell(k, y, 25, "cannot route: its clients are in use by connection \"%s\"",
                    other->name);
        ends_quick(k, y, ENDS_TELL_PEER, 0);
        return;
    }
    if (c->eroute == NULL) {
        struct eroute *e = claim(k, c);
        if (e == NULL) {
            keying_tell(k, y, 32, "no memory for its route");
            ends_quick(k, y, ENDS_TELL_PEER, 0);
            return;
        }
        advance(k, e, STEP_PREPARE);
    } else if (c->eroute->step == STEP_DONE) {
        done(k, c);
    }
}

void routing_script_done(struct keying *k, uint64_t id, bool good)
{
    struct eroute *e = k->eroutes;
    while (e != NULL && e->script != id) {
        e = e->hh.next;
    }
    if (e == NULL) {
        return; /* a down or unroute, or its connection went down meanwhile */
    }
    switch (e->step) {
    case STEP_PREPARE:
        advance(k, e, STEP_ROUTE);
        break;
    case STEP_ROUTE:
        if (good) {
            advance(k, e, STEP_UP);
        } else {
            undo(k, e->owner, "route");
        }
        break;
    case STEP_UP:
        if (good) {
            advance(k, e, STEP_DONE);
        } else {
            undo(k, e->owner, "up");
        }
        break;
    case STEP_DONE:
        break;
    }
}
