/*
 * whack --explain: which connection would be chosen, and why no other [W12].
 *
 * What is missing is known before the first line (explain_ask.c); where a secret stands and the kernel's
 * policies are asked for, too, and the whack is held until the answers are there. Not for: choosing (choose.h) and the rules (rules.h),
 * which are asked here as they are for a peer.
 */
#ifndef PLUTOD_EXPLAIN_H
#define PLUTOD_EXPLAIN_H

#include "keying.h"

void explain_begin(struct keying *k, uint64_t client, const struct record *r);
/* Is that record the answer to a question of ours? Then it is dealt with. */
bool explain_known(struct keying *k, uint32_t worker, const struct record *r);
bool explain_secret_answered(struct keying *k, uint32_t worker, const struct record *r);
bool explain_lookup_answered(struct keying *k, const struct record *r);
/* A worker of secrets answers no more: another one is asked; where none is left, who waits for it is told. */
void explain_worker_gone(struct keying *k, uint32_t worker);
void explain_free_all(struct keying *k);

/* ---- between explain*.c ---- */

#define EXPLAIN_SHOWN 16 /* connections in a list */
/* Of which connections the peer would be offered the words. False: of none; a line says why, if it is wanted. */
bool explain_first(struct keying *k, uint64_t client, const struct address *local,
                   const struct address *remote, bool why_none);
/* Secrets has died of it, and is not asked (methods.h)? Then a line says so. */
bool explain_is_deadly(struct keying *k, uint64_t client, const struct conn *c, unsigned method);
void explain_conn(struct keying *k, uint64_t client, const char *name);
void explain_packet(struct keying *k, uint64_t client, const struct address *from, const struct address *to);

#endif
