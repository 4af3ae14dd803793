/*
 * Q3: RESPONDER-LIFETIME in message 2 of Quick Mode, with message 6 of Main Mode, alone, and wrong. Messages of an
 * honest peer get another notification on their way, under the same keys.
 */
#include "world.h"

#include "ike-negotiate/attribute.h"
#include "ike-negotiate/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENDS "--host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2 --client 10.2.0.0/24"
#define WORDS "--psk --encrypt --tunnel --ike aes128-sha1-curve25519 --esp aes128-sha1 " ENDS
#define MESSAGE_6 6
#define QUICK_2 8

#define SECONDS_600 "\x80\x01\x00\x01\x80\x02\x02\x58"
#define SECONDS_900 "\x80\x01\x00\x01\x80\x02\x03\x84"
#define SECONDS_700_LONG "\x80\x01\x00\x01\x00\x02\x00\x04\x00\x00\x02\xbc"
#define SECONDS_86400 "\x80\x01\x00\x01\x00\x02\x00\x04\x00\x01\x51\x80"
#define KB_4608000 "\x80\x01\x00\x02\x00\x02\x00\x04\x00\x46\x50\x00"
#define KB_250000 "\x80\x01\x00\x02\x00\x02\x00\x04\x00\x03\xd0\x90"
#define IKE_600 "\x80\x0b\x00\x01\x80\x0c\x02\x58"
#define IKE_86400 "\x80\x0b\x00\x01\x00\x0c\x00\x04\x00\x01\x51\x80"

enum spi { SPI_NONE, SPI_RIGHT, SPI_OURS, SPI_ZERO, SPI_OTHER, SPI_3_BYTES };

struct told {
    unsigned protocol;
    enum spi spi;
    const char *data;
    size_t len;
    unsigned life;      /* that comes of it */
    const char *says;   /* in the log of the one who is told; NULL: nothing */
};

#define DATA(text) (text), sizeof(text) - 1

/* ---- making ---- */

static void spi_of(const struct told *t, const struct exchange *x, const uint8_t *right,
                   struct notification *n, uint8_t spi[16])
{
    memset(spi, t->spi == SPI_OTHER ? 0x77 : 0, 16);
    n->spi = spi;
    n->spi_len = t->spi == SPI_NONE ? 0 : t->spi == SPI_3_BYTES ? 3
                 : t->protocol == PROTOCOL_ISAKMP ? 16 : 4;
    if (t->spi != SPI_RIGHT && t->spi != SPI_OURS) {
        return;
    }
    if (t->protocol == PROTOCOL_ISAKMP) {
        memcpy(spi, x->sa->cky_i, COOKIE_LEN);
        memcpy(spi + COOKIE_LEN, x->sa->cky_r, COOKIE_LEN);
    } else {
        memcpy(spi, right, 4);
    }
}

static void notification_of(const struct told *t, const struct exchange *x, const uint8_t *right,
                            struct buffer *body)
{
    uint8_t spi[16];
    struct notification n = { .doi = DOI_IPSEC, .protocol = t->protocol,
                              .type = NOTIFY_RESPONDER_LIFETIME,
                              .data = (const uint8_t *)t->data, .data_len = t->len };
    spi_of(t, x, right, &n, spi);
    buffer_init(body, 256);
    notification_encode(body, &n);
}

/* The payload behind the last one of a message in the clear, which loses its padding. */
static void append_payload(struct buffer *m, unsigned type, const struct buffer *body)
{
    size_t at = ISAKMP_HEADER_LEN;
    size_t next_at = 16;
    while (m->data[next_at] != PAYLOAD_NONE) {
        next_at = at;
        at += (size_t)m->data[at + 2] << 8 | m->data[at + 3];
    }
    m->data[next_at] = (uint8_t)type;
    buffer_truncate(m, at);
    buffer_add_u16(m, PAYLOAD_NONE);
    buffer_add_u16(m, (unsigned)(GENERIC_HEADER_LEN + body->len));
    buffer_add(m, body->data, body->len);
}

