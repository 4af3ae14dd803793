#include "loop.h"

#include "hand.h"
#include "serve.h"

#include "lib/channel.h"
#include "lib/bounds.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct link {
    struct channel *channel; /* NULL: free place */
    enum core_peer peer;
    uint64_t worker;
    bool ended;              /* to be freed at the end of the turn */
    struct ev_io reader;
    struct ev_io writer;
    struct loop *loop;
};

struct loop {
    struct ev_loop *ev;
    struct core *core;
    struct netlink *netlink;
    bool by_hand;
    int status;
    size_t told;             /* bytes of stdout's buffer that were looked through for refusals */
    struct link control;
    struct link negotiate;
    struct link workers[WORKERS_MAX];
    struct ev_io events;
    struct ev_timer timer;
    struct ev_prepare prepare;
};

static uint64_t now_ms(const struct loop *loop)
{
    return (uint64_t)(ev_now(loop->ev) * 1000.0);
}

/* ---- the kernel ---- */

static void serve(struct loop *loop)
{
    serve_core(loop->core, loop->netlink, now_ms(loop));
}

static void on_event(void *context, const struct kernel_event *event)
{
    struct loop *loop = context;
    core_event(loop->core, event, now_ms(loop));
}

static void on_events(struct ev_loop *ev, struct ev_io *w, int revents)
{
    struct loop *loop = w->data;
    (void)ev;
    (void)revents;
    const char *lost = netlink_events(loop->netlink, on_event, loop);
    if (lost != NULL) {
        core_events_lost(loop->core, lost, now_ms(loop));
        serve(loop);
    }
}

static void on_timer(struct ev_loop *ev, struct ev_timer *w, int revents)
{
    struct loop *loop = w->data;
    (void)revents;
    ev_timer_stop(ev, w);
    core_tick(loop->core, now_ms(loop));
    serve(loop);
}

/* ---- channels ---- */

static void log_to_plutod(struct loop *loop, const char *level_word, const char *text)
{
    struct record_writer w;
    if (loop->by_hand || loop->control.channel == NULL) {
        (void)fprintf(stderr, "kernel-sa: %s\n", text);
        return;
    }
    record_start(&w, channel_out(loop->control.channel), V_LOG);
    record_put_word(&w, K_LEVEL, strcmp(level_word, "serious") == 0 ? 2 : 1);
    record_put_text(&w, K_TEXT, text);
    (void)record_finish(&w);
}

void loop_note(struct loop *loop, const char *text)
{
    log_to_plutod(loop, "info", text);
}

static void on_writable(struct ev_loop *ev, struct ev_io *w, int revents)
{
    (void)revents; /* the flush is done for all channels before the next wait */
    ev_io_stop(ev, w);
}

static void on_readable(struct ev_loop *ev, struct ev_io *w, int revents);

static void link_open(struct loop *loop, struct link *l, struct channel *c, enum core_peer peer)
{
    l->channel = c;
    l->peer = peer;
    l->ended = false;
    l->loop = loop;
    ev_io_init(&l->reader, on_readable, channel_fd_in(c), EV_READ);
    ev_io_init(&l->writer, on_writable, channel_fd_out(c), EV_WRITE);
    l->reader.data = l;
    l->writer.data = l;
    /* What plutod says is handled before what others ask for under it. */
    ev_set_priority(&l->reader, peer == PEER_PLUTOD ? EV_MAXPRI : 0);
    ev_io_start(loop->ev, &l->reader);
}

static void link_close(struct link *l)
{
    if (l->channel == NULL) {
        return;
    }
    ev_io_stop(l->loop->ev, &l->reader);
    ev_io_stop(l->loop->ev, &l->writer);
    channel_free(l->channel);
    l->channel = NULL;
    core_connect(l->loop->core, l->peer, NULL);
    if (l->peer == PEER_NEGOTIATE) {
        core_negotiator_gone(l->loop->core);
    }
}

