#include "requests.h"

#include "ends.h"
#include "explain.h"
#include "initiate.h"
#include "journal.h"
#include "orders.h"
#include "status.h"

#include <bsd/string.h>

static struct conn *named(struct keying *k, uint64_t client, const struct record *r)
{
    const char *name = record_text(r, K_NAME);
    struct conn *c = conn_find(k, name);
    if (c == NULL) {
        keying_say(k, client, 21, "no connection named \"%s\"", name);
    }
    return c;
}

static void add(struct keying *k, uint64_t client, const struct record *r)
{
    struct connection_form form;
    char why[CONNECTION_WHY];
    if (!connection_from_record(&form, r, why)) {
        keying_say(k, client, 30, "connection refused: %s", why);
        return;
    }
    struct conn *old = conn_find(k, form.name);
    struct journal *kept = NULL;
    if (old != NULL && form.replace) {
        ends_conn(k, old, client, "it is described anew (whack --delete)");
        journal_move(k, &old->journal, &kept);
        ends_and_remove(k, old, client, NULL);
    } else if (old != NULL) {
        keying_say(k, client, 20, "attempt to redefine connection \"%s\": --delete replaces it",
                   form.name);
        connection_form_free(&form);
        return;
    }
    struct conn *c = conn_add(k, &form);
    journal_move(k, &kept, c == NULL ? &k->journal : &c->journal);
    if (c == NULL) {
        keying_say(k, client, 32, "no memory for another connection");
        return;
    }
    if (old == NULL) {
        keying_log_conn(k, LOG_LEVEL_INFO, c, "added connection description");
    } else {
        keying_event_conn(k, c, "added connection description anew");
    }
    keying_say(k, client, 2, "added connection description \"%s\"", c->name);
}

static void delete_state(struct keying *k, uint64_t client, const struct record *r)
{
    uint64_t serial = record_number(r, K_SERIAL);
    struct xchg *x = xchg_by_serial(k, serial);
    if (x == NULL) {
        keying_say(k, client, 21, "no state #%llu", (unsigned long long)serial);
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
        keying_say(k, client, 30, "debug classes \"%s\": %s", record_text(r, K_CLASSES), why);
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
        keying_say(k, client, 30, "--myid %s: %s", record_text(r, K_MYID), why);
    } else if (!keying_myid(k, &id)) {
        keying_say(k, client, 32, "no memory for --myid");
    } else {
        keying_say(k, client, 2, "%%myid is %s", record_text(r, K_MYID));
    }
}

static void not_yet(struct keying *k, uint64_t client, const struct record *r, const char *what)
{
    if (named(k, client, r) != NULL) {
        keying_say(k, client, 25, "--%s \"%s\": not supported yet: a connection is routed while it "
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
    keying_say(k, client, 2, "\"%s\": terminating SAs using this connection", c->name);
    client = record_yes(r, K_ASYNCHRONOUS) ? 0 : client;
    ends_conn(k, c, client, "whack --terminate");
    order_unwanted(k, c, client);
}

static void events(struct keying *k, uint64_t client, const struct record *r)
{
    struct conn *c;
    if (!record_has(r, K_NAME)) {
        journal_show(k, client, NULL);
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
        journal_show(k, client, own);
    }
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
        }
        return true;
    case V_WHACK_MYID:
        myid(k, client, r);
        return true;
    case V_WHACK_DELETESTATE:
        delete_state(k, client, r);
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
            initiate_conn(k, c, client, !record_yes(r, K_ASYNCHRONOUS));
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
    k->turn = TURN_WHACK;
    bool taken = take(k, client, r);
    k->turn = TURN_OTHERS;
    conn_sweep(k);
    return taken;
}
