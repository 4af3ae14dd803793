/* Proposals on the wire: F4; interop Q1, Q2, Q4; [X3] [X5] [L1]. */
#include "ike-negotiate/attribute.h"
#include "ike-negotiate/notify.h"
#include "ike-negotiate/sa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static struct sa_offer offer; /* large */

/* ---- a body put together by hand ---- */

struct body {
    uint8_t bytes[8192];
    size_t len;
    size_t proposal; /* where it begins; 0: none */
    size_t transform;
};

static void put(struct body *b, const void *bytes, size_t len)
{
    assert_true(len <= sizeof b->bytes - b->len);
    memcpy(b->bytes + b->len, bytes, len);
    b->len += len;
}

static void set_length(struct body *b, size_t at)
{
    b->bytes[at + 2] = (uint8_t)((b->len - at) >> 8);
    b->bytes[at + 3] = (uint8_t)(b->len - at);
}

static void begin(struct body *b)
{
    *b = (struct body){ .len = 0 };
    put(b, "\0\0\0\1\0\0\0\1", 8);
}

static void proposal(struct body *b, unsigned number, unsigned protocol, unsigned spi_size)
{
    static const uint8_t spi[256] = { 0xc0, 1, 2, 3 };
    if (b->proposal != 0) {
        b->bytes[b->proposal] = PAYLOAD_P;
    }
    b->proposal = b->len;
    b->transform = 0;
    uint8_t head[8] = { 0, 0, 0, 0, (uint8_t)number, (uint8_t)protocol, (uint8_t)spi_size, 0 };
    put(b, head, sizeof head);
    put(b, spi, spi_size);
    set_length(b, b->proposal);
}

static void transform(struct body *b, unsigned number, unsigned id)
{
    if (b->transform != 0) {
        b->bytes[b->transform] = PAYLOAD_T;
    }
    b->transform = b->len;
    uint8_t head[8] = { 0, 0, 0, 8, (uint8_t)number, (uint8_t)id, 0, 0 };
    put(b, head, sizeof head);
    b->bytes[b->proposal + 7]++;
    set_length(b, b->proposal);
}

static void attribute_bytes(struct body *b, const void *bytes, size_t len)
{
    put(b, bytes, len);
    set_length(b, b->transform);
    set_length(b, b->proposal);
}

static void basic(struct body *b, unsigned type, unsigned value)
{
    uint8_t a[4] = { (uint8_t)(0x80 | type >> 8), (uint8_t)type, (uint8_t)(value >> 8),
                     (uint8_t)value };
    attribute_bytes(b, a, sizeof a);
}

/* `bytes` of value */
static void variable(struct body *b, unsigned type, uint64_t value, unsigned bytes)
{
    uint8_t a[4 + 16] = { (uint8_t)(type >> 8), (uint8_t)type, 0, (uint8_t)bytes };
    for (unsigned i = 0; i < bytes; i++) {
        a[4 + bytes - 1 - i] = (uint8_t)(i < 8 ? value >> 8 * i : 0);
    }
    attribute_bytes(b, a, 4 + bytes);
}

/* aes128-sha1-modp2048/psk for 3600 s */
static void ike_transform(struct body *b, unsigned number)
{
    transform(b, number, 1);
    basic(b, IKE_ENCRYPTION, 7);
    basic(b, IKE_KEY_LENGTH, 128);
    basic(b, IKE_HASH, 2);
    basic(b, IKE_AUTH_METHOD, AUTH_PSK);
    basic(b, IKE_GROUP, 14);
    basic(b, IKE_LIFE_TYPE, LIFE_SECONDS);
    basic(b, IKE_LIFE_DURATION, 3600);
}

/* aes128-sha1 in tunnel mode for 3600 s */
static void esp_transform(struct body *b, unsigned number)
{
    transform(b, number, 12);
    basic(b, IPSEC_KEY_LENGTH, 128);
    basic(b, IPSEC_AUTH, 2);
    basic(b, IPSEC_MODE, SA_MODE_TUNNEL);
    basic(b, IPSEC_LIFE_TYPE, LIFE_SECONDS);
    basic(b, IPSEC_LIFE_DURATION, 3600);
}

typedef const char *decoder(struct sa_offer *o, const uint8_t *body, size_t len);

/* Of a copy without a byte more. It stays until the next one. */
static const char *decode(decoder *f, const uint8_t *bytes, size_t len)
{
    static uint8_t *copy;
    free(copy);
    copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return f(&offer, copy, len);
}

