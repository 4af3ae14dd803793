#include "respond.h"

#include "choose.h"
#include "ends.h"
#include "initiate.h"
#include "orders.h"
#include "routing.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#define INVALID_ID_INFORMATION 18 /* RFC 2408, 3.14.1 */


/* ---- the first message ---- */

static bool put_candidates(struct record_writer *w, struct conn *const list[], size_t count)
{
    struct buffer text;
    buffer_init(&text, 16000);
    for (size_t i = 0; i < count; i++) {
        size_t before = text.len;
        buffer_add_text(&text, i == 0 ? "" : ";");
        buffer_add_text(&text, list[i]->name);
        buffer_add_text(&text, ":psk:");
        buffer_add_text(&text, list[i]->form.ike);
        if (text.overflowed) {
            buffer_truncate(&text, before); /* those before it are offered */
            break;
        }
    }
    buffer_add_u8(&text, 0);
    bool good = !text.overflowed && text.len > 1;
    if (good) {
        record_put_text(w, K_CANDIDATES, (const char *)text.data);
    }
    buffer_wipe(&text);
    return good;
}

static void answer_first(struct keying *k, const struct xchg *x, uint64_t id,
                         struct conn *const list[], size_t count)
{
    struct record_writer w;
    size_t start = k->negotiator->len;
    uint32_t life = 1;
    for (size_t i = 0; i < count; i++) {
        life = list[i]->form.ikelifetime > life ? list[i]->form.ikelifetime : life;
    }
    record_answer(&w, k->negotiator, V_OK, V_FIRST, id);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_number(&w, K_WORKER, x->worker);
    record_put_number(&w, K_LIFE, life);
    if (!put_candidates(&w, list, count)) {
        buffer_truncate(k->negotiator, start);
        record_fail(k->negotiator, V_FIRST, id, "plutod has no memory for the candidates");
        return;
    }
    record_finish(&w);
}

static void refuse_first(struct keying *k, uint64_t id, const struct address *local,
                         const struct address *remote)
{
    char ours[ADDRESS_TEXT];
    char peer[ADDRESS_TEXT];
    char why[2 * ADDRESS_TEXT + 80];
    address_print(local, ours);
    address_print(remote, peer);
    snprintf(why, sizeof why, "no connection is known between %s (ours) and %s, nor from ours to %%any",
             ours, peer);
    record_fail(k->negotiator, V_FIRST, id, why);
}

void respond_first(struct keying *k, const struct record *r)
{
    struct address local;
    struct address remote;
    struct conn *list[CHOOSE_MAX];
    uint64_t id = record_number(r, K_ID);
    struct keying_worker *worker = keying_pick_worker(k);

    record_address(r, K_LOCAL, &local);
    record_address(r, K_REMOTE, &remote);
    size_t count = choose_first(k, &local, &remote, list);
    if (count == 0) {
        refuse_first(k, id, &local, &remote);
        return;
    }
    bool room = worker != NULL && !k->stopping && k->half_open < HALF_OPEN_MAX;
    struct xchg *x = room ? xchg_new(k, NULL, false, false) : NULL;
    if (x == NULL) {
        record_fail(k->negotiator, V_FIRST, id, "no secrets process runs, or too many exchanges");
        return;
    }
    xchg_set_half_open(k, x, true);
    x->local = local;
    x->remote = remote;
    x->local_port = (uint16_t)record_number(r, K_LOCAL_PORT);
    x->remote_port = (uint16_t)record_number(r, K_REMOTE_PORT);
    xchg_set_worker(k, x, worker->number);
    for (size_t i = 0; i < count; i++) {
        order_announce(k, x, list[i]);
    }
    (void)agenda_set(&k->agenda, &x->life_end, k->now + HALF_OPEN_LIFE, ends_life, x);
    answer_first(k, x, id, list, count);
}

bool respond_chosen(struct keying *k, const struct record *r, const char **why)
{
    struct xchg *x = xchg_find_main(k, record_number(r, K_EXCHANGE));
    if (x == NULL) {
        return true;
    }
    struct conn *c = conn_find(k, record_text(r, K_CONNECTION));
    if (x->initiator) {
        strlcpy(x->proposal, record_text(r, K_PROPOSAL), sizeof x->proposal);
        return true;
    }
    if (x->up || (c != NULL && !choose_may_be(x, c))) {
        *why = "chosen: not one of the candidates";
        return false;
    }
    if (c == NULL) {
        ends_failed(k, x, 31, "its connection was deleted meanwhile", false);
        return true;
    }
    strlcpy(x->proposal, record_text(r, K_PROPOSAL), sizeof x->proposal);
    if (x->conn == NULL) {
        xchg_set_conn(k, x, c);
    }
    return true;
}

/* ---- the identity ---- */

