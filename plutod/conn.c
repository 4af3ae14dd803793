#include "conn.h"

#include "foreign.h"
#include "index.h"
#include "journal.h"
#include "methods.h"
#include "name.h"
#include "orient.h"
#include "peer_name.h"
#include "status.h"
#include "xchg.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

void conn_join(struct keying *k, struct conn *c)
{
    index_join(k, c);
    if (c->oriented) {
        name_ours(c->our_id, true);
    }
}

void conn_leave(struct keying *k, struct conn *c)
{
    if (c->kin != NULL) {
        index_leave(k, c);
        name_ours(c->our_id, false);
    }
}

struct conn *conn_find(struct keying *k, const char *name)
{
    struct conn *c;
    HASH_FIND_STR(k->conns, name, c);
    return c;
}

/* Names that are too long to have a number in brackets added do not exist: CONN_NAME has room. */
static bool enter(struct keying *k, struct conn *c)
{
    if (conn_find(k, c->name) != NULL) {
        return false;
    }
    k->next_reqid += k->next_reqid == UINT32_MAX ? 2 : 1; /* 0 means any */
    c->reqid = k->next_reqid;
    c->born = k->next_exchange;
    c->order = ++k->next_order;
    index_enter_reqid(k, c);
    HASH_ADD_STR(k->conns, name, c);
    return true;
}

/* What was described, for the connection and all its instances: with thousands it is half of what each takes. */
struct shared_form {
    struct connection_form form; /* first: conn->form points to it */
    unsigned users;
};

static void share_form(struct conn *c, const struct connection_form *form)
{
    c->form = form;
    ((struct shared_form *)(uintptr_t)form)->users++;
}

/* Its identities become held ones (name.h): the ends of many connections have the same. False: no memory. */
static bool hold_ids(struct keying *k, struct connection_form *form)
{
    const struct identity *held[2] = { &identity_any, &identity_any };
    if (!name_set(k, &held[0], form->end[0].id) || !name_set(k, &held[1], form->end[1].id)) {
        name_release(k, &held[0]);
        return false;
    }
    for (int i = 0; i < 2; i++) {
        free((void *)(uintptr_t)form->end[i].id);
        form->end[i].id = held[i];
    }
    return true;
}

static void leave_form(struct keying *k, struct conn *c)
{
    struct shared_form *shared = (struct shared_form *)(uintptr_t)c->form;
    c->form = NULL;
    if (--shared->users == 0) {
        for (int i = 0; i < 2; i++) {
            name_release(k, &shared->form.end[i].id);
            shared->form.end[i].id = NULL;
        }
        connection_form_free(&shared->form);
        free(shared);
    }
}

static void free_conn(struct keying *k, struct conn *c)
{
    name_release(k, &c->our_id);
    name_release(k, &c->peer_id);
    if (c->instance != 0) {
        free((void *)(uintptr_t)c->name);
    }
    leave_form(k, c);
    free(c->failure);
    methods_forget(c);
    foreign_free(c);
    free(c);
}

#define FAILURE_MAX 1000

void conn_failed(struct keying *k, struct conn *c, uint64_t exchange, const char *why)
{
    for (; c != NULL; c = c->template) {
        if (c->failure != NULL && exchange != 0 && c->failure->exchange == exchange) {
            continue;
        }
        size_t len = strnlen(why, FAILURE_MAX);
        struct failure *failure = malloc(sizeof *failure + len + 1);
        if (failure != NULL) {
            *failure = (struct failure){ .at = k->now, .exchange = exchange };
            strlcpy(failure->why, why, len + 1);
            free(c->failure);
            c->failure = failure;
        }
    }
}

struct conn *conn_add(struct keying *k, struct connection_form *form)
{
    struct conn *c = calloc(1, sizeof *c);
    struct shared_form *shared = calloc(1, sizeof *shared);
    if (c == NULL || shared == NULL || !hold_ids(k, form)) {
        connection_form_free(form);
        free(c);
        free(shared);
        return NULL;
    }
    shared->form = *form;
    share_form(c, &shared->form);
    c->our_id = &identity_any;
    c->peer_id = &identity_any;
    c->name = shared->form.name;
    if (!enter(k, c)) {
        free_conn(k, c);
        return NULL;
    }
    orient_conn(k, c);
    keying_debug_conn(k, DEBUG_LIFECYCLE, c, "is known, as reqid %u; now there are %u", c->reqid, HASH_COUNT(k->conns));
    return c;
}

void conn_remove(struct keying *k, struct conn *c)
{
    keying_debug_conn(k, DEBUG_LIFECYCLE, c, "is known no more%s; now there are %u",
                      c->instance != 0 ? ": an instance without exchanges" : "", HASH_COUNT(k->conns) - 1);
    agenda_clear(&k->agenda, &c->retry);
    agenda_clear(&k->agenda, &c->renewal);
    peer_name_forget(k, c, "the connection is known no more");
    status_conn_goes(k, c);
    k->debugged -= c->classes != 0 ? 1 : 0;
    conn_leave(k, c);
    index_leave_reqid(k, c);
    HASH_DEL(k->conns, c);
    if (c->template != NULL) {
        DL_DELETE2(c->template->instances, c, sibling_prev, sibling_next);
    }
    journal_move(k, &c->journal, &k->journal);
    if (c->stale) {
        LL_DELETE2(k->stale, c, stale_next);
    }
    free_conn(k, c);
}

