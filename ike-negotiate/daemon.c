#include "daemon.h"

#include "channel.h"
#include "clock.h"
#include "ike.h"
#include "bounds.h"
#include "log.h"
#include "sandbox.h"
#include "sockets.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct daemon;

/* A channel with its watchers: plutod's, kernel-sa's, or a worker's. */
struct line {
    struct channel *channel;
    ev_io readable;
    ev_io writable;
    struct daemon *daemon;
    enum ike_source source;
    uint64_t worker;
    struct line *next; /* of the workers */
};

struct daemon {
    struct ev_loop *loop;
    struct ike *ike;
    struct log log;
    struct line control;
    struct line kernel;
    struct line *workers;
    struct udp_socket *sockets;
    ev_prepare turn;
    ev_timer timer;
    int exit_status;
};

/* ---- what the core asks for ---- */

static struct buffer *out_kernel(void *context)
{
    struct daemon *d = context;
    return d->kernel.channel == NULL ? NULL : channel_out(d->kernel.channel);
}

static struct buffer *out_worker(void *context, uint64_t worker)
{
    struct daemon *d = context;
    for (struct line *l = d->workers; l != NULL; l = l->next) {
        if (l->worker == worker && l->channel != NULL) {
            return channel_out(l->channel);
        }
    }
    return NULL;
}

static void out_send(void *context, const struct path *path, const uint8_t *bytes, size_t len)
{
    struct daemon *d = context;
    sockets_send(d->sockets, &d->log, path, bytes, len);
}

static void refill_random(struct daemon *d)
{
    uint8_t bytes[IKE_RANDOM_POOL];
    size_t want = ike_random_wanted(d->ike);
    if (want < IKE_RANDOM_POOL / 2) {
        return;
    }
    if (getrandom(bytes, want, 0) == (ssize_t)want) {
        ike_random(d->ike, bytes, want);
    }
    explicit_bzero(bytes, sizeof bytes);
}

/* ---- channels ---- */

/* Nothing is done in a callback: it only ends the wait. See turn(). */
static void wake(struct ev_loop *loop, ev_io *w, int events)
{
    (void)loop;
    (void)w;
    (void)events;
}

static void line_open(struct daemon *d, struct line *l, struct channel *c)
{
    l->daemon = d;
    l->channel = c;
    ev_io_init(&l->readable, wake, channel_fd_in(c), EV_READ);
    ev_io_init(&l->writable, wake, channel_fd_out(c), EV_WRITE);
    ev_io_start(d->loop, &l->readable);
}

static void line_close(struct daemon *d, struct line *l)
{
    if (l->channel == NULL) {
        return;
    }
    ev_io_stop(d->loop, &l->readable);
    ev_io_stop(d->loop, &l->writable);
    channel_free(l->channel);
    l->channel = NULL;
    if (l->source != FROM_PLUTOD) {
        ike_source_gone(d->ike, clock_ms(), l->source, l->worker);
    }
}

static struct line *find_worker(struct daemon *d, uint64_t worker)
{
    for (struct line *l = d->workers; l != NULL; l = l->next) {
        if (l->worker == worker) {
            return l;
        }
    }
    struct line *l = calloc(1, sizeof *l);
    if (l != NULL) {
        l->source = FROM_WORKER;
        l->worker = worker;
        l->next = d->workers;
        d->workers = l;
    }
    return l;
}

static const char *take_channel(struct daemon *d, const struct record *r, int fd)
{
    unsigned tool = record_word(r, K_TOOL);
    if (tool != TOOL_KERNEL_SA && tool != TOOL_SECRETS) {
        close(fd);
        return "a channel to a tool that ike-negotiate does not speak to";
    }
    struct channel *c = channel_new(fd, fd, tool == TOOL_KERNEL_SA ? K_N : S_N);
    if (c == NULL) {
        close(fd);
        return NULL;
    }
    struct line *l = tool == TOOL_KERNEL_SA ? &d->kernel : find_worker(d, record_number(r, K_WORKER));
    if (l == NULL) {
        channel_free(c);
        return NULL;
    }
    line_close(d, l);
    line_open(d, l, c);
    channel_hello(c, TOOL_IKE_NEGOTIATE, record_number(r, K_EPOCH), l->worker);
    if (tool == TOOL_KERNEL_SA) {
        ike_kernel_ready(d->ike, clock_ms());
    }
    return NULL;
}

/* ---- sockets ---- */

