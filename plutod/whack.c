#include "whack_inside.h"

#include "channel.h"
#include "descriptors.h"
#include "log.h"
#include "status.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#define CLIENTS_MAX 512u    /* and no more than half of the descriptors that we may have */
#define ACCEPT_MAX 32       /* new ones in a turn */
#define STATUS_TURN ((size_t)256 << 10) /* bytes of status that are said in a turn, to all together */
#define INPUT_TIME 20.      /* seconds for its hello, and for the rest of a record, to arrive */
#define PAUSE_TIME 600.     /* seconds between two records */
#define OUTPUT_TIME 60.     /* seconds without its taking anything */
#define CROWDED_LOOK 0.2    /* seconds until we look again whose place can be had */

static struct client *find(struct supervisor *s, uint64_t id)
{
    struct client *c;
    HASH_FIND(hh, s->whack.by_id, &id, sizeof id, c);
    return c;
}

/* What it has kept us waiting for is counted from when it got something to do, not from before. */
static void is_its_turn(struct client *c)
{
    c->moved = ev_now(c->s->loop);
}

/* NULL: nothing is said to it any more. */
static struct buffer *reply_to(struct supervisor *s, uint64_t client)
{
    struct client *c = find(s, client);
    if (c == NULL || c->gone || c->over) {
        return NULL;
    }
    if (c->reply.len == 0) {
        is_its_turn(c);
    }
    return &c->reply;
}

void whack_say(struct supervisor *s, uint64_t client, const char *line)
{
    struct buffer *reply = reply_to(s, client);
    if (reply != NULL) {
        log_escape(reply, line, strlen(line));
        buffer_add_text(reply, "\n");
    }
}

