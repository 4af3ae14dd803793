#include "requests.h"

#include "ends.h"
#include "explain.h"
#include "initiate.h"
#include "journal.h"
#include "orders.h"
#include "public_keys.h"
#include "status.h"

#include <bsd/string.h>
#include <stdio.h>

static struct conn *named(struct keying *k, uint64_t client, const struct record *r)
{
    const char *name = record_text(r, K_NAME);
    struct conn *c = conn_find(k, name);
    if (c == NULL) {
        keying_say(k, client, REPLY_UNKNOWN_NAME, "no connection named \"%s\"", name);
    }
    return c;
}

static void add(struct keying *k, uint64_t client, const struct record *r)
{
    struct connection_form form;
    char why[CONNECTION_WHY];
    if (!connection_from_record(&form, r, why)) {
        keying_say(k, client, REPLY_BAD_MESSAGE, "connection refused: %s", why);
        return;
    }
    struct conn *old = conn_find(k, form.name);
    struct journal *kept = NULL;
    if (old != NULL && form.replace) {
        ends_conn(k, old, client, "it is described anew (whack --delete)");
        journal_move(k, &old->journal, &kept);
        ends_and_remove(k, old, client, NULL);
    } else if (old != NULL) {
        keying_say(k, client, REPLY_DUPLICATE_NAME, "attempt to redefine connection \"%s\": --delete replaces it",
                   form.name);
        connection_form_free(&form);
        return;
    }
    struct conn *c = conn_add(k, &form);
    journal_move(k, &kept, c == NULL ? &k->journal : &c->journal);
    if (c == NULL) {
        keying_say(k, client, REPLY_INTERNAL, "no memory for another connection");
        return;
    }
    if (old == NULL) {
        keying_log_conn(k, LOG_LEVEL_INFO, c, "added connection description");
    } else {
        keying_event_conn(k, c, "added connection description anew");
    }
    keying_say(k, client, REPLY_LOG, "added connection description \"%s\"", c->name);
}

static void delete_state(struct keying *k, uint64_t client, const struct record *r)
{
    uint64_t serial = record_number(r, K_SERIAL);
    struct xchg *x = xchg_by_serial(k, serial);
    if (x == NULL) {
        keying_say(k, client, REPLY_UNKNOWN_NAME, "no state #%llu", (unsigned long long)serial);
    } else if (x->quick) {
        ends_quick(k, x, ENDS_TELL_PEER, client, "whack --deletestate");
    } else {
        ends_main(k, x, ENDS_TELL_PEER, "whack --deletestate");
    }
}

static void debug(struct keying *k, uint64_t client, const struct record *r)
{
    unsigned classes;
    const char *why = debug_classes_parse(&classes, record_text(r, K_CLASSES));
    if (why != NULL) {
        keying_say(k, client, REPLY_BAD_MESSAGE, "debug classes \"%s\": %s", record_text(r, K_CLASSES), why);
        return;
    }
    if (!record_has(r, K_NAME)) {
        k->classes = classes;
        order_debug(k);
        return;
    }
    struct conn *c = named(k, client, r);
    if (c != NULL) {
        k->debugged -= c->classes != 0 ? 1 : 0;
        k->debugged += classes != 0 ? 1 : 0;
        c->classes = classes;
        order_debug(k);
    }
}

static void myid(struct keying *k, uint64_t client, const struct record *r)
{
    struct identity id;
    const char *why = identity_parse(&id, record_text(r, K_MYID));
    if (why == NULL && id.type == ID_ANY) {
        why = "this is nobody";
    }
    if (why != NULL) {
        keying_say(k, client, REPLY_BAD_MESSAGE, "--myid %s: %s", record_text(r, K_MYID), why);
    } else if (!keying_myid(k, &id)) {
        keying_say(k, client, REPLY_INTERNAL, "no memory for --myid");
    } else {
        keying_say(k, client, REPLY_LOG, "%%myid is %s", record_text(r, K_MYID));
    }
}

