#include "index.h"

#include "xchg.h"

#include <bsd/sys/cdefs.h>
#include <bsd/sys/tree.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct kin {
    RB_ENTRY(kin) entry;
    struct conn *conns;     /* in order of adding; the first says what they all are */
    struct xchg *mains;
};

/* ---- orders ---- */

static int compare_addresses(const struct address *a, const struct address *b)
{
    int difference = (int)a->family - (int)b->family;
    return difference != 0 ? difference : memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static int compare_subnets(const struct subnet *a, const struct subnet *b)
{
    int difference = compare_addresses(&a->base, &b->base);
    return difference != 0 ? difference : (int)a->bits - (int)b->bits;
}

static int compare_clients(const struct conn *a, const struct conn *b)
{
    int difference = compare_subnets(&a->our_client, &b->our_client);
    return difference != 0 ? difference : compare_subnets(&a->peer_client, &b->peer_client);
}

static int compare_peers(const struct conn *a, const struct conn *b)
{
    int difference = identity_compare(a->peer_id, b->peer_id);
    difference = difference != 0 ? difference : compare_addresses(&a->our_host, &b->our_host);
    return difference != 0 ? difference : compare_addresses(&a->peer_host, &b->peer_host);
}

/* By clients, then by the peer, then in order of adding. */
static int compare_all(const struct conn *a, const struct conn *b)
{
    int difference = compare_clients(a, b);
    difference = difference != 0 ? difference : compare_peers(a, b);
    return difference != 0 ? difference : (a->order > b->order) - (a->order < b->order);
}

static int compare_hosts(const struct conn *a, const struct conn *b)
{
    int difference = compare_addresses(&a->our_host, &b->our_host);
    return difference != 0 ? difference : compare_addresses(&a->peer_host, &b->peer_host);
}

/* May a first message be for it? Of instances, what they were made of is offered in their place. */
static bool is_offered(const struct conn *c)
{
    return c->instance == 0 && (c->form->policy & POLICY_METHODS) != 0;
}

int index_compare_words(const struct conn *a, const struct conn *b)
{
    int difference = (int)conn_methods(a) - (int)conn_methods(b);
    return difference != 0 ? difference : strcmp(a->form->ike, b->form->ike);
}

/* By hosts, those that are offered first, by the words that a peer is told. */
static int compare_offers(const struct conn *a, const struct conn *b)
{
    int difference = compare_hosts(a, b);
    if (difference != 0 || a->form == NULL || b->form == NULL) { /* without: before all of these */
        return difference != 0 ? difference : (a->form != NULL) - (b->form != NULL);
    }
    difference = (is_offered(a) ? 0 : 1) - (is_offered(b) ? 0 : 1);
    return difference != 0 ? difference : index_compare_words(a, b);
}

/* And of the same words in order of adding. */
static int compare_places(const struct conn *a, const struct conn *b)
{
    int difference = compare_offers(a, b);
    return difference != 0 ? difference : (a->order > b->order) - (a->order < b->order);
}

static int compare_reqids(const struct conn *a, const struct conn *b)
{
    return (a->reqid > b->reqid) - (a->reqid < b->reqid);
}

/* By the peer first; so all of one peer's come together, and of those all between the same hosts. */
static int compare_kins(const struct kin *one, const struct kin *other)
{
    const struct conn *a = one->conns;
    const struct conn *b = other->conns;
    int difference = compare_peers(a, b);
    difference = difference != 0 ? difference : identity_compare(a->our_id, b->our_id);
    if (difference != 0 || a->form == NULL || b->form == NULL) { /* without: before all of these */
        return difference != 0 ? difference : (a->form != NULL) - (b->form != NULL);
    }
    return index_compare_words(a, b);
}

RB_HEAD(all_tree, conn);
RB_GENERATE_INTERNAL(all_tree, conn, by_all, compare_all, static __attribute__((unused)))
RB_HEAD(hosts_tree, conn);
RB_GENERATE_INTERNAL(hosts_tree, conn, by_hosts, compare_places, static __attribute__((unused)))
RB_HEAD(reqid_tree, conn);
RB_GENERATE_INTERNAL(reqid_tree, conn, by_reqid, compare_reqids, static __attribute__((unused)))
RB_HEAD(kin_tree, kin);
RB_GENERATE_INTERNAL(kin_tree, kin, entry, compare_kins, static __attribute__((unused)))

/* ---- by hosts ---- */

struct conn *index_by_hosts(struct keying *k, const struct address *ours, const struct address *peer)
{
    struct hosts_tree tree = { .rbh_root = k->by_hosts };
    struct conn probe;
    memset(&probe, 0, sizeof probe);
    probe.our_host = *ours;
    probe.peer_host = *peer;
    struct conn *c = RB_NFIND(hosts_tree, &tree, &probe);
    return c != NULL && compare_hosts(c, &probe) == 0 ? c : NULL;
}

struct conn *index_next_by_hosts(struct conn *c)
{
    struct conn *next = RB_NEXT(hosts_tree, NULL, c);
    return next != NULL && compare_hosts(next, c) == 0 ? next : NULL;
}

struct conn *index_offer(struct keying *k, const struct address *ours, const struct address *peer)
{
    struct conn *c = index_by_hosts(k, ours, peer);
    return c != NULL && is_offered(c) ? c : NULL;
}

struct conn *index_next_offer(struct keying *k, const struct conn *c)
{
    struct conn *next = NULL;
    for (struct conn *n = k->by_hosts; n != NULL;) {
        if (compare_offers(n, c) <= 0) {
            n = RB_RIGHT(n, by_hosts);
        } else {
            next = n;
            n = RB_LEFT(n, by_hosts);
        }
    }
    return next != NULL && compare_hosts(next, c) == 0 && is_offered(next) ? next : NULL;
}

/* ---- kin ---- */

static bool join_kin(struct keying *k, struct conn *c)
{
    struct kin_tree tree = { .rbh_root = k->kins };
    struct kin probe = { .conns = c };
    struct kin *kin = RB_FIND(kin_tree, &tree, &probe);
    if (kin == NULL) {
        kin = calloc(1, sizeof *kin);
        if (kin == NULL) {
            return false;
        }
        kin->conns = c; /* as long as it is looked for its place */
        RB_INSERT(kin_tree, &tree, kin);
        kin->conns = NULL;
        k->kins = RB_ROOT(&tree);
    }
    DL_APPEND2(kin->conns, c, kin_prev, kin_next);
    c->kin = kin;
    struct xchg *x;
    DL_FOREACH(c->exchanges, x) {
        index_join_main(x);
    }
    return true;
}

static void leave_kin(struct keying *k, struct conn *c)
{
    struct kin *kin = c->kin;
    struct xchg *x;
    DL_FOREACH(c->exchanges, x) {
        index_leave_main(x);
    }
    c->kin = NULL;
    if (c == kin->conns && c->kin_next == NULL) {
        struct kin_tree tree = { .rbh_root = k->kins };
        RB_REMOVE(kin_tree, &tree, kin);
        k->kins = RB_ROOT(&tree);
        free(kin);
    } else {
        DL_DELETE2(kin->conns, c, kin_prev, kin_next);
    }
}

void index_join_main(struct xchg *x)
{
    if (!x->quick && x->conn != NULL && x->conn->kin != NULL && x->kin == NULL) {
        x->kin = x->conn->kin;
        DL_APPEND2(x->kin->mains, x, main_prev, main_next);
    }
}

void index_leave_main(struct xchg *x)
{
    if (x->kin != NULL) {
        DL_DELETE2(x->kin->mains, x, main_prev, main_next);
        x->kin = NULL;
    }
}

/* Before all that it is equal to, as far as it says something. */
static struct kin *kin_from(struct keying *k, const struct conn *probe)
{
    struct kin like = { .conns = (struct conn *)(uintptr_t)probe };
    struct kin *found = NULL;
    for (struct kin *n = k->kins; n != NULL;) {
        if (compare_kins(n, &like) < 0) {
            n = RB_RIGHT(n, entry);
        } else {
            found = n;
            n = RB_LEFT(n, entry);
        }
    }
    return found;
}

struct kin *index_kin(struct keying *k, const struct identity *peer_id, const struct address *ours,
                      const struct address *peer)
{
    struct conn probe; /* all zero: hosts and ids that come before all others */
    memset(&probe, 0, sizeof probe);
    probe.peer_id = peer_id;
    probe.our_id = &identity_any;
    probe.our_host = ours == NULL ? probe.our_host : *ours;
    probe.peer_host = ours == NULL ? probe.peer_host : *peer;
    struct kin *found = kin_from(k, &probe);
    bool fits = found != NULL && identity_equal(found->conns->peer_id, peer_id)
                && (ours == NULL || compare_peers(found->conns, &probe) == 0);
    return fits ? found : NULL;
}

struct kin *index_next_kin(struct kin *kin, bool all_hosts)
{
    struct kin *next = RB_NEXT(kin_tree, NULL, kin);
    if (next == NULL) {
        return NULL;
    }
    bool same = all_hosts ? identity_equal(next->conns->peer_id, kin->conns->peer_id)
                          : compare_peers(next->conns, kin->conns) == 0;
    return same ? next : NULL;
}

struct conn *kin_conns(const struct kin *kin)
{
    return kin->conns;
}

struct xchg *kin_mains(const struct kin *kin)
{
    return kin->mains;
}

/* ---- all of it ---- */

void index_join(struct keying *k, struct conn *c)
{
    struct all_tree all = { .rbh_root = k->by_all };
    struct hosts_tree hosts = { .rbh_root = k->by_hosts };
    if (!join_kin(k, c)) {
        c->oriented = false;
        return;
    }
    RB_INSERT(all_tree, &all, c);
    k->by_all = RB_ROOT(&all);
    RB_INSERT(hosts_tree, &hosts, c);
    k->by_hosts = RB_ROOT(&hosts);
}

void index_leave(struct keying *k, struct conn *c)
{
    struct all_tree all = { .rbh_root = k->by_all };
    struct hosts_tree hosts = { .rbh_root = k->by_hosts };
    if (c->kin == NULL) {
        return;
    }
    RB_REMOVE(all_tree, &all, c);
    k->by_all = RB_ROOT(&all);
    RB_REMOVE(hosts_tree, &hosts, c);
    k->by_hosts = RB_ROOT(&hosts);
    leave_kin(k, c);
}

/* ---- by clients ---- */

static struct conn *all_from(struct keying *k, const struct conn *probe)
{
    struct all_tree tree = { .rbh_root = k->by_all };
    return RB_NFIND(all_tree, &tree, (struct conn *)(uintptr_t)probe);
}

struct conn *index_by_clients(struct keying *k, const struct subnet *ours,
                              const struct subnet *peer)
{
    struct conn probe;
    memset(&probe, 0, sizeof probe);
    probe.peer_id = &identity_any;
    probe.our_client = *ours;
    probe.peer_client = *peer;
    struct conn *c = all_from(k, &probe);
    return c != NULL && compare_clients(c, &probe) == 0 ? c : NULL;
}

struct conn *index_next_by_clients(struct conn *c)
{
    struct conn *next = RB_NEXT(all_tree, NULL, c);
    return next != NULL && compare_clients(next, c) == 0 ? next : NULL;
}

struct conn *index_by_all(struct keying *k, const struct address *ours, const struct address *peer,
                          const struct identity *peer_id, const struct subnet *our_client,
                          const struct subnet *peer_client)
{
    struct conn probe;
    memset(&probe, 0, sizeof probe);
    probe.peer_id = peer_id;
    probe.our_host = *ours;
    probe.peer_host = *peer;
    probe.our_client = *our_client;
    probe.peer_client = *peer_client;
    struct conn *c = all_from(k, &probe);
    bool fits = c != NULL && compare_clients(c, &probe) == 0 && compare_peers(c, &probe) == 0;
    return fits ? c : NULL;
}

struct conn *index_next_by_all(struct conn *c)
{
    struct conn *next = RB_NEXT(all_tree, NULL, c);
    bool same = next != NULL && compare_clients(next, c) == 0 && compare_peers(next, c) == 0;
    return same ? next : NULL;
}

/* ---- by reqid ---- */

void index_enter_reqid(struct keying *k, struct conn *c)
{
    struct reqid_tree tree = { .rbh_root = k->by_reqid };
    RB_INSERT(reqid_tree, &tree, c);
    k->by_reqid = RB_ROOT(&tree);
}

void index_leave_reqid(struct keying *k, struct conn *c)
{
    struct reqid_tree tree = { .rbh_root = k->by_reqid };
    RB_REMOVE(reqid_tree, &tree, c);
    k->by_reqid = RB_ROOT(&tree);
}

struct conn *index_by_reqid(struct keying *k, uint32_t reqid)
{
    struct reqid_tree tree = { .rbh_root = k->by_reqid };
    struct conn probe;
    memset(&probe, 0, sizeof probe);
    probe.reqid = reqid;
    return RB_FIND(reqid_tree, &tree, &probe);
}
