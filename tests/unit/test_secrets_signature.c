/* Main Mode with RSA signatures, as secrets sees it: [X1], RFC 2409, 5.1. */
#include "rsa_keys.h"
#include "secrets_side.h"

#include <openssl/bn.h>
#include <stdio.h>

#define SA "0000000100000001aabbccdd"
#define CKY "cky-i=0102030405060708 cky-r=1112131415161718"
#define IKE "aes256-sha2_256-ecp256"

struct pair { /* 10.9.0.1 (exchange 1) initiates to 10.9.0.2 (exchange 7) */
    struct side *i;
    struct side *r;
    const char *ike;
    char *id;
    char *proof;
};

/* side_new, and a private key for an identity. */
static struct side *side_with(const char *secrets, const char *id, const char *pem)
{
    struct side *s = side_new(secrets);
    struct index index = { .kind = INDEX_ID };
    if (pem != NULL) {
        assert_null(identity_parse(&index.id, id));
        assert_null(store_add_rsa(s->store, "ipsec.secrets", 9, &index, 1, rsa_test_key(pem)));
    }
    return s;
}

/* The public key as --pubkeyrsa has it. */
static char *public_text(const char *pem, char *text)
{
    struct rsa_key *key = rsa_test_key(pem);
    rsa_public_print(rsa_key_public(key), text);
    rsa_key_free(key);
    return text;
}

static void announce(struct pair *p, const char *methods)
{
    side_say(p->i, "announce exchange=1 connection=net role=initiator methods=%s ike=%s our-id=10.9.0.1 peer-id=10.9.0.2",
             methods, p->ike);
    side_say(p->r, "announce exchange=7 connection=net role=responder methods=%s ike=%s our-id=10.9.0.2 peer-id=10.9.0.1",
             methods, p->ike);
}

/* Up to the initiator's proof. */
static void make_keys(struct pair *p)
{
    side_good(p->i, "ke id=1 exchange=1 group=ecp256");
    char *ke = side_hex(p->i, K_KE);
    char *nonce = side_hex(p->i, K_NONCE);
    side_good(p->r, "keys id=1 exchange=7 connection=net method=rsasig proposal=%s " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", p->ike, ke, nonce);
    char *skeyid = side_hex(p->r, K_SKEYID_A);
    ke = side_hex(p->r, K_KE);
    nonce = side_hex(p->r, K_NONCE);
    side_good(p->i, "keys id=2 exchange=1 connection=net method=rsasig proposal=%s " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", p->ike, ke, nonce);
    assert_string_equal(side_hex(p->i, K_SKEYID_A), skeyid);
    assert_false(record_has(&p->i->answer, K_HASH));
    p->id = side_hex(p->i, K_ID_BODY);
    p->proof = side_hex(p->i, K_SIG);
}

static struct pair *pair_new(const char *ike, const char *pem_i, const char *pem_r)
{
    struct pair *p = calloc(1, sizeof *p);
    if (p == NULL) {
        abort();
    }
    p->i = side_with("", "10.9.0.1", pem_i);
    p->r = side_with("", "10.9.0.2", pem_r);
    p->ike = ike;
    announce(p, "rsasig");
    return p;
}

static void pair_free(struct pair *p)
{
    side_free(p->i);
    side_free(p->r);
    free(p);
}

/* An auth, and what secrets asks plutod: the id of that. 0: it asks nothing. */
static uint64_t auth(struct side *s, unsigned exchange, const char *id, const char *sig)
{
    side_say(s, "auth id=5 exchange=%u id-body=%s sig=%s", exchange, id, sig);
    while (side_take(s, &s->plutod, S_P)) {
        if (s->answer.verb == V_PUBLIC_KEYS) {
            assert_int_equal(record_number(&s->answer, K_EXCHANGE), exchange);
            assert_int_equal(s->negotiator.len, 0);
            return record_number(&s->answer, K_ID);
        }
    }
    return 0;
}

/* plutod's answer; what the negotiator then gets is in s->answer. */
static bool keys_are(struct side *s, uint64_t asked, const char *keys)
{
    side_say(s, "ok id=%llu re=public-keys pubkeys=%s", (unsigned long long)asked, keys);
    assert_true(side_take(s, &s->negotiator, S_N));
    assert_int_equal(record_number(&s->answer, K_ID), 5);
    return s->answer.verb == V_OK;
}

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
        make_keys(p);
        assert_int_equal(strlen(p->proof), 2 * 2048 / 8);
        uint64_t asked = auth(p->r, 7, p->id, p->proof);
        assert_string_equal(record_text(&p->r->answer, K_PEER_ID), "10.9.0.1");
        assert_true(keys_are(p->r, asked, public_text(rsa_pem_2048, keys)));
        assert_true(record_yes(&p->r->answer, K_MATCHED));
        char *id = side_hex(p->r, K_ID_BODY);
        char *sig = side_hex(p->r, K_SIG);
        assert_false(record_has(&p->r->answer, K_HASH));
        assert_true(side_take(p->r, &p->r->plutod, S_P));
        assert_int_equal(p->r->answer.verb, V_AUTHENTICATED);
        assert_int_equal(record_word(&p->r->answer, K_METHOD), METHOD_RSASIG);
        asked = auth(p->i, 1, id, sig);
        assert_true(keys_are(p->i, asked, public_text(rsa_pem_1024_e3, keys)));
        assert_true(side_take(p->i, &p->i->plutod, S_P));
        assert_int_equal(p->i->answer.verb, V_AUTHENTICATED);
        pair_free(p);
    }
}

