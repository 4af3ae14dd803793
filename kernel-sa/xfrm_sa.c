#include "xfrm.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/*
 * Our mark on an SA. The kernel keeps a care-of address with any SA and gives it back unchanged,
 * but uses it only with Mobile IPv6 (RFC 6275), which is no protocol of ours.
 */
#define MARK_DAEMON "ipsec-d"
#define MARK_HAND "ipsec-h"
#define MARK_LEN 7

/* A longer window goes in an attribute of its own, which does not turn ESN on. */
#define SHORT_WINDOW 32

static void put_mark(xfrm_address_t *mark, const struct kernel_sa *sa)
{
    uint8_t bytes[sizeof *mark] = { 0 };
    memcpy(bytes, sa->maker == MAKER_HAND ? MARK_HAND : MARK_DAEMON, MARK_LEN);
    bytes[MARK_LEN] = sa->inbound ? 'i' : 'o';
    for (unsigned i = 0; i < 8; i++) {
        bytes[8 + i] = (uint8_t)(sa->exchange >> (56 - 8 * i));
    }
    memcpy(mark, bytes, sizeof bytes);
}

static void get_mark(struct kernel_sa *sa, const uint8_t *bytes)
{
    if (memcmp(bytes, MARK_DAEMON, MARK_LEN) == 0) {
        sa->maker = MAKER_DAEMON;
    } else if (memcmp(bytes, MARK_HAND, MARK_LEN) == 0) {
        sa->maker = MAKER_HAND;
    } else {
        return;
    }
    sa->inbound = bytes[MARK_LEN] == 'i';
    for (unsigned i = 0; i < 8; i++) {
        sa->exchange = sa->exchange << 8 | bytes[8 + i];
    }
}

static bool put_cipher(struct nlmsghdr *message, size_t cap, const struct kernel_sa *sa)
{
    union {
        struct xfrm_algo algo;
        struct xfrm_algo_aead aead;
        uint8_t bytes[sizeof(struct xfrm_algo_aead) + SA_KEY_MAX];
    } a;
    memset(&a, 0, sizeof a);
    bool fits;
    if (sa->cipher->icv_len != 0) {
        (void)strncpy(a.aead.alg_name, sa->cipher->xfrm_name, sizeof a.aead.alg_name - 1);
        a.aead.alg_key_len = 8u * sa->key_len;
        a.aead.alg_icv_len = 8u * sa->cipher->icv_len;
        memcpy(a.bytes + sizeof a.aead, sa->key, sa->key_len);
        fits = mnl_attr_put_check(message, cap, XFRMA_ALG_AEAD, sizeof a.aead + sa->key_len,
                                  a.bytes);
    } else {
        (void)strncpy(a.algo.alg_name, sa->cipher->xfrm_name, sizeof a.algo.alg_name - 1);
        a.algo.alg_key_len = 8u * sa->key_len;
        memcpy(a.bytes + sizeof a.algo, sa->key, sa->key_len);
        fits = mnl_attr_put_check(message, cap, XFRMA_ALG_CRYPT, sizeof a.algo + sa->key_len,
                                  a.bytes);
    }
    explicit_bzero(&a, sizeof a);
    return fits;
}

static bool put_auth(struct nlmsghdr *message, size_t cap, const struct kernel_sa *sa)
{
    union {
        struct xfrm_algo_auth auth;
        uint8_t bytes[sizeof(struct xfrm_algo_auth) + SA_AUTH_MAX];
    } a;
    if (sa->hash == NULL) {
        return true;
    }
    memset(&a, 0, sizeof a);
    (void)strncpy(a.auth.alg_name, sa->hash->xfrm_name, sizeof a.auth.alg_name - 1);
    a.auth.alg_key_len = 8u * sa->auth_len;
    a.auth.alg_trunc_len = 8u * sa->hash->icv_len;
    memcpy(a.bytes + sizeof a.auth, sa->auth, sa->auth_len);
    bool fits = mnl_attr_put_check(message, cap, XFRMA_ALG_AUTH_TRUNC,
                                   sizeof a.auth + sa->auth_len, a.bytes);
    explicit_bzero(&a, sizeof a);
    return fits;
}

