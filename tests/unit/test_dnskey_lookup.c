/* The core of dnskey: each request is answered once, whatever DNS says to it [D3] [K1]. */
#include "test_dnskey_scene.h"

/* ---- what is good ---- */

static void both_kinds(void **state)
{
    struct fixture *f = *state;
    request(f, 7, "vpn.example");
    assert_int_equal(f->count, 0);
    assert_int_equal(lookups_waiting(f->lookups), 1);
    lookups_begin(f->lookups, f->now);
    assert_int_equal(lookups_waiting(f->lookups), 0);
    assert_int_equal(f->count, 2);
    assert_string_equal(f->asked[0].name, "vpn.example");
    answer_list(f, 1, "2001:db8::2,2001:db8::1");
    assert_null(said(f));
    answer_list(f, 0, "10.0.0.2,10.0.0.1");
    assert_string_equal(said(f), "ok id=7 re=resolve addresses=10.0.0.1,10.0.0.2,2001:db8::1,2001:db8::2 ttl=300");
    nothing_is_open(f);
    assert_int_equal(lookups_failed(f->lookups), 0);
}

static void one_kind(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "v4.example");
    answer_list(f, q, "10.0.0.1");
    answer_outcome(f, q + 1, ANSWER_NOTHING);
    assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1 ttl=300");
    q = begun(f, 2, "v6.example");
    answer_outcome(f, q, ANSWER_NOTHING);
    answer_list(f, q + 1, "2001:db8::1");
    assert_string_equal(said(f), "ok id=2 re=resolve addresses=2001:db8::1 ttl=300");
    nothing_is_open(f);
}

static void answered_at_once(void **state)
{
    struct fixture *f = *state;
    f->at_once = "127.0.0.1";
    (void)begun(f, 3, "localhost");
    assert_string_equal(said(f), "ok id=3 re=resolve addresses=127.0.0.1 ttl=300");
    nothing_is_open(f);
}

static void hosts_first(void **state)
{
    struct fixture *f = *state;
    f->in_hosts = "10.0.0.9,2001:db8::9";
    (void)begun(f, 4, "inside");
    assert_string_equal(said(f), "ok id=4 re=resolve addresses=10.0.0.9,2001:db8::9 ttl=30");
    f->in_hosts = "0.0.0.0";
    (void)begun(f, 5, "blocked");
    assert_non_null(strstr(said(f), "fail id=5 re=resolve why=has%20no%20address%20that%20can%20be%20used:%200.0.0.0"));
    assert_int_equal(f->count, 0);
    nothing_is_open(f);
}

/* ---- what is not ---- */

static void final_failures(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "no.example");
    answer_outcome(f, q, ANSWER_NO_NAME);
    answer_outcome(f, q + 1, ANSWER_NO_NAME);
    assert_string_equal(said(f), "fail id=1 re=resolve why=there%20is%20no%20such%20name%20in%20DNS");
    q = begun(f, 2, "mx.example");
    answer_outcome(f, q, ANSWER_NOTHING);
    answer_outcome(f, q + 1, ANSWER_NOTHING);
    const char *line = said(f);
    assert_non_null(strstr(line, "neither%20A%20nor%20AAAA"));
    assert_null(strstr(line, "retry="));
    q = begun(f, 3, "mc.example");
    answer_list(f, q, "224.0.0.1,255.255.255.255");
    answer_list(f, q + 1, "ff02::1,::");
    line = said(f);
    assert_non_null(strstr(line, "224.0.0.1%20is%20a%20multicast%20address"));
    assert_null(strstr(line, "retry="));
    assert_int_equal(lookups_failed(f->lookups), 3);
    nothing_is_open(f);
}

static void some_addresses_dropped(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "mixed.example");
    answer_list(f, q, "224.0.0.1,10.0.0.1,0.0.0.0,10.0.0.1");
    answer_list(f, q + 1, "ff02::1");
    assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1 ttl=300");
    assert_true(logged(f, "3%20of%20its%20addresses%20left%20out"));
}

