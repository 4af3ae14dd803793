/* [W7] public keys: what whack is told of them, how many there may be, and how --status lists them. */
#include "test_plutod_world.h"

#include "plutod/public_keys.h"

#include <jansson.h>

#define KEY_HEX (2 * RSA_PUBLIC_MAX + 1)

/* A key of so many bits, a multiple of 8, which differs from others by its number; exponent 3. */
static const char *key(unsigned number, unsigned bits, char out[KEY_HEX])
{
    size_t at = (size_t)snprintf(out, KEY_HEX, "0103c0%08x", number);
    while (at + 2 < 4 + bits / 4) {
        at += (size_t)snprintf(out + at, KEY_HEX - at, "ee");
    }
    snprintf(out + at, KEY_HEX - at, "01");
    return out;
}

static void give(struct world *w, const char *id, unsigned number, const char *more)
{
    char hex[KEY_HEX];
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-key keyid=%s pubkeyrsa=%s%s", id, key(number, 1024, hex), more));
}

static unsigned count(struct world *w, const char *id)
{
    struct identity who;
    unsigned n = 0;
    assert_null(identity_parse(&who, id));
    for (const struct public_key *p = public_keys_of(&w->k, &who); p != NULL; p = p->next) {
        n++;
    }
    return n;
}

static void test_add_and_replace(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    give(w, "@east", 1, "");
    assert_true(has(&w->said, "002 added public key of @east: RSA, 1024 bits, fingerprint "));
    assert_true(has(&w->log, "added public key of @east: RSA, 1024 bits, fingerprint "));
    give(w, "@east", 2, " addkey=yes");
    assert_int_equal(count(w, "@east"), 2);
    give(w, "@EAST", 3, " addkey=yes"); /* the same identity */
    assert_int_equal(count(w, "@east"), 3);
    give(w, "@west", 1, "");
    assert_int_equal(count(w, "@west"), 1);
    assert_int_equal(count(w, "@east"), 3);
    give(w, "@east", 4, "");
    assert_true(has(&w->said, ", in place of 3 that it had\n"));
    assert_int_equal(count(w, "@east"), 1);
    assert_int_equal(count(w, "@west"), 1);
    assert_int_equal(count(w, "@nobody"), 0);
    world_free(w);
}

static void test_the_same_twice(void **state)
{
    struct world *w = world_new("10.9.0.1");
    char hex[KEY_HEX];
    (void)state;
    w->k.wall = 1000;
    give(w, "10.9.0.2", 1, "");
    w->k.wall = 2000;
    give(w, "10.9.0.2", 1, " addkey=yes");
    assert_true(has(&w->said, "002 10.9.0.2 has this public key already (fingerprint ") && !has(&w->said, "others are gone"));
    assert_int_equal(count(w, "10.9.0.2"), 1);
    /* with zeros that mean nothing, and its exponent's length in three bytes */
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-key keyid=10.9.0.2 pubkeyrsa=0000020003" "0000%s", key(1, 1024, hex) + 4));
    assert_true(has(&w->said, "has this public key already"));
    give(w, "10.9.0.2", 2, " addkey=yes");
    give(w, "10.9.0.2", 1, "");
    assert_true(has(&w->said, "has this public key already") && has(&w->said, "; 1 others are gone\n"));
    assert_int_equal(count(w, "10.9.0.2"), 1);
    assert_int_equal(public_keys_first(&w->k)->since, 1000);
    world_free(w);
}

static void test_no_more_than_eight(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    for (unsigned i = 0; i < PUBLIC_KEYS_OF_ID; i++) {
        give(w, "@east", i, " addkey=yes");
    }
    give(w, "@east", 99, " addkey=yes");
    assert_true(has(&w->said, "032 --keyid @east --addkey: it has 8 public keys already"));
    assert_int_equal(count(w, "@east"), 8);
    give(w, "@east", 7, " addkey=yes");
    assert_true(has(&w->said, "has this public key already"));
    unsigned number = 0; /* in order of adding: each is tried in turn */
    for (const struct public_key *p = public_keys_first(&w->k); p != NULL; p = public_keys_after(p)) {
        assert_int_equal(p->bytes[6], number++);
    }
    give(w, "@east", 99, "");
    assert_int_equal(count(w, "@east"), 1);
    for (unsigned i = 1; i < PUBLIC_KEYS_OF_ID; i++) { /* those that went do not count */
        give(w, "@east", i, " addkey=yes");
    }
    assert_int_equal(count(w, "@east"), 8);
    world_free(w);
}

