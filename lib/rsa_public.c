#include "rsa_public.h"

#include "datatext.h"

#include <nettle/base16.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <string.h>

static void skip_zeros(const uint8_t **bytes, size_t *len)
{
    while (*len > 0 && **bytes == 0) {
        (*bytes)++;
        (*len)--;
    }
}

static unsigned bits_of(const uint8_t *bytes, size_t len)
{
    unsigned bits = len == 0 ? 0 : (unsigned)(len - 1) * 8;
    for (unsigned first = len == 0 ? 0 : bytes[0]; first != 0; first >>= 1) {
        bits++;
    }
    return bits;
}

static bool is_below_modulus(const struct rsa_public *key)
{
    return key->exponent_len < key->modulus_len
           || (key->exponent_len == key->modulus_len
               && memcmp(key->exponent, key->modulus, key->modulus_len) < 0);
}

static const char modulus_bits[] = "the modulus of the RSA key has not 512 to 8192 bits";

const char *rsa_public_check(struct rsa_public *key)
{
    skip_zeros(&key->exponent, &key->exponent_len);
    skip_zeros(&key->modulus, &key->modulus_len);
    key->bits = bits_of(key->modulus, key->modulus_len);
    unsigned exponent_bits = bits_of(key->exponent, key->exponent_len);
    if (key->bits < RSA_BITS_MIN || key->bits > RSA_BITS_MAX) {
        return modulus_bits;
    }
    if ((key->modulus[key->modulus_len - 1] & 1) == 0) {
        return "the modulus of the RSA key is even: no RSA key is like that";
    }
    if (exponent_bits < 2 || (key->exponent[key->exponent_len - 1] & 1) == 0 || !is_below_modulus(key)) {
        return "the public exponent of the RSA key is 1, even, or not below the modulus: no RSA key is like that";
    }
    if (key->bits > RSA_BITS_SMALL && exponent_bits > RSA_EXPONENT_BITS_MAX) {
        return "the public exponent of the RSA key has more than 64 bits, which with a modulus of more than 3072 bits "
               "is not supported";
    }
    return NULL;
}

const char *rsa_public_parse(struct rsa_public *key, const uint8_t *bytes, size_t len)
{
    size_t head = 1;
    if (len == 0) {
        return "an empty key";
    }
    size_t exponent = bytes[0];
    if (exponent == 0 && len >= 3) {
        head = 3;
        exponent = (size_t)bytes[1] << 8 | bytes[2];
    }
    if (exponent == 0 || len - head <= exponent) {
        return "not in the layout of RFC 3110: length of the exponent, exponent, modulus";
    }
    key->exponent = bytes + head;
    key->exponent_len = exponent;
    key->modulus = bytes + head + exponent;
    key->modulus_len = len - head - exponent;
    return rsa_public_check(key);
}

const char *rsa_public_from_text(struct rsa_public *key, uint8_t bytes[RSA_PUBLIC_MAX],
                                 const char *text)
{
    size_t len;
    const char *why = datatext_decode(bytes, RSA_PUBLIC_MAX, &len, text);
    if (why == datatext_too_long) {
        return modulus_bits;
    }
    return why != NULL ? why : rsa_public_parse(key, bytes, len);
}

size_t rsa_public_encode(const struct rsa_public *key, uint8_t out[RSA_PUBLIC_MAX])
{
    size_t len = 0;
    if (key->exponent_len > 255) {
        out[len++] = 0;
        out[len++] = (uint8_t)(key->exponent_len >> 8);
    }
    out[len++] = (uint8_t)key->exponent_len;
    memcpy(out + len, key->exponent, key->exponent_len);
    len += key->exponent_len;
    memcpy(out + len, key->modulus, key->modulus_len);
    return len + key->modulus_len;
}

void rsa_public_print(const struct rsa_public *key, char out[RSA_PUBLIC_TEXT])
{
    uint8_t bytes[RSA_PUBLIC_MAX];
    size_t len = rsa_public_encode(key, bytes);
    out[0] = '0';
    out[1] = 's';
    base64_encode_raw(out + 2, len, bytes);
    out[2 + BASE64_ENCODE_RAW_LENGTH(len)] = '\0';
}

void rsa_public_fingerprint(const struct rsa_public *key, char out[RSA_FINGERPRINT])
{
    uint8_t bytes[RSA_PUBLIC_MAX];
    uint8_t digest[SHA256_DIGEST_SIZE];
    struct sha256_ctx sha256;
    sha256_init(&sha256);
    sha256_update(&sha256, rsa_public_encode(key, bytes), bytes);
    sha256_digest(&sha256, sizeof digest, digest);
    base16_encode_update(out, sizeof digest, digest);
    out[RSA_FINGERPRINT - 1] = '\0';
}