static void too_many_addresses(void **state)
{
    struct fixture *f = *state;
    char list[4000] = "";
    for (unsigned i = 100; i > 0; i--) {
        size_t len = strlen(list);
        (void)snprintf(list + len, sizeof list - len, "%s10.0.0.%u", len == 0 ? "" : ",", i);
    }
    unsigned q = begun(f, 1, "many.example");
    answer_list(f, q, list);
    answer_list(f, q + 1, "2001:db8::1");
    const char *line = said(f);
    assert_non_null(strstr(line, "addresses=10.0.0.1,10.0.0.2,"));
    assert_non_null(strstr(line, ",10.0.0.16 ttl=300"));
    assert_true(logged(f, "85%20address%20records%20more%20than%20the%2016"));
}

static void no_server_at_all(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "x.example");
    later(f, LOOKUP_TIME - 1);
    assert_null(said(f));
    later(f, 1);
    assert_string_equal(said(f), "fail id=1 re=resolve why=no%20DNS%20server%20answered%20within%2015%20s;%20asked:%20"
                                 "10.0.0.53 retry=15");
    assert_int_equal(f->dropped, 2);
    nothing_is_open(f);
    /* An answer that comes after all is for nobody. */
    const struct answer a = { .outcome = ANSWER_NO_NAME };
    lookups_answer(f->lookups, f->asked[q].ticket, ANSWER_A, &a, f->now);
    nothing_is_open(f);
}

/* Nor is it for the lookup that has its place since. */
static void a_late_answer_is_not_anothers(void **state)
{
    struct fixture *f = *state;
    const unsigned old = begun(f, 1, "old.example");
    later(f, LOOKUP_TIME);
    assert_non_null(strstr(said(f), "fail id=1"));
    const unsigned q = begun(f, 2, "new.example");
    struct answer a;
    read_list(&a, "10.0.0.66");
    assert_int_not_equal(f->asked[old].ticket, f->asked[q].ticket);
    lookups_answer(f->lookups, f->asked[old].ticket, ANSWER_A, &a, f->now);
    answer_list(f, q + 1, "2001:db8::1");
    assert_null(said(f));
    answer_list(f, q, "10.0.0.1");
    assert_string_equal(said(f), "ok id=2 re=resolve addresses=10.0.0.1,2001:db8::1 ttl=300");
    nothing_is_open(f);
}

static void servfail(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "x.example");
    answer_outcome(f, q, ANSWER_FAILED);
    assert_null(said(f));
    answer_outcome(f, q + 1, ANSWER_NOTHING); /* there may be an A */
    assert_string_equal(said(f), "fail id=1 re=resolve why=SERVFAIL;%20asked:%2010.0.0.53 retry=15");
    nothing_is_open(f);
    f->refusal = "out of memory";
    (void)begun(f, 2, "y.example");
    assert_non_null(strstr(said(f), "out%20of%20memory;"));
    nothing_is_open(f);
}

/* A is there, AAAA never comes, as where a firewall drops such questions: the answer waits for it a little only. */
static void half_an_answer(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "half.example");
    later(f, 1000);
    answer_list(f, q, "10.0.0.1");
    later(f, LOOKUP_PATIENCE_PART - 1);
    assert_null(said(f));
    later(f, 1);
    assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1 ttl=30 why=AAAA:%20no%20DNS%20server%20has%20answered%20yet retry=2");
    later(f, LOOKUP_TIME);
    nothing_is_open(f);
    q = begun(f, 2, "late.example");
    later(f, LOOKUP_PATIENCE + 1);
    answer_list(f, q + 1, "2001:db8::1");
    assert_string_equal(said(f), "ok id=2 re=resolve addresses=2001:db8::1 ttl=30 why=A:%20no%20DNS%20server%20has%20answered%20yet retry=2");
    answer_list(f, q, "10.0.0.1");
    nothing_is_open(f);
    q = begun(f, 3, "failed.example");
    answer_outcome(f, q, ANSWER_FAILED);
    answer_list(f, q + 1, "2001:db8::1");
    assert_string_equal(said(f), "ok id=3 re=resolve addresses=2001:db8::1 ttl=30 why=A:%20SERVFAIL retry=2");
    nothing_is_open(f);
}

