#include "rsa_public.h"

#include "datatext.h"

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
    skip_zeros(&key->exponent, &key->exponent_len);
    skip_zeros(&key->modulus, &key->modulus_len);
    key->bits = bits_of(key->modulus, key->modulus_len);
    if (key->bits < RSA_BITS_MIN || key->bits > RSA_BITS_MAX) {
        return "its modulus has not 512 to 8192 bits";
    }
    if ((key->modulus[key->modulus_len - 1] & 1) == 0) {
        return "its modulus is even: no RSA key is like that";
    }
    if (bits_of(key->exponent, key->exponent_len) < 2 || (key->exponent[key->exponent_len - 1] & 1) == 0
        || key->exponent_len > key->modulus_len) {
        return "its exponent is 1, even, or longer than the modulus: no RSA key is like that";
    }
    return NULL;
}

const char *rsa_public_from_text(struct rsa_public *key, uint8_t bytes[RSA_PUBLIC_MAX],
                                 const char *text)
{
    size_t len;
    const char *why = datatext_decode(bytes, RSA_PUBLIC_MAX, &len, text);
    return why != NULL ? why : rsa_public_parse(key, bytes, len);
}
