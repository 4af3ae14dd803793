#include "xfrm.h"

#include <arpa/inet.h>
#include <linux/ipsec.h>
#include <netinet/in.h>
#include <string.h>

/* ---- addresses ---- */

uint16_t xfrm_family(const struct address *a)
{
    return a->family == 6 ? AF_INET6 : AF_INET;
}

void xfrm_put_address(xfrm_address_t *out, const struct address *a)
{
    memset(out, 0, sizeof *out);
    memcpy(out, a->bytes, address_len(a));
}

void xfrm_get_address(struct address *out, const xfrm_address_t *a, unsigned family)
{
    memset(out, 0, sizeof *out);
    out->family = family == AF_INET6 ? 6 : 4;
    memcpy(out->bytes, a, address_len(out));
}

bool xfrm_get_selector(struct subnet *src, struct subnet *dst, const struct xfrm_selector *sel)
{
    const unsigned most = sel->family == AF_INET6 ? 128 : 32;
    memset(src, 0, sizeof *src);
    memset(dst, 0, sizeof *dst);
    if ((sel->family != AF_INET && sel->family != AF_INET6) || sel->prefixlen_s > most
        || sel->prefixlen_d > most) {
        return false;
    }
    xfrm_get_address(&src->base, &sel->saddr, sel->family);
    xfrm_get_address(&dst->base, &sel->daddr, sel->family);
    src->bits = sel->prefixlen_s;
    dst->bits = sel->prefixlen_d;
    return true;
}

/* ---- building ---- */

static uint16_t message_type(enum kernel_verb verb)
{
    switch (verb) {
    case KERNEL_ADD_SA:
        return XFRM_MSG_NEWSA;
    case KERNEL_DELETE_SA:
        return XFRM_MSG_DELSA;
    case KERNEL_GET_SA:
    case KERNEL_UPDATE_SA: /* its first half: see xfrm_build_update */
        return XFRM_MSG_GETSA;
    case KERNEL_ADD_POLICY:
        return XFRM_MSG_NEWPOLICY;
    case KERNEL_UPDATE_POLICY:
        return XFRM_MSG_UPDPOLICY;
    case KERNEL_DELETE_POLICY:
        return XFRM_MSG_DELPOLICY;
    case KERNEL_GET_POLICY:
        return XFRM_MSG_GETPOLICY;
    case KERNEL_GET_STANDARD:
        return XFRM_MSG_GETDEFAULT;
    case KERNEL_NONE:
    case KERNEL_LIST:
        break;
    }
    return 0;
}

size_t xfrm_build(void *bytes, size_t cap, const struct kernel_request *request, uint32_t seq)
{
    uint16_t type = message_type(request->verb);
    if (type == 0 || cap < XFRM_MESSAGE_MAX) {
        return 0;
    }
    memset(bytes, 0, XFRM_MESSAGE_MAX);
    struct nlmsghdr *message = mnl_nlmsg_put_header(bytes);
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    message->nlmsg_seq = seq;
    bool fits = false;
    switch (request->verb) {
    case KERNEL_ADD_SA:
        fits = xfrm_put_sa(message, cap, &request->sa);
        break;
    case KERNEL_DELETE_SA:
    case KERNEL_GET_SA:
    case KERNEL_UPDATE_SA:
        fits = xfrm_put_sa_id(message, cap, &request->sa);
        break;
    case KERNEL_ADD_POLICY:
    case KERNEL_UPDATE_POLICY:
        fits = xfrm_put_policy(message, cap, &request->policy);
        break;
    case KERNEL_DELETE_POLICY:
    case KERNEL_GET_POLICY:
        fits = xfrm_put_policy_id(message, cap, &request->policy);
        break;
    case KERNEL_GET_STANDARD:
        (void)mnl_nlmsg_put_extra_header(message, sizeof(struct xfrm_userpolicy_default));
        fits = true;
        break;
    case KERNEL_NONE:
    case KERNEL_LIST:
        break;
    }
    return fits ? message->nlmsg_len : 0;
}

