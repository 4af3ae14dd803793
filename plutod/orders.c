#include "orders.h"

#include "algorithm.h"
#include "choose.h"
#include "methods.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>

static struct buffer *worker_out(struct keying *k, const struct xchg *x)
{
    struct keying_worker *w = keying_worker(k, x->worker);
    return w == NULL ? NULL : w->out;
}

static unsigned role_of(const struct xchg *x)
{
    return x->initiator ? ROLE_INITIATOR : ROLE_RESPONDER;
}

/* ---- secrets ---- */

/* Debug classes that it has of its own. */
static void put_classes(struct record_writer *w, const struct conn *c)
{
    char text[DEBUG_CLASSES_TEXT];
    unsigned classes = c->classes | (c->template == NULL ? 0 : c->template->classes);
    if (classes != 0) {
        debug_classes_print(classes, text);
        record_put_text(w, K_CLASSES, text);
    }
}

void order_announce(struct keying *k, const struct xchg *x, const struct conn *c)
{
    struct record_writer w;
    struct buffer *out = worker_out(k, x);
    if (out == NULL) {
        return;
    }
    size_t before = out->len;
    record_start(&w, out, V_ANNOUNCE);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_text(&w, K_CONNECTION, c->name);
    record_put_word(&w, K_ROLE, role_of(x));
    record_put_word(&w, K_METHODS, methods_of(x, c));
    record_put_text(&w, K_IKE, c->form->ike);
    record_put_identity(&w, K_OUR_ID, c->our_id);
    record_put_identity(&w, K_PEER_ID, c->peer_id);
    if (!x->initiator && choose_whoever(k, &x->local, &x->remote, c)) {
        record_put_yes(&w, K_WHOEVER, true);
    }
    put_classes(&w, c);
    record_finish(&w);
    if (!x->initiator) { /* else secrets says at once if there is none for it */
        buffer_quiet(out, before);
    }
}

void order_announce_all(struct keying *k, const struct xchg *x)
{
    struct conn *list[CHOOSE_MAX];
    size_t count = 0;
    if (x->initiator) {
        order_announce(k, x, x->conn);
    } else {
        count = choose_offered(k, x, list);
    }
    for (size_t i = 0; i < count; i++) {
        order_announce(k, x, list[i]);
    }
}

void order_announce_quick(struct keying *k, const struct xchg *y, const char *pfs)
{
    struct record_writer w;
    struct buffer *out = worker_out(k, y);
    if (out == NULL) {
        return;
    }
    size_t before = out->len;
    record_start(&w, out, V_ANNOUNCE_QUICK);
    record_put_number(&w, K_EXCHANGE, y->number);
    record_put_number(&w, K_PARENT, y->parent);
    record_put_word(&w, K_ROLE, role_of(y));
    record_put_text(&w, K_ESP, y->conn->form->esp);
    record_put_text(&w, K_PFS, pfs);
    record_put_yes(&w, K_PFS_REQUIRED, (y->conn->form->policy & POLICY_PFS) != 0);
    put_classes(&w, y->conn);
    record_finish(&w);
    buffer_quiet(out, before);
}

bool order_accept(struct keying *k, struct xchg *x, const struct conn *c)
{
    struct record_writer w;
    struct buffer *out = worker_out(k, x);
    uint64_t id = out == NULL ? 0 : keying_ask_worker(k, PENDING_ACCEPT, x->number, x->worker, 0);
    if (id == 0) {
        return false;
    }
    record_start(&w, out, V_ACCEPT);
    record_put_number(&w, K_ID, id);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_text(&w, K_CONNECTION, c->name);
    record_put_identity(&w, K_OUR_ID, c->our_id);
    record_put_identity(&w, K_PEER_ID, x->peer_id);
    return record_finish(&w);
}

static bool put_secret(struct buffer *out, uint64_t id, const struct conn *c, unsigned method)
{
    struct record_writer w;
    record_start(&w, out, V_SECRET);
    record_put_number(&w, K_ID, id);
    record_put_word(&w, K_METHOD, method);
    record_put_identity(&w, K_OUR_ID, c->our_id);
    record_put_identity(&w, K_PEER_ID, c->template == NULL ? c->peer_id : c->template->peer_id); /* [R4] */
    record_put_text(&w, K_IKE, c->form->ike);
    return record_finish(&w);
}

