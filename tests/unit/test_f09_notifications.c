/*
 * F9: notifications and Deletes, and F10: about what is not there. Under an established pair of
 * hosts, from the peer himself, correctly protected, unless it says otherwise.
 * Forms: test_f09_forms.c.
 */
#include "informational.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- unprotected ---- */

static void clear_text(struct informational *s, unsigned type, const void *body, size_t len,
                       const char *line)
{
    for (unsigned to = 0; to < 2; to++) {
        informational_begin(s, to);
        s->o.encrypted = false;
        s->o.hash = 0;
        payload_remove(&s->o, 0);
        payload_insert(&s->o, 0, type, body, len);
        informational_end(s, line);
    }
}

static void f9_unprotected_notifications_are_hints(void **state)
{
    static const unsigned types[] = { 1, 4, 11, 14, 16, 17, 18, 24, 29, 30, 31, 8192, 16384, 24576,
                                      24577, 24578, 36136, 36137, 40960, 65535 };
    struct informational *s = *state;
    uint8_t body[32];
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        clear_text(s, PAYLOAD_N, body, notification_body(body, 1, 16, types[i], 24),
                   "unprotected (only a hint) notification from the peer");
    }
}

static void f9_unprotected_deletes_are_ignored(void **state)
{
    struct informational *s = *state;
    uint8_t body[32];
    clear_text(s, PAYLOAD_D, body, delete_body(body, 1, 16, 1, 24),
               "an unprotected Informational is ignored");
    clear_text(s, PAYLOAD_D, body, delete_body(body, 3, 4, 1, 12),
               "an unprotected Informational is ignored");
}

/* What the SAs are named by: SPIs and cookies that everybody on the way can read. */
static void f9_unprotected_deletes_of_what_there_is(void **state)
{
    struct informational *s = *state;
    uint8_t body[32];
    for (unsigned to = 0; to < 2; to++) {
        const struct fake *kernel = s->l->host[to].kernel;
        for (size_t i = 0; i < kernel->sas; i++) {
            uint32_t spi = kernel->sa[i].spi;
            (void)delete_body(body, 3, 4, 1, 12);
            for (unsigned n = 0; n < 4; n++) {
                body[8 + n] = (uint8_t)(spi >> 8 * (3 - n));
            }
            clear_text(s, PAYLOAD_D, body, 12, "an unprotected Informational is ignored");
        }
    }
    const struct exchange *main = hostile_main(s->l, 0);
    (void)delete_body(body, 1, 16, 1, 24);
    memcpy(body + 8, main->sa->cky_i, COOKIE_LEN);
    memcpy(body + 16, main->sa->cky_r, COOKIE_LEN);
    clear_text(s, PAYLOAD_D, body, 24, "an unprotected Informational is ignored");
}

/* ---- a wrong HASH ---- */

static void f9_wrong_hash(void **state)
{
    struct informational *s = *state;
    uint8_t body[32];
    static const size_t lengths[] = { 1, 8, 19, 20, 21, 64 };
    static const uint8_t hash[64] = { 1, 2, 3 };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (unsigned to = 0; to < 2; to++) {
            informational_begin(s, to);
            s->o.hash = 0;
            payload_body(&s->o, 0, hash, lengths[i]);
            payload_insert(&s->o, 1, PAYLOAD_D, body, delete_body(body, 1, 16, 1, 24));
            informational_end(s, "an Informational with a wrong HASH is ignored");
        }
    }
}

static void f9_no_hash(void **state)
{
    struct informational *s = *state;
    uint8_t body[32];
    for (unsigned to = 0; to < 2; to++) {
        informational_begin(s, to);
        payload_remove(&s->o, 0);
        s->o.hash = 0;
        payload_insert(&s->o, 0, PAYLOAD_D, body, delete_body(body, 1, 16, 1, 24));
        informational_end(s, "an Informational without HASH in front is ignored");
        informational_begin(s, to); /* nothing but a HASH */
        informational_end(s, "an Informational without HASH in front is ignored");
    }
}

/* ---- again and again ---- */

static void f9_repeated(void **state)
{
    struct informational *s = *state;
    uint8_t body[32];
    for (unsigned to = 0; to < 2; to++) {
        informational_begin(s, to);
        payload_insert(&s->o, 1, PAYLOAD_N, body, notification_body(body, 1, 0, 8192, 8));
        informational_end(s, "authenticated notification");
        for (unsigned i = 0; i < 100; i++) {
            assault(s->l, &s->d, NULL, 0);
            assert_int_equal(lab_lines(s->l, to), 0);
        }
    }
}

