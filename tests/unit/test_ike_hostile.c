/* Datagrams that no honest peer sends: F1, F2, F3, F5, F6, F9, F11, F12, and [X5]. */
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

/* Before the right message, a wrong copy of it: the wrong one must change nothing. */
static unsigned also_cut(struct world *w, struct datagram *d, unsigned number)
{
    struct spoil *s = w->data;
    if (number == s->number) {
        struct datagram wrong = *d;
        s->len = d->len;
        wrong.len = s->at;
        world_inject(w, &wrong);
    }
    return 1;
}

static void every_message_cut_anywhere(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= MESSAGES; n++) {
        struct spoil s = { .number = n, .at = 0, .len = 1 };
        for (s.at = 0; s.at < s.len; s.at += s.at < 60 ? 1 : 7) {
            struct world *w = world_new(WORDS, "x", "x");
            w->network = also_cut;
            w->data = &s;
            world_begin(w);
            assert_true(world_both_up(w));
            world_free(w);
        }
    }
}

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

/* F1 */
static void headers_that_lie(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value[4];
        size_t len;
    } lies[] = {
        { 17, { 0x20 }, 1 }, { 17, { 0xf0 }, 1 }, { 17, { 0x11 }, 1 }, { 17, { 0 }, 1 },
        { 18, { 0 }, 1 }, { 18, { 4 }, 1 }, { 18, { 6 }, 1 }, { 18, { 32 }, 1 }, { 18, { 33 }, 1 },
        { 18, { 34 }, 1 }, { 18, { 255 }, 1 }, { 19, { 0xff }, 1 }, { 19, { 1 }, 1 },
        { 24, { 0, 0, 0, 0 }, 4 }, { 24, { 0, 0, 0, 27 }, 4 }, { 24, { 0, 0, 0, 28 }, 4 },
        { 24, { 0, 0, 0xff, 0xff }, 4 }, { 24, { 0xff, 0xff, 0xff, 0xff }, 4 },
        { 16, { 0 }, 1 }, { 16, { 33 }, 1 }, { 16, { 255 }, 1 }, { 20, { 1, 2, 3, 4 }, 4 },
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct world *w = world_new(WORDS, "x", "x");
        struct datagram d = { .to = 1, .len = 40 };
        memset(d.bytes, 7, 8);
        d.bytes[16] = 1;
        d.bytes[17] = 0x10;
        d.bytes[18] = 2;
        d.bytes[27] = 40;
        address_parse(&d.path.local, "10.9.0.2");
        address_parse(&d.path.remote, "10.9.0.1");
        d.path.local_port = d.path.remote_port = 500;
        memcpy(d.bytes + lies[i].at, lies[i].value, lies[i].len);
        world_inject(w, &d);
        world_settle(w);
        assert_false(world_heard(w, 1, "first "));
        world_begin(w);
        assert_true(world_both_up(w));
        world_free(w);
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

/* ---- answers that were not offered [X5] ---- */

/* In message 2 the hash attribute SHA (80 02 00 02) becomes MD5 (80 02 00 01). */
static unsigned weaken_answer(struct world *w, struct datagram *d, unsigned number)
{
    static const uint8_t sha[] = { 0x80, 0x02, 0x00, 0x02 };
    (void)w;
    if (number == 2) {
        uint8_t *at = memmem(d->bytes, d->len, sha, sizeof sha);
        assert_non_null(at);
        at[3] = 1;
    }
    return 1;
}

static void an_answer_that_was_not_offered(void **state)
{
    (void)state;
    struct world *w = world_new(WORDS, "x", "x");
    w->network = weaken_answer;
    world_begin(w);
    assert_false(world_heard(w, 0, "state=MAIN_I2"));
    assert_true(world_heard(w, 0, "none%20of%20ours"));
    world_free(w);
}

/* ---- noise ---- */

static void noise(void **state)
{
    (void)state;
    struct world *w = world_new(WORDS, "x", "x");
    uint32_t seed = 1;
    for (unsigned i = 0; i < 20000; i++) {
        struct datagram d = { .to = i % 2 };
        seed = seed * 1664525u + 1013904223u;
        d.len = seed >> 8 & 255;
        for (size_t b = 0; b < d.len; b++) {
            seed = seed * 1664525u + 1013904223u;
            d.bytes[b] = (uint8_t)(seed >> 24);
        }
        if (i % 3 != 0 && d.len >= 28) { /* a header that is let in */
            d.bytes[16] = (uint8_t)(1 + seed % 13);
            d.bytes[17] = 0x10;
            d.bytes[18] = i % 2 == 0 ? 2 : 5;
            d.bytes[19] = 0;
            memset(d.bytes + 20, 0, 8);
            d.bytes[27] = (uint8_t)d.len;
        }
        address_parse(&d.path.local, d.to == 1 ? "10.9.0.2" : "10.9.0.1");
        address_parse(&d.path.remote, "10.9.0.9");
        d.path.local_port = d.path.remote_port = 500;
        world_inject(w, &d);
        world_settle(w);
    }
    world_begin(w);
    assert_true(world_both_up(w));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_cut_anywhere),
        cmocka_unit_test(every_byte_changed),
        cmocka_unit_test(headers_that_lie),
        cmocka_unit_test(everything_is_replayed),
        cmocka_unit_test(forged_from_another_address),
        cmocka_unit_test(an_answer_that_was_not_offered),
        cmocka_unit_test(noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