static bool put_window(struct nlmsghdr *message, size_t cap, const struct kernel_sa *sa)
{
    union {
        struct xfrm_replay_state_esn state;
        uint32_t words[sizeof(struct xfrm_replay_state_esn) / 4 + XFRMA_REPLAY_ESN_MAX / 32];
    } r;
    if (sa->replay <= SHORT_WINDOW || sa->replay > XFRMA_REPLAY_ESN_MAX) {
        return sa->replay <= SHORT_WINDOW;
    }
    memset(&r, 0, sizeof r);
    r.state.replay_window = sa->replay;
    r.state.bmp_len = (sa->replay + 31) / 32;
    return mnl_attr_put_check(message, cap, XFRMA_REPLAY_ESN_VAL,
                              sizeof r.state + (size_t)4 * r.state.bmp_len, &r);
}

bool xfrm_put_sa(struct nlmsghdr *message, size_t cap, const struct kernel_sa *sa)
{
    struct xfrm_usersa_info *info = mnl_nlmsg_put_extra_header(message, sizeof *info);
    xfrm_put_address(&info->saddr, &sa->src);
    xfrm_put_address(&info->id.daddr, &sa->dst);
    info->id.spi = htonl(sa->spi);
    info->id.proto = IPPROTO_ESP;
    info->family = xfrm_family(&sa->dst);
    info->reqid = sa->reqid;
    info->mode = sa->transport ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;
    if (!sa->transport) {
        info->flags = XFRM_STATE_AF_UNSPEC; /* the tunnel may carry either family */
    }
    info->lft.soft_byte_limit = XFRM_INF;
    info->lft.hard_byte_limit = XFRM_INF;
    info->lft.soft_packet_limit = XFRM_INF;
    info->lft.hard_packet_limit = XFRM_INF;
    info->lft.soft_add_expires_seconds = sa->soft;
    info->lft.hard_add_expires_seconds = sa->hard;
    if (sa->replay <= SHORT_WINDOW) {
        info->replay_window = (uint8_t)sa->replay;
    }
    xfrm_address_t mark;
    put_mark(&mark, sa);
    return put_cipher(message, cap, sa) && put_auth(message, cap, sa)
           && put_window(message, cap, sa)
           && mnl_attr_put_check(message, cap, XFRMA_COADDR, sizeof mark, &mark);
}

bool xfrm_put_sa_id(struct nlmsghdr *message, size_t cap, const struct kernel_sa *sa)
{
    struct xfrm_usersa_id *id = mnl_nlmsg_put_extra_header(message, sizeof *id);
    (void)cap;
    xfrm_put_address(&id->daddr, &sa->dst);
    id->spi = htonl(sa->spi);
    id->family = xfrm_family(&sa->dst);
    id->proto = IPPROTO_ESP;
    return true;
}

/* ---- changing ---- */

static bool is_same_sa(const struct xfrm_usersa_info *info, const struct kernel_sa *sa)
{
    xfrm_address_t dst;
    xfrm_put_address(&dst, &sa->dst);
    return info->id.spi == htonl(sa->spi) && info->id.proto == IPPROTO_ESP
           && info->family == xfrm_family(&sa->dst)
           && memcmp(&info->id.daddr, &dst, address_len(&sa->dst)) == 0;
}

/*
 * The kernel counts from when the SA was added. If hard is over before soft was reported, it takes
 * that for a clock that was set, and moves that moment instead of ending the SA
 * (xfrm_timer_handler): so hard is kept in the future, and there is a soft to be reported.
 */
static void put_life(struct xfrm_usersa_info *info, const struct kernel_sa *sa, uint64_t now)
{
    uint64_t had = info->lft.hard_add_expires_seconds;
    uint64_t age = now > info->curlft.add_time ? now - info->curlft.add_time : 0;
    uint64_t hard = sa->hard;
    if (hard < age + SA_LAST_SECONDS) {
        hard = age + SA_LAST_SECONDS;
        hard = had != 0 && had < hard ? had : hard;
    }
    info->lft.soft_add_expires_seconds = sa->soft == 0 ? 1 : sa->soft;
    info->lft.hard_add_expires_seconds = hard;
}

/*
 * UPDSA wants all that NEWSA wants, makes an SA of it, takes the life (and care-of address and port
 * of UDP) over to the SA that is there and drops the rest: keys, counters and replay state of that
 * one stay. So the kernel gets its own message back, whatever is in it.
 */
