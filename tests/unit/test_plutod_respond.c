/* plutod's core as responder: candidates, identities, clients, road warriors, and negotiators that lie. */
#include "test_plutod_negotiations.h"

#define FIRST "first id=1 local=10.9.0.1 local-port=500 remote=10.9.0.2 remote-port=500"

static void test_candidates_in_order(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY " ike=aes256-sha2_256-modp2048"));
    assert_null(feed(w, W_P, "whack-connection name=same left-host=10.9.0.1 right-host=10.9.0.2 "
                     "right-id=@x policy=psk,encrypt ike=aes256-sha2_256-modp2048"));
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-nexthop=%%25direct "
                     "right-host=%%25any policy=psk,encrypt ike=3des-md5-modp1024"));
    assert_null(feed(w, N_P, FIRST));
    const struct record *r = sent(w, &w->n, P_N, V_OK);
    assert_non_null(r);
    /* `same` would be told the same words as `net`, which comes first. */
    assert_string_equal(record_text(r, K_CANDIDATES),
                        "net:psk:aes256-sha2_256-modp2048;road:psk:3des-md5-modp1024");
    assert_int_equal(record_number(r, K_WORKER), 1);
    assert_string_equal(record_text(sent(w, &w->s[1], P_S, V_ANNOUNCE), K_PEER_ID), "10.9.0.2");
    assert_string_equal(record_text(sent(w, &w->s[1], P_S, V_ANNOUNCE), K_PEER_ID), "%any");
    world_free(w);
}

static void test_nobody_we_know(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, N_P, FIRST));
    const struct record *r = sent(w, &w->n, P_N, V_FAIL);
    assert_non_null(r);
    assert_non_null(strstr(record_text(r, K_WHY), "10.9.0.2"));
    assert_null(w->k.exchanges);
    world_free(w);
}

static void test_good_respond(void **state)
{
    uint64_t x;
    struct world *w = net_answers(&x);
    (void)state;
    const struct record *r = quick_ask(w, x, "10.1.0.0/24", "10.2.0.0/24");
    assert_int_equal(r->verb, V_OK);
    assert_string_equal(record_text(r, K_CONNECTION), "net");
    assert_int_equal(record_word(r, K_MODES), 0); /* nets: tunnel only */
    assert_false(record_yes(r, K_PFS_REQUIRED));
    assert_int_equal(strncmp(record_text(r, K_PFS), "modp2048,", 9), 0); /* phase 1's group first */
    uint64_t y = record_number(r, K_EXCHANGE);
    assert_int_equal(record_number(sent(w, &w->kernel, P_K, V_PERMIT), K_EXCHANGE), y);
    assert_int_equal(record_number(sent(w, &w->s[1], P_S, V_ANNOUNCE_QUICK), K_PARENT), x);
    sas_up(w, y, 0x77);
    script_ends(w, "prepare-client", true);
    script_ends(w, "route-client", true);
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=QUICK_R2", y));
    script_ends(w, "up-client", true);
    assert_int_equal(conn_find(&w->k, "net")->newest_ipsec, y);
    assert_true(has(&w->log, "STATE_QUICK_R2: IPsec SA established"));
    world_free(w);
}

static void test_other_clients_are_refused(void **state)
{
    uint64_t x;
    struct world *w = net_answers(&x);
    (void)state;
    const struct record *r = quick_ask(w, x, "10.1.0.0/24", "10.66.0.0/24");
    assert_int_equal(r->verb, V_FAIL);
    assert_int_equal(record_number(r, K_NOTIFICATION), 18);
    assert_int_equal(w->kernel.len, 0);
    world_free(w);
}

static void test_identity_is_looked_up(void **state)
{
    uint64_t x;
    struct world *w = east_comes(&x);
    (void)state;
    assert_non_null(up(w, x)); /* not yet: nobody has accepted that identity */
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    const struct record *r = sent(w, &w->s[1], P_S, V_ACCEPT);
    assert_string_equal(record_text(r, K_CONNECTION), "east");
    assert_string_equal(record_text(r, K_PEER_ID), "@east");
    assert_null(sent(w, &w->n, P_N, V_OK));
    assert_null(feed(w, S_P, "ok id=%" PRIu64 " re=accept", w->k.next_id));
    r = sent(w, &w->n, P_N, V_OK);
    assert_int_equal(record_number(r, K_ID), 4);
    assert_string_equal(record_text(r, K_CONNECTION), "east");
    assert_null(up(w, x));
    r = quick_ask(w, x, "10.1.0.0/24", "10.2.0.0/24"); /* the clients of another peer's connection */
    assert_int_equal(r->verb, V_FAIL);
    r = quick_ask(w, x, "10.1.0.0/24", "10.3.0.0/24");
    assert_int_equal(r->verb, V_OK);
    world_free(w);
}

