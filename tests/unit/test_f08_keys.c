/*
 * [F8] RSA keys at each of their limits, public and private ones: modulus and exponent too small, too large, even, 0, 1.
 * What is done with them: test_secrets_rsa.c, test_secrets_signature.c; PEM: test_secrets_rsa_pem.c.
 */
#include "rsa_keys.h"

#include "secrets/rsa_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/rsa.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static const char no_layout[] = "not in the layout of RFC 3110: length of the exponent, exponent, modulus";
static const char wrong_size[] = "the modulus of the RSA key has not 512 to 8192 bits";
static const char even[] = "the modulus of the RSA key is even: no RSA key is like that";
static const char no_exponent[] = "the public exponent of the RSA key is 1, even, or not below the modulus: no RSA key is "
                                  "like that";
static const char too_long[] = "the public exponent of the RSA key has more than 64 bits, which with a modulus of more than "
                               "3072 bits is not supported";

/* ---- public keys, as whack, DNS and plutod give them ---- */

/* A number of so many bits: the highest and the lowest are set. */
static size_t put_number(uint8_t *out, unsigned bits)
{
    const size_t len = (bits + 7) / 8;
    memset(out, 0, len);
    out[0] = (uint8_t)(1u << (bits - 1) % 8);
    out[len - 1] |= 1;
    return len;
}

static void says(const uint8_t *bytes, size_t len, const char *want)
{
    struct rsa_public key;
    uint8_t *exact = malloc(len + 1); /* so that AddressSanitizer sees a step beyond */
    assert_non_null(exact);
    memcpy(exact, bytes, len);
    const char *why = rsa_public_parse(&key, exact, len);
    if (want == NULL ? why != NULL : why == NULL || strcmp(why, want) != 0) {
        fail_msg("%zu bytes, %02x %02x...: %s", len, len > 0 ? bytes[0] : 0u, len > 1 ? bytes[1] : 0u,
                 why == NULL ? "was taken" : why);
    }
    if (why == NULL) { /* and it is the same again when it has been written */
        uint8_t written[RSA_PUBLIC_MAX];
        struct rsa_public again;
        assert_null(rsa_public_parse(&again, written, rsa_public_encode(&key, written)));
        assert_true(rsa_public_equal(&again, &key));
    }
    free(exact);
}

static void f8_public_keys_of_no_layout(void **state)
{
    uint8_t bytes[1200] = { 0 };
    (void)state;
    says(bytes, 0, "an empty key");
    for (size_t len = 1; len < 10; len++) { /* lengths of 0, in either form */
        says(bytes, len, no_layout);
    }
    bytes[1] = 3; /* 0, and a length of 768 bytes that are not there */
    says(bytes, 2, no_layout);
    says(bytes, 3, no_layout);
    says(bytes, 3 + 768, no_layout); /* they are, but no modulus */
    memset(bytes, 0xff, sizeof bytes);
    says(bytes, 1, no_layout);
    says(bytes, 1 + 254, no_layout);
    says(bytes, 1 + 255, no_layout);
    says(bytes, 1 + 255 + 1, wrong_size); /* a modulus of one byte */
    bytes[0] = 3;
    says(bytes, 4, no_layout);
}

