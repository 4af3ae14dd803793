/* [R2] RSA signatures: by which keys secrets may check a peer's, and what people are told of keys and methods. */
#include "test_plutod_rsa.h"

static void test_all_keys_in_order(void **state)
{
    struct world *w = world_new("10.9.0.1");
    char want[9 * RSA_PUBLIC_TEXT] = "";
    char one[RSA_PUBLIC_TEXT];
    (void)state;
    add(w, "name=r " PAIR "right-id=@east " RSA);
    for (unsigned i = 0; i < PUBLIC_KEYS_OF_ID; i++) {
        give(w, "@east", 9 - i);
        strlcat(want, i == 0 ? "" : ",", sizeof want);
        strlcat(want, key(9 - i, true, one), sizeof want);
    }
    uint64_t x = first(w, "10.9.0.2");
    clear(w);
    assert_null(feed(w, S_P, "public-keys id=77 exchange=%" PRIu64 " our-id=10.9.0.1 peer-id=@East", x));
    const struct record *r = sent(w, &w->s[1], P_S, V_OK);
    assert_int_equal(record_number(r, K_ID), 77);
    assert_string_equal(record_text(r, K_PUBKEYS), want);
    world_free(w);
}

/* Eight of the longest that there can be: 8192 bits. */
static void test_largest_keys(void **state)
{
    struct world *w = world_new("10.9.0.1");
    static uint8_t bytes[1 + 8 + 1024];
    struct identity east;
    struct rsa_public rsa;
    const struct public_key *there;
    unsigned gone;
    (void)state;
    memset(bytes, 0xff, sizeof bytes);
    bytes[0] = 8;
    assert_null(identity_parse(&east, "@east"));
    for (unsigned i = 0; i < PUBLIC_KEYS_OF_ID; i++) {
        bytes[500] = (uint8_t)i;
        assert_null(rsa_public_parse(&rsa, bytes, sizeof bytes));
        assert_int_equal(public_keys_add(&w->k, &east, &rsa, PUBLIC_KEY_OF_WHACK, true, &there, &gone), PUBLIC_KEY_ADDED);
    }
    add(w, "name=r " PAIR "right-id=@east " RSA);
    uint64_t x = first(w, "10.9.0.2");
    clear(w);
    assert_null(feed(w, S_P, "public-keys id=1 exchange=%" PRIu64 " our-id=10.9.0.1 peer-id=@east", x));
    const struct record *r = sent(w, &w->s[1], P_S, V_OK);
    assert_non_null(r);
    assert_int_equal(strlen(record_text(r, K_PUBKEYS)), 8 * (2 + (sizeof bytes + 2) / 3 * 4) + 7);
    world_free(w);
}

static void test_no_keys(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    add(w, "name=r " PAIR "right-id=@east " RSA);
    add(w, "name=o " PAIR "right-id=@other " RSA);
    give(w, "@west", 1);
    give(w, "@east", 2);
    uint64_t x = first(w, "10.9.0.2");
    unsigned own = xchg_find(&w->k, x)->worker;
    w->worker = own;
    buffer_wipe(&w->s[own]);
    assert_null(feed(w, S_P, "public-keys id=5 exchange=%" PRIu64 " our-id=10.9.0.1 peer-id=@other", x));
    const struct record *r = sent(w, &w->s[own], P_S, V_FAIL);
    assert_int_equal(record_number(r, K_ID), 5);
    assert_int_equal(record_number(r, K_CODE), 28);
    assert_string_equal(record_text(r, K_WHY), "no public key of \"@other\": whack --keyid ID --pubkeyrsa 0s... gives it");
    /* of an exchange that it was not told of, one that has ended, one that is authenticated */
    w->worker = 3 - own;
    assert_non_null(feed(w, S_P, "public-keys id=6 exchange=%" PRIu64 " our-id=10.9.0.1 peer-id=@west", x));
    w->worker = own;
    buffer_wipe(&w->s[own]);
    assert_null(feed(w, S_P, "public-keys id=7 exchange=%" PRIu64 " our-id=10.9.0.1 peer-id=@west", x + 1));
    r = sent(w, &w->s[own], P_S, V_FAIL);
    assert_string_equal(record_text(r, K_WHY), "this exchange has ended");
    chosen(w, x, "r");
    proved(w, x, "r", "@east", "rsasig", "yes");
    assert_non_null(feed(w, S_P, "public-keys id=8 exchange=%" PRIu64 " our-id=10.9.0.1 peer-id=@west", x));
    world_free(w);
}