/* 002 and 003 are lines of the log, too. */
__attribute__((format(printf, 5, 6)))
static void say_and_log(struct keying *k, uint64_t client, unsigned code, enum log_level level,
                        const char *format, ...)
{
    char text[IDENTITY_TEXT + 400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    keying_log(k, level, NULL, "%s", text);
    keying_say(k, client, code, "%s", text);
}

static void say_key_added(struct keying *k, uint64_t client, const struct public_key *key, const char *id,
                          unsigned gone)
{
    char others[60] = "";
    if (gone > 0) {
        snprintf(others, sizeof others, ", in place of %u that it had", gone);
    }
    say_and_log(k, client, REPLY_LOG, LOG_LEVEL_INFO, "added public key of %s: RSA, %u bits, fingerprint %.*s%s", id,
                key->bits, RSA_FINGERPRINT_SHORT, key->fingerprint, others);
    if (key->bits < RSA_BITS_STRONG) {
        say_and_log(k, client, REPLY_SERIOUS, LOG_LEVEL_SERIOUS, "the public key of %s has only %u bits: keys of less than %d can "
                    "be broken, so that others pass for %s", id, key->bits, RSA_BITS_STRONG, id);
    }
}

static void add_key(struct keying *k, uint64_t client, const struct identity *who,
                    const struct rsa_public *rsa, bool others_stay)
{
    const struct public_key *key;
    char id[IDENTITY_TEXT];
    char others[40] = "";
    unsigned gone;
    identity_print(who, id);
    switch (public_keys_add(k, who, rsa, PUBLIC_KEY_OF_WHACK, others_stay, &key, &gone)) {
    case PUBLIC_KEY_ADDED:
        say_key_added(k, client, key, id, gone);
        break;
    case PUBLIC_KEY_KNOWN:
        if (gone > 0) {
            snprintf(others, sizeof others, "; %u others are gone", gone);
        }
        say_and_log(k, client, REPLY_LOG, LOG_LEVEL_INFO, "%s has this public key already (fingerprint %.*s)%s", id,
                    RSA_FINGERPRINT_SHORT, key->fingerprint, others);
        break;
    case PUBLIC_KEY_ONE_TOO_MANY:
        keying_say(k, client, REPLY_INTERNAL, "--keyid %s --addkey: it has %u public keys already, and more are not kept: "
                   "without --addkey, this one takes their place", id, PUBLIC_KEYS_OF_ID);
        break;
    case PUBLIC_KEY_NO_ROOM:
        keying_say(k, client, REPLY_INTERNAL, "--keyid %s: no memory for another public key, or all together take more than "
                   "%u MB", id, PUBLIC_KEYS_BYTES >> 20);
        break;
    }
}

static void key(struct keying *k, uint64_t client, const struct record *r)
{
    struct identity who;
    struct rsa_public rsa;
    char id[IDENTITY_TEXT];
    size_t len;
    const uint8_t *bytes = record_bytes(r, K_PUBKEYRSA, &len);
    (void)record_identity(r, K_KEYID, &who);
    identity_print(&who, id);
    const char *why = who.type == ID_ANY ? "this is nobody"
                      : bytes == NULL    ? NULL : rsa_public_parse(&rsa, bytes, len);
    if (why != NULL) {
        keying_say(k, client, REPLY_BAD_MESSAGE, "--keyid %s: %s", id, why);
    } else if (bytes == NULL) {
        keying_say(k, client, REPLY_NO_KEY, "--keyid %s: fetching its key from DNS is not supported yet, so nothing is "
                   "changed: --pubkeyrsa gives the key", id);
    } else {
        add_key(k, client, &who, &rsa, record_yes(r, K_ADDKEY));
    }
}

static void not_yet(struct keying *k, uint64_t client, const struct record *r, const char *what)
{
    if (named(k, client, r) != NULL) {
        keying_say(k, client, REPLY_NO_ROUTE, "--%s \"%s\": not supported yet: a connection is routed while it "
                   "has an IPsec SA; --initiate makes one", what, record_text(r, K_NAME));
    }
}

static void terminate(struct keying *k, uint64_t client, const struct record *r)
{
    struct conn *c = named(k, client, r);
    if (c == NULL) {
        return;
    }
    keying_log_conn(k, LOG_LEVEL_INFO, c, "terminating SAs using this connection");
    keying_say(k, client, REPLY_LOG, "\"%s\": terminating SAs using this connection", c->name);
    client = record_yes(r, K_ASYNCHRONOUS) ? 0 : client;
    ends_conn(k, c, client, "whack --terminate");
    order_unwanted(k, c, client);
}

static void events(struct keying *k, uint64_t client, const struct record *r)
{
    struct conn *c;
    if (!record_has(r, K_NAME)) {
        status_begin_events(k, client, NULL);
        return;
    }
    c = named(k, client, r);
    if (c == NULL) {
        return;
    }
    const struct journal *own = *journal_of(k, c);
    if (own == NULL) {
        keying_say(k, client, 0, "\"%s\": nothing has happened yet", c->name);
    } else {
        status_begin_events(k, client, own);
    }
}

/* What would be forgotten with us is refused by name. */
static bool comes_too_late(struct keying *k, uint64_t client, const struct record *r)
{
    switch (r->verb) {
    case V_WHACK_CONNECTION:
    case V_WHACK_MYID:
    case V_WHACK_KEY:
    case V_WHACK_ROUTE:
        break;
    default:
        return false;
    }
    if (k->stopping && record_has(r, K_NAME)) {
        keying_say(k, client, REPLY_NOT_LISTENING, "\"%s\": %s", record_text(r, K_NAME), keying_deaf(k));
    } else if (k->stopping) {
        keying_say(k, client, REPLY_NOT_LISTENING, "%s", keying_deaf(k));
    }
    return k->stopping;
}

static bool take(struct keying *k, uint64_t client, const struct record *r)
{
    struct conn *c;
    switch (r->verb) {
    case V_WHACK_CONNECTION:
        add(k, client, r);
        return true;
    case V_WHACK_DELETE:
        c = named(k, client, r);
        if (c != NULL) {
            keying_event_conn(k, c, "deleting connection: whack --delete");
            ends_conn(k, c, client, "whack --delete");
            order_unwanted(k, c, client);
            ends_and_remove(k, c, client, NULL);
            keying_say(k, client, REPLY_LOG, "\"%s\": deleted connection description", record_text(r, K_NAME));
        }
        return true;
    case V_WHACK_MYID:
        myid(k, client, r);
        return true;
    case V_WHACK_DELETESTATE:
        delete_state(k, client, r);
        return true;
    case V_WHACK_KEY:
        key(k, client, r);
        return true;
    case V_WHACK_ROUTE:
        not_yet(k, client, r, "route");
        return true;
    case V_WHACK_UNROUTE:
        not_yet(k, client, r, "unroute");
        return true;
    case V_WHACK_INITIATE:
        c = named(k, client, r);
        if (c != NULL) {
            initiate_asked(k, c, client, !record_yes(r, K_ASYNCHRONOUS));
        }
        return true;
    case V_WHACK_TERMINATE:
        terminate(k, client, r);
        return true;
    case V_WHACK_DEBUG:
        debug(k, client, r);
        return true;
    case V_WHACK_EXPLAIN:
        explain_begin(k, client, r);
        return true;
    case V_WHACK_EVENTS:
        events(k, client, r);
        return true;
    case V_WHACK_STATUS:
        status_begin(k, client, record_yes(r, K_JSON));
        return true;
    default:
        return false;
    }
}

bool request_take(struct keying *k, uint64_t client, const struct record *r)
{
    if (comes_too_late(k, client, r)) {
        return true;
    }
    k->turn = TURN_WHACK;
    bool taken = take(k, client, r);
    k->turn = TURN_OTHERS;
    conn_sweep(k);
    return taken;
}
