#include "daemon.h"

#include "clock.h"
#include "hub.h"
#include "names.h"
#include "passphrase.h"
#include "standard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct daemon {
    struct hub *hub;
    struct core *core; /* borrowed */
    struct store *store; /* borrowed */
    struct file_counts *counts; /* borrowed; NULL: by hand, where nothing waits */
    struct log *log;   /* borrowed */
    uint64_t worker;
    bool by_hand;
    bool redact;       /* by hand: answers have nothing secret in them */
    int status;        /* by hand: what was wrong on the way */
};

static struct core_out outputs(struct daemon *d)
{
    struct buffer *plutod = hub_out(d->hub, TOOL_PLUTOD, 0);
    return (struct core_out){
        .plutod = plutod,
        .negotiator = d->by_hand ? plutod : hub_out(d->hub, TOOL_IKE_NEGOTIATE, 0),
        .kernel = d->by_hand ? plutod : hub_out(d->hub, TOOL_KERNEL_SA, 0)
    };
}

/* ---- by hand ---- */

static void ended_by_hand(struct daemon *d, struct channel *all)
{
    if (!standard_whole("secrets", all) || channel_bads(all) + secrets_bads(d->core) > 0) {
        d->status = EXIT_WRONG;
    }
    if (!standard_drain("secrets", all)) {
        d->status = EXIT_SYSTEM;
    }
}

/* What was written since it held so many bytes, which are whole lines, is left without what is secret in it. */
static void redact(struct buffer *out, size_t before)
{
    struct buffer shown;
    size_t at = before;
    const uint8_t *lf = NULL;
    buffer_init(&shown, 0);
    while (at < out->len && (lf = memchr(out->data + at, '\n', out->len - at)) != NULL) {
        const size_t len = (size_t)(lf - out->data) - at;
        record_redact(&shown, (const char *)out->data + at, len);
        buffer_add_u8(&shown, '\n');
        at += len + 1;
    }
    buffer_truncate(out, before);
    buffer_add(out, shown.data, shown.len);
    buffer_wipe(&shown);
}

/* ---- when somebody does not read ---- */

/* Somebody does not read what answers to the negotiator are about: it has to wait. */
static bool congested(const struct daemon *d)
{
    for (const struct hub_line *l = hub_lines(d->hub); l != NULL; l = l->next) {
        if (channel_half_full(l->channel)) {
            return true;
        }
    }
    return false;
}

/* Of the one that asks. */
static bool may_read(void *context, const struct hub_line *l)
{
    const struct daemon *d = context;
    return (l->tool != TOOL_IKE_NEGOTIATE && !d->by_hand) || !congested(d);
}

/*
 * `authenticated` is on its way to plutod before the negotiator hears of it: while plutod does not
 * take what is for it, the negotiator's answers wait.
 */
static bool may_write(void *context, const struct hub_line *l)
{
    const struct daemon *d = context;
    return l->tool != TOOL_IKE_NEGOTIATE || !channel_pending(hub_lines(d->hub)->channel);
}

/*
 * One turn may bring more requests than their answers have room for. What can be sent now is sent;
 * a negotiator that does not read loses answers of its own, and nobody else's. By hand whoever
 * reads the answers gets them all, and we wait for him.
 */
static void relieve(struct daemon *d)
{
    if (d->by_hand) {
        (void)channel_drain(hub_lines(d->hub)->channel); /* what is left is tried again at the end, where it is told */
    } else {
        hub_relieve(d->hub);
    }
}

/* ---- channels ---- */

static void line_closed(void *context, struct hub_line *l, enum channel_result how)
{
    struct daemon *d = context;
    (void)how;
    if (d->by_hand) {
        ended_by_hand(d, l->channel);
    }
}

