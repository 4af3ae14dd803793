/* Datagrams that no honest peer sends: F11, F12. */
#include "world.h"

#include "ike-negotiate/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS "--psk --encrypt --tunnel --ike aes128-sha1-curve25519 --esp aes128-sha1 " \
              "--host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2 --client 10.2.0.0/24"
#define MESSAGES 9 /* Main Mode has 6, Quick Mode 3 */

struct spoil {
    unsigned number; /* which datagram */
    size_t at;       /* byte, or length to cut to */
    unsigned value;
    size_t len;      /* what it had */
};

static unsigned also_changed(struct world *w, struct datagram *d, unsigned number)
{
    struct spoil *s = w->data;
    if (number == s->number) {
        struct datagram wrong = *d;
        s->len = d->len;
        wrong.bytes[s->at] = (uint8_t)(wrong.bytes[s->at] ^ s->value);
        world_inject(w, &wrong);
    }
    return 1;
}

/*
 * A changed byte before the right message. Cookies and public values in the clear cannot be told
 * from right ones, so the tunnel may fail to come up; what may not happen is harm: a crash, or a
 * tunnel whose two ends differ.
 */
static void every_byte_changed(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= MESSAGES; n++) {
        struct spoil s = { .number = n, .len = 1 };
        for (s.at = 0; s.at < s.len; s.at += s.at < 40 ? 1 : 5) {
            struct world *w = world_new(WORDS, "x", "x");
            s.value = 1u << (s.at % 8);
            w->network = also_changed;
            w->data = &s;
            world_begin(w);
            world_pass(w, 200000);
            bool a = w->host[0].hand.done && w->host[0].hand.status == 0;
            bool b = w->host[1].hand.done && w->host[1].hand.status == 0;
            assert_true(!a || !b || world_both_up(w));
            /* In Quick Mode every message is protected: the forged copy costs nothing. A HASH_I or
             * HASH_R that does not match ends a Main Mode for good (F11). */
            if (n >= 7 && s.at >= ISAKMP_HEADER_LEN) {
                assert_true(world_both_up(w));
            }
            world_free(w);
        }
    }
}

/* ---- replays (F11, F12) ---- */

struct tape {
    struct datagram d[MESSAGES + 1];
    unsigned count;
};

static unsigned record_all(struct world *w, struct datagram *d, unsigned number)
{
    struct tape *t = w->data;
    (void)number;
    if (t->count < MESSAGES) {
        t->d[t->count++] = *d;
    }
    return 1;
}

static void everything_is_replayed(void **state)
{
    (void)state;
    struct tape *t = calloc(1, sizeof *t);
    struct world *w = world_new(WORDS, "x", "x");
    w->network = record_all;
    w->data = t;
    world_begin(w);
    assert_true(world_both_up(w));
    assert_int_equal(t->count, MESSAGES);
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < t->count; i++) {
            world_inject(w, &t->d[i]);
            world_settle(w);
        }
        /* after the Quick Modes are forgotten, too: their message ids are not */
        world_pass(w, 100000);
    }
    for (unsigned h = 0; h < 2; h++) {
        assert_int_equal(world_count(w, h, "isakmp-up "), 1);
        assert_int_equal(world_count(w, h, "state=QUICK_R2"), h);
        assert_int_equal(world_count(w, h, "quick-ask "), h);
    }
    assert_true(world_both_up(w));
    world_free(w);
    free(t);
}

/* The same messages from another address: nobody is misled. */
static unsigned first_from_elsewhere(struct world *w, struct datagram *d, unsigned number)
{
    struct datagram forged = *d;
    (void)number;
    address_parse(&forged.path.remote, "10.9.0.77");
    world_inject(w, &forged);
    return 1;
}

static void forged_from_another_address(void **state)
{
    (void)state;
    struct world *w = world_new(WORDS, "x", "x");
    w->network = first_from_elsewhere;
    world_begin(w);
    assert_true(world_both_up(w));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_changed),
        cmocka_unit_test(everything_is_replayed),
        cmocka_unit_test(forged_from_another_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
