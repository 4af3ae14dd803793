#include "peer_name.h"

#include "ends.h"
#include "initiate.h"
#include "orient.h"
#include "resolve.h"

#include "hostname.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#define WHY 300

#define TRIES_MAX 2u /* it may be what ends them */

struct beginner { /* somebody who wants to begin */
    struct beginner *next;
    uint64_t client;        /* held; 0: nobody waits */
    bool wait;
    bool retry;
};

struct peer_query {
    struct conn *conn;      /* NULL: nobody waits for the answer any more */
    struct beginner *beginners; /* owned; in the order in which they came */
    uint64_t id;            /* of the request; 0: dnskey does not run, or has enough to do */
    unsigned tries;         /* how many dnskeys were asked */
    struct agenda_item patience; /* with the answer; later, where dnskey was asked, with dnskey */
    struct peer_query *prev, *next;
};

/* ---- life ---- */

static void set_asked(struct keying *k, struct peer_query *q, uint64_t id)
{
    k->peer_names.asked += id != 0 ? 1 : 0;
    k->peer_names.asked -= q->id != 0 ? 1 : 0;
    q->id = id;
}

static void free_query(struct keying *k, struct peer_query *q)
{
    set_asked(k, q, 0);
    agenda_clear(&k->agenda, &q->patience);
    DL_DELETE(k->peer_names.open, q);
    free(q);
}

static struct beginner *take_beginners(struct peer_query *q)
{
    struct beginner *all = q->beginners;
    q->beginners = NULL;
    return all;
}

static void free_beginner(struct keying *k, struct beginner *b)
{
    if (b->client != 0) {
        k->hooks.release(k->hooks.context, b->client);
    }
    free(b);
}

/* dnskey does not even say that nobody answers. For all that nobody waits for, it is ended once. */
static void lose_patience(void *context, struct agenda_item *item)
{
    struct keying *k = context;
    struct peer_query *q;
    struct peer_query *next;
    (void)item;
    DL_FOREACH_SAFE(k->peer_names.open, q, next) {
        if (q->conn == NULL) {
            free_query(k, q);
        }
    }
    k->hooks.end_dnskey(k->hooks.context, "does not answer what it is asked");
}

/* Nobody waits any more. What dnskey was asked it still answers, and is known then. */
static void leave(struct keying *k, struct peer_query *q)
{
    q->conn->peer_query = NULL;
    q->conn = NULL;
    if (q->id == 0 || !agenda_set(&k->agenda, &q->patience, k->now + RESOLVE_PATIENCE, lose_patience)) {
        free_query(k, q);
    }
}

bool peer_name_is_asked(const struct conn *c)
{
    return c->peer_query != NULL;
}

void peer_name_forget(struct keying *k, struct conn *c, const char *why)
{
    struct peer_query *q = c->peer_query;
    if (q == NULL) {
        return;
    }
    struct beginner *all = take_beginners(q);
    leave(k, q);
    while (all != NULL) {
        struct beginner *b = all;
        LL_DELETE(all, b);
        keying_say(k, b->client, REPLY_NO_RESPONSE, "\"%s\": ended before it began: %s", c->name,
                   k->stopping ? keying_deaf(k) : why);
        free_beginner(k, b);
    }
}

void peer_name_free_all(struct keying *k)
{
    while (k->peer_names.open != NULL) {
        struct peer_query *q = k->peer_names.open;
        while (q->beginners != NULL) {
            struct beginner *b = q->beginners;
            LL_DELETE(q->beginners, b);
            free(b);
        }
        free_query(k, q);
    }
}

/* ---- what is made of an answer ---- */

static const char *name_of(const struct conn *c)
{
    return conn_peer_end(c)->host_name;
}

/* For the log, for whack --events, and for each whack that waits. */
__attribute__((format(printf, 5, 6)))
static void tell(struct keying *k, struct conn *c, const struct beginner *all, unsigned code, const char *format, ...)
{
    char text[WHY + HOSTNAME_LEN + 300];
    char label[CONN_LABEL];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    conn_label(c, label);
    keying_event_conn(k, c, "%s", text);
    for (; all != NULL; all = all->next) {
        if (all->wait) {
            keying_say(k, all->client, code, "%s: %s", label, text);
        }
    }
}

