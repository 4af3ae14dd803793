/* plutod's reader of what other processes write: where lines end, and when nothing is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plutod/pipe_lines.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct heard {
    char text[8192];        /* each line, then "|" */
    unsigned lines;
    unsigned enough;        /* every so manieth line is enough for now; 0: none */
    unsigned times;         /* that something was read */
};

static bool on_line(struct pipe_lines *p, const char *text, size_t len)
{
    struct heard *h = p->owner;
    size_t at = strlen(h->text);
    assert_true(at + len + 2 < sizeof h->text);
    memcpy(h->text + at, text, len);
    memcpy(h->text + at + len, "|", 2);
    h->lines++;
    return h->enough != 0 && h->lines % h->enough == 0;
}

static void on_read(struct pipe_lines *p)
{
    ((struct heard *)p->owner)->times++;
}

static int open_pipe(struct pipe_lines *p, struct heard *h)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pipe_lines_open(p, ev_default_loop(0), ends[0], on_line, on_read, h);
    return ends[1];
}

static void put(int fd, const char *text, size_t len)
{
    assert_int_equal(write(fd, text, len), (ssize_t)len);
}

static void turn(void)
{
    ev_run(ev_default_loop(0), EVRUN_NOWAIT);
}

static void test_lines_end_where_they_should(void **state)
{
    struct pipe_lines p;
    struct heard h = { .lines = 0 };
    char many[2 * PIPE_LINE + 1];
    (void)state;
    int fd = open_pipe(&p, &h);
    put(fd, "one\n\ntw", 7);
    turn();
    assert_string_equal(h.text, "one||");
    put(fd, "o\0!\nthr", 7);
    turn();
    assert_string_equal(h.text, "one||two!|");
    put(fd, "ee", 2);
    close(fd);
    turn();
    turn();
    assert_string_equal(h.text, "one||two!|three|");
    assert_int_equal(p.fd, -1);
    assert_in_range(h.times, 3, 4);
    pipe_lines_close(&p);
    pipe_lines_take(&p);

    h = (struct heard){ .lines = 0 };
    fd = open_pipe(&p, &h);
    memset(many, 'x', sizeof many);
    put(fd, many, sizeof many);
    turn();
    assert_int_equal(h.lines, 2); /* the last byte waits for more */
    pipe_lines_close(&p);
    assert_int_equal(h.lines, 3);
    close(fd);
}

static void test_what_is_too_much_waits(void **state)
{
    struct pipe_lines p;
    struct heard h = { .enough = 2 };
    (void)state;
    int fd = open_pipe(&p, &h);
    p.rest = 1000.; /* it ends when we say so */
    put(fd, "a\nb\nc\n", 6); /* what was read is said */
    turn();
    put(fd, "d\n", 2);
    turn();
    assert_string_equal(h.text, "a|b|c|");
    pipe_lines_take(&p);
    assert_string_equal(h.text, "a|b|c|");
    assert_true(ev_is_active(&p.pause));
    p.rest = 0.;
    ev_timer_stop(p.loop, &p.pause);
    ev_timer_set(&p.pause, 0., 0.);
    ev_timer_start(p.loop, &p.pause);
    for (int i = 0; i < 1000 && h.lines < 4; i++) {
        ev_sleep(0.02);
        turn();
    }
    assert_string_equal(h.text, "a|b|c|d|");
    close(fd);
    for (int i = 0; i < 1000 && p.fd != -1; i++) {
        ev_sleep(0.02);
        turn();
    }
    assert_int_equal(p.fd, -1);
}

/* Whoever writes without a pause does not keep us from all else. */
static void test_a_flood_is_read_in_shares(void **state)
{
    struct pipe_lines p;
    struct heard h = { .lines = 0 };
    (void)state;
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    pipe_lines_open(&p, ev_default_loop(0), fd, on_line, NULL, &h);
    pipe_lines_take(&p);
    assert_true(ev_is_active(&p.pause));
    assert_int_equal(h.lines, 0);
    pipe_lines_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_end_where_they_should),
        cmocka_unit_test(test_what_is_too_much_waits),
        cmocka_unit_test(test_a_flood_is_read_in_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
