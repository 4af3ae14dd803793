#include "payload.h"

#include "notify.h"

#include <assert.h>
#include <string.h>

/* ---- names of numbers ---- */

static const char *doi_name(unsigned doi)
{
    return doi == DOI_IPSEC ? "IPsec" : doi == 0 ? "ISAKMP" : NULL;
}

static const char *situation_name(unsigned situation)
{
    return situation == SIT_IDENTITY_ONLY ? "identity only" : NULL;
}

const char *protocol_name(unsigned protocol)
{
    static const char *const names[] = { NULL, "ISAKMP", "AH", "ESP", "IPCOMP" };
    return protocol < sizeof names / sizeof names[0] ? names[protocol] : NULL;
}

static const char *notify_value_name(unsigned type)
{
    return notify_known(type) ? notify_name(type) : NULL;
}

static const char *id_type_name(unsigned type)
{
    static const char *const names[] = {
        NULL,          "IPV4_ADDR",        "FQDN",            "USER_FQDN",
        "IPV4_SUBNET", "IPV6_ADDR",        "IPV6_SUBNET",     "IPV4_RANGE",
        "IPV6_RANGE",  "DER_ASN1_DN",      "DER_ASN1_GN",     "KEY_ID",
    };
    return type < sizeof names / sizeof names[0] ? names[type] : NULL;
}

/* ---- the tables ---- */

#define U8(n) { .name = (n), .form = FORM_U8 }
#define U16(n) { .name = (n), .form = FORM_U16 }
#define U32(n) { .name = (n), .form = FORM_U32 }
#define NAMED(f, n, names) { .name = (n), .form = (f), .value_name = (names) }
#define RESERVED8 { .name = "reserved", .form = FORM_RESERVED8 }
#define RESERVED16 { .name = "reserved", .form = FORM_RESERVED16 }
#define COUNTED(n, field) { .name = (n), .form = FORM_COUNTED, .by = (field) }
#define ELEMENTS(n, field) { .name = (n), .form = FORM_ELEMENTS, .by = (field) }
#define REST(n, least, most) { .name = (n), .form = FORM_REST, .min = (least), .max = (most) }
#define CHAIN(n, type) { .name = (n), .form = FORM_CHAIN, .nested = (type) }

static const struct payload_spec specs[] = {
    /*                       1                   2                   3
     *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
     *  ! Next Payload  !   RESERVED    !         Payload Length        !   before each body
     */
    [PAYLOAD_SA] = { "SA", { /* RFC 2407, 4.6.1 */
        NAMED(FORM_U32, "DOI", doi_name), NAMED(FORM_U32, "situation", situation_name),
        CHAIN("proposals", PAYLOAD_P) } },
    [PAYLOAD_P] = { "proposal", { /* RFC 2408, 3.5 */
        U8("number"), NAMED(FORM_U8, "protocol", protocol_name), U8("SPI size"),
        U8("transforms"), COUNTED("SPI", P_SPI_SIZE), CHAIN("transforms", PAYLOAD_T) } },
    [PAYLOAD_T] = { "transform", { /* RFC 2408, 3.6 */
        U8("number"), U8("id"), RESERVED16, { .name = "attributes", .form = FORM_ATTRIBUTES } } },
    [PAYLOAD_KE] = { "KE", { REST("g^x", 1, 0) } },
    [PAYLOAD_ID] = { "ID", { /* RFC 2407, 4.6.2 */
        NAMED(FORM_U8, "type", id_type_name), U8("protocol"), U16("port"),
        REST("identity", 1, 0) } },
    [PAYLOAD_CERT] = { "CERT", { U8("encoding"), REST("certificate", 0, 0) } },
    [PAYLOAD_CR] = { "CR", { U8("type"), REST("authority", 0, 0) } },
    [PAYLOAD_HASH] = { "HASH", { REST("hash", 1, 0) } },
    [PAYLOAD_SIG] = { "SIG", { REST("signature", 1, 0) } },
    [PAYLOAD_NONCE] = { "NONCE", { REST("nonce", 8, 256) } }, /* RFC 2409, 5 */
    [PAYLOAD_N] = { "N", { /* RFC 2408, 3.14 */
        NAMED(FORM_U32, "DOI", doi_name), NAMED(FORM_U8, "protocol", protocol_name),
        U8("SPI size"), NAMED(FORM_U16, "type", notify_value_name), COUNTED("SPI", N_SPI_SIZE),
        REST("data", 0, 0) } },
    [PAYLOAD_D] = { "D", { /* RFC 2408, 3.15 */
        NAMED(FORM_U32, "DOI", doi_name), NAMED(FORM_U8, "protocol", protocol_name),
        U8("SPI size"), U16("SPIs"), ELEMENTS("SPI", D_SPI_SIZE) } },
    [PAYLOAD_VID] = { "VID", { REST("vendor id", 0, 0) } },
    [PAYLOAD_ATTRIBUTES] = { "ATTRIBUTES", {
        U8("type"), RESERVED8, U16("identifier"),
        { .name = "attributes", .form = FORM_ATTRIBUTES } } },
    [PAYLOAD_NAT_D] = { "NAT-D", { REST("hash", 1, 0) } }, /* RFC 3947, 3.2 */
    [PAYLOAD_NAT_OA] = { "NAT-OA", { /* RFC 3947, 5.2 */
        NAMED(FORM_U8, "type", id_type_name), RESERVED8, RESERVED16, REST("address", 4, 16) } },
};

static const struct payload_spec fragment_spec = { "FRAGMENT", {
    U16("id"), U8("number"), U8("last"), REST("data", 0, 0) } };

