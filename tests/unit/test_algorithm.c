/* The list of algorithms, and proposal texts [W13] [X2] [X3]. */
#include "algorithm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static void tables(void **state)
{
    (void)state;
    for (enum cipher_id i = 0; i < CIPHER_COUNT; i++) {
        const struct cipher *c = cipher_get(i);
        assert_int_equal(c->id, i);
        assert_ptr_equal(cipher_by_word(c->word, strlen(c->word)), c);
        assert_ptr_equal(cipher_by_esp(c->esp_number, c->key_bits), c);
        if (c->ike_number != 0) {
            assert_ptr_equal(cipher_by_ike(c->ike_number, c->key_bits), c);
        }
    }
    for (enum hash_id i = 0; i < HASH_COUNT; i++) {
        const struct hash *h = hash_get(i);
        assert_int_equal(h->id, i);
        assert_ptr_equal(hash_by_word(h->word, strlen(h->word)), h);
        if (h->ike_number != 0) {
            assert_ptr_equal(hash_by_ike(h->ike_number), h);
            assert_ptr_equal(hash_by_esp(h->esp_number), h);
        }
    }
    for (enum group_id i = 0; i < GROUP_COUNT; i++) {
        const struct group *g = group_get(i);
        assert_int_equal(g->id, i);
        assert_ptr_equal(group_by_word(g->word, strlen(g->word)), g);
        assert_ptr_equal(group_by_number(g->number), g);
    }
}

/* F4: key length 0, 1, 65535; unknown numbers */
static void numbers(void **state)
{
    (void)state;
    assert_ptr_equal(cipher_by_ike(7, 0), cipher_get(CIPHER_AES128)); /* interop Q4 */
    assert_ptr_equal(cipher_by_ike(7, 256), cipher_get(CIPHER_AES256));
    assert_null(cipher_by_ike(7, 1));
    assert_null(cipher_by_ike(7, 65535));
    assert_null(cipher_by_ike(5, 192)); /* 3DES has one length */
    assert_null(cipher_by_ike(1, 0));   /* DES */
    assert_null(cipher_by_ike(0, 0));
    assert_null(cipher_by_ike(20, 128));
    assert_null(cipher_by_esp(0, 0));
    assert_null(cipher_by_esp(11, 0)); /* null */
    assert_null(hash_by_ike(0));
    assert_null(hash_by_esp(0));
    assert_null(group_by_number(0));
    assert_null(group_by_number(1)); /* MODP768 */
    assert_null(group_by_number(32768));
    assert_ptr_equal(hash_by_word("sha", 3), hash_get(HASH_SHA1));
    assert_ptr_equal(hash_by_word("SHA256", 6), hash_get(HASH_SHA2_256));
    assert_ptr_equal(cipher_by_word("aes", 3), cipher_get(CIPHER_AES128));
    assert_ptr_equal(group_by_word("x25519", 6), group_get(GROUP_CURVE25519));
    assert_null(cipher_by_word("aes1", 4));
    assert_null(cipher_by_word("", 0));
}

static int find_ike(const struct ike_proposals *p, const char *text)
{
    struct ike_suite s;
    assert_null(ike_suite_parse(&s, text));
    return ike_proposals_find(p, &s);
}

static void ike_default(void **state)
{
    (void)state;
    struct ike_proposals p;
    assert_null(ike_proposals_parse(&p, "default", NULL));
    assert_in_range(p.offered, 1, 12);
    assert_int_equal(p.count, 2 * 4 * 7);
    for (size_t i = 0; i < p.count; i++) {
        assert_false(ike_suite_weak(&p.suite[i]));
        assert_int_equal(ike_proposals_find(&p, &p.suite[i]), i); /* none twice */
    }
    static const char *const offered[] = {
        "aes128-sha2_256-ecp256", "aes128-sha2_256-curve25519", "aes128-sha2_256-modp3072",
        "aes128-sha2_256-modp2048", "aes256-sha2_256-modp2048", "aes128-sha1-modp2048",
    };
    for (size_t i = 0; i < LENGTH(offered); i++) {
        assert_in_range(find_ike(&p, offered[i]), 0, p.offered - 1);
    }
    assert_in_range(find_ike(&p, "aes128-sha2_512-ecp521"), p.offered, p.count - 1);
    assert_int_equal(find_ike(&p, "3des-sha1-modp2048"), -1);
    assert_int_equal(find_ike(&p, "aes128-sha1-modp1536"), -1);
    assert_int_equal(find_ike(&p, "aes128-md5-modp2048"), -1);
}

