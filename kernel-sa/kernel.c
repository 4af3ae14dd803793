#include "kernel.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/*
 * The kernel numbers policies itself from 8 upward in steps of 8, with the direction in the low
 * three bits; it would need 160 million of them to come near these.
 */
#define INDEX_DAEMON 0x50000000u
#define INDEX_HAND 0x58000000u
#define INDEX_MASK 0xf8000000u
#define INDEX_NUMBERS 0x00ffffffu

#define PRIORITY_WIDEST 4096u

uint32_t policy_index(enum maker maker, enum way way, uint32_t n)
{
    uint32_t base = maker == MAKER_HAND ? INDEX_HAND : INDEX_DAEMON;
    return base | (n & INDEX_NUMBERS) << 3 | (uint32_t)way;
}

enum maker policy_index_maker(uint32_t index)
{
    switch (index & INDEX_MASK) {
    case INDEX_DAEMON:
        return MAKER_DAEMON;
    case INDEX_HAND:
        return MAKER_HAND;
    default:
        return MAKER_STRANGER;
    }
}

uint32_t policy_priority(const struct subnet *src, const struct subnet *dst)
{
    return PRIORITY_WIDEST - 8u * ((uint32_t)src->bits + dst->bits);
}

bool policy_same_selector(const struct kernel_policy *a, const struct kernel_policy *b)
{
    return a->way == b->way && subnet_equal(&a->src, &b->src) && subnet_equal(&a->dst, &b->dst);
}

bool policy_same_effect(const struct kernel_policy *a, const struct kernel_policy *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    if (a->kind != POLICY_IPSEC) {
        return true;
    }
    if (a->reqid != b->reqid || a->transport != b->transport) {
        return false;
    }
    return a->transport || (address_equal(&a->tunnel_src, &b->tunnel_src)
                            && address_equal(&a->tunnel_dst, &b->tunnel_dst));
}

void say(struct buffer *out, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buffer_add_text(out, text);
}

void sa_describe_suite(struct buffer *out, const struct kernel_sa *sa)
{
    if (sa->cipher == NULL || (sa->hash == NULL && sa->cipher->icv_len == 0)) {
        buffer_add_text(out, "unknown algorithms");
        return;
    }
    char text[SUITE_TEXT];
    const struct esp_suite suite = { .cipher = sa->cipher, .hash = sa->hash };
    esp_suite_print(&suite, text);
    buffer_add_text(out, text);
}

static const char *protocol_word(uint8_t protocol)
{
    switch (protocol) {
    case 0: /* not read back: ours are ESP */
    case 50:
        return "esp";
    case 51:
        return "ah";
    case 108:
        return "ipcomp";
    default:
        return "other";
    }
}

void sa_describe(struct buffer *out, const struct kernel_sa *sa)
{
    char src[ADDRESS_TEXT];
    char dst[ADDRESS_TEXT];
    address_print(&sa->src, src);
    address_print(&sa->dst, dst);
    say(out, "%s 0x%08" PRIx32 " %s => %s", protocol_word(sa->protocol), sa->spi, src, dst);
}

static const char *way_word(enum way way)
{
    static const char *const words[WAY_COUNT] = { "in", "out", "fwd" };
    return way < WAY_COUNT ? words[way] : "?";
}

static void policy_describe_selector(struct buffer *out, const struct kernel_policy *p)
{
    char src[SUBNET_TEXT];
    char dst[SUBNET_TEXT];
    subnet_print(&p->src, src);
    subnet_print(&p->dst, dst);
    say(out, "%s %s => %s", way_word(p->way), src, dst);
}

static void describe_templates(struct buffer *out, const struct kernel_policy *p)
{
    if (p->templates > 1) {
        say(out, " and %u more templates", p->templates - 1);
    }
    buffer_add_text(out, p->optional ? ", optional (level use)" : "");
}

void policy_describe(struct buffer *out, const struct kernel_policy *p)
{
    policy_describe_selector(out, p);
    buffer_add_text(out, p->sub ? " (ptype sub)" : "");
    if (p->kind == POLICY_PASS) {
        buffer_add_text(out, ": pass");
    } else if (p->kind == POLICY_DROP) {
        buffer_add_text(out, ": drop");
    } else if (p->transport) {
        say(out, ": ipsec transport, reqid %" PRIu32, p->reqid);
    } else {
        char src[ADDRESS_TEXT];
        char dst[ADDRESS_TEXT];
        address_print(&p->tunnel_src, src);
        address_print(&p->tunnel_dst, dst);
        say(out, ": ipsec tunnel %s => %s, reqid %" PRIu32, src, dst, p->reqid);
    }
    describe_templates(out, p);
}

static void describe_new_sa(struct buffer *out, const struct kernel_sa *sa)
{
    say(out, "add %s SA ", sa->inbound ? "inbound" : "outbound");
    sa_describe(out, sa);
    say(out, ", %s, ", sa->transport ? "transport" : "tunnel");
    sa_describe_suite(out, sa);
    say(out, ", key <%u bytes>", sa->key_len);
    if (sa->auth_len > 0) {
        say(out, ", auth key <%u bytes>", sa->auth_len);
    }
    say(out, ", reqid %" PRIu32, sa->reqid);
    if (sa->inbound) {
        say(out, ", replay window %" PRIu32, sa->replay);
    }
    say(out, ", life %" PRIu64 " s", sa->hard);
}

void kernel_describe(struct buffer *out, const struct kernel_request *request)
{
    switch (request->verb) {
    case KERNEL_NONE:
        break;
    case KERNEL_ADD_SA:
        describe_new_sa(out, &request->sa);
        break;
    case KERNEL_UPDATE_SA:
        say(out, "change %s SA ", request->sa.inbound ? "inbound" : "outbound");
        sa_describe(out, &request->sa);
        say(out, ": life %" PRIu64 " s", request->sa.hard);
        break;
    case KERNEL_DELETE_SA:
        say(out, "delete %s SA ", request->sa.inbound ? "inbound" : "outbound");
        sa_describe(out, &request->sa);
        break;
    case KERNEL_GET_SA:
        buffer_add_text(out, "read SA ");
        sa_describe(out, &request->sa);
        break;
    case KERNEL_ADD_POLICY:
        buffer_add_text(out, "add policy ");
        policy_describe(out, &request->policy);
        say(out, ", priority %" PRIu32, request->policy.priority);
        break;
    case KERNEL_UPDATE_POLICY:
        buffer_add_text(out, "change policy ");
        policy_describe(out, &request->policy);
        say(out, ", priority %" PRIu32, request->policy.priority);
        break;
    case KERNEL_DELETE_POLICY:
        buffer_add_text(out, "delete policy ");
        policy_describe_selector(out, &request->policy);
        break;
    case KERNEL_GET_POLICY:
        buffer_add_text(out, "read policy ");
        policy_describe_selector(out, &request->policy);
        break;
    case KERNEL_GET_STANDARD:
        buffer_add_text(out, "read the default policies");
        break;
    case KERNEL_LIST:
        buffer_add_text(out, "read all SAs and policies");
        break;
    }
}
