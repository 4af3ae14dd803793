/* Messages of NETLINK_XFRM: built byte by byte as linux/xfrm.h wants them, and read without belief (F21). */
#include "kernel_fake.h"

#include "kernel-sa/reason.h"
#include "kernel-sa/show.h"
#include "kernel-sa/xfrm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static _Alignas(8) uint8_t message[XFRM_MESSAGE_MAX + 1024];

static struct kernel_policy a_policy(void)
{
    struct kernel_policy p = { .way = WAY_FWD, .kind = POLICY_IPSEC, .reqid = 77, .priority = 3712,
                               .index = policy_index(MAKER_HAND, WAY_FWD, 0xabcdef) };
    assert_null(subnet_parse(&p.src, "10.2.0.0/24", 0));
    assert_null(subnet_parse(&p.dst, "10.1.0.0/16", 0));
    assert_null(address_parse(&p.tunnel_src, "10.9.0.2"));
    assert_null(address_parse(&p.tunnel_dst, "10.9.0.1"));
    return p;
}

static size_t build_sa(const struct kernel_sa *sa, enum kernel_verb verb)
{
    struct kernel_request q = { .verb = verb, .sa = *sa };
    return xfrm_build(message, sizeof message, &q, 42);
}

static size_t build_policy(const struct kernel_policy *p, enum kernel_verb verb)
{
    struct kernel_request q = { .verb = verb, .policy = *p };
    return xfrm_build(message, sizeof message, &q, 42);
}

/* Another reader than xfrm.c's: the place of an attribute behind a head of `head` bytes. */
static const uint8_t *attribute(size_t len, size_t head, unsigned type, unsigned *size)
{
    size_t at = 16 + (head + 3) / 4 * 4;
    while (at + 4 <= len) {
        uint16_t a[2];
        memcpy(a, message + at, sizeof a);
        if (a[1] == type) {
            *size = a[0] - 4u;
            return message + at + 4;
        }
        at += (a[0] + 3u) / 4 * 4;
    }
    return NULL;
}

static void new_sa(void **state)
{
    (void)state;
    struct kernel_sa sa = fake_sa("aes256-sha2_256", "10.9.0.2", "10.9.0.1");
    size_t len = build_sa(&sa, KERNEL_ADD_SA);
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

    const uint8_t *a = attribute(len, sizeof info, XFRMA_ALG_CRYPT, &size);
    uint32_t number;
    assert_non_null(a);
    assert_int_equal(size, 64 + 4 + 32);
    assert_string_equal((const char *)a, "cbc(aes)");
    memcpy(&number, a + 64, 4);
    assert_int_equal(number, 256);
    assert_memory_equal(a + 68, sa.key, 32);
    a = attribute(len, sizeof info, XFRMA_ALG_AUTH_TRUNC, &size);
    assert_non_null(a);
    assert_int_equal(size, 64 + 8 + 32);
    assert_string_equal((const char *)a, "hmac(sha256)");
    memcpy(&number, a + 64, 4);
    assert_int_equal(number, 256);
    memcpy(&number, a + 68, 4);
    assert_int_equal(number, 128);
    assert_memory_equal(a + 72, sa.auth, 32);
    a = attribute(len, sizeof info, XFRMA_COADDR, &size);
    assert_non_null(a);
    assert_memory_equal(a, "ipsec-di\x11\x22\x33\x44\x55\x66\x77\x88", 16);
    assert_null(attribute(len, sizeof info, XFRMA_ALG_AEAD, &size));
    assert_null(attribute(len, sizeof info, XFRMA_REPLAY_ESN_VAL, &size));
}