static void ike_classic(void **state)
{
    (void)state;
    struct ike_proposals p;
    assert_null(ike_proposals_parse(&p, "classic", NULL));
    assert_int_equal(p.count, 4);
    assert_int_equal(p.offered, 4);
    assert_in_range(find_ike(&p, "3des-md5-modp1024"), 0, 3);
    assert_in_range(find_ike(&p, "3des-sha1-modp1536"), 0, 3);
    assert_true(ike_suite_weak(&p.suite[0]));
}

static void ike_lists(void **state)
{
    (void)state;
    struct ike_proposals p;
    assert_null(ike_proposals_parse(&p, "aes192-sha1-modp2048,default,classic,default", NULL));
    assert_int_equal(p.count, 1 + 56 + 4);
    assert_int_equal(find_ike(&p, "aes192-sha1-modp2048"), 0);
    assert_in_range(find_ike(&p, "3des-sha1-modp1536"), 1, p.offered - 1);
    assert_true(p.offered <= 17);
    assert_null(ike_proposals_parse(&p, "aes256-sha2_256,aes256-sha2_256-modp2048", NULL));
    assert_int_equal(p.count, 7); /* a group for each of default's; the repeated one once */
    assert_int_equal(p.offered, 7);
    assert_null(ike_proposals_parse(&p, "AES-SHA-MODP2048", NULL));
    char out[SUITE_TEXT];
    ike_suite_print(&p.suite[0], out);
    assert_string_equal(out, "aes128-sha1-modp2048");
}

static void esp_lists(void **state)
{
    (void)state;
    struct esp_proposals p;
    char out[SUITE_TEXT];
    struct esp_suite s;
    assert_null(esp_proposals_parse(&p, "default", NULL));
    assert_in_range(p.offered, 1, 12);
    assert_null(esp_suite_parse(&s, "aes128-sha1"));
    assert_in_range(esp_proposals_find(&p, &s), 0, p.offered - 1);
    assert_null(esp_suite_parse(&s, "3des-sha1"));
    assert_int_equal(esp_proposals_find(&p, &s), -1);
    assert_true(esp_suite_weak(&s));
    assert_null(esp_proposals_parse(&p, "classic", NULL));
    assert_int_equal(p.count, 2);
    assert_null(esp_proposals_parse(&p, "aes256gcm,aes256gcm16,aes192-sha384", NULL));
    assert_int_equal(p.count, 2);
    esp_suite_print(&p.suite[0], out);
    assert_string_equal(out, "aes256gcm16");
    esp_suite_print(&p.suite[1], out);
    assert_string_equal(out, "aes192-sha2_384");
}

/* Q12: one number on the wire, so what it means is what the list says. */
static void cut_to_96_bits(void **state)
{
    (void)state;
    struct esp_proposals p;
    struct esp_suite wire = { cipher_get(CIPHER_AES128), hash_by_esp(5) };
    assert_null(esp_proposals_parse(&p, "aes256-sha2_256,aes128-sha2_256_96", NULL));
    assert_int_equal(p.count, 2);
    assert_ptr_equal(wire.hash, hash_get(HASH_SHA2_256));
    assert_int_equal(esp_proposals_find(&p, &wire), -1);
    assert_int_equal(esp_proposals_match(&p, &wire), 1);
    assert_int_equal(p.suite[1].hash->icv_len, 12);
    assert_int_equal(p.suite[1].hash->len, 32);
    wire.cipher = cipher_get(CIPHER_AES192);
    assert_int_equal(esp_proposals_match(&p, &wire), -1);
}

struct refusal {
    const char *text;
    size_t at;       /* where the fault is */
    const char *has; /* a word of the reason */
};

