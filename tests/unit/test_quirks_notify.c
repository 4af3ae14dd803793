/* Q10 and Q11: notifications and Deletes as old peers send them, and as anybody could. */
#include "quirks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

#define INITIAL_CONTACT "initial-contact exchange=1"
#define ISAKMP_DELETED "peer-deleted exchange=1 protocol=isakmp target=1"

/* ---- Q10: INITIAL-CONTACT inside of Main Mode ---- */

static void initial_contact(struct quirk_message *m)
{
    uint8_t body[8 + 16] = { 0, 0, 0, 1, 1, 16, 0x60, 0x02 };
    memcpy(body + 8, m->header.cky_i, COOKIE_LEN);
    memcpy(body + 16, m->header.cky_r, COOKIE_LEN);
    quirk_insert(m, m->count, PAYLOAD_N, body, sizeof body);
}

static void spi_of_8(struct quirk_message *m)
{
    static const uint8_t body[8 + 8] = { 0, 0, 0, 1, 1, 8, 0x60, 0x02, 1, 2, 3, 4, 5, 6, 7, 8 };
    quirk_insert(m, m->count, PAYLOAD_N, body, sizeof body);
}

static const struct quirk table[] = {
    { "Q10: INITIAL-CONTACT in message 5 or 6", .at = AT_MAIN_5 | AT_MAIN_6,
      .change = initial_contact, .says = "initial-contact" },
    { "Q10: INITIAL-CONTACT with an SPI of 8 bytes", .at = AT_MAIN_5 | AT_MAIN_6,
      .change = spi_of_8, .odd = "an SPI of another length", .says = "initial-contact" },
};

/* ---- everything else comes when both are up, or wait ---- */

static struct world *begin(unsigned peer, struct quirk_layer **l, unsigned lost)
{
    struct world *w = world_new(QUIRK_NETS, QUIRK_PSK, QUIRK_PSK);
    *l = quirk_put_on(w, peer, NULL);
    quirk_lose(*l, lost, 1);
    world_order(w, 1 - peer, "debug classes=parsing");
    world_begin(w);
    return w;
}

static void end(struct world *w, struct quirk_layer *l)
{
    quirk_take_off(l);
    world_free(w);
}

static void send_info(struct quirk_layer *l, unsigned type, const void *body, size_t len)
{
    quirk_send(l, EXCHANGE_INFORMATIONAL, 0, false, type, body, len);
}

/* DOI, protocol, SPI size, type, SPI: a notification's body. */
static size_t notification(uint8_t *out, unsigned protocol, unsigned type, const uint8_t *spi,
                           size_t spi_len)
{
    const uint8_t head[8] = { 0, 0, 0, 1, (uint8_t)protocol, (uint8_t)spi_len,
                              (uint8_t)(type >> 8), (uint8_t)type };
    memcpy(out, head, 8);
    memcpy(out + 8, spi, spi_len);
    return 8 + spi_len;
}

static size_t delete_of(uint8_t *out, const uint8_t *spi, size_t spi_len)
{
    const uint8_t head[8] = { 0, 0, 0, 1, PROTOCOL_ISAKMP, (uint8_t)spi_len, 0, 1 };
    memcpy(out, head, 8);
    memcpy(out + 8, spi, spi_len);
    return 8 + spi_len;
}

/* Alone afterwards, with any SPI; in clear never; and it is believed once. */
static void initial_contact_alone(void **state)
{
    static const size_t lengths[] = { 16, 8, 0 };
    static const uint8_t spi[16] = { 1, 2, 3 };
    uint8_t body[24];
    (void)state;
    for (unsigned peer = 0; peer < 2; peer++) {
        for (size_t i = 0; i < LENGTH(lengths); i++) {
            struct quirk_layer *l;
            struct world *w = begin(peer, &l, 0);
            size_t len = notification(body, PROTOCOL_ISAKMP, NOTIFY_INITIAL_CONTACT, spi,
                                      lengths[i]);
            quirk_send_clear(l, PAYLOAD_N, body, len);
            assert_int_equal(world_count(w, 1 - peer, INITIAL_CONTACT), 0);
            send_info(l, PAYLOAD_N, body, len);
            send_info(l, PAYLOAD_N, body, len);
            assert_int_equal(world_count(w, 1 - peer, INITIAL_CONTACT), 1);
            end(w, l);
        }
    }
}

