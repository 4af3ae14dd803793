#include "daemon.h"

#include "clock.h"

#include <errno.h>
#include <ev.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_PLUTOD, LINE_KERNEL_SA, LINE_NEGOTIATOR, LINE_COUNT }; /* in the order of flushing */

static const struct {
    const char *name;
    unsigned from;
} others[LINE_COUNT] = {
    [LINE_PLUTOD] = { "plutod", P_S },
    [LINE_KERNEL_SA] = { "kernel-sa", K_S },
    [LINE_NEGOTIATOR] = { "ike-negotiate", N_S },
};

struct line { /* a channel with its watchers */
    struct daemon *daemon;
    struct channel *channel; /* owned; NULL: nobody is there */
    ev_io readable;
    ev_io writable;
};

struct daemon {
    struct ev_loop *loop;
    struct core *core; /* borrowed */
    struct log *log;   /* borrowed */
    uint64_t worker;
    bool by_hand;
    struct line line[LINE_COUNT];
    ev_prepare turn;
    int exit_status;
};

static struct buffer *out_of(struct daemon *d, unsigned line)
{
    struct channel *c = d->line[d->by_hand ? LINE_PLUTOD : line].channel;
    return c == NULL ? NULL : channel_out(c);
}

static struct core_out outputs(struct daemon *d)
{
    return (struct core_out){ .plutod = out_of(d, LINE_PLUTOD),
                              .negotiator = out_of(d, LINE_NEGOTIATOR),
                              .kernel = out_of(d, LINE_KERNEL_SA) };
}

/* ---- when somebody does not read ---- */

static bool half_full(const struct line *l)
{
    return l->channel != NULL && channel_half_full(l->channel);
}

/* Somebody does not read what answers to the negotiator are about: it has to wait. */
static bool congested(const struct daemon *d)
{
    return half_full(&d->line[LINE_PLUTOD]) || half_full(&d->line[LINE_KERNEL_SA])
           || half_full(&d->line[LINE_NEGOTIATOR]);
}

static bool held_back(const struct daemon *d, unsigned place)
{
    return place == LINE_NEGOTIATOR && channel_pending(d->line[LINE_PLUTOD].channel);
}

/* By hand: whoever reads the answers gets them all, and we wait for him. */
static void write_rest(struct channel *c)
{
    struct buffer *rest = channel_out(c);
    struct pollfd out = { .fd = channel_fd_out(c), .events = POLLOUT };
    while (rest->len > 0) {
        ssize_t n = write(out.fd, rest->data, rest->len);
        if (n > 0) {
            buffer_consume(rest, (size_t)n);
        } else if (errno == EAGAIN) {
            (void)poll(&out, 1, -1);
        } else if (errno != EINTR) {
            return; /* nobody reads them any more */
        }
    }
}

/*
 * One turn may bring more requests than their answers have room for. What can be sent now is sent;
 * a negotiator that does not read loses answers of its own, and nobody else's.
 */
static void relieve(struct daemon *d)
{
    if (d->by_hand) {
        write_rest(d->line[LINE_PLUTOD].channel);
        return;
    }
    for (unsigned i = 0; i < LINE_COUNT; i++) {
        if (d->line[i].channel != NULL && !held_back(d, i)) {
            (void)channel_flush(d->line[i].channel); /* flush_lines sees if it is lost */
        }
    }
}

/* ---- channels ---- */

/* Nothing is done in a callback: it only ends the wait. See turn(). */
static void wake(struct ev_loop *loop, ev_io *w, int events)
{
    (void)loop;
    (void)w;
    (void)events;
}

static void line_open(struct line *l, struct channel *c)
{
    l->channel = c;
    ev_io_init(&l->readable, wake, channel_fd_in(c), EV_READ);
    ev_io_init(&l->writable, wake, channel_fd_out(c), EV_WRITE);
    ev_io_start(l->daemon->loop, &l->readable);
}

static void line_close(struct line *l)
{
    if (l->channel != NULL) {
        ev_io_stop(l->daemon->loop, &l->readable);
        ev_io_stop(l->daemon->loop, &l->writable);
        channel_free(l->channel);
        l->channel = NULL;
    }
}

/* The other side of this channel is gone, or broke the rules. */
static void line_lost(struct line *l, unsigned place, enum channel_result result)
{
    if (result == CHANNEL_BAD) {
        log_serious(l->daemon->log, "closing the channel of %s: %s", others[place].name,
                    channel_why(l->channel));
    }
    line_close(l);
}

static const char *take_channel(struct daemon *d, const struct record *r, int fd)
{
    unsigned tool = record_word(r, K_TOOL);
    unsigned place = tool == TOOL_KERNEL_SA ? LINE_KERNEL_SA : LINE_NEGOTIATOR;
    if (tool != TOOL_KERNEL_SA && tool != TOOL_IKE_NEGOTIATE) {
        close(fd);
        return "a channel to a tool that secrets does not speak to";
    }
    struct channel *c = channel_new(fd, fd, others[place].from);
    if (c == NULL) {
        close(fd);
        return "no memory for a channel";
    }
    line_close(&d->line[place]);
    line_open(&d->line[place], c);
    channel_hello(c, TOOL_SECRETS, record_number(r, K_EPOCH), d->worker);
    if (place == LINE_KERNEL_SA) {
        struct core_out out = outputs(d);
        secrets_kernel_again(d->core, &out);
    }
    return NULL;
}

