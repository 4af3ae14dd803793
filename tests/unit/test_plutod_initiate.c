/* plutod's core: negotiations that we begin, what they use and say, scripts, what whack is told. */
#include "test_plutod_negotiations.h"

static void test_good_initiate(void **state)
{
    struct world *w = net_that_begins();
    char line[100];
    (void)state;
    const struct record *r = sent(w, &w->s[1], P_S, V_ANNOUNCE);
    assert_non_null(r);
    assert_string_equal(record_text(r, K_PEER_ID), "10.9.0.2");
    assert_non_null(sent(w, &w->s[1], P_S, V_ANNOUNCE_QUICK));
    r = sent(w, &w->kernel, P_K, V_PERMIT);
    assert_non_null(r);
    assert_string_equal(record_text(r, K_PEER_CLIENT), "10.2.0.0/24");
    assert_int_equal(record_word(r, K_MODES), 0);
    assert_int_equal(w->holds, 2);
    buffer_wipe(&w->said);
    (void)main_mode_goes_well(w);
    (void)quick_mode_goes_well(w, 0x1234, true);
    assert_string_equal(codes(w, line), "102 104 106 004 110 004");
    assert_int_equal(w->holds, 0);
    assert_true(has(&w->said, "004 \"net\" #1: STATE_MAIN_I4: ISAKMP SA established"));
    assert_true(has(&w->said, "004 \"net\" #2: STATE_QUICK_I2: sent QI2, IPsec SA established"));
    world_free(w);
}

static void test_isakmp_sa_is_used_again(void **state)
{
    struct world *w = net_that_begins();
    char line[100];
    (void)state;
    (void)main_mode_goes_well(w);
    (void)quick_mode_goes_well(w, 0x1234, true);
    clear(w);
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    (void)quick_mode_goes_well(w, 0x1235, false); /* a second pair: no script runs */
    assert_string_equal(codes(w, line), "110 004");
    assert_int_equal(w->job_count, 0);
    world_free(w);
}

static void test_connections_share_a_main_mode(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=other left-host=10.9.0.1 "
                     "left-client=10.1.1.0/24 right-host=10.9.0.2 right-client=10.2.1.0/24 "
                     NET_POLICY));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    assert_null(feed(w, W_P, "whack-initiate name=other asynchronous=yes"));
    assert_int_equal(record_number(sent(w, &w->n, P_N, V_QUICK), K_PARENT), x);
    assert_int_equal(record_number(sent(w, &w->n, P_N, V_QUICK), K_PARENT), x);
    assert_null(sent(w, &w->n, P_N, V_INITIATE));
    /* The Main Mode fails: both are tried again, and whack is told once. */
    buffer_wipe(&w->said);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silent", x));
    assert_int_equal(w->holds, 0);
    assert_null(w->k.exchanges);
    world_free(w);
}

static void test_group_of_phase_1_for_pfs(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY ",pfs"));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    assert_false(has(&w->n, "quick exchange")); /* default offers several: it waits */
    (void)main_mode_goes_well(w);
    const struct record *r = sent(w, &w->n, P_N, V_QUICK);
    assert_non_null(r);
    assert_string_equal(record_text(r, K_PFS), "modp2048");
    world_free(w);
}

static void test_what_is_in_the_way(void **state)
{
    struct world *w = world_new("10.9.0.3");
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY));
    assert_null(feed(w, W_P, NET NET_POLICY));
    assert_true(has(&w->said, "020 "));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    assert_true(has(&w->said, "022 "));
    assert_null(feed(w, W_P, "whack-initiate name=nobody"));
    assert_true(has(&w->said, "021 "));
    world_listen(w, "10.9.0.1,10.9.0.2");
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    assert_true(has(&w->said, "both its hosts"));
    world_listen(w, "10.9.0.2");
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    const struct record *r = sent(w, &w->n, P_N, V_INITIATE);
    assert_string_equal(record_text(r, K_REMOTE), "10.9.0.1"); /* the other end is ours now */
    keying_unlisten(&w->k);
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    assert_true(has(&w->said, "024 "));
    world_free(w);
}

static void test_eroute_conflict_is_refused(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=rival left-host=10.9.0.1 "
                     "left-client=10.1.0.0/24 right-host=10.9.0.9 right-client=10.2.0.0/24 "
                     NET_POLICY));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    (void)main_mode_goes_well(w);
    (void)quick_mode_goes_well(w, 0x1234, true);
    clear(w);
    assert_null(feed(w, W_P, "whack-initiate name=rival"));
    assert_true(has(&w->said, "025 "));
    assert_true(has(&w->said, "\"net\""));
    assert_int_equal(w->n.len, 0);
    assert_int_equal(w->kernel.len, 0);
    world_free(w);
}

static void test_isakmp_only(void **state)
{
    struct world *w = world_new("10.9.0.1");
    char line[100];
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=net left-host=10.9.0.1 right-host=10.9.0.2 "
                     "policy=psk"));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    buffer_wipe(&w->said);
    (void)main_mode_goes_well(w);
    assert_string_equal(codes(w, line), "102 104 106 004");
    assert_int_equal(w->holds, 0);
    assert_null(sent(w, &w->n, P_N, V_QUICK));
    world_free(w);
}

/* [W8a]: whoever may come from anywhere has no address to begin with. */
static void w8a_no_address_of_the_peer(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-nexthop=%%25direct "
                     "right-host=%%25any " NET_POLICY));
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-initiate name=road"));
    assert_true(has(&w->said, "029 \"road\": cannot initiate: the peer's address is not known"));
    assert_null(w->k.exchanges);
    assert_int_equal(w->holds, 0);
    world_free(w);
}

