/* Proposals on the wire that are wrong or odd: F4; interop Q2, Q4. */
#include "sa_body.h"

#include "ike-negotiate/notify.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static struct sa_offer offer; /* large */

#define PSK (1u << AUTH_PSK)

/* ---- F4: forms that are wrong ---- */

static void f4_cut_anywhere(void **state)
{
    (void)state;
    struct sa_body b;
    body_begin(&b);
    body_proposal(&b, 0, PROTOCOL_ISAKMP, 8);
    body_ike(&b, 1);
    body_ike(&b, 2);
    body_proposal(&b, 5, PROTOCOL_ISAKMP, 0); /* numbers from 0 and with gaps (Q4) */
    body_ike(&b, 1);
    assert_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len));
    assert_int_equal(offer.transform_count, 3);
    assert_false(offer.proposal[0].bundled);
    for (size_t len = 0; len < b.len; len++) {
        assert_non_null(body_decode(&offer, sa_decode_ike, b.bytes, len));
        assert_int_not_equal(offer.notification, 0);
        assert_int_equal(offer.transform_count, 0);
    }
    body_put(&b, "\0", 1); /* and one byte too many */
    assert_non_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len));
}

static void f4_every_byte(void **state)
{
    (void)state;
    struct sa_body b;
    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ESP, 4);
    body_esp(&b, 1);
    body_esp(&b, 2);
    for (size_t at = 0; at < b.len; at++) {
        for (unsigned value = 0; value <= 255; value++) {
            char line[2000];
            uint8_t old = b.bytes[at];
            b.bytes[at] = (uint8_t)value;
            if (body_decode(&offer, sa_decode_esp, b.bytes, b.len) == NULL) {
                sa_print_esp_offer(&offer, line, sizeof line);
            }
            if (body_decode(&offer, sa_decode_ike, b.bytes, b.len) == NULL) {
                sa_print_ike_offer(&offer, line, sizeof line);
            }
            b.bytes[at] = old;
        }
    }
}

static void f4_counts(void **state)
{
    (void)state;
    static struct sa_body b;
    body_begin(&b);
    assert_non_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len)); /* 0 proposals */
    for (unsigned count = 1; count <= 255; count++) {
        body_proposal(&b, count - 1, PROTOCOL_ISAKMP, 0);
        body_transform(&b, 1, 1);
        const char *why = body_decode(&offer, sa_decode_ike, b.bytes, b.len);
        assert_int_equal(why == NULL, count <= PROPOSALS_MAX);
    }
    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    assert_non_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len)); /* 0 transforms */
    for (unsigned count = 1; count <= 255; count++) {
        body_transform(&b, count, 1);
        assert_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len));
    }
    assert_int_equal(offer.transform_count, 255);
    b.bytes[b.proposal + 7]--; /* one more than it says */
    assert_non_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len));
    b.bytes[b.proposal + 7]++;
    body_proposal(&b, 2, PROTOCOL_ISAKMP, 0);
    body_transform(&b, 1, 1); /* the 256th */
    assert_non_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len));
}

static void f4_spi_sizes(void **state)
{
    (void)state;
    for (unsigned size = 0; size <= 255; size++) {
        struct ike_proposals p = ike_words("default");
        struct sa_body b;
        body_begin(&b);
        body_proposal(&b, 1, PROTOCOL_ISAKMP, size);
        body_ike(&b, 1);
        assert_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len));
        assert_int_equal(sa_choose_ike(&offer, &p, PSK, LIFE_MAX), size <= 16 ? 0 : -1);
        body_begin(&b);
        body_proposal(&b, 1, PROTOCOL_ESP, size);
        body_esp(&b, 1);
        assert_null(body_decode(&offer, sa_decode_esp, b.bytes, b.len));
        assert_int_equal(offer.transform[0].why_not == NULL, size == 4);
    }
}

static void f4_doi_and_situation(void **state)
{
    (void)state;
    struct sa_body b;
    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    body_ike(&b, 1);
    for (unsigned bit = 0; bit < 64; bit++) {
        b.bytes[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
        assert_non_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len));
        assert_int_equal(offer.notification,
                         bit < 32 ? NOTIFY_DOI_NOT_SUPPORTED : NOTIFY_SITUATION_NOT_SUPPORTED);
        b.bytes[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
    }
    assert_null(body_decode(&offer, sa_decode_ike, b.bytes, b.len));
}

/* ---- F4, Q4: attributes ---- */

static void expect_ike(const struct sa_body *b, bool understood)
{
    assert_null(body_decode(&offer, sa_decode_ike, b->bytes, b->len));
    if ((offer.transform[0].why_not == NULL) != understood) {
        fail_msg("%s", understood ? offer.transform[0].why_not : "understood");
    }
}

static void ike_begin(struct sa_body *b)
{
    body_begin(b);
    body_proposal(b, 1, PROTOCOL_ISAKMP, 0);
    body_transform(b, 1, 1);
}

