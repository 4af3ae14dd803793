/*
 * What a core refuses: values no honest peer sends (F5 F6 F8 F15), a negotiator that lies (F16 F17),
 * second requests (F11), and bounds. Quick Mode: test_secrets_quick_abuse.c.
 */
#include "secrets_scene.h"

#include <stdio.h>

/* ---- Main Mode ---- */

static void f5_public_values(void **state)
{
    struct scene *e = *state;
    char value[131];
    memset(value, '0', 128);
    value[128] = '\0';
    side_fails(e->r, "keys id=1 exchange=7 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=" NONCE,
               value);
    assert_int_equal(record_number(&e->r->answer, K_NOTIFICATION), 17);
    memset(value, 'f', 128);
    side_fails(e->r, "keys id=1 exchange=7 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=" NONCE,
               value);
    value[126] = '\0';
    side_fails(e->r, "keys id=1 exchange=7 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=" NONCE,
               value);
    side_fails(e->r, "keys id=1 exchange=7 connection=net method=psk " KEYS " ke-peer=%s00 nonce-peer=" NONCE,
               e->ke_i);
    side_fails(e->r, "keys id=1 exchange=7 connection=net method=psk " KEYS " ke-peer=02 nonce-peer=" NONCE);
    /* nothing was changed: the good one works */
    scene_make_keys(e);
}

static void reflected_values(void **state)
{
    struct scene *e = *state;
    struct side *other = side_new(scene_secrets);
    scene_announce(other, 1, "initiator", "10.9.0.1", "10.9.0.2");
    side_good(other, "ke id=1 exchange=1 group=ecp256");
    char *ke = side_hex(other, K_KE);
    side_fails(e->i, "keys id=2 exchange=1 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=" NONCE,
               e->ke_i);
    assert_true(side_why_has(e->i, "our own"));
    side_fails(e->i, "keys id=3 exchange=1 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=%s", ke,
               e->n_i);
    assert_true(side_why_has(e->i, "our own"));
    side_fails(e->i, "keys id=4 exchange=1 connection=net method=psk proposal=" IKE " cky-i=0102030405060708 "
               "cky-r=0102030405060708 sa-body=" SA " ke-peer=%s nonce-peer=" NONCE, ke);
    side_fails(e->i, "keys id=4 exchange=1 connection=net method=psk proposal=" IKE " cky-i=0102030405060708 "
               "cky-r=0000000000000000 sa-body=" SA " ke-peer=%s nonce-peer=" NONCE, ke);
    side_free(other);
}

/* F6 is the schema's: 8 to 256 bytes; here the ends of it work. */
static void f6_nonce_lengths(void **state)
{
    struct scene *e = *state;
    char nonce[513];
    struct record r;
    for (size_t len = 8; len <= 256; len += 248) {
        memset(nonce, 'a', 2 * len);
        nonce[2 * len] = '\0';
        side_good(e->r, "keys id=1 exchange=7 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=%s",
                  e->ke_i, nonce);
        side_say(e->r, "forget exchange=7");
        scene_announce(e->r, 7, "responder", "10.9.0.2", "10.9.0.1");
    }
    for (size_t len = 7; len <= 257; len += 250) {
        char line[2000];
        int at = snprintf(line, sizeof line, "keys id=1 exchange=7 connection=net method=psk " KEYS
                          " ke-peer=aa nonce-peer=");
        memset(line + at, 'a', 2 * len);
        assert_non_null(record_parse(&r, line, (size_t)at + 2 * len, N_S, NULL));
    }
}

static void f8_hashes(void **state)
{
    static const int lengths[] = { 1, 2, 8, 31 }; /* of the right one's bytes */
    struct scene *e = *state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        scene_make_keys(e);
        side_fails(e->r, "auth id=3 exchange=7 id-body=%s hash=%.*s", e->id, 2 * lengths[i], e->hash);
        assert_int_equal(record_number(&e->r->answer, K_NOTIFICATION), 24);
        scene_unauthenticated(e->r);
        scene_tear_down(state);
        scene_set_up(state);
        e = *state;
    }
    scene_make_keys(e);
    side_fails(e->r, "auth id=3 exchange=7 id-body=%s hash=%s00", e->id, e->hash);
    scene_tear_down(state);
    scene_set_up(state);
    e = *state;
    scene_make_keys(e);
    e->hash[63] = e->hash[63] == '0' ? '1' : '0';
    side_fails(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
    assert_true(side_why_has(e->r, "probably a wrong secret"));
    assert_true(side_why_has(e->r, "\"10.9.0.2\" and \"10.9.0.1\""));
    scene_unauthenticated(e->r);
}