/* A key that is another one's beginning is not the same, whichever was there first. */
static void w7_the_beginning_of_another(void **state)
{
    static const char *const ids[] = { "@east", "@west" };
    char hex[KEY_HEX];
    (void)state;
    for (unsigned first = 0; first < 2; first++) {
        struct world *w = world_new("10.9.0.1");
        for (unsigned i = 0; i < 2; i++) {
            buffer_wipe(&w->said);
            assert_null(feed(w, W_P, "whack-key keyid=%s addkey=yes pubkeyrsa=%s%s", ids[first],
                             key(1, 1024, hex), i == first ? "" : "ee01"));
            assert_true(has(&w->said, "002 added public key"));
        }
        assert_int_equal(count(w, ids[first]), 2);
        world_free(w);
    }
}

static void test_no_more_than_memory(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    give(w, "@east", 1, "");
    size_t one = w->k.public_key_bytes;
    w->k.public_key_bytes += PUBLIC_KEYS_BYTES - 2 * one;
    give(w, "@west", 1, "");
    assert_true(has(&w->said, "002 added"));
    give(w, "@near", 1, "");
    assert_true(has(&w->said, "032 --keyid @near: no memory for another public key"));
    assert_int_equal(count(w, "@near"), 0);
    give(w, "@west", 1, "");
    assert_true(has(&w->said, "002 @west has this public key already"));
    w->k.public_key_bytes -= PUBLIC_KEYS_BYTES - 2 * one;
    public_keys_free_all(&w->k);
    assert_int_equal(w->k.public_key_bytes, 0);
    world_free(w);
}

static void test_refused(void **state)
{
    struct world *w = world_new("10.9.0.1");
    char hex[KEY_HEX];
    (void)state;
    assert_null(feed(w, W_P, "whack-key keyid=%%25any pubkeyrsa=%s", key(1, 1024, hex)));
    assert_true(has(&w->said, "030 --keyid %any: this is nobody\n"));
    assert_null(feed(w, W_P, "whack-key keyid=@east pubkeyrsa=%s", key(1, 504, hex)));
    assert_true(has(&w->said, "030 --keyid @east: the modulus of the RSA key has not 512 to 8192 bits\n"));
    give(w, "@east", 1, "");
    assert_null(feed(w, W_P, "whack-key keyid=@east"));
    assert_true(has(&w->said, "028 --keyid @east: fetching its key from DNS is not supported yet, so nothing is changed"));
    assert_null(feed(w, W_P, "whack-key keyid=@east addkey=yes"));
    assert_int_equal(count(w, "@east"), 1);
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-key keyid=@east pubkeyrsa=%s", key(1, 1016, hex)));
    assert_true(has(&w->said, "002 added public key of @east: RSA, 1016 bits"));
    assert_true(has(&w->said, "003 the public key of @east has only 1016 bits"));
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-key keyid=@east pubkeyrsa=%s", key(1, 8192, hex)));
    assert_true(has(&w->said, "RSA, 8192 bits") && !has(&w->said, "003"));
    world_free(w);
}

static void test_status(void **state)
{
    struct world *w = world_new("10.9.0.1");
    json_error_t error;
    (void)state;
    w->k.wall = 1764362096;
    give(w, "@east", 1, "");
    give(w, "@east", 2, " addkey=yes");
    give(w, "10.9.0.2", 3, "");
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status"));
    assert_true(has(&w->said, "000 public key of @east: RSA, 1024 bits, fingerprint "));
    assert_true(has(&w->said, "000 public key of 10.9.0.2: RSA, 1024 bits, fingerprint "));
    assert_true(has(&w->said, ", from whack\n"));
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status json=yes"));
    json_t *json = json_loadb((const char *)w->said.data, w->said.len, JSON_REJECT_DUPLICATES, &error);
    const json_t *keys = json_object_get(json, "public_keys");
    assert_int_equal(json_array_size(keys), 3);
    const json_t *last = json_array_get(keys, 2);
    assert_string_equal(json_string_value(json_object_get(last, "id")), "@east");
    assert_string_equal(json_string_value(json_object_get(last, "since")), "2025-11-28T20:34:56Z");
    assert_string_equal(json_string_value(json_object_get(last, "from")), "whack");
    assert_int_equal(json_integer_value(json_object_get(last, "bits")), 1024);
    assert_int_equal(strlen(json_string_value(json_object_get(last, "fingerprint"))), 64);
    json_decref(json);
    world_free(w);
}

