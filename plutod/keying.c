#include "keying.h"

#include "anew.h"
#include "ends.h"
#include "explain.h"
#include "initiate.h"
#include "journal.h"
#include "orders.h"
#include "orient.h"
#include "name.h"
#include "paths.h"
#include "public_keys.h"
#include "peer_name.h"
#include "resolve.h"
#include "status.h"

#include <bsd/string.h>
#include <stdlib.h>

struct pending {
    uint64_t id;
    enum pending_kind kind;
    uint64_t exchange;
    uint64_t client;
    struct agenda_item patience; /* the client is told what it waits for */
    uint32_t worker;        /* that was asked; 0: another tool was */
    struct buffer record;   /* that asked, where it is kept */
    UT_hash_handle hh;
};

void keying_init(struct keying *k, const struct keying_settings *settings,
                 const struct keying_hooks *hooks)
{
    memset(k, 0, sizeof *k);
    k->settings = *settings;
    k->hooks = *hooks;
    /*
     * What a plutod before left in the kernel has reqids too: those of another epoch are far from ours
     * (Fibonacci hashing).
     */
    k->next_reqid = settings->epoch * UINT32_C(2654435769);
}

void keying_free(struct keying *k)
{
    struct xchg *x;
    struct xchg *next;
    struct conn *c;
    struct conn *next_conn;
    struct pending *p;
    struct pending *next_pending;

    HASH_ITER(hh, k->exchanges, x, next) {
        xchg_free(k, x);
    }
    for (int instances = 1; instances >= 0; instances--) { /* before what they were made of */
        HASH_ITER(hh, k->conns, c, next_conn) {
            if (!instances || c->instance != 0) {
                conn_remove(k, c);
            }
        }
    }
    HASH_ITER(hh, k->pending, p, next_pending) {
        HASH_DEL(k->pending, p);
        agenda_clear(&k->agenda, &p->patience);
        buffer_wipe(&p->record);
        free(p);
    }
    free((void *)(uintptr_t)k->own_myid);
    explain_free_all(k);
    status_free_all(k);
    journal_free_all(k);
    path_free_all(k);
    public_keys_free_all(k);
    resolve_free_all(k);
    peer_name_free_all(k);
    name_free_all(k);
    agenda_free(&k->agenda);
    free(k->interfaces);
    memset(k, 0, sizeof *k);
}

void keying_tick(struct keying *k)
{
    agenda_run(&k->agenda, k->now, k);
    conn_sweep(k);
}

/* ---- workers ---- */

struct keying_worker *keying_worker(struct keying *k, uint32_t number)
{
    for (unsigned i = 0; i < k->worker_count; i++) {
        if (k->workers[i].number == number) {
            return &k->workers[i];
        }
    }
    return NULL;
}

bool keying_worker_works(struct keying *k, uint32_t number)
{
    const struct keying_worker *w = keying_worker(k, number);
    return w != NULL && w->suspect <= k->now;
}

static bool is_better(const struct keying_worker *a, const struct keying_worker *b)
{
    return b == NULL || (a->grade != b->grade ? a->grade > b->grade : a->exchanges < b->exchanges);
}

struct keying_worker *keying_pick_worker(struct keying *k)
{
    struct keying_worker *best = NULL;
    for (unsigned i = 0; i < k->worker_count; i++) {
        struct keying_worker *w = &k->workers[i];
        if (w->current && w->suspect <= k->now && is_better(w, best)) {
            best = w;
        }
    }
    return best;
}

bool keying_worker_up(struct keying *k, uint32_t number, struct buffer *out)
{
    if (k->worker_count == WORKERS_MAX) {
        return false;
    }
    k->workers[k->worker_count++] = (struct keying_worker){
        .number = number, .out = out, .current = true
    };
    order_debug_one(k, out);
    anew_go(k);
    return true;
}

void keying_worker_ready(struct keying *k, uint32_t number, enum worker_grade grade)
{
    struct keying_worker *w = keying_worker(k, number);
    if (w != NULL) {
        w->grade = grade;
        keying_secrets_changed(k);
    }
}

void keying_secrets_changed(struct keying *k)
{
    k->reading++;
}

