/* Channels by hand: pipes, comments, no hello, and a mistake that does not end it. */
#include "channel.h"
#include "bounds.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct hand {
    struct channel *c;
    int in;  /* what the person types */
    int out; /* what the person sees */
    unsigned count;
};

static bool handle(void *context, struct channel *c, const struct record *r, int fd)
{
    struct hand *h = context;
    assert_int_equal(fd, -1);
    h->count++;
    if (r->verb == V_FLUSH || r->verb == V_PERMIT) {
        channel_blame(c, "not now");
        return false;
    }
    return true;
}

static void hand_init(struct hand *h)
{
    int in[2];
    int out[2];
    memset(h, 0, sizeof *h);
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
    h->c = channel_new(in[0], out[1], P_K | N_K | S_K);
    assert_non_null(h->c);
    channel_by_hand(h->c);
    h->in = in[1];
    h->out = out[0];
}

static void hand_end(struct hand *h)
{
    channel_free(h->c);
    if (h->in >= 0) {
        close(h->in);
    }
    close(h->out);
}

static void type(const struct hand *h, const char *text)
{
    assert_int_equal(write(h->in, text, strlen(text)), strlen(text));
}

static void expect(struct hand *h, unsigned count, const char *shown)
{
    char text[2048];
    assert_int_equal(channel_read(h->c, handle, h), CHANNEL_OPEN);
    assert_int_equal(channel_flush(h->c), CHANNEL_OPEN);
    ssize_t n = read(h->out, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    assert_string_equal(text, shown);
    assert_int_equal(h->count, count);
}

static void test_comments_and_no_hello(void **state)
{
    (void)state;
    struct hand h;
    hand_init(&h);
    type(&h, "# what plutod says\n\nspis id=3 count=4\n\n");
    expect(&h, 1, "");
    type(&h, "hello version=1 epoch=3 tool=plutod\nspis id=4 count=4\n"); /* a replayed recording */
    expect(&h, 2, "");
    hand_end(&h);
}

static void test_mistakes(void **state)
{
    (void)state;
    struct hand h;
    hand_init(&h);
    type(&h, "spis id=3 count=400\nspis id=4 count=4\n");
    expect(&h, 1, "bad why=line%201:%20spis:%20field%20count:%20number%20out%20of%20range\n");
    type(&h, "flush id=9\n");
    expect(&h, 2, "bad id=9 re=flush why=line%203:%20flush:%20not%20now\n");
    type(&h, "secret-key 0011\nspis id=5 count=1\n");
    expect(&h, 3, "bad why=line%204:%20record:%20unknown%20verb\n");
    type(&h, "channel tool=secrets epoch=1\n"); /* plutod's, but a pipe carries no descriptor */
    expect(&h, 3, "bad why=line%206:%20channel:%20came%20without%20the%20descriptor%20that%20it"
                  "%20carries\n");
    hand_end(&h);
}

static void test_long_line(void **state)
{
    (void)state;
    struct hand h;
    char block[RECORD_MAX_KERNEL];
    hand_init(&h);
    memset(block, 'x', sizeof block);
    assert_int_equal(write(h.in, block, sizeof block), sizeof block);
    expect(&h, 0, "bad why=line%201:%20record:%20longer%20than%204096%20bytes\n");
    assert_int_equal(write(h.in, block, sizeof block), sizeof block);
    expect(&h, 0, "");
    type(&h, "xyz\nspis id=5 count=1\nspis\n");
    expect(&h, 1, "bad why=line%203:%20spis:%20field%20id:%20field%20is%20missing\n");
    hand_end(&h);
}

static void test_end(void **state)
{
    (void)state;
    struct hand h;
    hand_init(&h);
    type(&h, "spis id=5 count=1\n");
    close(h.in);
    h.in = -1;
    assert_int_equal(channel_read(h.c, handle, &h), CHANNEL_CLOSED);
    assert_int_equal(h.count, 1);
    hand_end(&h);
}

/* Answers that take time are still written, and the end is told when its owner says so. */
static void test_end_is_held(void **state)
{
    (void)state;
    struct hand h;
    hand_init(&h);
    channel_hold_end(h.c, true);
    type(&h, "nonsense\nspis id=5 count=1\nspis id=6\n");
    assert_false(channel_at_end(h.c));
    close(h.in);
    h.in = -1;
    expect(&h, 1, "bad why=line%201:%20record:%20unknown%20verb\n"
                  "bad why=line%203:%20spis:%20field%20count:%20field%20is%20missing\n");
    assert_int_equal(channel_bads(h.c), 2);
    assert_true(channel_at_end(h.c));
    buffer_add_text(channel_out(h.c), "ok id=5 re=spis\n");
    expect(&h, 1, "ok id=5 re=spis\n");
    channel_hold_end(h.c, false);
    assert_int_equal(channel_read(h.c, handle, &h), CHANNEL_CLOSED);
    hand_end(&h);
}

/* A shell's terminal is not left non-blocking. */
static void test_flags_are_put_back(void **state)
{
    (void)state;
    int fd[2];
    assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
    int kept = dup(fd[0]);
    struct channel *c = channel_new(fd[0], fd[1], P_K);
    assert_non_null(c);
    assert_int_equal(fcntl(kept, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    channel_free(c);
    assert_int_equal(fcntl(kept, F_GETFL) & O_NONBLOCK, 0);
    close(kept);
    assert_null(channel_new(-1, -1, P_K));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comments_and_no_hello),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_end_is_held),
        cmocka_unit_test(test_flags_are_put_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
