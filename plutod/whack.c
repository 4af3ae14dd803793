#include "supervisor.h"

#include "channel.h"
#include "log.h"
#include "requests.h"
#include "status.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#define CLIENTS_MAX 64
#define WAITING_MAX 48      /* of them with a request that goes on: the others' places are for short ones */
#define INPUT_MAX ((size_t)4 * RECORD_MAX)
#define INPUT_HIGH ((size_t)2 * RECORD_MAX) /* beyond, no more is read until some of it is done */
#define AHEAD_MAX 64        /* of what goes on, when another definition begins */
#define REPLY_MAX ((size_t)64 << 20)
#define REPLY_ENOUGH 65536  /* unsent bytes: no more of a status is said before some are taken */
#define REPLY_HIGH ((size_t)1 << 20)        /* beyond, nothing more is done until some of it is taken */
#define INPUT_TIME 20.      /* seconds for its hello, and for the rest of a record, to arrive */
#define PAUSE_TIME 600.     /* seconds between two records */
#define OUTPUT_TIME 60.     /* seconds without its taking anything */

struct client {
    struct supervisor *s;
    uint64_t id;
    int fd;
    struct buffer input;
    struct buffer reply;
    unsigned holds;         /* what goes on because of its requests */
    bool changes;           /* that is of definitions only: more of them may begin */
    unsigned records;       /* that were begun with */
    bool greeted;           /* its hello came */
    bool busy;              /* a request was begun, and its end not told */
    bool eof;               /* it will send no more */
    bool closing;           /* no more of its requests are done */
    bool shutdown;          /* its request is finished when plutod is gone */
    bool more;              /* of a status is to be said, as soon as there is room */
    bool over;              /* all is done; that was said */
    bool gone;
    ev_io in;
    ev_io out;
    ev_timer idle;
    struct client *prev, *next;
};

static struct client *find(struct supervisor *s, uint64_t id)
{
    struct client *c;
    DL_FOREACH(s->whack.clients, c) {
        if (c->id == id) {
            return c;
        }
    }
    return NULL;
}

void whack_say(struct supervisor *s, uint64_t client, const char *line)
{
    struct client *c = find(s, client);
    if (c != NULL && !c->gone && !c->over) {
        log_escape(&c->reply, line, strlen(line));
        buffer_add_text(&c->reply, "\n");
    }
}

void whack_json(struct supervisor *s, uint64_t client, const char *text)
{
    struct client *c = find(s, client);
    if (c != NULL && !c->gone && !c->over) {
        buffer_add_text(&c->reply, WHACK_JSON);
        buffer_add_text(&c->reply, text);
        buffer_add_text(&c->reply, "\n");
    }
}

/* What it waits for is finished: without this line it knows that it was cut off. */
static void say_end(struct client *c)
{
    if (!c->over) {
        c->over = true;
        buffer_add_text(&c->reply, WHACK_END "\n");
    }
}

void whack_hold(struct supervisor *s, uint64_t client)
{
    struct client *c = find(s, client);
    if (c != NULL) {
        c->holds++;
    }
}

void whack_release(struct supervisor *s, uint64_t client)
{
    struct client *c = find(s, client);
    if (c != NULL && c->holds > 0) {
        c->holds--;
    }
}

/* ---- requests ---- */

/* verb and field: "" where they are not known. */
static void refuse_field(struct client *c, const char *verb, const char *field, const char *why)
{
    char where[80];
    snprintf(where, sizeof where, "record %u%s%s%s%s", c->records, verb[0] == '\0' ? "" : ", ", verb,
             field[0] == '\0' ? "" : ", field ", field);
    keying_say(&c->s->keying, c->id, 30, "bad message to plutod: %s: %s; records(5) says what is "
               "right, and the whack that was installed with plutod writes it so", where, why);
    lines_print(&c->s->lines, LOG_LEVEL_SERIOUS, "control socket: bad message: %s: %s", where, why);
    c->closing = true;
}

static void refuse(struct client *c, const char *verb, const char *why)
{
    refuse_field(c, verb, "", why);
}