/* What the answer to this question of secrets says. */
static const struct record *no_keys_of(struct world *w, uint64_t x, const char *peer)
{
    clear(w);
    assert_null(feed(w, S_P, "public-keys id=5 exchange=%" PRIu64 " our-id=10.9.0.1 peer-id=%s", x, peer));
    const struct record *r = sent(w, &w->s[1], P_S, V_FAIL);
    assert_non_null(r);
    return r;
}

/* A key of somebody whom no connection expects would be of no use: what is wrong is who he says he is. */
static void r2_unexpected_and_no_key(void **state)
{
    static const char *const wrong[] = { "10.0.0.5", "@wset", "@~3009", "@west" };
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=r " PAIR "right-id=@east " RSA);
    add(w, "name=n " PAIR "right-id=@north " RSA);
    add(w, "name=p " PAIR "right-id=@west " PSK); /* he would be expected here, with a secret */
    add(w, "name=far left-host=10.9.0.1 right-host=10.9.0.7 right-id=10.0.0.5 " RSA);
    give(w, "@east", 1);
    for (size_t i = 0; i < 4; i++) {
        char text[300];
        uint64_t x = first(w, "10.9.0.2");
        chosen(w, x, "r");
        const struct record *r = no_keys_of(w, x, wrong[i]);
        const char *why = record_text(r, K_WHY);
        assert_int_equal(record_number(r, K_CODE), 27);
        snprintf(text, sizeof text, "the peer says that it is %s, which no connection expects with --rsasig (nor is there a "
                 "public key of it); --id with that for its end would match: ", wrong[i]);
        assert_memory_equal(why, text, strlen(text));
        snprintf(text, sizeof text, "\"r\": it expects the identity @east, not %s", wrong[i]);
        assert_non_null(strstr(why, text));
        assert_non_null(strstr(why, "\"p\": it has no --rsasig, by which the peer proves who it is"));
        assert_null(strstr(why, "--keyid"));
        assert_string_equal(conn_find(&w->k, "r")->failure->why, why);
        assert_string_equal(conn_find(&w->k, "p")->failure->why, why); /* it was offered, too */
    }
    uint64_t x = first(w, "10.9.0.2");
    chosen(w, x, "r");
    const struct record *r = no_keys_of(w, x, "@north");
    assert_int_equal(record_number(r, K_CODE), 28);
    /* where a connection to anybody is, everybody is expected, whose key is known */
    add(w, "name=road " ROAD RSA);
    x = first(w, "10.9.0.2");
    chosen(w, x, "r");
    r = no_keys_of(w, x, "@wset");
    assert_int_equal(record_number(r, K_CODE), 28);
    assert_string_equal(record_text(r, K_WHY), "no public key of \"@wset\": whack --keyid ID --pubkeyrsa 0s... gives it");
    world_free(w);
}

/* The agreed algorithms rule out, too; and of what we begin secrets has compared the identities itself. */
static void r2_unexpected_by_what_was_agreed(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=r " PAIR "right-id=@east " RSA);
    add(w, "name=old " PAIR "right-id=@west ike=3des-md5-modp1536 " RSA);
    give(w, "@east", 1);
    uint64_t x = first(w, "10.9.0.2");
    const struct record *r = no_keys_of(w, x, "@west"); /* which one was chosen is not known yet */
    assert_int_equal(record_number(r, K_CODE), 28);
    chosen(w, x, "r");
    r = no_keys_of(w, x, "@west");
    assert_int_equal(record_number(r, K_CODE), 27);
    assert_non_null(strstr(record_text(r, K_WHY), "\"old\": its --ike 3des-md5-modp1536 does not allow "
                           "aes256-sha2_256-modp2048, which was agreed"));
    add(w, "name=far left-host=10.9.0.1 right-host=10.9.0.7 right-id=@far " RSA);
    give(w, "@far", 2);
    assert_null(feed(w, W_P, "whack-initiate name=far"));
    x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    r = no_keys_of(w, x, "@west");
    assert_int_equal(record_number(r, K_CODE), 28);
    world_free(w);
}

/* ---- what people are told ---- */

