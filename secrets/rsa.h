/*
 * RSA keys and signatures as IKEv1 has them: PKCS #1 block type 1 over the bare HASH, without a
 * DigestInfo (RFC 2409, 5.1).
 *
 * A private key is checked when it is made: its numbers belong together, and a signature of it is right.
 * Its numbers lie in OpenSSL's structures, which wipe them when they are freed; that no page of them
 * is swapped or dumped is main.c's doing, for all of the process's memory at once. Not for: the text
 * forms of keys (rsa_pem.h, entry.h), and whose key is whose (store.h).
 */
#ifndef SECRETS_RSA_H
#define SECRETS_RSA_H

#include "rsa_public.h"

#include <stdbool.h>

#define RSA_SIGNATURE_MAX (RSA_BITS_MAX / 8)

enum rsa_number { /* in the order of ipsec.secrets [K1], and of PKCS #1 */
    RSA_MODULUS, RSA_PUBLIC_EXPONENT, RSA_PRIVATE_EXPONENT, RSA_PRIME_1, RSA_PRIME_2,
    RSA_EXPONENT_1, RSA_EXPONENT_2, RSA_COEFFICIENT, RSA_NUMBERS
};

struct rsa_numbers { /* big-endian, borrowed; leading zeros do not matter */
    struct {
        const uint8_t *bytes;
        size_t len;
    } of[RSA_NUMBERS];
};

struct rsa_key;

struct key_work { /* that keys which are read together may still be */
    uint64_t iterations; /* of the derivations from their passphrases (rsa_pem.h) */
    uint64_t checks;     /* of their numbers */
};
#define KEY_CHECKS_OF_LOAD 3300000u /* some seconds: 700 keys of 4096 bits, 100 of 8192, thousands of 2048 */

/* Takes off what checking this key is going to cost. NULL, or why it may not be. */
const char *rsa_work_take(struct key_work *work, const struct rsa_numbers *numbers);

/*
 * Refuses numbers that do not belong together, and keys of less than 512 or more than 8192 bits.
 * NULL, or why (static text that holds nothing of the key). The caller frees *key.
 */
const char *rsa_key_new(struct rsa_key **key, const struct rsa_numbers *numbers);
void rsa_key_free(struct rsa_key *key); /* wipes; NULL is allowed */

/* Borrowed. */
const struct rsa_public *rsa_key_public(const struct rsa_key *key);
bool rsa_public_equal(const struct rsa_public *a, const struct rsa_public *b);

/* Is there room for a HASH of so many bytes in a block as long as the modulus? NULL, or why not (static text). */
const char *rsa_holds(size_t modulus_len, size_t len);

/*
 * A signature of rsa_key_public(key)->modulus_len bytes. Blinded, and checked before it is let go: one
 * that went wrong would give the key away. NULL, or why (static text).
 */
const char *rsa_sign(const struct rsa_key *key, const uint8_t *hash, size_t len,
                     uint8_t sig[RSA_SIGNATURE_MAX], size_t *sig_len);

/*
 * The whole block that the signature has to be is built, and compared with what it is: nothing of
 * the peer's is parsed. NULL: good; else why not (static text).
 */
const char *rsa_check(const struct rsa_public *key, const uint8_t *hash, size_t len,
                      const uint8_t *sig, size_t sig_len);

#endif