static bool take_record(void *context, struct channel *c, const struct record *r, int fd)
{
    struct line *l = context;
    struct daemon *d = l->daemon;

    if (r->verb == V_CHANNEL) {
        const char *why = d->by_hand ? "channel records have no place by hand"
                                     : take_channel(d, r, fd);
        if (why != NULL) {
            channel_blame(c, why);
        }
        return why == NULL;
    }
    if (r->verb == V_DEBUG) {
        (void)debug_classes_parse(&d->log->classes, record_text(r, K_CLASSES));
        return true;
    }
    struct core_out out = outputs(d);
    secrets_record(d->core, r, &out, clock_ms());
    if (congested(d)) {
        relieve(d);
    }
    return true;
}

/* ---- a turn of the loop ---- */

/* Is this the one that asks, and so has to wait? */
static bool waits(const struct daemon *d, unsigned place)
{
    return place == LINE_NEGOTIATOR || d->by_hand;
}

static void watch(struct ev_loop *loop, ev_io *w, bool on)
{
    if (on) {
        ev_io_start(loop, w);
    } else {
        ev_io_stop(loop, w);
    }
}

static void set_watchers(struct daemon *d, unsigned place, bool read)
{
    struct line *l = &d->line[place];
    watch(d->loop, &l->writable, channel_pending(l->channel) && !held_back(d, place));
    watch(d->loop, &l->readable, read);
}

static void stop(struct daemon *d, int exit_status)
{
    d->exit_status = exit_status;
    ev_break(d->loop, EVBREAK_ALL);
}

/*
 * plutod's first: `authenticated` is on its way before the negotiator hears of it; so are keys for
 * kernel-sa. While plutod does not take what is for it, the negotiator's answers wait.
 */
static void flush_lines(struct daemon *d)
{
    for (unsigned i = 0; i < LINE_COUNT; i++) {
        struct line *l = &d->line[i];
        enum channel_result result = CHANNEL_OPEN;
        if (l->channel != NULL && channel_pending(l->channel) && !held_back(d, i)) {
            result = channel_flush(l->channel);
        }
        if (result != CHANNEL_OPEN && i == LINE_PLUTOD) {
            stop(d, d->exit_status);
            return;
        }
        if (result != CHANNEL_OPEN) {
            line_lost(l, i, result);
        }
    }
    bool wait = congested(d);
    for (unsigned i = 0; i < LINE_COUNT; i++) {
        if (d->line[i].channel != NULL) {
            set_watchers(d, i, !(wait && waits(d, i)));
        }
    }
}

static void control_ended(struct daemon *d, enum channel_result result)
{
    struct channel *c = d->line[LINE_PLUTOD].channel;
    if (result == CHANNEL_BAD) {
        const struct log to_stderr = { .tool = d->log->tool };
        log_serious(&to_stderr, "%s%s", d->by_hand ? "" : "plutod's channel: ", channel_why(c));
    }
    if (d->by_hand) {
        write_rest(c);
    }
    stop(d, result == CHANNEL_CLOSED ? 0 : 111);
}

/*
 * Just before the loop waits again. The other channels are filled first, then plutod's records
 * are handled, then theirs: what plutod said before they spoke is known.
 */
static void turn(struct ev_loop *loop, ev_prepare *w, int events)
{
    struct daemon *d = w->data;
    struct line *control = &d->line[LINE_PLUTOD];
    (void)loop;
    (void)events;

    bool wait = congested(d);
    for (unsigned i = LINE_PLUTOD + 1; i < LINE_COUNT; i++) {
        if (d->line[i].channel != NULL && !(wait && waits(d, i))) {
            (void)channel_fill(d->line[i].channel);
        }
    }
    enum channel_result result = CHANNEL_OPEN;
    if (!(wait && waits(d, LINE_PLUTOD))) {
        result = channel_read(control->channel, take_record, control);
    }
    for (unsigned i = LINE_PLUTOD + 1; i < LINE_COUNT; i++) {
        struct line *l = &d->line[i];
        enum channel_result other = CHANNEL_OPEN;
        if (l->channel != NULL && !(wait && waits(d, i))) {
            other = channel_dispatch(l->channel, take_record, l);
        }
        if (other != CHANNEL_OPEN) {
            line_lost(l, i, other);
        }
    }
    if (result != CHANNEL_OPEN) {
        control_ended(d, result);
    } else {
        flush_lines(d);
    }
}

/* ---- life ---- */

struct daemon *secrets_daemon_new(struct channel *control, struct core *core, struct log *log,
                                  uint64_t worker)
{
    struct daemon *d = calloc(1, sizeof *d);
    struct ev_loop *loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (d == NULL || loop == NULL) {
        if (loop != NULL) {
            ev_loop_destroy(loop);
        }
        channel_free(control);
        free(d);
        return NULL;
    }
    d->loop = loop;
    d->core = core;
    d->log = log;
    d->worker = worker;
    for (unsigned i = 0; i < LINE_COUNT; i++) {
        d->line[i].daemon = d;
    }
    line_open(&d->line[LINE_PLUTOD], control);
    ev_prepare_init(&d->turn, turn);
    d->turn.data = d;
    ev_prepare_start(loop, &d->turn);
    return d;
}

struct daemon *secrets_daemon_new_by_hand(struct channel *all, struct core *core, struct log *log)
{
    struct daemon *d = secrets_daemon_new(all, core, log, 0);
    if (d != NULL) {
        d->by_hand = true;
    }
    return d;
}

int secrets_daemon_run(struct daemon *d)
{
    ev_run(d->loop, 0);
    return d->exit_status;
}

void secrets_daemon_free(struct daemon *d)
{
    if (d == NULL) {
        return;
    }
    for (unsigned i = 0; i < LINE_COUNT; i++) {
        line_close(&d->line[i]);
    }
    ev_prepare_stop(d->loop, &d->turn);
    ev_loop_destroy(d->loop);
    free(d);
}