static void test_initiate_without_key(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=r " PAIR "right-id=@east " RSA);
    clear(w);
    assert_null(feed(w, W_P, "whack-initiate name=r"));
    assert_true(has(&w->said, "028 \"r\": no public key of \"@east\": whack --keyid ID --pubkeyrsa 0s... gives it\n"));
    assert_null(sent(w, &w->n, P_N, V_INITIATE));
    add(w, "name=b " PAIR "right-id=@east " BOTH); /* by the secret it may go well */
    assert_null(feed(w, W_P, "whack-initiate name=b"));
    assert_non_null(sent(w, &w->n, P_N, V_INITIATE));
    world_free(w);
}

static void test_explain(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=r " PAIR "right-id=@east " RSA);
    clear(w);
    assert_null(feed(w, W_P, "whack-explain name=r"));
    assert_true(has(&w->said, "\"r\": if we began now, it would not come up: no public key of \"@east\": whack --keyid"));
    assert_true(has(&w->said, "\"r\": so it does not come up, whoever begins: no public key of \"@east\""));
    const struct record *r = sent(w, &w->s[1], P_S, V_SECRET);
    assert_int_equal(record_word(r, K_METHOD), METHOD_RSASIG);
    assert_null(feed(w, S_P, "fail id=%" PRIu64 " re=secret why=no%%20private%%20key", w->k.next_id));
    assert_true(has(&w->said, "\"r\": so it does not come up, whoever begins: no private key\n"));
    give(w, "@east", 1);
    give(w, "@east", 2);
    clear(w);
    assert_null(feed(w, W_P, "whack-explain name=r"));
    assert_true(has(&w->said, "proposing --ike default with --rsasig; the peer must prove to be @east\n"));
    assert_true(has(&w->said, "is for \"r\", if the peer proposes something of --ike default with --rsasig\n"));
    assert_true(has(&w->said, "\"r\": with --rsasig the peer is known by any of 2 public keys of @east; the first has the "
                              "fingerprint "));
    assert_null(feed(w, S_P, "ok id=%" PRIu64 " re=secret found=/etc/ipsec.secrets:7", w->k.next_id));
    assert_true(has(&w->said, "\"r\": our private key is that of /etc/ipsec.secrets:7\n"));
    assert_int_equal(w->holds, 0);

    add(w, "name=b " PAIR "right-id=@b " BOTH);
    clear(w);
    assert_null(feed(w, W_P, "whack-explain name=b"));
    assert_true(has(&w->said, "\"b\": so it does not come up with --rsasig, whoever begins: no public key of \"@b\""));
    uint64_t id = w->k.next_id;
    assert_null(feed(w, S_P, "ok id=%" PRIu64 " re=secret found=/etc/ipsec.secrets:3", id - 1));
    assert_true(has(&w->said, "\"b\": its secret is that of /etc/ipsec.secrets:3\n"));
    keying_worker_down(&w->k, 1); /* which has not said the other one */
    assert_true(has(&w->said, "secrets died before it answered"));
    assert_int_equal(w->holds, 0);
    world_free(w);
}

static void test_status(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=r " PAIR RSA);
    give(w, "10.9.0.2", 1);
    uint64_t x = first(w, "10.9.0.2");
    chosen(w, x, "r");
    proved(w, x, "r", "10.9.0.2", "rsasig", "yes");
    assert_null(up(w, x));
    clear(w);
    assert_null(feed(w, W_P, "whack-status"));
    assert_true(has(&w->said, "policy: rsasig,encrypt,tunnel;"));
    assert_true(has(&w->said, "aes256-sha2_256-modp2048; peer 10.9.0.2 by RSA signature\n"));
    clear(w);
    assert_null(feed(w, W_P, "whack-status json=yes"));
    assert_true(has(&w->said, "\"peer_id\":\"10.9.0.2\",\"method\":\"rsasig\""));
    clear(w);
    assert_null(feed(w, W_P, "whack-events name=r"));
    assert_true(has(&w->said, "peer 10.9.0.2 by RSA signature, life 3600s"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_keys_in_order),
        cmocka_unit_test(test_largest_keys),
        cmocka_unit_test(test_no_keys),
        cmocka_unit_test(r2_unexpected_and_no_key),
        cmocka_unit_test(r2_unexpected_by_what_was_agreed),
        cmocka_unit_test(test_initiate_without_key),
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
