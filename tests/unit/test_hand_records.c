/*
 * By hand: children that were taken over, and say what is right by the schema and was not asked for. Whole
 * negotiations by hand: test_ike_exchanges.c.
 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NETS "--psk --encrypt --tunnel --host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2 --client 10.2.0.0/24"
#define INSTALL "install id=4 exchange=2 protocol=esp proposal=aes128-sha1 mode=tunnel spi-in=00001234 " \
    "spi-out=c0ffee00 our-host=10.9.0.1 peer-host=10.9.0.2 our-client=10.1.0.0/24 peer-client=10.2.0.0/24 " \
    "life=3600 activate=no"

/* To host 1, which waits for a peer. */
static void says(struct world *w, unsigned which, unsigned from, const char *text)
{
    struct hand_line line = { .hand = &w->host[1].hand, .which = which };
    struct record *r = malloc(sizeof *r);
    char *copy = strdup(text);
    enum key field;
    assert_non_null(copy);
    assert_non_null(r);
    assert_null(record_parse(r, copy, strlen(copy), from, &field));
    assert_true(hand_record(&line, NULL, r, -1));
    free(copy);
    free(r);
}

static struct world *begun(void)
{
    struct world *w = world_new(NETS, "a secret", "a secret");
    says(w, LINE_SECRETS, S_P, "loaded entries=1 errors=0");
    assert_false(w->host[1].hand.done);
    return w;
}

static void ends(struct world *w)
{
    assert_true(w->host[1].hand.done);
    assert_int_equal(w->host[1].hand.status, 111);
    world_free(w);
}

static void loaded_twice(void **state)
{
    struct world *w = begun();
    (void)state;
    says(w, LINE_SECRETS, S_P, "loaded entries=1 errors=0");
    ends(w);
}

/* That was an answer to a request without an id: a failed assertion. */
static void an_answer_that_nobody_asked_for(void **state)
{
    struct world *w = begun();
    (void)state;
    says(w, LINE_SECRETS, S_P, "ok id=1 re=accept");
    ends(w);
    w = begun();
    says(w, LINE_SECRETS, S_P, "fail id=1 re=accept why=no");
    ends(w);
}

/* The first one waits for its keys; a second one is refused, and not printed together with it. */
static void two_pairs_of_sas(void **state)
{
    struct world *w = begun();
    struct host *h = &w->host[1];
    (void)state;
    says(w, LINE_NEGOTIATOR_KERNEL, N_K, INSTALL);
    size_t waits = h->hand.install.len;
    buffer_truncate(&h->out[LINE_NEGOTIATOR_KERNEL], 0);
    says(w, LINE_NEGOTIATOR_KERNEL, N_K, INSTALL);
    assert_int_equal(h->hand.install.len, waits);
    const struct buffer *out = &h->out[LINE_NEGOTIATOR_KERNEL];
    assert_true(out->len > 5 && memcmp(out->data, "fail ", 5) == 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loaded_twice),
        cmocka_unit_test(an_answer_that_nobody_asked_for),
        cmocka_unit_test(two_pairs_of_sas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
