#include "address.h"

#include <arpa/inet.h>
#include <string.h>

static const char not_numeric[] = "not a numeric address";
static const char bad_octet[] = "each number of an IPv4 address is decimal, 0 to 255";

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One decimal octet, leading zeros allowed: never octal. Moves *at behind it. */
static bool take_octet(const char **at, const char *end, uint8_t *octet)
{
    unsigned value = 0;
    size_t digits = 0;
    const char *p = *at;
    while (p < end && is_digit(*p) && digits < 4) {
        value = value * 10 + (unsigned)(*p - '0');
        digits++;
        p++;
    }
    if (digits == 0 || digits > 3 || value > 255) {
        return false;
    }
    *octet = (uint8_t)value;
    *at = p;
    return true;
}

/* Dotted decimal of text[0..len), `least` to 4 octets; what is missing is 0. */
static const char *parse_ipv4(struct address *a, const char *text, size_t len, unsigned least)
{
    struct address result = { .family = 4 };
    const char *at = text;
    const char *end = text + len;
    unsigned count = 0;

    for (;;) {
        if (!take_octet(&at, end, &result.bytes[count])) {
            return at < end && !is_digit(*at) && *at != '.' ? not_numeric : bad_octet;
        }
        count++;
        if (at == end) {
            break;
        }
        if (*at != '.') {
            return not_numeric;
        }
        if (count == 4) {
            return "an IPv4 address has four numbers";
        }
        at++;
    }
    if (count < least) {
        return "an IPv4 address has four numbers";
    }
    *a = result;
    return NULL;
}

static const char *parse_part(struct address *a, const char *text, size_t len, unsigned least)
{
    char copy[INET6_ADDRSTRLEN];
    struct address result = { .family = 6 };

    if (len == 0) {
        return "an address is missing";
    }
    if (memchr(text, ':', len) == NULL) {
        return parse_ipv4(a, text, len, least);
    }
    if (memchr(text, '%', len) != NULL) {
        return "an IPv6 address is given without its interface (%...)";
    }
    if (len >= sizeof copy) {
        return "not an IPv6 address";
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET6, copy, result.bytes) != 1) {
        return "not an IPv6 address";
    }
    *a = result;
    return NULL;
}

const char *address_parse(struct address *a, const char *text)
{
    return parse_part(a, text, strlen(text), 4);
}

/* Returns the end of it. */
static char *put_byte(char *out, unsigned byte)
{
    if (byte >= 100) {
        *out++ = (char)('0' + byte / 100);
    }
    if (byte >= 10) {
        *out++ = (char)('0' + byte / 10 % 10);
    }
    *out++ = (char)('0' + byte % 10);
    return out;
}

/* Not by inet_ntop, which has sprintf write these four numbers: that was a fifth of plutod's own time. */
static void print_ipv4(const uint8_t bytes[4], char *out)
{
    for (unsigned i = 0; i < 4; i++) {
        out = put_byte(out, bytes[i]);
        *out++ = i < 3 ? '.' : '\0';
    }
}

void address_print(const struct address *a, char out[ADDRESS_TEXT])
{
    if (a->family == 4) {
        print_ipv4(a->bytes, out);
    } else if (a->family == 0 || inet_ntop(AF_INET6, a->bytes, out, ADDRESS_TEXT) == NULL) {
        memcpy(out, "none", sizeof "none");
    }
}

unsigned address_len(const struct address *a)
{
    return a->family == 6 ? 16 : 4;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->family == b->family &&
           (a->family == 0 || memcmp(a->bytes, b->bytes, address_len(a)) == 0);
}

bool address_is_any(const struct address *a)
{
    static const uint8_t zero[16];
    return a->family == 0 || memcmp(a->bytes, zero, address_len(a)) == 0;
}

const char *address_of_no_host(const struct address *a)
{
    static const uint8_t broadcast[4] = { 255, 255, 255, 255 };
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    if (a->family == 4 && memcmp(a->bytes, broadcast, sizeof broadcast) == 0) {
        return "the broadcast address, which is no host's own (RFC 919, 7)";
    }
    if (a->family == 4 && (a->bytes[0] & 0xf0) == 0xe0) {
        return "a multicast address, which is no host's own (RFC 1112, 4)";
    }
    if (a->family == 4 && (a->bytes[0] & 0xf0) == 0xf0) {
        return "an address of 240.0.0.0/4, which is reserved: no host has it (RFC 1112, 4)";
    }
    if (a->family == 4 && a->bytes[0] == 0 && !address_is_any(a)) {
        return "an address of 0.0.0.0/8, which is no host's own (RFC 1122, 3.2.1.3)";
    }
    if (a->family == 6 && a->bytes[0] == 0xff) {
        return "a multicast address, which is no host's own (RFC 4291, 2.7)";
    }
    if (a->family == 6 && memcmp(a->bytes, mapped, sizeof mapped) == 0) {
        return "an IPv4 address in the form of an IPv6 one, which no host has on a wire (RFC 4291, 2.5.5.2): write it as IPv4";
    }
    return NULL;
}

struct address address_sender(const struct address *a)
{
    struct address sender = *a;
    if (a->family == 6) {
        memset(sender.bytes + 8, 0, 8);
    }
    return sender;
}

uint32_t address_hash(const struct address *a) /* FNV-1a */
{
    uint32_t h = 2166136261u ^ a->family;
    for (unsigned i = 0; i < address_len(a); i++) {
        h = (h ^ a->bytes[i]) * 16777619u;
    }
    return h;
}

