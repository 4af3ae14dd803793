/* [W4] plutod's core: what else happens while dnskey is asked where the peer is, and to what was asked before he moved. */
#include "test_plutod_peer_name.h"

#define KEY "03010001" "8000000000000000000000000000000000000000000000000000000000000000" \
            "0000000000000000000000000000000000000000000000000000000000000001" /* 512 bits */

static void main_mode_fails(struct world *w)
{
    const struct record *r = sent(w, &w->n, P_N, V_INITIATE);
    assert_non_null(r);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silent", record_number(r, K_EXCHANGE)));
}

/* So the next packet that wants through begins. */
static void nothing_is_at_hand(struct world *w)
{
    const struct conn *c = conn_find(&w->k, "net");
    assert_int_equal(c->attempt, 0);
    assert_false(initiate_at_hand(c));
}

/* whack begins in place of another attempt, and something is in its way when the answer comes: nothing is left at hand. */
static void w4_what_replaced_an_attempt_cannot_begin(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 2; first++) { /* whose question it is */
        struct world *w = named_net("keyingtries=3 " NET_POLICY);
        initiate(w);
        dns_says(w, "10.9.0.2");
        main_mode_fails(w);
        assert_int_equal(conn_find(&w->k, "net")->attempt, 2);
        if (first) {
            initiate(w);
            pass(w, 1000);
        } else {
            pass(w, 1000);
            initiate(w);
        }
        keying_unlisten(&w->k);
        dns_says(w, "10.9.0.2");
        assert_true(has(&w->said, "024 \"net\": "));
        assert_int_equal(w->holds, 0);
        nothing_is_at_hand(w);
        world_free(w);
    }
}

/* The same where he moves, which ends the pause before another attempt, to an identity of which there is no key. */
static void w4_moved_and_cannot_begin(void **state)
{
    struct world *w = named_net("keyingtries=3 policy=rsasig,encrypt,tunnel");
    (void)state;
    assert_null(feed(w, W_P, "whack-key keyid=10.9.0.2 pubkeyrsa=" KEY));
    initiate(w);
    dns_says(w, "10.9.0.2");
    main_mode_fails(w);
    initiate(w);
    dns_says(w, "10.9.0.7");
    assert_true(has(&w->said, "028 \"net\": "));
    nothing_is_at_hand(w);
    pass(w, 60000);
    assert_null(sent(w, &w->n, P_N, V_INITIATE));
    world_free(w);
}

/* An attempt that goes on is not forgotten because another one cannot begin. */
static void w4_what_goes_on_is_kept(void **state)
{
    struct world *w = named_net("keyingtries=3 " NET_POLICY);
    (void)state;
    initiate(w);
    dns_says(w, "10.9.0.2");
    initiate(w);
    keying_unlisten(&w->k);
    dns_says(w, "10.9.0.2");
    assert_true(has(&w->said, "024 \"net\": "));
    assert_int_equal(conn_find(&w->k, "net")->attempt, 1);
    main_mode_fails(w);
    assert_true(has(&w->log, "keying attempt 2 of at most 3 follows"));
    world_free(w);
}

/* He begins himself while it is asked, of our own accord, where he is: then he is where he is. */
static void w4_he_begins_meanwhile(void **state)
{
    (void)state;
    for (unsigned packet = 0; packet < 2; packet++) { /* what asks: a packet, or another attempt */
        struct world *w = named_net("keyingtries=3 " NET_POLICY);
        if (packet) {
            initiate_wanted(&w->k, conn_find(&w->k, "net"));
        } else {
            initiate(w);
            dns_says(w, "10.9.0.2");
            main_mode_fails(w);
            pass(w, 1000);
        }
        const uint64_t x = main_mode(w, "10.9.0.2", "net", "10.9.0.2");
        const struct record *r = quick_ask(w, x, "10.1.0.0/24", "10.2.0.0/24");
        assert_int_equal(r->verb, V_OK);
        const uint64_t y = record_number(r, K_EXCHANGE);
        sas_up(w, y, 0xbbbb);
        assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=QUICK_R2", y));
        script_ends(w, "prepare-client", true);
        script_ends(w, "route-client", true);
        script_ends(w, "up-client", true);
        assert_int_equal(conn_find(&w->k, "net")->newest_ipsec, y);
        clear(w);
        dns_says(w, "10.9.0.7");
        assert_int_equal(w->log.len, 0);
        assert_null(sent(w, &w->n, P_N, V_DELETE_SA));
        assert_non_null(xchg_find(&w->k, y));
        assert_int_equal(w->job_count, 0);
        assert_false(initiate_at_hand(conn_find(&w->k, "net")));
        world_free(w);
    }
}

/* What secrets says of the identity that he had is not taken for what there is for the one that he has. */
static void w4_secrets_were_asked_before(void **state)
{
    struct world *w = named_net(NET_POLICY);
    (void)state;
    w->asked = true;
    assert_null(feed(w, N_P, "first id=1 local=10.9.0.1 local-port=500 remote=10.9.0.2 remote-port=500"));
    initiate(w);
    dns_says(w, "10.9.0.7");
    assert_true(has(&w->said, MOVED));
    asked_for(w, 1, METHOD_PSK, false);
    buffer_wipe(&w->n);
    assert_null(feed(w, N_P, "first id=2 local=10.9.0.1 local-port=500 remote=10.9.0.7 remote-port=500"));
    asked_for(w, 1, METHOD_PSK, true);
    assert_non_null(sent(w, &w->n, P_N, V_OK));
    world_free(w);
}

/* A name in ipsec.secrets that was asked for beside it is not the one under which dnskey ends. */
static void w4_dnskey_ends_beside_a_secret(void **state)
{
    struct world *w = named_net(NET_POLICY);
    (void)state;
    assert_null(feed(w, S_P, "resolve id=1 host=a.example.org"));
    initiate(w);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(has(&w->d, "host=a.example.org"));
        buffer_wipe(&w->d);
        keying_dnskey_down(&w->k);
        keying_dnskey_up(&w->k, &w->d);
    }
    assert_true(has(&w->d, "host=a.example.org"));
    assert_false(has(&w->log, "dnskey ended while it looked for it"));
    world_free(w);
}

/* Two wait for a dnskey that is silent: it is ended once, with one line. */
static void w4_ended_once(void **state)
{
    struct world *w = named_net(NET_POLICY);
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=other left-host=10.9.0.1 right-host=10.9.0.3 " GW "policy=psk,encrypt"));
    initiate(w);
    assert_null(feed(w, W_P, "whack-initiate name=other"));
    pass(w, 60000); /* they have begun */
    assert_int_equal(w->dnskey_ended, 0);
    pass(w, 60000);
    assert_int_equal(w->dnskey_ended, 1);
    world_free(w);
}

/* SAs stay for the next plutod, and nothing is deleted: but it ends. */
static void w4_shut_down_and_left(void **state)
{
    struct world *w = named_net(NET_POLICY);
    (void)state;
    initiate(w);
    keying_leave(&w->k);
    keying_free(&w->k);
    assert_true(has(&w->said, "031 \"net\": ended before it began: plutod is shutting down\n"));
    assert_int_equal(w->holds, 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(w4_what_replaced_an_attempt_cannot_begin), cmocka_unit_test(w4_moved_and_cannot_begin),
        cmocka_unit_test(w4_what_goes_on_is_kept), cmocka_unit_test(w4_he_begins_meanwhile),
        cmocka_unit_test(w4_secrets_were_asked_before), cmocka_unit_test(w4_dnskey_ends_beside_a_secret),
        cmocka_unit_test(w4_ended_once), cmocka_unit_test(w4_shut_down_and_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
