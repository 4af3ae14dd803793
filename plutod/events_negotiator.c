/* What ike-negotiate tells the core, verb by verb. */
#include "events.h"

#include "anew.h"
#include "ends.h"
#include "hint.h"
#include "initiate.h"
#include "methods.h"
#include "orders.h"
#include "renew.h"
#include "respond.h"
#include "shorten.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTIFIED_MAX 8u /* notifications about one negotiation that whack hears of */

/*
 * For ike-negotiate this negotiation is over: it said so itself, or its predecessor did (plutod/lives.c).
 * Its SAs are no business of the negotiator's any more: a peer's Delete is what ends them.
 */
static bool is_over(const struct xchg *x)
{
    return x->quick ? x->negotiated : x->up;
}

/*
 * Not a word came back to a Quick Mode of ours: the peer has lost the ISAKMP SA, or never reads what
 * is under it. The next attempt begins with Main Mode.
 */
static struct xchg *dead_parent(struct keying *k, const struct xchg *y, unsigned code)
{
    bool silent = code == REPLY_NO_RESPONSE && y->quick && y->initiator && y->state == STATE_QUICK_I1
                  && !y->answered;
    struct xchg *x = silent ? xchg_find_main(k, y->parent) : NULL;
    return x != NULL && x->up ? x : NULL;
}

#define WITH_MISSING (3900 + METHODS_LIST)
/* What was not offered for want of a secret or key may be what would have fitted. Returns text, or out. */
static const char *with_missing(struct keying *k, const struct xchg *x, unsigned code, const char *text,
                                char out[WITH_MISSING])
{
    char missing[METHODS_LIST];
    if (x->quick || x->initiator || code != REPLY_NOTIFICATION + NO_PROPOSAL_CHOSEN
        || methods_say_missing(k, keying_worker(k, x->worker), &x->local, &x->remote, METHODS_SOMETHING, missing) == NULL) {
        return text;
    }
    snprintf(out, WITH_MISSING, "%s; left out for what is missing: %s", text, missing);
    return out;
}

/* Its SAs may stand already: then the last word on them was on its way. What older SAs need stays. */
static void end_failed(struct keying *k, struct xchg *x, const struct record *r)
{
    const char *text = record_text(r, K_WHY);
    unsigned code = (unsigned)record_number(r, K_CODE);
    k->words = true;
    if (x->up && x->quick) {
        keying_event_tell(k, x, code, "%s", text);
        ends_quick(k, x, ENDS_TELL_PEER, 0, NULL);
        return;
    }
    if (record_has(r, K_WORKER)) {
        anew_suspect(k, (uint32_t)record_number(r, K_WORKER));
        anew_lost(k, x, text, true);
        return;
    }
    if (x->up) { /* an ISAKMP SA under which no further Quick Mode may begin */
        renew_worn_out(k, x);
        anew_lost(k, x, text, true);
        return;
    }
    bool said = record_has(r, K_PROTECTED) && record_yes(r, K_PROTECTED); /* why, by the peer */
    x->answered = x->answered || said;
    struct xchg *parent = dead_parent(k, x, code);
    if (code == REPLY_NO_RESPONSE && x->notified != NULL && !said) {
        char why[1500];
        snprintf(why, sizeof why, "no acceptable response in STATE_%s: the peer last said %s",
                 xchg_state_word(x->state), x->notified);
        if (x->refused) {
            hint_add_proposal(x, why, sizeof why);
        }
        ends_failed(k, x, code, why, true);
    } else {
        char missing[WITH_MISSING];
        char ids[WITH_MISSING];
        const char *why = with_missing(k, x, code, text, missing);
        ends_failed(k, x, code, hint_with_ids(x, why, ids, sizeof ids), true);
    }
    if (parent != NULL) {
        ends_main(k, parent, ENDS_TELL_PEER, "the peer does not answer under it; the next attempt begins "
                  "with Main Mode");
    }
}

