/*
 * New ISAKMP SAs for those that a process of ours took with it when it died.
 *
 * The peer still believes in the old one: its Deletes and Quick Modes under it come to nothing,
 * until there is another one. IPsec SAs are not touched. Not for: replacing SAs before their life is
 * over.
 */
#ifndef PLUTOD_RENEW_H
#define PLUTOD_RENEW_H

#include "xchg.h"

/*
 * x is lost, or can make no keys any more: if its peer has IPsec SAs with us, a Main Mode begins
 * soon; of many, not more than 50 in a second.
 */
void renew_lost(struct keying *k, const struct xchg *x);
/*
 * The same of an ISAKMP SA that ike-negotiate says is worn out: where it is young, the Main Mode begins later,
 * each time twice as late. It could say so of every new one, and we would press each peer without a pause.
 */
void renew_worn_out(struct keying *k, const struct xchg *x);
/*
 * x ends without success: if it was to take such a place, another attempt follows, after a pause that
 * grows, while the peer has IPsec SAs with us; ten at most.
 */
void renew_failed(struct keying *k, const struct xchg *x);

#endif
