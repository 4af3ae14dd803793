/* The peer's Quick Modes: see respond.h. */
#include "respond.h"

#include "choose.h"
#include "ends.h"
#include "initiate.h"
#include "orders.h"
#include "paths.h"
#include "routing.h"
#include "rules.h"

#include <stdio.h>

#define QUICK_WHY 3900 /* a record has room for 4000 */

/* ike-negotiate writes the line, under the ISAKMP SA x (NULL: it is gone). */
static void refuse_quick(struct keying *k, const struct xchg *x, uint64_t id, const char *why,
                         unsigned notification)
{
    struct record_writer w;
    if (x != NULL) {
        keying_note_refused(k, x, x->conn, "a Quick Mode is refused: %s", why);
    }
    record_answer(&w, k->negotiator, V_FAIL, V_QUICK_ASK, id);
    record_put_text(&w, K_WHY, why);
    if (notification != 0) {
        record_put_number(&w, K_NOTIFICATION, notification);
    }
    record_finish(&w);
}

/*
 * What is in the way of this peer's client goes if it is an older life of the same peer, or if the net
 * is fixed: then it was reached another way before [C4] [R5]. Returns what is still in the way.
 */
static const struct conn *make_way(struct keying *k, struct xchg *x, struct conn *c)
{
    const struct conn *other = routing_conflict(k, c);
    bool fixed = conn_peer_end(c)->has_client;
    for (unsigned left = HASH_COUNT(k->eroutes); other != NULL && left > 0; left--) {
        struct conn *old = conn_find(k, other->name);
        bool same_template = c->template != NULL && old->template == c->template;
        bool same_peer = identity_equal(old->peer_id, x->peer_id) && conn_allows(old, x->method);
        if (!fixed && !same_template && !same_peer) {
            return other;
        }
        char way[CONN_NAME + 40];
        snprintf(way, sizeof way, "it makes way for \"%s\"", c->name);
        if (x->conn == old) { /* the ISAKMP SA that asks is not to go with them */
            xchg_set_conn(k, x, c);
            old->newest_isakmp = 0;
            c->newest_isakmp = c->newest_isakmp == 0 ? x->number : c->newest_isakmp;
        }
        ends_conn(k, old, 0, way);
        other = routing_conflict(k, c);
    }
    return other;
}

static void answer_quick(struct keying *k, const struct xchg *y, const char *pfs, uint64_t id)
{
    struct record_writer w;
    const struct conn *c = y->conn;
    record_answer(&w, k->negotiator, V_OK, V_QUICK_ASK, id);
    record_put_number(&w, K_EXCHANGE, y->number);
    record_put_text(&w, K_CONNECTION, c->name);
    record_put_text(&w, K_ESP, c->form->esp);
    record_put_text(&w, K_PFS, pfs);
    record_put_yes(&w, K_PFS_REQUIRED, (c->form->policy & POLICY_PFS) != 0);
    record_put_word(&w, K_MODES, conn_host_to_host(c) ? MODES_ANY : MODES_TUNNEL);
    record_put_number(&w, K_LIFE, c->form->ipseclifetime);
    record_put_address(&w, K_OUR_HOST, &c->our_host);
    record_put_address(&w, K_PEER_HOST, &c->peer_host);
    record_finish(&w);
}

/* The connection for these clients, instantiated where it has to be; NULL: there is none. */
static struct conn *quick_conn(struct keying *k, const struct xchg *x, const struct subnet *ours,
                               const struct subnet *peer)
{
    struct conn *c = choose_quick(k, x, ours, peer);
    if (c != NULL && conn_is_template(c)) {
        struct conn *t = c;
        c = choose_instance(k, t, &x->remote, x->peer_id);
        return c != NULL ? c : conn_instantiate(k, t, &x->remote, x->remote_port, x->peer_id);
    }
    return c;
}

static void unknown_clients(struct keying *k, const struct xchg *x, const struct subnet *ours,
                            const struct subnet *peer, char why[QUICK_WHY])
{
    char a[SUBNET_TEXT];
    char b[SUBNET_TEXT];
    char list[RULES_LIST];
    struct rules_wanted w = rules_of_exchange(x);
    w.our_client = ours;
    w.peer_client = peer;
    rules_say_all(k, &w, list);
    subnet_print(ours, a);
    subnet_print(peer, b);
    snprintf(why, QUICK_WHY, "no connection with this peer has the clients %s (ours) and %s (the peer's); "
             "compare --client of both sides: %s", a, b, list);
}

