/*
 * Entries that can never be used, since for each pair of us and a peer that they fit another one is found [K2].
 *
 * Not for: which entry is found for a pair (store_find), and entries that disagree (store_pairs).
 */
#ifndef SECRETS_SHADOW_H
#define SECRETS_SHADOW_H

#include "store.h"

#define SHADOWS_NAMED 4u

struct shadow {
    size_t entry;
    size_t count;               /* of those that are found in its place; 0: it fits nobody */
    size_t by[SHADOWS_NAMED];   /* the first of them; one that suffices alone stands alone */
};

/*
 * Calls `found` for the entries of which that is so, and for no others: of all pairs of identities where ours is known
 * and is not the peer's, who may be unknown; whatever addresses the names of hosts turn out to have, of which any may
 * have none; and whichever passphrases come. False: there is more than can be looked at, or no memory.
 */
typedef void shadow_found(void *context, const struct shadow *shadow);
bool shadow_find(const struct store *s, shadow_found *found, void *context);

#endif