void keying_worker_old(struct keying *k, uint32_t number)
{
    struct keying_worker *w = keying_worker(k, number);
    if (w != NULL && w->current) {
        w->current = false;
        if (w->exchanges == 0) {
            k->hooks.idle(k->hooks.context, number);
        }
    }
}

/* ---- requests that wait for an answer ---- */

#define PATIENCE 5000 /* milliseconds */

static void lose_patience(void *context, struct agenda_item *item)
{
    struct keying *k = context;
    struct pending *p = AGENDA_OWNER(item, struct pending, patience);
    uint64_t client = p->client;
    keying_say(k, client, 0, "waiting for kernel-sa, which has not answered for %d s; if it reads "
               "nothing plutod begins it anew", PATIENCE / 1000);
    for (p = k->pending; p != NULL; p = p->hh.next) {
        if (p->client == client) {
            agenda_clear(&k->agenda, &p->patience); /* once is enough */
        }
    }
}

uint64_t keying_ask(struct keying *k, enum pending_kind kind, uint64_t exchange, uint64_t client)
{
    struct pending *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return 0;
    }
    p->id = ++k->next_id;
    p->kind = kind;
    p->exchange = exchange;
    p->client = client;
    HASH_ADD(hh, k->pending, id, sizeof p->id, p);
    if (client != 0) {
        k->hooks.hold(k->hooks.context, client);
    }
    if (client != 0 && kind == PENDING_DELETE) {
        (void)agenda_set(&k->agenda, &p->patience, k->now + PATIENCE, lose_patience);
    }
    return p->id;
}

uint64_t keying_ask_worker(struct keying *k, enum pending_kind kind, uint64_t exchange,
                           uint32_t worker, uint64_t client)
{
    struct pending *p;
    uint64_t id = keying_ask(k, kind, exchange, client);
    HASH_FIND(hh, k->pending, &id, sizeof id, p);
    if (p != NULL) {
        p->worker = worker;
    }
    return id;
}

uint64_t keying_client_of(const struct keying *k, uint64_t id)
{
    const struct pending *p;
    HASH_FIND(hh, k->pending, &id, sizeof id, p);
    return p == NULL ? 0 : p->client;
}

void keying_tell_pending(struct keying *k, enum pending_kind kind, uint32_t worker, const char *text)
{
    for (const struct pending *p = k->pending; p != NULL; p = p->hh.next) {
        if (p->kind == kind && p->worker == worker) {
            keying_say(k, p->client, 0, "%s", text);
        }
    }
}

static void drop(struct keying *k, struct pending *p)
{
    HASH_DEL(k->pending, p);
    agenda_clear(&k->agenda, &p->patience);
    if (p->client != 0) {
        k->hooks.release(k->hooks.context, p->client);
    }
    buffer_wipe(&p->record);
    free(p);
}

void keying_keep(struct keying *k, uint64_t id, struct buffer *record)
{
    struct pending *p;
    HASH_FIND(hh, k->pending, &id, sizeof id, p);
    p->record = *record;
}

void keying_release_kept(struct keying *k)
{
    for (struct pending *p = k->pending; p != NULL; p = p->hh.next) {
        if (p->record.len > 0 && p->client != 0) {
            k->hooks.release(k->hooks.context, p->client);
            p->client = 0;
            agenda_clear(&k->agenda, &p->patience);
        }
    }
}

void keying_repeat(struct keying *k, struct buffer *out)
{
    for (const struct pending *p = k->pending; p != NULL; p = p->hh.next) {
        if (p->record.len > 0) {
            buffer_add(out, p->record.data, p->record.len);
        }
    }
}

bool keying_answered(struct keying *k, uint64_t id, enum pending_kind kind, uint32_t worker,
                     uint64_t *exchange)
{
    struct pending *p;
    HASH_FIND(hh, k->pending, &id, sizeof id, p);
    if (p == NULL || p->kind != kind || p->worker != worker) {
        return false;
    }
    *exchange = p->exchange;
    drop(k, p);
    return true;
}

