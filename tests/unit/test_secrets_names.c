/* [K1] [K2] Names of hosts in ipsec.secrets: what they stand for, before and after they are looked up. */
#include "secrets_scene.h"

#include "secrets/names.h"

#include <stdio.h>

/* The place of a name, as it was asked for. */
static size_t place_of(const struct store *store, const char *name)
{
    const struct host_table *hosts = store_hosts(store);
    for (size_t i = 0; i < host_table_count(hosts); i++) {
        if (strcmp(host_table_at(hosts, i)->name, name) == 0) {
            return i;
        }
    }
    fail_msg("%s was not read", name);
    return 0;
}

static void is(struct side *s, const char *name, const char *addresses)
{
    struct file_counts counts = { 0 };
    struct address_list list;
    assert_null(address_list_parse(&list, addresses));
    assert_true(names_answer(s->store, &counts, place_of(s->store, name), &list, false, NULL, &s->log));
    assert_false(names_answer(s->store, &counts, place_of(s->store, name), &list, false, NULL, &s->log)); /* once */
    assert_int_equal(counts.errors, 0);
}

/* The line of the entry that is used; 0: none. other: there is another one, as good, that disagrees. */
static unsigned line_for(const struct side *s, const char *ours, const char *peer, bool *other)
{
    struct identity id[2];
    const struct secret *second = NULL;
    assert_null(identity_parse(&id[0], ours));
    assert_null(identity_parse(&id[1], peer));
    const struct secret *found = store_find(s->store, &id[0], &id[1], &second);
    if (other != NULL) {
        *other = second != NULL;
    }
    return found == NULL ? 0 : found->line;
}

static const char *waits_for(const struct side *s, bool rsa, const char *ours, const char *peer)
{
    struct identity id[2];
    assert_null(identity_parse(&id[0], ours));
    assert_null(identity_parse(&id[1], peer));
    const struct secret *waiting = store_waiting_for(s->store, rsa, &id[0], &id[1]);
    return waiting == NULL ? "" : secret_missing_host(waiting)->name;
}

static void k1_asked_for_once_in_one_form(void **state)
{
    struct side *s = side_new("a.example.org 10.9.0.1 : PSK \"x\"\nA.EXAMPLE.ORG. @b : PSK \"y\"\n"
                              "b.example.org b.Example.org : PSK \"z\"\nlocalhost @a.example.org : PSK \"w\"\n");
    static const char *const names[] = { "a.example.org", "b.example.org", "localhost" };
    (void)state;
    names_ask(s->store, &s->plutod);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(side_take(s, &s->plutod, S_P));
        assert_int_equal(s->answer.verb, V_RESOLVE);
        assert_int_equal(record_number(&s->answer, K_ID), i + 1);
        assert_string_equal(record_text(&s->answer, K_HOST), names[i]);
    }
    assert_int_equal(s->plutod.len, 0);
    side_free(s);
}

static void k2_a_name_is_each_of_its_addresses(void **state)
{
    struct side *s = side_new("10.9.0.1 gate.example.org : PSK \"x\"\n"
                              "us.example.org other.example.org 2001:db8::7 : PSK \"y\"\n"
                              "10.9.0.1 @gate.example.org : PSK \"z\"\n");
    (void)state;
    assert_int_equal(line_for(s, "10.9.0.1", "10.9.0.2", NULL), 0);
    is(s, "gate.example.org", "10.9.0.2,10.9.0.3,2001:db8::3");
    assert_int_equal(line_for(s, "10.9.0.1", "10.9.0.2", NULL), 1);
    assert_int_equal(line_for(s, "10.9.0.1", "10.9.0.3", NULL), 1);
    assert_int_equal(line_for(s, "10.9.0.3", "10.9.0.1", NULL), 1);
    assert_int_equal(line_for(s, "10.9.0.1", "2001:db8::3", NULL), 1);
    assert_int_equal(line_for(s, "10.9.0.1", "10.9.0.4", NULL), 0);
    assert_int_equal(line_for(s, "10.9.0.1", "@gate.example.org", NULL), 3); /* an identity is no host */
    is(s, "us.example.org", "2001:db8::1");
    assert_int_equal(line_for(s, "2001:db8::1", "2001:db8::7", NULL), 0); /* one of its names is still missing */
    is(s, "other.example.org", "2001:db8::5");
    assert_int_equal(line_for(s, "2001:db8::1", "2001:db8::7", NULL), 2);
    assert_int_equal(line_for(s, "2001:db8::1", "2001:db8::5", NULL), 2);
    side_free(s);
}

