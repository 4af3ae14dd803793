/*
 * The identities that plutod knows, each kept once however many connections and ISAKMP SAs name it.
 *
 * By their bytes: @gate and @Gate are equal [W5], but each goes to a peer as it was spelled. Not for:
 * what an identity may be used for (choose.h), parsing and comparing (lib/identity.h).
 */
#ifndef PLUTOD_NAME_H
#define PLUTOD_NAME_H

#include "keying.h"

/*
 * *held (from name_hold, or &identity_any, which needs none) becomes `id`, which may be a shorter
 * one than the type says (identity_dup). False: no memory, *held is as before.
 */
bool name_set(struct keying *k, const struct identity **held, const struct identity *id);
void name_release(struct keying *k, const struct identity **held); /* becomes &identity_any */

/* One more, or one less, of our ends that has it. Held. */
void name_ours(const struct identity *held, bool more);
/* Is that one of ours? As a peer's it is refused: what proves it may be our own proof, sent back. */
bool name_is_ours(const struct keying *k, const struct identity *id);

void name_free_all(struct keying *k);

#endif
