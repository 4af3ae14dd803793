/*
 * What the files that read, make and print RSA keys know of each other. Only for rsa*.c.
 */
#ifndef SECRETS_RSA_INSIDE_H
#define SECRETS_RSA_INSIDE_H

#include "rsa.h"

#include <openssl/evp.h>

/* OpenSSL's names of the numbers. */
extern const char *const rsa_number_names[RSA_NUMBERS];

/* The same as rsa_key_new; takes only the numbers of `from`, which stays the caller's. */
const char *rsa_key_from_pkey(struct rsa_key **key, const EVP_PKEY *from);
EVP_PKEY *rsa_key_pkey(const struct rsa_key *key); /* borrowed */

#endif