/* HASH(2) = prf(SKEYID_a, M-ID | Ni_b | rest), over the message as it is now. */
static void hash_2(const struct exchange *x, struct buffer *m)
{
    uint8_t hash[HASH_MAX];
    size_t len = x->sa->keys.hash->len;
    size_t rest = ISAKMP_HEADER_LEN + GENERIC_HEADER_LEN + len;
    const struct part parts[] = { { m->data + 20, 4 }, { x->quick->nonce, x->quick->nonce_len },
                                  { m->data + rest, m->len - rest } };
    isakmp_hash(&x->sa->keys, parts, 3, hash);
    memcpy(m->data + ISAKMP_HEADER_LEN + GENERIC_HEADER_LEN, hash, len);
}

/* The exchange of a host; ends the test where it has none. */
static struct exchange *exchange_of(struct world *w, unsigned host, uint64_t number)
{
    struct exchange *x = exchange_by_number(w->host[host].ike, number);
    if (x == NULL) {
        fail_msg("host %u has no exchange %u", host, (unsigned)number);
        abort();
    }
    return x;
}

/* Opens d with the receiver's keys, adds the notification, and seals it; iv: before, and after. */
static void rewrite(struct datagram *d, const struct exchange *x, const struct buffer *body,
                    uint8_t iv[IV_MAX])
{
    uint8_t first[IV_MAX];
    struct buffer m;
    memcpy(first, iv, IV_MAX);
    isakmp_decrypt(&x->sa->keys, iv, d->bytes + ISAKMP_HEADER_LEN, d->len - ISAKMP_HEADER_LEN);
    buffer_init(&m, MESSAGE_MAX);
    buffer_add(&m, d->bytes, d->len);
    append_payload(&m, PAYLOAD_N, body);
    if (x->is_quick) {
        hash_2(x, &m);
    }
    memcpy(iv, first, IV_MAX);
    assert_true(message_seal(&m, &x->sa->keys, iv));
    memcpy(d->bytes, m.data, d->len = m.len);
    buffer_wipe(&m);
}

/* Adds t's notification to what host 1 sends; both hosts go on with the IV of the changed message. */
static unsigned tell(struct world *w, struct datagram *d, unsigned number)
{
    const struct told *t = w->data;
    uint8_t iv[IV_MAX];
    struct buffer body;
    if (t->protocol == PROTOCOL_ISAKMP && number == MESSAGE_6) {
        struct exchange *x = exchange_of(w, 0, EXCHANGE_X);
        notification_of(t, x, x->sa->cky_i, &body);
        memcpy(iv, x->sa->iv, IV_MAX);
        rewrite(d, x, &body, iv);
        memcpy(exchange_of(w, 1, EXCHANGE_X)->sa->iv, iv, IV_MAX);
        buffer_wipe(&body);
    } else if (t->protocol != PROTOCOL_ISAKMP && number == QUICK_2) {
        struct exchange *x = exchange_of(w, 0, EXCHANGE_Y);
        struct exchange *sender = exchange_of(w, 1, EXCHANGE_Y);
        notification_of(t, x, t->spi == SPI_OURS ? x->quick->spi_in : sender->quick->spi_in, &body);
        memcpy(iv, x->iv, IV_MAX);
        rewrite(d, x, &body, iv);
        memcpy(sender->iv, iv, IV_MAX);
        buffer_wipe(&body);
    }
    return 1;
}

/* A protected Informational of host 1 with that payload; `good`: its HASH is right. */
static void send_alone(struct world *w, unsigned type, const struct buffer *body, uint32_t id,
                       bool good)
{
    const struct exchange *x = exchange_of(w, 1, EXCHANGE_X);
    const struct isakmp_sa *sa = x->sa;
    size_t rest = ISAKMP_HEADER_LEN + GENERIC_HEADER_LEN + sa->keys.hash->len;
    uint8_t hash[HASH_MAX] = { 0 };
    uint8_t iv[IV_MAX];
    struct message_writer writer;
    struct buffer m;
    buffer_init(&m, MESSAGE_MAX);
    message_begin(&writer, &m, sa->cky_i, sa->cky_r, EXCHANGE_INFORMATIONAL, 0, id);
    message_raw(&writer, PAYLOAD_HASH, hash, sa->keys.hash->len);
    message_raw(&writer, type, body->data, body->len);
    assert_true(message_end(&writer));
    const struct part parts[] = { { m.data + 20, 4 }, { m.data + rest, m.len - rest } };
    isakmp_hash(&sa->keys, parts, 2, hash);
    hash[0] ^= good ? 0 : 1;
    memcpy(m.data + ISAKMP_HEADER_LEN + GENERIC_HEADER_LEN, hash, sa->keys.hash->len);
    iv_phase2(&sa->keys, sa->iv, id, iv);
    assert_true(message_seal(&m, &sa->keys, iv));
    struct datagram d = { .to = 0, .len = m.len };
    d.path = exchange_of(w, 0, EXCHANGE_X)->sa->path;
    memcpy(d.bytes, m.data, m.len);
    world_inject(w, &d);
    world_settle(w);
    buffer_wipe(&m);
}

