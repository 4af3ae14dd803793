/* Every group agrees with itself. Public values that no honest peer sends: test_f05_ke.c. */
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
        cmocka_unit_test(exponents_are_bounded), cmocka_unit_test(randomness),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