/* One name is one identity, however many addresses it has. */
static void k2_best_match(void **state)
{
    struct side *s = side_new("us.example.org : PSK \"for whoever\"\n10.9.0.1 %any : PSK \"road\"\n"
                              "10.9.0.1 gate.example.org : PSK \"of the gate\"\n: PSK \"everybody\"\n");
    (void)state;
    assert_int_equal(line_for(s, "10.9.0.1", "10.9.0.2", NULL), 2);
    assert_int_equal(line_for(s, "10.9.0.7", "10.9.0.2", NULL), 4);
    is(s, "us.example.org", "10.9.0.1,10.9.0.7");
    assert_int_equal(line_for(s, "10.9.0.7", "10.9.0.2", NULL), 1);
    assert_int_equal(line_for(s, "10.9.0.1", "10.9.0.2", NULL), 2);
    is(s, "gate.example.org", "10.9.0.2");
    assert_int_equal(line_for(s, "10.9.0.1", "10.9.0.2", NULL), 3);
    assert_int_equal(line_for(s, "10.9.0.1", "10.9.0.8", NULL), 2);
    side_free(s);
}

static void k2_two_names_of_one_address_disagree(void **state)
{
    struct side *s = side_new("10.9.0.1 a.example.org : PSK \"x\"\n10.9.0.1 b.example.org : PSK \"y\"\n"
                              "10.9.0.1 c.example.org : PSK \"x\"\n");
    bool other = true;
    (void)state;
    is(s, "a.example.org", "10.9.0.2,10.9.0.3");
    is(s, "c.example.org", "10.9.0.2");
    assert_int_equal(line_for(s, "10.9.0.1", "10.9.0.2", &other), 1);
    assert_false(other); /* the same secret */
    is(s, "b.example.org", "10.9.0.3");
    assert_int_equal(line_for(s, "10.9.0.1", "10.9.0.3", &other), 1);
    assert_true(other);
    scene_announce(s, 1, "initiator", "10.9.0.1", "10.9.0.3");
    side_good(s, "ke id=1 exchange=1 group=ecp256");
    char *ke = side_hex(s, K_KE);
    (void)side_ask(s, "keys id=2 exchange=1 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=" NONCE, ke);
    bool said = false;
    while (side_take(s, &s->plutod, S_P)) {
        said = said || (s->answer.verb == V_LOG && strstr(record_text(&s->answer, K_TEXT), ":2") != NULL);
    }
    assert_true(said);
    side_free(s);
}

static void k1_no_such_name_is_an_error_of_its_entries(void **state)
{
    struct side *s = side_new("10.9.0.1 gone.example.org : PSK \"tell nobody\"\n10.9.0.1 10.9.0.2 : PSK \"y\"\n"
                              "gone.example.org here.example.org : PSK \"tell nobody\"\n");
    struct file_counts counts = { .errors = 1 };
    (void)state;
    names_tell_loaded(s->store, &counts, &s->plutod);
    assert_true(side_take(s, &s->plutod, S_P));
    assert_int_equal(record_number(&s->answer, K_ENTRIES), 1);
    assert_int_equal(record_number(&s->answer, K_NAMES), 2);
    assert_true(names_answer(s->store, &counts, place_of(s->store, "gone.example.org"), NULL, false, "no such name", &s->log));
    assert_int_equal(counts.errors, 3);
    for (unsigned line = 1; line <= 3; line += 2) {
        char text[80];
        snprintf(text, sizeof text, ":%u: gone.example.org cannot be looked up: no such name; this entry is not used", line);
        assert_true(side_take(s, &s->plutod, S_P));
        assert_int_equal(s->answer.verb, V_LOG);
        assert_string_equal(record_text(&s->answer, K_HOST), "gone.example.org");
        assert_non_null(strstr(record_text(&s->answer, K_TEXT), text));
    }
    assert_int_equal(s->plutod.len, 0);
    is(s, "here.example.org", "10.9.0.1");
    names_tell_loaded(s->store, &counts, &s->plutod);
    assert_true(side_take(s, &s->plutod, S_P));
    assert_int_equal(record_number(&s->answer, K_ENTRIES), 1);
    assert_int_equal(record_number(&s->answer, K_ERRORS), 3);
    assert_false(record_has(&s->answer, K_NAMES));
    side_free(s);
}