static struct ike_proposals ike(const char *text)
{
    struct ike_proposals p;
    assert_null(ike_proposals_parse(&p, text, NULL));
    return p;
}

static struct esp_proposals esp(const char *text)
{
    struct esp_proposals p;
    assert_null(esp_proposals_parse(&p, text, NULL));
    return p;
}

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
            struct ike_proposals p = ike(texts[i]);
            struct buffer body;
            buffer_init(&body, 0);
            sa_encode_ike_offer(&body, &p, AUTH_PSK, lives[l]);
            assert_null(decode(sa_decode_ike, body.data, body.len));
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
        struct esp_proposals p = esp(texts[i]);
        struct buffer body;
        buffer_init(&body, 0);
        sa_encode_esp_offer(&body, &p, spi, SA_MODE_TRANSPORT, 19, 86400);
        assert_null(decode(sa_decode_esp, body.data, body.len));
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
    struct body b;
    struct buffer out;
    begin(&b);
    proposal(&b, 7, PROTOCOL_ESP, 4);
    esp_transform(&b, 3);
    transform(&b, 9, 12);
    variable(&b, IPSEC_LIFE_TYPE, LIFE_SECONDS, 2);
    variable(&b, IPSEC_LIFE_DURATION, 28800, 4);
    variable(&b, IPSEC_KEY_LENGTH, 256, 2);
    basic(&b, IPSEC_AUTH, 5);
    basic(&b, IPSEC_MODE, SA_MODE_TUNNEL);
    assert_null(decode(sa_decode_esp, b.bytes, b.len));
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

/* ---- F4: forms that are wrong ---- */

static void f4_cut_anywhere(void **state)
{
    (void)state;
    struct body b;
    begin(&b);
    proposal(&b, 0, PROTOCOL_ISAKMP, 8);
    ike_transform(&b, 1);
    ike_transform(&b, 2);
    proposal(&b, 5, PROTOCOL_ISAKMP, 0); /* numbers from 0 and with gaps (Q4) */
    ike_transform(&b, 1);
    assert_null(decode(sa_decode_ike, b.bytes, b.len));
    assert_int_equal(offer.transform_count, 3);
    assert_false(offer.proposal[0].bundled);
    for (size_t len = 0; len < b.len; len++) {
        assert_non_null(decode(sa_decode_ike, b.bytes, len));
        assert_int_not_equal(offer.notification, 0);
        assert_int_equal(offer.transform_count, 0);
    }
    put(&b, "\0", 1); /* and one byte too many */
    assert_non_null(decode(sa_decode_ike, b.bytes, b.len));
}

static void f4_every_byte(void **state)
{
    (void)state;
    struct body b;
    begin(&b);
    proposal(&b, 1, PROTOCOL_ESP, 4);
    esp_transform(&b, 1);
    esp_transform(&b, 2);
    for (size_t at = 0; at < b.len; at++) {
        for (unsigned value = 0; value <= 255; value++) {
            char line[2000];
            uint8_t old = b.bytes[at];
            b.bytes[at] = (uint8_t)value;
            if (decode(sa_decode_esp, b.bytes, b.len) == NULL) {
                sa_print_esp_offer(&offer, line, sizeof line);
            }
            if (decode(sa_decode_ike, b.bytes, b.len) == NULL) {
                sa_print_ike_offer(&offer, line, sizeof line);
            }
            b.bytes[at] = old;
        }
    }
}

static void f4_counts(void **state)
{
    (void)state;
    static struct body b;
    begin(&b);
    assert_non_null(decode(sa_decode_ike, b.bytes, b.len)); /* 0 proposals */
    for (unsigned count = 1; count <= 255; count++) {
        proposal(&b, count - 1, PROTOCOL_ISAKMP, 0);
        transform(&b, 1, 1);
        const char *why = decode(sa_decode_ike, b.bytes, b.len);
        assert_int_equal(why == NULL, count <= PROPOSALS_MAX);
    }
    begin(&b);
    proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    assert_non_null(decode(sa_decode_ike, b.bytes, b.len)); /* 0 transforms */
    for (unsigned count = 1; count <= 255; count++) {
        transform(&b, count, 1);
        assert_null(decode(sa_decode_ike, b.bytes, b.len));
    }
    assert_int_equal(offer.transform_count, 255);
    b.bytes[b.proposal + 7]--; /* one more than it says */
    assert_non_null(decode(sa_decode_ike, b.bytes, b.len));
    b.bytes[b.proposal + 7]++;
    proposal(&b, 2, PROTOCOL_ISAKMP, 0);
    transform(&b, 1, 1); /* the 256th */
    assert_non_null(decode(sa_decode_ike, b.bytes, b.len));
}

