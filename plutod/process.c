#include "process_inside.h"

#include "launch.h"
#include "resolve.h"

#include "clock.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#define SOON 5.0            /* seconds: a life shorter than this counts as a quick death */
#define PAUSE_MAX 30.0
#define NEGOTIATOR_TURN 20u /* milliseconds; then whack and the others have theirs */
#define LAST_TURNS 10       /* for what a dead one has said */

static unsigned from_of(enum tool tool)
{
    static const unsigned from[TOOL_COUNT] = { [TOOL_IKE_NEGOTIATE] = N_P, [TOOL_SECRETS] = S_P, [TOOL_KERNEL_SA] = K_P,
                                               [TOOL_DNSKEY] = D_P };
    return from[tool];
}

/* ---- lines ---- */

void process_label(const struct process *p, char out[48])
{
    if (p->tool == TOOL_SECRETS) {
        snprintf(out, 48, "%s %u", schema_tool_name(p->tool), p->worker);
    } else {
        snprintf(out, 48, "%s", schema_tool_name(p->tool));
    }
}

void process_trouble(struct process *p, const char *format, ...)
{
    char name[48];
    char text[LAUNCH_WHY + 100];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    process_label(p, name);
    keying_announce(&p->s->keying, LOG_LEVEL_SERIOUS, 0, "%s %s", name, text);
    if (p->tool == TOOL_SECRETS) {
        process_secrets_trouble(p, name, text);
    }
}

/* ---- records ---- */

static void read_from(struct process *p);

/*
 * Everything that secrets and kernel-sa have sent by now is handled before what ike-negotiate has sent by
 * now, which has been read already: what its records rest on was said before them.
 */
static void others_first(struct supervisor *s)
{
    struct process *q;
    struct process *next;
    DL_FOREACH_SAFE(s->processes.list, q, next) {
        if (q->tool != TOOL_IKE_NEGOTIATE && q->tool != TOOL_DNSKEY && q->channel != NULL) {
            read_from(q);
        }
    }
}

void process_kill(const struct process *p)
{
    if (!p->reaped) {
        kill(p->pid, SIGKILL);
    }
}

/* The negotiator is ended that had this channel; its successor may be there already. */
static void take_accuse(const struct process *p, const struct record *r)
{
    struct process *accused = process_negotiator(p->s);
    if (accused != NULL && record_word(r, K_TOOL) == TOOL_IKE_NEGOTIATE
        && record_number(r, K_EPOCH) > accused->born) {
        process_trouble(accused, "broke the rules toward %s and is ended: %s",
                        schema_tool_name(p->tool), record_text(r, K_WHY));
        process_kill(accused);
    }
}

/* Whoever speaks to the network could have taken it over. */
static bool is_suspect(const struct process *p)
{
    return p->tool == TOOL_IKE_NEGOTIATE || p->tool == TOOL_DNSKEY;
}

static bool take_record(void *context, struct channel *c, const struct record *r, int fd)
{
    struct process *p = context;
    struct supervisor *s = p->s;
    const char *why = "was not expected";
    bool good = true;
    if (fd >= 0 && (p->tool != TOOL_SECRETS || r->re != V_HAND_ON)) {
        close(fd); /* no other has one to give */
        channel_blame(c, "carries a descriptor");
        return false;
    }
    if (p->tool == TOOL_IKE_NEGOTIATE) {
        good = keying_from_negotiator(&s->keying, r, &why);
    } else if (r->verb == V_ACCUSE) { /* of secrets and kernel-sa: lib/schema.c */
        take_accuse(p, r);
    } else if (p->tool == TOOL_KERNEL_SA) {
        good = keying_from_kernel(&s->keying, r, &why);
    } else if (p->tool == TOOL_DNSKEY) {
        good = keying_from_dnskey(&s->keying, r, &why);
    } else if (process_is_of_secrets(p, r)) {
        good = process_secrets_record(p, r, fd, &why);
    } else {
        good = keying_from_secrets(&s->keying, p->worker, r, &why);
    }
    if (r->verb == V_BAD && !is_suspect(p)) {
        lines_print(&s->lines, LOG_LEVEL_SERIOUS, "%s says that we broke the rules: %s",
                    schema_tool_name(p->tool), record_text(r, K_WHY));
    }
    if (!good) {
        channel_blame(c, why);
    } else if (p->tool == TOOL_IKE_NEGOTIATE && clock_ms() >= p->turn_until) {
        channel_pause(c);
    }
    return good;
}

