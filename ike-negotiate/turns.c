/*
 * Quick Modes that cannot go on now: ours, under an ISAKMP SA under which as many of ours as may be are
 * under way, wait there for their turn; and whoever finds no SPI waits for kernel-sa. Whoever may go on
 * is found without looking at those who may not: there may be thousands.
 */
#include "actions.h"
#include "exchange.h"

static void put(struct exchange *x, struct waiting *list)
{
    x->waits = list;
    TAILQ_INSERT_TAIL(list, x, waiters);
}

static void take_out(struct exchange *x)
{
    if (x->waits != NULL) {
        TAILQ_REMOVE(x->waits, x, waiters);
        x->waits = NULL;
    }
}

void quick_wait_spi(struct ike *ike, struct exchange *x)
{
    put(x, &ike->waiting);
}

void quick_wait_turn(struct ike *ike, struct exchange *x)
{
    (void)ike;
    put(x, &x->sa->turns);
}

void quick_waits_no_more(struct ike *ike, struct exchange *x)
{
    take_out(x);
    struct exchange *next = TAILQ_FIRST(&x->sa->turns);
    if (next != NULL && x->sa->our_quicks < OUR_QUICKS_MAX) {
        take_out(next);
        put(next, &ike->waiting);
    }
}

void quick_begin_waiting(struct ike *ike)
{
    struct exchange *x;
    while (ike->spi_count > 0 && (x = TAILQ_FIRST(&ike->waiting)) != NULL) {
        take_out(x);
        if (x->initiator) {
            quick_begin(ike, x);
        } else {
            quick_go_on(ike, x);
        }
    }
}
