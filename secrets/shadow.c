#include "shadow.h"

#include "places.h"

#include <stdlib.h>

struct search {
    const struct store *store;
    struct places places;
    size_t work;
};

/* What others have to do in an entry's place, for some of the pairs that it fits. */
struct need {
    const struct index *with[2]; /* they have these, NULL: none is needed, */
    bool any;                    /* and %any, */
    bool any6;                   /* or %any6 */
    bool earlier;                /* they fit equally well, so they come before it; else better */
};

static bool has_kind(const struct secret *s, enum index_kind kind)
{
    size_t i = 0;
    while (i < s->index_count && s->index[i].kind != kind) {
        i++;
    }
    return i < s->index_count;
}

static bool has(const struct secret *s, const struct index *index)
{
    return index == NULL || secret_has_index(s, index, s->index_count);
}

/* Are all identities of b those of a, too? */
static bool has_all(const struct secret *a, const struct secret *b)
{
    size_t i = 0;
    while (i < b->index_count && has(a, &b->index[i])) {
        i++;
    }
    return i == b->index_count;
}

/* Whenever b would be chosen, so could be a: it waits for no name that b does not wait for. A key that is locked keeps its place. */
static bool is_there_with(const struct secret *a, const struct secret *b)
{
    for (size_t i = 0; i < a->index_count; i++) {
        if (a->index[i].kind == INDEX_HOST && !has(b, &a->index[i])) {
            return false;
        }
    }
    return true;
}

/* ---- one that suffices alone ---- */

/* A single identity of ours: the peer is anybody, for whom %any and %any6 together are better. */
static bool is_better_for_all(const struct secret *a, const struct secret *b, bool earlier)
{
    const bool host = b->index[0].kind == INDEX_HOST; /* two addresses of it are a pair that both name */
    return has(a, &b->index[0]) && ((earlier && a->index_count == 1)
                                    || ((earlier || !host) && has_kind(a, INDEX_ANY) && has_kind(a, INDEX_ANY6)));
}

static bool suffices(const struct search *q, size_t other, size_t entry)
{
    const struct secret *a = store_at(q->store, other);
    const struct secret *b = store_at(q->store, entry);
    const bool earlier = other < entry;
    if (other == entry || !is_there_with(a, b)) {
        return false;
    }
    if (b->index_count == 0) {
        return (earlier && a->index_count == 0)
               || (secret_is_rsa(b) && has_kind(a, INDEX_ANY) && has_kind(a, INDEX_ANY6));
    }
    if (!secret_is_rsa(b) && b->index_count == 1) {
        return is_better_for_all(a, b, earlier);
    }
    return earlier && has_all(a, b);
}

/* False: that was all that may be done. */
static bool spend(struct search *q, size_t other, size_t entry)
{
    q->work += (store_at(q->store, other)->index_count + 1) * (store_at(q->store, entry)->index_count + 1);
    return q->work <= STORE_PAIRS_WORK;
}

/* Where those RSA entries stand that have %any or %any6; the number of places: there are none. */
static size_t run_of_any(const struct search *q)
{
    size_t low = 0;
    size_t high = q->places.count;
    while (low < high) { /* before them stand preshared secrets, those without identities, and identities of other kinds */
        const size_t middle = low + (high - low) / 2;
        const struct place *p = &q->places.sorted[middle];
        const bool before = !p->rsa || p->index == NULL || !index_is_any(p->index);
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low; /* nothing comes after them */
}

/* The first in this run that suffices alone; STORE_ENTRIES_MAX: none. */
static size_t one_of(struct search *q, size_t run, size_t entry)
{
    for (size_t i = 0; i < q->places.run_len[run]; i++) {
        const size_t other = q->places.sorted[run + i].entry;
        if (!spend(q, other, entry)) {
            break;
        }
        if (suffices(q, other, entry)) {
            return other;
        }
    }
    return STORE_ENTRIES_MAX;
}

/* It has all identities of b, so it is among those that have the rarest; or none, or %any. */
static size_t find_one(struct search *q, size_t entry)
{
    const struct secret *b = store_at(q->store, entry);
    const size_t *runs = q->places.run_of + q->places.first[entry];
    size_t rarest = runs[0];
    for (size_t i = 1; i < b->index_count; i++) {
        rarest = q->places.run_len[runs[i]] < q->places.run_len[rarest] ? runs[i] : rarest;
    }
    size_t one = one_of(q, rarest, entry);
    if (one == STORE_ENTRIES_MAX && b->index_count == 0 && secret_is_rsa(b)) {
        const size_t any = run_of_any(q);
        one = any == q->places.count ? one : one_of(q, any, entry);
    }
    return one;
}

/* ---- several together ---- */

static bool meets(const struct search *q, size_t other, size_t entry, const struct need *need)
{
    const struct secret *a = store_at(q->store, other);
    return other != entry && (!need->earlier || other < entry) && has(a, need->with[0]) && has(a, need->with[1])
           && (!need->any || has_kind(a, INDEX_ANY)) && (!need->any6 || has_kind(a, INDEX_ANY6))
           && is_there_with(a, store_at(q->store, entry));
}

/* False: nobody in this run does that. */
static bool meet(struct search *q, struct shadow *s, size_t run, const struct need *need)
{
    for (size_t i = 0; i < s->count && i < SHADOWS_NAMED; i++) {
        if (meets(q, s->by[i], s->entry, need)) {
            return true;
        }
    }
    for (size_t i = 0; i < q->places.run_len[run]; i++) {
        const size_t other = q->places.sorted[run + i].entry;
        if (!spend(q, other, s->entry) || (need->earlier && other >= s->entry)) {
            break;
        }
        if (meets(q, other, s->entry, need)) {
            if (s->count < SHADOWS_NAMED) {
                s->by[s->count] = other;
            }
            s->count++;
            return true;
        }
    }
    return false;
}

/* Each family that it stands for by these is met with this identity, or none. */
static bool meet_any(struct search *q, struct shadow *s, size_t run, const struct index *with, bool any, bool any6,
                     bool earlier)
{
    const struct need need = { .with = { with }, .any = true, .earlier = earlier };
    const struct need need6 = { .with = { with }, .any6 = true, .earlier = earlier };
    return (!any || meet(q, s, run, &need)) && (!any6 || meet(q, s, run, &need6));
}

/* All pairs that it names. */
static bool meet_pairs(struct search *q, struct shadow *s, const size_t *runs)
{
    const struct secret *b = store_at(q->store, s->entry);
    for (size_t i = 0; i < b->index_count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct need need = { .with = { &b->index[i], &b->index[j] }, .earlier = true };
            const size_t run = q->places.run_len[runs[i]] < q->places.run_len[runs[j]] ? runs[i] : runs[j];
            if (!index_is_any(need.with[0]) && !index_is_any(need.with[1])
                && !index_equal(need.with[0], need.with[1]) && !meet(q, s, run, &need)) {
                return false;
            }
        }
    }
    return true;
}

