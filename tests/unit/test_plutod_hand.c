/*
 * [K1] Passphrases that workers of secrets hand on to each other, plutod's part: who is asked in which order, and what
 * becomes of workers that die, lie or say nothing. The workers are this test's; plutod's processes are real but for their
 * being processes. That it works with real ones: tests/prompt.bats.
 */
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

static void no_log(void *context, enum log_level level, const struct address *peer, const char *prefix,
                   const char *text)
{
    (void)context;
    (void)level;
    (void)peer;
    (void)prefix;
    (void)text;
}

static void on_idle(void *context, uint32_t worker)
{
    struct scene *c = context;
    process_idle(&c->s, worker);
}

static int set_up(void **state)
{
    struct scene *c = calloc(1, sizeof *c);
    const struct keying_settings settings = { .epoch = 1, .updown = "/updown" };
    const struct keying_hooks hooks = { .context = c, .log = no_log, .idle = on_idle };
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

static int tear_down(void **state)
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
static const char *said(struct scene *c)
{
    lines_flush(&c->s.lines);
    ssize_t n = read(c->log, c->said, sizeof c->said - 1);
    c->said[n > 0 ? n : 0] = '\0';
    return c->said;
}

static struct worker *worker(struct scene *c, unsigned generation)
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

static bool take(void *context, struct channel *channel, const struct record *r, int fd)
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

static void note(struct worker *w, const char *what, const char *more, const char *word)
{
    size_t len = strlen(w->heard);
    (void)snprintf(w->heard + len, sizeof w->heard - len, "%s %s%s;", what, more, word);
}

static bool hear(void *context, struct channel *channel, const struct record *r, int fd)
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

static void turn(struct scene *c)
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
static void expect(struct worker *w, const char *heard)
{
    assert_string_equal(w->heard, heard);
    w->heard[0] = '\0';
}

static void say(struct worker *w, const char *line)
{
    buffer_add_text(channel_out(w->end), line);
    buffer_add_text(channel_out(w->end), "\n");
}

/* It has read its secrets, and waits for these files. */
static void waits_for(struct scene *c, struct worker *w, const char *one, const char *two)
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

static void has_opened(struct worker *w, const char *file)
{
    w->p->loaded = true;
    assert_true(locked_add(&w->p->opened, file));
    keying_worker_ready(&w->p->s->keying, w->p->worker, WORKER_READY);
}

/* Its answer to the last request. */
static void answer(struct scene *c, struct worker *w, const char *verb, const char *re, const char *more, int fd)
{
    char line[200];
    (void)snprintf(line, sizeof line, "%s id=%llu re=%s%s", verb, (unsigned long long)w->id, re, more);
    say(w, line);
    if (fd >= 0) {
        channel_attach(w->end, fd);
    }
    turn(c);
}

static void hands_on(struct scene *c, struct worker *w, int fd)
{
    answer(c, w, "ok", "hand-on", "", fd);
}

static void opens(struct scene *c, struct worker *w)
{
    answer(c, w, "ok", "passphrase", "", -1);
}

static void does_not_open(struct scene *c, struct worker *w)
{
    answer(c, w, "fail", "passphrase", " why=wrong code=40", -1);
}

static int socket_with(int type, const char *word)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(send(pair[0], word, strlen(word), 0), strlen(word));
    close(pair[0]);
    return pair[1];
}

static int sesame(void)
{
    return socket_with(SOCK_SEQPACKET, "sesame");
}

static struct worker *newest(struct scene *c)
{
    c->s.processes.generation = 2;
    return worker(c, 2);
}

static enum worker_grade grade(struct scene *c, const struct worker *w)
{
    const struct keying_worker *k = keying_worker(&c->s.keying, w->p->worker);
    assert_non_null(k);
    return k->grade;
}

/* ---- the tests ---- */

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
        TEST(k1_a_sibling_that_has_it_since_is_asked), TEST(k1_liars_harm_nobody),
        TEST(k1_what_does_not_open_it_is_tried_once), TEST(f17_answers_that_nobody_asked_for),
        TEST(f17_an_ok_without_a_socket_is_the_end), TEST(k1_workers_that_die_while_they_hand_on),
        TEST(k1_whoever_says_nothing_is_not_waited_for),
        TEST(k1_whoever_says_nothing_is_asked_for_no_other_file),
        TEST(k1_whoever_was_late_is_asked_again_but_not_for_ever), TEST(f17_an_answer_in_anothers_place),
        TEST(p7_begun_again),
        TEST(k1_several_files_each_with_its_own), TEST(k1_what_a_passphrase_can_lie_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
