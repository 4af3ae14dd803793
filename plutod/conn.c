#include "conn.h"

#include "name.h"
#include "orient.h"
#include "xchg.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

static struct pair_key key_of(const struct address *ours, const struct address *peer)
{
    struct pair_key key;
    memset(&key, 0, sizeof key);
    key.ours = *ours;
    key.peer = *peer;
    return key;
}

struct pair *conn_pair(struct keying *k, const struct address *ours, const struct address *peer)
{
    struct pair_key key = key_of(ours, peer);
    struct pair *p;
    HASH_FIND(hh, k->pairs, &key, sizeof key, p);
    return p;
}

void conn_pair_join(struct keying *k, struct conn *c)
{
    struct pair *p = conn_pair(k, &c->our_host, &c->peer_host);
    if (p == NULL) {
        p = calloc(1, sizeof *p);
        if (p == NULL) {
            c->oriented = false;
            return;
        }
        p->key = key_of(&c->our_host, &c->peer_host);
        HASH_ADD(hh, k->pairs, key, sizeof p->key, p);
    }
    DL_APPEND(p->conns, c);
    c->pair = p;
    name_ours(c->our_id, true);
}

void conn_pair_leave(struct keying *k, struct conn *c)
{
    struct pair *p = c->pair;
    if (p == NULL) {
        return;
    }
    DL_DELETE(p->conns, c);
    c->pair = NULL;
    name_ours(c->our_id, false);
    if (p->conns == NULL) {
        HASH_DELETE(hh, k->pairs, p);
        free(p);
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

static void leave_form(struct conn *c)
{
    struct shared_form *shared = (struct shared_form *)(uintptr_t)c->form;
    c->form = NULL;
    if (--shared->users == 0) {
        connection_form_free(&shared->form);
        free(shared);
    }
}

static void free_conn(struct keying *k, struct conn *c)
{
    name_release(k, &c->our_id);
    name_release(k, &c->peer_id);
    leave_form(c);
    free(c);
}

struct conn *conn_add(struct keying *k, struct connection_form *form)
{
    struct conn *c = calloc(1, sizeof *c);
    struct shared_form *shared = calloc(1, sizeof *shared);
    if (c == NULL || shared == NULL) {
        connection_form_free(form);
        free(c);
        free(shared);
        return NULL;
    }
    shared->form = *form;
    share_form(c, &shared->form);
    c->our_id = &identity_any;
    c->peer_id = &identity_any;
    strlcpy(c->name, form->name, sizeof c->name);
    if (!enter(k, c)) {
        free_conn(k, c);
        return NULL;
    }
    orient_conn(k, c);
    return c;
}

void conn_remove(struct keying *k, struct conn *c)
{
    agenda_clear(&k->agenda, &c->retry);
    agenda_clear(&k->agenda, &c->renewal);
    conn_pair_leave(k, c);
    k->debugged -= c->classes != 0 ? 1 : 0;
    HASH_DEL(k->conns, c);
    if (c->template != NULL) {
        c->template->instances--;
    }
    if (c->stale) {
        LL_DELETE2(k->stale, c, stale_next);
    }
    free_conn(k, c);
}

struct conn *conn_instantiate(struct keying *k, struct conn *t, const struct address *peer,
                              uint16_t port, const struct identity *id)
{
    struct conn *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    share_form(c, t->form);
    c->our_id = &identity_any;
    c->peer_id = &identity_any;
    c->template = t;
    c->instance = ++t->next_instance;
    snprintf(c->name, sizeof c->name, "%s[%u]", t->form->name, c->instance);
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
    t->instances++;
    orient_conn(k, c);
    conn_stale(k, c); /* gone again unless it gets an exchange in this very event */
    return c;
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

bool conn_is_template(const struct conn *c)
{
    return c->instance == 0 && (c->form->end[END_LEFT].host_kind == HOST_ANY
                                || c->form->end[END_RIGHT].host_kind == HOST_ANY);
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
