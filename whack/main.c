/*
 * whack - tells a running plutod what to do, and shows what it answers. See whack.8.
 *
 * Plumbing only: what is asked for is read in request.c, written down in forms.c, what comes back
 * is counted in replies.c.
 */
#include "help.h"
#include "replies.h"
#include "request.h"

#include "standard.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WHACK_TROUBLE = 1, NO_PEER_ADDRESS = 29 }; /* exit status [W10] [W11] */

static int trouble(const struct request *r, const char *what)
{
    if (r->label != NULL) {
        fprintf(stderr, "%s: ", r->label);
    }
    fprintf(stderr, "whack: %s\n", what);
    return WHACK_TROUBLE;
}

static int trouble_errno(const struct request *r, const char *what, const char *path,
                         const char *hint)
{
    char text[600];
    snprintf(text, sizeof text, "%s %.300s: %s%s", what, path, strerror(errno), hint);
    return trouble(r, text);
}

/* *context (bool): a --host has no address, which has an exit status of its own [W4]. */
static const char *resolve(void *context, const char *option, const char *name, unsigned family,
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

/* *context (bool): with --json, the document alone goes to standard output. */
static bool show(void *context, bool json, const char *line, size_t len)
{
    bool wanted = *(const bool *)context;
    if (json && !wanted) {
        return true; /* nobody asked for it */
    }
    return fwrite(line, 1, len, wanted && !json ? stderr : stdout) == len;
}

/* -1: the trouble has been reported. */
static int reach(const struct request *r, struct sockaddr_un *to)
{
    int length = snprintf(to->sun_path, sizeof to->sun_path, "%s.ctl", r->ctlbase);
    to->sun_family = AF_UNIX;
    if (length < 0 || (size_t)length >= sizeof to->sun_path) {
        char text[300];
        snprintf(text, sizeof text, "--ctlbase %.100s...: too long, at most %zu bytes are allowed",
                 r->ctlbase, sizeof to->sun_path - 5);
        trouble(r, text);
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        trouble_errno(r, "no socket for", to->sun_path, "");
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) == 0) {
        return fd;
    }
    trouble_errno(r, "cannot reach plutod at", to->sun_path,
                  errno == EACCES || errno == EPERM ? " (only the superuser may)"
                  : errno == ENOENT || errno == ECONNREFUSED
                  ? " (is plutod running, and with this --ctlbase?)" : "");
    close(fd);
    return -1;
}

/* A plutod that closes early may have said why: that is read before anything is complained about. */
static bool send_all(int fd, const struct buffer *records)
{
    for (size_t done = 0; done < records->len;) {
        ssize_t n = send(fd, records->data + done, records->len - done, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return shutdown(fd, SHUT_WR) == 0;
}

static int receive(const struct request *r, int fd, const char *path, struct replies *replies)
{
    char bytes[65536];
    bool json = r->json;
    for (;;) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        /* A plutod that refuses may close before it has read all of ours: that resets it. */
        if (n < 0 && errno != ECONNRESET) {
            return trouble_errno(r, "cannot hear plutod at", path, "");
        }
        if (n <= 0) {
            break;
        }
        enum replies_result result = replies_add(replies, bytes, (size_t)n, show, &json);
        if (result == REPLIES_OK && fflush(stdout) != 0) {
            result = REPLIES_NOT_WRITTEN;
        }
        switch (result) {
        case REPLIES_OK:
            break;
        case REPLIES_TOO_LONG:
            return trouble(r, "plutod sent a line without end");
        case REPLIES_NOT_WRITTEN:
            return trouble_errno(r, "cannot write to", "standard output", "");
        }
    }
    if (!replies_ended(replies)) {
        return trouble(r, "plutod went away before the request was finished; when it runs again, "
                       "whack --status shows what became of it");
    }
    return replies_status(replies);
}

static int talk(const struct request *r)
{
    static struct replies replies; /* too large for some stacks; used once */
    struct sockaddr_un to = { 0 };
    struct buffer records;
    int status = WHACK_TROUBLE;
    int fd = -1;

    buffer_init(&records, CHANNEL_MAX);
    if (!request_records(&records, r)) {
        trouble(r, "out of memory");
        goto out;
    }
    fd = reach(r, &to);
    if (fd < 0) {
        goto out;
    }
    replies_init(&replies);
    bool sent = send_all(fd, &records);
    int send_errno = errno;
    status = receive(r, fd, to.sun_path, &replies);
    if (!sent && status == 0) {
        errno = send_errno;
        status = trouble_errno(r, "cannot tell all to plutod at", to.sun_path, "");
    }
out:
    if (fd >= 0) {
        close(fd);
    }
    buffer_wipe(&records);
    return status;
}

int main(int argc, char *argv[])
{
    const unsigned closed = standard_fill();
    struct request r;
    char why[CONNECTION_WHY];
    char name[600] = "whack";
    bool no_address = false;
    int status = 0;

    bool read = request_read(&r, argc, argv, resolve, &no_address, why);
    if (r.label != NULL) {
        snprintf(name, sizeof name, "%.500s: whack", r.label);
    }
    bool out = standard_there(name, closed, STANDARD_OUTPUT);
    if (!read) {
        if (no_address) {
            printf("%03d %s%s%s; nothing was sent to plutod\n", NO_PEER_ADDRESS,
                   r.label == NULL ? "" : r.label, r.label == NULL ? "" : ": ", why);
            status = NO_PEER_ADDRESS;
        } else {
            status = trouble(&r, why);
        }
    } else if ((r.forms & FORM_HELP) != 0) {
        help_print(stdout);
    } else if ((r.forms & FORM_VERSION) != 0) {
        printf("whack %s\n", VERSION);
    } else if (out) {
        status = talk(&r);
    }
    request_done(&r);
    return out && standard_written(name, closed) ? status : WHACK_TROUBLE;
}
