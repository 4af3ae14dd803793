/* Private keys for tests, made once for them; in PKCS #1 form. _e3: the public exponent is 3, else 65537. */
#ifndef TESTS_RSA_KEYS_H
#define TESTS_RSA_KEYS_H

#include "secrets/rsa.h"

#include <openssl/bn.h>

extern const char rsa_pem_512[];
extern const char rsa_pem_512_e3[];
extern const char rsa_pem_1024[];
extern const char rsa_pem_1024_e3[];
extern const char rsa_pem_2048[];
extern const char rsa_pem_2048_e3[];
extern const char rsa_pem_4096[];

struct rsa_key *rsa_test_key(const char *pem); /* the caller frees */

struct parts { /* a key's numbers, to be changed */
    BIGNUM *bn[RSA_NUMBERS];
    size_t zeros; /* in front of the first */
};

struct parts parts_of(const char *pem);
void parts_free(struct parts *parts);

/* The private operation on any block at all, as long as the modulus: what no honest signer does. */
void sign_block(const struct rsa_key *key, const uint8_t *block, uint8_t *sig);

#endif
