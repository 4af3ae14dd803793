/*
 * Protection of ISAKMP messages: keys out of SKEYID_e, IVs, CBC, HASH(1..3).
 *
 * RFC 2409, 5 (hashes), 5.3 and appendix B (keys and IVs). Not for: SKEYID and everything that
 * needs g^xy or a PSK (that is made in secrets).
 */
#ifndef CRYPT_H
#define CRYPT_H

#include "algorithm.h"
#include "bounds.h"
#include "prf.h"

#define IV_MAX 16
#define ISAKMP_KEY_MAX 32

/* What protects one ISAKMP SA. */
struct isakmp_keys {
    const struct cipher *cipher;
    const struct hash *hash;
    uint8_t skeyid_a[HASH_MAX];
    uint8_t key[ISAKMP_KEY_MAX];
};

/* Takes SKEYID_a and SKEYID_e, each of the hash's length. */
void isakmp_keys_make(struct isakmp_keys *k, const struct ike_suite *suite,
                      const uint8_t *skeyid_a, const uint8_t *skeyid_e);
void isakmp_keys_wipe(struct isakmp_keys *k);

/* The IV of the first encrypted message: hash(g^xi | g^xr). */
void iv_phase1(const struct ike_suite *suite, const struct part *g_xi, const struct part *g_xr,
               uint8_t iv[IV_MAX]);
/* The first IV of a phase 2 exchange: hash(last phase 1 block | M-ID). */
void iv_phase2(const struct isakmp_keys *k, const uint8_t last_block[IV_MAX], uint32_t message_id,
               uint8_t iv[IV_MAX]);

/* In place; len is a multiple of the block. The IV becomes the last block of ciphertext. */
void isakmp_encrypt(const struct isakmp_keys *k, uint8_t iv[IV_MAX], uint8_t *bytes, size_t len);
void isakmp_decrypt(const struct isakmp_keys *k, uint8_t iv[IV_MAX], uint8_t *bytes, size_t len);

/* prf(SKEYID_a, parts); HASH(1), HASH(2) and HASH(3) differ in the parts. */
void isakmp_hash(const struct isakmp_keys *k, const struct part *parts, size_t count,
                 uint8_t out[HASH_MAX]);

#endif
