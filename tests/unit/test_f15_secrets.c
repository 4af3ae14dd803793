/*
 * F15: no secret for the peer, on either side; the shortest and the longest. What the file may hold
 * (0 bytes, 64 KiB): f15_lengths in test_secrets_file.c.
 */
#include "lab.h"

#include "ike-negotiate/exchange.h"

#include <stdlib.h>
#include <string.h>

static struct lab *negotiate(const char *ours, const char *peers)
{
    const char *const psk[LAB_HOSTS] = { ours, peers, NULL };
    struct lab *l = lab_new_psk(NULL, psk);
    lab_initiate(l, 0);
    return l;
}

/* Both identities are named, and the line to add; nothing is begun with a guess. */
static void f15_the_initiator_has_none(void **state)
{
    struct lab *l = negotiate(NULL, "x");
    (void)state;
    assert_true(lab_logged(l, 0, "no preshared secret for \"10.9.0.1\" and \"10.9.0.2\" in "
                                 "ipsec.secrets: add a line 10.9.0.1 10.9.0.2 : PSK"));
    assert_true(lab_count(&l->host[0].said, "028 ") > 0);
    assert_int_equal(lab_count(&l->host[1].heard, "state=MAIN_R3"), 0);
    lab_pass(l, 300000);
    assert_int_equal(l->host[0].kernel->sas + l->host[1].kernel->sas, 0);
    assert_true(lab_lines(l, 0) < 40);
    lab_free(l);
}

static void f15_the_responder_has_none(void **state)
{
    struct lab *l = negotiate("x", NULL);
    (void)state;
    assert_true(lab_logged(l, 1, "no preshared secret for \"10.9.0.2\" and \"10.9.0.1\" in "
                                 "ipsec.secrets: add a line 10.9.0.2 10.9.0.1 : PSK"));
    assert_int_equal(l->host[1].ike->half_open_count, 0);
    assert_true(l->host[1].sent <= 3 * l->host[1].received);
    assert_true(lab_logged(l, 1, "refused (NO-PROPOSAL-CHOSEN sent): "));
    (void)store_add(l->host[1].store, "lab", 2, NULL, 0, (const uint8_t *)"x", 1);
    keying_secrets_changed(&l->host[1].keying);
    lab_pass(l, 300000);
    assert_true(lab_up(l));
    lab_free(l);
}

/* CVE-2024-2357: again and again, without a secret, and something else goes on beside it. */
static void f15_again_and_again(void **state)
{
    struct lab *l = negotiate("x", NULL);
    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        lab_whack(l, 0, "whack-terminate name=net");
        lab_initiate(l, 0);
    }
    assert_int_equal(l->host[1].ike->half_open_count, 0);
    assert_int_equal(secrets_exchanges(l->host[1].secrets), 0);
    assert_true(lab_lines(l, 1) <= 60);
    lab_free(l);
}

static void f15_lengths_that_may_be(void **state)
{
    static const size_t lengths[] = { 1, 63, 64, 65, 128, 129, PSK_MAX };
    char secret[PSK_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        memset(secret, 'q', lengths[i]);
        secret[lengths[i]] = '\0';
        struct lab *l = negotiate(secret, secret);
        assert_true(lab_up(l));
        lab_free(l);
        char *other = strdup(secret);
        assert_non_null(other);
        other[lengths[i] - 1] = 'r'; /* the last byte counts */
        l = negotiate(secret, other);
        assert_false(lab_up(l));
        assert_true(lab_logged(l, 1, "probably a wrong secret"));
        lab_free(l);
        free(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f15_the_initiator_has_none),
        cmocka_unit_test(f15_the_responder_has_none),
        cmocka_unit_test(f15_again_and_again),
        cmocka_unit_test(f15_lengths_that_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
