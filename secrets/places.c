#include "places.h"

#include <stdlib.h>

bool secret_has_index(const struct secret *s, const struct index *index, size_t before)
{
    for (size_t i = 0; i < before; i++) {
        if (index_equal(&s->index[i], index)) {
            return true;
        }
    }
    return false;
}

/* %any and %any6 come together: who fits one may fit the other. */
static int compare_index(const struct index *a, const struct index *b)
{
    if (a == NULL || b == NULL) {
        return a == b ? 0 : a == NULL ? -1 : 1;
    }
    const enum index_kind a_kind = index_is_any(a) ? INDEX_ANY : a->kind;
    const enum index_kind b_kind = index_is_any(b) ? INDEX_ANY : b->kind;
    return a_kind != b_kind ? (a_kind < b_kind ? -1 : 1) : a_kind == INDEX_ANY ? 0 : identity_compare(&a->id, &b->id);
}

/* 0: in the same run. */
static int compare_runs(const struct place *a, const struct place *b)
{
    return a->rsa != b->rsa ? (a->rsa ? 1 : -1) : compare_index(a->index, b->index);
}

static int compare_places(const void *a, const void *b)
{
    const struct place *left = a;
    const struct place *right = b;
    int order = compare_runs(left, right);
    return order != 0 ? order : left->entry < right->entry ? -1 : left->entry > right->entry ? 1 : 0;
}

static size_t places_of(const struct secret *s)
{
    return s->index_count == 0 ? 1 : s->index_count;
}

static void sort_places(struct places *p, const struct store *store)
{
    size_t at = 0;
    for (size_t i = 0; i < store_count(store); i++) {
        const struct secret *s = store_at(store, i);
        for (size_t j = 0; j < places_of(s); j++) {
            p->sorted[at++] = (struct place){ .index = s->index_count == 0 ? NULL : &s->index[j], .entry = i, .number = j,
                                              .rsa = secret_is_rsa(s) };
        }
    }
    qsort(p->sorted, p->count, sizeof p->sorted[0], compare_places);
    for (size_t i = 0; i < p->count; i++) {
        struct place *here = &p->sorted[i];
        here->run = i > 0 && compare_runs(here, here - 1) == 0 ? p->sorted[i - 1].run : i;
        p->run_len[here->run]++;
        p->run_of[p->first[here->entry] + here->number] = here->run;
    }
}

bool places_make(struct places *p, const struct store *s)
{
    const size_t entries = store_count(s);
    *p = (struct places){ .count = 0 };
    p->first = calloc(entries + 1, sizeof *p->first);
    for (size_t i = 0; p->first != NULL && i < entries; i++) {
        p->first[i] = p->count;
        p->count += places_of(store_at(s, i));
    }
    p->sorted = calloc(p->count + 1, sizeof *p->sorted);
    p->run_len = calloc(p->count + 1, sizeof *p->run_len);
    p->run_of = calloc(p->count + 1, sizeof *p->run_of);
    if (p->first == NULL || p->sorted == NULL || p->run_len == NULL || p->run_of == NULL) {
        places_free(p);
        return false;
    }
    sort_places(p, s);
    return true;
}

void places_free(struct places *p)
{
    free(p->first);
    free(p->run_of);
    free(p->run_len);
    free(p->sorted);
    *p = (struct places){ .count = 0 };
}
