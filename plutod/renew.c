#include "renew.h"

#include "initiate.h"

#include <utlist.h>

#define SOON 100            /* milliseconds: what died is running again by then */
#define EVERY 20
#define AGAIN 1000

/* A connection with x's peer that has IPsec SAs, or NULL. */
static struct conn *in_use(const struct xchg *x)
{
    struct conn *c;
    if (x->conn == NULL || x->conn->pair == NULL) {
        return NULL;
    }
    DL_FOREACH(x->conn->pair->conns, c) {
        if (conn_same_ids(c, x->conn) && xchg_has_ipsec(c, NULL)) {
            return c;
        }
    }
    return NULL;
}

static void renew(void *context, void *owner)
{
    struct keying *k = context;
    struct conn *c = owner;
    if (k->stopping || !k->listening || !c->oriented || !xchg_has_ipsec(c, NULL)
        || xchg_usable_isakmp(k, c, true) != NULL) {
        return;
    }
    if (!initiate_main(k, c)) {
        (void)agenda_set(&k->agenda, &c->renewal, k->now + AGAIN, renew, c);
        return;
    }
    keying_log_conn(k, LOG_LEVEL_INFO, c, "a new ISAKMP SA takes the place of the one that was "
                    "lost; its IPsec SAs stay");
}

void renew_lost(struct keying *k, const struct xchg *x)
{
    struct conn *c = k->stopping ? NULL : in_use(x);
    if (c == NULL || c->renewal.place != 0) {
        return;
    }
    uint64_t at = k->now + SOON;
    at = at < k->next_renewal ? k->next_renewal : at;
    k->next_renewal = at + EVERY;
    (void)agenda_set(&k->agenda, &c->renewal, at, renew, c);
}
