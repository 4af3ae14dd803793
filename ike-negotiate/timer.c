/*
 * When something is due: messages that are sent again, exchanges that are given up, and what their silence means.
 */
#include "informational.h"
#include "report.h"

#include <stdint.h>
#include <stdio.h>

static int compare_timers(const struct exchange *a, const struct exchange *b)
{
    if (a->timer != b->timer) {
        return a->timer < b->timer ? -1 : 1;
    }
    return a->serial < b->serial ? -1 : a->serial > b->serial;
}

RB_GENERATE_INTERNAL(timers, exchange, by_timer, compare_timers, static __attribute__((unused)))

void exchange_timer(struct ike *ike, struct exchange *x, uint64_t at)
{
    if (x->timer != UINT64_MAX) {
        RB_REMOVE(timers, &ike->timers, x);
    }
    x->timer = at;
    if (at != UINT64_MAX) {
        RB_INSERT(timers, &ike->timers, x);
    }
}

uint64_t ike_next_timer(const struct ike *ike)
{
    const struct exchange *x = RB_MIN(timers, &((struct ike *)(uintptr_t)ike)->timers);
    uint64_t timer = x == NULL ? UINT64_MAX : x->timer;
    return ike->ignored_due < timer ? ike->ignored_due : timer;
}

#define SILENCE_TEXT 2000

/* What silence most probably means, by where it fell. */
static const char *silence(const struct exchange *x)
{
    switch (x->state) {
    case MAIN_I1:
        return "no response to our first message: is the peer up, does it speak IKEv1 there, and "
               "does it know us?";
    case MAIN_I3:
        if (x->main->method == AUTH_RSASIG) {
            return "no acceptable response to our signature: the peer probably does not know our public key, or "
                   "does not expect our identity";
        }
        return "no acceptable response to our first encrypted message: probably a wrong secret, "
               "or an identity that the peer does not expect";
    case QUICK_I1:
        return "no acceptable response to our first Quick Mode message: the peer probably refuses "
               "the proposal or the clients";
    case QUICK_R1:
        return "the peer did not confirm the IPsec SA (message 3 of Quick Mode)";
    default:
        return "the peer fell silent";
    }
}

static void silence_of(const struct exchange *x, char *out, size_t size)
{
    if (x->ignored != NULL) {
        snprintf(out, size, "no acceptable message came in STATE_%s; the last one was ignored: %s",
                 state_name(x->state), x->ignored);
    } else {
        snprintf(out, size, "%s (STATE_%s, sent %u times)", silence(x), state_name(x->state),
                 x->sent.times);
    }
}

static void send_once_more(struct ike *ike, struct exchange *x)
{
    struct record_writer w;
    char why[SILENCE_TEXT];
    x->sent.times++;
    sent_again(ike, x);
    uint64_t next = x->sent.first + (x->sent.times == 2 ? RETRANSMIT_2 : GIVE_UP);
    exchange_timer(ike, x, next > ike->now ? next : ike->now + RETRANSMIT_1);
    if (x->number == 0) {
        return;
    }
    record_start(&w, ike->out.plutod, V_RETRANSMITTED);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_number(&w, K_ATTEMPT, x->sent.times);
    record_put_number(&w, K_WAIT, (x->timer - ike->now + 999) / 1000);
    silence_of(x, why, sizeof why);
    record_put_text(&w, K_WHY, why);
    record_finish(&w);
}

static void give_up(struct ike *ike, struct exchange *x)
{
    if (x->state == QUICK_I2 || x->state == QUICK_R2) {
        exchange_free(ike, x); /* done long ago; kept for duplicates of the last message */
    } else if (x->state >= PUBLIC_STATES) {
        exchange_failed(ike, x, REPLY_INTERNAL, "no answer from our own processes in state %s",
                        state_name(x->state));
    } else {
        if (x->state == QUICK_R1 && x->sa->up) {
            /* Was it message 3 that got lost, the peer has both SAs and would send into the void. */
            send_delete(ike, x->parent, PROTOCOL_ESP, x->quick->spi_in, sizeof x->quick->spi_in);
        }
        char why[SILENCE_TEXT];
        silence_of(x, why, sizeof why);
        exchange_failed(ike, x, REPLY_NO_RESPONSE, "%s", why);
    }
}

void ike_timer(struct ike *ike, uint64_t now)
{
    struct exchange *x;
    ike->now = now;
    while ((x = RB_MIN(timers, &ike->timers)) != NULL && x->timer <= now) {
        exchange_timer(ike, x, UINT64_MAX);
        if (x->state < PUBLIC_STATES && x->sent.by_timer && x->sent.times < 3
            && x->state != QUICK_I2 && x->state != QUICK_R2) {
            send_once_more(ike, x);
        } else {
            give_up(ike, x);
        }
    }
    if (ike->ignored_due <= now) {
        tell_ignored(ike);
    }
    quick_begin_waiting(ike);
}