static bool takes(struct side *s, struct file_counts *counts, const char *line)
{
    buffer_truncate(&s->kernel, 0);
    buffer_add_text(&s->kernel, line);
    buffer_add_text(&s->kernel, "\n");
    assert_true(side_take(s, &s->kernel, P_S));
    return names_take(s->store, counts, &s->answer, &s->log);
}

/* A part of the addresses counts at once, and all of them when they are told; or there will be no more. */
static void k1_part_of_an_answer(void **state)
{
    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        struct side *s = side_new("10.9.0.1 gate.example.org : PSK \"x\"\n2001:db8::1 gate.example.org : PSK \"y\"\n");
        struct file_counts counts = { 0 };
        assert_true(takes(s, &counts, "ok id=1 re=resolve addresses=10.9.0.2 retry=2"));
        assert_int_equal(host_table_waiting(store_hosts(s->store)), 0);
        assert_int_equal(line_for(s, "10.9.0.1", "10.9.0.2", NULL), 1);
        assert_true(takes(s, &counts, "ok id=1 re=resolve addresses=10.9.0.3 retry=2"));
        assert_int_equal(line_for(s, "10.9.0.1", "10.9.0.3", NULL), 1);
        assert_int_equal(line_for(s, "2001:db8::1", "2001:db8::2", NULL), 0);
        assert_true(takes(s, &counts, more ? "ok id=1 re=resolve addresses=10.9.0.3,2001:db8::2" : "fail id=1 re=resolve why=gone"));
        assert_int_equal(line_for(s, "10.9.0.1", "10.9.0.3", NULL), 1);
        assert_int_equal(line_for(s, "2001:db8::1", "2001:db8::2", NULL), more ? 2 : 0);
        assert_false(takes(s, &counts, "ok id=1 re=resolve addresses=10.9.0.4"));
        assert_int_equal(counts.errors, 0);
        assert_int_equal(s->plutod.len, 0);
        assert_int_equal(host_table_waiting(store_hosts(s->store)), 0);
        side_free(s);
    }
}

static void k1_answers_to_nothing(void **state)
{
    static const char *const wrong[] = { "ok id=3 re=resolve addresses=10.0.0.1", "ok id=9223372036854775807 re=resolve addresses=10.0.0.1",
                                         "fail id=3 re=resolve why=no" };
    struct side *s = side_new("10.9.0.1 a.example.org : PSK \"x\"\n10.9.0.1 b.example.org : PSK \"y\"\n");
    struct file_counts counts = { 0 };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(takes(s, &counts, wrong[i]));
    }
    assert_int_equal(host_table_waiting(store_hosts(s->store)), 2);
    side_free(s);
}