/* One that comes shortly before what there is will do makes nobody wait longer; nor is one without addresses worth less waiting. */
static void no_longer_than_for_nothing(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "half.example");
    later(f, LOOKUP_PATIENCE - 100);
    answer_list(f, q, "10.0.0.1");
    later(f, 99);
    assert_null(said(f));
    later(f, 1);
    assert_non_null(strstr(said(f), "ok id=1 "));
    answer_outcome(f, q + 1, ANSWER_NOTHING);
    q = begun(f, 2, "v6.example");
    answer_outcome(f, q, ANSWER_NOTHING);
    later(f, LOOKUP_TIME - 1);
    assert_null(said(f));
    answer_list(f, q + 1, "2001:db8::1");
    assert_string_equal(said(f), "ok id=2 re=resolve addresses=2001:db8::1 ttl=300");
    nothing_is_open(f);
}

static void request_of(struct fixture *f, const char *line)
{
    char copy[200];
    struct record r;
    int len = snprintf(copy, sizeof copy, "%s", line);
    assert_null(record_parse(&r, copy, (size_t)len, P_D, NULL));
    lookups_request(f->lookups, &r, f->now);
    lookups_begin(f->lookups, f->now);
}

/* Where one kind alone is of interest the other is not asked for, nor waited for. */
static void one_family_alone(void **state)
{
    struct fixture *f = *state;
    request_of(f, "resolve id=1 host=vpn.example family=ipv4");
    assert_int_equal(f->count, 1);
    assert_int_equal(f->asked[0].type, ANSWER_A);
    answer_list(f, 0, "10.0.0.2,10.0.0.1");
    assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1,10.0.0.2 ttl=300");
    request_of(f, "resolve id=2 host=vpn.example family=ipv6");
    assert_int_equal(f->asked[1].type, ANSWER_AAAA);
    answer_outcome(f, 1, ANSWER_NOTHING);
    assert_string_equal(said(f), "fail id=2 re=resolve why=has%20no%20AAAA%20record%20in%20DNS");
    request_of(f, "resolve id=3 host=vpn.example family=ipv4");
    answer_outcome(f, 2, ANSWER_FAILED); /* what was said of it before */
    assert_string_equal(said(f), "ok id=3 re=resolve addresses=10.0.0.1,10.0.0.2 ttl=30");
    request_of(f, "resolve id=4 host=other.example family=ipv6");
    later(f, LOOKUP_TIME);
    assert_non_null(strstr(said(f), "fail id=4 re=resolve why=no%20DNS%20server"));
    unsigned q = begun(f, 5, "vpn.example"); /* of AAAA nothing was learnt by the others */
    answer_outcome(f, q, ANSWER_FAILED);
    answer_outcome(f, q + 1, ANSWER_FAILED);
    assert_non_null(strstr(said(f), "addresses=10.0.0.1,10.0.0.2 ttl=30"));
    f->in_hosts = "10.0.0.9,2001:db8::9";
    request_of(f, "resolve id=6 host=inside family=ipv4");
    assert_non_null(strstr(said(f), "ok id=6 re=resolve addresses=10.0.0.9,2001:db8::9"));
    nothing_is_open(f);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(both_kinds), TEST(one_kind), TEST(answered_at_once), TEST(hosts_first), TEST(final_failures),
        TEST(some_addresses_dropped), TEST(too_many_addresses), TEST(no_server_at_all),
        TEST(a_late_answer_is_not_anothers), TEST(servfail), TEST(half_an_answer), TEST(no_longer_than_for_nothing),
        TEST(one_family_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
