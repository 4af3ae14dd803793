/* F17: what an ike-negotiate that lies says of exchanges. How much of it: test_plutod_lies_many.c. */
#include "test_plutod_negotiations.h"

#define ISAKMP "proposal=aes256-sha2_256-modp2048"
#define OUR_CLIENT "10.1.0.0/24"
#define PEER_CLIENT "10.2.0.0/24"

/* ---- what is over ---- */

static void test_failed_when_it_is_up(void **state)
{
    struct tunnel t = tunnel_up();
    (void)state;
    const char *why = feed(t.w, N_P, "failed exchange=%" PRIu64 " code=31 why=lie", t.y);
    assert_string_equal(why, "this negotiation was over, and had not failed");
    /* Of an ISAKMP SA it may say so; the IPsec SAs stay. */
    assert_null(feed(t.w, N_P, "failed exchange=%" PRIu64 " code=31 why=lie", t.x));
    assert_null(xchg_find(&t.w->k, t.x));
    assert_non_null(xchg_find(&t.w->k, t.y));
    assert_int_equal(t.w->kernel.len, 0);
    /* The next negotiator, which knows nothing of it, may not either. */
    negotiator_dies(t.w);
    keying_negotiator_up(&t.w->k, &t.w->n);
    clear(t.w);
    why = feed(t.w, N_P, "failed exchange=%" PRIu64 " code=31 worker=1 why=lie", t.y);
    assert_string_equal(why, "this negotiation was over, and had not failed");
    assert_non_null(xchg_find(&t.w->k, t.y));
    assert_int_equal(t.w->kernel.len, 0);
    assert_int_equal(t.w->job_count, 0);
    world_free(t.w);
}

/* It says so of each one that comes up: the peer is pressed less and less. */
static void test_failed_again_and_again(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    uint64_t x = t.x;
    (void)state;
    for (unsigned round = 0; round < 8; round++) {
        uint64_t pause = UINT64_C(10000) << (round < 5 ? round : 5);
        clear(w);
        assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=32 why=lie", x));
        pass(w, pause - 1);
        assert_null(sent(w, &w->n, P_N, V_INITIATE));
        pass(w, 1);
        x = main_mode_goes_well(w);
        assert_non_null(xchg_find(&w->k, t.y));
    }
    pass(w, 60000); /* one that has been there for a while may be worn out */
    clear(w);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=32 why=true", x));
    pass(w, 200);
    assert_non_null(sent(w, &w->n, P_N, V_INITIATE));
    world_free(w);
}

/* The negotiator dies between sa-up and its last word: that pair is not for the next one to take down. */
static void test_failed_of_a_dead_ones(void **state)
{
    uint64_t x;
    struct world *w = net_answers(&x);
    (void)state;
    uint64_t y = record_number(quick_ask(w, x, OUR_CLIENT, PEER_CLIENT), K_EXCHANGE);
    sas_up(w, y, 0xbbbb);
    negotiator_dies(w);
    keying_negotiator_up(&w->k, &w->n);
    clear(w);
    assert_non_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=lie", y));
    assert_non_null(xchg_find(&w->k, y));
    assert_int_equal(w->kernel.len, 0);
    world_free(w);
}

/* An honest one fails between sa-up and its last word: that pair goes, the route stays with the older. */
static void test_failed_while_it_comes_up(void **state)
{
    struct tunnel t = tunnel_up();
    (void)state;
    uint64_t y = record_number(quick_ask(t.w, t.x, OUR_CLIENT, PEER_CLIENT), K_EXCHANGE);
    sas_up(t.w, y, 0xcccc);
    clear(t.w);
    assert_null(feed(t.w, N_P, "failed exchange=%" PRIu64 " code=31 why=no%%20answer", y));
    const struct record *r = sent(t.w, &t.w->kernel, P_K, V_DELETE_KERNEL_SA);
    assert_non_null(r);
    assert_int_equal(record_number(r, K_EXCHANGE), y);
    assert_null(sent(t.w, &t.w->kernel, P_K, V_DELETE_KERNEL_SA));
    assert_int_equal(t.w->job_count, 0); /* neither down nor unroute */
    assert_non_null(xchg_find(&t.w->k, t.y));
    world_free(t.w);
}

/* ---- steps ---- */

static void test_steps(void **state)
{
    struct tunnel t = tunnel_up();
    static const char *const lies[] = { "QUICK_I2", "QUICK_I1", "QUICK_R2", "MAIN_I1", "INFO" };
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        const char *why = feed(t.w, N_P, "state exchange=%" PRIu64 " state=%s", t.y, lies[i]);
        assert_string_equal(why, "not a step that this exchange can make");
    }
    assert_non_null(feed(t.w, N_P, "state exchange=%" PRIu64 " state=MAIN_I2", t.x));
    assert_non_null(feed(t.w, N_P, "retransmitted exchange=%" PRIu64 " attempt=2 wait=20", t.y));
    assert_non_null(feed(t.w, N_P, "retransmitted exchange=%" PRIu64 " attempt=2 wait=20", t.x));
    assert_int_equal(t.w->said.len, 0);
    assert_int_equal(t.w->log.len, 0);
    world_free(t.w);
}