static void k1_which_name_is_missing(void **state)
{
    struct side *s = side_new("10.9.0.1 gate.example.org : PSK \"x\"\na.example.org b.example.org : PSK \"y\"\n"
                              "10.9.0.5 c.example.org : PSK \"z\"\n");
    (void)state;
    assert_string_equal(waits_for(s, false, "10.9.0.1", "10.9.0.2"), "gate.example.org");
    assert_string_equal(waits_for(s, false, "10.9.0.7", "10.9.0.8"), "a.example.org");
    assert_string_equal(waits_for(s, true, "10.9.0.1", "10.9.0.2"), "");
    is(s, "gate.example.org", "10.9.0.2");
    is(s, "a.example.org", "10.9.0.3");
    is(s, "b.example.org", "10.9.0.4");
    assert_string_equal(waits_for(s, false, "10.9.0.1", "10.9.0.9"), "");
    assert_string_equal(waits_for(s, false, "10.9.0.5", "10.9.0.9"), "c.example.org");
    side_free(s);
}

/* Without a secret that could come a negotiation of ours ends at once; with one it goes on as far as it is needed. */
static void k1_a_name_that_is_on_its_way(void **state)
{
    struct file_counts counts = { 0 };
    void *scene = NULL;
    (void)state;
    assert_int_equal(scene_set_up(&scene), 0);
    struct scene *e = scene;
    side_free(e->i);
    e->i = side_new("10.9.0.1 gate.example.org : PSK \"correct horse\"\n");
    scene_announce(e->i, 1, "initiator", "10.9.0.1", "10.9.0.2");
    assert_int_equal(e->i->plutod.len, 0);
    scene_draw(e);
    is(e->i, "gate.example.org", "10.9.0.2");
    scene_authenticate(e);
    assert_int_equal(scene_tear_down(&scene), 0);
    struct side *s = side_new("10.9.0.1 gate.example.org : PSK \"x\"\n");
    assert_true(names_answer(s->store, &counts, 0, NULL, false, "no such name", &s->log));
    assert_true(side_take(s, &s->plutod, S_P));
    scene_announce(s, 1, "initiator", "10.9.0.1", "10.9.0.2");
    assert_true(side_take(s, &s->plutod, S_P));
    assert_int_equal(s->answer.verb, V_FAILED);
    assert_true(side_why_has(s, ":1, but gate.example.org in it could not be looked up"));
    side_free(s);
}

/* [R2] "The same secret?" is asked of what is known then: a name that comes late counts, too. */
static void k1_accept_when_a_name_comes_late(void **state)
{
    (void)state;
    for (unsigned same = 0; same < 2; same++) {
        void *scene = NULL;
        assert_int_equal(scene_set_up(&scene), 0);
        struct scene *e = scene;
        side_free(e->r);
        e->r = side_new(same ? "10.9.0.2 %any : PSK \"correct horse\"\n10.9.0.2 gate.example.org : PSK \"correct horse\"\n"
                             : "10.9.0.2 %any : PSK \"correct horse\"\n10.9.0.2 gate.example.org : PSK \"another\"\n");
        scene_announce(e->r, 7, "responder", "10.9.0.2", "%25any");
        scene_make_keys(e);
        side_good(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
        assert_false(record_yes(&e->r->answer, K_MATCHED));
        is(e->r, "gate.example.org", "10.9.0.1");
        buffer_truncate(&e->r->plutod, 0);
        side_say(e->r, "accept id=9 exchange=7 connection=net our-id=10.9.0.2 peer-id=10.9.0.1");
        assert_true(side_take(e->r, &e->r->plutod, S_P));
        assert_int_equal(e->r->answer.verb, same ? V_OK : V_FAIL);
        assert_int_equal(scene_tear_down(&scene), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k1_asked_for_once_in_one_form),
        cmocka_unit_test(k2_a_name_is_each_of_its_addresses),
        cmocka_unit_test(k2_best_match),
        cmocka_unit_test(k2_two_names_of_one_address_disagree),
        cmocka_unit_test(k1_no_such_name_is_an_error_of_its_entries),
        cmocka_unit_test(k1_part_of_an_answer),
        cmocka_unit_test(k1_answers_to_nothing),
        cmocka_unit_test(k1_which_name_is_missing),
        cmocka_unit_test(k1_a_name_that_is_on_its_way),
        cmocka_unit_test(k1_accept_when_a_name_comes_late),
    };
    return cmocka_run_group_tests(tests, side_dh_set_up, side_dh_tear_down);
}
