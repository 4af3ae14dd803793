#include "informational.h"

#include <stdlib.h>
#include <string.h>

int informational_set_up(void **state)
{
    struct informational *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->l = lab_new(LONG_LIVED);
    s->message_id = 0x10000;
    lab_initiate(s->l, 0);
    assert_true(lab_up(s->l));
    *state = s;
    return 0;
}

int informational_tear_down(void **state)
{
    struct informational *s = *state;
    lab_pass(s->l, 61000);
    lab_forget_log(s->l);
    lab_whack(s->l, 0, "whack-terminate name=net");
    assert_true(lab_logged(s->l, 1, "the peer deleted the IPsec SA"));
    assert_int_equal(s->l->host[1].kernel->sas, 0);
    lab_free(s->l);
    free(s);
    return 0;
}

void informational_begin(struct informational *s, unsigned to)
{
    lab_pass(s->l, 61000); /* bounds of lines are full again */
    hostile_begin(s->l, to, EXCHANGE_INFORMATIONAL, s->message_id++, &s->o);
}

void informational_end(struct informational *s, const char *line)
{
    hostile_seal(&s->o, &s->d);
    assault(s->l, &s->d, line, 0);
}

void informational_both(struct informational *s, unsigned type, const void *body, size_t len,
                        const char *line)
{
    for (unsigned to = 0; to < 2; to++) {
        informational_begin(s, to);
        payload_insert(&s->o, 1, type, body, len);
        informational_end(s, line);
    }
}

size_t notification_body(uint8_t *body, unsigned protocol, unsigned spi_size, unsigned type,
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

size_t delete_body(uint8_t *body, unsigned protocol, unsigned spi_size, unsigned count,
                     size_t len)
{
    return notification_body(body, protocol, spi_size, count, len);
}
