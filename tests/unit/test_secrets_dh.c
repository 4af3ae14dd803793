/* Every group agrees with itself; F5: public values that no honest peer sends are refused. */
#include "secrets/dh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
    const char *why = NULL;
    *state = dh_lib_new(&why);
    return *state == NULL;
}

static int tear_down(void **state)
{
    dh_lib_free(*state);
    return 0;
}

static void groups_agree(void **state)
{
    for (unsigned g = 0; g < GROUP_COUNT; g++) {
        const struct group *group = group_get((enum group_id)g);
        for (int round = 0; round < 4; round++) {
            uint8_t of_a[KE_MAX];
            uint8_t of_b[KE_MAX];
            struct dh *a = dh_new(*state, group->id);
            struct dh *b = dh_new(*state, group->id);
            assert_non_null(a);
            assert_non_null(b);
            assert_int_equal(dh_group(a), g);
            assert_memory_not_equal(dh_public_view(a), dh_public_view(b), group->public_len);
            assert_null(dh_agree(*state, a, dh_public_view(b), group->public_len, of_a));
            assert_null(dh_agree(*state, b, dh_public_view(a), group->public_len, of_b));
            assert_memory_equal(of_a, of_b, group->secret_len);
            dh_free(a);
            dh_free(b);
        }
    }
}

/* Leading zeros of g^xy are kept: one in 256 begins with some, and both sides still agree. */
static void secrets_are_padded(void **state)
{
    const struct group *ecp = group_get(GROUP_ECP256);
    bool seen = false;
    for (int i = 0; i < 4000 && !seen; i++) {
        uint8_t of_a[KE_MAX];
        uint8_t of_b[KE_MAX];
        struct dh *a = dh_new(*state, GROUP_ECP256);
        struct dh *b = dh_new(*state, GROUP_ECP256);
        assert_null(dh_agree(*state, a, dh_public_view(b), ecp->public_len, of_a));
        assert_null(dh_agree(*state, b, dh_public_view(a), ecp->public_len, of_b));
        assert_memory_equal(of_a, of_b, ecp->secret_len);
        seen = of_a[0] == 0;
        dh_free(a);
        dh_free(b);
    }
    assert_true(seen);
}

static void exponents_are_bounded(void **state)
{
    static const struct {
        enum group_id group;
        int most;
        int least;
    } bounds[] = { { GROUP_MODP1024, 256, 160 }, { GROUP_MODP1536, 320, 160 },
                   { GROUP_MODP2048, 384, 200 }, { GROUP_MODP3072, 448, 240 },
                   { GROUP_MODP4096, 512, 280 } };
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        struct dh *dh = dh_new(*state, bounds[i].group);
        int bits = dh_private_bits(dh);
        assert_in_range(bits, bounds[i].least - 20, bounds[i].most);
        dh_free(dh);
    }
}

static const char *agree(void *lib, const struct dh *dh, const uint8_t *peer, size_t len)
{
    uint8_t secret[KE_MAX];
    return dh_agree(lib, dh, peer, len, secret);
}

/* RFC 2409, 6.2 */
static const uint8_t modp1024_p[128] = {
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xC9, 0x0F, 0xDA, 0xA2, 0x21, 0x68, 0xC2, 0x34,
    0xC4, 0xC6, 0x62, 0x8B, 0x80, 0xDC, 0x1C, 0xD1, 0x29, 0x02, 0x4E, 0x08, 0x8A, 0x67, 0xCC, 0x74,
    0x02, 0x0B, 0xBE, 0xA6, 0x3B, 0x13, 0x9B, 0x22, 0x51, 0x4A, 0x08, 0x79, 0x8E, 0x34, 0x04, 0xDD,
    0xEF, 0x95, 0x19, 0xB3, 0xCD, 0x3A, 0x43, 0x1B, 0x30, 0x2B, 0x0A, 0x6D, 0xF2, 0x5F, 0x14, 0x37,
    0x4F, 0xE1, 0x35, 0x6D, 0x6D, 0x51, 0xC2, 0x45, 0xE4, 0x85, 0xB5, 0x76, 0x62, 0x5E, 0x7E, 0xC6,
    0xF4, 0x4C, 0x42, 0xE9, 0xA6, 0x37, 0xED, 0x6B, 0x0B, 0xFF, 0x5C, 0xB6, 0xF4, 0x06, 0xB7, 0xED,
    0xEE, 0x38, 0x6B, 0xFB, 0x5A, 0x89, 0x9F, 0xA5, 0xAE, 0x9F, 0x24, 0x11, 0x7C, 0x4B, 0x1F, 0xE6,
    0x49, 0x28, 0x66, 0x51, 0xEC, 0xE6, 0x53, 0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
};

