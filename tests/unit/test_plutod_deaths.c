/* plutod's core: processes of ours and peers that die, and what they knew. */
#include "test_plutod_world.h"

struct tunnel {
    struct world *w;
    uint64_t x, y;
};

static struct tunnel tunnel_up(void)
{
    struct tunnel t = { .w = world_new("10.9.0.1") };
    assert_null(feed(t.w, W_P, NET NET_POLICY));
    assert_null(feed(t.w, W_P, "whack-initiate name=net"));
    t.x = main_mode_goes_well(t.w);
    t.y = quick_mode_goes_well(t.w, 0xbbbb, true);
    clear(t.w);
    return t;
}

static void pass(struct world *w, uint64_t ms)
{
    w->k.now += ms;
    keying_tick(&w->k);
}

static void negotiator_dies(struct world *w)
{
    keying_negotiator_down(&w->k);
    buffer_wipe(&w->n);
}

/* A Main Mode, no Quick Mode; and then Deletes of both sides find the IPsec SAs that there were. */
static void test_negotiator_dies(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    negotiator_dies(w);
    pass(w, 500); /* not running yet */
    keying_negotiator_up(&w->k, &w->n);
    pass(w, 1000);
    assert_false(has(&w->n, "quick "));
    uint64_t x = main_mode_goes_well(w);
    assert_int_not_equal(x, t.x);
    pass(w, 5000);
    assert_null(sent(w, &w->n, P_N, V_INITIATE)); /* once */
    assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=esp spis=0000bbbb", x));
    assert_null(xchg_find(&w->k, t.y));
    world_free(w);

    t = tunnel_up();
    w = t.w;
    negotiator_dies(w);
    keying_negotiator_up(&w->k, &w->n);
    pass(w, 200);
    x = main_mode_goes_well(w);
    assert_null(feed(w, W_P, "whack-terminate name=net asynchronous=yes"));
    const struct record *r = sent(w, &w->n, P_N, V_DELETE_SA);
    assert_non_null(r);
    assert_int_equal(record_number(r, K_PARENT), x);
    world_free(w);
}

/* It dies again in the midst of the new Main Mode; and where nothing is to be kept, none begins. */
static void test_negotiator_dies_again(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    for (int i = 0; i < 3; i++) {
        negotiator_dies(w);
        keying_negotiator_up(&w->k, &w->n);
        pass(w, 1200);
        assert_non_null(sent(w, &w->n, P_N, V_INITIATE));
    }
    assert_null(feed(w, W_P, "whack-terminate name=net asynchronous=yes"));
    negotiator_dies(w);
    keying_negotiator_up(&w->k, &w->n);
    pass(w, 5000);
    assert_null(sent(w, &w->n, P_N, V_INITIATE));
    world_free(w);
}

static void test_many_are_spread(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    for (unsigned i = 1; i <= 20; i++) {
        assert_null(feed(w, W_P, "whack-connection name=n%u left-host=10.9.0.1 left-client=10.1.0.0/24 "
                         "right-host=10.9.1.%u right-client=10.2.%u.0/24 policy=psk,encrypt,tunnel", i, i, i));
        assert_null(feed(w, W_P, "whack-initiate name=n%u asynchronous=yes", i));
        uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
        assert_null(feed(w, S_P, "authenticated exchange=%" PRIu64 " connection=n%u peer=10.9.1.%u "
                         "method=psk matched=yes", x, i, i));
        assert_null(feed(w, N_P, "isakmp-up exchange=%" PRIu64 " role=initiator "
                         "proposal=aes256-sha2_256-modp2048 life=3600 cky-i=0102030405060708 "
                         "cky-r=0807060504030201", x));
        sas_up(w, record_number(sent(w, &w->n, P_N, V_QUICK), K_EXCHANGE), 0x5000 + i);
        script_ends(w, "prepare-client", true);
        script_ends(w, "route-client", true);
        script_ends(w, "up-client", true);
    }
    negotiator_dies(w);
    keying_negotiator_up(&w->k, &w->n);
    unsigned begun[5] = { 0 };
    for (unsigned i = 0; i < 5; i++) {
        pass(w, 100);
        while (sent(w, &w->n, P_N, V_INITIATE) != NULL) {
            begun[i]++;
        }
        assert_true(begun[i] <= 5);
    }
    assert_int_equal(begun[0] + begun[1] + begun[2] + begun[3] + begun[4], 20);
    world_free(w);
}

