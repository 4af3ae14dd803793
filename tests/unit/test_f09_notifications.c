/*
 * F9: notifications and Deletes, and F10: about what is not there. Under an established pair of
 * hosts, from the peer himself, correctly protected, unless it says otherwise.
 */
#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_LIVED LAB_CHEAP " ikelifetime=86400 ipseclifetime=86400"

struct scene {
    struct lab *l;
    struct opened o;
    struct datagram d;
    uint32_t message_id;
};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->l = lab_new(LONG_LIVED);
    s->message_id = 0x10000;
    lab_initiate(s->l, 0);
    assert_true(lab_up(s->l));
    *state = s;
    return 0;
}

/* Whatever went before: the SAs are still there, and the peer's own Delete is heard. */
static int tear_down(void **state)
{
    struct scene *s = *state;
    lab_pass(s->l, 61000);
    lab_forget_log(s->l);
    lab_whack(s->l, 0, "whack-terminate name=net");
    assert_true(lab_logged(s->l, 1, "the peer deleted the IPsec SA"));
    assert_int_equal(s->l->host[1].kernel->sas, 0);
    lab_free(s->l);
    free(s);
    return 0;
}

static void begin(struct scene *s, unsigned to)
{
    lab_pass(s->l, 61000); /* bounds of lines are full again */
    hostile_begin(s->l, to, EXCHANGE_INFORMATIONAL, s->message_id++, &s->o);
}

static void end(struct scene *s, const char *line)
{
    hostile_seal(&s->o, &s->d);
    assault(s->l, &s->d, line, 0);
}

/* An Informational with one payload, to both hosts. */
static void both(struct scene *s, unsigned type, const void *body, size_t len, const char *line)
{
    for (unsigned to = 0; to < 2; to++) {
        begin(s, to);
        payload_insert(&s->o, 1, type, body, len);
        end(s, line);
    }
}

static size_t notification(uint8_t *body, unsigned protocol, unsigned spi_size, unsigned type,
                           size_t len)
{
    memset(body, 0x11, len);
    memcpy(body, "\0\0\0\1", 4);
    body[4] = (uint8_t)protocol;
    body[5] = (uint8_t)spi_size;
    body[6] = (uint8_t)(type >> 8);
    body[7] = (uint8_t)type;
    return len;
}

static size_t delete(uint8_t *body, unsigned protocol, unsigned spi_size, unsigned count,
                     size_t len)
{
    return notification(body, protocol, spi_size, count, len);
}

/* ---- unprotected ---- */

static void clear_text(struct scene *s, unsigned type, const void *body, size_t len,
                       const char *line)
{
    for (unsigned to = 0; to < 2; to++) {
        begin(s, to);
        s->o.encrypted = false;
        s->o.hash = 0;
        payload_remove(&s->o, 0);
        payload_insert(&s->o, 0, type, body, len);
        end(s, line);
    }
}

static void f9_unprotected_notifications_are_hints(void **state)
{
    static const unsigned types[] = { 1, 4, 11, 14, 16, 17, 18, 24, 29, 30, 31, 8192, 16384, 24576,
                                      24577, 24578, 36136, 36137, 40960, 65535 };
    struct scene *s = *state;
    uint8_t body[32];
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        clear_text(s, PAYLOAD_N, body, notification(body, 1, 16, types[i], 24),
                   "unprotected (only a hint) notification from the peer");
    }
}

static void f9_unprotected_deletes_are_ignored(void **state)
{
    struct scene *s = *state;
    uint8_t body[32];
    clear_text(s, PAYLOAD_D, body, delete(body, 1, 16, 1, 24),
               "an unprotected Informational is ignored");
    clear_text(s, PAYLOAD_D, body, delete(body, 3, 4, 1, 12),
               "an unprotected Informational is ignored");
}

