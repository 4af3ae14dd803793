#include "store.h"

#include <stdlib.h>

static bool has_index(const struct secret *s, const struct index *index, size_t before)
{
    for (size_t i = 0; i < before; i++) {
        if (index_equal(&s->index[i], index)) {
            return true;
        }
    }
    return false;
}

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
        bool both = !index_is_any(index) && !has_index(a, index, i) && has_index(b, index, b->index_count);
        ids += both ? 1 : 0;
    }
    if (secret_is_rsa(a)) {
        return ids > 0 || any;
    }
    return ids >= 2 || (ids == 1 && any)
           || (ids == 1 && a->index_count == 1 && b->index_count == 1);
}

/* ---- which pairs to look at ---- */

struct place { /* one identity of one entry */
    const struct index *index;
    size_t entry;
    size_t run; /* where those begin that are equal to it */
};

struct pairs {
    const struct store *store;
    size_t count;           /* places */
    struct place *sorted;
    size_t *run_len;        /* of the run that begins at this place */
    size_t *run_of;         /* runs of the places, entry by entry */
    size_t *seen;           /* with which entry, and one, this one was last looked at */
    store_pair *pair;
    void *context;
    size_t work;
};

/* %any and %any6 come together: who fits one may fit the other. */
static int compare_index(const struct index *a, const struct index *b)
{
    const enum index_kind a_kind = index_is_any(a) ? INDEX_ANY : a->kind;
    const enum index_kind b_kind = index_is_any(b) ? INDEX_ANY : b->kind;
    return a_kind != b_kind ? (a_kind < b_kind ? -1 : 1) : a_kind == INDEX_ANY ? 0 : identity_compare(&a->id, &b->id);
}

/* Equal identities come together, in the order of their entries. */
static int compare_places(const void *a, const void *b)
{
    const struct place *left = a;
    const struct place *right = b;
    int order = compare_index(left->index, right->index);
    return order != 0 ? order : left->entry < right->entry ? -1 : left->entry > right->entry ? 1 : 0;
}

static void sort_places(struct pairs *p)
{
    size_t at = 0;
    for (size_t i = 0; i < store_count(p->store); i++) {
        const struct secret *s = store_at(p->store, i);
        for (size_t j = 0; j < s->index_count; j++) {
            p->sorted[at++] = (struct place){ .index = &s->index[j], .entry = i };
        }
    }
    qsort(p->sorted, p->count, sizeof p->sorted[0], compare_places);
    for (size_t i = 0; i < p->count; i++) {
        struct place *here = &p->sorted[i];
        here->run = i > 0 && compare_index(here->index, p->sorted[i - 1].index) == 0
                        ? p->sorted[i - 1].run : i;
        p->run_len[here->run]++;
    }
}

/* By the entries again: so many places before each, then each in its room. */
static bool group_places(struct pairs *p)
{
    size_t *next = calloc(store_count(p->store) + 1, sizeof *next);
    if (next == NULL) {
        return false;
    }
    for (size_t i = 0; i < store_count(p->store); i++) {
        next[i + 1] = next[i] + store_at(p->store, i)->index_count;
    }
    for (size_t i = 0; i < p->count; i++) {
        p->run_of[next[p->sorted[i].entry]++] = p->sorted[i].run;
    }
    free(next);
    return true;
}

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

/* Entries without identities. */
static bool pairs_of_none(struct pairs *p, size_t entry)
{
    for (size_t i = entry + 1; i < store_count(p->store); i++) {
        if (store_at(p->store, i)->index_count == 0) {
            return look(p, entry, i); /* the next one is compared with the one after it */
        }
    }
    return true;
}

/*
 * Of preshared secrets, two entries with more than one identity have to have two of them in common. So the
 * commonest one of an entry need not be looked at: ours, which stands in all of them, as a rule.
 */
static bool pairs_of_entry(struct pairs *p, size_t entry, const size_t *runs)
{
    const struct secret *s = store_at(p->store, entry);
    size_t commonest = s->index_count;

    for (size_t i = 0; i < s->index_count && !secret_is_rsa(s) && s->index_count > 1; i++) {
        if (commonest == s->index_count || p->run_len[runs[i]] > p->run_len[runs[commonest]]) {
            commonest = i;
        }
    }
    for (size_t i = 0; i < s->index_count; i++) {
        const size_t run = runs[i];
        for (size_t j = i == commonest ? p->run_len[run] : 0; j < p->run_len[run]; j++) {
            size_t other = p->sorted[run + j].entry;
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
    bool all = false;
    size_t at = 0;

    for (size_t i = 0; i < store_count(s); i++) {
        p.count += store_at(s, i)->index_count;
    }
    p.sorted = calloc(p.count + 1, sizeof *p.sorted);
    p.run_len = calloc(p.count + 1, sizeof *p.run_len);
    p.run_of = calloc(p.count + 1, sizeof *p.run_of);
    p.seen = calloc(store_count(s) + 1, sizeof *p.seen);
    if (p.sorted == NULL || p.run_len == NULL || p.run_of == NULL || p.seen == NULL) {
        goto out;
    }
    sort_places(&p);
    all = group_places(&p);
    for (size_t i = 0; i < store_count(s) && all; i++) {
        all = store_at(s, i)->index_count == 0 ? pairs_of_none(&p, i)
                                               : pairs_of_entry(&p, i, &p.run_of[at]);
        at += store_at(s, i)->index_count;
    }
out:
    free(p.seen);
    free(p.run_of);
    free(p.run_len);
    free(p.sorted);
    return all;
}