/* A key that is to be shown next goes while a slow whack has not taken what was before it. */
static void test_status_while_keys_go(void **state)
{
    struct world *w = world_new("10.9.0.1");
    json_error_t error;
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        give(w, "@east", i, " addkey=yes");
    }
    give(w, "@further", 9, "");
    buffer_wipe(&w->said);
    status_begin(&w->k, CLIENT, true);
    while (!has(&w->said, "fingerprint")) { /* up to the first */
        assert_int_equal(status_more(&w->k, CLIENT), STATUS_SAID);
    }
    char hex[KEY_HEX];
    struct rsa_public rsa;
    struct identity east;
    uint8_t bytes[RSA_PUBLIC_MAX];
    const struct public_key *there;
    unsigned gone;
    char text[KEY_HEX + 2];
    snprintf(text, sizeof text, "0x%s", key(0, 1024, hex));
    assert_null(rsa_public_from_text(&rsa, bytes, text));
    assert_null(identity_parse(&east, "@east"));
    assert_int_equal(public_keys_add(&w->k, &east, &rsa, PUBLIC_KEY_OF_WHACK, false, &there, &gone), PUBLIC_KEY_KNOWN);
    assert_int_equal(gone, 3);
    shown(w);
    json_t *json = json_loadb((const char *)w->said.data, w->said.len, JSON_REJECT_DUPLICATES, &error);
    const json_t *keys = json_object_get(json, "public_keys");
    assert_int_equal(json_array_size(keys), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(keys, 1), "id")), "@further");
    json_decref(json);
    world_free(w);
}

/* The whole and the short form, as other programs compute them. */
static void test_fingerprint_and_text(void **state)
{
    struct rsa_public rsa;
    struct rsa_public again;
    uint8_t bytes[RSA_PUBLIC_MAX];
    uint8_t other[RSA_PUBLIC_MAX];
    char hex[KEY_HEX];
    char text[KEY_HEX + 2];
    char printed[RSA_PUBLIC_TEXT];
    char fingerprint[RSA_FINGERPRINT];
    (void)state;
    snprintf(text, sizeof text, "0x%s", key(1, 512, hex));
    assert_null(rsa_public_from_text(&rsa, bytes, text));
    rsa_public_fingerprint(&rsa, fingerprint);
    /* printf 0103c000000001ee..ee01 | xxd -r -p | sha256sum, and base64 */
    assert_string_equal(fingerprint, "c0549bdb51fb457f0f058503167a734a8577c7c4176ac53605d99ceb82486988");
    rsa_public_print(&rsa, printed);
    assert_string_equal(printed, "0sAQPAAAAAAe7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u4B");
    /* an exponent whose length takes three bytes, and the longest that goes with a long modulus */
    static const struct {
        unsigned exponent_len, modulus_len;
        const char *why;
    } cases[] = {
        { 384, 384, NULL }, { 8, 1024, NULL },
        { 9, 1024, "the public exponent of the RSA key has more than 64 bits, which with a modulus of more than 3072 bits is not supported" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(bytes, 0xff, sizeof bytes);
        bytes[0] = 0;
        bytes[1] = (uint8_t)(cases[i].exponent_len >> 8);
        bytes[2] = (uint8_t)cases[i].exponent_len;
        bytes[3] = 0x7f; /* below the modulus */
        const char *why = rsa_public_parse(&rsa, bytes, 3 + cases[i].exponent_len + cases[i].modulus_len);
        if (cases[i].why != NULL) {
            assert_string_equal(why, cases[i].why);
            continue;
        }
        assert_null(why);
        rsa_public_print(&rsa, printed);
        assert_null(rsa_public_from_text(&again, other, printed));
        assert_int_equal(again.bits, 8 * cases[i].modulus_len);
        assert_int_equal(again.exponent_len, cases[i].exponent_len);
        if (cases[i].exponent_len == cases[i].modulus_len) {
            bytes[3] = 0xff; /* the modulus itself */
            assert_non_null(strstr(rsa_public_parse(&rsa, bytes, 3 + cases[i].exponent_len + cases[i].modulus_len),
                                   "not below the modulus"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_and_replace),
        cmocka_unit_test(test_the_same_twice),
        cmocka_unit_test(test_no_more_than_eight),
        cmocka_unit_test(w7_the_beginning_of_another),
        cmocka_unit_test(test_no_more_than_memory),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_status_while_keys_go),
        cmocka_unit_test(test_fingerprint_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
