/* Channels: whole and half lines, hello, descriptors, limits, and a reader that does not read. */
#include "channel.h"
#include "bounds.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HELLO "hello version=1 epoch=5 tool=plutod\n"

/* What the handler saw, one word a record. */
struct seen {
    char text[4096];
    unsigned count;
    int fds[8];
    unsigned fd_count;
    enum verb refuse;
    enum verb pause;
};

static bool handle(void *context, struct channel *c, const struct record *r, int fd)
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

/* A channel (ours) and the bare other end. */
struct pair {
    struct channel *c;
    int peer;
    struct seen seen;
};

static void pair_init(struct pair *p, unsigned from)
{
    int fd[2];
    memset(p, 0, sizeof *p);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    p->c = channel_new(fd[0], fd[0], from);
    assert_non_null(p->c);
    p->peer = fd[1];
}

static void pair_end(struct pair *p)
{
    channel_free(p->c);
    if (p->peer >= 0) {
        close(p->peer);
    }
}

static void send_text(const struct pair *p, const char *text)
{
    assert_int_equal(send(p->peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void send_fds(const struct pair *p, const char *text, unsigned count)
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

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++) {
        count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

static enum channel_result read_all(struct pair *p)
{
    return channel_read(p->c, handle, &p->seen);
}

static void test_lines(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, P_N);
    assert_int_equal(read_all(&p), CHANNEL_OPEN);
    send_text(&p, HELLO "forget exchange=1\nforget ex");
    assert_int_equal(read_all(&p), CHANNEL_OPEN);
    assert_string_equal(p.seen.text, "forget ");
    assert_int_equal(channel_epoch(p.c), 5);
    send_text(&p, "change=2");
    assert_int_equal(read_all(&p), CHANNEL_OPEN);
    assert_int_equal(p.seen.count, 1);
    send_text(&p, "\ndebug classes=\n");
    assert_int_equal(read_all(&p), CHANNEL_OPEN);
    assert_string_equal(p.seen.text, "forget forget debug ");
    close(p.peer);
    p.peer = -1;
    assert_int_equal(read_all(&p), CHANNEL_CLOSED);
    assert_string_equal(channel_why(p.c), "the other side closed the channel");
    assert_int_equal(read_all(&p), CHANNEL_CLOSED);
    pair_end(&p);
}

static void f16_end_within_a_record(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, P_N);
    send_text(&p, HELLO "forget exchange=1\nforget");
    close(p.peer);
    p.peer = -1;
    assert_int_equal(read_all(&p), CHANNEL_OPEN); /* what was there first */
    assert_string_equal(p.seen.text, "forget ");
    assert_int_equal(read_all(&p), CHANNEL_CLOSED);
    assert_string_equal(p.seen.text, "forget ");
    assert_string_equal(channel_why(p.c), "the other side closed the channel within a record, "
                        "after 6 bytes of it");
    pair_end(&p);
}

static void f16_rules(void **state)
{
    (void)state;
    static const struct {
        const char *sent;
        const char *why;
    } bad[] = {
        { "forget exchange=1\n", "forget: came before hello" },
        { "hello version=2 epoch=5 tool=plutod\n", "hello: field version: theirs is 2, ours is 1; "
          "install all tools from the same version" },
        { HELLO HELLO, "hello: came twice" },
        { HELLO "forget exchange=0\n", "forget: field exchange: number out of range" },
        { HELLO "forget\n", "forget: field exchange: field is missing" },
        { HELLO "what is=this\n", "record: unknown verb" },
        { HELLO "\n", "record: unknown verb" },
        { HELLO "# comment\n", "record: unknown verb" },
        { HELLO "log level=info text=x\n", "log: verb may not come from this channel" },
        { HELLO "channel tool=secrets epoch=1\n",
          "channel: came without the descriptor that it carries" },
        { HELLO "delete exchange=1\n", "delete: not now" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pair p;
        pair_init(&p, P_N);
        p.seen.refuse = V_DELETE;
        send_text(&p, bad[i].sent);
        send_text(&p, "forget exchange=9\n");
        assert_int_equal(read_all(&p), CHANNEL_BAD);
        assert_string_equal(channel_why(p.c), bad[i].why);
        assert_null(strstr(p.seen.text, "forget"));
        assert_int_equal(read_all(&p), CHANNEL_BAD);
        pair_end(&p);
    }
}

static void test_descriptors(void **state)
{
    (void)state;
    unsigned before = open_descriptors();
    struct pair p;
    pair_init(&p, P_N);
    send_text(&p, HELLO "forget exchange=1\n");
    send_fds(&p, "channel tool=secrets epoch=1\n", 1);
    send_text(&p, "forget exchange=1\n");
    send_fds(&p, "channel tool=kernel-sa epoch=1\n", 1);
    send_fds(&p, "socket local=10.9.0.1 local-port=5", 1);
    assert_int_equal(read_all(&p), CHANNEL_OPEN);
    assert_string_equal(p.seen.text, "forget channel+fd forget channel+fd ");
    send_text(&p, "00 interface=eth0\nforget exchange=1\n");
    assert_int_equal(read_all(&p), CHANNEL_OPEN);
    assert_string_equal(p.seen.text, "forget channel+fd forget channel+fd socket+fd forget ");
    assert_int_equal(p.seen.fd_count, 3);
    for (unsigned i = 0; i < p.seen.fd_count; i++) {
        assert_int_equal(fcntl(p.seen.fds[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        close(p.seen.fds[i]);
    }
    pair_end(&p);
    assert_int_equal(open_descriptors(), before);
}

static void refuse_descriptor(const char *first, unsigned first_fds, const char *second,
                              unsigned second_fds, const char *why)
{
    unsigned before = open_descriptors();
    struct pair p;
    pair_init(&p, P_N);
    send_text(&p, HELLO);
    send_fds(&p, first, first_fds);
    if (second != NULL) {
        send_fds(&p, second, second_fds);
    }
    assert_int_equal(read_all(&p), CHANNEL_BAD);
    assert_string_equal(channel_why(p.c), why);
    assert_int_equal(p.seen.fd_count, 0);
    pair_end(&p);
    assert_int_equal(open_descriptors(), before);
}

static void f16_descriptors_that_do_not_belong(void **state)
{
    (void)state;
    refuse_descriptor("forget exchange=1\n", 1, NULL, 0,
                      "forget: came with a descriptor, which it never carries");
    refuse_descriptor("channel tool=secrets epoch=1\n", 2, NULL, 0,
                      "more descriptors came than one for each record");
    refuse_descriptor("channel tool=secrets epoch=1\n", 4, NULL, 0,
                      "more descriptors came than one for each record");
    refuse_descriptor("channel tool=sec", 1, "rets epoch=1\n", 1,
                      "more descriptors came than one for each record");
    /* The descriptor belongs to the last record that its message brings. */
    refuse_descriptor("channel tool=secrets epoch=1\nforget exchange=1\n", 1, NULL, 0,
                      "channel: came without the descriptor that it carries");
}

static void long_line(unsigned from, const char *head, size_t len, bool good)
{
    struct pair p;
    char *line = malloc(len + 1);
    assert_non_null(line);
    pair_init(&p, from);
    memset(line, 'x', len);
    memcpy(line, head, strlen(head));
    line[len - 1] = '\n';
    line[len] = '\0';
    send_text(&p, HELLO);
    send_text(&p, line);
    assert_int_equal(read_all(&p), CHANNEL_BAD);
    if (good) { /* it got as far as its fields */
        assert_non_null(strstr(channel_why(p.c), ": field why: text too short or too long"));
    } else {
        assert_non_null(strstr(channel_why(p.c), "record: longer than "));
    }
    pair_end(&p);
    free(line);
}

static void f16_long_lines(void **state)
{
    (void)state;
    long_line(P_N, "bad why=", RECORD_MAX, true);
    long_line(P_N, "bad why=", RECORD_MAX + 1, false);
    long_line(P_K, "bad why=", RECORD_MAX_KERNEL, true);
    long_line(P_K, "bad why=", RECORD_MAX_KERNEL + 1, false);
    long_line(P_K | N_K | S_K, "bad why=", RECORD_MAX_KERNEL + 1, false);

    /* Without a newline it is as bad as soon as it is too long. */
    struct pair p;
    char block[RECORD_MAX];
    pair_init(&p, P_N);
    send_text(&p, HELLO);
    memset(block, 'x', sizeof block);
    assert_int_equal(send(p.peer, block, sizeof block - 1, MSG_NOSIGNAL), sizeof block - 1);
    assert_int_equal(read_all(&p), CHANNEL_OPEN);
    send_text(&p, "x");
    assert_int_equal(read_all(&p), CHANNEL_BAD);
    pair_end(&p);
}

/* ---- both sides by channel.c ---- */

static void put_forget(struct channel *c, uint64_t exchange)
{
    struct record_writer w;
    record_start(&w, channel_out(c), V_FORGET);
    record_put_number(&w, K_EXCHANGE, exchange);
    record_finish(&w);
}

static void put_channel(struct channel *c, int fd)
{
    struct record_writer w;
    record_start(&w, channel_out(c), V_CHANNEL);
    record_put_word(&w, K_TOOL, 2);
    record_put_number(&w, K_EPOCH, 1);
    record_finish(&w);
    channel_attach(c, fd);
}

static void test_attached_descriptors_arrive(void **state)
{
    (void)state;
    unsigned before = open_descriptors();
    struct pair p;
    pair_init(&p, P_N);
    struct channel *sender = channel_new(p.peer, p.peer, N_P);
    p.peer = -1;
    assert_non_null(sender);
    int files[3][2];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pipe2(files[i], O_CLOEXEC), 0);
        if (i != 1) {
            put_forget(sender, 1);
        }
        put_channel(sender, files[i][0]);
    }
    put_forget(sender, 1);
    channel_hello(sender, 0, 8, 0); /* goes first all the same */
    assert_true(channel_pending(sender));
    assert_int_equal(channel_flush(sender), CHANNEL_OPEN);
    assert_false(channel_pending(sender));
    assert_int_equal(read_all(&p), CHANNEL_OPEN);
    assert_string_equal(p.seen.text, "forget channel+fd channel+fd forget channel+fd forget ");
    assert_int_equal(channel_epoch(p.c), 8);
    for (int i = 0; i < 3; i++) { /* each is the one that was meant */
        struct stat a;
        struct stat b;
        assert_int_equal(fstat(files[i][1], &a), 0);
        assert_int_equal(fstat(p.seen.fds[i], &b), 0);
        assert_int_equal(a.st_ino, b.st_ino);
        close(files[i][1]);
    }
    for (int i = 0; i < 3; i++) {
        close(p.seen.fds[i]);
    }
    channel_free(sender);
    pair_end(&p);
    assert_int_equal(open_descriptors(), before);
}

static void f16_slow_reader(void **state)
{
    (void)state;
    unsigned before = open_descriptors();
    struct pair p;
    unsigned written = 0;
    pair_init(&p, P_N);
    struct channel *sender = channel_new(p.peer, p.peer, N_P);
    p.peer = -1;
    assert_non_null(sender);
    channel_hello(sender, 0, 8, 0);
    for (;;) { /* until nothing fits any more */
        put_forget(sender, 123456789);
        if (channel_out(sender)->overflowed) {
            break;
        }
        written++;
        if (written % 1000 == 0) {
            int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
            assert_true(fd >= 0);
            put_channel(sender, fd);
            if (!channel_out(sender)->overflowed) {
                written++;
            }
            assert_int_equal(channel_flush(sender), CHANNEL_OPEN);
        }
    }
    assert_true(channel_half_full(sender));
    assert_true(channel_out(sender)->len <= CHANNEL_MAX);
    assert_true(channel_out(sender)->len > CHANNEL_MAX - 100);
    p.seen.fd_count = 8; /* the handler closes what comes */
    while (channel_pending(sender)) {
        assert_int_equal(read_all(&p), CHANNEL_OPEN);
        assert_int_equal(channel_flush(sender), CHANNEL_OPEN);
    }
    assert_int_equal(read_all(&p), CHANNEL_OPEN);
    assert_int_equal(p.seen.count, written);
    assert_false(channel_half_full(sender));
    channel_free(sender);
    pair_end(&p);
    assert_int_equal(open_descriptors(), before);
}

static void test_broken_pipe(void **state)
{
    (void)state;
    unsigned before = open_descriptors();
    struct pair p;
    pair_init(&p, N_P);
    close(p.peer);
    p.peer = -1;
    put_forget(p.c, 1);
    put_channel(p.c, open("/dev/null", O_RDONLY | O_CLOEXEC));
    assert_int_equal(channel_flush(p.c), CHANNEL_CLOSED);
    assert_string_equal(channel_why(p.c), "the channel broke: Broken pipe");
    pair_end(&p);
    assert_int_equal(open_descriptors(), before);
}

static void test_refused_descriptors_stay_as_they_were(void **state)
{
    int fds[2];
    (void)state;
    assert_int_equal(pipe(fds), 0);
    int flags = fcntl(fds[0], F_GETFL);
    assert_null(channel_new(fds[0], -1, N_P));
    assert_int_equal(fcntl(fds[0], F_GETFL), flags);
    assert_null(channel_new(-1, fds[0], N_P));
    assert_int_equal(fcntl(fds[0], F_GETFL), flags);
    close(fds[0]);
    close(fds[1]);
}

/* F17: who goes on speaking is heard a bit at a time; nothing is lost, were it longer than a record. */
static void f17_pause(void **state)
{
    struct pair p;
    (void)state;
    pair_init(&p, P_N);
    p.seen.pause = V_FORGET;
    struct buffer text;
    buffer_init(&text, 2 * RECORD_MAX);
    buffer_add_text(&text, HELLO "forget exchange=1\n");
    for (unsigned i = 2; i < 3 + RECORD_MAX / 18; i++) {
        char line[100];
        (void)snprintf(line, sizeof line, "%s exchange=%u\n", i % 1000 == 0 ? "forget" : "delete", i);
        buffer_add_text(&text, line);
    }
    buffer_add_u8(&text, 0);
    send_text(&p, (const char *)text.data);
    buffer_wipe(&text);
    close(p.peer);
    p.peer = -1;
    unsigned turns = 0;
    enum channel_result result = CHANNEL_OPEN;
    do {
        unsigned before = p.seen.count;
        (void)channel_fill(p.c);
        result = channel_dispatch(p.c, handle, &p.seen);
        assert_true(p.seen.count - before <= 1000);
        turns++;
    } while (channel_paused(p.c));
    assert_int_equal(turns, 5);
    assert_int_equal(p.seen.count, RECORD_MAX / 18 + 2);
    assert_int_equal(result, CHANNEL_CLOSED);
    pair_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f17_pause),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(f16_end_within_a_record),
        cmocka_unit_test(f16_rules),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(f16_descriptors_that_do_not_belong),
        cmocka_unit_test(f16_long_lines),
        cmocka_unit_test(test_attached_descriptors_arrive),
        cmocka_unit_test(f16_slow_reader),
        cmocka_unit_test(test_broken_pipe),
        cmocka_unit_test(test_refused_descriptors_stay_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