struct conn *conn_instantiate(struct keying *k, struct conn *t, const struct address *peer,
                              uint16_t port, const struct identity *id)
{
    struct conn *c = calloc(1, sizeof *c);
    char *name = NULL;
    if (c == NULL || asprintf(&name, "%s[%u]", t->form->name, t->next_instance + 1) < 0) {
        free(c);
        return NULL;
    }
    share_form(c, t->form);
    c->our_id = &identity_any;
    c->peer_id = &identity_any;
    c->template = t;
    c->instance = ++t->next_instance;
    c->name = name;
    c->peer_host = *peer;
    c->peer_port = port;
    c->peer_client = conn_peer_end(t)->client;
    if (!conn_peer_end(t)->has_client) {
        subnet_of_host(&c->peer_client, peer);
    }
    if (!name_set(k, &c->peer_id, id) || !enter(k, c)) {
        free_conn(k, c);
        return NULL;
    }
    DL_APPEND2(t->instances, c, sibling_prev, sibling_next);
    orient_conn(k, c);
    keying_debug_conn(k, DEBUG_LIFECYCLE, c, "is made of \"%s\", as reqid %u; now there are %u", t->name, c->reqid,
                      HASH_COUNT(k->conns));
    conn_stale(k, c); /* gone again unless it gets an exchange in this very event */
    return c;
}

bool conn_move_peer(struct keying *k, struct conn *c, const struct address *to)
{
    struct connection_end *end = (struct connection_end *)(uintptr_t)conn_peer_end(c); /* a fixed peer's form has no other user */
    struct identity id;
    identity_of_address(&id, to);
    if (!end->has_id && !name_set(k, &end->id, &id)) {
        return false;
    }
    end->host = *to;
    if (!end->has_client) {
        subnet_of_host(&end->client, to);
    }
    methods_forget(c);
    keying_secrets_changed(k); /* what was asked for the identity that was */
    orient_conn(k, c);
    return true;
}

void conn_stale(struct keying *k, struct conn *c)
{
    if (c->instance != 0 && !c->stale) {
        c->stale = true;
        LL_PREPEND2(k->stale, c, stale_next);
    }
}

void conn_sweep(struct keying *k)
{
    while (k->stale != NULL) {
        struct conn *c = k->stale;
        LL_DELETE2(k->stale, c, stale_next);
        c->stale = false;
        if (c->exchanges == NULL && c->attempt == 0) {
            conn_remove(k, c);
        }
    }
}

struct conn *conn_in_use(struct keying *k, const struct conn *c, const struct conn *besides)
{
    struct kin *kin = c->kin == NULL ? NULL : index_kin(k, c->peer_id, &c->our_host, &c->peer_host);
    for (; kin != NULL; kin = index_next_kin(kin, false)) {
        struct conn *other;
        if (!identity_equal(kin_conns(kin)->our_id, c->our_id)
            || conn_methods(kin_conns(kin)) != conn_methods(c)) {
            continue;
        }
        DL_FOREACH2(kin_conns(kin), other, kin_next) {
            if (other != besides && xchg_has_ipsec(other, NULL)) {
                return other;
            }
        }
    }
    return NULL;
}

bool conn_is_template(const struct conn *c)
{
    return c->instance == 0 && (c->form->end[END_LEFT].host_kind == HOST_ANY
                                || c->form->end[END_RIGHT].host_kind == HOST_ANY);
}

unsigned conn_methods(const struct conn *c)
{
    switch (c->form->policy & POLICY_METHODS) {
    case POLICY_PSK:
        return METHODS_PSK;
    case POLICY_RSASIG:
        return METHODS_RSASIG;
    default:
        return METHODS_BOTH; /* none: of a shunt only, which is never negotiated */
    }
}

const char *conn_methods_words(unsigned methods)
{
    static const char *const words[] = {
        [METHODS_PSK] = "--psk", [METHODS_RSASIG] = "--rsasig", [METHODS_BOTH] = "--rsasig or --psk"
    };
    return words[methods];
}

bool conn_allows(const struct conn *c, unsigned method)
{
    return (c->form->policy & (method == METHOD_PSK ? POLICY_PSK : POLICY_RSASIG)) != 0;
}

bool conn_same_ids(const struct conn *a, const struct conn *b)
{
    return identity_equal(a->our_id, b->our_id) && identity_equal(a->peer_id, b->peer_id);
}

const struct connection_end *conn_our_end(const struct conn *c)
{
    /* An instance that is being made has the same ends as what it is made of. */
    unsigned ours = c->template != NULL ? c->template->ours : c->ours;
    return &c->form->end[ours];
}

const struct connection_end *conn_peer_end(const struct conn *c)
{
    unsigned ours = c->template != NULL ? c->template->ours : c->ours;
    return &c->form->end[1 - ours];
}

bool conn_host_to_host(const struct conn *c)
{
    return subnet_is_host(&c->our_client, &c->our_host)
           && subnet_is_host(&c->peer_client, &c->peer_host);
}

void conn_label(const struct conn *c, char out[CONN_LABEL])
{
    if (c->instance == 0) {
        snprintf(out, CONN_LABEL, "\"%s\"", c->name);
        return;
    }
    char address[ADDRESS_TEXT];
    address_print(&c->peer_host, address);
    snprintf(out, CONN_LABEL, "\"%s\"[%u] %s", c->form->name, c->instance, address);
}
