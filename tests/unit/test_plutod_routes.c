/* plutod's core: routes that several connections share, and scripts that fail [C4] [C7]. */
#include "test_plutod_negotiations.h"

#define OTHER "whack-connection name=other left-host=10.9.0.1 left-client=10.11.0.0/24 " \
              "right-host=10.9.0.2 right-client=10.2.0.0/24 " NET_POLICY " keyingtries=1"

/* Two connections to one net; both have their SAs, and no script has ended. */
static struct world *two_to_one_net(uint64_t y[2])
{
    struct world *w = world_new("10.9.0.1");
    assert_null(feed(w, W_P, NET NET_POLICY " keyingtries=1"));
    assert_null(feed(w, W_P, OTHER));
    assert_null(feed(w, W_P, "whack-initiate name=net asynchronous=yes"));
    (void)main_mode_goes_well(w);
    y[0] = quick_mode_goes_well(w, 0x100, false);
    assert_null(feed(w, W_P, "whack-initiate name=other asynchronous=yes"));
    y[1] = quick_mode_goes_well(w, 0x200, false);
    script_ends(w, "prepare-client", true);
    script_ends(w, "prepare-client", true);
    return w;
}

static void test_waits_for_anothers_route(void **state)
{
    uint64_t y[2];
    struct world *w = two_to_one_net(y);
    (void)state;
    assert_int_equal(w->job_count, 1); /* one `route` for both */
    script_ends(w, "route-client", true);
    script_ends(w, "up-client", true);
    script_ends(w, "up-client", true);
    assert_int_equal(w->job_count, 0);
    assert_true(xchg_find(&w->k, y[0])->ready);
    assert_true(xchg_find(&w->k, y[1])->ready);
    world_free(w);
}

/* The second does not take the first one's word for it: it tries with its own. */
static void test_anothers_route_fails(void **state)
{
    uint64_t y[2];
    struct world *w = two_to_one_net(y);
    (void)state;
    script_ends(w, "route-client", false);
    assert_null(xchg_find(&w->k, y[0]));
    assert_int_equal(w->job_count, 1);
    script_ends(w, "route-client", true);
    script_ends(w, "up-client", true);
    assert_true(xchg_find(&w->k, y[1])->ready);
    assert_null(feed(w, W_P, "whack-terminate name=other asynchronous=yes"));
    script_ends(w, "down-client", true);
    script_ends(w, "unroute-client", true);
    world_free(w);

    w = two_to_one_net(y);
    script_ends(w, "route-client", false);
    script_ends(w, "route-client", false);
    assert_null(xchg_find(&w->k, y[1]));
    script_ends(w, "unroute-client", true); /* it may have done half */
    assert_int_equal(w->job_count, 0);
    world_free(w);
}

/* Who began it has gone while it ran: what it did holds for the other one. */
static void test_leaves_during_its_route(void **state)
{
    uint64_t y[2];
    struct world *w = two_to_one_net(y);
    (void)state;
    assert_null(feed(w, W_P, "whack-terminate name=net asynchronous=yes"));
    script_ends(w, "route-client", true);
    assert_int_equal(w->job_count, 1);
    script_ends(w, "up-client", true);
    assert_true(xchg_find(&w->k, y[1])->ready);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_for_anothers_route),
        cmocka_unit_test(test_anothers_route_fails),
        cmocka_unit_test(test_leaves_during_its_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
