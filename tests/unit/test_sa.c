/* Proposals on the wire: offers, choices, answers; Q1, Q2; [X3] [X5] [L1]. Not F4: test_sa_forms.c. */
#include "sa_body.h"

#include "ike-negotiate/notify.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static struct sa_offer offer; /* large */

#define PSK (1u << AUTH_PSK)

/* ---- offers there and back ---- */

static void ike_offers(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "default", "classic", "3des-md5-modp1024", "aes256-sha2_512-ecp384",
        "default,classic,aes192-sha2_384",
    };
    static const uint32_t lives[] = { 1, 3600, 65535, 65536, 86400 };
    for (size_t i = 0; i < LENGTH(texts); i++) {
        for (size_t l = 0; l < LENGTH(lives); l++) {
            struct ike_proposals p = ike_words(texts[i]);
            struct buffer body;
            buffer_init(&body, 0);
            sa_encode_ike_offer(&body, &p, PSK, lives[l]);
            assert_null(body_decode(&offer, sa_decode_ike, body.data, body.len));
            if (i == 0) {
                assert_true(body.len <= 1024); /* Q1 */
            }
            assert_int_equal(offer.proposal_count, 1);
            assert_int_equal(offer.transform_count, p.offered);
            for (size_t t = 0; t < offer.transform_count; t++) {
                assert_null(offer.transform[t].why_not);
                assert_true(ike_suite_equal(&offer.transform[t].ike, &p.suite[t]));
                assert_int_equal(offer.transform[t].number, t + 1);
                assert_int_equal(offer.transform[t].life_seconds, lives[l]);
            }
            assert_int_equal(sa_choose_ike(&offer, &p, PSK, LIFE_MAX), 0);
            buffer_wipe(&body);
        }
    }
}

static void esp_offers(void **state)
{
    (void)state;
    static const char *const texts[] = { "default", "classic", "aes192gcm16", "aes256-sha2_384" };
    static const uint8_t spi[4] = { 0, 0, 0x10, 0 };
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct esp_proposals p = esp_words(texts[i]);
        struct buffer body;
        buffer_init(&body, 0);
        sa_encode_esp_offer(&body, &p, spi, SA_MODE_TRANSPORT, 19, 86400);
        assert_null(body_decode(&offer, sa_decode_esp, body.data, body.len));
        assert_int_equal(offer.transform_count, p.offered);
        assert_memory_equal(offer.proposal[0].spi, spi, 4);
        for (size_t t = 0; t < offer.transform_count; t++) {
            assert_null(offer.transform[t].why_not);
            assert_true(esp_suite_equal(&offer.transform[t].esp, &p.suite[t]));
            assert_int_equal(offer.transform[t].mode, SA_MODE_TRANSPORT);
            assert_int_equal(offer.transform[t].group_number, 19);
            assert_int_equal(offer.transform[t].life_seconds, 86400);
        }
        buffer_wipe(&body);
    }
}

/* The choice goes back byte by byte, whatever form the peer chose. */
static void choices_echo(void **state)
{
    (void)state;
    static const uint8_t ours[4] = { 0xd0, 9, 9, 9 };
    struct sa_body b;
    struct buffer out;
    body_begin(&b);
    body_proposal(&b, 7, PROTOCOL_ESP, 4);
    body_esp(&b, 3);
    body_transform(&b, 9, 12);
    body_variable(&b, IPSEC_LIFE_TYPE, LIFE_SECONDS, 2);
    body_variable(&b, IPSEC_LIFE_DURATION, 28800, 4);
    body_variable(&b, IPSEC_KEY_LENGTH, 256, 2);
    body_basic(&b, IPSEC_AUTH, 5);
    body_basic(&b, IPSEC_MODE, SA_MODE_TUNNEL);
    assert_null(body_decode(&offer, sa_decode_esp, b.bytes, b.len));
    assert_int_equal(offer.transform_count, 2);
    assert_null(offer.transform[1].why_not);
    const uint8_t *sent = b.bytes + b.transform + 4;
    size_t sent_len = b.len - b.transform - 4;

    buffer_init(&out, 0);
    sa_encode_choice(&out, &offer, 1, ours, 4);
    static struct sa_offer answer;
    assert_null(sa_decode_esp(&answer, out.data, out.len));
    assert_int_equal(answer.proposal_count, 1);
    assert_int_equal(answer.transform_count, 1);
    assert_int_equal(answer.proposal[0].number, 7);
    assert_memory_equal(answer.proposal[0].spi, ours, 4);
    assert_int_equal(answer.transform[0].number, 9);
    assert_int_equal(answer.transform[0].body_len, sent_len);
    assert_memory_equal(answer.transform[0].body, sent, sent_len);
    buffer_wipe(&out);
}

