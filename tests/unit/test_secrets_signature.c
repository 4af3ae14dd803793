/* Main Mode with RSA signatures, as secrets sees it: [X1], RFC 2409, 5.1. */
#include "own_memory.h"
#include "rsa_pair.h"

#include <openssl/bn.h>
#include <stdio.h>

static void nobody_is_authenticated(struct side *s)
{
    while (side_take(s, &s->plutod, S_P)) {
        assert_int_not_equal(s->answer.verb, V_AUTHENTICATED);
    }
}

static void x1_signatures_prove_both(void **state)
{
    static const char *const suites[] = { IKE, "3des-md5-ecp256", "aes128-sha1-ecp256", "aes256-sha2_512-ecp256" };
    char keys[8000];
    (void)state;
    for (size_t n = 0; n < sizeof suites / sizeof suites[0]; n++) {
        struct pair *p = pair_new(suites[n], rsa_pem_2048, rsa_pem_1024_e3);
        pair_make_keys(p);
        assert_int_equal(strlen(p->proof), 2 * 2048 / 8);
        uint64_t asked = pair_auth(p->r, 7, p->id, p->proof);
        assert_string_equal(record_text(&p->r->answer, K_PEER_ID), "10.9.0.1");
        assert_true(pair_keys_are(p->r, asked, public_text(rsa_pem_2048, keys)));
        assert_true(record_yes(&p->r->answer, K_MATCHED));
        char *id = side_hex(p->r, K_ID_BODY);
        char *sig = side_hex(p->r, K_SIG);
        assert_false(record_has(&p->r->answer, K_HASH));
        assert_true(side_take(p->r, &p->r->plutod, S_P));
        assert_int_equal(p->r->answer.verb, V_AUTHENTICATED);
        assert_int_equal(record_word(&p->r->answer, K_METHOD), METHOD_RSASIG);
        asked = pair_auth(p->i, 1, id, sig);
        assert_true(pair_keys_are(p->i, asked, public_text(rsa_pem_1024_e3, keys)));
        assert_true(side_take(p->i, &p->i->plutod, S_P));
        assert_int_equal(p->i->answer.verb, V_AUTHENTICATED);
        pair_free(p);
    }
}

/* Roll-over: before the new key, behind it, among others. */
static void w7_one_of_several_keys_fits(void **state)
{
    static const char *const lists[][3] = {
        { rsa_pem_2048 },
        { rsa_pem_1024, rsa_pem_2048 },
        { rsa_pem_2048, rsa_pem_1024 },
        { rsa_pem_2048_e3, rsa_pem_2048, rsa_pem_512 },
        { rsa_pem_2048_e3, rsa_pem_1024, rsa_pem_2048 },
    };
    char keys[8000];
    (void)state;
    for (size_t n = 0; n < sizeof lists / sizeof lists[0]; n++) {
        struct pair *p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
        size_t len = 0;
        pair_make_keys(p);
        uint64_t asked = pair_auth(p->r, 7, p->id, p->proof);
        for (size_t i = 0; i < 3 && lists[n][i] != NULL; i++) {
            keys[len] = ',';
            len += i == 0 ? 0 : 1;
            len += strlen(public_text(lists[n][i], keys + len));
        }
        assert_true(pair_keys_are(p->r, asked, keys));
        pair_free(p);
    }
}

static void x1_wrong_key(void **state)
{
    char keys[8000];
    (void)state;
    struct pair *p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    pair_make_keys(p);
    uint64_t asked = pair_auth(p->r, 7, p->id, p->proof);
    assert_false(pair_keys_are(p->r, asked, public_text(rsa_pem_2048_e3, keys)));
    assert_int_equal(p->r->answer.verb, V_FAIL);
    assert_true(side_why_has(p->r, "\"10.9.0.1\""));
    assert_true(side_why_has(p->r, "\"10.9.0.2\""));
    assert_int_equal(record_number(&p->r->answer, K_NOTIFICATION), 24);
    nobody_is_authenticated(p->r);
    /* That was all: neither the same again with the right key, nor another try. */
    side_fails(p->r, "auth id=6 exchange=7 id-body=%s sig=%s", p->id, p->proof);
    side_bad(p->r, "auth id=6 exchange=7 id-body=%s sig=%.*s", p->id, (int)strlen(p->proof) - 2, p->proof);
    nobody_is_authenticated(p->r);
    pair_free(p);
}

