/*
 * F17: who is taken for whom, at each point of a Main Mode: our own identities, whichever of them; and what plutod accepts,
 * which a negotiator may have made it believe. The rest of what secrets refuses: test_secrets_abuse.c, test_secrets_signature.c.
 */
#include "rsa_keys.h"
#include "secrets_scene.h"

#include "rsa_public.h"
#include "secrets/inside.h"

#include <stdio.h>

/* Several connections might be meant: the peer may be none of us in any of them. */
static void f17_our_identity_of_another_candidate(void **state)
{
    static const struct {
        const char *initiates; /* who he says he is */
        const char *body;
        bool ours;
    } cases[] = { { "@third", "020000007468697264", true }, { "@THIRD", "020000005448495244", true },
                  { "10.9.0.9", "010000000a090009", true }, { "@fourth", "02000000666f75727468", false } };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene *e = scene_new(": PSK \"correct horse\"\n");
        scene_announce(e->i, 1, "initiator", cases[i].initiates, "10.9.0.2");
        scene_announce(e->r, 7, "responder", "10.9.0.2", "%25any");
        side_say(e->r, "announce exchange=7 connection=second role=responder methods=psk ike=" IKE
                 " our-id=@third peer-id=%%25any");
        side_say(e->r, "announce exchange=7 connection=third role=responder methods=psk ike=" IKE
                 " our-id=10.9.0.9 peer-id=%%25any");
        scene_draw(e);
        scene_make_keys(e);
        assert_string_equal(e->id, cases[i].body);
        if (cases[i].ours) { /* the proof itself is right */
            side_fails(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
            assert_true(side_why_has(e->r, "which is our own identity"));
            assert_int_equal(record_number(&e->r->answer, K_NOTIFICATION), 18);
            scene_unauthenticated(e->r);
        } else {
            side_good(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
        }
        scene_free(e);
    }
}

/* ---- what is announced ---- */

static void announce(struct side *s, unsigned exchange, const char *connection, const char *role, const char *ours,
                     const char *peer)
{
    side_say(s, "announce exchange=%u connection=%s role=%s methods=psk ike=" IKE " our-id=%s peer-id=%s", exchange,
             connection, role, ours, peer);
}

static void keys_with(struct scene *e, const char *connection, enum verb verb)
{
    (void)side_ask(e->r, "keys id=1 exchange=7 connection=%s method=psk " KEYS " ke-peer=%s nonce-peer=%s", connection,
                   e->ke_i, e->n_i);
    assert_int_equal(e->r->answer.verb, verb);
}

/* A connection for the other role, or one too many, is no candidate; those before it are. */
static void f17_announced_wrongly(void **state)
{
    struct scene *e = *state;
    char name[20];
    announce(e->r, 7, "other-role", "initiator", "10.9.0.2", "10.9.0.1");
    keys_with(e, "other-role", V_BAD);
    for (unsigned i = 1; i <= CANDIDATES_MAX; i++) { /* one is there */
        (void)snprintf(name, sizeof name, "c%u", i);
        announce(e->r, 7, name, "responder", "10.9.0.2", "10.9.0.1");
    }
    keys_with(e, name, V_BAD);
    (void)snprintf(name, sizeof name, "c%u", CANDIDATES_MAX - 1);
    keys_with(e, name, V_OK);
}

/* We prove to be who the named connection says, and plutod is told of that one. */
static void f17_the_candidate_that_was_named(void **state)
{
    static const char *const connections[] = { "first", "second", "third" };
    static const char *const ids[] = { "@first", "@second", "@third" };
    static const char *const bodies[] = { "020000006669727374", "020000007365636f6e64", "020000007468697264" };
    (void)state;
    for (unsigned named = 0; named < 3; named++) {
        struct scene *e = scene_new(": PSK \"correct horse\"\n");
        for (unsigned i = 0; i < 3; i++) {
            announce(e->r, 7, connections[i], "responder", ids[i], "10.9.0.1");
        }
        announce(e->i, 1, "net", "initiator", "10.9.0.1", ids[named]);
        scene_draw(e);
        keys_with(e, connections[named], V_OK);
        char *ke = side_hex(e->r, K_KE);
        char *nonce = side_hex(e->r, K_NONCE);
        side_good(e->i, "keys id=2 exchange=1 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=%s", ke, nonce);
        char *id = side_hex(e->i, K_ID_BODY);
        char *hash = side_hex(e->i, K_HASH);
        side_good(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", id, hash);
        id = side_hex(e->r, K_ID_BODY);
        hash = side_hex(e->r, K_HASH);
        assert_string_equal(id, bodies[named]);
        do {
            assert_true(side_take(e->r, &e->r->plutod, S_P));
        } while (e->r->answer.verb != V_AUTHENTICATED);
        assert_string_equal(record_text(&e->r->answer, K_CONNECTION), connections[named]);
        side_good(e->i, "auth id=4 exchange=1 id-body=%s hash=%s", id, hash);
        scene_free(e);
    }
}

/* Once there are keys nothing is changed any more: that the peer would be one of us, say. */
static void f17_announced_too_late(void **state)
{
    struct scene *e = *state;
    scene_make_keys(e);
    announce(e->r, 7, "late", "responder", "10.9.0.1", "10.9.0.3");
    announce(e->i, 1, "late", "initiator", "10.9.0.2", "10.9.0.3");
    side_good(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
    e->id_r = side_hex(e->r, K_ID_BODY);
    e->hash_r = side_hex(e->r, K_HASH);
    side_good(e->i, "auth id=4 exchange=1 id-body=%s hash=%s", e->id_r, e->hash_r);
    announce(e->r, 7, "later", "responder", "10.9.0.1", "10.9.0.3"); /* it is authenticated */
    side_bad(e->r, "keys id=5 exchange=7 connection=later method=psk " KEYS " ke-peer=%s nonce-peer=%s", e->ke_i, e->n_i);
}

/* Another exponent, when the keys are made of the one before: HASH_I and HASH_R cover its public value. */
static void f17_drawn_too_late(void **state)
{
    struct scene *e = *state;
    side_say(e->i, "forget exchange=1");
    side_say(e->i, "announce exchange=1 connection=net role=initiator methods=psk ike=" IKE ",aes256-sha2_256-curve25519 "
             "our-id=10.9.0.1 peer-id=10.9.0.2");
    scene_draw(e);
    scene_make_keys(e);
    side_bad(e->i, "ke id=9 exchange=1 group=curve25519");
    side_good(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
    side_good(e->i, "auth id=4 exchange=1 id-body=%s hash=%s", side_hex(e->r, K_ID_BODY), side_hex(e->r, K_HASH));
    side_bad(e->i, "ke id=10 exchange=1 group=curve25519");
}

/* Each group once: whoever may draw again and again looks for a value that suits him. */
static void f17_drawn_again(void **state)
{
    struct scene *e = *state;
    side_say(e->i, "forget exchange=1");
    side_say(e->i, "announce exchange=1 connection=net role=initiator methods=psk ike=" IKE ",aes256-sha2_256-curve25519 "
             "our-id=10.9.0.1 peer-id=10.9.0.2");
    side_good(e->i, "ke id=1 exchange=1 group=ecp256");
    side_good(e->i, "ke id=2 exchange=1 group=curve25519");
    char *ke = side_hex(e->i, K_KE);
    side_good(e->i, "ke id=3 exchange=1 group=curve25519"); /* the same again is answered by the same */
    assert_string_equal(side_hex(e->i, K_KE), ke);
    side_bad(e->i, "ke id=4 exchange=1 group=ecp256");
    side_bad(e->i, "ke id=5 exchange=1 group=ecp256");
    side_good(e->i, "ke id=6 exchange=1 group=curve25519");
    assert_string_equal(side_hex(e->i, K_KE), ke);
    /* keys in the group before: that exponent is gone */
    side_bad(e->i, "keys id=7 exchange=1 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=" NONCE, e->ke_i);
    assert_true(side_why_has(e->i, "no value was drawn in group ecp256"));
}

/* Quick Mode: another group than was drawn, though that is allowed, too. */
static void f17_another_group_than_was_drawn(void **state)
{
    struct scene *e = *state;
    scene_authenticate(e);
    side_say(e->i, "announce-quick exchange=100 parent=1 role=initiator esp=aes256gcm16 pfs=ecp256,curve25519");
    side_good(e->i, "quick-ke id=1 exchange=100 group=ecp256");
#define KEYMAT "keymat id=2 exchange=100 protocol=esp proposal=aes256gcm16 spi-in=00002222 spi-out=00001111 nonce-peer=" NONCE
    side_bad(e->i, KEYMAT " group=curve25519 ke-peer=%064d", 9);
    assert_true(side_why_has(e->i, "or for another group"));
    side_bad(e->i, KEYMAT);
    assert_int_equal(e->i->kernel.len, 0);
    side_good(e->i, KEYMAT " group=ecp256 ke-peer=%s", e->ke_i);
    assert_int_not_equal(e->i->kernel.len, 0);
}

/* What is for a Main Mode, of a Quick Mode; and the other way round: for either role, at any time. */
static void f17_requests_of_another_kind(void **state)
{
    struct scene *e = *state;
    for (unsigned time = 0; time < 3; time++) {
        struct side *sides[] = { e->i, e->r };
        for (unsigned i = 0; i < 2; i++) {
            const unsigned main = i == 0 ? 1 : 7;
            const unsigned quick = 100 + time;
            side_say(sides[i], "announce-quick exchange=%u parent=%u role=%s esp=aes256gcm16 pfs=no", quick, main,
                     i == 0 ? "initiator" : "responder");
            side_bad(sides[i], "quick-ke id=1 exchange=%u", main);
            side_bad(sides[i], "keymat id=2 exchange=%u protocol=esp proposal=aes256gcm16 spi-in=00002222 spi-out=00001111 "
                     "nonce-peer=" NONCE, main);
            side_bad(sides[i], "ke id=3 exchange=%u group=ecp256", quick);
            side_bad(sides[i], "keys id=4 exchange=%u connection=net method=psk " KEYS " ke-peer=%s nonce-peer=" NONCE,
                     quick, e->ke_i);
            side_bad(sides[i], "auth id=5 exchange=%u id-body=010000000a090001 hash=00", quick);
            side_bad(sides[i], "finish id=6 exchange=%u", quick);
            assert_true(side_why_has(sides[i], "finish is not for this kind of exchange"));
            assert_int_equal(sides[i]->kernel.len, 0);
        }
        if (time == 0) {
            scene_make_keys(e);
        } else if (time == 1) {
            side_good(e->r, "auth id=7 exchange=7 id-body=%s hash=%s", e->id, e->hash);
            side_good(e->i, "auth id=8 exchange=1 id-body=%s hash=%s", side_hex(e->r, K_ID_BODY), side_hex(e->r, K_HASH));
        }
    }
}

static void f17_cookies(void **state)
{
    static const struct {
        const char *i, *r;
        bool good;
    } cases[] = { { "0000000000000000", "1112131415161718", false }, { "0102030405060708", "0000000000000000", false },
                  { "0000000000000000", "0000000000000000", false }, { "0102030405060708", "0102030405060708", false },
                  { "0000000000000001", "0100000000000000", true } };
    struct scene *e = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(cases[i].good, side_ask(e->r, "keys id=1 exchange=7 connection=net method=psk proposal=" IKE
                         " cky-i=%s cky-r=%s sa-body=" SA " ke-peer=%s nonce-peer=%s", cases[i].i, cases[i].r, e->ke_i,
                         e->n_i));
        assert_true(cases[i].good || side_why_has(e->r, "the cookies are equal, or one of them is zero"));
    }
}

/* ---- what plutod accepts ---- */

static void accept_is(struct side *s, unsigned exchange, const char *ours, const char *peer, const char *why)
{
    side_say(s, "accept id=77 exchange=%u connection=other our-id=%s peer-id=%s", exchange, ours, peer);
    do {
        assert_true(side_take(s, &s->plutod, S_P));
    } while (s->answer.verb != V_OK && s->answer.verb != V_FAIL);
    assert_int_equal(s->answer.verb, why == NULL ? V_OK : V_FAIL);
    assert_true(why == NULL || side_why_has(s, why));
}

/* It can be said at any time; what was not proved, or is over, is not touched. */
static void f17_accepted_at_the_wrong_time(void **state)
{
    static const char waits[] = "does not wait for an acceptance";
    struct scene *e = *state;
    accept_is(e->r, 99, "10.9.0.2", "10.9.0.1", "not known here");
    side_say(e->r, "announce-quick exchange=100 parent=7 role=responder esp=aes256gcm16 pfs=no");
    accept_is(e->r, 100, "10.9.0.2", "10.9.0.1", "no Main Mode");
    accept_is(e->r, 7, "10.9.0.2", "10.9.0.1", waits);
    scene_make_keys(e);
    accept_is(e->r, 7, "10.9.0.2", "10.9.0.1", waits);
    side_bad(e->r, "finish id=4 exchange=7");
    accept_is(e->i, 1, "10.9.0.1", "10.9.0.2", waits);
    side_good(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
    e->id_r = side_hex(e->r, K_ID_BODY);
    e->hash_r = side_hex(e->r, K_HASH);
    accept_is(e->r, 7, "10.9.0.2", "10.9.0.1", waits);
    side_bad(e->r, "finish id=5 exchange=7");
    side_good(e->i, "auth id=4 exchange=1 id-body=%s hash=%s", e->id_r, e->hash_r);
    accept_is(e->i, 1, "10.9.0.1", "10.9.0.2", waits);
    side_bad(e->i, "finish id=6 exchange=1");
}

static void f17_accepted_after_a_wrong_proof(void **state)
{
    struct scene *e = *state;
    scene_make_keys(e);
    e->hash[63] = e->hash[63] == '0' ? '1' : '0';
    side_fails(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
    accept_is(e->r, 7, "10.9.0.2", "10.9.0.1", "does not wait for an acceptance");
    side_bad(e->r, "finish id=4 exchange=7");
    side_say(e->r, "announce-quick exchange=100 parent=7 role=responder esp=aes256gcm16 pfs=no");
    side_bad(e->r, "keymat id=5 exchange=100 protocol=esp proposal=aes256gcm16 spi-in=00002222 spi-out=00001111 "
             "nonce-peer=" NONCE);
}

/* An identity with the very same secret: it is not the one that was proved. */
static void f17_accepted_as_somebody_else(void **state)
{
    struct scene *e = *state;
    side_free(e->r);
    e->r = side_new(": PSK \"correct horse\"\n");
    scene_announce(e->r, 7, "responder", "10.9.0.2", "%25any");
    scene_make_keys(e);
    side_good(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
    assert_false(record_yes(&e->r->answer, K_MATCHED));
    accept_is(e->r, 7, "10.9.0.2", "10.9.0.77", "the peer proved another identity");
    accept_is(e->r, 7, "10.9.0.2", "@else", "the peer proved another identity");
    accept_is(e->r, 7, "%25any", "10.9.0.1", "our own identity would be");
    accept_is(e->r, 7, "10.9.0.1", "10.9.0.1", "our own identity would be");
    accept_is(e->r, 7, "10.9.0.1", "%25any", "our own identity would be");
    side_bad(e->r, "finish id=4 exchange=7");
    accept_is(e->r, 7, "10.9.0.2", "%25any", NULL);
    side_good(e->r, "finish id=5 exchange=7");
}

/* The same with RSA, where no secret is compared: only the proved identity counts. */
static void f17_accepted_as_another_signer(void **state)
{
    struct side *s[2];
    char keys[RSA_PUBLIC_TEXT];
    struct rsa_key *public = rsa_test_key(rsa_pem_1024);
    (void)state;
    rsa_public_print(rsa_key_public(public), keys);
    rsa_key_free(public);
    for (unsigned i = 0; i < 2; i++) {
        struct index everybody = { .kind = INDEX_ANY };
        s[i] = side_new("");
        assert_null(store_add_rsa(s[i]->store, "lab", 1, &everybody, 1, rsa_test_key(rsa_pem_1024)));
    }
#define RSA "methods=rsasig ike=" IKE
#define SIGN "method=rsasig proposal=" IKE " " CKY " sa-body=" SA
    side_say(s[0], "announce exchange=1 connection=a role=initiator " RSA " our-id=10.9.0.1 peer-id=10.9.0.2");
    side_say(s[1], "announce exchange=7 connection=a role=responder " RSA " our-id=10.9.0.2 peer-id=%%25any");
    side_good(s[0], "ke id=1 exchange=1 group=ecp256");
    char *ke = side_hex(s[0], K_KE);
    char *nonce = side_hex(s[0], K_NONCE);
    side_good(s[1], "keys id=1 exchange=7 connection=a " SIGN " ke-peer=%s nonce-peer=%s", ke, nonce);
    ke = side_hex(s[1], K_KE);
    nonce = side_hex(s[1], K_NONCE);
    side_good(s[0], "keys id=2 exchange=1 connection=a " SIGN " ke-peer=%s nonce-peer=%s", ke, nonce);
    char *id = side_hex(s[0], K_ID_BODY);
    char *sig = side_hex(s[0], K_SIG);
    side_say(s[1], "auth id=2 exchange=7 id-body=%s sig=%s", id, sig);
    assert_true(side_take(s[1], &s[1]->plutod, S_P));
    assert_int_equal(s[1]->answer.verb, V_PUBLIC_KEYS);
    accept_is(s[1], 7, "10.9.0.2", "10.9.0.1", "does not wait for an acceptance"); /* it waits for the keys */
    side_good(s[1], "ok id=1 re=public-keys pubkeys=%s", keys);
    assert_false(record_yes(&s[1]->answer, K_MATCHED));
    accept_is(s[1], 7, "10.9.0.2", "10.9.0.77", "the peer proved another identity");
    side_bad(s[1], "finish id=3 exchange=7");
    accept_is(s[1], 7, "10.9.0.2", "10.9.0.1", NULL);
    side_good(s[1], "finish id=4 exchange=7");
    side_free(s[0]);
    side_free(s[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f17_our_identity_of_another_candidate),
        TEST(f17_announced_wrongly),
        cmocka_unit_test(f17_the_candidate_that_was_named),
        TEST(f17_announced_too_late),
        TEST(f17_drawn_too_late),
        TEST(f17_drawn_again),
        TEST(f17_another_group_than_was_drawn),
        TEST(f17_requests_of_another_kind),
        TEST(f17_cookies),
        TEST(f17_accepted_at_the_wrong_time),
        TEST(f17_accepted_after_a_wrong_proof),
        TEST(f17_accepted_as_somebody_else),
        cmocka_unit_test(f17_accepted_as_another_signer),
    };
    return cmocka_run_group_tests(tests, side_dh_set_up, side_dh_tear_down);
}