size_t xfrm_build_dump(void *bytes, size_t cap, bool policies, uint32_t seq)
{
    if (cap < XFRM_MESSAGE_MAX) {
        return 0;
    }
    memset(bytes, 0, XFRM_MESSAGE_MAX);
    struct nlmsghdr *message = mnl_nlmsg_put_header(bytes);
    message->nlmsg_type = policies ? XFRM_MSG_GETPOLICY : XFRM_MSG_GETSA;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message->nlmsg_seq = seq;
    return message->nlmsg_len; /* what follows is attributes at once, which narrow a dump: none */
}

/* ---- decoding ---- */

struct span {
    const uint8_t *at;
    size_t left;
};

/* Copies a struct of `size` bytes from the front; what follows it begins at the next 4 bytes. */
static bool take(struct span *s, void *out, size_t size)
{
    if (size > s->left) {
        return false;
    }
    memcpy(out, s->at, size);
    size_t padded = NLMSG_ALIGN(size);
    padded = padded > s->left ? s->left : padded;
    s->at += padded;
    s->left -= padded;
    return true;
}

static const char *take_attributes(struct span *s, struct xfrm_attributes *all)
{
    memset(all, 0, sizeof *all);
    while (s->left >= sizeof(struct nlattr)) {
        struct nlattr head;
        memcpy(&head, s->at, sizeof head);
        if (head.nla_len < sizeof head || head.nla_len > s->left) {
            return "attribute's length goes beyond its message";
        }
        unsigned type = head.nla_type & (unsigned)NLA_TYPE_MASK;
        if (type <= XFRMA_MAX) {
            all->data[type] = s->at + sizeof head;
            all->len[type] = (uint16_t)(head.nla_len - sizeof head);
        }
        size_t padded = ((size_t)head.nla_len + NLA_ALIGNTO - 1) / NLA_ALIGNTO * NLA_ALIGNTO;
        padded = padded > s->left ? s->left : padded;
        s->at += padded;
        s->left -= padded;
    }
    return s->left == 0 ? NULL : "attribute is cut short";
}

bool xfrm_attribute(const struct xfrm_attributes *all, unsigned type, void *value, size_t size)
{
    if (all->data[type] == NULL || all->len[type] < size) {
        return false;
    }
    memcpy(value, all->data[type], size);
    return true;
}

static void keep_text(struct xfrm_message *m, const uint8_t *text, size_t len)
{
    size_t n = 0;
    while (n < len && n < sizeof m->text - 1 && text[n] != '\0') {
        m->text[n] = (char)(text[n] >= ' ' && text[n] <= '~' ? text[n] : '?');
        n++;
    }
    m->text[n] = '\0';
}

/* linux/netlink.h, struct nlmsgerr: the request (or its head alone), then attributes. */
static const char *read_ack(struct xfrm_message *m, struct span *s, unsigned flags)
{
    struct nlmsgerr error;
    if (!take(s, &error, sizeof error)) {
        return "acknowledgement is cut short";
    }
    if (error.error > 0 || error.error < -4095) {
        return "acknowledgement holds no error number";
    }
    m->kind = XFRM_IS_ACK;
    m->error = -error.error;
    if ((flags & NLM_F_ACK_TLVS) == 0) {
        return NULL;
    }
    if ((flags & NLM_F_CAPPED) == 0 && m->error != 0) {
        size_t request = error.msg.nlmsg_len;
        if (request < sizeof error.msg || NLMSG_ALIGN(request) - sizeof error.msg > s->left) {
            return "acknowledgement repeats a request that goes beyond it";
        }
        s->at += NLMSG_ALIGN(request) - sizeof error.msg;
        s->left -= NLMSG_ALIGN(request) - sizeof error.msg;
    }
    struct xfrm_attributes all;
    const char *why = take_attributes(s, &all);
    if (why == NULL && all.data[NLMSGERR_ATTR_MSG] != NULL) {
        keep_text(m, all.data[NLMSGERR_ATTR_MSG], all.len[NLMSGERR_ATTR_MSG]);
    }
    return why;
}

