/* The core of dnskey: names that are none, more than there is room for, other servers, anything in any order [D3] [K1]. */
#include "test_dnskey_scene.h"

static void bad_names(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = { "10.0.0.1", "--help", "a%20b", "a%00b", "..", "a/b", "%1B[0m", "10.1" };
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        char line[200];
        struct record r;
        int len = snprintf(line, sizeof line, "resolve id=1 host=%s", names[i]);
        if (record_parse(&r, line, (size_t)len, P_D, NULL) != NULL) {
            continue; /* a NUL in a text is no record */
        }
        lookups_request(f->lookups, &r, f->now);
        const char *why = said(f);
        assert_non_null(strstr(why, "fail id=1 re=resolve why=no%20name%20of%20a%20host"));
        assert_null(strstr(why, "retry="));
    }
    assert_int_equal(f->count, 0);
    nothing_is_open(f);
}

static void as_many_as_there_is_room_for(void **state)
{
    struct fixture *f = *state;
    char name[40];
    for (unsigned i = 0; i < RESOLVES_MAX; i++) {
        (void)snprintf(name, sizeof name, "h%u.example", i);
        (void)begun(f, i + 1, name);
    }
    assert_int_equal(lookups_open(f->lookups), RESOLVES_MAX);
    (void)begun(f, 9999, "one.more");
    assert_string_equal(said(f), "fail id=9999 re=resolve why=too%20many%20names%20are%20being%20looked%20up retry=2");
    /* A lookup whose request was answered already makes room. */
    answer_list(f, 0, "10.0.0.1");
    later(f, LOOKUP_PATIENCE);
    assert_non_null(strstr(said(f), "ok id=1 "));
    (void)begun(f, 9999, "one.more");
    assert_null(said(f));
    assert_int_equal(lookups_open(f->lookups), RESOLVES_MAX);
    f->log_records.limit = 0;
    later(f, 2 * LOOKUP_TIME);
    unsigned fails = 0;
    for (size_t i = 0; i < f->out.len; i++) {
        fails += f->out.data[i] == '\n';
    }
    assert_int_equal(fails, RESOLVES_MAX);
    buffer_truncate(&f->out, 0);
    nothing_is_open(f);
}

static void other_servers(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "a.example");
    request(f, 2, "b.example"); /* waits for the look at the files */
    answer_list(f, q, "10.0.0.1");
    f->asked[q + 1].open = false; /* the resolver forgets it */
    lookups_again(f->lookups, f->now);
    assert_int_equal(f->count, 3);
    assert_int_equal(f->asked[2].type, ANSWER_AAAA);
    assert_string_equal(f->asked[2].name, "a.example");
    answer_list(f, 2, "2001:db8::1");
    assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1,2001:db8::1 ttl=300");
    lookups_begin(f->lookups, f->now);
    assert_int_equal(f->count, 5);
    later(f, LOOKUP_TIME);
    assert_non_null(strstr(said(f), "fail id=2"));
    nothing_is_open(f);
}

/* Nobody begins it, since the files cannot be looked at: it is answered in time all the same. */
static void never_begun(void **state)
{
    struct fixture *f = *state;
    request(f, 1, "a.example");
    later(f, LOOKUP_PATIENCE);
    assert_int_equal(f->count, 2);
    later(f, LOOKUP_TIME);
    assert_non_null(strstr(said(f), "fail id=1"));
    nothing_is_open(f);
}

/* Anything may happen in any order: each request is answered once, within its time. */
static void any_order(void **state)
{
    struct fixture *f = *state;
    unsigned seed = 4711;
    unsigned requests = 0;
    unsigned answers = 0;
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 1103515245 + 12345;
        const unsigned what = seed >> 16 & 7;
        const unsigned pick = seed >> 20 & 0xff;
        if (what < 2) {
            char name[40];
            (void)snprintf(name, sizeof name, "h%u.example", pick & 15);
            request(f, ++requests, name);
        } else if (what == 2) {
            lookups_begin(f->lookups, f->now);
        } else if (what == 3) {
            later(f, pick * 40);
        } else if (what == 4 && (pick & 15) == 0) {
            for (unsigned q = 0; q < f->count; q++) {
                f->asked[q].open = false;
            }
            lookups_again(f->lookups, f->now);
        } else if (f->count > 0 && f->asked[pick % f->count].open) {
            answer_outcome(f, pick % f->count, (enum answer_outcome)(pick % 3));
        } else if (f->count > 1) {
            const unsigned q = f->count - 1 - pick % 2;
            if (f->asked[q].open) {
                answer_list(f, q, "10.0.0.1,10.0.0.2");
            }
        }
        if (f->count > ASKED_MAX - 600) {
            lookups_begin(f->lookups, f->now);
            later(f, 2 * LOOKUP_TIME);
            f->count = 0;
        }
        for (size_t b = 0; b < f->out.len; b++) {
            answers += f->out.data[b] == '\n';
        }
        buffer_truncate(&f->out, 0);
        buffer_truncate(&f->log_records, 0);
        assert_int_equal(answers + lookups_open(f->lookups), requests);
        assert_true(lookups_deadline(f->lookups) == UINT64_MAX
                    || lookups_deadline(f->lookups) <= f->now + LOOKUP_TIME);
    }
    lookups_begin(f->lookups, f->now);
    later(f, 2 * LOOKUP_TIME);
    assert_int_equal(lookups_open(f->lookups), 0);
    assert_true(requests > 1000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(bad_names), TEST(as_many_as_there_is_room_for), TEST(other_servers), TEST(never_begun), TEST(any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
