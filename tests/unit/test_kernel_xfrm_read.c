/* Messages of NETLINK_XFRM: read without belief (F21), and what they mean for people. */
#include "xfrm_bytes.h"

#include "kernel-sa/reason.h"
#include "kernel-sa/show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static _Alignas(8) uint8_t message[XFRM_BYTES];

/* F21: cut anywhere, with the length of the head put right or not. */
static void f21_cut(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t whole[XFRM_MESSAGE_MAX];
    for (int kind = 0; kind < 2; kind++) {
        struct kernel_sa sa = fake_sa("aes256-sha2_256", "10.9.0.2", "10.9.0.1");
        struct kernel_policy p = xfrm_bytes_a_policy();
        size_t len = kind == 0 ? xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA)
                               : xfrm_bytes_policy(message, &p, KERNEL_ADD_POLICY);
        memcpy(whole, message, len);
        for (size_t n = 0; n < len; n++) {
            struct xfrm_message m;
            size_t used;
            /* In a block of exactly that size, so that AddressSanitizer sees every step beyond. */
            uint8_t *exact = malloc(n + 1);
            memcpy(exact, whole, n);
            assert_non_null(xfrm_read(&m, exact, n, &used));
            if (n >= sizeof(struct nlmsghdr)) {
                uint32_t claimed = (uint32_t)n;
                memcpy(exact, &claimed, sizeof claimed);
                const char *why = xfrm_read(&m, exact, n, &used);
                size_t head = kind == 0 ? sizeof(struct xfrm_usersa_info)
                                        : sizeof(struct xfrm_userpolicy_info);
                assert_true(n >= 16 + head || why != NULL);
            }
            assert_true(used <= n);
            free(exact);
        }
    }
}

/* F21: the same within the attributes: without the last ones it is a message; with a part of one it is none. */
static void f21_attributes(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t whole[XFRM_MESSAGE_MAX];
    struct kernel_sa sa = fake_sa("aes256-sha2_256", "10.9.0.2", "10.9.0.1");
    struct xfrm_message m;
    size_t used;
    const size_t len = xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA);
    size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct xfrm_usersa_info));
    memcpy(whole, message, len);
    while (at < len) {
        struct nlattr a;
        memcpy(&a, whole + at, sizeof a);
        const size_t end = at + NLMSG_ALIGN((size_t)a.nla_len);
        for (size_t n = at; n <= end; n++) {
            memcpy(message, whole, n);
            memcpy(message, &(uint32_t){ (uint32_t)n }, 4);
            const char *why = xfrm_read(&m, message, n, &used);
            assert_int_equal(why == NULL, n == at || n >= at + a.nla_len);
        }
        for (size_t claimed = 0; claimed <= UINT16_MAX; claimed++) { /* on its own, as the last one */
            memcpy(message, whole, end);
            memcpy(message, &(uint32_t){ (uint32_t)end }, 4);
            memcpy(message + at, &(uint16_t){ (uint16_t)claimed }, 2);
            const char *why = xfrm_read(&m, message, end, &used);
            assert_true(why != NULL || (claimed >= sizeof a && claimed <= end - at));
            assert_true(why == NULL || claimed != a.nla_len);
        }
        memcpy(message, whole, len);
        at = end;
    }
    assert_int_equal(at, len);
    assert_null(xfrm_read(&m, message, len, &used));
    assert_non_null(m.sa.cipher);
    /* One that is too short for what it should be counts as not there. */
    unsigned size;
    const uint8_t *crypt = xfrm_bytes_attribute(message, len, sizeof(struct xfrm_usersa_info), XFRMA_ALG_CRYPT, &size);
    assert_non_null(crypt);
    for (size_t missing = 0; missing <= sizeof(struct xfrm_algo); missing++) {
        const size_t data = (size_t)(crypt - message);
        const size_t n = data + sizeof(struct xfrm_algo) - missing;
        uint8_t *exact = malloc(n);
        assert_non_null(exact);
        memcpy(exact, whole, n);
        memcpy(exact, &(uint32_t){ (uint32_t)n }, 4);
        memcpy(exact + data - sizeof(struct nlattr), &(uint16_t){ (uint16_t)(n - data + sizeof(struct nlattr)) }, 2);
        assert_null(xfrm_read(&m, exact, n, &used));
        assert_int_equal(m.sa.cipher == NULL, missing > 0);
        free(exact);
    }
}

