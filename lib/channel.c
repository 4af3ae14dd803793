#include "channel.h"

#include "limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * Twice the longest record, so that one read takes many. It is also what one channel_read takes
 * before it is content: more than a socket buffer holds is never waiting.
 */
#define INPUT_MAX ((size_t)2 * RECORD_MAX)
#define READ_MAX ((size_t)CHANNEL_MAX)
#define WHY_MAX 256

/* A record in the out buffer, [start, end), that goes out by its own sendmsg with a descriptor. */
struct attachment {
    size_t start;
    size_t end;
    int fd;
};

struct end {
    int fd;
    bool socket;
    int flags; /* as they were: a terminal's are shared with the shell and are put back */
};

struct channel {
    struct end in;
    struct end out;
    unsigned from;
    size_t record_max;
    bool by_hand;
    bool hello_seen;
    bool skipping; /* by hand: the rest of an over-long line */
    uint64_t epoch;
    unsigned long line; /* by hand: number of the line at hand */
    enum channel_result result;

    uint8_t *input; /* INPUT_MAX bytes */
    size_t input_len;
    int fd;         /* a descriptor that came, and waits for its record; or -1 */
    size_t fd_last; /* place in `input` of a byte of its record */

    struct buffer output;
    struct attachment *attachments;
    size_t attachment_count;
    size_t attachment_cap;

    const char *blame;
    char why[WHY_MAX];
};

/* ---- making and ending ---- */

static bool end_init(struct end *end, int fd)
{
    struct stat st;
    end->fd = fd;
    end->socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
    end->flags = fcntl(fd, F_GETFL);
    return end->flags >= 0 && fcntl(fd, F_SETFL, end->flags | O_NONBLOCK) == 0;
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
        close(c->attachments[i].fd);
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

void channel_by_hand(struct channel *c)
{
    c->by_hand = true;
}

void channel_hello(struct channel *c, unsigned tool, uint64_t epoch, uint64_t worker)
{
    struct record_writer w;
    record_start(&w, &c->output, V_HELLO);
    record_put_number(&w, K_VERSION, RECORDS_VERSION);
    record_put_number(&w, K_EPOCH, epoch);
    record_put_word(&w, K_TOOL, tool);
    record_put_number(&w, K_WORKER, worker);
    record_finish(&w);
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

const char *channel_why(const struct channel *c)
{
    return c->why;
}

void channel_blame(struct channel *c, const char *why)
{
    c->blame = why;
}

/* ---- reading ---- */

/* The other side broke the rules. By hand it is told so, and may go on; otherwise this is the end. */
static void bad(struct channel *c, const struct record *r)
{
    if (!c->by_hand) {
        c->result = CHANNEL_BAD;
        return;
    }
    struct record_writer w;
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
    } else if (fd >= 0 && !schema_verb(r.verb)->descriptor) {
        bad_record(c, &r, "%s: came with a descriptor, which it never carries", verb);
    } else if (fd < 0 && schema_verb(r.verb)->descriptor) {
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
    while (c->result == CHANNEL_OPEN) {
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
    if (c->result == CHANNEL_OPEN && rest >= c->record_max) {
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
static bool take_descriptors(struct channel *c, struct msghdr *message)
{
    unsigned refused = (message->msg_flags & MSG_CTRUNC) != 0 ? 1 : 0;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h != NULL; h = CMSG_NXTHDR(message, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
            if (c->fd >= 0) {
                close(fd);
                refused++;
                continue;
            }
            c->fd = fd;
            c->fd_last = c->input_len - 1;
        }
    }
    if (refused > 0) {
        (void)snprintf(c->why, sizeof c->why, "more descriptors came than one for each record");
        c->result = CHANNEL_BAD;
    }
    return refused == 0;
}

static ssize_t read_some(struct channel *c)
{
    struct iovec room = { .iov_base = c->input + c->input_len,
                          .iov_len = INPUT_MAX - c->input_len };
    if (!c->in.socket) {
        ssize_t n = read(c->in.fd, room.iov_base, room.iov_len);
        c->input_len += n > 0 ? (size_t)n : 0;
        return n;
    }
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(4 * sizeof(int))];
    } control;
    struct msghdr message = { .msg_iov = &room, .msg_iovlen = 1, .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes };
    ssize_t n = recvmsg(c->in.fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n > 0) {
        c->input_len += (size_t)n;
        (void)take_descriptors(c, &message);
    }
    return n;
}

static void closed(struct channel *c, int error)
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

enum channel_result channel_read(struct channel *c, channel_handler *handler, void *context)
{
    size_t total = 0;
    while (c->result == CHANNEL_OPEN && total < READ_MAX) {
        ssize_t n = read_some(c);
        if (n > 0) {
            total += (size_t)n;
            if (c->result == CHANNEL_OPEN) {
                take_input(c, handler, context);
            }
        } else if (n == 0) {
            closed(c, 0);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else if (errno != EINTR) {
            closed(c, errno);
        }
    }
    return c->result;
}

/* ---- writing ---- */

struct buffer *channel_out(struct channel *c)
{
    return &c->output;
}

void channel_attach(struct channel *c, int fd)
{
    struct buffer *b = &c->output;
    if (b->overflowed || b->len == 0 || !c->out.socket) {
        close(fd); /* the record was not written, or this is a pipe */
        return;
    }
    if (c->attachment_count == c->attachment_cap) {
        size_t cap = c->attachment_cap == 0 ? 4 : c->attachment_cap * 2;
        struct attachment *more = realloc(c->attachments, cap * sizeof *more);
        if (more == NULL) {
            close(fd); /* the other side will report the record that lacks it */
            return;
        }
        c->attachments = more;
        c->attachment_cap = cap;
    }
    const uint8_t *before = b->len < 2 ? NULL : memrchr(b->data, '\n', b->len - 1);
    c->attachments[c->attachment_count++] = (struct attachment){
        .start = before == NULL ? 0 : (size_t)(before - b->data) + 1, .end = b->len, .fd = fd
    };
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
                close(a->fd);
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
        } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            break;
        } else if (errno != EINTR) {
            closed(c, errno);
        }
    }
    forget_sent(c, sent, used);
    return c->result;
}