static void f4_spi_sizes(void **state)
{
    (void)state;
    for (unsigned size = 0; size <= 255; size++) {
        struct ike_proposals p = ike("default");
        struct body b;
        begin(&b);
        proposal(&b, 1, PROTOCOL_ISAKMP, size);
        ike_transform(&b, 1);
        assert_null(decode(sa_decode_ike, b.bytes, b.len));
        assert_int_equal(sa_choose_ike(&offer, &p, PSK, LIFE_MAX), size <= 16 ? 0 : -1);
        begin(&b);
        proposal(&b, 1, PROTOCOL_ESP, size);
        esp_transform(&b, 1);
        assert_null(decode(sa_decode_esp, b.bytes, b.len));
        assert_int_equal(offer.transform[0].why_not == NULL, size == 4);
    }
}

static void f4_doi_and_situation(void **state)
{
    (void)state;
    struct body b;
    begin(&b);
    proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    ike_transform(&b, 1);
    for (unsigned bit = 0; bit < 64; bit++) {
        b.bytes[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
        assert_non_null(decode(sa_decode_ike, b.bytes, b.len));
        assert_int_equal(offer.notification,
                         bit < 32 ? NOTIFY_DOI_NOT_SUPPORTED : NOTIFY_SITUATION_NOT_SUPPORTED);
        b.bytes[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
    }
    assert_null(decode(sa_decode_ike, b.bytes, b.len));
}

/* ---- F4, Q4: attributes ---- */

static void expect_ike(const struct body *b, bool understood)
{
    assert_null(decode(sa_decode_ike, b->bytes, b->len));
    if ((offer.transform[0].why_not == NULL) != understood) {
        fail_msg("%s", understood ? offer.transform[0].why_not : "understood");
    }
}

static void ike_begin(struct body *b)
{
    begin(b);
    proposal(b, 1, PROTOCOL_ISAKMP, 0);
    transform(b, 1, 1);
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
    struct body b;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const unsigned types[] = { IKE_ENCRYPTION, IKE_HASH, IKE_AUTH_METHOD, IKE_GROUP,
                                   IKE_KEY_LENGTH };
        const unsigned values[] = { 7, 2, AUTH_PSK, 14, 128 };
        for (unsigned form = 0; form < 3; form++) { /* basic, 2 bytes, 4 bytes (Q2) */
            ike_begin(&b);
            for (size_t a = 0; a < LENGTH(types); a++) {
                unsigned value = types[a] == cases[i].type ? cases[i].value : values[a];
                if (form == 0) {
                    basic(&b, types[a], value);
                } else {
                    variable(&b, types[a], value, 2 * form);
                }
            }
            expect_ike(&b, cases[i].good);
        }
    }
}

static void f4_ike_oddities(void **state)
{
    (void)state;
    struct body b;
    ike_begin(&b); /* AES without a key length: 128 */
    basic(&b, IKE_GROUP, 14);
    basic(&b, IKE_ENCRYPTION, 7);
    basic(&b, IKE_AUTH_METHOD, AUTH_PSK);
    basic(&b, IKE_HASH, 2);
    expect_ike(&b, true);
    assert_int_equal(offer.transform[0].ike.cipher->id, CIPHER_AES128);
    assert_int_equal(sa_ike_life(&offer.transform[0]), IKE_LIFE_ABSENT);
    basic(&b, IKE_GROUP, 14); /* twice */
    expect_ike(&b, false);

    begin(&b);
    proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    ike_transform(&b, 1);
    variable(&b, 77, 1, 3); /* unknown */
    expect_ike(&b, false);

    begin(&b);
    proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    ike_transform(&b, 1);
    basic(&b, IKE_PRF, 1);
    expect_ike(&b, false);

    ike_begin(&b); /* nothing in it */
    expect_ike(&b, false);

    ike_begin(&b); /* a basic attribute of no bytes, and of nine */
    variable(&b, IKE_ENCRYPTION, 7, 0);
    expect_ike(&b, false);
    ike_begin(&b);
    variable(&b, IKE_ENCRYPTION, 7, 9);
    expect_ike(&b, false);

    begin(&b);
    proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    ike_transform(&b, 1);
    b.bytes[b.transform + 5] = 2; /* not KEY_IKE */
    expect_ike(&b, false);

    begin(&b);
    proposal(&b, 1, PROTOCOL_ESP, 0);
    ike_transform(&b, 1);
    expect_ike(&b, false);

    ike_begin(&b);
    for (unsigned i = 0; i < 40; i++) {
        basic(&b, IKE_LIFE_TYPE, LIFE_SECONDS);
        basic(&b, IKE_LIFE_DURATION, 100);
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
    struct body b;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        ike_begin(&b);
        basic(&b, IKE_ENCRYPTION, 5);
        basic(&b, IKE_HASH, 1);
        basic(&b, IKE_AUTH_METHOD, AUTH_PSK);
        basic(&b, IKE_GROUP, 2);
        variable(&b, IKE_LIFE_TYPE, LIFE_SECONDS, 2);
        variable(&b, IKE_LIFE_DURATION, cases[i].value, cases[i].bytes);
        expect_ike(&b, cases[i].good);
        assert_int_equal(offer.transform[0].life_seconds, cases[i].life);
    }
    basic(&b, IKE_LIFE_DURATION, 5); /* without its type */
    expect_ike(&b, false);

    begin(&b);
    proposal(&b, 1, PROTOCOL_ESP, 4);
    esp_transform(&b, 1);
    basic(&b, IPSEC_LIFE_TYPE, LIFE_KILOBYTES);
    variable(&b, IPSEC_LIFE_DURATION, 4608000, 4);
    basic(&b, IPSEC_LIFE_TYPE, LIFE_SECONDS);
    basic(&b, IPSEC_LIFE_DURATION, 1800);
    assert_null(decode(sa_decode_esp, b.bytes, b.len));
    assert_null(offer.transform[0].why_not);
    assert_int_equal(offer.transform[0].life_kb, 4608000);
    assert_int_equal(offer.transform[0].life_seconds, 1800); /* the shorter of two */
    basic(&b, IPSEC_LIFE_TYPE, LIFE_SECONDS); /* without a duration */
    assert_null(decode(sa_decode_esp, b.bytes, b.len));
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
        struct body b;
        begin(&b);
        proposal(&b, 1, cases[i].protocol, 4);
        transform(&b, 1, cases[i].id);
        for (size_t a = 0; a < LENGTH(types); a++) {
            if (values[a] != 0) {
                basic(&b, types[a], values[a]);
            }
        }
        assert_null(decode(sa_decode_esp, b.bytes, b.len));
        if ((offer.transform[0].why_not == NULL) != cases[i].good) {
            fail_msg("case %zu", i);
        }
    }
    struct body b;
    begin(&b); /* a reserved SPI */
    proposal(&b, 1, PROTOCOL_ESP, 4);
    esp_transform(&b, 1);
    memset(b.bytes + b.proposal + 8, 0, 3);
    assert_null(decode(sa_decode_esp, b.bytes, b.len));
    assert_non_null(offer.transform[0].why_not);
}

