#include "initiate.h"

#include "ends.h"
#include "methods.h"
#include "orders.h"
#include "orient.h"
#include "peer_name.h"
#include "public_keys.h"
#include "renew.h"
#include "respond.h"
#include "routing.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* Another attempt: soon when the peer was silent or a process of ours died, later when he refused. */
#define AGAIN_SOON 1000
#define AGAIN_LATER 20000

/* ---- beginning ---- */

void initiate_main_go(struct keying *k, struct xchg *x)
{
    if (k->negotiator == NULL) {
        x->waits = WAITS_ALL; /* by then, there may be other secrets */
    } else if (methods_find(k, x)) {
        order_announce(k, x, x->conn);
        order_initiate(k, x);
    }
    (void)agenda_set(&k->agenda, &x->life_end, k->now + HALF_OPEN_LIFE, ends_life);
}

/* `wait`: for what is not running now. */
static struct xchg *start_main(struct keying *k, struct conn *c, uint64_t client, bool wait)
{
    const struct keying_worker *worker = keying_pick_worker(k);
    bool ready = worker != NULL && k->negotiator != NULL;
    struct xchg *x = ready || wait ? xchg_new(k, c, false, true) : NULL;
    if (x == NULL) {
        return NULL;
    }
    x->local = c->our_host;
    x->local_port = k->settings.ikeport;
    x->remote = c->peer_host;
    x->remote_port = c->peer_port;
    xchg_wait(k, x, client);
    keying_note(k, x, "we begin Main Mode");
    if (ready) {
        xchg_set_worker(k, x, worker->number);
        initiate_main_go(k, x);
    } else {
        x->waits = WAITS_ALL;
        (void)agenda_set(&k->agenda, &x->life_end, k->now + HALF_OPEN_LIFE, ends_life);
    }
    xchg_say_begun(k, x);
    return x;
}

struct xchg *initiate_main(struct keying *k, struct conn *c)
{
    return start_main(k, c, 0, false);
}

static void quick_go(struct keying *k, struct xchg *y)
{
    char pfs[PFS_TEXT];
    const struct xchg *x = xchg_find_main(k, y->parent);
    order_pfs_text(y->conn, x, true, pfs);
    y->deferred = false;
    keying_note(k, y, x->up ? "we begin Quick Mode under #%llu" : "Quick Mode is to follow Main Mode #%llu",
                (unsigned long long)x->serial);
    xchg_set_worker(k, y, x->worker); /* there was none when y was made, or another one */
    order_announce_quick(k, y, pfs);
    order_permit(k, y);
    order_quick(k, y, pfs);
    (void)agenda_set(&k->agenda, &y->life_end, k->now + HALF_OPEN_LIFE, ends_life);
}

void initiate_quick_moved(struct keying *k, struct xchg *y, uint32_t worker)
{
    char pfs[PFS_TEXT];
    xchg_set_worker(k, y, worker);
    if (!y->deferred) {
        order_pfs_text(y->conn, xchg_find_main(k, y->parent), y->initiator, pfs);
        order_announce_quick(k, y, pfs);
    }
}

void initiate_deferred(struct keying *k, const struct xchg *x)
{
    struct xchg *y;
    DL_FOREACH2(x->children, y, child_next) {
        if (y->deferred) {
            quick_go(k, y);
        }
    }
}

static struct xchg *start_quick(struct keying *k, struct conn *c, struct xchg *x, uint64_t client)
{
    struct xchg *y = xchg_new(k, c, true, true);
    if (y == NULL) {
        return NULL;
    }
    xchg_set_parent(y, x);
    xchg_wait(k, y, client);
    xchg_say_begun(k, y);
    if (xchg_is_told(x) && (x->up || order_pfs_known(c, x))) {
        quick_go(k, y);
    } else {
        y->deferred = true;
        (void)agenda_set(&k->agenda, &y->life_end, k->now + HALF_OPEN_LIFE, ends_life);
    }
    return y;
}

/* Somebody else has begun the Main Mode x and is told how it goes: until it ends, y's whack hears no more. */
static void say_awaited(struct keying *k, const struct xchg *y, const struct xchg *x)
{
    char label[CONN_LABEL];
    conn_label(y->conn, label);
    keying_say(k, y->client, 0, "%s #%llu: waits for the ISAKMP SA #%llu, whose Main Mode is under way: STATE_%s: %s",
               label, (unsigned long long)y->serial, (unsigned long long)x->serial, xchg_state_word(x->state),
               xchg_state_story(x->state));
}

static bool attempt(struct keying *k, struct conn *c, uint64_t client, bool wait)
{
    if (k->negotiator == NULL && !wait) {
        return false;
    }
    if (connection_isakmp_only(c->form)) {
        return start_main(k, c, client, wait) != NULL;
    }
    struct xchg *x = xchg_usable_isakmp(k, c, true);
    bool others = x != NULL && !x->up;
    if (x == NULL) {
        x = start_main(k, c, client, wait);
    }
    const struct xchg *y = x == NULL ? NULL : start_quick(k, c, x, client);
    if (y != NULL && others) {
        say_awaited(k, y, x);
    }
    return y != NULL;
}

