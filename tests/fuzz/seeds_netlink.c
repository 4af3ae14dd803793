/* Seeds of the netlink target: what the kernel says about our SAs and policies, made by our own builders. */
#include "seeds.h"
#include "fuzz.h"

#include "kernel-sa/xfrm.h"
#include "tests/unit/kernel_fake.h"

#include <errno.h>
#include <string.h>

struct tongue { /* an input of fuzz_netlink under construction */
    struct buffer bytes;
    unsigned seeds;
};

static void say_datagram(struct tongue *t, const void *message, size_t len, unsigned type,
                         unsigned flags, uint32_t seq)
{
    struct nlmsghdr head = { .nlmsg_len = (uint32_t)len, .nlmsg_type = (uint16_t)type,
                             .nlmsg_flags = (uint16_t)flags, .nlmsg_seq = seq };
    buffer_add_u16(&t->bytes, (unsigned)len);
    buffer_add(&t->bytes, &head, sizeof head);
    buffer_add(&t->bytes, (const uint8_t *)message + sizeof head, len - sizeof head);
}

static void say_request(struct tongue *t, const struct kernel_request *q, unsigned type,
                        unsigned flags, uint32_t seq)
{
    _Alignas(8) uint8_t message[XFRM_MESSAGE_MAX];
    size_t len = xfrm_build(message, sizeof message, q, seq);
    say_datagram(t, message, len, type, flags, seq);
}

static void say_sa(struct tongue *t, const char *suite, unsigned type, unsigned flags, uint32_t seq)
{
    struct kernel_request q = { .verb = KERNEL_ADD_SA };
    q.sa = fake_sa(suite, "10.9.0.2", "10.9.0.1");
    q.sa.transport = strstr(suite, "gcm") != NULL;
    q.sa.replay = q.sa.transport ? 128 : 32;
    say_request(t, &q, type, flags, seq);
}

static void say_policy(struct tongue *t, enum policy_kind kind, unsigned flags, uint32_t seq)
{
    struct kernel_request q = { .verb = KERNEL_ADD_POLICY };
    q.policy = (struct kernel_policy){ .way = WAY_FWD, .kind = kind, .reqid = 77, .priority = 3712,
                                       .index = policy_index(MAKER_DAEMON, WAY_FWD, 0xabcdef) };
    fuzz_check(subnet_parse(&q.policy.src, "10.2.0.0/24", 4) == NULL);
    fuzz_check(subnet_parse(&q.policy.dst, "10.1.0.0/16", 4) == NULL);
    fuzz_check(address_parse(&q.policy.tunnel_src, "10.9.0.2") == NULL);
    fuzz_check(address_parse(&q.policy.tunnel_dst, "10.9.0.1") == NULL);
    say_request(t, &q, XFRM_MSG_NEWPOLICY, flags, seq);
}

/* error 0: good. text: the kernel's words, NULL: none. */
static void say_ack(struct tongue *t, int error, const char *text, uint32_t seq)
{
    uint8_t message[200] = { 0 };
    struct nlmsgerr e = { .error = -error, .msg = { .nlmsg_len = sizeof e.msg } };
    struct nlattr a = { .nla_type = NLMSGERR_ATTR_MSG };
    size_t len = NLMSG_HDRLEN + sizeof e;
    memcpy(message + NLMSG_HDRLEN, &e, sizeof e);
    if (text != NULL) {
        a.nla_len = (uint16_t)(sizeof a + strlen(text) + 1);
        memcpy(message + len, &a, sizeof a);
        memcpy(message + len + sizeof a, text, strlen(text));
        len += (size_t)NLA_ALIGN(a.nla_len);
    }
    say_datagram(t, message, len, NLMSG_ERROR, text == NULL ? 0 : NLM_F_ACK_TLVS | NLM_F_CAPPED,
                 seq);
}

static void say_done(struct tongue *t, int error, unsigned flags, uint32_t seq)
{
    uint8_t message[NLMSG_HDRLEN + 4] = { 0 };
    int32_t status = -error;
    memcpy(message + NLMSG_HDRLEN, &status, sizeof status);
    say_datagram(t, message, sizeof message, NLMSG_DONE, flags, seq);
}

static void say_event(struct tongue *t, unsigned type, const void *body, size_t len)
{
    uint8_t message[1000] = { 0 };
    memcpy(message + NLMSG_HDRLEN, body, len);
    say_datagram(t, message, NLMSG_HDRLEN + len, type, 0, 0);
}

static void say_events(struct tongue *t)
{
    _Alignas(8) uint8_t message[XFRM_MESSAGE_MAX];
    struct kernel_request q = { .verb = KERNEL_ADD_SA };
    struct xfrm_user_expire expire = { .hard = 1 };
    struct xfrm_user_acquire acquire = { .seq = 9, .sel.family = AF_INET, .policy.dir = 1,
                                         .policy.sel.family = AF_INET };
    q.sa = fake_sa("aes256-sha2_256", "10.9.0.2", "10.9.0.1");
    (void)xfrm_build(message, sizeof message, &q, 1);
    memcpy(&expire.state, message + NLMSG_HDRLEN, sizeof expire.state);
    say_event(t, XFRM_MSG_EXPIRE, &expire, sizeof expire);
    acquire.policy.index = policy_index(MAKER_DAEMON, WAY_OUT, 5);
    say_event(t, XFRM_MSG_ACQUIRE, &acquire, sizeof acquire);
}

