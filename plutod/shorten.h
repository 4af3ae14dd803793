/*
 * Lives that a peer wants shorter than they were agreed (RESPONDER-LIFETIME: RFC 2407, 4.6.3.1).
 *
 * Only ever shorter, and only of SAs with the very peer that proved himself under the ISAKMP SA
 * that it came under. An ISAKMP SA ends by our clock; IPsec SAs end by the kernel's, which is
 * changed in place, or by ours where the kernel refuses. Not for: what an SA's end means (ends.h).
 */
#ifndef PLUTOD_SHORTEN_H
#define PLUTOD_SHORTEN_H

#include "xchg.h"

/* A record `responder-lifetime`. False: it breaks the rules (*why). */
bool shorten_asked(struct keying *k, const struct record *r, const char **why);
/* kernel-sa did not change the life of that exchange's SAs. */
void shorten_refused(struct keying *k, uint64_t number, const char *why);

#endif
