/*
 * The payloads of ISAKMP as tables: one row a field, walked by decoder, encoder and printer.
 *
 * RFC 2408, 3 (formats), RFC 2407, 4.6 (IPsec DOI), RFC 3947 (NAT-D, NAT-OA). Decoding is pure and
 * borrows from the packet. Reserved bytes are ignored when read and 0 when written (interop Q5).
 * Not for: chains of payloads and the header (message.h), what proposals mean (sa.h), whether an
 * exchange wants a payload (the exchange tables).
 */
#ifndef IKE_NEGOTIATE_PAYLOAD_H
#define IKE_NEGOTIATE_PAYLOAD_H

#include "buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum payload_type { /* RFC 2408, 3.1 */
    PAYLOAD_NONE = 0,
    PAYLOAD_SA = 1,
    PAYLOAD_P = 2, /* only inside of SA */
    PAYLOAD_T = 3, /* only inside of P */
    PAYLOAD_KE = 4,
    PAYLOAD_ID = 5,
    PAYLOAD_CERT = 6,
    PAYLOAD_CR = 7,
    PAYLOAD_HASH = 8,
    PAYLOAD_SIG = 9,
    PAYLOAD_NONCE = 10,
    PAYLOAD_N = 11,
    PAYLOAD_D = 12,
    PAYLOAD_VID = 13,
    PAYLOAD_ATTRIBUTES = 14, /* Mode Config, XAUTH */
    PAYLOAD_NAT_D = 20,      /* RFC 3947 */
    PAYLOAD_NAT_OA = 21,
    PAYLOAD_NAT_D_DRAFT = 130,
    PAYLOAD_NAT_OA_DRAFT = 131,
    PAYLOAD_FRAGMENT = 132
};

#define ISAKMP_SPI_MAX 16u    /* both cookies (RFC 2408, 3.5 and 3.14) */
#define GENERIC_HEADER_LEN 4 /* next payload, reserved, length (RFC 2408, 3.2) */

enum form {
    FORM_END = 0,
    FORM_U8,
    FORM_U16,
    FORM_U32,
    FORM_RESERVED8,
    FORM_RESERVED16,
    FORM_COUNTED,    /* as many bytes as field `by` says */
    FORM_ELEMENTS,   /* all that is left: field `by` is the size of one, field `by + 1` how many */
    FORM_REST,       /* all that is left, min..max bytes */
    FORM_CHAIN,      /* all that is left: payloads of type `nested`, with generic headers */
    FORM_ATTRIBUTES  /* all that is left: data attributes (RFC 2408, 3.3) */
};

struct field_spec {
    const char *name;
    enum form form;
    uint8_t by;
    uint8_t nested;
    uint16_t min; /* of FORM_REST */
    uint16_t max; /* of FORM_REST; 0: no limit */
    const char *(*value_name)(unsigned value); /* a number's name or NULL; may itself be NULL */
};

#define FIELDS_MAX 8

struct payload_spec {
    const char *name;
    struct field_spec field[FIELDS_MAX]; /* up to FORM_END */
};

/* Places of the fields that the code asks for. */
enum { SA_DOI, SA_SITUATION, SA_PROPOSALS };
enum { P_NUMBER, P_PROTOCOL, P_SPI_SIZE, P_TRANSFORM_COUNT, P_SPI, P_TRANSFORMS };
enum { T_NUMBER, T_ID, T_RESERVED, T_ATTRIBUTES };
enum { N_DOI, N_PROTOCOL, N_SPI_SIZE, N_TYPE, N_SPI, N_DATA };
enum { D_DOI, D_PROTOCOL, D_SPI_SIZE, D_COUNT, D_SPIS };

struct payload_field {
    uint32_t number;      /* of U8, U16, U32 */
    const uint8_t *bytes; /* of the others; borrowed */
    size_t len;
};

struct payload_view {
    const struct payload_spec *spec;
    struct payload_field field[FIELDS_MAX];
};

/* NULL: a type that we do not know. */
const struct payload_spec *payload_spec(unsigned type);
const char *payload_name(unsigned type); /* SA, KE, ...; "unknown" */

/* Takes a payload's body apart. Returns NULL or why it is malformed (static). */
const char *payload_decode(struct payload_view *v, unsigned type, const uint8_t *body, size_t len);
/* Appends a body. Counts and sizes are the caller's to set in the view. */
void payload_encode(struct buffer *out, const struct payload_view *v);

/*
 * One payload off the front of a chain, generic header included; *at moves behind it.
 * Returns NULL or why (static).
 */
struct chain_item {
    uint8_t next;
    uint8_t reserved; /* to be ignored (interop Q5) */
    const uint8_t *whole;
    size_t whole_len;
    const uint8_t *body;
    size_t body_len;
};
const char *chain_take(struct chain_item *item, const uint8_t **at, size_t *left);

/* One data attribute off the front: basic (AF=1) or variable. Returns NULL or why (static). */
struct attribute {
    uint16_t type;   /* without the AF bit */
    bool basic;
    const uint8_t *bytes;
    size_t len;      /* 2 where basic */
    bool fits;       /* 1 to 8 bytes: value is right */
    uint64_t value;
};
const char *attribute_take(struct attribute *a, const uint8_t **at, size_t *left);
/* The shorter form that holds the value. */
void attribute_put(struct buffer *out, unsigned type, uint32_t value);

/* Names of numbers, NULL where unknown. */
const char *protocol_name(unsigned protocol); /* ISAKMP, AH, ESP, IPCOMP */

enum { PROTOCOL_ISAKMP = 1, PROTOCOL_AH = 2, PROTOCOL_ESP = 3, PROTOCOL_IPCOMP = 4 };
#define DOI_IPSEC 1
#define SIT_IDENTITY_ONLY 1

#endif
