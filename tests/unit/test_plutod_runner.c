/* How plutod runs an updown script: what the script finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plutod/supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void no_log(void *context, enum log_level level, const struct address *peer,
                   const char *prefix, const char *text)
{
    (void)peer;
    (void)context;
    (void)level;
    (void)prefix;
    (void)text;
}

static struct script_job *job_of(const char *command)
{
    static char path[] = "PATH=/bin:/usr/bin";
    struct script_job *job = calloc(1, sizeof *job);
    assert_non_null(job);
    job->id = 1;
    strcpy(job->verb, "up-client");
    strcpy(job->label, "\"net\"");
    job->words = script_words(command);
    job->environment = calloc(2, sizeof *job->environment);
    assert_non_null(job->words);
    assert_non_null(job->environment);
    job->environment[0] = path;
    return job;
}

static void on_end(struct ev_loop *loop, ev_timer *w, int events)
{
    const struct supervisor *s = w->data;
    (void)events;
    if (s->runner.runs == NULL) {
        ev_break(loop, EVBREAK_ALL);
    }
}

/* What runs is logged to the returned descriptor. */
static int begin(struct supervisor *s, const struct setup *setup)
{
    const struct keying_settings settings = { .epoch = 1, .updown = "/updown" };
    const struct keying_hooks hooks = { .context = s, .log = no_log };
    int ends[2];
    memset(s, 0, sizeof *s);
    assert_int_equal(pipe(ends), 0);
    s->loop = ev_default_loop(EVFLAG_SIGNALFD); /* as plutod's */
    s->setup = setup;
    lines_init(&s->lines, ends[1], NULL);
    close(ends[1]);
    keying_init(&s->keying, &settings, &hooks);
    return ends[0];
}

/* Until nothing runs any more. */
static void finish(struct supervisor *s)
{
    ev_timer look;
    ev_timer_init(&look, on_end, 0.01, 0.01);
    look.data = s;
    ev_timer_start(s->loop, &look);
    ev_run(s->loop, 0);
    ev_timer_stop(s->loop, &look);
}

static void end(struct supervisor *s)
{
    runner_free(s);
    lines_free(&s->lines);
    keying_free(&s->keying);
}

/* Runs it to its end; what it printed is in the log. */
static void run_script_for(unsigned seconds, mode_t mask, const char *command, char *log, size_t size)
{
    static struct supervisor s; /* large */
    const struct setup setup = { .umask = mask, .updown_timeout = seconds };
    int lines = begin(&s, &setup);
    runner_add(&s, job_of(command));
    assert_true(runner_turn(&s));
    finish(&s);
    end(&s);
    ssize_t n = read(lines, log, size - 1);
    log[n < 0 ? 0 : n] = '\0';
    close(lines);
}

static void run_script(mode_t mask, const char *command, char *log, size_t size)
{
    run_script_for(30, mask, command, log, size);
}

/* [P1] --updown-timeout: a script that hangs is ended, and what it began too; the log says so. */
static void p1_updown_timeout(void **state)
{
    char log[4000];
    (void)state;
    time_t begun = time(NULL);
    run_script_for(4, 022, "/bin/sh -c 'echo begun; sleep 300; echo done'", log, sizeof log); /* 4: a shell begins in that */
    assert_in_range(time(NULL) - begun, 0, 200);
    assert_non_null(strstr(log, "up-client output: begun\n"));
    assert_null(strstr(log, "done\n"));
    assert_non_null(strstr(log, "--updown-timeout"));
}

/* Not plutod's own, 077. */
static void test_umask(void **state)
{
    char log[4000];
    (void)state;
    mode_t mask = umask(077);
    run_script(027, "/bin/sh -c umask", log, sizeof log);
    umask(mask);
    assert_non_null(strstr(log, "\"net\": up-client output: 0027\n"));
}

/* A program along the PATH of its environment; a script that names no interpreter; none at all. */
static void test_what_is_run(void **state)
{
    char log[4000];
    char path[] = "/tmp/test_plutod_runner.XXXXXX";
    char command[64];
    (void)state;
    run_script(022, "echo one  two", log, sizeof log);
    assert_non_null(strstr(log, "\"net\": up-client output: one two\n"));
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "echo $1 from $0\n", 16), 16);
    assert_int_equal(fchmod(fd, 0700), 0);
    close(fd);
    snprintf(command, sizeof command, "%s 'a b'", path);
    run_script(022, command, log, sizeof log);
    unlink(path);
    assert_non_null(strstr(log, "up-client output: a b from /tmp/test_plutod_runner."));
    run_script(022, "no-such-program", log, sizeof log);
    assert_non_null(strstr(log, "up-client: no-such-program cannot be run: No such file"));
}

/* The loop holds signals back from plutod, not from what it runs. */
static void test_signals(void **state)
{
    char log[4000];
    (void)state;
    run_script(022, "grep SigBlk /proc/self/status", log, sizeof log);
    assert_non_null(strstr(log, "up-client output: SigBlk:\\0110000000000000000\n"));
}

/* One for each peer client net, in the order of asking; others do not wait for that. */
static void test_one_at_a_time(void **state)
{
    static struct supervisor s; /* large */
    const struct setup setup = { .umask = 022, .updown_timeout = 30 };
    struct script_job *job[4];
    (void)state;
    int lines = begin(&s, &setup);
    for (size_t i = 0; i < 4; i++) {
        job[i] = job_of("true");
        assert_null(subnet_parse(&job[i]->peer_client, i == 2 ? "10.2.0.0/24" : "10.1.0.0/24", 4));
        runner_add(&s, job[i]);
    }
    assert_true(runner_turn(&s));
    assert_int_equal(s.runner.count, 2);
    assert_ptr_equal(s.runner.queue, job[1]);
    assert_ptr_equal(s.runner.queue->next, job[3]);
    assert_false(runner_turn(&s));
    finish(&s);
    assert_int_equal(s.runner.count, 0);
    assert_true(runner_turn(&s));
    assert_ptr_equal(s.runner.queue, job[3]);
    assert_false(runner_turn(&s));
    finish(&s);
    assert_true(runner_turn(&s));
    assert_null(s.runner.queue);
    end(&s); /* while one runs */
    close(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_umask),
        cmocka_unit_test(p1_updown_timeout),
        cmocka_unit_test(test_what_is_run),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