/* ---- choosing ---- */

/* AH+ESP and ESP+IPCOMP are wanted together: never taken for ESP alone. */
static void bundles(void **state)
{
    (void)state;
    struct esp_proposals p = esp_words("aes128-sha1");
    struct sa_esp_terms terms = { .allowed = &p, .modes = 1u << SA_MODE_TUNNEL,
                                  .life_max = LIFE_MAX };
    struct sa_body b;
    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_AH, 4);
    body_transform(&b, 1, 3);
    body_basic(&b, IPSEC_AUTH, 2);
    body_proposal(&b, 1, PROTOCOL_ESP, 4);
    body_esp(&b, 1);
    body_proposal(&b, 2, PROTOCOL_ESP, 4);
    body_esp(&b, 1);
    body_proposal(&b, 2, PROTOCOL_IPCOMP, 2);
    body_transform(&b, 1, 2);
    assert_null(body_decode(&offer, sa_decode_esp, b.bytes, b.len));
    for (size_t i = 0; i < 4; i++) {
        assert_true(offer.proposal[i].bundled);
    }
    assert_int_equal(sa_choose_esp(&offer, &terms), -1);
    body_proposal(&b, 3, PROTOCOL_ESP, 4);
    body_esp(&b, 1);
    assert_null(body_decode(&offer, sa_decode_esp, b.bytes, b.len));
    assert_int_equal(sa_choose_esp(&offer, &terms), 4);
    char line[600];
    sa_print_esp_offer(&offer, line, sizeof line);
    assert_non_null(strstr(line, "aes128-sha1 tunnel (proposal 1, all of them at once)"));
}

static void choose_ike(void **state)
{
    (void)state;
    struct ike_proposals narrow = ike_words("aes256-sha2_256-modp2048,aes128-sha1-modp2048");
    struct ike_proposals other = ike_words("3des-sha1-modp1536");
    struct sa_body b;
    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    body_transform(&b, 1, 1);
    body_basic(&b, 99, 1);
    body_ike(&b, 2);
    assert_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len));
    assert_int_equal(sa_choose_ike(&offer, &narrow, PSK, LIFE_MAX), 1);
    assert_int_equal(sa_choose_ike(&offer, &other, PSK, LIFE_MAX), -1);
    assert_int_equal(sa_choose_ike(&offer, &narrow, 1u << AUTH_RSASIG, LIFE_MAX), -1);
    assert_int_equal(sa_choose_ike(&offer, &narrow, PSK, 3600), 1);
    assert_int_equal(sa_choose_ike(&offer, &narrow, PSK, 3599), -1); /* [L1] */
}

static void choose_esp(void **state)
{
    (void)state;
    static const struct {
        unsigned mode, group;
        struct sa_esp_terms terms;
        bool pfs_groups;
        bool good;
    } cases[] = {
        { 1, 0, { .modes = 2 }, false, true },
        { 2, 0, { .modes = 2 }, false, false },
        { 2, 0, { .modes = 4 }, false, true },
        { 2, 0, { .modes = 6 }, false, true },
        { 0, 0, { .modes = 2, .mode_absent = 1 }, false, true },
        { 0, 0, { .modes = 2, .mode_absent = 2 }, false, false },
        { 3, 0, { .modes = 2 }, false, false },
        { 3, 0, { .modes = 2, .udp = true }, false, true },
        { 1, 0, { .modes = 2, .udp = true }, false, false },
        { 1, 14, { .modes = 2, .has_ke = true }, true, true },
        { 1, 14, { .modes = 2 }, true, false },              /* group without KE */
        { 1, 0, { .modes = 2, .has_ke = true }, true, false }, /* KE without group */
        { 1, 15, { .modes = 2, .has_ke = true }, true, false },
        { 1, 14, { .modes = 2, .has_ke = true }, false, false },
        { 1, 0, { .modes = 2, .pfs_required = true }, true, false },
        { 1, 14, { .modes = 2, .pfs_required = true, .has_ke = true }, true, true },
    };
    struct esp_proposals p = esp_words("default");
    struct group_list groups;
    assert_null(group_list_parse(&groups, "modp2048", NULL));
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct sa_esp_terms terms = cases[i].terms;
        struct sa_body b;
        terms.allowed = &p;
        terms.groups = cases[i].pfs_groups ? &groups : NULL;
        terms.life_max = LIFE_MAX;
        body_begin(&b);
        body_proposal(&b, 1, PROTOCOL_ESP, 4);
        body_transform(&b, 1, 12);
        body_basic(&b, IPSEC_AUTH, 2);
        if (cases[i].mode != 0) {
            body_basic(&b, IPSEC_MODE, cases[i].mode);
        }
        if (cases[i].group != 0) {
            body_basic(&b, IPSEC_GROUP, cases[i].group);
        }
        assert_null(body_decode(&offer, sa_decode_esp, b.bytes, b.len));
        if ((sa_choose_esp(&offer, &terms) == 0) != cases[i].good) {
            fail_msg("case %zu", i);
        }
    }
}

