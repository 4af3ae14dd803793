/*
 * F21: messages of NETLINK_XFRM with lengths, families and prefixes that cannot be, each in a block of its own size, so that
 * AddressSanitizer sees a step beyond. Cut ones and attributes: test_kernel_xfrm_read.c.
 */
#include "xfrm_bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static _Alignas(8) uint8_t message[XFRM_BYTES];
static struct xfrm_message m;

/* NULL, or why not. *used: what it took. */
static const char *read_exact(size_t len, size_t *used)
{
    uint8_t *exact = malloc(len);
    assert_non_null(exact);
    memcpy(exact, message, len);
    const char *why = xfrm_read(&m, exact, len, used);
    assert_in_range(*used, 1, len); /* whoever goes on behind it comes to an end */
    free(exact);
    return why;
}

static void f21_lengths_of_messages(void **state)
{
    static const uint32_t large[] = { 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffc, 0xffffffff };
    struct kernel_sa sa = fake_sa("aes256-sha2_256", "10.9.0.2", "10.9.0.1");
    struct kernel_policy p = xfrm_bytes_a_policy();
    size_t used;
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        const size_t len = kind == 0 ? xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA)
                                     : xfrm_bytes_policy(message, &p, KERNEL_ADD_POLICY);
        for (uint32_t claimed = 0; claimed < len + 20; claimed++) {
            memcpy(message, &claimed, sizeof claimed);
            const char *why = read_exact(len, &used);
            assert_true(why != NULL || (claimed >= NLMSG_HDRLEN && claimed <= len));
            assert_true(why == NULL || claimed != len);
        }
        for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
            memcpy(message, &large[i], sizeof large[i]);
            assert_non_null(read_exact(len, &used));
        }
    }
}

/* An acknowledgement that repeats our request, and says how long that is. */
static void f21_lengths_of_repeated_requests(void **state)
{
    const uint16_t text[2] = { sizeof(struct nlattr) + 2, NLMSGERR_ATTR_MSG };
    const size_t request = 64;
    size_t used;
    (void)state;
    for (uint32_t claimed = 0; claimed < 300; claimed++) {
        memset(message, 0, sizeof message);
        struct nlmsghdr *head = mnl_nlmsg_put_header(message);
        const struct nlmsgerr error = { .error = -EINVAL, .msg = { .nlmsg_len = claimed } };
        head->nlmsg_type = NLMSG_ERROR;
        head->nlmsg_flags = NLM_F_ACK_TLVS;
        uint8_t *at = mnl_nlmsg_put_extra_header(head, sizeof error.error + request + 8);
        memcpy(at, &error, sizeof error);
        memcpy(at + sizeof error.error + request, text, sizeof text);
        memcpy(at + sizeof error.error + request + sizeof text, "x", 2);
        const char *why = read_exact(head->nlmsg_len, &used);
        const bool right = claimed > request - 4 && claimed <= request;
        const bool without = claimed > request + 4 && claimed <= request + 8; /* nothing follows it */
        assert_int_equal(why == NULL, right || without);
        assert_string_equal(m.text, right ? "x" : "");
    }
}

/* The end of a dump, and an acknowledgement, hold an errno value or nothing of use. */
static void f21_errors_that_are_none(void **state)
{
    static const struct {
        int32_t says;
        int error;      /* of the end of a dump */
        bool ack;       /* is that an acknowledgement? */
    } cases[] = { { 0, 0, true }, { -1, 1, true }, { -EPERM, EPERM, true }, { -4095, 4095, true }, { -4096, 0, false },
                  { INT32_MIN, 0, false }, { INT32_MIN + 1, 0, false }, { 1, 0, false }, { INT32_MAX, 0, false } };
    size_t used;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nlmsghdr *head = mnl_nlmsg_put_header(message);
        head->nlmsg_type = NLMSG_DONE;
        memcpy(mnl_nlmsg_put_extra_header(head, sizeof cases[i].says), &cases[i].says, sizeof cases[i].says);
        assert_null(read_exact(head->nlmsg_len, &used));
        assert_int_equal(m.kind, XFRM_IS_DONE);
        assert_int_equal(m.error, cases[i].error);
        const struct nlmsgerr ack = { .error = cases[i].says };
        head = mnl_nlmsg_put_header(message);
        head->nlmsg_type = NLMSG_ERROR;
        head->nlmsg_flags = NLM_F_CAPPED;
        memcpy(mnl_nlmsg_put_extra_header(head, sizeof ack), &ack, sizeof ack);
        assert_int_equal(read_exact(head->nlmsg_len, &used) == NULL, cases[i].ack);
        assert_true(m.error >= 0 && m.error <= 4095);
    }
}

