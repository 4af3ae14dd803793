/*
 * What programs that plutod runs write: updown scripts (runner.c) and its own tools on their stderr
 * (process_stderr.c), whoever has taken them over.
 *
 * Input: bytes that say what happens (enum what): bytes are written, the script or the tool closes
 * its output, the script ends with a status, the next timer fires. No script is run: its output
 * comes from here (--wrap). Holds: no more lines and bytes than may be, the script's words are
 * given on as they are, and nothing is left at the end.
 */
#include "fuzz.h"

#include "plutod/process_inside.h"
#include "plutod/spawn.h"
#include "plutod/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEPS_MAX 400
#define WATCHERS 8
#define SCRIPT_LINES 1001 /* the last says that the rest is left out */
#define SCRIPT_BYTES (65536 + 1000)
#define PID 4242

enum what { WRITE, WRITE_MUCH, CLOSE, END, FIRE, PASS, WHATS };

struct run {
    struct supervisor s;
    struct process tool;
    int script;         /* the writing end of its output; -1: closed */
    int stderr_of_tool;
    bool runs;
    ev_child *child;
    ev_timer *timer[WATCHERS];
    double now;
    unsigned script_lines, tool_lines;
    size_t script_bytes;
    bool killed;
};

static struct run *the_run; /* of the input at hand: watchers know nothing of us */

/* ---- in place of the system ---- */

int __wrap_spawn(pid_t *pid, char *const words[], char *const environment[], int output, mode_t mask);
int __wrap_kill(pid_t pid, int signal);
void __wrap_ev_child_start(struct ev_loop *loop, ev_child *w);
void __wrap_ev_child_stop(struct ev_loop *loop, ev_child *w);
void __wrap_ev_timer_start(struct ev_loop *loop, ev_timer *w);
void __wrap_ev_timer_stop(struct ev_loop *loop, ev_timer *w);
ev_tstamp __wrap_ev_now(struct ev_loop *loop);

int __wrap_spawn(pid_t *pid, char *const words[], char *const environment[], int output, mode_t mask)
{
    (void)mask;
    fuzz_check(words[0] != NULL && environment[0] != NULL);
    if (words[0][0] == '\0') {
        return ENOENT;
    }
    the_run->script = fcntl(output, F_DUPFD_CLOEXEC, 3);
    fuzz_check(the_run->script >= 0 && fcntl(the_run->script, F_SETFL, O_NONBLOCK) == 0);
    the_run->runs = true;
    *pid = PID;
    return 0;
}

int __wrap_kill(pid_t pid, int signal)
{
    fuzz_check((pid == PID || pid == -PID) && signal == SIGKILL);
    the_run->killed = true;
    return 0;
}

void __wrap_ev_child_start(struct ev_loop *loop, ev_child *w)
{
    (void)loop;
    the_run->child = w;
}

void __wrap_ev_child_stop(struct ev_loop *loop, ev_child *w)
{
    (void)loop;
    (void)w;
    the_run->child = NULL;
}

void __wrap_ev_timer_stop(struct ev_loop *loop, ev_timer *w)
{
    (void)loop;
    for (unsigned i = 0; i < WATCHERS; i++) {
        if (the_run->timer[i] == w) {
            the_run->timer[i] = NULL;
        }
    }
    w->active = 0;
}

void __wrap_ev_timer_start(struct ev_loop *loop, ev_timer *w)
{
    unsigned i = 0;
    __wrap_ev_timer_stop(loop, w);
    while (the_run->timer[i] != NULL) {
        fuzz_check(++i < WATCHERS);
    }
    the_run->timer[i] = w;
    w->active = 1;
    w->at += the_run->now;
}

ev_tstamp __wrap_ev_now(struct ev_loop *loop)
{
    (void)loop;
    return the_run->now;
}

/* ---- in place of supervisor.c, lines.c and process.c ---- */

void supervisor_clock(struct supervisor *s)
{
    s->keying.now = (uint64_t)(the_run->now * 1000);
}

void process_label(const struct process *p, char name[48])
{
    (void)p;
    snprintf(name, 48, "secrets 1");
}

void lines_add(struct lines *l, enum log_level level, const struct address *peer, const char *prefix,
               const char *text)
{
    (void)l;
    (void)level;
    (void)peer;
    fuzz_check(strcmp(prefix, "\"net\": ") == 0);
    if (strncmp(text, "up-client output: ", 18) == 0) {
        the_run->script_lines++;
        the_run->script_bytes += strlen(text + 18);
    }
}

void lines_print(struct lines *l, enum log_level level, const char *format, ...)
{
    char text[4000];
    va_list args;
    (void)l;
    (void)level;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fuzz_check(len > 0 && (size_t)len < sizeof text);
    fuzz_check(strncmp(text, "secrets 1", 9) == 0);
    the_run->tool_lines++;
}

static void hook_log(void *context, enum log_level level, const struct address *peer, const char *prefix,
                     const char *text)
{
    (void)context;
    (void)level;
    (void)peer;
    (void)prefix;
    (void)text;
}

/* ---- steps ---- */