/* What another program deletes is told with all that it was. */
static void say_deletions(struct tongue *t)
{
    _Alignas(8) uint8_t message[XFRM_MESSAGE_MAX];
    struct {
        struct xfrm_usersa_id id;
        struct nlattr head;
        struct xfrm_usersa_info sa;
    } sa = { .head = { .nla_len = sizeof sa.head + sizeof sa.sa, .nla_type = XFRMA_SA } };
    struct {
        struct xfrm_userpolicy_id id;
        struct nlattr head;
        struct xfrm_userpolicy_info policy;
    } policy = { .head = { .nla_len = sizeof policy.head + sizeof policy.policy, .nla_type = XFRMA_POLICY } };
    struct kernel_request q = { .verb = KERNEL_ADD_SA };
    const struct xfrm_usersa_flush flush = { .proto = 50 };
    q.sa = fake_sa("aes256-sha2_256", "10.9.0.2", "10.9.0.1");
    (void)xfrm_build(message, sizeof message, &q, 1);
    memcpy(&sa.sa, message + NLMSG_HDRLEN, sizeof sa.sa);
    say_event(t, XFRM_MSG_DELSA, &sa, sizeof sa);
    policy.policy.index = policy_index(MAKER_DAEMON, WAY_OUT, 5);
    policy.policy.dir = WAY_OUT;
    policy.policy.sel.family = AF_INET;
    say_event(t, XFRM_MSG_DELPOLICY, &policy, sizeof policy);
    say_event(t, XFRM_MSG_UPDPOLICY, &policy.policy, sizeof policy.policy);
    say_event(t, XFRM_MSG_FLUSHSA, &flush, sizeof flush);
    say_event(t, XFRM_MSG_FLUSHPOLICY, &flush, 0);
}

/* What becomes of packets that no policy catches; missing: so many bytes of it. */
static void say_standard(struct tongue *t, size_t missing)
{
    const struct xfrm_userpolicy_default d = { .in = XFRM_USERPOLICY_BLOCK, .fwd = XFRM_USERPOLICY_ACCEPT, .out = 77 };
    uint8_t message[NLMSG_HDRLEN + sizeof d] = { 0 };
    memcpy(message + NLMSG_HDRLEN, &d, sizeof d);
    say_datagram(t, message, sizeof message - missing, XFRM_MSG_GETDEFAULT, 0, 1);
}

static void begin(struct tongue *t, int what)
{
    buffer_init(&t->bytes, 0);
    buffer_add_u8(&t->bytes, (unsigned)what);
}

static void end(struct tongue *t)
{
    write_seed("netlink", "said", ++t->seeds, t->bytes.data, t->bytes.len);
    buffer_wipe(&t->bytes);
}

void write_netlink(void)
{
    struct tongue t = { .seeds = 0 };
    static const char whats[] = "gu";
    for (const char *what = whats; *what != '\0'; what++) {
        begin(&t, *what);
        say_sa(&t, "aes256-sha2_256", XFRM_MSG_NEWSA, 0, 1);
        say_ack(&t, 0, NULL, 1);
        say_ack(&t, 0, NULL, 2);
        end(&t);
    }
    begin(&t, 'd');
    say_ack(&t, ESRCH, "no such SA", 1);
    end(&t);
    for (int calls = 'A'; calls <= 'N'; calls++) {
        begin(&t, calls);
        say_ack(&t, 0, NULL, 1);
        end(&t);
    }
    begin(&t, 'd');
    buffer_add_u16(&t.bytes, 0xfe02u);
    buffer_add_u16(&t.bytes, 0);
    buffer_add_u16(&t.bytes, 0xfd02u);
    buffer_add_u16(&t.bytes, 0);
    end(&t);
    begin(&t, 'd');
    buffer_add_u16(&t.bytes, 0xff00u + ENOBUFS);
    say_events(&t);
    end(&t);
    begin(&t, 'd');
    say_deletions(&t);
    end(&t);
    for (size_t missing = 0; missing < 2; missing++) {
        begin(&t, 's');
        say_standard(&t, missing);
        end(&t);
    }
    for (int form = '0'; form <= '9'; form++) {
        begin(&t, form);
        say_ack(&t, form == '4' ? EEXIST : 0, form == '4' ? "there is one" : NULL, 1);
        say_ack(&t, 0, NULL, 2);
        end(&t);
    }
    begin(&t, 'a');
    say_sa(&t, "aes256gcm16", XFRM_MSG_NEWSA, NLM_F_MULTI, 1);
    say_sa(&t, "3des-md5", XFRM_MSG_NEWSA, NLM_F_MULTI, 1);
    say_done(&t, 0, NLM_F_MULTI, 1);
    say_policy(&t, POLICY_IPSEC, NLM_F_MULTI, 2);
    say_policy(&t, POLICY_DROP, NLM_F_MULTI, 2);
    say_policy(&t, POLICY_PASS, NLM_F_MULTI, 2);
    say_done(&t, 0, NLM_F_MULTI, 2);
    say_events(&t);
    end(&t);
    begin(&t, 'a');
    say_sa(&t, "aes128-sha1", XFRM_MSG_NEWSA, NLM_F_MULTI | NLM_F_DUMP_INTR, 1);
    say_done(&t, 0, NLM_F_MULTI | NLM_F_DUMP_INTR, 1);
    say_done(&t, EPERM, NLM_F_MULTI, 2);
    end(&t);
}