static void f9_a_flood_of_them_is_bounded(void **state)
{
    struct informational *s = *state;
    uint8_t body[32];
    unsigned lines = 0;
    for (unsigned i = 0; i < 2000; i++) {
        hostile_begin(s->l, 1, EXCHANGE_INFORMATIONAL, s->message_id++, &s->o);
        payload_insert(&s->o, 1, PAYLOAD_N, body, notification_body(body, 1, 0, 14, 8));
        hostile_seal(&s->o, &s->d);
        assault(s->l, &s->d, NULL, 0);
        lines += lab_lines(s->l, 1);
    }
    assert_in_range(lines, 1, 20);
}

static void f9_a_flood_of_hints_is_bounded(void **state)
{
    struct informational *s = *state;
    uint8_t body[32];
    unsigned lines = 0;
    for (unsigned i = 0; i < 2000; i++) {
        hostile_begin(s->l, 1, EXCHANGE_INFORMATIONAL, s->message_id++, &s->o);
        s->o.encrypted = false;
        s->o.hash = 0;
        payload_remove(&s->o, 0);
        payload_insert(&s->o, 0, PAYLOAD_N, body, notification_body(body, 1, 0, 14, 8));
        hostile_seal(&s->o, &s->d);
        assault(s->l, &s->d, NULL, 0);
        lines += lab_lines(s->l, 1);
    }
    assert_in_range(lines, 1, 20);
    assert_true(lab_count(&s->l->host[1].heard, "notified ") <= 20);
}

/* Within one minute; and how many lines are missing is said in the next one. */
static void flood_of(struct informational *s, unsigned to, unsigned type, const void *body, size_t len,
                     const char *line)
{
    unsigned lines = 0;
    lab_pass(s->l, 61000);
    for (unsigned i = 0; i < 500; i++) {
        hostile_begin(s->l, to, EXCHANGE_INFORMATIONAL, s->message_id++, &s->o);
        payload_insert(&s->o, 1, type, body, len);
        hostile_seal(&s->o, &s->d);
        assault(s->l, &s->d, i == 0 ? line : NULL, 0);
        lines += lab_lines(s->l, to);
        lab_pass(s->l, 100);
    }
    assert_in_range(lines, 1, 16 + 14); /* 50 seconds */
    informational_begin(s, to);
    payload_insert(&s->o, 1, type, body, len);
    informational_end(s, "like this were not logged)");
}

static void f9_a_flood_of_deletes_is_bounded(void **state)
{
    static const uint8_t of_esp[] = { 0, 0, 0, 1, 3, 4, 0, 1, 0xde, 0xad, 0xbe, 0xef };
    uint8_t of_isakmp[24];
    (void)delete_body(of_isakmp, 1, 16, 1, sizeof of_isakmp);
    for (unsigned to = 0; to < 2; to++) {
        flood_of(*state, to, PAYLOAD_D, of_esp, sizeof of_esp, "none of this peer's");
        flood_of(*state, to, PAYLOAD_D, of_isakmp, sizeof of_isakmp, "that we do not have");
    }
}

static void f9_a_flood_of_lifetimes_is_bounded(void **state)
{
    static const uint8_t body[] = { 0, 0, 0, 1, 3, 4, 0x60, 0, 0xde, 0xad, 0xbe, 0xef,
                                    0x80, 1, 0, 1, 0x80, 2, 2, 0x58 };
    static const uint8_t of_isakmp[] = { 0, 0, 0, 1, 1, 0, 0x60, 0,
                                         0x80, 11, 0, 1, 0, 12, 0, 4, 0, 1, 0x51, 0x80 };
    for (unsigned to = 0; to < 2; to++) {
        flood_of(*state, to, PAYLOAD_N, body, sizeof body, "none of this peer's");
        flood_of(*state, to, PAYLOAD_N, of_isakmp, sizeof of_isakmp, "nothing changes");
    }
}

/* INITIAL-CONTACT is believed once for each ISAKMP SA, and what is made under it stays. */
static void f9_initial_contact(void **state)
{
    struct informational *s = *state;
    uint8_t body[32];
    for (unsigned i = 0; i < 5; i++) {
        informational_both(s, PAYLOAD_N, body,
                           notification_body(body, 1, 16, NOTIFY_INITIAL_CONTACT, 24), NULL);
    }
    assert_int_equal(lab_count(&s->l->host[0].heard, "initial-contact "), 1);
    assert_int_equal(lab_count(&s->l->host[1].heard, "initial-contact "), 1);
    clear_text(s, PAYLOAD_N, body, notification_body(body, 1, 16, NOTIFY_INITIAL_CONTACT, 24),
               "unprotected (only a hint)");
}

/* ---- SAs of another peer ---- */

