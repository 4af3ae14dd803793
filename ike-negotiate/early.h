/*
 * Messages under an ISAKMP SA that came while its peer's proof was still being checked: right behind
 * message 6, or message 5. What belongs to the SA, and not to Main Mode, waits here until it is up: an
 * Informational comes only once (interop Q3, Q10), and a Quick Mode would wait for its repetition.
 *
 * Only what has a right HASH(1) is kept: it was made with the keys of this Main Mode. Nothing of it is
 * looked at before its peer has proved who he is; if he does not, it goes with the exchange. Not for:
 * errors, which end a Main Mode (informational.c).
 */
#ifndef IKE_NEGOTIATE_EARLY_H
#define IKE_NEGOTIATE_EARLY_H

#include "exchange.h"

bool early_waits(const struct exchange *x); /* for secrets or plutod, with the peer's proof at hand */
/* Keeps an Informational, or message 1 of a Quick Mode (with its digest, and the IV of the next one),
 * if there is room. The HASH is right. */
void early_keep(struct ike *ike, struct exchange *main, const struct message *m, const uint8_t *iv,
                const uint8_t *digest);
void early_take(struct ike *ike, struct exchange *main); /* it is up */
void early_free(struct exchange *main);

#endif