/* 16, 8 (either cookie) and 0 bytes mean the SA that it came under. */
static void deletes_of_isakmp(void **state)
{
    static const struct {
        size_t from, len;
    } spis[] = { { 0, 16 }, { 0, 8 }, { 8, 8 }, { 0, 0 } };
    uint8_t body[24];
    (void)state;
    for (unsigned peer = 0; peer < 2; peer++) {
        for (size_t i = 0; i < LENGTH(spis); i++) {
            struct quirk_layer *l;
            struct world *w = begin(peer, &l, 0);
            const uint8_t *cookies = quirk_main(w, peer)->cookies;
            send_info(l, PAYLOAD_D, body, delete_of(body, cookies + spis[i].from, spis[i].len));
            assert_int_equal(world_count(w, 1 - peer, ISAKMP_DELETED), 1);
            assert_int_equal(quirk_said(w, 1 - peer, "an SPI of another length"),
                             spis[i].len != 16);
            assert_true(world_both_up(w)); /* the IPsec SAs stand */
            end(w, l);
        }
    }
}

/* ... and others mean nothing that is there; in clear none does. */
static void deletes_of_other_sas(void **state)
{
    static const uint8_t strange[16] = { 0xde, 0xad };
    uint8_t body[24];
    (void)state;
    for (unsigned peer = 0; peer < 2; peer++) {
        struct quirk_layer *l;
        struct world *w = begin(peer, &l, 0);
        send_info(l, PAYLOAD_D, body, delete_of(body, strange, 16));
        send_info(l, PAYLOAD_D, body, delete_of(body, strange, 8));
        assert_int_equal(quirk_said(w, 1 - peer, "an ISAKMP SA that we do not have"), 2);
        const uint8_t *cookies = quirk_main(w, peer)->cookies;
        quirk_send_clear(l, PAYLOAD_D, body, delete_of(body, cookies, 16));
        assert_int_equal(world_count(w, 1 - peer, "peer-deleted"), 0);
        assert_non_null(quirk_main(w, 1 - peer));
        end(w, l);
    }
}

enum named_by { BY_OUR_SPI, BY_ITS_SPI, BY_MESSAGE_ID, BY_NOTHING, BY_STRANGE_SPI, IN_CLEAR };

/*
 * We wait for message 2 of Quick Mode (peer 1) or 3 (peer 0), and the peer refuses by an
 * Informational. True: our Quick Mode ended; if not, it comes up.
 */
static bool refused_by(unsigned peer, enum named_by how)
{
    static const uint8_t strange[4] = { 0xde, 0xad, 0xbe, 0xef };
    uint8_t body[24];
    struct quirk_layer *l;
    struct world *w = begin(peer, &l, peer == 1 ? AT_QUICK_2 : AT_QUICK_3);
    unsigned us = 1 - peer;
    const struct exchange *ours = quirk_quick(w, us);
    const uint8_t *spi = how == BY_OUR_SPI       ? ours->quick->spi_in
                         : how == BY_ITS_SPI     ? ours->quick->spi_out
                                                 : strange;
    if (how == BY_ITS_SPI && peer == 1) { /* which only it knows yet: what it was told of ours */
        spi = quirk_quick(w, peer)->quick->spi_out;
    }
    bool without = how == BY_MESSAGE_ID || how == BY_NOTHING || how == IN_CLEAR;
    size_t len = notification(body, PROTOCOL_ESP, NOTIFY_NO_PROPOSAL_CHOSEN, spi, without ? 0 : 4);
    assert_int_equal(ours->state, peer == 1 ? QUICK_I1 : QUICK_R1);
    if (how == IN_CLEAR) {
        quirk_send_clear(l, PAYLOAD_N, body, len);
    } else {
        quirk_send(l, EXCHANGE_INFORMATIONAL, how == BY_MESSAGE_ID ? ours->message_id : 0, false,
                   PAYLOAD_N, body, len);
    }
    bool failed = world_heard(w, us, "failed exchange=2 code=214 ");
    assert_true(failed || world_heard(w, us, "notified exchange=1 notification=14"));
    world_pass(w, 15000);
    assert_true(failed || world_both_up(w));
    end(w, l);
    return failed;
}

static void errors_of_quick_mode(void **state)
{
    (void)state;
    for (unsigned peer = 0; peer < 2; peer++) {
        assert_true(refused_by(peer, BY_OUR_SPI));
        assert_true(refused_by(peer, BY_ITS_SPI));
        assert_true(refused_by(peer, BY_MESSAGE_ID));
    }
    assert_true(refused_by(1, BY_NOTHING)); /* the only one that waits for message 2 */
}

static void errors_of_none_of_ours(void **state)
{
    (void)state;
    for (unsigned peer = 0; peer < 2; peer++) {
        assert_false(refused_by(peer, BY_STRANGE_SPI));
        assert_false(refused_by(peer, IN_CLEAR));
    }
    assert_false(refused_by(0, BY_NOTHING)); /* our answer was not refused by that */
}

