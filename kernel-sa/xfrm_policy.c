#include "xfrm.h"

#include <netinet/in.h>
#include <string.h>

static void put_selector(struct xfrm_selector *sel, const struct kernel_policy *p)
{
    xfrm_put_address(&sel->saddr, &p->src.base);
    xfrm_put_address(&sel->daddr, &p->dst.base);
    sel->prefixlen_s = p->src.bits;
    sel->prefixlen_d = p->dst.bits;
    sel->family = xfrm_family(&p->src.base);
}

/*
 * What has no policy of ours comes in as it likes; a packet that fits in or fwd must have come
 * through an SA with this reqid. Which SPI it is changes with every rekey, so it is left open.
 */
static bool put_template(struct nlmsghdr *message, size_t cap, const struct kernel_policy *p)
{
    struct xfrm_user_tmpl t;
    memset(&t, 0, sizeof t);
    t.id.proto = IPPROTO_ESP;
    t.reqid = p->reqid;
    t.aalgos = ~0u;
    t.ealgos = ~0u;
    t.calgos = ~0u;
    if (p->transport) {
        t.mode = XFRM_MODE_TRANSPORT;
        t.family = xfrm_family(&p->src.base);
    } else {
        t.mode = XFRM_MODE_TUNNEL;
        t.family = xfrm_family(&p->tunnel_dst);
        xfrm_put_address(&t.saddr, &p->tunnel_src);
        xfrm_put_address(&t.id.daddr, &p->tunnel_dst);
    }
    return mnl_attr_put_check(message, cap, XFRMA_TMPL, sizeof t, &t);
}

bool xfrm_put_policy(struct nlmsghdr *message, size_t cap, const struct kernel_policy *p)
{
    struct xfrm_userpolicy_info *info = mnl_nlmsg_put_extra_header(message, sizeof *info);
    put_selector(&info->sel, p);
    info->lft.soft_byte_limit = XFRM_INF;
    info->lft.hard_byte_limit = XFRM_INF;
    info->lft.soft_packet_limit = XFRM_INF;
    info->lft.hard_packet_limit = XFRM_INF;
    info->priority = p->priority;
    info->index = p->index;
    info->dir = (uint8_t)p->way;
    info->action = p->kind == POLICY_DROP ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
    info->share = XFRM_SHARE_ANY;
    return p->kind != POLICY_IPSEC || put_template(message, cap, p);
}

/* By number where it is known: another's policy with the same selector is then safe from us. */
bool xfrm_put_policy_id(struct nlmsghdr *message, size_t cap, const struct kernel_policy *p)
{
    struct xfrm_userpolicy_id *id = mnl_nlmsg_put_extra_header(message, sizeof *id);
    (void)cap;
    put_selector(&id->sel, p);
    id->index = p->index;
    id->dir = (uint8_t)p->way;
    return true;
}

/* A policy of several templates is optional where all of them are. */
static void get_templates(struct kernel_policy *p, const struct xfrm_attributes *all, unsigned family)
{
    struct xfrm_user_tmpl t;
    for (size_t at = 0; at + sizeof t <= all->len[XFRMA_TMPL]; at += sizeof t) {
        memcpy(&t, all->data[XFRMA_TMPL] + at, sizeof t);
        p->optional = t.optional != 0 && (p->templates == 0 || p->optional);
        if (p->templates++ > 0) {
            continue;
        }
        p->kind = POLICY_IPSEC;
        p->reqid = t.reqid;
        p->transport = t.mode == XFRM_MODE_TRANSPORT;
        if (!p->transport) {
            xfrm_get_address(&p->tunnel_src, &t.saddr, t.family != 0 ? t.family : family);
            xfrm_get_address(&p->tunnel_dst, &t.id.daddr, t.family != 0 ? t.family : family);
        }
    }
}

const char *xfrm_get_policy(struct kernel_policy *p, bool *own,
                            const struct xfrm_userpolicy_info *info,
                            const struct xfrm_attributes *attributes)
{
    memset(p, 0, sizeof *p);
    /* A socket's policies have no direction of ours in the low bits of their number. */
    *own = (info->index & 7) >= WAY_COUNT || info->dir >= WAY_COUNT;
    if (*own) {
        return NULL;
    }
    if (!xfrm_get_selector(&p->src, &p->dst, &info->sel)) {
        return "policy has a selector of unknown family";
    }
    const struct xfrm_selector *sel = &info->sel;
    struct xfrm_mark mark;
    struct xfrm_userpolicy_type type;
    uint32_t interface;
    p->sub = xfrm_attribute(attributes, XFRMA_POLICY_TYPE, &type, sizeof type)
             && type.type == XFRM_POLICY_TYPE_SUB;
    p->narrower = sel->proto != 0 || sel->sport_mask != 0 || sel->dport_mask != 0 || sel->ifindex != 0
                  || (xfrm_attribute(attributes, XFRMA_MARK, &mark, sizeof mark) && mark.m != 0)
                  || (xfrm_attribute(attributes, XFRMA_IF_ID, &interface, sizeof interface)
                      && interface != 0);
    p->way = (enum way)info->dir;
    p->priority = info->priority;
    p->index = info->index;
    p->maker = policy_index_maker(info->index);
    p->kind = info->action == XFRM_POLICY_BLOCK ? POLICY_DROP : POLICY_PASS;
    if (p->kind == POLICY_PASS && attributes->data[XFRMA_TMPL] != NULL) {
        get_templates(p, attributes, info->sel.family);
    }
    return NULL;
}