/* ---- choosing ---- */

/* AH+ESP and ESP+IPCOMP are wanted together: never taken for ESP alone. */
static void bundles(void **state)
{
    (void)state;
    struct esp_proposals p = esp("aes128-sha1");
    struct sa_esp_terms terms = { .allowed = &p, .modes = 1u << SA_MODE_TUNNEL,
                                  .life_max = LIFE_MAX };
    struct body b;
    begin(&b);
    proposal(&b, 1, PROTOCOL_AH, 4);
    transform(&b, 1, 3);
    basic(&b, IPSEC_AUTH, 2);
    proposal(&b, 1, PROTOCOL_ESP, 4);
    esp_transform(&b, 1);
    proposal(&b, 2, PROTOCOL_ESP, 4);
    esp_transform(&b, 1);
    proposal(&b, 2, PROTOCOL_IPCOMP, 2);
    transform(&b, 1, 2);
    assert_null(decode(sa_decode_esp, b.bytes, b.len));
    for (size_t i = 0; i < 4; i++) {
        assert_true(offer.proposal[i].bundled);
    }
    assert_int_equal(sa_choose_esp(&offer, &terms), -1);
    proposal(&b, 3, PROTOCOL_ESP, 4);
    esp_transform(&b, 1);
    assert_null(decode(sa_decode_esp, b.bytes, b.len));
    assert_int_equal(sa_choose_esp(&offer, &terms), 4);
    char line[600];
    sa_print_esp_offer(&offer, line, sizeof line);
    assert_non_null(strstr(line, "aes128-sha1 tunnel (proposal 1, all of them at once)"));
}