static void f21_spoiled(void **state)
{
    (void)state;
    uint32_t random = 20240917;
    static _Alignas(8) uint8_t whole[XFRM_MESSAGE_MAX];
    struct kernel_sa sa = fake_sa("aes256-sha2_256", "10.9.0.2", "10.9.0.1");
    size_t len = xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA);
    static const uint16_t types[] = { XFRM_MSG_NEWSA, XFRM_MSG_NEWPOLICY, XFRM_MSG_EXPIRE,
                                      XFRM_MSG_ACQUIRE, XFRM_MSG_DELSA, XFRM_MSG_DELPOLICY,
                                      XFRM_MSG_FLUSHSA, XFRM_MSG_GETDEFAULT, NLMSG_ERROR, NLMSG_DONE, 9999 };
    memcpy(whole, message, len);
    for (int round = 0; round < 50000; round++) {
        struct xfrm_message m;
        size_t used;
        uint8_t *exact = malloc(len);
        memcpy(exact, whole, len);
        random = random * 1664525u + 1013904223u;
        memcpy(exact + 4, &types[(random >> 8) % LENGTH(types)], 2);
        for (int i = 0; i < 4; i++) {
            random = random * 1664525u + 1013904223u;
            exact[6 + (random >> 8) % (len - 6)] = (uint8_t)(random >> 24);
        }
        (void)xfrm_read(&m, exact, len, &used);
        assert_true(used <= len && used > 0);
        assert_true(memchr(m.text, '\0', sizeof m.text) != NULL);
        free(exact);
    }
}

/* F21 */
static void f21_unknown_attribute(void **state)
{
    (void)state;
    struct kernel_sa sa = fake_sa("aes128gcm16", "10.9.0.2", "10.9.0.1");
    struct xfrm_message m;
    size_t used;
    (void)xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA);
    struct nlmsghdr *head = (struct nlmsghdr *)message;
    assert_true(mnl_attr_put_check(head, sizeof message, XFRMA_MAX + 7, 5, "12345"));
    assert_true(mnl_attr_put_check(head, sizeof message, 0x3fff, 0, ""));
    assert_null(xfrm_read(&m, message, head->nlmsg_len, &used));
    assert_int_equal(m.sa.spi, 0x01020304);
    head->nlmsg_type = 0x7777;
    assert_null(xfrm_read(&m, message, head->nlmsg_len, &used));
    assert_int_equal(m.kind, XFRM_IS_OTHER);
}

static void foreign_algorithms(void **state)
{
    (void)state;
    struct kernel_sa sa = fake_sa("aes128gcm16", "10.9.0.2", "10.9.0.1");
    struct xfrm_message m;
    struct buffer said;
    size_t used;
    unsigned size;
    size_t len = xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA);
    const size_t head = sizeof(struct xfrm_usersa_info);
    uint8_t *name = (uint8_t *)(uintptr_t)xfrm_bytes_attribute(message, len, head,
                                                               XFRMA_ALG_AEAD, &size);
    memset(name, 'x', 64); /* not even ended */
    assert_null(xfrm_read(&m, message, len, &used));
    assert_null(m.sa.cipher);
    buffer_init(&said, 0);
    show_sa(&said, &m.sa, 0);
    buffer_add_u8(&said, 0);
    assert_non_null(strstr((const char *)said.data, "unknown algorithms"));
    buffer_wipe(&said);
}

/* [W12] */
static void default_policies(void **state)
{
    (void)state;
    const struct kernel_request q = { .verb = KERNEL_GET_STANDARD };
    struct xfrm_message m;
    size_t used;
    size_t len = xfrm_build(message, sizeof message, &q, 42);
    struct nlmsghdr *head = (struct nlmsghdr *)message;
    const struct xfrm_userpolicy_default d = { .in = XFRM_USERPOLICY_BLOCK, .out = XFRM_USERPOLICY_ACCEPT };
    assert_int_equal(head->nlmsg_type, XFRM_MSG_GETDEFAULT);
    assert_int_equal(len, NLMSG_HDRLEN + NLMSG_ALIGN(sizeof d));
    memcpy(message + NLMSG_HDRLEN, &d, sizeof d);
    assert_null(xfrm_read(&m, message, len, &used));
    assert_int_equal(m.kind, XFRM_IS_STANDARD);
    assert_int_equal(m.standard[WAY_IN], STANDARD_BLOCK);
    assert_int_equal(m.standard[WAY_OUT], STANDARD_ACCEPT);
    assert_int_equal(m.standard[WAY_FWD], STANDARD_UNKNOWN);
    head->nlmsg_len = NLMSG_HDRLEN + sizeof d - 1;
    assert_non_null(xfrm_read(&m, message, head->nlmsg_len, &used));
}

