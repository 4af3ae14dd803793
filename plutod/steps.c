/* The steps of negotiations, of both roles, and what is done when an SA stands. */
#include "initiate.h"

#include "ends.h"
#include "foreign.h"
#include "renew.h"
#include "respond.h"
#include "routing.h"

#include <bsd/sys/endian.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

static bool is_last(unsigned state)
{
    return state == STATE_MAIN_I4 || state == STATE_MAIN_R3 || state == STATE_QUICK_I2
           || state == STATE_QUICK_R2;
}

static const char *role_of(const struct xchg *x)
{
    return x->initiator ? "initiator" : "responder";
}

/* What was agreed on is for the log, too: events go with plutod. */
static void say_isakmp_up(struct keying *k, const struct xchg *x)
{
    char peer[IDENTITY_TEXT];
    identity_print(x->peer_id, peer);
    keying_event_tell(k, x, REPLY_SUCCESS, "STATE_%s: %s as %s: %s, peer %s by %s, life %us", xchg_state_word(x->state),
                      xchg_state_story(x->state), role_of(x), xchg_proposal(x), peer, xchg_method(x), x->life);
}

static void say_ipsec_up(struct keying *k, const struct xchg *y)
{
    char ours[SUBNET_TEXT];
    char peer[SUBNET_TEXT];
    const struct xchg *parent = xchg_find(k, y->parent);
    subnet_print(&y->conn->our_client, ours);
    subnet_print(&y->conn->peer_client, peer);
    keying_event_tell(k, y, REPLY_SUCCESS, "STATE_%s: %s as %s: ESP %s, %s mode, SPI %08x in, %08x out, %s to %s, life %us, under "
                      "#%llu", xchg_state_word(y->state), xchg_state_story(y->state), role_of(y), xchg_proposal(y),
                      y->mode == MODES_TUNNEL ? "tunnel" : "transport", be32dec(y->spi_in),
                      be32dec(y->spi_out.spi), ours, peer, y->life,
                      (unsigned long long)(parent == NULL ? 0 : parent->serial));
}

static void finish_quick(struct keying *k, struct xchg *y)
{
    if (!y->ready || !y->negotiated || y->gone || y->conn->newest_ipsec == y->number) {
        return;
    }
    y->conn->newest_ipsec = y->number;
    y->conn->attempt = 0;
    foreign_replaced(k, y->conn);
    say_ipsec_up(k, y);
    xchg_release(k, y);
}

void initiate_quick_ready(struct keying *k, struct xchg *y)
{
    finish_quick(k, y);
}

void initiate_state(struct keying *k, struct xchg *x, unsigned state)
{
    x->state = state;
    /* As initiator, and with the second message of Quick Mode, ours is sent again [C3]. */
    x->resends = x->initiator || x->quick;
    x->event_at = k->now + (x->resends ? RETRANSMIT_1 : GIVE_UP);
    if (!is_last(state)) {
        keying_tell(k, x, REPLY_STATE + state, "STATE_%s: %s", xchg_state_word(state),
                    xchg_state_story(state));
        return;
    }
    if (x->quick) {
        x->negotiated = true;
        finish_quick(k, x);
    }
}

bool initiate_isakmp_up(struct keying *k, struct xchg *x, const struct record *r, const char **why)
{
    if (x->conn == NULL || !x->authenticated || !x->matched) {
        *why = "an ISAKMP SA that secrets has not reported as authenticated";
        return false;
    }
    if (x->up) {
        *why = "this ISAKMP SA stands already";
        return false;
    }
    if (strcmp(xchg_proposal(x), record_text(r, K_PROPOSAL)) != 0 || respond_lies(x)) {
        *why = "isakmp-up: secrets made keys for another connection or proposal";
        return false;
    }
    k->counters.of[COUNT_ISAKMP_UP]++;
    free(x->offer); /* what may be chosen now is said by choose_quick */
    x->offer = NULL;
    uint64_t life = record_number(r, K_LIFE);
    x->life = life < x->conn->form->ikelifetime ? (uint32_t)life : x->conn->form->ikelifetime;
    xchg_set_up(k, x);
    xchg_set_half_open(k, x, false);
    x->since = k->now;
    x->state = x->initiator ? STATE_MAIN_I4 : STATE_MAIN_R3;
    x->stepped = true;
    x->conn->newest_isakmp = x->number;
    (void)agenda_set(&k->agenda, &x->life_end, k->now + (uint64_t)x->life * 1000, ends_life);
    say_isakmp_up(k, x);
    if (connection_isakmp_only(x->conn->form)) {
        x->conn->attempt = 0;
    }
    xchg_release(k, x);
    if (k->settings.uniqueids) {
        ends_unique_ids(k, x);
    }
    if (keying_worker(k, x->worker) == NULL) { /* it died when it had said its last word */
        renew_lost(k, x);
    }
    ends_superfluous(k, x);
    initiate_deferred(k, x);
    return true;
}

bool initiate_sa_up(struct keying *k, struct xchg *y, const struct record *r, const char **why)
{
    size_t len;
    if (y->up) { /* a new kernel-sa cannot know what the one before it had told */
        bool same = memcmp(y->spi_in, record_bytes(r, K_SPI_IN, &len), sizeof y->spi_in) == 0
                    && memcmp(y->spi_out.spi, record_bytes(r, K_SPI_OUT, &len),
                              sizeof y->spi_out.spi) == 0;
        *why = "the SAs of this exchange stand already, with other SPIs";
        return same;
    }
    k->counters.of[COUNT_IPSEC_UP]++;
    agenda_clear(&k->agenda, &y->life_end); /* the kernel counts it from now on */
    xchg_set_up(k, y);
    y->since = k->now;
    y->life = y->conn->form->ipseclifetime;
    if (record_has(r, K_LIFE) && record_number(r, K_LIFE) < y->life) {
        y->life = (uint32_t)record_number(r, K_LIFE); /* the peer wants it shorter [L1] */
    }
    y->mode = record_word(r, K_MODE);
    free(y->proposal);
    y->proposal = strdup(record_text(r, K_PROPOSAL));
    memcpy(y->spi_in, record_bytes(r, K_SPI_IN, &len), sizeof y->spi_in);
    xchg_enter_spi(k, y, record_bytes(r, K_SPI_OUT, &len));
    ends_superfluous(k, y);
    routing_up(k, y);
    return true;
}
