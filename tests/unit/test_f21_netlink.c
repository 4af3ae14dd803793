/*
 * F21: the sockets to the kernel: events that were lost, messages cut on the way, of somebody else, or late; errors of the
 * socket itself. The functions of libmnl and recvmsg(2) are those of this file. What is in messages: test_kernel_xfrm_read.c;
 * what follows of lost events: test_kernel_policy.c, test_f21_kernel.c.
 */
#include "xfrm_bytes.h"

#include "kernel-sa/netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAMS 64

/* ---- in place of the kernel ---- */

struct datagram {
    int error;          /* in place of bytes */
    uint32_t from;      /* 0: the kernel */
    bool cut;
    size_t len;
    _Alignas(8) uint8_t bytes[XFRM_BYTES];
};

static struct kernel {
    struct datagram coming[DATAGRAMS];
    size_t count;
    size_t at;
    unsigned sent;
    uint32_t sender;    /* what the last request has in nlmsg_pid */
    int send_error;
    bool for_ever;      /* the last one comes again and again */
    unsigned reads;
} *kernel;

struct mnl_socket {
    int fd;
};

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
    struct mnl_socket *s = calloc(1, sizeof *s);
    (void)flags;
    assert_int_equal(bus, NETLINK_XFRM);
    assert_non_null(s);
    s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* it takes options */
    return s;
}

int mnl_socket_bind(struct mnl_socket *s, unsigned int groups, pid_t pid)
{
    (void)s;
    (void)groups;
    (void)pid;
    return 0;
}

int mnl_socket_setsockopt(const struct mnl_socket *s, int type, void *bytes, socklen_t len)
{
    (void)s;
    (void)type;
    (void)bytes;
    (void)len;
    return 0;
}

int mnl_socket_get_fd(const struct mnl_socket *s)
{
    return s->fd;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *s, const void *bytes, size_t len)
{
    struct nlmsghdr head;
    (void)s;
    assert_true(len >= sizeof head);
    memcpy(&head, bytes, sizeof head);
    kernel->sender = head.nlmsg_pid;
    kernel->sent++;
    errno = kernel->send_error;
    return kernel->send_error != 0 ? -1 : (ssize_t)len;
}

int mnl_socket_close(struct mnl_socket *s)
{
    close(s->fd);
    free(s);
    return 0;
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
    (void)fd;
    (void)flags;
    assert_true(++kernel->reads < 1000); /* it does not go on for ever */
    if (kernel->at == kernel->count) {
        errno = EAGAIN; /* nothing more, or for too long */
        return -1;
    }
    const struct datagram *d = &kernel->coming[kernel->at];
    kernel->at += kernel->for_ever && kernel->at + 1 == kernel->count ? 0 : 1;
    if (d->error != 0) {
        errno = d->error;
        return -1;
    }
    struct sockaddr_nl *from = m->msg_name;
    from->nl_pid = d->from;
    m->msg_namelen = sizeof *from;
    m->msg_flags = d->cut ? MSG_TRUNC : 0;
    assert_true(d->len <= m->msg_iov[0].iov_len);
    memcpy(m->msg_iov[0].iov_base, d->bytes, d->len);
    return (ssize_t)d->len;
}

static struct datagram *comes(void)
{
    assert_true(kernel->count < DATAGRAMS);
    return &kernel->coming[kernel->count++];
}

static void comes_error(int error)
{
    comes()->error = error;
}

static struct datagram *comes_expire(uint32_t spi)
{
    struct datagram *d = comes();
    struct kernel_sa sa = fake_sa("aes128-sha1", "10.9.0.2", "10.9.0.1");
    struct xfrm_user_expire expire;
    sa.spi = spi;
    (void)xfrm_bytes_sa(d->bytes, &sa, KERNEL_ADD_SA);
    memset(&expire, 0, sizeof expire);
    memcpy(&expire.state, d->bytes + NLMSG_HDRLEN, sizeof expire.state);
    expire.hard = 1;
    struct nlmsghdr *head = mnl_nlmsg_put_header(d->bytes);
    head->nlmsg_type = XFRM_MSG_EXPIRE;
    memcpy(mnl_nlmsg_put_extra_header(head, sizeof expire), &expire, sizeof expire);
    d->len = head->nlmsg_len;
    return d;
}

static struct datagram *comes_ack(uint32_t seq, int error)
{
    struct datagram *d = comes();
    struct nlmsghdr *head = mnl_nlmsg_put_header(d->bytes);
    struct nlmsgerr e = { .error = -error };
    head->nlmsg_type = NLMSG_ERROR;
    head->nlmsg_seq = seq;
    head->nlmsg_flags = NLM_F_CAPPED;
    memcpy(mnl_nlmsg_put_extra_header(head, sizeof e), &e, sizeof e);
    d->len = head->nlmsg_len;
    return d;
}

