/*
 * [K1] Passphrases that workers of secrets hand on to each other, plutod's part: who is asked in which order, and how
 * often. Workers that die, lie or say nothing: test_plutod_hand_liars.c. That it works with real ones: tests/prompt.bats.
 */
#include "test_plutod_hand.h"

static void k1_a_new_generation_has_it_from_the_one_before(void **state)
{
    struct scene *c = *state;
    struct worker *old = worker(c, 1);
    has_opened(old, "/k");
    struct worker *new = newest(c);
    waits_for(c, new, "/k", NULL);
    expect(old, "hand-on /k;");
    expect(new, "");
    assert_int_equal(c->s.processes.in_use, 1);
    hands_on(c, old, sesame());
    expect(new, "passphrase /k sesame;");
    assert_int_equal(c->s.processes.in_use, 1);
    opens(c, new);
    assert_int_equal(c->s.processes.in_use, 2);
    assert_int_equal(grade(c, new), WORKER_READY);
    assert_null(old->p->channel); /* and so is its socket */
    assert_non_null(strstr(said(c), "the RSA key file /k is open, by the passphrase that was typed before"));
}

/* The newest is asked first; who has none any more is passed by, once and for all. */
static void k1_one_after_the_other_is_asked(void **state)
{
    struct scene *c = *state;
    struct worker *one = worker(c, 1);
    struct worker *other = worker(c, 1);
    struct worker *third = worker(c, 1);
    has_opened(one, "/k");
    has_opened(other, "/k");
    has_opened(third, "/another");
    struct worker *new = newest(c);
    struct worker *sibling = worker(c, 2);
    waits_for(c, new, "/k", NULL);
    waits_for(c, sibling, "/k", NULL);
    expect(other, "hand-on /k;hand-on /k;");
    answer(c, other, "fail", "hand-on", " why=none", -1); /* to the second one that asked, */
    other->id--;
    answer(c, other, "fail", "hand-on", " why=none", -1); /* and to the first */
    expect(one, "hand-on /k;hand-on /k;");
    hands_on(c, one, sesame());
    expect(new, "passphrase /k sesame;");
    opens(c, new);
    one->id--;
    answer(c, one, "fail", "hand-on", " why=none", -1);
    expect(third, "");
    expect(new, "hand-on /k;"); /* which had not opened it when the search began */
    hands_on(c, new, sesame());
    opens(c, sibling);
    assert_int_equal(c->s.processes.in_use, 2);
    assert_int_equal(grade(c, new), WORKER_READY);
    assert_int_equal(grade(c, sibling), WORKER_READY);
}

static void k1_a_sibling_that_has_it_since_is_asked(void **state)
{
    struct scene *c = *state;
    struct worker *old = worker(c, 1);
    has_opened(old, "/k");
    struct worker *new = newest(c);
    struct worker *sibling = worker(c, 2);
    waits_for(c, new, "/k", NULL);
    waits_for(c, sibling, "/k", NULL);
    expect(old, "hand-on /k;hand-on /k;");
    answer(c, old, "fail", "hand-on", " why=none", -1); /* the sibling is stuck */
    assert_true(locked_find(sibling->p->locked, "/k")->stuck);
    old->id--;
    hands_on(c, old, sesame());
    opens(c, new);
    expect(new, "passphrase /k sesame;hand-on /k;");
    hands_on(c, new, sesame());
    expect(sibling, "passphrase /k sesame;");
    opens(c, sibling);
    assert_int_equal(c->s.processes.in_use, 2);
    assert_int_equal(grade(c, sibling), WORKER_READY);
}

/* A key file whose passphrase has changed: all have the same socket, which is tried once; three others at most are. */
static void k1_what_does_not_open_it_is_tried_once(void **state)
{
    struct scene *c = *state;
    int fd = sesame();
    struct worker *old[5];
    for (unsigned i = 0; i < 5; i++) {
        old[i] = worker(c, 1);
        has_opened(old[i], "/k");
    }
    struct worker *new = newest(c);
    waits_for(c, new, "/k", NULL);
    hands_on(c, old[4], dup(fd));
    does_not_open(c, new);
    hands_on(c, old[3], dup(fd));
    close(fd);
    expect(new, "passphrase /k sesame;");
    hands_on(c, old[2], sesame());
    does_not_open(c, new);
    hands_on(c, old[1], sesame());
    does_not_open(c, new);
    expect(new, "passphrase /k sesame;passphrase /k sesame;");
    expect(old[0], "");
    assert_non_null(strstr(said(c), "the RSA key file /k is not used: nobody is there who could be asked for its passphrase"));
    assert_int_equal(c->s.processes.in_use, 2);
    assert_int_equal(grade(c, new), WORKER_LACKS);
}

/* One that is begun again while its secrets are in use gets no work until it has what there is. */
static void p7_begun_again(void **state)
{
    struct scene *c = *state;
    struct worker *one = worker(c, 1);
    has_opened(one, "/k");
    struct worker *new = worker(c, 1);
    waits_for(c, new, "/k", "/m");
    assert_int_equal(grade(c, new), WORKER_READS);
    hands_on(c, one, sesame());
    opens(c, new);
    assert_int_equal(grade(c, new), WORKER_LACKS);
    const char *log = said(c);
    assert_non_null(strstr(log, "secrets 2 was begun again; the passphrases of 1 RSA key file (%prompt) were handed on to it"));
    assert_non_null(strstr(log, "secrets 2 was begun again, without the key of /m: whack --listen, at a terminal, asks for"));
    struct worker *third = worker(c, 1);
    waits_for(c, third, "/k", NULL);
    expect(new, "passphrase /k sesame;hand-on /k;");
    hands_on(c, new, sesame());
    opens(c, third);
    assert_int_equal(grade(c, third), WORKER_READY);
    struct worker *fourth = worker(c, 1);
    waits_for(c, fourth, NULL, NULL);
    assert_int_equal(grade(c, fourth), WORKER_READY);
}

/* The file that another one is looked for meanwhile. */
static void k1_several_files_each_with_its_own(void **state)
{
    struct scene *c = *state;
    struct worker *one = worker(c, 1);
    has_opened(one, "/k");
    has_opened(one, "/m");
    struct worker *new = newest(c);
    waits_for(c, new, "/m", "/k");
    expect(one, "hand-on /m;");
    hands_on(c, one, socket_with(SOCK_SEQPACKET, "for m"));
    opens(c, new);
    expect(new, "passphrase /m for m;");
    expect(one, "hand-on /k;");
    hands_on(c, one, socket_with(SOCK_SEQPACKET, "for k"));
    expect(new, "passphrase /k for k;");
    opens(c, new);
    assert_int_equal(locked_count(new->p->opened), 2);
    assert_int_equal(c->s.processes.in_use, 2);
}

static void k1_what_a_passphrase_can_lie_in(void **state)
{
    int ends[2];
    int fd = sesame();
    (void)state;
    assert_true(hand_is_socket(fd));
    close(fd);
    assert_int_equal(pipe(ends), 0);
    assert_false(hand_is_socket(ends[0]));
    close(ends[0]);
    close(ends[1]);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* by which a worker could speak to the network */
    assert_false(hand_is_socket(fd));
    close(fd);
    assert_false(hand_is_socket(-1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(k1_a_new_generation_has_it_from_the_one_before), TEST(k1_one_after_the_other_is_asked),
        TEST(k1_a_sibling_that_has_it_since_is_asked), TEST(k1_what_does_not_open_it_is_tried_once),
        TEST(p7_begun_again), TEST(k1_several_files_each_with_its_own), TEST(k1_what_a_passphrase_can_lie_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
