/* RSA signatures over a bare HASH: published ones, wrong ones [F8], and ours against OpenSSL's own check. */
#include "rsa_keys.h"

#include "secrets/rsa_inside.h"
#include "lib/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/rsa.h>

#define MUTATIONS 20000u /* RSA_MUTATIONS in the environment says another number */

static size_t from_hex(uint8_t *out, const char *hex)
{
    size_t len = 0;
    for (; hex[0] != '\0'; hex += 2) {
        out[len++] = (uint8_t)(hex_value(hex[0]) << 4 | hex_value(hex[1]));
    }
    return len;
}

static const uint8_t hash[20] = "these are twenty, ok";

static const char *check(const struct rsa_key *key, const uint8_t *sig, size_t len)
{
    return rsa_check(rsa_key_public(key), hash, sizeof hash, sig, len);
}

static void signs_and_checks(void **state)
{
    static const char *const pems[] = { rsa_pem_512, rsa_pem_512_e3, rsa_pem_1024, rsa_pem_1024_e3,
                                        rsa_pem_2048, rsa_pem_2048_e3, rsa_pem_4096 };
    uint8_t sig[RSA_SIGNATURE_MAX];
    size_t len = 0;
    (void)state;
    for (size_t i = 0; i < sizeof pems / sizeof pems[0]; i++) {
        struct rsa_key *key = rsa_test_key(pems[i]);
        assert_null(rsa_sign(key, hash, sizeof hash, sig, &len));
        assert_int_equal(len, rsa_key_public(key)->modulus_len);
        assert_null(check(key, sig, len));
        sig[len - 1] ^= 1;
        assert_non_null(check(key, sig, len));
        rsa_key_free(key);
    }
}

/* NIST CAVS 10.1, SigGen15_186-3: with the DigestInfo as part of what is signed, these are ours too. */
static void published_signatures(void **state)
{
    static const char n[] =
        "a3ecf80ff1804833c36a89a1583f58ef3332476a50a153e73ced17796139636045c131a6b17222ba8848f70150b18dfa"
        "390bfb1670ae982dfbc311fd0ede055564687af3805ca883944bb5ac9ec19b0e0cfbd9a314d70b17080c3d49b50cbf41"
        "7062eb41bd639d67a5fb330ec55a0489fee08eeec97ed487c114b20393fe0aef";
    static const struct {
        const char *digest;
        const char *info;
        const char *message;
        const char *signature;
    } cases[] = {
        { "SHA1", "3021300906052b0e03021a05000414",
          "1018469fda81f41922cfdb2dca679f7f3a286f11ba448ab71e4e02cca994c0242caec9416e57c0cad07cab383193fad3"
          "102ec5ddf0d0550d01ffe63ffc9aab694f6d13d17a034b7db9bb04ebe31e76039270a44a8485e25841d7958cfed53bfe"
          "c27dabb5c72c9d1b23b56cada7b11bf7081797c03c0d3b8227fd991d77ea78cb",
          "147A8797D9D653F52D210135F61BBDFE59698D755B076230F2B252E7792C86121469FAB7B410789DF4F193A76E8BE99A"
          "2162E422C6A56106FA4E2FE5ABAFC542FF1A899D8580F9F6B4CD29A8310CD34964CE22BBAD9618D97E4C36695B246BDD"
          "0C0D5D0C75D044265E6F275A272718B0C2B93974DC76DDCCA985BEF994CE67BD" },
        { "SHA256", "3031300d060960864801650304020105000420",
          "dfce08b64b9ea4014947012670548da4ceeee084dbfe509aac92bf096982b8050153bbdd1c5bd4385226729e9a19773b"
          "05558ce0acdfb74be6fd2fa8bfe36f58a68e89f066f1bd85584f4a27d6e884abf2d727ae683bebd6d295585b1b71dcc6"
          "36491bf910a68670c3882fc60c08db7bff3c59f4f95b13c3d721e329657528d9",
          "8D9D30A87DF0C2F6CD651FCAF2B9AC1296287AD3D4B03132E330F08AB701FC197040D0A261F631E7E34478B592551E1F"
          "682395C9E2B54C8CE8B0C72C1B5A79748CC34F9152730A7F67FAE1225A4CE750F1D5D4E288176DF197E7503C88B5BAEC"
          "EF3ABCF2875F111E6D7F7B4DC8AFA2ED3C1D7AD8E7CF45A77F0B1CB178518402" },
    };
    uint8_t bytes[200];
    uint8_t message[200];
    uint8_t info[100];
    uint8_t sig[RSA_SIGNATURE_MAX];
    struct rsa_public key;
    (void)state;
    size_t len = from_hex(bytes, "021001");
    len += from_hex(bytes + len, n);
    assert_null(rsa_public_parse(&key, bytes, len));
    for (size_t i = 0; i < 2; i++) {
        size_t message_len = from_hex(message, cases[i].message);
        size_t info_len = from_hex(info, cases[i].info);
        size_t digest_len = 0;
        assert_int_equal(EVP_Q_digest(NULL, cases[i].digest, NULL, message, message_len,
                                      info + info_len, &digest_len), 1);
        assert_int_equal(from_hex(sig, cases[i].signature), 128);
        assert_null(rsa_check(&key, info, info_len + digest_len, sig, 128));
        assert_non_null(rsa_check(&key, info + info_len, digest_len, sig, 128)); /* [F8] */
    }
}

