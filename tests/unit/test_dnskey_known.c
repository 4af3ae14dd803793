/* The core of dnskey: what DNS said before is used where it says nothing now, and is bounded [D3] [K1]. */
#include "test_dnskey_scene.h"

#include "dnskey/known.h"

static void learn(struct fixture *f, const char *name)
{
    unsigned q = begun(f, 100, name);
    answer_list(f, q, "10.0.0.1");
    answer_list(f, q + 1, "2001:db8::1");
    assert_non_null(said(f));
}

static void old_answers(void **state)
{
    struct fixture *f = *state;
    learn(f, "Old.Example");
    later(f, 300 * 1000 + KNOWN_BEYOND - LOOKUP_PATIENCE); /* its last moment */
    (void)begun(f, 1, "old.example.");
    later(f, LOOKUP_PATIENCE - 1);
    assert_null(said(f));
    later(f, 1);
    assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1,2001:db8::1 ttl=30");
    assert_true(logged(f, "no%20DNS%20server%20answers;%20used%20is%20what%20DNS%20said%2086700%20s%20ago"));
    later(f, LOOKUP_TIME);
    (void)begun(f, 2, "old.example");
    later(f, LOOKUP_TIME);
    assert_non_null(strstr(said(f), "fail id=2 re=resolve why=no%20DNS%20server"));
    nothing_is_open(f);
}

static void old_answers_at_once_where_servers_fail(void **state)
{
    struct fixture *f = *state;
    learn(f, "old.example");
    unsigned q = begun(f, 1, "old.example");
    answer_outcome(f, q, ANSWER_FAILED);
    assert_null(said(f));
    answer_outcome(f, q + 1, ANSWER_FAILED);
    assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1,2001:db8::1 ttl=30");
    /* One kind is fresh, the other old. */
    q = begun(f, 2, "old.example");
    answer_list(f, q, "10.0.0.7");
    answer_outcome(f, q + 1, ANSWER_FAILED);
    assert_string_equal(said(f), "ok id=2 re=resolve addresses=10.0.0.7,2001:db8::1 ttl=30");
    /* DNS says that there are none: what was known is so no more. */
    q = begun(f, 3, "old.example");
    answer_outcome(f, q, ANSWER_NO_NAME);
    answer_outcome(f, q + 1, ANSWER_NO_NAME);
    assert_non_null(strstr(said(f), "fail id=3"));
    q = begun(f, 4, "old.example");
    answer_outcome(f, q, ANSWER_FAILED);
    answer_outcome(f, q + 1, ANSWER_FAILED);
    assert_non_null(strstr(said(f), "fail id=4"));
    nothing_is_open(f);
}

/* What DNS said to have no address of a type is whole without it, in whatever order the two were answered. */
static void known_to_have_none(void **state)
{
    struct fixture *f = *state;
    for (unsigned first = 0; first < 2; first++) {
        char name[40];
        (void)snprintf(name, sizeof name, "v4-%u.example", first);
        unsigned q = begun(f, 1, name);
        if (first == 0) {
            answer_list(f, q, "10.0.0.1");
        }
        answer_outcome(f, q + 1, ANSWER_NOTHING);
        if (first == 1) {
            answer_list(f, q, "10.0.0.1");
        }
        assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1 ttl=300");
        q = begun(f, 2, name);
        answer_list(f, q, "10.0.0.2");
        answer_outcome(f, q + 1, ANSWER_FAILED);
        assert_string_equal(said(f), "ok id=2 re=resolve addresses=10.0.0.2 ttl=30");
        assert_false(logged(f, "no%20DNS%20server%20answers"));
    }
}

/* What comes after the old answer was given is remembered. */
static void learned_late(void **state)
{
    struct fixture *f = *state;
    learn(f, "old.example");
    unsigned q = begun(f, 1, "old.example");
    later(f, LOOKUP_PATIENCE);
    assert_non_null(strstr(said(f), "10.0.0.1,2001:db8::1"));
    answer_list(f, q, "10.0.0.7");
    answer_outcome(f, q + 1, ANSWER_NOTHING);
    nothing_is_open(f);
    q = begun(f, 2, "old.example");
    answer_outcome(f, q, ANSWER_FAILED);
    answer_outcome(f, q + 1, ANSWER_FAILED);
    assert_string_equal(said(f), "ok id=2 re=resolve addresses=10.0.0.7 ttl=30");
}

static void known_is_bounded(void **state)
{
    struct known *k = known_new();
    struct answer a;
    uint64_t age;
    char name[40];
    (void)state;
    assert_non_null(k);
    read_list(&a, "10.0.0.1");
    for (unsigned i = 0; i < 3 * KNOWN_MAX; i++) {
        (void)snprintf(name, sizeof name, "h%u.example", i);
        known_tell(k, name, ANSWER_A, &a, 0);
        known_tell(k, "often.example", ANSWER_A, &a, 0);
    }
    unsigned there = 0;
    for (unsigned i = 0; i < 3 * KNOWN_MAX; i++) {
        (void)snprintf(name, sizeof name, "h%u.example", i);
        there += known_find(k, name, ANSWER_A, 1, &age) != NULL;
        assert_int_equal(known_find(k, name, ANSWER_A, 1, &age) != NULL, i > 2 * KNOWN_MAX);
    }
    assert_int_equal(there, KNOWN_MAX - 1);
    assert_non_null(known_find(k, "often.example", ANSWER_A, 1, &age));
    assert_null(known_find(k, "often.example", ANSWER_AAAA, 1, &age));
    known_free(k);
}

/* Of too many that one goes which DNS has not spoken of for longest, not the one that was told first. */
static void known_goes_by_what_was_told_last(void **state)
{
    struct known *k = known_new();
    struct answer a;
    uint64_t age;
    char name[40];
    (void)state;
    assert_non_null(k);
    read_list(&a, "10.0.0.1");
    for (unsigned i = 0; i < KNOWN_MAX; i++) {
        (void)snprintf(name, sizeof name, "h%u.example", i);
        known_tell(k, name, ANSWER_A, &a, 0);
    }
    known_tell(k, "h0.example", ANSWER_A, &a, 0);
    known_tell(k, "one.more", ANSWER_A, &a, 0);
    assert_non_null(known_find(k, "h0.example", ANSWER_A, 1, &age));
    assert_null(known_find(k, "h1.example", ANSWER_A, 1, &age));
    assert_non_null(known_find(k, "h2.example", ANSWER_A, 1, &age));
    known_free(k);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(known_goes_by_what_was_told_last), TEST(old_answers), TEST(old_answers_at_once_where_servers_fail),
        TEST(learned_late), TEST(known_to_have_none), TEST(known_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
