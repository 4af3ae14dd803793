/* [W12] whack --status for people. As JSON, and how it is said in pieces: test_plutod_status_json.c. */
#include "test_plutod_negotiations.h"

static void test_status(void **state)
{
    struct world *w = world_new("10.9.0.2");
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY " left-id=@west"));
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status"));
    assert_true(has(&w->said, "000 interface eth0 10.9.0.2:500"));
    assert_true(has(&w->said, "10.2.0.0/24===10.9.0.2[10.9.0.2]...10.9.0.1[@west]===10.1.0.0/24"));
    assert_true(has(&w->said, "unrouted"));
    assert_true(has(&w->said, "policy: psk,encrypt,tunnel"));
    assert_int_equal(w->holds, 0);
    world_listen(w, "10.9.0.7");
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status"));
    assert_true(has(&w->said, "unoriented"));
    world_free(w);
}

#define ANY "whack-connection name=any left-host=10.9.0.1 right-host=%%25any left-nexthop=%%25direct " NET_POLICY

/* [W12]: an identity that a peer has made up does not read as the end of its brackets, or as another host. */
static void w12_identities_stay_in_their_brackets(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, ANY));
    (void)main_mode(w, "10.9.0.3", "any", "@x]...10.9.0.77[@boss.example.com===");
    assert_null(feed(w, W_P, "whack-status"));
    assert_true(has(&w->said, "000 \"any\"[1] 10.9.0.3: 10.9.0.1[10.9.0.1]...10.9.0.3[@x%5D%2E%2E.10.9.0.77%5B@boss."
                              "example.com%3D%3D%3D]; unrouted"));
    world_free(w);
}

/*
 * [W12]: nor do the longest distinguished names, in which short numbers need more room as text than as bytes, and two dots more
 * than that. The first has no text that is as short as others' are.
 */
static void w12_longest_distinguished_names(void **state)
{
    static const struct { unsigned oids, dots; const char *shown; } cases[] = {
        { 5, 54, "[@~3081fd3126302406" }, { 0, 239, "[CN=%2E%2E" }, { 1, 200, "[2.47.127.127." },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = world_new("10.9.0.1");
        struct buffer text;
        buffer_init(&text, 0);
        for (unsigned n = 0; n < cases[i].oids; n++) {
            buffer_add_text(&text, n == 0 ? "2.47" : ",2.47");
            for (unsigned j = 0; j < 30; j++) {
                buffer_add_text(&text, ".127");
            }
            buffer_add_text(&text, n + 1 < cases[i].oids ? "=utf8:x" : "=utf8:");
        }
        buffer_add_text(&text, cases[i].oids == 0 ? "CN=" : "");
        for (unsigned n = 0; n < cases[i].dots; n++) {
            buffer_add_text(&text, ".");
        }
        buffer_add_u8(&text, 0);
        assert_null(feed(w, W_P, ANY));
        (void)main_mode(w, "10.9.0.3", "any", (const char *)text.data);
        assert_null(feed(w, W_P, "whack-status"));
        assert_true(has(&w->said, cases[i].shown));
        assert_true(has(&w->said, "]; unrouted"));
        buffer_wipe(&text);
        world_free(w);
    }
}

/* Lives, margin, tries, policy words, proposals, the newest SAs: of a connection that has said all of it. */
static void w12_what_is_said_of_a_connection(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET "policy=psk,encrypt,tunnel,pfs,dontrekey ike=aes256-sha2_256-modp2048 "
                     "esp=aes256-sha2_256 pfsgroup=modp2048 ikelifetime=7001 ipseclifetime=1702 rekeymargin=203 "
                     "rekeyfuzz=104 keyingtries=5"));
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status"));
    assert_true(has(&w->said, "000 \"net\": 10.1.0.0/24===10.9.0.1[10.9.0.1]...10.9.0.2[10.9.0.2]===10.2.0.0/24; "
                              "unrouted; eroute owner: #0\n"));
    assert_true(has(&w->said, "000 \"net\":   ike_life: 7001s; ipsec_life: 1702s; rekey_margin: 203s; rekey_fuzz: 104%; "
                              "keyingtries: 5\n"));
    assert_true(has(&w->said, "000 \"net\":   policy: psk,encrypt,tunnel,pfs,dontrekey; interface: eth0; ike: "
                              "aes256-sha2_256-modp2048; esp: aes256-sha2_256; pfsgroup: modp2048\n"));
    assert_true(has(&w->said, "000 \"net\":   newest ISAKMP SA: #0; newest IPsec SA: #0\n"));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    (void)main_mode_goes_well(w);
    uint64_t y = quick_mode_goes_well(w, 0x1234, true);
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status"));
    assert_true(has(&w->said, "erouted; eroute owner: #2\n"));
    assert_true(has(&w->said, "000 \"net\":   newest ISAKMP SA: #1; newest IPsec SA: #2\n"));
    assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=sample bytes-in=1 bytes-out=2 packets-in=3 packets-out=4",
                     w->k.next_id));
    assert_true(has(&w->said, "000 #2: \"net\" STATE_QUICK_I2 (sent QI2, IPsec SA established); EVENT_SA_EXPIRE in "));
    assert_true(has(&w->said, "s; newest IPSEC; eroute owner\n"));
    assert_true(has(&w->said, "s; newest ISAKMP\n"));
    assert_non_null(xchg_find(&w->k, y));
    world_free(w);
}

