#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define ANSWER_MAX 32768        /* the kernel fills this much of a dump at once */
#define ANSWER_SECONDS 10       /* a module may have to be loaded */
#define EVENT_MEMORY (1 << 20)  /* EXPIREs of some thousands of SAs at once */

struct netlink {
    struct mnl_socket *requests;
    struct mnl_socket *events;
    uint32_t seq;
    uint32_t mine;                  /* in our requests' nlmsg_pid: what they did is told with it */
    _Alignas(8) uint8_t out[XFRM_MESSAGE_MAX];
    _Alignas(8) uint8_t in[ANSWER_MAX];
    struct reply reply;             /* to the request at hand */
    struct xfrm_message message;    /* the event at hand */
};

/* ---- opening ---- */

static struct mnl_socket *open_requests(void)
{
    int yes = 1;
    const struct timeval wait = { .tv_sec = ANSWER_SECONDS };
    struct mnl_socket *s = mnl_socket_open2(NETLINK_XFRM, SOCK_CLOEXEC);
    if (s == NULL) {
        return NULL;
    }
    /* Kernels before 4.12 have neither option: then there is the errno value alone. */
    (void)mnl_socket_setsockopt(s, NETLINK_EXT_ACK, &yes, sizeof yes);
    (void)mnl_socket_setsockopt(s, NETLINK_CAP_ACK, &yes, sizeof yes);
    if (setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0
        || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) != 0) {
        int saved = errno;
        (void)mnl_socket_close(s);
        errno = saved;
        return NULL;
    }
    return s;
}

static bool join(struct mnl_socket *s, unsigned group)
{
    return mnl_socket_setsockopt(s, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0;
}

#define TYPE_IS(type, hit) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(type), hit, 0)

/*
 * Our own requests are told to the groups like everybody's, each new SA with its keys. None of that is
 * to wake us, or to fill the buffer so that others' deeds are lost. Where the kernel has no filters,
 * netlink_events leaves out the same.
 */
static void leave_out_own(struct mnl_socket *s, uint32_t mine)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)), /* as network order */
        TYPE_IS(XFRM_MSG_EXPIRE, 9),
        TYPE_IS(XFRM_MSG_ACQUIRE, 8),
        TYPE_IS(XFRM_MSG_DELSA, 5),
        TYPE_IS(XFRM_MSG_FLUSHSA, 4),
        TYPE_IS(XFRM_MSG_DELPOLICY, 3),
        TYPE_IS(XFRM_MSG_UPDPOLICY, 2),
        TYPE_IS(XFRM_MSG_FLUSHPOLICY, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(mine), 1, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0)
    };
    const struct sock_fprog program = { .len = sizeof code / sizeof code[0], .filter = code };
    (void)setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static struct mnl_socket *open_events(uint32_t mine)
{
    const int memory = EVENT_MEMORY;
    struct mnl_socket *s = mnl_socket_open2(NETLINK_XFRM, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (s == NULL) {
        return NULL;
    }
    (void)setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUFFORCE, &memory, sizeof memory);
    leave_out_own(s, mine);
    if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) != 0 || !join(s, XFRMNLGRP_EXPIRE)
        || !join(s, XFRMNLGRP_ACQUIRE) || !join(s, XFRMNLGRP_SA) || !join(s, XFRMNLGRP_POLICY)) {
        int saved = errno;
        (void)mnl_socket_close(s);
        errno = saved;
        return NULL;
    }
    return s;
}

struct netlink *netlink_new(bool events)
{
    struct netlink *n = calloc(1, sizeof *n);
    if (n == NULL) {
        return NULL;
    }
    /* Random, since others may put anything there: some put their process id, which may be ours elsewhere. */
    if (getrandom(&n->mine, sizeof n->mine, 0) != sizeof n->mine) {
        netlink_free(n);
        return NULL;
    }
    n->mine |= 1u; /* never 0, which most put there */
    n->requests = open_requests();
    if (n->requests != NULL && events) {
        n->events = open_events(n->mine);
    }
    if (n->requests == NULL || (events && n->events == NULL)) {
        int saved = errno;
        netlink_free(n);
        errno = saved;
        return NULL;
    }
    return n;
}

void netlink_free(struct netlink *n)
{
    if (n == NULL) {
        return;
    }
    if (n->requests != NULL) {
        (void)mnl_socket_close(n->requests);
    }
    if (n->events != NULL) {
        (void)mnl_socket_close(n->events);
    }
    explicit_bzero(n, sizeof *n);
    free(n);
}

/* ---- receiving ---- */