/* The old ISAKMP SA stays for Deletes, another one is made as soon as there is a worker for it. */
static void test_worker_dies(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    keying_worker_down(&w->k, 1);
    pass(w, 200);
    assert_null(sent(w, &w->n, P_N, V_INITIATE));
    assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    pass(w, 1000);
    const struct record *r = sent(w, &w->n, P_N, V_INITIATE);
    assert_non_null(r);
    assert_int_equal(record_number(r, K_WORKER), 2);
    assert_non_null(xchg_find(&w->k, t.x));
    assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=esp spis=0000bbbb", t.x));
    assert_null(xchg_find(&w->k, t.y));
    world_free(w);
}

/* Whack gets 032 whoever of ours died, and the next attempt goes on by itself. */
static void test_dies_during_initiate(void **state)
{
    (void)state;
    for (int secrets = 0; secrets < 2; secrets++) {
        char text[100];
        struct world *w = world_new("10.9.0.1");
        assert_null(feed(w, W_P, NET NET_POLICY));
        assert_null(feed(w, W_P, "whack-initiate name=net"));
        assert_non_null(sent(w, &w->n, P_N, V_INITIATE));
        buffer_wipe(&w->said);
        if (secrets) {
            keying_worker_down(&w->k, 1);
            assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
        } else {
            negotiator_dies(w);
            keying_negotiator_up(&w->k, &w->n);
        }
        assert_non_null(strstr(codes(w, text), "032"));
        assert_null(strstr(text, "031"));
        assert_int_equal(w->holds, 0);
        pass(w, 1000);
        assert_non_null(sent(w, &w->n, P_N, V_INITIATE));
        assert_non_null(sent(w, &w->n, P_N, V_QUICK));
        world_free(w);
    }
}

/* The peer was started again: nothing under the old ISAKMP SA is answered. */
static void test_peer_forgot(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    char text[100];
    (void)state;
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    uint64_t y = record_number(sent(w, &w->n, P_N, V_QUICK), K_EXCHANGE);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silence", y));
    assert_string_equal(codes(w, text), "031");
    assert_int_equal(w->holds, 0);
    assert_int_equal(record_number(sent(w, &w->n, P_N, V_DELETE), K_EXCHANGE), t.x);
    assert_null(xchg_find(&w->k, t.x));
    assert_non_null(xchg_find(&w->k, t.y)); /* it may still work */
    pass(w, 1000);
    (void)main_mode_goes_well(w);
    world_free(w);
}

/* But one that answers has not forgotten it. */
static void test_peer_refuses(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    uint64_t y = record_number(sent(w, &w->n, P_N, V_QUICK), K_EXCHANGE);
    assert_null(feed(w, N_P, "notified exchange=%" PRIu64 " notification=14 protected=yes "
                     "text=NO-PROPOSAL-CHOSEN", y));
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silence", y));
    assert_non_null(xchg_find(&w->k, t.x));
    world_free(w);
}

static void test_last_word_of_the_peer(void **state)
{
    struct world *w = world_new("10.9.0.1");
    char text[100];
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    buffer_wipe(&w->said);
    assert_null(feed(w, N_P, "notified exchange=%" PRIu64 " notification=14 protected=no "
                     "text=NO-PROPOSAL-CHOSEN", x));
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=no%%20response", x));
    assert_string_equal(codes(w, text), "214 031");
    assert_true(has(&w->said, "the peer last said NO-PROPOSAL-CHOSEN (not protected"));
    assert_false(has(&w->said, "no response"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_negotiator_dies),
        cmocka_unit_test(test_negotiator_dies_again),
        cmocka_unit_test(test_many_are_spread),
        cmocka_unit_test(test_worker_dies),
        cmocka_unit_test(test_dies_during_initiate),
        cmocka_unit_test(test_peer_forgot),
        cmocka_unit_test(test_peer_refuses),
        cmocka_unit_test(test_last_word_of_the_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
