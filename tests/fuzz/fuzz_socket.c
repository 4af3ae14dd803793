/*
 * A UDP socket of ike-negotiate: datagrams, and what the network says of those that we sent.
 *
 * Input: a byte that says which family, then bytes that say what is called (read, send) and what
 * the kernel answers: recvfrom a datagram or an error, recvmsg an item of the error queue with
 * control messages, sendto an error or nothing (enum what). Holds: what is taken comes from our own
 * address and a port; lines are records, and no more of them than there may be in a second.
 */
#include "fuzz.h"

#include "bounds.h"
#include "ike-negotiate/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CALLS_MAX 40
#define LINES_MAX 5 /* a second; the clock stands */
#define CONTROL_MAX 200
#define DATAGRAM_BYTES 4u

static struct fuzz_input in;

uint64_t __wrap_clock_ms(void);
ssize_t __wrap_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from,
                        socklen_t *from_len);
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t __wrap_sendto(int fd, const void *bytes, size_t len, int flags, const struct sockaddr *to,
                      socklen_t to_len);

uint64_t __wrap_clock_ms(void)
{
    return 1000000;
}

static void copy(void *to, size_t len)
{
    size_t n = len < in.left ? len : in.left;
    memset(to, 0, len);
    memcpy(to, in.at, n);
    in.at += n;
    in.left -= n;
}

/* A family, then a port and an address, or whatever bytes. */
static socklen_t put_name(struct sockaddr_storage *name)
{
    struct sockaddr_in *four = (struct sockaddr_in *)name;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)name;
    memset(name, 0, sizeof *name);
    switch (fuzz_u8(&in) % 3) {
    case 0:
        four->sin_family = AF_INET;
        four->sin_port = htons(fuzz_u16(&in));
        copy(&four->sin_addr, sizeof four->sin_addr);
        return sizeof *four;
    case 1:
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(fuzz_u16(&in));
        copy(&six->sin6_addr, sizeof six->sin6_addr);
        return sizeof *six;
    default:
        copy(name, fuzz_u8(&in) % sizeof *name);
        return sizeof *name;
    }
}

/* Of a call that may fail: 0, or -1 with any error but the ones that would be a wait without end. */
static int result(void)
{
    uint8_t error = fuzz_u8(&in);
    errno = in.left == 0 ? EAGAIN : error;
    return errno == 0 ? 0 : -1;
}

ssize_t __wrap_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from,
                        socklen_t *from_len)
{
    struct sockaddr_storage name;
    (void)fd;
    fuzz_check((flags & MSG_DONTWAIT) != 0);
    if (result() != 0) {
        return -1;
    }
    socklen_t len = put_name(&name);
    memcpy(from, &name, len < *from_len ? len : *from_len);
    *from_len = len;
    size_t n = fuzz_u16(&in) % (size + 1);
    memset(bytes, 0, n);
    copy(bytes, n < DATAGRAM_BYTES ? n : DATAGRAM_BYTES); /* what it says is all the same here */
    return (ssize_t)n;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags)
{
    static const int kinds[][2] = { { SOL_IP, IP_RECVERR }, { SOL_IPV6, IPV6_RECVERR },
                                    { SOL_SOCKET, SO_TIMESTAMP }, { SOL_IP, IP_PKTINFO } };
    struct sockaddr_storage name;
    size_t room = m->msg_controllen;
    (void)fd;
    fuzz_check((flags & MSG_ERRQUEUE) != 0);
    if (result() != 0) {
        return -1;
    }
    m->msg_namelen = put_name(&name);
    memcpy(m->msg_name, &name, sizeof name);
    size_t used = 0;
    for (unsigned i = fuzz_u8(&in) % 3; i > 0; i--) {
        uint8_t kind = fuzz_u8(&in) % 4;
        size_t len = fuzz_u8(&in) % CONTROL_MAX;
        struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)m->msg_control + used);
        if (used + CMSG_SPACE(len) > room) {
            break;
        }
        memset(c, 0, CMSG_SPACE(len));
        c->cmsg_level = kinds[kind][0];
        c->cmsg_type = kinds[kind][1];
        c->cmsg_len = CMSG_LEN(len);
        copy(CMSG_DATA(c), len);
        used += CMSG_SPACE(len);
    }
    m->msg_controllen = used;
    return 0;
}

ssize_t __wrap_sendto(int fd, const void *bytes, size_t len, int flags, const struct sockaddr *to,
                      socklen_t to_len)
{
    (void)fd;
    (void)bytes;
    (void)to;
    fuzz_check(to_len > 0 && (flags & MSG_DONTWAIT) != 0);
    return result() == 0 ? (ssize_t)len : -1;
}

static void take(void *context, const struct path *path, const uint8_t *bytes, size_t len)
{
    const struct udp_socket *s = context;
    fuzz_check(address_equal(&path->local, &s->local) && path->local_port == s->port);
    fuzz_check(path->remote_port != 0 && len <= MESSAGE_MAX + 1);
    fuzz_check(path->remote.family == 4 || path->remote.family == 6);
    (void)bytes;
}

static void check_lines(struct buffer *lines)
{
    static struct record r;
    struct fuzz_input all = { lines->data, lines->len };
    unsigned count = 0;
    while (all.left > 0) {
        size_t len;
        char *line = fuzz_until(&all, '\n', &len);
        fuzz_check(fuzz_record(&r, line, len, N_P) == NULL && r.verb == V_LOG);
        count += strstr(record_text(&r, K_TEXT), "no longer listened on") == NULL;
        free(line);
    }
    fuzz_check(count <= LINES_MAX);
    buffer_wipe(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t message[100];
    struct buffer lines = { 0 };
    const struct log log = { .tool = "ike-negotiate", .records = &lines };
    struct udp_socket s = { .fd = -1, .port = 500 };

    in = (struct fuzz_input){ data, size };
    bool six = (fuzz_u8(&in) & 1) != 0;
    fuzz_check(address_parse(&s.local, six ? "2001:db8::1" : "10.9.0.1") == NULL);
    struct path path = { .local = s.local, .local_port = 500, .remote_port = 500 };
    fuzz_check(address_parse(&path.remote, six ? "2001:db8::2" : "10.9.0.2") == NULL);
    for (unsigned i = 0; i < CALLS_MAX && in.left > 0; i++) {
        switch (fuzz_u8(&in) % 3) {
        case 0:
            sockets_read(&s, &log, take, &s);
            break;
        case 1:
            sockets_send(&s, &log, &path, message, sizeof message);
            break;
        default:
            path.local_port ^= 4; /* of a socket that is not there any more, or is again */
            break;
        }
    }
    check_lines(&lines);
    return 0;
}
