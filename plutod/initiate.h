/*
 * Negotiations that we begin: Main Mode where there is no ISAKMP SA, Quick Mode, attempts [C3]; and
 * what both roles do when an SA stands.
 *
 * Not for: answering a peer (respond.h).
 */
#ifndef PLUTOD_INITIATE_H
#define PLUTOD_INITIATE_H

#include "xchg.h"

#define OBSTACLE 640
/* What stands in the way of an attempt, as far as it is known here: 0, or whack's code and a text. */
unsigned initiate_obstacle(struct keying *k, const struct conn *c, char why[OBSTACLE]);

/*
 * Under which ISAKMP SA --initiate would begin Quick Mode now: one that stands, or one that is being made and
 * that it would wait for. NULL: it would begin Main Mode.
 */
const struct xchg *initiate_under(struct keying *k, const struct conn *c);

/*
 * --initiate. The client is told what is in the way, and held until the first attempt has ended if it is to wait. Where the
 * name of the peer's host was given, it is asked for before each attempt.
 */
void initiate_asked(struct keying *k, struct conn *c, uint64_t client, bool wait);
/* The same where c's SAs were lost, and their policies still hold: the peer is where he was. */
void initiate_conn(struct keying *k, struct conn *c, uint64_t client, bool wait);
/* It was asked for (peer_name.h): now what waited for that begins. retry: the attempt at hand. */
void initiate_found(struct keying *k, struct conn *c, uint64_t client, bool wait, bool retry);
/*
 * A packet wants through and finds no SA: begins, unless a negotiation is at hand. What is in the way
 * is no more than a debug line.
 */
void initiate_wanted(struct keying *k, struct conn *c);
bool initiate_at_hand(const struct conn *c); /* a negotiation for IPsec SAs, or another attempt to come */
/* We listen again: what packets wanted meanwhile. */
void initiate_what_waited(struct keying *k);
/* Begins a Main Mode for its own sake. NULL: ike-negotiate or secrets does not run now. */
struct xchg *initiate_main(struct keying *k, struct conn *c);
/* An attempt for this connection has failed: another one, if it may have one. */
void initiate_again(struct keying *k, struct conn *c, unsigned code);

/* A process of ours died under c's attempt: it is begun anew, now or when that runs again. */
void initiate_anew(struct keying *k, struct conn *c, uint64_t client);
/* x waited for all (anew.h), or for what secrets has (methods.h), and has a worker now. */
void initiate_main_go(struct keying *k, struct xchg *x);
void initiate_deferred(struct keying *k, const struct xchg *x); /* Quick Modes that waited for x begin */
/* y's parent, which is not up, has this worker now. */
void initiate_quick_moved(struct keying *k, struct xchg *y, uint32_t worker);

void initiate_state(struct keying *k, struct xchg *x, unsigned state);
bool initiate_isakmp_up(struct keying *k, struct xchg *x, const struct record *r, const char **why);
bool initiate_sa_up(struct keying *k, struct xchg *y, const struct record *r, const char **why);
/* The SAs are in the kernel and routed. */
void initiate_quick_ready(struct keying *k, struct xchg *y);

#endif
