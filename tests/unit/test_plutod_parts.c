/* plutod's small parts: the agenda, a script's words and environment, orientation, status lines. */
#include "test_plutod_world.h"

#include "plutod/agenda.h"

/* ---- agenda ---- */

struct item {
    struct agenda_item item;
    uint64_t at;
};

static uint64_t last_seen;
static unsigned seen;

static void see(void *context, void *owner)
{
    const struct item *i = owner;
    (void)context;
    assert_true(i->at >= last_seen);
    last_seen = i->at;
    seen++;
}

static void test_agenda(void **state)
{
    struct agenda a = { 0 };
    struct item items[200] = { 0 };
    uint32_t random = 12345;
    unsigned cleared = 0;
    (void)state;
    assert_int_equal(agenda_next(&a), UINT64_MAX);
    for (unsigned i = 0; i < 200; i++) {
        random = random * 1103515245u + 12345u;
        items[i].at = random >> 20;
        assert_true(agenda_set(&a, &items[i].item, 1, see, &items[i]));
        assert_true(agenda_set(&a, &items[i].item, items[i].at, see, &items[i])); /* moved */
    }
    for (unsigned i = 0; i < 200; i += 3) {
        agenda_clear(&a, &items[i].item);
        agenda_clear(&a, &items[i].item);
        cleared++;
    }
    last_seen = 0;
    seen = 0;
    agenda_run(&a, 2000, NULL);
    assert_true(agenda_next(&a) > 2000);
    agenda_run(&a, 5000, NULL);
    assert_int_equal(seen, 200 - cleared);
    agenda_free(&a);
}

/* ---- scripts ---- */

static void test_script_words(void **state)
{
    char **words = script_words("  /bin/x  'a b' \"c'd\" e\"f g\"h ; $(id) ");
    const char *want[] = { "/bin/x", "a b", "c'd", "ef gh", ";", "$(id)" };
    (void)state;
    assert_non_null(words);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(words[i], want[i]);
    }
    assert_null(words[6]);
    script_words_free(words);
    words = script_words("   ");
    assert_non_null(words);
    assert_null(words[0]);
    script_words_free(words);
    words = script_words("'never closed");
    assert_string_equal(words[0], "never closed");
    script_words_free(words);
}

static const char *variable(const struct script_job *job, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; job->environment[i] != NULL; i++) {
        if (strncmp(job->environment[i], name, len) == 0 && job->environment[i][len] == '=') {
            return job->environment[i] + len + 1;
        }
    }
    return "(not set)";
}

static void test_script_environment(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY " left-nexthop=10.9.0.254 left-updown=/x%%20'a%%20b' "
                     "right-id=@e;%%20rm%%20-rf"));
    assert_null(feed(w, W_P, "whack-connection name=six left-host=10.9.0.1 right-host=10.9.0.2 "
                     "policy=psk,encrypt"));
    struct script_job *job = script_job_new(&w->k, conn_find(&w->k, "six"), "up", 1);
    assert_non_null(job);
    assert_string_equal(job->words[0], "/updown");
    assert_string_equal(variable(job, "PLUTO_VERB"), "up-host");
    assert_string_equal(variable(job, "PLUTO_MY_CLIENT"), "10.9.0.1/32");
    assert_string_equal(variable(job, "PLUTO_PEER_CLIENT_MASK"), "255.255.255.255");
    assert_string_equal(variable(job, "PLUTO_NEXT_HOP"), "10.9.0.2");
    script_job_free(job);
    if (conn_find(&w->k, "net") != NULL) { /* a name with a blank may be refused as an identity */
        job = script_job_new(&w->k, conn_find(&w->k, "net"), "route", 1);
        assert_string_equal(job->words[0], "/x");
        assert_string_equal(job->words[1], "a b");
        assert_string_equal(variable(job, "PLUTO_VERSION"), "1.1");
        assert_string_equal(variable(job, "PLUTO_VERB"), "route-client");
        assert_string_equal(variable(job, "PLUTO_CONNECTION"), "net");
        assert_string_equal(variable(job, "PLUTO_NEXT_HOP"), "10.9.0.254");
        assert_string_equal(variable(job, "PLUTO_INTERFACE"), "eth0");
        assert_string_equal(variable(job, "PLUTO_ME"), "10.9.0.1");
        assert_string_equal(variable(job, "PLUTO_MY_CLIENT"), "10.1.0.0/24");
        assert_string_equal(variable(job, "PLUTO_MY_CLIENT_NET"), "10.1.0.0");
        assert_string_equal(variable(job, "PLUTO_MY_CLIENT_MASK"), "255.255.255.0");
        script_job_free(job);
    }
    world_free(w);
}