static bool meet_psk(struct search *q, struct shadow *s, const size_t *runs)
{
    const struct secret *b = store_at(q->store, s->entry);
    const bool single = b->index_count == 1;
    if (b->index_count == 0 || !meet_pairs(q, s, runs)) {
        return false;
    }
    for (size_t i = 0; i < b->index_count; i++) {
        const struct index *index = &b->index[i];
        const struct need itself = { .with = { index }, .earlier = true };
        if (index_is_any(index)) {
            continue;
        }
        if ((index->kind == INDEX_HOST && !meet(q, s, runs[i], &itself))
            || !meet_any(q, s, runs[i], index, single || has_kind(b, INDEX_ANY), single || has_kind(b, INDEX_ANY6),
                         !single)) {
            return false;
        }
    }
    return true;
}

static bool meet_rsa(struct search *q, struct shadow *s, const size_t *runs)
{
    const struct secret *b = store_at(q->store, s->entry);
    for (size_t i = 0; i < b->index_count; i++) {
        const struct index *index = &b->index[i];
        const struct need named = { .with = { index }, .earlier = true };
        if (!meet(q, s, runs[i], &named)) { /* %any and %any6 too: as they are written */
            return false;
        }
    }
    const size_t any = run_of_any(q);
    return b->index_count > 0 || (any < q->places.count && meet_any(q, s, any, NULL, true, true, false));
}

/* ---- all ---- */

/* Of preshared secrets, one without two identities, one of which is ours, may fit nobody at all. */
static bool fits_nobody(const struct secret *s)
{
    const struct index *ours = NULL;
    bool another = s->index_count == 1;
    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *index = &s->index[i];
        if (!index_is_any(index)) {
            another = another || index->kind == INDEX_HOST || (ours != NULL && !index_equal(ours, index));
            ours = index;
        }
    }
    another = another || has_kind(s, INDEX_ANY) || has_kind(s, INDEX_ANY6);
    return !secret_is_rsa(s) && s->index_count > 0 && (ours == NULL || !another);
}

static bool is_shadowed(struct search *q, struct shadow *s)
{
    const struct secret *b = store_at(q->store, s->entry);
    const size_t *runs = q->places.run_of + q->places.first[s->entry];
    if (fits_nobody(b)) {
        return true;
    }
    const size_t one = find_one(q, s->entry);
    if (one != STORE_ENTRIES_MAX) {
        s->by[0] = one;
        s->count = 1;
        return true;
    }
    return secret_is_rsa(b) ? meet_rsa(q, s, runs) : meet_psk(q, s, runs);
}

bool shadow_find(const struct store *s, shadow_found *found, void *context)
{
    struct search q = { .store = s };
    bool all = places_make(&q.places, s);
    for (size_t i = 0; i < store_count(s) && all; i++) {
        struct shadow shadow = { .entry = i };
        const bool is = is_shadowed(&q, &shadow);
        all = q.work <= STORE_PAIRS_WORK;
        if (is && all) {
            found(context, &shadow);
        }
    }
    places_free(&q.places);
    return all;
}