/* The kernel ends a dump with an int, which is an error if it is negative. */
static const char *read_done(struct xfrm_message *m, struct span *s)
{
    int32_t status = 0;
    m->kind = XFRM_IS_DONE;
    if (take(s, &status, sizeof status) && status < 0 && status >= -4095) {
        m->error = -status;
    }
    return NULL;
}

static const char *read_sa(struct xfrm_message *m, struct span *s)
{
    struct xfrm_usersa_info info;
    struct xfrm_attributes all;
    if (!take(s, &info, sizeof info)) {
        return "SA is cut short";
    }
    const char *why = take_attributes(s, &all);
    m->kind = XFRM_IS_SA;
    return why != NULL ? why : xfrm_get_sa(&m->sa, &info, &all);
}

static const char *read_policy(struct xfrm_message *m, struct span *s)
{
    struct xfrm_userpolicy_info info;
    struct xfrm_attributes all;
    bool own = false;
    if (!take(s, &info, sizeof info)) {
        return "policy is cut short";
    }
    const char *why = take_attributes(s, &all);
    why = why != NULL ? why : xfrm_get_policy(&m->policy, &own, &info, &all);
    m->kind = own ? XFRM_IS_OTHER : XFRM_IS_POLICY;
    return why;
}

static const char *read_expire(struct xfrm_message *m, struct span *s)
{
    struct xfrm_user_expire expire;
    struct xfrm_attributes all;
    if (!take(s, &expire, sizeof expire)) {
        return "EXPIRE is cut short";
    }
    const char *why = take_attributes(s, &all);
    m->kind = XFRM_IS_EVENT;
    m->event.kind = EVENT_EXPIRE;
    m->event.hard = expire.hard != 0;
    return why != NULL ? why : xfrm_get_sa(&m->event.sa, &expire.state, &all);
}

static const char *read_acquire(struct xfrm_message *m, struct span *s)
{
    struct xfrm_user_acquire acquire;
    struct xfrm_attributes all;
    bool own = false;
    if (!take(s, &acquire, sizeof acquire)) {
        return "ACQUIRE is cut short";
    }
    const char *why = take_attributes(s, &all);
    if (why == NULL) {
        why = xfrm_get_policy(&m->event.policy, &own, &acquire.policy, &all);
    }
    if (why == NULL && !own
        && !xfrm_get_selector(&m->event.flow_src, &m->event.flow_dst, &acquire.sel)) {
        why = "ACQUIRE has a selector of unknown family";
    }
    m->kind = own ? XFRM_IS_OTHER : XFRM_IS_EVENT;
    m->event.kind = EVENT_ACQUIRE;
    m->event.seq = acquire.seq;
    return why;
}

static enum standard standard_of(uint8_t value)
{
    return value == XFRM_USERPOLICY_BLOCK ? STANDARD_BLOCK
           : value == XFRM_USERPOLICY_ACCEPT ? STANDARD_ACCEPT : STANDARD_UNKNOWN;
}

static const char *read_standard(struct xfrm_message *m, struct span *s)
{
    struct xfrm_userpolicy_default d;
    if (!take(s, &d, sizeof d)) {
        return "default policies are cut short";
    }
    m->kind = XFRM_IS_STANDARD;
    m->standard[WAY_IN] = standard_of(d.in);
    m->standard[WAY_OUT] = standard_of(d.out);
    m->standard[WAY_FWD] = standard_of(d.fwd);
    return NULL;
}

/* ---- what requests do, told to whoever listens ---- */

/* The SA itself, whole, with its keys, stands in an attribute. */
static const char *read_sa_deleted(struct xfrm_message *m, struct span *s)
{
    struct xfrm_usersa_id id;
    struct xfrm_usersa_info info;
    struct xfrm_attributes all;
    if (!take(s, &id, sizeof id)) {
        return "DELSA is cut short";
    }
    const char *why = take_attributes(s, &all);
    m->kind = XFRM_IS_EVENT;
    m->event.kind = EVENT_SA_DELETED;
    if (why == NULL && !xfrm_attribute(&all, XFRMA_SA, &info, sizeof info)) {
        why = "DELSA does not say which SA it was";
    }
    return why != NULL ? why : xfrm_get_sa(&m->event.sa, &info, &all);
}