/* As much as there is time for: whoever has taken it over could go on speaking for ever. */
static enum channel_result read_negotiator(struct process *p)
{
    enum channel_result result = CHANNEL_OPEN;
    bool all = false;
    p->turn_until = clock_ms() + NEGOTIATOR_TURN;
    ev_timer_stop(p->s->loop, &p->more);
    do {
        (void)channel_fill(p->channel);
        all = channel_drained(p->channel);
        others_first(p->s);
        result = channel_dispatch(p->channel, take_record, p);
    } while (result == CHANNEL_OPEN && !all && !channel_paused(p->channel));
    if (result == CHANNEL_OPEN && channel_paused(p->channel)) {
        ev_timer_set(&p->more, 0., 0.); /* in the next turn of the loop */
        ev_timer_start(p->s->loop, &p->more);
    }
    return result;
}

/* A channel that closes or misbehaves is the end of its process; ev_child then does the rest. */
static void read_from(struct process *p)
{
    if (!ev_is_active(&p->in)) {
        return; /* it ended before, and that was said */
    }
    enum channel_result result = p->tool == TOOL_IKE_NEGOTIATE
                                     ? read_negotiator(p)
                                     : channel_read(p->channel, take_record, p);
    if (result == CHANNEL_OPEN) {
        return;
    }
    if (result == CHANNEL_BAD) {
        process_trouble(p, "broke the rules and is ended: %s", channel_why(p->channel));
        process_kill(p);
    }
    ev_io_stop(p->s->loop, &p->in);
}

static void on_in(struct ev_loop *loop, ev_io *w, int events)
{
    struct process *p = w->data;
    (void)loop;
    (void)events;
    supervisor_clock(p->s);
    read_from(p);
}

static void on_more(struct ev_loop *loop, ev_timer *w, int events)
{
    struct process *p = w->data;
    (void)events;
    ev_clear_pending(loop, &p->in); /* one turn is enough for both */
    supervisor_clock(p->s);
    read_from(p);
}

static void on_out(struct ev_loop *loop, ev_io *w, int events)
{
    (void)loop;
    (void)w;
    (void)events; /* the turn's end writes */
}

/* ---- lives ---- */

static void on_child(struct ev_loop *loop, ev_child *w, int events);
static void on_again(struct ev_loop *loop, ev_timer *w, int events);

static void tell_core_up(struct process *p)
{
    struct keying *k = &p->s->keying;
    struct buffer *out = channel_out(p->channel);
    if (p->tool == TOOL_IKE_NEGOTIATE) {
        listen_hand_all(p->s); /* before it is told to begin something */
        keying_negotiator_up(k, out);
    } else if (p->tool == TOOL_KERNEL_SA) {
        keying_kernel_up(k, out);
    } else if (p->tool == TOOL_DNSKEY) {
        keying_dnskey_up(k, out);
    } else if (!keying_worker_up(k, p->worker, out)) {
        lines_print(&p->s->lines, LOG_LEVEL_SERIOUS, "secrets %u gets no work: there are too many "
                    "of them", p->worker);
    }
}

static void tell_core_down(const struct process *p)
{
    struct keying *k = &p->s->keying;
    if (p->tool == TOOL_IKE_NEGOTIATE) {
        keying_negotiator_down(k);
    } else if (p->tool == TOOL_KERNEL_SA) {
        keying_kernel_down(k);
    } else if (p->tool == TOOL_DNSKEY) {
        keying_dnskey_down(k);
    } else {
        keying_worker_down(k, p->worker);
    }
}

static void pause_then(struct process *p)
{
    double pause = 0.0;
    if (ev_now(p->s->loop) - p->since < SOON) {
        p->deaths++;
        pause = 0.1 * (double)(1u << (p->deaths < 10 ? p->deaths - 1 : 9));
        pause = pause > PAUSE_MAX ? PAUSE_MAX : pause;
        pause = p->deaths == 1 ? 0.0 : pause;
    } else {
        p->deaths = 0;
    }
    ev_timer_init(&p->again, on_again, pause, 0.);
    p->again.data = p;
    ev_timer_start(p->s->loop, &p->again);
}