/* ---- answers [X5] Q2 ---- */

static void ike_answers(void **state)
{
    (void)state;
    struct ike_proposals ours = ike_words("default,aes192-sha1-modp2048");
    struct ike_suite chosen;
    uint32_t life = 0;
    unsigned method = 0;
    struct sa_body b;

    body_begin(&b); /* renumbered, other order, other form, shorter */
    body_proposal(&b, 9, PROTOCOL_ISAKMP, 8);
    body_transform(&b, 4, 1);
    body_variable(&b, IKE_LIFE_TYPE, LIFE_SECONDS, 2);
    body_variable(&b, IKE_LIFE_DURATION, 1800, 4);
    body_basic(&b, IKE_GROUP, 14);
    body_basic(&b, IKE_AUTH_METHOD, AUTH_PSK);
    body_basic(&b, IKE_HASH, 2);
    body_basic(&b, IKE_ENCRYPTION, 7);
    assert_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len));
    assert_null(sa_check_ike_answer(&offer, &ours, PSK, 10800, &chosen, &method, &life));
    assert_int_equal(life, 1800);
    assert_int_equal(method, AUTH_PSK);
    assert_int_equal(chosen.cipher->id, CIPHER_AES128);
    assert_non_null(sa_check_ike_answer(&offer, &ours, 1u << AUTH_RSASIG, 10800, &chosen, &method, &life));
    assert_non_null(sa_check_ike_answer(&offer, &ours, PSK, 1799, &chosen, &method, &life));
    struct ike_proposals others = ike_words("aes256-sha1-modp2048");
    assert_non_null(sa_check_ike_answer(&offer, &others, PSK, 10800, &chosen, &method, &life));
    body_ike(&b, 5); /* two */
    assert_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len));
    assert_non_null(sa_check_ike_answer(&offer, &ours, PSK, 10800, &chosen, &method, &life));

    body_begin(&b); /* acceptable, but never proposed */
    body_proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    body_transform(&b, 1, 1);
    body_basic(&b, IKE_ENCRYPTION, 7);
    body_basic(&b, IKE_HASH, 6);
    body_basic(&b, IKE_AUTH_METHOD, AUTH_PSK);
    body_basic(&b, IKE_GROUP, 21);
    assert_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len));
    assert_int_equal(sa_choose_ike(&offer, &ours, PSK, LIFE_MAX), 0);
    assert_non_null(sa_check_ike_answer(&offer, &ours, PSK, 10800, &chosen, &method, &life));
}

static void esp_answers(void **state)
{
    (void)state;
    struct esp_proposals ours = esp_words("aes128-sha1,aes256gcm16");
    struct esp_suite chosen;
    uint32_t life = 0;
    struct sa_body b;

    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ESP, 4);
    body_esp(&b, 1);
    body_basic(&b, IPSEC_GROUP, 14);
    assert_null(body_decode(&offer, sa_decode_esp, b.bytes, b.len));
    assert_null(sa_check_esp_answer(&offer, &ours, SA_MODE_TUNNEL, 14, 3600, &chosen, &life));
    assert_int_equal(life, 3600);
    assert_int_equal(chosen.hash->id, HASH_SHA1);
    assert_non_null(
        sa_check_esp_answer(&offer, &ours, SA_MODE_TRANSPORT, 14, 3600, &chosen, &life));
    assert_non_null(sa_check_esp_answer(&offer, &ours, SA_MODE_TUNNEL, 0, 3600, &chosen, &life));
    assert_non_null(sa_check_esp_answer(&offer, &ours, SA_MODE_TUNNEL, 19, 3600, &chosen, &life));
    assert_non_null(sa_check_esp_answer(&offer, &ours, SA_MODE_TUNNEL, 14, 3599, &chosen, &life));
    struct esp_proposals others = esp_words("aes256-sha1"); /* another key length */
    assert_non_null(
        sa_check_esp_answer(&offer, &others, SA_MODE_TUNNEL, 14, 3600, &chosen, &life));
    body_proposal(&b, 2, PROTOCOL_ESP, 4); /* two */
    body_esp(&b, 1);
    assert_null(body_decode(&offer, sa_decode_esp, b.bytes, b.len));
    assert_non_null(sa_check_esp_answer(&offer, &ours, SA_MODE_TUNNEL, 14, 3600, &chosen, &life));

    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ESP, 4);
    body_esp(&b, 1);
    b.bytes[b.len - 9] = 3; /* tunnel in UDP, which nobody offered */
    assert_null(body_decode(&offer, sa_decode_esp, b.bytes, b.len));
    assert_true(offer.transform[0].mode_udp);
    assert_non_null(sa_check_esp_answer(&offer, &ours, SA_MODE_TUNNEL, 0, 3600, &chosen, &life));
}

