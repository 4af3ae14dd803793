#include "renew.h"

#include "initiate.h"

#include <utlist.h>

#define SOON 100            /* milliseconds: what died is running again by then */
#define EVERY 20
#define AGAIN 1000
#define PAUSE UINT64_C(10000) /* after an attempt that failed; each time twice as long, */
#define DOUBLINGS 5         /* up to 320 s */
#define YOUNG 60000         /* milliseconds in which nobody has as many Quick Modes as one ISAKMP SA may have */
#define ATTEMPTS 10u        /* after the first: most of an hour, an IPsec SA's life by default */

/* A connection with x's peer that has IPsec SAs, or NULL. */
static struct conn *in_use(struct keying *k, const struct xchg *x)
{
    struct conn *c = x->conn;
    return c == NULL || c->kin == NULL ? NULL : xchg_has_ipsec(c, NULL) ? c : conn_in_use(k, c, c);
}

static void renew(void *context, struct agenda_item *item);

static void begin_at(struct keying *k, struct conn *c, uint64_t at)
{
    (void)agenda_set(&k->agenda, &c->renewal, at, renew);
}

static void renew(void *context, struct agenda_item *item)
{
    struct keying *k = context;
    struct conn *c = AGENDA_OWNER(item, struct conn, renewal);
    if (k->stopping || !c->oriented || !xchg_has_ipsec(c, NULL)
        || xchg_usable_isakmp(k, c, true) != NULL) {
        c->renewals = 0;
        return;
    }
    struct xchg *x = k->listening ? initiate_main(k, c) : NULL;
    if (x == NULL) {
        begin_at(k, c, k->now + (k->listening ? AGAIN : PAUSE));
        return;
    }
    x->renews = true;
    keying_event_conn(k, c, "a new ISAKMP SA takes the place of the one that was lost; its IPsec SAs stay");
}

void renew_lost(struct keying *k, const struct xchg *x)
{
    struct conn *c = k->stopping ? NULL : in_use(k, x);
    if (c == NULL || agenda_is_set(&c->renewal)) {
        return;
    }
    uint64_t at = k->now + SOON;
    at = at < k->next_renewal ? k->next_renewal : at;
    k->next_renewal = at + EVERY;
    c->renewals = x->up ? 0 : c->renewals;
    begin_at(k, c, at);
}

void renew_worn_out(struct keying *k, const struct xchg *x)
{
    struct conn *c = k->stopping || k->now >= x->since + YOUNG ? NULL : in_use(k, x);
    if (c != NULL && !agenda_is_set(&c->renewal)) {
        begin_at(k, c, k->now + (PAUSE << c->renewals));
        c->renewals += c->renewals < DOUBLINGS ? 1 : 0;
    }
}

void renew_failed(struct keying *k, const struct xchg *x)
{
    struct conn *c = k->stopping || !x->renews ? NULL : x->conn;
    if (c == NULL || agenda_is_set(&c->renewal) || !xchg_has_ipsec(c, NULL)) {
        return;
    }
    if (c->renewals == ATTEMPTS) {
        keying_event_conn(k, c, "no new ISAKMP SA after %u attempts: its IPsec SAs go on until their life "
                          "ends; whack --initiate tries again", ATTEMPTS + 1);
        c->renewals = 0;
        return;
    }
    uint64_t pause = PAUSE << (c->renewals < DOUBLINGS ? c->renewals : DOUBLINGS);
    c->renewals++;
    keying_log_conn(k, LOG_LEVEL_INFO, c, "another attempt to make the ISAKMP SA follows in %u s",
                    (unsigned)(pause / 1000));
    begin_at(k, c, k->now + pause);
}
