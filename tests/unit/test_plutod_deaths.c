/* plutod's core: processes of ours and peers that die, and what they knew. */
#include "test_plutod_negotiations.h"

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
                         "method=psk proposal=aes256-sha2_256-modp2048 matched=yes", x, i, i));
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

/* ---- in the midst of a negotiation ---- */

static struct world *initiated(const char *policy)
{
    struct world *w = world_new("10.9.0.1");
    assert_null(feed(w, W_P, NET "%s", policy));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    return w;
}

static void worker_dies(struct world *w, bool another)
{
    if (another) {
        assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    }
    keying_worker_down(&w->k, 1);
    w->worker = 2;
    if (!another) {
        assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    }
}

/* Main Mode and Quick Mode begun anew, come up; whack has waited for that all the while. */
static void comes_up(struct world *w)
{
    char text[100];
    buffer_wipe(&w->said);
    uint64_t x = main_mode_goes_well(w);
    assert_non_null(xchg_find(&w->k, x));
    assert_true(w->holds > 0);
    const struct record *r = sent(w, &w->s[w->worker], P_S, V_ANNOUNCE_QUICK);
    while (r != NULL && record_number(r, K_PARENT) != x) {
        r = sent(w, &w->s[w->worker], P_S, V_ANNOUNCE_QUICK);
    }
    assert_non_null(r);
    (void)quick_mode_goes_well(w, 0xbbbb, true);
    assert_string_equal(codes(w, text), "102 104 106 004 110 004");
    assert_int_equal(w->holds, 0);
}

/* It does not count as one of --keyingtries, and whack stays. */
static void test_negotiator_dies_during_initiate(void **state)
{
    (void)state;
    for (int paused = 0; paused < 2; paused++) {
        struct world *w = initiated(NET_POLICY " keyingtries=1");
        assert_non_null(sent(w, &w->n, P_N, V_INITIATE));
        for (int i = 0; i < 3; i++) {
            negotiator_dies(w);
            pass(w, paused ? 25000 : 0);
            keying_negotiator_up(&w->k, &w->n);
        }
        comes_up(w);
        world_free(w);
    }
}

static void test_negotiator_never_comes_back(void **state)
{
    char text[100];
    (void)state;
    struct world *w = initiated(NET_POLICY " keyingtries=1");
    negotiator_dies(w);
    buffer_wipe(&w->said);
    pass(w, HALF_OPEN_LIFE);
    assert_string_equal(codes(w, text), "031");
    assert_int_equal(w->holds, 0);
    world_free(w);
}

/* Deaths without end are a failure like any other. */
static void test_negotiator_dies_of_it(void **state)
{
    (void)state;
    struct world *w = initiated(NET_POLICY " keyingtries=1");
    for (int i = 0; i < 9; i++) {
        negotiator_dies(w);
        keying_negotiator_up(&w->k, &w->n);
    }
    assert_true(has(&w->said, "032 "));
    assert_int_equal(w->holds, 0);
    buffer_wipe(&w->n);
    pass(w, 200000);
    assert_null(sent(w, &w->n, P_N, V_INITIATE));
    world_free(w);
}

/* secrets has shown nothing of its own yet: the Main Mode goes on with another worker. */
static void test_worker_dies_early(void **state)
{
    (void)state;
    for (int another = 0; another < 2; another++) {
        struct world *w = initiated(NET_POLICY);
        uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
        uint64_t y = record_number(sent(w, &w->n, P_N, V_QUICK), K_EXCHANGE);
        worker_dies(w, another);
        const struct record *r = sent(w, &w->s[2], P_S, V_ANNOUNCE);
        assert_non_null(r);
        assert_int_equal(record_number(r, K_EXCHANGE), x);
        r = sent(w, &w->s[2], P_S, V_ANNOUNCE_QUICK);
        assert_int_equal(record_number(r, K_EXCHANGE), y);
        r = sent(w, &w->n, P_N, V_WORKER);
        assert_int_equal(record_number(r, K_EXCHANGE), x);
        assert_int_equal(record_number(r, K_WORKER), 2);
        assert_null(sent(w, &w->n, P_N, V_DELETE));
        assert_int_equal(xchg_find(&w->k, y)->worker, 2);
        world_free(w);
    }
}