static void f4_ike_attributes(void **state)
{
    (void)state;
    static const struct { unsigned type, value; bool good; } cases[] = {
        { IKE_ENCRYPTION, 7, true },    { IKE_ENCRYPTION, 1, false },
        { IKE_ENCRYPTION, 0, false },   { IKE_ENCRYPTION, 65535, false },
        { IKE_HASH, 4, true },          { IKE_HASH, 3, false },
        { IKE_HASH, 0, false },         { IKE_AUTH_METHOD, 65001, true },
        { IKE_AUTH_METHOD, 0, false },  { IKE_GROUP, 31, true },
        { IKE_GROUP, 1, false },        { IKE_GROUP, 0, false },
        { IKE_GROUP, 32768, false },    { IKE_KEY_LENGTH, 256, true },
        { IKE_KEY_LENGTH, 0, false },   { IKE_KEY_LENGTH, 1, false },
        { IKE_KEY_LENGTH, 65535, false },
    };
    struct sa_body b;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const unsigned types[] = { IKE_ENCRYPTION, IKE_HASH, IKE_AUTH_METHOD, IKE_GROUP,
                                   IKE_KEY_LENGTH };
        const unsigned values[] = { 7, 2, AUTH_PSK, 14, 128 };
        for (unsigned form = 0; form < 3; form++) { /* basic, 2 bytes, 4 bytes (Q2) */
            ike_begin(&b);
            for (size_t a = 0; a < LENGTH(types); a++) {
                unsigned value = types[a] == cases[i].type ? cases[i].value : values[a];
                if (form == 0) {
                    body_basic(&b, types[a], value);
                } else {
                    body_variable(&b, types[a], value, 2 * form);
                }
            }
            expect_ike(&b, cases[i].good);
        }
    }
}

static void f4_ike_oddities(void **state)
{
    (void)state;
    struct sa_body b;
    ike_begin(&b); /* AES without a key length: 128 */
    body_basic(&b, IKE_GROUP, 14);
    body_basic(&b, IKE_ENCRYPTION, 7);
    body_basic(&b, IKE_AUTH_METHOD, AUTH_PSK);
    body_basic(&b, IKE_HASH, 2);
    expect_ike(&b, true);
    assert_int_equal(offer.transform[0].ike.cipher->id, CIPHER_AES128);
    assert_int_equal(sa_ike_life(&offer.transform[0]), IKE_LIFE_ABSENT);
    body_basic(&b, IKE_GROUP, 14); /* twice */
    expect_ike(&b, false);

    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    body_ike(&b, 1);
    body_variable(&b, 77, 1, 3); /* unknown */
    expect_ike(&b, false);

    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    body_ike(&b, 1);
    body_basic(&b, IKE_PRF, 1);
    expect_ike(&b, false);

    ike_begin(&b); /* nothing in it */
    expect_ike(&b, false);

    ike_begin(&b); /* a basic attribute of no bytes, and of nine */
    body_variable(&b, IKE_ENCRYPTION, 7, 0);
    expect_ike(&b, false);
    ike_begin(&b);
    body_variable(&b, IKE_ENCRYPTION, 7, 9);
    expect_ike(&b, false);

    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    body_ike(&b, 1);
    b.bytes[b.transform + 5] = 2; /* not KEY_IKE */
    expect_ike(&b, false);

    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ESP, 0);
    body_ike(&b, 1);
    expect_ike(&b, false);

    ike_begin(&b);
    for (unsigned i = 0; i < 40; i++) {
        body_basic(&b, IKE_LIFE_TYPE, LIFE_SECONDS);
        body_basic(&b, IKE_LIFE_DURATION, 100);
    }
    expect_ike(&b, false);
}

static void lives(void **state)
{
    (void)state;
    static const struct { uint64_t value; unsigned bytes; bool good; uint32_t life; } cases[] = {
        { 28800, 2, true, 28800 },     { 86400, 4, true, 86400 },
        { 86400, 8, true, 86400 },     { 1, 1, true, 1 },
        { 86400, 3, true, 86400 },     { 1ull << 40, 8, true, UINT32_MAX },
        { 0, 4, false, 0 },            { 5, 0, false, 0 },
        { 5, 9, false, 0 },
    };
    struct sa_body b;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        ike_begin(&b);
        body_basic(&b, IKE_ENCRYPTION, 5);
        body_basic(&b, IKE_HASH, 1);
        body_basic(&b, IKE_AUTH_METHOD, AUTH_PSK);
        body_basic(&b, IKE_GROUP, 2);
        body_variable(&b, IKE_LIFE_TYPE, LIFE_SECONDS, 2);
        body_variable(&b, IKE_LIFE_DURATION, cases[i].value, cases[i].bytes);
        expect_ike(&b, cases[i].good);
        assert_int_equal(offer.transform[0].life_seconds, cases[i].life);
    }
    body_basic(&b, IKE_LIFE_DURATION, 5); /* without its type */
    expect_ike(&b, false);

    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ESP, 4);
    body_esp(&b, 1);
    body_basic(&b, IPSEC_LIFE_TYPE, LIFE_KILOBYTES);
    body_variable(&b, IPSEC_LIFE_DURATION, 4608000, 4);
    body_basic(&b, IPSEC_LIFE_TYPE, LIFE_SECONDS);
    body_basic(&b, IPSEC_LIFE_DURATION, 1800);
    assert_null(body_decode(&offer, sa_decode_esp, b.bytes, b.len));
    assert_null(offer.transform[0].why_not);
    assert_int_equal(offer.transform[0].life_kb, 4608000);
    assert_int_equal(offer.transform[0].life_seconds, 1800); /* the shorter of two */
    body_basic(&b, IPSEC_LIFE_TYPE, LIFE_SECONDS); /* without a duration */
    assert_null(body_decode(&offer, sa_decode_esp, b.bytes, b.len));
    assert_non_null(offer.transform[0].why_not);
}