static void test_ipv6_verbs(void **state)
{
    struct world *w = world_new("2001:db8::1");
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=six left-host=2001:db8::1 "
                     "left-client=2001:db8:1::/48 right-host=2001:db8::2 "
                     "right-client=2001:db8:2::/48 policy=psk,encrypt,tunnel family=ipv6 "
                     "tunnel-family=ipv6"));
    const struct conn *c = conn_find(&w->k, "six");
    assert_non_null(c);
    struct script_job *job = script_job_new(&w->k, c, "down", 1);
    assert_string_equal(variable(job, "PLUTO_VERB"), "down-client-v6");
    assert_string_equal(variable(job, "PLUTO_PEER_CLIENT"), "2001:db8:2::/48");
    assert_string_equal(variable(job, "PLUTO_PEER_CLIENT_MASK"), "ffff:ffff:ffff::");
    script_job_free(job);
    world_free(w);
}

/* ---- orientation and status ---- */

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

static void test_status_waits_for_counters(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    (void)main_mode_goes_well(w);
    (void)quick_mode_goes_well(w, 0x1234, true);
    clear(w);
    assert_null(feed(w, W_P, "whack-status"));
    assert_int_equal(w->said.len, 0);
    assert_int_equal(w->holds, 1);
    assert_null(feed(w, W_P, "whack-status")); /* a second one is shown what is known */
    assert_true(has(&w->said, "in 0 bytes"));
    buffer_wipe(&w->said);
    assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=sample bytes-in=11 bytes-out=22 packets-in=1 "
                     "packets-out=2", w->k.next_id));
    assert_int_equal(w->holds, 0);
    assert_true(has(&w->said, "esp.00001234@10.9.0.2 esp.0000aaaa@10.9.0.1 tunnel"));
    assert_true(has(&w->said, "in 11 bytes, 1 packets; out 22 bytes, 2 packets"));
    assert_true(has(&w->said, "erouted; eroute owner: #2"));
    assert_true(has(&w->said, "STATE_MAIN_I4 (ISAKMP SA established); EVENT_SA_EXPIRE in 3600s"));
    /* kernel-sa that dies instead of answering lets nobody wait */
    assert_null(feed(w, W_P, "whack-status"));
    assert_int_equal(w->holds, 1);
    keying_kernel_down(&w->k);
    assert_int_equal(w->holds, 0);
    world_free(w);
}

/* What --status says now holds this text. */
static bool status_says(struct world *w, const char *text)
{
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status"));
    return has(&w->said, text);
}

static void test_status_of_negotiations(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
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
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
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

static void test_interface_goes(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    world_listen(w, "10.9.0.3");
    assert_null(w->k.exchanges);
    assert_int_equal(w->holds, 0);
    assert_null(w->k.pairs);
    world_listen(w, "10.9.0.1");
    assert_true(conn_find(&w->k, "net")->oriented);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agenda),
        cmocka_unit_test(test_script_words),
        cmocka_unit_test(test_script_environment),
        cmocka_unit_test(test_ipv6_verbs),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_status_waits_for_counters),
        cmocka_unit_test(test_status_of_negotiations),
        cmocka_unit_test(test_status_shows_the_shorter_life),
        cmocka_unit_test(test_interface_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