static void f8_lengths(void **state)
{
    struct rsa_key *key = rsa_test_key(rsa_pem_1024);
    uint8_t sig[RSA_SIGNATURE_MAX + 1] = { 0 };
    size_t len = 0;
    (void)state;
    assert_null(rsa_sign(key, hash, sizeof hash, sig + 1, &len));
    for (size_t i = 0; i < sizeof sig; i++) {
        assert_true(i == len || check(key, sig + 1, i) != NULL);
    }
    assert_non_null(check(key, sig, len + 1)); /* a zero in front */
    assert_non_null(check(key, sig, len));
    assert_non_null(rsa_check(rsa_key_public(key), hash, 0, sig + 1, len));
    assert_non_null(rsa_check(rsa_key_public(key), hash, sizeof hash - 1, sig + 1, len));
    rsa_key_free(key);
}

static void f8_numbers(void **state)
{
    struct rsa_key *key = rsa_test_key(rsa_pem_1024_e3);
    const struct rsa_public *public = rsa_key_public(key);
    uint8_t sig[RSA_SIGNATURE_MAX] = { 0 };
    size_t len = public->modulus_len;
    (void)state;
    assert_non_null(check(key, sig, len)); /* 0 */
    sig[len - 1] = 1;
    assert_non_null(check(key, sig, len));
    memcpy(sig, public->modulus, len); /* n, and n - 1 */
    assert_string_equal(check(key, sig, len), "the signature is no number below the key's modulus");
    sig[len - 1] ^= 1;
    assert_string_equal(check(key, sig, len), "the signature is not one of this key over this hash");
    memset(sig, 0xff, sizeof sig);
    assert_non_null(check(key, sig, len));
    /* A good one, and the same plus n: where there is room for it in as many bytes. */
    BIGNUM *s = BN_new();
    BIGNUM *n = BN_bin2bn(public->modulus, (int)len, NULL);
    for (uint8_t i = 0; i < 64; i++) {
        uint8_t other[20] = { i };
        size_t made = 0;
        assert_null(rsa_sign(key, other, sizeof other, sig, &made));
        assert_non_null(BN_bin2bn(sig, (int)made, s));
        assert_int_equal(BN_add(s, s, n), 1);
        if ((size_t)BN_num_bytes(s) == len) {
            assert_int_equal(BN_bn2binpad(s, sig, (int)len), (int)len);
            assert_string_equal(rsa_check(public, other, sizeof other, sig, len),
                                "the signature is no number below the key's modulus");
            i = 64;
        }
    }
    BN_free(n);
    BN_free(s);
    rsa_key_free(key);
}

/* Every block but the one right one, signed by the key itself. */
static void f8_blocks(void **state)
{
    static const uint8_t sha1_info[] = { 0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02,
                                         0x1a, 0x05, 0x00, 0x04, 0x14 };
    struct rsa_key *key = rsa_test_key(rsa_pem_1024);
    const size_t size = 128;
    uint8_t right[128];
    uint8_t block[128];
    uint8_t sig[RSA_SIGNATURE_MAX];
    (void)state;

    memset(right, 0xff, size);
    right[0] = 0;
    right[1] = 1;
    right[size - sizeof hash - 1] = 0;
    memcpy(right + size - sizeof hash, hash, sizeof hash);
    sign_block(key, right, sig);
    assert_null(check(key, sig, size));

    for (size_t i = 0; i < size; i++) { /* any byte wrong; the first: only if it stays below n */
        memcpy(block, right, size);
        block[i] ^= i == 0 ? 1 : 0x80;
        sign_block(key, block, sig);
        assert_non_null(check(key, sig, size));
    }
    for (uint8_t type = 0; type < 4; type++) { /* block types 0 and 2 */
        memcpy(block, right, size);
        block[1] = type;
        sign_block(key, block, sig);
        assert_true((check(key, sig, size) == NULL) == (type == 1));
    }
    memcpy(block, right, size); /* with a DigestInfo */
    memcpy(block + size - sizeof hash - sizeof sha1_info, sha1_info, sizeof sha1_info);
    block[size - sizeof hash - sizeof sha1_info - 1] = 0;
    sign_block(key, block, sig);
    assert_non_null(check(key, sig, size));

    for (size_t padding = 0; padding < size - 3 - sizeof hash; padding++) { /* the hash not at the end */
        memset(block, 0, size);
        block[1] = 1;
        memset(block + 2, 0xff, padding);
        memcpy(block + 3 + padding, hash, sizeof hash);
        sign_block(key, block, sig);
        assert_non_null(check(key, sig, size));
    }
    for (size_t cut = 1; cut <= sizeof hash; cut++) { /* the hash cut short, from either end */
        memset(block, 0xff, size);
        block[0] = 0;
        block[1] = 1;
        block[size - sizeof hash + cut - 1] = 0;
        memcpy(block + size - sizeof hash + cut, hash, sizeof hash - cut);
        sign_block(key, block, sig);
        assert_non_null(check(key, sig, size));
        memcpy(block + size - sizeof hash + cut, hash + cut, sizeof hash - cut);
        sign_block(key, block, sig);
        assert_non_null(check(key, sig, size));
    }
    rsa_key_free(key);
}

