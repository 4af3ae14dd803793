/*
 * An RSA public key in the layout of RFC 3110 (that of DNS KEY records and of --pubkeyrsa): the
 * length of the exponent in one byte, or 0 and two bytes; the exponent; the modulus.
 *
 * Not for: private keys and doing any arithmetic (secrets).
 */
#ifndef LIB_RSA_PUBLIC_H
#define LIB_RSA_PUBLIC_H

#include <stddef.h>
#include <stdint.h>

#define RSA_PUBLIC_MAX 2051 /* bytes: exponent and modulus of 8192 bits each */
#define RSA_PUBLIC_TEXT (2 + (RSA_PUBLIC_MAX + 2) / 3 * 4 + 1)
#define RSA_FINGERPRINT 65       /* 64 hex digits */
#define RSA_FINGERPRINT_SHORT 16 /* of them, for a person */
#define RSA_BITS_MIN 512
#define RSA_BITS_STRONG 1024 /* below it a key is taken with a warning */
#define RSA_BITS_MAX 8192
#define RSA_BITS_SMALL 3072      /* beyond, OpenSSL takes no exponent of more than 64 bits: it would cost too much */
#define RSA_EXPONENT_BITS_MAX 64

struct rsa_public {
    const uint8_t *exponent;    /* both borrowed, without leading zeros */
    size_t exponent_len;
    const uint8_t *modulus;
    size_t modulus_len;
    unsigned bits;              /* of the modulus */
};

/* Of exponent and modulus: may a key be like that? Skips their leading zeros, and counts bits. NULL, or why not (static text). */
const char *rsa_public_check(struct rsa_public *key);
/* The same of one in this layout. */
const char *rsa_public_parse(struct rsa_public *key, const uint8_t *bytes, size_t len);
/* The same of a text as datatext.h has it; bytes[RSA_PUBLIC_MAX] holds what `key` points into. */
const char *rsa_public_from_text(struct rsa_public *key, uint8_t bytes[RSA_PUBLIC_MAX],
                                 const char *text);

/* The one shape of a key, by which equal ones have equal bytes: no leading zeros. Returns its length. */
size_t rsa_public_encode(const struct rsa_public *key, uint8_t out[RSA_PUBLIC_MAX]);
/* rsa_public_from_text's inverse, of that shape: 0s base64 */
void rsa_public_print(const struct rsa_public *key, char out[RSA_PUBLIC_TEXT]);
/* SHA-256 over that shape, so that people can compare keys */
void rsa_public_fingerprint(const struct rsa_public *key, char out[RSA_FINGERPRINT]);

#endif
