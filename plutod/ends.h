/*
 * How negotiations and SAs end: by us, by the peer, by failure, by age.
 *
 * Order: kernel-sa is told first, so that nothing is sent under an SA that is going; then the peer
 * (through ike-negotiate), secrets, and the scripts. Not for: beginning anything, but the next
 * attempt of an initiate that failed (initiate.h).
 */
#ifndef PLUTOD_ENDS_H
#define PLUTOD_ENDS_H

#include "xchg.h"

enum ends_how {
    ENDS_TELL_PEER,     /* by a Delete, where there is an ISAKMP SA for it */
    ENDS_SILENTLY       /* the peer knows, or is gone */
};

/*
 * Ends a Quick Mode or its IPsec SAs; the client (0: none) is held until that is done. why: who ends it, or
 * what does, for the one line and event of it; NULL: they are there already.
 */
void ends_quick(struct keying *k, struct xchg *y, enum ends_how how, uint64_t client, const char *why);
/* Ends a Main Mode or its ISAKMP SA. Quick Modes that are under way under it fail. */
void ends_main(struct keying *k, struct xchg *x, enum ends_how how, const char *why);
/* All of a connection: SAs, negotiations and further attempts (--terminate). */
void ends_conn(struct keying *k, struct conn *c, uint64_t client, const char *why);
/* And then the connection itself, with its instances (--delete). */
void ends_and_remove(struct keying *k, struct conn *c, uint64_t client, const char *why);

/*
 * A negotiation ended without success, for which there is this one line. `told`: ike-negotiate has forgotten
 * it already.
 */
void ends_failed(struct keying *k, struct xchg *x, unsigned code, const char *why, bool told);

/* The same without a word, nor another attempt: whoever calls has seen to both. */
void ends_quietly(struct keying *k, struct xchg *x, bool told);

/* Records. False: they break the rules (*why). */
bool ends_peer_deleted(struct keying *k, const struct record *r, const char **why);
void ends_initial_contact(struct keying *k, struct xchg *x);
void ends_expired(struct keying *k, struct xchg *y, bool hard);
/*
 * x has come up: the oldest of its connection that stand beside it end, where there are too many. A peer
 * could otherwise fill the table with what it makes again and again.
 */
void ends_superfluous(struct keying *k, const struct xchg *x);
/* --uniqueids [R5]: x's peer was elsewhere before. */
void ends_unique_ids(struct keying *k, const struct xchg *x);

/* agenda_action: an SA's life is over (an IPsec SA's: shorten.h), or its negotiation took too long. */
void ends_life(void *context, struct agenda_item *item);

#endif
