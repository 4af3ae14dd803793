/*
 * The engine: the only place that counts payloads and moves states.
 */
#include "actions.h"
#include "exchange.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

#define PRIVATE_TYPES 128 /* payloads from here on are private ones */

/* Allowed anywhere: what carries no part of the exchange itself (interop Q6). */
static bool is_extra(unsigned type)
{
    return type == PAYLOAD_N || type == PAYLOAD_D || type == PAYLOAD_VID || type == PAYLOAD_CR
           || type == PAYLOAD_NAT_D || type == PAYLOAD_NAT_OA || type >= PRIVATE_TYPES;
}

/* Of them, what says something elsewhere and nothing here. */
static unsigned stray_odd(const struct message *m, bool quick)
{
    bool stray = message_count(m, PAYLOAD_D) > 0;
    if (quick) {
        stray = stray || message_count(m, PAYLOAD_CR) > 0 || message_count(m, PAYLOAD_NAT_D) > 0
                || message_count(m, PAYLOAD_NAT_D_DRAFT) > 0;
    }
    return stray ? ODD_STRAY_PAYLOAD : ODD_NONE;
}

static const char *check_order(const struct transition *t, const struct message *m)
{
    if (t->first != 0 && (m->count < 1 || m->payload[0].type != t->first)) {
        return t->first == PAYLOAD_HASH ? "the HASH payload does not come first"
                                        : "the SA payload does not come first";
    }
    if (t->second != 0 && (m->count < 2 || m->payload[1].type != t->second)) {
        return "the SA payload does not follow the HASH payload";
    }
    return NULL;
}

static bool check_payloads(const struct transition *t, const struct message *m, bool quick,
                           char *why, size_t size)
{
    uint8_t count[PRIVATE_TYPES] = { 0 };
    _Static_assert(PAYLOADS_MAX <= UINT8_MAX, "so many are counted");
    for (size_t i = 0; i < m->count; i++) {
        if (m->payload[i].type < PRIVATE_TYPES) {
            count[m->payload[i].type]++;
        }
    }
    for (unsigned type = 1; type < PRIVATE_TYPES; type++) {
        uint32_t bit = type < 32 ? PAYLOAD_BIT(type) : 0;
        unsigned most = (t->required & bit) != 0 || (t->optional & bit) != 0 ? 1 : 0;
        if (type == PAYLOAD_CERT && most != 0) {
            continue; /* a whole chain of them */
        }
        if (quick && type == PAYLOAD_ID && t->required != PAYLOAD_BIT(PAYLOAD_HASH)) {
            if (count[type] != 0 && count[type] != 2) {
                snprintf(why, size, "%u ID payloads, where there are two or none", count[type]);
                return false;
            }
            continue;
        }
        if ((t->required & bit) != 0 && count[type] == 0) {
            snprintf(why, size, "the %s payload is missing", payload_name(type));
            return false;
        }
        if (count[type] > most && !is_extra(type)) {
            snprintf(why, size, most == 0 ? "a %s payload does not belong here"
                                          : "more than one %s payload", payload_name(type));
            return false;
        }
    }
    const char *order = check_order(t, m);
    if (order != NULL) {
        snprintf(why, size, "%s", order);
        return false;
    }
    return true;
}

/* Sets the timer that belongs to where the exchange is now. */
static void set_timer(struct ike *ike, struct exchange *x)
{
    if (x->state == MAIN_I4 || x->state == MAIN_R3) {
        exchange_timer(ike, x, UINT64_MAX); /* plutod ends ISAKMP SAs */
    } else if (x->state < PUBLIC_STATES && x->sent.by_timer) {
        exchange_timer(ike, x, ike->now + RETRANSMIT_1);
    } else {
        exchange_timer(ike, x, ike->now + GIVE_UP);
    }
}

void engine_enter(struct ike *ike, struct exchange *x, enum state next)
{
    enum state before = x->state;
    x->state = next;
    report_debug(ike, x, DEBUG_CONTROL, "state %s -> %s", state_name(before), state_name(next));
    set_timer(ike, x);
    half_open_step(ike, x);
    if (next < PUBLIC_STATES && (next != before || next == MAIN_I1)) {
        exchange_report_state(ike, x);
    }
    if (next == MAIN_I4) {
        sent_forget(&x->sent); /* a copy of message 6 needs no answer */
    }
    if (next == MAIN_I4 || next == MAIN_R3) {
        main_up(ike, x);
    } else if (next == QUICK_I2 || next == QUICK_R2) {
        exchange_settle(ike, x);
    }
}

static void bad_message(struct ike *ike, struct exchange *x, enum flaw flaw, const char *why)
{
    count_ignored(ike, flaw);
    exchange_ignored(x, why);
    (void)report_unproved(ike, x, "a message in state %s is ignored: %s", state_name(x->state), why);
}

enum outcome engine_message(struct ike *ike, struct exchange *x, const struct message *m, bool encrypted,
                    const uint8_t *digest)
{
    struct event e = { .message = m, .flaw = FLAW_UNEXPECTED };
    const struct transition *t = table_find(x, ON_MESSAGE);

    if (t == NULL) {
        bad_message(ike, x, FLAW_UNEXPECTED, "no message is expected now");
        return IGNORE;
    }
    if (t->encrypted != encrypted) {
        bad_message(ike, x, FLAW_UNEXPECTED, encrypted ? "it is encrypted too early"
                                                       : "it should be encrypted and is not");
        return IGNORE;
    }
    if (!check_payloads(t, m, x->is_quick, e.text, sizeof e.text)) {
        bad_message(ike, x, FLAW_UNEXPECTED, e.text);
        return IGNORE;
    }
    report_odd(ike, x, m->odd | stray_odd(m, x->is_quick));
    enum outcome outcome = t->action(ike, x, &e);
    if (outcome == END) {
        return END;
    }
    if (outcome == IGNORE) {
        bad_message(ike, x, e.flaw, e.why != NULL ? e.why : e.text);
        return IGNORE;
    }
    memcpy(x->last_in, digest, DIGEST_LEN);
    x->has_last_in = true;
    engine_enter(ike, x, outcome == GO ? t->next : t->other);
    return outcome;
}

void engine_answer(struct ike *ike, struct exchange *x, const struct record *answer)
{
    struct event e = { .answer = answer };
    const struct transition *t = table_find(x, answer->re);

    if (t == NULL) {
        return; /* the exchange has moved on, or died and was made again */
    }
    enum outcome outcome = t->action(ike, x, &e);
    if (outcome == GO) {
        engine_enter(ike, x, t->next);
    } else if (outcome == OTHER && t->other != t->from) {
        engine_enter(ike, x, t->other);
    }
}
