/*
 * Answering a peer: which connections his first message may be for, whether his identity will do,
 * and the terms of his Quick Mode.
 *
 * What a peer says of himself counts only after secrets reported it as proved. Not for: what begins
 * with us (initiate.h).
 */
#ifndef PLUTOD_RESPOND_H
#define PLUTOD_RESPOND_H

#include "xchg.h"

/* RFC 2408, 3.14.1 */
#define NO_PROPOSAL_CHOSEN 14
#define INVALID_ID_INFORMATION 18

/* Requests of ike-negotiate; each is answered into k->negotiator, some later. */
void respond_first(struct keying *k, const struct record *r);
/* x, which was asked about so, waited for all (anew.h), or for what secrets has (methods.h), and has a worker now. */
void respond_first_go(struct keying *k, struct xchg *x);
/*
 * Has ike-negotiate named another connection or proposal than secrets made keys for? Either of the two
 * may be heard first, so whatever it says next of x is where to look.
 */
bool respond_lies(const struct xchg *x);
bool respond_chosen(struct keying *k, const struct record *r, const char **why);
bool respond_identify(struct keying *k, const struct record *r, const char **why);
bool respond_quick_ask(struct keying *k, const struct record *r, const char **why);

/*
 * Is x's peer called as we are, in whatever connection? Then it is refused: what proves it may be our
 * own proof, sent back [F17]. why: the reason, for the line of the failure.
 */
#define RESPOND_WHY (IDENTITY_TEXT + 200)
bool respond_is_one_of_us(struct keying *k, const struct xchg *x, char why[RESPOND_WHY]);

/*
 * x's peer says (and has yet to prove by a signature) that it is this: is there no connection for which
 * that could be? Never of what we began. why: what was compared with what, for the line of the failure.
 */
#define RESPOND_UNEXPECTED 3900 /* of the line that ike-negotiate reports; a record has room for 4000 */
bool respond_is_unexpected(struct keying *k, const struct xchg *x, const struct identity *peer,
                           char why[RESPOND_UNEXPECTED]);

/* Records of secrets. */
bool respond_authenticated(struct keying *k, struct xchg *x, const struct record *r,
                           const char **why);
void respond_accepted(struct keying *k, struct xchg *x, bool good, const char *why);

#endif
