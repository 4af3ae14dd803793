/* plutod's core: what another program did to our SAs and policies in the kernel. */
#include "test_plutod_negotiations.h"

static const char *story(struct world *w)
{
    return routing_story(conn_find(&w->k, "net"));
}

static void policy(struct world *w, const char *way, const char *restored)
{
    assert_null(feed(w, K_P, "policy-deleted reqid=%u our-client=10.1.0.0/24 peer-client=10.2.0.0/24 way=%s restored=%s",
                     conn_find(&w->k, "net")->reqid, way, restored));
}

static void deleted(struct world *w, uint64_t y)
{
    assert_null(feed(w, K_P, "sa-deleted exchange=%" PRIu64 " protocol=esp", y));
}

/* At once, under the ISAKMP SA that is there; until then its policies stay, and trap. */
static void sas_are_negotiated_anew(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    deleted(w, t.y);
    assert_true(has(&w->log, "#2: another program deleted the IPsec SA from the kernel (as ip xfrm state flush does): it is "
                             "negotiated anew at once"));
    assert_false(has(&w->log, "expired"));
    assert_string_equal(story(w), "erouted HOLD");
    assert_null(feed(w, W_P, "whack-status"));
    assert_true(has(&w->said, "; erouted HOLD; eroute owner: #0\n"));
    assert_true(has(&w->said, "another program deleted its SAs from the kernel); EVENT_SA_REPLACE in 0s\n"));
    assert_false(has(&w->said, "esp.0000bbbb"));
    clear(w);
    assert_null(feed(w, W_P, "whack-status json=yes"));
    assert_true(has(&w->said, "\"state\": \"half-up\"") || has(&w->said, "\"state\":\"half-up\""));
    assert_true(has(&w->said, "\"established\": false") || has(&w->said, "\"established\":false"));
    clear(w);
    assert_null(feed(w, W_P, "whack-explain name=net"));
    assert_true(has(&w->said, "\"net\": it is erouted HOLD\n"));
    clear(w);

    deleted(w, t.y); /* its other half */
    pass(w, 0);
    assert_null(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA));
    uint64_t y = quick_mode_goes_well(w, 0xcccc, false);
    assert_string_equal(story(w), "erouted");
    pass(w, 0);
    assert_null(xchg_find(&w->k, t.y));
    assert_non_null(xchg_find(&w->k, y));
    assert_non_null(sent(w, &w->n, P_N, V_DELETE_SA)); /* the peer is told that the old one is gone */
    assert_int_equal(record_number(&w->r, K_PARENT), t.x);
    assert_non_null(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA));
    assert_int_equal(record_number(&w->r, K_EXCHANGE), t.y);
    assert_int_equal(w->job_count, 0); /* no script: nothing went down */
    world_free(w);
}

/* A program that goes on deleting is followed more and more slowly. */
static void not_at_his_pace(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    uint64_t y = t.y;
    unsigned begun = 0;
    unsigned spi = 0xc000;
    uint64_t longest = 0;
    uint64_t since = w->k.now;
    (void)state;
    deleted(w, y);
    for (unsigned s = 0; s < 600; s++) {
        pass(w, s == 0 ? 0 : 1000);
        if (has(&w->n, "quick exchange=")) {
            longest = w->k.now - since > longest ? w->k.now - since : longest;
            y = quick_mode_goes_well(w, ++spi, false);
            pass(w, 0);
            clear(w);
            since = w->k.now;
            begun++;
            deleted(w, y);
            assert_true(has(&w->log, "in 10 s, as that has happened before, or when a packet wants through") || begun > 1);
        }
        assert_non_null(conn_find(&w->k, "net")->eroute);
    }
    assert_in_range(begun, 8, 16);
    assert_in_range(longest, 59000, 61000);
    world_free(w);
}

/*
 * Nobody answers: as long as there are attempts, packets are held back. What held them goes in the end, and that
 * is said.
 */
static void nothing_takes_its_place(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    unsigned begun = 0;
    (void)state;
    deleted(w, t.y);
    for (unsigned s = 0; s < 20 * GIVE_UP / 1000 && xchg_find(&w->k, t.y) != NULL; s++) {
        pass(w, s == 0 ? 0 : 1000);
        const struct record *r = sent(w, &w->n, P_N, V_QUICK);
        if (r != NULL) {
            uint64_t y = record_number(r, K_EXCHANGE);
            clear(w);
            begun++;
            pass(w, GIVE_UP - 1000);
            assert_string_equal(story(w), "erouted HOLD");
            assert_null(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA));
            assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=34 why=refused", y));
        }
    }
    assert_int_equal(begun, 3);
    assert_true(has(&w->log, "nothing took its place; its policies go, too"));
    assert_null(xchg_find(&w->k, t.y));
    assert_string_equal(story(w), "unrouted");
    world_free(w);
}

