/* [K1] Names of hosts in ipsec.secrets: what is known from the reading before, and what is learnt for the next one. */
#include "test_plutod_names.h"

#include "plutod/resolve_inside.h"

/* Worker 1 has read; the secrets are in use; DNS has the name. */
static struct world *known(const char *host, const char *addresses)
{
    struct world *w = begin_with_dnskey();
    char line[100];
    resolve_begin(&w->k, 0);
    asks(w, 1, 1, host);
    snprintf(line, sizeof line, "addresses=%s", addresses);
    answers(w, wants(w, host), line);
    gets(w, 1, 1, addresses);
    resolve_trim(&w->k);
    return w;
}

static unsigned kept(const struct world *w)
{
    return HASH_COUNT(w->k.resolve.names);
}

static void dnskey_says(struct world *w, const char *host, const char *why)
{
    char line[100];
    snprintf(line, sizeof line, "retry=1 why=%s", why);
    fails(w, wants(w, host), line);
}

/* A reading that is given up before its workers have asked for anything takes nothing away. */
static void k1_readings_that_are_given_up(void **state)
{
    struct world *w = known("a.example.org", "10.9.0.2");
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        resolve_begin(&w->k, 0);
        resolve_begin(&w->k, 0);
        asks(w, OTHER, i + 1, "a.example.org");
        dnskey_says(w, "a.example.org", "down");
        gets(w, OTHER, i + 1, "10.9.0.2");
    }
    world_free(w);
}

/* The same, where the reading that is given up does not have the name. */
static void k1_a_given_up_reading_of_others(void **state)
{
    struct world *w = known("a.example.org", "10.9.0.2");
    (void)state;
    resolve_begin(&w->k, 0);
    asks(w, OTHER, 1, "b.example.org");
    answers(w, wants(w, "b.example.org"), "addresses=10.9.0.3");
    resolve_begin(&w->k, 0);
    asks(w, OTHER, 2, "a.example.org");
    dnskey_says(w, "a.example.org", "down");
    gets(w, OTHER, 1, "10.9.0.3");
    gets(w, OTHER, 2, "10.9.0.2");
    world_free(w);
}

/* What no reading in use asks for is forgotten, ... */
static void k1_forgotten_when_not_asked_for(void **state)
{
    struct world *w = known("a.example.org", "10.9.0.2");
    (void)state;
    resolve_begin(&w->k, 0);
    asks(w, OTHER, 1, "b.example.org");
    answers(w, wants(w, "b.example.org"), "addresses=10.9.0.3");
    assert_int_equal(kept(w), 2);
    resolve_trim(&w->k);
    assert_int_equal(kept(w), 1);
    resolve_begin(&w->k, 0);
    asks(w, OTHER, 2, "a.example.org");
    dnskey_says(w, "a.example.org", "down");
    assert_int_equal(resolve_waiting(&w->k), 1);
    world_free(w);
}

/* ... and so is what is too old, or never had an address, when the secrets are read anew. */
static void k1_of_no_use_any_more(void **state)
{
    struct world *w = known("a.example.org", "10.9.0.2");
    (void)state;
    asks(w, 1, 2, "no.example.org");
    fails(w, wants(w, "no.example.org"), "why=none");
    assert_int_equal(kept(w), 2);
    resolve_begin(&w->k, 0);
    assert_int_equal(kept(w), 1);
    later(w, RESOLVE_OLD_MAX + 1);
    resolve_begin(&w->k, 0);
    assert_int_equal(kept(w), 0);
    world_free(w);
}

static bool is_there(const struct world *w, const char *host)
{
    struct resolving *n;
    HASH_FIND_STR(w->k.resolve.names, host, n);
    return n != NULL;
}

