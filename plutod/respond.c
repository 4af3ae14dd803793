#include "respond.h"

#include "choose.h"
#include "ends.h"
#include "methods.h"
#include "name.h"
#include "orders.h"
#include "rules.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_INSTANCE "no memory for an instance of its connection, or too many exchanges of such ones"

bool respond_lies(const struct xchg *x)
{
    const struct offer *o = x->offer;
    return o != NULL && o->chosen != 0 && o->proved != 0
           && (o->chosen != o->proved || strcmp(o->proposal, xchg_proposal(x)) != 0);
}

/*
 * Only for the log and for what is to be said to whack in between: what was agreed, secrets reports
 * (respond_authenticated), and that may come before this.
 */
bool respond_chosen(struct keying *k, const struct record *r, const char **why)
{
    struct xchg *x = xchg_find_main(k, record_number(r, K_EXCHANGE));
    struct conn *list[CHOOSE_MAX];
    if (x == NULL) {
        return true;
    }
    if (x->offer == NULL || x->offer->chosen != 0 || !xchg_is_told(x)) {
        *why = "chosen: this exchange waits for no choice";
        return false;
    }
    struct conn *c = choose_named(k, x, record_text(r, K_CONNECTION));
    size_t count = choose_offered(k, x, list);
    size_t i = 0;
    while (i < count && list[i] != c) {
        i++;
    }
    if (i == count && count == x->offer->count) {
        *why = "chosen: not one of the candidates";
        return false;
    }
    if (i == count) {
        ends_failed(k, x, REPLY_NO_RESPONSE, "its connection was deleted meanwhile", false);
        return true;
    }
    x->offer->chosen = c->reqid;
    strlcpy(x->offer->proposal, record_text(r, K_PROPOSAL), sizeof x->offer->proposal);
    if (respond_lies(x)) {
        *why = "chosen: secrets made keys for another connection or proposal";
        return false;
    }
    if (x->conn == NULL) {
        xchg_set_conn(k, x, c);
    }
    return true;
}

/* ---- the identity ---- */

static void say_settled(struct keying *k, const struct xchg *x)
{
    char id[IDENTITY_TEXT];
    char expected[IDENTITY_TEXT];
    identity_print(x->peer_id, id);
    identity_print(x->conn->peer_id, expected);
    keying_debug(k, DEBUG_CONTROL, x, "the peer proved to be %s by %s, and goes on as this connection, which "
                 "expects %s", id, xchg_method(x), expected);
}

/* x goes on as this connection: as an instance of it where the peer's host was %any. */
static bool settle(struct keying *k, struct xchg *x, struct conn *c)
{
    if (conn_is_template(c)) {
        struct conn *t = c;
        c = choose_instance(k, t, &x->remote, x->peer_id);
        if (c == NULL) {
            c = conn_instantiate(k, t, &x->remote, x->remote_port, x->peer_id);
        }
        if (c == NULL || !xchg_has_room(k, c)) {
            return false;
        }
    }
    xchg_set_conn(k, x, c);
    x->matched = true;
    say_settled(k, x);
    return true;
}

bool respond_is_one_of_us(struct keying *k, const struct xchg *x, char why[RESPOND_WHY])
{
    char id[IDENTITY_TEXT];
    if (!name_is_ours(k, x->peer_id)) {
        return false;
    }
    identity_print(x->peer_id, id);
    snprintf(why, RESPOND_WHY, "the peer says that it is %s, which is an identity of ours: our own messages "
             "may have come back, or one of two connections names its ends wrongly", id);
    return true;
}

bool respond_authenticated(struct keying *k, struct xchg *x, const struct record *r,
                           const char **why)
{
    if (x->authenticated || !xchg_is_told(x)) { /* ike-negotiate begins nothing of which it has not heard */
        *why = x->authenticated ? "authenticated: twice for one exchange" : "authenticated: an exchange that has not begun";
        return false;
    }
    struct conn *c = choose_named(k, x, record_text(r, K_CONNECTION));
    if (c == NULL || !choose_may_be(x, c)) {
        ends_failed(k, x, REPLY_NO_RESPONSE, "its connection was deleted meanwhile", false);
        return true;
    }
    if (!methods_allow(methods_of(x, c), record_word(r, K_METHOD))) {
        *why = "authenticated: by a method that was not announced";
        return false;
    }
    struct identity peer;
    char ours[RESPOND_WHY];
    char *proposal = strdup(record_text(r, K_PROPOSAL));
    record_identity(r, K_PEER_NAME, &peer);
    if (proposal == NULL || !name_set(k, &x->peer_id, &peer)) {
        free(proposal);
        ends_failed(k, x, REPLY_INTERNAL, "no memory for what was proved", false);
        return true;
    }
    x->proposal = proposal; /* once: it is authenticated once */
    if (respond_is_one_of_us(k, x, ours)) {
        ends_failed(k, x, REPLY_BAD_ID, ours, false);
        return true;
    }
    x->method = record_word(r, K_METHOD);
    x->authenticated = true;
    if (x->initiator) {
        x->matched = record_yes(r, K_MATCHED);
        return true;
    }
    if (x->offer != NULL) {
        x->offer->proved = c->reqid;
    }
    if (!record_yes(r, K_MATCHED)) {
        xchg_set_conn(k, x, c);
    } else if (!settle(k, x, c)) {
        ends_failed(k, x, REPLY_INTERNAL, NO_INSTANCE, false);
    }
    return true;
}

