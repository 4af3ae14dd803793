/* [W2a] [F15] Only what can be carried out is proposed, or allowed to a peer; what secrets has is asked for once. */
#include "test_plutod_negotiations.h"

#define ENDS "left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=10.9.0.2 right-client=10.2.0.0/24 "
#define BOTH "policy=psk,rsasig,encrypt,tunnel"
#define KEY "03010001" "8000000000000000000000000000000000000000000000000000000000000000" \
            "0000000000000000000000000000000000000000000000000000000000000001" /* 512 bits */
#define FIRST "first id=1 local=10.9.0.1 local-port=500 remote=10.9.0.2 remote-port=500"

static struct world *with_key(const char *words)
{
    struct world *w = world_new("10.9.0.1");
    w->asked = true;
    assert_null(feed(w, W_P, "whack-connection name=net %s" BOTH, words));
    assert_null(feed(w, W_P, "whack-key keyid=@east pubkeyrsa=" KEY));
    clear(w);
    return w;
}

static struct world *between_two(void)
{
    return with_key(ENDS "right-id=@east ");
}

/* What is proposed is what was announced to secrets. */
static void proposes(struct world *w, unsigned worker, unsigned methods)
{
    const struct record *r = sent(w, &w->s[worker], P_S, V_ANNOUNCE);
    assert_non_null(r);
    assert_int_equal(record_word(r, K_METHODS), methods);
    r = sent(w, &w->n, P_N, V_INITIATE);
    assert_non_null(r);
    assert_int_equal(record_word(r, K_METHODS), methods);
}

static void offers(struct world *w, const char *candidates)
{
    const struct record *r = sent(w, &w->n, P_N, V_OK);
    assert_non_null(r);
    assert_string_equal(record_text(r, K_CANDIDATES), candidates);
}

static void nothing_is_said(struct world *w, unsigned worker)
{
    assert_false(has(&w->s[worker], "announce"));
    assert_int_equal(w->n.len, 0);
}