static const char *read_sas_flushed(struct xfrm_message *m, struct span *s)
{
    struct xfrm_usersa_flush flush;
    if (!take(s, &flush, sizeof flush)) {
        return "FLUSHSA is cut short";
    }
    bool esp = flush.proto == 0 || flush.proto == IPPROTO_ESP || flush.proto == IPSEC_PROTO_ANY;
    m->kind = esp ? XFRM_IS_EVENT : XFRM_IS_OTHER;
    m->event.kind = EVENT_SAS_FLUSHED;
    return NULL;
}

static const char *read_policy_deleted(struct xfrm_message *m, struct span *s)
{
    struct xfrm_userpolicy_id id;
    struct xfrm_userpolicy_info info;
    struct xfrm_attributes all;
    bool own = false;
    if (!take(s, &id, sizeof id)) {
        return "DELPOLICY is cut short";
    }
    const char *why = take_attributes(s, &all);
    if (why == NULL && !xfrm_attribute(&all, XFRMA_POLICY, &info, sizeof info)) {
        why = "DELPOLICY does not say which policy it was";
    }
    why = why != NULL ? why : xfrm_get_policy(&m->event.policy, &own, &info, &all);
    m->kind = own ? XFRM_IS_OTHER : XFRM_IS_EVENT;
    m->event.kind = EVENT_POLICY_DELETED;
    return why;
}

static const char *read_policy_replaced(struct xfrm_message *m, struct span *s)
{
    const char *why = read_policy(m, s);
    m->event.policy = m->policy;
    m->event.kind = EVENT_POLICY_DELETED;
    m->kind = m->kind == XFRM_IS_POLICY ? XFRM_IS_EVENT : m->kind;
    return why;
}

static const char *read_body(struct xfrm_message *m, struct span *s, const struct nlmsghdr *head)
{
    switch (head->nlmsg_type) {
    case NLMSG_ERROR:
        return read_ack(m, s, head->nlmsg_flags);
    case NLMSG_DONE:
        return read_done(m, s);
    case XFRM_MSG_NEWSA:
        return read_sa(m, s);
    case XFRM_MSG_NEWPOLICY:
        return read_policy(m, s);
    case XFRM_MSG_EXPIRE:
        return read_expire(m, s);
    case XFRM_MSG_ACQUIRE:
        return read_acquire(m, s);
    case XFRM_MSG_GETDEFAULT:
        return read_standard(m, s);
    case XFRM_MSG_DELSA:
        return read_sa_deleted(m, s);
    case XFRM_MSG_FLUSHSA:
        return read_sas_flushed(m, s);
    case XFRM_MSG_DELPOLICY:
        return read_policy_deleted(m, s);
    case XFRM_MSG_UPDPOLICY:
        return read_policy_replaced(m, s);
    case XFRM_MSG_FLUSHPOLICY:
        m->kind = XFRM_IS_EVENT;
        m->event.kind = EVENT_POLICIES_FLUSHED;
        return NULL;
    default:
        return NULL;
    }
}

const char *xfrm_read(struct xfrm_message *m, const void *bytes, size_t len, size_t *used)
{
    struct nlmsghdr head;
    memset(m, 0, sizeof *m);
    *used = len;
    if (len < sizeof head) {
        return "message is shorter than its head";
    }
    memcpy(&head, bytes, sizeof head);
    m->seq = head.nlmsg_seq;
    m->port = head.nlmsg_pid;
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > len) {
        return "message's length is not that of what came";
    }
    size_t padded = NLMSG_ALIGN((size_t)head.nlmsg_len);
    *used = padded > len ? len : padded;
    m->interrupted = (head.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    struct span s = { .at = (const uint8_t *)bytes + NLMSG_HDRLEN,
                      .left = head.nlmsg_len - NLMSG_HDRLEN };
    return read_body(m, &s, &head);
}