static void w7_the_second_key_fits(void **state)
{
    char keys[8000];
    (void)state;
    struct pair *p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    make_keys(p);
    uint64_t asked = auth(p->r, 7, p->id, p->proof);
    (void)public_text(rsa_pem_1024, keys);
    strcat(keys, ",");
    (void)public_text(rsa_pem_2048, keys + strlen(keys));
    assert_true(keys_are(p->r, asked, keys));
    pair_free(p);
}

static void x1_wrong_key(void **state)
{
    char keys[8000];
    (void)state;
    struct pair *p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    make_keys(p);
    uint64_t asked = auth(p->r, 7, p->id, p->proof);
    assert_false(keys_are(p->r, asked, public_text(rsa_pem_2048_e3, keys)));
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
    make_keys(p);
    uint64_t asked = auth(p->r, 7, p->id, p->proof);
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
    make_keys(p);
    uint64_t asked = auth(p->i, 1, "010000000a090002", p->proof);
    assert_false(keys_are(p->i, asked, public_text(rsa_pem_2048, keys)));
    nobody_is_authenticated(p->i);
    pair_free(p);
    /* over another identity */
    p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    make_keys(p);
    asked = auth(p->r, 7, "010000000a090003", p->proof);
    assert_false(keys_are(p->r, asked, public_text(rsa_pem_2048, keys)));
    nobody_is_authenticated(p->r);
    pair_free(p);
    /* of another exchange */
    p = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    struct pair *q = pair_new(IKE, rsa_pem_2048, rsa_pem_1024);
    make_keys(p);
    make_keys(q);
    asked = auth(p->r, 7, p->id, q->proof);
    assert_false(keys_are(p->r, asked, public_text(rsa_pem_2048, keys)));
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
        make_keys(p);
        char *sig = opened(p->proof, &key);
        assert_memory_equal(sig, "0001ffff", 8);
        key.exponent = &exponent;
        key.exponent_len = 1;
        rsa_public_print(&key, keys);
        uint64_t asked = auth(p->r, 7, p->id, sig);
        assert_false(keys_are(p->r, asked, keys));
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
    make_keys(p);
    assert_int_equal(auth(p->r, 7, "010000000a090002", p->proof), 0);
    assert_true(side_take(p->r, &p->r->negotiator, S_N));
    assert_true(side_why_has(p->r, "our own identity"));
    assert_int_equal(auth(p->i, 1, p->id, p->proof), 0);
    assert_true(side_take(p->i, &p->i->negotiator, S_N));
    assert_true(side_why_has(p->i, "our own identity"));
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
    uint64_t asked = auth(p->r, 7, "010000000a090001", "aabb");
    assert_int_not_equal(asked, 0);
    side_bad(p->r, "auth id=6 exchange=7 id-body=010000000a090001 sig=aabbcc");
    assert_false(keys_are(p->r, asked, public_text(rsa_pem_2048, keys)));
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
    make_keys(p);
    uint64_t asked = auth(p->r, 7, p->id, p->proof);
    secrets_negotiator_again(p->r->core); /* the one who asked is gone */
    side_say(p->r, "ok id=%llu re=public-keys pubkeys=%s", (unsigned long long)asked, public_text(rsa_pem_2048, keys));
    assert_int_equal(p->r->negotiator.len, 0);
    asked = auth(p->r, 7, p->id, p->proof);
    side_say(p->r, "forget exchange=7");
    side_say(p->r, "ok id=%llu re=public-keys pubkeys=%s", (unsigned long long)asked, keys);
    assert_int_equal(p->r->negotiator.len, 0);
    nobody_is_authenticated(p->r);
    pair_free(p);
}