/* ---- subnets ---- */

static void mask_of(struct address *mask, unsigned family, unsigned bits)
{
    *mask = (struct address){ .family = (uint8_t)family };
    for (unsigned i = 0; i < address_len(mask); i++, bits -= bits < 8 ? bits : 8) {
        mask->bytes[i] = (uint8_t)(0xff00u >> (bits < 8 ? bits : 8));
    }
}

/* -1: the ones are not all in front */
static int bits_of(const struct address *mask)
{
    unsigned len = address_len(mask) * 8;
    unsigned bits = 0;
    while (bits < len && (mask->bytes[bits / 8] & (0x80u >> bits % 8)) != 0) {
        bits++;
    }
    for (unsigned i = bits; i < len; i++) {
        if ((mask->bytes[i / 8] & (0x80u >> i % 8)) != 0) {
            return -1;
        }
    }
    return (int)bits;
}

const char *subnet_from_mask(struct subnet *s, const struct address *base,
                             const struct address *mask)
{
    int bits = bits_of(mask);
    if (bits < 0 || mask->family != base->family) {
        return "the ones of a mask stand all in front";
    }
    subnet_make(s, base, (unsigned)bits);
    return NULL;
}

void subnet_make(struct subnet *s, const struct address *base, unsigned bits)
{
    struct address mask;
    mask_of(&mask, base->family, bits);
    struct subnet result = { .base = { .family = base->family }, .bits = (uint8_t)bits };
    for (unsigned i = 0; i < address_len(base); i++) {
        result.base.bytes[i] = base->bytes[i] & mask.bytes[i];
    }
    *s = result;
}

static const char *parse_bits(unsigned *bits, const char *text, unsigned most)
{
    *bits = 0;
    size_t len = strlen(text);
    if (len == 0 || len > 3) {
        return "behind the / of a subnet stands a number of bits or a dotted mask";
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i])) {
            return "behind the / of a subnet stands a number of bits or a dotted mask";
        }
        *bits = *bits * 10 + (unsigned)(text[i] - '0');
    }
    if (*bits > most) {
        return "more bits behind the / than the address has";
    }
    return NULL;
}

const char *subnet_parse(struct subnet *s, const char *text, unsigned family)
{
    struct address base;
    struct address mask;
    unsigned bits = 0;

    if (strcmp(text, "%default") == 0) {
        if (family == 0) {
            return "%default needs an address family";
        }
        *s = (struct subnet){ .base = { .family = (uint8_t)family } };
        return NULL;
    }
    const char *slash = strchr(text, '/');
    if (slash == NULL) {
        return "a subnet is written ADDRESS/BITS or ADDRESS/MASK";
    }
    const char *why = parse_part(&base, text, (size_t)(slash - text), 1);
    if (why != NULL) {
        return why;
    }
    if (family != 0 && base.family != family) {
        return "a subnet of the other address family";
    }
    if (base.family == 4 && strchr(slash + 1, '.') != NULL) {
        why = parse_ipv4(&mask, slash + 1, strlen(slash + 1), 4);
        return why != NULL ? why : subnet_from_mask(s, &base, &mask);
    }
    why = parse_bits(&bits, slash + 1, address_len(&base) * 8);
    if (why != NULL) {
        return why;
    }
    subnet_make(s, &base, bits);
    return NULL;
}

void subnet_print(const struct subnet *s, char out[SUBNET_TEXT])
{
    address_print(&s->base, out);
    char *end = out + strlen(out);
    *end++ = '/';
    *put_byte(end, s->bits) = '\0';
}

void subnet_of_host(struct subnet *s, const struct address *a)
{
    *s = (struct subnet){ .base = *a, .bits = (uint8_t)(address_len(a) * 8) };
}

bool subnet_equal(const struct subnet *a, const struct subnet *b)
{
    return a->bits == b->bits && address_equal(&a->base, &b->base);
}

bool subnet_contains(const struct subnet *s, const struct address *a)
{
    struct subnet other;
    if (a->family != s->base.family) {
        return false;
    }
    subnet_make(&other, a, s->bits);
    return address_equal(&other.base, &s->base);
}

bool subnet_is_host(const struct subnet *s, const struct address *a)
{
    return s->bits == address_len(&s->base) * 8 && address_equal(&s->base, a);
}

void subnet_mask(const struct subnet *s, struct address *mask)
{
    mask_of(mask, s->base.family, s->bits);
}

/* ---- socket addresses ---- */

socklen_t address_to_sockaddr(const struct address *a, uint16_t port, struct sockaddr_storage *ss)
{
    memset(ss, 0, sizeof *ss);
    if (a->family == 6) {
        struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
        memcpy(&six.sin6_addr, a->bytes, 16);
        memcpy(ss, &six, sizeof six);
        return sizeof six;
    }
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
    memcpy(&four.sin_addr, a->bytes, 4);
    memcpy(ss, &four, sizeof four);
    return sizeof four;
}

bool address_from_sockaddr(struct address *a, uint16_t *port, const struct sockaddr *sa)
{
    struct address result = { .family = 0 };
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, sa, sizeof four);
        result.family = 4;
        memcpy(result.bytes, &four.sin_addr, 4);
        *port = ntohs(four.sin_port);
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, sa, sizeof six);
        result.family = 6;
        memcpy(result.bytes, &six.sin6_addr, 16);
        *port = ntohs(six.sin6_port);
    } else {
        return false;
    }
    *a = result;
    return true;
}
