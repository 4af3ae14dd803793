/* Private RSA keys in PEM: which texts are taken, how the others are named, and how long a passphrase may take. */
#include "rsa_keys.h"

#include "secrets/rsa_inside.h"
#include "secrets/rsa_pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

static char *as_pem(const char *pem, bool pkcs8, const EVP_CIPHER *cipher, size_t *len)
{
    struct rsa_key *key = rsa_test_key(pem);
    EVP_PKEY *pkey = rsa_key_pkey(key);
    BIO *bio = BIO_new(BIO_s_mem());
    const unsigned char word[] = "open sesame";
    int size = cipher == NULL ? 0 : (int)sizeof word - 1;
    char *text = NULL;
    assert_int_equal(pkcs8 ? PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher, (const char *)word, size,
                                                           NULL, NULL)
                           : PEM_write_bio_PrivateKey_traditional(bio, pkey, cipher, word, size, NULL,
                                                                  NULL), 1);
    *len = (size_t)BIO_get_mem_data(bio, &text);
    text = strndup(text, *len);
    BIO_free(bio);
    rsa_key_free(key);
    return text;
}

static void expect(const char *text, const char *passphrase, const char *said)
{
    struct rsa_key *key = NULL;
    const char *why = rsa_pem_read(&key, text, strlen(text), passphrase, NULL);
    assert_true((key == NULL) == (why != NULL));
    if (said == NULL ? why != NULL : why == NULL || strstr(why, said) == NULL) {
        fail_msg("expected %s, not %s", said == NULL ? "a key" : said, why == NULL ? "a key" : why);
    }
    rsa_key_free(key);
}

static void pem_forms(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        size_t len = 0;
        bool encrypted = i % 2 == 1;
        char *text = as_pem(rsa_pem_1024, i >= 2, encrypted ? EVP_aes_128_cbc() : NULL, &len);
        expect(text, encrypted ? "open sesame" : NULL, NULL);
        expect(text, "open sesam", encrypted ? "passphrase of the key is wrong" : NULL);
        expect(text, "", encrypted ? "passphrase of the key is wrong" : NULL);
        expect(text, NULL, encrypted ? "expected its passphrase" : NULL);
        for (size_t cut = 0; cut + 2 < len; cut += 13) { /* behind the last dash nothing is missing */
            struct rsa_key *key = NULL;
            const char *why = rsa_pem_read(&key, text, cut, "open sesame", NULL);
            assert_null(key);
            assert_true(cut < 11 ? strstr(why, "in PEM form") != NULL : strstr(why, "damaged") != NULL);
        }
        free(text);
    }
}

static void pem_written_reads_again(void **state)
{
    struct rsa_key *key = rsa_test_key(rsa_pem_2048);
    struct rsa_key *again = NULL;
    struct buffer out;
    (void)state;
    buffer_init(&out, 0);
    assert_true(rsa_pem_write(&out, key, true));
    assert_null(rsa_pem_read(&again, (const char *)out.data, out.len, NULL, NULL));
    assert_true(rsa_public_equal(rsa_key_public(key), rsa_key_public(again)));
    rsa_key_free(again);
    buffer_wipe(&out);
    assert_true(rsa_pem_write(&out, key, false));
    assert_null(memmem(out.data, out.len, "PRIVATE", 7));
    assert_string_equal(rsa_pem_read(&again, (const char *)out.data, out.len, NULL, NULL),
                        "expected a private key: there is only a public one in the file");
    buffer_wipe(&out);
    rsa_key_free(key);
}

static void pem_of_something_else(void **state)
{
    static const char ec[] = /* and the block that stands before such keys */
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n";
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    (void)state;
    expect(ec, NULL, "of another algorithm");
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    long len = BIO_get_mem_data(bio, &text);
    text = strndup(text, (size_t)len);
    expect(text, NULL, "of another algorithm");
    free(text);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    expect("-----BEGIN OPENSSH PRIVATE KEY-----\nMAA=\n-----END OPENSSH PRIVATE KEY-----\n", NULL,
           "ssh-keygen -p -m PEM -f FILE");
    expect("-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n", NULL, "damaged");
    expect("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n", NULL, "damaged");
    expect("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n", NULL,
           "damaged");
    expect("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: NO-SUCH,00\n\nMAA=\n"
           "-----END RSA PRIVATE KEY-----\n", "x", "by a cipher that OpenSSL has");
    expect("", NULL, "in PEM form");
    expect("\n\n@a : PSK \"x\"\n", NULL, "in PEM form");
}

/* The texts one after the other. */
static void expect_together(const char *a, const char *b, const char *c, const char *passphrase, const char *said)
{
    char *text = NULL;
    assert_true(asprintf(&text, "%s%s%s", a, b, c) > 0);
    expect(text, passphrase, said);
    free(text);
}

static char *other_private_key(const char *algorithm)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, algorithm);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    const long len = BIO_get_mem_data(bio, &text);
    text = strndup(text, (size_t)len);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return text;
}