void whack_json(struct supervisor *s, uint64_t client, const char *text)
{
    struct buffer *reply = reply_to(s, client);
    if (reply != NULL) {
        buffer_add_text(reply, WHACK_JSON);
        buffer_add_text(reply, text);
        buffer_add_text(reply, "\n");
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
    if (c != NULL && c->holds > 0 && --c->holds == 0) {
        is_its_turn(c);
    }
}

bool whack_is_there(struct supervisor *s, uint64_t client)
{
    const struct client *c = find(s, client);
    return c != NULL && !c->gone && !client_hung_up(c);
}

/* ---- input and output ---- */

/* How long may it take until more comes? */
static void set_patience(struct client *c)
{
    struct ev_loop *loop = c->s->loop;
    ev_timer_stop(loop, &c->idle);
    c->paused = client_is_between(c);
    if (!c->eof && !c->closing && ev_is_active(&c->in)) {
        ev_timer_set(&c->idle, c->paused ? PAUSE_TIME : INPUT_TIME, 0.);
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

/* Of all descriptors that come one is kept, and only while somebody is asked for what a socket holds. */
static void keep_descriptor(struct client *c, const struct descriptors *d)
{
    for (size_t i = 0; i < d->count; i++) {
        if (c->passed < 0 && supervisor_asks(c->s)) {
            c->passed = d->fd[i];
        } else {
            close(d->fd[i]);
        }
    }
}

static void on_in(struct ev_loop *loop, ev_io *w, int events)
{
    struct client *c = w->data;
    char bytes[16384];
    (void)events;
    struct descriptors d;
    ssize_t n = descriptors_receive(c->fd, bytes, sizeof bytes, &d);
    keep_descriptor(c, &d);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        c->eof = true;
        c->gone = n < 0;
    } else {
        c->moved = ev_now(loop);
        buffer_add(&c->input, bytes, (size_t)n);
        if (c->input.overflowed) {
            c->records++;
            client_refuse(c, "", "no memory for it");
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
    } else if (client_is_between(c)) {
        client_part(c, "nothing was asked for 600 s");
    } else {
        c->records++;
        client_refuse(c, "", "it did not come within 20 s");
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
        c->moved = ev_now(loop);
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
    HASH_DEL(s->whack.by_id, c);
    s->whack.count--;
    ev_io_start(s->loop, &s->whack.accept);
    close(c->fd);
    if (c->passed >= 0) {
        close(c->passed);
    }
    buffer_wipe(&c->input);
    buffer_wipe(&c->reply);
    free(c);
}

/* Whoever was not said any more of his status comes first in the next turn. */
static void begin_with(struct supervisor *s, uint64_t id)
{
    struct client *first = find(s, id);
    while (first != NULL && s->whack.clients != first) {
        struct client *c = s->whack.clients;
        DL_DELETE(s->whack.clients, c);
        DL_APPEND(s->whack.clients, c);
    }
}

bool whack_turn(struct supervisor *s)
{
    struct client *c;
    struct client *next;
    size_t room = STATUS_TURN;
    uint64_t left_out = 0;
    bool moved = false;
    DL_FOREACH_SAFE(s->whack.clients, c, next) {
        bool full = c->reply.len >= REPLY_HIGH;
        moved = client_go_on(c) || moved;
        /* client_say_more takes of it, which cppcheck does not see. */
        /* cppcheck-suppress incorrectLogicOperator */
        left_out = left_out == 0 && room == 0 ? c->id : left_out;
        moved = client_say_more(c, &room) || moved;
        client_check_rest(c);
        hold_input(c);
        client_tell_done(c);
        if (c->holds == 0 && (c->closing || (c->eof && c->input.len == 0))) {
            say_end(c);
        }
        write_out(c);
        if (c->reply.len == 0 && !c->more && c->paused != client_is_between(c)) {
            set_patience(c); /* it was set as bytes came, before they were done */
        }
        moved = moved || (full && c->reply.len < REPLY_HIGH); /* more can be done */
        if (c->gone || (c->over && c->reply.len == 0)) {
            end(c);
        }
    }
    begin_with(s, left_out);
    return moved;
}

/* ---- clients come ---- */

static bool is_superuser(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == 0;
}

static void add(struct supervisor *s, int fd)
{
    struct client *c = is_superuser(fd) ? calloc(1, sizeof *c) : NULL;
    if (c == NULL) {
        close(fd);
        return;
    }
    c->s = s;
    c->id = ++s->whack.next_id;
    c->fd = fd;
    c->passed = -1;
    c->moved = ev_now(s->loop);
    buffer_init(&c->input, INPUT_MAX);
    buffer_init(&c->reply, REPLY_MAX);
    ev_io_init(&c->in, on_in, fd, EV_READ);
    ev_io_init(&c->out, on_out, fd, EV_WRITE);
    ev_timer_init(&c->idle, on_idle, INPUT_TIME, 0.);
    c->in.data = c->out.data = c->idle.data = c;
    ev_io_start(s->loop, &c->in);
    ev_timer_start(s->loop, &c->idle);
    DL_APPEND(s->whack.clients, c);
    HASH_ADD(hh, s->whack.by_id, id, sizeof c->id, c);
    s->whack.count++;
}

/* The others wait in the kernel's queue, until one ends or we look again. */
static void pause_accepting(struct supervisor *s)
{
    ev_io_stop(s->loop, &s->whack.accept);
    ev_timer_stop(s->loop, &s->whack.again);
    ev_timer_set(&s->whack.again, CROWDED_LOOK, 0.);
    ev_timer_start(s->loop, &s->whack.again);
}

static void accept_some(struct supervisor *s)
{
    for (int i = 0; i < ACCEPT_MAX && s->whack.count < s->whack.places; i++) {
        int fd = accept4(s->whack.accept.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            add(s, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            pause_accepting(s); /* no descriptor, or no memory: it would be tried without end */
            return;
        }
    }
    if (s->whack.count >= s->whack.places) {
        pause_accepting(s);
    }
}

static void on_accept(struct ev_loop *loop, ev_io *w, int events)
{
    (void)loop;
    (void)events;
    accept_some(w->data);
}

static void on_again(struct ev_loop *loop, ev_timer *w, int events)
{
    struct supervisor *s = w->data;
    struct pollfd waits = { .fd = s->whack.accept.fd, .events = POLLIN };
    (void)events;
    ev_io_start(loop, &s->whack.accept);
    accept_some(s);
    if (!ev_is_active(&s->whack.accept) && poll(&waits, 1, 0) == 1) {
        whack_make_room(s);
    }
}

void whack_init(struct supervisor *s, int fd)
{
    struct rlimit descriptors;
    s->whack.places = CLIENTS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_cur / 2 < CLIENTS_MAX) {
        s->whack.places = (unsigned)descriptors.rlim_cur / 2;
    }
    ev_timer_init(&s->whack.again, on_again, CROWDED_LOOK, 0.);
    ev_io_init(&s->whack.accept, on_accept, fd, EV_READ);
    s->whack.accept.data = s->whack.again.data = s;
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
    ev_timer_stop(s->loop, &s->whack.again);
}