/* ---- events ---- */

struct heard {
    uint32_t spi[DATAGRAMS];
    size_t count;
};

static void hear(void *context, const struct kernel_event *event)
{
    struct heard *h = context;
    assert_true(h->count < DATAGRAMS);
    h->spi[h->count++] = event->kind == EVENT_EXPIRE ? event->sa.spi : 0;
}

static struct heard heard;

static const char *events(struct netlink *n)
{
    memset(&heard, 0, sizeof heard);
    return netlink_events(n, hear, &heard);
}

static void expect_heard(const char *why, const char *want, size_t count)
{
    assert_true(want == NULL ? why == NULL : why != NULL && strstr(why, want) != NULL);
    assert_int_equal(heard.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(heard.spi[i], 0x1001 + i);
    }
}

static void f21_events_of_the_socket(void **state)
{
    struct netlink *n = *state;
    expect_heard(events(n), NULL, 0);
    (void)comes_expire(0x1001);
    (void)comes_expire(0x1002);
    expect_heard(events(n), NULL, 2);
    /* Lost before, amid and after: what did come is heard, and that some did not is said. */
    for (size_t at = 0; at < 3; at++) {
        for (size_t i = 0; i < 2; i++) {
            if (at == i) {
                comes_error(ENOBUFS);
            }
            (void)comes_expire(0x1001 + (uint32_t)i);
        }
        if (at == 2) {
            comes_error(ENOBUFS);
        }
        expect_heard(events(n), "the kernel had more events than its buffer holds", 2);
    }
    comes_error(EINTR);
    (void)comes_expire(0x1001);
    expect_heard(events(n), NULL, 1); /* that is no loss */
}

static void f21_events_cut_and_foreign(void **state)
{
    struct netlink *n = *state;
    (void)comes_expire(0x1001);
    comes_expire(0x6666)->cut = true; /* longer than what we read */
    (void)comes_expire(0x1002);
    expect_heard(events(n), "more events than its buffer holds", 2);
    comes_expire(0x6666)->len -= 4; /* its own length says more than there is */
    (void)comes_expire(0x1001);
    expect_heard(events(n), "length", 1);
    comes_expire(0x6666)->len = 7;
    (void)comes_expire(0x1001);
    expect_heard(events(n), "shorter than its head", 1);
    /* Anybody can send to a netlink socket: only the kernel is heard, and others do not disturb. */
    comes_expire(0x6666)->from = 4711;
    (void)comes_expire(0x1001);
    comes_expire(0x6666)->from = 1;
    expect_heard(events(n), NULL, 1);
    comes_expire(0x6666)->from = 4711;
    kernel->coming[kernel->count - 1].cut = true;
    comes_expire(0x6666)->from = 4711;
    kernel->coming[kernel->count - 1].len = 7;
    expect_heard(events(n), NULL, 0);
}

/* A flush, as the kernel tells it, with what its sender had in nlmsg_pid. */
static void comes_flush(uint32_t sender)
{
    struct datagram *d = comes();
    struct nlmsghdr *head = mnl_nlmsg_put_header(d->bytes);
    head->nlmsg_type = XFRM_MSG_FLUSHPOLICY;
    head->nlmsg_pid = sender;
    d->len = head->nlmsg_len;
}

/* What we did ourselves is told to us as well: it is no news. */
static void f21_our_own_deeds(void **state)
{
    struct netlink *n = *state;
    const struct kernel_request flush = { .verb = KERNEL_GET_STANDARD };
    struct kernel_result result;
    (void)comes_ack(1, 0);
    netlink_do(n, &flush, &result, NULL, NULL);
    assert_int_not_equal(kernel->sender, 0); /* which is what most have there */
    assert_int_not_equal(kernel->sender, (uint32_t)getpid()); /* and others that */
    comes_flush(kernel->sender);
    assert_null(events(n));
    assert_int_equal(heard.count, 0);
    comes_flush(0);
    comes_flush((uint32_t)getpid());
    assert_null(events(n));
    assert_int_equal(heard.count, 2);
}

/* A socket that only fails is left alone until the next turn. */
static void f21_events_of_a_broken_socket(void **state)
{
    struct netlink *n = *state;
    (void)comes_expire(0x1001);
    comes_error(EIO);
    kernel->for_ever = true;
    expect_heard(events(n), "reading events from the kernel failed", 1);
    assert_int_equal(kernel->reads, 2);
}

/* ---- answers ---- */

static struct kernel_result ask(struct netlink *n, enum kernel_verb verb)
{
    const struct kernel_request q = { .verb = verb, .sa = fake_sa("aes128-sha1", "10.9.0.2", "10.9.0.1") };
    struct kernel_result result;
    kernel->reads = 0;
    netlink_do(n, &q, &result, NULL, NULL);
    return result;
}

