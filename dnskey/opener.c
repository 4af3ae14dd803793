#include "opener.h"

#include "files.h"

#include "lib/descriptors.h"
#include "lib/sandbox.h"
#include "lib/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/unistd.h>

enum state { STATE_SAME, STATE_SENT, STATE_MISSING, STATE_ERROR };

/* What it says, as one message; with it come the descriptors of the files that are sent, in their order. */
struct message {
    uint8_t state[OPENER_FILES];
    uint8_t error[OPENER_FILES]; /* of STATE_ERROR: an errno; those of open(2) are below 256 */
};

/* ---- the opener itself ---- */

struct seen {
    enum state state; /* of what was said last; STATE_SAME: nothing yet */
    int error;
    struct stat file;
};

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size
           && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec
           && a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Opens it, as far as it is a file. -1: *error says why not. */
static int open_file(const char *path, struct stat *st, int *error)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    *error = fd < 0 ? errno : 0;
    if (fd >= 0 && (fstat(fd, st) != 0 || !S_ISREG(st->st_mode))) {
        *error = EINVAL;
        close(fd);
        fd = -1;
    }
    return fd;
}

/* What is to be said of this file now. Returns the descriptor to send with it, or -1. */
static int look_at(const char *path, struct seen *seen, enum state *say)
{
    struct stat st;
    int error = 0;
    int fd = open_file(path, &st, &error);
    enum state now = fd >= 0 ? STATE_SENT : error == ENOENT || error == ENOTDIR ? STATE_MISSING : STATE_ERROR;
    bool same = now == seen->state && error == seen->error && (fd < 0 || is_same(&st, &seen->file));
    *say = same ? STATE_SAME : now;
    seen->state = now;
    seen->error = error;
    if (fd >= 0) {
        seen->file = st;
    }
    if (same && fd >= 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool send_message(int to, const struct message *m, const int *fds, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(OPENER_FILES * sizeof(int))];
    } control;
    struct message copy = *m;
    struct iovec bytes = { .iov_base = &copy, .iov_len = sizeof copy };
    struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *h = CMSG_FIRSTHDR(&message);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(h), fds, count * sizeof(int));
    }
    return sendmsg(to, &message, MSG_NOSIGNAL) == (ssize_t)sizeof copy;
}

static bool look(int to, struct seen seen[OPENER_FILES])
{
    static const char *const paths[OPENER_FILES] = { RESOLV_CONF, HOSTS };
    struct message m = { .state = { 0 } };
    int fds[OPENER_FILES];
    size_t count = 0;
    for (unsigned i = 0; i < OPENER_FILES; i++) {
        enum state say = STATE_SAME;
        const int fd = look_at(paths[i], &seen[i], &say);
        m.state[i] = (uint8_t)say;
        m.error[i] = (uint8_t)seen[i].error;
        if (fd >= 0) {
            fds[count++] = fd;
        }
    }
    const bool sent = send_message(to, &m, fds, count);
    for (size_t i = 0; i < count; i++) {
        close(fds[i]);
    }
    return sent;
}

static int serve(int fd)
{
    struct seen seen[OPENER_FILES] = { { .state = STATE_SAME } };
    char byte;
    for (;;) {
        struct iovec bytes = { .iov_base = &byte, .iov_len = sizeof byte };
        struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
        const ssize_t n = recvmsg(fd, &message, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 ? 0 : EXIT_SYSTEM;
        }
        if (!look(fd, seen)) {
            return 0; /* the other one is gone */
        }
    }
}

static _Noreturn void become(int fd, bool by_hand)
{
    const struct sandbox rights = { .tool = SANDBOX_OPENER, .by_hand = by_hand };
    const char *note = NULL;
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    /* Whoever waits for the end of dnskey's input, output or channel is not to wait for ours. */
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0
        || (fd != 3 && dup2(fd, 3) != 3)) {
        _exit(EXIT_SYSTEM);
    }
    closefrom(4);
    const char *why = sandbox_enter(&rights, &note);
    if (why != NULL) {
        (void)fprintf(stderr, "dnskey: the opener of files: %s: %s\n", why, strerror(errno));
        _exit(EXIT_SYSTEM);
    }
    _exit(serve(3));
}

int opener_begin(bool by_hand)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return -1;
    }
    const pid_t pid = fork();
    if (pid == 0) {
        become(pair[1], by_hand);
    }
    const int error = errno;
    close(pair[1]);
    if (pid < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) {
        close(pair[0]);
        errno = error;
        return -1;
    }
    return pair[0];
}

/* ---- the other one ---- */

bool opener_ask(int fd)
{
    return send(fd, "?", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

/* Reads it all. False: no memory, or an error: errno. */
static bool read_file(int fd, struct opener_text *text)
{
    size_t room = 4096;
    char *bytes = malloc(room);
    size_t len = 0;
    while (bytes != NULL) {
        const ssize_t n = read(fd, bytes + len, room - len);
        if (n == 0) {
            break;
        }
        if (n < 0) {
            free(bytes);
            return false;
        }
        len += (size_t)n;
        if (len < room) {
            continue;
        }
        if (room == OPENER_TEXT_MAX) {
            text->cut = true;
            break;
        }
        room = room * 2 < OPENER_TEXT_MAX ? room * 2 : OPENER_TEXT_MAX;
        char *more = realloc(bytes, room);
        if (more == NULL) {
            free(bytes);
        }
        bytes = more;
    }
    text->bytes = bytes;
    text->len = len;
    return bytes != NULL;
}

static void take(const struct message *m, const struct descriptors *d, struct opener_text files[OPENER_FILES])
{
    size_t next = 0;
    for (unsigned i = 0; i < OPENER_FILES; i++) {
        files[i] = (struct opener_text){ .changed = m->state[i] != STATE_SAME };
        if (m->state[i] == STATE_ERROR) {
            files[i].error = m->error[i];
        } else if (m->state[i] == STATE_SENT && next < d->count) {
            files[i].error = read_file(d->fd[next], &files[i]) ? 0 : errno;
            next++;
        }
    }
    for (size_t i = 0; i < d->count; i++) {
        close(d->fd[i]);
    }
}

int opener_hear(int fd, struct opener_text files[OPENER_FILES])
{
    struct message m;
    struct descriptors d;
    const ssize_t n = descriptors_receive(fd, &m, sizeof m, &d);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    if (n != (ssize_t)sizeof m) {
        for (size_t i = 0; n > 0 && i < d.count; i++) {
            close(d.fd[i]);
        }
        return -1;
    }
    take(&m, &d, files);
    return 1;
}