static void w2a_what_is_missing_is_not_proposed(void **state)
{
    static const struct {
        bool rsasig, psk;
        unsigned methods;
        const char *said;
    } cases[] = {
        { true, true, METHODS_BOTH, NULL },
        { true, false, METHODS_RSASIG, "proposed without --psk: there is none (whack --listen reads ipsec.secrets anew)\n" },
        { false, false, METHODS_PSK, "proposed without --rsasig: there is none (whack --listen reads ipsec.secrets anew)\n" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = between_two();
        assert_null(feed(w, W_P, "whack-initiate name=net"));
        nothing_is_said(w, 1);
        asked_for(w, 1, METHOD_RSASIG, cases[i].rsasig);
        if (cases[i].rsasig) { /* else the secret is all there is */
            nothing_is_said(w, 1);
            asked_for(w, 1, METHOD_PSK, cases[i].psk);
        }
        proposes(w, 1, cases[i].methods);
        assert_int_equal(has(&w->log, "proposed without"), cases[i].said != NULL);
        assert_true(cases[i].said == NULL || has(&w->log, cases[i].said));
        world_free(w);
    }
    /* without a public key of his, nobody need be asked */
    struct world *w = world_new("10.9.0.1");
    assert_null(feed(w, W_P, "whack-connection name=net " ENDS "right-id=@west " BOTH));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    assert_false(has(&w->s[1], "secret "));
    proposes(w, 1, METHODS_PSK);
    assert_true(has(&w->log, "proposed without --rsasig: no public key of \"@west\": whack --keyid"));
    world_free(w);
}

/* The whole way: Quick Mode follows, and whack hears what it hears always. */
static void quick_mode_follows(void **state)
{
    struct world *w = between_two();
    (void)state;
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    asked_for(w, 1, METHOD_RSASIG, true);
    asked_for(w, 1, METHOD_PSK, false);
    const struct record *r = sent(w, &w->n, P_N, V_INITIATE);
    assert_non_null(r);
    uint64_t x = record_number(r, K_EXCHANGE);
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_I1", x));
    /* not by what was not announced, though the connection allows it */
    assert_non_null(feed(w, S_P, "authenticated exchange=%" PRIu64 " connection=net peer=@east method=psk "
                         "proposal=aes256-sha2_256-modp2048 matched=yes", x));
    assert_null(feed(w, S_P, "authenticated exchange=%" PRIu64 " connection=net peer=@east method=rsasig "
                     "proposal=aes256-sha2_256-modp2048 matched=yes", x));
    assert_null(feed(w, N_P, "isakmp-up exchange=%" PRIu64 " role=initiator proposal=aes256-sha2_256-modp2048 "
                     "life=3600 cky-i=0102030405060708 cky-r=0807060504030201", x));
    assert_int_not_equal(quick_mode_goes_well(w, 0xbbbb, true), 0);
    world_free(w);
}

static void w2a_what_is_missing_is_not_offered(void **state)
{
    static const struct {
        bool rsasig, psk;
        const char *offered;
    } cases[] = {
        { true, true, "net:psk+rsasig:default;only:rsasig:default" },
        { true, false, "net:rsasig:default;only:rsasig:default" },
        { false, true, "net:psk:default;only:rsasig:default" },
        { false, false, "only:rsasig:default" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = between_two();
        assert_null(feed(w, W_P, "whack-connection name=only " ENDS "right-id=@east policy=rsasig,encrypt,tunnel"));
        clear(w);
        assert_null(feed(w, N_P, FIRST));
        nothing_is_said(w, 1);
        asked_for(w, 1, METHOD_RSASIG, cases[i].rsasig);
        asked_for(w, 1, METHOD_PSK, cases[i].psk);
        asked_for(w, 1, METHOD_RSASIG, true); /* of "only" */
        offers(w, cases[i].offered);
        world_free(w);
    }
    /* of whom nobody knows who he is there may be a key */
    struct world *w = with_key("left-host=10.9.0.1 left-nexthop=%25direct right-host=%25any left-client=10.1.0.0/24 ");
    assert_null(feed(w, N_P, FIRST));
    asked_for(w, 1, METHOD_RSASIG, true);
    asked_for(w, 1, METHOD_PSK, true);
    offers(w, "net:psk+rsasig:default");
    world_free(w);
}

/* ---- deaths in between ---- */

static void another_worker_is_asked(void **state)
{
    (void)state;
    for (unsigned initiator = 0; initiator < 2; initiator++) {
        struct world *w = between_two();
        assert_null(feed(w, initiator ? W_P : N_P, initiator ? "whack-initiate name=net" : FIRST));
        asked_for(w, 1, METHOD_RSASIG, true);
        keying_worker_down(&w->k, 1);
        buffer_wipe(&w->s[1]);
        assert_int_equal(w->n.len, 0);
        assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
        asked_for(w, 2, METHOD_PSK, false); /* the other answer counts for all who have read the same */
        if (initiator) {
            proposes(w, 2, METHODS_RSASIG);
        } else {
            offers(w, "net:rsasig:default");
        }
        world_free(w);
    }
}

static void the_negotiator_dies(void **state)
{
    (void)state;
    struct world *w = between_two();
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    negotiator_dies(w);
    asked_for(w, 1, METHOD_RSASIG, false);
    keying_secrets_changed(&w->k);
    keying_negotiator_up(&w->k, &w->n);
    buffer_wipe(&w->n);
    asked_for(w, 1, METHOD_RSASIG, true); /* again: there are other secrets now */
    asked_for(w, 1, METHOD_PSK, true);
    proposes(w, 1, METHODS_BOTH);
    assert_null(sent(w, &w->n, P_N, V_INITIATE)); /* once */
    world_free(w);

    w = between_two();
    assert_null(feed(w, N_P, FIRST));
    negotiator_dies(w);
    assert_int_equal(w->k.half_open, 0);
    keying_negotiator_up(&w->k, &w->n);
    buffer_wipe(&w->n);
    asked_for(w, 1, METHOD_RSASIG, true); /* the next one has not asked */
    nothing_is_said(w, 1);
    world_free(w);
}

static void the_connection_goes(void **state)
{
    (void)state;
    struct world *w = between_two();
    assert_null(feed(w, N_P, FIRST));
    assert_null(feed(w, W_P, "whack-delete name=net"));
    asked_for(w, 1, METHOD_RSASIG, true);
    const struct record *r = sent(w, &w->n, P_N, V_FAIL);
    assert_non_null(r);
    assert_string_equal(record_text(r, K_WHY), "its connection was deleted meanwhile");
    assert_int_equal(w->k.half_open, 0);
    world_free(w);

    w = between_two();
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    assert_null(feed(w, W_P, "whack-delete name=net"));
    asked_for(w, 1, METHOD_RSASIG, true);
    assert_null(sent(w, &w->n, P_N, V_INITIATE));
    world_free(w);

    /* one of two */
    w = between_two();
    assert_null(feed(w, W_P, "whack-connection name=only " ENDS "policy=psk,encrypt,tunnel"));
    assert_null(feed(w, N_P, FIRST));
    assert_null(feed(w, W_P, "whack-delete name=net"));
    asked_for(w, 1, METHOD_RSASIG, false);
    asked_for(w, 1, METHOD_PSK, true);
    offers(w, "only:psk:default");
    world_free(w);
}

static void f17_lies(void **state)
{
    struct world *w = between_two();
    (void)state;
    assert_null(feed(w, N_P, FIRST));
    uint64_t x = w->k.exchanges->number;
    assert_non_null(feed(w, N_P, "chosen exchange=%" PRIu64 " connection=net proposal=aes256-sha2_256-modp2048", x));
    asked_for(w, 1, METHOD_RSASIG, true);
    uint64_t id = w->k.next_id;
    asked_for(w, 1, METHOD_PSK, true);
    offers(w, "net:psk+rsasig:default");
    assert_non_null(feed(w, S_P, "ok id=%" PRIu64 " re=secret found=again", id));
    assert_non_null(feed(w, S_P, "fail id=%" PRIu64 " re=secret why=again", id));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(w2a_what_is_missing_is_not_proposed),
        cmocka_unit_test(quick_mode_follows),
        cmocka_unit_test(w2a_what_is_missing_is_not_offered),
        cmocka_unit_test(another_worker_is_asked),
        cmocka_unit_test(the_negotiator_dies),
        cmocka_unit_test(the_connection_goes),
        cmocka_unit_test(f17_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