static struct link *place_for_worker(struct loop *loop, uint64_t worker)
{
    struct link *unused = NULL;
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        struct link *l = &loop->workers[i];
        if (l->channel != NULL && l->worker == worker) {
            return l;
        }
        if (l->channel == NULL && unused == NULL) {
            unused = l;
        }
    }
    return unused;
}

/* plutod hands us an end of a channel to another tool. Owns fd. */
static bool take_channel(struct loop *loop, struct channel *from, const struct record *r, int fd)
{
    unsigned tool = record_word(r, K_TOOL);
    bool negotiate = tool == TOOL_IKE_NEGOTIATE;
    uint64_t worker = record_number(r, K_WORKER);
    struct link *l = negotiate ? &loop->negotiate : place_for_worker(loop, worker);
    if ((!negotiate && tool != TOOL_SECRETS) || l == NULL) {
        close(fd);
        channel_blame(from, l == NULL ? "more secrets processes than there is room for"
                                      : "kernel-sa has no channel to that tool");
        return false;
    }
    struct channel *c = channel_new(fd, fd, negotiate ? N_K : S_K);
    if (c == NULL) {
        close(fd);
        log_to_plutod(loop, "serious", "no memory for a channel");
        return true;
    }
    link_close(l);
    l->worker = worker;
    link_open(loop, l, c, negotiate ? PEER_NEGOTIATE : PEER_SECRETS);
    channel_hello(c, TOOL_KERNEL_SA, record_number(r, K_EPOCH), 0);
    if (negotiate) {
        core_connect(loop->core, PEER_NEGOTIATE, channel_out(c));
    }
    return true;
}

static enum core_peer peer_by_hand(const struct record *r)
{
    unsigned from = schema_verb(r->verb)->from;
    return (from & P_K) != 0 ? PEER_PLUTOD : (from & N_K) != 0 ? PEER_NEGOTIATE : PEER_SECRETS;
}

static bool on_record(void *context, struct channel *c, const struct record *r, int fd)
{
    struct link *l = context;
    struct loop *loop = l->loop;
    if (r->verb == V_CHANNEL && !loop->by_hand) {
        return take_channel(loop, c, r, fd);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (r->verb == V_BAD) {
        log_to_plutod(loop, "serious", record_text(r, K_WHY));
        return true;
    }
    if (l->peer == PEER_SECRETS) {
        core_connect(loop->core, PEER_SECRETS, channel_out(c));
    }
    serve_random(loop->core);
    core_record(loop->core, loop->by_hand ? peer_by_hand(r) : l->peer, r, now_ms(loop));
    serve(loop);
    if (l->peer == PEER_SECRETS) {
        core_connect(loop->core, PEER_SECRETS, NULL);
    }
    return true;
}

static const char *link_name(const struct link *l)
{
    if (l->loop->by_hand) {
        return "stdin";
    }
    return l->peer == PEER_PLUTOD ? "plutod" : l->peer == PEER_NEGOTIATE ? "ike-negotiate"
                                                                         : "secrets";
}

static void link_ended(struct link *l, enum channel_result how)
{
    struct loop *loop = l->loop;
    char text[512];
    (void)snprintf(text, sizeof text, "from %s: %s", link_name(l),
                   channel_why(l->channel));
    l->ended = true;
    ev_io_stop(loop->ev, &l->reader);
    if (l == &loop->control) {
        /* By hand, the end of input is no fault, unless it comes within a line. */
        bool cut = loop->by_hand && strstr(channel_why(l->channel), "within") != NULL;
        if (how == CHANNEL_BAD || cut) {
            (void)fprintf(stderr, "kernel-sa: %s\n", text);
            loop->status = cut ? 1 : 111;
        }
        ev_break(loop->ev, EVBREAK_ALL);
    } else if (how == CHANNEL_BAD) {
        log_to_plutod(loop, "serious", text);
    }
}

static void on_readable(struct ev_loop *ev, struct ev_io *w, int revents)
{
    struct link *l = w->data;
    (void)ev;
    (void)revents;
    enum channel_result how = channel_read(l->channel, on_record, l);
    if (how != CHANNEL_OPEN) {
        link_ended(l, how);
    }
}

/* ---- the turn ---- */

static void hand_turn(struct loop *loop)
{
    struct buffer *out = channel_out(loop->control.channel);
    if (hand_tell_refusals(out, &loop->told)) {
        loop->status = 1;
    }
    if (loop->netlink == NULL) { /* a dry run answers nobody: nothing was done */
        buffer_truncate(out, 0);
        loop->told = 0;
        (void)fflush(stdout);
    }
}

static void link_flush(struct link *l)
{
    struct loop *loop = l->loop;
    if (l->channel == NULL) {
        return;
    }
    if (!l->ended && channel_flush(l->channel) != CHANNEL_OPEN) {
        link_ended(l, CHANNEL_CLOSED);
    }
    if (l->ended && l != &loop->control) {
        link_close(l);
    } else if (!l->ended && channel_pending(l->channel)) {
        ev_io_start(loop->ev, &l->writer);
    }
}

static void on_prepare(struct ev_loop *ev, struct ev_prepare *w, int revents)
{
    struct loop *loop = w->data;
    (void)revents;
    if (loop->by_hand) {
        hand_turn(loop);
    }
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        link_flush(&loop->workers[i]);
    }
    link_flush(&loop->negotiate);
    link_flush(&loop->control);
    loop->told = loop->by_hand ? channel_out(loop->control.channel)->len : 0;
    uint64_t deadline = core_deadline(loop->core);
    if (deadline != UINT64_MAX) {
        uint64_t now = now_ms(loop);
        double wait = deadline > now ? (double)(deadline - now) / 1000.0 + 0.001 : 0.0;
        ev_timer_stop(ev, &loop->timer);
        ev_timer_set(&loop->timer, wait, 0.);
        ev_timer_start(ev, &loop->timer);
    }
}

