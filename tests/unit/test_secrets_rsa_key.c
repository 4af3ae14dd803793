/* Private RSA keys: which numbers are taken, and how the others are named. */
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

static const char *make(const struct parts *parts, struct rsa_key **key)
{
    static uint8_t bytes[RSA_NUMBERS][2 * RSA_SIGNATURE_MAX];
    struct rsa_numbers numbers;
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        /* With a zero in front, as files have it. */
        int len = BN_num_bytes(parts->bn[i]) + 1;
        assert_int_equal(BN_bn2binpad(parts->bn[i], bytes[i], len), len);
        numbers.of[i].bytes = bytes[i];
        numbers.of[i].len = (size_t)len;
    }
    return rsa_key_new(key, &numbers);
}

static void refused(const struct parts *parts, const char *expected)
{
    struct rsa_key *key = NULL;
    const char *why = make(parts, &key);
    assert_null(key);
    assert_non_null(why);
    if (strstr(why, expected) == NULL) {
        fail_msg("expected \"%s\", not \"%s\"", expected, why);
    }
}

static void numbers_that_belong_together(void **state)
{
    static const char *const pems[] = { rsa_pem_512, rsa_pem_512_e3, rsa_pem_1024, rsa_pem_2048 };
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct parts parts = parts_of(pems[i]);
        struct rsa_key *key = NULL;
        assert_null(make(&parts, &key));
        struct rsa_key *same = rsa_test_key(pems[i]);
        assert_true(rsa_public_equal(rsa_key_public(key), rsa_key_public(same)));
        uint8_t bytes[RSA_PUBLIC_MAX];
        struct rsa_public public;
        const size_t len = rsa_public_encode(rsa_key_public(key), bytes);
        assert_null(rsa_public_parse(&public, bytes, len));
        assert_true(rsa_public_equal(&public, rsa_key_public(key)));
        rsa_key_free(same);
        rsa_key_free(key);
        parts_free(&parts);
    }
}

/* The same key: modulus and exponent, to the last byte. With one modulus there may be two exponents. */
static void k2_equal_public_keys(void **state)
{
    static const uint8_t exponents[][3] = { { 1, 0, 1 }, { 1, 0, 3 }, { 3, 0, 1 } };
    struct rsa_key *key = rsa_test_key(rsa_pem_1024);
    const struct rsa_public *public = rsa_key_public(key);
    uint8_t modulus[RSA_PUBLIC_MAX];
    (void)state;
    assert_memory_equal(public->exponent, exponents[0], 3);
    memcpy(modulus, public->modulus, public->modulus_len);
    struct rsa_public same = { .modulus = modulus, .modulus_len = public->modulus_len, .exponent = exponents[0],
                               .exponent_len = 3 };
    assert_true(rsa_public_equal(public, &same));
    for (size_t i = 1; i < 3; i++) {
        same.exponent = exponents[i];
        assert_false(rsa_public_equal(public, &same));
    }
    same.exponent = exponents[0];
    same.exponent_len = 1;
    assert_false(rsa_public_equal(public, &same));
    assert_false(rsa_public_equal(&same, public));
    same.exponent_len = 3;
    for (size_t i = 0; i < same.modulus_len; i += same.modulus_len - 1) {
        modulus[i] ^= 2;
        assert_false(rsa_public_equal(public, &same));
        modulus[i] ^= 2;
    }
    same.modulus_len--;
    assert_false(rsa_public_equal(public, &same));
    assert_false(rsa_public_equal(&same, public));
    rsa_key_free(key);
}

static void f8_numbers_that_do_not(void **state)
{
    static const char *const said[RSA_NUMBERS] = {
        [RSA_MODULUS] = "product", [RSA_PUBLIC_EXPONENT] = "exponent",
        [RSA_PRIVATE_EXPONENT] = "exponent", [RSA_PRIME_1] = "prime", [RSA_PRIME_2] = "prime",
        [RSA_EXPONENT_1] = "exponent", [RSA_EXPONENT_2] = "exponent",
        [RSA_COEFFICIENT] = "coefficient",
    };
    struct parts parts = parts_of(rsa_pem_1024);
    (void)state;
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        BIGNUM *right = BN_dup(parts.bn[i]);
        for (int bit = 1; bit < BN_num_bits(right) - 1; bit += 7) { /* one bit wrong */
            BN_copy(parts.bn[i], right);
            if (BN_is_bit_set(right, bit)) {
                BN_clear_bit(parts.bn[i], bit);
            } else {
                BN_set_bit(parts.bn[i], bit);
            }
            refused(&parts, said[i]);
        }
        BN_zero(parts.bn[i]);
        refused(&parts, "is 0");
        BN_one(parts.bn[i]);
        refused(&parts, "");
        BN_set_bit(parts.bn[i], 8200);
        refused(&parts, "");
        BN_copy(parts.bn[i], right);
        BN_free(right);
    }
    BN_swap(parts.bn[RSA_PRIME_1], parts.bn[RSA_PRIME_2]);
    refused(&parts, "exponent");
    BN_swap(parts.bn[RSA_EXPONENT_1], parts.bn[RSA_EXPONENT_2]);
    refused(&parts, "coefficient");
    parts_free(&parts);
}

