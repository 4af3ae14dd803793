/*
 * Notifications and Deletes, which come in and go out (RFC 2409, 5.7): alone, as an Informational exchange,
 * and inside of other exchanges' messages. Part of the core, as exchange.h is.
 *
 * Not for: their form on the wire (message.h, notify.h).
 */
#ifndef IKE_NEGOTIATE_INFORMATIONAL_H
#define IKE_NEGOTIATE_INFORMATIONAL_H

#include "exchange.h"

/* How far a payload is to be believed. */
enum trust {
    TRUST_HINT,      /* in the clear: changes no state (interop Q11) */
    TRUST_ENCRYPTED, /* in message 5 or 6, which no HASH covers: once the peer is authenticated */
    TRUST_HASHED
};

/* ---- lifetime.c ---- */
/* The shortest life that it names, *seconds 0: in kilobytes only. NULL or why not (static). */
const char *lifetime_decode(uint32_t *seconds, const struct notification *n);
/* The body of a notification of ours about the ESP SA toward us. */
void lifetime_encode(struct buffer *body, const uint8_t spi[4], uint32_t seconds);
/* Not TRUST_HINT. */
void lifetime_take(struct ike *ike, struct exchange *x, const struct notification *n,
                   enum trust trust);
/* Of message 2, once quick->life and both SPIs are agreed upon: makes life shorter. */
void lifetime_of_quick(struct ike *ike, struct exchange *x, const struct message *m);
/* Of IPsec SAs that have just been made: plutod is told what came too early for him. */
void lifetime_of_made(struct ike *ike, const struct exchange *x);
/* Of an ISAKMP SA that has just come up. */
uint32_t lifetime_of_main(struct ike *ike, struct exchange *x);

/* ---- delete.c ---- */
void deletes_take(struct ike *ike, struct exchange *main, const struct message *m);
/* 16 bytes name any SA; 8 (one cookie) or 0 only that which it came under (interop Q10). */
struct exchange *isakmp_target(struct ike *ike, struct exchange *main, const uint8_t *spi,
                               size_t spi_size);

/* ---- informational.c ---- */
/* HASH(1), over all that follows it: of an Informational, or of message 1 of a Quick Mode. */
bool hash_1_ok(const struct exchange *main, const struct message *m);
/* iv, digest: of the message, if it is to be kept. */
void informational_protected(struct ike *ike, struct exchange *main, const struct message *m,
                             const uint8_t *iv, const uint8_t *digest);
void informational_take(struct ike *ike, struct exchange *main, const struct message *m); /* checked */
void informational_hint(struct ike *ike, struct exchange *main, const struct path *path,
                        const struct message *m);
/* In an exchange's own message. */
void take_notifications(struct ike *ike, struct exchange *x, const struct message *m,
                        enum trust trust);
void send_notification(struct ike *ike, struct exchange *main, unsigned type, unsigned protocol,
                       const uint8_t *spi, size_t spi_len);
void send_clear_notification(struct ike *ike, const struct path *path, const uint8_t *cky_i,
                             const uint8_t *cky_r, unsigned type);
void send_delete(struct ike *ike, struct exchange *main, unsigned protocol, const uint8_t *spi,
                 size_t spi_len);
void send_delete_isakmp(struct ike *ike, struct exchange *main); /* of the SA itself */

#endif