/* [W2]: --ikeport of the peer's end is where our messages for it go; ours is plutod's own. */
static void w2_messages_go_to_the_peers_ikeport(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET "right-ikeport=4711 " NET_POLICY));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    const struct record *r = sent(w, &w->n, P_N, V_INITIATE);
    assert_string_equal(record_text(r, K_REMOTE), "10.9.0.2");
    assert_int_equal(record_number(r, K_REMOTE_PORT), 4711);
    assert_int_equal(record_number(r, K_LOCAL_PORT), 500);
    world_free(w);
}

/* [W2]: only our end's script is run, whichever end that is. */
static void w2_our_ends_script(void **state)
{
    static const struct {
        const char *ours;
        const char *script;
    } cases[] = { { "10.9.0.1", "/bin/left" }, { "10.9.0.2", "/bin/right" } };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world *w = world_new(cases[i].ours);
        assert_null(feed(w, W_P, NET "left-updown=/bin/left right-updown=/bin/right " NET_POLICY));
        struct conn *c = conn_find(&w->k, "net");
        struct script_job *job = script_job_new(&w->k, c, "up", 1);
        assert_string_equal(job->words[0], cases[i].script);
        script_job_free(job);
        world_free(w);
    }
}

/* [W2]: `ipsec` in a script, or as --updown, is ours, wherever we are installed; another product has one, too. */
static void w2_a_scripts_path(void **state)
{
    static const char *const cases[][2] = {
        { "/usr/local/libexec/ipsec/updown", "PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin" },
        { "/src/ike/updown/updown", "PATH=/src/ike/whack:/usr/sbin:/usr/bin:/sbin:/bin" },
        { "/elsewhere/updown", "PATH=/usr/sbin:/usr/bin:/sbin:/bin" }
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = world_new("10.9.0.1");
        w->k.settings.updown = cases[i][0];
        assert_null(feed(w, W_P, NET NET_POLICY));
        struct script_job *job = script_job_new(&w->k, conn_find(&w->k, "net"), "up", 1);
        assert_string_equal(job->environment[0], cases[i][1]);
        script_job_free(job);
        world_free(w);
    }
}

/* [C2]: each negotiation and SA has a number of its own, in the log and for whack, that is not used again. */
static void c2_serial_numbers(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        char text[80];
        clear(w);
        assert_null(feed(w, W_P, "whack-initiate name=net"));
        (void)main_mode_goes_well(w);
        (void)quick_mode_goes_well(w, 0x1000 + round, true);
        snprintf(text, sizeof text, "\"net\" 10.9.0.2 #%u: STATE_MAIN_I4", 2 * round + 1);
        assert_true(has(&w->log, text));
        snprintf(text, sizeof text, "\"net\" #%u: STATE_MAIN_I4", 2 * round + 1);
        assert_true(has(&w->said, text));
        snprintf(text, sizeof text, "\"net\" 10.9.0.2 #%u: STATE_QUICK_I2", 2 * round + 2);
        assert_true(has(&w->log, text));
        buffer_wipe(&w->said);
        assert_null(feed(w, W_P, "whack-status"));
        snprintf(text, sizeof text, "000 #%u: \"net\" STATE_MAIN_I4", 2 * round + 1);
        assert_true(has(&w->said, text));
        assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=sample bytes-in=1 bytes-out=2 packets-in=3 packets-out=4",
                         w->k.next_id));
        for (unsigned n = 1; n <= 2; n++) {
            assert_null(feed(w, W_P, "whack-deletestate serial=%u", 2 * round + n));
            buffer_wipe(&w->said);
            assert_null(feed(w, W_P, "whack-deletestate serial=%u", 2 * round + n));
            assert_true(has(&w->said, "021 no state #"));
        }
        while (w->job_count > 0) {
            script_ends(w, w->jobs[0]->verb, true);
        }
    }
    world_free(w);
}

/* [R2]: who began has said whom he wants; another proved identity is no reason to look for another connection. */
static void r2_an_initiator_never_switches(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET "right-id=@one keyingtries=1 " NET_POLICY));
    assert_null(feed(w, W_P, "whack-connection name=two left-host=10.9.0.1 left-client=10.1.0.0/24 "
                     "right-host=10.9.0.2 right-id=@two right-client=10.2.0.0/24 " NET_POLICY));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    authenticated(w, x, "net", "@two", "no");
    assert_non_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_null(sent(w, &w->s[1], P_S, V_ACCEPT));
    assert_non_null(feed(w, N_P, "isakmp-up exchange=%" PRIu64 " role=initiator "
                         "proposal=aes256-sha2_256-modp2048 life=3600 cky-i=0102030405060708 "
                         "cky-r=0807060504030201", x));
    assert_int_equal(conn_find(&w->k, "net")->newest_isakmp, 0);
    assert_int_equal(conn_find(&w->k, "two")->newest_isakmp, 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_initiate),
        cmocka_unit_test(test_isakmp_sa_is_used_again),
        cmocka_unit_test(test_connections_share_a_main_mode),
        cmocka_unit_test(test_group_of_phase_1_for_pfs),
        cmocka_unit_test(test_what_is_in_the_way),
        cmocka_unit_test(test_eroute_conflict_is_refused),
        cmocka_unit_test(test_isakmp_only),
        cmocka_unit_test(w8a_no_address_of_the_peer),
        cmocka_unit_test(w2_messages_go_to_the_peers_ikeport),
        cmocka_unit_test(w2_our_ends_script),
        cmocka_unit_test(w2_a_scripts_path),
        cmocka_unit_test(c2_serial_numbers),
        cmocka_unit_test(r2_an_initiator_never_switches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