bool process_start(struct process *p)
{
    struct supervisor *s = p->s;
    p->since = ev_now(s->loop);
    if (p->tool == TOOL_SECRETS) {
        p->worker = s->processes.next_worker++;
    }
    p->reaped = false;
    p->lacks = false;
    p->names = 0;
    char why[LAUNCH_WHY];
    int words = -1;
    int fd = launch(p, &words, why);
    if (fd < 0) {
        process_trouble(p, "cannot be started: %s; it is tried again", why);
        p->loaded = true; /* nobody shall wait for it */
        pause_then(p);
        return false;
    }
    process_hear(p, words);
    ev_child_init(&p->child, on_child, p->pid, 0);
    p->child.data = p;
    ev_child_start(s->loop, &p->child);
    p->channel = channel_new(fd, fd, from_of(p->tool));
    if (p->channel == NULL) {
        close(fd);
        process_trouble(p, "is ended: no memory for its channel");
        kill(p->pid, SIGKILL);
        return false;
    }
    process_watch_reading(p);
    p->born = ++s->processes.epoch;
    channel_hello(p->channel, TOOL_PLUTOD, p->born, 0);
    process_hang_bell(p);
    ev_io_init(&p->in, on_in, channel_fd_in(p->channel), EV_READ);
    ev_io_init(&p->out, on_out, channel_fd_out(p->channel), EV_WRITE);
    ev_timer_init(&p->more, on_more, 0., 0.);
    p->more.data = p;
    p->in.data = p;
    p->out.data = p;
    if (!is_suspect(p)) {
        ev_set_priority(&p->in, 1);
    }
    ev_io_start(s->loop, &p->in);
    process_connect_peers(p);
    tell_core_up(p);
    return true;
}

/*
 * As its channel ends it exits by itself; but a secrets that still reads its files looks at no channel, and could go on
 * for as long as a file system keeps it. It has nothing to put away and no signal of its own, so it needs no warning.
 */
void process_close(struct process *p)
{
    if (p->tool == TOOL_SECRETS && !p->loaded && p->pid != 0) {
        process_kill(p);
    }
    if (p->channel != NULL) {
        ev_io_stop(p->s->loop, &p->in);
        ev_io_stop(p->s->loop, &p->out);
        ev_timer_stop(p->s->loop, &p->more);
        ev_timer_stop(p->s->loop, &p->look);
        tell_core_down(p);
        question_forget(p);
        channel_free(p->channel);
        p->channel = NULL;
        if (p->bell >= 0) {
            close(p->bell);
            p->bell = -1;
        }
    }
}

void process_forget(struct process *p)
{
    question_forget(p);
    DL_DELETE(p->s->processes.list, p);
    process_hear_last(p);
    ev_timer_stop(p->s->loop, &p->again);
    free(p);
}

static void say_end(struct process *p, int status)
{
    if (WIFSIGNALED(status)) {
        process_trouble(p, "(pid %d) was ended by signal %d (%s)", (int)p->pid, WTERMSIG(status),
                        strsignal(WTERMSIG(status)));
    } else {
        process_trouble(p, "(pid %d) exited with status %d", (int)p->pid, WEXITSTATUS(status));
    }
}

static void on_child(struct ev_loop *loop, ev_child *w, int events)
{
    struct process *p = w->data;
    (void)events;
    ev_child_stop(loop, w);
    supervisor_clock(p->s);
    p->reaped = true;
    process_hear_last(p);
    if (p->channel != NULL) {
        unsigned turns = 0;
        do { /* what it said last */
            read_from(p);
        } while (++turns < LAST_TURNS && channel_paused(p->channel));
        say_end(p, w->rstatus);
    }
    p->pid = 0;
    p->loaded = true; /* nobody waits for it any longer */
    p->names = 0;
    process_close(p);
    if (p->s->ended || !p->wanted) {
        process_forget(p);
        return;
    }
    pause_then(p);
}

static void on_again(struct ev_loop *loop, ev_timer *w, int events)
{
    struct process *p = w->data;
    (void)loop;
    (void)events;
    if (p->s->ended || !p->wanted) {
        process_forget(p);
        return;
    }
    supervisor_clock(p->s);
    p->loaded = false;
    p->speaks = true;
    p->restarts++;
    (void)process_start(p);
}

struct process *process_new(struct supervisor *s, enum tool tool, unsigned generation)
{
    struct process *p = calloc(1, sizeof *p);
    if (p == NULL) {
        lines_print(&s->lines, LOG_LEVEL_SERIOUS, "no memory to start %s", schema_tool_name(tool));
        return NULL;
    }
    p->s = s;
    p->tool = tool;
    p->generation = generation;
    p->wanted = true;
    p->bell = -1;
    p->words.fd = -1;
    DL_APPEND(s->processes.list, p);
    return p;
}

bool process_begin(struct supervisor *s)
{
    /* Workers' numbers are never used twice; kernel-sa first, so that its channel is there. */
    s->processes.next_worker = 1;
    struct process *kernel = process_new(s, TOOL_KERNEL_SA, 0);
    struct process *negotiator = process_new(s, TOOL_IKE_NEGOTIATE, 0);
    bool kernel_runs = kernel != NULL && process_start(kernel);
    return negotiator != NULL && process_start(negotiator) && kernel_runs;
}

struct process *process_negotiator(struct supervisor *s)
{
    struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (p->tool == TOOL_IKE_NEGOTIATE && p->channel != NULL) {
            return p;
        }
    }
    return NULL;
}
