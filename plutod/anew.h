/*
 * Negotiations under which a process of ours died.
 *
 * Ours are begun anew at once, as soon as what died runs again, and that does not count as one of
 * --keyingtries; whoever waits goes on waiting. A Main Mode of which secrets knows nothing yet that
 * the peer has seen goes on with another worker. Of the peer's, half of it is his to begin anew;
 * but where he had proved himself and waits for our answer in Quick Mode, we begin.
 *
 * Not for: ISAKMP SAs that stood (renew.h), and kernel-sa, under whose death nothing ends.
 */
#ifndef PLUTOD_ANEW_H
#define PLUTOD_ANEW_H

#include "xchg.h"

/* A process died under x, with what it needs; or x is an ISAKMP SA under which no Quick Mode may begin
 * any more. `told`: ike-negotiate has forgotten it already. */
void anew_lost(struct keying *k, struct xchg *x, const char *why, bool told);

/*
 * ike-negotiate says that this worker died. We shall see that soon; until then it gets nothing to
 * do, or what is begun anew would die with it again.
 */
void anew_suspect(struct keying *k, uint32_t worker);

/* That worker is not in the list any more: its unfinished Main Modes look for another one. */
void anew_worker_gone(struct keying *k, uint32_t worker);

/* Something runs again: what waited for it goes on. */
void anew_go(struct keying *k);

#endif