/* x goes on as this connection: as an instance of it where the peer's host was %any. */
static bool settle(struct keying *k, struct xchg *x, struct conn *c)
{
    if (conn_is_template(c)) {
        struct conn *t = c;
        c = choose_instance(k, t, &x->remote, &x->peer_id);
        if (c == NULL) {
            c = conn_instantiate(k, t, &x->remote, x->remote_port, &x->peer_id);
        }
        if (c == NULL) {
            return false;
        }
    }
    xchg_set_conn(k, x, c);
    x->matched = true;
    return true;
}

bool respond_authenticated(struct keying *k, struct xchg *x, const struct record *r,
                           const char **why)
{
    if (x->authenticated) {
        *why = "authenticated: twice for one exchange";
        return false;
    }
    struct conn *c = conn_find(k, record_text(r, K_CONNECTION));
    if (c == NULL || !choose_may_be(x, c)) {
        return true; /* deleted meanwhile; isakmp-up will be refused */
    }
    record_identity(r, K_PEER_NAME, &x->peer_id);
    x->method = record_word(r, K_METHOD);
    x->authenticated = true;
    if (x->initiator) {
        x->matched = record_yes(r, K_MATCHED);
        return true;
    }
    if (record_yes(r, K_MATCHED)) {
        (void)settle(k, x, c);
    } else if (x->conn == NULL) {
        xchg_set_conn(k, x, c);
    }
    return true;
}

static void answer_identify(struct keying *k, struct xchg *x, bool good)
{
    struct record_writer w;
    uint64_t id = x->identify_id;
    x->identify_id = 0;
    if (k->negotiator == NULL || id == 0) {
        return;
    }
    if (good) {
        record_answer(&w, k->negotiator, V_OK, V_IDENTIFY, id);
        record_put_text(&w, K_CONNECTION, x->conn->name);
        record_finish(&w);
        return;
    }
    char *compared = malloc(3000);
    char peer[IDENTITY_TEXT];
    identity_print(&x->peer_id, peer);
    if (compared != NULL) {
        choose_compared(k, x, compared, 3000);
    }
    keying_log(k, LOG_LEVEL_SERIOUS, x, "the peer proved to be %s, which no connection expects "
               "with the secret that was used: %s", peer, compared == NULL ? "" : compared);
    free(compared);
    record_answer(&w, k->negotiator, V_FAIL, V_IDENTIFY, id);
    record_put_text(&w, K_WHY, "no connection expects this identity with the secret that was used");
    record_put_number(&w, K_NOTIFICATION, INVALID_ID_INFORMATION);
    record_finish(&w);
}

/* Asks secrets about the next choice; with none left the negotiation ends. */
static void try_next(struct keying *k, struct xchg *x)
{
    struct conn *c = choose_identified(k, x, x->identify_next);
    x->identify_next++;
    if (c == NULL || x->identify_next > CHOOSE_MAX || !order_accept(k, x, c)) {
        answer_identify(k, x, false);
        return;
    }
    strlcpy(x->identify_choice, c->name, sizeof x->identify_choice);
}

bool respond_identify(struct keying *k, const struct record *r, const char **why)
{
    struct xchg *x = xchg_find_main(k, record_number(r, K_EXCHANGE));
    uint64_t id = record_number(r, K_ID);
    if (x == NULL || !x->authenticated) {
        record_fail(k->negotiator, V_IDENTIFY, id, "this exchange has ended");
        return true;
    }
    if (x->initiator || x->matched || x->identify_id != 0) {
        *why = "identify: nothing to ask in this exchange";
        return false;
    }
    x->identify_id = id;
    x->identify_next = 0;
    try_next(k, x);
    return true;
}

void respond_accepted(struct keying *k, struct xchg *x, bool good, const char *why)
{
    struct conn *c = conn_find(k, x->identify_choice);
    if (!good) {
        keying_log(k, LOG_LEVEL_INFO, x, "not as connection \"%s\": %s", x->identify_choice, why);
        try_next(k, x);
        return;
    }
    good = c != NULL && choose_may_be(x, c) && settle(k, x, c);
    answer_identify(k, x, good);
}

/* ---- Quick Mode ---- */

static void refuse_quick(struct keying *k, uint64_t id, const char *why, unsigned notification)
{
    struct record_writer w;
    record_answer(&w, k->negotiator, V_FAIL, V_QUICK_ASK, id);
    record_put_text(&w, K_WHY, why);
    if (notification != 0) {
        record_put_number(&w, K_NOTIFICATION, notification);
    }
    record_finish(&w);
}

/*
 * What is in the way of this peer's client goes if it is an older life of the same road warrior, or
 * if the net is fixed and was reached another way [C4] [R5]. Returns what is still in the way.
 */
