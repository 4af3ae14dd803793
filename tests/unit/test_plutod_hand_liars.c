/*
 * [K1] [F17] Passphrases that workers of secrets hand on to each other, plutod's part: what becomes of workers that lie,
 * die or say nothing. Who is asked, and in which order: test_plutod_hand.c.
 */
#include "test_plutod_hand.h"

/* No socket, one of another kind, an empty one: it goes on with the next, and the right one is found. */
static void k1_liars_harm_nobody(void **state)
{
    struct scene *c = *state;
    int ends[2];
    struct worker *honest = worker(c, 1);
    struct worker *empty = worker(c, 1);
    struct worker *wrong = worker(c, 1);
    struct worker *stream = worker(c, 1);
    struct worker *pipe_end = worker(c, 1);
    for (size_t i = 0; i < c->count; i++) {
        has_opened(&c->workers[i], "/k");
    }
    struct worker *new = newest(c);
    waits_for(c, new, "/k", NULL);
    assert_int_equal(pipe(ends), 0);
    hands_on(c, pipe_end, ends[0]);
    close(ends[1]);
    assert_non_null(strstr(said(c), "secrets 5 handed on what is no socket with the passphrase of the RSA key file /k"));
    expect(stream, "hand-on /k;");
    hands_on(c, stream, socket_with(SOCK_STREAM, "sesame"));
    assert_non_null(strstr(said(c), "secrets 4 handed on what is no socket"));
    expect(new, "");
    hands_on(c, wrong, socket_with(SOCK_SEQPACKET, "simsim"));
    expect(new, "passphrase /k simsim;");
    does_not_open(c, new);
    hands_on(c, empty, socket_with(SOCK_SEQPACKET, ""));
    expect(new, "passphrase /k;");
    answer(c, new, "fail", "passphrase", " why=empty", -1);
    expect(honest, "hand-on /k;");
    hands_on(c, honest, sesame());
    expect(new, "passphrase /k sesame;");
    opens(c, new);
    assert_int_equal(c->s.processes.in_use, 2);
    assert_int_equal(grade(c, new), WORKER_READY);
}

static void f17_answers_that_nobody_asked_for(void **state)
{
    struct scene *c = *state;
    struct worker *old = worker(c, 1);
    struct worker *other = worker(c, 1);
    has_opened(old, "/k");
    has_opened(other, "/k");
    other->id = 77;
    hands_on(c, other, sesame());
    assert_true(other->bad);
    assert_string_equal(other->why, "ok: answers what was not asked");
    process_close(other->p);
    struct worker *new = newest(c);
    waits_for(c, new, "/k", NULL);
    old->id += 5; /* with another's number: it is an answer, and brings nothing */
    hands_on(c, old, sesame());
    expect(new, "");
    assert_false(old->bad);
    old->id -= 5;
    hands_on(c, old, sesame()); /* and now there is nothing that it could answer */
    assert_true(old->bad);
    process_close(old->p);
    turn(c);
    assert_int_equal(c->s.processes.in_use, 2);
}

static void f17_an_ok_without_a_socket_is_the_end(void **state)
{
    struct scene *c = *state;
    struct worker *old = worker(c, 1);
    has_opened(old, "/k");
    struct worker *new = newest(c);
    waits_for(c, new, "/k", NULL);
    hands_on(c, old, -1);
    assert_true(old->bad);
    assert_string_equal(old->why, "ok: came without the descriptor that it carries");
}

static void k1_workers_that_die_while_they_hand_on(void **state)
{
    struct scene *c = *state;
    struct worker *one = worker(c, 1);
    struct worker *other = worker(c, 1);
    has_opened(one, "/k");
    has_opened(other, "/k");
    struct worker *new = newest(c);
    struct worker *sibling = worker(c, 2);
    waits_for(c, new, "/k", NULL);
    expect(other, "hand-on /k;");
    process_close(other->p); /* asked */
    turn(c);
    expect(one, "hand-on /k;");
    process_close(new->p); /* he who asked */
    new->p->loaded = true;
    hands_on(c, one, sesame());
    assert_false(one->bad);
    expect(new, "");
    waits_for(c, sibling, "/k", NULL);
    expect(one, "hand-on /k;");
    hands_on(c, one, sesame());
    expect(sibling, "passphrase /k sesame;");
    process_close(sibling->p); /* he who tries it */
    turn(c);
    assert_int_equal(c->s.processes.in_use, 1); /* nobody is left of the newest */
}