static void wrong_secret(void **state)
{
    struct scene *e = *state;
    side_free(e->r);
    e->r = side_new("10.9.0.1 10.9.0.2 : PSK \"wrong horse\"\n");
    scene_announce(e->r, 7, "responder", "10.9.0.2", "10.9.0.1");
    scene_make_keys(e);
    side_fails(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
    assert_true(side_why_has(e->r, "probably a wrong secret"));
}

/* F11, CVE-2014-2338: after a refused proof not even the right one is taken. */
static void f11_no_second_proof(void **state)
{
    struct scene *e = *state;
    scene_make_keys(e);
    char last = e->hash[63];
    e->hash[63] = last == '0' ? '1' : '0';
    side_fails(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
    side_fails(e->r, "auth id=4 exchange=7 id-body=%s hash=%s", e->id, e->hash); /* the same again */
    e->hash[63] = last;
    side_bad(e->r, "auth id=5 exchange=7 id-body=%s hash=%s", e->id, e->hash);
    side_bad(e->r, "finish id=6 exchange=7");
    side_say(e->r, "announce-quick exchange=100 parent=7 role=responder esp=aes256gcm16 pfs=no");
    side_bad(e->r, "keymat id=7 exchange=100 protocol=esp proposal=aes256gcm16 spi-in=00002222 "
             "spi-out=00001111 nonce-peer=" NONCE);
    assert_int_equal(e->r->kernel.len, 0);
    scene_unauthenticated(e->r);
}

static void f15_no_secret(void **state)
{
    struct scene *e = *state;
    scene_announce(e->r, 8, "responder", "10.9.0.2", "10.9.0.77");
    side_fails(e->r, "keys id=1 exchange=8 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=" NONCE,
               e->ke_i);
    assert_string_equal(record_text(&e->r->answer, K_WHY),
                        "no preshared secret for \"10.9.0.2\" and \"10.9.0.77\" in ipsec.secrets: "
                        "add a line 10.9.0.2 10.9.0.77 : PSK \"...\"");
    assert_int_equal(record_number(&e->r->answer, K_CODE), 28);
    scene_announce(e->r, 9, "responder", "10.9.0.2", "%25any");
    side_fails(e->r, "keys id=1 exchange=9 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=" NONCE,
               e->ke_i);
    assert_true(side_why_has(e->r, "add a line 10.9.0.2 %any : PSK"));
}

/* We begin: it is said at once, before anything has come from the peer. */
static void f15_no_secret_to_begin_with(void **state)
{
    struct scene *e = *state;
    scene_announce(e->r, 8, "initiator", "10.9.0.2", "10.9.0.77");
    assert_true(side_take(e->r, &e->r->plutod, S_P));
    assert_int_equal(e->r->answer.verb, V_FAILED);
    assert_int_equal(record_number(&e->r->answer, K_EXCHANGE), 8);
    assert_int_equal(record_number(&e->r->answer, K_CODE), 28);
    assert_true(side_why_has(e->r, "no preshared secret for \"10.9.0.2\" and \"10.9.0.77\""));
    scene_announce(e->r, 8, "initiator", "10.9.0.2", "10.9.0.77");
    scene_announce(e->r, 9, "responder", "10.9.0.2", "10.9.0.77"); /* or another */
    scene_announce(e->r, 10, "initiator", "10.9.0.2", "10.9.0.1");
    assert_int_equal(e->r->plutod.len, 0);
}

static void f17_second_requests(void **state)
{
    struct scene *e = *state;
    scene_make_keys(e);
    side_good(e->r, "keys id=8 exchange=7 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=%s", e->ke_i,
              e->n_i); /* the same again */
    side_bad(e->r, "keys id=9 exchange=7 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=" NONCE,
             e->ke_i);
    side_bad(e->r, "keys id=9 exchange=7 connection=net method=psk proposal=" IKE " cky-i=0102030405060709 "
             "cky-r=1112131415161718 sa-body=" SA " ke-peer=%s nonce-peer=%s", e->ke_i, e->n_i);
    side_bad(e->i, "ke id=9 exchange=1 group=modp2048");
    /* what went before goes on */
    side_good(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
    side_bad(e->r, "auth id=3 exchange=7 id-body=%s hash=00", e->id);
    side_bad(e->r, "ke id=9 exchange=7 group=ecp256");
    /* once the peer has proved himself, SKEYID_a and SKEYID_e are not given out again */
    side_bad(e->r, "keys id=9 exchange=7 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=%s", e->ke_i,
             e->n_i);
}

static void f17_never_announced(void **state)
{
    struct scene *e = *state;
    side_fails(e->r, "keys id=1 exchange=99 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=" NONCE,
               e->ke_i);
    side_fails(e->r, "keymat id=1 exchange=99 protocol=esp proposal=aes256gcm16 spi-in=00002222 "
               "spi-out=00001111 nonce-peer=" NONCE);
    side_bad(e->r, "keys id=1 exchange=7 connection=other method=psk " KEYS " ke-peer=%s nonce-peer=" NONCE,
             e->ke_i);
    side_bad(e->r, "keys id=1 exchange=7 connection=net method=psk proposal=3des-md5-ecp256 " CKY " sa-body="
             SA " ke-peer=%s nonce-peer=" NONCE, e->ke_i);
    side_bad(e->r, "keys id=1 exchange=7 connection=net method=psk proposal=nonsense " CKY " sa-body=" SA
             " ke-peer=%s nonce-peer=" NONCE, e->ke_i);
    side_bad(e->i, "ke id=1 exchange=1 group=modp1024");
    side_bad(e->i, "ke id=1 exchange=1 group=nonsense");
    side_bad(e->r, "ke id=1 exchange=7 group=ecp256");  /* a responder */
    side_bad(e->r, "quick-ke id=1 exchange=7");         /* a Main Mode */
    side_bad(e->r, "auth id=3 exchange=7 id-body=010000000a090001 hash=00"); /* before keys */
}

/* Our own identity, or our own HASH, as the peer's. */
static void f17_reflection(void **state)
{
    struct scene *e = *state;
    scene_make_keys(e);
    side_fails(e->i, "auth id=4 exchange=1 id-body=%s hash=%s", e->id, e->hash);
    assert_true(side_why_has(e->i, "our own HASH"));
    scene_unauthenticated(e->i);
    /*
     * The negotiator plays both parts with one process: the same secret serves both. The initiator's
     * proof is right for the responder, but it is made out to us.
     */
    scene_announce(e->i, 3, "initiator", "10.9.0.1", "10.9.0.2");
    scene_announce(e->i, 4, "responder", "10.9.0.1", "10.9.0.2");
    side_good(e->i, "ke id=1 exchange=3 group=ecp256");
    char *ke = side_hex(e->i, K_KE);
    char *nonce = side_hex(e->i, K_NONCE);
    side_good(e->i, "keys id=1 exchange=4 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=%s", ke,
              nonce);
    ke = side_hex(e->i, K_KE);
    nonce = side_hex(e->i, K_NONCE);
    side_good(e->i, "keys id=2 exchange=3 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=%s", ke,
              nonce);
    char *id = side_hex(e->i, K_ID_BODY);
    char *hash = side_hex(e->i, K_HASH);
    side_fails(e->i, "auth id=3 exchange=4 id-body=%s hash=%s", id, hash);
    assert_true(side_why_has(e->i, "which is our own identity"));
    scene_unauthenticated(e->i);
}

/* F17, R2: an initiator never takes another identity than the one it was told. */
static void initiator_never_switches(void **state)
{
    struct scene *e = *state;
    side_free(e->r);
    e->r = side_new("@b 10.9.0.1 : PSK \"correct horse\"\n");
    scene_announce(e->r, 7, "responder", "@b", "10.9.0.1");
    scene_make_keys(e);
    side_good(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
    e->id_r = side_hex(e->r, K_ID_BODY);
    e->hash_r = side_hex(e->r, K_HASH);
    side_fails(e->i, "auth id=4 exchange=1 id-body=%s hash=%s", e->id_r, e->hash_r);
    assert_true(side_why_has(e->i, "identifies itself as \"@b\""));
    assert_true(side_why_has(e->i, "expects \"10.9.0.2\""));
    assert_int_equal(record_number(&e->i->answer, K_NOTIFICATION), 18);
    scene_unauthenticated(e->i);
}

static void wrong_identities(void **state)
{
    static const char *const bodies[] = { "00000000", "010000000a", "0400000000000000ffffffff",
        "0200000061000000", "ff0000000a090001" };
    struct scene *e = *state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        scene_make_keys(e);
        side_fails(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", bodies[i], e->hash);
        scene_unauthenticated(e->r);
        scene_tear_down(state);
        scene_set_up(state);
        e = *state;
    }
}

static void useless_announcements(void **state)
{
    static const char *const words[] = {
        "connection=a role=initiator methods=psk ike=nonsense our-id=@a peer-id=@b",
        "connection=a role=initiator methods=psk ike=" IKE " our-id=%25any peer-id=@b",
        "connection=a role=initiator methods=psk ike=" IKE " our-id=@a peer-id=%25any",
        "connection=a role=initiator methods=psk ike=" IKE " our-id=@a peer-id=@A",
    };
    struct scene *e = *state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        side_say(e->r, "announce exchange=50 %s", words[i]);
        assert_int_equal(secrets_exchanges(e->r->core), 1);
        assert_true(side_take(e->r, &e->r->plutod, S_P));
        assert_int_equal(e->r->answer.verb, V_LOG);
    }
    side_say(e->r, "announce-quick exchange=50 parent=7 role=initiator esp=nonsense pfs=no");
    side_say(e->r, "announce-quick exchange=50 parent=7 role=initiator esp=aes128-sha1 pfs=nothing");
    assert_int_equal(secrets_exchanges(e->r->core), 1);
    /* the same number for something else: the first one stays */
    side_say(e->r, "announce-quick exchange=7 parent=1 role=initiator esp=aes128-sha1 pfs=no");
    scene_announce(e->r, 7, "initiator", "10.9.0.2", "10.9.0.1");
    scene_make_keys(e);
}

/* ---- bounds ---- */

static void refusals_are_bounded(void **state)
{
    struct scene *e = *state;
    for (int i = 0; i < 16; i++) {
        side_fails(e->r, "keys id=1 exchange=7 connection=net method=psk " KEYS " ke-peer=02 nonce-peer="
                   NONCE);
    }
    side_bad(e->r, "keys id=1 exchange=7 connection=net method=psk " KEYS " ke-peer=02 nonce-peer=" NONCE);
}

static void half_open_is_bounded(void **state)
{
    struct scene *e = *state;
    for (unsigned n = 1000; n < 1000 + 3 * HALF_OPEN_MAX; n++) {
        scene_announce(e->r, n, "responder", "10.9.0.2", "10.9.0.1");
    }
    size_t most = secrets_exchanges(e->r->core);
    assert_in_range(most, HALF_OPEN_MAX, 2 * HALF_OPEN_MAX);
    assert_true(e->r->plutod.len < 10000); /* it was said, but not a thousand times */
    assert_int_not_equal(e->r->plutod.len, 0);
    scene_make_keys(e); /* the others go on */
    side_good(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
    scene_announce(e->r, 5, "responder", "10.9.0.2", "10.9.0.1");
    assert_int_equal(secrets_exchanges(e->r->core), most + 1);
}

/* F17: refused a thousand times, said some twenty times, and the rest is counted. */
static void log_is_limited(void **state)
{
    struct scene *e = *state;
    unsigned lines = 0;
    e->r->now = 5000;
    for (int i = 0; i < 1000; i++) {
        side_bad(e->r, "finish id=1 exchange=7");
    }
    while (side_take(e->r, &e->r->plutod, S_P)) {
        lines++;
    }
    assert_in_range(lines, 1, 30);
    e->r->now += 60000;
    side_bad(e->r, "finish id=1 exchange=7");
    assert_true(side_take(e->r, &e->r->plutod, S_P));
    assert_non_null(strstr(record_text(&e->r->answer, K_TEXT), "(980 like this were not logged)"));
}

/* Whoever has peers send large offers, or says that they did, has so much memory for them and no more. */
static void f17_sa_payloads_are_bounded(void **state)
{
    struct scene *e = *state;
    static char body[2 * SA_BODY_MAX + 1];
    const unsigned most = 2 * HALF_OPEN_BYTES / SA_BODY_MAX;
    memset(body, 'a', sizeof body - 1);
    for (unsigned n = 100; n < 100 + most + 2; n++) {
        scene_announce(e->r, n, "responder", "10.9.0.2", "10.9.0.1");
    }
#define LARGE "keys id=1 exchange=%u connection=net method=psk proposal=" IKE " " CKY " sa-body=%s ke-peer=%s nonce-peer=%s"
    for (unsigned n = 100; n < 100 + most; n++) {
        side_good(e->r, LARGE, n, body, e->ke_i, e->n_i);
    }
    side_fails(e->r, LARGE, 100 + most, body, e->ke_i, e->n_i);
    assert_true(side_why_has(e->r, "the SA payloads of unfinished Main Modes"));
    side_say(e->r, "forget exchange=100");
    side_good(e->r, LARGE, 100 + most, body, e->ke_i, e->n_i);
    side_fails(e->r, LARGE, 100 + most + 1, body, e->ke_i, e->n_i);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(f5_public_values), TEST(reflected_values), TEST(f6_nonce_lengths), TEST(f8_hashes),
        TEST(wrong_secret), TEST(f17_sa_payloads_are_bounded), TEST(f11_no_second_proof), TEST(f15_no_secret),
        TEST(f15_no_secret_to_begin_with), TEST(f17_second_requests), TEST(f17_never_announced),
        TEST(f17_reflection), TEST(initiator_never_switches), TEST(wrong_identities),
        TEST(useless_announcements), TEST(refusals_are_bounded), TEST(half_open_is_bounded),
        TEST(log_is_limited),
    };
    return cmocka_run_group_tests(tests, side_dh_set_up, side_dh_tear_down);
}
