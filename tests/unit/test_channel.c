/* Channels: whole and half lines, hello, descriptors, limits. With channel.c at both ends: test_channel_both.c. */
#include "channel_pair.h"

#include "bounds.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HELLO "hello version=1 epoch=5 tool=plutod\n"

static void test_lines(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, P_N);
    assert_int_equal(pair_read(&p), CHANNEL_OPEN);
    pair_send(&p, HELLO "forget exchange=1\nforget ex");
    assert_int_equal(pair_read(&p), CHANNEL_OPEN);
    assert_string_equal(p.seen.text, "forget ");
    assert_int_equal(channel_epoch(p.c), 5);
    pair_send(&p, "change=2");
    assert_int_equal(pair_read(&p), CHANNEL_OPEN);
    assert_int_equal(p.seen.count, 1);
    pair_send(&p, "\ndebug classes=\n");
    assert_int_equal(pair_read(&p), CHANNEL_OPEN);
    assert_string_equal(p.seen.text, "forget forget debug ");
    close(p.peer);
    p.peer = -1;
    assert_int_equal(pair_read(&p), CHANNEL_CLOSED);
    assert_string_equal(channel_why(p.c), "the other side closed the channel");
    assert_int_equal(pair_read(&p), CHANNEL_CLOSED);
    pair_end(&p);
}

static void f16_end_within_a_record(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, P_N);
    pair_send(&p, HELLO "forget exchange=1\nforget");
    close(p.peer);
    p.peer = -1;
    assert_int_equal(pair_read(&p), CHANNEL_OPEN); /* what was there first */
    assert_string_equal(p.seen.text, "forget ");
    assert_int_equal(pair_read(&p), CHANNEL_CLOSED);
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
        pair_send(&p, bad[i].sent);
        pair_send(&p, "forget exchange=9\n");
        assert_int_equal(pair_read(&p), CHANNEL_BAD);
        assert_string_equal(channel_why(p.c), bad[i].why);
        assert_null(strstr(p.seen.text, "forget"));
        assert_int_equal(pair_read(&p), CHANNEL_BAD);
        pair_end(&p);
    }
}

static void test_descriptors(void **state)
{
    (void)state;
    unsigned before = open_descriptors();
    struct pair p;
    pair_init(&p, P_N);
    pair_send(&p, HELLO "forget exchange=1\n");
    pair_send_fds(&p, "channel tool=secrets epoch=1\n", 1);
    pair_send(&p, "forget exchange=1\n");
    pair_send_fds(&p, "channel tool=kernel-sa epoch=1\n", 1);
    pair_send_fds(&p, "socket local=10.9.0.1 local-port=5", 1);
    assert_int_equal(pair_read(&p), CHANNEL_OPEN);
    assert_string_equal(p.seen.text, "forget channel+fd forget channel+fd ");
    pair_send(&p, "00 interface=eth0\nforget exchange=1\n");
    assert_int_equal(pair_read(&p), CHANNEL_OPEN);
    assert_string_equal(p.seen.text, "forget channel+fd forget channel+fd socket+fd forget ");
    assert_int_equal(p.seen.fd_count, 3);
    for (unsigned i = 0; i < p.seen.fd_count; i++) {
        assert_int_equal(fcntl(p.seen.fds[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        close(p.seen.fds[i]);
    }
    pair_end(&p);
    assert_int_equal(open_descriptors(), before);
}

/* An answer that carries one: the request says so, and an ok of another has none. */
static void test_descriptors_of_answers(void **state)
{
    static const char *const bad[][3] = { /* with one; without; why */
        { NULL, "ok id=1 re=hand-on\n", "ok: came without the descriptor that it carries" },
        { "fail id=1 re=hand-on why=none\n", NULL, "fail: came with a descriptor, which it never carries" },
        { "ok id=1 re=passphrase\n", NULL, "ok: came with a descriptor, which it never carries" },
    };
    unsigned before = open_descriptors();
    struct pair p;
    (void)state;
    pair_init(&p, S_P);
    pair_send(&p, HELLO);
    pair_send_fds(&p, "ok id=1 re=hand-on\n", 1);
    pair_send(&p, "fail id=2 re=hand-on why=none\n");
    assert_int_equal(pair_read(&p), CHANNEL_OPEN);
    assert_string_equal(p.seen.text, "ok+fd fail ");
    close(p.seen.fds[0]);
    pair_end(&p);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        pair_init(&p, S_P);
        pair_send(&p, HELLO);
        if (bad[i][0] != NULL) {
            pair_send_fds(&p, bad[i][0], 1);
        } else {
            pair_send(&p, bad[i][1]);
        }
        assert_int_equal(pair_read(&p), CHANNEL_BAD);
        assert_string_equal(channel_why(p.c), bad[i][2]);
        pair_end(&p);
    }
    assert_int_equal(open_descriptors(), before);
}

static void refuse_descriptor(const char *first, unsigned first_fds, const char *second,
                              unsigned second_fds, const char *why)
{
    unsigned before = open_descriptors();
    struct pair p;
    pair_init(&p, P_N);
    pair_send(&p, HELLO);
    pair_send_fds(&p, first, first_fds);
    if (second != NULL) {
        pair_send_fds(&p, second, second_fds);
    }
    assert_int_equal(pair_read(&p), CHANNEL_BAD);
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
    pair_send(&p, HELLO);
    pair_send(&p, line);
    assert_int_equal(pair_read(&p), CHANNEL_BAD);
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
    pair_send(&p, HELLO);
    memset(block, 'x', sizeof block);
    assert_int_equal(send(p.peer, block, sizeof block - 1, MSG_NOSIGNAL), sizeof block - 1);
    assert_int_equal(pair_read(&p), CHANNEL_OPEN);
    pair_send(&p, "x");
    assert_int_equal(pair_read(&p), CHANNEL_BAD);
    pair_end(&p);
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
    pair_send(&p, (const char *)text.data);
    buffer_wipe(&text);
    close(p.peer);
    p.peer = -1;
    unsigned turns = 0;
    enum channel_result result = CHANNEL_OPEN;
    do {
        unsigned before = p.seen.count;
        (void)channel_fill(p.c);
        result = channel_dispatch(p.c, pair_handle, &p.seen);
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
        cmocka_unit_test(test_descriptors_of_answers),
        cmocka_unit_test(f16_descriptors_that_do_not_belong),
        cmocka_unit_test(f16_long_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
