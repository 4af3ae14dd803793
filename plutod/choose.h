/*
 * Which connection a peer's message is for [R1]-[R3].
 *
 * Looks only at connections between the two hosts, and those from our host to %any, by index.h, so
 * that the cost does not grow with their number. rules.h says what fits. Not for: whether the same
 * secret was used for both (secrets is asked) and instances (conn.h makes them).
 */
#ifndef PLUTOD_CHOOSE_H
#define PLUTOD_CHOOSE_H

#include "rules.h"

#define CHOOSE_MAX 32

/*
 * For a first message: fills list with what may be offered, in order; of several that would be
 * told the same words only the first for which nothing is known to be missing, if w has its secrets
 * (methods.h), and of instances what they were made of. Returns how many.
 */
size_t choose_first(struct keying *k, const struct keying_worker *w, const struct address *local,
                    const struct address *remote, struct conn *list[CHOOSE_MAX]);
/*
 * The connection that is called so, if it was there when x began; NULL: it has gone, and what has
 * its name now is another one.
 */
struct conn *choose_named(struct keying *k, const struct xchg *x, const char *name);
/*
 * Is c the only one between these hosts, and open to any identity? Then the peer's need not be asked
 * about: choose_identified would name c whatever it is.
 */
bool choose_whoever(struct keying *k, const struct address *local, const struct address *remote,
                    const struct conn *c);
/* Fills list with what x->offer names, as far as it is still there; returns how many. */
size_t choose_offered(struct keying *k, const struct xchg *x, struct conn *list[CHOOSE_MAX]);
/* Is c of the hosts of x, as it is now? */
bool choose_may_be(const struct xchg *x, const struct conn *c);

/*
 * For an identity that was not the announced one (w has it, and both hosts): the nth best connection, or
 * NULL. Same hosts and exactly this identity first, then %any with it, then %any with none.
 */
struct conn *choose_identified(struct keying *k, const struct rules_wanted *w, unsigned nth);
/*
 * For Quick Mode under x: exact clients; routed ones before others, then those in whose description
 * less of the peer was left open. It may be a template to be instantiated. NULL: none.
 */
struct conn *choose_quick(struct keying *k, const struct xchg *x, const struct subnet *ours,
                          const struct subnet *peer);
/* The same for whoever shows what is wanted. */
struct conn *choose_quick_wanted(struct keying *k, const struct rules_wanted *w);
/* The instance of template t that x's peer has already, or NULL. */
struct conn *choose_instance(struct keying *k, const struct conn *t, const struct address *remote,
                             const struct identity *peer_id);

#endif