/* Policies as other programs make them. */
static void templates_and_types(void **state)
{
    (void)state;
    struct kernel_policy p = xfrm_bytes_a_policy();
    struct xfrm_user_tmpl t[2] = { { .reqid = 9, .mode = XFRM_MODE_TUNNEL, .family = AF_INET, .optional = 1 },
                                   { .reqid = 10, .mode = XFRM_MODE_TRANSPORT, .family = AF_INET, .optional = 1 } };
    const struct xfrm_userpolicy_type type = { .type = XFRM_POLICY_TYPE_SUB };
    struct xfrm_message m;
    size_t used;
    for (unsigned optional = 0; optional < 2; optional++) {
        t[1].optional = (uint8_t)optional;
        p.kind = POLICY_PASS;
        (void)xfrm_bytes_policy(message, &p, KERNEL_ADD_POLICY);
        struct nlmsghdr *head = (struct nlmsghdr *)message;
        assert_true(mnl_attr_put_check(head, sizeof message, XFRMA_TMPL, sizeof t, t));
        assert_true(mnl_attr_put_check(head, sizeof message, XFRMA_POLICY_TYPE, sizeof type, &type));
        assert_null(xfrm_read(&m, message, head->nlmsg_len, &used));
        assert_int_equal(m.policy.kind, POLICY_IPSEC);
        assert_int_equal(m.policy.reqid, 9);
        assert_false(m.policy.transport);
        assert_int_equal(m.policy.templates, 2);
        assert_int_equal(m.policy.optional, optional == 1);
        assert_true(m.policy.sub);
    }
}

static void dumps(void **state)
{
    (void)state;
    const struct nlmsghdr *head = (const struct nlmsghdr *)message;
    for (int policy = 0; policy <= 1; policy++) {
        size_t len = xfrm_build_dump(message, sizeof message, policy == 1, 5);
        assert_int_equal(head->nlmsg_len, len);
        assert_int_equal(len, NLMSG_HDRLEN); /* else the kernel complains of bytes that are no attributes */
        assert_int_equal(head->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
        assert_int_equal(head->nlmsg_type, policy ? XFRM_MSG_GETPOLICY : XFRM_MSG_GETSA);
    }
    assert_int_equal(xfrm_build_dump(message, 10, true, 5), 0);
    struct kernel_request q = { .verb = KERNEL_LIST };
    assert_int_equal(xfrm_build(message, sizeof message, &q, 1), 0);
}

/* What the kernel says comes back with what to do about it. */
static void reasons(void **state)
{
    static const struct { enum kernel_verb verb; int error; const char *suite, *dst, *says; } cases[] = {
        { KERNEL_ADD_SA, EPROTONOSUPPORT, "aes128-sha1", "10.9.0.1", "modprobe esp4" },
        { KERNEL_ADD_SA, EPROTONOSUPPORT, "aes128-sha1", "fd09::1", "modprobe esp6" },
        { KERNEL_ADD_SA, ENOSYS, "3des-md5", "10.9.0.1", "echainiv des_generic md5" },
        { KERNEL_ADD_SA, ENOENT, "aes256gcm16", "10.9.0.1", "modprobe -a gcm seqiv" },
        { KERNEL_ADD_SA, ENOSYS, "aes256-sha2_512", "10.9.0.1", "sha512_generic" },
        { KERNEL_ADD_SA, EPERM, "aes128-sha1", "10.9.0.1", "needs CAP_NET_ADMIN" },
        { KERNEL_ADD_SA, EEXIST, "aes128-sha1", "10.9.0.1", "kernel-sa --list" },
        { KERNEL_ADD_SA, ENOMEM, "aes128-sha1", "10.9.0.1", "short of memory" },
        { KERNEL_UPDATE_SA, ESRCH, "aes128-sha1", "10.9.0.1", "not there" },
        { KERNEL_UPDATE_SA, EINVAL, "aes128-sha1", "10.9.0.1", "negotiate anew" },
        { KERNEL_UPDATE_SA, ENOSYS, "aes128-sha1", "10.9.0.1", "keeps the life" },
        { KERNEL_LIST, EAGAIN, "aes128-sha1", "10.9.0.1", "changed each time" },
        { KERNEL_DELETE_SA, ESRCH, "aes128-sha1", "10.9.0.1", "not there" },
        { KERNEL_ADD_SA, EINVAL, "aes128-sha1", "10.9.0.1", "\"the kernel's own\" (Invalid" },
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct kernel_request q = { .verb = cases[i].verb };
        struct kernel_result r = { .error = cases[i].error, .text = "the kernel's own" };
        struct buffer said;
        q.sa = fake_sa(cases[i].suite, cases[i].dst[0] == 'f' ? "fd09::2" : "10.9.0.2", cases[i].dst);
        buffer_init(&said, 0);
        kernel_reason(&said, &q, &r);
        buffer_add_u8(&said, 0);
        if (strstr((const char *)said.data, cases[i].says) == NULL) {
            fail_msg("%s: lacks %s", (const char *)said.data, cases[i].says);
        }
        buffer_wipe(&said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f21_cut),
        cmocka_unit_test(f21_attributes),
        cmocka_unit_test(f21_spoiled),
        cmocka_unit_test(f21_unknown_attribute),
        cmocka_unit_test(foreign_algorithms),
        cmocka_unit_test(default_policies),
        cmocka_unit_test(templates_and_types),
        cmocka_unit_test(dumps),
        cmocka_unit_test(reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
