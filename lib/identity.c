#include "identity.h"

#include "dn.h"
#include "hex.h"

#include <assert.h>
#include <bsd/sys/endian.h>
#include <stdlib.h>
#include <string.h>

/* What is printed as %XX: it would end a name, or be taken for something else; topologies have names in brackets. */
static bool is_plain(uint8_t c)
{
    return c > ' ' && c < 0x7f && strchr("%\\\"'[]", c) == NULL;
}

/* ---- texts ---- */

static const char *parse_hex(struct identity *id, enum id_type type, const char *text)
{
    struct identity result = { .type = type };
    size_t len = strlen(text);
    if (len == 0 || len % 2 != 0) {
        return "an identity in hex needs an even number of digits";
    }
    if (len / 2 > ID_VALUE_MAX) {
        return "the identity is too long";
    }
    for (size_t i = 0; i < len; i += 2) {
        const int byte = hex_pair(text + i);
        if (byte < 0) {
            return "an identity in hex has other characters than hex digits";
        }
        result.bytes[result.len++] = (uint8_t)byte;
    }
    *id = result;
    return NULL;
}

static const char *parse_name(struct identity *id, enum id_type type, const char *text)
{
    struct identity result = { .type = type };
    for (const char *p = text; *p != '\0'; p++) {
        uint8_t c = (uint8_t)*p;
        if (c == '%') {
            const int byte = hex_pair(p + 1);
            if (byte < 0) {
                return "a % in a name is followed by two hex digits (%25 is % itself)";
            }
            c = (uint8_t)byte;
            p += 2;
        }
        if (c < ' ' || c == 0x7f) {
            return "control characters in a name";
        }
        if (result.len == ID_VALUE_MAX) {
            return "the identity is too long";
        }
        result.bytes[result.len++] = c;
    }
    if (result.len == 0) {
        return "an empty name";
    }
    *id = result;
    return NULL;
}

static bool is_any_word(const char *text)
{
    return strcmp(text, "%any") == 0 || strcmp(text, "%any6") == 0;
}

static bool is_meant_as_address(const char *text)
{
    return text[0] != '\0' && (strchr(text, ':') != NULL || text[strspn(text, "0123456789.")] == '\0');
}

static const char *parse_dn(struct identity *id, const char *text)
{
    struct identity result = { .type = ID_DER_ASN1_DN };
    size_t len;
    const char *why = dn_parse(result.bytes, &len, text);
    if (why == NULL) {
        result.len = (uint16_t)len;
        *id = result;
    }
    return why;
}

const char *identity_parse(struct identity *id, const char *text)
{
    struct address a;

    if (is_any_word(text)) {
        *id = (struct identity){ .type = ID_ANY };
        return NULL;
    }
    if (strncmp(text, "@#", 2) == 0) {
        return parse_hex(id, ID_KEY_ID, text + 2);
    }
    if (strncmp(text, "@~", 2) == 0) {
        return parse_hex(id, ID_DER_ASN1_DN, text + 2);
    }
    if (strncmp(text, "@@", 2) == 0) {
        return parse_name(id, ID_USER_FQDN, text + 2);
    }
    if (text[0] == '@') {
        return parse_name(id, ID_FQDN, text + 1);
    }
    if (dn_is_meant(text)) {
        return parse_dn(id, text);
    }
    if (strchr(text, '@') != NULL) {
        return parse_name(id, ID_USER_FQDN, text);
    }
    if (text[0] == '%') {
        return "unknown %word where an identity belongs";
    }
    const char *why = address_parse(&a, text);
    if (why != NULL) {
        return is_meant_as_address(text)
                   ? why : "neither an address nor @name nor user@name (a bare name needs looking up)";
    }
    identity_of_address(id, &a);
    return NULL;
}

void identity_of_address(struct identity *id, const struct address *a)
{
    struct identity result = { .type = ID_ANY };
    if (!address_is_any(a)) {
        result.type = a->family == 4 ? ID_IPV4_ADDR : ID_IPV6_ADDR;
        result.len = (uint16_t)address_len(a);
        memcpy(result.bytes, a->bytes, result.len);
    }
    *id = result;
}

static char *print_hex(char *out, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    return out;
}

/* Without @@ before it this one would be read as a name to be looked up, as one of those with an @ before them, or as a DN. */
static bool needs_mark(const struct identity *id)
{
    const uint8_t *at = memchr(id->bytes, '@', id->len);
    return at == NULL || at == id->bytes || memchr(id->bytes, '=', (size_t)(at - id->bytes)) != NULL;
}

/* `first`: the first byte could be taken for one of the marks behind @. */
static char *print_name(char *out, const struct identity *id, bool first)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < id->len; i++) {
        uint8_t c = id->bytes[i];
        bool mark = first && i == 0 && (c == '@' || c == '#' || c == '~');
        if (is_plain(c) && !mark) {
            *out++ = (char)c;
            continue;
        }
        *out++ = '%';
        *out++ = digits[c >> 4];
        *out++ = digits[c & 15];
    }
    return out;
}

