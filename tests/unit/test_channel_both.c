/* Channels with channel.c at both ends: descriptors that arrive, a reader that does not read, one that is gone. */
#include "channel_pair.h"

#include "bounds.h"


#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void put_forget(struct channel *c, uint64_t exchange)
{
    struct record_writer w;
    record_start(&w, channel_out(c), V_FORGET);
    record_put_number(&w, K_EXCHANGE, exchange);
    record_finish(&w);
}

static void put_channel_alone(struct channel *c)
{
    struct record_writer w;
    record_start(&w, channel_out(c), V_CHANNEL);
    record_put_word(&w, K_TOOL, 2);
    record_put_number(&w, K_EPOCH, 1);
    record_finish(&w);
}

static void put_channel(struct channel *c, int fd)
{
    put_channel_alone(c);
    channel_attach(c, fd);
}

static void put_channel_lending(struct channel *c, int fd)
{
    put_channel_alone(c);
    channel_lend(c, fd);
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
    assert_int_equal(pair_read(&p), CHANNEL_OPEN);
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

/* What is lent stays open here, whether it was sent or not. */
static void test_lent_descriptors(void **state)
{
    unsigned before = open_descriptors();
    struct pair p;
    (void)state;
    pair_init(&p, P_N);
    struct channel *sender = channel_new(p.peer, p.peer, N_P);
    p.peer = -1;
    channel_hello(sender, 0, 8, 0);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (unsigned i = 0; i < 3; i++) {
        put_channel_lending(sender, fd);
    }
    assert_int_equal(channel_flush(sender), CHANNEL_OPEN);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(pair_read(&p), CHANNEL_OPEN);
    }
    assert_string_equal(p.seen.text, "channel+fd channel+fd channel+fd ");
    put_channel_lending(sender, fd); /* never sent */
    channel_free(sender);
    assert_true(fcntl(fd, F_GETFD) >= 0);
    for (unsigned i = 0; i < p.seen.fd_count; i++) {
        close(p.seen.fds[i]);
    }
    close(fd);
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
        assert_int_equal(pair_read(&p), CHANNEL_OPEN);
        assert_int_equal(channel_flush(sender), CHANNEL_OPEN);
    }
    assert_int_equal(pair_read(&p), CHANNEL_OPEN);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attached_descriptors_arrive),
        cmocka_unit_test(test_lent_descriptors),
        cmocka_unit_test(f16_slow_reader),
        cmocka_unit_test(test_broken_pipe),
        cmocka_unit_test(test_refused_descriptors_stay_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