static void test_identity_that_nobody_expects(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    uint64_t x = first(w, "10.9.0.2");
    chosen(w, x, "net");
    authenticated(w, x, "net", "@stranger", "no");
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    const struct record *r = sent(w, &w->n, P_N, V_FAIL);
    assert_int_equal(record_number(r, K_NOTIFICATION), 18);
    const char *why = record_text(r, K_WHY); /* ike-negotiate makes it the reason of the failure */
    assert_non_null(strstr(why, "the peer proved to be @stranger"));
    assert_non_null(strstr(why, "\"net\": it expects the identity 10.9.0.2, not @stranger"));
    assert_non_null(strstr(why, "--id with that for its end would match")); /* Q9 */
    buffer_wipe(&w->log);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=218 why=%%25s", x));
    assert_int_equal(lines_of(w), 1);
    world_free(w);
}

/* Where another connection may be meant, plutod wants to be asked which. */
static void test_not_whoever(void **state)
{
    static const char *const others[] = { "right-host=192.0.2.7", "right-host=%25any right-id=@me" };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world *w = world_new("10.9.0.1");
        assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-nexthop=%%25direct "
                         "right-host=%%25any " NET_POLICY));
        assert_null(feed(w, W_P, "whack-connection name=one left-host=10.9.0.1 left-nexthop=%%25direct "
                         "left-client=10.1.0.0/24 %s " NET_POLICY, others[i]));
        (void)first(w, "192.0.2.7");
        const struct record *r;
        unsigned announced = 0;
        while ((r = sent(w, &w->s[1], P_S, V_ANNOUNCE)) != NULL) {
            assert_false(record_yes(r, K_WHOEVER));
            announced++;
        }
        assert_true(announced > 0);
        world_free(w);
    }
}

static void test_road_warrior(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-client=10.1.0.0/24 "
                     "left-nexthop=%%25direct right-host=%%25any " NET_POLICY));
    uint64_t x = first(w, "192.0.2.7");
    const struct record *announced = sent(w, &w->s[1], P_S, V_ANNOUNCE);
    assert_string_equal(record_text(announced, K_PEER_ID), "%any");
    assert_true(record_yes(announced, K_WHOEVER));
    chosen(w, x, "road");
    authenticated(w, x, "road", "@me", "no");
    assert_null(conn_find(&w->k, "road[1]")); /* instances only once he has proved who he is */
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_null(conn_find(&w->k, "road[1]"));
    assert_null(feed(w, S_P, "ok id=%" PRIu64 " re=accept", w->k.next_id));
    assert_non_null(conn_find(&w->k, "road[1]"));
    assert_null(up(w, x));
    buffer_wipe(&w->n);
    const struct record *r = quick_ask(w, x, "10.1.0.0/24", "192.0.2.8/32");
    assert_int_equal(r->verb, V_FAIL); /* not his address */
    r = quick_ask(w, x, "10.1.0.0/24", "192.0.2.7/32");
    assert_int_equal(r->verb, V_OK);
    assert_string_equal(record_text(r, K_CONNECTION), "road[1]");
    assert_string_equal(record_text(r, K_PEER_HOST), "192.0.2.7");
    assert_true(has(&w->log, "\"road\"[1] 192.0.2.7 #1: STATE_MAIN_R3"));
    assert_null(feed(w, W_P, "whack-terminate name=road"));
    assert_null(conn_find(&w->k, "road[1]"));
    assert_non_null(conn_find(&w->k, "road"));
    assert_null(w->k.exchanges);
    world_free(w);
}

