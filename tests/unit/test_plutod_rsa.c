/* [R1] [R2] RSA signatures: who is offered which method, and what a proof by one allows. */
#include "test_plutod_rsa.h"

#include "plutod/choose.h"

#define CLIENTS "left-client=10.1.0.0/24 right-client=10.2.0.0/24 "

/* The connection that secrets is asked whether x may go on as it. */
static const char *asked(struct world *w)
{
    const struct record *r = sent(w, &w->s[1], P_S, V_ACCEPT);
    return r == NULL ? "none" : record_text(r, K_CONNECTION);
}

static void test_methods_are_told(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=p " PAIR PSK);
    add(w, "name=r " PAIR "right-id=@r " RSA);
    add(w, "name=r2 " PAIR "right-id=@r2 " RSA); /* told the same as r */
    add(w, "name=b " PAIR "right-id=@b " BOTH);
    give(w, "@b", 1);
    give(w, "@r", 2);
    clear(w);
    w->asked = true;
    assert_null(feed(w, N_P, "first id=1 local=10.9.0.1 local-port=500 remote=10.9.0.2 remote-port=500"));
    asked_for(w, 1, METHOD_PSK, true);
    asked_for(w, 1, METHOD_RSASIG, true);
    asked_for(w, 1, METHOD_RSASIG, true);
    asked_for(w, 1, METHOD_PSK, true);
    static const struct {
        const char *name;
        unsigned methods;
    } announced[] = { { "p", METHODS_PSK }, { "r", METHODS_RSASIG }, { "b", METHODS_BOTH } };
    for (size_t i = 0; i < 3; i++) {
        const struct record *r = sent(w, &w->s[1], P_S, V_ANNOUNCE);
        assert_string_equal(record_text(r, K_CONNECTION), announced[i].name);
        assert_int_equal(record_word(r, K_METHODS), announced[i].methods);
    }
    assert_null(sent(w, &w->s[1], P_S, V_ANNOUNCE));
    const struct record *r = sent(w, &w->n, P_N, V_OK);
    assert_string_equal(record_text(r, K_CANDIDATES), "p:psk:default;r:rsasig:default;b:psk+rsasig:default");
    world_free(w);
}

static void test_methods_of_our_own(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=r " PAIR RSA);
    give(w, "10.9.0.2", 1);
    assert_null(feed(w, W_P, "whack-initiate name=r"));
    assert_int_equal(record_word(sent(w, &w->s[1], P_S, V_ANNOUNCE), K_METHODS), METHODS_RSASIG);
    assert_int_equal(record_word(sent(w, &w->n, P_N, V_INITIATE), K_METHODS), METHODS_RSASIG);
    add(w, "name=b " PAIR "right-id=@b " BOTH);
    give(w, "@b", 1);
    assert_null(feed(w, W_P, "whack-initiate name=b"));
    asked_for(w, 1, METHOD_RSASIG, true);
    asked_for(w, 1, METHOD_PSK, true);
    assert_int_equal(record_word(sent(w, &w->n, P_N, V_INITIATE), K_METHODS), METHODS_BOTH);
    world_free(w);
}

/* A switch never goes to a connection that forbids what was agreed. */
static void test_no_switch_to_another_method(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=p " PAIR PSK);
    add(w, "name=r " PAIR "right-id=@r " RSA);
    give(w, "@r", 1);
    uint64_t x = first(w, "10.9.0.2");
    chosen(w, x, "p");
    clear(w);
    proved(w, x, "p", "@r", "psk", "no");
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_string_equal(asked(w), "none");
    const struct record *r = sent(w, &w->n, P_N, V_FAIL);
    assert_non_null(strstr(record_text(r, K_WHY), "\"r\": it has no --psk, by which the peer proves who it is"));

    x = first(w, "10.9.0.2");
    chosen(w, x, "r");
    proved(w, x, "r", "10.9.0.2", "rsasig", "no");
    clear(w);
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_string_equal(asked(w), "none");
    r = sent(w, &w->n, P_N, V_FAIL);
    assert_non_null(strstr(record_text(r, K_WHY), "which no connection expects with the RSA key that it signed with"));
    assert_non_null(strstr(record_text(r, K_WHY), "\"p\": it has no --rsasig, by which the peer proves who it is"));

    add(w, "name=b " PAIR "right-id=@b " BOTH);
    x = first(w, "10.9.0.2");
    chosen(w, x, "r");
    proved(w, x, "r", "@b", "rsasig", "no");
    clear(w);
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_string_equal(asked(w), "b");
    world_free(w);
}

/* Quick Mode under an ISAKMP SA that was made by another method is refused, and none is begun there. */
static void test_quick_mode_needs_the_method(void **state)
{
    struct world *w = world_new("10.9.0.1");
    char methods[SCHEMA_WORD];
    (void)state;
    add(w, "name=p " PAIR PSK);
    add(w, "name=r " PAIR CLIENTS RSA);
    give(w, "10.9.0.2", 1);
    uint64_t x = main_mode(w, "10.9.0.2", "p", "10.9.0.2");
    const struct record *r = quick_ask(w, x, "10.1.0.0/24", "10.2.0.0/24");
    assert_int_equal(r->verb, V_FAIL);
    assert_non_null(strstr(record_text(r, K_WHY), "\"r\": it has no --psk, by which the peer proves who it is"));
    clear(w);
    assert_null(feed(w, W_P, "whack-initiate name=r"));
    r = sent(w, &w->n, P_N, V_INITIATE);
    assert_string_equal(schema_word(K_METHODS, record_word(r, K_METHODS), methods), "rsasig");
    world_free(w);
}

