#include "channel_private.h"

#include "descriptors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How often one channel_read fills the input before it is content: more than a socket buffer holds. */
#define READ_TURNS 16

/* The other side broke the rules. By hand it is told so, and may go on; otherwise this is the end. */
static void bad(struct channel *c, const struct record *r)
{
    if (!c->by_hand) {
        c->result = CHANNEL_BAD;
        return;
    }
    struct record_writer w;
    c->bads++;
    record_start(&w, &c->output, V_BAD);
    if (r != NULL && record_has(r, K_ID) && schema_verb(r->verb)->request) {
        record_put_number(&w, K_ID, record_number(r, K_ID));
        record_put_text(&w, K_RE, schema_verb(r->verb)->name);
    }
    record_put_text(&w, K_WHY, c->why);
    record_finish(&w);
}

/* Never quotes what came: it may hold keys. */
__attribute__((format(printf, 3, 4))) static void bad_record(struct channel *c,
                                                             const struct record *r,
                                                             const char *format, ...)
{
    char place[32] = "";
    char text[WHY_MAX - sizeof place];
    va_list args;

    if (c->by_hand) {
        (void)snprintf(place, sizeof place, "line %lu: ", c->line);
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)snprintf(c->why, sizeof c->why, "%s%s", place, text);
    bad(c, r);
}

/* Says whether the record is one for the handler. */
static bool check_hello(struct channel *c, const struct record *r)
{
    if (r->verb != V_HELLO) {
        if (!c->hello_seen && !c->by_hand) {
            bad_record(c, r, "%s: came before hello", schema_verb(r->verb)->name);
            return false;
        }
        return true;
    }
    if (record_number(r, K_VERSION) != RECORDS_VERSION) {
        bad_record(c, r, "hello: field version: theirs is %u, ours is %u; "
                   "install all tools from the same version",
                   (unsigned)record_number(r, K_VERSION), (unsigned)RECORDS_VERSION);
    } else if (c->hello_seen) {
        bad_record(c, r, "hello: came twice");
    }
    c->hello_seen = true;
    c->epoch = record_number(r, K_EPOCH);
    return false;
}

static bool carries_descriptor(const struct record *r)
{
    return schema_verb(r->verb)->descriptor || (r->verb == V_OK && schema_verb(r->re)->answer_descriptor);
}

/* Takes one line of len bytes, without its LF, and owns fd. */
static void take_line(struct channel *c, char *line, size_t len, int fd, channel_handler *handler,
                      void *context)
{
    struct record r;
    enum key field;

    c->line++;
    if (c->by_hand && (len == 0 || line[0] == '#')) {
        goto out;
    }
    const char *why = record_parse(&r, line, len, c->from, &field);
    const char *verb = r.verb == V_NONE ? "record" : schema_verb(r.verb)->name;
    if (why != NULL && field != K_END) {
        bad_record(c, &r, "%s: field %s: %s", verb, schema_key(field)->name, why);
    } else if (why != NULL) {
        bad_record(c, &r, "%s: %s", verb, why);
    } else if (fd >= 0 && !carries_descriptor(&r)) {
        bad_record(c, &r, "%s: came with a descriptor, which it never carries", verb);
    } else if (fd < 0 && carries_descriptor(&r)) {
        bad_record(c, &r, "%s: came without the descriptor that it carries", verb);
    } else if (check_hello(c, &r)) {
        c->blame = "was refused";
        bool good = handler(context, c, &r, fd);
        fd = -1;
        if (!good) {
            bad_record(c, &r, "%s: %s", verb, c->blame);
        }
    }
out:
    if (fd >= 0) {
        close(fd);
    }
}

static void too_long(struct channel *c)
{
    c->line++;
    bad_record(c, NULL, "record: longer than %zu bytes", c->record_max);
}

