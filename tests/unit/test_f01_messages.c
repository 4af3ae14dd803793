/* F1: headers that lie, each before every message of a negotiation. */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

/* ---- lengths ---- */

static void cut_to(struct datagram *d, size_t len)
{
    d->len = len;
}

static void f1_shorter_than_the_header(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t len = 0; len < ISAKMP_HEADER_LEN; len++) {
            attack(&(struct attack){ .at = at, .spoil = cut_to, .variant = len,
                                     .line = "shorter than an ISAKMP header" });
        }
    }
}

static void cut_by(struct datagram *d, size_t bytes)
{
    d->len -= bytes;
}

static void add_bytes(struct datagram *d, size_t bytes)
{
    memset(d->bytes + d->len, 0, bytes);
    d->len += bytes;
}

static void f1_not_as_long_as_its_length_field(void **state)
{
    static const size_t by[] = { 1, 2, 3, 4, 8, 16, 20 };
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t i = 0; i < sizeof by / sizeof by[0]; i++) {
            attack(&(struct attack){ .at = at, .spoil = cut_by, .variant = by[i],
                                     .line = "shorter than its length field" });
            attack(&(struct attack){ .at = at, .spoil = add_bytes, .variant = by[i],
                                     .line = "longer than its length field" });
        }
    }
}

static void length_field(struct datagram *d, size_t value)
{
    d->bytes[24] = (uint8_t)(value >> 24);
    d->bytes[25] = (uint8_t)(value >> 16);
    d->bytes[26] = (uint8_t)(value >> 8);
    d->bytes[27] = (uint8_t)value;
}

static void f1_length_field(void **state)
{
    static const struct {
        size_t value;
        const char *line;
    } lies[] = {
        { 0, "less than the header's 28 bytes" },      { 1, "less than the header's 28 bytes" },
        { 27, "less than the header's 28 bytes" },     { 28, "longer than its length field" },
        { 29, "longer than its length field" },        { 65535, "shorter than its length field" },
        { 65536, "shorter than its length field" },    { 0x7fffffff, "shorter than its length" },
        { 0x80000000u, "shorter than its length field" },
        { 0xffffffffu, "shorter than its length field" },
    };
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
            attack(&(struct attack){ .at = at, .spoil = length_field, .variant = lies[i].value,
                                     .line = lies[i].line });
        }
    }
}

/* Up to the longest datagram that UDP has. */
static void f1_larger_than_we_read(void **state)
{
    static const size_t lengths[] = { MESSAGE_MAX + 1, 32768, DATAGRAM_MAX };
    uint8_t *bytes = calloc(1, DATAGRAM_MAX);
    struct lab *l = lab_new(NULL);
    (void)state;
    assert_non_null(bytes);
    for (unsigned to = 0; to < 2; to++) {
        const struct path path = lab_path(to, 1 - to);
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            memcpy(bytes, "\1\2\3\4\5\6\7\10\0\0\0\0\0\0\0\0\1\20\2\0\0\0\0\0", 24);
            bytes[25] = (uint8_t)(lengths[i] >> 16);
            bytes[26] = (uint8_t)(lengths[i] >> 8);
            bytes[27] = (uint8_t)lengths[i];
            lab_forget_log(l);
            lab_hear(l, &path, bytes, lengths[i]);
            lab_settle(l);
            assert_true(lab_logged(l, to, "larger than the messages that we read"));
            assert_int_equal(l->host[to].sent_count, 0);
        }
    }
    lab_initiate(l, 0);
    assert_true(lab_up(l));
    lab_free(l);
    free(bytes);
}

/* ---- the other fields ---- */

static void version(struct datagram *d, size_t value)
{
    d->bytes[17] = (uint8_t)value;
}

static void f1_versions(void **state)
{
    static const uint8_t versions[] = { 0x00, 0x01, 0x0f, 0x11, 0x1f, 0x20, 0x21, 0x30, 0x80, 0xf0,
                                        0xff };
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t i = 0; i < sizeof versions; i++) {
            attack(&(struct attack){ .at = at, .spoil = version, .variant = versions[i],
                                     .line = versions[i] >> 4 == 2 ? "an IKEv2 message"
                                                                   : "that is not 1.0" });
        }
    }
}

