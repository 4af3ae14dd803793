/* What secrets and kernel-sa tell the core, verb by verb; the lines of all tools. */
#include "events.h"

#include "ends.h"
#include "explain.h"
#include "foreign.h"
#include "index.h"
#include "initiate.h"
#include "methods.h"
#include "orders.h"
#include "public_keys.h"
#include "resolve.h"
#include "respond.h"
#include "routing.h"
#include "shorten.h"

#include <stdio.h>
#include <utlist.h>

/* ---- lines for the log ---- */

/*
 * To those that wait for an answer from there, to what we began. A Quick Mode that waits for its
 * Main Mode does not.
 */
static void tell_waiting(struct keying *k, const struct address *remote, unsigned code,
                         const char *text)
{
    const struct xchg *x;
    DL_FOREACH2(k->waiting, x, next_waiting) {
        const struct xchg *main = x->quick ? xchg_find(k, x->parent) : NULL;
        if (main != NULL && !main->up) {
            continue;
        }
        if (x->initiator && !x->up && x->conn != NULL && address_equal(&x->remote, remote)) {
            char label[CONN_LABEL] = "";
            conn_label(x->conn, label);
            keying_say(k, x->client, code, "%s #%llu: %s", label, (unsigned long long)x->serial, text);
        }
    }
}

/* The tools say what is asked for of any connection: is it asked for of this one [P9]? */
static bool is_wanted(struct keying *k, const struct xchg *x, const struct record *r)
{
    unsigned classes = DEBUG_ALL;
    struct address remote;
    if (k->classes == 0 && k->debugged == 0) {
        return false; /* whoever says such lines unasked shall cost little */
    }
    if (record_has(r, K_CLASSES)) {
        (void)debug_classes_parse(&classes, record_text(r, K_CLASSES));
    }
    if (x != NULL && x->conn != NULL) {
        return (keying_classes_of(k, x->conn) & classes) != 0;
    }
    if (x != NULL) {
        return (keying_classes_between(k, &x->local, &x->remote) & classes) != 0;
    }
    if (record_address(r, K_REMOTE, &remote)) {
        return (keying_classes_between(k, &(struct address){ 0 }, &remote) & classes) != 0;
    }
    return (keying_classes(k) & classes) != 0;
}

void event_log(struct keying *k, const struct record *r)
{
    const struct xchg *x = xchg_find(k, record_number(r, K_EXCHANGE));
    enum log_level level = (enum log_level)record_word(r, K_LEVEL);
    const char *text = record_text(r, K_TEXT);
    struct address remote;
    if (level == LOG_LEVEL_DEBUG && !is_wanted(k, x, r)) {
        return;
    }
    if (x == NULL && record_address(r, K_REMOTE, &remote)) {
        char prefix[ADDRESS_TEXT + 40];
        char address[ADDRESS_TEXT];
        if (level != LOG_LEVEL_DEBUG && !keying_may_log(k, &k->rubbish, &remote)) {
            return;
        }
        address_print(&remote, address);
        snprintf(prefix, sizeof prefix, "packet from %s:%u: ", address,
                 (unsigned)record_number(r, K_REMOTE_PORT));
        keying_line(k, level, &remote, prefix, text);
        if (record_has(r, K_CODE)) {
            tell_waiting(k, &remote, (unsigned)record_number(r, K_CODE), text);
        }
        return;
    }
    keying_log(k, level, x, "%s", text);
}

/* ---- secrets ---- */

/* There is no secret for it, say: the peer need not be asked. */
static bool take_hopeless(struct keying *k, uint32_t worker, const struct record *r,
                          const char **why)
{
    struct xchg *x = xchg_find_main(k, record_number(r, K_EXCHANGE));
    if (x == NULL) {
        return true; /* ended meanwhile */
    }
    if (x->worker != worker || !x->initiator || x->up) {
        *why = "failed: not a negotiation that this worker was told of as ours";
        return false;
    }
    if (!reply_is_failure(record_number(r, K_CODE))) {
        *why = "failed: its code is none of a failure";
        return false;
    }
    char lack[METHODS_LACK];
    const char *text = record_text(r, K_WHY);
    const unsigned code = (unsigned)record_number(r, K_CODE);
    (void)snprintf(lack, sizeof lack, "%.*s%s", METHODS_LACK - 100, text, code == REPLY_NO_KEY ? methods_remedy(text) : "");
    ends_failed(k, x, code, lack, false);
    return true;
}