/* Of p * r and q, for which all equations hold; and the same prime twice. */
static void primes_that_are_none(void **state)
{
    struct parts parts = parts_of(rsa_pem_512);
    struct parts other = parts_of(rsa_pem_512_e3);
    BN_CTX *context = BN_CTX_new();
    BIGNUM *phi = BN_new();
    BIGNUM *less = BN_new();
    (void)state;

    BN_mul(parts.bn[RSA_PRIME_1], parts.bn[RSA_PRIME_1], other.bn[RSA_PRIME_1], context);
    BN_mul(parts.bn[RSA_MODULUS], parts.bn[RSA_PRIME_1], parts.bn[RSA_PRIME_2], context);
    BN_sub(less, parts.bn[RSA_PRIME_1], BN_value_one());
    BN_sub(phi, parts.bn[RSA_PRIME_2], BN_value_one());
    BN_mul(phi, phi, less, context);
    assert_non_null(BN_mod_inverse(parts.bn[RSA_PRIVATE_EXPONENT], parts.bn[RSA_PUBLIC_EXPONENT], phi,
                                   context));
    BN_mod(parts.bn[RSA_EXPONENT_1], parts.bn[RSA_PRIVATE_EXPONENT], less, context);
    BN_mod_inverse(parts.bn[RSA_COEFFICIENT], parts.bn[RSA_PRIME_2], parts.bn[RSA_PRIME_1], context);
    refused(&parts, "turns out wrong");
    BN_copy(parts.bn[RSA_PRIME_1], parts.bn[RSA_PRIME_2]);
    refused(&parts, "two different primes");
    BN_free(less);
    BN_free(phi);
    BN_CTX_free(context);
    parts_free(&other);
    parts_free(&parts);
}

/* A key of p and q; what does not fit together is the caller's will. */
static struct parts key_of(const char *p, const char *q)
{
    struct parts parts = { 0 };
    BN_CTX *context = BN_CTX_new();
    BIGNUM *phi = BN_new();
    BIGNUM *less = BN_new();
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        parts.bn[i] = BN_new();
    }
    assert_true(BN_hex2bn(&parts.bn[RSA_PRIME_1], p) > 0 && BN_hex2bn(&parts.bn[RSA_PRIME_2], q) > 0);
    BN_set_word(parts.bn[RSA_PUBLIC_EXPONENT], 65537);
    BN_mul(parts.bn[RSA_MODULUS], parts.bn[RSA_PRIME_1], parts.bn[RSA_PRIME_2], context);
    BN_sub(phi, parts.bn[RSA_PRIME_1], BN_value_one());
    BN_sub(less, parts.bn[RSA_PRIME_2], BN_value_one());
    BN_mul(phi, phi, less, context);
    assert_non_null(BN_mod_inverse(parts.bn[RSA_PRIVATE_EXPONENT], parts.bn[RSA_PUBLIC_EXPONENT], phi,
                                   context));
    BN_mod(parts.bn[RSA_EXPONENT_2], parts.bn[RSA_PRIVATE_EXPONENT], less, context);
    BN_sub(less, parts.bn[RSA_PRIME_1], BN_value_one());
    BN_mod(parts.bn[RSA_EXPONENT_1], parts.bn[RSA_PRIVATE_EXPONENT], less, context);
    assert_non_null(BN_mod_inverse(parts.bn[RSA_COEFFICIENT], parts.bn[RSA_PRIME_2], parts.bn[RSA_PRIME_1],
                                   context));
    BN_free(less);
    BN_free(phi);
    BN_CTX_free(context);
    return parts;
}

