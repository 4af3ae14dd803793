/* What is done with the processes at the end of each turn, and at plutod's end; and what is seen of them. */
#include "process_inside.h"

#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utlist.h>

#define STALLED 20.         /* seconds: by then every tool has read something, however busy it is */

/*
 * It missed an order, or is going to: its successor is told everything again. Nothing else would put
 * right what plutod and it think of each other.
 */
static void end_deaf(struct process *p)
{
    process_trouble(p, "does not read what it is told (%zu bytes wait): it is ended, and begun again",
                    channel_out(p->channel)->len);
    if (!p->reaped) {
        kill(p->pid, SIGKILL); /* the rest comes with on_child */
    }
    p->deaf = true;
    ev_io_stop(p->s->loop, &p->out);
    ev_timer_stop(p->s->loop, &p->stalled);
}

static void on_stalled(struct ev_loop *loop, ev_timer *w, int events)
{
    (void)loop;
    (void)events;
    end_deaf(w->data);
}

void process_watch_reading(struct process *p)
{
    channel_set_limit(p->channel, ORDERS_MAX);
    p->deaf = false;
    ev_timer_init(&p->stalled, on_stalled, STALLED, 0.);
    p->stalled.data = p;
}

static void flush(struct process *p)
{
    struct ev_loop *loop = p->s->loop;
    if (p->channel == NULL || p->deaf) {
        return;
    }
    const struct buffer *out = channel_out(p->channel);
    size_t before = out->len;
    bool ring = out->len > out->quiet;
    if (out->lost) { /* not `overflowed`: a shorter order after it may have fitted */
        end_deaf(p);
        return;
    }
    enum channel_result result = channel_flush(p->channel);
    if (p->bell >= 0 && (ring || channel_pending(p->channel))) {
        (void)send(p->bell, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL); /* where it is full, it rings already */
    }
    if (result != CHANNEL_OPEN || !channel_pending(p->channel)) {
        ev_io_stop(loop, &p->out);
        ev_timer_stop(loop, &p->stalled);
        return;
    }
    ev_io_start(loop, &p->out);
    if (out->len < before) {
        ev_timer_stop(loop, &p->stalled);
    }
    if (!ev_is_active(&p->stalled)) {
        ev_timer_set(&p->stalled, STALLED, 0.);
        ev_timer_start(loop, &p->stalled);
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
    int unread = 0;
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
        if (ioctl(channel_fd_out(p->channel), SIOCOUTQ, &unread) == 0 && unread > 0) {
            view->unread = (size_t)unread;
        }
    }
    return true;
}