static const struct conn *make_way(struct keying *k, struct xchg *x, struct conn *c)
{
    const struct conn *other = routing_conflict(k, c);
    for (int i = 0; other != NULL && i < 8; i++) {
        struct conn *old = conn_find(k, other->name);
        bool same_template = c->template != NULL && old->template == c->template;
        bool same_peer = identity_equal(&old->peer_id, &x->peer_id);
        if (!same_template && !same_peer) {
            return other;
        }
        keying_log_conn(k, LOG_LEVEL_INFO, old, "its SAs make way for \"%s\"", c->name);
        if (x->conn == old) { /* the ISAKMP SA that asks is not to go with them */
            xchg_set_conn(k, x, c);
            old->newest_isakmp = 0;
            c->newest_isakmp = c->newest_isakmp == 0 ? x->number : c->newest_isakmp;
        }
        ends_conn(k, old, 0);
        other = routing_conflict(k, c);
    }
    return other;
}

static void answer_quick(struct keying *k, const struct xchg *y, const char *pfs, uint64_t id)
{
    enum { MODES_TUNNEL, MODES_TRANSPORT, MODES_ANY };
    struct record_writer w;
    const struct conn *c = y->conn;
    record_answer(&w, k->negotiator, V_OK, V_QUICK_ASK, id);
    record_put_number(&w, K_EXCHANGE, y->number);
    record_put_text(&w, K_CONNECTION, c->name);
    record_put_text(&w, K_ESP, c->form.esp);
    record_put_text(&w, K_PFS, pfs);
    record_put_yes(&w, K_PFS_REQUIRED, (c->form.policy & POLICY_PFS) != 0);
    record_put_word(&w, K_MODES, conn_host_to_host(c) ? MODES_ANY : MODES_TUNNEL);
    record_put_number(&w, K_LIFE, c->form.ipseclifetime);
    record_put_address(&w, K_OUR_HOST, &c->our_host);
    record_put_address(&w, K_PEER_HOST, &c->peer_host);
    record_finish(&w);
}

/* The connection for these clients, instantiated where it has to be; or why there is none. */
static struct conn *quick_conn(struct keying *k, const struct xchg *x, const struct subnet *ours,
                               const struct subnet *peer)
{
    struct conn *c = choose_quick(k, x, ours, peer);
    if (c != NULL && conn_is_template(c)) {
        struct conn *t = c;
        c = choose_instance(k, t, &x->remote, &x->peer_id);
        return c != NULL ? c : conn_instantiate(k, t, &x->remote, x->remote_port, &x->peer_id);
    }
    if (c == NULL) {
        char a[SUBNET_TEXT];
        char b[SUBNET_TEXT];
        subnet_print(ours, a);
        subnet_print(peer, b);
        keying_log(k, LOG_LEVEL_INFO, x, "no connection with this peer has the clients %s (ours) "
                   "and %s (the peer's)", a, b);
    }
    return c;
}

bool respond_quick_ask(struct keying *k, const struct record *r, const char **why)
{
    struct xchg *x = xchg_find_main(k, record_number(r, K_PARENT));
    uint64_t id = record_number(r, K_ID);
    struct subnet ours;
    struct subnet peer;
    char pfs[PFS_TEXT];
    if (x == NULL || x->conn == NULL || !x->conn->oriented) {
        refuse_quick(k, id, "this ISAKMP SA has ended", 0);
        return true;
    }
    if (!x->authenticated || !x->matched) {
        *why = "quick-ask: under an ISAKMP SA whose peer is not authenticated";
        return false;
    }
    record_subnet(r, K_OUR_CLIENT, &ours);
    record_subnet(r, K_PEER_CLIENT, &peer);
    struct conn *c = k->stopping ? NULL : quick_conn(k, x, &ours, &peer);
    if (c == NULL) {
        refuse_quick(k, id, "no connection with this peer has these clients",
                     INVALID_ID_INFORMATION);
        return true;
    }
    if (keying_worker(k, x->worker) == NULL) {
        keying_log(k, LOG_LEVEL_INFO, x, "no keys can be made under this ISAKMP SA: we begin anew");
        refuse_quick(k, id, "the secrets process of this ISAKMP SA has ended", 0);
        if (c->attempt == 0) {
            initiate_conn(k, c, 0, false);
        }
        return true;
    }
    const struct conn *other = c->eroute != NULL ? NULL : make_way(k, x, c);
    struct xchg *y = other != NULL ? NULL : xchg_new(k, c, true, false);
    if (y == NULL) {
        keying_log(k, LOG_LEVEL_SERIOUS, x, "Quick Mode for \"%s\" refused: %s%s", c->name,
                   other != NULL ? "its clients are in use by connection " : "too many exchanges",
                   other != NULL ? other->name : "");
        refuse_quick(k, id, "another connection has IPsec SAs for these clients, or another route",
                     INVALID_ID_INFORMATION);
        return true;
    }
    y->parent = x->number;
    y->local = x->local;
    y->remote = x->remote;
    y->local_port = x->local_port;
    y->remote_port = x->remote_port;
    xchg_set_worker(k, y, x->worker);
    order_pfs_text(c, x, false, pfs);
    order_announce_quick(k, y, pfs);
    order_permit(k, y);
    (void)agenda_set(&k->agenda, &y->life_end, k->now + HALF_OPEN_LIFE, ends_life, y);
    answer_quick(k, y, pfs, id);
    return true;
}