static void close_socket(struct daemon *d, const struct address *local, uint16_t port)
{
    for (struct udp_socket **at = &d->sockets; *at != NULL; at = &(*at)->next) {
        struct udp_socket *s = *at;
        if (s->port == port && address_equal(&s->local, local)) {
            *at = s->next;
            ev_io_stop(d->loop, &s->watcher);
            close(s->fd);
            free(s);
            return;
        }
    }
}

static void take_socket(struct daemon *d, const struct record *r, int fd)
{
    struct udp_socket *s = calloc(1, sizeof *s);
    if (s == NULL) {
        close(fd);
        return;
    }
    s->fd = fd;
    record_address(r, K_LOCAL, &s->local);
    s->port = (uint16_t)record_number(r, K_LOCAL_PORT);
    close_socket(d, &s->local, s->port);
    s->next = d->sockets;
    d->sockets = s;
    ev_io_init(&s->watcher, wake, fd, EV_READ);
    ev_io_start(d->loop, &s->watcher);
}

/* ---- events ---- */

static bool take_record(void *context, struct channel *c, const struct record *r, int fd)
{
    struct line *l = context;
    struct daemon *d = l->daemon;
    struct address local;
    const char *why = NULL;

    refill_random(d);
    if (r->verb == V_CHANNEL) {
        why = take_channel(d, r, fd);
    } else if (r->verb == V_SOCKET) {
        take_socket(d, r, fd);
    } else if (r->verb == V_CLOSE_SOCKET) {
        record_address(r, K_LOCAL, &local);
        close_socket(d, &local, (uint16_t)record_number(r, K_LOCAL_PORT));
    } else {
        if (r->verb == V_DEBUG) {
            (void)debug_classes_parse(&d->log.classes, record_text(r, K_CLASSES));
        }
        why = ike_record(d->ike, clock_ms(), l->source, l->worker, r);
    }
    if (why != NULL) {
        channel_blame(c, why);
    }
    return why == NULL;
}

static void take_datagram(void *context, const struct path *path, const uint8_t *bytes, size_t len)
{
    static const uint8_t none[COOKIE_LEN];
    struct daemon *d = context;
    /* plutod is behind: strangers wait, all else goes on. */
    if (channel_half_full(d->control.channel) && len >= 2 * COOKIE_LEN
        && memcmp(bytes + COOKIE_LEN, none, COOKIE_LEN) == 0) {
        return;
    }
    refill_random(d);
    ike_datagram(d->ike, clock_ms(), path, bytes, len);
}

static void settle_line(struct daemon *d, struct line *l, enum channel_result result)
{
    if (result == CHANNEL_OPEN && channel_pending(l->channel)) {
        result = channel_flush(l->channel);
    }
    if (result != CHANNEL_OPEN) {
        if (result == CHANNEL_BAD && l->source != FROM_PLUTOD) {
            log_serious(&d->log, "closing the channel of %s: %s",
                        l->source == FROM_KERNEL_SA ? "kernel-sa" : "a secrets process",
                        channel_why(l->channel));
        }
        line_close(d, l);
        return;
    }
    if (channel_pending(l->channel)) {
        ev_io_start(d->loop, &l->writable);
    } else {
        ev_io_stop(d->loop, &l->writable);
    }
}

static void dispatch_line(struct daemon *d, struct line *l)
{
    if (l->channel != NULL) {
        enum channel_result result = channel_dispatch(l->channel, take_record, l);
        if (result != CHANNEL_OPEN) {
            settle_line(d, l, result);
        }
    }
}

/*
 * Flushes all, and forgets workers that are gone: their numbers never come again. True: a channel
 * was closed, and what the core answered to that may wait in another one.
 */
static bool settle_lines(struct daemon *d)
{
    bool closed = false;
    for (struct line **at = &d->workers; *at != NULL;) {
        struct line *l = *at;
        if (l->channel != NULL) {
            settle_line(d, l, CHANNEL_OPEN);
        }
        if (l->channel == NULL) {
            *at = l->next;
            free(l);
            closed = true;
        } else {
            at = &l->next;
        }
    }
    if (d->kernel.channel != NULL) {
        settle_line(d, &d->kernel, CHANNEL_OPEN);
        closed = closed || d->kernel.channel == NULL;
    }
    settle_line(d, &d->control, CHANNEL_OPEN);
    return closed && d->control.channel != NULL;
}

