/* [P6] The log files of peers: where, how, and what cannot be done to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plutod/lines.h"
#include "plutod/peerlog.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define BASE "log/peer" /* in a folder of the test's own; made by what is tested */

struct scene {
    char folder[40];
    struct peerlog *log;
    char why[PEERLOG_WHY]; /* of the last line */
};

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    strcpy(s->folder, "/tmp/test-peerlog-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    assert_int_equal(chdir(s->folder), 0);
    s->log = peerlog_new(BASE, s->why);
    assert_non_null(s->log);
    assert_string_equal(s->why, "");
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    char command[80];
    peerlog_free(s->log);
    assert_int_equal(chdir("/"), 0);
    snprintf(command, sizeof command, "rm -rf %s", s->folder);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a name of our own */
    free(s);
    return 0;
}

static void say(struct scene *s, const char *peer, const char *line)
{
    struct address a;
    assert_null(address_parse(&a, peer));
    peerlog_add(s->log, &a, line, strlen(line), s->why);
}

static const char *content(const char *path)
{
    static char bytes[20000];
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, bytes, sizeof bytes - 1);
    assert_true(n >= 0);
    bytes[n] = '\0';
    close(fd);
    return bytes;
}

/* The text of the nth line, behind its time. */
static const char *line_of(const char *path, unsigned n)
{
    static char line[1000];
    const char *at = content(path);
    int year;
    int month;
    int used = 0;
    for (; n > 0; n--) {
        at = strchr(at, '\n');
        assert_non_null(at);
        at++;
    }
    assert_int_equal(sscanf(at, "%4d-%2d-%*2d %*2d:%*2d:%*2d%*5[-+0-9] %n", &year, &month, &used), 2);
    assert_true(used > 0 && year > 2000);
    snprintf(line, sizeof line, "%.*s", (int)strcspn(at + used, "\n"), at + used);
    return line;
}

static mode_t mode_of(const char *path)
{
    struct stat s;
    assert_int_equal(lstat(path, &s), 0);
    return s.st_mode & 07777;
}

static void test_paths_and_modes(void **state)
{
    struct scene *s = *state;
    mode_t mask = umask(077);
    say(s, "10.9.0.2", "\"net\" #1: hello");
    say(s, "10.9.0.2", "\"net\" #2: again");
    say(s, "2001:db8::1", "six");
    (void)umask(mask);
    assert_string_equal(s->why, "");
    assert_string_equal(line_of(BASE "/10/9/0/2/10.9.0.2.log", 0), "\"net\" #1: hello");
    assert_string_equal(line_of(BASE "/10/9/0/2/10.9.0.2.log", 1), "\"net\" #2: again");
    assert_string_equal(line_of(BASE "/2001/db8/0/0/0/0/0/1/2001:db8:0:0:0:0:0:1.log", 0), "six");
    assert_int_equal(mode_of("log"), 0750);
    assert_int_equal(mode_of(BASE), 0750);
    assert_int_equal(mode_of(BASE "/10/9/0/2"), 0750);
    assert_int_equal(mode_of(BASE "/10/9/0/2/10.9.0.2.log"), 0640);
}

static void test_another_life_appends(void **state)
{
    struct scene *s = *state;
    say(s, "10.9.0.2", "one");
    peerlog_free(s->log);
    s->log = peerlog_new(BASE, s->why);
    say(s, "10.9.0.2", "two");
    assert_string_equal(line_of(BASE "/10/9/0/2/10.9.0.2.log", 0), "one");
    assert_string_equal(line_of(BASE "/10/9/0/2/10.9.0.2.log", 1), "two");
}

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d) != NULL) {
        n++;
    }
    closedir(d);
    return n;
}

static void test_few_are_open(void **state)
{
    struct scene *s = *state;
    char peer[20];
    char path[60];
    unsigned before = open_descriptors();
    for (int round = 0; round < 2; round++) {
        for (int i = 1; i <= 100; i++) {
            snprintf(peer, sizeof peer, "10.9.1.%d", i);
            say(s, peer, "hello");
            assert_string_equal(s->why, "");
            assert_true(open_descriptors() <= before + PEERLOG_OPEN);
        }
    }
    assert_int_equal(open_descriptors(), before + PEERLOG_OPEN);
    for (int i = 1; i <= 100; i++) {
        snprintf(path, sizeof path, BASE "/10/9/1/%d/10.9.1.%d.log", i, i);
        assert_string_equal(line_of(path, 1), "hello");
    }
}

