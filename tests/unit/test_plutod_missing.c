/* [F15] Where there is no secret or key, the peer is refused at once, and what else there is for him is offered [K2]. */
#include "test_plutod_missing.h"

static void f15_a_peer_without_a_secret_is_refused_at_once(void **state)
{
    (void)state;
    for (unsigned method = METHOD_PSK; method <= METHOD_RSASIG; method++) {
        struct world *w = with(method == METHOD_PSK ? ENDS PSK : ENDS RSASIG, NULL);
        assert_null(feed(w, W_P, "whack-key keyid=10.9.0.2 pubkeyrsa=" KEY));
        assert_null(feed(w, N_P, FIRST));
        assert_int_equal(w->n.len, 0);
        assert_false(has(&w->s[1], "announce"));
        asked_for(w, 1, method, false);
        refuses(w, NO_SECRET);
        assert_int_equal(w->k.counters.of[COUNT_FAILED_NO_SECRET], 1);
        assert_false(has(&w->s[1], "announce"));
        /* the next one waits for nobody */
        assert_null(feed(w, N_P, FIRST));
        assert_false(has(&w->s[1], "secret "));
        refuses(w, NO_SECRET);
        clear(w);
        assert_null(feed(w, W_P, "whack-events name=a"));
        assert_true(has(&w->said, "\"a\" 10.9.0.2: a first message of Main Mode from 10.9.0.2 is refused: " NO_SECRET));
        /* and what is read anew is asked for anew; what was missing before is forgotten */
        keying_worker_ready(&w->k, 1, WORKER_READS); /* as it was */
        assert_null(feed(w, N_P, FIRST));
        asked_for(w, 1, method, false);
        refuses(w, NO_SECRET);
        keying_worker_ready(&w->k, 1, WORKER_READS);
        assert_null(feed(w, N_P, FIRST));
        asked_for(w, 1, method, true);
        offers(w, method == METHOD_PSK ? "a:psk:default" : "a:rsasig:default");
        world_free(w);
    }
}

static void f15_a_peer_without_a_public_key_is_refused_at_once(void **state)
{
    struct world *w = with(ENDS "right-id=@east " RSASIG, NULL);
    (void)state;
    assert_null(feed(w, N_P, FIRST));
    assert_int_equal(w->s[1].len, 0); /* whatever secrets has, it will not do */
    refuses(w, "\"a\": no public key of \"@east\": whack --keyid ID --pubkeyrsa 0s... gives it");
    assert_null(feed(w, W_P, "whack-key keyid=@east pubkeyrsa=" KEY));
    assert_null(feed(w, N_P, FIRST));
    asked_for(w, 1, METHOD_RSASIG, true);
    offers(w, "a:rsasig:default");
    world_free(w);
}

/* What two lack is said once; and of many who lack something, eight are named. */
static void f15_what_is_missing_is_said_shortly(void **state)
{
    struct world *w = with(ENDS "right-id=@east " RSASIG, "left-host=10.9.0.1 right-host=10.9.0.2 right-id=@east " RSASIG);
    unsigned named = 0;
    (void)state;
    assert_null(feed(w, N_P, FIRST));
    refuses(w, "\"a\": no public key of \"@east\": whack --keyid ID --pubkeyrsa 0s... gives it");
    for (unsigned i = 0; i < 20; i++) {
        assert_null(feed(w, W_P, "whack-connection name=c%u left-host=10.9.0.1 right-host=10.9.0.2 right-id=@c%u " RSASIG, i, i));
    }
    clear(w);
    assert_null(feed(w, N_P, FIRST));
    const struct record *r = sent(w, &w->n, P_N, V_FAIL);
    for (const char *at = record_text(r, K_WHY); (at = strstr(at, "no public key of")) != NULL; at++) {
        named++;
    }
    assert_int_equal(named, 8);
    world_free(w);
}