/* Why this one: choose.c. */
static void say_chosen(struct keying *k, const struct xchg *y, const struct subnet *ours, const struct subnet *peer)
{
    char a[SUBNET_TEXT];
    char b[SUBNET_TEXT];
    subnet_print(ours, a);
    subnet_print(peer, b);
    keying_debug(k, DEBUG_CONTROL, y, "of those with this peer's identity it is the one for %s (ours) and %s that "
                 "%s", a, b, y->conn->eroute != NULL     ? "is routed"
                    : y->conn->template != NULL ? "leaves the peer's address open: it is an instance of that one"
                                                : "leaves least open");
}

bool respond_quick_ask(struct keying *k, const struct record *r, const char **why)
{
    struct xchg *x = xchg_find_main(k, record_number(r, K_PARENT));
    uint64_t id = record_number(r, K_ID);
    struct subnet ours;
    struct subnet peer;
    char pfs[PFS_TEXT];
    char no[QUICK_WHY] = "plutod is shutting down";
    if (x == NULL || x->conn == NULL || !x->conn->oriented) {
        refuse_quick(k, NULL, id, "this ISAKMP SA has ended", 0);
        return true;
    }
    if (!x->authenticated || !x->matched) {
        *why = "quick-ask: under an ISAKMP SA whose peer is not authenticated";
        return false;
    }
    if (respond_lies(x)) {
        *why = "quick-ask: another connection or proposal was chosen than secrets made keys for";
        return false;
    }
    if (x->peers_open >= OPEN_QUICKS_MAX) { /* ike-negotiate counts them too: an honest one does not ask */
        refuse_quick(k, x, id, "too many Quick Modes are unfinished under this ISAKMP SA", 0);
        return true;
    }
    record_subnet(r, K_OUR_CLIENT, &ours);
    record_subnet(r, K_PEER_CLIENT, &peer);
    bool refused = k->stopping || respond_is_one_of_us(k, x, no); /* by a connection added since */
    struct conn *c = refused ? NULL : quick_conn(k, x, &ours, &peer);
    if (c == NULL) {
        k->counters.of[COUNT_FAILED_NO_CONNECTION]++;
        if (!refused) {
            unknown_clients(k, x, &ours, &peer, no);
            conn_failed(k, x->conn, 0, no);
        }
        refuse_quick(k, x, id, no, INVALID_ID_INFORMATION);
        return true;
    }
    if (keying_worker(k, x->worker) == NULL) {
        refuse_quick(k, x, id, "no keys can be made under this ISAKMP SA, whose secrets process has ended: we "
                     "begin anew", 0);
        if (c->attempt == 0) {
            initiate_conn(k, c, 0, false);
        }
        return true;
    }
    const struct conn *other = c->eroute != NULL ? NULL : make_way(k, x, c);
    struct xchg *y = other != NULL ? NULL : xchg_new(k, c, true, false);
    if (y == NULL) {
        k->counters.of[other != NULL ? COUNT_FAILED_ROUTE : COUNT_FAILED_INTERNAL]++;
        snprintf(no, sizeof no, "for \"%s\": %s%s%s", c->name,
                 other != NULL ? "its clients are in use by connection \"" : "there are too many exchanges",
                 other != NULL ? other->name : "",
                 other != NULL ? "\", which has IPsec SAs for them or another route; terminate it first" : "");
        refuse_quick(k, x, id, no, INVALID_ID_INFORMATION);
        return true;
    }
    xchg_set_parent(y, x);
    xchg_set_worker(k, y, x->worker);
    xchg_say_begun(k, y);
    say_chosen(k, y, &ours, &peer);
    order_pfs_text(c, x, false, pfs);
    order_announce_quick(k, y, pfs);
    order_permit(k, y);
    (void)agenda_set(&k->agenda, &y->life_end, k->now + HALF_OPEN_LIFE, ends_life);
    answer_quick(k, y, pfs, id);
    return true;
}
