/*
 * [K1] Workers of secrets that hand on passphrases to each other, for test_plutod_hand*.c: the workers are a test's;
 * plutod's processes are real but for their being processes. All static, each test has its own.
 */
#ifndef TEST_PLUTOD_HAND_H
#define TEST_PLUTOD_HAND_H

#include "channel_pair.h"

#include "plutod/process_inside.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include <cmocka.h>

#define WORKERS 12

struct worker {
    struct process *p;     /* plutod's view; freed by process_forget */
    struct channel *end;   /* the worker's own */
    char heard[4000];      /* verbs and files, the passphrases' with what lies in them */
    uint64_t id;           /* of the last request */
    bool bad;              /* plutod thinks so */
    const char *why;
};

struct scene {
    struct supervisor s;
    struct setup setup;
    struct worker workers[WORKERS];
    size_t count;
    pid_t child;           /* stands for all of their processes */
    int log;               /* reading end */
    char said[20000];
    unsigned descriptors;  /* that were open before */
};

static inline void on_log(void *context, enum log_level level, const struct address *peer, const char *prefix,
                          const char *text)
{
    struct scene *c = context;
    lines_add(&c->s.lines, level, peer, prefix, text);
}

static inline void on_idle(void *context, uint32_t worker)
{
    struct scene *c = context;
    process_idle(&c->s, worker);
}

static inline int set_up(void **state)
{
    struct scene *c = calloc(1, sizeof *c);
    const struct keying_settings settings = { .epoch = 1, .updown = "/updown" };
    const struct keying_hooks hooks = { .context = c, .log = on_log, .idle = on_idle };
    int ends[2];
    assert_non_null(c);
    c->descriptors = open_descriptors();
    (void)fflush(NULL);
    c->child = fork();
    assert_true(c->child >= 0);
    if (c->child == 0) {
        (void)pause();
        _exit(0);
    }
    c->s.setup = &c->setup;
    c->s.loop = ev_loop_new(EVFLAG_AUTO);
    assert_non_null(c->s.loop);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    c->log = ends[0];
    lines_init(&c->s.lines, ends[1], NULL);
    keying_init(&c->s.keying, &settings, &hooks);
    c->s.processes.generation = c->s.processes.in_use = 1;
    *state = c;
    return 0;
}

static inline int tear_down(void **state)
{
    struct scene *c = *state;
    int log = c->s.lines.fd;
    for (size_t i = 0; i < c->count; i++) {
        channel_free(c->workers[i].end);
    }
    process_free(&c->s);
    (void)kill(c->child, SIGKILL);
    assert_int_equal(waitpid(c->child, NULL, 0), c->child);
    keying_free(&c->s.keying);
    lines_free(&c->s.lines);
    ev_loop_destroy(c->s.loop);
    close(log);
    close(c->log);
    assert_int_equal(open_descriptors(), c->descriptors);
    free(c);
    return 0;
}

/* The log since the last look. */
static inline const char *said(struct scene *c)
{
    lines_flush(&c->s.lines);
    ssize_t n = read(c->log, c->said, sizeof c->said - 1);
    c->said[n > 0 ? n : 0] = '\0';
    return c->said;
}

static inline struct worker *worker(struct scene *c, unsigned generation)
{
    struct worker *w = &c->workers[c->count++];
    int pair[2];
    assert_true(c->count <= WORKERS);
    w->p = process_new(&c->s, TOOL_SECRETS, generation);
    assert_non_null(w->p);
    w->p->worker = (uint32_t)c->count;
    w->p->pid = c->child;
    w->p->reaped = true; /* it is not to be killed */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    w->p->channel = channel_new(pair[0], pair[0], S_P);
    w->end = channel_new(pair[1], pair[1], P_S);
    channel_hello(w->p->channel, TOOL_PLUTOD, 1, 0);
    channel_hello(w->end, TOOL_SECRETS, 1, w->p->worker);
    assert_true(keying_worker_up(&c->s.keying, w->p->worker, channel_out(w->p->channel)));
    return w;
}

/* ---- the turns ---- */

static inline bool take(void *context, struct channel *channel, const struct record *r, int fd)
{
    struct worker *w = context;
    const char *why = NULL;
    assert_true(process_is_of_secrets(w->p, r));
    bool good = process_secrets_record(w->p, r, fd, &why);
    if (!good) {
        channel_blame(channel, why);
    }
    return good;
}

