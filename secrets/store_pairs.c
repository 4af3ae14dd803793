#include "places.h"

#include <stdlib.h>

/* Of either family: a peer, or with RSA we, whose identity is a name fit both %any and %any6. */
static bool has_any(const struct secret *s)
{
    for (size_t i = 0; i < s->index_count; i++) {
        if (index_is_any(&s->index[i])) {
            return true;
        }
    }
    return false;
}

bool store_equally_good(const struct secret *a, const struct secret *b)
{
    size_t ids = 0;
    const bool any = has_any(a) && has_any(b); /* a name may be either's */
    if (secret_is_rsa(a) != secret_is_rsa(b)) {
        return false;
    }
    if (a->index_count == 0 || b->index_count == 0) {
        return a->index_count == b->index_count;
    }
    for (size_t i = 0; i < a->index_count; i++) {
        const struct index *index = &a->index[i];
        bool both = !index_is_any(index) && !secret_has_index(a, index, i) && secret_has_index(b, index, b->index_count);
        ids += both ? 1 : 0;
    }
    if (secret_is_rsa(a)) {
        return ids > 0 || any;
    }
    return ids >= 2 || (ids == 1 && any)
           || (ids == 1 && a->index_count == 1 && b->index_count == 1);
}

/* ---- which pairs to look at ---- */

struct pairs {
    const struct store *store;
    struct places places;
    size_t *seen;           /* with which entry, and one, this one was last looked at */
    store_pair *pair;
    void *context;
    size_t work;
};

/* False: that was all that may be done. */
static bool look(struct pairs *p, size_t before, size_t after)
{
    size_t work = (store_at(p->store, before)->index_count + 1) * (store_at(p->store, after)->index_count + 1);
    if (p->seen[after] == before + 1) {
        return true;
    }
    p->seen[after] = before + 1;
    p->work += work;
    p->pair(p->context, before, after);
    return p->work <= STORE_PAIRS_WORK;
}

/* Entries without identities: each with the next one of its kind, which is compared with the one after it. */
static bool pairs_of_none(struct pairs *p)
{
    for (size_t i = 1; i < p->places.count; i++) {
        const struct place *here = &p->places.sorted[i];
        if (here->index == NULL && here->run != i && !look(p, here[-1].entry, here->entry)) {
            return false;
        }
    }
    return true;
}

/*
 * Of preshared secrets, two entries with more than one identity have to have two of them in common. So the
 * commonest one of an entry need not be looked at: ours, which stands in all of them, as a rule.
 */
static bool pairs_of_entry(struct pairs *p, size_t entry)
{
    const struct secret *s = store_at(p->store, entry);
    const size_t *runs = p->places.run_of + p->places.first[entry];
    const size_t *run_len = p->places.run_len;
    size_t commonest = s->index_count;

    for (size_t i = 0; i < s->index_count && !secret_is_rsa(s) && s->index_count > 1; i++) {
        if (commonest == s->index_count || run_len[runs[i]] > run_len[runs[commonest]]) {
            commonest = i;
        }
    }
    for (size_t i = 0; i < s->index_count; i++) {
        const size_t run = runs[i];
        for (size_t j = i == commonest ? run_len[run] : 0; j < run_len[run]; j++) {
            size_t other = p->places.sorted[run + j].entry;
            if (++p->work > STORE_PAIRS_WORK || (other > entry && !look(p, entry, other))) {
                return false;
            }
        }
    }
    return true;
}

bool store_pairs(const struct store *s, store_pair *pair, void *context)
{
    struct pairs p = { .store = s, .pair = pair, .context = context };
    p.seen = calloc(store_count(s) + 1, sizeof *p.seen);
    bool all = p.seen != NULL && places_make(&p.places, s) && pairs_of_none(&p);
    for (size_t i = 0; i < store_count(s) && all; i++) {
        all = pairs_of_entry(&p, i);
    }
    places_free(&p.places);
    free(p.seen);
    return all;
}
