#include "loop.h"

#include "hand.h"
#include "serve.h"

#include "lib/bounds.h"
#include "lib/clock.h"
#include "lib/hub.h"
#include "lib/standard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct loop {
    struct hub *hub;
    struct core *core;
    struct netlink *netlink;
    struct log log;
    bool by_hand;
    int status;              /* by hand: EXIT_WRONG, something came to nothing; EXIT_SYSTEM, not all was written */
    size_t told;             /* bytes of stdout's buffer that were looked through for refusals */
    struct hub_watch events;
    struct hub_watch signals; /* by hand; hand_signals */
    int signal_fd;            /* -1: none */
};

/* ---- the kernel ---- */

static void serve(struct loop *loop)
{
    serve_core(loop->core, loop->netlink, clock_ms());
}

static void on_event(void *context, const struct kernel_event *event)
{
    struct loop *loop = context;
    core_event(loop->core, event, clock_ms());
}

static void read_events(struct loop *loop)
{
    loop->events.ready = false;
    const char *lost = netlink_events(loop->netlink, on_event, loop);
    if (lost != NULL) {
        core_events_lost(loop->core, lost, clock_ms());
        serve(loop);
    }
}

/* ---- channels ---- */

static enum core_peer peer_of(const struct hub_line *l)
{
    return l->tool == TOOL_PLUTOD ? PEER_PLUTOD
                                  : l->tool == TOOL_SECRETS ? PEER_SECRETS : PEER_NEGOTIATE;
}

static size_t count_workers(const struct loop *loop)
{
    size_t n = 0;
    for (const struct hub_line *l = hub_lines(loop->hub); l != NULL; l = l->next) {
        n += l->tool == TOOL_SECRETS;
    }
    return n;
}

/* plutod hands us an end of a channel to another tool. Owns fd. NULL, or why (static). */
static const char *take_channel(struct loop *loop, const struct record *r, int fd)
{
    unsigned tool = record_word(r, K_TOOL);
    bool negotiate = tool == TOOL_IKE_NEGOTIATE;
    uint64_t worker = negotiate ? 0 : record_number(r, K_WORKER);
    if (!negotiate && tool != TOOL_SECRETS) {
        close(fd);
        return "kernel-sa has no channel to that tool";
    }
    if (!negotiate && hub_line(loop->hub, tool, worker) == NULL && count_workers(loop) == WORKERS_MAX) {
        close(fd);
        return "more secrets processes than there is room for";
    }
    struct channel *c = hub_join(loop->hub, tool, worker, fd, negotiate ? N_K : S_K);
    if (c == NULL) {
        return "no memory for a channel";
    }
    channel_hello(c, TOOL_KERNEL_SA, record_number(r, K_EPOCH), 0);
    if (negotiate) {
        core_connect(loop->core, PEER_NEGOTIATE, channel_out(c));
    } else {
        core_connect_worker(loop->core, worker, channel_out(c));
    }
    return NULL;
}

static enum core_peer peer_by_hand(const struct record *r)
{
    unsigned from = schema_verb(r->verb)->from;
    return (from & P_K) != 0 ? PEER_PLUTOD : (from & N_K) != 0 ? PEER_NEGOTIATE : PEER_SECRETS;
}

/* What is asked of us, without the keys [P9]. */
static void debug_record(const struct loop *loop, const struct record *r)
{
    struct buffer line;
    struct buffer shown;
    const struct log_about about = { .exchange = record_number(r, K_EXCHANGE), .classes = DEBUG_KERNEL };
    if (!log_wants(&loop->log, DEBUG_KERNEL)) {
        return;
    }
    buffer_init(&line, RECORD_MAX);
    buffer_init(&shown, RECORD_MAX);
    if (record_print(&line, r) && line.len > 0) {
        record_redact(&shown, (const char *)line.data, line.len - 1); /* without its newline */
        log_about(&loop->log, LOG_LEVEL_DEBUG, &about, "kernel-sa takes %.*s", (int)shown.len,
                  (const char *)shown.data);
    }
    buffer_wipe(&shown);
    buffer_wipe(&line);
}

static bool on_record(void *context, struct hub_line *l, const struct record *r, int fd)
{
    struct loop *loop = context;
    if (r->verb == V_CHANNEL) {
        const char *why = take_channel(loop, r, fd);
        if (why != NULL) {
            channel_blame(l->channel, why);
        }
        return why == NULL;
    }
    if (r->verb == V_BELL) {
        hub_bell(loop->hub, fd);
        return true;
    }
    if (r->verb == V_BAD) {
        log_serious(&loop->log, "%s", record_text(r, K_WHY));
        return true;
    }
    if (r->verb == V_DEBUG) {
        (void)debug_classes_parse(&loop->log.classes, record_text(r, K_CLASSES));
        return true;
    }
    debug_record(loop, r);
    serve_random(loop->core);
    if (peer_of(l) == PEER_SECRETS) {
        core_from_worker(loop->core, l->worker, r, clock_ms());
    } else {
        core_record(loop->core, loop->by_hand ? peer_by_hand(r) : peer_of(l), r, clock_ms());
    }
    serve(loop);
    return true;
}

