/* Messages and payloads: decoder, encoder, printer. F1, F2, F3, F9; interop Q5, Q6, Q10. */
#include "ike-negotiate/message.h"
#include "ike-negotiate/notify.h"
#include "ike-negotiate/print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static const uint8_t cky_i[COOKIE_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8 };
static const uint8_t cky_r[COOKIE_LEN] = { 9, 10, 11, 12, 13, 14, 15, 16 };

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

/* ---- writing ---- */

static void write_a_message(struct buffer *out)
{
    struct message_writer w;
    const struct notification n = { .doi = 1, .protocol = PROTOCOL_ESP, .type = 14,
                                    .spi = (const uint8_t *)"abcd", .spi_len = 4,
                                    .data = (const uint8_t *)"why", .data_len = 3 };
    const struct delete_payload d = { .doi = 1, .protocol = PROTOCOL_ESP, .spi_size = 4,
                                      .count = 2, .spis = (const uint8_t *)"abcdefgh" };
    message_begin(&w, out, cky_i, cky_r, EXCHANGE_INFORMATIONAL, 0, 0x12345678);
    message_raw(&w, PAYLOAD_HASH, "0123456789abcdef", 16);
    message_payload(&w, PAYLOAD_N);
    notification_encode(out, &n);
    message_payload_end(&w);
    message_payload(&w, PAYLOAD_D);
    delete_encode(out, &d);
    message_payload_end(&w);
    message_raw(&w, PAYLOAD_NAT_D_DRAFT, "ab", 2);
    assert_true(message_end(&w));
}

static void there_and_back(void **state)
{
    (void)state;
    struct buffer out;
    struct isakmp_header h;
    static struct message m;
    struct notification n;
    struct delete_payload d;

    buffer_init(&out, 0);
    buffer_add_u32(&out, 0); /* a non-ESP marker stays outside of the length */
    write_a_message(&out);
    assert_null(header_decode(&h, out.data + 4, out.len - 4));
    assert_memory_equal(h.cky_i, cky_i, COOKIE_LEN);
    assert_memory_equal(h.cky_r, cky_r, COOKIE_LEN);
    assert_int_equal(h.next_payload, PAYLOAD_HASH);
    assert_int_equal(h.exchange, EXCHANGE_INFORMATIONAL);
    assert_int_equal(h.message_id, 0x12345678);
    assert_null(payloads_decode(&m, h.next_payload, out.data + 4 + ISAKMP_HEADER_LEN,
                                h.length - ISAKMP_HEADER_LEN));
    assert_int_equal(m.count, 4);
    assert_int_equal(message_count(&m, PAYLOAD_D), 1);
    assert_null(message_find(&m, PAYLOAD_D, 1));
    const struct payload *p = message_find(&m, PAYLOAD_N, 0);
    assert_non_null(p);
    assert_null(notification_decode(&n, p->body, p->body_len));
    assert_int_equal(n.type, NOTIFY_NO_PROPOSAL_CHOSEN);
    assert_memory_equal(n.spi, "abcd", 4);
    assert_int_equal(n.data_len, 3);
    p = message_find(&m, PAYLOAD_D, 0);
    assert_non_null(p);
    assert_null(delete_decode(&d, p->body, p->body_len));
    assert_int_equal(d.count, 2);
    assert_memory_equal(d.spis, "abcdefgh", 8);
    buffer_wipe(&out);
}

static void overflow_is_noticed(void **state)
{
    (void)state;
    static const uint8_t big[65600];
    struct message_writer w;
    struct buffer out;
    for (size_t limit = 1; limit < 60; limit++) {
        buffer_init(&out, limit);
        message_begin(&w, &out, cky_i, cky_r, EXCHANGE_MAIN, 0, 0);
        message_raw(&w, PAYLOAD_KE, big, 24);
        message_raw(&w, PAYLOAD_NONCE, big, 8);
        assert_int_equal(message_end(&w), false);
        buffer_wipe(&out);
    }
    buffer_init(&out, 0);
    message_begin(&w, &out, cky_i, cky_r, EXCHANGE_MAIN, 0, 0);
    message_raw(&w, PAYLOAD_VID, big, sizeof big);
    assert_false(message_end(&w));
    buffer_wipe(&out);
}

/* ---- names and lines ---- */

static void names(void **state)
{
    (void)state;
    assert_string_equal(payload_name(PAYLOAD_SA), "SA");
    assert_string_equal(payload_name(PAYLOAD_NAT_D_DRAFT), "NAT-D");
    assert_string_equal(payload_name(99), "unknown");
    assert_string_equal(notify_name(14), "NO-PROPOSAL-CHOSEN");
    assert_string_equal(notify_name(24578), "INITIAL-CONTACT");
    assert_false(notify_known(31));
    assert_true(notify_is_error(31));
    assert_false(notify_is_error(NOTIFY_CONNECTED));
}

