/* Messages and payloads: what is decoded and what is not. F1, F2, F3, F6, F9; interop Q5, Q6, Q10. */
#include "ike-negotiate/message.h"
#include "ike-negotiate/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static const uint8_t cky_i[COOKIE_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8 };

/* A copy of exactly that size, so that a sanitizer sees each byte too many. */
static uint8_t *exact(const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return copy;
}

static const char *decode_header(struct isakmp_header *h, const uint8_t *packet, size_t len)
{
    uint8_t *copy = exact(packet, len);
    const char *why = header_decode(h, copy, len);
    free(copy);
    return why;
}

static const char *decode_chain(uint8_t first, const uint8_t *bytes, size_t len)
{
    static struct message m;
    uint8_t *copy = exact(bytes, len);
    const char *why = payloads_decode(&m, first, copy, len);
    free(copy);
    return why;
}

/* ---- F1 ---- */

static void make_header(uint8_t packet[ISAKMP_HEADER_LEN])
{
    memcpy(packet, cky_i, COOKIE_LEN);
    memset(packet + 8, 0, 20);
    packet[17] = ISAKMP_VERSION;
    packet[18] = EXCHANGE_MAIN;
    packet[27] = ISAKMP_HEADER_LEN;
}

static void f1_header(void **state)
{
    (void)state;
    static const struct { size_t at; uint8_t value; const char *has; } bad[] = {
        { 17, 0x20, "IKEv2" }, { 17, 0xf0, "not 1.0" }, { 17, 0x11, "not 1.0" },
        { 17, 0x00, "not 1.0" }, { 18, 0, "exchange type" }, { 18, 7, "exchange type" },
        { 18, 34, "exchange type" }, { 18, 240, "exchange type" }, { 19, 0xff, "flags" },
        { 19, 0x08, "flags" }, { 27, 0, "less than" }, { 27, 27, "less than" },
        { 27, 29, "shorter than its length" }, { 24, 0xff, "shorter than its length" },
    };
    uint8_t packet[ISAKMP_HEADER_LEN + 1] = { 0 };
    struct isakmp_header h;

    make_header(packet);
    assert_null(decode_header(&h, packet, ISAKMP_HEADER_LEN));
    assert_int_equal(h.exchange, EXCHANGE_MAIN);
    assert_int_equal(h.length, ISAKMP_HEADER_LEN);
    for (size_t len = 0; len < ISAKMP_HEADER_LEN; len++) {
        assert_non_null(decode_header(&h, packet, len));
    }
    assert_non_null(strstr(decode_header(&h, packet, ISAKMP_HEADER_LEN + 1), "longer than"));
    for (size_t i = 0; i < LENGTH(bad); i++) {
        make_header(packet);
        packet[bad[i].at] = bad[i].value;
        const char *why = decode_header(&h, packet, ISAKMP_HEADER_LEN);
        assert_non_null(why);
        assert_non_null(strstr(why, bad[i].has));
    }
    make_header(packet);
    packet[26] = 0xff; /* 65535 */
    packet[27] = 0xff;
    assert_non_null(decode_header(&h, packet, ISAKMP_HEADER_LEN));
    make_header(packet);
    memset(packet, 0, COOKIE_LEN);
    assert_non_null(strstr(decode_header(&h, packet, ISAKMP_HEADER_LEN), "cookie"));
}

/* ---- F2 ---- */

static void f2_cut(void **state)
{
    (void)state;
    static const uint8_t chain[] = {
        PAYLOAD_VID, 0, 0, 6, 0xaa, 0xbb,     /* HASH */
        PAYLOAD_N, 0xff, 0, 4,                /* VID, empty, reserved byte not zero (Q5) */
        PAYLOAD_NONE, 0, 0, 13, 0, 0, 0, 1, 1, 0, 0x60, 2, 7,
    };
    static struct message m;
    assert_null(payloads_decode(&m, PAYLOAD_HASH, chain, sizeof chain));
    assert_int_equal(m.count, 3);
    assert_int_equal(m.payload[1].offset, 6);
    assert_int_equal(m.payload[2].offset, 10);
    assert_int_equal(m.payloads_len, sizeof chain);
    for (size_t len = 0; len < sizeof chain; len++) {
        assert_non_null(decode_chain(PAYLOAD_HASH, chain, len));
    }
}

static void f2_padding(void **state)
{
    (void)state;
    static const uint8_t chain[] = { PAYLOAD_NONE, 0, 0, 6, 0xaa, 0xbb, 1, 2, 3, 4, 5, 6, 7, 3 };
    static struct message m;
    assert_null(payloads_decode(&m, PAYLOAD_HASH, chain, sizeof chain));
    assert_int_equal(m.count, 1);
    assert_int_equal(m.payloads_len, 6);
    assert_null(payloads_decode(&m, PAYLOAD_NONE, chain, sizeof chain));
    assert_int_equal(m.count, 0);
    assert_null(payloads_decode(&m, PAYLOAD_NONE, NULL, 0));
}

static void f2_lengths(void **state)
{
    (void)state;
    for (unsigned length = 0; length <= 65535; length++) {
        uint8_t chain[] = { 0, 0, (uint8_t)(length >> 8), (uint8_t)length, 1, 2, 3, 4 };
        bool taken = decode_chain(PAYLOAD_VID, chain, sizeof chain) == NULL;
        assert_int_equal(taken, length >= 4 && length <= 8);
    }
}

