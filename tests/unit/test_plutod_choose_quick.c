/* [R3] [R5] By which connection a Quick Mode goes of a peer who has proved who he is, and which others make way for him. */
#include "test_plutod_choose.h"

/* [R3] */
static void test_fewer_wildcards_are_preferred(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=road " ROAD "right-client=10.2.0.0/24 " NET_POLICY);
    uint64_t x = main_mode(w, "192.0.2.7", "road", "@me");
    add(w, "name=me " ROAD "right-id=@me right-client=10.2.0.0/24 " NET_POLICY);
    assert_string_equal(quick(w, x, "10.1.0.0/24", "10.2.0.0/24"), "me[1]");
    add(w, "name=here left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=192.0.2.7 right-id=@me "
           "right-client=10.2.0.0/24 " NET_POLICY);
    assert_string_equal(quick(w, x, "10.1.0.0/24", "10.2.0.0/24"), "here");
    world_free(w);
}

/* [R3] */
static void test_routed_ones_are_preferred(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=road " ROAD "right-client=10.2.0.0/24 " NET_POLICY);
    uint64_t x = main_mode(w, "192.0.2.7", "road", "@me");
    assert_string_equal(quick(w, x, "10.1.0.0/24", "10.2.0.0/24"), "road[1]");
    const struct xchg *y = conn_find(&w->k, "road[1]")->exchanges->prev;
    sas_up(w, y->number, 0x77);
    assert_non_null(conn_find(&w->k, "road[1]")->eroute);
    add(w, "name=me " ROAD "right-id=@me right-client=10.2.0.0/24 " NET_POLICY);
    assert_string_equal(quick(w, x, "10.1.0.0/24", "10.2.0.0/24"), "road[1]");
    assert_string_equal(quick(w, x, "10.1.0.0/24", "10.2.0.0/16"), "refused");
    assert_non_null(strstr(record_text(&w->r, K_WHY), "the peer's client is 10.2.0.0/24, not 10.2.0.0/16"));
    assert_string_equal(quick(w, x, "10.1.7.0/24", "10.2.0.0/24"), "refused");
    assert_non_null(strstr(record_text(&w->r, K_WHY),
                           "\"road\"[1] 192.0.2.7: our client is 10.1.0.0/24, not 10.1.7.0/24"));
    world_free(w);
}

/* [R3]: two that are the same but for their names: the one that is routed, though it was added later. */
static void r3_the_routed_one_of_two(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=one left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=10.9.0.2 right-client=10.2.0.0/24 " NET_POLICY);
    add(w, "name=net left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=10.9.0.2 right-client=10.2.0.0/24 " NET_POLICY);
    uint64_t x = main_mode(w, "10.9.0.2", "one", "10.9.0.2");
    assert_string_equal(quick(w, x, "10.1.0.0/24", "10.2.0.0/24"), "one"); /* none is routed: the first */
    assert_null(feed(w, W_P, "whack-terminate name=one asynchronous=yes"));
    clear(w);
    assert_null(feed(w, W_P, "whack-initiate name=net asynchronous=yes"));
    (void)main_mode_goes_well(w);
    (void)quick_mode_goes_well(w, 0x1234, true);
    assert_non_null(conn_find(&w->k, "net")->eroute);
    x = main_mode(w, "10.9.0.2", "one", "10.9.0.2");
    assert_string_equal(quick(w, x, "10.1.0.0/24", "10.2.0.0/24"), "net");
    world_free(w);
}

/* [R3]: two that overlap; only exactly what is asked for is given. */
static void test_overlapping_clients(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=wide left-host=10.9.0.1 left-client=10.1.0.0/16 right-host=10.9.0.2 "
           "right-client=10.2.0.0/16 " NET_POLICY);
    add(w, "name=narrow left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=10.9.0.2 "
           "right-client=10.2.0.0/24 " NET_POLICY);
    uint64_t x = main_mode(w, "10.9.0.2", "wide", "10.9.0.2");
    assert_string_equal(quick(w, x, "10.1.0.0/24", "10.2.0.0/24"), "narrow");
    assert_string_equal(quick(w, x, "10.1.0.0/16", "10.2.0.0/16"), "wide");
    assert_string_equal(quick(w, x, "10.1.0.0/24", "10.2.0.0/16"), "refused");
    world_free(w);
}