size_t xfrm_build_update(void *bytes, size_t cap, const void *was, size_t was_len,
                         const struct kernel_sa *sa, uint64_t now, uint32_t seq)
{
    struct nlmsghdr head;
    struct xfrm_usersa_info info;
    if (was_len < NLMSG_HDRLEN + sizeof info || was_len > cap || cap < XFRM_MESSAGE_MAX) {
        return 0;
    }
    memcpy(&head, was, sizeof head);
    memcpy(&info, (const uint8_t *)was + NLMSG_HDRLEN, sizeof info);
    if (head.nlmsg_type != XFRM_MSG_NEWSA || head.nlmsg_len != was_len || !is_same_sa(&info, sa)) {
        return 0;
    }
    put_life(&info, sa, now);
    head.nlmsg_type = XFRM_MSG_UPDSA;
    head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    head.nlmsg_seq = seq;
    head.nlmsg_pid = 0;
    memcpy(bytes, was, was_len);
    memcpy(bytes, &head, sizeof head);
    memcpy((uint8_t *)bytes + NLMSG_HDRLEN, &info, sizeof info);
    return was_len;
}

/* ---- decoding ---- */

static bool is_name(const char *name, const char field[64])
{
    return strnlen(field, 64) < 64 && strcmp(name, field) == 0;
}

static const struct cipher *find_cipher(const char name[64], unsigned key_bits)
{
    for (unsigned i = 0; i < CIPHER_COUNT; i++) {
        const struct cipher *c = cipher_get((enum cipher_id)i);
        if (is_name(c->xfrm_name, name) && 8u * ((unsigned)c->key_len + c->salt_len) == key_bits) {
            return c;
        }
    }
    return NULL;
}

static void get_algorithms(struct kernel_sa *sa, const struct xfrm_attributes *all)
{
    struct xfrm_algo_aead aead;
    struct xfrm_algo_auth auth;
    struct xfrm_algo crypt;
    if (xfrm_attribute(all, XFRMA_ALG_AEAD, &aead, sizeof aead)) {
        sa->cipher = find_cipher(aead.alg_name, aead.alg_key_len);
        if (sa->cipher != NULL && 8u * sa->cipher->icv_len != aead.alg_icv_len) {
            sa->cipher = NULL;
        }
    } else if (xfrm_attribute(all, XFRMA_ALG_CRYPT, &crypt, sizeof crypt)) {
        sa->cipher = find_cipher(crypt.alg_name, crypt.alg_key_len);
    }
    if (!xfrm_attribute(all, XFRMA_ALG_AUTH_TRUNC, &auth, sizeof auth)) {
        return;
    }
    for (unsigned i = 0; i < HASH_COUNT; i++) {
        const struct hash *h = hash_get((enum hash_id)i);
        if (is_name(h->xfrm_name, auth.alg_name) && 8u * h->icv_len == auth.alg_trunc_len) {
            sa->hash = h;
        }
    }
}

const char *xfrm_get_sa(struct kernel_sa *sa, const struct xfrm_usersa_info *info,
                        const struct xfrm_attributes *attributes)
{
    uint8_t mark[sizeof(xfrm_address_t)];
    struct xfrm_replay_state_esn window;

    memset(sa, 0, sizeof *sa);
    if (info->family != AF_INET && info->family != AF_INET6) {
        return "SA of unknown address family";
    }
    xfrm_get_address(&sa->src, &info->saddr, info->family);
    xfrm_get_address(&sa->dst, &info->id.daddr, info->family);
    sa->spi = ntohl(info->id.spi);
    sa->protocol = info->id.proto;
    sa->reqid = info->reqid;
    sa->transport = info->mode == XFRM_MODE_TRANSPORT;
    sa->soft = info->lft.soft_add_expires_seconds;
    sa->hard = info->lft.hard_add_expires_seconds;
    sa->bytes = info->curlft.bytes;
    sa->packets = info->curlft.packets;
    sa->added = info->curlft.add_time;
    sa->used = info->curlft.use_time;
    sa->replay = info->replay_window;
    if (xfrm_attribute(attributes, XFRMA_REPLAY_ESN_VAL, &window, sizeof window)) {
        sa->replay = window.replay_window;
    }
    get_algorithms(sa, attributes);
    if (xfrm_attribute(attributes, XFRMA_COADDR, mark, sizeof mark)) {
        get_mark(sa, mark);
    }
    return NULL;
}
