/* Messages and payloads: written, read again, and printed for people. */
#include "ike-negotiate/message.h"
#include "ike-negotiate/notify.h"
#include "ike-negotiate/print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t cky_i[COOKIE_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8 };
static const uint8_t cky_r[COOKIE_LEN] = { 9, 10, 11, 12, 13, 14, 15, 16 };

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
        uint8_t bytes[64] = { 0 };
        memcpy(bytes, cky_i, COOKIE_LEN);
        bytes[17] = ISAKMP_VERSION;
        bytes[18] = EXCHANGE_MAIN;
        for (size_t i = ISAKMP_HEADER_LEN; i < sizeof bytes; i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = (seed >> 24) % 3 == 0 ? (uint8_t)(seed >> 16) : (uint8_t)(seed >> 30);
        }
        bytes[16] = (uint8_t)(1 + round % 13);
        bytes[27] = sizeof bytes;
        bytes[31] = (uint8_t)(round % 37);
        uint8_t *copy = malloc(sizeof bytes); /* of that size, so that a sanitizer sees each byte too many */
        assert_non_null(copy);
        memcpy(copy, bytes, sizeof bytes);
        lines.len = 0;
        print_packet(copy, sizeof bytes, keep_line, &lines);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(overflow_is_noticed),
        cmocka_unit_test(names),
        cmocka_unit_test(printed),
        cmocka_unit_test(printed_sa),
        cmocka_unit_test(printed_rubbish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