/* [F17] */
static void test_negotiator_that_lies(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=far left-host=10.9.0.1 right-host=10.9.0.9 "
                     "policy=psk,encrypt"));
    uint64_t x = first(w, "10.9.0.2");
    assert_non_null(feed(w, N_P, "chosen exchange=%" PRIu64 " connection=far "
                         "proposal=aes256-sha2_256-modp2048", x));
    chosen(w, x, "net");
    assert_non_null(up(w, x)); /* before secrets has said so */
    assert_non_null(feed(w, N_P, "quick-ask id=9 parent=%" PRIu64 " our-client=10.1.0.0/24 "
                         "peer-client=10.2.0.0/24", x));
    assert_null(sent(w, &w->kernel, P_K, V_PERMIT));
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_non_null(sent(w, &w->n, P_N, V_FAIL));
    authenticated(w, x, "net", "10.9.0.2", "yes");
    assert_null(up(w, x));
    assert_non_null(up(w, x)); /* twice */
    assert_non_null(feed(w, K_P, "ok id=999 re=flush"));
    assert_non_null(feed(w, S_P, "ok id=999 re=accept"));
    world_free(w);
}

/* [F14] */
static void test_half_open_flood(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-nexthop=%%25direct "
                     "right-host=%%25any policy=psk,encrypt"));
    for (unsigned i = 0; i < HALF_OPEN_MAX; i++) {
        assert_null(feed(w, N_P, "first id=1 local=10.9.0.1 local-port=500 remote=10.%u.%u.1 "
                         "remote-port=500", 100 + i / 256, i % 256));
        assert_non_null(sent(w, &w->n, P_N, V_OK));
        buffer_wipe(&w->s[1]);
    }
    assert_null(feed(w, N_P, FIRST));
    assert_non_null(sent(w, &w->n, P_N, V_FAIL));
    w->k.now += 3 * GIVE_UP; /* a negotiator that forgot to say that they failed */
    keying_tick(&w->k);
    assert_null(w->k.exchanges);
    buffer_wipe(&w->n);
    assert_null(feed(w, N_P, FIRST));
    assert_non_null(sent(w, &w->n, P_N, V_OK));
    world_free(w);
}

/* [P8] What the network says of our messages is heard by the whack that waits for them. */
static void test_network_error(void **state)
{
    struct world *w = net_that_begins();
    (void)state;
    buffer_wipe(&w->said);
    assert_null(feed(w, N_P, "log level=info remote=192.0.2.1 remote-port=500 code=2 text=elsewhere"));
    assert_null(feed(w, N_P, "log level=info remote=10.9.0.2 remote-port=500 text=no%%20error"));
    assert_int_equal(w->said.len, 0);
    assert_null(feed(w, N_P, "log level=info remote=10.9.0.2 remote-port=500 code=2 text=refused"));
    assert_true(has(&w->said, "002 \"net\" #1: refused"));
    world_free(w);
}

static void test_lines_about_packets_are_limited(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_null(feed(w, N_P, "log level=info remote=192.0.2.1 remote-port=500 text=rubbish"));
    }
    assert_true(has(&w->log, "packet from 192.0.2.1:500: rubbish"));
    assert_true(w->log.len < 2000);
    w->k.now += SOURCE_LINES_REFILL;
    assert_null(feed(w, N_P, "log level=info remote=192.0.2.1 remote-port=500 text=rubbish"));
    assert_true(has(&w->log, "980 lines about packets of strangers were left out"));
    world_free(w);
}

/* F17: whatever it says, and about whom: it cannot fill the disk. */
static void test_lines_of_a_lying_negotiator_are_limited(void **state)
{
    uint64_t x;
    struct world *w = net_answers(&x);
    (void)state;
    for (int i = 0; i < 10000; i++) {
        assert_null(feed(w, N_P, "log level=serious exchange=%" PRIu64 " text=lie", x));
        assert_null(feed(w, N_P, "log level=debug text=lie"));
        assert_null(feed(w, N_P, "bad why=lie"));
        assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=esp spis=00001234", x));
        assert_non_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_R3", x));
    }
    assert_true(has(&w->log, "ike-negotiate says that we broke the rules: lie"));
    assert_true(w->log.len < 200000);
    assert_false(has(&w->log, "| lie")); /* nobody has asked for debug lines */
    w->k.now += 60000;
    assert_null(feed(w, N_P, "log level=serious text=last"));
    assert_true(has(&w->log, "last ("));
    assert_true(has(&w->log, " like this were not logged)"));
    /* Lines that others cause are written all the while. */
    assert_null(feed(w, S_P, "log level=info text=honest"));
    assert_true(has(&w->log, "honest"));
    world_free(w);
}

