#include "talk.h"

#include "answer.h"
#include "calls.h"
#include "channel.h"
#include "replies.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define OUT_HIGH 65536u     /* bytes that wait to be sent: beyond, no further call is read */
#define ASKED_MAX 1024u     /* requests that wait for their end: the same */
#define FORMS_OF_A_CALL 32u /* a call makes fewer records */
#define SILENCE 5000        /* milliseconds: a plutod that has not said hello by then is stuck */

/* Of each request that plutod has not finished: which call it is of. */
struct asked {
    unsigned line;
    bool last;              /* of its call */
    bool json;              /* its call asks for that: all else goes to stderr */
};

struct talk {
    const struct request *r;
    int argc;
    char *const *argv;
    int fd;
    struct sockaddr_un to;
    struct buffer out;
    size_t sent;            /* of it */
    bool all;               /* nothing is added to it any more */
    bool shut;              /* and plutod knows */
    bool send_failed;
    bool heard;             /* plutod has said something */
    bool warned;
    struct calls calls;
    struct asked asked[ASKED_MAX]; /* a ring */
    unsigned first;
    unsigned count;
    struct replies replies;
    int refused;            /* exit status of the calls that did not come to plutod; 0: none */
};

int talk_trouble(const struct request *r, const char *what)
{
    if (r->label != NULL) {
        fprintf(stderr, "%s: ", r->label);
    }
    fprintf(stderr, "whack: %s\n", what);
    return WHACK_TROUBLE;
}

int talk_no_address(const struct request *r, const char *why)
{
    printf("%03d %s%s%s; nothing was sent to plutod\n", REPLY_NO_PEER,
           r->label == NULL ? "" : r->label, r->label == NULL ? "" : ": ", why);
    return REPLY_NO_PEER;
}

static int trouble_errno(const struct request *r, const char *what, const char *path,
                         const char *hint)
{
    char text[600];
    snprintf(text, sizeof text, "%s %.300s: %s%s", what, path, strerror(errno), hint);
    return talk_trouble(r, text);
}

const char *talk_resolve(void *context, const char *option, const char *name, unsigned family,
                         struct address *a)
{
    const struct addrinfo hints = { .ai_family = family == 6 ? AF_INET6 : AF_INET,
                                    .ai_socktype = SOCK_DGRAM };
    struct addrinfo *found = NULL;
    uint16_t port = 0;
    int result = getaddrinfo(name, NULL, &hints, &found);

    if (result == 0 && address_from_sockaddr(a, &port, found->ai_addr)) {
        freeaddrinfo(found);
        return NULL;
    }
    if (result == 0) {
        freeaddrinfo(found);
    }
    *(bool *)context = strcmp(option, "--host") == 0;
    return family == 6 ? "the name has no IPv6 address (or the resolver does not answer)"
                       : "the name has no IPv4 address (or the resolver does not answer)";
}

/* ---- the socket ---- */

/* False: the trouble has been reported. */
static bool reach(struct talk *t)
{
    const struct request *r = t->r;
    int length = snprintf(t->to.sun_path, sizeof t->to.sun_path, "%s.ctl", r->ctlbase);
    t->to.sun_family = AF_UNIX;
    if (length < 0 || (size_t)length >= sizeof t->to.sun_path) {
        char text[300];
        snprintf(text, sizeof text, "--ctlbase %.100s...: too long, at most %zu bytes are allowed",
                 r->ctlbase, sizeof t->to.sun_path - 5);
        talk_trouble(r, text);
        return false;
    }
    t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (t->fd < 0) {
        trouble_errno(r, "no socket for", t->to.sun_path, "");
        return false;
    }
    if (connect(t->fd, (const struct sockaddr *)&t->to, sizeof t->to) == 0
        && fcntl(t->fd, F_SETFL, O_NONBLOCK) == 0) {
        return true;
    }
    trouble_errno(r, "cannot reach plutod at", t->to.sun_path,
                  errno == EACCES || errno == EPERM ? " (only the superuser may)"
                  : errno == ENOENT || errno == ECONNREFUSED
                  ? " (is plutod running, and with this --ctlbase?)" : "");
    return false;
}

/*
 * A plutod that closes early may have said why: what it said is read before anything is complained
 * about.
 */
