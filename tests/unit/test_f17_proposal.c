/*
 * F17: what was agreed in phase 1 is what secrets made keys for, whatever ike-negotiate says. It
 * decides which connection a peer may switch to [R1], and the group of PFS.
 */
#include "test_plutod_negotiations.h"

#define STRONG "aes256-sha2_512-modp4096"
#define WEAK "3des-md5-modp1024"
#define STRONG_NET NET "policy=psk,encrypt,tunnel,pfs ike=" STRONG
#define WEAK_NET "whack-connection name=weak left-host=10.9.0.1 left-client=10.3.0.0/24 " \
    "right-host=10.9.0.2 right-client=10.4.0.0/24 policy=psk,encrypt,tunnel ike=" WEAK

static const char *says_chosen(struct world *w, uint64_t x, const char *name, const char *proposal)
{
    return feed(w, N_P, "chosen exchange=%" PRIu64 " connection=%s proposal=%s", x, name, proposal);
}

static const char *says_up(struct world *w, uint64_t x, const char *role, const char *proposal)
{
    return feed(w, N_P, "isakmp-up exchange=%" PRIu64 " role=%s proposal=%s life=3600 "
                "cky-i=0102030405060708 cky-r=0807060504030201", x, role, proposal);
}

static void secrets_says(struct world *w, uint64_t x, const char *name, const char *proposal,
                         const char *matched)
{
    assert_null(feed(w, S_P, "authenticated exchange=%" PRIu64 " connection=%s peer=10.9.0.2 "
                     "method=psk proposal=%s matched=%s", x, name, proposal, matched));
}

static struct world *two_connections(uint64_t *x)
{
    struct world *w = world_new("10.9.0.1");
    assert_null(feed(w, W_P, WEAK_NET));
    assert_null(feed(w, W_P, STRONG_NET));
    *x = first(w, "10.9.0.2");
    return w;
}

static void test_initiator(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, STRONG_NET));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    assert_non_null(says_chosen(w, x, "net", WEAK)); /* there is nothing to choose */
    secrets_says(w, x, "net", STRONG, "yes");
    assert_non_null(says_chosen(w, x, "net", STRONG));
    assert_non_null(says_up(w, x, "initiator", WEAK));
    assert_false(xchg_find_main(&w->k, x)->up);
    assert_null(says_up(w, x, "initiator", STRONG));
    assert_non_null(says_chosen(w, x, "net", WEAK));
    clear(w);
    assert_null(feed(w, W_P, "whack-initiate name=net asynchronous=yes"));
    const struct record *r = sent(w, &w->s[1], P_S, V_ANNOUNCE_QUICK);
    assert_non_null(r);
    assert_string_equal(record_text(r, K_PFS), "modp4096");
    world_free(w);
}

/* The proposal of one connection under the name of another. */
static void test_chosen_before(void **state)
{
    uint64_t x;
    (void)state;
    struct world *w = two_connections(&x);
    assert_null(says_chosen(w, x, "weak", STRONG));
    secrets_says(w, x, "weak", WEAK, "yes");
    assert_non_null(feed(w, N_P, "quick-ask id=9 parent=%" PRIu64 " our-client=10.1.0.0/24 "
                         "peer-client=10.2.0.0/24", x));
    assert_non_null(says_up(w, x, "responder", STRONG));
    assert_non_null(says_up(w, x, "responder", WEAK));
    assert_false(xchg_find_main(&w->k, x)->up);
    world_free(w);

    w = two_connections(&x); /* a connection, rightly called, that there are no keys for */
    assert_null(says_chosen(w, x, "net", STRONG));
    secrets_says(w, x, "weak", WEAK, "no");
    assert_non_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_string_equal(xchg_find_main(&w->k, x)->conn->name, "weak");
    world_free(w);
}

/* secrets is read first, so an honest `chosen` may be heard after `authenticated`; a lie too. */
static void test_chosen_after(void **state)
{
    uint64_t x;
    (void)state;
    struct world *w = two_connections(&x);
    secrets_says(w, x, "weak", WEAK, "yes");
    assert_null(says_chosen(w, x, "weak", WEAK));
    assert_null(says_up(w, x, "responder", WEAK));
    assert_non_null(says_chosen(w, x, "weak", WEAK)); /* it stands */
    assert_int_equal(quick_ask(w, x, "10.1.0.0/24", "10.2.0.0/24")->verb, V_FAIL); /* [R1] */
    assert_int_equal(quick_ask(w, x, "10.3.0.0/24", "10.4.0.0/24")->verb, V_OK);
    world_free(w);

    w = two_connections(&x);
    secrets_says(w, x, "weak", WEAK, "yes");
    assert_non_null(says_chosen(w, x, "weak", STRONG));
    world_free(w);

    w = two_connections(&x);
    assert_null(says_chosen(w, x, "weak", WEAK));
    assert_non_null(says_chosen(w, x, "net", STRONG)); /* twice */
    world_free(w);
}

/* Of the right hosts is not enough: what was offered for this exchange is what may be chosen. */
static void test_not_offered(void **state)
{
    uint64_t x;
    (void)state;
    struct world *w = two_connections(&x);
    assert_null(feed(w, W_P, "whack-connection name=later left-host=10.9.0.1 right-host=10.9.0.2 "
                     "policy=psk,encrypt ike=aes128-sha1-modp2048"));
    assert_non_null(says_chosen(w, x, "later", "aes128-sha1-modp2048"));
    assert_non_null(says_chosen(w, x, "nobody", WEAK));
    assert_null(xchg_find_main(&w->k, x)->conn);
    /* Honest, but too late: that ends the negotiation and nothing else. */
    assert_null(feed(w, W_P, "whack-delete name=weak"));
    assert_null(says_chosen(w, x, "weak", WEAK));
    assert_null(xchg_find_main(&w->k, x));
    world_free(w);

    w = world_new("10.9.0.1"); /* the same words as another's: it was left out */
    assert_null(feed(w, W_P, STRONG_NET));
    assert_null(feed(w, W_P, "whack-connection name=same left-host=10.9.0.1 right-host=10.9.0.2 "
                     "policy=psk,encrypt ike=" STRONG));
    x = first(w, "10.9.0.2");
    assert_non_null(says_chosen(w, x, "same", STRONG));
    assert_null(says_chosen(w, x, "net", STRONG));
    world_free(w);
}

/* When a worker dies, the next one is told of what was offered, though a new first one would be. */
static void test_offered_to_the_next_worker(void **state)
{
    uint64_t x;
    (void)state;
    struct world *w = world_new("10.9.0.1");
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-nexthop=%%25direct "
                     "right-host=%%25any policy=psk,encrypt ike=" STRONG));
    x = first(w, "10.9.0.2");
    assert_null(says_chosen(w, x, "road", STRONG));
    assert_null(feed(w, W_P, STRONG_NET));
    keying_worker_down(&w->k, 1);
    assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    const struct record *r = sent(w, &w->s[2], P_S, V_ANNOUNCE);
    assert_non_null(r);
    assert_string_equal(record_text(r, K_CONNECTION), "road");
    assert_null(sent(w, &w->s[2], P_S, V_ANNOUNCE));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_initiator),
        cmocka_unit_test(test_chosen_before),
        cmocka_unit_test(test_chosen_after),
        cmocka_unit_test(test_not_offered),
        cmocka_unit_test(test_offered_to_the_next_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