static void f4_esp(void **state)
{
    (void)state;
    static const struct {
        unsigned protocol, id, key_bits, auth, mode, group; /* 0: absent */
        bool good;
    } cases[] = {
        { PROTOCOL_ESP, 12, 128, 2, 1, 0, true },
        { PROTOCOL_ESP, 12, 0, 2, 1, 0, true },
        { PROTOCOL_ESP, 12, 129, 2, 1, 0, false },
        { PROTOCOL_ESP, 12, 128, 0, 1, 0, false },   /* no authentication */
        { PROTOCOL_ESP, 12, 128, 9, 1, 0, false },
        { PROTOCOL_ESP, 3, 0, 1, 1, 0, true },
        { PROTOCOL_ESP, 3, 192, 1, 1, 0, false },    /* 3DES has one length */
        { PROTOCOL_ESP, 2, 0, 1, 1, 0, false },      /* DES */
        { PROTOCOL_ESP, 11, 0, 2, 1, 0, false },     /* null */
        { PROTOCOL_ESP, 20, 256, 0, 1, 0, true },
        { PROTOCOL_ESP, 20, 256, 2, 1, 0, false },   /* GCM with a hash beside */
        { PROTOCOL_ESP, 0, 0, 2, 1, 0, false },
        { PROTOCOL_ESP, 255, 0, 2, 1, 0, false },
        { PROTOCOL_ESP, 12, 128, 2, 0, 0, true },    /* mode absent (Q4) */
        { PROTOCOL_ESP, 12, 128, 2, 3, 0, true },
        { PROTOCOL_ESP, 12, 128, 2, 61444, 0, true },
        { PROTOCOL_ESP, 12, 128, 2, 5, 0, false },
        { PROTOCOL_ESP, 12, 128, 2, 1, 14, true },
        { PROTOCOL_ESP, 12, 128, 2, 1, 1, false },
        { PROTOCOL_ESP, 12, 128, 2, 1, 40000, false },
        { PROTOCOL_AH, 3, 0, 2, 1, 0, false },
        { PROTOCOL_ISAKMP, 1, 0, 2, 1, 0, false },
        { 0, 12, 128, 2, 1, 0, false },
        { 9, 12, 128, 2, 1, 0, false },
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const unsigned types[] = { IPSEC_KEY_LENGTH, IPSEC_AUTH, IPSEC_MODE, IPSEC_GROUP };
        const unsigned values[] = { cases[i].key_bits, cases[i].auth, cases[i].mode,
                                    cases[i].group };
        struct sa_body b;
        body_begin(&b);
        body_proposal(&b, 1, cases[i].protocol, 4);
        body_transform(&b, 1, cases[i].id);
        for (size_t a = 0; a < LENGTH(types); a++) {
            if (values[a] != 0) {
                body_basic(&b, types[a], values[a]);
            }
        }
        assert_null(body_decode(&offer, sa_decode_esp, b.bytes, b.len));
        if ((offer.transform[0].why_not == NULL) != cases[i].good) {
            fail_msg("case %zu", i);
        }
    }
    struct sa_body b;
    body_begin(&b); /* a reserved SPI */
    body_proposal(&b, 1, PROTOCOL_ESP, 4);
    body_esp(&b, 1);
    memset(b.bytes + b.proposal + 8, 0, 3);
    assert_null(body_decode(&offer, sa_decode_esp, b.bytes, b.len));
    assert_non_null(offer.transform[0].why_not);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f4_cut_anywhere),
        cmocka_unit_test(f4_every_byte),
        cmocka_unit_test(f4_counts),
        cmocka_unit_test(f4_spi_sizes),
        cmocka_unit_test(f4_doi_and_situation),
        cmocka_unit_test(f4_ike_attributes),
        cmocka_unit_test(f4_ike_oddities),
        cmocka_unit_test(lives),
        cmocka_unit_test(f4_esp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
