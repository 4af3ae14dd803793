/* F17: how much an ike-negotiate that lies can say, and how many exchanges it can have. */
#include "test_plutod_negotiations.h"

#define ISAKMP "proposal=aes256-sha2_256-modp2048"
#define OUR_CLIENT "10.1.0.0/24"
#define PEER_CLIENT "10.2.0.0/24"

/* ---- how much is said ---- */

/* What is older than an ISAKMP SA grows no more: it need not be looked for a second time. */
static void test_initial_contact_counts_once(void **state)
{
    struct tunnel t = tunnel_up();
    (void)state;
    uint64_t x = main_mode(t.w, "10.9.0.2", "net", "10.9.0.2");
    assert_false(xchg_find(&t.w->k, x)->contacted);
    assert_null(feed(t.w, N_P, "initial-contact exchange=%" PRIu64, x));
    assert_null(xchg_find(&t.w->k, t.y));
    assert_true(xchg_find(&t.w->k, x)->contacted);
    x = main_mode(t.w, "10.9.0.2", "net", "10.9.0.2");
    assert_false(xchg_find(&t.w->k, x)->contacted); /* the next one has a word of its own */
    world_free(t.w);
}

/* Those that whacks wait for are found without those that they do not wait for. */
static void test_who_waits(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    assert_null(w->k.waiting);
    (void)first(w, "10.9.0.2");
    assert_null(w->k.waiting);
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    unsigned waiting = 0;
    for (const struct xchg *x = w->k.waiting; x != NULL; x = x->next_waiting) {
        assert_int_equal(x->client, CLIENT);
        waiting++;
    }
    assert_int_equal(waiting, 2);
    assert_null(feed(w, W_P, "whack-terminate name=net"));
    assert_null(w->k.waiting);
    world_free(w);
}

/* Lines of one day, in bytes, if the liar says `record` as often as it can. */
static size_t day_of(struct world *w, const char *record)
{
    buffer_wipe(&w->log);
    for (int i = 0; i < 24 * 60; i++) {
        for (int n = 0; n < 100; n++) {
            assert_null(feed(w, N_P, "%s", record));
        }
        w->k.now += 60000;
        keying_tick(&w->k);
    }
    return w->log.len;
}

static void test_words_of_a_day(void **state)
{
    struct world *w = world_new("10.9.0.1");
    char record[4000];
    char words[1900];
    (void)state;
    memset(words, 'x', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    assert_null(feed(w, W_P, NET NET_POLICY " ikelifetime=86400"));
    uint64_t x = main_mode(w, "10.9.0.2", "net", "10.9.0.2");
    snprintf(record, sizeof record, "log level=serious exchange=%" PRIu64 " text=%s", x, words);
    assert_in_range(day_of(w, record), 1000000, 50000000);
    snprintf(record, sizeof record, "log level=info text=%s", words);
    assert_in_range(day_of(w, record), 1000000, 50000000);
    snprintf(record, sizeof record, "log level=info remote=192.0.2.1 remote-port=500 text=%s", words);
    assert_in_range(day_of(w, record), 1000000, 50000000);
    world_free(w);
}

/* What comes up, and was proved, is all told, however many peers come at once beside a liar's words. */
static void test_success_of_thousands_is_logged(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        assert_null(feed(w, W_P, "whack-connection name=p%u left-host=10.9.0.1 left-client=10.1.0.0/24 "
                         "right-host=10.10.%u.%u right-client=10.200.%u.%u/32 " NET_POLICY, i, i / 250,
                         i % 250 + 1, i / 250, i % 250 + 1));
    }
    buffer_wipe(&w->log);
    buffer_wipe(&w->said);
    for (unsigned i = 0; i < 3000; i++) {
        char peer[40];
        char name[20];
        char client[40];
        snprintf(peer, sizeof peer, "10.10.%u.%u", i / 250, i % 250 + 1);
        snprintf(name, sizeof name, "p%u", i);
        snprintf(client, sizeof client, "10.200.%u.%u/32", i / 250, i % 250 + 1);
        uint64_t x = main_mode(w, peer, name, peer);
        uint64_t y = record_number(quick_ask(w, x, OUR_CLIENT, client), K_EXCHANGE);
        assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=QUICK_R1", y));
        assert_null(feed(w, N_P, "log level=info exchange=%" PRIu64 " text=lie", y));
        buffer_wipe(&w->n);
        buffer_wipe(&w->kernel);
        buffer_wipe(&w->s[1]);
    }
    assert_int_equal(count_of(&w->log, "STATE_MAIN_R3: sent MR3, ISAKMP SA established"), 3000);
    assert_int_equal(count_of(&w->log, "STATE_QUICK_R1: "), 3000);
    assert_in_range(count_of(&w->log, ": lie"), 500, 600);
    world_free(w);
}

/* A peer that proves itself again and again has so many lines, and no other peer fewer for it. */
static void test_lines_of_one_connection(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=other left-host=10.9.0.1 right-host=10.9.0.3 "
                     NET_POLICY));
    for (int i = 0; i < 5000; i++) {
        (void)main_mode(w, "10.9.0.2", "net", "10.9.0.2");
        buffer_wipe(&w->n);
        buffer_wipe(&w->s[1]);
    }
    assert_in_range(count_of(&w->log, "\"net\" 10.9.0.2 #"), 1000, 1100);
    (void)main_mode(w, "10.9.0.3", "other", "10.9.0.3");
    assert_int_equal(count_of(&w->log, "\"other\" 10.9.0.3 #5001: STATE_MAIN_R3"), 1);
    w->k.now += 5000;
    (void)main_mode(w, "10.9.0.2", "net", "10.9.0.2");
    assert_int_equal(count_of(&w->log, " like this were not logged)"), 1);
    world_free(w);
}