static void w11_no_private_key(void **state)
{
    (void)state;
    struct pair *p = calloc(1, sizeof *p);
    if (p == NULL) {
        abort();
    }
    p->i = side_with("10.9.0.1 10.9.0.2 : PSK \"x\"\n", "", NULL);
    p->r = side_with("10.9.0.1 10.9.0.2 : PSK \"x\"\n", "", NULL);
    p->ike = IKE;
    announce(p, "psk+rsasig"); /* the preshared secret will do */
    assert_int_equal(p->i->plutod.len, 0);
    side_say(p->i, "forget exchange=1");
    side_say(p->r, "forget exchange=7");
    announce(p, "rsasig");
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
    side_good(p->i, "ke id=1 exchange=1 group=ecp256");
    side_good(p->r, "keys id=1 exchange=7 connection=net method=rsasig proposal=%s " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", p->ike, side_hex(p->i, K_KE), side_hex(p->i, K_NONCE));
    side_fails(p->i, "keys id=2 exchange=1 connection=net method=rsasig proposal=%s " CKY " sa-body=" SA
               " ke-peer=%s nonce-peer=%s", p->ike, side_hex(p->r, K_KE), side_hex(p->r, K_NONCE));
    assert_true(side_why_has(p->i, "ipsec.secrets:9"));
    pair_free(p);
}

/* A road warrior: plutod finds the connection that fits what he proved. */
static void r2_another_connection(void **state)
{
    char keys[8000];
    (void)state;
    struct pair *p = calloc(1, sizeof *p);
    if (p == NULL) {
        abort();
    }
    p->i = side_with("", "@road", rsa_pem_2048);
    p->r = side_with("", "10.9.0.2", rsa_pem_1024);
    p->ike = IKE;
    side_say(p->i, "announce exchange=1 connection=net role=initiator methods=rsasig ike=" IKE " our-id=@road peer-id=10.9.0.2");
    side_say(p->r, "announce exchange=7 connection=net role=responder methods=rsasig ike=" IKE
             " our-id=10.9.0.2 peer-id=%%25any");
    make_keys(p);
    uint64_t asked = auth(p->r, 7, p->id, p->proof);
    assert_string_equal(record_text(&p->r->answer, K_PEER_ID), "@road");
    assert_true(keys_are(p->r, asked, public_text(rsa_pem_2048, keys)));
    assert_false(record_yes(&p->r->answer, K_MATCHED));
    assert_false(record_has(&p->r->answer, K_SIG));
    side_say(p->r, "accept id=1 exchange=7 connection=other our-id=@nobody peer-id=@road"); /* no key of ours */
    side_bad(p->r, "finish id=6 exchange=7");
    side_say(p->r, "accept id=2 exchange=7 connection=road our-id=10.9.0.2 peer-id=@road");
    side_good(p->r, "finish id=7 exchange=7");
    asked = auth(p->i, 1, side_hex(p->r, K_ID_BODY), side_hex(p->r, K_SIG));
    assert_true(keys_are(p->i, asked, public_text(rsa_pem_1024, keys)));
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x1_signatures_prove_both),
        cmocka_unit_test(w7_the_second_key_fits),
        cmocka_unit_test(x1_wrong_key),
        cmocka_unit_test(w11_no_public_key),
        cmocka_unit_test(f8_a_signature_for_something_else),
        cmocka_unit_test(f8_keys_of_exponent_0_1_2),
        cmocka_unit_test(f8_our_own_identity),
        cmocka_unit_test(f17_lies_about_signatures),
        cmocka_unit_test(an_answer_that_nobody_waits_for),
        cmocka_unit_test(w11_no_private_key),
        cmocka_unit_test(f8_a_key_too_small_for_the_hash),
        cmocka_unit_test(r2_another_connection),
    };
    return cmocka_run_group_tests(tests, side_dh_set_up, side_dh_tear_down);
}