static void choose_ike(void **state)
{
    (void)state;
    struct ike_proposals narrow = ike("aes256-sha2_256-modp2048,aes128-sha1-modp2048");
    struct ike_proposals other = ike("3des-sha1-modp1536");
    struct body b;
    begin(&b);
    proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    transform(&b, 1, 1);
    basic(&b, 99, 1);
    ike_transform(&b, 2);
    assert_null(decode(sa_decode_ike, b.bytes, b.len));
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
    struct esp_proposals p = esp("default");
    struct group_list groups;
    assert_null(group_list_parse(&groups, "modp2048", NULL));
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct sa_esp_terms terms = cases[i].terms;
        struct body b;
        terms.allowed = &p;
        terms.groups = cases[i].pfs_groups ? &groups : NULL;
        terms.life_max = LIFE_MAX;
        begin(&b);
        proposal(&b, 1, PROTOCOL_ESP, 4);
        transform(&b, 1, 12);
        basic(&b, IPSEC_AUTH, 2);
        if (cases[i].mode != 0) {
            basic(&b, IPSEC_MODE, cases[i].mode);
        }
        if (cases[i].group != 0) {
            basic(&b, IPSEC_GROUP, cases[i].group);
        }
        assert_null(decode(sa_decode_esp, b.bytes, b.len));
        if ((sa_choose_esp(&offer, &terms) == 0) != cases[i].good) {
            fail_msg("case %zu", i);
        }
    }
}

/* ---- answers [X5] Q2 ---- */

static void ike_answers(void **state)
{
    (void)state;
    struct ike_proposals ours = ike("default,aes192-sha1-modp2048");
    struct ike_suite chosen;
    uint32_t life = 0;
    struct body b;

    begin(&b); /* renumbered, other order, other form, shorter */
    proposal(&b, 9, PROTOCOL_ISAKMP, 8);
    transform(&b, 4, 1);
    variable(&b, IKE_LIFE_TYPE, LIFE_SECONDS, 2);
    variable(&b, IKE_LIFE_DURATION, 1800, 4);
    basic(&b, IKE_GROUP, 14);
    basic(&b, IKE_AUTH_METHOD, AUTH_PSK);
    basic(&b, IKE_HASH, 2);
    basic(&b, IKE_ENCRYPTION, 7);
    assert_null(decode(sa_decode_ike, b.bytes, b.len));
    assert_null(sa_check_ike_answer(&offer, &ours, AUTH_PSK, 10800, &chosen, &life));
    assert_int_equal(life, 1800);
    assert_int_equal(chosen.cipher->id, CIPHER_AES128);
    assert_non_null(sa_check_ike_answer(&offer, &ours, AUTH_RSASIG, 10800, &chosen, &life));
    assert_non_null(sa_check_ike_answer(&offer, &ours, AUTH_PSK, 1799, &chosen, &life));
    struct ike_proposals others = ike("aes256-sha1-modp2048");
    assert_non_null(sa_check_ike_answer(&offer, &others, AUTH_PSK, 10800, &chosen, &life));
    ike_transform(&b, 5); /* two */
    assert_null(decode(sa_decode_ike, b.bytes, b.len));
    assert_non_null(sa_check_ike_answer(&offer, &ours, AUTH_PSK, 10800, &chosen, &life));

    begin(&b); /* acceptable, but never proposed */
    proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    transform(&b, 1, 1);
    basic(&b, IKE_ENCRYPTION, 7);
    basic(&b, IKE_HASH, 6);
    basic(&b, IKE_AUTH_METHOD, AUTH_PSK);
    basic(&b, IKE_GROUP, 21);
    assert_null(decode(sa_decode_ike, b.bytes, b.len));
    assert_int_equal(sa_choose_ike(&offer, &ours, PSK, LIFE_MAX), 0);
    assert_non_null(sa_check_ike_answer(&offer, &ours, AUTH_PSK, 10800, &chosen, &life));
}

