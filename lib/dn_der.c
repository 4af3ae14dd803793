#include "dn_inside.h"

#include <string.h>

/* ---- reading ---- */

/* The next element, which has this tag (0: any of a string). Lengths in their shortest form, as DER has them. */
static bool take_element(struct dn_bytes *from, uint8_t tag, struct dn_bytes *content, uint8_t *found)
{
    if (from->len < 2 || (tag != 0 && from->at[0] != tag)) {
        return false;
    }
    size_t head = 2;
    size_t len = from->at[1];
    if (len == 0x81 && from->len > 2 && from->at[2] >= 0x80) {
        len = from->at[2];
        head = 3;
    } else if (len >= 0x80) {
        return false; /* one of 256 bytes or more is in no identity */
    }
    if (len > from->len - head) {
        return false;
    }
    *found = from->at[0];
    *content = (struct dn_bytes){ from->at + head, len };
    from->at += head + len;
    from->len -= head + len;
    return true;
}

static bool is_printable_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != 0 && strchr(" '()+,-./:=?", c) != NULL);
}

/* RFC 3629: no longer form than needed, no surrogates, nothing beyond U+10FFFF. */
static bool is_utf8(const uint8_t *at, size_t len)
{
    while (len > 0) {
        size_t more = *at < 0x80 ? 0 : *at >= 0xc2 && *at < 0xe0 ? 1 : *at >= 0xe0 && *at < 0xf0 ? 2
                      : *at >= 0xf0 && *at < 0xf5 ? 3 : len;
        if (more >= len || (more >= 2 && ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f)
                                          || (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f)))) {
            return false;
        }
        for (size_t i = 1; i <= more; i++) {
            if ((at[i] & 0xc0) != 0x80) {
                return false;
            }
        }
        at += more + 1;
        len -= more + 1;
    }
    return true;
}

bool dn_is_string(uint8_t tag, const uint8_t *value, size_t len)
{
    const bool known = tag == TAG_UTF8 || tag == TAG_PRINTABLE || tag == TAG_IA5 || tag == TAG_T61;
    for (size_t i = 0; i < len; i++) {
        const uint8_t c = value[i];
        /* T61's characters beyond ASCII are others than UTF-8's: names that differ must not become the same. */
        if (c < ' ' || c == 0x7f || (c >= 0x80 && tag != TAG_UTF8) || (tag == TAG_PRINTABLE && !is_printable_char(c))) {
            return false;
        }
    }
    return known && len > 0 && (tag != TAG_UTF8 || is_utf8(value, len));
}

bool dn_take_step(struct dn_bytes *from, struct dn_step *s)
{
    struct dn_bytes set, pair, oid, value;
    uint8_t tag;
    if (!take_element(from, TAG_SET, &set, &tag) || !take_element(&set, TAG_SEQUENCE, &pair, &tag) || set.len > 0
        || !take_element(&pair, TAG_OID, &oid, &tag) || !take_element(&pair, 0, &value, &tag) || pair.len > 0) {
        return false;
    }
    *s = (struct dn_step){ oid.at, oid.len, tag, value.at, value.len };
    return oid.len > 0 && oid.len <= DN_OID_MAX && (oid.at[oid.len - 1] & 0x80) == 0
           && dn_is_string(tag, value.at, value.len);
}

/* What is between the ends of the whole name. */
bool dn_open(const uint8_t *der, size_t len, struct dn_bytes *steps)
{
    struct dn_bytes whole = { der, len };
    uint8_t tag;
    return take_element(&whole, TAG_SEQUENCE, steps, &tag) && whole.len == 0 && steps->len > 0;
}

/* ---- writing ---- */

bool dn_put_head(uint8_t out[ID_VALUE_MAX], size_t *at, uint8_t tag, size_t len)
{
    const size_t head = len < 0x80 ? 2 : 3;
    if (head + len > ID_VALUE_MAX - *at) {
        return false;
    }
    out[(*at)++] = tag;
    if (head == 3) {
        out[(*at)++] = 0x81;
    }
    out[(*at)++] = (uint8_t)len;
    return true;
}

static size_t with_head(size_t len)
{
    return len + (len < 0x80 ? 2 : 3);
}

bool dn_put_step(uint8_t out[ID_VALUE_MAX], size_t *at, const struct dn_step *s)
{
    const size_t pair = with_head(s->oid_len) + with_head(s->len);
    if (!dn_put_head(out, at, TAG_SET, with_head(pair)) || !dn_put_head(out, at, TAG_SEQUENCE, pair)
        || !dn_put_head(out, at, TAG_OID, s->oid_len)) {
        return false;
    }
    memcpy(out + *at, s->oid, s->oid_len);
    *at += s->oid_len;
    if (!dn_put_head(out, at, s->tag, s->len)) {
        return false;
    }
    memcpy(out + *at, s->value, s->len);
    *at += s->len;
    return true;
}

/* ---- comparison ---- */

/* The next character of a value as it counts: spaces are one, and none at the ends. -1: the end. */
static int next_counted(const struct dn_step *s, size_t *at)
{
    size_t i = *at;
    while (i < s->len && s->value[i] == ' ') {
        i++;
    }
    if (i == s->len) {
        *at = i;
        return -1;
    }
    if (i > *at && *at > 0) {
        *at = i;
        return ' ';
    }
    *at = i + 1;
    const uint8_t c = s->value[i];
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static int compare_bytes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    return a_len == b_len ? memcmp(a, b, a_len) : a_len < b_len ? -1 : 1;
}

static int compare_steps(const struct dn_step *a, const struct dn_step *b)
{
    const int difference = compare_bytes(a->oid, a->oid_len, b->oid, b->oid_len);
    if (difference != 0) {
        return difference;
    }
    size_t at_a = 0, at_b = 0;
    int from_a, from_b;
    do {
        from_a = next_counted(a, &at_a);
        from_b = next_counted(b, &at_b);
    } while (from_a == from_b && from_a >= 0);
    return from_a - from_b;
}

static bool is_name(const uint8_t *der, size_t len)
{
    struct dn_bytes steps;
    struct dn_step s;
    if (!dn_open(der, len, &steps)) {
        return false;
    }
    while (steps.len > 0) {
        if (!dn_take_step(&steps, &s)) {
            return false;
        }
    }
    return true;
}

int dn_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    const bool a_is = is_name(a, a_len), b_is = is_name(b, b_len);
    struct dn_bytes rest_a, rest_b;
    struct dn_step s, t;
    if (!a_is || !b_is) {
        return a_is != b_is ? (a_is ? 1 : -1) : compare_bytes(a, a_len, b, b_len);
    }
    (void)dn_open(a, a_len, &rest_a);
    (void)dn_open(b, b_len, &rest_b);
    while (rest_a.len > 0 && rest_b.len > 0 && dn_take_step(&rest_a, &s) && dn_take_step(&rest_b, &t)) {
        const int difference = compare_steps(&s, &t);
        if (difference != 0) {
            return difference;
        }
    }
    return rest_a.len > 0 ? 1 : rest_b.len > 0 ? -1 : 0;
}