static bool take_failed(struct keying *k, const struct record *r, const char **why)
{
    struct xchg *x = xchg_find(k, record_number(r, K_EXCHANGE));
    if (x == NULL) {
        return true; /* ended meanwhile */
    }
    if (x->quick && is_over(x)) { /* an ISAKMP SA that takes no more Quick Modes may still be given up */
        *why = "this negotiation was over, and had not failed";
        return false;
    }
    if (!reply_is_failure(record_number(r, K_CODE))) {
        *why = "its code is none of a failure";
        return false;
    }
    end_failed(k, x, r);
    return true;
}

/* Each step comes once, forward, and is one of this kind of exchange in our role. */
static bool take_state(struct keying *k, const struct record *r, const char **why)
{
    struct xchg *x = xchg_find(k, record_number(r, K_EXCHANGE));
    unsigned state = record_word(r, K_STATE);
    if (x == NULL) {
        return true;
    }
    bool of_quick = state >= STATE_QUICK_R0 && state <= STATE_QUICK_R2;
    bool of_initiator = state % 2 == STATE_MAIN_I1 % 2; /* so are they ordered */
    bool forward = state > x->state || (state == x->state && !x->stepped);
    if (state > STATE_QUICK_R2 || of_quick != x->quick || of_initiator != x->initiator || !forward) {
        *why = "not a step that this exchange can make";
        return false;
    }
    x->stepped = true;
    x->attempt = 0;
    hint_set(x, NULL); /* it goes on */
    x->hinted = false;
    initiate_state(k, x, state);
    return true;
}

/* A message is sent three times at most [C3], and none when all is said. */
static bool take_retransmitted(struct keying *k, const struct record *r, const char **why)
{
    struct xchg *x = xchg_find(k, record_number(r, K_EXCHANGE));
    uint64_t attempt = record_number(r, K_ATTEMPT);
    if (x == NULL) {
        return true;
    }
    if (is_over(x) || attempt > 3 || attempt <= x->attempt) {
        *why = "no message of this exchange was to be sent again";
        return false;
    }
    k->counters.of[COUNT_RETRANSMISSIONS]++;
    x->attempt = (unsigned)attempt;
    x->event_at = k->now + record_number(r, K_WAIT) * 1000;
    x->resends = attempt < 3;
    bool news = attempt == 2 && record_has(r, K_WHY) && !x->hinted && x->notified == NULL;
    if (!x->hinted) {
        hint_set(x, record_text(r, K_WHY));
    }
    keying_tell(k, x, REPLY_RETRANSMISSION, "STATE_%s: retransmission; will wait %us for response%s%s",
                xchg_state_word(x->state), (unsigned)record_number(r, K_WAIT), news ? "; " : "", news ? record_text(r, K_WHY) : "");
    if (news) {
        k->words = true;
        keying_note(k, x, "%s", record_text(r, K_WHY));
    }
    return true;
}

/* Once for each negotiation. It ends nothing: anybody may have sent what it is about. */
static void take_hint(struct keying *k, const struct record *r)
{
    struct xchg *x = xchg_find(k, record_number(r, K_EXCHANGE));
    if (x == NULL || is_over(x) || x->hinted) {
        return;
    }
    char more[HINT_TEXT];
    const char *why = hint_with_ids(x, record_text(r, K_WHY), more, sizeof more);
    x->hinted = true;
    hint_set(x, why);
    k->words = true;
    keying_event_serious(k, x, REPLY_SERIOUS, "%s", why);
}

