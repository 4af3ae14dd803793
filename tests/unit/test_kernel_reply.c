/* The kernel's answers, put together from datagrams; a dump that it calls interrupted is read again (F21). */
#include "kernel_fake.h"

#include "kernel-sa/reply.h"

#include <errno.h>
#include <string.h>

static _Alignas(8) uint8_t bytes[4 * XFRM_MESSAGE_MAX];

/* Appends an SA with that SPI as the kernel would send it; returns the new length. */
static size_t add_sa(size_t at, uint32_t spi, uint32_t seq, unsigned flags)
{
    struct kernel_request q = { .verb = KERNEL_ADD_SA,
                                .sa = fake_sa("aes128-sha1", "10.9.0.2", "10.9.0.1") };
    q.sa.spi = spi;
    size_t len = xfrm_build(bytes + at, XFRM_MESSAGE_MAX, &q, seq);
    assert_true(len > 0);
    ((struct nlmsghdr *)(bytes + at))->nlmsg_flags = (uint16_t)(NLM_F_MULTI | flags);
    return at + NLMSG_ALIGN(len);
}

static size_t add_end(size_t at, unsigned type, int number, uint32_t seq, unsigned flags)
{
    struct nlmsghdr *head = mnl_nlmsg_put_header(bytes + at);
    head->nlmsg_type = (uint16_t)type;
    head->nlmsg_seq = seq;
    head->nlmsg_flags = (uint16_t)(NLM_F_MULTI | flags);
    if (type == NLMSG_ERROR) {
        struct nlmsgerr e = { .error = number };
        memcpy(mnl_nlmsg_put_extra_header(head, sizeof e), &e, sizeof e);
        head->nlmsg_flags = NLM_F_CAPPED;
    } else {
        memcpy(mnl_nlmsg_put_extra_header(head, sizeof number), &number, sizeof number);
    }
    return at + head->nlmsg_len;
}

/* A whole dump of two SAs, in two datagrams; `spoiled` 1 to 3: which message says that it was interrupted. */
static void dump(struct reply *r, uint32_t seq, unsigned spoiled)
{
    reply_start(r, seq, true);
    size_t len = add_sa(0, 0x1000, seq, spoiled == 1 ? NLM_F_DUMP_INTR : 0);
    assert_false(reply_take(r, bytes, len));
    len = add_sa(0, 0x1001, seq, spoiled == 2 ? NLM_F_DUMP_INTR : 0);
    len = add_end(len, NLMSG_DONE, 0, seq, spoiled == 3 ? NLM_F_DUMP_INTR : 0);
    assert_true(reply_take(r, bytes, len));
    assert_int_equal(r->result.error, 0);
}

static void a_whole_dump(void **state)
{
    (void)state;
    struct reply r = { 0 };
    dump(&r, 5, 0);
    assert_false(reply_again(&r));
    assert_int_equal(r.result.error, 0);
    assert_int_equal(r.count, 2);
    assert_false(r.found[0].is_policy);
    assert_int_equal(r.found[0].sa.spi, 0x1000);
    assert_int_equal(r.found[1].sa.spi, 0x1001);
    assert_int_equal(r.kept_len, 0); /* a dump's keys are not kept */
    reply_wipe(&r);
    assert_int_equal(r.count, 0);
}

/* What is read in vain is forgotten, what was read before stays. */
static void interrupted(void **state)
{
    (void)state;
    for (unsigned spoiled = 1; spoiled <= 3; spoiled++) {
        struct reply r = { 0 };
        dump(&r, 5, 0);
        assert_false(reply_again(&r));
        for (unsigned tries = 1; tries < DUMP_TRIES; tries++) {
            dump(&r, 5 + tries, spoiled);
            assert_true(reply_again(&r));
            assert_int_equal(r.count, 2);
        }
        dump(&r, 20, 0);
        assert_false(reply_again(&r));
        assert_int_equal(r.result.error, 0);
        assert_int_equal(r.count, 4);
        reply_wipe(&r);
    }
}

static void always_interrupted(void **state)
{
    (void)state;
    struct reply r = { 0 };
    unsigned tries = 0;
    do {
        dump(&r, 5 + tries, 3);
        tries++;
    } while (reply_again(&r));
    assert_int_equal(tries, DUMP_TRIES);
    assert_int_equal(r.result.error, EAGAIN);
    assert_int_equal(r.count, 0);
    reply_wipe(&r);
}

/* What comes for a request that was given up belongs to no other, and does not interrupt it. */
static void late(void **state)
{
    (void)state;
    struct reply r = { 0 };
    reply_start(&r, 6, true);
    size_t len = add_sa(0, 0x1000, 5, NLM_F_DUMP_INTR);
    len = add_end(len, NLMSG_DONE, 0, 5, NLM_F_DUMP_INTR);
    len = add_sa(len, 0x1001, 6, 0);
    len = add_end(len, NLMSG_DONE, 0, 6, 0);
    assert_true(reply_take(&r, bytes, len));
    assert_false(reply_again(&r));
    assert_int_equal(r.count, 1);
    assert_int_equal(r.found[0].sa.spi, 0x1001);
    reply_wipe(&r);
}

/* A refused dump is not asked for again, interrupted or not; nor one that cannot be read. */
static void refused(void **state)
{
    (void)state;
    struct reply r = { 0 };
    reply_start(&r, 5, true);
    size_t len = add_sa(0, 0x1000, 5, NLM_F_DUMP_INTR);
    len = add_end(len, NLMSG_DONE, -ENOMEM, 5, NLM_F_DUMP_INTR);
    assert_true(reply_take(&r, bytes, len));
    assert_false(reply_again(&r));
    assert_int_equal(r.result.error, ENOMEM);
    reply_wipe(&r);
    len = add_sa(0, 0x1000, 5, 0);
    for (size_t cut = 1; cut < len; cut++) {
        memset(&r, 0, sizeof r);
        reply_start(&r, 5, true);
        assert_int_equal(reply_take(&r, bytes, cut), cut >= sizeof(struct nlmsghdr));
        assert_int_equal(r.result.error, cut >= sizeof(struct nlmsghdr) ? EBADMSG : 0);
        assert_false(reply_again(&r));
        assert_int_equal(r.count, 0);
        reply_wipe(&r);
    }
}

/* GETSA: the SA, its message as it came, and the acknowledgement in a datagram of its own. */
static void one_sa(void **state)
{
    (void)state;
    struct reply r = { 0 };
    reply_start(&r, 5, false);
    size_t len = add_sa(0, 0x1000, 5, 0);
    assert_false(reply_take(&r, bytes, len));
    assert_int_equal(r.kept_len, len);
    assert_memory_equal(r.kept, bytes, len);
    len = add_end(0, NLMSG_ERROR, 0, 5, 0);
    assert_true(reply_take(&r, bytes, len));
    assert_true(r.result.error == 0 && r.result.found && r.result.sa.spi == 0x1000);
    assert_int_equal(r.count, 0);
    reply_start(&r, 6, false);
    len = add_end(0, NLMSG_ERROR, -ESRCH, 6, 0);
    assert_true(reply_take(&r, bytes, len));
    assert_true(r.result.error == ESRCH && !r.result.found);
    reply_wipe(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_dump),
        cmocka_unit_test(interrupted),
        cmocka_unit_test(always_interrupted),
        cmocka_unit_test(late),
        cmocka_unit_test(refused),
        cmocka_unit_test(one_sa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
