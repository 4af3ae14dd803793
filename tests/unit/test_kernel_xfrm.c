/* Messages of NETLINK_XFRM: built byte by byte as linux/xfrm.h wants them. */
#include "xfrm_bytes.h"

#include "kernel-sa/reason.h"
#include "kernel-sa/show.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static _Alignas(8) uint8_t message[XFRM_BYTES];

static void new_sa(void **state)
{
    (void)state;
    struct kernel_sa sa = fake_sa("aes256-sha2_256", "10.9.0.2", "10.9.0.1");
    size_t len = xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA);
    const struct nlmsghdr *head = (const struct nlmsghdr *)message;
    struct xfrm_usersa_info info;
    unsigned size;

    assert_int_equal(head->nlmsg_len, len);
    assert_int_equal(head->nlmsg_type, XFRM_MSG_NEWSA);
    assert_int_equal(head->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
    assert_int_equal(head->nlmsg_seq, 42);
    memcpy(&info, message + 16, sizeof info);
    assert_memory_equal(&info.saddr, "\x0a\x09\x00\x02", 4);
    assert_memory_equal(&info.id.daddr, "\x0a\x09\x00\x01", 4);
    assert_memory_equal(&info.id.spi, "\x01\x02\x03\x04", 4);
    assert_int_equal(info.id.proto, 50);
    assert_int_equal(info.family, AF_INET);
    assert_int_equal(info.mode, XFRM_MODE_TUNNEL);
    assert_int_equal(info.flags, XFRM_STATE_AF_UNSPEC);
    assert_int_equal(info.reqid, 77);
    assert_int_equal(info.replay_window, 32);
    assert_true(info.lft.hard_add_expires_seconds == 3600);
    assert_true(info.lft.soft_add_expires_seconds == 3240);
    assert_true(info.lft.hard_byte_limit == XFRM_INF && info.lft.soft_packet_limit == XFRM_INF);

    const uint8_t *a = xfrm_bytes_attribute(message, len, sizeof info, XFRMA_ALG_CRYPT, &size);
    uint32_t number;
    assert_non_null(a);
    assert_int_equal(size, 64 + 4 + 32);
    assert_string_equal((const char *)a, "cbc(aes)");
    memcpy(&number, a + 64, 4);
    assert_int_equal(number, 256);
    assert_memory_equal(a + 68, sa.key, 32);
    a = xfrm_bytes_attribute(message, len, sizeof info, XFRMA_ALG_AUTH_TRUNC, &size);
    assert_non_null(a);
    assert_int_equal(size, 64 + 8 + 32);
    assert_string_equal((const char *)a, "hmac(sha256)");
    memcpy(&number, a + 64, 4);
    assert_int_equal(number, 256);
    memcpy(&number, a + 68, 4);
    assert_int_equal(number, 128);
    assert_memory_equal(a + 72, sa.auth, 32);
    a = xfrm_bytes_attribute(message, len, sizeof info, XFRMA_COADDR, &size);
    assert_non_null(a);
    assert_memory_equal(a, "ipsec-di\x11\x22\x33\x44\x55\x66\x77\x88", 16);
    assert_null(xfrm_bytes_attribute(message, len, sizeof info, XFRMA_ALG_AEAD, &size));
    assert_null(xfrm_bytes_attribute(message, len, sizeof info, XFRMA_REPLAY_ESN_VAL, &size));
}

/* Q12 */
static void cut_to_96_bits(void **state)
{
    struct kernel_sa sa = fake_sa("aes128-sha2_256_96", "10.9.0.2", "10.9.0.1");
    uint32_t number[2];
    unsigned size;
    (void)state;
    size_t len = xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA);
    const uint8_t *a = xfrm_bytes_attribute(message, len, sizeof(struct xfrm_usersa_info),
                                            XFRMA_ALG_AUTH_TRUNC, &size);
    assert_non_null(a);
    assert_int_equal(size, 64 + 8 + 32);
    assert_string_equal((const char *)a, "hmac(sha256)");
    memcpy(number, a + 64, 8);
    assert_int_equal(number[0], 256);
    assert_int_equal(number[1], 96);
}

