#include "sockets.h"

#include "bounds.h"
#include "clock.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define DATAGRAMS_A_TURN 64

#define ERRORS_A_SECOND 5

static bool may_say(struct udp_socket *s)
{
    uint64_t second = clock_ms() / 1000;
    if (second != s->error_second) {
        s->error_second = second;
        s->errors = 0;
    }
    return s->errors++ < ERRORS_A_SECOND;
}

static void report_error(struct udp_socket *s, const struct log *log, const struct address *remote,
                         uint16_t port, const struct sock_extended_err *e)
{
    /* plutod says it also to the whack that waits for this peer */
    struct log_about about = { .remote = remote, .remote_port = port, .code = LOG_CODE_NETWORK };
    const struct sockaddr *offender = (const struct sockaddr *)(e + 1);
    struct address from;
    uint16_t ignored;
    char ours[ADDRESS_TEXT];
    char theirs[ADDRESS_TEXT];

    if (!may_say(s)) {
        return;
    }
    address_print(&s->local, ours);
    if (e->ee_origin == SO_EE_ORIGIN_LOCAL || !address_from_sockaddr(&from, &ignored, offender)) {
        log_about(log, LOG_LEVEL_INFO, &about, "our message could not be sent from %s: %s", ours,
                  strerror((int)e->ee_errno));
        return;
    }
    address_print(&from, theirs);
    log_about(log, LOG_LEVEL_INFO, &about,
              "ICMP error for our message from %s: %s (type %u, code %u, told by %s)", ours,
              strerror((int)e->ee_errno), e->ee_type, e->ee_code, theirs);
}

/* The errors that wait on a socket: what the network said of messages that we sent. */
static void read_errors(struct udp_socket *s, const struct log *log)
{
    for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
        union {
            struct cmsghdr align;
            uint8_t bytes[512];
        } control;
        uint8_t packet[64];
        struct sockaddr_storage to;
        struct iovec iov = { packet, sizeof packet };
        struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &iov,
                            .msg_iovlen = 1, .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes };
        struct address remote = { 0 };
        uint16_t port = 0;

        if (recvmsg(s->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
            return;
        }
        (void)address_from_sockaddr(&remote, &port, (const struct sockaddr *)&to);
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
            if ((c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR)
                || (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR)) {
                struct {
                    struct sock_extended_err e;
                    struct sockaddr_storage offender;
                } told = { 0 };
                size_t len = c->cmsg_len - CMSG_LEN(0);
                memcpy(&told, CMSG_DATA(c), len < sizeof told ? len : sizeof told);
                report_error(s, log, &remote, port, &told.e);
            }
        }
    }
}

void sockets_read(struct udp_socket *s, const struct log *log, sockets_taker *take, void *context)
{
    uint8_t bytes[MESSAGE_MAX + 1];
    for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
        struct sockaddr_storage from;
        socklen_t from_len = sizeof from;
        struct path path = { .local = s->local, .local_port = s->port };
        ssize_t n = recvfrom(s->fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from,
                             &from_len);
        if (n < 0 && errno == EAGAIN) {
            break;
        }
        if (n < 0) {
            read_errors(s, log); /* never fatal */
            continue;
        }
        if (address_from_sockaddr(&path.remote, &path.remote_port, (struct sockaddr *)&from)
            && path.remote_port != 0) {
            take(context, &path, bytes, (size_t)n);
        }
    }
}

void sockets_send(struct udp_socket *sockets, const struct log *log, const struct path *path,
                  const uint8_t *bytes, size_t len)
{
    struct sockaddr_storage to;
    struct log_about about = { .remote = &path->remote, .remote_port = path->remote_port };
    struct udp_socket *s = sockets;

    while (s != NULL && (s->port != path->local_port || !address_equal(&s->local, &path->local))) {
        s = s->next;
    }
    if (s == NULL) {
        log_about(log, LOG_LEVEL_INFO, &about, "cannot send: its interface is no longer listened on");
        return;
    }
    socklen_t to_len = address_to_sockaddr(&path->remote, path->remote_port, &to);
    if (sendto(s->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to, to_len) < 0) {
        /* A pending ICMP error is reported by the send that follows it: once more, then. */
        int error = errno;
        read_errors(s, log);
        if (sendto(s->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to, to_len)
            < 0 && may_say(s)) {
            log_about(log, LOG_LEVEL_INFO, &about, "cannot send: %s", strerror(error));
        }
    }
}
