/* plutod's log: a reader that stands still keeps nobody waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plutod/lines.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MANY 20000 /* lines of 100 bytes: far more than a pipe and the queue hold */

static void add_many(struct lines *l)
{
    for (int i = 0; i < MANY; i++) {
        lines_print(l, LOG_LEVEL_INFO, "line %05d %080d", i, 0);
    }
}

/* Reads a descriptor that others wrote to, until nothing is there; l goes on meanwhile. Owned. */
static char *read_all(struct lines *l, int fd)
{
    size_t len = 0;
    char *all = calloc(1, 4u << 20);
    assert_non_null(all);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    for (ssize_t n; (n = read(fd, all + len, (4u << 20) - len - 1)) > 0;) {
        len += (size_t)n;
        lines_flush(l);
    }
    return all;
}

/* Those in front are there, then how many are not, then the next one. */
static void check_gap(const char *all)
{
    unsigned long lost = 0;
    int first_lost = 0;
    const char *gap = strstr(all, " lines of the log are lost here");
    assert_non_null(gap);
    while (gap[-1] >= '0' && gap[-1] <= '9') {
        gap--;
    }
    assert_int_equal(sscanf(gap, "%lu lines of", &lost), 1);
    for (const char *at = all; (at = strstr(at, "line 0")) != NULL && at < gap; at++) {
        int number = -1;
        assert_int_equal(sscanf(at, "line %d", &number), 1);
        assert_int_equal(number, first_lost);
        first_lost++;
    }
    assert_true(first_lost > 500);
    assert_int_equal(first_lost + (int)lost, MANY);
    assert_non_null(strstr(gap, "and on"));
}

static void blocked(int write_end, int read_end)
{
    struct lines l;
    lines_init(&l, write_end, NULL);
    add_many(&l);
    assert_int_not_equal(lines_fd(&l), -1);
    char *all = read_all(&l, read_end);
    assert_int_equal(lines_fd(&l), -1);
    lines_print(&l, LOG_LEVEL_INFO, "and on");
    char *rest = read_all(&l, read_end);
    strcat(all, rest);
    check_gap(all);
    free(all);
    free(rest);
    lines_free(&l);
}

static void test_pipe(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    blocked(ends[1], ends[0]);
    assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0); /* others have it, too */
    close(ends[0]);
    close(ends[1]);
}

static void test_stream_socket(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    blocked(ends[1], ends[0]);
    close(ends[0]);
    close(ends[1]);
}

static void test_no_reader(void **state)
{
    struct lines l;
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    lines_init(&l, ends[1], NULL);
    close(ends[0]);
    add_many(&l);
    assert_int_equal(lines_fd(&l), -1);
    lines_free(&l);
    close(ends[1]);
}

static int listen_at(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* One whose socket is full, which is begun anew later, and one that is not there at first. */
static void test_syslog(void **state)
{
    struct lines l;
    char path[64];
    char bytes[300] = "";
    (void)state;
    snprintf(path, sizeof path, "/tmp/test-lines-%d", (int)getpid());
    int fd = listen_at(path);
    lines_init(&l, -1, path);
    lines_print(&l, LOG_LEVEL_SERIOUS, "hello\x01");
    assert_true(recv(fd, bytes, sizeof bytes - 1, 0) > 0);
    assert_int_equal(strncmp(bytes, "<84>", 4), 0); /* authpriv.warning */
    assert_non_null(strstr(bytes, " plutod["));
    assert_non_null(strstr(bytes, "]: hello\\001"));
    add_many(&l);
    assert_int_not_equal(lines_fd(&l), -1);
    char *all = read_all(&l, fd);
    lines_print(&l, LOG_LEVEL_INFO, "and on");
    char *rest = read_all(&l, fd);
    strcat(all, rest);
    check_gap(all);
    free(all);
    free(rest);

    close(fd);
    unlink(path);
    lines_print(&l, LOG_LEVEL_INFO, "nobody is there");
    fd = listen_at(path);
    l.again = 0; /* a second later */
    lines_flush(&l);
    memset(bytes, 0, sizeof bytes);
    assert_true(recv(fd, bytes, sizeof bytes - 1, MSG_DONTWAIT) > 0);
    assert_non_null(strstr(bytes, "nobody is there"));
    lines_free(&l);
    close(fd);
    unlink(path);
}

static void printed_is(int write_end, int read_end, const char *expected)
{
    struct lines l;
    lines_init(&l, write_end, NULL);
    lines_add(&l, LOG_LEVEL_SERIOUS, NULL, "\"net\" #1: ", "<7>\n<7>it fails");
    lines_add(&l, LOG_LEVEL_INFO, NULL, "", "it goes");
    lines_add(&l, LOG_LEVEL_DEBUG, NULL, "", "it looks");
    lines_free(&l);
    char *all = read_all(&l, read_end);
    assert_string_equal(all, expected);
    free(all);
    close(write_end);
    close(read_end);
}

/* Where stderr is systemd's journal, and only there, lines begin with a priority. */
static void test_journal(void **state)
{
    int ends[2];
    struct stat s;
    char text[64];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(fstat(ends[1], &s), 0);
    snprintf(text, sizeof text, "%ju:%ju", (uintmax_t)s.st_dev, (uintmax_t)s.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", text, 1), 0);
    printed_is(ends[1], ends[0],
               "<4>\"net\" #1: <7>\\012<7>it fails\n<6>it goes\n<7>| it looks\n");
    assert_int_equal(pipe(ends), 0); /* that of a shell that systemd began, led elsewhere */
    printed_is(ends[1], ends[0], "\"net\" #1: <7>\\012<7>it fails\nit goes\n| it looks\n");
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_stream_socket),
        cmocka_unit_test(test_no_reader),
        cmocka_unit_test(test_syslog),
        cmocka_unit_test(test_journal),
    };
    signal(SIGPIPE, SIG_IGN); /* as plutod does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
