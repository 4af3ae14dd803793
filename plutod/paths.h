/*
 * The tables of eroutes (client pairs that have IPsec SAs) and routes (peers' client nets) [C4].
 *
 * An eroute has one owner. A route is shared by connections that reach the net through one interface
 * and gateway. Not for: scripts, and when a path is taken or left (routing.h).
 */
#ifndef PLUTOD_PATHS_H
#define PLUTOD_PATHS_H

#include "conn.h"

enum path_step { STEP_PREPARE, STEP_ROUTE, STEP_UP, STEP_DONE };

struct eroute_key {
    struct subnet ours;
    struct subnet peer;
};

struct eroute {
    struct eroute_key key;
    struct conn *owner;
    enum path_step step;    /* what runs now, or STEP_DONE */
    uint64_t script;        /* the job that is waited for; 0: none, or another one's `route` */
    bool upped;             /* `up` was begun, so `down` is due in the end */
    bool underway;          /* step is not STEP_DONE: in the list of those */
    struct eroute *prev, *next;
    struct eroute *mate_prev, *mate_next; /* on the same route */
    UT_hash_handle hh;
};

struct route {
    struct subnet peer;
    char interface[16];
    struct address next_hop;
    struct eroute *eroutes; /* that share it, oldest first */
    unsigned users;         /* how many of them */
    bool begun;             /* `route` was begun, so `unroute` is due in the end */
    bool routed;            /* `route` ended well: it is there for all that share it */
    uint64_t script;        /* the `route` that runs; 0: none */
    struct route *prev, *next; /* of those with one that runs */
    UT_hash_handle hh;
};

struct eroute *path_eroute(struct keying *k, const struct conn *c);
void path_step(struct keying *k, struct eroute *e, enum path_step step);
void path_route_wait(struct keying *k, struct route *r, uint64_t script); /* 0: none runs */
/* Only what is under way is looked through for these: */
struct eroute *path_by_script(struct keying *k, uint64_t script);
struct route *path_route(struct keying *k, const struct conn *c);
struct route *path_route_by_script(struct keying *k, uint64_t script);
/* An eroute to this net that waits for a `route` which runs no more, or NULL. */
struct eroute *path_waiter(struct keying *k, const struct subnet *peer);
/* Is that where the connection's packets would go? */
bool path_same_way(const struct route *r, const struct conn *c);

/* Makes c the owner of its client pair and a user of its route. NULL: no memory. */
struct eroute *path_take(struct keying *k, struct conn *c);
/* Gives the client pair up. */
void path_leave_eroute(struct keying *k, struct conn *c);
/* And the route; true: it has no user left and is gone, and `unroute` is due. */
bool path_leave_route(struct keying *k, const struct conn *c);
void path_free_all(struct keying *k);

#endif