/* What the SAs are named by: SPIs and cookies that everybody on the way can read. */
static void f9_unprotected_deletes_of_what_there_is(void **state)
{
    struct scene *s = *state;
    uint8_t body[32];
    for (unsigned to = 0; to < 2; to++) {
        const struct fake *kernel = s->l->host[to].kernel;
        for (size_t i = 0; i < kernel->sas; i++) {
            uint32_t spi = kernel->sa[i].spi;
            (void)delete(body, 3, 4, 1, 12);
            for (unsigned n = 0; n < 4; n++) {
                body[8 + n] = (uint8_t)(spi >> 8 * (3 - n));
            }
            clear_text(s, PAYLOAD_D, body, 12, "an unprotected Informational is ignored");
        }
    }
    const struct exchange *main = hostile_main(s->l, 0);
    (void)delete(body, 1, 16, 1, 24);
    memcpy(body + 8, main->sa->cky_i, COOKIE_LEN);
    memcpy(body + 16, main->sa->cky_r, COOKIE_LEN);
    clear_text(s, PAYLOAD_D, body, 24, "an unprotected Informational is ignored");
}

/* ---- a wrong HASH ---- */

static void f9_wrong_hash(void **state)
{
    struct scene *s = *state;
    uint8_t body[32];
    static const size_t lengths[] = { 1, 8, 19, 20, 21, 64 };
    static const uint8_t hash[64] = { 1, 2, 3 };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (unsigned to = 0; to < 2; to++) {
            begin(s, to);
            s->o.hash = 0;
            payload_body(&s->o, 0, hash, lengths[i]);
            payload_insert(&s->o, 1, PAYLOAD_D, body, delete(body, 1, 16, 1, 24));
            end(s, "an Informational with a wrong HASH is ignored");
        }
    }
}

static void f9_no_hash(void **state)
{
    struct scene *s = *state;
    uint8_t body[32];
    for (unsigned to = 0; to < 2; to++) {
        begin(s, to);
        payload_remove(&s->o, 0);
        s->o.hash = 0;
        payload_insert(&s->o, 0, PAYLOAD_D, body, delete(body, 1, 16, 1, 24));
        end(s, "an Informational without HASH in front is ignored");
        begin(s, to);
        end(s, "an Informational without HASH in front is ignored"); /* nothing but a HASH */
    }
}

/* ---- forms ---- */

static void f9_notifications_of_every_form(void **state)
{
    static const struct {
        unsigned protocol, spi_size;
        size_t len;
        const char *line;
    } forms[] = {
        { 0, 0, 8, "authenticated notification" },  { 5, 4, 12, "authenticated notification" },
        { 255, 0, 8, "authenticated notification" }, { 3, 3, 12, "authenticated notification" },
        { 3, 5, 13, "authenticated notification" }, { 1, 8, 16, "authenticated notification" },
        { 3, 4, 11, "longer than its payload" },    { 3, 255, 12, "longer than its payload" },
        { 3, 255, 263, "an SPI of more than 16 bytes" },
        { 1, 17, 25, "an SPI of more than 16 bytes" },
    };
    struct scene *s = *state;
    uint8_t body[300];
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        both(s, PAYLOAD_N, body, notification(body, forms[i].protocol, forms[i].spi_size, 8192,
                                              forms[i].len), forms[i].line);
    }
    (void)notification(body, 1, 0, 8192, 8);
    for (size_t len = 0; len < 8; len++) {
        both(s, PAYLOAD_N, body, len, "is ignored");
    }
    (void)notification(body, 1, 0, 8192, 8);
    body[3] = 2;
    both(s, PAYLOAD_N, body, 8, "a notification of an unknown DOI");
    both(s, PAYLOAD_N, body, notification(body, 1, 0, 0, 8), "a notification of type 0");
}

/* All types there are, with and without an SPI that could be one of ours. */
static void f9_notifications_of_every_type(void **state)
{
    struct scene *s = *state;
    uint8_t body[32];
    for (unsigned type = 1; type < 65536; type += type < 40 ? 1 : 4999) {
        if (type != NOTIFY_INITIAL_CONTACT) {
            both(s, PAYLOAD_N, body, notification(body, 3, 4, type, 12),
                 "notification from the peer");
        }
    }
}