/* ike-negotiate has logged it. An unprotected one is only a hint, but what whack waits for may fail. */
static void take_notified(struct keying *k, const struct record *r)
{
    struct xchg *x = xchg_find(k, record_number(r, K_EXCHANGE));
    uint64_t type = record_number(r, K_NOTIFICATION);
    const char *name = record_text(r, K_TEXT);
    k->counters.of[COUNT_NOTIFICATIONS]++;
    if (x == NULL || x->conn == NULL || type > 30) {
        return;
    }
    x->answered = x->answered || record_yes(r, K_PROTECTED);
    char notified[80];
    snprintf(notified, sizeof notified, "%.40s%s", name == NULL ? "that something is wrong" : name,
             record_yes(r, K_PROTECTED) ? "" : " (not protected, so only a hint)");
    free(x->notified);
    x->notified = strdup(notified);
    char what[1500];
    strlcpy(what, notified, sizeof what);
    x->refused = type == NO_PROPOSAL_CHOSEN && x->initiator;
    if (x->refused) {
        hint_add_proposal(x, what, sizeof what);
    }
    if (x->client == 0 || x->notifications >= NOTIFIED_MAX) {
        return; /* what failed for it is still said in the end */
    }
    x->notifications++;
    keying_say(k, x->client, REPLY_NOTIFICATION + (unsigned)type, "\"%s\" #%llu: the peer says %s", x->conn->name,
               (unsigned long long)x->serial, what);
}

static bool take_isakmp_up(struct keying *k, const struct record *r, const char **why)
{
    struct xchg *x = xchg_find_main(k, record_number(r, K_EXCHANGE));
    if (x == NULL) {
        return true; /* ended meanwhile: the order to delete it is on its way */
    }
    return initiate_isakmp_up(k, x, r, why);
}

/* A line for a whack is about what the network said of our messages: all else is said by other records. */
static bool take_log(struct keying *k, const struct record *r, const char **why)
{
    if (record_has(r, K_CODE)
        && (record_has(r, K_EXCHANGE) || record_word(r, K_LEVEL) != LOG_LEVEL_INFO
            || record_number(r, K_CODE) != LOG_CODE_NETWORK)) {
        *why = "a code that no line of ike-negotiate has";
        return false;
    }
    k->words = true;
    event_log(k, r);
    return true;
}

static bool from_negotiator(struct keying *k, const struct record *r, const char **why)
{
    struct xchg *x;
    switch (r->verb) {
    case V_LOG:
        return take_log(k, r, why);
    case V_FIRST:
        respond_first(k, r);
        return true;
    case V_CHOSEN:
        return respond_chosen(k, r, why);
    case V_IDENTIFY:
        return respond_identify(k, r, why);
    case V_QUICK_ASK:
        return respond_quick_ask(k, r, why);
    case V_STATE:
        return take_state(k, r, why);
    case V_RETRANSMITTED:
        return take_retransmitted(k, r, why);
    case V_FAILED:
        return take_failed(k, r, why);
    case V_ISAKMP_UP:
        return take_isakmp_up(k, r, why);
    case V_PEER_DELETED:
        return ends_peer_deleted(k, r, why);
    case V_RESPONDER_LIFETIME:
        return shorten_asked(k, r, why);
    case V_INITIAL_CONTACT:
        x = xchg_find_main(k, record_number(r, K_EXCHANGE));
        if (x != NULL) {
            ends_initial_contact(k, x);
        }
        return true;
    case V_NOTIFIED:
        take_notified(k, r);
        return true;
    case V_HINT:
        take_hint(k, r);
        return true;
    case V_IGNORED:
        k->counters.ignored[record_word(r, K_FLAW)] += record_number(r, K_TIMES);
        return true;
    case V_BAD:
        k->words = true;
        keying_log(k, LOG_LEVEL_SERIOUS, NULL, "ike-negotiate says that we broke the rules: %s",
                   record_text(r, K_WHY));
        return true;
    default:
        *why = "a record that ike-negotiate has no reason to send";
        return false;
    }
}

bool keying_from_negotiator(struct keying *k, const struct record *r, const char **why)
{
    k->turn = TURN_NEGOTIATOR;
    bool good = k->negotiator == NULL || from_negotiator(k, r, why);
    k->turn = TURN_OTHERS;
    k->words = false;
    conn_sweep(k);
    return good;
}