static void exchange_type(struct datagram *d, size_t value)
{
    d->bytes[18] = (uint8_t)value;
}

static const char *refusal_of(unsigned type, unsigned at)
{
    if (type == EXCHANGE_INFORMATIONAL && (at == 5 || at == 6)) {
        return "cannot decrypt the peer's message";
    }
    switch (type) {
    case EXCHANGE_BASE:
    case EXCHANGE_AUTH_ONLY:
    case EXCHANGE_NEW_GROUP:
        return "is not supported: the message is ignored";
    case EXCHANGE_AGGRESSIVE:
        return "set the peer to Main Mode";
    case EXCHANGE_TRANSACTION:
        return "switch XAUTH and Mode Config off";
    case EXCHANGE_MAIN:
    case EXCHANGE_INFORMATIONAL:
    case EXCHANGE_QUICK:
        return "ignored";
    default:
        return "an unknown exchange type";
    }
}

static void one_exchange_type(unsigned at, unsigned type)
{
    bool its_own = type == (at <= 6 ? EXCHANGE_MAIN : EXCHANGE_QUICK);
    bool aggressive = type == EXCHANGE_AGGRESSIVE;
    if (its_own) {
        return;
    }
    attack(&(struct attack){ .at = at, .spoil = exchange_type, .variant = type,
                             .line = refusal_of(type, at), .answers = aggressive ? 1 : 0,
                             .notify = aggressive ? NOTIFY_UNSUPPORTED_EXCHANGE_TYPE : 0 });
}

static void f1_exchange_types(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        one_exchange_type(1 + type % MESSAGES, type);
    }
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (unsigned type = 0; type < 8; type++) {
            one_exchange_type(at, type);
            one_exchange_type(at, 31 + type % 4);
        }
    }
}

static void flags(struct datagram *d, size_t value)
{
    d->bytes[19] ^= (uint8_t)value;
}

/* Bits that nobody knows are refused; the three known ones may be set or cleared at will. */
static void f1_flags(void **state)
{
    (void)state;
    for (unsigned bits = 8; bits < 256; bits++) {
        attack(&(struct attack){ .at = 1 + bits % MESSAGES, .spoil = flags, .variant = bits,
                                 .line = "unknown flags in the header" });
    }
    for (unsigned at = 1; at <= MESSAGES; at++) {
        attack(&(struct attack){ .at = at, .spoil = flags, .variant = 0xff,
                                 .line = "unknown flags in the header" });
        attack(&(struct attack){ .at = at, .spoil = flags, .variant = FLAG_COMMIT,
                                 .line = "the Commit flag is set; it is ignored", .answers = 1 });
        attack(&(struct attack){ .at = at, .spoil = flags, .variant = FLAG_AUTH_ONLY,
                                 .answers = 1 });
        attack(&(struct attack){ .at = at, .spoil = flags, .variant = FLAG_COMMIT | FLAG_AUTH_ONLY,
                                 .line = "the Commit flag is set; it is ignored", .answers = 1 });
        for (unsigned others = 0; others < 8; others += FLAG_COMMIT) {
            attack(&(struct attack){ .at = at, .spoil = flags, .variant = FLAG_ENCRYPTION | others,
                                     .line = "ignored" });
        }
    }
}

static void no_initiator_cookie(struct datagram *d, size_t variant)
{
    (void)variant;
    memset(d->bytes, 0, COOKIE_LEN);
}

static void message_id(struct datagram *d, size_t value)
{
    d->bytes[20] = (uint8_t)(value >> 24);
    d->bytes[21] = (uint8_t)(value >> 16);
    d->bytes[22] = (uint8_t)(value >> 8);
    d->bytes[23] = (uint8_t)value;
}

static void other_cookie(struct datagram *d, size_t place)
{
    d->bytes[place] ^= 0x40;
}

