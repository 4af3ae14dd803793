/*
 * What the kernel says: netlink_do and netlink_events read datagrams of the input, in place of a
 * socket's; what comes out goes on into kernel-sa's core.
 *
 * Input: a byte that says what is asked (get, delete, update, standard, all, or a digit: an SA and a
 * policy are put in; a capital: so many calls of libmnl go well), then datagrams, each behind its length
 * in two bytes; a length from 0xff00 on is an errno value, one from 0xfe00 on is of a datagram that
 * somebody else sent, one from 0xfd00 on of one that was cut. The first request has sequence number
 * 1. Holds: what is shown to a person is printable; what was read can be asked for.
 */
#include "fuzz.h"

#include "kernel-sa/core.h"
#include "kernel-sa/netlink.h"
#include "kernel-sa/show.h"
#include "tests/unit/kernel_fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ERRNO_FROM 0xff00u
#define STRANGER_FROM 0xfe00u
#define CUT_FROM 0xfd00u

static struct fuzz_input datagrams;
static unsigned calls_left; /* of libmnl, until one fails; 0: none does */

static bool fails(void)
{
    errno = EPERM;
    return calls_left > 0 && --calls_left == 0;
}

/* ---- in place of libmnl's sockets, and of recvmsg(2) (--wrap) ---- */

struct mnl_socket {
    int fd;
};

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
    struct mnl_socket *s = fails() ? NULL : calloc(1, sizeof *s);
    (void)bus;
    (void)flags;
    if (s != NULL) {
        s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* it takes options */
    }
    return s;
}

int mnl_socket_bind(struct mnl_socket *s, unsigned int groups, pid_t pid)
{
    (void)s;
    (void)groups;
    (void)pid;
    return fails() ? -1 : 0;
}

int mnl_socket_setsockopt(const struct mnl_socket *s, int type, void *bytes, socklen_t len)
{
    (void)s;
    (void)type;
    (void)bytes;
    (void)len;
    return fails() ? -1 : 0;
}

int mnl_socket_get_fd(const struct mnl_socket *s)
{
    return s->fd;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *s, const void *bytes, size_t len)
{
    (void)s;
    (void)bytes;
    return fails() ? -1 : (ssize_t)len;
}

int mnl_socket_close(struct mnl_socket *s)
{
    close(s->fd);
    free(s);
    return 0;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags);

ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags)
{
    (void)fd;
    (void)flags;
    if (datagrams.left == 0) {
        errno = EAGAIN;
        return -1;
    }
    size_t len = fuzz_u16(&datagrams);
    if (len >= ERRNO_FROM) {
        errno = (int)(len - ERRNO_FROM);
        errno = errno == EINTR || errno == 0 ? EIO : errno; /* we would wait for ever */
        return -1;
    }
    struct sockaddr_nl *from = m->msg_name;
    bool stranger = len >= STRANGER_FROM;
    bool cut = len >= CUT_FROM && !stranger;
    len = stranger || cut ? len & 255u : len;
    len = len < datagrams.left ? len : datagrams.left;
    m->msg_flags = cut || len > m->msg_iov[0].iov_len ? MSG_TRUNC : 0;
    len = len < m->msg_iov[0].iov_len ? len : m->msg_iov[0].iov_len;
    memcpy(m->msg_iov[0].iov_base, datagrams.at, len);
    datagrams.at += len;
    datagrams.left -= len;
    m->msg_namelen = sizeof *from;
    from->nl_pid = stranger ? 1 : 0;
    return (ssize_t)len;
}

/* ---- what was read ---- */

static void check_printable(struct buffer *b)
{
    for (size_t i = 0; i < b->len; i++) {
        fuzz_check((b->data[i] >= ' ' && b->data[i] <= '~') || b->data[i] == '\n');
    }
    buffer_wipe(b);
}

static void check_sa(const struct kernel_sa *sa)
{
    struct buffer said;
    _Alignas(8) uint8_t bytes[XFRM_MESSAGE_MAX];
    const struct kernel_request q = { .verb = KERNEL_GET_SA, .sa = *sa };
    fuzz_check(sa->key_len == 0 && sa->auth_len == 0);
    buffer_init(&said, 0);
    sa_describe(&said, sa);
    sa_describe_suite(&said, sa);
    kernel_describe(&said, &q);
    show_sa(&said, sa, 1000);
    check_printable(&said);
    fuzz_check(xfrm_build(bytes, sizeof bytes, &q, 1) > 0);
}

static void check_policy(const struct kernel_policy *p)
{
    struct buffer said;
    _Alignas(8) uint8_t bytes[XFRM_MESSAGE_MAX];
    const struct kernel_request q = { .verb = KERNEL_DELETE_POLICY, .policy = *p };
    buffer_init(&said, 0);
    policy_describe(&said, p);
    kernel_describe(&said, &q);
    show_policy(&said, p);
    check_printable(&said);
    fuzz_check(p->way < WAY_COUNT && xfrm_build(bytes, sizeof bytes, &q, 1) > 0);
}