/* Two wait: an error without an SPI ends the one whose message id it has, and neither without. */
static void errors_by_message_id(void **state)
{
    uint8_t body[8];
    struct quirk_layer *l;
    struct world *w = begin(1, &l, AT_QUICK_2);
    (void)state;
    quirk_lose(l, AT_QUICK_1, 1);
    buffer_add_text(&w->host[0].out[LINE_SECRETS],
                    "announce-quick exchange=3 parent=1 role=initiator esp=aes128-sha1 pfs=no\n");
    world_order(w, 0, "quick exchange=3 parent=1 connection=net esp=aes128-sha1 pfs=no mode=tunnel "
                      "life=3600 our-host=10.9.0.1 peer-host=10.9.0.2 our-client=10.1.0.0/24 "
                      "peer-client=10.2.0.0/24");
    struct exchange *first = exchange_by_number(w->host[0].ike, 2);
    assert_non_null(first);
    uint32_t id = first->message_id;
    size_t len = notification(body, PROTOCOL_ESP, NOTIFY_INVALID_ID_INFORMATION, body, 0);
    quirk_send(l, EXCHANGE_INFORMATIONAL, id, false, PAYLOAD_N, body, len);
    assert_true(world_heard(w, 0, "failed exchange=2 code=218 "));
    assert_false(world_heard(w, 0, "failed exchange=3 "));
    end(w, l);
}

/* ---- Q11 ---- */

/* Whatever is said in clear, at whatever step: shown as a hint, and the negotiation goes on. */
static void hints(unsigned peer)
{
    static const unsigned steps[2][5] = {
        { AT_MAIN_1, AT_MAIN_3, AT_MAIN_5, AT_QUICK_1, AT_QUICK_3 },
        { AT_MAIN_2, AT_MAIN_4, AT_MAIN_6, AT_QUICK_2, 0 },
    };
    static const unsigned types[] = { NOTIFY_NO_PROPOSAL_CHOSEN, NOTIFY_INVALID_COOKIE,
                                      NOTIFY_AUTHENTICATION_FAILED, NOTIFY_INVALID_ID_INFORMATION,
                                      NOTIFY_RESPONDER_LIFETIME, NOTIFY_INITIAL_CONTACT };
    uint8_t body[24];
    for (size_t i = 0; i < LENGTH(steps[0]); i++) {
        struct quirk_layer *l;
        struct world *w = begin(peer, &l, steps[peer][i]);
        const struct exchange *ours = quirk_main(w, 1 - peer);
        unsigned state = ours == NULL ? 0 : ours->state;
        for (size_t t = 0; t < LENGTH(types); t++) {
            quirk_send_clear(l, PAYLOAD_N, body,
                             notification(body, PROTOCOL_ISAKMP, types[t], body, 0));
        }
        assert_true(ours == NULL || ours->state == state);
        assert_true(ours == NULL || quirk_said(w, 1 - peer, "(only a hint)") == LENGTH(types));
        assert_int_equal(world_count(w, 1 - peer, "protected=yes"), 0);
        assert_int_equal(world_count(w, 1 - peer, "initial-contact "), 0);
        assert_int_equal(world_count(w, 1 - peer, "failed "), 0);
        world_pass(w, 12000);
        assert_true(world_both_up(w));
        end(w, l);
    }
}

static void hints_initiator(void **state)
{
    (void)state;
    hints(1);
}

static void hints_responder(void **state)
{
    (void)state;
    hints(0);
}

int main(void)
{
    const struct CMUnitTest more[] = {
        { "Q10: INITIAL-CONTACT alone afterwards", initial_contact_alone, NULL, NULL, NULL },
        { "Q10: Delete of the ISAKMP SA by 16, 8, 0 bytes", deletes_of_isakmp, NULL, NULL, NULL },
        { "Q10: Delete of an ISAKMP SA that is none of ours: ignored", deletes_of_other_sas, NULL,
          NULL, NULL },
        { "Q10: errors of Quick Mode by SPI or message id, in both roles", errors_of_quick_mode,
          NULL, NULL, NULL },
        { "Q10: errors that name another Quick Mode, or come in clear: ignored, in both roles",
          errors_of_none_of_ours, NULL, NULL, NULL },
        { "Q10 initiator: of two Quick Modes, the one with that message id", errors_by_message_id,
          NULL, NULL, NULL },
        { "Q11 initiator: unprotected notifications change no state", hints_initiator, NULL, NULL,
          NULL },
        { "Q11 responder: unprotected notifications change no state", hints_responder, NULL, NULL,
          NULL },
    };
    return quirk_run(table, LENGTH(table), more, LENGTH(more));
}
