#include "dn_inside.h"

#include "hex.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define OID_TEXT (DN_OID_MAX * 4 + 1)

/* The first of several names for one type is what is printed. */
static const struct attribute {
    const char *name;
    uint8_t len;
    uint8_t oid[10];
    bool ia5;
} attributes[] = {
    { "C", 3, { 0x55, 4, 6 }, false },
    { "ST", 3, { 0x55, 4, 8 }, false },
    { "L", 3, { 0x55, 4, 7 }, false },
    { "O", 3, { 0x55, 4, 10 }, false },
    { "OU", 3, { 0x55, 4, 11 }, false },
    { "CN", 3, { 0x55, 4, 3 }, false },
    { "E", 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1 }, true },
    { "Email", 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1 }, true },
    { "emailAddress", 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1 }, true },
    { "DC", 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25 }, true },
    { "UID", 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1 }, false },
    { "serialNumber", 3, { 0x55, 4, 5 }, false },
    /* Old IKE daemons had SN for the serial number and S for this one; some have S for the state. So S is nothing here. */
    { "SN", 3, { 0x55, 4, 4 }, false },
    { "surname", 3, { 0x55, 4, 4 }, false },
    { "G", 3, { 0x55, 4, 42 }, false },
    { "GN", 3, { 0x55, 4, 42 }, false },
    { "givenName", 3, { 0x55, 4, 42 }, false },
    { "I", 3, { 0x55, 4, 43 }, false },
    { "initials", 3, { 0x55, 4, 43 }, false },
    { "T", 3, { 0x55, 4, 12 }, false },
    { "title", 3, { 0x55, 4, 12 }, false },
    { "D", 3, { 0x55, 4, 13 }, false },
    { "description", 3, { 0x55, 4, 13 }, false },
    { "N", 3, { 0x55, 4, 41 }, false },
    { "name", 3, { 0x55, 4, 41 }, false },
    { "STREET", 3, { 0x55, 4, 9 }, false },
    { "postalCode", 3, { 0x55, 4, 17 }, false },
    { "dnQualifier", 3, { 0x55, 4, 46 }, false },
};

static const struct string_type {
    uint8_t tag;
    const char *mark;
} string_types[] = {
    { TAG_PRINTABLE, "printable:" },
    { TAG_UTF8, "utf8:" },
    { TAG_IA5, "ia5:" },
    { TAG_T61, "t61:" },
};

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* ---- types of attributes and of strings ---- */

static const char *mark_of(uint8_t tag)
{
    for (size_t i = 0; i < LENGTH(string_types); i++) {
        if (string_types[i].tag == tag) {
            return string_types[i].mark;
        }
    }
    return ""; /* a type that no step has */
}

static const struct attribute *attribute_called(const char *name, size_t len)
{
    for (size_t i = 0; i < LENGTH(attributes); i++) {
        if (strlen(attributes[i].name) == len && strncasecmp(attributes[i].name, name, len) == 0) {
            return &attributes[i];
        }
    }
    return NULL;
}

static const struct attribute *attribute_of(const struct dn_step *s)
{
    for (size_t i = 0; i < LENGTH(attributes); i++) {
        if (attributes[i].len == s->oid_len && memcmp(attributes[i].oid, s->oid, s->oid_len) == 0) {
            return &attributes[i];
        }
    }
    return NULL;
}

/* In digits and dots. False: a number in it is too large, or not in its shortest form. */
static bool print_oid(const struct dn_step *s, char out[OID_TEXT])
{
    size_t at = 0;
    uint32_t number = 0;
    bool first = true, begun = false;
    for (size_t i = 0; i < s->oid_len; i++) {
        if (number > UINT32_MAX >> 7 || (!begun && s->oid[i] == 0x80)) {
            return false;
        }
        number = number << 7 | (s->oid[i] & 0x7f);
        begun = true;
        if ((s->oid[i] & 0x80) != 0) {
            continue;
        }
        uint32_t root = !first ? 0 : number < 40 ? 0 : number < 80 ? 1 : 2;
        int n = first ? snprintf(out + at, OID_TEXT - at, "%u.%u", root, number - 40 * root)
                      : snprintf(out + at, OID_TEXT - at, ".%u", number);
        if (n < 0 || (size_t)n >= OID_TEXT - at) {
            return false;
        }
        at += (size_t)n;
        number = 0;
        first = begun = false;
    }
    return true;
}

static bool take_number(const char **text, const char *end, uint32_t *number)
{
    const char *at = *text;
    uint64_t n = 0;
    if (at == end || *at == '.' || (*at == '0' && at + 1 < end && at[1] != '.')) {
        return false;
    }
    for (; at < end && *at != '.'; at++) {
        n = n * 10 + (uint64_t)(*at - '0');
        if (*at < '0' || *at > '9' || n > UINT32_MAX) {
            return false;
        }
    }
    *number = (uint32_t)n;
    *text = at < end ? at + 1 : at;
    return at == end || at + 1 < end;
}

