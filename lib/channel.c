#include "channel_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- making and ending ---- */

/* Asked by a look at nothing, since a sandbox refuses fstat. */
static bool is_socket(int fd)
{
    struct msghdr nothing = { 0 };
    return recvmsg(fd, &nothing, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != ENOTSOCK;
}

static bool end_init(struct end *end, int fd)
{
    end->socket = is_socket(fd);
    end->flags = fcntl(fd, F_GETFL);
    if (end->flags < 0 || fcntl(fd, F_SETFL, end->flags | O_NONBLOCK) != 0) {
        return false;
    }
    end->fd = fd;
    return true;
}

static void give_back(const struct attachment *a)
{
    if (!a->lent) {
        close(a->fd);
    }
}

static void end_close(const struct end *end)
{
    if (!end->socket) {
        (void)fcntl(end->fd, F_SETFL, end->flags);
    }
    close(end->fd);
}

struct channel *channel_new(int fd_in, int fd_out, unsigned from)
{
    struct channel *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->in.fd = -1;
    c->input = malloc(INPUT_MAX);
    if (c->input == NULL || !end_init(&c->in, fd_in)) {
        goto failed;
    }
    if (fd_in == fd_out) {
        c->out = c->in;
    } else if (!end_init(&c->out, fd_out)) {
        goto failed;
    }
    const unsigned to_kernel = P_K | N_K | S_K;
    c->record_max = (from & ~to_kernel) == 0 ? RECORD_MAX_KERNEL : RECORD_MAX;
    c->from = from;
    c->fd = -1;
    c->result = CHANNEL_OPEN;
    buffer_init(&c->output, CHANNEL_MAX);
    return c;

failed:
    if (c->in.fd >= 0) {
        (void)fcntl(c->in.fd, F_SETFL, c->in.flags); /* it stays the caller's, as it was */
    }
    free(c->input);
    free(c);
    return NULL;
}

void channel_free(struct channel *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->attachment_count; i++) {
        give_back(&c->attachments[i]);
    }
    if (c->fd >= 0) {
        close(c->fd);
    }
    if (c->out.fd != c->in.fd) {
        end_close(&c->out);
    }
    end_close(&c->in);
    explicit_bzero(c->input, c->input_len);
    buffer_wipe(&c->output);
    free(c->attachments);
    free(c->input);
    free(c);
}

void channel_set_limit(struct channel *c, size_t bytes)
{
    c->output.limit = bytes;
}

void channel_by_hand(struct channel *c)
{
    c->by_hand = true;
}

/* It comes first, whatever the owner has written before (a line for the log, say). */
void channel_hello(struct channel *c, unsigned tool, uint64_t epoch, uint64_t worker)
{
    struct buffer first;
    struct record_writer w;

    c->own_epoch = epoch;
    buffer_init(&first, c->output.limit);
    record_start(&w, &first, V_HELLO);
    record_put_number(&w, K_VERSION, RECORDS_VERSION);
    record_put_number(&w, K_EPOCH, epoch);
    record_put_word(&w, K_TOOL, tool);
    record_put_number(&w, K_WORKER, worker);
    record_finish(&w);
    for (size_t i = 0; i < c->attachment_count; i++) {
        c->attachments[i].start += first.len;
        c->attachments[i].end += first.len;
    }
    buffer_add(&first, c->output.data, c->output.len);
    buffer_wipe(&c->output);
    c->output = first;
}

int channel_fd_in(const struct channel *c)
{
    return c->in.fd;
}

int channel_fd_out(const struct channel *c)
{
    return c->out.fd;
}

uint64_t channel_epoch(const struct channel *c)
{
    return c->epoch;
}

uint64_t channel_own_epoch(const struct channel *c)
{
    return c->own_epoch;
}

const char *channel_why(const struct channel *c)
{
    return c->why;
}

void channel_blame(struct channel *c, const char *why)
{
    c->blame = why;
}

void channel_closed(struct channel *c, int error)
{
    c->result = CHANNEL_CLOSED;
    if (error != 0) {
        (void)snprintf(c->why, sizeof c->why, "the channel broke: %s", strerror(error));
    } else if (c->input_len > 0) {
        (void)snprintf(c->why, sizeof c->why,
                       "the other side closed the channel within a record, after %zu bytes of it",
                       c->input_len);
    } else {
        (void)snprintf(c->why, sizeof c->why, "the other side closed the channel");
    }
}