static void new_aead_sa(void **state)
{
    (void)state;
    struct kernel_sa sa = fake_sa("aes256gcm16", "fd09::2", "fd09::1");
    sa.transport = true;
    sa.replay = 4096;
    size_t len = xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA);
    struct xfrm_usersa_info info;
    unsigned size;
    uint32_t number;
    memcpy(&info, message + 16, sizeof info);
    assert_int_equal(info.family, AF_INET6);
    assert_int_equal(info.mode, XFRM_MODE_TRANSPORT);
    assert_int_equal(info.flags, 0);
    assert_int_equal(info.replay_window, 0);
    const uint8_t *a = xfrm_bytes_attribute(message, len, sizeof info, XFRMA_ALG_AEAD, &size);
    assert_non_null(a);
    assert_int_equal(size, 64 + 8 + 36);
    assert_string_equal((const char *)a, "rfc4106(gcm(aes))");
    memcpy(&number, a + 64, 4);
    assert_int_equal(number, 288);
    memcpy(&number, a + 68, 4);
    assert_int_equal(number, 128);
    assert_memory_equal(a + 72, sa.key, 36);
    assert_null(xfrm_bytes_attribute(message, len, sizeof info, XFRMA_ALG_AUTH_TRUNC, &size));
    a = xfrm_bytes_attribute(message, len, sizeof info, XFRMA_REPLAY_ESN_VAL, &size);
    assert_non_null(a);
    assert_int_equal(size, 24 + 4096 / 8);
    memcpy(&number, a, 4);
    assert_int_equal(number, 4096 / 32);
    sa.replay = 4097;
    assert_int_equal(xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA), 0);
}

static void every_suite_comes_back(void **state)
{
    static const char *const suites[] = {
        "3des-md5", "3des-sha1", "3des-sha2_512", "aes128-sha1", "aes192-sha2_384",
        "aes256-sha2_256", "aes128-sha2_256_96", "aes256-sha2_512", "aes128gcm16", "aes192gcm16", "aes256gcm16"
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(suites); i++) {
        struct kernel_sa sa = fake_sa(suites[i], "10.9.0.2", "10.9.0.1");
        struct xfrm_message m;
        struct buffer said;
        size_t used;
        sa.replay = i % 2 == 0 ? 64 : 8;
        size_t len = xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA);
        assert_null(xfrm_read(&m, message, len, &used));
        assert_int_equal(used, (len + 3) / 4 * 4);
        assert_int_equal(m.kind, XFRM_IS_SA);
        assert_int_equal(m.seq, 42);
        assert_true(address_equal(&m.sa.src, &sa.src) && address_equal(&m.sa.dst, &sa.dst));
        assert_true(m.sa.cipher == sa.cipher && m.sa.hash == sa.hash);
        assert_int_equal(m.sa.spi, sa.spi);
        assert_int_equal(m.sa.replay, sa.replay);
        assert_true(m.sa.exchange == sa.exchange && m.sa.inbound && m.sa.maker == MAKER_DAEMON);
        assert_int_equal(m.sa.key_len, 0);
        buffer_init(&said, 0);
        show_sa(&said, &m.sa, 100);
        buffer_add_u8(&said, 0);
        assert_non_null(strstr((const char *)said.data, suites[i]));
        buffer_wipe(&said);
    }
}

static void sa_by_id(void **state)
{
    static const struct { enum kernel_verb verb; uint16_t type; } verbs[] = {
        { KERNEL_GET_SA, XFRM_MSG_GETSA }, { KERNEL_DELETE_SA, XFRM_MSG_DELSA }
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(verbs); i++) {
        struct kernel_sa sa = fake_sa("aes256gcm16", "fd09::2", "fd09::1");
        struct xfrm_usersa_id id;
        assert_int_equal(xfrm_bytes_sa(message, &sa, verbs[i].verb), 16 + 24);
        assert_int_equal(((const struct nlmsghdr *)message)->nlmsg_type, verbs[i].type);
        memcpy(&id, message + 16, sizeof id);
        assert_int_equal(id.family, AF_INET6);
        assert_int_equal(ntohl(id.spi), 0x01020304);
        assert_int_equal(id.proto, 50);
        assert_memory_equal(&id.daddr, sa.dst.bytes, 16);
    }
}

