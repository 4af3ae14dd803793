/* IDci and IDcr: the clients of Quick Mode. */
#include "identity.h"

#include <bsd/sys/endian.h>
#include <string.h>

static void take(struct address *a, unsigned family, const uint8_t *bytes)
{
    *a = (struct address){ .family = (uint8_t)family };
    memcpy(a->bytes, bytes, address_len(a));
}

/* low..high as a subnet, if it is one */
static const char *subnet_of_range(struct subnet *net, const struct address *low,
                                   const struct address *high)
{
    unsigned total = address_len(low) * 8;
    unsigned bits = 0;
    struct subnet from;
    struct subnet to;

    if (memcmp(low->bytes, high->bytes, address_len(low)) > 0) {
        return "an address range that ends before it begins";
    }
    while (bits < total &&
           ((low->bytes[bits / 8] ^ high->bytes[bits / 8]) & (0x80u >> bits % 8)) == 0) {
        bits++;
    }
    subnet_make(&from, low, bits);
    subnet_make(&to, high, bits);
    for (unsigned i = bits; i < total; i++) {
        to.base.bytes[i / 8] |= (uint8_t)(0x80u >> i % 8);
    }
    if (!address_equal(&from.base, low) || !address_equal(&to.base, high)) {
        return "an address range that is not a subnet is not supported";
    }
    *net = from;
    return NULL;
}

const char *client_decode(struct subnet *net, uint8_t *protocol, uint16_t *port,
                          const uint8_t *body, size_t len)
{
    struct address first;
    struct address second;
    const char *why = NULL;

    if (len < ID_HEAD) {
        return "client ID payload shorter than its head";
    }
    unsigned type = body[0];
    bool six = type == ID_IPV6_ADDR || type == ID_IPV6_ADDR_SUBNET || type == ID_IPV6_ADDR_RANGE;
    bool single = type == ID_IPV4_ADDR || type == ID_IPV6_ADDR;
    bool subnet = type == ID_IPV4_ADDR_SUBNET || type == ID_IPV6_ADDR_SUBNET;
    bool range = type == ID_IPV4_ADDR_RANGE || type == ID_IPV6_ADDR_RANGE;
    if (!single && !subnet && !range) {
        return "client ID payload that is no address, subnet or range";
    }
    size_t one = six ? 16 : 4;
    if (len - ID_HEAD != (single ? one : 2 * one)) {
        return "client ID payload of the wrong length for its type";
    }
    take(&first, six ? 6 : 4, body + ID_HEAD);
    if (single) {
        subnet_of_host(net, &first);
    } else {
        take(&second, six ? 6 : 4, body + ID_HEAD + one);
        why = subnet ? subnet_from_mask(net, &first, &second)
                     : subnet_of_range(net, &first, &second);
    }
    if (why == NULL) {
        *protocol = body[1];
        *port = be16dec(body + 2);
    }
    return why;
}

size_t client_encode(const struct subnet *net, uint8_t protocol, uint16_t port,
                     uint8_t body[ID_BODY_MAX])
{
    bool six = net->base.family == 6;
    size_t one = address_len(&net->base);
    bool host = net->bits == one * 8;
    struct address mask;

    body[0] = six ? (host ? ID_IPV6_ADDR : ID_IPV6_ADDR_SUBNET)
                  : (host ? ID_IPV4_ADDR : ID_IPV4_ADDR_SUBNET);
    body[1] = protocol;
    be16enc(body + 2, port);
    memcpy(body + ID_HEAD, net->base.bytes, one);
    if (host) {
        return ID_HEAD + one;
    }
    subnet_mask(net, &mask);
    memcpy(body + ID_HEAD + one, mask.bytes, one);
    return ID_HEAD + 2 * one;
}