/* All that its identity has, in order of adding. */
static bool put_public_keys(struct buffer *out, uint64_t id, const struct public_key *key)
{
    struct record_writer w;
    struct buffer text;
    buffer_init(&text, 0);
    for (const char *between = ""; key != NULL; key = key->next, between = ",") {
        struct rsa_public rsa;
        char one[RSA_PUBLIC_TEXT];
        (void)rsa_public_parse(&rsa, key->bytes, key->len);
        rsa_public_print(&rsa, one);
        buffer_add_text(&text, between);
        buffer_add_text(&text, one);
    }
    buffer_add_u8(&text, 0);
    bool good = !text.lost;
    if (good) {
        record_answer(&w, out, V_OK, V_PUBLIC_KEYS, id);
        record_put_text(&w, K_PUBKEYS, (const char *)text.data);
        good = record_finish(&w);
    }
    buffer_wipe(&text);
    return good;
}

/* A key would not help him whom no connection expects: then that is the reason [R2]. */
static void refuse_public_keys(struct keying *k, const struct xchg *x, const struct identity *peer, struct buffer *out,
                               uint64_t id)
{
    struct record_writer w;
    char why[RESPOND_UNEXPECTED > PUBLIC_KEYS_NONE ? RESPOND_UNEXPECTED : PUBLIC_KEYS_NONE];
    bool unexpected = respond_is_unexpected(k, x, peer, why);
    if (!unexpected) {
        public_keys_say_none(peer, why);
    }
    record_answer(&w, out, V_FAIL, V_PUBLIC_KEYS, id);
    record_put_text(&w, K_WHY, why);
    record_put_number(&w, K_CODE, unexpected ? REPLY_BAD_ID : REPLY_NO_KEY);
    record_finish(&w);
}

/* By which keys may the peer's signature be checked? It comes before anything is proved. */
static bool take_public_keys(struct keying *k, uint32_t worker, const struct record *r, const char **why)
{
    const struct xchg *x = xchg_find_main(k, record_number(r, K_EXCHANGE));
    const struct keying_worker *asked_by = keying_worker(k, worker);
    const uint64_t id = record_number(r, K_ID);
    struct identity peer;
    if (x != NULL && (x->worker != worker || x->authenticated)) {
        *why = "public-keys: not an exchange that this worker was told of, or one that is authenticated";
        return false;
    }
    if (asked_by == NULL || asked_by->out == NULL) {
        return true;
    }
    (void)record_identity(r, K_PEER_ID, &peer);
    const struct public_key *key = public_keys_of(k, &peer);
    if (x == NULL) {
        record_fail(asked_by->out, V_PUBLIC_KEYS, id, "this exchange has ended");
    } else if (key == NULL) {
        refuse_public_keys(k, x, &peer, asked_by->out, id);
    } else if (!put_public_keys(asked_by->out, id, key)) {
        record_fail(asked_by->out, V_PUBLIC_KEYS, id, "plutod has no memory for the keys");
    }
    return true;
}

/* `bad` answers, too, where it says what; else it is about no question. */
static bool take_secrets_answer(struct keying *k, uint32_t worker, const struct record *r, const char **why)
{
    uint64_t number;
    if (r->verb == V_BAD && !record_has(r, K_ID)) {
        return true;
    }
    if (explain_known(k, worker, r) || explain_secret_answered(k, worker, r) || methods_answered(k, worker, r)) {
        return true;
    }
    if (!keying_answered(k, record_number(r, K_ID), PENDING_ACCEPT, worker, &number)) {
        *why = "an answer to nothing that was asked";
        return r->verb == V_BAD;
    }
    struct xchg *x = xchg_find_main(k, number);
    if (x != NULL && x->identify != NULL) {
        const char *text = record_text(r, K_WHY);
        respond_accepted(k, x, r->verb == V_OK, text == NULL ? "" : text);
    }
    return true;
}

static bool from_secrets(struct keying *k, uint32_t worker, const struct record *r, const char **why)
{
    uint64_t number = record_number(r, K_EXCHANGE);
    struct xchg *x;
    switch (r->verb) {
    case V_LOG:
        event_log(k, r);
        return true;
    case V_AUTHENTICATED:
        x = xchg_find_main(k, number);
        if (x != NULL && x->worker != worker) {
            *why = "authenticated: an exchange of another worker";
            return false;
        }
        return x == NULL || respond_authenticated(k, x, r, why);
    case V_RESOLVE:
        return resolve_asked(k, worker, r, why);
    case V_PUBLIC_KEYS:
        return take_public_keys(k, worker, r, why);
    case V_FAILED:
        return take_hopeless(k, worker, r, why);
    case V_OK:
    case V_FAIL:
    case V_BAD:
        return take_secrets_answer(k, worker, r, why);
    default:
        *why = "a record that secrets has no reason to send";
        return r->verb == V_LOADED;
    }
}