void keying_drop_pending(struct keying *k, enum pending_kind kind, uint32_t worker)
{
    struct pending *p;
    struct pending *next;
    HASH_ITER(hh, k->pending, p, next) {
        if (p->kind == kind && p->worker == worker) {
            drop(k, p);
        }
    }
}

uint64_t keying_unanswered(const struct keying *k, enum pending_kind kind, uint32_t worker)
{
    const struct pending *p;
    for (p = k->pending; p != NULL && (p->kind != kind || p->worker != worker); p = p->hh.next) {
    }
    return p == NULL ? 0 : p->id;
}

bool keying_oldest(const struct keying *k, uint32_t worker, enum pending_kind *kind, uint64_t *exchange)
{
    const struct pending *p;
    for (p = k->pending; p != NULL && p->worker != worker; p = p->hh.next) {
    }
    if (p != NULL) {
        *kind = p->kind;
        *exchange = p->exchange;
    }
    return p != NULL;
}

bool keying_waits(const struct keying *k, enum pending_kind kind)
{
    const struct pending *p;
    for (p = k->pending; p != NULL; p = p->hh.next) {
        if (p->kind == kind) {
            return true;
        }
    }
    return false;
}

/* ---- interfaces, and the end ---- */

/* After the addresses that are ours, or who we are, may have changed. */
static void orient_all(struct keying *k, const char *why_ended)
{
    struct conn *c;
    struct conn *next;
    keying_secrets_changed(k); /* for those whom they were asked for */
    HASH_ITER(hh, k->conns, c, next) {
        if (!c->oriented || orient_stays(k, c)) {
            orient_conn(k, c);
            continue;
        }
        /* Its SAs, routes and scripts belong to the ends as they were. */
        ends_conn(k, c, 0, why_ended);
        orient_conn(k, c);
        if (!c->oriented) {
            char why[ORIENT_WHY];
            orient_why(k, c, why);
            keying_event_conn(k, c, "is oriented no more: %s", why);
        }
    }
    conn_sweep(k);
}

void keying_interfaces(struct keying *k, struct interface *list, size_t count, bool by_itself)
{
    struct interface *old = k->interfaces; /* connections know theirs until they are oriented anew */
    k->interfaces = list;
    k->interface_count = count;
    bool waited = !k->listening;
    k->listening = true;
    orient_all(k, by_itself ? "the addresses of this machine have changed, and its ends with them"
                            : "whack --listen found that its ends have changed");
    free(old);
    resolve_again(k);
    if (waited) {
        initiate_what_waited(k);
    }
}

bool keying_myid(struct keying *k, const struct identity *id)
{
    const struct identity *own = identity_dup(id);
    if (own == NULL) {
        return false;
    }
    free((void *)(uintptr_t)k->own_myid);
    k->own_myid = own;
    k->settings.myid = own;
    orient_all(k, "whack --myid: we are somebody else now");
    return true;
}

const char *keying_deaf(const struct keying *k)
{
    if (k->stopping) {
        return "plutod is shutting down";
    }
    if (!k->listening) {
        return "not listening for IKE messages: whack --listen comes first";
    }
    return k->interface_count > 0 ? NULL : "not listening for IKE messages: there is no address to listen on, or none "
                                           "could be listened on: whack --listen says which, and why not";
}

void keying_unlisten(struct keying *k)
{
    k->listening = false;
}

void keying_leave(struct keying *k)
{
    k->stopping = true;
}

void keying_stop(struct keying *k)
{
    struct conn *c;
    struct conn *next;
    struct xchg *x;
    struct xchg *next_x;
    k->stopping = true;
    HASH_ITER(hh, k->conns, c, next) {
        if (c->instance == 0) {
            ends_conn(k, c, 0, "plutod is shutting down");
        }
    }
    HASH_ITER(hh, k->exchanges, x, next_x) {
        if (!x->quick) {
            ends_main(k, x, ENDS_TELL_PEER, "plutod is shutting down"); /* those of peers that were not known yet */
        }
    }
    (void)order_flush(k);
    conn_sweep(k);
}

bool keying_stopped(const struct keying *k)
{
    return !keying_waits(k, PENDING_SCRIPT) && !keying_waits(k, PENDING_FLUSH);
}
