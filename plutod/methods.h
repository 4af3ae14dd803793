/*
 * By which methods a Main Mode can be carried out whose connection allows two [W2a].
 *
 * --psk and --rsasig together are proposed, and allowed, as far as there is what they need: a public key of
 * the peer, which is looked for here; our private key and a preshared secret, for which secrets is asked
 * before ike-negotiate hears of the Main Mode, or of its candidates. Not for: connections with one method;
 * these begin, and are offered, and where something is missing for that one it is said.
 */
#ifndef PLUTOD_METHODS_H
#define PLUTOD_METHODS_H

#include "xchg.h"

/*
 * Of x, which ike-negotiate does not have yet: an initiator's with its connection, a responder's with its
 * offer. True: all is known. False: secrets is asked, and x waits (WAITS_METHODS); once it has answered, x
 * goes on by itself. May be called again where its worker has died.
 */
bool methods_find(struct keying *k, struct xchg *x);
/* An answer of secrets. False: it is to no question from here. */
bool methods_answered(struct keying *k, uint32_t worker, const struct record *r);
/* What was found for c, which is x's connection or was offered: the place of a word in the schema's `methods`. */
unsigned methods_of(const struct xchg *x, const struct conn *c);

#endif
