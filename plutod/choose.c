#include "choose.h"

#include "index.h"
#include "methods.h"
#include "rules.h"

static const struct address any_host = { .family = 0 };

/* ---- the first message ---- */

/* The negotiator takes the first that fits, so a second one with these words is idle. */
static bool has_words(struct conn *const list[CHOOSE_MAX], size_t count, const struct conn *c)
{
    for (size_t i = 0; i < count; i++) {
        if (index_compare_words(list[i], c) == 0) {
            return true;
        }
    }
    return false;
}

#define PASSED_OVER_MAX 256 /* a stranger may be the reason */

/* Of those that are told the same words as c, which is the first of them: the first that can be carried out. */
static struct conn *first_possible(const struct keying *k, const struct keying_worker *w, struct conn *c)
{
    const struct conn *first = c;
    const struct kin *lacks = NULL; /* what one of a kin lacks, all do */
    for (unsigned i = 0; c != NULL && i < PASSED_OVER_MAX; i++, c = index_next_by_hosts(c)) {
        if (c->instance != 0 || index_compare_words(c, first) != 0) {
            return NULL;
        }
        if (c->kin != lacks && methods_possible(k, w, c) != METHODS_NONE) {
            return c;
        }
        lacks = c->kin;
    }
    return NULL;
}

/* Of each set of words the connection that was added first; and those in order of adding. */
static size_t add_hosts(struct keying *k, const struct keying_worker *w, struct conn *list[CHOOSE_MAX], size_t from,
                        const struct address *local, const struct address *peer)
{
    size_t count = from;
    struct conn *of_words = index_offer(k, local, peer);
    for (; of_words != NULL; of_words = index_next_offer(k, of_words)) {
        struct conn *c = first_possible(k, w, of_words);
        if (c == NULL || has_words(list, from, c) || (count == CHOOSE_MAX && list[count - 1]->order < c->order)) {
            continue;
        }
        size_t at = count == CHOOSE_MAX ? count - 1 : count++;
        for (; at > from && list[at - 1]->order > c->order; at--) {
            list[at] = list[at - 1];
        }
        list[at] = c;
    }
    return count;
}

size_t choose_first(struct keying *k, const struct keying_worker *w, const struct address *local,
                    const struct address *remote, struct conn *list[CHOOSE_MAX])
{
    size_t count = add_hosts(k, w, list, 0, local, remote);
    return count == CHOOSE_MAX ? count : add_hosts(k, w, list, count, local, &any_host);
}

size_t choose_offered(struct keying *k, const struct xchg *x, struct conn *list[CHOOSE_MAX])
{
    size_t count = 0;
    for (size_t i = 0; x->offer != NULL && i < x->offer->count && count < CHOOSE_MAX; i++) {
        struct conn *c = index_by_reqid(k, x->offer->of[i].reqid);
        if (c != NULL && choose_may_be(x, c)) {
            list[count++] = c;
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
    struct conn *any = index_by_hosts(k, local, &any_host);
    const struct conn *here = index_by_hosts(k, local, remote);
    bool only = any != NULL && any == c && index_next_by_hosts(any) == NULL && c->peer_id->type == ID_ANY;
    /* With one connection to %any, instances are all its own; those that are described come before them. */
    return only && (here == NULL || here->template == c);
}

bool choose_may_be(const struct xchg *x, const struct conn *c)
{
    const struct rules_wanted w = { .local = &x->local, .remote = &x->remote };
    return rules_out(c, &w) == RULE_NONE;
}

/* ---- the identity ---- */

struct ranked {
    struct conn *list[CHOOSE_MAX];
    size_t count;
};

/* Of each kin that fits one, as all of it have the same secret; in order of adding. */
static void add_kins(struct keying *k, struct ranked *r, const struct rules_wanted *w,
                     const struct address *peer, const struct identity *id)
{
    size_t from = r->count;
    struct kin *kin = index_kin(k, id, w->local, peer);
    for (; kin != NULL && r->count < CHOOSE_MAX; kin = index_next_kin(kin, false)) {
        struct conn *c = kin_conns(kin);
        while (c != NULL && rules_out(c, w) != RULE_NONE) {
            c = c->kin_next;
        }
        if (c == NULL) {
            continue;
        }
        size_t at = r->count++;
        for (; at > from && r->list[at - 1]->order > c->order; at--) {
            r->list[at] = r->list[at - 1];
        }
        r->list[at] = c;
    }
}

struct conn *choose_identified(struct keying *k, const struct rules_wanted *w, unsigned nth)
{
    struct ranked r = { .count = 0 };
    add_kins(k, &r, w, w->remote, w->peer_id);
    add_kins(k, &r, w, &any_host, w->peer_id);
    add_kins(k, &r, w, &any_host, &identity_any);
    return nth < r.count ? r.list[nth] : NULL;
}

/* ---- Quick Mode ---- */

struct conn *choose_instance(struct keying *k, const struct conn *t, const struct address *remote,
                             const struct identity *peer_id)
{
    struct subnet peer_client = t->peer_client;
    if (peer_client.base.family == 0) {
        subnet_of_host(&peer_client, remote);
    }
    struct conn *c = index_by_all(k, &t->our_host, remote, peer_id, &t->our_client, &peer_client);
    while (c != NULL && c->template != t) {
        c = index_next_by_all(c);
    }
    return c;
}

/* How much of the peer was left open when it was described. */
static unsigned wildcards(const struct conn *c)
{
    const struct conn *described = c->template == NULL ? c : c->template;
    return (described->peer_host.family == 0 ? 1u : 0) + (described->peer_id->type == ID_ANY ? 1u : 0)
           + (described->peer_client.base.family == 0 ? 1u : 0);
}

/* Is a better than b, which came before it? An instance that is there is better than another one. */
static bool is_better(const struct conn *a, const struct conn *b)
{
    if (b == NULL || (a->eroute != NULL) != (b->eroute != NULL)) {
        return b == NULL || a->eroute != NULL;
    }
    return wildcards(a) < wildcards(b);
}

static void look(struct keying *k, struct conn **best, const struct rules_wanted *w,
                 const struct address *peer, const struct identity *id, const struct subnet *client)
{
    struct conn *c = index_by_all(k, w->local, peer, id, w->our_client, client);
    for (; c != NULL; c = index_next_by_all(c)) {
        if (rules_out(c, w) == RULE_NONE && is_better(c, *best)) {
            *best = c;
        }
    }
}

struct conn *choose_quick_wanted(struct keying *k, const struct rules_wanted *w)
{
    static const struct subnet itself = { .base = { .family = 0 } };
    struct conn *best = NULL;
    look(k, &best, w, w->remote, w->peer_id, w->peer_client);
    const struct identity *const ids[] = { w->peer_id, &identity_any };
    for (size_t i = 0; i < 2; i++) {
        look(k, &best, w, &any_host, ids[i], w->peer_client);
        look(k, &best, w, &any_host, ids[i], &itself);
    }
    return best;
}

struct conn *choose_quick(struct keying *k, const struct xchg *x, const struct subnet *ours,
                          const struct subnet *peer)
{
    struct rules_wanted w = rules_of_exchange(x);
    w.our_client = ours;
    w.peer_client = peer;
    return choose_quick_wanted(k, &w);
}