/* It had: ike-negotiate says so, whoever of the two is heard of first. */
static void test_worker_dies_late(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct world *w = initiated(NET_POLICY " keyingtries=1");
        uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
        if (!first) {
            worker_dies(w, false);
        }
        assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=32 why=lost worker=1", x));
        if (first) {
            worker_dies(w, false);
        }
        assert_null(xchg_find(&w->k, x));
        comes_up(w); /* not with the dead one */
        world_free(w);
    }
}

/* The peer's: the candidates of a half-open one are announced to another worker. */
static void test_worker_dies_under_a_responder(void **state)
{
    (void)state;
    for (int chosen = 0; chosen < 2; chosen++) {
        struct world *w = world_new("10.9.0.1");
        assert_null(feed(w, W_P, NET NET_POLICY));
        assert_null(feed(w, N_P, "first id=1 local=10.9.0.1 local-port=500 remote=10.9.0.2 "
                         "remote-port=500"));
        uint64_t x = record_number(sent(w, &w->n, P_N, V_OK), K_EXCHANGE);
        if (chosen) {
            assert_null(feed(w, N_P, "chosen exchange=%" PRIu64 " connection=net "
                             "proposal=aes256-sha2_256-modp2048", x));
        }
        worker_dies(w, chosen);
        assert_int_equal(record_number(sent(w, &w->s[2], P_S, V_ANNOUNCE), K_EXCHANGE), x);
        assert_int_equal(record_number(sent(w, &w->n, P_N, V_WORKER), K_WORKER), 2);
        world_free(w);
    }
}

/* The peer had proved himself, and his Quick Mode died with a process of ours: we begin one. */
static void test_dies_under_the_peers_quick_mode(void **state)
{
    (void)state;
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=esp spis=0000bbbb", t.x));
    assert_null(feed(w, N_P, "quick-ask id=9 parent=%" PRIu64 " our-client=10.1.0.0/24 "
                     "peer-client=10.2.0.0/24", t.x));
    uint64_t y = record_number(sent(w, &w->n, P_N, V_OK), K_EXCHANGE);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=32 why=lost worker=1", y));
    worker_dies(w, false);
    assert_int_equal(record_number(sent(w, &w->n, P_N, V_INITIATE), K_WORKER), 2);
    world_free(w);
}

static void test_kernel_dies_during_initiate(void **state)
{
    (void)state;
    struct world *w = initiated(NET_POLICY);
    keying_kernel_down(&w->k);
    buffer_wipe(&w->kernel);
    keying_kernel_up(&w->k, &w->kernel);
    const struct record *r = sent(w, &w->kernel, P_K, V_PERMIT);
    assert_int_equal(record_word(r, K_AGAIN), 0);
    assert_true(record_has(r, K_AGAIN));
    comes_up(w);
    world_free(w);
}

/* ---- the peer ---- */

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
    struct world *w = net_that_begins();
    char text[100];
    (void)state;
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
        cmocka_unit_test(test_negotiator_dies_during_initiate),
        cmocka_unit_test(test_negotiator_never_comes_back),
        cmocka_unit_test(test_negotiator_dies_of_it),
        cmocka_unit_test(test_worker_dies_early),
        cmocka_unit_test(test_worker_dies_late),
        cmocka_unit_test(test_worker_dies_under_a_responder),
        cmocka_unit_test(test_dies_under_the_peers_quick_mode),
        cmocka_unit_test(test_kernel_dies_during_initiate),
        cmocka_unit_test(test_peer_forgot),
        cmocka_unit_test(test_peer_refuses),
        cmocka_unit_test(test_last_word_of_the_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