static size_t an_acquire(const struct xfrm_user_acquire *acquire)
{
    struct xfrm_user_tmpl t = { .reqid = 9, .mode = XFRM_MODE_TUNNEL, .family = AF_INET };
    struct nlmsghdr *head = mnl_nlmsg_put_header(message);
    head->nlmsg_type = XFRM_MSG_ACQUIRE;
    memcpy(mnl_nlmsg_put_extra_header(head, sizeof *acquire), acquire, sizeof *acquire);
    assert_true(mnl_attr_put_check(head, sizeof message, XFRMA_TMPL, sizeof t, &t));
    return head->nlmsg_len;
}

static bool may_be(unsigned family, unsigned bits)
{
    return (family == AF_INET && bits <= 32) || (family == AF_INET6 && bits <= 128);
}

static void f21_selectors(void **state)
{
    static const uint16_t families[] = { AF_INET, AF_INET6, 0, 1, 11, 0x0200, 0xffff };
    static const uint8_t bits[] = { 0, 31, 32, 33, 127, 128, 129, 255 };
    struct kernel_policy p = xfrm_bytes_a_policy();
    struct xfrm_user_acquire good;
    size_t used;
    (void)state;
    memset(&good, 0, sizeof good);
    p.way = WAY_OUT;
    p.index = policy_index(MAKER_DAEMON, WAY_OUT, 1);
    (void)xfrm_bytes_policy(message, &p, KERNEL_ADD_POLICY);
    memcpy(&good.policy, message + NLMSG_HDRLEN, sizeof good.policy);
    good.sel = good.policy.sel;
    assert_null(read_exact(an_acquire(&good), &used));
    for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
        for (size_t b = 0; b < sizeof bits; b++) {
            for (unsigned where = 0; where < 4; where++) { /* the packet's, the policy's; source, destination */
                struct xfrm_user_acquire a = good;
                struct xfrm_selector *sel = where < 2 ? &a.sel : &a.policy.sel;
                sel->family = families[f];
                sel->prefixlen_s = where % 2 == 0 ? bits[b] : 8;
                sel->prefixlen_d = where % 2 == 1 ? bits[b] : 8;
                const char *why = read_exact(an_acquire(&a), &used);
                assert_int_equal(why == NULL, may_be(families[f], bits[b]));
            }
        }
        /* An SA's own family */
        struct kernel_sa sa = fake_sa("aes256-sha2_256", "10.9.0.2", "10.9.0.1");
        struct xfrm_usersa_info info;
        const size_t len = xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA);
        memcpy(&info, message + NLMSG_HDRLEN, sizeof info);
        info.family = families[f];
        memcpy(message + NLMSG_HDRLEN, &info, sizeof info);
        assert_int_equal(read_exact(len, &used) == NULL, may_be(families[f], 0));
    }
}

/* The first types that are not known here: there is no room for them. */
static void f21_next_attributes(void **state)
{
    size_t used;
    (void)state;
    for (unsigned type = XFRMA_MAX; type < XFRMA_MAX + 12u; type++) {
        struct kernel_sa sa = fake_sa("aes128gcm16", "10.9.0.2", "10.9.0.1");
        (void)xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA);
        struct nlmsghdr *head = (struct nlmsghdr *)(void *)message;
        assert_true(mnl_attr_put_check(head, sizeof message, (uint16_t)type, 5, "12345"));
        assert_null(read_exact(head->nlmsg_len, &used));
        assert_true(m.sa.spi == sa.spi && m.sa.cipher == sa.cipher && m.sa.exchange == sa.exchange);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f21_lengths_of_messages),
        cmocka_unit_test(f21_lengths_of_repeated_requests),
        cmocka_unit_test(f21_errors_that_are_none),
        cmocka_unit_test(f21_selectors),
        cmocka_unit_test(f21_next_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