static void put(int fd, const void *bytes, size_t len)
{
    if (fd >= 0) {
        (void)!write(fd, bytes, len); /* what has no room is lost */
    }
}

static void put_much(int fd, uint8_t byte, size_t len)
{
    char bytes[4096];
    memset(bytes, byte, sizeof bytes);
    if (byte >= 0x80) { /* lines of that length */
        memset(bytes, 'x', sizeof bytes);
        for (size_t at = byte & 0x7fu; at < sizeof bytes; at += (byte & 0x7fu) + 1) {
            bytes[at] = '\n';
        }
    }
    for (; len > 0; len -= len < sizeof bytes ? len : sizeof bytes) {
        put(fd, bytes, len < sizeof bytes ? len : sizeof bytes);
    }
}

static void close_end(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static void script_ends(struct run *run, int status)
{
    ev_child *w = run->child;
    if (w != NULL) {
        run->runs = false;
        w->rpid = PID;
        w->rstatus = status;
        ev_invoke(run->s.loop, w, EV_CHILD);
    }
}

static void fire(struct run *run)
{
    ev_timer *w = NULL;
    for (unsigned i = 0; i < WATCHERS; i++) {
        if (run->timer[i] != NULL && (w == NULL || run->timer[i]->at < w->at)) {
            w = run->timer[i];
        }
    }
    if (w != NULL) {
        run->now = w->at > run->now ? w->at : run->now;
        __wrap_ev_timer_stop(run->s.loop, w);
        ev_invoke(run->s.loop, w, EV_TIMER);
    }
}

static void do_step(struct run *run, struct fuzz_input *in)
{
    uint8_t byte = fuzz_u8(in);
    int *to = byte >= 0x80 ? &run->stderr_of_tool : &run->script;
    char *bytes;
    size_t len;
    switch ((enum what)((byte & 0x7f) % WHATS)) {
    case WRITE:
        bytes = fuzz_until(in, '\f', &len);
        put(*to, bytes, len);
        free(bytes);
        break;
    case WRITE_MUCH:
        byte = fuzz_u8(in);
        put_much(*to, byte, fuzz_u16(in));
        break;
    case CLOSE: close_end(to); break;
    case END: script_ends(run, fuzz_u16(in)); break;
    case FIRE: fire(run); break;
    case PASS: run->now += fuzz_u8(in); break;
    default: break;
    }
    ev_run(run->s.loop, EVRUN_NOWAIT);
}

static struct script_job *job_of(const char *command)
{
    static char path[] = "PATH=/bin";
    struct script_job *job = calloc(1, sizeof *job);
    fuzz_check(job != NULL);
    job->id = 1;
    snprintf(job->verb, sizeof job->verb, "up-client");
    snprintf(job->label, sizeof job->label, "\"net\"");
    job->words = script_words(command);
    job->environment = calloc(2, sizeof *job->environment);
    fuzz_check(job->words != NULL && job->environment != NULL);
    job->environment[0] = path;
    return job;
}

static void begin(struct run *run, struct fuzz_input *in)
{
    int ends[2];
    size_t len;
    char *command = fuzz_until(in, '\n', &len);
    struct script_job *job = job_of(command);
    if (job->words[0] == NULL) {
        script_job_free(job);
        job = job_of("''");
    }
    runner_add(&run->s, job);
    while (runner_turn(&run->s)) {
    }
    fuzz_check(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    run->tool.s = &run->s;
    process_hear(&run->tool, ends[0]);
    run->stderr_of_tool = ends[1];
    free(command);
}

static void end(struct run *run)
{
    close_end(&run->stderr_of_tool);
    process_hear_last(&run->tool);
    fuzz_check(run->tool.words.fd < 0);
    runner_free(&run->s);
    fuzz_check(run->s.runner.runs == NULL && run->s.runner.queue == NULL);
    close_end(&run->script);
    for (unsigned i = 0; i < WATCHERS; i++) {
        fuzz_check(run->timer[i] == NULL);
    }
    fuzz_check(run->script_lines <= SCRIPT_LINES && run->script_bytes <= SCRIPT_BYTES);
    fuzz_check(run->tool_lines <= 2 * (20 + 1 + (unsigned)(run->now / 10)));
    keying_free(&run->s.keying);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run run; /* large */
    static const struct setup setup = { .updown_timeout = 30 };
    const struct keying_settings settings = { .epoch = 1, .updown = "/updown" };
    const struct keying_hooks hooks = { .context = &run, .log = hook_log };
    struct fuzz_input in = { data, size };
    (void)signal(SIGPIPE, SIG_IGN); /* as plutod does */
    memset(&run, 0, sizeof run);
    the_run = &run;
    run.script = run.stderr_of_tool = -1;
    run.s.loop = ev_default_loop(0);
    run.s.setup = &setup;
    keying_init(&run.s.keying, &settings, &hooks);
    begin(&run, &in);
    for (unsigned i = 0; i < STEPS_MAX && in.left > 0; i++) {
        do_step(&run, &in);
    }
    end(&run);
    return 0;
}