/* It was over: nobody deleted it. Others stand beside it: nothing is missing. Not heard: it waits, and so do packets. */
static void in_other_ways(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    uint64_t y = quick_mode_goes_well(w, 0xcccc, false);
    clear(w);
    deleted(w, t.y);
    assert_true(has(&w->log, "another program deleted it from the kernel; there are others"));
    assert_null(xchg_find(&w->k, t.y));
    assert_null(sent(w, &w->n, P_N, V_QUICK));
    clear(w);
    keying_unlisten(&w->k);
    deleted(w, y);
    pass(w, 5 * GIVE_UP);
    pass(w, 5 * GIVE_UP);
    assert_string_equal(story(w), "erouted HOLD");
    assert_null(sent(w, &w->n, P_N, V_QUICK));
    world_listen(w, "10.9.0.1");
    pass(w, 10000);
    y = quick_mode_goes_well(w, 0xdddd, false);
    pass(w, 0);
    clear(w);
    pass(w, (uint64_t)IPSEC_LIFE_DEFAULT * 1000);
    deleted(w, y);
    assert_true(has(&w->log, "the IPsec SA has expired"));
    assert_false(has(&w->log, "another program"));
    world_free(w);
}

/* Its script has not ended, or its last step is not there: whoever waits is told, and another one is begun. */
static void before_it_was_up(void **state)
{
    (void)state;
    for (unsigned steps = 0; steps < 2; steps++) {
        struct world *w = world_new("10.9.0.1");
        assert_null(feed(w, W_P, NET NET_POLICY));
        assert_null(feed(w, W_P, "whack-initiate name=net"));
        uint64_t x = main_mode_goes_well(w);
        uint64_t y = record_number(sent(w, &w->n, P_N, V_QUICK), K_EXCHANGE);
        assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=QUICK_I1", y));
        sas_up(w, y, 0xbbbb);
        if (steps == 1) {
            assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=QUICK_I2", y));
        }
        clear(w);
        deleted(w, y);
        assert_true(has(&w->said, "031 \"net\" #2: another program deleted the IPsec SA from the kernel"));
        assert_int_equal(w->holds, 0);
        pass(w, 0);
        assert_non_null(sent(w, &w->n, P_N, V_QUICK));
        assert_int_equal(record_number(&w->r, K_PARENT), x);
        world_free(w);
    }
}

/* The same of one that was to take the place of another: that one stands, and it is tried again. */
static void before_it_was_up_beside_another(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    uint64_t y = record_number(sent(w, &w->n, P_N, V_QUICK), K_EXCHANGE);
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=QUICK_I1", y));
    sas_up(w, y, 0xcccc);
    clear(w);
    deleted(w, y);
    assert_true(has(&w->said, "031 \"net\" #3: another program deleted its SAs from the kernel before they were in use"));
    assert_null(xchg_find(&w->k, y));
    assert_non_null(xchg_find(&w->k, t.y));
    assert_string_equal(story(w), "erouted");
    clear(w);
    pass(w, 60000);
    assert_non_null(sent(w, &w->n, P_N, V_QUICK));
    world_free(w);
}

/* --terminate while it is held: nothing of it is left. */
static void ended_meanwhile(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    deleted(w, t.y);
    assert_null(feed(w, W_P, "whack-terminate name=net asynchronous=yes"));
    assert_null(xchg_find(&w->k, t.y));
    clear(w);
    pass(w, GIVE_UP);
    assert_null(sent(w, &w->n, P_N, V_QUICK));
    deleted(w, t.y);
    policy(w, "out", "yes");
    world_free(w);
}

static void policies(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    policy(w, "out", "yes");
    assert_true(has(&w->log, "another program took its policies out of the kernel (as ip xfrm policy flush does): they were "
                             "put back at once"));
    assert_string_equal(story(w), "erouted");
    clear(w);
    pass(w, 600001);
    policy(w, "out", "no");
    policy(w, "in", "no");
    assert_true(has(&w->log, "and they are not back: packets between its clients are not protected"));
    assert_int_equal(lines_of(w), 1);
    assert_string_equal(story(w), "not protected: another program took its policies out of the kernel");
    clear(w);
    assert_null(feed(w, W_P, "whack-status json=yes"));
    assert_true(has(&w->said, "\"state\": \"half-up\"") || has(&w->said, "\"state\":\"half-up\""));
    assert_true(has(&w->said, "\"routed\": false") || has(&w->said, "\"routed\":false"));
    assert_null(feed(w, W_P, "whack-explain name=net"));
    assert_true(has(&w->said, "\"net\": it is not protected: another program"));
    clear(w);
    policy(w, "out", "yes");
    assert_string_equal(story(w), "not protected: another program took its policies out of the kernel");
    policy(w, "in", "yes");
    assert_string_equal(story(w), "erouted");
    assert_true(has(&w->log, "its policies are back in the kernel"));
    clear(w);
    for (unsigned i = 0; i < 20; i++) { /* there and gone again: that is not said each time */
        policy(w, "out", "no");
        policy(w, "out", "yes");
    }
    assert_int_equal(w->log.len, 0);
    policy(w, "out", "no");
    keying_kernel_down(&w->k); /* the next one finds out how it stands */
    assert_string_equal(story(w), "erouted");
    assert_null(feed(w, K_P, "policy-deleted reqid=4711 our-client=10.1.0.0/24 peer-client=10.2.0.0/24 way=in restored=no"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sas_are_negotiated_anew),
        cmocka_unit_test(not_at_his_pace),
        cmocka_unit_test(nothing_takes_its_place),
        cmocka_unit_test(in_other_ways),
        cmocka_unit_test(before_it_was_up),
        cmocka_unit_test(before_it_was_up_beside_another),
        cmocka_unit_test(ended_meanwhile),
        cmocka_unit_test(policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