static void w11_no_public_key(void **state)
{
    (void)state;
    struct pair *p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    pair_make_keys(p);
    uint64_t asked = pair_auth(p->r, 7, p->id, p->proof);
    side_say(p->r, "fail id=%llu re=public-keys why=none%%20known code=28", (unsigned long long)asked);
    assert_true(side_take(p->r, &p->r->negotiator, S_N));
    assert_int_equal(p->r->answer.verb, V_FAIL);
    assert_int_equal(record_number(&p->r->answer, K_CODE), 28);
    assert_true(side_why_has(p->r, "none known"));
    nobody_is_authenticated(p->r);
    pair_free(p);
}

/* Each is a good signature of the right key, made for something else. */
static void f8_a_signature_for_something_else(void **state)
{
    char keys[8000];
    (void)state;
    /* for the other role: the initiator's own, sent back as that of a peer with the same key */
    struct pair *p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    pair_make_keys(p);
    uint64_t asked = pair_auth(p->i, 1, "010000000a090002", p->proof);
    assert_false(pair_keys_are(p->i, asked, public_text(rsa_pem_2048, keys)));
    nobody_is_authenticated(p->i);
    pair_free(p);
    /* over another identity */
    p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    pair_make_keys(p);
    asked = pair_auth(p->r, 7, "010000000a090003", p->proof);
    assert_false(pair_keys_are(p->r, asked, public_text(rsa_pem_2048, keys)));
    nobody_is_authenticated(p->r);
    pair_free(p);
    /* of another exchange */
    p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    struct pair *q = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    pair_make_keys(p);
    pair_make_keys(q);
    asked = pair_auth(p->r, 7, p->id, q->proof);
    assert_false(pair_keys_are(p->r, asked, public_text(rsa_pem_2048, keys)));
    nobody_is_authenticated(p->r);
    pair_free(p);
    pair_free(q);
}

/* The block that a signature opens to, in hex: what is a signature for a key of exponent 1. */
static char *opened(const char *sig, const struct rsa_public *key)
{
    static char hex[2 * RSA_SIGNATURE_MAX + 1];
    BN_CTX *context = BN_CTX_new();
    BIGNUM *n = BN_bin2bn(key->modulus, (int)key->modulus_len, NULL);
    BIGNUM *e = BN_bin2bn(key->exponent, (int)key->exponent_len, NULL);
    BIGNUM *s = NULL;
    assert_true(BN_hex2bn(&s, sig) > 0);
    assert_int_equal(BN_mod_exp(s, s, e, n, context), 1);
    char *text = BN_bn2hex(s);
    size_t len = 2 * key->modulus_len - strlen(text);
    memset(hex, '0', len);
    for (const char *c = text; *c != '\0'; c++) {
        hex[len++] = *c >= 'A' ? (char)(*c - 'A' + 'a') : *c;
    }
    hex[len] = '\0';
    OPENSSL_free(text);
    BN_free(s);
    BN_free(e);
    BN_free(n);
    BN_CTX_free(context);
    return hex;
}

/* With exponent 1 anybody signs: the block itself. With 0 and any other even one, nobody does. */
static void f8_keys_of_exponent_0_1_2(void **state)
{
    char keys[8000];
    (void)state;
    for (uint8_t exponent = 0; exponent < 3; exponent++) {
        struct pair *p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
        struct rsa_key *right = rsa_test_key(rsa_pem_2048);
        struct rsa_public key = *rsa_key_public(right);
        pair_make_keys(p);
        char *sig = opened(p->proof, &key);
        assert_memory_equal(sig, "0001ffff", 8);
        key.exponent = &exponent;
        key.exponent_len = 1;
        rsa_public_print(&key, keys);
        uint64_t asked = pair_auth(p->r, 7, p->id, sig);
        assert_false(pair_keys_are(p->r, asked, keys));
        assert_true(side_why_has(p->r, "the public exponent of the RSA key is 1, even, or not below the modulus"));
        nobody_is_authenticated(p->r);
        rsa_key_free(right);
        pair_free(p);
    }
}

