/* Which entry is for whom [K2]. */
#include "store.h"

#include <nettle/memops.h>
#include <string.h>

static bool stands_for(const struct index *index, const struct identity *peer)
{
    switch (index->kind) {
    case INDEX_ANY:
        return peer->type != ID_IPV6_ADDR;
    case INDEX_ANY6:
        return peer->type != ID_IPV4_ADDR;
    case INDEX_ID:
    case INDEX_HOST:
        break;
    }
    return false;
}

/* Not by %any. */
static bool names_id(const struct index *index, const struct identity *id)
{
    return index->kind == INDEX_HOST ? index->host != NULL && host_is(index->host, id)
                                     : index->kind == INDEX_ID && identity_equal(&index->id, id);
}

const struct named_host *secret_missing_host(const struct secret *s)
{
    for (size_t i = 0; i < s->index_count; i++) {
        if (s->index[i].kind == INDEX_HOST && s->index[i].host->state != HOST_KNOWN) {
            return s->index[i].host;
        }
    }
    return NULL;
}

static enum fit fit_of(const struct secret *s, const struct identity *ours,
                         const struct identity *peer)
{
    bool has_ours = false;
    bool has_peer = false;
    bool has_any = false;

    if (s->index_count == 0) {
        return FIT_EVERYBODY;
    }
    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *index = &s->index[i];
        has_any = has_any || stands_for(index, peer);
        has_ours = has_ours || names_id(index, ours);
        has_peer = has_peer || names_id(index, peer);
    }
    if (!has_ours) {
        return FIT_NONE;
    }
    if (has_peer) {
        return FIT_BOTH;
    }
    if (has_any) {
        return FIT_ANY_PEER;
    }
    return s->index_count == 1 ? FIT_OURS : FIT_NONE;
}

/* All identities of an RSA entry are ours [K2]. */
static enum fit fit_of_rsa(const struct secret *s, const struct identity *ours)
{
    bool has_any = false;

    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *index = &s->index[i];
        if (names_id(index, ours)) {
            return FIT_OURS;
        }
        has_any = has_any || stands_for(index, ours);
    }
    return has_any ? FIT_ANY_OF_OURS : s->index_count == 0 ? FIT_EVERYBODY : FIT_NONE;
}

enum fit store_fit(const struct secret *s, const struct identity *ours, const struct identity *peer)
{
    return secret_is_rsa(s) ? fit_of_rsa(s, ours) : fit_of(s, ours, peer);
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    if (secret_is_locked(a) || secret_is_locked(b)) {
        return a->prompt == b->prompt; /* one of them has one */
    }
    if (a->rsa != NULL || b->rsa != NULL) {
        return a->rsa != NULL && b->rsa != NULL
               && rsa_public_equal(rsa_key_public(a->rsa), rsa_key_public(b->rsa));
    }
    return a->len == b->len && memeql_sec(a->bytes, b->bytes, a->len) != 0;
}

/* rsa: keys, whoever the peer is; else preshared secrets. The best may be locked. */
static const struct secret *find(const struct store *s, bool rsa, const struct identity *ours,
                                 const struct identity *peer, const struct secret **other)
{
    const struct secret *best = NULL;
    enum fit best_fit = FIT_NONE;

    *other = NULL;
    for (size_t i = 0; i < store_count(s); i++) {
        const struct secret *here = store_at(s, i);
        if (secret_is_rsa(here) != rsa) {
            continue;
        }
        enum fit fit = store_fit(here, ours, peer);
        if (fit != FIT_NONE && secret_missing_host(here) != NULL) {
            continue;
        }
        if (fit > best_fit) {
            best = here;
            best_fit = fit;
            *other = NULL;
        } else if (fit != FIT_NONE && fit == best_fit && *other == NULL && !secret_is_locked(here)
                   && !secret_equal(best, here)) {
            *other = here;
        }
    }
    return best;
}

const struct secret *store_find(const struct store *s, const struct identity *ours,
                                const struct identity *peer, const struct secret **other)
{
    return find(s, false, ours, peer, other);
}

/* A lesser one does not stand in for one that is locked: the peer expects the other key, and nobody would see why he refuses. */
const struct secret *store_find_rsa(const struct store *s, const struct identity *ours,
                                    const struct secret **other)
{
    const struct secret *best = find(s, true, ours, &identity_any, other);
    if (best != NULL && secret_is_locked(best)) {
        *other = NULL;
        return NULL;
    }
    return best;
}

const struct secret *store_locked_for(const struct store *s, const struct identity *ours)
{
    const struct secret *other = NULL;
    const struct secret *best = find(s, true, ours, &identity_any, &other);
    return best != NULL && secret_is_locked(best) ? best : NULL;
}

/* Could its missing hosts be these? */
static bool may_fit(const struct secret *s, const struct identity *ours, const struct identity *peer)
{
    size_t missing = 0;
    bool ours_named = false;
    bool peer_named = false;
    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *index = &s->index[i];
        missing += index->kind == INDEX_HOST && index->host->state != HOST_KNOWN ? 1 : 0;
        ours_named = ours_named || names_id(index, ours);
        peer_named = peer_named || names_id(index, peer) || stands_for(index, peer);
    }
    if (missing == 0) {
        return false;
    }
    if (secret_is_rsa(s) || s->index_count == 1) {
        return true;
    }
    return missing >= (ours_named ? 0u : 1u) + (peer_named ? 0u : 1u);
}

const struct secret *store_waiting_for(const struct store *s, bool rsa, const struct identity *ours, const struct identity *peer)
{
    for (size_t i = 0; i < store_count(s); i++) {
        const struct secret *here = store_at(s, i);
        if (secret_is_rsa(here) == rsa && !secret_is_locked(here) && may_fit(here, ours, peer)) {
            return here;
        }
    }
    return NULL;
}

bool index_equal(const struct index *a, const struct index *b)
{
    return a->kind == b->kind && (index_is_any(a) || identity_equal(&a->id, &b->id));
}
