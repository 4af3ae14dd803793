#include "events.h"

#include <stdlib.h>

typedef void callback(int fd, short bits, void *context);

/* What libunbound calls an event: a descriptor, a timer, or both; it fires once, or on and on. */
struct event {
    struct ub_event head; /* first: libunbound knows only this of it */
    struct ev_loop *loop;
    ev_io io;
    ev_timer timer;
    int fd;
    short bits;
    callback *call;
    void *context;
};

static struct event *event_of(struct ub_event *head)
{
    return (struct event *)head;
}

static void stop(struct event *e)
{
    ev_io_stop(e->loop, &e->io);
    ev_timer_stop(e->loop, &e->timer);
}

/* The event may be changed, or gone, when its callback returns. */
static void fire(struct event *e, short bits)
{
    if ((e->bits & UB_EV_PERSIST) == 0) {
        stop(e);
    } else if (ev_is_active(&e->timer)) {
        ev_timer_again(e->loop, &e->timer);
    }
    e->call(e->fd, bits, e->context);
}

static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
    struct event *e = w->data;
    short bits = 0;
    (void)loop;
    bits |= (revents & EV_READ) != 0 ? UB_EV_READ : 0;
    bits |= (revents & EV_WRITE) != 0 ? UB_EV_WRITE : 0;
    fire(e, (short)(bits & e->bits));
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct event *e = w->data;
    (void)revents;
    ev_timer_stop(loop, w); /* unlike a descriptor, its time is over */
    fire(e, UB_EV_TIMEOUT);
}

/* ---- what libunbound calls ---- */

static void event_add_bits(struct ub_event *head, short bits)
{
    struct event *e = event_of(head);
    stop(e);
    e->bits = (short)(e->bits | bits);
}

static void event_del_bits(struct ub_event *head, short bits)
{
    struct event *e = event_of(head);
    stop(e);
    e->bits = (short)(e->bits & ~bits);
}

static void event_set_fd(struct ub_event *head, int fd)
{
    struct event *e = event_of(head);
    stop(e);
    e->fd = fd;
}

static void event_free(struct ub_event *head)
{
    struct event *e = event_of(head);
    stop(e);
    free(e);
}

static int event_add(struct ub_event *head, struct timeval *time)
{
    struct event *e = event_of(head);
    const int io = ((e->bits & UB_EV_READ) != 0 ? EV_READ : 0) | ((e->bits & UB_EV_WRITE) != 0 ? EV_WRITE : 0);
    stop(e);
    if (io != 0 && e->fd >= 0) {
        ev_io_set(&e->io, e->fd, io);
        ev_io_start(e->loop, &e->io);
    }
    if ((e->bits & UB_EV_TIMEOUT) != 0 && time != NULL) {
        const double after = (double)time->tv_sec + (double)time->tv_usec / 1e6;
        ev_now_update(e->loop);
        ev_timer_set(&e->timer, after, after > 0 ? after : 1e-3);
        ev_timer_start(e->loop, &e->timer);
    }
    return 0;
}

static int event_del(struct ub_event *head)
{
    stop(event_of(head));
    return 0;
}

static int event_add_timer(struct ub_event *head, struct ub_event_base *base, callback *call, void *context,
                           struct timeval *time)
{
    struct event *e = event_of(head);
    (void)base;
    stop(e);
    e->call = call;
    e->context = context;
    e->bits = UB_EV_TIMEOUT;
    return event_add(head, time);
}

static struct ub_event *event_new(struct ub_event_base *base, int fd, short bits, callback *call, void *context)
{
    static struct ub_event_vmt calls = {
        .add_bits = event_add_bits, .del_bits = event_del_bits, .set_fd = event_set_fd, .free = event_free,
        .add = event_add, .del = event_del, .add_timer = event_add_timer, .del_timer = event_del
    };
    struct event *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return NULL;
    }
    e->head = (struct ub_event){ .magic = UB_EVENT_MAGIC, .vmt = &calls };
    e->loop = ((struct events *)base)->loop;
    e->fd = fd;
    e->bits = bits;
    e->call = call;
    e->context = context;
    ev_io_init(&e->io, on_io, fd, EV_NONE);
    ev_timer_init(&e->timer, on_timer, 0., 0.);
    e->io.data = e;
    e->timer.data = e;
    return &e->head;
}

/* Not called by libunbound with ub_resolve_event: the loop is ours. */
static void base_free(struct ub_event_base *base)
{
    (void)base;
}

static int base_loopexit(struct ub_event_base *base, struct timeval *time)
{
    (void)base;
    (void)time;
    return 0;
}

void events_init(struct events *e, struct ev_loop *loop)
{
    static struct ub_event_base_vmt calls = {
        .free = base_free, .dispatch = NULL, .loopexit = base_loopexit, .new_event = event_new
    };
    *e = (struct events){ .base = { .magic = UB_EVENT_MAGIC, .vmt = &calls }, .loop = loop };
}
