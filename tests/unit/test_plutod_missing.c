/* [F15] Where there is no secret or key, the peer is refused at once; what secrets has is asked for once [K2]. */
#include "test_plutod_negotiations.h"

#define ENDS "left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=10.9.0.2 right-client=10.2.0.0/24 "
#define KEY "03010001" "8000000000000000000000000000000000000000000000000000000000000000" \
            "0000000000000000000000000000000000000000000000000000000000000001" /* 512 bits */
#define FIRST "first id=1 local=10.9.0.1 local-port=500 remote=10.9.0.2 remote-port=500"
#define PSK "policy=psk,encrypt,tunnel"
#define RSASIG "policy=rsasig,encrypt,tunnel"
#define AES "aes128-sha2_256-modp2048"
#define ROAD "left-host=10.9.0.1 left-nexthop=%25direct right-host=%25any left-client=10.1.0.0/24 "

static void offers(struct world *w, const char *candidates)
{
    const struct record *r = sent(w, &w->n, P_N, V_OK);
    assert_non_null(r);
    assert_string_equal(record_text(r, K_CANDIDATES), candidates);
}

static struct world *with(const char *first, const char *second)
{
    struct world *w = world_new("10.9.0.1");
    w->asked = true;
    assert_null(feed(w, W_P, "whack-connection name=a %s", first));
    if (second != NULL) {
        assert_null(feed(w, W_P, "whack-connection name=b %s", second));
    }
    clear(w);
    return w;
}

/* As he is whose offer does not fit: with the same notification. Nothing of him is kept. */
static void refuses(struct world *w, const char *why)
{
    const struct record *r = sent(w, &w->n, P_N, V_FAIL);
    assert_non_null(r);
    assert_int_equal(r->re, V_FIRST);
    assert_int_equal(record_number(r, K_NOTIFICATION), 14);
    assert_string_equal(record_text(r, K_WHY), why);
    assert_int_equal(w->k.half_open, 0);
    assert_null(w->k.exchanges);
}

#define NO_SECRET "\"a\": there is none (whack --listen reads ipsec.secrets anew)"

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
    struct world *w = with(ROAD PSK, NULL);
    (void)state;
    assert_null(feed(w, N_P, FIRST));
    asked_for(w, 1, METHOD_PSK, true);
    uint64_t x = w->k.exchanges->number;
    offers(w, "a:psk:default");
    chosen(w, x, "a");
    authenticated(w, x, "a", "@north", "yes");
    assert_null(up(w, x));
    clear(w);
    assert_null(feed(w, W_P, "whack-explain name=a[1]"));
    assert_true(has(&w->said, "\"a[1]\": no negotiation of it has failed"));
    const struct record *r = sent(w, &w->s[1], P_S, V_SECRET); /* where it stands */
    assert_string_equal(record_text(r, K_PEER_ID), "%any");
    world_free(w);
}

/* ---- what is remembered ---- */

static void workers_of_one_reading_have_the_same(void **state)
{
    struct world *w = with(ENDS PSK, NULL);
    (void)state;
    assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    keying_worker_ready(&w->k, 1, WORKER_READY);
    keying_worker_ready(&w->k, 2, WORKER_READY);
    clear(w);
    assert_null(feed(w, N_P, FIRST));
    unsigned first = w->k.exchanges->worker;
    asked_for(w, first, METHOD_PSK, true);
    offers(w, "a:psk:default");
    assert_null(feed(w, N_P, FIRST)); /* the other one has less to do */
    assert_true(has(&w->s[3 - first], "announce "));
    assert_false(has(&w->s[3 - first], "secret "));
    offers(w, "a:psk:default");
    world_free(w);
}

