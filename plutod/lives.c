/*
 * What the core does when a tool is started, or has died.
 */
#include "anew.h"
#include "ends.h"
#include "explain.h"
#include "foreign.h"
#include "initiate.h"
#include "methods.h"
#include "orders.h"
#include "renew.h"
#include "resolve.h"

/* ---- ike-negotiate ---- */

void keying_negotiator_up(struct keying *k, struct buffer *out)
{
    k->negotiator = out;
    order_debug_one(k, out);
    anew_go(k);
}

static const char negotiator_ended[] = "ike-negotiate ended unexpectedly during this negotiation";

/*
 * ISAKMP SAs and negotiations die with it, IPsec SAs live on. What was being initiated is begun
 * anew, and so are ISAKMP SAs that have IPsec SAs; what it had not heard of yet goes on with the
 * next one.
 */
void keying_negotiator_down(struct keying *k)
{
    struct xchg *x;
    struct xchg *next;
    k->negotiator = NULL;
    for (x = k->exchanges; x != NULL; x = x->hh.next) {
        x->ending = x->ending || (!x->quick && (xchg_is_told(x) || !x->initiator));
    }
    HASH_ITER(hh, k->exchanges, x, next) {
        bool open = x->quick && !x->up && !x->ending; /* what is ending was lost at an earlier death */
        const struct xchg *parent = open ? xchg_find_main(k, x->parent) : NULL;
        if (open && (parent == NULL || parent->ending)) {
            anew_lost(k, x, negotiator_ended, true);
        }
    }
    HASH_ITER(hh, k->exchanges, x, next) {
        if (!x->quick && !x->ending) {
            continue;
        }
        if (!x->quick && x->up) {
            renew_lost(k, x);
            ends_main(k, x, ENDS_SILENTLY, negotiator_ended);
        } else if (!x->quick) {
            anew_lost(k, x, negotiator_ended, true);
        } else if (x->up && !x->negotiated) {
            x->negotiated = true; /* its SAs stand: nothing more is going to be said */
            initiate_quick_ready(k, x);
        }
    }
    conn_sweep(k);
}

/* ---- secrets ---- */

/*
 * Its ISAKMP SAs can make no keys any more. They are kept for Deletes only, beside new ones, and
 * the peer is not told: many peers would delete their IPsec SAs with them, and those live on. Of
 * what is under way ike-negotiate knows whether it can go on without what that worker knew: it says
 * `failed worker=N` where not.
 */
void keying_worker_down(struct keying *k, uint32_t number)
{
    bool retired = false; /* then it ends because others have read the secrets anew, and not of what it was asked */
    for (unsigned i = 0; i < k->worker_count; i++) {
        if (k->workers[i].number == number) {
            retired = !k->workers[i].current;
            k->workers[i] = k->workers[--k->worker_count];
            break;
        }
    }
    if (!retired) {
        methods_worker_died(k, number);
    }
    keying_drop_pending(k, PENDING_ACCEPT, number);
    keying_drop_pending(k, PENDING_METHOD_PSK, number);
    keying_drop_pending(k, PENDING_METHOD_RSASIG, number);
    explain_worker_gone(k, number);
    for (const struct xchg *x = k->exchanges; x != NULL; x = x->hh.next) {
        if (!x->quick && x->worker == number && x->up) {
            renew_lost(k, x);
            keying_event(k, x, "no keys can be made under this ISAKMP SA any more: "
                       "its secrets process has ended");
        }
    }
    resolve_worker_down(k, number);
    anew_worker_gone(k, number);
    conn_sweep(k);
}

/* ---- kernel-sa ---- */

#define PERMITS_EVERY 20 /* milliseconds */

/* Permits of the SAs that stand, as many as there is room for; the rest a little later. */
static void permit_again(void *context, struct agenda_item *item)
{
    struct keying *k = context;
    (void)item;
    for (struct xchg *y = k->exchanges; y != NULL && k->kernel != NULL; y = y->hh.next) {
        if (!y->quick || !y->up || y->number <= k->permitted) {
            continue;
        }
        if (k->kernel->len > CHANNEL_MAX / 2) {
            (void)agenda_set(&k->agenda, &k->permits, k->now + PERMITS_EVERY, permit_again);
            return;
        }
        order_permit_again(k, y);
        k->permitted = y->number;
    }
}

/*
 * A new kernel-sa reads from the kernel which SAs there are, and is permitted again what is open or
 * installed; then it hears again what the one before it had not done. What a plutod before left
 * there stays as it is, so that nothing leaves in the clear.
 */
void keying_kernel_up(struct keying *k, struct buffer *out)
{
    k->kernel = out;
    k->kernel_was = true;
    order_debug_one(k, out);
    for (struct xchg *y = k->exchanges; y != NULL; y = y->hh.next) {
        if (y->quick && y->permitted && !y->up) {
            order_permit_again(k, y);
        }
    }
    k->permitted = 0;
    permit_again(k, NULL);
    keying_repeat(k, out);
}

void keying_kernel_down(struct keying *k)
{
    k->kernel = NULL;
    agenda_clear(&k->agenda, &k->permits);
    keying_release_kept(k);
    keying_drop_pending(k, PENDING_SAMPLE, 0);
    keying_tell_pending(k, PENDING_LOOKUP, 0, "kernel-sa died before it answered: ask again");
    keying_drop_pending(k, PENDING_LOOKUP, 0);
    k->samples = 0;
    for (struct conn *c = k->conns; c != NULL; c = c->hh.next) {
        foreign_forget_policies(c); /* the next one finds out */
    }
    for (struct xchg *y = k->exchanges; y != NULL; y = y->hh.next) {
        y->asked = false;
    }
}