static void tell_old(struct keying *k, struct conn *c, const struct beginner *all, const char *what)
{
    char address[ADDRESS_TEXT];
    address_print(&c->peer_host, address);
    tell(k, c, all, REPLY_SERIOUS, "%s %s: its last known address is used, %s", name_of(c), what, address);
}

/* The one that is known, if it is still among them; else the first of the family. NULL: there is none of it. */
static const struct address *pick(const struct conn *c, const struct address_list *list)
{
    if (address_list_has(list, &c->peer_host)) {
        return &c->peer_host;
    }
    for (unsigned i = 0; i < list->count; i++) {
        if (list->at[i].family == c->peer_host.family) {
            return &list->at[i];
        }
    }
    return NULL;
}

/* Why the peer cannot be there. NULL: he can. */
static const char *cannot_be(const struct keying *k, const struct conn *c, const struct address *a)
{
    struct identity id;
    identity_of_address(&id, a);
    if (orient_interface(k, a) != NULL) {
        return "an address of this machine";
    }
    return !conn_peer_end(c)->has_id && identity_equal(&id, c->our_id) ? "our own identity (--id)" : NULL;
}

/*
 * SAs with the address that was, their routes and scripts, belong to it: they end, as they do where our own addresses
 * change. An attempt goes on as the one that it is.
 */
static void move(struct keying *k, struct conn *c, const struct beginner *all, const struct address *to)
{
    char was[ADDRESS_TEXT];
    char is[ADDRESS_TEXT];
    const unsigned attempt = c->attempt;
    address_print(&c->peer_host, was);
    address_print(to, is);
    tell(k, c, all, REPLY_LOG, "%s is %s now, and %s no more: so is the peer", name_of(c), is, was);
    ends_conn(k, c, 0, "its peer has another address now");
    c->attempt = attempt;
    if (!conn_move_peer(k, c, to)) {
        tell_old(k, c, all, "cannot be followed for want of memory");
    }
}

static void take_addresses(struct keying *k, struct conn *c, const struct beginner *all, const struct address_list *list)
{
    char what[WHY];
    char address[ADDRESS_TEXT];
    const struct address *a = pick(c, list);
    const char *cannot = a == NULL || a == &c->peer_host ? NULL : cannot_be(k, c, a);
    if (a == NULL) {
        address_print(&list->at[0], address);
        snprintf(what, sizeof what, "has no IPv%u address any more, but %s", c->peer_host.family, address);
        tell_old(k, c, all, what);
    } else if (cannot != NULL) {
        address_print(a, address);
        snprintf(what, sizeof what, "is %s now, which is %s", address, cannot);
        tell_old(k, c, all, what);
    } else if (a == &c->peer_host) {
        keying_debug_conn(k, DEBUG_DNS, c, "%s is where it was", name_of(c));
    } else {
        move(k, c, all, a);
    }
}

/* Not of our own accord where IPsec SAs came up meanwhile: he began himself, from where he is. */
static bool is_to_begin(const struct conn *c, const struct beginner *all)
{
    return c->attempt != 0 || !all->retry; /* who retries is alone */
}

/* list: the answer; NULL: there is none, and `what` says why. */
static void go(struct keying *k, struct peer_query *q, const struct address_list *list, const char *what)
{
    struct conn *c = q->conn;
    struct beginner *all = take_beginners(q);
    leave(k, q);
    const bool tells = c->oriented && is_to_begin(c, all);
    if (tells && list != NULL) {
        take_addresses(k, c, all, list);
    } else if (tells) {
        tell_old(k, c, all, what);
    } /* else the first that begins says why it cannot */
    while (all != NULL) {
        struct beginner *b = all;
        LL_DELETE(all, b);
        initiate_found(k, c, b->client, b->wait, b->retry);
        free_beginner(k, b);
    }
}

static void too_late(void *context, struct agenda_item *item)
{
    char what[60];
    snprintf(what, sizeof what, "was not answered for within %u s", PEER_NAME_TIME / 1000);
    go(context, AGENDA_OWNER(item, struct peer_query, patience), NULL, what);
}

static void no_dnskey(void *context, struct agenda_item *item)
{
    go(context, AGENDA_OWNER(item, struct peer_query, patience), NULL,
       "was not answered for: each dnskey that was asked has ended");
}

/* ---- questions ---- */