/* [R5] */
static void test_uniqueids(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    w->k.settings.uniqueids = true;
    add(w, "name=road " ROAD NET_POLICY);
    add(w, "name=fixed left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=10.9.0.3 right-id=@ME " NET_POLICY);
    uint64_t x = main_mode(w, "192.0.2.7", "road", "@me");
    assert_string_equal(quick(w, x, "10.1.0.0/24", "192.0.2.7/32"), "road[1]");
    uint64_t y = conn_find(&w->k, "road[1]")->exchanges->prev->number;
    sas_up(w, y, 0x77);
    uint64_t stranger = main_mode(w, "192.0.2.9", "road", "@you");
    clear(w);
    uint64_t now = identified(w, "192.0.2.8", "road", "@Me"); /* names are compared without case */
    assert_int_equal(record_number(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA), K_EXCHANGE), y);
    assert_null(xchg_find(&w->k, y));
    assert_null(xchg_find(&w->k, x));
    assert_null(conn_find(&w->k, "road[1]")); /* goes with its last state */
    assert_non_null(xchg_find(&w->k, stranger));
    assert_non_null(xchg_find(&w->k, now));
    assert_true(has(&w->log, "\"road\"[1] 192.0.2.7"));
    (void)main_mode(w, "10.9.0.3", "fixed", "@ME");
    assert_null(xchg_find(&w->k, now));
    world_free(w);
}

/* Without --uniqueids one identity may be in two places. */
static void r5_without_uniqueids_both_stay(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=road " ROAD NET_POLICY);
    uint64_t x = main_mode(w, "192.0.2.7", "road", "@me");
    assert_string_equal(quick(w, x, "10.1.0.0/24", "192.0.2.7/32"), "road[1]");
    uint64_t y = conn_find(&w->k, "road[1]")->exchanges->prev->number;
    sas_up(w, y, 0x77);
    uint64_t now = main_mode(w, "192.0.2.8", "road", "@me");
    assert_non_null(xchg_find(&w->k, x));
    assert_non_null(xchg_find(&w->k, y));
    assert_non_null(xchg_find(&w->k, now));
    assert_non_null(conn_find(&w->k, "road[2]"));
    world_free(w);
}

/* [C4] [R5]: of whoever it is, the one that came last has a net that is fixed. */
static void test_a_fixed_client_evicts(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    add(w, "name=backup left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=10.9.0.3 "
           "right-client=10.2.0.0/24 " NET_POLICY);
    uint64_t x = main_mode(w, "10.9.0.2", "net", "10.9.0.2");
    assert_string_equal(quick(w, x, "10.1.0.0/24", "10.2.0.0/24"), "net");
    uint64_t y = conn_find(&w->k, "net")->exchanges->prev->number;
    sas_up(w, y, 0x77);
    clear(w);
    x = main_mode(w, "10.9.0.3", "backup", "10.9.0.3");
    assert_string_equal(quick(w, x, "10.1.0.0/24", "10.2.0.0/24"), "backup");
    assert_int_equal(record_number(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA), K_EXCHANGE), y);
    assert_true(has(&w->log, "deleting the IPsec SA: it makes way for \"backup\""));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fewer_wildcards_are_preferred),
        cmocka_unit_test(test_routed_ones_are_preferred),
        cmocka_unit_test(r3_the_routed_one_of_two),
        cmocka_unit_test(test_overlapping_clients),
        cmocka_unit_test(test_uniqueids),
        cmocka_unit_test(r5_without_uniqueids_both_stay),
        cmocka_unit_test(test_a_fixed_client_evicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