static void f8_public_keys_at_their_limits(void **state)
{
    static const struct {
        unsigned exponent, modulus; /* bits */
        const char *why;
    } cases[] = {
        { 2, 511, wrong_size }, { 2, 512, NULL }, { 2, 513, NULL }, { 2, 8, wrong_size },
        { 2, 8191, NULL }, { 2, 8192, NULL }, { 2, 8193, wrong_size }, { 2, 16000, wrong_size },
        { 1, 2048, no_exponent }, { 17, 2048, NULL },
        { 511, 512, NULL }, { 512, 512, no_exponent }, { 513, 512, no_exponent }, { 2047, 2048, NULL },
        { 2048, 2048, no_exponent }, { 2049, 2048, no_exponent },
        { 65, 3072, NULL }, { 2040, 3072, NULL }, { 2041, 3072, NULL }, { 2048, 3072, NULL }, { 2049, 3072, NULL },
        { 3071, 3072, NULL }, { 63, 3073, NULL }, { 64, 3073, NULL }, { 65, 3073, too_long },
        { 64, 8192, NULL }, { 65, 8192, too_long }, { 8191, 8192, too_long },
    };
    static uint8_t bytes[3 + 2 * 2100];
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        for (size_t zeros = 0; zeros < 3; zeros++) { /* in front of both, which changes nothing */
            const size_t exponent = (cases[i].exponent + 7) / 8 + zeros;
            memset(bytes, 0, sizeof bytes);
            bytes[1] = (uint8_t)(exponent >> 8);
            bytes[2] = (uint8_t)exponent;
            (void)put_number(bytes + 3 + zeros, cases[i].exponent);
            uint8_t *modulus = bytes + 3 + exponent + zeros;
            const size_t end = put_number(modulus, cases[i].modulus) + (size_t)(modulus - bytes);
            says(bytes, end, cases[i].why);
            bytes[end - 1] &= 0xfe;
            says(bytes, end, cases[i].why == NULL || cases[i].why != wrong_size ? even : wrong_size);
            bytes[end - 1] |= 1;
            if (cases[i].why == NULL) {
                bytes[3 + exponent - 1] &= 0xfe;
                says(bytes, end, no_exponent);
                bytes[3 + exponent - 1] |= 1;
                memset(bytes + 3, 0, exponent);
                says(bytes, end, no_exponent); /* 0 */
            }
        }
    }
}

/* ---- private keys ---- */

/* want NULL: it is taken. */
static void makes(const struct parts *parts, const char *want)
{
    struct rsa_numbers numbers;
    struct rsa_key *key = NULL;
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        const size_t len = (size_t)BN_num_bytes(parts->bn[i]) + (i == 0 ? parts->zeros : 0);
        uint8_t *bytes = malloc(len + 1);
        assert_non_null(bytes);
        assert_int_equal(BN_bn2binpad(parts->bn[i], bytes, (int)len), (int)len);
        numbers.of[i].bytes = bytes;
        numbers.of[i].len = len;
    }
    const char *why = rsa_key_new(&key, &numbers);
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        free((void *)(uintptr_t)numbers.of[i].bytes);
    }
    assert_true((key == NULL) == (why != NULL));
    rsa_key_free(key);
    if (want == NULL ? why != NULL : why == NULL || strcmp(why, want) != 0) {
        fail_msg("expected \"%s\", not \"%s\"", want == NULL ? "a key" : want, why == NULL ? "a key" : why);
    }
}

/* A modulus of so many bits, in the place of the right one. */
static void with_modulus(const struct parts *from, int bits, const char *want)
{
    struct parts parts = *from;
    parts.bn[RSA_MODULUS] = BN_new();
    BN_set_bit(parts.bn[RSA_MODULUS], bits - 1);
    BN_set_bit(parts.bn[RSA_MODULUS], 0);
    makes(&parts, want);
    BN_free(parts.bn[RSA_MODULUS]);
}

static void with_exponent(const struct parts *from, const BIGNUM *exponent, const char *want)
{
    struct parts parts = *from;
    parts.bn[RSA_PUBLIC_EXPONENT] = BN_dup(exponent);
    makes(&parts, want);
    BN_free(parts.bn[RSA_PUBLIC_EXPONENT]);
}

