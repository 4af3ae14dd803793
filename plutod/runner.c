#include "pipe_lines.h"
#include "spawn.h"
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uthash.h>
#include <utlist.h>

#define RUNS_MAX 64         /* at one time */
#define OUTPUT_LINES 1000   /* logged of one run at most, and */
#define OUTPUT_BYTES 65536
#define OUTPUT_BURST 200    /* lines, then nothing is read for a while */
#define SKIP_PAUSE .1       /* seconds between reads of what is left out */
#define LINGER 60.          /* seconds that a background child of a script may go on writing */

struct run {
    struct supervisor *s;
    struct script_job *job;
    pid_t pid;              /* 0: it has ended */
    bool late;              /* its time is over */
    struct pipe_lines output;
    ev_child child;
    ev_timer limit;
    unsigned lines;         /* logged */
    size_t bytes;
    bool cut;               /* the rest is left out */
    struct run *prev, *next;
    UT_hash_handle hh;      /* in runner.by_net, as long as it runs */
};

/* ---- lines ---- */

__attribute__((format(printf, 4, 5)))
static void say(struct supervisor *s, const struct script_job *job, enum log_level level,
                const char *format, ...)
{
    char text[PIPE_LINE + 64 + PATH_MAX];
    char prefix[CONN_LABEL + 4];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(prefix, sizeof prefix, "%s: ", job->label);
    lines_add(&s->lines, level, &job->peer, prefix, text);
}

/* ---- output ---- */

/* A script that says too much waits in between. */
static bool say_line(struct pipe_lines *output, const char *text, size_t len)
{
    struct run *r = output->owner;
    if (r->cut) {
        return false;
    }
    r->lines++;
    r->bytes += len;
    r->cut = r->lines > OUTPUT_LINES || r->bytes > OUTPUT_BYTES;
    if (r->cut) {
        say(r->s, r->job, LOG_LEVEL_INFO, "%s output: the rest is left out: no more than %d lines and "
            "%d bytes of one run are logged", r->job->verb, OUTPUT_LINES, OUTPUT_BYTES);
        output->rest = SKIP_PAUSE;
    } else {
        say(r->s, r->job, LOG_LEVEL_INFO, "%s output: %.*s", r->job->verb, (int)len, text);
    }
    return r->lines % OUTPUT_BURST == 0;
}

static void free_if_over(struct run *r)
{
    if (r->pid != 0 || r->output.fd >= 0) {
        return;
    }
    ev_timer_stop(r->s->loop, &r->limit);
    DL_DELETE(r->s->runner.runs, r);
    r->s->runner.count--;
    script_job_free(r->job);
    free(r);
}

static void after_output(struct pipe_lines *output)
{
    free_if_over(output->owner);
}

/* ---- its end ---- */

#define HOW 200

/* How it failed; false: it ended well. */
static bool say_how(const struct run *r, int status, char how[HOW])
{
    if (r->late) {
        snprintf(how, HOW, "did not end within %u s (--updown-timeout) and was killed", r->s->setup->updown_timeout);
    } else if (WIFSIGNALED(status)) {
        snprintf(how, HOW, "was ended by signal %d", WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
        snprintf(how, HOW, "exited with status %d", WEXITSTATUS(status));
    } else {
        return false;
    }
    return true;
}

static void ended(struct run *r)
{
    HASH_DELETE(hh, r->s->runner.by_net, r);
    r->pid = 0;
}

static void on_child(struct ev_loop *loop, ev_child *w, int events)
{
    struct run *r = w->data;
    struct supervisor *s = r->s;
    int status = w->rstatus;
    uint64_t id = r->job->id;
    char how[HOW];
    bool failed = say_how(r, status, how);
    (void)events;

    ev_child_stop(loop, w);
    pipe_lines_take(&r->output);
    if (failed) {
        say(s, r->job, LOG_LEVEL_SERIOUS, "%s: the script %s", r->job->verb, how);
    }
    ended(r);
    ev_timer_stop(loop, &r->limit);
    if (r->output.fd >= 0) {
        ev_timer_set(&r->limit, LINGER, 0.);
        ev_timer_start(loop, &r->limit);
    }
    free_if_over(r);
    supervisor_clock(s);
    keying_script_done(&s->keying, id, failed ? how : NULL);
}

static void on_limit(struct ev_loop *loop, ev_timer *w, int events)
{
    struct run *r = w->data;
    (void)loop;
    (void)events;
    if (r->pid != 0) {
        r->late = true;
        kill(-r->pid, SIGKILL);
        kill(r->pid, SIGKILL); /* should it not have come as far as its own group */
        return;
    }
    pipe_lines_close(&r->output);
    free_if_over(r);
}

/* ---- its beginning ---- */

/* What it prints comes out of *output. */
static bool launch(struct run *r, int *output)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    int error = spawn(&r->pid, r->job->words, r->job->environment, ends[1],
                      r->s->setup->umask);
    close(ends[1]);
    if (error != 0) {
        r->pid = 0;
        close(ends[0]);
        errno = error;
        return false;
    }
    *output = ends[0];
    return true;
}

