#include "channel_pair.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

bool pair_handle(void *context, struct channel *c, const struct record *r, int fd)
{
    struct seen *s = context;
    size_t len = strlen(s->text);
    if (len < sizeof s->text - 80) {
        (void)snprintf(s->text + len, sizeof s->text - len, "%s%s", schema_verb(r->verb)->name,
                       fd >= 0 ? "+fd " : " ");
    }
    s->count++;
    if (fd >= 0 && s->fd_count < 8) {
        s->fds[s->fd_count++] = fd;
    } else if (fd >= 0) {
        close(fd);
    }
    if (r->verb == s->pause && s->pause != V_NONE) {
        channel_pause(c);
    }
    if (r->verb == s->refuse) {
        channel_blame(c, "not now");
        return false;
    }
    return true;
}

void pair_init(struct pair *p, unsigned from)
{
    int fd[2];
    memset(p, 0, sizeof *p);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    p->c = channel_new(fd[0], fd[0], from);
    assert_non_null(p->c);
    p->peer = fd[1];
}

void pair_end(struct pair *p)
{
    channel_free(p->c);
    if (p->peer >= 0) {
        close(p->peer);
    }
}

void pair_send(const struct pair *p, const char *text)
{
    assert_int_equal(send(p->peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void pair_send_fds(const struct pair *p, const char *text, unsigned count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(4 * sizeof(int))];
    } control;
    struct iovec bytes = { .iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text) };
    struct msghdr m = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.bytes,
                        .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
    memset(&control, 0, sizeof control);
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(count * sizeof(int));
    for (unsigned i = 0; i < count; i++) {
        const int in = STDIN_FILENO;
        memcpy(CMSG_DATA(h) + i * sizeof in, &in, sizeof in);
    }
    assert_int_equal(sendmsg(p->peer, &m, MSG_NOSIGNAL), strlen(text));
}

unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++) {
        count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

enum channel_result pair_read(struct pair *p)
{
    return channel_read(p->c, pair_handle, &p->seen);
}
