#include "daemon.h"

#include "clock.h"
#include "hub.h"
#include "ike.h"
#include "bounds.h"
#include "log.h"
#include "sandbox.h"
#include "sockets.h"
#include "standard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct daemon {
    struct hub *hub;
    struct ike *ike;
    struct log log;
    struct udp_socket *sockets;
};

/* ---- what the core asks for ---- */

static struct buffer *out_kernel(void *context)
{
    struct daemon *d = context;
    return hub_out(d->hub, TOOL_KERNEL_SA, 0);
}

static struct buffer *out_worker(void *context, uint64_t worker)
{
    struct daemon *d = context;
    return hub_out(d->hub, TOOL_SECRETS, worker);
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

static enum ike_source source_of(const struct hub_line *l)
{
    return l->tool == TOOL_PLUTOD ? FROM_PLUTOD
                                  : l->tool == TOOL_KERNEL_SA ? FROM_KERNEL_SA : FROM_WORKER;
}

static void line_closed(void *context, struct hub_line *l, enum channel_result how)
{
    struct daemon *d = context;
    (void)how;
    if (l->tool != TOOL_PLUTOD) {
        ike_source_gone(d->ike, clock_ms(), source_of(l), l->worker);
    }
}

static const char *take_channel(struct daemon *d, const struct record *r, int fd)
{
    unsigned tool = record_word(r, K_TOOL);
    if (tool != TOOL_KERNEL_SA && tool != TOOL_SECRETS) {
        close(fd);
        return "a channel to a tool that ike-negotiate does not speak to";
    }
    uint64_t worker = tool == TOOL_SECRETS ? record_number(r, K_WORKER) : 0;
    struct channel *c = hub_join(d->hub, tool, worker, fd, tool == TOOL_KERNEL_SA ? K_N : S_N);
    if (c == NULL) {
        return NULL;
    }
    channel_hello(c, TOOL_IKE_NEGOTIATE, record_number(r, K_EPOCH), worker);
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
            hub_unwatch(d->hub, &s->watch);
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
    hub_watch(d->hub, &s->watch, fd);
}

/* ---- events ---- */

static bool take_record(void *context, struct hub_line *l, const struct record *r, int fd)
{
    struct daemon *d = context;
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
        why = ike_record(d->ike, clock_ms(), source_of(l), l->worker, r);
    }
    if (why != NULL) {
        channel_blame(l->channel, why);
    }
    return why == NULL;
}

static void take_datagram(void *context, const struct path *path, const uint8_t *bytes, size_t len)
{
    static const uint8_t none[COOKIE_LEN];
    struct daemon *d = context;
    /* plutod is behind: strangers wait, all else goes on. */
    if (channel_half_full(hub_lines(d->hub)->channel) && len >= 2 * COOKIE_LEN
        && memcmp(bytes + COOKIE_LEN, none, COOKIE_LEN) == 0) {
        ike_ignored(d->ike, clock_ms(), FLAW_NO_ROOM);
        return;
    }
    refill_random(d);
    ike_datagram(d->ike, clock_ms(), path, bytes, len);
}

static void work(void *context)
{
    struct daemon *d = context;
    for (struct udp_socket *s = d->sockets; s != NULL; s = s->next) {
        if (s->watch.ready) {
            s->watch.ready = false;
            sockets_read(s, &d->log, take_datagram, d);
        }
    }
    refill_random(d);
    ike_timer(d->ike, clock_ms());
}

static bool may_write(void *context, const struct hub_line *l)
{
    const struct daemon *d = context;
    return l->tool != TOOL_PLUTOD || ike_patience(d->ike) <= clock_ms();
}

static uint64_t deadline(void *context)
{
    const struct daemon *d = context;
    uint64_t patience = ike_patience(d->ike);
    uint64_t timer = ike_next_timer(d->ike);
    return patience != 0 && patience < timer ? patience : timer;
}

static void close_all(struct daemon *d)
{
    ike_free(d->ike);
    while (d->sockets != NULL) {
        close_socket(d, &d->sockets->local, d->sockets->port);
    }
    hub_free(d->hub);
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
    struct daemon d = { .log = { .tool = "ike-negotiate" } };
    const struct hub_use use = { .record = take_record, .closed = line_closed, .work = work,
                                 .may_write = may_write, .deadline = deadline,
                                 .context = &d, .log = &d.log };
    int status = EXIT_SYSTEM;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* from a terminal it is plutod's: it ends us by closing the channel */
    sandbox_no_core();
    d.hub = hub_new(&use);
    struct channel *c = d.hub == NULL ? NULL : channel_new(control_fd, control_fd, P_N);
    if (c == NULL || hub_open(d.hub, TOOL_PLUTOD, 0, c) == NULL) {
        fprintf(stderr, "ike-negotiate: cannot use descriptor %d as plutod's channel: %s\n",
                control_fd, strerror(errno));
        goto out;
    }
    d.log.records = channel_out(c);
    const struct ike_outputs outputs = { .plutod = channel_out(c), .kernel_sa = out_kernel,
                                         .worker = out_worker, .send = out_send, .context = &d };
    d.ike = ike_new(&outputs);
    channel_hello(c, TOOL_IKE_NEGOTIATE, 1, 0);
    if (d.ike != NULL && enter_sandbox(&d.log)) {
        status = hub_run(d.hub);
    }
out:
    close_all(&d);
    return status;
}