static void f1_cookies_and_message_ids(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        attack(&(struct attack){ .at = at, .spoil = no_initiator_cookie,
                                 .line = "an initiator cookie of 0" });
        if (at > 1) { /* a first message with another cookie is another first message */
            attack(&(struct attack){ .at = at, .spoil = other_cookie, .variant = 3,
                                     .line = "ignored" });
        }
        if (at != 2) { /* a second message may bring any cookie */
            attack(&(struct attack){ .at = at, .spoil = other_cookie, .variant = 11,
                                     .line = "ignored" });
        }
        if (at <= 6) {
            attack(&(struct attack){ .at = at, .spoil = message_id, .variant = 1,
                                     .line = "a Main Mode message with a message id is ignored" });
        } else {
            attack(&(struct attack){ .at = at, .spoil = message_id, .variant = 0,
                                     .line = "ignored" });
            attack(&(struct attack){ .at = at, .spoil = message_id, .variant = 0x01020304,
                                     .line = "ignored" });
        }
    }
}

/* ---- the same to an established pair ---- */

static void f1_under_an_established_sa(void **state)
{
    static const uint8_t fields[][2] = { /* place, value */
        { 16, 0 }, { 16, 2 }, { 16, 33 }, { 16, 255 }, { 17, 0x20 }, { 17, 0xf0 }, { 17, 0 },
        { 18, 0 }, { 18, 1 }, { 18, 2 }, { 18, 3 }, { 18, 6 }, { 18, 32 }, { 18, 33 }, { 18, 255 },
        { 19, 0 }, { 19, 0xff }, { 24, 1 }, { 26, 0xff }, { 27, 0 }, { 27, 27 }, { 27, 28 },
    };
    struct opened *o = malloc(sizeof *o);
    struct datagram *d = malloc(sizeof *d);
    struct lab *l = lab_new(NULL);
    (void)state;
    assert_non_null(o);
    assert_non_null(d);
    lab_initiate(l, 0);
    for (unsigned i = 0; i < 2 * sizeof fields / sizeof fields[0]; i++) {
        static const uint8_t notification[] = { 0, 0, 0, 1, 1, 0, 0x60, 2 };
        hostile_begin(l, i % 2, EXCHANGE_INFORMATIONAL, 1000 + i, o);
        payload_insert(o, 1, PAYLOAD_N, notification, sizeof notification);
        hostile_seal(o, d);
        d->bytes[fields[i / 2][0]] = fields[i / 2][1];
        lab_pass(l, 10000); /* the log has room again */
        assault(l, d, "ignored", 0);
        for (size_t len = 0; len < d->len && i < 2; len++) {
            lab_pass(l, 10000);
            assault(l, &(struct datagram){ .path = d->path, .len = len }, "ignored", 0);
        }
    }
    lab_free(l);
    free(d);
    free(o);
}

static void f1_noise(void **state)
{
    struct lab *l = lab_new(NULL);
    uint32_t seed = 1;
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct datagram d = { .path = lab_path(i % 2, 2) };
        seed = seed * 1664525u + 1013904223u;
        d.len = seed >> 8 & 255;
        for (size_t b = 0; b < d.len; b++) {
            seed = seed * 1664525u + 1013904223u;
            d.bytes[b] = (uint8_t)(seed >> 24);
        }
        if (i % 3 != 0 && d.len >= ISAKMP_HEADER_LEN) { /* a header that is let in */
            d.bytes[16] = (uint8_t)(1 + seed % 13);
            d.bytes[17] = ISAKMP_VERSION;
            d.bytes[18] = i % 2 == 0 ? EXCHANGE_MAIN : EXCHANGE_INFORMATIONAL;
            d.bytes[19] = 0;
            memset(d.bytes + 20, 0, 8);
            d.bytes[27] = (uint8_t)d.len;
        }
        lab_hear(l, &d.path, d.bytes, d.len);
        lab_settle(l);
    }
    lab_initiate(l, 0);
    assert_true(lab_up(l));
    lab_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f1_shorter_than_the_header),
        cmocka_unit_test(f1_not_as_long_as_its_length_field),
        cmocka_unit_test(f1_length_field),
        cmocka_unit_test(f1_larger_than_we_read),
        cmocka_unit_test(f1_versions),
        cmocka_unit_test(f1_exchange_types),
        cmocka_unit_test(f1_flags),
        cmocka_unit_test(f1_cookies_and_message_ids),
        cmocka_unit_test(f1_under_an_established_sa),
        cmocka_unit_test(f1_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
