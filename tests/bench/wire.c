#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAM 2048       /* longer than any answer of a responder's Main or Quick Mode */
#define SOCKET_BUFFER (64 << 20)

bool wire_open(struct wire *w, uint16_t port)
{
    const int on = 1;
    const int room = SOCKET_BUFFER;
    const struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(port) };
    *w = (struct wire){ .fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                        .port = port };
    if (w->fd < 0) {
        return false;
    }
    (void)setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    (void)setsockopt(w->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    if (setsockopt(w->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0
        || bind(w->fd, (const struct sockaddr *)&here, sizeof here) != 0) {
        int error = errno;
        close(w->fd);
        errno = error;
        return false;
    }
    return true;
}

void wire_close(struct wire *w)
{
    close(w->fd);
}

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

void wire_send(struct wire *w, const struct path *path, const uint8_t *bytes, size_t len)
{
    union control control = { 0 };
    struct sockaddr_storage to;
    struct in_pktinfo from = { 0 };
    struct iovec iov = { (void *)(uintptr_t)bytes, len };
    struct msghdr m = { .msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1,
                        .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };

    m.msg_namelen = address_to_sockaddr(&path->remote, path->remote_port, &to);
    memcpy(&from.ipi_spec_dst, path->local.bytes, sizeof from.ipi_spec_dst);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof from);
    memcpy(CMSG_DATA(c), &from, sizeof from);
    if (sendmsg(w->fd, &m, MSG_DONTWAIT) < 0) {
        w->refused++;
    }
}

static bool path_of(const struct wire *w, struct msghdr *m, struct path *path)
{
    struct in_pktinfo to;
    *path = (struct path){ .local_port = w->port };
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            memcpy(&to, CMSG_DATA(c), sizeof to);
            path->local.family = 4;
            memcpy(path->local.bytes, &to.ipi_addr, sizeof to.ipi_addr);
        }
    }
    return path->local.family == 4
           && address_from_sockaddr(&path->remote, &path->remote_port, m->msg_name);
}

int wire_read(struct wire *w, wire_taker *take, void *context)
{
    uint8_t bytes[WIRE_BATCH][DATAGRAM];
    struct sockaddr_storage from[WIRE_BATCH];
    _Alignas(struct cmsghdr) char control[WIRE_BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
    struct iovec iov[WIRE_BATCH];
    struct mmsghdr many[WIRE_BATCH];
    struct path path;

    for (size_t i = 0; i < WIRE_BATCH; i++) {
        iov[i] = (struct iovec){ bytes[i], DATAGRAM };
        many[i].msg_hdr = (struct msghdr){
            .msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &iov[i],
            .msg_iovlen = 1, .msg_control = control[i],
            .msg_controllen = sizeof control[i]
        };
    }
    int got = recvmmsg(w->fd, many, WIRE_BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++) {
        if (path_of(w, &many[i].msg_hdr, &path)) {
            take(context, &path, bytes[i], many[i].msg_len);
        }
    }
    return got < 0 ? 0 : got;
}
