/*
 * whack --explain: which connection would be chosen, and why no other [W12].
 *
 * What the core knows is said at once; a secret and the kernel's policies are asked for, and the
 * whack is held until the answers are there. Not for: choosing (choose.h) and the rules (rules.h),
 * which are asked here as they are for a peer.
 */
#ifndef PLUTOD_EXPLAIN_H
#define PLUTOD_EXPLAIN_H

#include "keying.h"

void explain_begin(struct keying *k, uint64_t client, const struct record *r);
/* Is that record the answer to a question of ours? Then it is dealt with. */
bool explain_secret_answered(struct keying *k, uint32_t worker, const struct record *r);
bool explain_lookup_answered(struct keying *k, const struct record *r);

/* ---- between explain.c and explain_packet.c ---- */

#define EXPLAIN_SHOWN 16 /* connections in a list */
/* Of which connections the peer would be offered the words. False: of none; the line says why. */
bool explain_first(struct keying *k, uint64_t client, const struct address *local,
                   const struct address *remote);
void explain_packet(struct keying *k, uint64_t client, const struct record *r);

#endif