/* One that was begun again, and whose passphrase nobody typed in, has not what the others have. */
static void a_worker_that_lacks_a_key_speaks_for_itself(void **state)
{
    struct world *w = with(ENDS RSASIG, NULL);
    (void)state;
    assert_null(feed(w, W_P, "whack-key keyid=10.9.0.2 pubkeyrsa=" KEY));
    assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    keying_worker_ready(&w->k, 1, WORKER_READY);
    keying_worker_ready(&w->k, 2, WORKER_LACKS);
    keying_worker(&w->k, 1)->suspect = w->k.now + 1000;
    assert_null(feed(w, N_P, FIRST));
    asked_for(w, 2, METHOD_RSASIG, false);
    refuses(w, NO_SECRET);
    w->k.now += 1000;
    assert_null(feed(w, N_P, FIRST));
    asked_for(w, 1, METHOD_RSASIG, true);
    offers(w, "a:rsasig:default");
    world_free(w);
}

/* An answer that was on its way says nothing of what was read meanwhile. */
static void a_late_answer_is_not_remembered(void **state)
{
    (void)state;
    for (unsigned replaced = 0; replaced < 2; replaced++) { /* by a new generation, or only changed */
        struct world *w = with(ENDS PSK, NULL);
        unsigned asked = replaced ? 2 : 1;
        assert_null(feed(w, N_P, FIRST));
        if (replaced) {
            assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
            keying_worker_ready(&w->k, 2, WORKER_READY);
            keying_worker_old(&w->k, 1);
        } else {
            keying_secrets_changed(&w->k);
        }
        asked_for(w, 1, METHOD_PSK, false);
        assert_int_equal(w->n.len, 0);
        assert_false(has(&w->s[asked], "announce"));
        asked_for(w, asked, METHOD_PSK, true);
        offers(w, "a:psk:default");
        assert_int_equal(w->k.exchanges->worker, asked);
        world_free(w);
    }
}

/* [K1] An entry that waits for the address of a name is there as soon as that is. */
static void k1_a_name_was_resolved(void **state)
{
    struct world *w = with(ENDS PSK, NULL);
    (void)state;
    keying_dnskey_up(&w->k, &w->d);
    assert_null(feed(w, S_P, "resolve id=9 host=gate.example.org"));
    assert_null(feed(w, N_P, FIRST));
    asked_for(w, 1, METHOD_PSK, false);
    refuses(w, NO_SECRET);
    const struct record *r = sent(w, &w->d, P_D, V_RESOLVE);
    assert_non_null(r);
    assert_null(feed(w, D_P, "ok id=%" PRIu64 " re=resolve addresses=10.9.0.2 ttl=60", record_number(r, K_ID)));
    assert_null(feed(w, N_P, FIRST));
    asked_for(w, 1, METHOD_PSK, true);
    offers(w, "a:psk:default");
    world_free(w);
}

/* Whoever is called otherwise may have another secret. */
static void it_is_asked_anew_who_we_are(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    w->asked = true;
    assert_null(feed(w, W_P, "whack-myid myid=@one"));
    assert_null(feed(w, W_P, "whack-connection name=a " ENDS "left-id=%%25myid " PSK));
    assert_null(feed(w, N_P, FIRST));
    asked_for(w, 1, METHOD_PSK, false);
    refuses(w, NO_SECRET);
    assert_null(feed(w, W_P, "whack-myid myid=@other"));
    assert_null(feed(w, N_P, FIRST));
    asked_for(w, 1, METHOD_PSK, true);
    offers(w, "a:psk:default");
    world_free(w);
}

/* What was added while it waits is for the next one. */
static void what_is_added_meanwhile_is_not_offered(void **state)
{
    struct world *w = with(ENDS PSK, NULL);
    (void)state;
    assert_null(feed(w, N_P, FIRST));
    assert_null(feed(w, W_P, "whack-connection name=b " ENDS "ike=" AES " " PSK));
    asked_for(w, 1, METHOD_PSK, true);
    offers(w, "a:psk:default");
    world_free(w);
}

/* ---- whack --explain [W12] ---- */

