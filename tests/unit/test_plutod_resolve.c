/*
 * [K1] Names of hosts in ipsec.secrets: what workers of secrets ask plutod for, and when they are answered. What plutod
 * asks of dnskey, and what becomes of one that dies, lies or is silent: test_plutod_resolve_dnskey.c.
 */
#include "test_plutod_names.h"

static void k1_asked_once_for_all(void **state)
{
    struct world *w = begin();
    (void)state;
    assert_int_equal(w->dnskey_needed, 0);
    asks(w, 1, 7, "gate.example.org");
    asks(w, OTHER, 3, "gate.example.org");
    assert_true(w->dnskey_needed > 0);
    assert_int_equal(w->d.len, 0); /* it does not run yet */
    assert_int_equal(resolve_waiting(&w->k), 1);
    keying_dnskey_up(&w->k, &w->d);
    uint64_t id = wants(w, "gate.example.org");
    wants(w, NULL);
    gets(w, 1, 7, NULL);
    answers(w, id, "addresses=2001:db8::1,10.9.0.2 ttl=60");
    gets(w, 1, 7, "10.9.0.2,2001:db8::1");
    gets(w, OTHER, 3, "10.9.0.2,2001:db8::1");
    nobody_waits(w);
    asks(w, OTHER, 4, "gate.example.org"); /* one that reads a little later */
    gets(w, OTHER, 4, "10.9.0.2,2001:db8::1");
    wants(w, NULL);
    world_free(w);
}

static void k1_final_refusals_go_on_at_once(void **state)
{
    struct world *w = begin_with_dnskey();
    (void)state;
    asks(w, 1, 1, "no.example.org");
    fails(w, wants(w, "no.example.org"), "why=there%20is%20no%20such%20name");
    gets_refusal(w, 1, 1, "there is no such name");
    asks(w, OTHER, 1, "no.example.org");
    gets_refusal(w, OTHER, 1, "there is no such name");
    assert_false(has(&w->log, "no.example.org")); /* a worker says it, which knows file and line */
    asks(w, 1, 2, "10.9.0.7");
    gets_refusal(w, 1, 2, "an address, which is not looked up");
    wants(w, NULL);
    nobody_waits(w);
    world_free(w);
}

static void k1_nobody_answers_asked_again_said_once(void **state)
{
    struct world *w = begin_with_dnskey();
    uint64_t waited = 0;
    (void)state;
    asks(w, 1, 1, "gate.example.org");
    for (unsigned i = 0; i < 12; i++) {
        struct resolve_view view;
        fails(w, wants(w, "gate.example.org"), "retry=1 why=no%20server%20answers");
        assert_true(resolve_view(&w->k, 0, &view));
        assert_string_equal(view.host, "gate.example.org");
        assert_string_equal(view.why, "no server answers");
        uint64_t wait = agenda_next(&w->k.agenda) - w->k.now;
        assert_in_range(wait, waited < RESOLVE_AGAIN_MIN ? RESOLVE_AGAIN_MIN : waited, RESOLVE_AGAIN_MAX); /* later and later */
        waited = wait;
        later(w, wait - 1);
        wants(w, NULL);
        later(w, 1);
    }
    assert_int_equal(waited, RESOLVE_AGAIN_MAX);
    assert_int_equal(lines_of(w), 1);
    assert_true(has(&w->log, "gate.example.org cannot be looked up yet: no server answers"));
    gets(w, 1, 1, NULL);
    assert_null(sent(w, &w->s[1], P_S, V_FAIL));
    answers(w, wants(w, "gate.example.org"), "addresses=10.9.0.2");
    gets(w, 1, 1, "10.9.0.2");
    assert_true(has(&w->log, "gate.example.org is 10.9.0.2: what ipsec.secrets has for it is used from now on"));
    nobody_waits(w);
    world_free(w);
}

/* An address came, and with it perhaps the way to a server. */
static void k1_asked_again_when_addresses_change(void **state)
{
    struct world *w = begin_with_dnskey();
    (void)state;
    asks(w, 1, 1, "gate.example.org");
    fails(w, wants(w, "gate.example.org"), "retry=60 why=no%20server");
    later(w, 1000);
    wants(w, NULL);
    world_listen(w, "10.9.0.1,10.9.0.5");
    answers(w, wants(w, "gate.example.org"), "addresses=10.9.0.2");
    gets(w, 1, 1, "10.9.0.2");
    world_free(w);
}

static void k1_many_that_wait_few_lines(void **state)
{
    struct world *w = begin_with_dnskey();
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        char host[40];
        snprintf(host, sizeof host, "gate%u.example.org", i);
        asks(w, 1, i + 1, host);
        fails(w, wants(w, host), "retry=5 why=no%20server");
    }
    assert_int_equal(lines_of(w), RESOLVE_SAID_MAX + 1);
    assert_int_equal(resolve_waiting(&w->k), 200);
    assert_true(has(&w->log, "more names of hosts in ipsec.secrets cannot be looked up yet"));
    world_free(w);
}