bool keying_from_secrets(struct keying *k, uint32_t worker, const struct record *r,
                         const char **why)
{
    bool good = from_secrets(k, worker, r, why);
    conn_sweep(k);
    return good;
}

/* ---- kernel-sa ---- */

static void take_sample(struct keying *k, const struct record *r, uint64_t number)
{
    struct xchg *y = xchg_find_quick(k, number);
    k->samples--;
    if (y == NULL) {
        return;
    }
    y->asked = false;
    y->answered_at = k->now;
    if (r->verb == V_OK) {
        y->counted = k->now;
        y->bytes[0] = record_number(r, K_BYTES_IN);
        y->bytes[1] = record_number(r, K_BYTES_OUT);
        y->packets[0] = record_number(r, K_PACKETS_IN);
        y->packets[1] = record_number(r, K_PACKETS_OUT);
    }
}

static bool take_kernel_answer(struct keying *k, const struct record *r, const char **why)
{
    uint64_t id = record_number(r, K_ID);
    uint64_t number;
    if (r->verb == V_BAD && !record_has(r, K_ID)) {
        return true;
    }
    if (explain_lookup_answered(k, r)) {
        return true;
    }
    if (keying_answered(k, id, PENDING_SAMPLE, 0, &number)) {
        take_sample(k, r, number);
        return true;
    }
    if (keying_answered(k, id, PENDING_UPDATE, 0, &number)) {
        if (r->verb != V_OK) {
            shorten_refused(k, number, record_text(r, K_WHY));
        }
        return true;
    }
    if (!keying_answered(k, id, PENDING_DELETE, 0, &number)
        && !keying_answered(k, id, PENDING_FLUSH, 0, &number)) {
        *why = "an answer to nothing that was asked";
        return r->verb == V_BAD;
    }
    if (r->verb != V_OK) {
        const char *re = record_text(r, K_RE);
        keying_log(k, LOG_LEVEL_SERIOUS, NULL, "kernel-sa: %s: %s", re == NULL ? "a question" : re,
                   record_text(r, K_WHY));
    }
    return true;
}

/* By its reqid; or by its clients, if the policy is one that a plutod before us left. */
static struct conn *trapped_conn(struct keying *k, const struct record *r)
{
    struct subnet ours;
    struct subnet peer;
    struct conn *c = index_by_reqid(k, (uint32_t)record_number(r, K_REQID));
    if (c != NULL) {
        return c;
    }
    record_subnet(r, K_OUR_CLIENT, &ours);
    record_subnet(r, K_PEER_CLIENT, &peer);
    c = index_by_clients(k, &ours, &peer);
    while (c != NULL && connection_isakmp_only(c->form)) {
        c = index_next_by_clients(c);
    }
    return c;
}

static void take_acquire(struct keying *k, const struct record *r)
{
    struct conn *c = trapped_conn(k, r);
    if (c != NULL) {
        initiate_wanted(k, c);
    } else if ((k->classes & DEBUG_KERNEL) != 0) {
        keying_log(k, LOG_LEVEL_DEBUG, NULL, "a packet wants from %s to %s, for which there is no "
                   "connection", record_text(r, K_OUR_CLIENT), record_text(r, K_PEER_CLIENT));
    }
}

static bool from_kernel(struct keying *k, const struct record *r, const char **why)
{
    struct xchg *y = xchg_find_quick(k, record_number(r, K_EXCHANGE));
    switch (r->verb) {
    case V_LOG:
        event_log(k, r);
        return true;
    case V_OK:
    case V_FAIL:
    case V_BAD:
        return take_kernel_answer(k, r, why);
    case V_SA_UP:
        return y == NULL || !y->permitted || initiate_sa_up(k, y, r, why);
    case V_SA_EXPIRED:
        if (y != NULL && y->up) {
            ends_expired(k, y, record_yes(r, K_HARD));
        }
        return true;
    case V_SA_DELETED:
        if (y != NULL && y->up) {
            foreign_sa_deleted(k, y);
        }
        return true;
    case V_POLICY_DELETED:
        foreign_policy_deleted(k, r);
        return true;
    case V_ACQUIRE:
        take_acquire(k, r);
        return true;
    default:
        *why = "a record that kernel-sa has no reason to send";
        return false;
    }
}

bool keying_from_kernel(struct keying *k, const struct record *r, const char **why)
{
    bool good = from_kernel(k, r, why);
    conn_sweep(k);
    return good;
}

/* ---- scripts, interfaces, the end ---- */

void keying_script_done(struct keying *k, uint64_t id, const char *failed)
{
    uint64_t ignored;
    if (keying_answered(k, id, PENDING_SCRIPT, 0, &ignored)) {
        routing_script_done(k, id, failed);
    }
    conn_sweep(k);
}