/* ---- words ---- */

static void words_ike(void **state)
{
    (void)state;
    struct ike_proposals p = ike_words("aes128-sha2_256-modp2048");
    char line[300];
    char tiny[12];
    struct sa_body b;
    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    body_ike(&b, 1);
    body_transform(&b, 2, 1);
    body_basic(&b, IKE_ENCRYPTION, 7);
    body_basic(&b, IKE_KEY_LENGTH, 256);
    body_basic(&b, IKE_HASH, 9);
    body_basic(&b, IKE_AUTH_METHOD, 65001);
    body_basic(&b, IKE_GROUP, 14);
    body_transform(&b, 3, 1);
    body_basic(&b, IKE_ENCRYPTION, 5);
    body_basic(&b, IKE_HASH, 2);
    body_basic(&b, IKE_AUTH_METHOD, AUTH_PSK);
    body_basic(&b, IKE_GROUP, 5);
    assert_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len));
    sa_print_ike_offer(&offer, line, sizeof line);
    assert_string_equal(line, "aes128-sha1-modp2048/psk, cipher 7/256 hash 9 group 14/xauth-psk "
                              "[a hash that we do not have], 3des-sha1-modp1536/psk");
    sa_print_ike_offer(&offer, tiny, sizeof tiny);
    assert_string_equal(tiny, "aes128-s...");
    sa_print_ike_allowed(&p, PSK | 1u << AUTH_RSASIG, line, sizeof line);
    assert_string_equal(line, "aes128-sha2_256-modp2048/psk/rsasig");

    assert_true(sa_weak_ike(&offer, &p, PSK, line, sizeof line));
    assert_string_equal(line, "3des-sha1-modp1536 is refused by default; "
                              "--ike 3des-sha1-modp1536 would allow it");
    assert_false(sa_weak_ike(&offer, &p, 1u << AUTH_RSASIG, line, sizeof line));
    struct ike_proposals named = ike_words("3des-sha1-modp1536");
    assert_false(sa_weak_ike(&offer, &named, PSK, line, sizeof line));
}

static void words_esp(void **state)
{
    (void)state;
    struct esp_proposals p = esp_words("aes256gcm16,aes128-sha1");
    struct group_list groups;
    char line[300];
    struct sa_body b;
    assert_null(group_list_parse(&groups, "modp2048,ecp256", NULL));
    struct sa_esp_terms terms = { .allowed = &p, .modes = 1u << SA_MODE_TUNNEL,
                                  .groups = &groups, .has_ke = true, .pfs_required = true,
                                  .life_max = LIFE_MAX };
    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ESP, 4);
    body_transform(&b, 1, 3);
    body_basic(&b, IPSEC_AUTH, 1);
    body_basic(&b, IPSEC_MODE, SA_MODE_TUNNEL);
    body_basic(&b, IPSEC_GROUP, 5);
    body_transform(&b, 2, 7);
    body_basic(&b, IPSEC_AUTH, 2);
    body_basic(&b, IPSEC_KEY_LENGTH, 128);
    assert_null(body_decode(&offer, sa_decode_esp, b.bytes, b.len));
    sa_print_esp_offer(&offer, line, sizeof line);
    assert_string_equal(line, "3des-md5 tunnel pfs modp1536, ESP transform 7/128 auth 2 "
                              "[a cipher or key length that we do not have]");
    sa_print_esp_allowed(&terms, line, sizeof line);
    assert_string_equal(line, "aes256gcm16, aes128-sha1, each in tunnel mode, pfs modp2048 or "
                              "ecp256 required");
    assert_true(sa_weak_esp(&offer, &terms, line, sizeof line));
    assert_string_equal(line, "3des-md5 with PFS by modp1536 is refused by default; "
                              "--esp 3des-md5 --pfsgroup modp1536 would allow it");
    terms.modes = 1u << SA_MODE_TRANSPORT; /* would be refused all the same */
    assert_false(sa_weak_esp(&offer, &terms, line, sizeof line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ike_offers),
        cmocka_unit_test(esp_offers),
        cmocka_unit_test(choices_echo),
        cmocka_unit_test(bundles),
        cmocka_unit_test(choose_ike),
        cmocka_unit_test(choose_esp),
        cmocka_unit_test(ike_answers),
        cmocka_unit_test(esp_answers),
        cmocka_unit_test(words_ike),
        cmocka_unit_test(words_esp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