/* ---- making, running ---- */

struct loop *loop_new(struct core *core, struct netlink *netlink)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        return NULL;
    }
    loop->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (loop->ev == NULL) {
        free(loop);
        return NULL;
    }
    loop->core = core;
    loop->netlink = netlink;
    loop->control.loop = loop;
    loop->negotiate.loop = loop;
    ev_timer_init(&loop->timer, on_timer, 0., 0.);
    loop->timer.data = loop;
    ev_prepare_init(&loop->prepare, on_prepare);
    loop->prepare.data = loop;
    ev_prepare_start(loop->ev, &loop->prepare);
    if (netlink != NULL && netlink_event_fd(netlink) >= 0) {
        ev_io_init(&loop->events, on_events, netlink_event_fd(netlink), EV_READ);
        loop->events.data = loop;
        ev_io_start(loop->ev, &loop->events);
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        loop->workers[i].loop = loop;
        link_close(&loop->workers[i]);
    }
    link_close(&loop->negotiate);
    link_close(&loop->control);
    ev_loop_destroy(loop->ev);
    netlink_free(loop->netlink);
    core_free(loop->core);
    free(loop);
}

bool loop_control(struct loop *loop, int fd)
{
    struct channel *c = channel_new(fd, fd, P_K);
    if (c == NULL) {
        return false;
    }
    link_open(loop, &loop->control, c, PEER_PLUTOD);
    core_connect(loop->core, PEER_PLUTOD, channel_out(c));
    channel_hello(c, TOOL_KERNEL_SA, 1, 0);
    core_adopt(loop->core, now_ms(loop));
    serve(loop);
    return true;
}

bool loop_by_hand(struct loop *loop)
{
    struct channel *c = channel_new(STDIN_FILENO, STDOUT_FILENO, P_K | N_K | S_K);
    if (c == NULL) {
        return false;
    }
    loop->by_hand = true;
    channel_by_hand(c);
    link_open(loop, &loop->control, c, PEER_PLUTOD);
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        core_connect(loop->core, (enum core_peer)peer, channel_out(c));
    }
    return true;
}

int loop_run(struct loop *loop)
{
    ev_run(loop->ev, 0);
    if (loop->by_hand) {
        hand_turn(loop);
        if (hand_finish(loop->core, loop->control.channel)) {
            loop->status = 1;
        }
    }
    return loop->status;
}