static void send_more(struct talk *t)
{
    while (t->sent < t->out.len && !t->send_failed) {
        ssize_t n = send(t->fd, t->out.data + t->sent, t->out.len - t->sent, MSG_NOSIGNAL);
        if (n >= 0) {
            t->sent += (size_t)n;
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            t->send_failed = true;
        }
    }
    buffer_consume(&t->out, t->sent);
    t->sent = 0;
    if ((t->all && t->out.len == 0 && !t->shut) || t->send_failed) {
        t->shut = true;
        t->send_failed = shutdown(t->fd, SHUT_WR) != 0 || t->send_failed;
    }
}

/* ---- replies ---- */

static bool show(void *context, const char *line, size_t len, int code)
{
    const struct talk *t = context;
    const struct asked *asked = t->count > 0 ? &t->asked[t->first] : NULL;
    bool json = asked != NULL && asked->json;
    bool trouble = code >= 10 && (code < 100 || code >= 200) && code != REPLY_SECRET_WANTED;
    FILE *out = json && code >= 0 ? stderr : stdout;
    if (code < 0 && !json) {
        return true; /* nobody asked for it */
    }
    if (t->r->stream && trouble && asked != NULL) {
        size_t number = strspn(line, "0123456789");
        fprintf(out, "%.*s stdin:%u:1:", (int)number, line, asked->line);
        line += number;
        len -= number;
    }
    if (fwrite(line, 1, len, out) != len) {
        return false;
    }
    if (code == REPLY_SECRET_WANTED && fflush(out) == 0) {
        answer_question(t->r, &t->to, t->fd, line, len);
    }
    return true;
}

static void done(void *context)
{
    struct talk *t = context;
    if (t->count > 0) {
        if (t->asked[t->first].last) {
            replies_call_ends(&t->replies);
        }
        t->first = (t->first + 1) % ASKED_MAX;
        t->count--;
    }
}

enum heard { HEARD_MORE, HEARD_END, HEARD_TROUBLE };

static enum heard hear(struct talk *t)
{
    char bytes[8192];
    ssize_t n = read(t->fd, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return HEARD_MORE;
    }
    /* A plutod that refuses may close before it has read all of ours: that resets it. */
    if (n < 0 && errno != ECONNRESET) {
        trouble_errno(t->r, "cannot hear plutod at", t->to.sun_path, "");
        return HEARD_TROUBLE;
    }
    if (n <= 0) {
        return HEARD_END;
    }
    t->heard = true;
    enum replies_result result = replies_add(&t->replies, bytes, (size_t)n);
    if (result == REPLIES_TOO_LONG) {
        talk_trouble(t->r, "plutod sent a line without end");
        return HEARD_TROUBLE;
    }
    if (result == REPLIES_NOT_WRITTEN || fflush(stdout) != 0) {
        trouble_errno(t->r, "cannot write to", "standard output", "");
        return HEARD_TROUBLE;
    }
    return HEARD_MORE;
}

/* ---- requests ---- */

static bool add(struct talk *t, const struct request *r, unsigned line)
{
    size_t before = t->out.len;
    if (!request_records(&t->out, r)) {
        buffer_truncate(&t->out, before);
        return false;
    }
    for (size_t i = before; i < t->out.len; i++) {
        if (t->out.data[i] == '\n') {
            t->asked[(t->first + t->count++) % ASKED_MAX] =
                (struct asked){ line, i + 1 == t->out.len, r->json };
        }
    }
    return true;
}

/* Only the command line says whom to speak to, and how. */
static const char *check_call(const struct talk *t, const struct request *r)
{
    if (strcmp(r->ctlbase, t->r->ctlbase) != 0) {
        return "--ctlbase: stands on the command line, for all calls";
    }
    if (r->label != t->r->label && (r->label == NULL || t->r->label == NULL
                                    || strcmp(r->label, t->r->label) != 0)) {
        return "--label: stands on the command line, for all calls";
    }
    return (r->forms & (FORM_HELP | FORM_VERSION)) != 0
               ? "--help and --version: stand on the command line" : NULL;
}

static void refuse(struct talk *t, unsigned line, const char *why)
{
    char text[200];
    snprintf(text, sizeof text, "stdin:%u:1: %s", line, why);
    t->refused = talk_trouble(t->r, text);
}

