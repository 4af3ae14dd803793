/* What dn.c (texts) and dn_der.c (bytes, comparison) share. Not for others. */
#ifndef LIB_DN_INSIDE_H
#define LIB_DN_INSIDE_H

#include "dn.h"

#define DN_OID_MAX 32 /* bytes of an attribute's type that are read and written */

enum { TAG_OID = 6, TAG_UTF8 = 12, TAG_PRINTABLE = 19, TAG_T61 = 20, TAG_IA5 = 22, TAG_SEQUENCE = 0x30, TAG_SET = 0x31 };

struct dn_bytes {
    const uint8_t *at;
    size_t len;
};

/* One step of a name, as it stands in DER; borrowed. */
struct dn_step {
    const uint8_t *oid;
    size_t oid_len;
    uint8_t tag;
    const uint8_t *value;
    size_t len;
};

/* Has that string only what its type allows, no control characters, and at least something? False for other types. */
bool dn_is_string(uint8_t tag, const uint8_t *value, size_t len);

/* What is between the ends of the whole name. */
bool dn_open(const uint8_t *der, size_t len, struct dn_bytes *steps);
/* The next step: one attribute, whose value is a dn_is_string. */
bool dn_take_step(struct dn_bytes *from, struct dn_step *s);

/* Both append at *at. False: there is no room for it in ID_VALUE_MAX bytes. */
bool dn_put_head(uint8_t out[ID_VALUE_MAX], size_t *at, uint8_t tag, size_t len);
bool dn_put_step(uint8_t out[ID_VALUE_MAX], size_t *at, const struct dn_step *s);

#endif
