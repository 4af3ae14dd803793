/* [W4] plutod's core: what dnskey says of the name of the peer's host, says too late, or does not say. */
#include "test_plutod_peer_name.h"

#include "plutod/peer_name.h"

/* Nothing that can be used: a line says so, to whack, too, and what is known is used. */
static void w4_no_answer_that_helps(void **state)
{
    static const struct { bool ok; const char *answer; const char *line; } cases[] = {
        { false, "why=there%20is%20no%20such%20name%20in%20DNS",
          "gw.example.org cannot be looked up any more: there is no such name in DNS: its last known address is used, 10.9.0.2" },
        { false, "retry=15 why=SERVFAIL", "gw.example.org cannot be looked up now: SERVFAIL: its last known address is used, 10.9.0.2" },
        { true, "2001:db8::1", "gw.example.org has no IPv4 address any more, but 2001:db8::1: its last known address is used, 10.9.0.2" },
        { true, "10.9.0.1", "gw.example.org is 10.9.0.1 now, which is an address of this machine: its last known address is used, 10.9.0.2" },
        { true, "10.9.0.99", "gw.example.org is 10.9.0.99 now, which is our own identity (--id): its last known address is used, 10.9.0.2" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = named_net(NET_POLICY " left-id=10.9.0.99");
        char said[300];
        initiate(w);
        (cases[i].ok ? dns_says : dns_fails)(w, cases[i].answer);
        snprintf(said, sizeof said, "003 \"net\": %s\n", cases[i].line);
        assert_true(has(&w->said, said));
        assert_int_equal(count_of(&w->log, cases[i].line), 1);
        begins_with(w, "10.9.0.2");
        world_free(w);
    }
}

/* It is not waited for without end; what comes later is for nobody, and no reason to end dnskey. */
static void w4_late(void **state)
{
    struct world *w = named_net(NET_POLICY);
    (void)state;
    initiate(w);
    const uint64_t id = asked_dns(w);
    pass(w, PEER_NAME_TIME - 1);
    assert_null(sent(w, &w->n, P_N, V_INITIATE));
    pass(w, 1);
    assert_true(has(&w->said, "003 \"net\": gw.example.org was not answered for within 6 s: its last known address is used, 10.9.0.2"));
    begins_with(w, "10.9.0.2");
    const unsigned lines = lines_of(w);
    assert_null(feed(w, D_P, "ok id=%" PRIu64 " re=resolve addresses=10.9.0.7", id));
    assert_int_equal(lines_of(w), lines);
    assert_non_null(feed(w, D_P, "ok id=%" PRIu64 " re=resolve addresses=10.9.0.7", id)); /* but once is enough */
    pass(w, RESOLVE_PATIENCE + 1);
    assert_int_equal(w->dnskey_ended, 0);
    world_free(w);
}

static void w4_dnskey_is_silent(void **state)
{
    struct world *w = named_net(NET_POLICY);
    (void)state;
    initiate(w);
    assert_true(asked_dns(w) != 0);
    pass(w, PEER_NAME_TIME);
    begins_with(w, "10.9.0.2");
    pass(w, RESOLVE_PATIENCE - 1);
    assert_int_equal(w->dnskey_ended, 0);
    pass(w, 1);
    assert_int_equal(w->dnskey_ended, 1);
    world_free(w);
}

/* The next one is asked; one that ends, too, is the last. */
static void w4_dnskey_dies(void **state)
{
    struct world *w = named_net(NET_POLICY);
    (void)state;
    initiate(w);
    assert_true(asked_dns(w) != 0);
    keying_dnskey_down(&w->k);
    pass(w, 10);
    assert_null(sent(w, &w->n, P_N, V_INITIATE));
    keying_dnskey_up(&w->k, &w->d);
    dns_says(w, "10.9.0.7");
    assert_true(has(&w->said, MOVED));
    begins_with(w, "10.9.0.7");
    assert_null(feed(w, W_P, "whack-terminate name=net asynchronous=yes"));
    clear(w);
    initiate(w);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(asked_dns(w) != 0);
        keying_dnskey_down(&w->k);
        keying_dnskey_up(&w->k, &w->d);
    }
    assert_true(asked_dns(w) == 0);
    pass(w, 0);
    assert_true(has(&w->log, "was not answered for: each dnskey that was asked has ended"));
    begins_with(w, "10.9.0.7");
    world_free(w);
}

/* It is begun when it is needed first. */
static void w4_dnskey_is_begun(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET GW NET_POLICY));
    assert_int_equal(w->dnskey_needed, 0);
    initiate(w);
    assert_int_equal(w->dnskey_needed, 1);
    keying_dnskey_up(&w->k, &w->d);
    dns_says(w, "10.9.0.7");
    begins_with(w, "10.9.0.7");
    world_free(w);
}

/* dnskey has no more to do than it may, whoever asks. */
static void w4_as_many_as_dnskey_takes(void **state)
{
    struct world *w = world_new("10.9.0.1");
    char line[400];
    (void)state;
    keying_dnskey_up(&w->k, &w->d);
    buffer_wipe(&w->d);
    for (unsigned i = 0; i < RESOLVES_MAX + 10; i++) {
        snprintf(line, sizeof line, "whack-connection name=n%u left-host=10.9.0.1 left-client=10.1.%u.%u/32 right-host=10.9.0.2 "
                 GW "right-client=10.2.0.0/24 " NET_POLICY, i, i / 256, i % 256);
        assert_null(feed(w, W_P, "%s", line));
        assert_null(feed(w, W_P, "whack-initiate name=n%u asynchronous=yes", i));
    }
    assert_int_equal(count_of(&w->d, "resolve "), RESOLVES_MAX);
    assert_null(feed(w, S_P, "resolve id=1 host=a.example.org"));
    assert_int_equal(count_of(&w->d, "resolve "), RESOLVES_MAX);
    assert_false(has(&w->d, "host=a.example.org"));
    dns_says(w, "10.9.0.2");
    assert_true(has(&w->d, "host=a.example.org")); /* for each answer another one */
    dns_says(w, "10.9.0.2");
    assert_int_equal(count_of(&w->d, "resolve "), RESOLVES_MAX);
    world_free(w);
}

/* An address that no host has, and answers to nothing, break the rules. */
static void w4_dnskey_lies(void **state)
{
    struct world *w = named_net(NET_POLICY);
    (void)state;
    initiate(w);
    const uint64_t id = asked_dns(w);
    assert_non_null(feed(w, D_P, "ok id=%" PRIu64 " re=resolve addresses=224.0.0.1", id));
    assert_non_null(feed(w, D_P, "ok id=%" PRIu64 " re=resolve addresses=10.9.0.7", id + 1));
    keying_dnskey_down(&w->k);
    keying_dnskey_up(&w->k, &w->d);
    dns_says(w, "10.9.0.7");
    begins_with(w, "10.9.0.7");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(w4_no_answer_that_helps), cmocka_unit_test(w4_late), cmocka_unit_test(w4_dnskey_is_silent),
        cmocka_unit_test(w4_dnskey_dies), cmocka_unit_test(w4_dnskey_is_begun),
        cmocka_unit_test(w4_as_many_as_dnskey_takes), cmocka_unit_test(w4_dnskey_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
