/* What secrets has for a connection is asked for once, and remembered [K2]; and what becomes of workers that it kills. */
#include "test_plutod_missing.h"

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

/* Nobody can have proved who he is in it: then what is asked is answered, and it begins. */
static void nothing_is_proved_before_it_begins(void **state)
{
    struct world *w = with(ENDS PSK, NULL);
    (void)state;
    assert_null(feed(w, N_P, FIRST));
    assert_string_equal(feed(w, S_P, "authenticated exchange=%" PRIu64 " connection=a peer=10.9.0.2 method=psk "
                             "proposal=aes256-sha2_256-modp2048 matched=yes", (uint64_t)w->k.exchanges->number),
                        "authenticated: an exchange that has not begun");
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

/* ---- questions that kill ---- */

#define DEADLY "\"a\" 10.9.0.2: two processes of secrets have died when they were asked for its secret: nobody is asked for it " \
               "again until whack --listen reads ipsec.secrets anew\n"
#define UNKNOWN "\"a\": whether there is a secret is not known: two processes of secrets have died when they were asked; " \
                "whack --listen reads ipsec.secrets anew\n"

static struct buffer *said_to(struct world *w, uint32_t worker)
{
    return &w->s[worker % 2 + 1];
}

static bool is_asked(struct world *w, uint32_t worker)
{
    return has(said_to(w, worker), "secret ");
}

/* The worker dies with what it is asked; the next one is there already. */
static void dies(struct world *w, uint32_t worker)
{
    buffer_wipe(said_to(w, worker + 1));
    assert_true(keying_worker_up(&w->k, worker + 1, said_to(w, worker + 1)));
    keying_worker_down(&w->k, worker);
}

static void is_told(struct world *w, uint32_t worker)
{
    const struct record *r = sent(w, said_to(w, worker), P_S, V_SECRET);
    assert_non_null(r);
    w->worker = worker;
    assert_null(feed(w, S_P, "ok id=%" PRIu64 " re=secret found=ipsec.secrets:1", record_number(r, K_ID)));
}

static struct world *with_worker_2(const char *first, const char *second)
{
    struct world *w = with(first, second);
    dies(w, 1);
    clear(w);
    return w;
}

/* One death may have any reason; of a second one it is the question. No third worker is asked, by whichever way. */
static void a_deadly_question_of_explain(void **state)
{
    struct world *w = with_worker_2(ENDS PSK, NULL);
    (void)state;
    assert_null(feed(w, W_P, "whack-explain name=a"));
    assert_true(is_asked(w, 2));
    dies(w, 2);
    assert_true(is_asked(w, 3));
    assert_int_equal(w->said.len, 0);
    assert_false(has(&w->log, "have died"));
    dies(w, 3);
    assert_true(has(&w->log, DEADLY));
    assert_false(is_asked(w, 4));
    assert_int_equal(w->holds, 0);
    assert_true(has(&w->said, "proposing --ike default with --psk"));
    assert_true(has(&w->said, UNKNOWN));
    clear(w);
    assert_null(feed(w, N_P, FIRST)); /* nor is it for a peer: that is as if it were not understood */
    assert_false(is_asked(w, 4));
    offers(w, "a:psk:default");
    resolve_begin(&w->k, 0); /* whack --listen */
    assert_null(feed(w, N_P, FIRST));
    assert_true(is_asked(w, 4));
    world_free(w);
}

/* A first message, which another worker takes, and where a secret stands, kill no third one either. */
static void a_deadly_question_of_others(void **state)
{
    struct world *w = with_worker_2(ENDS PSK, NULL);
    (void)state;
    assert_null(feed(w, N_P, FIRST));
    assert_true(is_asked(w, 2));
    dies(w, 2);
    assert_true(is_asked(w, 3));
    dies(w, 3);
    assert_true(has(&w->log, DEADLY));
    assert_false(is_asked(w, 4));
    offers(w, "a:psk:default");
    world_free(w);

    w = with_worker_2(ENDS PSK, NULL);
    assert_null(feed(w, W_P, "whack-explain name=a"));
    is_told(w, 2);
    assert_true(is_asked(w, 2));
    dies(w, 2);
    assert_true(is_asked(w, 3));
    assert_int_equal(w->holds, 1);
    dies(w, 3);
    assert_true(has(&w->log, DEADLY));
    assert_true(has(&w->said, UNKNOWN));
    assert_false(is_asked(w, 4));
    assert_int_equal(w->holds, 0);
    world_free(w);
}

/* What is answered for the one method does not make the question for the other one less deadly. */
static void a_deadly_question_of_one_method(void **state)
{
    struct world *w = with_worker_2(ENDS "right-id=@east policy=psk,rsasig,encrypt,tunnel", NULL);
    (void)state;
    assert_null(feed(w, W_P, "whack-key keyid=@east pubkeyrsa=" KEY));
    assert_null(feed(w, N_P, FIRST));
    dies(w, 2);
    dies(w, 3);
    assert_true(has(&w->log, "have died when they were asked for our private key"));
    is_told(w, 4); /* of the secret */
    assert_false(is_asked(w, 4));
    offers(w, "a:psk+rsasig:default");
    assert_null(feed(w, N_P, FIRST));
    assert_false(is_asked(w, 4));
    world_free(w);
}

/* What was asked after it has not killed; and what was answered meanwhile is not deadly. */
static void what_does_not_kill(void **state)
{
    struct world *w = with_worker_2(ENDS PSK, ENDS "right-id=@west ike=" AES " " PSK);
    (void)state;
    assert_null(feed(w, W_P, "whack-explain name=a"));
    assert_null(feed(w, W_P, "whack-explain name=b"));
    dies(w, 2);
    dies(w, 3);
    assert_true(has(&w->log, DEADLY));
    clear(w);
    assert_null(feed(w, W_P, "whack-explain from=10.9.0.2 to=10.9.0.1")); /* for both of them */
    assert_true(is_asked(w, 4));
    dies(w, 4);
    assert_true(is_asked(w, 5));
    is_told(w, 5);
    keying_secrets_changed(&w->k);
    assert_null(feed(w, W_P, "whack-explain name=b"));
    assert_true(is_asked(w, 5));
    dies(w, 5);
    assert_true(is_asked(w, 6));
    assert_false(has(&w->log, "have died"));
    world_free(w);
}

/* A worker that others take the place of ends, too, with what it was asked: of that nobody has died. */
static void who_is_retired_has_not_died(void **state)
{
    (void)state;
    for (unsigned retired = 2; retired <= 3; retired++) {
        struct world *w = with_worker_2(ENDS PSK, NULL);
        assert_null(feed(w, W_P, "whack-explain name=a"));
        for (uint32_t worker = 2; worker <= 3; worker++) {
            assert_true(is_asked(w, worker));
            if (worker == retired) {
                keying_worker_old(&w->k, worker);
            }
            dies(w, worker);
        }
        assert_false(has(&w->log, "have died"));
        assert_true(is_asked(w, 4));
        dies(w, 4); /* with the other one it is the second that has */
        assert_true(has(&w->log, DEADLY));
        assert_false(is_asked(w, 5));
        assert_true(has(&w->said, UNKNOWN));
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_of_one_reading_have_the_same),
        cmocka_unit_test(a_worker_that_lacks_a_key_speaks_for_itself),
        cmocka_unit_test(a_late_answer_is_not_remembered),
        cmocka_unit_test(k1_a_name_was_resolved),
        cmocka_unit_test(it_is_asked_anew_who_we_are),
        cmocka_unit_test(nothing_is_proved_before_it_begins),
        cmocka_unit_test(what_is_added_meanwhile_is_not_offered),
        cmocka_unit_test(w12_explain_says_what_would_be_proposed),
        cmocka_unit_test(explain_outlives_a_worker),
        cmocka_unit_test(a_deadly_question_of_explain),
        cmocka_unit_test(a_deadly_question_of_others),
        cmocka_unit_test(a_deadly_question_of_one_method),
        cmocka_unit_test(what_does_not_kill),
        cmocka_unit_test(who_is_retired_has_not_died),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