/* The end of the one connection does not leave its ISAKMP SA to the other, which is of another method. */
static void test_no_sa_is_handed_over(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=net " PAIR CLIENTS PSK);
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    (void)main_mode_goes_well(w);
    (void)quick_mode_goes_well(w, 0xbbbb, true);
    add(w, "name=r " PAIR RSA);
    give(w, "10.9.0.2", 1);
    uint64_t x = first(w, "10.9.0.2");
    chosen(w, x, "r");
    proved(w, x, "r", "10.9.0.2", "rsasig", "yes");
    assert_null(up(w, x));
    assert_null(feed(w, W_P, "whack-terminate name=r"));
    assert_null(xchg_find(&w->k, x));
    world_free(w);
}

static void test_method_that_was_not_announced(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=r " PAIR RSA);
    give(w, "10.9.0.2", 1);
    uint64_t x = first(w, "10.9.0.2");
    chosen(w, x, "r");
    const char *why = feed(w, S_P, "authenticated exchange=%" PRIu64 " connection=r peer=10.9.0.2 method=psk "
                           "proposal=aes256-sha2_256-modp2048 matched=yes", x);
    assert_string_equal(why, "authenticated: by a method that was not announced");
    world_free(w);
}

/* Two road warriors, each with a connection, a key and an identity of its own. */
static void test_road_warriors(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=ann " ROAD "right-id=@ann " RSA);
    add(w, "name=bob " ROAD "right-id=@bob " RSA);
    give(w, "@ann", 1);
    give(w, "@bob", 2);
    uint64_t x = first(w, "192.0.2.7");
    chosen(w, x, "ann"); /* the first one; nobody knows better yet */
    clear(w);
    assert_null(feed(w, S_P, "public-keys id=3 exchange=%" PRIu64 " our-id=@gate peer-id=@bob", x));
    char text[RSA_PUBLIC_TEXT];
    assert_string_equal(record_text(sent(w, &w->s[1], P_S, V_OK), K_PUBKEYS), key(2, true, text));
    proved(w, x, "ann", "@bob", "rsasig", "no");
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_string_equal(asked(w), "bob");
    assert_null(feed(w, S_P, "ok id=%" PRIu64 " re=accept", w->k.next_id));
    assert_null(up(w, x));
    assert_string_equal(xchg_find(&w->k, x)->conn->name, "bob[1]");
    clear(w);
    x = first(w, "192.0.2.8");
    chosen(w, x, "ann");
    proved(w, x, "ann", "@ann", "rsasig", "yes");
    assert_null(up(w, x));
    assert_string_equal(xchg_find(&w->k, x)->conn->name, "ann[1]");
    world_free(w);
}

/* Whom a connection to another host names is nobody whom one names, here: --explain says so, and whom it admits. */
static void r2_named_elsewhere(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=site left-host=10.9.0.1 left-id=@gate right-host=10.9.0.9 right-id=@site " RSA);
    add(w, "name=road " ROAD RSA);
    give(w, "@site", 1);
    clear(w);
    assert_null(feed(w, W_P, "whack-explain name=road"));
    assert_true(has(&w->said, "\"road\": it goes on as this one if the peer proves to be somebody whom no connection to his "
                              "own address and no other to %any names\n"));
    assert_true(has(&w->said, "\"road\": with --rsasig the peer is known by a public key of whoever it says it is: anybody "
                              "whose key was given (--keyid) may come in, unless --id says who\n"));
    uint64_t x = first(w, "192.0.2.7");
    chosen(w, x, "road");
    clear(w);
    assert_null(feed(w, S_P, "public-keys id=3 exchange=%" PRIu64 " our-id=@gate peer-id=@site", x));
    assert_int_equal(sent(w, &w->s[1], P_S, V_OK)->verb, V_OK);
    proved(w, x, "road", "@site", "rsasig", "yes");
    assert_null(up(w, x));
    assert_string_equal(xchg_find(&w->k, x)->conn->name, "road[1]");
    world_free(w);
}

/* Who has the secret of all, and says that he is one who has a key of his own, ends nothing of that one's. */
static void r5_methods_are_not_mixed(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    w->k.settings.uniqueids = true;
    add(w, "name=alice " ROAD "right-id=@alice " RSA);
    add(w, "name=road " ROAD PSK);
    give(w, "@alice", 1);
    uint64_t alice = first(w, "192.0.2.7");
    chosen(w, alice, "alice");
    proved(w, alice, "alice", "@alice", "rsasig", "yes");
    assert_null(up(w, alice));
    for (unsigned same_address = 0; same_address < 2; same_address++) {
        uint64_t x = first(w, same_address == 1 ? "192.0.2.7" : "192.0.2.66");
        chosen(w, x, "road");
        proved(w, x, "road", "@alice", "psk", "yes");
        assert_null(up(w, x));
        assert_null(feed(w, N_P, "initial-contact exchange=%" PRIu64, x));
        assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64, x, alice));
        assert_non_null(xchg_find(&w->k, alice));
        assert_true(xchg_find(&w->k, alice)->up);
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods_are_told),
        cmocka_unit_test(test_methods_of_our_own),
        cmocka_unit_test(test_no_switch_to_another_method),
        cmocka_unit_test(test_quick_mode_needs_the_method),
        cmocka_unit_test(test_no_sa_is_handed_over),
        cmocka_unit_test(test_method_that_was_not_announced),
        cmocka_unit_test(test_road_warriors),
        cmocka_unit_test(r2_named_elsewhere),
        cmocka_unit_test(r5_methods_are_not_mixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
