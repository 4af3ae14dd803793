/* plutod's core: ISAKMP SAs that are to be replaced, and packets that find no SA. */
#include "test_plutod_negotiations.h"

/* The new Main Mode fails: another one, later and later, while there are IPsec SAs; not without end. */
static void test_renewal_is_tried_again(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    unsigned begun = 0;
    uint64_t last = 0;
    uint64_t longest = 0;
    (void)state;
    negotiator_dies(w);
    keying_negotiator_up(&w->k, &w->n);
    for (unsigned s = 0; s < 7200; s++) {
        pass(w, 1000);
        const struct record *r = sent(w, &w->n, P_N, V_INITIATE);
        if (r != NULL) {
            uint64_t gap = w->k.now - last;
            longest = begun > 0 && gap > longest ? gap : longest;
            assert_true(begun == 0 || gap >= 10000);
            begun++;
            last = w->k.now;
            assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silence",
                             record_number(r, K_EXCHANGE)));
        }
    }
    assert_in_range(begun, 8, 20);
    assert_in_range(longest, 160000, 700000);
    assert_true(has(&w->log, "whack --initiate tries again"));
    assert_non_null(xchg_find(&w->k, t.y));
    world_free(w);

    t = tunnel_up(); /* one that comes up in the end; and with the IPsec SAs the attempts end */
    w = t.w;
    for (int up = 0; up < 2; up++) {
        negotiator_dies(w);
        keying_negotiator_up(&w->k, &w->n);
        pass(w, 200);
        uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
        assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silence", x));
        if (up == 0) {
            pass(w, 10000);
            (void)main_mode_goes_well(w);
        } else {
            assert_null(feed(w, W_P, "whack-terminate name=net asynchronous=yes"));
        }
        pass(w, 2000000);
        assert_null(sent(w, &w->n, P_N, V_INITIATE));
    }
    world_free(w);
}

/* While plutod is deaf nothing is begun; afterwards it is. */
static void test_renewal_waits_for_listen(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    negotiator_dies(w);
    keying_negotiator_up(&w->k, &w->n);
    keying_unlisten(&w->k);
    pass(w, 60000);
    assert_null(sent(w, &w->n, P_N, V_INITIATE));
    world_listen(w, "10.9.0.1");
    pass(w, 60000);
    assert_non_null(sent(w, &w->n, P_N, V_INITIATE));
    world_free(w);
}

/* A policy that outlived its SAs, ours or an earlier plutod's, meets a packet. */
static void test_packet_meets_a_trap(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    uint32_t reqid = conn_find(&w->k, "net")->reqid;
    static const char trap[] = "acquire reqid=%u our-client=10.1.0.0/24 peer-client=10.%u.0.0/24 seq=1";
    (void)state;
    assert_null(feed(w, K_P, "sa-expired exchange=%" PRIu64 " protocol=esp hard=yes", t.y));
    clear(w);
    assert_null(feed(w, K_P, trap, 4711, 9)); /* nobody's */
    assert_int_equal(w->n.len, 0);
    assert_null(feed(w, K_P, trap, reqid, 2));
    const struct record *r = sent(w, &w->n, P_N, V_QUICK);
    assert_non_null(r);
    uint64_t y = record_number(r, K_EXCHANGE);
    assert_null(feed(w, K_P, trap, reqid, 2)); /* one at a time */
    assert_null(feed(w, K_P, trap, 4711, 2));
    assert_null(sent(w, &w->n, P_N, V_QUICK));
    assert_null(feed(w, W_P, "whack-terminate name=net asynchronous=yes"));
    assert_null(xchg_find(&w->k, y));
    clear(w);
    assert_null(feed(w, K_P, trap, 4711, 2)); /* by its clients */
    assert_non_null(sent(w, &w->n, P_N, V_INITIATE));
    world_free(w);
}

/* [P7]: what a packet wanted while we did not listen is begun when we do, once, and if it is still wanted. */
static void p7_acquires_wait_for_listen(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    uint32_t reqid = conn_find(&w->k, "net")->reqid;
    static const char trap[] = "acquire reqid=%u our-client=10.1.0.0/24 peer-client=10.2.0.0/24 seq=1";
    (void)state;
    assert_null(feed(w, K_P, "sa-expired exchange=%" PRIu64 " protocol=esp hard=yes", t.y));
    clear(w);
    keying_unlisten(&w->k);
    assert_null(feed(w, K_P, trap, reqid));
    assert_null(feed(w, K_P, trap, reqid));
    pass(w, 5000);
    assert_null(sent(w, &w->n, P_N, V_QUICK));
    world_listen(w, "10.9.0.1");
    assert_non_null(sent(w, &w->n, P_N, V_QUICK));
    assert_null(sent(w, &w->n, P_N, V_QUICK));
    assert_null(feed(w, W_P, "whack-terminate name=net asynchronous=yes"));
    clear(w);
    world_listen(w, "10.9.0.1"); /* it was done */
    assert_int_equal(w->n.len, 0);
    keying_unlisten(&w->k);
    assert_null(feed(w, K_P, trap, reqid));
    assert_null(feed(w, W_P, "whack-terminate name=net asynchronous=yes")); /* it is not wanted any more */
    world_listen(w, "10.9.0.1");
    assert_int_equal(w->n.len, 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_renewal_is_tried_again),
        cmocka_unit_test(test_renewal_waits_for_listen),
        cmocka_unit_test(test_packet_meets_a_trap),
        cmocka_unit_test(p7_acquires_wait_for_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
