#include "choose.h"

#include "algorithm.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

static const struct address any_host = { .family = 0 };

/* The connections between two hosts, or toward %any; NULL: none. */
static struct conn *between(struct keying *k, const struct address *ours, const struct address *peer)
{
    struct pair *p = conn_pair(k, ours, peer);
    return p == NULL ? NULL : p->conns;
}

static size_t add_distinct(struct conn *list[CHOOSE_MAX], size_t count, struct conn *c)
{
    for (size_t i = 0; i < count; i++) {
        /* The negotiator takes the first that fits, so a second one with these words is idle. */
        if (strcmp(list[i]->form->ike, c->form->ike) == 0) {
            return count;
        }
    }
    if (count == CHOOSE_MAX || (c->form->policy & POLICY_PSK) == 0) {
        return count;
    }
    list[count] = c;
    return count + 1;
}

size_t choose_first(struct keying *k, const struct address *local, const struct address *remote,
                    struct conn *list[CHOOSE_MAX])
{
    size_t count = 0;
    struct conn *c;
    DL_FOREACH(between(k, local, remote), c) {
        count = add_distinct(list, count, c);
    }
    DL_FOREACH(between(k, local, &any_host), c) {
        count = add_distinct(list, count, c);
    }
    return count;
}

static bool was_offered(const struct xchg *x, const struct conn *c)
{
    for (size_t i = 0; x->offer != NULL && i < x->offer->count; i++) {
        if (x->offer->reqid[i] == c->reqid) {
            return true;
        }
    }
    return false;
}

size_t choose_offered(struct keying *k, const struct xchg *x, struct conn *list[CHOOSE_MAX])
{
    size_t count = 0;
    struct conn *c;
    const struct address *const peers[] = { &x->remote, &any_host };
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        DL_FOREACH(between(k, &x->local, peers[i]), c) {
            if (count < CHOOSE_MAX && was_offered(x, c)) {
                list[count++] = c;
            }
        }
    }
    return count;
}

struct conn *choose_named(struct keying *k, const struct xchg *x, const char *name)
{
    struct conn *c = conn_find(k, name);
    return c != NULL && c->born < (uint32_t)x->number ? c : NULL;
}

bool choose_whoever(struct keying *k, const struct address *local, const struct address *remote,
                    const struct conn *c)
{
    const struct conn *only = between(k, local, &any_host);
    return only != NULL && only == c && only->next == NULL && c->peer_id->type == ID_ANY
           && between(k, local, remote) == NULL;
}

bool choose_may_be(const struct xchg *x, const struct conn *c)
{
    return c->oriented && address_equal(&c->our_host, &x->local)
           && (c->peer_host.family == 0 || address_equal(&c->peer_host, &x->remote));
}

/* Does it allow what was agreed in phase 1? */
static bool allows(const struct conn *c, const struct xchg *x)
{
    struct ike_suite suite;
    struct ike_proposals *p = malloc(sizeof *p);
    bool good = p != NULL && (c->form->policy & POLICY_PSK) != 0
                && ike_suite_parse(&suite, xchg_proposal(x)) == NULL
                && ike_proposals_parse(p, c->form->ike, NULL) == NULL
                && ike_proposals_find(p, &suite) >= 0;
    free(p);
    return good;
}

struct conn *choose_identified(struct keying *k, const struct xchg *x, unsigned nth)
{
    struct conn *c;
    unsigned seen = 0;
    DL_FOREACH(between(k, &x->local, &x->remote), c) {
        if (identity_equal(c->peer_id, x->peer_id) && allows(c, x) && seen++ == nth) {
            return c;
        }
    }
    for (int exact = 1; exact >= 0; exact--) {
        DL_FOREACH(between(k, &x->local, &any_host), c) {
            bool fits = exact ? identity_equal(c->peer_id, x->peer_id)
                              : c->peer_id->type == ID_ANY;
            if (fits && allows(c, x) && seen++ == nth) {
                return c;
            }
        }
    }
    return NULL;
}

static void compare_list(const struct conn *first, const struct xchg *x, char *out, size_t size)
{
    const struct conn *c;
    char line[CONN_NAME + IDENTITY_TEXT + 80];
    char id[IDENTITY_TEXT];
    DL_FOREACH(first, c) {
        identity_print(c->peer_id, id);
        snprintf(line, sizeof line, "%s\"%s\" wants %s%s", out[0] == '\0' ? "" : ", ", c->name, id,
                 allows(c, x) ? "" : " (and does not allow the proposal that was agreed)");
        strlcat(out, line, size);
    }
}

void choose_compared(struct keying *k, const struct xchg *x, char *out, size_t size)
{
    out[0] = '\0';
    compare_list(between(k, &x->local, &x->remote), x, out, size);
    compare_list(between(k, &x->local, &any_host), x, out, size);
    if (out[0] == '\0') {
        strlcpy(out, "no connection is left for these hosts", size);
    }
}

struct conn *choose_instance(struct keying *k, const struct conn *t, const struct address *remote,
                             const struct identity *peer_id)
{
    struct conn *c;
    DL_FOREACH(between(k, &t->our_host, remote), c) {
        if (c->template == t && identity_equal(c->peer_id, peer_id)) {
            return c;
        }
    }
    return NULL;
}

static bool fits_quick(const struct conn *c, const struct xchg *x, const struct subnet *ours)
{
    return !connection_isakmp_only(c->form) && identity_equal(c->our_id, x->conn->our_id)
           && subnet_equal(&c->our_client, ours) && allows(c, x);
}

/* Only he who came in as a road warrior without a known identity proved the secret that they share. */
static bool is_road_warrior(const struct xchg *x)
{
    return x->conn->template != NULL && x->conn->template->peer_id->type == ID_ANY;
}

struct conn *choose_quick(struct keying *k, const struct xchg *x, const struct subnet *ours,
                          const struct subnet *peer)
{
    struct conn *c;
    struct conn *best = NULL;
    DL_FOREACH(between(k, &x->local, &x->remote), c) {
        if (fits_quick(c, x, ours) && identity_equal(c->peer_id, x->peer_id)
            && subnet_equal(&c->peer_client, peer)
            && (best == NULL || (best->eroute == NULL && c->eroute != NULL))) {
            best = c;
        }
    }
    if (best != NULL) {
        return best;
    }
    for (int exact = 1; exact >= 0; exact--) {
        DL_FOREACH(between(k, &x->local, &any_host), c) {
            bool id = exact ? identity_equal(c->peer_id, x->peer_id)
                            : c->peer_id->type == ID_ANY && is_road_warrior(x);
            bool client = conn_peer_end(c)->has_client ? subnet_equal(&c->peer_client, peer)
                                                       : subnet_is_host(peer, &x->remote);
            if (id && client && fits_quick(c, x, ours)) {
                return c;
            }
        }
    }
    return NULL;
}
