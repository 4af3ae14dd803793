#include "xfrm_bytes.h"

#include "kernel-sa/xfrm.h"

#include <string.h>

struct kernel_policy xfrm_bytes_a_policy(void)
{
    struct kernel_policy p = { .way = WAY_FWD, .kind = POLICY_IPSEC, .reqid = 77, .priority = 3712,
                               .index = policy_index(MAKER_HAND, WAY_FWD, 0xabcdef) };
    assert_null(subnet_parse(&p.src, "10.2.0.0/24", 0));
    assert_null(subnet_parse(&p.dst, "10.1.0.0/16", 0));
    assert_null(address_parse(&p.tunnel_src, "10.9.0.2"));
    assert_null(address_parse(&p.tunnel_dst, "10.9.0.1"));
    return p;
}

size_t xfrm_bytes_sa(uint8_t message[XFRM_BYTES], const struct kernel_sa *sa, enum kernel_verb verb)
{
    struct kernel_request q = { .verb = verb, .sa = *sa };
    return xfrm_build(message, XFRM_BYTES, &q, 42);
}

size_t xfrm_bytes_policy(uint8_t message[XFRM_BYTES], const struct kernel_policy *p,
                         enum kernel_verb verb)
{
    struct kernel_request q = { .verb = verb, .policy = *p };
    return xfrm_build(message, XFRM_BYTES, &q, 42);
}

const uint8_t *xfrm_bytes_attribute(const uint8_t *message, size_t len, size_t head, unsigned type,
                                    unsigned *size)
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