/* ---- writing ---- */

struct buffer *channel_out(struct channel *c)
{
    return &c->output;
}

static void attach(struct channel *c, struct attachment a)
{
    const struct buffer *b = &c->output;
    if (b->overflowed || b->len == 0 || !c->out.socket) {
        give_back(&a); /* the record was not written, or this is a pipe */
        return;
    }
    if (c->attachment_count == c->attachment_cap) {
        size_t cap = c->attachment_cap == 0 ? 4 : c->attachment_cap * 2;
        struct attachment *more = realloc(c->attachments, cap * sizeof *more);
        if (more == NULL) {
            give_back(&a); /* the other side will report the record that lacks it */
            return;
        }
        c->attachments = more;
        c->attachment_cap = cap;
    }
    const uint8_t *before = b->len < 2 ? NULL : memrchr(b->data, '\n', b->len - 1);
    a.start = before == NULL ? 0 : (size_t)(before - b->data) + 1;
    a.end = b->len;
    c->attachments[c->attachment_count++] = a;
}

void channel_attach(struct channel *c, int fd)
{
    attach(c, (struct attachment){ .fd = fd });
}

void channel_lend(struct channel *c, int fd)
{
    attach(c, (struct attachment){ .fd = fd, .lent = true });
}

bool channel_pending(const struct channel *c)
{
    return c->output.len > 0;
}

bool channel_half_full(const struct channel *c)
{
    return c->output.len > CHANNEL_MAX / 2;
}

static ssize_t send_with_descriptor(const struct channel *c, size_t at, size_t len, int fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec bytes = { .iov_base = c->output.data + at, .iov_len = len };
    struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes };

    memset(&control, 0, sizeof control);
    struct cmsghdr *h = CMSG_FIRSTHDR(&message);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(h), &fd, sizeof fd);
    return sendmsg(c->out.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Sends from `at` up to what must go by itself. *used: attachments that are done with. */
static ssize_t send_some(const struct channel *c, size_t at, size_t *used)
{
    size_t end = c->output.len;
    if (*used < c->attachment_count) {
        const struct attachment *a = &c->attachments[*used];
        if (a->start == at) {
            ssize_t n = send_with_descriptor(c, at, a->end - at, a->fd);
            if (n > 0) { /* the descriptor went with the first byte */
                give_back(a);
                (*used)++;
            }
            return n;
        }
        end = a->start;
    }
    if (c->out.socket) {
        return send(c->out.fd, c->output.data + at, end - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    return write(c->out.fd, c->output.data + at, end - at);
}

static void forget_sent(struct channel *c, size_t sent, size_t used)
{
    buffer_consume(&c->output, sent);
    c->attachment_count -= used;
    for (size_t i = 0; i < c->attachment_count; i++) {
        c->attachments[i] = c->attachments[i + used];
        c->attachments[i].start -= sent;
        c->attachments[i].end -= sent;
    }
    if (c->output.len == 0 && c->output.cap > RECORD_MAX) {
        buffer_wipe(&c->output); /* a burst is over */
    }
}

enum channel_result channel_flush(struct channel *c)
{
    size_t sent = 0;
    size_t used = 0;
    while (c->result == CHANNEL_OPEN && sent < c->output.len) {
        ssize_t n = send_some(c, sent, &used);
        if (n >= 0) {
            sent += (size_t)n;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            break;
        } else if (errno != EINTR) {
            channel_closed(c, errno);
        }
    }
    forget_sent(c, sent, used);
    return c->result;
}

enum channel_result channel_state(const struct channel *c)
{
    return c->result;
}

bool channel_drain(struct channel *c)
{
    struct pollfd out = { .fd = c->out.fd, .events = POLLOUT };
    while (c->output.len > 0) {
        size_t used = 0;
        ssize_t n = send_some(c, 0, &used);
        if (n >= 0) {
            forget_sent(c, (size_t)n, used);
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            (void)poll(&out, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}