static bool printed(const struct world *w, unsigned host, const char *text)
{
    const struct buffer *b = &w->host[host].printed;
    return b->data != NULL && memmem(b->data, b->len, text, strlen(text)) != NULL;
}

static void assert_life(const struct world *w, unsigned host, unsigned life)
{
    char text[40];
    snprintf(text, sizeof text, " life=%u protocol=", life);
    if (!printed(w, host, text)) {
        const struct buffer *b = &w->host[host].printed;
        fail_msg("no%s in: %.*s", text, (int)b->len, (const char *)b->data);
    }
}

/* ---- ours to ours ---- */

static void the_responder_tells_his_shorter_life(void **state)
{
    static const struct { const char *initiator, *responder; unsigned life; bool told; } cases[] = {
        { "--ipseclifetime 3600 " WORDS, "--ipseclifetime 1800 " WORDS, 1800, true },
        { "--ipseclifetime 3600 " WORDS, "--ipseclifetime 1801 --esp aes256gcm16,aes128-sha1 --psk "
          "--encrypt --tunnel --pfs --pfsgroup modp2048 --ike aes128-sha1-curve25519 " ENDS, 1801, true },
        { "--ipseclifetime 1800 " WORDS, "--ipseclifetime 3600 " WORDS, 1800, false },
        { "--ipseclifetime 1800 " WORDS, "--ipseclifetime 1800 " WORDS, 1800, false },
    };
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        char pfs[400];
        snprintf(pfs, sizeof pfs, "%s%s", i == 1 ? "--pfs --pfsgroup modp2048 " : "", cases[i].initiator);
        struct world *w = world_new_two(pfs, cases[i].responder, "x", "x");
        world_begin(w);
        assert_true(world_both_up(w));
        assert_life(w, 0, cases[i].life);
        assert_life(w, 1, cases[i].life);
        assert_int_equal(world_heard(w, 0, "lets%20the%20IPsec%20SA%20live"), cases[i].told);
        world_free(w);
    }
}

/* ---- in message 2 of Quick Mode ---- */