static void f8_our_own_identity(void **state)
{
    (void)state;
    struct pair *p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    pair_make_keys(p);
    assert_int_equal(pair_auth(p->r, 7, "010000000a090002", p->proof), 0);
    assert_true(side_take(p->r, &p->r->negotiator, S_N));
    assert_true(side_why_has(p->r, "our own identity"));
    assert_int_equal(pair_auth(p->i, 1, p->id, p->proof), 0);
    assert_true(side_take(p->i, &p->i->negotiator, S_N));
    assert_true(side_why_has(p->i, "our own identity"));
    pair_free(p);
}

/* Somebody else, who signs well and whose key is known: an initiator wanted this one, and asks for nobody else's keys. */
static void an_initiators_peer_is_another(void **state)
{
    char keys[8000];
    (void)state;
    struct pair *p = pair_of(side_with("", "10.9.0.1", rsa_pem_2048), side_with("", "@other", rsa_pem_1024), IKE);
    side_say(p->i, "announce exchange=1 connection=net role=initiator methods=rsasig ike=" IKE
             " our-id=10.9.0.1 peer-id=10.9.0.2");
    side_say(p->r, "announce exchange=7 connection=net role=responder methods=rsasig ike=" IKE
             " our-id=@other peer-id=10.9.0.1");
    pair_make_keys(p);
    uint64_t asked = pair_auth(p->r, 7, p->id, p->proof);
    assert_true(pair_keys_are(p->r, asked, public_text(rsa_pem_2048, keys)));
    assert_int_equal(pair_auth(p->i, 1, side_hex(p->r, K_ID_BODY), side_hex(p->r, K_SIG)), 0);
    assert_true(side_take(p->i, &p->i->negotiator, S_N));
    assert_int_equal(p->i->answer.verb, V_FAIL);
    assert_int_equal(record_number(&p->i->answer, K_NOTIFICATION), 18);
    assert_true(side_why_has(p->i, "identifies itself as \"@other\"") && side_why_has(p->i, "expects \"10.9.0.2\""));
    nobody_is_authenticated(p->i);
    pair_free(p);
}