bool order_secret(struct keying *k, const struct conn *c, unsigned method, uint64_t client)
{
    const struct keying_worker *worker = keying_pick_worker(k);
    enum pending_kind kind = method == METHOD_PSK ? PENDING_SECRET : PENDING_PRIVATE_KEY;
    uint64_t id = worker == NULL ? 0 : keying_ask_worker(k, kind, c->reqid, worker->number, client);
    return id != 0 && put_secret(worker->out, id, c, method);
}

uint64_t order_know(struct keying *k, const struct keying_worker *w, const struct conn *c, unsigned method,
                    uint64_t note, uint64_t client)
{
    uint64_t id = w->out == NULL ? 0 : keying_ask_worker(k, PENDING_KNOW, note, w->number, client);
    return id != 0 && put_secret(w->out, id, c, method) ? id : 0;
}

bool order_method(struct keying *k, const struct xchg *x, const struct conn *c, unsigned method)
{
    struct buffer *out = worker_out(k, x);
    enum pending_kind kind = method == METHOD_PSK ? PENDING_METHOD_PSK : PENDING_METHOD_RSASIG;
    uint64_t id = out == NULL ? 0 : keying_ask_worker(k, kind, x->number, x->worker, 0);
    return id != 0 && put_secret(out, id, c, method);
}

static void forget(struct buffer *out, const struct xchg *x)
{
    struct record_writer w;
    if (out == NULL) {
        return;
    }
    record_start(&w, out, V_FORGET);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_finish(&w);
}

void order_forget_secrets(struct keying *k, const struct xchg *x)
{
    forget(worker_out(k, x), x);
}

void order_forget_negotiator(struct keying *k, const struct xchg *x)
{
    forget(k->negotiator, x);
}

/* ---- ike-negotiate ---- */

void order_initiate(struct keying *k, const struct xchg *x)
{
    struct record_writer w;
    if (k->negotiator == NULL) {
        return;
    }
    record_start(&w, k->negotiator, V_INITIATE);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_text(&w, K_CONNECTION, x->conn->name);
    record_put_number(&w, K_WORKER, x->worker);
    record_put_address(&w, K_LOCAL, &x->local);
    record_put_number(&w, K_LOCAL_PORT, x->local_port);
    record_put_address(&w, K_REMOTE, &x->remote);
    record_put_number(&w, K_REMOTE_PORT, x->remote_port);
    record_put_word(&w, K_METHODS, x->methods);
    record_put_text(&w, K_IKE, x->conn->form->ike);
    record_put_number(&w, K_LIFE, x->conn->form->ikelifetime);
    record_finish(&w);
}

void order_quick(struct keying *k, const struct xchg *y, const char *pfs)
{
    struct record_writer w;
    const struct conn *c = y->conn;
    if (k->negotiator == NULL) {
        return;
    }
    record_start(&w, k->negotiator, V_QUICK);
    record_put_number(&w, K_EXCHANGE, y->number);
    record_put_number(&w, K_PARENT, y->parent);
    record_put_text(&w, K_CONNECTION, c->name);
    record_put_text(&w, K_ESP, c->form->esp);
    record_put_text(&w, K_PFS, pfs);
    record_put_word(&w, K_MODE, (c->form->policy & POLICY_TUNNEL) != 0 ? MODES_TUNNEL
                                                                      : MODES_TRANSPORT);
    record_put_number(&w, K_LIFE, c->form->ipseclifetime);
    record_put_address(&w, K_OUR_HOST, &c->our_host);
    record_put_address(&w, K_PEER_HOST, &c->peer_host);
    record_put_subnet(&w, K_OUR_CLIENT, &c->our_client);
    record_put_subnet(&w, K_PEER_CLIENT, &c->peer_client);
    record_finish(&w);
}

void order_worker(struct keying *k, const struct xchg *x)
{
    struct record_writer w;
    if (k->negotiator == NULL) {
        return;
    }
    record_start(&w, k->negotiator, V_WORKER);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_number(&w, K_WORKER, x->worker);
    record_finish(&w);
}