static void f5_modp(void **state)
{
    for (unsigned g = GROUP_MODP1024; g <= GROUP_MODP4096; g++) {
        const size_t len = group_get((enum group_id)g)->public_len;
        uint8_t value[KE_MAX + 1] = { 0 };
        struct dh *dh = dh_new(*state, (enum group_id)g);
        assert_non_null(agree(*state, dh, value, len)); /* 0 */
        value[len - 1] = 1;
        assert_non_null(agree(*state, dh, value, len));
        value[len - 1] = 2;
        assert_null(agree(*state, dh, value, len));
        memset(value, 0xff, sizeof value); /* above p */
        assert_non_null(agree(*state, dh, value, len));
        memcpy(value, dh_public_view(dh), len);
        assert_non_null(agree(*state, dh, value, len)); /* reflected */
        value[len - 1] ^= 2;
        assert_non_null(agree(*state, dh, value, len - 1));
        assert_non_null(agree(*state, dh, value, len + 1));
        assert_non_null(agree(*state, dh, value, 0));
        assert_non_null(agree(*state, dh, value, 1));
        dh_free(dh);
    }
}

static void f5_around_p(void **state)
{
    struct dh *dh = dh_new(*state, GROUP_MODP1024);
    uint8_t value[128];
    memcpy(value, modp1024_p, sizeof value);
    assert_non_null(agree(*state, dh, value, sizeof value)); /* p */
    value[127] = 0xfe;
    assert_non_null(agree(*state, dh, value, sizeof value)); /* p-1 */
    value[127] = 0xfd;
    assert_null(agree(*state, dh, value, sizeof value)); /* p-2 is the last one that may be */
    memset(value + 120, 0, 8);
    value[119]++;
    assert_non_null(agree(*state, dh, value, sizeof value)); /* p+1 */
    dh_free(dh);
}

static void f5_ecp(void **state)
{
    for (unsigned g = GROUP_ECP256; g <= GROUP_ECP521; g++) {
        const size_t len = group_get((enum group_id)g)->public_len;
        uint8_t value[KE_MAX] = { 0 };
        struct dh *dh = dh_new(*state, (enum group_id)g);
        struct dh *other = dh_new(*state, (enum group_id)g);
        assert_non_null(agree(*state, dh, value, len)); /* (0, 0) */
        memset(value, 0xff, sizeof value);
        assert_non_null(agree(*state, dh, value, len));
        memcpy(value, dh_public_view(other), len);
        assert_null(agree(*state, dh, value, len));
        assert_non_null(agree(*state, dh, value, len - 1));
        assert_non_null(agree(*state, dh, value, len + 1));
        value[len - 1] ^= 1; /* off the curve */
        assert_non_null(agree(*state, dh, value, len));
        assert_non_null(agree(*state, dh, dh_public_view(dh), len));
        dh_free(dh);
        dh_free(other);
    }
}

/* RFC 7748, 6.1: an all-zero shared secret is refused; the points of small order are these. */
static void f5_curve25519(void **state)
{
    static const uint8_t small[][32] = {
        { 0 }, { 1 },
        { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
          0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
          0xb8, 0x00 },
        { 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0x7f },
    };
    struct dh *dh = dh_new(*state, GROUP_CURVE25519);
    uint8_t value[33] = { 9 };
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        assert_non_null(agree(*state, dh, small[i], 32));
    }
    assert_null(agree(*state, dh, value, 32));
    assert_non_null(agree(*state, dh, value, 31));
    assert_non_null(agree(*state, dh, value, 33));
    assert_non_null(agree(*state, dh, dh_public_view(dh), 32));
    dh_free(dh);
}

static void randomness(void **state)
{
    uint8_t a[NONCE_LEN] = { 0 };
    uint8_t b[NONCE_LEN] = { 0 };
    (void)state;
    assert_true(dh_random(a, sizeof a));
    assert_true(dh_random(b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_agree), cmocka_unit_test(secrets_are_padded),
        cmocka_unit_test(exponents_are_bounded), cmocka_unit_test(f5_modp),
        cmocka_unit_test(f5_around_p), cmocka_unit_test(f5_ecp), cmocka_unit_test(f5_curve25519),
        cmocka_unit_test(randomness),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