/* False: it cannot be told now. */
static bool ask(struct keying *k, struct peer_query *q)
{
    struct record_writer w;
    record_start(&w, k->resolve.dnskey, V_RESOLVE);
    record_put_number(&w, K_ID, k->next_id + 1);
    record_put_text(&w, K_HOST, name_of(q->conn));
    record_put_word(&w, K_FAMILY, q->conn->form->family == 6 ? 1 : 0);
    if (!record_finish(&w)) {
        return false;
    }
    set_asked(k, q, ++k->next_id);
    q->tries++;
    return true;
}

void peer_name_go_on(struct keying *k)
{
    struct peer_query *q;
    DL_FOREACH(k->peer_names.open, q) {
        if (q->id != 0 || q->conn == NULL || q->tries == TRIES_MAX) {
            continue;
        }
        if (k->resolve.dnskey == NULL) {
            k->hooks.need_dnskey(k->hooks.context);
        }
        if (k->resolve.dnskey == NULL || k->peer_names.asked + k->resolve.asked_count >= RESOLVES_MAX || !ask(k, q)) {
            return;
        }
    }
}

static struct peer_query *new_query(struct keying *k, struct conn *c)
{
    struct peer_query *q = calloc(1, sizeof *q);
    if (q == NULL || !agenda_set(&k->agenda, &q->patience, k->now + PEER_NAME_TIME, too_late)) {
        free(q);
        return NULL;
    }
    q->conn = c;
    c->peer_query = q;
    DL_APPEND(k->peer_names.open, q);
    return q;
}

static bool add_beginner(struct keying *k, struct conn *c, const struct beginner *like)
{
    struct beginner *b = malloc(sizeof *b);
    if (b == NULL || (c->peer_query == NULL && new_query(k, c) == NULL)) {
        free(b);
        return false;
    }
    *b = *like;
    LL_APPEND(c->peer_query->beginners, b);
    return true;
}

bool peer_name_ask(struct keying *k, struct conn *c, uint64_t client, bool wait, bool retry)
{
    const struct beginner one = { .client = client, .wait = wait, .retry = retry };
    struct beginner *first = c->peer_query == NULL ? NULL : c->peer_query->beginners;
    if (!c->oriented || name_of(c) == NULL) {
        return false;
    }
    if (first != NULL && retry) { /* whoever begins, begins anew: another attempt need not follow */
        return true;
    }
    if (first != NULL && first->retry) { /* the same; it is the only one */
        first->client = client;
        first->wait = wait;
        first->retry = false;
    } else if (!add_beginner(k, c, &one)) {
        return false;
    }
    if (client != 0) {
        k->hooks.hold(k->hooks.context, client);
    }
    peer_name_go_on(k);
    return true;
}

/* ---- dnskey ---- */

/* What it was asked is asked of the next one, if that is not one too many. */
void peer_name_dnskey_down(struct keying *k)
{
    struct peer_query *q;
    struct peer_query *next;
    DL_FOREACH_SAFE(k->peer_names.open, q, next) {
        if (q->conn == NULL) {
            free_query(k, q);
            continue;
        }
        set_asked(k, q, 0);
        if (q->tries == TRIES_MAX) { /* not from within: what begins may end others */
            (void)agenda_set(&k->agenda, &q->patience, k->now, no_dnskey);
        }
    }
}

static struct peer_query *find_asked(const struct keying *k, uint64_t id)
{
    struct peer_query *q;
    DL_FOREACH(k->peer_names.open, q) {
        if (q->id == id) {
            break;
        }
    }
    return q;
}

bool peer_name_answered(struct keying *k, const struct record *r, const char **why)
{
    struct address_list list;
    char what[WHY];
    struct peer_query *q = record_number(r, K_ID) == 0 ? NULL : find_asked(k, record_number(r, K_ID));
    *why = NULL;
    if (q == NULL || r->re != V_RESOLVE) {
        return false;
    }
    *why = r->verb == V_OK ? address_list_parse(&list, record_text(r, K_ADDRESSES)) : NULL;
    if (*why != NULL) {
        return true;
    }
    set_asked(k, q, 0);
    if (q->conn == NULL) {
        free_query(k, q);
    } else if (r->verb == V_OK) {
        go(k, q, &list, NULL);
    } else {
        snprintf(what, sizeof what, "cannot be looked up %s: %.200s", record_has(r, K_RETRY) ? "now" : "any more", record_text(r, K_WHY));
        go(k, q, NULL, what);
    }
    return true;
}
