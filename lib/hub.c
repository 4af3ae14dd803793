#include "hub.h"

#include "clock.h"
#include "schema.h"
#include "standard.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct hub {
    struct hub_use use;
    struct ev_loop *loop;
    struct hub_line *lines; /* sorted */
    ev_prepare turn;
    ev_timer timer;
    int exit_status;
    bool ended;
};

/* ---- watchers: nothing is done in a callback, it only ends the wait ---- */

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
    struct hub_line *l = w->data;
    (void)loop;
    (void)events;
    l->ready = true;
}

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
    (void)events; /* the flush is the turn's */
    ev_io_stop(loop, w);
}

static void on_watch(struct ev_loop *loop, ev_io *w, int events)
{
    struct hub_watch *watch = w->data;
    (void)loop;
    (void)events;
    watch->ready = true;
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
    (void)loop;
    (void)w;
    (void)events;
}

void hub_watch(struct hub *h, struct hub_watch *w, int fd)
{
    w->ready = false;
    ev_io_init(&w->io, on_watch, fd, EV_READ);
    w->io.data = w;
    ev_io_start(h->loop, &w->io);
}

void hub_unwatch(struct hub *h, struct hub_watch *w)
{
    ev_io_stop(h->loop, &w->io);
}

/* ---- lines ---- */

/*
 * The order of reading and of writing. The negotiator comes last: what it is told may make it ask
 * plutod or kernel-sa for something, and what those have to know of it must be on its way.
 */
static unsigned rank(unsigned tool)
{
    return tool == TOOL_PLUTOD ? 0 : TOOL_COUNT - tool;
}

static bool before(const struct hub_line *l, unsigned tool, uint64_t worker)
{
    return rank(l->tool) < rank(tool) || (l->tool == tool && l->worker < worker);
}

/* The place of a line of that tool and worker: where it is, or where it belongs. */
static struct hub_line **place(struct hub *h, unsigned tool, uint64_t worker)
{
    struct hub_line **at = &h->lines;
    while (*at != NULL && before(*at, tool, worker)) {
        at = &(*at)->next;
    }
    return at;
}

struct hub_line *hub_line(const struct hub *h, unsigned tool, uint64_t worker)
{
    for (struct hub_line *l = h->lines; l != NULL; l = l->next) {
        if (l->tool == tool && l->worker == worker) {
            return l;
        }
    }
    return NULL;
}

struct buffer *hub_out(const struct hub *h, unsigned tool, uint64_t worker)
{
    const struct hub_line *l = hub_line(h, tool, worker);
    return l == NULL ? NULL : channel_out(l->channel);
}

struct hub_line *hub_lines(const struct hub *h)
{
    return h->lines;
}

static void line_free(struct hub_line *l)
{
    ev_io_stop(l->hub->loop, &l->readable);
    ev_io_stop(l->hub->loop, &l->writable);
    if (l->bell >= 0) {
        close(l->bell);
    }
    channel_free(l->channel);
    free(l);
}

/* plutod logs it, and ends the negotiator: without this channel it would be of no use anyway. */
static void accuse(const struct hub *h, const struct hub_line *l)
{
    struct record_writer w;
    struct buffer *out = hub_out(h, TOOL_PLUTOD, 0);
    if (out != NULL) {
        record_start(&w, out, V_ACCUSE);
        record_put_word(&w, K_TOOL, l->tool);
        record_put_number(&w, K_EPOCH, channel_own_epoch(l->channel));
        record_put_text(&w, K_WHY, channel_why(l->channel));
        (void)record_finish(&w);
    }
}

static void tell_why(struct hub *h, const struct hub_line *l)
{
    if (l->tool == TOOL_IKE_NEGOTIATE && channel_own_epoch(l->channel) > 0) {
        accuse(h, l);
        return;
    }
    if (l->tool != TOOL_PLUTOD) {
        log_serious(h->use.log, "closing the channel of %s: %s", schema_tool_name(l->tool),
                    channel_why(l->channel));
        return;
    }
    /* The channel that the log goes over is the one that ends. */
    const struct log to_stderr = { .tool = h->use.log->tool };
    log_serious(&to_stderr, "%s%s", h->use.by_hand ? "" : "plutod's channel: ",
                channel_why(l->channel));
}

