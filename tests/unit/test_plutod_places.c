/* [F22] Whose places in the control socket the others may have: never his who was kept waiting by us. */
#include "plutod/whack_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include <cmocka.h>

#define LONG_AGO 3600. /* seconds */

struct places {
    struct supervisor *s;
    int others[8];          /* the whacks' own ends */
    size_t count;
};

static struct places places_new(void)
{
    struct places p = { .s = calloc(1, sizeof *p.s) };
    assert_non_null(p.s);
    p.s->loop = ev_loop_new(0);
    assert_non_null(p.s->loop);
    return p;
}

/* A whack that has been silent for long. */
static struct client *client_new(struct places *p)
{
    int ends[2];
    struct client *c = calloc(1, sizeof *c);
    assert_non_null(c);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    p->others[p->count++] = ends[1];
    c->s = p->s;
    c->fd = ends[0];
    c->id = p->count;
    c->greeted = true;
    c->moved = ev_now(p->s->loop) - LONG_AGO;
    DL_APPEND(p->s->whack.clients, c);
    HASH_ADD(hh, p->s->whack.by_id, id, sizeof c->id, c);
    p->s->whack.count++;
    return c;
}

static void places_free(struct places *p)
{
    struct client *c;
    struct client *next;
    DL_FOREACH_SAFE(p->s->whack.clients, c, next) {
        HASH_DEL(p->s->whack.by_id, c);
        DL_DELETE(p->s->whack.clients, c);
        close(c->fd);
        buffer_wipe(&c->reply);
        buffer_wipe(&c->input);
        free(c);
    }
    for (size_t i = 0; i < p->count; i++) {
        close(p->others[i]);
    }
    ev_loop_destroy(p->s->loop);
    free(p->s);
}

static bool is_thrown_out(const struct client *c)
{
    return c->gone || c->closing;
}

/* It waited for an hour, and its answer has just come: it had no time to read that. */
static void f22_just_answered(void **state)
{
    (void)state;
    struct places p = places_new();
    struct client *c = client_new(&p);
    c->holds = 1;
    c->eof = true;
    whack_make_room(p.s);
    assert_false(is_thrown_out(c)); /* it waits for us */
    whack_say(p.s, c->id, "004 up");
    whack_release(p.s, c->id);
    whack_make_room(p.s);
    assert_false(is_thrown_out(c));
    c->moved -= LONG_AGO; /* it does not read */
    whack_make_room(p.s);
    assert_true(c->gone);
    places_free(&p);
}

/* What it waited for is done, without a word: whatever it says next, it had no time for. */
static void f22_just_served(void **state)
{
    (void)state;
    struct places p = places_new();
    struct client *half = client_new(&p);
    struct client *between = client_new(&p);
    half->holds = between->holds = 1;
    buffer_add_text(&half->input, "whack-stat"); /* the rest was not read, as long as it was held */
    whack_release(p.s, half->id);
    whack_release(p.s, between->id);
    whack_make_room(p.s);
    assert_false(is_thrown_out(half));
    assert_false(is_thrown_out(between));
    places_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f22_just_answered),
        cmocka_unit_test(f22_just_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
