#include "paths.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <utlist.h>

struct eroute *path_eroute(struct keying *k, const struct conn *c)
{
    struct eroute_key key;
    struct eroute *e;
    memset(&key, 0, sizeof key);
    key.ours = c->our_client;
    key.peer = c->peer_client;
    HASH_FIND(hh, k->eroutes, &key, sizeof key, e);
    return e;
}

void path_step(struct keying *k, struct eroute *e, enum path_step step)
{
    e->step = step;
    if (e->underway == (step != STEP_DONE)) {
        return;
    }
    e->underway = !e->underway;
    if (e->underway) {
        DL_APPEND(k->underway, e);
    } else {
        DL_DELETE(k->underway, e);
    }
}

void path_route_wait(struct keying *k, struct route *r, uint64_t script)
{
    if (r->script != 0) {
        DL_DELETE(k->scripted, r);
    }
    r->script = script;
    if (script != 0) {
        DL_APPEND(k->scripted, r);
    }
}

struct eroute *path_by_script(struct keying *k, uint64_t script)
{
    struct eroute *e;
    DL_FOREACH(k->underway, e) {
        if (e->script == script) {
            break;
        }
    }
    return e;
}

struct route *path_route(struct keying *k, const struct conn *c)
{
    struct route *r;
    HASH_FIND(hh, k->routes, &c->peer_client, sizeof c->peer_client, r);
    return r;
}

struct route *path_route_by_script(struct keying *k, uint64_t script)
{
    struct route *r;
    DL_FOREACH(k->scripted, r) {
        if (r->script == script) {
            break;
        }
    }
    return r;
}

struct eroute *path_waiter(struct keying *k, const struct subnet *peer)
{
    struct eroute *e;
    DL_FOREACH(k->underway, e) {
        if (e->step == STEP_ROUTE && e->script == 0 && subnet_equal(&e->key.peer, peer)) {
            const struct route *r = path_route(k, e->owner);
            return r == NULL || r->script == 0 ? e : NULL;
        }
    }
    return NULL;
}

static const struct address *next_hop_of(const struct conn *c)
{
    const struct connection_end *our = conn_our_end(c);
    return our->nexthop_kind == NEXTHOP_ADDRESS ? &our->nexthop : &c->peer_host;
}

bool path_same_way(const struct route *r, const struct conn *c)
{
    return strcmp(r->interface, c->interface) == 0 && address_equal(&r->next_hop, next_hop_of(c));
}

static bool take_route(struct keying *k, const struct conn *c)
{
    struct route *r = path_route(k, c);
    if (r == NULL) {
        r = calloc(1, sizeof *r);
        if (r == NULL) {
            return false;
        }
        r->peer = c->peer_client;
        r->next_hop = *next_hop_of(c);
        strlcpy(r->interface, c->interface, sizeof r->interface);
        HASH_ADD(hh, k->routes, peer, sizeof r->peer, r);
    }
    r->users++;
    return true;
}

struct eroute *path_take(struct keying *k, struct conn *c)
{
    struct eroute *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return NULL;
    }
    if (!take_route(k, c)) {
        free(e);
        return NULL;
    }
    e->key.ours = c->our_client;
    e->key.peer = c->peer_client;
    e->owner = c;
    HASH_ADD(hh, k->eroutes, key, sizeof e->key, e);
    DL_APPEND2(path_route(k, c)->eroutes, e, mate_prev, mate_next);
    c->eroute = e;
    path_step(k, e, STEP_PREPARE);
    return e;
}

void path_leave_eroute(struct keying *k, struct conn *c)
{
    struct eroute *e = c->eroute;
    c->eroute = NULL;
    if (e != NULL) {
        struct route *r = path_route(k, c);
        path_step(k, e, STEP_DONE); /* out of the list */
        DL_DELETE2(r->eroutes, e, mate_prev, mate_next);
        HASH_DEL(k->eroutes, e);
        free(e);
    }
}

bool path_leave_route(struct keying *k, const struct conn *c)
{
    struct route *r = path_route(k, c);
    if (r == NULL) {
        return false;
    }
    r->users--;
    if (r->users > 0) {
        return false;
    }
    bool begun = r->begun;
    path_route_wait(k, r, 0);
    HASH_DEL(k->routes, r);
    free(r);
    return begun;
}

void path_free_all(struct keying *k)
{
    struct eroute *e;
    struct eroute *next;
    struct route *r;
    struct route *next_route;
    k->underway = NULL;
    k->scripted = NULL;
    HASH_ITER(hh, k->eroutes, e, next) {
        HASH_DEL(k->eroutes, e);
        free(e);
    }
    HASH_ITER(hh, k->routes, r, next_route) {
        HASH_DEL(k->routes, r);
        free(r);
    }
}
