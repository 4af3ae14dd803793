#include "descriptors.h"

#include <string.h>
#include <sys/socket.h>

static void take(struct descriptors *d, struct msghdr *message)
{
    d->cut = (message->msg_flags & MSG_CTRUNC) != 0;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h != NULL; h = CMSG_NXTHDR(message, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count && d->count < DESCRIPTORS_MAX; i++) {
            memcpy(&d->fd[d->count++], CMSG_DATA(h) + i * sizeof(int), sizeof(int));
        }
    }
}

ssize_t descriptors_receive(int socket, void *bytes, size_t size, struct descriptors *d)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
    } control;
    struct iovec room = { .iov_base = bytes, .iov_len = size };
    struct msghdr message = { .msg_iov = &room, .msg_iovlen = 1, .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes };
    *d = (struct descriptors){ .count = 0 };
    ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n > 0) {
        take(d, &message);
    }
    return n;
}