/* Old names make room for new ones, the oldest first, and only they do. */
static void k1_room_for_the_newest_reading(void **state)
{
    struct world *w = known("a.example.org", "10.9.0.2");
    char host[40];
    (void)state;
    keying_worker_down(&w->k, 1);
    assert_true(keying_worker_up(&w->k, 1, &w->s[1]));
    resolve_begin(&w->k, 0);
    asks(w, OTHER, 1, "b.example.org");
    answers(w, wants(w, "b.example.org"), "addresses=10.9.0.3");
    gets(w, OTHER, 1, "10.9.0.3");
    keying_worker_down(&w->k, OTHER);
    assert_true(keying_worker_up(&w->k, OTHER, &w->s[OTHER]));
    resolve_begin(&w->k, 0);
    for (unsigned i = 1; i <= 2 * HOST_NAMES_MAX; i++) {
        assert_int_equal(is_there(w, "a.example.org"), i < 2 * HOST_NAMES_MAX);
        assert_true(is_there(w, "b.example.org"));
        snprintf(host, sizeof host, "gate%u.example.org", i);
        asks(w, i <= HOST_NAMES_MAX ? 1 : OTHER, i + 1, host);
    }
    assert_int_equal(kept(w), 2 * HOST_NAMES_MAX);
    assert_null(sent(w, &w->s[1], P_S, V_FAIL));
    assert_null(sent(w, &w->s[OTHER], P_S, V_FAIL));
    assert_true(keying_worker_up(&w->k, 3, &w->s[0]));
    asks(w, 3, 1, "gate0.example.org");
    gets_refusal(w, 0, 1, "there is no room in plutod for so many names");
    world_free(w);
}

/* One meaning in one reading: what comes after the name was settled is for the next one. */
static void k1_late_answers_are_for_the_next_reading(void **state)
{
    static const char why[] = "a.example.org cannot be looked up any more: gone; in ipsec.secrets it stands for 10.9.0.2 until "
                              "the next whack --listen";
    (void)state;
    for (unsigned refused = 0; refused < 2; refused++) {
        struct world *w = known("a.example.org", "10.9.0.2");
        resolve_begin(&w->k, 0);
        asks(w, OTHER, 1, "a.example.org");
        uint64_t id = wants(w, "a.example.org");
        resolve_hurry(&w->k);
        gets(w, OTHER, 1, "10.9.0.2");
        if (refused) {
            fails(w, id, "why=gone");
        } else {
            answers(w, id, "addresses=10.9.0.9");
        }
        assert_true(has(&w->log, refused ? why : "a.example.org is 10.9.0.9 now; in ipsec.secrets it stands for 10.9.0.2 until"));
        asks(w, OTHER, 2, "a.example.org"); /* begun again */
        gets(w, OTHER, 2, "10.9.0.2");
        wants(w, NULL);
        resolve_begin(&w->k, 0);
        asks(w, OTHER, 3, "a.example.org");
        dnskey_says(w, "a.example.org", "down");
        gets(w, OTHER, 3, refused ? NULL : "10.9.0.9");
        assert_int_equal(resolve_waiting(&w->k), refused);
        world_free(w);
    }
}

/* The same answer again is no news, but it is as good as a new one. */
static void k1_a_late_answer_that_changes_nothing(void **state)
{
    struct world *w = known("a.example.org", "10.9.0.2");
    (void)state;
    later(w, RESOLVE_OLD_MAX - 10);
    resolve_begin(&w->k, 0);
    asks(w, OTHER, 1, "a.example.org");
    uint64_t id = wants(w, "a.example.org");
    resolve_hurry(&w->k);
    unsigned lines = lines_of(w);
    answers(w, id, "addresses=10.9.0.2");
    assert_int_equal(lines_of(w), lines);
    gets(w, OTHER, 1, "10.9.0.2");
    later(w, 1000);
    resolve_begin(&w->k, 0);
    asks(w, OTHER, 2, "a.example.org");
    dnskey_says(w, "a.example.org", "down");
    gets(w, OTHER, 2, "10.9.0.2");
    world_free(w);
}