static void w12_explain_says_what_would_be_proposed(void **state)
{
    struct world *w = with(ENDS "right-id=@east policy=psk,rsasig,encrypt,tunnel", NULL);
    (void)state;
    assert_null(feed(w, W_P, "whack-key keyid=@east pubkeyrsa=" KEY));
    clear(w);
    assert_null(feed(w, W_P, "whack-explain name=a"));
    assert_int_equal(w->said.len, 0);
    assert_int_equal(w->holds, 1);
    asked_for(w, 1, METHOD_RSASIG, false);
    asked_for(w, 1, METHOD_PSK, true);
    assert_true(has(&w->said, "proposing --ike default with --psk; the peer must prove to be @east; what else it allows "
                              "cannot be proposed: there is none (whack --listen reads ipsec.secrets anew)\n"));
    assert_true(has(&w->said, "it is for \"a\", if the peer proposes something of --ike default with --psk\n"));
    assert_true(has(&w->said, "left out for what is missing: \"a\": there is none"));
    world_free(w);

    w = with(ENDS PSK, NULL);
    assert_null(feed(w, W_P, "whack-explain name=a"));
    asked_for(w, 1, METHOD_PSK, false);
    assert_true(has(&w->said, "\"a\": if we began now, it would not come up: there is none (whack --listen"));
    assert_true(has(&w->said, "a first message of IKE from 10.9.0.2 to 10.9.0.1: it is refused: " NO_SECRET "\n"));
    clear(w);
    /* it is known now: also between addresses, by whichever side */
    assert_null(feed(w, W_P, "whack-explain from=10.9.0.1 to=10.9.0.2"));
    assert_true(has(&w->said, "a first message of IKE from 10.9.0.2 to 10.9.0.1: it is refused: " NO_SECRET "\n"));
    clear(w);
    assert_null(feed(w, N_P, FIRST));
    assert_null(feed(w, W_P, "whack-explain name=a"));
    assert_true(has(&w->said, "\"a\": it failed last 0 s ago: " NO_SECRET "\n"));
    world_free(w);
}

static void explain_outlives_a_worker(void **state)
{
    struct world *w = with(ENDS PSK, NULL);
    (void)state;
    assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    assert_null(feed(w, W_P, "whack-explain name=a"));
    keying_worker_down(&w->k, 1);
    assert_int_equal(w->said.len, 0);
    asked_for(w, 2, METHOD_PSK, true);
    assert_true(has(&w->said, "proposing --ike default with --psk"));
    clear(w);
    keying_secrets_changed(&w->k);
    assert_null(feed(w, W_P, "whack-explain name=a"));
    keying_worker_down(&w->k, 2); /* the last one */
    assert_true(has(&w->said, "it would not come up: secrets is not running"));
    assert_int_equal(w->holds, 0);
    assert_true(keying_worker_up(&w->k, 1, &w->s[1]));
    assert_null(feed(w, W_P, "whack-explain name=a")); /* and it may be open when plutod ends */
    assert_non_null(w->k.explanations);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f15_a_peer_without_a_secret_is_refused_at_once),
        cmocka_unit_test(f15_a_peer_without_a_public_key_is_refused_at_once),
        cmocka_unit_test(f15_what_is_missing_is_said_shortly),
        cmocka_unit_test(f15_a_question_that_is_not_understood),
        cmocka_unit_test(others_are_taken),
        cmocka_unit_test(instances_are_not_offered),
        cmocka_unit_test(what_was_left_out_is_said),
        cmocka_unit_test(r4_road_warriors_are_asked_for_as_any),
        cmocka_unit_test(r4_an_instance_has_what_its_template_has),
        cmocka_unit_test(workers_of_one_reading_have_the_same),
        cmocka_unit_test(a_worker_that_lacks_a_key_speaks_for_itself),
        cmocka_unit_test(a_late_answer_is_not_remembered),
        cmocka_unit_test(k1_a_name_was_resolved),
        cmocka_unit_test(it_is_asked_anew_who_we_are),
        cmocka_unit_test(what_is_added_meanwhile_is_not_offered),
        cmocka_unit_test(w12_explain_says_what_would_be_proposed),
        cmocka_unit_test(explain_outlives_a_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
