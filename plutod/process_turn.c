/* What is done with the processes at the end of each turn, and at plutod's end; and what is seen of them. */
#include "process_inside.h"

#include "orders.h"

#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utlist.h>

#define LOOK 5.             /* seconds between two looks at a tool that has something to read */
#define LOOKS_LOADING 36u   /* of a secrets that reads its files: work of ten seconds at most (secrets/file.h); the rest is a slow machine's */
#define LOOKS 4u            /* so many in which it read nothing: by then every tool has, however busy it is */
#define SILENCE 20.         /* seconds without an order; then it gets one, to see that it reads */

/* What it has not read yet, in bytes as the kernel counts them: with what each piece costs. */
static size_t unread_by(const struct process *p)
{
    int unread = 0;
    return ioctl(channel_fd_out(p->channel), SIOCOUTQ, &unread) == 0 && unread > 0 ? (size_t)unread : 0;
}

static void ring(const struct process *p)
{
    if (p->bell >= 0) {
        (void)send(p->bell, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL); /* where it is full, it rings already */
    }
}

/*
 * It missed an order, or is going to: its successor is told everything again. Nothing else would put
 * right what plutod and it think of each other.
 */
static void end_deaf(struct process *p)
{
    process_trouble(p, "does not read what it is told (%zu bytes wait): it is ended, and begun again",
                    channel_out(p->channel)->len + unread_by(p));
    if (!p->reaped) {
        kill(p->pid, SIGKILL); /* the rest comes with on_child */
    }
    p->deaf = true;
    ev_io_stop(p->s->loop, &p->out);
    ev_timer_stop(p->s->loop, &p->look);
}

static void look_in(struct process *p, ev_tstamp seconds)
{
    ev_timer_stop(p->s->loop, &p->look);
    ev_timer_set(&p->look, seconds, 0.);
    ev_timer_start(p->s->loop, &p->look);
}

/* Between this and what was unread after the last order only the tool can have changed something. */
static void note_reading(struct process *p)
{
    size_t unread = unread_by(p);
    p->has_read = p->has_read || unread < p->unread;
    p->unread = unread;
}

/*
 * Orders that are no hurry wake nobody, so the first look rings. Counted are looks, not seconds: who was frozen
 * together with plutod has had one only. A tool to which there is nothing to say is told its debug classes
 * once more: else nobody would see that it stands still while others wait for it.
 */
static void on_look(struct ev_loop *loop, ev_timer *w, int events)
{
    struct process *p = w->data;
    (void)loop;
    (void)events;
    note_reading(p);
    bool waits = p->unread > 0 || channel_pending(p->channel);
    p->still = waits && !p->has_read ? p->still + 1 : 0;
    p->has_read = false;
    /* One that still reads its files reads no orders meanwhile. */
    if (p->still == (p->tool == TOOL_SECRETS && !p->loaded ? LOOKS_LOADING : LOOKS)) {
        end_deaf(p);
        return;
    }
    if (waits) {
        ring(p);
    } else if (!p->told) {
        order_debug_one(&p->s->keying, channel_out(p->channel));
    }
    p->told = waits;
    look_in(p, waits ? LOOK : SILENCE);
}

void process_watch_reading(struct process *p)
{
    channel_set_limit(p->channel, ORDERS_MAX);
    p->deaf = false;
    p->told = false;
    p->has_read = false;
    p->unread = 0;
    p->still = 0;
    ev_timer_init(&p->look, on_look, SILENCE, 0.);
    p->look.data = p;
    ev_timer_start(p->s->loop, &p->look);
}

static void flush(struct process *p)
{
    struct ev_loop *loop = p->s->loop;
    if (p->channel == NULL || p->deaf) {
        return;
    }
    const struct buffer *out = channel_out(p->channel);
    bool tells = out->len > 0;
    bool rings = out->len > out->quiet;
    bool suspect = tells && p->unread > 0 && !p->has_read; /* else no look needs to know */
    if (out->lost) { /* not `overflowed`: a shorter order after it may have fitted */
        end_deaf(p);
        return;
    }
    if (suspect) {
        note_reading(p);
    }
    enum channel_result result = channel_flush(p->channel);
    if (suspect) {
        p->unread = unread_by(p);
    }
    if (rings || channel_pending(p->channel)) {
        ring(p);
    }
    if (result == CHANNEL_OPEN && channel_pending(p->channel)) {
        ev_io_start(loop, &p->out);
    } else {
        ev_io_stop(loop, &p->out);
    }
    if (tells && !p->told) {
        p->told = true;
        look_in(p, LOOK);
    }
}

bool process_turn(struct supervisor *s)
{
    struct process *p;
    bool moved = process_secrets_turn(s);
    DL_FOREACH(s->processes.list, p) {
        if (p->idle) {
            p->idle = false;
            moved = true;
            process_close(p); /* it wipes its secrets and exits */
        }
    }
    return moved;
}

/*
 * Secrets and kernel-sa are written to before ike-negotiate is: what is announced and permitted is
 * then always there when it asks them for it.
 */
void process_flush(struct supervisor *s)
{
    struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (p->tool != TOOL_IKE_NEGOTIATE) {
            flush(p);
        }
    }
    DL_FOREACH(s->processes.list, p) {
        if (p->tool == TOOL_IKE_NEGOTIATE) {
            flush(p);
        }
    }
}

bool process_unsent(struct supervisor *s)
{
    struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (p->channel != NULL && ev_is_active(&p->out)) {
            return true;
        }
    }
    return false;
}

void process_end_all(struct supervisor *s)
{
    struct process *p;
    DL_FOREACH(s->processes.list, p) {
        process_close(p);
    }
}

bool process_any(const struct supervisor *s)
{
    const struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (p->pid != 0) {
            return true;
        }
    }
    return false;
}

void process_free(struct supervisor *s)
{
    struct process *p;
    struct process *next;
    question_drop(s);
    ev_timer_stop(s->loop, &s->processes.names_timer);
    DL_FOREACH_SAFE(s->processes.list, p, next) {
        if (p->pid != 0) {
            kill(p->pid, SIGKILL);
        }
        ev_child_stop(s->loop, &p->child);
        process_close(p);
        process_forget(p);
    }
}

bool process_view(const struct supervisor *s, unsigned place, struct process_view *view)
{
    const struct process *p = s->processes.list;
    for (; p != NULL && place > 0; place--) {
        p = p->next;
    }
    if (p == NULL) {
        return false;
    }
    ev_tstamp since = ev_now(s->loop) - p->since;
    *view = (struct process_view){
        .tool = schema_tool_name(p->tool), .worker = p->worker, .current = p->wanted,
        .pid = p->channel == NULL ? 0 : (int)p->pid,
        .since = since > 0 ? (uint64_t)since : 0, .restarts = p->restarts
    };
    if (p->channel != NULL) {
        view->queued = channel_out(p->channel)->len;
        view->unread = unread_by(p);
    }
    return true;
}