unsigned initiate_obstacle(struct keying *k, const struct conn *c, char why[OBSTACLE])
{
    const char *deaf = keying_deaf(k);
    if (deaf != NULL) {
        snprintf(why, OBSTACLE, "%s", deaf);
        return REPLY_NOT_LISTENING;
    }
    if (!c->oriented) {
        char orientation[ORIENT_WHY];
        orient_why(k, c, orientation);
        snprintf(why, OBSTACLE, "cannot orient: %s", orientation);
        return orient_needs_myid(k, c) ? REPLY_BAD_ID : REPLY_NOT_ORIENTED;
    }
    if (c->peer_host.family == 0) {
        snprintf(why, OBSTACLE, "cannot initiate: the peer's address is not known (--host %%any); he has to "
                 "begin");
        return REPLY_NO_PEER;
    }
    if (!conn_allows(c, METHOD_PSK) && public_keys_of(k, c->peer_id) == NULL) {
        char none[PUBLIC_KEYS_NONE];
        public_keys_say_none(c->peer_id, none);
        strlcpy(why, none, OBSTACLE);
        return REPLY_NO_KEY;
    }
    const struct conn *other =
        connection_isakmp_only(c->form) || c->eroute != NULL ? NULL : routing_conflict(k, c);
    if (other != NULL) {
        snprintf(why, OBSTACLE, "cannot route: connection \"%s\" has an IPsec SA for these clients, "
                 "or another route to the peer's; terminate it first", other->name);
        return REPLY_NO_ROUTE;
    }
    return 0;
}

/*
 * An attempt of our own accord that nobody watches (any more: whoever waited for it may have been killed) gives
 * way to one that somebody asked for.
 */
static bool gives_way(const struct keying *k, const struct xchg *x)
{
    return x->initiator && !x->up && (x->client == 0 || !k->hooks.is_there(k->hooks.context, x->client));
}

static void supersede(struct keying *k, struct conn *c)
{
    struct xchg *x;
    struct xchg *next;
    DL_FOREACH_SAFE(c->exchanges, x, next) {
        if (x->quick && gives_way(k, x)) {
            ends_quick(k, x, ENDS_SILENTLY, 0, "whack --initiate begins it anew");
        }
    }
    DL_FOREACH_SAFE(c->exchanges, x, next) {
        if (!x->quick && gives_way(k, x) && x->children == NULL) {
            ends_main(k, x, ENDS_SILENTLY, "whack --initiate begins it anew");
        }
    }
}

/* Would supersede(c) end this Main Mode? */
static bool is_superseded(const struct keying *k, const struct xchg *x, const struct conn *c)
{
    const struct xchg *y;
    bool others = false;
    DL_FOREACH2(x->children, y, child_next) {
        others = others || y->conn != c || !gives_way(k, y);
    }
    return x->conn == c && gives_way(k, x) && !others;
}

const struct xchg *initiate_under(struct keying *k, const struct conn *c)
{
    const struct xchg *x = connection_isakmp_only(c->form) ? NULL : xchg_usable_isakmp(k, c, true);
    return x != NULL && is_superseded(k, x, c) ? xchg_usable_isakmp(k, c, false) : x;
}

/* It does not begin: the one line, the event, and what whack is told. */
static void say_obstacle(struct keying *k, struct conn *c, uint64_t client, unsigned code, const char *why)
{
    char label[CONN_LABEL];
    conn_label(c, label);
    keying_event_conn(k, c, "%s", why);
    keying_say(k, client, code, "%s: %s", label, why);
}

static const char cannot_begin[] = "cannot begin now: ike-negotiate or secrets is not running (see the log), "
                                   "or there are too many exchanges";

/* Does what was begun before go on: under way, being routed, or about to be tried again? */
static bool goes_on(const struct conn *c)
{
    const struct xchg *x;
    bool on = agenda_is_set(&c->retry) || peer_name_is_asked(c);
    DL_FOREACH(c->exchanges, x) {
        on = on || (x->initiator && (!x->up || (x->quick && !(x->ready && x->negotiated))));
    }
    return on;
}

static void begin(struct keying *k, struct conn *c, uint64_t client, bool wait)
{
    char why[OBSTACLE];
    unsigned code = initiate_obstacle(k, c, why);
    if (code != 0) {
        say_obstacle(k, c, client, code, why);
        c->attempt = goes_on(c) ? c->attempt : 0; /* this may have been in place of another attempt */
        return;
    }
    agenda_clear(&k->agenda, &c->retry);
    supersede(k, c);
    c->attempt = 1;
    c->anew = 0;
    if (!attempt(k, c, wait ? client : 0, false)) {
        say_obstacle(k, c, client, REPLY_INTERNAL, cannot_begin);
        initiate_again(k, c, REPLY_INTERNAL);
    }
}