static void f8_key_too_small(void **state)
{
    static const uint8_t long_hash[64] = "a HASH of SHA2-512";
    struct rsa_key *key = rsa_test_key(rsa_pem_512);
    uint8_t sig[RSA_SIGNATURE_MAX] = { 0 };
    size_t len = 7;
    (void)state;
    const char *why = rsa_sign(key, long_hash, sizeof long_hash, sig, &len);
    assert_non_null(strstr(why, "too small for this hash"));
    assert_int_equal(len, 0);
    assert_ptr_equal(rsa_check(rsa_key_public(key), long_hash, sizeof long_hash, sig, 64), why);
    for (size_t i = 1; i <= 64; i++) { /* 64 bytes hold a hash of 53 */
        assert_true((rsa_sign(key, long_hash, i, sig, &len) == NULL) == (i <= 53));
    }
    rsa_key_free(key);
}

/* ---- ours against OpenSSL's ---- */

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void agrees_with_openssl(void **state)
{
    const char *wanted = getenv("RSA_MUTATIONS");
    const unsigned long count = wanted == NULL ? MUTATIONS : strtoul(wanted, NULL, 10);
    struct rsa_key *key = rsa_test_key(rsa_pem_512);
    struct rsa_key *key_3 = rsa_test_key(rsa_pem_512_e3);
    EVP_PKEY_CTX *theirs[2];
    const size_t size = 64;
    unsigned long good = 0;
    uint64_t seed = 20261128;
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        theirs[i] = EVP_PKEY_CTX_new_from_pkey(NULL, rsa_key_pkey(i == 0 ? key : key_3), NULL);
        assert_int_equal(EVP_PKEY_verify_init(theirs[i]), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(theirs[i], RSA_PKCS1_PADDING), 1);
    }
    assert_true(count > 0);
    for (unsigned long i = 0; i < count; i++) {
        const struct rsa_key *k = i % 2 == 0 ? key : key_3;
        uint8_t block[64];
        uint8_t sig[RSA_SIGNATURE_MAX] = { 0 };
        uint8_t h[53];
        size_t hash_len = 16 + draw(&seed) % 38;
        size_t len = size;
        for (size_t j = 0; j < hash_len; j++) {
            h[j] = (uint8_t)draw(&seed);
        }
        memset(block, 0xff, size);
        block[0] = 0;
        block[1] = 1;
        block[size - hash_len - 1] = 0;
        memcpy(block + size - hash_len, h, hash_len);
        unsigned kind = (unsigned)draw(&seed) % 8;
        if (kind < 4) { /* what is signed */
            for (unsigned j = 0; j < kind; j++) {
                block[1 + draw(&seed) % (size - 1)] = (uint8_t)draw(&seed);
            }
        }
        sign_block(k, block, sig);
        if (kind >= 4 && kind < 7) { /* the signature */
            for (unsigned j = 4; j <= kind; j++) {
                sig[draw(&seed) % size] ^= (uint8_t)(1u << draw(&seed) % 8);
            }
        } else if (kind == 7) { /* the hash, or a length */
            h[draw(&seed) % hash_len] ^= (uint8_t)(draw(&seed) % 2);
            len = draw(&seed) % 4 == 0 ? draw(&seed) % (size + 2) : size;
        }
        bool ours = rsa_check(rsa_key_public(k), h, hash_len, sig, len) == NULL;
        bool other = EVP_PKEY_verify(theirs[i % 2], sig, len, h, hash_len) == 1;
        /* OpenSSL takes a number whose leading zeros were left out; the length is to be exact here. */
        if (ours != (other && len == size)) {
            fail_msg("mutation %lu of kind %u: ours says %d, OpenSSL %d", i, kind, ours, other);
        }
        good += ours ? 1 : 0;
    }
    assert_true(count < 100 || (good > count / 16 && good < count / 2)); /* it does compare something */
    EVP_PKEY_CTX_free(theirs[1]);
    EVP_PKEY_CTX_free(theirs[0]);
    rsa_key_free(key_3);
    rsa_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_and_checks),
        cmocka_unit_test(published_signatures),
        cmocka_unit_test(f8_lengths),
        cmocka_unit_test(f8_numbers),
        cmocka_unit_test(f8_blocks),
        cmocka_unit_test(f8_key_too_small),
        cmocka_unit_test(agrees_with_openssl),
    };
    return cmocka_run_group_tests_name("secrets_rsa", tests, NULL, NULL);
}