static void policies(void **state)
{
    (void)state;
    struct kernel_policy p = xfrm_bytes_a_policy();
    struct xfrm_userpolicy_info info;
    struct xfrm_userpolicy_id id;
    struct xfrm_user_tmpl t;
    struct xfrm_message m;
    unsigned size;
    size_t used;
    size_t len = xfrm_bytes_policy(message, &p, KERNEL_ADD_POLICY);
    assert_int_equal(((const struct nlmsghdr *)message)->nlmsg_type, XFRM_MSG_NEWPOLICY);
    memcpy(&info, message + 16, sizeof info);
    assert_memory_equal(&info.sel.saddr, "\x0a\x02\x00\x00", 4);
    assert_memory_equal(&info.sel.daddr, "\x0a\x01\x00\x00", 4);
    assert_int_equal(info.sel.prefixlen_s, 24);
    assert_int_equal(info.sel.prefixlen_d, 16);
    assert_int_equal(info.sel.family, AF_INET);
    assert_int_equal(info.dir, XFRM_POLICY_FWD);
    assert_int_equal(info.action, XFRM_POLICY_ALLOW);
    assert_int_equal(info.index & 7, XFRM_POLICY_FWD);
    assert_int_equal(info.priority, 3712);
    assert_true(info.lft.hard_byte_limit == XFRM_INF);
    const uint8_t *a = xfrm_bytes_attribute(message, len, sizeof info, XFRMA_TMPL, &size);
    assert_non_null(a);
    assert_int_equal(size, sizeof t);
    memcpy(&t, a, sizeof t);
    assert_memory_equal(&t.saddr, "\x0a\x09\x00\x02", 4);
    assert_memory_equal(&t.id.daddr, "\x0a\x09\x00\x01", 4);
    assert_int_equal(t.id.spi, 0);
    assert_int_equal(t.id.proto, 50);
    assert_int_equal(t.reqid, 77);
    assert_int_equal(t.mode, XFRM_MODE_TUNNEL);
    assert_int_equal(t.optional, 0);
    assert_int_equal(t.ealgos, UINT32_MAX);
    assert_null(xfrm_read(&m, message, len, &used));
    assert_int_equal(m.kind, XFRM_IS_POLICY);
    assert_true(policy_same_selector(&m.policy, &p) && policy_same_effect(&m.policy, &p));
    assert_int_equal(m.policy.maker, MAKER_HAND);

    assert_true(xfrm_bytes_policy(message, &p, KERNEL_UPDATE_POLICY) == len);
    assert_int_equal(((const struct nlmsghdr *)message)->nlmsg_type, XFRM_MSG_UPDPOLICY);
    assert_int_equal(xfrm_bytes_policy(message, &p, KERNEL_DELETE_POLICY), 16 + sizeof id);
    memcpy(&id, message + 16, sizeof id);
    assert_int_equal(id.index, p.index);
    assert_int_equal(id.dir, XFRM_POLICY_FWD);

    p.kind = POLICY_DROP;
    len = xfrm_bytes_policy(message, &p, KERNEL_ADD_POLICY);
    assert_null(xfrm_bytes_attribute(message, len, sizeof info, XFRMA_TMPL, &size));
    assert_null(xfrm_read(&m, message, len, &used));
    assert_int_equal(m.policy.kind, POLICY_DROP);
    p.kind = POLICY_PASS;
    len = xfrm_bytes_policy(message, &p, KERNEL_ADD_POLICY);
    assert_null(xfrm_read(&m, message, len, &used));
    assert_int_equal(m.policy.kind, POLICY_PASS);
    p.index = 8 * 5 + 3; /* a socket's own */
    len = xfrm_bytes_policy(message, &p, KERNEL_ADD_POLICY);
    assert_null(xfrm_read(&m, message, len, &used));
    assert_int_equal(m.kind, XFRM_IS_OTHER);
}

static void priorities(void **state)
{
    struct subnet wide;
    struct subnet narrow;
    (void)state;
    assert_null(subnet_parse(&wide, "0.0.0.0/0", 0));
    assert_null(subnet_parse(&narrow, "10.1.0.0/24", 0));
    assert_true(policy_priority(&narrow, &narrow) < policy_priority(&narrow, &wide));
    assert_true(policy_priority(&narrow, &wide) < policy_priority(&wide, &wide));
    assert_null(subnet_parse(&narrow, "fd01::1/128", 0));
    assert_true(policy_priority(&narrow, &narrow) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_sa),
        cmocka_unit_test(new_aead_sa),
        { "Q12 kernel: an SA with sha2_256_96 keeps 96 bits", cut_to_96_bits, NULL, NULL, NULL },
        cmocka_unit_test(every_suite_comes_back),
        cmocka_unit_test(sa_by_id),
        cmocka_unit_test(policies),
        cmocka_unit_test(priorities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