/* A worker that asks as none would have to is ended, before it takes the room of the others. */
static void k1_workers_that_ask_too_much(void **state)
{
    struct world *w = begin_with_dnskey();
    char host[40];
    (void)state;
    asks(w, 1, 1, "gate.example.org");
    w->worker = 1;
    for (unsigned id = 1; id < 3; id++) { /* the same one, and another one */
        assert_string_equal(feed(w, S_P, "resolve id=%u host=gate.example.org", id), "asks for a name that it has asked for already");
    }
    answers(w, wants(w, "gate.example.org"), "addresses=10.9.0.2");
    gets(w, 1, 1, "10.9.0.2");
    gets(w, 1, 0, NULL); /* once */
    for (unsigned i = 0; i < HOST_NAMES_MAX; i++) { /* what is answered at once counts, too */
        snprintf(host, sizeof host, i % 2 == 0 ? "gate.example.org" : "gate%u.example.org", i);
        asks(w, OTHER, i + 1, host);
    }
    w->worker = OTHER;
    assert_string_equal(feed(w, S_P, "resolve id=9999 host=more.example.org"), "asks for more names than a file may have");
    assert_string_equal(feed(w, S_P, "resolve id=9999 host=10.9.0.1"), "asks for more names than a file may have");
    keying_worker_down(&w->k, OTHER);
    buffer_wipe(&w->s[OTHER]);
    assert_true(keying_worker_up(&w->k, 3, &w->s[OTHER])); /* its successor */
    w->worker = 3;
    assert_null(feed(w, S_P, "resolve id=1 host=gate.example.org"));
    gets(w, OTHER, 1, "10.9.0.2");
    world_free(w);
}

/* The secrets are read anew: asked for anew; where nobody answers now, what was known holds, for a day. */
static void k1_old_answers_where_nobody_answers(void **state)
{
    (void)state;
    for (unsigned late = 0; late < 2; late++) {
        struct world *w = begin();
        keying_dnskey_up(&w->k, &w->d);
        learns(w, "a.example.org", "10.9.0.2");
        later(w, late ? RESOLVE_OLD_MAX + 1 : RESOLVE_OLD_MAX - 1000);
        resolve_begin(&w->k, 0);
        asks(w, OTHER, 1, "a.example.org");
        uint64_t id = wants(w, "a.example.org");
        gets(w, OTHER, 1, NULL);
        fails(w, id, "retry=1 why=no%20server%20answers");
        gets(w, OTHER, 1, late ? NULL : "10.9.0.2");
        assert_true(has(&w->log, late ? "a.example.org cannot be looked up yet: no server answers"
                                      : "a.example.org cannot be looked up now: no server answers; in ipsec.secrets it stands "
                                        "for 10.9.0.2, as before"));
        assert_int_equal(resolve_waiting(&w->k), late);
        world_free(w);
    }
}

/* Those who must not wait any longer get what was known; what dnskey is at comes for others. */
static void k1_hurry(void **state)
{
    struct world *w = begin_with_dnskey();
    (void)state;
    learns(w, "a.example.org", "10.9.0.2");
    resolve_begin(&w->k, 0);
    asks(w, OTHER, 1, "a.example.org");
    asks(w, OTHER, 2, "new.example.org");
    uint64_t id = wants(w, "a.example.org");
    resolve_hurry(&w->k);
    gets(w, OTHER, 1, "10.9.0.2");
    assert_int_equal(resolve_waiting(&w->k), 1); /* of the new one nothing was known */
    resolve_trim(&w->k);
    answers(w, id, "addresses=10.9.0.9"); /* too late for this reading */
    gets(w, OTHER, 1, NULL);
    asks(w, 1, 5, "a.example.org");
    gets(w, 1, 5, "10.9.0.2");
    assert_true(has(&w->log, "a.example.org is 10.9.0.9 now; in ipsec.secrets it stands for 10.9.0.2 until the next whack --listen"));
    world_free(w);
}

/* A refusal is a refusal: what was known before is of no use then. */
static void k1_refused_names_are_not_remembered(void **state)
{
    struct world *w = begin_with_dnskey();
    (void)state;
    learns(w, "a.example.org", "10.9.0.2");
    resolve_begin(&w->k, 0);
    asks(w, 1, 2, "a.example.org");
    fails(w, wants(w, "a.example.org"), "why=gone");
    gets_refusal(w, 1, 2, "gone");
    resolve_begin(&w->k, 0);
    asks(w, 1, 3, "a.example.org");
    fails(w, wants(w, "a.example.org"), "retry=1 why=no%20server");
    gets(w, 1, 3, NULL);
    assert_int_equal(resolve_waiting(&w->k), 1);
    world_free(w);
}

static void k1_a_worker_ends(void **state)
{
    struct world *w = begin_with_dnskey();
    (void)state;
    asks(w, 1, 1, "a.example.org");
    asks(w, OTHER, 1, "a.example.org");
    asks(w, 1, 2, "b.example.org");
    uint64_t a = wants(w, "a.example.org");
    uint64_t b = wants(w, "b.example.org");
    keying_worker_down(&w->k, 1);
    buffer_wipe(&w->s[1]);
    answers(w, a, "addresses=10.9.0.2");
    gets(w, OTHER, 1, "10.9.0.2");
    fails(w, b, "retry=1 why=no%20server");
    nobody_waits(w);
    assert_int_equal(agenda_next(&w->k.agenda), UINT64_MAX); /* and nobody is asked again */
    assert_int_equal(w->s[1].len, 0);
    assert_true(keying_worker_up(&w->k, 3, &w->s[1]));
    w->worker = 3;
    assert_null(feed(w, S_P, "resolve id=1 host=a.example.org"));
    gets(w, 1, 1, "10.9.0.2");
    assert_null(feed(w, S_P, "resolve id=2 host=b.example.org"));
    wants(w, "b.example.org");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k1_asked_once_for_all),
        cmocka_unit_test(k1_final_refusals_go_on_at_once),
        cmocka_unit_test(k1_nobody_answers_asked_again_said_once),
        cmocka_unit_test(k1_asked_again_when_addresses_change),
        cmocka_unit_test(k1_many_that_wait_few_lines),
        cmocka_unit_test(k1_workers_that_ask_too_much),
        cmocka_unit_test(k1_old_answers_where_nobody_answers),
        cmocka_unit_test(k1_hurry),
        cmocka_unit_test(k1_refused_names_are_not_remembered),
        cmocka_unit_test(k1_a_worker_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