/* Only what the kernel itself sent; *len 0: it came from elsewhere, and is to be ignored. */
static int receive(struct netlink *n, struct mnl_socket *s, size_t *len)
{
    struct sockaddr_nl from = { 0 };
    struct iovec room = { .iov_base = n->in, .iov_len = sizeof n->in };
    struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &room,
                        .msg_iovlen = 1 };
    ssize_t got;

    *len = 0;
    do {
        got = recvmsg(mnl_socket_get_fd(s), &m, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return errno;
    }
    if (m.msg_namelen != sizeof from || from.nl_pid != 0) {
        return 0;
    }
    if ((m.msg_flags & MSG_TRUNC) != 0) {
        return EMSGSIZE;
    }
    *len = (size_t)got;
    return 0;
}

static void wait_for_answer(struct netlink *n)
{
    for (;;) {
        size_t len;
        int error = receive(n, n->requests, &len);
        if (error != 0) {
            reply_fail(&n->reply, error == EAGAIN ? ETIMEDOUT : error, "");
            return;
        }
        if (reply_take(&n->reply, n->in, len)) {
            return;
        }
    }
}

/* What lies in n->out, `len` bytes with the number n->seq. The result is then in n->reply. */
static void send_and_wait(struct netlink *n, size_t len, bool dump)
{
    memcpy(n->out + offsetof(struct nlmsghdr, nlmsg_pid), &n->mine, sizeof n->mine);
    reply_start(&n->reply, n->seq, dump);
    if (len == 0) {
        reply_fail(&n->reply, EMSGSIZE, "the request does not fit its message");
    } else if (mnl_socket_sendto(n->requests, n->out, len) < 0) {
        reply_fail(&n->reply, errno, "");
    } else {
        wait_for_answer(n);
    }
    /* Keys went out with the request, and come back with GETSA and with its dump. */
    explicit_bzero(n->out, sizeof n->out);
    explicit_bzero(n->in, sizeof n->in);
}

/* Reads the SA and writes it back with another life. */
static void update(struct netlink *n, const struct kernel_sa *sa)
{
    const struct kernel_sa *was = &n->reply.result.sa;
    struct timespec now = { 0 };
    if (n->reply.result.error != 0) {
        return;
    }
    if (!n->reply.result.found || was->maker != sa->maker || was->exchange != sa->exchange) {
        reply_fail(&n->reply, ESRCH, "an SA of another exchange or program is in its place");
        return;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    size_t len = xfrm_build_update(n->out, sizeof n->out, n->reply.kept, n->reply.kept_len, sa,
                                   (uint64_t)now.tv_sec, ++n->seq);
    send_and_wait(n, len, false);
}

static void dump(struct netlink *n, bool policies)
{
    do {
        send_and_wait(n, xfrm_build_dump(n->out, sizeof n->out, policies, ++n->seq), true);
    } while (reply_again(&n->reply));
}

static void list(struct netlink *n, netlink_visitor *visit, void *context)
{
    dump(n, false);
    if (n->reply.result.error == 0) {
        dump(n, true);
    }
    for (size_t i = 0; n->reply.result.error == 0 && i < n->reply.count; i++) {
        visit(context, &n->reply.found[i]);
    }
}

void netlink_do(struct netlink *n, const struct kernel_request *request,
                struct kernel_result *result, netlink_visitor *visit, void *context)
{
    if (request->verb == KERNEL_LIST) {
        list(n, visit, context);
    } else {
        send_and_wait(n, xfrm_build(n->out, sizeof n->out, request, ++n->seq), false);
        if (request->verb == KERNEL_UPDATE_SA) {
            update(n, &request->sa);
        }
    }
    *result = n->reply.result;
    reply_wipe(&n->reply);
}

/* ---- events ---- */

int netlink_event_fd(const struct netlink *n)
{
    return n->events == NULL ? -1 : mnl_socket_get_fd(n->events);
}

const char *netlink_events(struct netlink *n, netlink_event_handler *handler, void *context)
{
    const char *lost = NULL;
    for (;;) {
        size_t len;
        int error = receive(n, n->events, &len);
        if (error == EAGAIN) {
            break;
        }
        if (error == ENOBUFS || error == EMSGSIZE) {
            lost = "the kernel had more events than its buffer holds";
            continue;
        }
        if (error != 0) {
            lost = "reading events from the kernel failed";
            break;
        }
        for (size_t at = 0, used = 0; at < len; at += used) {
            const char *why = xfrm_read(&n->message, n->in + at, len - at, &used);
            if (why != NULL) {
                lost = why;
            } else if (n->message.kind == XFRM_IS_EVENT && n->message.port != n->mine) {
                handler(context, &n->message.event);
            }
        }
        explicit_bzero(n->in, len); /* an SA that is deleted is told with its keys */
    }
    return lost;
}
