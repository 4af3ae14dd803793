/*
 * F18: key files whose PEM is right and what is in it is not: numbers that are none, too many, too few, something behind
 * them; a passphrase that would take too long. Cut ones, wrong passphrases, other algorithms: test_secrets_rsa_pem.c.
 */
#include "rsa_keys.h"

#include "secrets/rsa_inside.h"
#include "secrets/rsa_pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

static const char damaged[] = "the key is cut off or damaged";

/* said NULL: it is a key. */
static void expect_der(const char *name, const uint8_t *der, size_t len, const char *passphrase, const char *said)
{
    struct rsa_key *key = NULL;
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio(bio, name, "", der, (long)len) > 0);
    const size_t text_len = (size_t)BIO_get_mem_data(bio, &text);
    const char *why = rsa_pem_read(&key, text, text_len, passphrase, NULL);
    assert_true((key == NULL) == (why != NULL));
    rsa_key_free(key);
    BIO_free(bio);
    if (said == NULL ? why != NULL : why == NULL || strstr(why, said) == NULL) {
        fail_msg("expected %s, not %s", said == NULL ? "a key" : said, why == NULL ? "a key" : why);
    }
}

/* ---- RSAPrivateKey: RFC 8017, A.1.2 ---- */

struct der { /* what is inside of the SEQUENCE */
    size_t len;
    uint8_t bytes[4000];
};

static void add(struct der *d, const void *bytes, size_t len)
{
    assert_true(d->len + len <= sizeof d->bytes);
    memcpy(d->bytes + d->len, bytes, len);
    d->len += len;
}

static void add_number(struct der *d, const BIGNUM *number)
{
    unsigned char *der = NULL;
    ASN1_INTEGER *integer = BN_to_ASN1_INTEGER(number, NULL);
    int len = i2d_ASN1_INTEGER(integer, &der);
    assert_true(len > 0);
    add(d, der, (size_t)len);
    OPENSSL_free(der);
    ASN1_INTEGER_free(integer);
}

static void expect(const struct der *d, const char *behind, const char *said)
{
    struct der whole = { .len = 0 };
    const uint8_t head[] = { 0x30, 0x82, (uint8_t)(d->len >> 8), (uint8_t)d->len };
    add(&whole, head, sizeof head);
    add(&whole, d->bytes, d->len);
    add(&whole, behind, strlen(behind));
    expect_der(PEM_STRING_RSA, whole.bytes, whole.len, NULL, said);
}

struct numbers {
    BIGNUM *of[1 + RSA_NUMBERS]; /* the version first */
};

/* `odd`: the place of one that `instead` stands for; `count`: so many of them. */
static struct der der_of(const struct numbers *n, size_t count, size_t odd, const char *instead)
{
    struct der d = { .len = 0 };
    for (size_t i = 0; i < count; i++) {
        if (i == odd) {
            add(&d, instead, strlen(instead));
        } else {
            add_number(&d, n->of[i <= RSA_NUMBERS ? i : 1]);
        }
    }
    return d;
}

#define NONE 99u

static void f18_numbers_of_pem(void **state)
{
    static const char *const no_numbers[] = { "\x04\x01x", "\x01\x01\xff", "\x0a\x01\x05", "\x02\x81", "\x05" };
    struct numbers n = { { BN_new() } };
    struct rsa_key *key = rsa_test_key(rsa_pem_1024);
    struct der d;
    (void)state;
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        assert_int_equal(EVP_PKEY_get_bn_param(rsa_key_pkey(key), rsa_number_names[i], &n.of[1 + i]), 1);
    }
    rsa_key_free(key);
    for (size_t count = 0; count <= 12; count++) { /* 9 are right */
        d = der_of(&n, count, NONE, "");
        expect(&d, "", count == 9 ? NULL : damaged);
    }
    d = der_of(&n, 9, NONE, "");
    expect(&d, "", NULL);
    expect(&d, "\x02\x01\x05", damaged); /* something behind it */
    expect(&d, "x", damaged);
    d = der_of(&n, 10, 9, "\x30\x03\x02\x01\x05");
    expect(&d, "", "more than two primes");
    static const char *const versions[] = { "\x02\x01\x01", "\x02\x01\x02", "\x02\x01\x07", "\x02\x02\x01\x01",
                                            "\x02\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01" };
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        d = der_of(&n, 9, 0, versions[i]);
        expect(&d, "", "the version of the RSA key");
    }
    for (size_t i = 0; i < 9; i++) {
        for (size_t j = 0; j < sizeof no_numbers / sizeof no_numbers[0]; j++) {
            d = der_of(&n, 9, i, no_numbers[j]);
            expect(&d, "", damaged);
        }
        if (i > 0) { /* as large, and below 0 */
            BN_set_negative(n.of[i], 1);
            d = der_of(&n, 9, NONE, "");
            expect(&d, "", damaged);
            BN_set_negative(n.of[i], 0);
        }
    }
    d = der_of(&n, 9, NONE, "");
    expect(&d, "", NULL);
    for (size_t i = 0; i <= RSA_NUMBERS; i++) {
        BN_free(n.of[i]);
    }
}

/* ---- passphrases ---- */

static void sealed_is(X509_ALGOR *algorithm, const char *said)
{
    unsigned char data[64] = { 0 };
    X509_SIG *sealed = X509_SIG_new();
    X509_ALGOR *to = NULL;
    ASN1_OCTET_STRING *octets = NULL;
    unsigned char *der = NULL;
    assert_non_null(algorithm);
    X509_SIG_getm(sealed, &to, &octets);
    assert_int_equal(X509_ALGOR_copy(to, algorithm), 1);
    assert_int_equal(ASN1_OCTET_STRING_set(octets, data, sizeof data), 1);
    int len = i2d_X509_SIG(sealed, &der);
    assert_true(len > 0);
    expect_der(PEM_STRING_PKCS8, der, (size_t)len, "x", said);
    OPENSSL_free(der);
    X509_SIG_free(sealed);
    X509_ALGOR_free(algorithm);
}

static void f18_passphrases_at_their_limit(void **state)
{
    static const char slow[] = "would take too long";
    unsigned char salt[8] = { 's', 'a', 'l', 't', 's', 'a', 'l', 't' };
    (void)state;
    sealed_is(PKCS5_pbe2_set_iv(EVP_aes_128_cbc(), 2000000, salt, 8, NULL, -1), "wrong, or the key is damaged");
    sealed_is(PKCS5_pbe2_set_iv(EVP_aes_128_cbc(), 2000001, salt, 8, NULL, -1), slow);
    /* The schemes of old, which count too. */
    static const int schemes[] = { NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_pbeWithMD5AndDES_CBC,
                                   NID_pbe_WithSHA1And40BitRC2_CBC };
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        sealed_is(PKCS5_pbe_set(schemes[i], 2000001, salt, 8), slow);
        sealed_is(PKCS5_pbe_set(schemes[i], 0x7fffffff, salt, 8), slow);
        sealed_is(PKCS5_pbe_set(schemes[i], 2048, salt, 8), "wrong, or the key is damaged");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f18_numbers_of_pem),
        cmocka_unit_test(f18_passphrases_at_their_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