/* Each is named, those of these hosts first, in the order of adding; the failure is the first one's. */
static void f15_the_first_that_lacks_something(void **state)
{
#define NO_EAST "no public key of \"@east\": whack --keyid ID --pubkeyrsa 0s... gives it"
#define NO_WEST "no public key of \"@west\": whack --keyid ID --pubkeyrsa 0s... gives it"
    static const struct {
        const char *a, *b, *why, *first, *other;
    } cases[] = {
        { ENDS "right-id=@east " RSASIG, ENDS "right-id=@west " RSASIG, "\"a\": " NO_EAST "; \"b\": " NO_WEST, "a", "b" },
        { ROAD "right-id=@east " RSASIG, ENDS "right-id=@west " RSASIG, "\"b\": " NO_WEST "; \"a\": " NO_EAST, "b", "a" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = with(cases[i].a, cases[i].b);
        assert_null(feed(w, N_P, FIRST));
        refuses(w, cases[i].why);
        assert_non_null(conn_find(&w->k, cases[i].first)->failure);
        assert_string_equal(conn_find(&w->k, cases[i].first)->failure->why, cases[i].why);
        assert_null(conn_find(&w->k, cases[i].other)->failure);
        world_free(w);
    }
}

/* "a" is for road warriors, and one is here: a[1], who is @north. */
static struct world *with_road_warrior(void)
{
    struct world *w = with(ROAD PSK, NULL);
    assert_null(feed(w, N_P, FIRST));
    asked_for(w, 1, METHOD_PSK, true);
    uint64_t x = w->k.exchanges->number;
    offers(w, "a:psk:default");
    chosen(w, x, "a");
    authenticated(w, x, "a", "@north", "yes");
    assert_null(up(w, x));
    return w;
}

/* Of a road warrior who has been here what he was made of is named, not his instance. */
static void f15_no_instance_lacks_something(void **state)
{
    struct world *w = with_road_warrior();
    (void)state;
    assert_non_null(conn_find(&w->k, "a[1]"));
    keying_secrets_changed(&w->k);
    clear(w);
    assert_null(feed(w, N_P, FIRST));
    asked_for(w, 1, METHOD_PSK, false);
    const struct record *r = sent(w, &w->n, P_N, V_FAIL);
    assert_non_null(r);
    assert_string_equal(record_text(r, K_WHY), NO_SECRET);
    assert_non_null(conn_find(&w->k, "a")->failure);
    assert_null(conn_find(&w->k, "a[1]")->failure);
    world_free(w);
}

/* secrets does not understand the question: then it says at message 3 what is wrong. */
static void f15_a_question_that_is_not_understood(void **state)
{
    struct world *w = with(ENDS PSK, NULL);
    (void)state;
    assert_null(feed(w, N_P, FIRST));
    const struct record *r = sent(w, &w->s[1], P_S, V_SECRET);
    assert_null(feed(w, S_P, "bad id=%" PRIu64 " re=secret why=what", record_number(r, K_ID)));
    offers(w, "a:psk:default");
    world_free(w);
}

/* Whatever else can be carried out is taken, though it was added later, is for everybody, or is told the same. */
static void others_are_taken(void **state)
{
    static const struct {
        const char *first, *second;
        enum method method;
        const char *offered;
    } cases[] = {
        { ENDS "right-id=@east " RSASIG, ENDS PSK, METHOD_RSASIG, "b:psk:default" },
        { ENDS "right-id=@east " RSASIG, ENDS "right-id=@west " RSASIG, METHOD_RSASIG, "b:rsasig:default" },
        { ENDS "right-id=@east " PSK, ENDS "right-id=@west " PSK, METHOD_PSK, "b:psk:default" },
        { ENDS "left-id=@here " PSK, ENDS PSK, METHOD_PSK, "b:psk:default" },
        { ENDS PSK, ROAD PSK, METHOD_PSK, "b:psk:default" },
        { ENDS PSK, ENDS "right-id=@west ike=" AES " " PSK, METHOD_PSK, "b:psk:" AES },
        { ENDS "ike=" AES " " PSK, ENDS "right-id=@west " PSK, METHOD_PSK, "b:psk:default" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = with(cases[i].first, cases[i].second);
        assert_null(feed(w, W_P, "whack-key keyid=@west pubkeyrsa=" KEY));
        assert_null(feed(w, W_P, "whack-key keyid=@east pubkeyrsa=" KEY));
        assert_null(feed(w, N_P, FIRST));
        asked_for(w, 1, cases[i].method, false);
        asked_for(w, 1, strstr(cases[i].offered, "psk") != NULL ? METHOD_PSK : METHOD_RSASIG, true);
        offers(w, cases[i].offered);
        world_free(w);
    }
    /* of the same two nobody has what the first lacks */
    struct world *w = with(ENDS PSK, "left-host=10.9.0.1 right-host=10.9.0.2 " PSK);
    assert_null(feed(w, N_P, FIRST));
    asked_for(w, 1, METHOD_PSK, false);
    assert_false(has(&w->s[1], "secret "));
    refuses(w, NO_SECRET);
    assert_null(feed(w, W_P, "whack-explain name=b")); /* which asks for it by name */
    asked_for(w, 1, METHOD_PSK, false);
    assert_null(feed(w, N_P, FIRST));
    refuses(w, NO_SECRET);
    world_free(w);
}

/* It comes in as one of many; then its instance is between the same hosts as what was passed over. */
static void instances_are_not_offered(void **state)
{
    struct world *w = with(ENDS "right-id=@east " PSK, ROAD PSK);
    (void)state;
    assert_null(feed(w, N_P, FIRST));
    asked_for(w, 1, METHOD_PSK, false);
    asked_for(w, 1, METHOD_PSK, true);
    uint64_t x = w->k.exchanges->number;
    offers(w, "b:psk:default");
    chosen(w, x, "b");
    authenticated(w, x, "b", "@north", "yes");
    assert_null(up(w, x));
    assert_non_null(conn_find(&w->k, "b[1]"));
    clear(w);
    assert_null(feed(w, N_P, FIRST));
    offers(w, "b:psk:default");
    world_free(w);
}

/* What was left out may be what the peer wanted: he who reads the log learns it. */
static void what_was_left_out_is_said(void **state)
{
    struct world *w = with(ENDS "right-id=@east " RSASIG, ENDS PSK);
    (void)state;
    assert_null(feed(w, N_P, FIRST));
    asked_for(w, 1, METHOD_PSK, true);
    const struct record *r = sent(w, &w->n, P_N, V_OK);
    assert_string_equal(record_text(r, K_CANDIDATES), "b:psk:default");
    uint64_t x = record_number(r, K_EXCHANGE);
    clear(w);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=214 why=nothing%%20fits", x));
    assert_true(has(&w->log, "nothing fits; left out for what is missing: \"a\": no public key of \"@east\""));
    /* what we begin is for one connection, and what that lacks was said */
    clear(w);
    assert_null(feed(w, W_P, "whack-initiate name=b"));
    x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=214 why=nothing%%20fits", x));
    assert_true(has(&w->log, "nothing fits"));
    assert_false(has(&w->log, "left out"));
    world_free(w);
}

/* A secret for road warriors is that of %any [R4], for their instances as well. */
static void r4_road_warriors_are_asked_for_as_any(void **state)
{
    struct world *w = with(ROAD PSK, NULL);
    (void)state;
    assert_null(feed(w, N_P, FIRST));
    const struct record *r = sent(w, &w->s[1], P_S, V_SECRET);
    assert_string_equal(record_text(r, K_PEER_ID), "%any");
    assert_null(feed(w, S_P, "fail id=%" PRIu64 " re=secret why=there%%20is%%20none", record_number(r, K_ID)));
    refuses(w, NO_SECRET);
    world_free(w);
}

/* So what was said of %any is known of them: nobody need wait for an answer about the instance. */
static void r4_an_instance_has_what_its_template_has(void **state)
{
    struct world *w = with_road_warrior();
    (void)state;
    clear(w);
    assert_null(feed(w, W_P, "whack-explain name=a[1]"));
    assert_true(has(&w->said, "\"a[1]\": no negotiation of it has failed"));
    const struct record *r = sent(w, &w->s[1], P_S, V_SECRET); /* where it stands */
    assert_string_equal(record_text(r, K_PEER_ID), "%any");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f15_a_peer_without_a_secret_is_refused_at_once),
        cmocka_unit_test(f15_a_peer_without_a_public_key_is_refused_at_once),
        cmocka_unit_test(f15_what_is_missing_is_said_shortly),
        cmocka_unit_test(f15_the_first_that_lacks_something),
        cmocka_unit_test(f15_no_instance_lacks_something),
        cmocka_unit_test(f15_a_question_that_is_not_understood),
        cmocka_unit_test(others_are_taken),
        cmocka_unit_test(instances_are_not_offered),
        cmocka_unit_test(what_was_left_out_is_said),
        cmocka_unit_test(r4_road_warriors_are_asked_for_as_any),
        cmocka_unit_test(r4_an_instance_has_what_its_template_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