static void test_no_way_out_of_the_base(void **state)
{
    struct scene *s = *state;
    assert_int_equal(mkdir("elsewhere", 0755), 0);
    assert_int_equal(mkdir(BASE "/10", 0750), 0);
    assert_int_equal(symlink("../../../elsewhere", BASE "/10/9"), 0);
    say(s, "10.9.0.2", "a folder is a link");
    assert_non_null(strstr(s->why, "10/9/0/2/10.9.0.2.log"));
    assert_int_equal(access("elsewhere/0", F_OK), -1);

    assert_int_equal(mkdir(BASE "/10/8", 0777), 0);
    assert_int_equal(chmod(BASE "/10/8", 0777), 0);
    say(s, "10.8.0.2", "others may write to a folder");
    assert_int_equal(access(BASE "/10/8/0", F_OK), -1);

    for (int i = 2; i <= 4; i++) {
        char path[60];
        char peer[20];
        snprintf(peer, sizeof peer, "10.7.0.%d", i);
        say(s, peer, "its folder is there then");
        snprintf(path, sizeof path, BASE "/10/7/0/%d/10.7.0.%d.log", i, i);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(i == 2 ? symlink("/dev/null", path) : i == 3 ? mkfifo(path, 0600)
                                                                       : symlink("x", path), 0);
    }
    peerlog_free(s->log); /* it had them open */
    s->log = peerlog_new(BASE, s->why);
    for (int i = 2; i <= 4; i++) {
        char peer[20];
        snprintf(peer, sizeof peer, "10.7.0.%d", i);
        say(s, peer, "to a link, or a FIFO");
        assert_true(i == 2 ? s->why[0] != '\0' : s->why[0] == '\0'); /* told once */
    }
    assert_int_equal(access(BASE "/10/7/0/4/x", F_OK), -1);
    say(s, "10.6.0.1", "the others go on");
    assert_string_equal(line_of(BASE "/10/6/0/1/10.6.0.1.log", 0), "the others go on");
}

/* A second name of a file may be somewhere else altogether. */
static void test_second_name(void **state)
{
    struct scene *s = *state;
    say(s, "10.9.0.2", "one");
    assert_int_equal(link(BASE "/10/9/0/2/10.9.0.2.log", "second"), 0);
    peerlog_free(s->log);
    s->log = peerlog_new(BASE, s->why);
    say(s, "10.9.0.2", "two");
    assert_non_null(strstr(s->why, "not ours alone"));
    assert_null(strstr(content("second"), "two"));
}

static void test_no_base(void **state)
{
    struct scene *s = *state;
    peerlog_free(s->log);
    int fd = open("file", O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
    s->log = peerlog_new("file/peer", s->why);
    assert_non_null(strstr(s->why, "file/peer: Not a directory"));
    for (int i = 0; i < 100; i++) {
        say(s, "10.9.0.2", "hello");
        assert_string_equal(s->why, ""); /* it was said */
    }
}

/* The file may get no longer: what is missing is told in it. */
static void test_full_disk(void **state)
{
    struct scene *s = *state;
    char path[] = BASE "/10/9/0/2/10.9.0.2.log";
    struct rlimit before;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    say(s, "10.9.0.2", "one");
    struct rlimit small = { strlen(content(path)) + 30, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    say(s, "10.9.0.2", "half of this is there");
    assert_non_null(strstr(s->why, path));
    for (int i = 0; i < 10; i++) {
        say(s, "10.9.0.2", "lost");
        assert_string_equal(s->why, "");
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    sleep(PEERLOG_PAUSE);
    say(s, "10.9.0.2", "two");
    assert_string_equal(line_of(path, 2), "11 lines are missing here: they could not be written");
    assert_string_equal(line_of(path, 3), "two");
}

/* Through lines.h: escaped, with its prefix, and in the main log as well. */
static void test_with_the_log(void **state)
{
    struct lines l;
    struct address peer;
    char bytes[4000] = "";
    int ends[2];
    (void)state;
    assert_null(address_parse(&peer, "10.9.0.2"));
    assert_int_equal(pipe(ends), 0);
    lines_init(&l, ends[1], NULL);
    lines_peers(&l, BASE);
    lines_add(&l, LOG_LEVEL_INFO, &peer, "\"net\" #1: ", "a\nb");
    lines_add(&l, LOG_LEVEL_INFO, NULL, "", "about nobody");
    assert_true(read(ends[0], bytes, sizeof bytes - 1) > 0);
    assert_string_equal(bytes, "\"net\" #1: a\\012b\nabout nobody\n");
    assert_string_equal(line_of(BASE "/10/9/0/2/10.9.0.2.log", 0), "\"net\" #1: a\\012b");
    assert_null(strstr(content(BASE "/10/9/0/2/10.9.0.2.log"), "nobody"));
    lines_free(&l);
    close(ends[0]);
    close(ends[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_paths_and_modes),
        TEST(test_another_life_appends),
        TEST(test_few_are_open),
        TEST(test_no_way_out_of_the_base),
        TEST(test_second_name),
        TEST(test_no_base),
        TEST(test_full_disk),
        TEST(test_with_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