static void take_call(struct talk *t, char *text, unsigned line)
{
    struct request r;
    struct request_input input = { text, line };
    char why[CONNECTION_WHY];
    bool no_address = false;

    if (!request_read(&r, t->argc, t->argv, &input, talk_resolve, &no_address, why)) {
        if (!no_address) {
            t->refused = talk_trouble(t->r, why);
        } else if (t->refused == 0 || t->refused == REPLY_NO_PEER) {
            t->refused = talk_no_address(t->r, why);
        } else {
            (void)talk_no_address(t->r, why);
        }
    } else {
        const char *wrong = check_call(t, &r);
        if (wrong != NULL) {
            refuse(t, line, wrong);
        } else if (!add(t, &r, line)) {
            refuse(t, line, "no memory for its records");
        }
    }
    request_done(&r);
}

/* Is there more to be read from standard input first? */
static bool fill(struct talk *t)
{
    while (!t->all && t->out.len < OUT_HIGH && t->count + FORMS_OF_A_CALL < ASKED_MAX) {
        char why[CALLS_WHY];
        char *text;
        unsigned line;
        switch (calls_next(&t->calls, &text, &line, why)) {
        case CALLS_ONE:
            take_call(t, text, line);
            break;
        case CALLS_WRONG:
            refuse(t, line, why);
            break;
        case CALLS_MORE:
            return true;
        case CALLS_NONE:
            t->all = true;
            break;
        }
    }
    return false;
}

static void read_calls(struct talk *t)
{
    char bytes[16384];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n > 0) {
        calls_add(&t->calls, bytes, (size_t)n);
        if (t->calls.input.lost) {
            t->refused = talk_trouble(t->r, "stdin: out of memory");
            calls_end(&t->calls);
        }
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        if (n < 0) {
            t->refused = trouble_errno(t->r, "cannot read", "stdin", "");
        }
        calls_end(&t->calls);
    }
}

/* ---- all of it ---- */

/* It may be stopped, or so busy that a person should know. What was asked for is still done when it can be. */
static void warn_of_silence(struct talk *t)
{
    char text[300];
    snprintf(text, sizeof text, "plutod has not answered for %d s: it is stopped or very busy (its process id is in "
             "%.150s.pid); still waiting", SILENCE / 1000, t->r->ctlbase);
    talk_trouble(t->r, text);
    t->warned = true;
}

/* Until plutod has closed the connection. */
static enum heard converse(struct talk *t)
{
    enum heard heard = HEARD_MORE;
    while (heard == HEARD_MORE) {
        bool more = fill(t);
        send_more(t);
        struct pollfd fds[2] = {
            { .fd = t->fd, .events = (short)(POLLIN | (t->out.len > 0 ? POLLOUT : 0)) },
            { .fd = more && !t->send_failed ? STDIN_FILENO : -1, .events = POLLIN },
        };
        bool waits = t->count > 0 && !t->heard && !t->warned; /* who has asked for nothing yet does not */
        int ready = poll(fds, 2, waits ? SILENCE : -1);
        if (ready < 0 && errno != EINTR) {
            return HEARD_END;
        }
        if (ready == 0) {
            warn_of_silence(t);
        }
        if (fds[1].revents != 0) {
            read_calls(t);
        }
        if ((fds[0].revents & ~POLLOUT) != 0) {
            heard = hear(t);
        }
    }
    return heard;
}

static int status_of(struct talk *t, enum heard heard)
{
    if (heard == HEARD_TROUBLE) {
        return WHACK_TROUBLE;
    }
    if (!replies_ended(&t->replies)) {
        return talk_trouble(t->r, "plutod went away before the request was finished; when it runs again, "
                            "whack --status shows what became of it");
    }
    int status = replies_status(&t->replies);
    if (t->refused != 0 && (t->refused == WHACK_TROUBLE || status == 0)) {
        return t->refused;
    }
    if (status == 0 && (t->send_failed || !t->all)) {
        return talk_trouble(t->r, "plutod closed the connection before all was said to it");
    }
    return status;
}

int talk(const struct request *r, int argc, char *const *argv)
{
    static struct talk t; /* too large for some stacks; used once */
    int status = WHACK_TROUBLE;

    t = (struct talk){ .r = r, .argc = argc, .argv = argv, .fd = -1, .all = !r->stream };
    calls_init(&t.calls);
    buffer_init(&t.out, CHANNEL_MAX);
    replies_init(&t.replies, show, done, &t);
    if (!request_hello(&t.out) || (!r->stream && !add(&t, r, 0))) {
        talk_trouble(r, "out of memory");
    } else if (reach(&t)) {
        status = status_of(&t, converse(&t));
    }
    if (t.fd >= 0) {
        close(t.fd);
    }
    calls_free(&t.calls);
    buffer_wipe(&t.out);
    return status;
}