/* A reading that is late does not wait: neither does who asks later. */
static void k1_late_askers_get_what_is_known_at_once(void **state)
{
    struct world *w = known("a.example.org", "10.9.0.2");
    (void)state;
    resolve_begin(&w->k, 0);
    asks(w, OTHER, 1, "a.example.org");
    wants(w, "a.example.org"); /* dnskey is silent */
    keying_worker_down(&w->k, OTHER);
    resolve_hurry(&w->k);
    gets(w, OTHER, 1, NULL);
    assert_true(keying_worker_up(&w->k, OTHER, &w->s[OTHER]));
    asks(w, OTHER, 1, "a.example.org");
    gets(w, OTHER, 1, "10.9.0.2");
    resolve_begin(&w->k, 0);
    asks(w, OTHER, 2, "a.example.org"); /* one that is not late waits for dnskey */
    gets(w, OTHER, 2, NULL);
    world_free(w);
}

/* What rests from the reading before is asked for at once in a new one. */
static void k1_asked_at_once_in_a_new_reading(void **state)
{
    struct world *w = begin_with_dnskey();
    (void)state;
    asks(w, 1, 1, "a.example.org");
    fails(w, wants(w, "a.example.org"), "retry=60 why=down");
    wants(w, NULL);
    resolve_begin(&w->k, 0);
    asks(w, OTHER, 1, "a.example.org");
    answers(w, wants(w, "a.example.org"), "addresses=10.9.0.2");
    gets(w, 1, 1, "10.9.0.2");
    gets(w, OTHER, 1, "10.9.0.2");
    world_free(w);
}

#define V6_MISSING " retry=2 why=AAAA:%20no%20answer"

static bool is_part(struct world *w, unsigned worker, const char *addresses)
{
    const struct record *r = sent(w, &w->s[worker], P_S, V_OK);
    return r != NULL && strcmp(record_text(r, K_ADDRESSES), addresses) == 0 && record_has(r, K_RETRY);
}

static bool is_whole(struct world *w, unsigned worker, const char *addresses)
{
    const struct record *r = sent(w, &w->s[worker], P_S, V_OK);
    return r != NULL && strcmp(record_text(r, K_ADDRESSES), addresses) == 0 && !record_has(r, K_RETRY);
}

/* What comes of the rest: all who have the part get it, or hear that it is all that there is. */
static void takes_the_rest(struct world *w, unsigned end)
{
    uint64_t id = wants(w, "a.example.org");
    const unsigned lines = lines_of(w);
    const char *whole = end == 0 ? "10.9.0.2,2001:db8::2" : "10.9.0.2";
    if (end == 0) {
        answers(w, id, "addresses=10.9.0.2,2001:db8::2");
        assert_true(has(&w->log, "a.example.org is 10.9.0.2,2001:db8::2: what ipsec.secrets has for it is used from now on"));
    } else if (end == 1) {
        answers(w, id, "addresses=10.9.0.2"); /* there is no more: no news */
    } else {
        fails(w, id, "why=gone");
        assert_true(has(&w->log, "a.example.org cannot be looked up any more: gone; in ipsec.secrets it stands for 10.9.0.2 until"));
    }
    assert_true(is_whole(w, 1, whole));
    assert_true(is_whole(w, OTHER, whole));
    assert_int_equal(lines_of(w), lines + (end == 1 ? 0 : 1));
}

/*
 * One kind of addresses was answered: it is used at once, and the rest asked for in the background, again and again, until there
 * is a whole answer. Nothing is said in between.
 */
static void k1_part_of_an_answer(void **state)
{
    static const unsigned pauses[] = { 2000, 4000, 15000, 30000, 60000, 60000 };
    (void)state;
    for (unsigned end = 0; end < 3; end++) {
        struct world *w = begin_with_dnskey();
        resolve_begin(&w->k, CLIENT);
        asks(w, 1, 1, "a.example.org");
        answers(w, wants(w, "a.example.org"), "addresses=10.9.0.2" V6_MISSING);
        assert_true(is_part(w, 1, "10.9.0.2"));
        nobody_waits(w);
        assert_true(has(&w->log, "a.example.org was answered in part: AAAA: no answer; in ipsec.secrets it stands for "
                                 "10.9.0.2 alone until the rest is answered, too"));
        assert_true(has(&w->said, "003 a.example.org was answered in part: AAAA: no answer;"));
        for (unsigned i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
            later(w, pauses[i] - 1);
            wants(w, NULL);
            later(w, 1);
            if (i % 2 == 0) {
                answers(w, wants(w, "a.example.org"), "addresses=10.9.0.2" V6_MISSING);
            } else {
                fails(w, wants(w, "a.example.org"), "retry=15 why=down");
            }
            resolve_hurry(&w->k); /* nobody waits that could be told to go */
        }
        assert_int_equal(lines_of(w), 1);
        asks(w, OTHER, 1, "a.example.org"); /* whoever asks meanwhile has the same */
        assert_true(is_part(w, OTHER, "10.9.0.2"));
        nobody_waits(w);
        later(w, 60000);
        takes_the_rest(w, end);
        later(w, 10 * RESOLVE_AGAIN_MAX);
        wants(w, NULL);
        asks(w, 1, 2, "a.example.org"); /* begun again */
        assert_true(is_whole(w, 1, end == 0 ? "10.9.0.2,2001:db8::2" : "10.9.0.2"));
        world_free(w);
    }
}