static void in_message_2(void **state)
{
    static const struct told cases[] = {
        { PROTOCOL_ESP, SPI_RIGHT, DATA(SECONDS_600), 600, "live%20600%20s,%20not%203600%20s" },
        { PROTOCOL_ESP, SPI_NONE, DATA(SECONDS_600), 600, "live%20600%20s" },
        { PROTOCOL_ESP, SPI_ZERO, DATA(SECONDS_600), 600, "live%20600%20s" },
        { PROTOCOL_ESP, SPI_OURS, DATA(SECONDS_600), 600, "live%20600%20s" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA(SECONDS_900 KB_4608000), 900, "live%20900%20s" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA(KB_250000 SECONDS_900), 900, "live%20900%20s" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA(SECONDS_900 SECONDS_700_LONG SECONDS_86400), 700, "live%20700" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA(SECONDS_86400), 3600, NULL },
        { PROTOCOL_ESP, SPI_RIGHT, DATA(KB_4608000), 3600, "in%20kilobytes%20only" },
        /* wrong */
        { PROTOCOL_ESP, SPI_OTHER, DATA(SECONDS_600), 3600, "ignored:%20it%20names%20another%20SA" },
        { PROTOCOL_ESP, SPI_3_BYTES, DATA(SECONDS_600), 3600, "ignored:%20it%20names%20another%20SA" },
        { PROTOCOL_AH, SPI_RIGHT, DATA(SECONDS_600), 3600, "ignored:%20it%20names%20another%20SA" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA("\x80\x01\x00\x01\x80\x02\x00\x00"), 3600, "duration%20of%200" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA("\x80\x01\x00\x01"), 3600, "without%20a%20duration" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA("\x80\x02\x02\x58"), 3600, "without%20its%20type" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA("\x80\x01\x00\x03\x80\x02\x02\x58"), 3600, "unknown%20life%20type" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA(SECONDS_600 "\x80\x01"), 3600, "attribute%20that%20is%20cut" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA("\x80\x01\x00\x01\x00\x02\x00\x09\x00\x00\x02\xbc"), 3600, "longer" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA(IKE_600), 3600, "ignored" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA(""), 3600, "no%20life%20in%20it" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct told t = cases[i];
        struct world *w = world_new(WORDS, "x", "x");
        w->network = tell;
        w->data = &t;
        world_begin(w);
        assert_true(world_both_up(w));
        assert_life(w, 0, t.life);
        assert_life(w, 1, 3600); /* he has his own word */
        assert_true(t.says == NULL || world_heard(w, 0, t.says));
        assert_false(world_heard(w, 0, "responder-lifetime "));
        world_free(w);
    }
}

/* ---- with message 6 of Main Mode ---- */

static void with_message_6(void **state)
{
    static const struct told cases[] = {
        { PROTOCOL_ISAKMP, SPI_RIGHT, DATA(IKE_600), 600, "live%20600%20s,%20not%2010800%20s" },
        { PROTOCOL_ISAKMP, SPI_NONE, DATA(IKE_600), 600, "live%20600%20s" },
        { PROTOCOL_ISAKMP, SPI_RIGHT, DATA(IKE_86400), 10800, NULL },
        { PROTOCOL_ISAKMP, SPI_OTHER, DATA(IKE_600), 10800, "ignored:%20it%20names%20another%20SA" },
        { PROTOCOL_ISAKMP, SPI_RIGHT, DATA("\x80\x0b\x00\x01\x80\x0c\x00\x00"), 10800, "duration%20of%200" },
        { PROTOCOL_ISAKMP, SPI_RIGHT, DATA("\x80\x0b"), 10800, "cut" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct told t = cases[i];
        char up[100];
        struct world *w = world_new(WORDS, "x", "x");
        w->network = tell;
        w->data = &t;
        world_begin(w);
        assert_true(world_both_up(w));
        snprintf(up, sizeof up, "proposal=aes128-sha1-curve25519 life=%u ", t.life);
        assert_true(world_heard(w, 0, up));
        assert_true(world_heard(w, 1, "proposal=aes128-sha1-curve25519 life=10800 "));
        assert_true(t.says == NULL || world_heard(w, 0, t.says));
        world_free(w);
    }
}

/* ---- alone ---- */

static void alone(void **state)
{
    static const struct told cases[] = {
        { PROTOCOL_ESP, SPI_RIGHT, DATA(SECONDS_600), 600,
          "responder-lifetime exchange=1 protocol=esp life=600 spi-out=01020304\n" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA(KB_4608000 SECONDS_86400 SECONDS_900), 900,
          "responder-lifetime exchange=1 protocol=esp life=900 spi-out=01020304\n" },
        { PROTOCOL_ISAKMP, SPI_RIGHT, DATA(IKE_600), 600,
          "responder-lifetime exchange=1 protocol=isakmp life=600 target=1\n" },
        { PROTOCOL_ISAKMP, SPI_NONE, DATA(IKE_600), 600,
          "responder-lifetime exchange=1 protocol=isakmp life=600 target=1\n" },
        { PROTOCOL_ISAKMP, SPI_OTHER, DATA(IKE_600), 0, "an%20ISAKMP%20SA%20that%20we%20do%20not%20have" },
        { PROTOCOL_ESP, SPI_NONE, DATA(SECONDS_600), 0, "protocol%203%20with%20an%20SPI%20of%200%20bytes" },
        { PROTOCOL_ESP, SPI_3_BYTES, DATA(SECONDS_600), 0, "SPI%20of%203%20bytes" },
        { PROTOCOL_AH, SPI_RIGHT, DATA(SECONDS_600), 0, "protocol%202" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA(KB_4608000), 0, "in%20kilobytes%20only" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA("\x80\x01\x00\x01\x80\x02\x00\x00"), 0, "duration%20of%200" },
        { PROTOCOL_ISAKMP, SPI_RIGHT, DATA("\x80\x0b\x00"), 0, "cut" },
        { PROTOCOL_ESP, SPI_RIGHT, DATA(""), 0, "no%20life%20in%20it" },
    };
    static const uint8_t spi[4] = { 1, 2, 3, 4 };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = world_new(WORDS, "x", "x");
        struct buffer body;
        world_begin(w);
        assert_true(world_both_up(w));
        notification_of(&cases[i], exchange_of(w, 0, EXCHANGE_X), spi, &body);
        send_alone(w, PAYLOAD_N, &body, 0x1234567, false);
        assert_true(world_heard(w, 0, "wrong%20HASH"));
        assert_false(world_heard(w, 0, "responder-lifetime "));
        send_alone(w, PAYLOAD_N, &body, 0x1234567, true);
        send_alone(w, PAYLOAD_N, &body, 0x1234567, true); /* a replay */
        if (!world_heard(w, 0, cases[i].says)) {
            const struct buffer *b = &w->host[0].heard;
            fail_msg("no %s in: %.*s", cases[i].says, (int)b->len, (const char *)b->data);
        }
        assert_int_equal(world_count(w, 0, "responder-lifetime "), cases[i].life == 0 ? 0 : 1);
        buffer_wipe(&body);
        world_free(w);
    }
}

/* ---- not protected (Q11) ---- */

/* Before the message, an Informational in the clear with the same cookies from the same address. */
static unsigned hint_before(struct world *w, struct datagram *d, unsigned number)
{
    static const struct told life = { PROTOCOL_ISAKMP, SPI_NONE, DATA(IKE_600), 600, NULL };
    static const struct notification contact = { .doi = DOI_IPSEC, .protocol = PROTOCOL_ISAKMP,
                                                 .type = NOTIFY_INITIAL_CONTACT };
    if (number != *(const unsigned *)w->data) {
        return 1;
    }
    for (unsigned which = 0; which < 2; which++) {
        struct message_writer writer;
        struct datagram hint = { .to = d->to, .path = d->path };
        struct buffer body;
        struct buffer m;
        if (which == 0) {
            notification_of(&life, NULL, NULL, &body);
        } else {
            buffer_init(&body, 256);
            notification_encode(&body, &contact);
        }
        buffer_init(&m, MESSAGE_MAX);
        message_begin(&writer, &m, d->bytes, d->bytes + COOKIE_LEN, EXCHANGE_INFORMATIONAL, 0, 99);
        message_raw(&writer, PAYLOAD_N, body.data, body.len);
        assert_true(message_end(&writer));
        memcpy(hint.bytes, m.data, hint.len = m.len);
        world_inject(w, &hint);
        buffer_wipe(&m);
        buffer_wipe(&body);
    }
    return 1;
}

static void in_the_clear_nothing_is_believed(void **state)
{
    (void)state;
    for (unsigned number = 2; number <= 9; number++) {
        struct world *w = world_new(WORDS, "x", "x");
        w->network = hint_before;
        w->data = &number;
        world_begin(w);
        assert_true(world_both_up(w));
        for (unsigned host = 0; host < 2; host++) {
            assert_true(world_heard(w, host, "life=10800 "));
            assert_life(w, host, 3600);
            assert_false(world_heard(w, host, "responder-lifetime "));
            assert_false(world_heard(w, host, "initial-contact "));
        }
        if (number > 3) {
            assert_true(world_heard(w, 1 - number % 2, "only%20a%20hint")
                        || world_heard(w, number % 2, "only%20a%20hint"));
        }
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_responder_tells_his_shorter_life),
        cmocka_unit_test(in_message_2),
        cmocka_unit_test(with_message_6),
        cmocka_unit_test(alone),
        cmocka_unit_test(in_the_clear_nothing_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