/* As the event loop would, later. */
static void runs_out(struct scene *c, ev_timer *timer)
{
    assert_true(ev_is_active(timer));
    ev_timer_stop(c->s.loop, timer);
    ev_invoke(c->s.loop, timer, EV_TIMER);
    turn(c);
}

static void k1_whoever_says_nothing_is_not_waited_for(void **state)
{
    struct scene *c = *state;
    struct worker *one = worker(c, 1);
    struct worker *silent = worker(c, 1);
    has_opened(one, "/k");
    has_opened(silent, "/k");
    struct worker *new = newest(c);
    waits_for(c, new, "/k", NULL);
    expect(silent, "hand-on /k;");
    expect(one, "");
    runs_out(c, &new->p->hand.late);
    assert_non_null(strstr(said(c), "secrets 2 does not answer whether it has the passphrase of an RSA key file"));
    expect(one, "hand-on /k;");
    hands_on(c, silent, socket_with(SOCK_SEQPACKET, "simsim")); /* too late */
    assert_false(silent->bad);
    hands_on(c, one, sesame());
    expect(new, "passphrase /k sesame;");
    runs_out(c, &new->p->hand.slow);
    assert_non_null(strstr(said(c), "secrets 3 has not said within 120 s whether a passphrase is right: it is ended"));
}

/* Hundreds of files would take hours: its silence about one is enough for all of them, and for all who wait for it. */
static void k1_whoever_says_nothing_is_asked_for_no_other_file(void **state)
{
    struct scene *c = *state;
    struct worker *one = worker(c, 1);
    struct worker *silent = worker(c, 1);
    for (unsigned i = 0; i < 2; i++) {
        has_opened(&c->workers[i], "/k");
        has_opened(&c->workers[i], "/m");
    }
    struct worker *new = newest(c);
    struct worker *sibling = worker(c, 2);
    waits_for(c, new, "/k", "/m");
    waits_for(c, sibling, "/k", "/m");
    expect(silent, "hand-on /k;hand-on /k;");
    runs_out(c, &new->p->hand.late);
    expect(one, "hand-on /k;hand-on /k;");
    answer(c, one, "fail", "hand-on", " why=none", -1); /* to the sibling */
    expect(one, "hand-on /m;");
    expect(silent, "");
    assert_null(strstr(said(c), "secrets 4 does not answer"));
}

static void k1_whoever_was_late_is_asked_again_but_not_for_ever(void **state)
{
    struct scene *c = *state;
    struct worker *late = worker(c, 1);
    has_opened(late, "/k");
    for (unsigned i = 0; i <= HAND_SILENCES; i++) {
        struct worker *new = worker(c, 1);
        waits_for(c, new, "/k", NULL);
        if (i == HAND_SILENCES) {
            expect(late, "");
            break;
        }
        expect(late, "hand-on /k;");
        runs_out(c, &new->p->hand.late);
        assert_int_equal(grade(c, new), WORKER_LACKS);
        hands_on(c, late, sesame());
        assert_false(late->bad);
        expect(new, "");
    }
}

/* One that owes an answer itself gives another one's. */
static void f17_an_answer_in_anothers_place(void **state)
{
    struct scene *c = *state;
    struct worker *honest = worker(c, 1);
    struct worker *liar = worker(c, 1);
    has_opened(honest, "/k");
    has_opened(liar, "/m");
    struct worker *new = newest(c);
    struct worker *sibling = worker(c, 2);
    waits_for(c, new, "/k", NULL);
    waits_for(c, sibling, "/m", NULL);
    expect(honest, "hand-on /k;");
    expect(liar, "hand-on /m;");
    liar->id = honest->id;
    hands_on(c, liar, socket_with(SOCK_SEQPACKET, "simsim"));
    expect(new, "");
    hands_on(c, honest, sesame());
    expect(new, "passphrase /k sesame;");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(k1_liars_harm_nobody), TEST(f17_answers_that_nobody_asked_for),
        TEST(f17_an_ok_without_a_socket_is_the_end), TEST(k1_workers_that_die_while_they_hand_on),
        TEST(k1_whoever_says_nothing_is_not_waited_for), TEST(k1_whoever_says_nothing_is_asked_for_no_other_file),
        TEST(k1_whoever_was_late_is_asked_again_but_not_for_ever), TEST(f17_an_answer_in_anothers_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