/* He is none whom x could be for: noted at all that it could have been. refused: what secrets said of choices. */
static void say_unexpected(struct keying *k, const struct xchg *x, const struct rules_wanted *w, const char *refused,
                           char why[RESPOND_UNEXPECTED])
{
    char peer[IDENTITY_TEXT];
    char compared[RULES_LIST];
    struct conn *offered[CHOOSE_MAX];
    identity_print(w->peer_id, peer);
    rules_say_all(k, w, compared);
    snprintf(why, RESPOND_UNEXPECTED, "the peer %s %s, %s; --id with that for its end would match: %s%s%.1800s",
             x->authenticated ? "proved to be" : "says that it is", peer,
             !x->authenticated ? "which no connection expects with --rsasig (nor is there a public key of it)"
             : x->method == METHOD_PSK ? "which no connection expects with the secret that was used"
             : "which no connection expects with the RSA key that it signed with", refused,
             refused[0] == '\0' || compared[0] == '\0' ? "" : "; ", compared);
    for (size_t i = choose_offered(k, x, offered); i > 0; i--) {
        conn_failed(k, offered[i - 1], x->number, why);
    }
}

bool respond_is_unexpected(struct keying *k, const struct xchg *x, const struct identity *peer,
                           char why[RESPOND_UNEXPECTED])
{
    const struct rules_wanted w = {
        .local = &x->local, .remote = &x->remote, .peer_id = peer, .method = POLICY_RSASIG,
        .proposal = x->offer == NULL || x->offer->chosen == 0 ? NULL : x->offer->proposal
    };
    if (x->initiator || choose_identified(k, &w, 0) != NULL) {
        return false;
    }
    say_unexpected(k, x, &w, "", why);
    return true;
}

static void answer_identify(struct keying *k, struct xchg *x, bool good)
{
    struct record_writer w;
    uint64_t id = x->identify->id;
    char refused[sizeof x->identify->refused];
    strlcpy(refused, x->identify->refused, sizeof refused);
    free(x->identify);
    x->identify = NULL;
    x->identified = true;
    if (k->negotiator == NULL) {
        return;
    }
    if (good) {
        record_answer(&w, k->negotiator, V_OK, V_IDENTIFY, id);
        record_put_text(&w, K_CONNECTION, x->conn->name);
        record_finish(&w);
        return;
    }
    char why[RESPOND_UNEXPECTED];
    const struct rules_wanted wanted = rules_of_exchange(x);
    say_unexpected(k, x, &wanted, refused, why);
    record_answer(&w, k->negotiator, V_FAIL, V_IDENTIFY, id);
    record_put_text(&w, K_WHY, why);
    record_put_number(&w, K_NOTIFICATION, INVALID_ID_INFORMATION);
    record_finish(&w);
}

/* Asks secrets about the next choice; with none left the negotiation ends. */
static void try_next(struct keying *k, struct xchg *x)
{
    struct identify *asked = x->identify;
    const struct rules_wanted wanted = rules_of_exchange(x);
    struct conn *c = choose_identified(k, &wanted, asked->next);
    asked->next++;
    if (c == NULL || asked->next > CHOOSE_MAX || !order_accept(k, x, c)) {
        answer_identify(k, x, false);
        return;
    }
    strlcpy(asked->choice, c->name, sizeof asked->choice);
    asked->reqid = c->reqid;
    keying_debug(k, DEBUG_CONTROL, x, "the peer proved to be another than was announced: choice %u is \"%s\", if that "
                 "has the same secret or key", asked->next, c->name);
}

bool respond_identify(struct keying *k, const struct record *r, const char **why)
{
    struct xchg *x = xchg_find_main(k, record_number(r, K_EXCHANGE));
    uint64_t id = record_number(r, K_ID);
    if (x == NULL || !x->authenticated) {
        record_fail(k->negotiator, V_IDENTIFY, id, "this exchange has ended");
        return true;
    }
    if (x->initiator || x->matched || x->identify != NULL || x->identified) {
        *why = "identify: nothing to ask in this exchange";
        return false;
    }
    if (respond_lies(x)) {
        *why = "identify: another connection or proposal was chosen than secrets made keys for";
        return false;
    }
    x->identify = calloc(1, sizeof *x->identify);
    if (x->identify == NULL) {
        record_fail(k->negotiator, V_IDENTIFY, id, "plutod has no memory to look for a connection");
        return true;
    }
    x->identify->id = id;
    try_next(k, x);
    return true;
}

void respond_accepted(struct keying *k, struct xchg *x, bool good, const char *why)
{
    struct conn *c = conn_find(k, x->identify->choice);
    if (c != NULL && (c->reqid != x->identify->reqid || !choose_may_be(x, c))) {
        c = NULL; /* another one of this name */
    }
    if (!good || c == NULL) {
        size_t len = strlen(x->identify->refused);
        snprintf(x->identify->refused + len, sizeof x->identify->refused - len, "%snot as \"%s\": %s",
                 len > 0 ? "; " : "", x->identify->choice, good ? "it was deleted meanwhile" : why);
        try_next(k, x);
    } else if (settle(k, x, c)) {
        answer_identify(k, x, true);
    } else {
        ends_failed(k, x, REPLY_INTERNAL, NO_INSTANCE, false);
    }
}