static const char *take_channel(struct daemon *d, const struct record *r, int fd)
{
    unsigned tool = record_word(r, K_TOOL);
    if (tool != TOOL_KERNEL_SA && tool != TOOL_IKE_NEGOTIATE) {
        close(fd);
        return "a channel to a tool that secrets does not speak to";
    }
    struct channel *c = hub_join(d->hub, tool, 0, fd, tool == TOOL_KERNEL_SA ? K_S : N_S);
    if (c == NULL) {
        return "no memory for a channel";
    }
    channel_hello(c, TOOL_SECRETS, record_number(r, K_EPOCH), d->worker);
    if (tool == TOOL_KERNEL_SA) {
        struct core_out out = outputs(d);
        secrets_kernel_again(d->core, &out);
    } else {
        secrets_negotiator_again(d->core);
    }
    return NULL;
}

static bool take_name(struct daemon *d, struct hub_line *l, const struct record *r)
{
    const size_t waiting = host_table_waiting(store_hosts(d->store));
    if (d->counts == NULL || !names_take(d->store, d->counts, r, d->log)) {
        channel_blame(l->channel, "answers what was not asked");
        return false;
    }
    if (waiting > 0 && host_table_waiting(store_hosts(d->store)) == 0) {
        names_tell_loaded(d->store, d->counts, hub_out(d->hub, TOOL_PLUTOD, 0));
    }
    return true;
}

static bool take_record(void *context, struct hub_line *l, const struct record *r, int fd)
{
    struct daemon *d = context;

    if (r->verb == V_CHANNEL) {
        const char *why = d->by_hand ? "channel records have no place by hand"
                                     : take_channel(d, r, fd);
        if (why != NULL) {
            channel_blame(l->channel, why);
        }
        return why == NULL;
    }
    if (r->verb == V_BELL) {
        hub_bell(d->hub, fd);
        return true;
    }
    if (r->verb == V_DEBUG) {
        (void)debug_classes_parse(&d->log->classes, record_text(r, K_CLASSES));
        return true;
    }
    if (r->re == V_RESOLVE) {
        return take_name(d, l, r);
    }
    struct core_out out = outputs(d);
    if (r->verb == V_PASSPHRASE) {
        passphrase_take(d->store, r, fd, out.plutod);
        return true;
    }
    if (r->verb == V_HAND_ON) {
        passphrase_hand_on(d->store, r, l->channel);
        return true;
    }
    const size_t before = out.plutod->len;
    secrets_record(d->core, r, &out, clock_ms());
    if (d->redact) {
        redact(out.plutod, before);
    }
    if (congested(d)) {
        relieve(d);
    }
    return true;
}

/* ---- life ---- */

static struct daemon *daemon_new(struct channel *control, struct core *core, struct store *store,
                                 struct file_counts *counts, struct log *log, uint64_t worker, bool by_hand)
{
    struct daemon *d = calloc(1, sizeof *d);
    const struct hub_use use = { .record = take_record, .closed = line_closed, .may_read = may_read,
                                 .may_write = may_write, .context = d, .log = log,
                                 .by_hand = by_hand };
    if (d == NULL) {
        channel_free(control);
        return NULL;
    }
    *d = (struct daemon){ .hub = hub_new(&use), .core = core, .store = store, .counts = counts, .log = log,
                          .worker = worker, .by_hand = by_hand };
    if (d->hub == NULL) {
        channel_free(control);
    }
    if (d->hub == NULL || hub_open(d->hub, TOOL_PLUTOD, 0, control) == NULL) {
        secrets_daemon_free(d);
        return NULL;
    }
    return d;
}

struct daemon *secrets_daemon_new(struct channel *control, struct core *core, struct store *store,
                                  struct file_counts *counts, struct log *log, uint64_t worker)
{
    return daemon_new(control, core, store, counts, log, worker, false);
}

struct daemon *secrets_daemon_new_by_hand(struct channel *all, struct core *core, struct store *store,
                                          struct log *log, bool redact)
{
    struct daemon *d = daemon_new(all, core, store, NULL, log, 0, true);
    if (d != NULL) {
        d->redact = redact;
    }
    return d;
}

int secrets_daemon_run(struct daemon *d)
{
    int status = hub_run(d->hub);
    return status != 0 ? status : d->status;
}

void secrets_daemon_free(struct daemon *d)
{
    if (d != NULL) {
        hub_free(d->hub);
        free(d);
    }
}