static void f9_of_another_peer(void **state)
{
    struct informational *s = *state;
    struct lab *l = s->l;
    uint8_t body[32];
    for (unsigned i = 1; i < 3; i++) {
        lab_whack(l, i, "whack-connection name=third left-host=10.9.0.3 left-client=10.3.0.0/24 "
                  "right-host=10.9.0.2 right-client=10.2.0.0/24 " LONG_LIVED);
    }
    lab_whack(l, 2, "whack-initiate name=third");
    assert_int_equal(l->host[1].kernel->sas, 4);
    const struct exchange *third = hostile_main(l, 2);
    uint8_t cookies[2 * COOKIE_LEN];
    memcpy(cookies, third->sa->cky_i, COOKIE_LEN);
    memcpy(cookies + COOKIE_LEN, third->sa->cky_r, COOKIE_LEN);
    /* Host 0, under its own ISAKMP SA, means the SAs of 10.9.0.2 and 10.9.0.3. */
    const struct exchange *own = hostile_main(l, 0);
    for (size_t i = 0; i <= l->host[2].kernel->sas; i++) {
        lab_pass(l, 61000);
        struct exchange *x = exchange_by_cookies(l->host[1].ike, own->sa->cky_i, own->sa->cky_r);
        memset(&s->o, 0, offsetof(struct opened, chain));
        hostile_begin(l, 1, EXCHANGE_INFORMATIONAL, s->message_id++, &s->o);
        s->o.sa = x->sa;
        s->o.path = lab_path(1, 0);
        memcpy(s->o.header.cky_i, own->sa->cky_i, COOKIE_LEN);
        memcpy(s->o.header.cky_r, own->sa->cky_r, COOKIE_LEN);
        hostile_renumber(&s->o, s->message_id++);
        if (i < l->host[2].kernel->sas) {
            (void)delete_body(body, 3, 4, 1, 12);
            uint32_t spi = l->host[2].kernel->sa[i].spi;
            for (unsigned n = 0; n < 4; n++) {
                body[8 + n] = (uint8_t)(spi >> 8 * (3 - n));
            }
            payload_insert(&s->o, 1, PAYLOAD_D, body, 12);
        } else {
            (void)delete_body(body, 1, 16, 1, 24);
            memcpy(body + 8, cookies, sizeof cookies);
            payload_insert(&s->o, 1, PAYLOAD_D, body, 24);
        }
        hostile_seal(&s->o, &s->d);
        lab_forget_log(l);
        lab_hear(l, &s->d.path, s->d.bytes, s->d.len);
        lab_settle(l);
        assert_true(lab_logged(l, 1, i < l->host[2].kernel->sas
                                         ? "none of this peer's"
                                         : "that is not with this peer: ignored"));
        assert_int_equal(l->host[1].kernel->sas, 4);
    }
    /* The one whose they are may. */
    lab_whack(l, 2, "whack-terminate name=third");
    assert_int_equal(l->host[1].kernel->sas, 2);
}

/* ---- F10: what is not there ---- */

static void f10_messages_for_no_exchange(void **state)
{
    static const uint8_t types[] = { EXCHANGE_MAIN, EXCHANGE_QUICK, EXCHANGE_INFORMATIONAL };
    struct informational *s = *state;
    uint8_t body[32];
    for (unsigned i = 0; i < 2 * 3 * 2 * 2; i++) {
        informational_begin(s, i % 2);
        s->o.header.exchange = types[i / 2 % 3];
        s->o.encrypted = i / 6 % 2 == 0;
        s->o.header.message_id = i / 12 == 0 ? 0 : s->message_id++;
        payload_insert(&s->o, 1, PAYLOAD_D, body, delete_body(body, 3, 4, 1, 12));
        hostile_seal(&s->o, &s->d);
        s->d.bytes[3] ^= 0x55; /* cookies that nobody has */
        s->d.bytes[12] ^= 0x55;
        assault(s->l, &s->d, "ignored", 0);
    }
}

/* Message 2 of a Quick Mode that nobody began, message 3 without a message 1. */
static void f10_quick_mode_that_nobody_began(void **state)
{
    static const uint8_t nonce[32] = { 1 };
    struct informational *s = *state;
    for (unsigned to = 0; to < 2; to++) {
        informational_begin(s, to);
        s->o.header.exchange = EXCHANGE_QUICK;
        informational_end(s, "payload is missing");
        informational_begin(s, to);
        s->o.header.exchange = EXCHANGE_QUICK;
        payload_insert(&s->o, 1, PAYLOAD_NONCE, nonce, sizeof nonce);
        informational_end(s, "payload is missing");
    }
}

int main(void)
{
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, informational_set_up, informational_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(f9_unprotected_notifications_are_hints), TEST(f9_unprotected_deletes_are_ignored),
        TEST(f9_unprotected_deletes_of_what_there_is), TEST(f9_wrong_hash), TEST(f9_no_hash),
        TEST(f9_repeated), TEST(f9_a_flood_of_them_is_bounded),
        TEST(f9_a_flood_of_hints_is_bounded), TEST(f9_a_flood_of_deletes_is_bounded),
        TEST(f9_a_flood_of_lifetimes_is_bounded), TEST(f9_initial_contact), TEST(f9_of_another_peer),
        TEST(f10_messages_for_no_exchange), TEST(f10_quick_mode_that_nobody_began),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