static void f9_deletes_of_every_form(void **state)
{
    static const struct {
        unsigned protocol, spi_size, count;
        size_t len;
        const char *line;
    } forms[] = {
        { 0, 4, 1, 12, "a Delete for an unknown protocol" },
        { 5, 4, 1, 12, "a Delete for an unknown protocol" },
        { 255, 4, 1, 12, "a Delete for an unknown protocol" },
        { 3, 0, 1, 8, "an SPI size that its protocol does not have" },
        { 3, 3, 1, 11, "an SPI size that its protocol does not have" },
        { 3, 5, 1, 13, "an SPI size that its protocol does not have" },
        { 3, 255, 1, 263, "an SPI size that its protocol does not have" },
        { 1, 4, 1, 12, "an SPI size that its protocol does not have" },
        { 1, 15, 1, 23, "an SPI size that its protocol does not have" },
        { 4, 3, 1, 11, "an SPI size that its protocol does not have" },
        { 4, 2, 1, 10, "a Delete for protocol 4 is ignored" },
        { 3, 4, 0, 8, "a Delete without any SPI" },
        { 3, 4, 65535, 12, "number and size of SPIs do not fit" },
        { 3, 4, 65535, 8 + 4 * 3000, "number and size of SPIs do not fit" },
        { 3, 4, 2, 12, "number and size of SPIs do not fit" },
        { 3, 4, 1, 13, "number and size of SPIs do not fit" },
        { 1, 0, 65535, 8, "a Delete of many SPIs without any bytes" },
        { 1, 16, 4096, 24, "number and size of SPIs do not fit" },
    };
    struct scene *s = *state;
    uint8_t *body = malloc(20000);
    assert_non_null(body);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        both(s, PAYLOAD_D, body, delete(body, forms[i].protocol, forms[i].spi_size, forms[i].count,
                                        forms[i].len), forms[i].line);
    }
    (void)delete(body, 3, 4, 1, 12);
    body[3] = 2;
    both(s, PAYLOAD_D, body, 12, "a Delete of an unknown DOI");
    free(body);
}

/* As many as fit into a message: one line for all that are not there. */
static void f9_deletes_of_many_unknown_spis(void **state)
{
    struct scene *s = *state;
    uint8_t *body = malloc(20000);
    assert_non_null(body);
    for (unsigned to = 0; to < 2; to++) {
        begin(s, to);
        payload_insert(&s->o, 1, PAYLOAD_D, body, delete(body, 3, 4, 3500, 8 + 4 * 3500));
        end(s, "none of this peer's");
        assert_true(lab_lines(s->l, to) <= 3);
    }
    free(body);
}

static void f9_sixty_in_one_message(void **state)
{
    struct scene *s = *state;
    uint8_t body[32];
    for (unsigned to = 0; to < 2; to++) {
        begin(s, to);
        for (unsigned i = 0; i < 60; i++) {
            payload_insert(&s->o, 1, PAYLOAD_D, body, delete(body, 3, 4, 1, 12));
        }
        end(s, "none of this peer's");
        assert_true(lab_lines(s->l, to) <= 16);
        begin(s, to);
        for (unsigned i = 0; i < 60; i++) {
            payload_insert(&s->o, 1, PAYLOAD_N, body, notification(body, 3, 4, 14, 12));
        }
        end(s, "notification from the peer");
        assert_true(lab_lines(s->l, to) <= 16);
    }
}

/* ---- again and again ---- */

static void f9_repeated(void **state)
{
    struct scene *s = *state;
    uint8_t body[32];
    for (unsigned to = 0; to < 2; to++) {
        begin(s, to);
        payload_insert(&s->o, 1, PAYLOAD_N, body, notification(body, 1, 0, 8192, 8));
        end(s, "authenticated notification");
        for (unsigned i = 0; i < 100; i++) {
            assault(s->l, &s->d, NULL, 0);
            assert_int_equal(lab_lines(s->l, to), 0);
        }
    }
}

static void f9_a_flood_of_them_is_bounded(void **state)
{
    struct scene *s = *state;
    uint8_t body[32];
    unsigned lines = 0;
    for (unsigned i = 0; i < 2000; i++) {
        hostile_begin(s->l, 1, EXCHANGE_INFORMATIONAL, s->message_id++, &s->o);
        payload_insert(&s->o, 1, PAYLOAD_N, body, notification(body, 1, 0, 14, 8));
        hostile_seal(&s->o, &s->d);
        assault(s->l, &s->d, NULL, 0);
        lines += lab_lines(s->l, 1);
    }
    assert_in_range(lines, 1, 20);
}