static void hand_turn(struct loop *loop, struct hub_line *l)
{
    struct buffer *out = channel_out(l->channel);
    if (hand_tell_refusals(out, &loop->told)) {
        loop->status = EXIT_WRONG;
    }
    if (loop->netlink == NULL) { /* a dry run answers nobody: nothing was done */
        buffer_truncate(out, 0);
        loop->told = 0;
        (void)fflush(stdout);
    }
}

/* By hand, the end of input is no fault, unless it comes within a line. */
static void hand_ended(struct loop *loop, struct hub_line *l)
{
    if (!standard_whole("kernel-sa", l->channel)) {
        loop->status = EXIT_WRONG;
    }
    hand_turn(loop, l);
    if (hand_tell_unfinished(loop->core)) {
        loop->status = EXIT_WRONG;
    }
    /* Half a tunnel would swallow what is between its clients. */
    while (core_drop_unfinished(loop->core, clock_ms())) {
        serve(loop);
        hand_turn(loop, l);
    }
    hand_let_signals(loop->signal_fd);
    if (!standard_drain("kernel-sa", l->channel)) {
        loop->status = EXIT_SYSTEM;
    }
}

static void line_closed(void *context, struct hub_line *l, enum channel_result how)
{
    struct loop *loop = context;
    (void)how;
    if (loop->by_hand) {
        hand_ended(loop, l);
        return;
    }
    if (peer_of(l) == PEER_SECRETS) {
        core_connect_worker(loop->core, l->worker, NULL);
        return;
    }
    core_connect(loop->core, peer_of(l), NULL);
    if (peer_of(l) == PEER_NEGOTIATE) {
        core_negotiator_gone(loop->core);
    }
}

static void work(void *context)
{
    struct loop *loop = context;
    if (loop->events.ready) {
        read_events(loop);
    }
    if (core_deadline(loop->core) <= clock_ms()) {
        core_tick(loop->core, clock_ms());
    }
    serve(loop);
    if (loop->by_hand) {
        struct hub_line *l = hub_lines(loop->hub);
        if (loop->signals.ready) {
            loop->status = EXIT_WRONG;
            hand_ended(loop, l);
            hub_end(loop->hub);
            return;
        }
        hand_turn(loop, l);
        hub_relieve(loop->hub);
        loop->told = channel_out(l->channel)->len;
    }
}

static uint64_t deadline(void *context)
{
    const struct loop *loop = context;
    return core_deadline(loop->core);
}

/* ---- making, running ---- */

struct loop *loop_new(struct core *core, struct netlink *netlink)
{
    struct loop *loop = calloc(1, sizeof *loop);
    const struct hub_use use = { .record = on_record, .closed = line_closed, .work = work,
                                 .deadline = deadline, .context = loop,
                                 .log = loop == NULL ? NULL : &loop->log };
    if (loop == NULL) {
        return NULL;
    }
    loop->hub = hub_new(&use);
    if (loop->hub == NULL) {
        free(loop);
        return NULL;
    }
    loop->core = core;
    loop->netlink = netlink;
    loop->signal_fd = -1;
    loop->log.tool = "kernel-sa";
    if (netlink != NULL && netlink_event_fd(netlink) >= 0) {
        hub_watch(loop->hub, &loop->events, netlink_event_fd(netlink));
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    hub_free(loop->hub);
    if (loop->signal_fd >= 0) {
        close(loop->signal_fd);
    }
    netlink_free(loop->netlink);
    core_free(loop->core);
    free(loop);
}

bool loop_control(struct loop *loop, int fd)
{
    struct channel *c = channel_new(fd, fd, P_K);
    if (c == NULL || hub_open(loop->hub, TOOL_PLUTOD, 0, c) == NULL) {
        return false;
    }
    loop->log.records = channel_out(c);
    core_connect(loop->core, PEER_PLUTOD, channel_out(c));
    channel_hello(c, TOOL_KERNEL_SA, 1, 0);
    core_adopt(loop->core, clock_ms());
    serve(loop);
    return true;
}

bool loop_signals(struct loop *loop)
{
    loop->signal_fd = hand_signals();
    if (loop->signal_fd >= 0) {
        hub_watch(loop->hub, &loop->signals, loop->signal_fd);
    }
    return loop->signal_fd >= 0;
}

bool loop_by_hand(struct loop *loop)
{
    struct channel *c = channel_new(STDIN_FILENO, STDOUT_FILENO, P_K | N_K | S_K);
    if (c == NULL) {
        return false;
    }
    loop->by_hand = true;
    channel_by_hand(c);
    if (hub_open(loop->hub, TOOL_PLUTOD, 0, c) == NULL) {
        return false;
    }
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        core_connect(loop->core, (enum core_peer)peer, channel_out(c));
    }
    return true;
}

void loop_note(struct loop *loop, const char *text)
{
    log_info(&loop->log, "%s", text);
}

int loop_run(struct loop *loop)
{
    int status = hub_run(loop->hub);
    return status == 0 ? loop->status : status;
}