static void test_evicts_own_older_life(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-client=10.1.0.0/24 "
                     "left-nexthop=%%25direct right-host=%%25any right-id=@me "
                     "right-client=10.2.0.0/24 " NET_POLICY));
    uint64_t x = main_mode(w, "192.0.2.7", "road", "@me");
    uint64_t y = record_number(quick_ask(w, x, "10.1.0.0/24", "10.2.0.0/24"), K_EXCHANGE);
    sas_up(w, y, 0x77);
    clear(w);
    x = main_mode(w, "192.0.2.8", "road", "@me"); /* the same peer from elsewhere */
    const struct record *r = quick_ask(w, x, "10.1.0.0/24", "10.2.0.0/24");
    assert_int_equal(r->verb, V_OK);
    assert_string_equal(record_text(r, K_CONNECTION), "road[2]");
    assert_int_equal(record_number(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA), K_EXCHANGE), y);
    assert_null(conn_find(&w->k, "road[1]"));
    world_free(w);
}

static enum verb quick_answer(struct world *w, uint64_t x, const char *ours, const char *peer)
{
    const struct record *r = quick_ask(w, x, ours, peer);
    return r == NULL ? V_NONE : r->verb;
}

/* [R3]: who proved his own secret has not proved the one that road warriors share; and no connection
 * is keyed under an ISAKMP SA whose proposal it forbids [R1]. */
static void test_quick_mode_stays_within_what_was_proved(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-client=10.7.0.0/24 "
                     "left-nexthop=%%25direct right-host=%%25any " NET_POLICY));
    assert_null(feed(w, W_P, "whack-connection name=strong left-host=10.9.0.1 "
                     "left-client=10.8.0.0/24 right-host=10.9.0.2 right-client=10.2.0.0/24 "
                     NET_POLICY " ike=aes256-sha2_512-ecp384"));
    uint64_t x = main_mode(w, "10.9.0.2", "net", "10.9.0.2");
    assert_int_equal(quick_answer(w, x, "10.7.0.0/24", "10.9.0.2/32"), V_FAIL);
    assert_int_equal(quick_answer(w, x, "10.8.0.0/24", "10.2.0.0/24"), V_FAIL);
    assert_int_equal(quick_answer(w, x, "10.1.0.0/24", "10.2.0.0/24"), V_OK);
    world_free(w);
}

/* [C4]: older SAs to the same net by another way go; the ISAKMP SA that asks for the new ones stays. */
static void test_the_asking_sa_outlives_what_makes_way(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY " left-nexthop=10.9.0.253"));
    assert_null(feed(w, W_P, "whack-connection name=other left-host=10.9.0.1 "
                     "left-client=10.3.0.0/24 left-nexthop=10.9.0.254 right-host=10.9.0.2 "
                     "right-client=10.2.0.0/24 " NET_POLICY));
    uint64_t x = main_mode(w, "10.9.0.2", "net", "10.9.0.2");
    uint64_t y = record_number(quick_ask(w, x, "10.1.0.0/24", "10.2.0.0/24"), K_EXCHANGE);
    sas_up(w, y, 0x77);
    clear(w);
    assert_int_equal(quick_answer(w, x, "10.3.0.0/24", "10.2.0.0/24"), V_OK);
    assert_non_null(xchg_find_main(&w->k, x));
    assert_int_equal(record_number(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA), K_EXCHANGE), y);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_candidates_in_order),
        cmocka_unit_test(test_nobody_we_know),
        cmocka_unit_test(test_good_respond),
        cmocka_unit_test(test_other_clients_are_refused),
        cmocka_unit_test(test_identity_is_looked_up),
        cmocka_unit_test(test_identity_that_nobody_expects),
        cmocka_unit_test(test_not_whoever),
        cmocka_unit_test(test_road_warrior),
        cmocka_unit_test(test_negotiator_that_lies),
        cmocka_unit_test(test_half_open_flood),
        cmocka_unit_test(test_network_error),
        cmocka_unit_test(test_lines_about_packets_are_limited),
        cmocka_unit_test(test_lines_of_a_lying_negotiator_are_limited),
        cmocka_unit_test(test_evicts_own_older_life),
        cmocka_unit_test(test_quick_mode_stays_within_what_was_proved),
        cmocka_unit_test(test_the_asking_sa_outlives_what_makes_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