static void f8_private_keys_at_their_limits(void **state)
{
    static const char product[] = "the modulus of the RSA key is not the product of its primes";
    static const char apart[] = "the private exponent of the RSA key does not belong to its public exponent";
    struct parts parts = parts_of(rsa_pem_1024);
    struct parts large = parts_of(rsa_pem_4096);
    BIGNUM *e = BN_new();
    (void)state;
    with_modulus(&parts, 511, wrong_size);
    with_modulus(&parts, 512, product); /* that much was right with it */
    with_modulus(&parts, 8192, product);
    with_modulus(&parts, 8193, wrong_size);
    with_modulus(&parts, 8 * 2 * RSA_SIGNATURE_MAX, wrong_size);
    with_modulus(&parts, 8 * 2 * RSA_SIGNATURE_MAX + 1, "a number of the RSA key has more than 8192 bits");
    parts.zeros = 2 * RSA_SIGNATURE_MAX - 128; /* the length is what is bounded */
    makes(&parts, NULL);
    parts.zeros++;
    makes(&parts, "a number of the RSA key has more than 8192 bits");
    parts.zeros = 0;

    BN_sub(parts.bn[RSA_MODULUS], parts.bn[RSA_MODULUS], BN_value_one());
    makes(&parts, even);
    BN_add(parts.bn[RSA_MODULUS], parts.bn[RSA_MODULUS], BN_value_one());

    with_exponent(&parts, BN_value_one(), no_exponent);
    BN_set_word(e, 2);
    with_exponent(&parts, e, no_exponent);
    BN_set_word(e, 65536);
    with_exponent(&parts, e, no_exponent);
    with_exponent(&parts, parts.bn[RSA_MODULUS], no_exponent);
    BN_add(e, parts.bn[RSA_MODULUS], BN_value_one());
    BN_add(e, e, BN_value_one());
    with_exponent(&parts, e, no_exponent);
    BN_zero(e);
    BN_set_bit(e, 8 * RSA_SIGNATURE_MAX); /* it has a byte more than there is room for */
    BN_set_bit(e, 0);
    with_exponent(&parts, e, no_exponent);
    BN_zero(e);
    BN_set_bit(e, 64); /* 65 bits: that is no matter at 1024 bits of modulus */
    BN_set_bit(e, 0);
    with_exponent(&parts, e, apart);
    with_exponent(&large, e, too_long);
    BN_zero(e);
    BN_set_bit(e, 63);
    BN_set_bit(e, 0);
    with_exponent(&large, e, apart);

    BN_add(parts.bn[RSA_COEFFICIENT], parts.bn[RSA_COEFFICIENT], parts.bn[RSA_PRIME_1]);
    makes(&parts, "the coefficient of the RSA key is not the inverse of its second prime modulo the first");
    BN_free(e);
    parts_free(&large);
    parts_free(&parts);
}

/* ---- blocks that only a key's owner can sign ---- */

/* No hash, and one so long that less than eight bytes of padding are left: right blocks, but for that. */
static void f8_hashes_at_their_limits(void **state)
{
    static const size_t lengths[] = { 0, 1, 52, 53, 54, 61 };
    struct rsa_key *key = rsa_test_key(rsa_pem_512);
    uint8_t block[64];
    uint8_t hash[64];
    uint8_t sig[RSA_SIGNATURE_MAX];
    (void)state;
    memset(hash, 0x5a, sizeof hash);
    for (size_t i = 0; i < LENGTH(lengths); i++) {
        const size_t len = lengths[i];
        memset(block, 0xff, sizeof block);
        block[0] = 0;
        block[1] = 1;
        block[sizeof block - len - 1] = 0;
        memcpy(block + sizeof block - len, hash, len);
        sign_block(key, block, sig);
        const char *why = rsa_check(rsa_key_public(key), hash, len, sig, sizeof block);
        assert_int_equal(why == NULL, len >= 1 && len <= 53);
    }
    rsa_key_free(key);
}

/* The public operation costs the more, the longer the exponent is: of a key that was never parsed, too. */
static void f8_a_key_that_would_take_long(void **state)
{
    uint8_t bytes[1 + 9 + 512];
    uint8_t sig[512] = { 1 };
    struct rsa_public key;
    (void)state;
    memset(bytes, 0xff, sizeof bytes);
    bytes[0] = 9;
    assert_string_equal(rsa_public_parse(&key, bytes, sizeof bytes), too_long);
    const char *why = rsa_check(&key, bytes, 20, sig, sizeof sig);
    assert_non_null(why);
    assert_non_null(strstr(why, "a public exponent above 64 bits, which is not supported"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f8_public_keys_of_no_layout),
        cmocka_unit_test(f8_public_keys_at_their_limits),
        cmocka_unit_test(f8_private_keys_at_their_limits),
        cmocka_unit_test(f8_hashes_at_their_limits),
        cmocka_unit_test(f8_a_key_that_would_take_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