/* Of all that stands in a file the private RSA key is taken, if there is one only. */
static void pem_of_several_things(void **state)
{
    static const char ec[] = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
                             "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n";
    static const char public[] = "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n";
    static const char certificate[] = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    static const char openssh[] = "-----BEGIN OPENSSH PRIVATE KEY-----\nMAA=\n-----END OPENSSH PRIVATE KEY-----\n";
    static const char cut[] = "-----BEGIN RSA PRIVATE KEY-----\nMAA=\n";
    char *const ed25519 = other_private_key("ED25519");
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        size_t len = 0;
        const bool encrypted = i % 2 == 1;
        const char *word = encrypted ? "open sesame" : NULL;
        char *rsa = as_pem(rsa_pem_1024, i >= 2, encrypted ? EVP_aes_128_cbc() : NULL, &len);
        expect_together(ed25519, rsa, "", word, NULL);
        expect_together(ec, rsa, ed25519, word, NULL);
        expect_together(public, certificate, rsa, word, NULL);
        expect_together(rsa, ec, public, word, NULL);
        expect_together(rsa, certificate, cut, word, NULL);
        expect_together(ed25519, rsa, "", "wrong", encrypted ? "passphrase of the key is wrong" : NULL);
        expect_together(ed25519, rsa, "", NULL, encrypted ? "expected its passphrase" : NULL);
        expect_together(rsa, certificate, rsa, word, i == 3 ? "several private keys" : "there are several in the file");
        expect_together(rsa_pem_512, ec, rsa, word, i == 3 ? "several private keys" : "there are several in the file");
        expect_together(openssh, rsa, "", word, "several private keys");
        free(rsa);
    }
    expect_together(certificate, certificate, "", NULL, "only a certificate");
    expect_together(public, certificate, "", NULL, "only other things");
    expect_together(certificate, ed25519, "", NULL, "of another algorithm");
    expect_together(ed25519, cut, "", NULL, "damaged");
    expect_together(certificate, openssh, ec, NULL, "ssh-keygen -p -m PEM -f FILE");
    free(ed25519);
}

static void more_than_two_primes(void **state)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    struct rsa_key *key = NULL;
    char *text = NULL;
    (void)state;
    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(context, 1024), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_primes(context, 3), 1);
    assert_int_equal(EVP_PKEY_generate(context, &pkey), 1);
    assert_non_null(strstr(rsa_key_from_pkey(&key, pkey), "more than two primes"));
    for (unsigned i = 0; i < 2; i++) {
        BIO *bio = BIO_new(BIO_s_mem());
        assert_int_equal(i == 0 ? PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)
                                : PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL),
                         1);
        long len = BIO_get_mem_data(bio, &text);
        text = strndup(text, (size_t)len);
        expect(text, NULL, "more than two primes");
        free(text);
        BIO_free(bio);
    }
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(context);
}

/* Encrypted so; takes the algorithm. */
static void expect_too_slow(X509_ALGOR *algorithm)
{
    unsigned char data[64] = { 0 };
    X509_SIG *sealed = X509_SIG_new();
    X509_ALGOR *to = NULL;
    ASN1_OCTET_STRING *octets = NULL;
    unsigned char *der = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    assert_non_null(algorithm);
    X509_SIG_getm(sealed, &to, &octets);
    assert_int_equal(X509_ALGOR_copy(to, algorithm), 1);
    assert_int_equal(ASN1_OCTET_STRING_set(octets, data, sizeof data), 1);
    int der_len = i2d_X509_SIG(sealed, &der);
    assert_true(der_len > 0);
    assert_true(PEM_write_bio(bio, PEM_STRING_PKCS8, "", der, der_len) > 0);
    long len = BIO_get_mem_data(bio, &text);
    text = strndup(text, (size_t)len);
    expect(text, "x", "would take too long");
    expect(text, NULL, "would take too long"); /* nobody need be asked */
    free(text);
    OPENSSL_free(der);
    BIO_free(bio);
    X509_SIG_free(sealed);
    X509_ALGOR_free(algorithm);
}

/* 2^31 - 1 iterations of PBKDF2 would take half an hour; scrypt within its memory, an hour. */
static void f18_slow_passphrase(void **state)
{
    unsigned char salt[] = "saltsalt";
    (void)state;
    expect_too_slow(PKCS5_pbe2_set_iv(EVP_aes_128_cbc(), 0x7fffffff, salt, 8, NULL, -1));
    expect_too_slow(PKCS5_pbe2_set_scrypt(EVP_aes_128_cbc(), salt, 8, NULL, 32768, 1, 200000));
}

/* What may be spent is spent once, and by what is tried only. */
static void f18_many_slow_passphrases(void **state)
{
    struct rsa_key *key = NULL;
    size_t len = 0;
    char *text = as_pem(rsa_pem_512, true, EVP_aes_128_cbc(), &len); /* 2048 iterations */
    struct key_work work = { .iterations = 5000, .checks = KEY_CHECKS_OF_LOAD };
    (void)state;
    assert_string_equal(rsa_pem_read(&key, text, len, NULL, &work), rsa_pem_read(&key, text, len, NULL, NULL));
    assert_int_equal(work.iterations, 5000);
    assert_non_null(rsa_pem_read(&key, text, len, "open", &work));
    assert_int_equal(work.iterations, 5000 - 2048);
    assert_null(rsa_pem_read(&key, text, len, "open sesame", &work));
    rsa_key_free(key);
    assert_int_equal(work.iterations, 5000 - 2 * 2048);
    assert_non_null(strstr(rsa_pem_read(&key, text, len, "open sesame", &work), "took all the time that there is"));
    assert_null(key);
    assert_int_equal(work.iterations, 5000 - 2 * 2048);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pem_forms),
        cmocka_unit_test(pem_written_reads_again),
        cmocka_unit_test(pem_of_something_else),
        cmocka_unit_test(pem_of_several_things),
        cmocka_unit_test(more_than_two_primes),
        cmocka_unit_test(f18_slow_passphrase),
        cmocka_unit_test(f18_many_slow_passphrases),
    };
    return cmocka_run_group_tests_name("secrets_rsa_pem", tests, NULL, NULL);
}