static void f2_types(void **state)
{
    (void)state;
    uint8_t chain[12] = { 0, 0, 0, sizeof chain };
    for (unsigned type = 14; type <= 255; type++) {
        const char *why = decode_chain((uint8_t)type, chain, sizeof chain);
        bool known = type == PAYLOAD_ATTRIBUTES || type == PAYLOAD_NAT_D || type >= 128 ||
                     type == PAYLOAD_NAT_OA;
        if (known != (why == NULL)) {
            fail_msg("type %u: %s", type, why != NULL ? why : "taken");
        }
    }
    assert_non_null(strstr(decode_chain(33, chain, sizeof chain), "IKEv2")); /* F3 */
    assert_non_null(decode_chain(PAYLOAD_P, chain, sizeof chain));
    assert_non_null(decode_chain(PAYLOAD_T, chain, sizeof chain));
}

static void f2_many(void **state)
{
    (void)state;
    static uint8_t chain[4 * (PAYLOADS_MAX + 1)];
    static struct message m;
    for (size_t count = PAYLOADS_MAX; count <= PAYLOADS_MAX + 1; count++) {
        for (size_t i = 0; i < count; i++) {
            chain[4 * i] = i + 1 < count ? PAYLOAD_VID : PAYLOAD_NONE;
            chain[4 * i + 3] = 4;
        }
        const char *why = payloads_decode(&m, PAYLOAD_VID, chain, 4 * count);
        assert_int_equal(why == NULL, count == PAYLOADS_MAX);
    }
}

/* F6: what the table says of nonces */
static void f6_nonce(void **state)
{
    (void)state;
    static const struct { size_t len; bool good; } cases[] = {
        { 0, false }, { 7, false }, { 8, true }, { 256, true }, { 257, false },
    };
    uint8_t body[257] = { 0 };
    struct payload_view v;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const char *why = payload_decode(&v, PAYLOAD_NONCE, body, cases[i].len);
        assert_int_equal(why == NULL, cases[i].good);
    }
}

/* Every type with every short length, no matter what the bytes are. */
static void any_body(void **state)
{
    (void)state;
    static const uint8_t fills[] = { 0x00, 0x01, 0x04, 0x7f, 0xff };
    for (unsigned type = 0; type <= 255; type++) {
        for (size_t len = 0; len <= 40; len++) {
            for (size_t f = 0; f < LENGTH(fills); f++) {
                uint8_t bytes[40];
                struct payload_view v;
                struct notification n;
                struct delete_payload d;
                memset(bytes, fills[f], sizeof bytes);
                uint8_t *copy = exact(bytes, len);
                (void)payload_decode(&v, type, copy, len);
                (void)notification_decode(&n, copy, len);
                (void)delete_decode(&d, copy, len);
                free(copy);
            }
        }
    }
}

/* ---- F9 ---- */

static void f9_notification(void **state)
{
    (void)state;
    static const struct { const char *bytes; size_t len; bool good; } cases[] = {
        { "\0\0\0\1\1\0\x60\x02", 8, true },
        { "\0\0\0\0\0\0\0\x0e", 8, true },            /* DOI 0, protocol 0 */
        { "\0\0\0\1\3\4\0\x0e" "abcd", 12, true },
        { "\0\0\0\1\1\x10\x60\x02" "0123456789abcdef", 24, true },
        { "\0\0\0\1\3\4\0\x0e" "abc", 11, false },    /* SPI is cut */
        { "\0\0\0\1\3\xff\0\x0e" "abcd", 12, false },
        { "\0\0\0\1\1\x11\x60\x02" "0123456789abcdefg", 25, false },
        { "\0\0\0\2\1\0\x60\x02", 8, false },         /* another DOI */
        { "\0\0\0\1\1\0\x60", 7, false },
        { "", 0, false },
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct notification n;
        uint8_t *copy = exact(cases[i].bytes, cases[i].len);
        const char *why = notification_decode(&n, copy, cases[i].len);
        free(copy);
        if ((why == NULL) != cases[i].good) {
            fail_msg("case %zu: %s", i, why != NULL ? why : "taken");
        }
    }
}

static void f9_delete(void **state)
{
    (void)state;
    for (unsigned protocol = 0; protocol <= 255; protocol++) {
        for (unsigned size = 0; size <= 255; size++) {
            uint8_t bytes[12 + 255] = { 0, 0, 0, 1, (uint8_t)protocol, (uint8_t)size, 0, 1 };
            struct delete_payload d;
            bool right = (protocol == 1 && (size == 0 || size == 8 || size == 16)) ||
                         (protocol == 2 && size == 4) || (protocol == 3 && size == 4) ||
                         (protocol == 4 && (size == 2 || size == 4));
            assert_int_equal(delete_decode(&d, bytes, 8 + size) == NULL, right);
            assert_non_null(delete_decode(&d, bytes, 8 + size + 1));
        }
    }
    static const struct { const char *bytes; size_t len; bool good; } cases[] = {
        { "\0\0\0\1\3\4\0\2" "abcdefgh", 16, true },
        { "\0\0\0\1\3\4\0\2" "abcdefg", 15, false },
        { "\0\0\0\1\3\4\0\0", 8, false },             /* none */
        { "\0\0\0\1\3\4\xff\xff" "abcd", 12, false }, /* 65535 claimed */
        { "\0\0\0\1\1\0\xff\xff", 8, false },         /* 65535 of no bytes */
        { "\0\0\0\7\3\4\0\1" "abcd", 12, false },
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct delete_payload d;
        const char *why = delete_decode(&d, (const uint8_t *)cases[i].bytes, cases[i].len);
        assert_int_equal(why == NULL, cases[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f1_header),
        cmocka_unit_test(f2_cut),
        cmocka_unit_test(f2_padding),
        cmocka_unit_test(f2_lengths),
        cmocka_unit_test(f2_types),
        cmocka_unit_test(f2_many),
        cmocka_unit_test(f6_nonce),
        cmocka_unit_test(any_body),
        cmocka_unit_test(f9_notification),
        cmocka_unit_test(f9_delete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