static void begin(struct supervisor *s, struct script_job *job)
{
    struct run *r = calloc(1, sizeof *r);
    uint64_t id = job->id;
    int output = -1;
    if (r != NULL) {
        r->s = s;
        r->job = job;
    }
    if (r == NULL || !launch(r, &output)) {
        char how[HOW];
        snprintf(how, sizeof how, "cannot be run: %s", strerror(errno));
        say(s, job, LOG_LEVEL_SERIOUS, "%s: %s %s", job->verb, job->words[0], how);
        free(r);
        script_job_free(job);
        keying_script_done(&s->keying, id, how);
        return;
    }
    DL_APPEND(s->runner.runs, r);
    s->runner.count++;
    HASH_ADD_KEYPTR(hh, s->runner.by_net, &r->job->peer_client, sizeof r->job->peer_client, r);
    ev_child_init(&r->child, on_child, r->pid, 0);
    ev_timer_init(&r->limit, on_limit, s->setup->updown_timeout, 0.);
    r->child.data = r;
    r->limit.data = r;
    ev_child_start(s->loop, &r->child);
    pipe_lines_open(&r->output, s->loop, output, say_line, after_output, r);
    ev_timer_start(s->loop, &r->limit);
}

void runner_add(struct supervisor *s, struct script_job *job)
{
    DL_APPEND(s->runner.queue, job);
}

/* Nothing runs or waits before it for the same net. */
static bool may_begin(const struct supervisor *s, const struct script_job *job)
{
    const struct run *r;
    const struct script_job *before;
    HASH_FIND(hh, s->runner.by_net, &job->peer_client, sizeof job->peer_client, r);
    if (r != NULL) {
        return false;
    }
    DL_FOREACH(s->runner.queue, before) {
        if (before == job) {
            break;
        }
        if (subnet_equal(&before->peer_client, &job->peer_client)) {
            return false;
        }
    }
    return true;
}

bool runner_turn(struct supervisor *s)
{
    bool moved = false;
    struct script_job *job = s->runner.queue;
    while (job != NULL && s->runner.count < RUNS_MAX) {
        struct script_job *next = job->next;
        if (may_begin(s, job)) {
            DL_DELETE(s->runner.queue, job);
            begin(s, job);
            moved = true;
            next = s->runner.queue; /* a script that could not run may have changed the queue */
        }
        job = next;
    }
    return moved;
}

void runner_free(struct supervisor *s)
{
    struct script_job *job;
    struct script_job *next_job;
    struct run *r;
    struct run *next;
    DL_FOREACH_SAFE(s->runner.queue, job, next_job) {
        DL_DELETE(s->runner.queue, job);
        script_job_free(job);
    }
    DL_FOREACH_SAFE(s->runner.runs, r, next) {
        if (r->pid != 0) {
            kill(-r->pid, SIGKILL);
            ended(r);
        }
        ev_child_stop(s->loop, &r->child);
        pipe_lines_close(&r->output);
        free_if_over(r);
    }
}