static void esp_answers(void **state)
{
    (void)state;
    struct esp_proposals ours = esp("aes128-sha1,aes256gcm16");
    struct esp_suite chosen;
    uint32_t life = 0;
    struct body b;

    begin(&b);
    proposal(&b, 1, PROTOCOL_ESP, 4);
    esp_transform(&b, 1);
    basic(&b, IPSEC_GROUP, 14);
    assert_null(decode(sa_decode_esp, b.bytes, b.len));
    assert_null(sa_check_esp_answer(&offer, &ours, SA_MODE_TUNNEL, 14, 3600, &chosen, &life));
    assert_int_equal(life, 3600);
    assert_int_equal(chosen.hash->id, HASH_SHA1);
    assert_non_null(
        sa_check_esp_answer(&offer, &ours, SA_MODE_TRANSPORT, 14, 3600, &chosen, &life));
    assert_non_null(sa_check_esp_answer(&offer, &ours, SA_MODE_TUNNEL, 0, 3600, &chosen, &life));
    assert_non_null(sa_check_esp_answer(&offer, &ours, SA_MODE_TUNNEL, 19, 3600, &chosen, &life));
    assert_non_null(sa_check_esp_answer(&offer, &ours, SA_MODE_TUNNEL, 14, 3599, &chosen, &life));
    struct esp_proposals others = esp("aes256-sha1"); /* another key length */
    assert_non_null(
        sa_check_esp_answer(&offer, &others, SA_MODE_TUNNEL, 14, 3600, &chosen, &life));
    proposal(&b, 2, PROTOCOL_ESP, 4); /* two */
    esp_transform(&b, 1);
    assert_null(decode(sa_decode_esp, b.bytes, b.len));
    assert_non_null(sa_check_esp_answer(&offer, &ours, SA_MODE_TUNNEL, 14, 3600, &chosen, &life));

    begin(&b);
    proposal(&b, 1, PROTOCOL_ESP, 4);
    esp_transform(&b, 1);
    b.bytes[b.len - 9] = 3; /* tunnel in UDP, which nobody offered */
    assert_null(decode(sa_decode_esp, b.bytes, b.len));
    assert_true(offer.transform[0].mode_udp);
    assert_non_null(sa_check_esp_answer(&offer, &ours, SA_MODE_TUNNEL, 0, 3600, &chosen, &life));
}

/* ---- words ---- */

static void words_ike(void **state)
{
    (void)state;
    struct ike_proposals p = ike("aes128-sha2_256-modp2048");
    char line[300];
    char tiny[12];
    struct body b;
    begin(&b);
    proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    ike_transform(&b, 1);
    transform(&b, 2, 1);
    basic(&b, IKE_ENCRYPTION, 7);
    basic(&b, IKE_KEY_LENGTH, 256);
    basic(&b, IKE_HASH, 9);
    basic(&b, IKE_AUTH_METHOD, 65001);
    basic(&b, IKE_GROUP, 14);
    transform(&b, 3, 1);
    basic(&b, IKE_ENCRYPTION, 5);
    basic(&b, IKE_HASH, 2);
    basic(&b, IKE_AUTH_METHOD, AUTH_PSK);
    basic(&b, IKE_GROUP, 5);
    assert_null(decode(sa_decode_ike, b.bytes, b.len));
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
    struct ike_proposals named = ike("3des-sha1-modp1536");
    assert_false(sa_weak_ike(&offer, &named, PSK, line, sizeof line));
}

static void words_esp(void **state)
{
    (void)state;
    struct esp_proposals p = esp("aes256gcm16,aes128-sha1");
    struct group_list groups;
    char line[300];
    struct body b;
    assert_null(group_list_parse(&groups, "modp2048,ecp256", NULL));
    struct sa_esp_terms terms = { .allowed = &p, .modes = 1u << SA_MODE_TUNNEL,
                                  .groups = &groups, .has_ke = true, .pfs_required = true,
                                  .life_max = LIFE_MAX };
    begin(&b);
    proposal(&b, 1, PROTOCOL_ESP, 4);
    transform(&b, 1, 3);
    basic(&b, IPSEC_AUTH, 1);
    basic(&b, IPSEC_MODE, SA_MODE_TUNNEL);
    basic(&b, IPSEC_GROUP, 5);
    transform(&b, 2, 7);
    basic(&b, IPSEC_AUTH, 2);
    basic(&b, IPSEC_KEY_LENGTH, 128);
    assert_null(decode(sa_decode_esp, b.bytes, b.len));
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
        cmocka_unit_test(f4_cut_anywhere),
        cmocka_unit_test(f4_every_byte),
        cmocka_unit_test(f4_counts),
        cmocka_unit_test(f4_spi_sizes),
        cmocka_unit_test(f4_doi_and_situation),
        cmocka_unit_test(f4_ike_attributes),
        cmocka_unit_test(f4_ike_oddities),
        cmocka_unit_test(lives),
        cmocka_unit_test(f4_esp),
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
