/*
 * Diffie-Hellman and randomness, by OpenSSL's EVP interface.
 *
 * Public values are as in KE payloads: fixed length, MODP padded on the left (RFC 2409), ECP x | y
 * (RFC 5903, 7), Curve25519 as it is (RFC 8031). Shared secrets are padded to their full length; of
 * ECP it is x alone. Not for: keys made out of g^xy (derive.h).
 */
#ifndef SECRETS_DH_H
#define SECRETS_DH_H

#include "algorithm.h"
#include "bounds.h"

#include <stdbool.h>

struct dh;      /* one private exponent with its public value */
struct dh_lib;  /* what is looked up once: groups with their parameters */

/*
 * Prepares every group, so that later nothing has to be fetched or opened. NULL: OpenSSL lacks
 * something, and *why (static text) says what.
 */
struct dh_lib *dh_lib_new(const char **why);
void dh_lib_free(struct dh_lib *lib); /* NULL is allowed */

/* Draws an exponent. NULL: out of memory, or no randomness. The caller frees. */
struct dh *dh_new(const struct dh_lib *lib, enum group_id group);
void dh_free(struct dh *dh); /* wipes; NULL is allowed */
enum group_id dh_group(const struct dh *dh);
/* group_get(group)->public_len bytes, borrowed. */
const uint8_t *dh_public_view(const struct dh *dh);

/*
 * Writes group_get(group)->secret_len bytes of g^xy. Refuses a value of wrong length, outside
 * 2..p-2, not on the curve, of small order, and our own. NULL or why (static text, for the log).
 */
const char *dh_agree(const struct dh_lib *lib, const struct dh *dh, const uint8_t *peer,
                     size_t peer_len, uint8_t secret[KE_MAX]);

/* Bits of the private exponent, for tests of its bound. */
int dh_private_bits(const struct dh *dh);

bool dh_random(uint8_t *out, size_t len); /* for nonces */

#endif