/* What nobody uses any more is not asked of dnskey any more, until somebody asks again. */
static void k1_part_that_nobody_uses(void **state)
{
    (void)state;
    for (unsigned asked = 0; asked < 2; asked++) {
        struct world *w = begin_with_dnskey();
        uint64_t id = 0;
        asks(w, 1, 1, "a.example.org");
        answers(w, wants(w, "a.example.org"), "addresses=10.9.0.2" V6_MISSING);
        assert_true(is_part(w, 1, "10.9.0.2"));
        if (asked) {
            later(w, RESOLVE_AGAIN_MIN);
            id = wants(w, "a.example.org");
        }
        const unsigned lines = lines_of(w);
        keying_worker_down(&w->k, 1);
        if (asked) {
            answers(w, id, "addresses=10.9.0.2" V6_MISSING);
        }
        later(w, 10 * RESOLVE_AGAIN_MAX);
        wants(w, NULL);
        asks(w, OTHER, 1, "a.example.org");
        assert_true(is_part(w, OTHER, "10.9.0.2"));
        wants(w, "a.example.org");
        assert_int_equal(lines_of(w), lines);
        world_free(w);
    }
}

/* A new reading has parts of its own; who has one of the reading before gets it, too. */
static void k1_part_of_each_reading(void **state)
{
    struct world *w = begin_with_dnskey();
    (void)state;
    asks(w, 1, 1, "a.example.org");
    answers(w, wants(w, "a.example.org"), "addresses=10.9.0.2" V6_MISSING);
    assert_true(is_part(w, 1, "10.9.0.2"));
    resolve_begin(&w->k, 0);
    asks(w, OTHER, 1, "a.example.org");
    answers(w, wants(w, "a.example.org"), "addresses=10.9.0.3" V6_MISSING);
    assert_true(is_part(w, 1, "10.9.0.3"));
    assert_true(is_part(w, OTHER, "10.9.0.3"));
    world_free(w);
}

/* Of the kind that is not answered those of before hold, for as long as others do. */
static void k1_part_completed_by_what_was_known(void **state)
{
    static const char *const parts[] = { "10.9.0.9", "2001:db8::9" };
    static const char *const wholes[] = { "10.9.0.9,2001:db8::2", "10.9.0.2,2001:db8::9" };
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        struct world *w = known("a.example.org", "10.9.0.2,2001:db8::2");
        char line[100];
        snprintf(line, sizeof line, "addresses=%s%s", parts[kind], V6_MISSING);
        later(w, RESOLVE_OLD_MAX - 1000);
        resolve_begin(&w->k, 0);
        asks(w, OTHER, 1, "a.example.org");
        answers(w, wants(w, "a.example.org"), line);
        gets(w, OTHER, 1, wholes[kind]);
        assert_true(has(&w->log, kind == 0 ? "10.9.0.9,2001:db8::2, of which those of IPv6 are as before"
                                           : "10.9.0.2,2001:db8::9, of which those of IPv4 are as before"));
        later(w, 1001); /* now what was not answered then is too old, and the rest is not */
        asks(w, 1, 2, "a.example.org");
        gets(w, 1, 2, wholes[kind]); /* in the same reading nothing changes */
        resolve_begin(&w->k, 0);
        dnskey_says(w, "a.example.org", "down");
        gets(w, OTHER, 1, parts[kind]);
        gets(w, 1, 2, parts[kind]);
        world_free(w);
    }
}