/* Returns its length; 0: no OID of numbers up to 2^32 - 1. */
static size_t parse_oid(uint8_t out[DN_OID_MAX], const char *text, const char *end)
{
    uint32_t root, number;
    size_t len = 0;
    if (!take_number(&text, end, &root) || root > 2 || !take_number(&text, end, &number)
        || (root < 2 && number > 39) || number > UINT32_MAX - 80) {
        return 0;
    }
    number += root * 40;
    for (;;) {
        unsigned shift = 28;
        while (shift > 0 && number >> shift == 0) {
            shift -= 7;
        }
        for (;; shift -= 7) {
            if (len == DN_OID_MAX) {
                return 0;
            }
            out[len++] = (uint8_t)((number >> shift & 0x7f) | (shift > 0 ? 0x80u : 0));
            if (shift == 0) {
                break;
            }
        }
        if (text == end) {
            return len;
        }
        if (!take_number(&text, end, &number)) {
            return 0;
        }
    }
}

/* What an attribute's string is, if nothing is said. */
static uint8_t usual_type(const struct attribute *a, const uint8_t *value, size_t len)
{
    if (a != NULL && a->ia5 && dn_is_string(TAG_IA5, value, len)) {
        return TAG_IA5;
    }
    return dn_is_string(TAG_PRINTABLE, value, len) ? TAG_PRINTABLE : TAG_UTF8;
}

/* ---- text to DER ---- */

static const char too_long[] = "the identity is too long";

static const char *skip_spaces(const char *text)
{
    return text + strspn(text, " ");
}

/* The type of an attribute, up to its =, which *text is then behind. oid: what s->oid points to. */
static const char *parse_type(const char **text, uint8_t oid[DN_OID_MAX], struct dn_step *s, const struct attribute **a)
{
    const char *end = *text + strcspn(*text, "=,/");
    const char *next = end + 1;
    if (*end != '=') {
        return "a distinguished name is ATTRIBUTE=VALUE and more of these, as in C=CH,O=Example,CN=gate, in quotes if there are blanks in "
               "it (and a user whose name has a = is @@user@name)";
    }
    while (end > *text && end[-1] == ' ') {
        end--;
    }
    *a = attribute_called(*text, (size_t)(end - *text));
    if (*a != NULL) {
        s->oid_len = (*a)->len;
        memcpy(oid, (*a)->oid, s->oid_len);
    } else {
        s->oid_len = parse_oid(oid, *text, end);
        *a = s->oid_len == 0 ? NULL : attribute_of(s);
    }
    *text = next;
    return s->oid_len > 0 ? NULL
           : "unknown attribute in a distinguished name: C, ST, L, O, OU, CN, E, DC and UID are the usual ones, and each can "
             "be given by number, as in 2.5.4.3=gate";
}

/* Is the = there that of another attribute, as in the value of C=CH O=Example? */
static bool begins_another(const char *from, const char *equals)
{
    while (equals > from && equals[-1] == ' ') {
        equals--;
    }
    const char *name = equals;
    while (name > from && strchr(" +;,/", name[-1]) == NULL) {
        name--;
    }
    return name > from && attribute_called(name, (size_t)(equals - name)) != NULL;
}

/* A byte as %XX, or as \XX (RFC 4514), or a character behind a \; *at is then at the last of it. */
static const char *take_escaped(const char **at, uint8_t *c)
{
    const bool percent = **at == '%';
    const int byte = hex_pair(*at + 1);
    if (percent && byte < 0) {
        return "a % in a name is followed by two hex digits (%25 is % itself)";
    }
    *c = (uint8_t)(byte < 0 ? (*at)[1] : byte);
    if (byte < 0 && *c == '\0') {
        return "a distinguished name ends with a \\, which takes the character behind it as it is";
    }
    *at += byte < 0 ? 1 : 2;
    return NULL;
}

/* The bytes of a value, up to the separator or the end, where *text then is. Plain spaces at its ends are none of it. */
static const char *parse_value(const char **text, char separator, uint8_t value[ID_VALUE_MAX], size_t *len)
{
    const char *from = skip_spaces(*text);
    const bool quoted = *from == '"'; /* as openssl(1) shows a value with a comma */
    const char end = quoted ? '"' : separator;
    const char *at = quoted ? from + 1 : from;
    size_t kept = 0;
    for (*len = 0; *at != '\0' && *at != end; at++) {
        uint8_t c = (uint8_t)*at;
        const bool plain_space = c == ' ' && !quoted;
        if (c == '=' && !quoted && begins_another(from, at)) {
            return "a distinguished name has an attribute in the value of another: a comma is missing, or \\ before the = if that is part "
                   "of the value (two attributes in one step, a+b, have no text: @~ and the name's DER in hex)";
        }
        const char *why = c == '%' || c == '\\' ? take_escaped(&at, &c) : NULL;
        if (why != NULL || *len == ID_VALUE_MAX) {
            return why != NULL ? why : too_long;
        }
        value[(*len)++] = c;
        kept = plain_space ? kept : *len;
    }
    if (quoted) {
        at = *at == '"' ? skip_spaces(at + 1) : NULL;
        if (at == NULL || (*at != '\0' && *at != separator)) {
            return "a value in a distinguished name begins with a quote (\") and does not end with one";
        }
    }
    *len = kept;
    *text = at;
    return kept > 0 ? NULL : "an attribute without a value in a distinguished name";
}

