/* [F8] Forged signatures for keys of exponent 3, made without the private key: what a check that is not strict takes. */
#include "rsa_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/bn.h>

/* Odd, so that it has a cube root modulo powers of 2. */
static const uint8_t hash[20] = "these are twenty, ok";

static const char *check(const struct rsa_key *key, const uint8_t *sig, size_t len)
{
    return rsa_check(rsa_key_public(key), hash, sizeof hash, sig, len);
}

/* The largest number whose cube is not above `of`. */
static void cube_root(BIGNUM *root, const BIGNUM *of, BN_CTX *context)
{
    BIGNUM *cube = BN_new();
    BN_zero(root);
    for (int bit = BN_num_bits(of) / 3 + 1; bit >= 0; bit--) {
        BN_set_bit(root, bit);
        BN_sqr(cube, root, context);
        BN_mul(cube, cube, root, context);
        if (BN_cmp(cube, of) > 0) {
            BN_clear_bit(root, bit);
        }
    }
    BN_free(cube);
}

/* The block that a forgery opens to: nothing of it was reduced. */
static void cube_of(uint8_t *block, size_t size, const BIGNUM *s, BN_CTX *context)
{
    BIGNUM *cube = BN_new();
    BN_sqr(cube, s, context);
    BN_mul(cube, cube, s, context);
    assert_int_equal(BN_bn2binpad(cube, block, (int)size), (int)size);
    BN_free(cube);
}

/* Bleichenbacher 2006: prefix, 00, HASH, and garbage behind it. */
static void forge_garbage_behind(const struct rsa_key *key, size_t padding, const uint8_t *info,
                                 size_t info_len)
{
    size_t size = rsa_key_public(key)->modulus_len;
    uint8_t wanted[RSA_SIGNATURE_MAX];
    uint8_t sig[RSA_SIGNATURE_MAX];
    uint8_t got[RSA_SIGNATURE_MAX];
    size_t head = 3 + padding + info_len + sizeof hash;
    BN_CTX *context = BN_CTX_new();
    BIGNUM *s = BN_new();

    memset(wanted, 0xff, size); /* the root is rounded down, so the garbage absorbs the rest */
    wanted[0] = 0;
    wanted[1] = 1;
    wanted[2 + padding] = 0;
    if (info_len > 0) {
        memcpy(wanted + 3 + padding, info, info_len);
    }
    memcpy(wanted + 3 + padding + info_len, hash, sizeof hash);
    BIGNUM *block = BN_bin2bn(wanted, (int)size, NULL);
    cube_root(s, block, context);
    cube_of(got, size, s, context);
    assert_memory_equal(got, wanted, head); /* it is a forgery for whoever stops reading there */
    assert_int_equal(BN_bn2binpad(s, sig, (int)size), (int)size);
    assert_string_equal(check(key, sig, size), "the signature is not one of this key over this hash");
    BN_free(block);
    BN_free(s);
    BN_CTX_free(context);
}

/* Garbage in the middle of the padding, and 00 HASH at the very end: for whoever looks for it from behind. */
static void forge_garbage_between(const struct rsa_key *key)
{
    size_t size = rsa_key_public(key)->modulus_len;
    const int low_bits = 8 * (sizeof hash + 1);
    uint8_t wanted[RSA_SIGNATURE_MAX];
    uint8_t sig[RSA_SIGNATURE_MAX];
    uint8_t got[RSA_SIGNATURE_MAX];
    BN_CTX *context = BN_CTX_new();
    BIGNUM *s = BN_new();
    BIGNUM *low = BN_new();
    BIGNUM *cube = BN_new();

    assert_int_equal(hash[sizeof hash - 1] & 1, 1);
    BIGNUM *end = BN_bin2bn(hash, sizeof hash, NULL);
    BN_zero(low);
    for (int bit = 0; bit < low_bits; bit++) { /* bit by bit: each odd number has one cube root mod 2^k */
        BN_set_bit(low, bit);
        BN_sqr(cube, low, context);
        BN_mul(cube, cube, low, context);
        if (BN_is_bit_set(cube, bit) != BN_is_bit_set(end, bit)) {
            BN_clear_bit(low, bit);
        }
    }
    memset(wanted, 0, size);
    wanted[1] = 1;
    memset(wanted + 2, 0xff, 10);
    wanted[12] = 0x80; /* what the low part changes is below */
    BIGNUM *block = BN_bin2bn(wanted, (int)size, NULL);
    cube_root(s, block, context);
    BN_rshift(s, s, low_bits);
    BN_lshift(s, s, low_bits);
    BN_add(s, s, low);
    cube_of(got, size, s, context);
    assert_memory_equal(got, wanted, 12);
    assert_int_equal(got[size - sizeof hash - 1], 0);
    assert_memory_equal(got + size - sizeof hash, hash, sizeof hash);
    assert_int_equal(BN_bn2binpad(s, sig, (int)size), (int)size);
    assert_string_equal(check(key, sig, size), "the signature is not one of this key over this hash");
    BN_free(block);
    BN_free(end);
    BN_free(cube);
    BN_free(low);
    BN_free(s);
    BN_CTX_free(context);
}

static void f8_exponent_3(void **state)
{
    /* With parameters that are garbage (CVE-2018-16151), and as it should be. */
    static const uint8_t info[] = { 0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a,
                                    0x05, 0x00, 0x04, 0x14 };
    static const uint8_t odd_info[] = { 0x30, 0x25, 0x30, 0x0d, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02,
                                        0x1a, 0x04, 0x04, 0x99, 0x99, 0x99, 0x99, 0x04, 0x14 };
    static const char *const pems[] = { rsa_pem_1024_e3, rsa_pem_2048_e3 };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rsa_key *key = rsa_test_key(pems[i]);
        static const size_t paddings[] = { 0, 1, 7, 8 };
        for (size_t p = 0; p < 4; p++) {
            forge_garbage_behind(key, paddings[p], NULL, 0);
        }
        if (i == 1) { /* there is room for more in front of the garbage */
            forge_garbage_behind(key, 8, info, sizeof info);
            forge_garbage_behind(key, 8, odd_info, sizeof odd_info);
        }
        forge_garbage_between(key);
        rsa_key_free(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f8_exponent_3),
    };
    return cmocka_run_group_tests_name("secrets_rsa_forged", tests, NULL, NULL);
}
