/* What is done with the processes at the end of each turn, and at plutod's end. */
#include "process_inside.h"

#include <signal.h>
#include <utlist.h>

static void flush(struct process *p)
{
    if (p->channel == NULL) {
        return;
    }
    if (channel_flush(p->channel) != CHANNEL_OPEN || !channel_pending(p->channel)) {
        ev_io_stop(p->s->loop, &p->out);
    } else {
        ev_io_start(p->s->loop, &p->out);
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
