/* What a stranger, or a peer in a bad mood, may make us do: bounds on lines, records, state [F9] [F10] [F12]. */
#include "world.h"

#include "ike-negotiate/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENDS "--host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2 --client 10.2.0.0/24 "
#define WORDS "--psk --encrypt --tunnel --ike aes128-sha1-curve25519 --esp aes128-sha1 " ENDS

/* The cookies of the last datagram that had both, and whom it went to. */
static unsigned keep_last(struct world *w, struct datagram *d, unsigned number)
{
    struct datagram *last = w->data;
    if (number == 2) {
        *last = *d;
    }
    return 1;
}

/* An unprotected Informational with one notification, for a host and the cookies in `like`. */
static void notify(struct world *w, const struct datagram *like, unsigned to, unsigned type)
{
    static const uint8_t rest[] = { 11, 0x10, 5, 0, 0, 0, 0, 9, 0, 0, 0, 40,
                                    0, 0, 0, 12, 0, 0, 0, 1, 1, 0, 0, 0 };
    struct datagram d = { .to = to, .len = 40 };
    memcpy(d.bytes, like->bytes, 16);
    memcpy(d.bytes + 16, rest, sizeof rest);
    d.bytes[39] = (uint8_t)type;
    address_parse(&d.path.local, to == 1 ? "10.9.0.2" : "10.9.0.1");
    address_parse(&d.path.remote, to == 1 ? "10.9.0.1" : "10.9.0.2");
    d.path.local_port = d.path.remote_port = 500;
    world_inject(w, &d);
    world_settle(w);
}

static void notifications_of_strange_types(void **state)
{
    (void)state;
    struct datagram *like = calloc(1, sizeof *like);
    struct world *w = world_new(WORDS, "x", "x");
    w->network = keep_last;
    w->data = like;
    world_begin(w);
    assert_true(world_both_up(w));
    for (unsigned type = 0; type < 256; type++) {
        notify(w, like, type % 2, type);
    }
    world_order(w, 0, "delete exchange=1");
    assert_true(world_heard(w, 1, "peer-deleted exchange=1 protocol=isakmp target=1"));
    world_free(w);
    free(like);
}

static void a_flood_of_hints_is_bounded(void **state)
{
    (void)state;
    struct datagram *like = calloc(1, sizeof *like);
    struct world *w = world_new(WORDS, "x", "x");
    w->network = keep_last;
    w->data = like;
    world_begin(w);
    for (unsigned i = 0; i < 2000; i++) {
        notify(w, like, 1, 14);
        notify(w, like, 1, 255);
    }
    assert_true(world_count(w, 1, "notified ") <= 16);
    assert_true(world_count(w, 1, "log ") <= 60);
    world_free(w);
    free(like);
}

/* Rubbish in the clear, under right cookies, just before each message. */
static unsigned rubbish_first(struct world *w, struct datagram *d, unsigned number)
{
    (void)number;
    for (unsigned i = 0; i < 20 && d->bytes[18] == 2; i++) {
        struct datagram wrong = *d;
        wrong.bytes[19] = 0;
        wrong.bytes[16] = 99;
        world_inject(w, &wrong);
    }
    return 1;
}

/* [R4]: the line that names the wrong secret is not lost among lines about rubbish. */
static void a_wrong_secret_is_still_named(void **state)
{
    (void)state;
    struct world *w = world_new(WORDS, "right", "wrong");
    w->network = rubbish_first;
    world_begin(w);
    world_settle(w);
    assert_true(world_heard(w, 1, "probably%20a%20wrong%20secret"));
    world_free(w);
    w = world_new(WORDS, "x", "x");
    w->network = rubbish_first;
    world_begin(w);
    assert_true(world_both_up(w));
    world_free(w);
}

/* Our own messages come back to us. */
static unsigned echo(struct world *w, struct datagram *d, unsigned number)
{
    struct datagram back = *d;
    (void)number;
    back.to = 1 - d->to;
    back.path.local = d->path.remote;
    back.path.remote = d->path.local;
    world_inject(w, &back);
    return 1;
}

static void echoes_are_not_answers(void **state)
{
    (void)state;
    struct world *w = world_new(WORDS, "x", "x");
    w->network = echo;
    world_begin(w);
    assert_true(world_both_up(w));
    world_free(w);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notifications_of_strange_types),
        cmocka_unit_test(a_flood_of_hints_is_bounded),
        cmocka_unit_test(a_wrong_secret_is_still_named),
        cmocka_unit_test(echoes_are_not_answers),
        cmocka_unit_test(a_long_list_of_proposals),
        cmocka_unit_test(waiting_quick_modes_are_all_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