/* In a reading that is late a part is used at once, and one that comes after the answer changes nothing. */
static void k1_late_parts(void **state)
{
    struct world *w = known("a.example.org", "10.9.0.2,2001:db8::2");
    (void)state;
    resolve_begin(&w->k, 0);
    asks(w, OTHER, 1, "a.example.org");
    asks(w, OTHER, 2, "new.example.org");
    uint64_t id = wants(w, "a.example.org");
    uint64_t other = wants(w, "new.example.org");
    resolve_hurry(&w->k);
    gets(w, OTHER, 1, "10.9.0.2,2001:db8::2");
    answers(w, id, "addresses=10.9.0.9" V6_MISSING);
    answers(w, other, "addresses=10.9.0.3" V6_MISSING);
    gets(w, OTHER, 2, "10.9.0.3");
    nobody_waits(w);
    asks(w, 1, 2, "a.example.org");
    gets(w, 1, 2, "10.9.0.2,2001:db8::2");
    world_free(w);
}

/* Of many names that stand for what they stood for before some have a line, in the log and for the whack that waits. */
static void k1_old_ones_few_lines(void **state)
{
    struct world *w = begin_with_dnskey();
    char host[40];
    unsigned lines = 0;
    (void)state;
    for (unsigned reading = 0; reading < 2; reading++) {
        resolve_begin(&w->k, CLIENT);
        for (unsigned i = 0; i < 200; i++) {
            snprintf(host, sizeof host, "gate%u.example.org", i);
            asks(w, 1, reading * 200 + i + 1, host);
            if (reading == 0) {
                answers(w, wants(w, host), "addresses=10.9.0.2");
            } else {
                dnskey_says(w, host, "down");
            }
        }
    }
    for (size_t i = 0; i < w->said.len; i++) {
        lines += w->said.data[i] == '\n' ? 1 : 0;
    }
    assert_int_equal(lines, RESOLVE_SAID_MAX + 1);
    assert_int_equal(lines_of(w), RESOLVE_SAID_MAX + 1);
    assert_true(has(&w->said, "003 gate7.example.org cannot be looked up now: down; in ipsec.secrets it stands for 10.9.0.2, as before\n"));
    assert_true(has(&w->said, "003 more names of hosts in ipsec.secrets stand for what they stood for before"));
    resolve_begin(&w->k, CLIENT);
    buffer_wipe(&w->said);
    asks(w, 1, 999, "gate0.example.org");
    dnskey_says(w, "gate0.example.org", "down");
    assert_true(has(&w->said, "003 gate0.example.org cannot be looked up now")); /* each reading has its lines */
    buffer_wipe(&w->said);
    resolve_let_go(&w->k);
    asks(w, 1, 1000, "gate1.example.org");
    dnskey_says(w, "gate1.example.org", "down");
    assert_int_equal(w->said.len, 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k1_readings_that_are_given_up),
        cmocka_unit_test(k1_a_given_up_reading_of_others),
        cmocka_unit_test(k1_forgotten_when_not_asked_for),
        cmocka_unit_test(k1_of_no_use_any_more),
        cmocka_unit_test(k1_room_for_the_newest_reading),
        cmocka_unit_test(k1_late_answers_are_for_the_next_reading),
        cmocka_unit_test(k1_a_late_answer_that_changes_nothing),
        cmocka_unit_test(k1_late_askers_get_what_is_known_at_once),
        cmocka_unit_test(k1_asked_at_once_in_a_new_reading),
        cmocka_unit_test(k1_part_of_an_answer),
        cmocka_unit_test(k1_part_completed_by_what_was_known),
        cmocka_unit_test(k1_part_that_nobody_uses),
        cmocka_unit_test(k1_part_of_each_reading),
        cmocka_unit_test(k1_late_parts),
        cmocka_unit_test(k1_old_ones_few_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