static void the_smallest_and_the_largest(void **state)
{
    static const char p_255[] = 
        "64D4D03BA2F52E50A5F30249AEF2C958FA2D70AA7019B513F1651B4C1A59BD13";
    static const char q_256[] =
        "D66F15B88C660AEBAD93BBAE19A8F7084593D786D502001FA8DB14122CC9B87B";
    static const char q_257[] =
        "01CE907E4D504E852FF4063FA50884DEBE5AFECEC733E128937D31B59E984F51B9";
    static const char p_4096[] =
        "D363C37B8BE1BDBC92CC151C63F35B8D70F1540CF91A1EECE3C19112817608B7B8B9AAC2EF80FEE75E87D9549E03C8D5"
        "3E0C52156E18B9A102AB406CD055A6877BB89D08F97736D98D1DDD78C6A67158CC157D0634217A4532E6CE1B28DF7F8E"
        "4609BE94701824BEB7D508546F7315700619C230A878969021063051B27232CA01DC76EC09015CB4136ADE54538FB5B1"
        "35677F510E421DEF5C56E43EC5A69D7C29C39614E2D9716DF45FB723C735B87357866ED744389AB46990CBA59F97CFAE"
        "9639B8BAFDD00ACBC99F2DEC4DC867613540A824245F69F051A64091DE936646711988F69606AC7B48D28CC9EF84857B"
        "30D70588AE4A0214140C60D3553A10FC4FBC4ED9041D79FF5F935D2F8114928F48935EC2BA00468A260482CE9133C2D9"
        "EB2953489E192B16AD5891575172A22AE07CDAFBA01B1DE81C72F917A179B4B10D99D15D58A65B13BB2F5624FA9C9289"
        "05C74CBDBC6C2A74858DF4E14024B1B9F763D38E8C76EDD66CC3BB28FE88A45B40C05E2FBB2396667252C0DC841C7ED4"
        "8CCAEAE87337960FB18393D15CC77A1B556D672363743F5F03BA73A949694538C16BA384948DCE405DDC04285D928CDE"
        "4E45448D9DFB394F554E9C36F74A780193E95C9E892B0CAB1C12DF5D00ADE8C6447908E5218B209F117E742ACC5F8BD3"
        "DA2B7CBA085227A9AD09BAE46301DCAAEA3554FEBAD636E54296CAC01A9F93DD";
    static const char q_4096[] =
        "CD2C1B6A49E6EA161CC71C253111BFFB7D7234066FECCD1C67FE603ECD5F4DE673B51CA41094EF3748462A13DE1750FE"
        "65241340BCD6935140FC6AB58E145807D3536E739BB647C0D7522B69424D454AB335715C322BF2BE39B408C08E9870F4"
        "71D14D957368EAB46B30B243449A58F54FA7E590FD313CC17D5E933F62E44856C36D1862C24D0BE25718EB24B5CFA4E6"
        "EF3961997553BCD0EF6B254E301F0DB8A771E6C14011135A9C9BBFBB0482E34C71C639EE8A506F1B46A3581163ED79D6"
        "057BFA411BF0750D8514996CC1D496DFFDB6F00F33C021FA38C7EE4789F21E2EEF88EB56B6F34F265FD97C7361119163"
        "B0E04B0CBF751898CEF23255E050D3857A6401D8F4C5D49F18970D6AE251989613B736D3669C4882DD329066BCDBFB22"
        "F6511257BF6D8C05BA61D93B59607AB9B06B2ED303E184FFDBD8FB29668D56351F3DFAC6EC8A6C2D30DD3CA97D2F7382"
        "503F453B72AB8D0AFBCE287A68260019E7CC455F191F85211D58F747F841D6C76AA63E2B1798078D1E3C555953B27D4E"
        "BDF18C5530F2C14E302A73EA73A5E7652BD0AD4CA7C4B704F5EC2AED9EB14A0CCA6E40EA803311AA14FB2812DB22C12B"
        "CB3CB8E4F880C5FB2B25ABACEDEA9350A7F3EA2CE9B3733B53BF16C30EBAA771CB24C228EF424796E6193EEEFD437465"
        "DDD9864D376E91F88DCE0148265337F8AE9D36D159B6FA7326006CB7CA96CA47";
    static const char quarter[] = "less than a quarter";
    static const char p_1024[] =
        "E242995F0D9C9A874475C554D0874BBF13E26D726397D25E24462F8E9EC1543D73B823A0BC1CA5AB832CAC185DBDB904"
        "83F701F5450B3C87E7DEEC967FDD2FE1AB8887BAAAEA5C017C633A102C1989791B96C975B8FFDC1A6C63620F69DD738E"
        "8A778919DA260174D23722D43605347070ECB73F0A64758555CC354078C16F75";
    static const char p_342[] =
        "37F34D4D8E6E29423F9600FC8B265C4694247E5A7F085B29F6F8921BB36CF0B2138426723CE04689ACEC21";
    static const char p_341[] =
        "1FD2330604346CFA94A0119AC34904BD7509809AE755A2D5FCD91BDF3E972A85641265E4C3741B354BBA5B";
    static const struct {
        const char *p;
        const char *q;
        int bits;
        const char *why; /* NULL: it is taken */
    } cases[] = { { p_255, q_256, 511, "512 to 8192 bits" }, { p_255, q_257, 512, NULL },
                  { p_4096, q_4096, 8192, NULL },
                  { p_4096, q_257, 4353, quarter }, { q_257, p_4096, 4353, quarter },
                  { p_1024, "0100DD", 1040, quarter }, { p_1024, "0B", 1028, quarter },
                  { p_1024, p_342, 1366, NULL }, { p_1024, p_341, 1365, quarter } };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parts parts = key_of(cases[i].p, cases[i].q);
        struct rsa_key *key = NULL;
        assert_int_equal(BN_num_bits(parts.bn[RSA_MODULUS]), cases[i].bits);
        const char *why = make(&parts, &key);
        assert_true(why == NULL ? cases[i].why == NULL : cases[i].why != NULL && strstr(why, cases[i].why) != NULL);
        if (why == NULL) {
            assert_int_equal(rsa_key_public(key)->bits, cases[i].bits);
        }
        rsa_key_free(key);
        parts_free(&parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_that_belong_together),
        cmocka_unit_test(k2_equal_public_keys),
        cmocka_unit_test(f8_numbers_that_do_not),
        cmocka_unit_test(primes_that_are_none),
        cmocka_unit_test(the_smallest_and_the_largest),
    };
    return cmocka_run_group_tests_name("secrets_rsa_key", tests, NULL, NULL);
}
