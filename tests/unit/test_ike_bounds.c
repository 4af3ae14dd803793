/* Bounds of the negotiator that an honest life may meet. */
#include "world.h"

#include "ike-negotiate/exchange.h"
#include "ike-negotiate/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENDS "--host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2 --client 10.2.0.0/24 "
#define WORDS "--psk --encrypt --tunnel --ike aes128-sha1-curve25519 --esp aes128-sha1 " ENDS

/* A list of --esp as long as the form allows is offered whole. */
static void a_long_list_of_proposals(void **state)
{
    (void)state;
    struct buffer words;
    buffer_init(&words, 0);
    buffer_add_text(&words, "--psk --encrypt --tunnel " ENDS "--esp aes128-sha1");
    for (unsigned i = 0; i < 100; i++) {
        buffer_add_text(&words, i % 2 == 0 ? ",aes256-sha2_512" : ",aes256-sha2_256");
    }
    buffer_add(&words, "", 1);
    struct world *w = world_new((const char *)words.data, "x", "x");
    world_begin(w);
    assert_true(world_both_up(w));
    world_free(w);
    buffer_wipe(&words);
}

/* Quick Modes that wait for SPIs are all begun when kernel-sa gives some. */
static void waiting_quick_modes_are_all_begun(void **state)
{
    (void)state;
    char line[400];
    struct world *w = world_new(WORDS, "x", "x");
    world_begin(w);
    assert_true(world_both_up(w));
    ike_source_gone(w->host[0].ike, w->now, FROM_KERNEL_SA, 0);
    for (unsigned i = 0; i < 5; i++) {
        snprintf(line, sizeof line, "quick exchange=10%u parent=1 connection=net esp=aes128-sha1 pfs=no "
                 "mode=tunnel life=3600 our-host=10.9.0.1 peer-host=10.9.0.2 "
                 "our-client=10.1.0.0/24 peer-client=10.2.0.0/24", i);
        buffer_add_text(&w->host[0].out[LINE_NEGOTIATOR], line);
        buffer_add_text(&w->host[0].out[LINE_NEGOTIATOR], "\n");
    }
    world_settle(w);
    ike_kernel_ready(w->host[0].ike, w->now);
    world_settle(w);
    /* secrets was not told of them and refuses: none is left waiting. */
    assert_int_equal(world_count(w, 0, "failed exchange=10"), 5);
    world_free(w);
}

/* Just before the first message of a Quick Mode arrives, its receiver's stock of SPIs is lost. */
static unsigned lose_spis(struct world *w, struct datagram *d, unsigned number)
{
    (void)number;
    bool *lost = w->data;
    if (d->to == 1 && d->bytes[18] == EXCHANGE_QUICK && !*lost) {
        *lost = true;
        ike_source_gone(w->host[1].ike, w->now, FROM_KERNEL_SA, 0);
    }
    return 1;
}

static void a_responder_without_spis_waits_for_them(void **state)
{
    (void)state;
    bool lost = false;
    struct world *w = world_new(WORDS, "x", "x");
    w->network = lose_spis;
    w->data = &lost;
    world_begin(w);
    assert_true(lost);
    assert_true(world_both_up(w));
    world_free(w);
}

/* kernel-sa remembers the last few thousand that it gave out: none may lie under newer ones for good. */
static void the_oldest_spis_are_taken_first(void **state)
{
    (void)state;
    uint8_t first[sizeof ((struct ike *)0)->spis];
    uint8_t spi[4];
    struct world *w = world_new(WORDS, "x", "x");
    struct ike *ike = w->host[1].ike;
    world_settle(w);
    const size_t count = ike->spi_count;
    assert_true(count > 1);
    memcpy(first, ike->spis, 4 * count);
    assert_true(take_spi(ike, spi)); /* more are asked for */
    world_settle(w);
    assert_true(ike->spi_count > count);
    for (size_t i = 1; i < count; i++) {
        assert_true(take_spi(ike, spi));
        assert_non_null(memmem(first, 4 * count, spi, 4));
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_list_of_proposals),
        cmocka_unit_test(waiting_quick_modes_are_all_begun),
        cmocka_unit_test(a_responder_without_spis_waits_for_them),
        cmocka_unit_test(the_oldest_spis_are_taken_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