void initiate_conn(struct keying *k, struct conn *c, uint64_t client, bool wait)
{
    c->follows = false;
    begin(k, c, client, wait);
}

void initiate_asked(struct keying *k, struct conn *c, uint64_t client, bool wait)
{
    char why[OBSTACLE];
    c->follows = true;
    /* Who does not wait hears now what is in the way, as far as that is known now. */
    if (keying_deaf(k) != NULL || (!wait && initiate_obstacle(k, c, why) != 0)
        || !peer_name_ask(k, c, wait ? client : 0, wait, false)) {
        begin(k, c, client, wait);
    }
}

bool initiate_at_hand(const struct conn *c)
{
    const struct xchg *x;
    bool at_hand = c->attempt != 0 || peer_name_is_asked(c);
    DL_FOREACH(c->exchanges, x) {
        at_hand = at_hand || (x->quick && !x->up);
    }
    return at_hand;
}

void initiate_wanted(struct keying *k, struct conn *c)
{
    char why[OBSTACLE] = "a negotiation is at hand";
    bool at_hand = initiate_at_hand(c);
    c->wanted = !at_hand && !k->listening;
    if (!at_hand && initiate_obstacle(k, c, why) == 0) {
        keying_event_conn(k, c, "a packet wants through and there is no IPsec SA: we begin");
        c->follows = c->eroute == NULL; /* else its policies hold, and are not given up because of what DNS says */
        c->attempt = 1;
        c->anew = 0;
        if (!c->follows || !peer_name_ask(k, c, 0, false, true)) {
            begin(k, c, 0, false);
        }
    } else {
        keying_debug_conn(k, DEBUG_KERNEL, c, "a packet wants through: %s", why);
    }
}

void initiate_what_waited(struct keying *k)
{
    struct conn *next;
    for (struct conn *c = k->conns; c != NULL; c = next) {
        next = c->hh.next;
        bool wanted = c->wanted;
        c->wanted = false;
        if (wanted && !xchg_has_ipsec(c, NULL)) {
            initiate_wanted(k, c);
        }
    }
}

static void attempt_again(struct keying *k, struct conn *c)
{
    char why[OBSTACLE];
    unsigned code = initiate_obstacle(k, c, why);
    if (code != 0) {
        keying_event_conn(k, c, "no %sattempt: %s", c->attempt > 1 ? "further " : "", why);
        c->attempt = 0;
        conn_stale(k, c);
    } else if (!attempt(k, c, 0, false)) {
        keying_event_conn(k, c, "%s", cannot_begin);
        initiate_again(k, c, REPLY_INTERNAL);
    }
}

static void retry(void *context, struct agenda_item *item)
{
    struct keying *k = context;
    struct conn *c = AGENDA_OWNER(item, struct conn, retry);
    if (!c->follows || keying_deaf(k) != NULL || !peer_name_ask(k, c, 0, false, true)) {
        attempt_again(k, c);
    }
}

void initiate_found(struct keying *k, struct conn *c, uint64_t client, bool wait, bool retry)
{
    if (!retry) {
        begin(k, c, client, wait);
    } else if (c->attempt != 0 && !agenda_is_set(&c->retry)) { /* else another one follows already */
        attempt_again(k, c);
    }
}

void initiate_anew(struct keying *k, struct conn *c, uint64_t client)
{
    char why[OBSTACLE];
    unsigned code = initiate_obstacle(k, c, why);
    if (code != 0) {
        say_obstacle(k, c, client, code, why);
        c->attempt = 0;
        conn_stale(k, c);
        return;
    }
    c->attempt = c->attempt == 0 ? 1 : c->attempt;
    if (!attempt(k, c, client, true)) {
        say_obstacle(k, c, client, REPLY_INTERNAL, "cannot begin anew: too many exchanges");
        initiate_again(k, c, REPLY_INTERNAL);
    }
}

void initiate_again(struct keying *k, struct conn *c, unsigned code)
{
    if (c->attempt == 0 || k->stopping) {
        return;
    }
    if (c->form->keyingtries != 0 && c->attempt >= c->form->keyingtries) {
        c->attempt = 0;
        conn_stale(k, c);
        return;
    }
    c->attempt++;
    c->anew = 0;
    char of[32] = "";
    if (c->form->keyingtries != 0) {
        snprintf(of, sizeof of, " of at most %u", c->form->keyingtries);
    }
    keying_event_conn(k, c, "keying attempt %u%s follows; whack does not wait for it", c->attempt, of);
    uint64_t wait = code == REPLY_NO_RESPONSE || code == REPLY_INTERNAL ? AGAIN_SOON : AGAIN_LATER;
    (void)agenda_set(&k->agenda, &c->retry, k->now + wait, retry);
}