void order_delete(struct keying *k, const struct xchg *x)
{
    struct record_writer w;
    if (k->negotiator == NULL) {
        return;
    }
    record_start(&w, k->negotiator, V_DELETE);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_finish(&w);
}

void order_delete_sa(struct keying *k, uint64_t parent, const struct xchg *y)
{
    struct record_writer w;
    if (k->negotiator == NULL) {
        return;
    }
    record_start(&w, k->negotiator, V_DELETE_SA);
    record_put_number(&w, K_PARENT, parent);
    record_put_word(&w, K_PROTOCOL, WORD_ESP);
    record_put_bytes(&w, K_SPI_IN, y->spi_in, sizeof y->spi_in);
    record_finish(&w);
}

/* ---- all ---- */

void order_debug_one(const struct keying *k, struct buffer *out)
{
    struct record_writer w;
    char text[DEBUG_CLASSES_TEXT];
    if (out == NULL) {
        return;
    }
    /* Keys only leave secrets where they are asked for: it is told of each exchange. */
    debug_classes_print((keying_classes(k) & DEBUG_ALL) | (k->classes & DEBUG_PRIVATE), text);
    record_start(&w, out, V_DEBUG);
    record_put_text(&w, K_CLASSES, text);
    record_finish(&w);
}

void order_debug(struct keying *k)
{
    order_debug_one(k, k->negotiator);
    order_debug_one(k, k->kernel);
    order_debug_one(k, k->resolve.dnskey);
    for (unsigned i = 0; i < k->worker_count; i++) {
        order_debug_one(k, k->workers[i].out);
    }
}

/* ---- groups for PFS ---- */

static const char *phase1_group(const struct xchg *parent)
{
    struct ike_suite suite;
    if (parent == NULL || parent->proposal == NULL || ike_suite_parse(&suite, parent->proposal) != NULL) {
        return NULL;
    }
    return suite.group->word;
}

static void add_group(char out[PFS_TEXT], const char *word)
{
    char list[PFS_TEXT + 2];
    char wanted[32];
    snprintf(list, sizeof list, ",%s,", out);
    snprintf(wanted, sizeof wanted, ",%s,", word);
    if (strstr(list, wanted) != NULL) {
        return;
    }
    if (out[0] != '\0') {
        strlcat(out, ",", PFS_TEXT);
    }
    strlcat(out, word, PFS_TEXT);
}

/* Every group of --ike, those that are only accepted too. */
static void add_ike_groups(char out[PFS_TEXT], const struct conn *c)
{
    struct ike_proposals *p = malloc(sizeof *p);
    if (p != NULL && ike_proposals_parse(p, c->form->ike, NULL) == NULL) {
        for (size_t i = 0; i < p->count; i++) {
            add_group(out, p->suite[i].group->word);
        }
    }
    free(p);
}

/* The one group that all of --ike has, or NULL. */
static const char *only_group(const struct conn *c)
{
    const char *word = NULL;
    struct ike_proposals *p = malloc(sizeof *p);
    if (p != NULL && ike_proposals_parse(p, c->form->ike, NULL) == NULL && p->count > 0) {
        word = p->suite[0].group->word;
        for (size_t i = 1; i < p->count; i++) {
            word = p->suite[i].group == p->suite[0].group ? word : NULL;
        }
    }
    free(p);
    return word;
}

void order_pfs_text(const struct conn *c, const struct xchg *parent, bool initiator,
                    char out[PFS_TEXT])
{
    out[0] = '\0';
    if (initiator && (c->form->policy & POLICY_PFS) == 0) {
        strlcpy(out, "no", PFS_TEXT);
        return;
    }
    if (c->form->pfsgroup != NULL) {
        strlcpy(out, c->form->pfsgroup, PFS_TEXT);
        return;
    }
    const char *group = phase1_group(parent);
    group = group == NULL ? only_group(c) : group;
    if (group != NULL) {
        add_group(out, group);
    }
    if (!initiator) {
        add_ike_groups(out, c);
    }
    if (out[0] == '\0') {
        strlcpy(out, "no", PFS_TEXT);
    }
}

bool order_pfs_known(const struct conn *c, const struct xchg *parent)
{
    return (c->form->policy & POLICY_PFS) == 0 || c->form->pfsgroup != NULL
           || phase1_group(parent) != NULL || only_group(c) != NULL;
}