void identity_print(const struct identity *id, char out[IDENTITY_TEXT])
{
    struct address a = { .family = 0 };
    const char *mark = "@";

    switch (id->type) {
    case ID_IPV4_ADDR:
    case ID_IPV6_ADDR:
        a.family = id->type == ID_IPV4_ADDR ? 4 : 6;
        assert(id->len == address_len(&a));
        memcpy(a.bytes, id->bytes, address_len(&a));
        address_print(&a, out);
        return;
    case ID_FQDN:
        *out++ = '@';
        out = print_name(out, id, true);
        break;
    case ID_USER_FQDN:
        if (needs_mark(id)) { /* some peers send a bare name as this type */
            *out++ = '@';
            *out++ = '@';
        }
        out = print_name(out, id, false);
        break;
    case ID_DER_ASN1_DN:
        if (dn_print(id->bytes, id->len, out, IDENTITY_TEXT)) {
            return;
        }
        /* fall through */
    case ID_KEY_ID:
        mark = id->type == ID_KEY_ID ? "@#" : "@~";
        memcpy(out, mark, 2);
        out = print_hex(out + 2, id->bytes, id->len);
        break;
    default:
        memcpy(out, "%any", 4);
        out += 4;
        break;
    }
    *out = '\0';
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

int identity_compare(const struct identity *a, const struct identity *b)
{
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    if (a->type == ID_DER_ASN1_DN) {
        return dn_compare(a->bytes, a->len, b->bytes, b->len);
    }
    if (a->len != b->len) {
        return a->len < b->len ? -1 : 1;
    }
    bool fold = a->type == ID_FQDN || a->type == ID_USER_FQDN;
    for (size_t i = 0; i < a->len; i++) {
        int difference = fold ? lower(a->bytes[i]) - lower(b->bytes[i]) : a->bytes[i] - b->bytes[i];
        if (difference != 0) {
            return difference;
        }
    }
    return 0;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
    return identity_compare(a, b) == 0;
}

const struct identity identity_any = { .type = ID_ANY };

const struct identity *identity_dup(const struct identity *id)
{
    struct identity *copy = malloc(IDENTITY_SIZE(id));
    if (copy != NULL) {
        memcpy(copy, id, IDENTITY_SIZE(id));
    }
    return copy;
}

void identity_copy(struct identity *to, const struct identity *from)
{
    memcpy(to, from, IDENTITY_SIZE(from));
}

/* ---- bytes of RFC 2407, 4.6.2: type, protocol, port, value ---- */

static const char *check_address(const struct identity *id, unsigned family)
{
    struct address a = { .family = (uint8_t)family };
    if (id->len != address_len(&a)) {
        return "ID payload of the wrong length for an address";
    }
    memcpy(a.bytes, id->bytes, id->len);
    /* It would read as %any everywhere behind this point. */
    return address_is_any(&a) ? "the address 0.0.0.0 or :: is no identity" : NULL;
}

static const char *check_name(const struct identity *id)
{
    for (size_t i = 0; i < id->len; i++) {
        if (id->bytes[i] < ' ' || id->bytes[i] == 0x7f) {
            return "control characters in the name of an ID payload";
        }
    }
    return NULL;
}

static const char *check_identity(const struct identity *id)
{
    if (id->len == 0) {
        return "ID payload without a value";
    }
    switch (id->type) {
    case ID_IPV4_ADDR:
        return check_address(id, 4);
    case ID_IPV6_ADDR:
        return check_address(id, 6);
    case ID_FQDN:
    case ID_USER_FQDN:
        return check_name(id);
    case ID_DER_ASN1_DN:
    case ID_KEY_ID:
        return NULL;
    case ID_IPV4_ADDR_SUBNET:
    case ID_IPV6_ADDR_SUBNET:
    case ID_IPV4_ADDR_RANGE:
    case ID_IPV6_ADDR_RANGE:
        return "a subnet or range is no identity in phase 1";
    case ID_DER_ASN1_GN:
        return "an ASN.1 general name is not supported as identity";
    default:
        return "ID payload of an unknown type";
    }
}

static const char *check_port(uint8_t protocol, unsigned port)
{
    bool fine = (protocol == 0 && port == 0) ||
                (protocol == 17 && (port == 0 || port == 500 || port == 4500));
    return fine ? NULL : "phase 1 ID payload with another protocol and port than UDP 500";
}

const char *identity_decode(struct identity *id, const uint8_t *body, size_t len)
{
    struct identity result;

    if (len < ID_HEAD) {
        return "ID payload shorter than its head";
    }
    if (len > ID_BODY_MAX) {
        return "ID payload too long";
    }
    memset(&result, 0, sizeof result);
    if (body[0] == 0) {
        return "ID payload of an unknown type";
    }
    result.type = body[0];
    result.len = (uint16_t)(len - ID_HEAD);
    memcpy(result.bytes, body + ID_HEAD, result.len);
    const char *why = check_identity(&result);
    if (why == NULL) {
        why = check_port(body[1], be16dec(body + 2));
    }
    if (why == NULL) {
        *id = result;
    }
    return why;
}

size_t identity_encode(const struct identity *id, uint8_t body[ID_BODY_MAX])
{
    assert(id->len <= ID_VALUE_MAX);
    body[0] = (uint8_t)id->type;
    body[1] = 0;
    body[2] = 0;
    body[3] = 0;
    memcpy(body + ID_HEAD, id->bytes, id->len);
    return (size_t)ID_HEAD + id->len;
}