/* Takes the line at *at out, and tells the tool. */
static void line_close(struct hub *h, struct hub_line **at, enum channel_result how)
{
    struct hub_line *l = *at;
    *at = l->next;
    if (how == CHANNEL_BAD) {
        tell_why(h, l);
    }
    if (l->tool == TOOL_PLUTOD) {
        h->ended = true;
        h->exit_status = how == CHANNEL_BAD ? EXIT_SYSTEM : 0;
    }
    h->use.closed(h->use.context, l, how);
    line_free(l);
}

struct hub_line *hub_open(struct hub *h, unsigned tool, uint64_t worker, struct channel *c)
{
    struct hub_line *l = calloc(1, sizeof *l);
    if (l == NULL) {
        channel_free(c);
        return NULL;
    }
    struct hub_line **at = place(h, tool, worker);
    if (*at != NULL && (*at)->tool == tool && (*at)->worker == worker) {
        line_close(h, at, CHANNEL_CLOSED);
        at = place(h, tool, worker);
    }
    l->channel = c;
    l->tool = tool;
    l->worker = worker;
    l->hub = h;
    l->bell = -1;
    l->next = *at;
    *at = l;
    ev_io_init(&l->readable, on_readable, channel_fd_in(c), EV_READ);
    ev_io_init(&l->writable, on_writable, channel_fd_out(c), EV_WRITE);
    l->readable.data = l;
    ev_io_start(h->loop, &l->readable);
    return l;
}

struct channel *hub_join(struct hub *h, unsigned tool, uint64_t worker, int fd, unsigned from)
{
    struct channel *c = channel_new(fd, fd, from);
    if (c == NULL) {
        close(fd);
        return NULL;
    }
    return hub_open(h, tool, worker, c) == NULL ? NULL : c;
}

void hub_bell(struct hub *h, int fd)
{
    struct hub_line *l = hub_line(h, TOOL_PLUTOD, 0);
    if (l == NULL || l->bell >= 0) {
        close(fd);
        return;
    }
    l->bell = fd;
    ev_io_stop(h->loop, &l->readable);
    ev_io_set(&l->readable, fd, EV_READ);
    ev_io_start(h->loop, &l->readable);
}

/* How often it was rung says nothing. At its end the channel's is there too. */
static void quiet_bell(const struct hub_line *l)
{
    char bytes[64];
    struct iovec room = { .iov_base = bytes, .iov_len = sizeof bytes };
    struct msghdr message = { .msg_iov = &room, .msg_iovlen = 1 };
    if (l->bell >= 0 && l->ready) {
        (void)recvmsg(l->bell, &message, MSG_DONTWAIT);
    }
}

/* What was not read to its end, because there was too much or it might not be read, or paused, rings no more. */
static bool wants_reading(const struct hub_line *l)
{
    return l->ready || (l->bell >= 0 && !channel_drained(l->channel)) || channel_paused(l->channel);
}

static bool may_read(const struct hub *h, const struct hub_line *l)
{
    return h->use.may_read == NULL || h->use.may_read(h->use.context, l);
}

static bool may_write(const struct hub *h, const struct hub_line *l)
{
    return h->use.may_write == NULL || h->use.may_write(h->use.context, l);
}

/* ---- a turn ---- */

static bool on_record(void *context, struct channel *c, const struct record *r, int fd)
{
    struct hub_line *l = context;
    (void)c;
    return l->hub->use.record(l->hub->use.context, l, r, fd);
}

