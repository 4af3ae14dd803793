/* Processes that die under a negotiation, as ike-negotiate sees it; what is said in which order. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS "--psk --encrypt --tunnel --ike aes128-sha1-modp2048 --esp aes128-sha1 " \
              "--host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2 --client 10.2.0.0/24"

/* Two that cannot agree on a Quick Mode. */
#define HOSTS "--host 10.9.0.1 --to --host 10.9.0.2"
#define WEAK "--psk --encrypt --tunnel --esp 3des-md5 " HOSTS
#define STRONG "--psk --encrypt --tunnel --esp aes256gcm16 " HOSTS

/* ---- the outbound SA waits for message 3 ---- */

struct seen {
    unsigned host_0;   /* datagrams of host 0 */
    bool activated;    /* before the last of them */
};

static unsigned watch(struct world *w, struct datagram *d, unsigned number)
{
    struct seen *seen = w->data;
    (void)number;
    if (d->to == 1) {
        seen->host_0++;
        seen->activated = world_holds(&w->host[0].printed, "activate ")
                          || world_holds(&w->host[0].to_kernel, "activate ");
    }
    return 1;
}

/* [L4]: message 3 is sent, then `activate`, in the same turn: nothing is asked in between. */
static void message_3_then_activate(void **state)
{
    struct seen seen = { 0 };
    (void)state;
    struct world *w = world_new(WORDS, "x", "x");
    w->network = watch;
    w->data = &seen;
    world_begin(w);
    assert_true(world_both_up(w));
    assert_int_equal(seen.host_0, 5);
    assert_false(seen.activated);
    assert_true(world_holds(&w->host[0].printed, " activate=no\n"));
    assert_true(world_holds(&w->host[0].printed, "\nactivate "));
    world_free(w);
}

/* ---- a refusal that was lost ---- */

static unsigned lose_refusals(struct world *w, struct datagram *d, unsigned number)
{
    unsigned *lost = w->data;
    (void)number;
    if (d->to == 0 && d->bytes[18] == 5 && *lost > 0) { /* an Informational of the responder */
        --*lost;
        return 0;
    }
    return 1;
}

/* Message 1 of Quick Mode comes again after 10 and 30 s, and so does the refusal. */
static void a_lost_refusal_is_repeated(void **state)
{
    (void)state;
    for (unsigned lost = 0; lost <= 3; lost++) {
        unsigned left = lost;
        struct world *w = world_new_two(WEAK, STRONG, "x", "x");
        w->network = lose_refusals;
        w->data = &left;
        world_begin(w);
        world_pass(w, 31000);
        assert_int_equal(world_count(w, 0, "code=214 "), lost < 3 ? 1 : 0);
        assert_int_equal(world_count(w, 1, "quick-ask "), 1);
        world_free(w);
    }
}

/* F12: as often as it likes, but not for ever. */
static unsigned multiply(struct world *w, struct datagram *d, unsigned number)
{
    (void)w;
    (void)number;
    return d->to == 1 && d->bytes[18] == 32 ? 20 : 1;
}

static void refusals_are_bounded(void **state)
{
    (void)state;
    struct world *w = world_new_two(WEAK, STRONG, "x", "x");
    w->network = multiply;
    world_begin(w);
    assert_int_equal(w->host[1].sent, 3 + 1 + 3);
    world_free(w);
}

/* ---- no SPI at hand ---- */

/* kernel-sa is being started again when message 1 of Quick Mode comes: it waits. */
static void a_responder_waits_for_an_spi(void **state)
{
    (void)state;
    struct world *w = world_new(WORDS, "x", "x");
    w->host[1].no_kernel = true;
    ike_source_gone(w->host[1].ike, w->now, FROM_KERNEL_SA, 0);
    world_begin(w);
    world_pass(w, 5000);
    assert_false(world_both_up(w));
    assert_false(world_heard(w, 1, "failed "));
    w->host[1].no_kernel = false;
    ike_kernel_ready(w->host[1].ike, w->now);
    world_settle(w);
    assert_true(world_both_up(w));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_3_then_activate),
        cmocka_unit_test(a_lost_refusal_is_repeated),
        cmocka_unit_test(refusals_are_bounded),
        cmocka_unit_test(a_responder_waits_for_an_spi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