static void f21_answers_of_the_socket(void **state)
{
    static const struct {
        int error, want;
    } cases[] = { { EAGAIN, ETIMEDOUT }, { ENOBUFS, ENOBUFS }, { EIO, EIO } };
    struct netlink *n = *state;
    uint32_t seq = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        seq++;
        comes_error(cases[i].error);
        assert_int_equal(ask(n, KERNEL_DELETE_SA).error, cases[i].want);
    }
    comes_error(EINTR);
    (void)comes_ack(++seq, 0);
    assert_int_equal(ask(n, KERNEL_DELETE_SA).error, 0);
    comes_ack(++seq, 0)->cut = true;
    assert_int_equal(ask(n, KERNEL_DELETE_SA).error, EMSGSIZE);
    comes_ack(++seq, 0)->len -= 4;
    assert_int_equal(ask(n, KERNEL_DELETE_SA).error, EBADMSG);
    kernel->send_error = ENOBUFS;
    seq++;
    const size_t at = kernel->at;
    assert_int_equal(ask(n, KERNEL_DELETE_SA).error, ENOBUFS);
    assert_int_equal(kernel->reads, 0); /* nobody waits for an answer to that */
    assert_int_equal(kernel->at, at);
    kernel->send_error = 0;
    (void)comes_ack(++seq, ESRCH);
    assert_int_equal(ask(n, KERNEL_DELETE_SA).error, ESRCH);
}

/* Only the kernel's answer to this request counts. */
static void f21_answers_of_others(void **state)
{
    struct netlink *n = *state;
    comes_ack(1, 0)->from = 4711;
    (void)comes_ack(7, 0);
    (void)comes_ack(0, 0);
    (void)comes_ack(1, EPERM);
    assert_int_equal(ask(n, KERNEL_ADD_SA).error, EPERM);
    (void)comes_ack(1, 0); /* late: for the one before */
    (void)comes_ack(2, EEXIST);
    assert_int_equal(ask(n, KERNEL_ADD_SA).error, EEXIST);
    comes_ack(3, 0)->from = 4711;
    assert_int_equal(ask(n, KERNEL_ADD_SA).error, ETIMEDOUT);
}

/* An SA's life is changed only if it is still ours and that exchange's. */
static void f21_another_sa_in_its_place(void **state)
{
    struct netlink *n = *state;
    for (unsigned i = 0; i < 4; i++) {
        struct kernel_sa there = fake_sa("aes128-sha1", "10.9.0.2", "10.9.0.1");
        there.exchange += i == 1 ? 1 : 0;
        there.maker = i == 2 ? MAKER_HAND : there.maker;
        memset(kernel, 0, sizeof *kernel);
        netlink_free(n);
        n = netlink_new(true);
        *state = n;
        if (i != 3) { /* 3: it is gone, which is no error here */
            struct datagram *d = comes();
            d->len = xfrm_bytes_sa(d->bytes, &there, KERNEL_ADD_SA);
            ((struct nlmsghdr *)(void *)d->bytes)->nlmsg_seq = 1;
        }
        (void)comes_ack(1, 0);
        (void)comes_ack(2, 0);
        const struct kernel_result result = ask(n, KERNEL_UPDATE_SA);
        assert_int_equal(result.error, i == 0 ? 0 : ESRCH);
        assert_int_equal(kernel->sent, i == 0 ? 2 : 1);
    }
}

/* A dump that is interrupted each time is given up. */
static void f21_a_dump_without_end(void **state)
{
    struct netlink *n = *state;
    for (uint32_t seq = 1; seq < 30; seq++) {
        struct datagram *d = comes();
        struct nlmsghdr *head = mnl_nlmsg_put_header(d->bytes);
        int32_t status = 0;
        head->nlmsg_type = NLMSG_DONE;
        head->nlmsg_seq = seq;
        head->nlmsg_flags = NLM_F_MULTI | NLM_F_DUMP_INTR;
        memcpy(mnl_nlmsg_put_extra_header(head, sizeof status), &status, sizeof status);
        d->len = head->nlmsg_len;
    }
    assert_int_equal(ask(n, KERNEL_LIST).error, EAGAIN);
    assert_int_equal(kernel->sent, DUMP_TRIES);
}

static int set_up(void **state)
{
    kernel = calloc(1, sizeof *kernel);
    assert_non_null(kernel);
    *state = netlink_new(true);
    return *state == NULL;
}

static int tear_down(void **state)
{
    netlink_free(*state);
    free(kernel);
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(f21_events_of_the_socket),
        TEST(f21_events_cut_and_foreign),
        TEST(f21_our_own_deeds),
        TEST(f21_events_of_a_broken_socket),
        TEST(f21_answers_of_the_socket),
        TEST(f21_answers_of_others),
        TEST(f21_another_sa_in_its_place),
        TEST(f21_a_dump_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
