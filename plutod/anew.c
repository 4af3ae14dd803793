#include "anew.h"

#include "ends.h"
#include "initiate.h"
#include "orders.h"
#include "renew.h"
#include "respond.h"

#include <utlist.h>

#define ANEW_MAX 8 /* deaths under one attempt; after that it has failed */
#define SUSPECT 1000 /* milliseconds */

/* ---- lost ---- */

/* Quick Modes that are under way under x. */
static void lose_children(struct keying *k, struct xchg *x, const char *why, bool told)
{
    struct xchg *y;
    struct xchg *next;
    DL_FOREACH_SAFE2(x->children, y, next, child_next) {
        if (!y->ending) {
            anew_lost(k, y, why, told);
        }
    }
}

static bool is_ours_to_begin(struct keying *k, const struct xchg *x)
{
    const struct conn *c = x->conn;
    if (c == NULL || k->stopping) {
        return false;
    }
    /*
     * Even where older IPsec SAs still carry our traffic: a peer that had message 2 sends on the new pair
     * only, and nothing would tell him that it is half of one.
     */
    if (!x->initiator) {
        return x->quick && c->attempt == 0;
    }
    return x->quick || connection_isakmp_only(c->form);
}

static void lingered(void *context, struct agenda_item *item)
{
    ends_quietly(context, AGENDA_OWNER(item, struct xchg, life_end), true);
}

/*
 * The inbound SA may be in use by a peer that had message 2. It stays until what is begun anew has
 * taken its place, and no longer than kernel-sa would hold it.
 */
static void linger(struct keying *k, struct xchg *x)
{
    if (!x->permitted || !agenda_set(&k->agenda, &x->life_end, k->now + GIVE_UP, lingered)) {
        ends_quietly(k, x, true);
        return;
    }
    order_forget_secrets(k, x);
}

void anew_lost(struct keying *k, struct xchg *x, const char *why, bool told)
{
    struct conn *c = x->conn;
    x->ending = true;
    if (!x->quick) {
        lose_children(k, x, why, told);
        renew_lost(k, x);
    }
    if (x->quick && !x->initiator && told && c != NULL && c->attempt != 0 && !k->stopping) {
        keying_event(k, x, "%s: what we have begun ourselves takes its place", why);
        linger(k, x);
        return;
    }
    if (!is_ours_to_begin(k, x)) {
        bool others = !x->quick && c != NULL && !connection_isakmp_only(c->form);
        if (others) { /* its Quick Modes were what somebody waits for */
            keying_event(k, x, "%s", why);
        }
        ends_failed(k, x, REPLY_INTERNAL, others ? NULL : why, told);
        return;
    }
    if (x->initiator && ++c->anew > ANEW_MAX) {
        ends_failed(k, x, REPLY_INTERNAL, why, told);
        return;
    }
    k->counters.of[COUNT_BEGUN_ANEW]++;
    keying_event_tell(k, x, REPLY_SERIOUS, "%s: it is begun anew", why);
    initiate_anew(k, c, x->client);
    if (!x->initiator && told) {
        linger(k, x);
    } else {
        ends_quietly(k, x, told);
    }
}

/* ---- going on ---- */

static bool go(struct keying *k, struct xchg *x)
{
    const struct keying_worker *w = keying_pick_worker(k);
    struct xchg *y;
    if (w == NULL || k->negotiator == NULL) {
        return false;
    }
    bool known = x->waits == WAITS_WORKER;
    xchg_set_worker(k, x, w->number);
    if (!known && x->initiator) {
        initiate_main_go(k, x);
        return true;
    }
    if (!known) {
        respond_first_go(k, x);
        return true;
    }
    x->waits = WAITS_NOT;
    order_announce_all(k, x);
    order_worker(k, x);
    DL_FOREACH2(x->children, y, child_next) {
        initiate_quick_moved(k, y, w->number);
    }
    return true;
}

void anew_go(struct keying *k)
{
    struct xchg *x;
    struct xchg *next;
    HASH_ITER(hh, k->exchanges, x, next) { /* whose connections have gone, ends */
        bool waits = x->waits == WAITS_WORKER || x->waits == WAITS_ALL;
        if (waits && !x->ending && !go(k, x)) {
            break;
        }
    }
}

static void unsuspect(void *context, struct agenda_item *item)
{
    (void)item;
    anew_go(context);
}

void anew_suspect(struct keying *k, uint32_t worker)
{
    struct keying_worker *w = keying_worker(k, worker);
    if (w != NULL) {
        w->suspect = k->now + SUSPECT;
        (void)agenda_set(&k->agenda, &k->unsuspect, w->suspect, unsuspect);
    }
}

void anew_worker_gone(struct keying *k, uint32_t worker)
{
    for (struct xchg *x = k->exchanges; x != NULL; x = x->hh.next) {
        bool early = !x->quick && !x->up && !x->authenticated; /* no other one has its keys */
        if (early && x->worker == worker && (x->waits == WAITS_NOT || x->waits == WAITS_METHODS)) {
            x->worker = 0;
            x->waits = x->waits == WAITS_NOT ? WAITS_WORKER : WAITS_ALL;
        }
    }
    anew_go(k);
}