static void test_status_waits_for_counters(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, W_P, "whack-status"));
    assert_true(has(&w->said, "erouted; eroute owner: #2")); /* connections wait for nothing */
    assert_false(has(&w->said, "esp.0000bbbb"));
    assert_int_equal(w->holds, 1);
    counts(w, w->k.next_id, 11, 22);
    assert_int_equal(w->holds, 0);
    assert_true(has(&w->said, "esp.0000bbbb@10.9.0.2 esp.0000aaaa@10.9.0.1 tunnel"));
    assert_true(has(&w->said, "in 11 bytes, 1 packets; out 22 bytes, 2 packets"));
    assert_true(has(&w->said, "STATE_MAIN_I4 (ISAKMP SA established); EVENT_SA_EXPIRE in 3600s"));
    /* kernel-sa that dies instead of answering lets nobody wait */
    w->k.now += 1000;
    assert_null(feed(w, W_P, "whack-status"));
    assert_int_equal(w->holds, 1);
    keying_kernel_down(&w->k);
    shown(w);
    assert_int_equal(w->holds, 0);
    assert_int_equal(w->k.samples, 0);
    world_free(w);
}

/* Alive, and silent: what was counted last is shown after a second, and an answer that comes late is kept. */
static void test_status_loses_patience(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, W_P, "whack-status"));
    uint64_t id = w->k.next_id;
    pass(w, SAMPLE_PATIENCE - 1);
    assert_int_equal(w->holds, 1);
    pass(w, 1);
    assert_int_equal(w->holds, 0);
    assert_true(has(&w->said, "in 0 bytes"));
    assert_int_equal(agenda_next(&w->k.agenda) > w->k.now + SAMPLE_PATIENCE, true);
    clear(w);
    assert_null(feed(w, W_P, "whack-status")); /* it is not asked again before it has answered */
    assert_null(sent(w, &w->kernel, P_K, V_SAMPLE));
    counts(w, id, 5, 6);
    assert_true(has(&w->said, "in 5 bytes"));
    assert_int_equal(w->holds, 0);
    world_free(w);
}

static void test_status_of_negotiations(void **state)
{
    struct world *w = net_that_begins();
    (void)state;
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_I1", x));
    assert_true(status_says(w, "000 #1: \"net\" STATE_MAIN_I1 (initiate); EVENT_RETRANSMIT in 10s"));
    assert_true(status_says(w, "000 #2: \"net\" pending phase 2; waits for the ISAKMP SA #1"));
    assert_false(has(&w->said, "STATE_QUICK_I1"));
    w->k.now += 10000;
    assert_null(feed(w, N_P, "retransmitted exchange=%" PRIu64 " attempt=2 wait=20", x));
    w->k.now += 3000;
    assert_true(status_says(w, "EVENT_RETRANSMIT in 17s"));
    w->k.now += 17000;
    assert_null(feed(w, N_P, "retransmitted exchange=%" PRIu64 " attempt=3 wait=40", x));
    assert_true(status_says(w, "EVENT_GIVE_UP in 40s"));
    world_free(w);
}

static void test_status_shows_the_shorter_life(void **state)
{
    struct world *w = net_that_begins();
    (void)state;
    (void)main_mode_goes_well(w);
    uint64_t y = record_number(sent(w, &w->n, P_N, V_QUICK), K_EXCHANGE);
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=QUICK_I1", y));
    assert_false(status_says(w, "pending phase 2"));
    assert_null(feed(w, K_P, "sa-up exchange=%" PRIu64 " protocol=esp proposal=aes256-sha2_256 "
                     "mode=tunnel spi-in=0000aaaa spi-out=00001234 life=600", y));
    keying_kernel_down(&w->k); /* so that nobody waits for counters */
    w->k.now += 5000; /* the script takes its time, and the kernel counts */
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=QUICK_I2", y));
    script_ends(w, "prepare-client", true);
    script_ends(w, "route-client", true);
    script_ends(w, "up-client", true);
    assert_true(status_says(w, "STATE_QUICK_I2 (sent QI2, IPsec SA established); "
                            "EVENT_SA_EXPIRE in 595s"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),
        cmocka_unit_test(w12_what_is_said_of_a_connection),
        cmocka_unit_test(w12_identities_stay_in_their_brackets),
        cmocka_unit_test(w12_longest_distinguished_names),
        cmocka_unit_test(test_status_waits_for_counters),
        cmocka_unit_test(test_status_loses_patience),
        cmocka_unit_test(test_status_of_negotiations),
        cmocka_unit_test(test_status_shows_the_shorter_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