static inline void note(struct worker *w, const char *what, const char *more, const char *word)
{
    size_t len = strlen(w->heard);
    (void)snprintf(w->heard + len, sizeof w->heard - len, "%s %s%s;", what, more, word);
}

static inline bool hear(void *context, struct channel *channel, const struct record *r, int fd)
{
    struct worker *w = context;
    char word[100] = " ";
    (void)channel;
    if (r->verb == V_PASSPHRASE) { /* looked at, and left there */
        ssize_t n = recv(fd, word + 1, sizeof word - 2, MSG_PEEK | MSG_DONTWAIT);
        word[n > 0 ? n + 1 : 0] = '\0';
    }
    if (fd >= 0) {
        close(fd);
    }
    if (r->verb == V_PASSPHRASE || r->verb == V_HAND_ON) {
        w->id = record_number(r, K_ID);
        note(w, schema_verb(r->verb)->name, record_text(r, K_FILE), r->verb == V_PASSPHRASE ? word : "");
    }
    return true;
}

static inline void turn(struct scene *c)
{
    for (unsigned i = 0; i < 3; i++) {
        for (size_t n = 0; n < c->count; n++) {
            struct worker *w = &c->workers[n];
            if (w->end == NULL || w->bad) {
                continue;
            }
            (void)channel_flush(w->end);
            if (w->p->channel != NULL && channel_read(w->p->channel, take, w) == CHANNEL_BAD) {
                w->bad = true;
                w->why = channel_why(w->p->channel);
            }
        }
        (void)process_turn(&c->s);
        for (size_t n = 0; n < c->count; n++) {
            struct worker *w = &c->workers[n];
            if (w->end == NULL || w->bad || w->p->channel == NULL) {
                continue;
            }
            (void)channel_flush(w->p->channel);
            (void)channel_read(w->end, hear, w);
        }
    }
}

/* What it has heard since the last look, without what is no matter here. */
static inline void expect(struct worker *w, const char *heard)
{
    assert_string_equal(w->heard, heard);
    w->heard[0] = '\0';
}

static inline void say(struct worker *w, const char *line)
{
    buffer_add_text(channel_out(w->end), line);
    buffer_add_text(channel_out(w->end), "\n");
}

/* It has read its secrets, and waits for these files. */
static inline void waits_for(struct scene *c, struct worker *w, const char *one, const char *two)
{
    char line[100];
    const char *const files[] = { one, two };
    for (unsigned i = 0; i < 2 && files[i] != NULL; i++) {
        (void)snprintf(line, sizeof line, "locked file=%s", files[i]);
        say(w, line);
    }
    say(w, "loaded entries=1 errors=0");
    turn(c);
}

static inline void has_opened(struct worker *w, const char *file)
{
    w->p->loaded = true;
    assert_true(locked_add(&w->p->opened, file));
    keying_worker_ready(&w->p->s->keying, w->p->worker, WORKER_READY);
}

/* Its answer to the last request. */
static inline void answer(struct scene *c, struct worker *w, const char *verb, const char *re, const char *more, int fd)
{
    char line[200];
    (void)snprintf(line, sizeof line, "%s id=%llu re=%s%s", verb, (unsigned long long)w->id, re, more);
    say(w, line);
    if (fd >= 0) {
        channel_attach(w->end, fd);
    }
    turn(c);
}

static inline void hands_on(struct scene *c, struct worker *w, int fd)
{
    answer(c, w, "ok", "hand-on", "", fd);
}

static inline void opens(struct scene *c, struct worker *w)
{
    answer(c, w, "ok", "passphrase", "", -1);
}

static inline void does_not_open(struct scene *c, struct worker *w)
{
    answer(c, w, "fail", "passphrase", " why=wrong code=40", -1);
}

static inline int socket_with(int type, const char *word)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(send(pair[0], word, strlen(word), 0), strlen(word));
    close(pair[0]);
    return pair[1];
}

static inline int sesame(void)
{
    return socket_with(SOCK_SEQPACKET, "sesame");
}

static inline struct worker *newest(struct scene *c)
{
    c->s.processes.generation = 2;
    return worker(c, 2);
}

static inline enum worker_grade grade(struct scene *c, const struct worker *w)
{
    const struct keying_worker *k = keying_worker(&c->s.keying, w->p->worker);
    assert_non_null(k);
    return k->grade;
}

#endif