/* ---- how many exchanges ---- */

static void test_open_quick_modes(void **state)
{
    uint64_t x;
    struct world *w = net_answers(&x);
    (void)state;
    uint64_t y = 0;
    for (unsigned i = 0; i < OPEN_QUICKS_MAX; i++) {
        y = record_number(quick_ask(w, x, OUR_CLIENT, PEER_CLIENT), K_EXCHANGE);
    }
    assert_int_equal(quick_ask(w, x, OUR_CLIENT, PEER_CLIENT)->verb, V_FAIL);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silence", y));
    assert_int_equal(quick_ask(w, x, OUR_CLIENT, PEER_CLIENT)->verb, V_OK);
    assert_int_equal(quick_ask(w, x, OUR_CLIENT, PEER_CLIENT)->verb, V_FAIL);
    /* Those that come up make room too; what is never finished goes, and makes few lines. */
    sas_up(w, y + 1, 0xbbbb);
    assert_int_equal(quick_ask(w, x, OUR_CLIENT, PEER_CLIENT)->verb, V_OK);
    buffer_wipe(&w->log);
    pass(w, HALF_OPEN_LIFE + 1);
    assert_in_range(count_of(&w->log, "not finished in time"), 1, OPEN_QUICKS_MAX);
    world_free(w);
}

static void test_pairs_of_one_connection(void **state)
{
    uint64_t x;
    struct world *w = net_answers(&x);
    (void)state;
    uint64_t y = 0;
    uint64_t oldest = 0;
    for (unsigned i = 0; i < 3000; i++) {
        const struct record *r = quick_ask(w, x, OUR_CLIENT, PEER_CLIENT);
        assert_int_equal(r->verb, V_OK);
        y = record_number(r, K_EXCHANGE);
        oldest = i == 0 ? y : oldest;
        buffer_wipe(&w->n);
        buffer_wipe(&w->kernel);
        buffer_wipe(&w->s[1]);
        sas_up(w, y, 0x10000 + i);
        assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=QUICK_R2", y));
        if (i == PAIRS_OF_CONN_MAX) { /* the first one has to go, and its peer is told */
            r = sent(w, &w->n, P_N, V_DELETE_SA);
            assert_non_null(r);
            assert_int_equal(record_number(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA), K_EXCHANGE), oldest);
        }
    }
    assert_int_equal(HASH_COUNT(w->k.exchanges), 1 + PAIRS_OF_CONN_MAX);
    assert_non_null(xchg_find(&w->k, y));
    assert_null(xchg_find(&w->k, y - PAIRS_OF_CONN_MAX));
    world_free(w);
}

static void test_isakmp_sas_of_one_connection(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    uint64_t x = 0;
    for (unsigned i = 0; i < 3000; i++) {
        x = main_mode(w, "10.9.0.2", "net", "10.9.0.2");
        buffer_wipe(&w->n);
        buffer_wipe(&w->s[1]);
    }
    assert_int_equal(HASH_COUNT(w->k.exchanges), ISAKMP_OF_CONN_MAX);
    assert_non_null(xchg_find(&w->k, x));
    world_free(w);
}

/* Whoever has the secret of road warriors is as many as he likes, but leaves room for the others. */
static void test_instances_leave_room(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-nexthop=%%25direct "
                     "right-host=%%25any " NET_POLICY));
    struct conn *road = conn_find(&w->k, "road");
    assert_non_null(road);
    uint64_t x = main_mode(w, "192.0.2.7", "road", "192.0.2.7");
    assert_int_equal(road->held, 1);
    assert_int_equal(quick_ask(w, x, "10.9.0.1/32", "192.0.2.7/32")->verb, V_OK);
    assert_int_equal(road->held, 2);
    road->held = EXCHANGES_OF_ROAD; /* as if so many others were there */
    assert_int_equal(quick_ask(w, x, "10.9.0.1/32", "192.0.2.7/32")->verb, V_FAIL);
    uint64_t other = first(w, "192.0.2.8");
    chosen(w, other, "road");
    authenticated(w, other, "road", "192.0.2.8", "yes");
    assert_null(xchg_find(&w->k, other));
    (void)main_mode(w, "10.9.0.2", "net", "10.9.0.2");
    assert_int_equal(conn_find(&w->k, "net")->held, 1);
    road->held = 2;
    world_free(w);
}

static void test_numbers_are_never_used_twice(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    w->k.next_exchange = UINT32_MAX - 1;
    uint64_t x = first(w, "10.9.0.2");
    assert_int_equal(x & UINT32_MAX, UINT32_MAX);
    for (int i = 0; i < 3; i++) {
        assert_null(feed(w, N_P, "first id=1 local=10.9.0.1 local-port=500 remote=10.9.0.2 remote-port=500"));
        assert_non_null(sent(w, &w->n, P_N, V_FAIL));
    }
    assert_int_equal(count_of(&w->log, "all exchange numbers of this plutod are used up"), 1);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_initial_contact_counts_once),
        cmocka_unit_test(test_who_waits),
        cmocka_unit_test(test_open_quick_modes),
        cmocka_unit_test(test_pairs_of_one_connection),
        cmocka_unit_test(test_isakmp_sas_of_one_connection),
        cmocka_unit_test(test_instances_leave_room),
        cmocka_unit_test(test_numbers_are_never_used_twice),
        cmocka_unit_test(test_words_of_a_day),
        cmocka_unit_test(test_success_of_thousands_is_logged),
        cmocka_unit_test(test_lines_of_one_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
