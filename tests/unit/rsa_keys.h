/* Private keys for tests, made once for them; in PKCS #1 form. _e3: the public exponent is 3, else 65537. */
#ifndef TESTS_RSA_KEYS_H
#define TESTS_RSA_KEYS_H

#include "secrets/rsa.h"

extern const char rsa_pem_512[];
extern const char rsa_pem_512_e3[];
extern const char rsa_pem_1024[];
extern const char rsa_pem_1024_e3[];
extern const char rsa_pem_2048[];
extern const char rsa_pem_2048_e3[];
extern const char rsa_pem_4096[];

struct rsa_key *rsa_test_key(const char *pem); /* the caller frees */

#endif