static void f9_a_flood_of_hints_is_bounded(void **state)
{
    struct scene *s = *state;
    uint8_t body[32];
    unsigned lines = 0;
    for (unsigned i = 0; i < 2000; i++) {
        hostile_begin(s->l, 1, EXCHANGE_INFORMATIONAL, s->message_id++, &s->o);
        s->o.encrypted = false;
        s->o.hash = 0;
        payload_remove(&s->o, 0);
        payload_insert(&s->o, 0, PAYLOAD_N, body, notification(body, 1, 0, 14, 8));
        hostile_seal(&s->o, &s->d);
        assault(s->l, &s->d, NULL, 0);
        lines += lab_lines(s->l, 1);
    }
    assert_in_range(lines, 1, 20);
    assert_true(lab_count(&s->l->host[1].heard, "notified ") <= 20);
}

/* INITIAL-CONTACT is believed once for each ISAKMP SA, and what is made under it stays. */
static void f9_initial_contact(void **state)
{
    struct scene *s = *state;
    uint8_t body[32];
    for (unsigned i = 0; i < 5; i++) {
        both(s, PAYLOAD_N, body, notification(body, 1, 16, NOTIFY_INITIAL_CONTACT, 24), NULL);
    }
    assert_int_equal(lab_count(&s->l->host[0].heard, "initial-contact "), 1);
    assert_int_equal(lab_count(&s->l->host[1].heard, "initial-contact "), 1);
    clear_text(s, PAYLOAD_N, body, notification(body, 1, 16, NOTIFY_INITIAL_CONTACT, 24),
               "unprotected (only a hint)");
}

/* ---- SAs of another peer ---- */

static void f9_of_another_peer(void **state)
{
    struct scene *s = *state;
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
            (void)delete(body, 3, 4, 1, 12);
            uint32_t spi = l->host[2].kernel->sa[i].spi;
            for (unsigned n = 0; n < 4; n++) {
                body[8 + n] = (uint8_t)(spi >> 8 * (3 - n));
            }
            payload_insert(&s->o, 1, PAYLOAD_D, body, 12);
        } else {
            (void)delete(body, 1, 16, 1, 24);
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
    struct scene *s = *state;
    uint8_t body[32];
    for (unsigned i = 0; i < 2 * 3 * 2 * 2; i++) {
        begin(s, i % 2);
        s->o.header.exchange = types[i / 2 % 3];
        s->o.encrypted = i / 6 % 2 == 0;
        s->o.header.message_id = i / 12 == 0 ? 0 : s->message_id++;
        payload_insert(&s->o, 1, PAYLOAD_D, body, delete(body, 3, 4, 1, 12));
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
    struct scene *s = *state;
    for (unsigned to = 0; to < 2; to++) {
        begin(s, to);
        s->o.header.exchange = EXCHANGE_QUICK;
        end(s, "payload is missing");
        begin(s, to);
        s->o.header.exchange = EXCHANGE_QUICK;
        payload_insert(&s->o, 1, PAYLOAD_NONCE, nonce, sizeof nonce);
        end(s, "payload is missing");
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(f9_unprotected_notifications_are_hints),
        TEST(f9_unprotected_deletes_are_ignored),
        TEST(f9_unprotected_deletes_of_what_there_is),
        TEST(f9_wrong_hash),
        TEST(f9_no_hash),
        TEST(f9_notifications_of_every_form),
        TEST(f9_notifications_of_every_type),
        TEST(f9_deletes_of_every_form),
        TEST(f9_deletes_of_many_unknown_spis),
        TEST(f9_sixty_in_one_message),
        TEST(f9_repeated),
        TEST(f9_a_flood_of_them_is_bounded),
        TEST(f9_a_flood_of_hints_is_bounded),
        TEST(f9_initial_contact),
        TEST(f9_of_another_peer),
        TEST(f10_messages_for_no_exchange),
        TEST(f10_quick_mode_that_nobody_began),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