static void f17_lies_about_signatures(void **state)
{
    char keys[8000];
    (void)state;
    struct pair *p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    side_good(p->i, "ke id=1 exchange=1 group=ecp256");
    char *ke = side_hex(p->i, K_KE);
    char *nonce = side_hex(p->i, K_NONCE);
    side_bad(p->r, "keys id=1 exchange=7 connection=net method=psk proposal=" IKE " " CKY " sa-body=" SA
             " ke-peer=%s nonce-peer=%s", ke, nonce); /* what was not announced */
    side_good(p->r, "keys id=1 exchange=7 connection=net method=rsasig proposal=" IKE " " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", ke, nonce);
    /* a proof of another kind, of both, of none; the signature of ours before his */
    side_bad(p->r, "auth id=5 exchange=7 id-body=010000000a090001 hash=aa");
    side_bad(p->r, "auth id=5 exchange=7 id-body=010000000a090001 hash=aa sig=aa");
    side_bad(p->r, "auth id=5 exchange=7 id-body=010000000a090001");
    side_bad(p->r, "finish id=5 exchange=7");
    /* a second question while the first one waits; and what comes for it afterwards */
    uint64_t asked = pair_auth(p->r, 7, "010000000a090001", "aabb");
    assert_int_not_equal(asked, 0);
    side_bad(p->r, "auth id=6 exchange=7 id-body=010000000a090001 sig=aabbcc");
    assert_false(pair_keys_are(p->r, asked, public_text(rsa_pem_2048, keys)));
    side_say(p->r, "ok id=%llu re=public-keys pubkeys=%s", (unsigned long long)asked, keys);
    assert_int_equal(p->r->negotiator.len, 0);
    nobody_is_authenticated(p->r);
    pair_free(p);
}

static void an_answer_that_nobody_waits_for(void **state)
{
    char keys[8000];
    (void)state;
    struct pair *p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    pair_make_keys(p);
    uint64_t asked = pair_auth(p->r, 7, p->id, p->proof);
    secrets_negotiator_again(p->r->core); /* the one who asked is gone */
    side_say(p->r, "ok id=%llu re=public-keys pubkeys=%s", (unsigned long long)asked, public_text(rsa_pem_2048, keys));
    assert_int_equal(p->r->negotiator.len, 0);
    asked = pair_auth(p->r, 7, p->id, p->proof);
    side_say(p->r, "forget exchange=7");
    side_say(p->r, "ok id=%llu re=public-keys pubkeys=%s", (unsigned long long)asked, keys);
    assert_int_equal(p->r->negotiator.len, 0);
    nobody_is_authenticated(p->r);
    pair_free(p);
}

/* Two questions are open, and the later one is answered first, by keys that are right for it alone. */
static void each_answer_is_for_its_own_question(void **state)
{
    char keys[8000];
    (void)state;
    struct pair *p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    pair_make_keys(p);
    uint64_t one = pair_auth(p->r, 7, p->id, p->proof);
    struct side *i = side_with("", "10.9.0.1", rsa_pem_2048_e3);
    side_say(i, "announce exchange=1 connection=net role=initiator methods=rsasig ike=" IKE
             " our-id=10.9.0.1 peer-id=10.9.0.2");
    side_say(p->r, "announce exchange=8 connection=net role=responder methods=rsasig ike=" IKE
             " our-id=10.9.0.2 peer-id=10.9.0.1");
    side_good(i, "ke id=1 exchange=1 group=ecp256");
    side_good(p->r, "keys id=1 exchange=8 connection=net method=rsasig proposal=" IKE " " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", side_hex(i, K_KE), side_hex(i, K_NONCE));
    side_good(i, "keys id=2 exchange=1 connection=net method=rsasig proposal=" IKE " " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", side_hex(p->r, K_KE), side_hex(p->r, K_NONCE));
    uint64_t two = pair_auth(p->r, 8, side_hex(i, K_ID_BODY), side_hex(i, K_SIG));
    assert_int_not_equal(one, two);
    assert_true(pair_keys_are(p->r, two, public_text(rsa_pem_2048_e3, keys)));
    assert_true(pair_keys_are(p->r, one, public_text(rsa_pem_2048, keys)));
    side_free(i);
    pair_free(p);
}

static void w11_no_private_key(void **state)
{
    (void)state;
    static const char psk[] = "10.9.0.1 10.9.0.2 : PSK \"x\"\n";
    struct pair *p = pair_of(side_new(psk), side_new(psk), IKE);
    pair_announce(p, "psk+rsasig"); /* the preshared secret will do */
    assert_int_equal(p->i->plutod.len, 0);
    side_say(p->i, "forget exchange=1");
    side_say(p->r, "forget exchange=7");
    pair_announce(p, "rsasig");
    assert_true(side_take(p->i, &p->i->plutod, S_P)); /* an initiator hears it at once */
    assert_int_equal(p->i->answer.verb, V_FAILED);
    assert_int_equal(record_number(&p->i->answer, K_CODE), 28);
    assert_true(side_why_has(p->i, "no private RSA key for \"10.9.0.1\""));
    side_good(p->i, "ke id=1 exchange=1 group=ecp256");
    char *ke = side_hex(p->i, K_KE);
    char *nonce = side_hex(p->i, K_NONCE);
    side_fails(p->r, "keys id=1 exchange=7 connection=net method=rsasig proposal=" IKE " " CKY " sa-body=" SA
               " ke-peer=%s nonce-peer=%s", ke, nonce);
    assert_int_equal(record_number(&p->r->answer, K_CODE), 28);
    pair_free(p);
}

static void f8_a_key_too_small_for_the_hash(void **state)
{
    (void)state;
    struct pair *p = pair_new("aes256-sha2_512-ecp256", rsa_pem_512, rsa_pem_1024);
    assert_true(side_take(p->i, &p->i->plutod, S_P)); /* an initiator hears it before the first packet */
    assert_int_equal(p->i->answer.verb, V_FAILED);
    assert_int_equal(record_number(&p->i->answer, K_CODE), 28);
    assert_true(side_why_has(p->i, "the RSA key of ") && side_why_has(p->i, "ipsec.secrets:9 cannot be used: "));
    assert_true(side_why_has(p->i, "too small for this hash"));
    side_good(p->i, "ke id=1 exchange=1 group=ecp256");
    side_good(p->r, "keys id=1 exchange=7 connection=net method=rsasig proposal=%s " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", p->ike, side_hex(p->i, K_KE), side_hex(p->i, K_NONCE));
    side_fails(p->i, "keys id=2 exchange=1 connection=net method=rsasig proposal=%s " CKY " sa-body=" SA
               " ke-peer=%s nonce-peer=%s", p->ike, side_hex(p->r, K_KE), side_hex(p->r, K_NONCE));
    assert_true(side_why_has(p->i, "ipsec.secrets:9"));
    pair_free(p);
}

/* A responder is asked before his first answer whether there is a key, and where another hash was chosen he refuses at message 3. */
static void f8_a_responders_key_too_small_for_the_hash(void **state)
{
    static const char both[] = "aes256-sha2_512-ecp256,aes256-sha2_256-ecp256";
    (void)state;
    struct pair *p = pair_new(both, rsa_pem_1024, rsa_pem_512);
    side_say(p->r, "secret id=1 method=rsasig our-id=10.9.0.2 peer-id=10.9.0.1 ike=aes256-sha2_512-ecp256,aes128-sha2_512-modp2048");
    assert_true(side_take(p->r, &p->r->plutod, S_P));
    assert_int_equal(p->r->answer.verb, V_FAIL);
    assert_true(side_why_has(p->r, "ipsec.secrets:9 cannot be used: the RSA key is too small for this hash"));
    side_say(p->r, "secret id=2 method=rsasig our-id=10.9.0.2 peer-id=10.9.0.1 ike=%s", both);
    assert_true(side_take(p->r, &p->r->plutod, S_P));
    assert_int_equal(p->r->answer.verb, V_OK);
    side_good(p->i, "ke id=1 exchange=1 group=ecp256");
    char *ke = side_hex(p->i, K_KE);
    char *nonce = side_hex(p->i, K_NONCE);
    side_fails(p->r, "keys id=1 exchange=7 connection=net method=rsasig proposal=aes256-sha2_512-ecp256 " CKY " sa-body=" SA
               " ke-peer=%s nonce-peer=%s", ke, nonce);
    assert_true(side_why_has(p->r, "ipsec.secrets:9 cannot be used: the RSA key is too small for this hash"));
    assert_int_equal(record_number(&p->r->answer, K_CODE), 28);
    assert_int_equal(record_number(&p->r->answer, K_NOTIFICATION), 24); /* the peer need not try on */
    side_good(p->r, "keys id=2 exchange=7 connection=net method=rsasig proposal=aes256-sha2_256-ecp256 " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", ke, nonce);
    pair_free(p);
}

/* Where one of the proposals has a hash that it can sign, the peer may choose that. */
static void f8_a_key_too_small_for_one_hash(void **state)
{
    (void)state;
    struct pair *p = pair_new("aes256-sha2_512-ecp256,aes256-sha2_256-ecp256", rsa_pem_512, rsa_pem_1024);
    assert_int_equal(p->i->plutod.len, 0);
    pair_free(p);
    p = pair_new("aes256-sha2_256-ecp256", rsa_pem_512, rsa_pem_1024);
    assert_int_equal(p->i->plutod.len, 0);
    pair_free(p);
}

/* A road warrior: plutod finds the connection that fits what he proved. */
static void r2_another_connection(void **state)
{
    char keys[8000];
    (void)state;
    struct pair *p = pair_of(side_with("", "@road", rsa_pem_2048), side_with("", "10.9.0.2", rsa_pem_1024), IKE);
    side_say(p->i, "announce exchange=1 connection=net role=initiator methods=rsasig ike=" IKE " our-id=@road peer-id=10.9.0.2");
    side_say(p->r, "announce exchange=7 connection=net role=responder methods=rsasig ike=" IKE
             " our-id=10.9.0.2 peer-id=%%25any");
    pair_make_keys(p);
    uint64_t asked = pair_auth(p->r, 7, p->id, p->proof);
    assert_string_equal(record_text(&p->r->answer, K_PEER_ID), "@road");
    assert_true(pair_keys_are(p->r, asked, public_text(rsa_pem_2048, keys)));
    assert_false(record_yes(&p->r->answer, K_MATCHED));
    assert_false(record_has(&p->r->answer, K_SIG));
    side_say(p->r, "accept id=1 exchange=7 connection=other our-id=@nobody peer-id=@road"); /* no key of ours */
    side_bad(p->r, "finish id=6 exchange=7");
    side_say(p->r, "accept id=2 exchange=7 connection=road our-id=10.9.0.2 peer-id=@road");
    side_good(p->r, "finish id=7 exchange=7");
    asked = pair_auth(p->i, 1, side_hex(p->r, K_ID_BODY), side_hex(p->r, K_SIG));
    assert_true(pair_keys_are(p->i, asked, public_text(rsa_pem_1024, keys)));
    pair_free(p);
}

/* The connection that he turns out to be for calls us otherwise, and that identity has a key of its own. */
static void r2_another_connection_with_another_key(void **state)
{
    char keys[8000];
    (void)state;
    struct pair *p = pair_of(side_with("", "10.9.0.1", rsa_pem_2048), side_with("", "@gate1", rsa_pem_1024), IKE);
    side_add_key(p->r, "@gate2", rsa_pem_1024_e3);
    side_say(p->i, "announce exchange=1 connection=net role=initiator methods=rsasig ike=" IKE
             " our-id=10.9.0.1 peer-id=@gate2");
    side_say(p->r, "announce exchange=7 connection=one role=responder methods=rsasig ike=" IKE
             " our-id=@gate1 peer-id=@another");
    side_good(p->i, "ke id=1 exchange=1 group=ecp256");
    side_good(p->r, "keys id=1 exchange=7 connection=one method=rsasig proposal=" IKE " " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", side_hex(p->i, K_KE), side_hex(p->i, K_NONCE));
    side_good(p->i, "keys id=2 exchange=1 connection=net method=rsasig proposal=" IKE " " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", side_hex(p->r, K_KE), side_hex(p->r, K_NONCE));
    uint64_t asked = pair_auth(p->r, 7, side_hex(p->i, K_ID_BODY), side_hex(p->i, K_SIG));
    assert_true(pair_keys_are(p->r, asked, public_text(rsa_pem_2048, keys)));
    assert_false(record_yes(&p->r->answer, K_MATCHED));
    side_say(p->r, "accept id=1 exchange=7 connection=two our-id=@gate2 peer-id=10.9.0.1");
    side_good(p->r, "finish id=6 exchange=7");
    asked = pair_auth(p->i, 1, side_hex(p->r, K_ID_BODY), side_hex(p->r, K_SIG));
    assert_true(pair_keys_are(p->i, asked, public_text(rsa_pem_1024_e3, keys)));
    pair_free(p);
}

/* What a peer has sent to be checked is gone when that is done, and when nobody wants it any more. */
static void what_waits_is_wiped(void **state)
{
    char keys[8000];
    (void)state;
    for (unsigned n = 0; n < 3; n++) {
        struct pair *p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
        struct own_memory_pattern sig;
        uint8_t bytes[OWN_MEMORY_LEN];
        size_t there[2];
        size_t after[2];
        pair_make_keys(p);
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = (uint8_t)strtoul((char[]){ p->proof[200 + 2 * i], p->proof[201 + 2 * i], '\0' }, NULL, 16);
        }
        own_memory_mask(&sig, bytes);
        explicit_bzero(bytes, sizeof bytes);
        (void)public_text(rsa_pem_2048, keys);
        uint64_t asked = pair_auth(p->r, 7, p->id, p->proof);
        own_memory_count(&sig, 1, &there);
        if (n == 0) {
            assert_true(pair_keys_are(p->r, asked, keys));
        } else if (n == 1) {
            side_say(p->r, "forget exchange=7");
        } else {
            secrets_negotiator_again(p->r->core);
        }
        own_memory_count(&sig, 1, &after);
        assert_true(after[0] < there[0]);
        pair_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x1_signatures_prove_both),
        cmocka_unit_test(w7_one_of_several_keys_fits),
        cmocka_unit_test(x1_wrong_key),
        cmocka_unit_test(w11_no_public_key),
        cmocka_unit_test(f8_a_signature_for_something_else),
        cmocka_unit_test(f8_keys_of_exponent_0_1_2),
        cmocka_unit_test(f8_our_own_identity),
        cmocka_unit_test(an_initiators_peer_is_another),
        cmocka_unit_test(f17_lies_about_signatures),
        cmocka_unit_test(an_answer_that_nobody_waits_for),
        cmocka_unit_test(each_answer_is_for_its_own_question),
        cmocka_unit_test(w11_no_private_key),
        cmocka_unit_test(f8_a_key_too_small_for_the_hash),
        cmocka_unit_test(f8_a_responders_key_too_small_for_the_hash),
        cmocka_unit_test(f8_a_key_too_small_for_one_hash),
        cmocka_unit_test(r2_another_connection),
        cmocka_unit_test(r2_another_connection_with_another_key),
        cmocka_unit_test(what_waits_is_wiped),
    };
    return cmocka_run_group_tests(tests, side_dh_set_up, side_dh_tear_down);
}
