/*
 * The private operation is blinded: OpenSSL multiplies what is signed by a random number first, or the time that it
 * takes would tell of the key to whoever lets us sign much. Seen by the randomness that this takes, as nothing
 * else of such a signature does.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* there is no other way to be asked for OpenSSL's randomness */

#include "rsa_keys.h"

#include "secrets/rsa_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/rand.h>

#define SIGNATURES 100 /* a number serves for some, squared between them: 32 in OpenSSL 3.0 */

static size_t drawn; /* bytes; OpenSSL gives its callback no context */

static int draw(unsigned char *bytes, int len)
{
    for (int i = 0; i < len; i++) {
        bytes[i] = (unsigned char)(i * 7 + 1);
    }
    drawn += (size_t)len;
    return 1;
}

static int is_seeded(void)
{
    return 1;
}

static void sign(const struct rsa_key *key)
{
    static const uint8_t hash[20] = "these are twenty, ok";
    uint8_t sig[RSA_SIGNATURE_MAX];
    size_t len;
    assert_null(rsa_sign(key, hash, sizeof hash, sig, &len));
}

static void a_signature_is_blinded(void **state)
{
    static const RAND_METHOD counting = { .bytes = draw, .pseudorand = draw, .status = is_seeded };
    static const char *const pems[] = { rsa_pem_1024, rsa_pem_2048_e3 };
    (void)state;
    assert_int_equal(RAND_set_rand_method(&counting), 1);
    for (size_t i = 0; i < 2; i++) {
        drawn = 0;
        struct rsa_key *key = rsa_test_key(pems[i]); /* makes a first one */
        size_t size = rsa_key_public(key)->modulus_len;
        assert_true(drawn >= size);
        struct rsa_key *copy = NULL;
        drawn = 0;
        assert_null(rsa_key_from_pkey(&copy, rsa_key_pkey(key)));
        assert_true(drawn >= size);
        drawn = 0;
        for (unsigned n = 0; n < SIGNATURES; n++) {
            sign(key);
        }
        assert_true(drawn >= 2 * size); /* other numbers follow the first */
        rsa_key_free(copy);
        rsa_key_free(key);
    }
    assert_int_equal(RAND_set_rand_method(NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_is_blinded),
    };
    return cmocka_run_group_tests_name("secrets_rsa_blinded", tests, NULL, NULL);
}