struct lines {
    char text[8192];
    size_t len;
};

static void keep_line(void *context, const char *text)
{
    struct lines *lines = context;
    size_t len = strlen(text);
    assert_true(lines->len + len + 2 < sizeof lines->text);
    memcpy(lines->text + lines->len, text, len);
    lines->len += len;
    lines->text[lines->len++] = '\n';
    lines->text[lines->len] = '\0';
}

static void printed(void **state)
{
    (void)state;
    static struct lines lines;
    struct buffer out;
    buffer_init(&out, 0);
    write_a_message(&out);
    print_packet(out.data, out.len, keep_line, &lines);
    assert_string_equal(lines.text,
        "ISAKMP 1.0, cookies 0102030405060708 090a0b0c0d0e0f10, exchange 5 (Informational), flags "
        "0x00, message id 12345678, 93 bytes, first payload HASH\n"
        "  HASH, 20 bytes: hash 30313233343536373839616263646566\n"
        "  N, 19 bytes: DOI 1 (IPsec) protocol 3 (ESP) SPI size 4 type 14 (NO-PROPOSAL-CHOSEN) "
        "SPI 61626364 data 776879\n"
        "  D, 20 bytes: DOI 1 (IPsec) protocol 3 (ESP) SPI size 4 SPIs 2 SPI 6162636465666768\n"
        "  NAT-D, 6 bytes: hash 6162\n");
    buffer_wipe(&out);
}

static void printed_sa(void **state)
{
    (void)state;
    static const uint8_t sa[] = {
        0, 0, 0, 60, 0, 0, 0, 1, 0, 0, 0, 1,
        0, 0, 0, 48, 1, 3, 4, 2, 'a', 'b', 'c', 'd',
        3, 0, 0, 20, 1, 12, 0, 0, 0x80, 4, 0, 1, 0x80, 5, 0, 2, 0, 2, 0, 0,
        0, 0, 0, 16, 2, 3, 0, 0, 0x80, 1, 0, 1, 0x80, 99, 0, 7,
    };
    static struct lines lines;
    static struct message m;
    assert_null(payloads_decode(&m, PAYLOAD_SA, sa, sizeof sa));
    print_payloads(&m, keep_line, &lines);
    assert_string_equal(lines.text,
        "  SA, 60 bytes: DOI 1 (IPsec) situation 1 (identity only)\n"
        "    proposal, 48 bytes: number 1 protocol 3 (ESP) SPI size 4 transforms 2 SPI 61626364\n"
        "      transform, 20 bytes: number 1 id 12\n"
        "        encapsulation mode 4: 1 (tunnel)\n"
        "        authentication 5: 2 (sha1)\n"
        "        life duration 2: \n"
        "      transform, 16 bytes: number 2 id 3\n"
        "        life type 1: 1 (seconds)\n"
        "        attribute 99: 7\n");
}

/* Rubbish that names itself SA must end, and stay inside of its bytes. */
static void printed_rubbish(void **state)
{
    (void)state;
    static struct lines lines;
    uint32_t seed = 1;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t bytes[64];
        make_header(bytes);
        for (size_t i = ISAKMP_HEADER_LEN; i < sizeof bytes; i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = (seed >> 24) % 3 == 0 ? (uint8_t)(seed >> 16) : (uint8_t)(seed >> 30);
        }
        bytes[16] = (uint8_t)(1 + round % 13);
        bytes[27] = sizeof bytes;
        bytes[31] = (uint8_t)(round % 37);
        uint8_t *copy = exact(bytes, sizeof bytes);
        lines.len = 0;
        print_packet(copy, sizeof bytes, keep_line, &lines);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f1_header),      cmocka_unit_test(f2_cut),
        cmocka_unit_test(f2_padding),     cmocka_unit_test(f2_lengths),
        cmocka_unit_test(f2_types),       cmocka_unit_test(f2_many),
        cmocka_unit_test(f6_nonce),       cmocka_unit_test(any_body),
        cmocka_unit_test(f9_notification), cmocka_unit_test(f9_delete),
        cmocka_unit_test(there_and_back), cmocka_unit_test(overflow_is_noticed),
        cmocka_unit_test(names),          cmocka_unit_test(printed),
        cmocka_unit_test(printed_sa),     cmocka_unit_test(printed_rubbish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