const struct payload_spec *payload_spec(unsigned type)
{
    switch (type) {
    case PAYLOAD_NAT_D_DRAFT:
        return &specs[PAYLOAD_NAT_D];
    case PAYLOAD_NAT_OA_DRAFT:
        return &specs[PAYLOAD_NAT_OA];
    case PAYLOAD_FRAGMENT:
        return &fragment_spec;
    default:
        break;
    }
    if (type >= sizeof specs / sizeof specs[0] || specs[type].name == NULL) {
        return NULL;
    }
    return &specs[type];
}

const char *payload_name(unsigned type)
{
    const struct payload_spec *spec = payload_spec(type);
    return spec != NULL ? spec->name : "unknown";
}

/* ---- decoding ---- */

static uint32_t number_of(const uint8_t *bytes, size_t len)
{
    uint32_t value = 0;
    for (size_t i = 0; i < len; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static size_t fixed_len(enum form form)
{
    switch (form) {
    case FORM_U8:
    case FORM_RESERVED8:
        return 1;
    case FORM_U16:
    case FORM_RESERVED16:
        return 2;
    case FORM_U32:
        return 4;
    default:
        return 0;
    }
}

/* Length of a field that is not fixed; why it is wrong, or NULL. */
static const char *variable_len(size_t *len, const struct payload_view *v, size_t i, size_t left)
{
    const struct field_spec *f = &v->spec->field[i];
    switch (f->form) {
    case FORM_COUNTED:
        *len = v->field[f->by].number;
        return *len > left ? "an SPI that is longer than its payload" : NULL;
    case FORM_ELEMENTS:
        *len = (size_t)v->field[f->by].number * v->field[f->by + 1].number;
        return *len != left ? "number and size of SPIs do not fit the payload" : NULL;
    case FORM_REST:
        *len = left;
        if (left < f->min) {
            return "a payload that is too short";
        }
        return f->max != 0 && left > f->max ? "a payload that is too long" : NULL;
    default:
        *len = left;
        return NULL;
    }
}

const char *payload_decode(struct payload_view *v, unsigned type, const uint8_t *body, size_t len)
{
    const uint8_t *at = body;
    size_t left = len;

    memset(v, 0, sizeof *v);
    v->spec = payload_spec(type);
    if (v->spec == NULL) {
        return "an unknown payload type";
    }
    for (size_t i = 0; i < FIELDS_MAX && v->spec->field[i].form != FORM_END; i++) {
        size_t n = fixed_len(v->spec->field[i].form);
        if (n > left) {
            return "a payload that is shorter than its fields";
        }
        if (n > 0) {
            v->field[i].number = number_of(at, n);
        } else {
            const char *why = variable_len(&n, v, i, left);
            if (why != NULL) {
                return why;
            }
            v->field[i].bytes = at;
            v->field[i].len = n;
        }
        at += n;
        left -= n;
    }
    return left > 0 ? "a payload that is longer than its fields" : NULL;
}

/* ---- encoding ---- */

void payload_encode(struct buffer *out, const struct payload_view *v)
{
    for (size_t i = 0; i < FIELDS_MAX && v->spec->field[i].form != FORM_END; i++) {
        switch (v->spec->field[i].form) {
        case FORM_U8:
            buffer_add_u8(out, v->field[i].number);
            break;
        case FORM_RESERVED8:
            buffer_add_u8(out, 0);
            break;
        case FORM_U16:
            buffer_add_u16(out, v->field[i].number);
            break;
        case FORM_RESERVED16:
            buffer_add_u16(out, 0);
            break;
        case FORM_U32:
            buffer_add_u32(out, v->field[i].number);
            break;
        default:
            buffer_add(out, v->field[i].bytes, v->field[i].len);
            break;
        }
    }
}

/* ---- chains and attributes ---- */

const char *chain_take(struct chain_item *item, const uint8_t **at, size_t *left)
{
    if (*left < GENERIC_HEADER_LEN) {
        return "a payload chain that is cut";
    }
    const uint8_t *p = *at;
    size_t len = number_of(p + 2, 2);
    if (len < GENERIC_HEADER_LEN) {
        return "a payload length of less than 4";
    }
    if (len > *left) {
        return "a payload that is longer than what holds it";
    }
    *item = (struct chain_item){
        .next = p[0],
        .reserved = p[1],
        .whole = p,
        .whole_len = len,
        .body = p + GENERIC_HEADER_LEN,
        .body_len = len - GENERIC_HEADER_LEN,
    };
    *at = p + len;
    *left -= len;
    return NULL;
}

const char *attribute_take(struct attribute *a, const uint8_t **at, size_t *left)
{
    if (*left < 4) {
        return "a data attribute that is cut";
    }
    const uint8_t *p = *at;
    size_t used = 4;
    *a = (struct attribute){ .type = (uint16_t)((p[0] & 0x7f) << 8 | p[1]),
                             .basic = (p[0] & 0x80) != 0 };
    if (a->basic) {
        a->bytes = p + 2;
        a->len = 2;
    } else {
        a->bytes = p + 4;
        a->len = number_of(p + 2, 2);
        if (a->len > *left - 4) {
            return "a data attribute that is longer than what holds it";
        }
        used += a->len;
    }
    a->fits = a->len >= 1 && a->len <= 8;
    for (size_t i = 0; a->fits && i < a->len; i++) {
        a->value = a->value << 8 | a->bytes[i];
    }
    *at = p + used;
    *left -= used;
    return NULL;
}

void attribute_put(struct buffer *out, unsigned type, uint32_t value)
{
    if (value <= 0xffff) {
        buffer_add_u16(out, 0x8000u | type);
        buffer_add_u16(out, value);
    } else {
        buffer_add_u16(out, type);
        buffer_add_u16(out, 4);
        buffer_add_u32(out, value);
    }
}
