/* F9: notifications and Deletes of every form, type and number. */
#include "informational.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    struct informational *s = *state;
    uint8_t body[300];
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t len = notification_body(body, forms[i].protocol, forms[i].spi_size, 8192,
                                       forms[i].len);
        informational_both(s, PAYLOAD_N, body, len, forms[i].line);
    }
    (void)notification_body(body, 1, 0, 8192, 8);
    for (size_t len = 0; len < 8; len++) {
        informational_both(s, PAYLOAD_N, body, len, "is ignored");
    }
    (void)notification_body(body, 1, 0, 8192, 8);
    body[3] = 2;
    informational_both(s, PAYLOAD_N, body, 8, "a notification of an unknown DOI");
    informational_both(s, PAYLOAD_N, body, notification_body(body, 1, 0, 0, 8),
                       "a notification of type 0");
}

/* Of each range that there is: errors, states, those of IPsec and of vendors, with an SPI that is nobody's. */
static void f9_notifications_of_every_type(void **state)
{
    struct informational *s = *state;
    uint8_t body[32];
    for (unsigned type = 1; type < 65536; type += type < 40 ? 1 : 4999) {
        if (type != NOTIFY_INITIAL_CONTACT) {
            informational_both(s, PAYLOAD_N, body, notification_body(body, 3, 4, type, 12),
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
    struct informational *s = *state;
    uint8_t *body = malloc(20000);
    assert_non_null(body);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t len = delete_body(body, forms[i].protocol, forms[i].spi_size, forms[i].count,
                                 forms[i].len);
        informational_both(s, PAYLOAD_D, body, len, forms[i].line);
    }
    (void)delete_body(body, 3, 4, 1, 12);
    body[3] = 2;
    informational_both(s, PAYLOAD_D, body, 12, "a Delete of an unknown DOI");
    free(body);
}

/* As many as fit into a message: one line for all that are not there. */
static void f9_deletes_of_many_unknown_spis(void **state)
{
    struct informational *s = *state;
    uint8_t *body = malloc(20000);
    assert_non_null(body);
    for (unsigned to = 0; to < 2; to++) {
        informational_begin(s, to);
        payload_insert(&s->o, 1, PAYLOAD_D, body, delete_body(body, 3, 4, 3500, 8 + 4 * 3500));
        informational_end(s, "none of this peer's");
        assert_true(lab_lines(s->l, to) <= 3);
    }
    free(body);
}

static void f9_sixty_in_one_message(void **state)
{
    struct informational *s = *state;
    uint8_t body[32];
    for (unsigned to = 0; to < 2; to++) {
        informational_begin(s, to);
        for (unsigned i = 0; i < 60; i++) {
            payload_insert(&s->o, 1, PAYLOAD_D, body, delete_body(body, 3, 4, 1, 12));
        }
        informational_end(s, "none of this peer's");
        assert_true(lab_lines(s->l, to) <= 16);
        informational_begin(s, to);
        for (unsigned i = 0; i < 60; i++) {
            payload_insert(&s->o, 1, PAYLOAD_N, body, notification_body(body, 3, 4, 14, 12));
        }
        informational_end(s, "notification from the peer");
        assert_true(lab_lines(s->l, to) <= 16);
    }
}

int main(void)
{
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, informational_set_up, informational_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(f9_notifications_of_every_form), TEST(f9_notifications_of_every_type),
        TEST(f9_deletes_of_every_form), TEST(f9_deletes_of_many_unknown_spis),
        TEST(f9_sixty_in_one_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
