/* plutod's core: negotiations that we begin and that fail, how often they are tried, and whose they are. */
#include "test_plutod_negotiations.h"

static void test_attempts(void **state)
{
    struct world *w = world_new("10.9.0.1");
    char line[100];
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY " keyingtries=2"));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    buffer_wipe(&w->said);
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    buffer_wipe(&w->said);
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_I1", x));
    assert_null(feed(w, N_P, "notified exchange=%" PRIu64 " notification=14 protected=no "
                     "text=NO-PROPOSAL-CHOSEN", x));
    assert_true(has(&w->said, "NO-PROPOSAL-CHOSEN (not protected"));
    assert_true(has(&w->said, "; we proposed "));
    assert_null(feed(w, N_P, "retransmitted exchange=%" PRIu64 " attempt=2 wait=20", x));
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silence", x));
    assert_string_equal(codes(w, line), "102 214 010 031");
    assert_int_equal(w->holds, 0);
    clear(w);
    keying_tick(&w->k);
    assert_int_equal(w->n.len, 0);
    w->k.now = agenda_next(&w->k.agenda);
    keying_tick(&w->k);
    x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silence", x));
    assert_int_equal(agenda_next(&w->k.agenda), UINT64_MAX); /* that was the last */
    assert_int_equal(w->said.len, 0);
    world_free(w);
}

/* [W11] [W12]: it is a failure as others are, which is counted, shown, and no reason to try again by ourselves. */
static void w12_script_that_fails_undoes(void **state)
{
    struct world *w = net_that_begins();
    (void)state;
    (void)main_mode_goes_well(w);
    uint64_t y = quick_mode_goes_well(w, 0x1234, false);
    script_ends(w, "prepare-client", true);
    buffer_wipe(&w->said);
    script_ends(w, "route-client", false);
    static const char why[] = "the updown script failed at route: it exited with status 3; so the IPsec SA is taken down "
                              "again. What the script has written is in the log";
    assert_true(has(&w->said, "025 \"net\" #2: the updown script failed at route: it exited with status 3; "));
    assert_string_equal(conn_find(&w->k, "net")->failure->why, why);
    assert_int_equal(w->k.counters.of[COUNT_FAILED_ROUTE], 1);
    assert_int_equal(conn_find(&w->k, "net")->attempt, 0);
    assert_int_equal(record_number(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA), K_EXCHANGE), y);
    assert_non_null(sent(w, &w->n, P_N, V_DELETE_SA));
    script_ends(w, "unroute-client", true);
    assert_int_equal(w->job_count, 0);
    assert_null(xchg_find(&w->k, y));
    assert_int_equal(w->holds, 0);
    world_free(w);
}

/* [F15]: secrets knows at once that there is none; whack does not wait for the peer. */
static void test_no_secret(void **state)
{
    struct world *w = world_new("10.9.0.1");
    char line[100];
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY " keyingtries=2"));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    buffer_wipe(&w->said);
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    const struct record *r =
        world_parse(w, S_P, "failed exchange=21474836481 code=28 why=none",
                    strlen("failed exchange=21474836481 code=28 why=none"));
    const char *why;
    assert_int_equal(record_number(r, K_EXCHANGE), x);
    assert_false(keying_from_secrets(&w->k, 9, r, &why)); /* another worker */
    assert_non_null(xchg_find(&w->k, x));
    assert_null(feed(w, S_P, "failed exchange=%" PRIu64 " code=28 why=none", x));
    assert_string_equal(codes(w, line), "028");
    assert_true(has(&w->said, "none (whack --listen reads ipsec.secrets anew)\n"));
    assert_int_equal(w->holds, 0);
    assert_null(w->k.exchanges);
    assert_non_null(sent(w, &w->n, P_N, V_DELETE));
    assert_null(feed(w, S_P, "failed exchange=%" PRIu64 " code=28 why=none", x)); /* ended already */
    w->k.now += 20000; /* it may have been added to the file meanwhile */
    keying_tick(&w->k);
    assert_non_null(sent(w, &w->n, P_N, V_INITIATE));
    /* what to do is not said twice */
    assert_null(feed(w, S_P, "failed exchange=%" PRIu64 " code=28 why=whack%%20--listen%%20asks", w->k.exchanges->number));
    assert_true(has(&w->log, "whack --listen asks\n"));
    world_free(w);
}