static void take_found(void *context, const struct found *f)
{
    struct core *core = context;
    if (f->is_policy) {
        check_policy(&f->policy);
        core_found_policy(core, &f->policy);
    } else {
        check_sa(&f->sa);
        core_found_sa(core, &f->sa);
    }
}

static void take_event(void *context, const struct kernel_event *e)
{
    struct core *core = context;
    if (e->kind == EVENT_EXPIRE) {
        check_sa(&e->sa);
    } else if (e->kind == EVENT_ACQUIRE) {
        check_policy(&e->policy);
    }
    core_event(core, e, 1000000);
}

/* What the core wants of the kernel is answered out of the input. */
static void serve(struct core *core, struct netlink *n)
{
    const struct kernel_request *q;
    for (unsigned i = 0; i < 50 && (q = core_request(core)) != NULL; i++) {
        struct kernel_result result;
        netlink_do(n, q, &result, take_found, core);
        for (const char *c = result.text; *c != '\0'; c++) {
            fuzz_check(*c >= ' ' && *c <= '~');
        }
        fuzz_check(result.error >= 0);
        if (result.found && q->verb == KERNEL_GET_SA) {
            check_sa(&result.sa);
        }
        core_result(core, &result, 1000000);
    }
}

static void ask(struct netlink *n, enum kernel_verb verb)
{
    const struct kernel_request q = {
        .verb = verb,
        .sa = { .src = { 4, { 10, 9, 0, 2 } }, .dst = { 4, { 10, 9, 0, 1 } }, .spi = 0x01020304,
                .maker = MAKER_DAEMON, .inbound = true, .exchange = 0x1122334455667788u,
                .soft = 100, .hard = 200 }
    };
    struct kernel_result result;
    netlink_do(n, &q, &result, NULL, NULL);
    fuzz_check(result.error >= 0 && strnlen(result.text, sizeof result.text) < sizeof result.text);
}

/* An SA and a policy of each form. */
static void install(struct netlink *n, uint8_t form)
{
    static const char *const suites[] = { "aes256-sha2_256", "aes256gcm16", "3des-md5",
                                          "aes128-sha2_256_96", "aes192-sha1" };
    struct kernel_request q = { .verb = KERNEL_ADD_SA };
    struct kernel_result result;
    bool six = form % 2 == 1;
    q.sa = fake_sa(suites[form % 5], six ? "2001:db8::2" : "10.9.0.2",
                   six ? "2001:db8::1" : "10.9.0.1");
    q.sa.transport = form % 3 == 0;
    q.sa.replay = form % 4 == 0 ? 4096 : 32;
    q.sa.maker = form % 3 == 1 ? MAKER_HAND : MAKER_DAEMON;
    netlink_do(n, &q, &result, NULL, NULL);
    q = (struct kernel_request){ .verb = form % 4 == 3 ? KERNEL_GET_POLICY : KERNEL_ADD_POLICY };
    q.policy.way = (enum way)(form % WAY_COUNT);
    q.policy.kind = (enum policy_kind)(form % 3);
    q.policy.transport = form % 3 == 0;
    q.policy.index = policy_index(MAKER_DAEMON, q.policy.way, form);
    fuzz_check(subnet_parse(&q.policy.src, six ? "2001:db8:2::/48" : "10.2.0.0/24", 0) == NULL);
    fuzz_check(subnet_parse(&q.policy.dst, six ? "2001:db8:1::/48" : "10.1.0.0/24", 0) == NULL);
    q.policy.tunnel_src = q.sa.src;
    q.policy.tunnel_dst = q.sa.dst;
    netlink_do(n, &q, &result, NULL, NULL);
    fuzz_check(result.error >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer out[PEER_COUNT] = { 0 };
    struct core *core = core_new(MAKER_DAEMON);
    datagrams = (struct fuzz_input){ data, size };
    uint8_t what = fuzz_u8(&datagrams);
    calls_left = what >= 'A' && what <= 'Z' ? what - 'A' + 1u : 0;
    struct netlink *n = netlink_new(true);
    fuzz_check(core != NULL && (n != NULL || what <= 'Z'));
    if (n == NULL) {
        core_free(core);
        return 0;
    }
    fuzz_check(netlink_event_fd(n) >= 0);
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        core_connect(core, (enum core_peer)peer, &out[peer]);
    }
    if (what == 'g' || calls_left > 0) {
        ask(n, KERNEL_GET_SA);
    } else if (what == 'd') {
        ask(n, KERNEL_DELETE_SA);
    } else if (what == 'u') {
        ask(n, KERNEL_UPDATE_SA);
    } else if (what == 's') {
        ask(n, KERNEL_GET_STANDARD);
    } else if (what >= '0' && what <= '9') {
        install(n, what);
    } else if (what == 'a') {
        core_adopt(core, 1000000);
        serve(core, n);
    }
    const char *lost = netlink_events(n, take_event, core);
    if (lost != NULL) {
        core_events_lost(core, lost, 1000000);
    }
    serve(core, n);
    netlink_free(n);
    core_free(core);
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        check_printable(&out[peer]);
    }
    return 0;
}