static void set_timer(struct daemon *d)
{
    uint64_t next = ike_next_timer(d->ike);
    uint64_t now = clock_ms();
    ev_timer_stop(d->loop, &d->timer);
    if (next != UINT64_MAX) {
        ev_timer_set(&d->timer, next > now ? (double)(next - now) / 1000.0 : 0.0, 0.0);
        ev_timer_start(d->loop, &d->timer);
    }
}

/*
 * One turn of the loop, just before it waits again. The other channels are filled first, then
 * plutod's records are handled, then theirs: what plutod said before they spoke is known.
 */
static void turn(struct ev_loop *loop, ev_prepare *w, int events)
{
    struct daemon *d = w->data;
    (void)loop;
    (void)events;

    if (d->kernel.channel != NULL) {
        (void)channel_fill(d->kernel.channel);
    }
    for (struct line *l = d->workers; l != NULL; l = l->next) {
        if (l->channel != NULL) {
            (void)channel_fill(l->channel);
        }
    }
    enum channel_result result = channel_read(d->control.channel, take_record, &d->control);
    if (result != CHANNEL_OPEN) {
        d->exit_status = result == CHANNEL_CLOSED ? 0 : 111;
        if (result == CHANNEL_BAD) {
            fprintf(stderr, "ike-negotiate: plutod's channel: %s\n",
                    channel_why(d->control.channel));
        }
        ev_break(d->loop, EVBREAK_ALL);
        return;
    }
    dispatch_line(d, &d->kernel);
    for (struct line *l = d->workers; l != NULL; l = l->next) {
        dispatch_line(d, l);
    }
    for (struct udp_socket *s = d->sockets; s != NULL; s = s->next) {
        sockets_read(s, &d->log, take_datagram, d);
    }
    refill_random(d);
    ike_timer(d->ike, clock_ms());
    while (settle_lines(d)) {
    }
    if (d->control.channel == NULL) {
        ev_break(d->loop, EVBREAK_ALL);
        return;
    }
    set_timer(d);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
    (void)loop;
    (void)w;
    (void)events;
}

static void close_all(struct daemon *d)
{
    ike_free(d->ike);
    while (d->sockets != NULL) {
        close_socket(d, &d->sockets->local, d->sockets->port);
    }
    channel_free(d->kernel.channel);
    while (d->workers != NULL) {
        struct line *next = d->workers->next;
        channel_free(d->workers->channel);
        free(d->workers);
        d->workers = next;
    }
    channel_free(d->control.channel);
}

/* Enters the sandbox; false: it could not, and the caller goes. */
static bool enter_sandbox(const struct log *log)
{
    static const struct sandbox rights = { .tool = SANDBOX_IKE_NEGOTIATE };
    const char *note = NULL;
    const char *why = sandbox_enter(&rights, &note);
    if (why != NULL) {
        fprintf(stderr, "ike-negotiate: cannot enter the sandbox: %s: %s\n", why, strerror(errno));
        return false;
    }
    if (note != NULL) {
        log_info(log, "%s", note);
    }
    return true;
}

int daemon_run(int control_fd)
{
    struct daemon d = { .control = { .source = FROM_PLUTOD },
                        .kernel = { .source = FROM_KERNEL_SA } };

    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* from a terminal it is plutod's: it ends us by closing the channel */
    sandbox_no_core();
    d.loop = ev_default_loop(EVFLAG_AUTO);
    struct channel *c = d.loop == NULL ? NULL : channel_new(control_fd, control_fd, P_N);
    if (c == NULL) {
        fprintf(stderr, "ike-negotiate: cannot use descriptor %d as plutod's channel: %s\n",
                control_fd, strerror(errno));
        return 111;
    }
    d.log = (struct log){ .tool = "ike-negotiate", .records = channel_out(c) };
    const struct ike_outputs outputs = { .plutod = channel_out(c), .kernel_sa = out_kernel,
                                         .worker = out_worker, .send = out_send, .context = &d };
    d.ike = ike_new(&outputs);
    channel_hello(c, TOOL_IKE_NEGOTIATE, 1, 0);
    if (d.ike == NULL || !enter_sandbox(&d.log)) {
        return 111;
    }
    line_open(&d, &d.control, c);
    ev_prepare_init(&d.turn, turn);
    d.turn.data = &d;
    ev_prepare_start(d.loop, &d.turn);
    ev_timer_init(&d.timer, on_timer, 0.0, 0.0);
    ev_run(d.loop, 0);
    close_all(&d);
    return d.exit_status;
}