static void take_hello(struct client *c, const struct record *r)
{
    if (c->greeted) {
        refuse(c, "hello", "came twice");
        return;
    }
    c->greeted = true;
    if (record_number(r, K_VERSION) != RECORDS_VERSION) {
        keying_say(&c->s->keying, c->id, 1, "this whack speaks version %u of the records, plutod "
                   "speaks %u: use the whack that was installed with it",
                   (unsigned)record_number(r, K_VERSION), RECORDS_VERSION);
        c->closing = true;
    }
}

/* Has whack itself gone? That it sends no more is another matter: it does so when it has asked. */
static bool hung_up(const struct client *c)
{
    struct pollfd p = { .fd = c->fd };
    return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

/* Those that have gone free their places at the end of the turn. How many of the others wait? */
static unsigned count_waiting(struct supervisor *s)
{
    unsigned waiting = 0;
    struct client *c;
    DL_FOREACH(s->whack.clients, c) {
        c->gone = c->gone || hung_up(c);
        waiting += !c->gone && c->holds > 0 ? 1 : 0;
    }
    return waiting;
}

static void take_initiate(struct client *c, const struct record *r)
{
    struct supervisor *s = c->s;
    if (!record_yes(r, K_ASYNCHRONOUS) && count_waiting(s) >= WAITING_MAX) {
        keying_say(&s->keying, c->id, 32, "\"%s\": not initiated: %d whacks wait for negotiations "
                   "already; wait until one has ended, or use --asynchronous",
                   record_text(r, K_NAME), WAITING_MAX);
        return;
    }
    (void)request_take(&s->keying, c->id, r);
}

static void take_record(struct client *c, const struct record *r)
{
    struct supervisor *s = c->s;
    switch (r->verb) {
    case V_HELLO:
        take_hello(c, r);
        break;
    case V_WHACK_LISTEN:
        supervisor_listen(s, c->id);
        break;
    case V_WHACK_UNLISTEN:
        supervisor_unlisten(s, c->id);
        break;
    case V_WHACK_SHUTDOWN:
        c->holds++; /* until plutod is gone */
        c->shutdown = true;
        keying_say(&s->keying, c->id, 2, "shutting down");
        supervisor_stop(s, record_yes(r, K_LEAVE_STATE));
        break;
    case V_WHACK_INITIATE:
        take_initiate(c, r);
        break;
    default:
        if (!request_take(&s->keying, c->id, r)) {
            refuse(c, schema_verb(r->verb)->name, "is no request");
        }
    }
}

/* What is said from now on is of the next request. */
static void say_done(struct client *c)
{
    if (c->busy) {
        c->busy = false;
        buffer_add_text(&c->reply, WHACK_DONE "\n");
    }
}

static void tell_done(struct client *c)
{
    if (c->holds == 0) {
        say_done(c);
    }
}

/*
 * Is the next request one that need not wait until what goes on has ended? What kernel-sa has to take away
 * for a connection that is deleted, it does in the order in which it is told, and nobody is told of it: so
 * thousands are deleted without waiting for each.
 */
static bool may_begin(const struct client *c, const uint8_t *line, size_t len)
{
    static const enum verb definitions[] = { V_WHACK_CONNECTION, V_WHACK_DELETE };
    if (c->holds == 0 || !c->changes || c->holds >= AHEAD_MAX) {
        return c->holds == 0;
    }
    for (size_t i = 0; i < sizeof definitions / sizeof definitions[0]; i++) {
        const char *name = schema_verb(definitions[i])->name;
        size_t name_len = strlen(name);
        if (len > name_len && memcmp(line, name, name_len) == 0 && line[name_len] == ' ') {
            return true;
        }
    }
    return false;
}

static void take_line(struct client *c, char *line, size_t len)
{
    struct record r;
    enum key field;
    c->records++;
    const char *why = record_parse(&r, line, len, W_P, &field);
    if (why != NULL) {
        refuse_field(c, r.verb == V_NONE ? "" : schema_verb(r.verb)->name,
                     field == K_END ? "" : schema_key(field)->name, why);
    } else if (!c->greeted && r.verb != V_HELLO) {
        refuse(c, schema_verb(r.verb)->name, "came before hello");
    } else {
        c->busy = r.verb != V_HELLO;
        c->changes = r.verb == V_WHACK_CONNECTION || r.verb == V_WHACK_DELETE;
        take_record(c, &r);
        tell_done(c);
    }
}

/*
 * Does its requests, as long as none of them goes on. Was there one? What a whack that has gone
 * wanted is not begun: that may be long ago.
 */
static bool go_on(struct client *c)
{
    size_t at = 0;
    tell_done(c);
    while (!c->closing && at < c->input.len && c->reply.len < REPLY_HIGH) {
        uint8_t *line = c->input.data + at;
        uint8_t *end = memchr(line, '\n', c->input.len - at);
        if (end == NULL || !may_begin(c, line, (size_t)(end - line))) {
            break;
        }
        say_done(c);
        if (hung_up(c)) {
            c->gone = true;
            break;
        }
        take_line(c, (char *)line, (size_t)(end - line));
        at += (size_t)(end - line) + 1;
    }
    buffer_consume(&c->input, at);
    return at > 0;
}

/* What is wrong with all that is there, once nothing of it can be done. */
static void check_rest(struct client *c)
{
    if (c->holds > 0 || c->closing || c->input.len == 0
        || memchr(c->input.data, '\n', c->input.len) != NULL) {
        return;
    }
    if (c->eof || c->input.len >= RECORD_MAX) {
        c->records++;
        refuse(c, "", c->eof ? "it ends within a record" : "a record without end");
    }
}

/*
 * Some of the status that it is being shown: in a turn no more than what it is sent at a time. Is
 * that finished, so that other requests can go on?
 */
static bool say_more(struct client *c)
{
    unsigned holds = c->holds;
    c->more = holds > 0;
    while (c->more && c->reply.len < REPLY_ENOUGH) {
        c->more = status_more(&c->s->keying, c->id) == STATUS_SAID;
    }
    return c->holds < holds;
}

/* ---- input and output ---- */

/* How long may it take until more comes? */
static void set_patience(struct client *c)
{
    struct ev_loop *loop = c->s->loop;
    ev_timer_stop(loop, &c->idle);
    if (!c->eof && !c->closing && ev_is_active(&c->in)) {
        ev_timer_set(&c->idle, c->greeted && c->input.len == 0 ? PAUSE_TIME : INPUT_TIME, 0.);
        ev_timer_start(loop, &c->idle);
    }
}

/* Bytes that cannot be done soon stay with the kernel, and whack waits. */
static void hold_input(struct client *c)
{
    struct ev_loop *loop = c->s->loop;
    bool wanted = !c->eof && !c->closing && c->input.len < INPUT_HIGH;
    if (wanted == (ev_is_active(&c->in) != 0)) {
        return;
    }
    if (wanted) {
        ev_io_start(loop, &c->in);
    } else {
        ev_io_stop(loop, &c->in);
    }
    if (c->reply.len == 0) {
        set_patience(c);
    }
}

static void on_in(struct ev_loop *loop, ev_io *w, int events)
{
    struct client *c = w->data;
    char bytes[16384];
    (void)loop;
    (void)events;
    ssize_t n = read(c->fd, bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        c->eof = true;
        c->gone = n < 0;
    } else {
        buffer_add(&c->input, bytes, (size_t)n);
        if (c->input.overflowed) {
            c->records++;
            refuse(c, "", "no memory for it");
        }
    }
    if (c->reply.len == 0) {
        set_patience(c);
    }
}

static void on_out(struct ev_loop *loop, ev_io *w, int events)
{
    (void)loop;
    (void)w;
    (void)events; /* the turn's end writes */
}

static void on_idle(struct ev_loop *loop, ev_timer *w, int events)
{
    struct client *c = w->data;
    (void)loop;
    (void)events;
    if (c->reply.len > 0) {
        c->gone = true; /* it does not read */
    } else if (c->holds > 0) {
        set_patience(c); /* it waits for us */
    } else {
        c->records++;
        refuse(c, "", c->greeted && c->input.len == 0 ? "nothing came for 600 s"
                                                      : "it did not come within 20 s");
    }
}

static void write_out(struct client *c)
{
    struct ev_loop *loop = c->s->loop;
    size_t sent = 0;
    while (sent < c->reply.len && !c->gone) {
        ssize_t n = send(c->fd, c->reply.data + sent, c->reply.len - sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            sent += (size_t)n;
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            c->gone = true;
        }
    }
    if (sent > 0) {
        buffer_consume(&c->reply, sent);
    }
    if (c->reply.len == 0 && !c->more) {
        if (ev_is_active(&c->out)) {
            ev_io_stop(loop, &c->out);
            set_patience(c); /* until now, its reading was waited for */
        }
    } else if (!ev_is_active(&c->out) || sent > 0) {
        ev_io_start(loop, &c->out);
        ev_timer_stop(loop, &c->idle);
        ev_timer_set(&c->idle, OUTPUT_TIME, 0.);
        ev_timer_start(loop, &c->idle);
    }
}

static void end(struct client *c)
{
    struct supervisor *s = c->s;
    ev_io_stop(s->loop, &c->in);
    ev_io_stop(s->loop, &c->out);
    ev_timer_stop(s->loop, &c->idle);
    status_forget(&s->keying, c->id);
    DL_DELETE(s->whack.clients, c);
    s->whack.count--;
    ev_io_start(s->loop, &s->whack.accept);
    close(c->fd);
    buffer_wipe(&c->input);
    buffer_wipe(&c->reply);
    free(c);
}

bool whack_turn(struct supervisor *s)
{
    struct client *c;
    struct client *next;
    bool moved = false;
    DL_FOREACH_SAFE(s->whack.clients, c, next) {
        bool full = c->reply.len >= REPLY_HIGH;
        moved = go_on(c) || moved;
        moved = say_more(c) || moved;
        check_rest(c);
        hold_input(c);
        tell_done(c);
        if (c->holds == 0 && (c->closing || (c->eof && c->input.len == 0))) {
            say_end(c);
        }
        write_out(c);
        moved = moved || (full && c->reply.len < REPLY_HIGH); /* more can be done */
        if (c->gone || (c->over && c->reply.len == 0)) {
            end(c);
        }
    }
    return moved;
}

/* ---- clients come ---- */

static bool is_superuser(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == 0;
}

static void on_accept(struct ev_loop *loop, ev_io *w, int events)
{
    struct supervisor *s = w->data;
    (void)events;
    int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct client *c = fd < 0 || !is_superuser(fd) ? NULL : calloc(1, sizeof *c);
    if (c == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    c->s = s;
    c->id = ++s->whack.next_id;
    c->fd = fd;
    buffer_init(&c->input, INPUT_MAX);
    buffer_init(&c->reply, REPLY_MAX);
    ev_io_init(&c->in, on_in, fd, EV_READ);
    ev_io_init(&c->out, on_out, fd, EV_WRITE);
    ev_timer_init(&c->idle, on_idle, INPUT_TIME, 0.);
    c->in.data = c->out.data = c->idle.data = c;
    ev_io_start(loop, &c->in);
    ev_timer_start(loop, &c->idle);
    DL_APPEND(s->whack.clients, c);
    s->whack.count++;
    if (s->whack.count == CLIENTS_MAX) {
        (void)count_waiting(s);
        ev_io_stop(loop, w); /* the others wait in the kernel's queue */
    }
}

void whack_init(struct supervisor *s, int fd)
{
    ev_io_init(&s->whack.accept, on_accept, fd, EV_READ);
    s->whack.accept.data = s;
    ev_io_start(s->loop, &s->whack.accept);
}

void whack_free(struct supervisor *s)
{
    struct client *c;
    struct client *next;
    DL_FOREACH_SAFE(s->whack.clients, c, next) {
        if (c->shutdown && c->input.len == 0) {
            say_end(c);
        }
        write_out(c);
        end(c);
    }
    ev_io_stop(s->loop, &s->whack.accept);
}
