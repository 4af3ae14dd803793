/* plutod's small parts: the agenda, a script's words and environment, orientation. */
#include "test_plutod_world.h"

#include "plutod/agenda.h"

/* ---- agenda ---- */

struct item {
    struct agenda_item item;
    uint64_t at;
};

static uint64_t last_seen;
static unsigned seen;

static void see(void *context, struct agenda_item *item)
{
    const struct item *i = AGENDA_OWNER(item, struct item, item);
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
        assert_true(agenda_set(&a, &items[i].item, 1, see));
        assert_true(agenda_set(&a, &items[i].item, items[i].at, see));
        assert_int_equal(agenda_wait(&a, &items[i].item, 0), items[i].at); /* moved */
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

/* ---- orientation ---- */

static void test_interface_goes(void **state)
{
    struct world *w = net_that_begins();
    (void)state;
    world_listen(w, "10.9.0.3");
    assert_null(w->k.exchanges);
    assert_int_equal(w->holds, 0);
    assert_null(w->k.by_hosts);
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
        cmocka_unit_test(test_interface_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