static void test_steps_of_one_under_way(void **state)
{
    struct world *w = net_that_begins();
    (void)state;
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    buffer_wipe(&w->said);
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_I1", x));
    assert_non_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_I1", x));
    for (unsigned attempt = 2; attempt <= 3; attempt++) {
        assert_null(feed(w, N_P, "retransmitted exchange=%" PRIu64 " attempt=%u wait=20", x, attempt));
        assert_non_null(feed(w, N_P, "retransmitted exchange=%" PRIu64 " attempt=%u wait=20", x, attempt));
    }
    assert_non_null(feed(w, N_P, "retransmitted exchange=%" PRIu64 " attempt=4 wait=20", x));
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_I2", x));
    assert_non_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_I1", x));
    assert_null(feed(w, N_P, "retransmitted exchange=%" PRIu64 " attempt=2 wait=20", x));
    char said[100];
    assert_string_equal(codes(w, said), "102 010 010 104 010");
    world_free(w);
}

/* secrets is told whether there may be keys without PFS: what the negotiator says of it does not count. */
static void test_pfs_is_announced(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET "policy=psk,encrypt,tunnel,pfs"));
    uint64_t x = main_mode(w, "10.9.0.2", "net", "10.9.0.2");
    assert_int_equal(quick_ask(w, x, OUR_CLIENT, PEER_CLIENT)->verb, V_OK);
    const struct record *r = sent(w, &w->s[1], P_S, V_ANNOUNCE_QUICK);
    assert_non_null(r);
    assert_true(record_has(r, K_PFS_REQUIRED) && record_yes(r, K_PFS_REQUIRED));
    world_free(w);
}

static void test_identify_is_answered_once(void **state)
{
    uint64_t x;
    struct world *w = east_comes(&x);
    (void)state;
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_null(feed(w, S_P, "fail id=%" PRIu64 " re=accept why=other%%20secret", w->k.next_id));
    assert_non_null(sent(w, &w->n, P_N, V_FAIL));
    assert_string_equal(feed(w, N_P, "identify id=5 exchange=%" PRIu64, x),
                        "identify: nothing to ask in this exchange");
    world_free(w);
}

/* ---- what whack hears ---- */

static void test_whack_is_told_no_success(void **state)
{
    struct world *w = net_that_begins();
    (void)state;
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    buffer_wipe(&w->said);
    assert_string_equal(feed(w, N_P, "log level=info exchange=%" PRIu64 " code=4 text=STATE_MAIN_I4", x),
                        "a code that no line of ike-negotiate has");
    assert_non_null(feed(w, N_P, "log level=debug exchange=%" PRIu64 " code=2 text=lie", x));
    assert_non_null(feed(w, N_P, "log level=info remote=10.9.0.2 remote-port=500 code=4 text=lie"));
    assert_non_null(feed(w, N_P, "log level=debug remote=10.9.0.2 remote-port=500 code=2 text=lie"));
    static const unsigned codes_of_no_failure[] = { 0, 4, 10, 40, 104, 200, 231, 999 };
    for (size_t i = 0; i < sizeof codes_of_no_failure / sizeof codes_of_no_failure[0]; i++) {
        assert_string_equal(feed(w, N_P, "failed exchange=%" PRIu64 " code=%u why=up", x, codes_of_no_failure[i]),
                            "its code is none of a failure");
        assert_string_equal(feed(w, S_P, "failed exchange=%" PRIu64 " code=%u why=up", x, codes_of_no_failure[i]),
                            "failed: its code is none of a failure");
    }
    assert_int_equal(w->said.len, 0);
    world_free(w);
}

static void test_whack_hears_few_notifications(void **state)
{
    struct world *w = net_that_begins();
    (void)state;
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    buffer_wipe(&w->said);
    for (int i = 0; i < 1000; i++) {
        assert_null(feed(w, N_P, "notified exchange=%" PRIu64 " notification=14 protected=no", x));
    }
    assert_int_equal(count_of(&w->said, "214 "), 8);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failed_when_it_is_up),
        cmocka_unit_test(test_failed_again_and_again),
        cmocka_unit_test(test_failed_of_a_dead_ones),
        cmocka_unit_test(test_failed_while_it_comes_up),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_steps_of_one_under_way),
        cmocka_unit_test(test_whack_is_told_no_success),
        cmocka_unit_test(test_whack_hears_few_notifications),
        cmocka_unit_test(test_identify_is_answered_once),
        cmocka_unit_test(test_pfs_is_announced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