static void read_lines(struct hub *h)
{
    struct hub_line *plutod = NULL;
    bool any = false;

    for (struct hub_line *l = h->lines; l != NULL; l = l->next) {
        if (!may_read(h, l)) {
            l->ready = false;
        }
        any = any || l->ready;
        if (l->tool == TOOL_PLUTOD) {
            plutod = l;
            any = any || wants_reading(l);
        } else if (l->ready) {
            (void)channel_fill(l->channel);
        }
    }
    /* Where another one spoke, plutod's is read even if nothing was there when the wait ended. */
    if (any && plutod != NULL && may_read(h, plutod)) {
        quiet_bell(plutod);
        (void)channel_read(plutod->channel, on_record, plutod);
    }
    for (struct hub_line *l = h->lines; l != NULL; l = l->next) {
        if (l->ready && l->tool != TOOL_PLUTOD) {
            (void)channel_dispatch(l->channel, on_record, l);
        }
        l->ready = false;
    }
}

/* Flushes all. True: a line was closed, and what the tool answered to that may wait in another. */
static bool flush_lines(struct hub *h)
{
    bool closed = false;
    for (struct hub_line **at = &h->lines; *at != NULL && !h->ended;) {
        struct hub_line *l = *at;
        enum channel_result how = channel_state(l->channel);
        if (how == CHANNEL_OPEN && channel_pending(l->channel) && may_write(h, l)) {
            how = channel_flush(l->channel);
        }
        if (how != CHANNEL_OPEN) {
            line_close(h, at, how);
            closed = true;
        } else {
            at = &l->next;
        }
    }
    return closed;
}

static void watch(struct hub *h, ev_io *w, bool on)
{
    if (on) {
        ev_io_start(h->loop, w);
    } else {
        ev_io_stop(h->loop, w);
    }
}

static void set_timer(struct hub *h)
{
    uint64_t deadline = h->use.deadline == NULL ? UINT64_MAX : h->use.deadline(h->use.context);
    ev_timer_stop(h->loop, &h->timer);
    if (h->lines != NULL && h->lines->tool == TOOL_PLUTOD && wants_reading(h->lines)
        && may_read(h, h->lines)) {
        deadline = 0;
    }
    if (deadline != UINT64_MAX) {
        uint64_t now = clock_ms();
        ev_now_update(h->loop);
        ev_timer_set(&h->timer, deadline > now ? (double)(deadline - now) / 1000.0 : 0.0, 0.0);
        ev_timer_start(h->loop, &h->timer);
    }
}

static void turn(struct ev_loop *loop, ev_prepare *w, int events)
{
    struct hub *h = w->data;
    (void)events;

    read_lines(h);
    if (h->use.work != NULL) {
        h->use.work(h->use.context);
    }
    while (!h->ended && flush_lines(h)) {
    }
    if (h->ended) {
        ev_break(loop, EVBREAK_ALL);
        return;
    }
    for (struct hub_line *l = h->lines; l != NULL; l = l->next) {
        watch(h, &l->writable, channel_pending(l->channel) && may_write(h, l));
        watch(h, &l->readable, may_read(h, l));
    }
    set_timer(h);
}

void hub_relieve(struct hub *h)
{
    for (struct hub_line *l = h->lines; l != NULL; l = l->next) {
        if (channel_pending(l->channel) && may_write(h, l)) {
            (void)channel_flush(l->channel);
        }
    }
}

/* ---- life ---- */

struct hub *hub_new(const struct hub_use *use)
{
    struct hub *h = calloc(1, sizeof *h);
    struct ev_loop *loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (h == NULL || loop == NULL) {
        if (loop != NULL) {
            ev_loop_destroy(loop);
        }
        free(h);
        return NULL;
    }
    h->use = *use;
    h->loop = loop;
    ev_prepare_init(&h->turn, turn);
    h->turn.data = h;
    ev_prepare_start(loop, &h->turn);
    ev_timer_init(&h->timer, on_timer, 0.0, 0.0);
    return h;
}

struct ev_loop *hub_loop(const struct hub *h)
{
    return h->loop;
}

int hub_run(struct hub *h)
{
    ev_run(h->loop, 0);
    return h->exit_status;
}

void hub_end(struct hub *h)
{
    h->ended = true;
}

void hub_free(struct hub *h)
{
    if (h == NULL) {
        return;
    }
    while (h->lines != NULL) {
        struct hub_line *next = h->lines->next;
        line_free(h->lines);
        h->lines = next;
    }
    ev_loop_destroy(h->loop);
    free(h);
}