/* Q12 */
static void cut_to_96_bits(void **state)
{
    struct kernel_sa sa = fake_sa("aes128-sha2_256_96", "10.9.0.2", "10.9.0.1");
    uint32_t number[2];
    unsigned size;
    (void)state;
    const uint8_t *a = attribute(build_sa(&sa, KERNEL_ADD_SA), sizeof(struct xfrm_usersa_info),
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
    size_t len = build_sa(&sa, KERNEL_ADD_SA);
    struct xfrm_usersa_info info;
    unsigned size;
    uint32_t number;
    memcpy(&info, message + 16, sizeof info);
    assert_int_equal(info.family, AF_INET6);
    assert_int_equal(info.mode, XFRM_MODE_TRANSPORT);
    assert_int_equal(info.flags, 0);
    assert_int_equal(info.replay_window, 0);
    const uint8_t *a = attribute(len, sizeof info, XFRMA_ALG_AEAD, &size);
    assert_non_null(a);
    assert_int_equal(size, 64 + 8 + 36);
    assert_string_equal((const char *)a, "rfc4106(gcm(aes))");
    memcpy(&number, a + 64, 4);
    assert_int_equal(number, 288);
    memcpy(&number, a + 68, 4);
    assert_int_equal(number, 128);
    assert_memory_equal(a + 72, sa.key, 36);
    assert_null(attribute(len, sizeof info, XFRMA_ALG_AUTH_TRUNC, &size));
    a = attribute(len, sizeof info, XFRMA_REPLAY_ESN_VAL, &size);
    assert_non_null(a);
    assert_int_equal(size, 24 + 4096 / 8);
    memcpy(&number, a, 4);
    assert_int_equal(number, 4096 / 32);
    sa.replay = 4097;
    assert_int_equal(build_sa(&sa, KERNEL_ADD_SA), 0);
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
        size_t len = build_sa(&sa, KERNEL_ADD_SA);
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
        assert_int_equal(build_sa(&sa, verbs[i].verb), 16 + 24);
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
    struct kernel_policy p = a_policy();
    struct xfrm_userpolicy_info info;
    struct xfrm_userpolicy_id id;
    struct xfrm_user_tmpl t;
    struct xfrm_message m;
    unsigned size;
    size_t used;
    size_t len = build_policy(&p, KERNEL_ADD_POLICY);
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
    const uint8_t *a = attribute(len, sizeof info, XFRMA_TMPL, &size);
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

    assert_true(build_policy(&p, KERNEL_UPDATE_POLICY) == len);
    assert_int_equal(((const struct nlmsghdr *)message)->nlmsg_type, XFRM_MSG_UPDPOLICY);
    assert_int_equal(build_policy(&p, KERNEL_DELETE_POLICY), 16 + sizeof id);
    memcpy(&id, message + 16, sizeof id);
    assert_int_equal(id.index, p.index);
    assert_int_equal(id.dir, XFRM_POLICY_FWD);

    p.kind = POLICY_DROP;
    len = build_policy(&p, KERNEL_ADD_POLICY);
    assert_null(attribute(len, sizeof info, XFRMA_TMPL, &size));
    assert_null(xfrm_read(&m, message, len, &used));
    assert_int_equal(m.policy.kind, POLICY_DROP);
    p.kind = POLICY_PASS;
    len = build_policy(&p, KERNEL_ADD_POLICY);
    assert_null(xfrm_read(&m, message, len, &used));
    assert_int_equal(m.policy.kind, POLICY_PASS);
    p.index = 8 * 5 + 3; /* a socket's own */
    len = build_policy(&p, KERNEL_ADD_POLICY);
    assert_null(xfrm_read(&m, message, len, &used));
    assert_int_equal(m.kind, XFRM_IS_OTHER);
}

/* F21: cut anywhere, with the length of the head put right or not. */
static void f21_cut(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t whole[XFRM_MESSAGE_MAX];
    for (int kind = 0; kind < 2; kind++) {
        struct kernel_sa sa = fake_sa("aes256-sha2_256", "10.9.0.2", "10.9.0.1");
        struct kernel_policy p = a_policy();
        size_t len = kind == 0 ? build_sa(&sa, KERNEL_ADD_SA) : build_policy(&p, KERNEL_ADD_POLICY);
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

static void f21_spoiled(void **state)
{
    (void)state;
    uint32_t random = 20240917;
    static _Alignas(8) uint8_t whole[XFRM_MESSAGE_MAX];
    struct kernel_sa sa = fake_sa("aes256-sha2_256", "10.9.0.2", "10.9.0.1");
    size_t len = build_sa(&sa, KERNEL_ADD_SA);
    static const uint16_t types[] = { XFRM_MSG_NEWSA, XFRM_MSG_NEWPOLICY, XFRM_MSG_EXPIRE,
                                      XFRM_MSG_ACQUIRE, NLMSG_ERROR, NLMSG_DONE, 9999 };
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
    (void)build_sa(&sa, KERNEL_ADD_SA);
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
    size_t len = build_sa(&sa, KERNEL_ADD_SA);
    uint8_t *name = (uint8_t *)(uintptr_t)attribute(len, sizeof(struct xfrm_usersa_info),
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

static size_t an_ack(int error, unsigned flags, const void *request, size_t request_len,
                     const char *text)
{
    struct buffer b;
    struct nlmsghdr head = { .nlmsg_type = NLMSG_ERROR, .nlmsg_flags = (uint16_t)flags };
    int32_t number = -error;
    buffer_init(&b, 0);
    buffer_add(&b, &head, sizeof head);
    buffer_add(&b, &number, sizeof number);
    buffer_add(&b, request, request_len);
    if (text != NULL) {
        uint16_t a[2] = { (uint16_t)(4 + strlen(text) + 1), NLMSGERR_ATTR_MSG };
        buffer_add(&b, a, sizeof a);
        buffer_add(&b, text, strlen(text) + 1);
        while (b.len % 4 != 0) {
            buffer_add_u8(&b, 0);
        }
    }
    size_t len = b.len;
    memcpy(message, b.data, len);
    memcpy(message, &(uint32_t){ (uint32_t)len }, 4);
    buffer_wipe(&b);
    return len;
}

static void acknowledgements(void **state)
{
    (void)state;
    struct xfrm_message m;
    size_t used;
    uint8_t request[64] = { 0 };
    memcpy(request, &(uint32_t){ sizeof request }, 4);

    size_t len = an_ack(0, NLM_F_CAPPED, request, 16, NULL);
    assert_null(xfrm_read(&m, message, len, &used));
    assert_true(m.kind == XFRM_IS_ACK && m.error == 0);
    len = an_ack(EINVAL, NLM_F_CAPPED | NLM_F_ACK_TLVS, request, 16, "Requested mode not found");
    assert_null(xfrm_read(&m, message, len, &used));
    assert_int_equal(m.error, EINVAL);
    assert_string_equal(m.text, "Requested mode not found");
    len = an_ack(EINVAL, NLM_F_ACK_TLVS, request, sizeof request, "with\n\x1b[31m the request");
    assert_null(xfrm_read(&m, message, len, &used));
    assert_string_equal(m.text, "with??[31m the request");
    len = an_ack(EPERM, 0, request, sizeof request, NULL);
    assert_null(xfrm_read(&m, message, len, &used));
    assert_int_equal(m.error, EPERM);
    memcpy(request, &(uint32_t){ 65536 }, 4); /* the request claims to be longer */
    len = an_ack(EINVAL, NLM_F_ACK_TLVS, request, sizeof request, "x");
    assert_non_null(xfrm_read(&m, message, len, &used));
    memcpy(request, &(uint32_t){ 3 }, 4);
    len = an_ack(EINVAL, NLM_F_ACK_TLVS, request, sizeof request, "x");
    assert_non_null(xfrm_read(&m, message, len, &used));
    len = an_ack(-5, 0, request, 16, NULL);
    assert_non_null(xfrm_read(&m, message, len, &used));
    len = an_ack(100000, 0, request, 16, NULL);
    assert_non_null(xfrm_read(&m, message, len, &used));
    char text[600];
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    len = an_ack(EINVAL, NLM_F_CAPPED | NLM_F_ACK_TLVS, request, 16, text);
    assert_null(xfrm_read(&m, message, len, &used));
    assert_int_equal(strlen(m.text), KERNEL_TEXT - 1);
}

static void events(void **state)
{
    (void)state;
    struct kernel_sa sa = fake_sa("aes128-sha1", "10.9.0.2", "10.9.0.1");
    struct kernel_policy p = a_policy();
    struct xfrm_message m;
    size_t used;
    struct xfrm_user_expire expire;
    struct nlmsghdr *head;

    memset(&expire, 0, sizeof expire);
    (void)build_sa(&sa, KERNEL_ADD_SA);
    memcpy(&expire.state, message + 16, sizeof expire.state);
    expire.hard = 1;
    head = mnl_nlmsg_put_header(message);
    head->nlmsg_type = XFRM_MSG_EXPIRE;
    memcpy(mnl_nlmsg_put_extra_header(head, sizeof expire), &expire, sizeof expire);
    assert_null(xfrm_read(&m, message, head->nlmsg_len, &used));
    assert_true(m.kind == XFRM_IS_EVENT && m.event.kind == EVENT_EXPIRE && m.event.hard);
    assert_int_equal(m.event.sa.spi, 0x01020304);

    struct xfrm_user_acquire acquire;
    struct xfrm_user_tmpl t = { .reqid = 9, .mode = XFRM_MODE_TUNNEL, .family = AF_INET };
    memset(&acquire, 0, sizeof acquire);
    p.way = WAY_OUT;
    p.index = policy_index(MAKER_DAEMON, WAY_OUT, 1);
    (void)build_policy(&p, KERNEL_ADD_POLICY);
    memcpy(&acquire.policy, message + 16, sizeof acquire.policy);
    acquire.sel = acquire.policy.sel;
    acquire.sel.prefixlen_s = 32;
    acquire.seq = 4711;
    head = mnl_nlmsg_put_header(message);
    head->nlmsg_type = XFRM_MSG_ACQUIRE;
    memcpy(mnl_nlmsg_put_extra_header(head, sizeof acquire), &acquire, sizeof acquire);
    assert_true(mnl_attr_put_check(head, sizeof message, XFRMA_TMPL, sizeof t, &t));
    assert_null(xfrm_read(&m, message, head->nlmsg_len, &used));
    assert_int_equal(m.event.kind, EVENT_ACQUIRE);
    assert_int_equal(m.event.seq, 4711);
    assert_int_equal(m.event.policy.reqid, 9);
    assert_int_equal(m.event.flow_src.bits, 32);
    acquire.sel.prefixlen_d = 33;
    memcpy(message + 16, &acquire, sizeof acquire);
    assert_non_null(xfrm_read(&m, message, head->nlmsg_len, &used));
}

static void dumps(void **state)
{
    (void)state;
    const struct nlmsghdr *head = (const struct nlmsghdr *)message;
    for (int policy = 0; policy <= 1; policy++) {
        size_t len = xfrm_build_dump(message, sizeof message, policy == 1, 5);
        assert_int_equal(head->nlmsg_len, len);
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
        cmocka_unit_test(f21_cut),
        cmocka_unit_test(f21_spoiled),
        cmocka_unit_test(f21_unknown_attribute),
        cmocka_unit_test(foreign_algorithms),
        cmocka_unit_test(acknowledgements),
        cmocka_unit_test(events),
        cmocka_unit_test(dumps),
        cmocka_unit_test(reasons),
        cmocka_unit_test(priorities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