/* Hands out every whole line, and moves the rest to the front. */
static void take_input(struct channel *c, channel_handler *handler, void *context)
{
    size_t at = 0;
    while (c->result == CHANNEL_OPEN && !c->paused) {
        uint8_t *lf = memchr(c->input + at, '\n', c->input_len - at);
        if (lf == NULL) {
            break;
        }
        size_t len = (size_t)(lf - (c->input + at));
        int fd = -1;
        if (c->fd >= 0 && c->fd_last <= at + len) {
            fd = c->fd;
            c->fd = -1;
        }
        if (c->skipping || len >= c->record_max) {
            if (!c->skipping) {
                too_long(c);
            }
            c->skipping = false;
            if (fd >= 0) {
                close(fd);
            }
        } else {
            take_line(c, (char *)c->input + at, len, fd, handler, context);
        }
        at += len + 1;
    }
    size_t rest = c->input_len - at;
    if (c->result == CHANNEL_OPEN && !c->paused && rest >= c->record_max) {
        if (!c->skipping) {
            too_long(c);
        }
        c->skipping = true;
        at += rest;
        rest = 0;
    }
    memmove(c->input, c->input + at, rest);
    explicit_bzero(c->input + rest, at);
    c->input_len = rest;
    c->fd_last = c->fd_last > at ? c->fd_last - at : 0;
}

/*
 * Keeps the one descriptor that came with these bytes. A read ends with the bytes that a
 * descriptor was sent with (unix(7)), and the sender sends such a record by itself: so the last
 * byte that was read belongs to the descriptor's record, whatever came before it.
 */
static bool take_descriptors(struct channel *c, const struct descriptors *d)
{
    bool refused = d->cut;
    for (size_t i = 0; i < d->count; i++) {
        if (c->fd >= 0) {
            close(d->fd[i]);
            refused = true;
            continue;
        }
        c->fd = d->fd[i];
        c->fd_last = c->input_len - 1;
    }
    if (refused) {
        (void)snprintf(c->why, sizeof c->why, "more descriptors came than one for each record");
        c->result = CHANNEL_BAD;
    }
    return !refused;
}

/* *full: there was no room for more, so there may be more. */
static ssize_t read_some(struct channel *c, bool *full)
{
    uint8_t *at = c->input + c->input_len;
    const size_t room = INPUT_MAX - c->input_len;
    if (!c->in.socket) {
        ssize_t n = read(c->in.fd, at, room);
        c->input_len += n > 0 ? (size_t)n : 0;
        *full = n > 0; /* a terminal gives a line at a time */
        return n;
    }
    struct descriptors d;
    ssize_t n = descriptors_receive(c->in.fd, at, room, &d);
    if (n > 0) {
        c->input_len += (size_t)n;
        (void)take_descriptors(c, &d);
    }
    *full = n == (ssize_t)room;
    return n;
}

enum channel_result channel_fill(struct channel *c)
{
    c->drained = false;
    while (c->result == CHANNEL_OPEN && !c->at_end && c->input_len < INPUT_MAX) {
        int fd = c->fd;
        bool full = false;
        ssize_t n = read_some(c, &full);
        if (n > 0 && c->fd != fd) {
            break; /* its record is handed out before another descriptor is taken */
        }
        if (n > 0 && full) {
            continue;
        }
        if (n > 0) {
            c->drained = true; /* a read that met no descriptor ends early only where nothing is left */
            break;
        }
        if (n == 0) {
            c->at_end = true; /* what came before is handed out first */
            break;
        }
        if (errno == EAGAIN) {
            c->drained = true;
            break;
        }
        if (errno != EINTR) {
            c->at_end = true;
            c->end_error = errno;
            break;
        }
    }
    return c->result;
}

bool channel_drained(const struct channel *c)
{
    return c->drained;
}

void channel_pause(struct channel *c)
{
    c->paused = true;
}

bool channel_paused(const struct channel *c)
{
    return c->paused;
}

void channel_hold_end(struct channel *c, bool hold)
{
    c->hold_end = hold;
}

bool channel_at_end(const struct channel *c)
{
    return c->at_end;
}

unsigned channel_bads(const struct channel *c)
{
    return c->bads;
}

enum channel_result channel_dispatch(struct channel *c, channel_handler *handler, void *context)
{
    c->paused = false;
    if (c->result == CHANNEL_OPEN) {
        take_input(c, handler, context);
    }
    if (c->result == CHANNEL_OPEN && c->at_end && !c->paused && !c->hold_end) {
        channel_closed(c, c->end_error);
    }
    return c->result;
}

enum channel_result channel_read(struct channel *c, channel_handler *handler, void *context)
{
    for (size_t turns = 0; turns < READ_TURNS && c->result == CHANNEL_OPEN; turns++) {
        size_t before = c->input_len;
        (void)channel_fill(c);
        if (c->input_len == before && !c->at_end && c->result == CHANNEL_OPEN) {
            break;
        }
        bool drained = c->drained;
        (void)channel_dispatch(c, handler, context);
        if (drained || c->paused) {
            break;
        }
    }
    return c->result;
}