static const char *parse_step(const char **text, char separator, uint8_t *out, size_t *at)
{
    uint8_t oid[DN_OID_MAX];
    uint8_t value[ID_VALUE_MAX];
    struct dn_step s = { .oid = oid, .value = value };
    const struct attribute *a = NULL;
    const struct string_type *said = NULL;

    const char *why = parse_type(text, oid, &s, &a);
    if (why != NULL) {
        return why;
    }
    *text = skip_spaces(*text);
    for (size_t i = 0; said == NULL && i < LENGTH(string_types); i++) {
        const size_t len = strlen(string_types[i].mark);
        if (strncmp(*text, string_types[i].mark, len) == 0) {
            said = &string_types[i];
            *text += len;
        }
    }
    why = parse_value(text, separator, value, &s.len);
    if (why != NULL) {
        return why;
    }
    s.tag = said != NULL ? said->tag : usual_type(a, value, s.len);
    if (!dn_is_string(s.tag, value, s.len)) {
        return said != NULL ? "a value in a distinguished name has characters that its type of string does not allow"
                            : "a value in a distinguished name is no UTF-8, or has control characters";
    }
    return dn_put_step(out, at, &s) ? NULL : too_long;
}

bool dn_is_meant(const char *text)
{
    return text[strcspn(text, "=@")] == '=';
}

const char *dn_parse(uint8_t der[ID_VALUE_MAX], size_t *len, const char *text)
{
    uint8_t steps[ID_VALUE_MAX];
    const char separator = text[0] == '/' ? '/' : ',';
    size_t steps_len = 0;
    const char *at = separator == '/' ? text + 1 : text;

    for (;;) {
        at = skip_spaces(at);
        const char *why = parse_step(&at, separator, steps, &steps_len);
        if (why != NULL) {
            return why;
        }
        if (*at == '\0') {
            break;
        }
        at++; /* a separator: another step has to follow */
    }
    *len = 0;
    if (!dn_put_head(der, len, TAG_SEQUENCE, steps_len)) {
        return too_long;
    }
    memcpy(der + *len, steps, steps_len);
    *len += steps_len;
    return NULL;
}

/* ---- DER to text ---- */

static bool put_text(char *out, size_t size, size_t *at, const char *text)
{
    const size_t len = strlen(text);
    if (len >= size - *at) {
        return false;
    }
    memcpy(out + *at, text, len + 1);
    *at += len;
    return true;
}

/* Does it begin like the mark of a type? Then its first character is written as %XX. */
static bool looks_marked(const struct dn_step *s)
{
    for (size_t i = 0; i < LENGTH(string_types); i++) {
        const size_t len = strlen(string_types[i].mark);
        if (s->len >= len && memcmp(s->value, string_types[i].mark, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool put_value(char *out, size_t size, size_t *at, const struct dn_step *s)
{
    const bool marked = looks_marked(s);
    for (size_t i = 0; i < s->len; i++) {
        const uint8_t c = s->value[i];
        char text[4] = { (char)c };
        const bool dots = c == '.' && i + 1 < s->len && s->value[i + 1] == '.'; /* .. is between hosts, in whack --status */
        if (c <= ' ' || c >= 0x7f || strchr("%\\\"'[],=", c) != NULL || dots || (i == 0 && marked)) {
            (void)snprintf(text, sizeof text, "%%%02X", (unsigned)c);
        }
        if (!put_text(out, size, at, text)) {
            return false;
        }
    }
    return true;
}

bool dn_print(const uint8_t *der, size_t len, char *out, size_t size)
{
    struct dn_bytes steps;
    size_t at = 0;
    if (!dn_open(der, len, &steps)) {
        return false;
    }
    while (steps.len > 0) {
        struct dn_step s;
        char oid[OID_TEXT];
        if (!dn_take_step(&steps, &s)) {
            return false;
        }
        const struct attribute *a = attribute_of(&s);
        if (a == NULL && !print_oid(&s, oid)) {
            return false;
        }
        if ((at > 0 && !put_text(out, size, &at, ",")) || !put_text(out, size, &at, a != NULL ? a->name : oid)
            || !put_text(out, size, &at, "=")
            || (s.tag != usual_type(a, s.value, s.len) && !put_text(out, size, &at, mark_of(s.tag)))
            || !put_value(out, size, &at, &s)) {
            return false;
        }
    }
    return true;
}