/* An ISAKMP SA that stands has had its secret. */
static void test_no_secret_is_said_too_late(void **state)
{
    struct world *w = net_that_begins();
    (void)state;
    uint64_t x = main_mode_goes_well(w);
    assert_non_null(feed(w, S_P, "failed exchange=%" PRIu64 " code=28 why=none", x));
    assert_non_null(xchg_find(&w->k, x));
    world_free(w);
}

/* How many attempts there are, and how many of them whack is told of, if all meet silence. */
static unsigned attempts(const char *words, unsigned limit)
{
    struct world *w = world_new("10.9.0.1");
    char line[100];
    unsigned n = 0;
    assert_null(feed(w, W_P, NET NET_POLICY "%s", words));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    const struct record *r;
    while (n < limit && (r = sent(w, &w->n, P_N, V_INITIATE)) != NULL) {
        uint64_t x = record_number(r, K_EXCHANGE);
        buffer_wipe(&w->said);
        assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silence", x));
        assert_string_equal(codes(w, line), n == 0 ? "031" : ""); /* whack is let go after the first */
        assert_int_equal(w->holds, 0);
        n++;
        if (agenda_next(&w->k.agenda) != UINT64_MAX) {
            w->k.now = agenda_next(&w->k.agenda);
            keying_tick(&w->k);
        }
    }
    world_free(w);
    return n;
}

static void c3_keyingtries(void **state)
{
    (void)state;
    assert_int_equal(attempts("", 50), 3);
    assert_int_equal(attempts(" keyingtries=1", 50), 1);
    assert_int_equal(attempts(" keyingtries=5", 50), 5);
    assert_int_equal(attempts(" keyingtries=0", 50), 50); /* never gives up */
}

/* [W9]: a second whack is told at once what it waits for: the first one hears how that goes. */
static void w9_a_second_initiate_is_told_what_it_waits_for(void **state)
{
    struct world *w = net_that_begins();
    char line[100];
    (void)state;
    assert_false(has(&w->said, "waits for"));
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_I1",
                     record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE)));
    clear(w);
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    assert_true(has(&w->said, "000 \"net\" #3: waits for the ISAKMP SA #1, whose Main Mode is under way: "
                              "STATE_MAIN_I1: initiate\n"));
    assert_string_equal(codes(w, line), "000");
    world_free(w);
    struct tunnel t = tunnel_up(); /* the ISAKMP SA stands: there is nothing to wait for */
    assert_null(feed(t.w, W_P, "whack-initiate name=net"));
    assert_false(has(&t.w->said, "waits for"));
    world_free(t.w);
}

/* [W9]: what a whack that was killed has begun is nobody's: the next one begins it anew, and leaves no second Quick Mode. */
static void w9_what_a_killed_whack_began_gives_way(void **state)
{
    static const char *const more[] = { "", " asynchronous=yes" };
    struct world *w = net_that_begins();
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        w->killed = true;
        clear(w);
        assert_null(feed(w, W_P, "whack-initiate name=net%s", more[i]));
        w->killed = false;
        assert_non_null(sent(w, &w->n, P_N, V_DELETE));
        uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
        assert_int_equal(HASH_COUNT(w->k.exchanges), 2);
        assert_true(has(&w->log, "ended before it was up: whack --initiate begins it anew"));
        clear(w);
        assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_I1", x));
        assert_true(has(&w->said, "102 \"net\"") == (i == 0));
    }
    assert_int_equal(w->holds, 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attempts),
        cmocka_unit_test(w12_script_that_fails_undoes),
        cmocka_unit_test(test_no_secret),
        cmocka_unit_test(test_no_secret_is_said_too_late),
        cmocka_unit_test(c3_keyingtries),
        cmocka_unit_test(w9_a_second_initiate_is_told_what_it_waits_for),
        cmocka_unit_test(w9_what_a_killed_whack_began_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
