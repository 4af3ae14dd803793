/* Two cores negotiate with each other, in every group and with every hash: the same keys. */
#include "secrets_side.h"

#include <stdio.h>

#define SA "0000000100000001aabbccdd"
#define CKY "cky-i=0102030405060708 cky-r=1112131415161718"

struct pair {
    struct side *i;
    struct side *r;
    /* of the last negotiation */
    char *skeyid_a[2];
    char *skeyid_e[2];
};

static const char pair_secrets[] = "10.9.0.1 10.9.0.2 : PSK \"correct horse\"\n";

static void pair_announce(struct pair *p, const char *ike)
{
    side_say(p->i, "announce exchange=1 connection=net role=initiator methods=psk ike=%s "
             "our-id=10.9.0.1 peer-id=10.9.0.2", ike);
    side_say(p->r, "announce exchange=7 connection=net role=responder methods=psk ike=%s "
             "our-id=10.9.0.2 peer-id=10.9.0.1", ike);
}

/* Main Mode up to the keys. *id and *hash: the initiator's proof. */
static void pair_keys(struct pair *p, const char *suite, const char *group, char **id, char **hash)
{
    side_good(p->i, "ke id=1 exchange=1 group=%s", group);
    char *ke_i = side_hex(p->i, K_KE);
    char *n_i = side_hex(p->i, K_NONCE);
    side_good(p->r, "keys id=1 exchange=7 connection=net method=psk proposal=%s " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", suite, ke_i, n_i);
    char *ke_r = side_hex(p->r, K_KE);
    char *n_r = side_hex(p->r, K_NONCE);
    p->skeyid_a[1] = side_hex(p->r, K_SKEYID_A);
    p->skeyid_e[1] = side_hex(p->r, K_SKEYID_E);
    assert_false(record_has(&p->r->answer, K_HASH)); /* before the peer has proved itself */
    side_good(p->i, "keys id=2 exchange=1 connection=net method=psk proposal=%s " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", suite, ke_r, n_r);
    p->skeyid_a[0] = side_hex(p->i, K_SKEYID_A);
    p->skeyid_e[0] = side_hex(p->i, K_SKEYID_E);
    *id = side_hex(p->i, K_ID_BODY);
    *hash = side_hex(p->i, K_HASH);
}

static void said_authenticated(struct side *s, const char *exchange, const char *peer, bool matched)
{
    char number[24];
    while (side_take(s, &s->plutod, S_P)) {
        if (s->answer.verb == V_AUTHENTICATED) {
            snprintf(number, sizeof number, "%llu",
                     (unsigned long long)record_number(&s->answer, K_EXCHANGE));
            assert_string_equal(number, exchange);
            assert_string_equal(record_text(&s->answer, K_PEER_NAME), peer);
            assert_string_equal(record_text(&s->answer, K_CONNECTION), "net");
            assert_int_equal(record_yes(&s->answer, K_MATCHED), matched);
            return;
        }
    }
    fail_msg("no record `authenticated`");
}

static void pair_main_mode(struct pair *p, const char *suite, const char *group)
{
    char *id;
    char *hash;
    pair_keys(p, suite, group, &id, &hash);
    assert_string_equal(p->skeyid_a[0], p->skeyid_a[1]);
    assert_string_equal(p->skeyid_e[0], p->skeyid_e[1]);
    assert_string_not_equal(p->skeyid_a[0], p->skeyid_e[0]);
    assert_string_equal(id, "010000000a090001");
    side_good(p->r, "auth id=2 exchange=7 id-body=%s hash=%s", id, hash);
    assert_true(record_yes(&p->r->answer, K_MATCHED));
    char *id_r = side_hex(p->r, K_ID_BODY);
    char *hash_r = side_hex(p->r, K_HASH);
    assert_string_equal(id_r, "010000000a090002");
    said_authenticated(p->r, "7", "10.9.0.1", true);
    assert_string_equal(record_text(&p->r->answer, K_PROPOSAL), suite);
    side_good(p->i, "auth id=3 exchange=1 id-body=%s hash=%s", id_r, hash_r);
    assert_true(record_yes(&p->i->answer, K_MATCHED));
    assert_false(record_has(&p->i->answer, K_HASH));
    said_authenticated(p->i, "1", "10.9.0.2", true);
}

/* One side's sa-keys as text, with the directions as the initiator sees them. */
static void keys_text(struct side *s, bool initiator, char *text, size_t size)
{
    assert_true(side_take(s, &s->kernel, S_K));
    assert_int_equal(s->answer.verb, V_SA_KEYS);
    bool auth = record_has(&s->answer, K_AUTH_IN);
    char *in = side_hex(s, K_KEY_IN);
    char *out = side_hex(s, K_KEY_OUT);
    const char *auth_in = auth ? side_hex(s, K_AUTH_IN) : "";
    const char *auth_out = auth ? side_hex(s, K_AUTH_OUT) : "";
    assert_string_not_equal(in, out);
    snprintf(text, size, "%s %s %s %s %s", record_text(&s->answer, K_PROPOSAL),
             initiator ? in : out, initiator ? out : in, initiator ? auth_in : auth_out,
             initiator ? auth_out : auth_in);
}

static void pair_quick_mode(struct pair *p, unsigned number, const char *esp, const char *group)
{
    char group_field[40] = "";
    char texts[2][1000];
    bool pfs = strcmp(group, "no") != 0;
    if (pfs) {
        snprintf(group_field, sizeof group_field, " group=%s", group);
    }
    side_say(p->i, "announce-quick exchange=%u parent=1 role=initiator esp=%s pfs=%s", number, esp,
             group);
    side_say(p->r, "announce-quick exchange=%u parent=7 role=responder esp=%s pfs=%s", number, esp,
             group);
    side_good(p->i, "quick-ke id=10 exchange=%u%s", number, group_field);
    char *n_i = side_hex(p->i, K_NONCE);
    char *ke_i = pfs ? side_hex(p->i, K_KE) : NULL;
    side_good(p->r, "keymat id=11 exchange=%u protocol=esp proposal=%s spi-in=00002222 "
              "spi-out=00001111 nonce-peer=%s%s%s%s", number, esp, n_i, group_field,
              pfs ? " ke-peer=" : "", pfs ? ke_i : "");
    char *n_r = side_hex(p->r, K_NONCE);
    char *ke_r = pfs ? side_hex(p->r, K_KE) : NULL;
    side_good(p->i, "keymat id=12 exchange=%u protocol=esp proposal=%s spi-in=00001111 "
              "spi-out=00002222 nonce-peer=%s%s%s%s", number, esp, n_r, group_field,
              pfs ? " ke-peer=" : "", pfs ? ke_r : "");
    assert_false(record_has(&p->i->answer, K_NONCE));
    keys_text(p->i, true, texts[0], sizeof texts[0]);
    keys_text(p->r, false, texts[1], sizeof texts[1]);
    assert_string_equal(texts[0], texts[1]);
}

static int set_up(void **state)
{
    struct pair *p = calloc(1, sizeof *p);
    if (p == NULL) {
        abort();
    }
    p->i = side_new(pair_secrets);
    p->r = side_new(pair_secrets);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *p = *state;
    side_free(p->i);
    side_free(p->r);
    free(p);
    return 0;
}

static void every_group_and_hash(void **state)
{
    struct pair *p = *state;
    char suite[SUITE_TEXT];
    for (unsigned g = 0; g < GROUP_COUNT; g++) {
        const char *group = group_get((enum group_id)g)->word;
        for (unsigned h = 0; h < HASH_COUNT; h++) {
            if (hash_get((enum hash_id)h)->ike_number == 0) {
                continue;
            }
            snprintf(suite, sizeof suite, "aes128-%s-%s", hash_get((enum hash_id)h)->word, group);
            pair_announce(p, suite);
            pair_main_mode(p, suite, group);
            pair_quick_mode(p, 100, "aes256-sha2_512", h % 2 == 0 ? group : "no");
            side_say(p->i, "forget exchange=1");
            side_say(p->r, "forget exchange=7");
            side_say(p->i, "forget exchange=100");
            side_say(p->r, "forget exchange=100");
            assert_int_equal(secrets_exchanges(p->i->core), 0);
            assert_int_equal(secrets_exchanges(p->r->core), 0);
                }
    }
}

static void every_esp_suite(void **state)
{
    static const char *const suites[] = { "aes128gcm16", "aes192gcm16", "aes256gcm16", "3des-md5",
        "3des-sha1", "aes128-sha1", "aes192-sha2_256", "aes128-sha2_256_96", "aes256-sha2_384", "aes256-sha2_512" };
    struct pair *p = *state;
    pair_announce(p, "aes256-sha2_256-ecp256");
    pair_main_mode(p, "aes256-sha2_256-ecp256", "ecp256");
    for (unsigned i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        struct esp_suite suite;
        assert_null(esp_suite_parse(&suite, suites[i]));
        pair_quick_mode(p, 100 + i, suites[i], i % 2 == 0 ? "no" : "curve25519");
        size_t len;
        (void)record_bytes(&p->r->answer, K_KEY_IN, &len);
        assert_int_equal(len, suite.cipher->key_len + suite.cipher->salt_len);
        assert_int_equal(record_has(&p->r->answer, K_AUTH_IN), suite.hash != NULL);
        if (suite.hash != NULL) {
            (void)record_bytes(&p->r->answer, K_AUTH_OUT, &len);
            assert_int_equal(len, suite.hash->len);
        }
    }
}

/* The peer picks another group than the one drawn ahead. */
static void another_group(void **state)
{
    struct pair *p = *state;
    pair_announce(p, "aes256-sha2_256-ecp256,aes256-sha2_256-curve25519");
    side_good(p->i, "ke id=1 exchange=1 group=ecp256");
    pair_main_mode(p, "aes256-sha2_256-curve25519", "curve25519");
}

static void same_again_same_answer(void **state)
{
    struct pair *p = *state;
    struct buffer first;
    char *id;
    char *hash;
    buffer_init(&first, 0);
    pair_announce(p, "aes256-sha2_256-ecp256");
    pair_announce(p, "aes256-sha2_256-ecp256");
    side_say(p->i, "ke id=5 exchange=1 group=ecp256");
    buffer_add(&first, p->i->negotiator.data, p->i->negotiator.len);
    buffer_truncate(&p->i->negotiator, 0);
    side_say(p->i, "ke id=9 exchange=1 group=ecp256");
    assert_memory_equal(first.data, "ok id=5", 7);
    assert_memory_equal(p->i->negotiator.data, "ok id=9", 7);
    assert_int_equal(first.len, p->i->negotiator.len);
    assert_memory_equal(first.data + 7, p->i->negotiator.data + 7, first.len - 7);
    buffer_truncate(&p->i->negotiator, 0);
    pair_keys(p, "aes256-sha2_256-ecp256", "ecp256", &id, &hash);
    for (int i = 0; i < 3; i++) {
        side_good(p->r, "auth id=%d exchange=7 id-body=%s hash=%s", 30 + i, id, hash);
        assert_int_equal(record_number(&p->r->answer, K_ID), 30 + i);
    }
    said_authenticated(p->r, "7", "10.9.0.1", true);
    assert_int_equal(p->r->plutod.len, 0); /* once */
    buffer_wipe(&first);
}

/* R4: an announced %any is proved by whoever knows the secret, and plutod has to agree. */
static void identity_not_announced(void **state)
{
    struct pair *p = *state;
    char *id;
    char *hash;
    side_free(p->r);
    p->r = side_new("10.9.0.2 %any : PSK \"correct horse\"\n"
                    "10.9.0.2 10.9.0.1 : PSK \"correct horse\"\n"
                    "10.9.0.2 @other : PSK \"another\"\n");
    side_say(p->i, "announce exchange=1 connection=net role=initiator methods=psk "
             "ike=aes256-sha2_256-ecp256 our-id=10.9.0.1 peer-id=10.9.0.2");
    side_say(p->r, "announce exchange=7 connection=net role=responder methods=psk "
             "ike=aes256-sha2_256-ecp256 our-id=10.9.0.2 peer-id=%%25any");
    pair_keys(p, "aes256-sha2_256-ecp256", "ecp256", &id, &hash);
    side_say(p->r, "announce-quick exchange=100 parent=7 role=responder esp=aes256gcm16 pfs=no");
    side_good(p->r, "auth id=2 exchange=7 id-body=%s hash=%s", id, hash);
    assert_false(record_yes(&p->r->answer, K_MATCHED));
    assert_false(record_has(&p->r->answer, K_HASH));
    said_authenticated(p->r, "7", "10.9.0.1", false);
    side_bad(p->r, "keymat id=3 exchange=100 protocol=esp proposal=aes256gcm16 spi-in=00002222 "
             "spi-out=00001111 nonce-peer=%s", "00112233445566778899");
    side_bad(p->r, "finish id=4 exchange=7");
    /* refused: another identity than the proved one; another secret; our own identity */
    static const char *const refused[] = { "our-id=10.9.0.2 peer-id=@other",
        "our-id=10.9.0.1 peer-id=10.9.0.1", "our-id=@nobody peer-id=10.9.0.1" };
    for (size_t i = 0; i < 3; i++) {
        side_say(p->r, "accept id=%zu exchange=7 connection=other %s", i + 1, refused[i]);
        assert_true(side_take(p->r, &p->r->plutod, S_P));
        while (p->r->answer.verb == V_LOG) {
            assert_true(side_take(p->r, &p->r->plutod, S_P));
        }
        assert_int_equal(p->r->answer.verb, V_FAIL);
        side_bad(p->r, "finish id=5 exchange=7");
    }
    /* another entry with the same secret will do [R2] */
    buffer_truncate(&p->r->plutod, 0);
    side_say(p->r, "accept id=9 exchange=7 connection=net[1] our-id=10.9.0.2 peer-id=10.9.0.1");
    assert_true(side_take(p->r, &p->r->plutod, S_P));
    assert_int_equal(p->r->answer.verb, V_OK);
    side_good(p->r, "finish id=6 exchange=7");
    char *id_r = side_hex(p->r, K_ID_BODY);
    char *hash_r = side_hex(p->r, K_HASH);
    side_good(p->r, "finish id=7 exchange=7");
    side_good(p->i, "auth id=3 exchange=1 id-body=%s hash=%s", id_r, hash_r);
    said_authenticated(p->i, "1", "10.9.0.2", true);
    pair_quick_mode(p, 101, "aes256gcm16", "no");
}

/* Asked for as %any, an entry of either kind will do; of an address, only one of its kind. It is said which. */
static void another_kind_of_any(void **state)
{
    static const struct {
        const char *secrets;
        const char *peer;
        const char *said;
    } kinds[] = {
        { "@gate %any : PSK \"correct horse\"\n@gate 2001:db8::1 : PSK \"correct horse\"\n",
          "2001:db8::1", NULL },
        { "@gate %any : PSK \"correct horse\"\n", "2001:db8::1", "%any stands for no IPv6 address: %any6 does" },
        { "@gate %any6 : PSK \"correct horse\"\n", "10.9.0.1", "%any6 stands for no IPv4 address: %any does" },
        { "@gate %any6 : PSK \"correct horse\"\n", "2001:db8::1", NULL },
    };
    struct pair *p = *state;
    char entry[100];
    char *id;
    char *hash;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        side_free(p->i);
        side_free(p->r);
        snprintf(entry, sizeof entry, "%s @gate : PSK \"correct horse\"\n", kinds[i].peer);
        p->i = side_new(entry);
        p->r = side_new(kinds[i].secrets);
        side_say(p->i, "announce exchange=1 connection=net role=initiator methods=psk "
                 "ike=aes256-sha2_256-ecp256 our-id=%s peer-id=@gate", kinds[i].peer);
        side_say(p->r, "announce exchange=7 connection=net role=responder methods=psk "
                 "ike=aes256-sha2_256-ecp256 our-id=@gate peer-id=%%25any");
        pair_keys(p, "aes256-sha2_256-ecp256", "ecp256", &id, &hash);
        side_good(p->r, "auth id=2 exchange=7 id-body=%s hash=%s", id, hash);
        said_authenticated(p->r, "7", kinds[i].peer, false);
        side_say(p->r, "accept id=3 exchange=7 connection=net our-id=@gate peer-id=%s", kinds[i].peer);
        assert_true(side_take(p->r, &p->r->plutod, S_P));
        assert_int_equal(p->r->answer.verb, kinds[i].said == NULL ? V_OK : V_FAIL);
        assert_true(kinds[i].said == NULL || side_why_has(p->r, kinds[i].said));
    }
}

/* [W12] whack --explain asks which line it would be; that tells nothing of what stands there. */
static void which_secret(void **state)
{
    struct pair *p = *state;
    side_free(p->r);
    p->r = side_new("10.9.0.2 %any : PSK \"correct horse\"\n10.9.0.2 @other : PSK \"another\"\n");
    static const char *const asked[] = { "%25any", "@other", "@new" };
    static const char *const line[] = { ":1", ":2", ":1" };
    for (size_t i = 0; i < 3; i++) {
        side_say(p->r, "secret id=%zu method=psk our-id=10.9.0.2 peer-id=%s", i + 1, asked[i]);
        assert_true(side_take(p->r, &p->r->plutod, S_P));
        assert_int_equal(p->r->answer.verb, V_OK);
        assert_non_null(strstr(record_text(&p->r->answer, K_FOUND), line[i]));
        assert_null(strstr(record_text(&p->r->answer, K_FOUND), "correct"));
    }
    side_say(p->r, "secret id=9 method=psk our-id=@nobody peer-id=@other");
    assert_true(side_take(p->r, &p->r->plutod, S_P));
    assert_int_equal(p->r->answer.verb, V_FAIL);
    assert_non_null(strstr(record_text(&p->r->answer, K_WHY), "add a line @nobody @other : PSK"));
}

/* One connection for whoever has its secret: plutod need not be asked, unless the identity has another. */
static void whoever_has_the_secret(void **state)
{
    static const char *const secrets[] = {
        "10.9.0.2 %any : PSK \"correct horse\"\n",
        "10.9.0.2 %any : PSK \"correct horse\"\n10.9.0.2 10.9.0.1 : PSK \"another\"\n",
    };
    struct pair *p = *state;
    char *id;
    char *hash;
    for (unsigned other = 0; other < 2; other++) {
        side_free(p->r);
        p->r = side_new(secrets[other]);
        side_say(p->i, "forget exchange=1");
        side_say(p->i, "announce exchange=1 connection=net role=initiator methods=psk "
                 "ike=aes256-sha2_256-ecp256 our-id=10.9.0.1 peer-id=10.9.0.2");
        side_say(p->r, "announce exchange=7 connection=net role=responder methods=psk "
                 "ike=aes256-sha2_256-ecp256 our-id=10.9.0.2 peer-id=%%25any whoever=yes");
        pair_keys(p, "aes256-sha2_256-ecp256", "ecp256", &id, &hash);
        side_good(p->r, "auth id=2 exchange=7 id-body=%s hash=%s", id, hash);
        assert_int_equal(record_yes(&p->r->answer, K_MATCHED), other == 0);
        assert_int_equal(record_has(&p->r->answer, K_HASH), other == 0);
        said_authenticated(p->r, "7", "10.9.0.1", other == 0);
    }
}

/* Keys are kept until kernel-sa has them. */
static void keys_are_sent_again(void **state)
{
    struct pair *p = *state;
    struct buffer sent;
    buffer_init(&sent, 0);
    pair_announce(p, "aes256-sha2_256-ecp256");
    pair_main_mode(p, "aes256-sha2_256-ecp256", "ecp256");
    p->r->no_kernel = true;
    side_say(p->r, "announce-quick exchange=100 parent=7 role=responder esp=aes256gcm16 pfs=no");
    side_say(p->r, "announce-quick exchange=101 parent=7 role=responder esp=aes256gcm16 pfs=no");
    for (int i = 100; i < 102; i++) {
        side_good(p->r, "keymat id=3 exchange=%d protocol=esp proposal=aes256gcm16 "
                  "spi-in=00002222 spi-out=00001111 nonce-peer=00112233445566%d", i, i % 100 + 10);
    }
    assert_int_equal(p->r->kernel.len, 0);
    p->r->no_kernel = false;
    struct core_out out = side_out(p->r);
    secrets_kernel_again(p->r->core, &out);
    buffer_add(&sent, p->r->kernel.data, p->r->kernel.len);
    assert_true(side_take(p->r, &p->r->kernel, S_K));
    assert_int_equal(record_number(&p->r->answer, K_EXCHANGE), 100);
    uint64_t id = record_number(&p->r->answer, K_ID);
    assert_true(side_take(p->r, &p->r->kernel, S_K));
    assert_int_equal(record_number(&p->r->answer, K_EXCHANGE), 101);
    secrets_kernel_again(p->r->core, &out);
    assert_int_equal(p->r->kernel.len, sent.len);
    assert_memory_equal(p->r->kernel.data, sent.data, sent.len);
    buffer_truncate(&p->r->kernel, 0);
    side_say(p->r, "ok id=%llu re=sa-keys", (unsigned long long)id);
    secrets_kernel_again(p->r->core, &out);
    assert_true(side_take(p->r, &p->r->kernel, S_K));
    assert_int_equal(record_number(&p->r->answer, K_EXCHANGE), 101);
    assert_false(side_take(p->r, &p->r->kernel, S_K));
    side_say(p->r, "ok id=77 re=sa-keys"); /* no such request: nothing */
    side_say(p->r, "forget exchange=101");
    secrets_kernel_again(p->r->core, &out);
    assert_int_equal(p->r->kernel.len, 0);
    buffer_wipe(&sent);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_group_and_hash), TEST(every_esp_suite), TEST(another_group),
        TEST(same_again_same_answer), TEST(identity_not_announced), TEST(another_kind_of_any),
        TEST(same_again_same_answer), TEST(identity_not_announced), TEST(which_secret),
        TEST(keys_are_sent_again),
        TEST(whoever_has_the_secret),
    };
    return cmocka_run_group_tests(tests, side_dh_set_up, side_dh_tear_down);
}