static void ike_refusals(void **state)
{
    (void)state;
    static const struct refusal bad[] = {
        { "", 0, "unknown cipher" },
        { ",", 0, "unknown cipher" },
        { "default,", 8, "unknown cipher" },
        { "aes256", 0, "CIPHER-HASH-GROUP" },
        { "aes256-sha1-modp2048-x", 0, "CIPHER-HASH-GROUP" },
        { "aes256-sha3-modp2048", 7, "unknown hash" },
        { "aes256-sha1-modp2047", 12, "unknown group" },
        { "aes256-sha1-", 12, "unknown group" },
        { "des-md5-modp1024", 0, "never" },
        { "aes128-sha1-modp768", 12, "never" },
        { "default,aes256gcm16-sha1-modp2048", 8, "ESP only" },
        { "aes128-sha2_256_96-modp2048", 7, "ESP only" },
        { "default aes256-sha1-modp2048", 0, "unknown cipher" },
    };
    struct ike_proposals p;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        const char *at = NULL;
        const char *why = ike_proposals_parse(&p, bad[i].text, &at);
        assert_non_null(why);
        assert_non_null(strstr(why, bad[i].has));
        assert_int_equal(at - bad[i].text, bad[i].at);
    }
    struct ike_suite s;
    assert_non_null(ike_suite_parse(&s, "aes256-sha1"));
    assert_non_null(ike_suite_parse(&s, "default"));
    assert_non_null(ike_suite_parse(&s, "aes256-sha1-modp2048,3des-sha1-modp2048"));
}

static void esp_refusals(void **state)
{
    (void)state;
    static const struct refusal bad[] = {
        { "", 0, "unknown cipher" },
        { "aes256", 0, "CIPHER-HASH" },
        { "aes256-sha1-modp2048", 12, "--pfsgroup" },
        { "aes256gcm16-sha1", 12, "takes no hash" },
        { "null-sha1", 0, "null" },
        { "des-md5", 0, "never" },
        { "aes128-sha2_256,aes128-sha2_256_96", 23, "cannot tell them apart" },
        { "aes128-sha2_256_96,default", 19, "cannot tell them apart" },
        { "default,,classic", 8, "unknown cipher" },
    };
    struct esp_proposals p;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        const char *at = NULL;
        const char *why = esp_proposals_parse(&p, bad[i].text, &at);
        assert_non_null(why);
        assert_non_null(strstr(why, bad[i].has));
        assert_int_equal(at - bad[i].text, bad[i].at);
    }
}

static void group_lists(void **state)
{
    (void)state;
    struct group_list g;
    const char *at = NULL;
    const char *text = "modp2048,modp768";
    assert_null(group_list_parse(&g, "modp2048,ecp256,modp2048", NULL));
    assert_int_equal(g.count, 2);
    assert_ptr_equal(g.group[0], group_get(GROUP_MODP2048));
    assert_null(group_list_parse(&g, "default,classic,default", NULL));
    assert_int_equal(g.count, GROUP_COUNT);
    assert_non_null(group_list_parse(&g, text, &at));
    assert_int_equal(at - text, 9);
    assert_non_null(group_list_parse(&g, "", NULL));
}

/* Every combination that exists is more than fits. */
static void too_many(void **state)
{
    (void)state;
    static const char text[] =
        "3des-md5,3des-sha1,3des-sha2_256,3des-sha2_384,3des-sha2_512,aes192-md5,aes192-sha1,"
        "aes192-sha2_256,aes192-sha2_384,default,classic";
    struct ike_proposals p = { .count = 0 };
    assert_non_null(ike_proposals_parse(&p, text, NULL));
    assert_int_equal(p.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables),       cmocka_unit_test(numbers),
        cmocka_unit_test(ike_default),  cmocka_unit_test(ike_classic),
        cmocka_unit_test(ike_lists),    cmocka_unit_test(esp_lists),
        cmocka_unit_test(ike_refusals), cmocka_unit_test(esp_refusals),
        cmocka_unit_test(group_lists),  cmocka_unit_test(too_many),
        { "Q12 proposals: sha2_256_96", cut_to_96_bits, NULL, NULL, NULL },
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
