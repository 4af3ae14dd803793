/* What the kernel says of NETLINK_XFRM by itself, or to a request: acknowledgements and events, read without belief (F21). */
#include "xfrm_bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static _Alignas(8) uint8_t message[XFRM_BYTES];

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
    struct kernel_policy p = xfrm_bytes_a_policy();
    struct xfrm_message m;
    size_t used;
    struct xfrm_user_expire expire;
    struct nlmsghdr *head;

    memset(&expire, 0, sizeof expire);
    (void)xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA);
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
    (void)xfrm_bytes_policy(message, &p, KERNEL_ADD_POLICY);
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

/* An id, and what it was, in an attribute: as the kernel tells of DELSA and DELPOLICY. */
static struct nlmsghdr *deleted(uint16_t type, size_t id, unsigned attribute, const void *info, size_t size)
{
    struct nlmsghdr *head = mnl_nlmsg_put_header(message);
    head->nlmsg_type = type;
    head->nlmsg_pid = 4711;
    (void)mnl_nlmsg_put_extra_header(head, id);
    assert_true(mnl_attr_put_check(head, sizeof message, (uint16_t)attribute, size, info));
    return head;
}

static void cut_anywhere(const struct nlmsghdr *head)
{
    for (size_t n = 0; n < head->nlmsg_len; n++) {
        struct xfrm_message m;
        size_t used;
        uint8_t *exact = malloc(n + 1);
        uint32_t claimed = (uint32_t)n;
        memcpy(exact, head, n);
        if (n >= sizeof *head) {
            memcpy(exact, &claimed, sizeof claimed);
            assert_non_null(xfrm_read(&m, exact, n, &used));
        }
        free(exact);
    }
}

/* F21: what others delete is told with all that it was. */
static void f21_deletions(void **state)
{
    (void)state;
    struct kernel_sa sa = fake_sa("aes128-sha1", "10.9.0.2", "10.9.0.1");
    struct kernel_policy p = xfrm_bytes_a_policy();
    struct xfrm_usersa_info was;
    struct xfrm_userpolicy_info policy;
    xfrm_address_t mark;
    struct xfrm_message m;
    unsigned size;
    size_t used;
    size_t len = xfrm_bytes_sa(message, &sa, KERNEL_ADD_SA);
    memcpy(&was, message + NLMSG_HDRLEN, sizeof was);
    memcpy(&mark, xfrm_bytes_attribute(message, len, sizeof was, XFRMA_COADDR, &size), sizeof mark);
    struct nlmsghdr *head = deleted(XFRM_MSG_DELSA, sizeof(struct xfrm_usersa_id), XFRMA_SA, &was, sizeof was);
    cut_anywhere(head);
    assert_true(mnl_attr_put_check(head, sizeof message, XFRMA_COADDR, sizeof mark, &mark));
    assert_null(xfrm_read(&m, message, head->nlmsg_len, &used));
    assert_true(m.kind == XFRM_IS_EVENT && m.event.kind == EVENT_SA_DELETED);
    assert_int_equal(m.port, 4711);
    assert_int_equal(m.event.sa.spi, sa.spi);
    assert_int_equal(m.event.sa.maker, MAKER_DAEMON);
    assert_int_equal(m.event.sa.exchange, sa.exchange);

    (void)xfrm_bytes_policy(message, &p, KERNEL_ADD_POLICY);
    memcpy(&policy, message + NLMSG_HDRLEN, sizeof policy);
    head = (struct nlmsghdr *)message;
    head->nlmsg_type = XFRM_MSG_UPDPOLICY;
    assert_null(xfrm_read(&m, message, head->nlmsg_len, &used));
    assert_true(m.kind == XFRM_IS_EVENT && m.event.kind == EVENT_POLICY_DELETED);
    assert_true(policy_same_selector(&m.event.policy, &p));
    head = deleted(XFRM_MSG_DELPOLICY, sizeof(struct xfrm_userpolicy_id), XFRMA_POLICY, &policy, sizeof policy);
    cut_anywhere(head);
    assert_null(xfrm_read(&m, message, head->nlmsg_len, &used));
    assert_true(m.kind == XFRM_IS_EVENT && m.event.kind == EVENT_POLICY_DELETED);
    assert_true(policy_same_selector(&m.event.policy, &p));
    policy.index = 3; /* a socket's own */
    head = deleted(XFRM_MSG_DELPOLICY, sizeof(struct xfrm_userpolicy_id), XFRMA_POLICY, &policy, sizeof policy);
    assert_null(xfrm_read(&m, message, head->nlmsg_len, &used));
    assert_int_equal(m.kind, XFRM_IS_OTHER);
}

static void f21_flushes(void **state)
{
    (void)state;
    static const struct { uint8_t proto; bool ours; } protos[] = { { 0, true }, { 50, true }, { 255, true }, { 51, false } };
    struct xfrm_message m;
    size_t used;
    struct nlmsghdr *head = mnl_nlmsg_put_header(message);
    struct xfrm_usersa_flush *flush = mnl_nlmsg_put_extra_header(head, sizeof *flush);
    head->nlmsg_type = XFRM_MSG_FLUSHSA;
    for (size_t i = 0; i < LENGTH(protos); i++) {
        flush->proto = protos[i].proto;
        assert_null(xfrm_read(&m, message, head->nlmsg_len, &used));
        assert_int_equal(m.kind, protos[i].ours ? XFRM_IS_EVENT : XFRM_IS_OTHER);
        assert_int_equal(m.event.kind, EVENT_SAS_FLUSHED);
    }
    head->nlmsg_len = NLMSG_HDRLEN;
    assert_non_null(xfrm_read(&m, message, head->nlmsg_len, &used));
    head = mnl_nlmsg_put_header(message);
    head->nlmsg_type = XFRM_MSG_FLUSHPOLICY;
    assert_null(xfrm_read(&m, message, head->nlmsg_len, &used));
    assert_int_equal(m.event.kind, EVENT_POLICIES_FLUSHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledgements),
        cmocka_unit_test(events),
        cmocka_unit_test(f21_deletions),
        cmocka_unit_test(f21_flushes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
