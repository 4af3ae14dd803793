#include "record.h"

#include "hex.h"
#include "record_private.h"

#include <string.h>

/* ---- parsing ---- */

/* %XX in upper case, and only where it is needed, so that no byte has two spellings. */
static int escape_digit(char c)
{
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return c >= '0' && c <= '9' ? c - '0' : -1;
}

static const char *decode_number(struct record_value *v, const struct key_spec *spec,
                                 const char *text, size_t len)
{
    uint64_t n = 0;
    if (len == 0 || len > 20 || (len > 1 && text[0] == '0')) {
        return "not a decimal number";
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return "not a decimal number";
        }
        unsigned digit = (unsigned)(text[i] - '0');
        if (n > (UINT64_MAX - digit) / 10) {
            return "number out of range";
        }
        n = n * 10 + digit;
    }
    if (n < spec->min || n > spec->max) {
        return "number out of range";
    }
    v->number = n;
    return NULL;
}

static const char *decode_hex(struct record_value *v, const struct key_spec *spec, char *text,
                              size_t len)
{
    unsigned bad = 0;
    if (len % 2 != 0) {
        return "odd number of hex digits";
    }
    if (len / 2 < spec->min || len / 2 > spec->max) {
        return "wrong number of bytes";
    }
    for (size_t i = 0; i < len; i += 2) {
        unsigned high = hex_lower_value(text[i], &bad);
        text[i / 2] = (char)(high << 4 | hex_lower_value(text[i + 1], &bad));
    }
    v->len = len / 2;
    return bad != 0 ? "not lower-case hex" : NULL;
}

static const char *decode_text(struct record_value *v, const struct key_spec *spec, char *text,
                               size_t len)
{
    size_t to = 0;
    for (size_t i = 0; i < len; i++, to++) {
        if (text[i] != '%') {
            if (text[i] <= ' ' || text[i] > '~') {
                return "a byte that should be written as %XX";
            }
            text[to] = text[i];
            continue;
        }
        int high = len - i > 2 ? escape_digit(text[i + 1]) : -1;
        int low = len - i > 2 ? escape_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return "% without two upper-case hex digits";
        }
        int byte = high << 4 | low;
        if (byte == 0) {
            return "%00, which no text holds";
        }
        if (byte > ' ' && byte <= '~' && byte != '%') {
            return "%XX for a byte that stands for itself";
        }
        text[to] = (char)byte;
        i += 2;
    }
    if (to < spec->min || to > spec->max) {
        return "text too short or too long";
    }
    text[to] = '\0';
    v->len = to;
    return NULL;
}

static const char *decode_word(struct record_value *v, const struct key_spec *spec,
                               const char *text, size_t len)
{
    const char *at = spec->words;
    for (uint64_t place = 0;; place++) {
        size_t word = strcspn(at, "|");
        if (word == len && memcmp(at, text, len) == 0) {
            v->number = place;
            v->len = len;
            return NULL;
        }
        if (at[word] == '\0') {
            return "not one of the words for this field";
        }
        at += word + 1;
    }
}

static const struct key_spec shape_text = { .min = 1, .max = 2048 };

/* The value is text[0..len); text[len] may be overwritten. */
static const char *decode_value(struct record_value *v, const struct key_spec *spec, char *text,
                                size_t len)
{
    struct address a;
    struct subnet s;
    struct identity id;
    const char *why = NULL;

    v->bytes = (const uint8_t *)text;
    switch (spec->type) {
    case FIELD_NUMBER:
        return decode_number(v, spec, text, len);
    case FIELD_BYTES:
        return decode_hex(v, spec, text, len);
    case FIELD_TEXT:
        return decode_text(v, spec, text, len);
    case FIELD_WORD:
        return decode_word(v, spec, text, len);
    case FIELD_ADDRESS:
        why = decode_text(v, &shape_text, text, len);
        return why != NULL ? why : address_parse(&a, text);
    case FIELD_SUBNET:
        why = decode_text(v, &shape_text, text, len);
        return why != NULL ? why : subnet_parse(&s, text, 0);
    case FIELD_ID:
        why = decode_text(v, &shape_text, text, len);
        return why != NULL ? why : identity_parse(&id, text);
    }
    return "unknown type of field";
}

static bool in_list(const uint8_t *list, enum key key)
{
    for (unsigned i = 0; i < VERB_KEYS_MAX && list[i] != K_END; i++) {
        if (list[i] == key) {
            return true;
        }
    }
    return false;
}

bool record_key_allowed(enum verb verb, enum verb re, enum key key)
{
    const struct verb_spec *spec = schema_verb(verb);
    if (in_list(spec->required, key) || in_list(spec->optional, key)) {
        return true;
    }
    if (key == K_ID) {
        return spec->request;
    }
    const struct verb_spec *asked = schema_verb(re);
    return verb == V_OK && re != V_NONE
           && (in_list(asked->answer, key) || in_list(asked->answer_optional, key));
}

size_t record_keys_needed(enum verb verb, enum verb re, enum key out[2 * VERB_KEYS_MAX])
{
    const struct verb_spec *spec = schema_verb(verb);
    size_t count = 0;
    if (spec->request) {
        out[count++] = K_ID;
    }
    for (const uint8_t *k = spec->required; *k != K_END; k++) {
        out[count++] = (enum key)*k;
    }
    if (verb == V_OK && re != V_NONE) {
        for (const uint8_t *k = schema_verb(re)->answer; *k != K_END; k++) {
            out[count++] = (enum key)*k;
        }
    }
    return count;
}

static const char *check_re(struct record *r, unsigned from)
{
    const char *re = record_text(r, K_RE);
    if (re != NULL) {
        r->re = schema_find_verb(re, strlen(re));
        if (r->re == V_NONE || !schema_verb(r->re)->request
            || (schema_verb(r->re)->from & direction_reverse(from)) == 0) {
            return "answer to what is no request on this channel";
        }
    }
    return NULL;
}

static const char *check_fields(struct record *r, unsigned from, enum key *field)
{
    enum key needed[2 * VERB_KEYS_MAX];
    *field = K_RE;
    const char *why = check_re(r, from);
    if (why != NULL) {
        return why;
    }
    for (unsigned i = 1; i <= r->count; i++) {
        *field = (enum key)r->key[i];
        if (!record_key_allowed(r->verb, r->re, *field)) {
            return "field does not belong to this verb";
        }
    }
    size_t count = record_keys_needed(r->verb, r->re, needed);
    for (size_t i = 0; i < count; i++) {
        *field = needed[i];
        if (!record_has(r, needed[i])) {
            return "field is missing";
        }
    }
    *field = K_END;
    return NULL;
}

/* Most often it is one of the verb's own. */
static enum key find_key(enum verb verb, const char *name, size_t len)
{
    const struct verb_spec *spec = schema_verb(verb);
    const uint8_t *const lists[] = { spec->required, spec->optional };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (const uint8_t *k = lists[i]; *k != K_END; k++) {
            if (schema_key_is((enum key)*k, name, len)) {
                return (enum key)*k;
            }
        }
    }
    return schema_find_key(name, len);
}

/* Takes one `key=value` of len bytes; at[len] is the blank or the end and is overwritten. */
static const char *take_field(struct record *r, char *at, size_t len, enum key *field)
{
    const char *equals = memchr(at, '=', len);
    *field = K_END;
    if (equals == NULL) {
        return "a word without =";
    }
    enum key key = find_key(r->verb, at, (size_t)(equals - at));
    if (key == K_END) {
        return "unknown field";
    }
    *field = key;
    if (record_has(r, key)) {
        return "field is repeated";
    }
    char *value = at + (equals - at) + 1;
    size_t value_len = len - (size_t)(value - at);
    struct record_value *v = &r->value[r->count + 1]; /* there is room, as none is repeated */
    memset(v, 0, sizeof *v);
    const char *why = decode_value(v, schema_key(key), value, value_len);
    if (why == NULL) {
        r->count++;
        r->key[r->count] = (uint8_t)key;
        r->place[key] = (uint8_t)r->count;
    }
    return why;
}

static void clear(struct record *r)
{
    r->count = 0;
    memset(r->place, 0, sizeof r->place);
    memset(&r->value[0], 0, sizeof r->value[0]);
}

const char *record_parse(struct record *r, char *line, size_t len, unsigned from, enum key *field)
{
    enum key ignored;
    const char *why = NULL;

    r->verb = r->re = V_NONE;
    clear(r);
    field = field == NULL ? &ignored : field;
    *field = K_END;
    if (len >= RECORD_MAX) {
        return "record too long";
    }
    if (memchr(line, '\0', len) != NULL) {
        return "record holds a NUL byte";
    }
    line[len] = '\0';
    size_t word = strcspn(line, " ");
    r->verb = schema_find_verb(line, word);
    if (r->verb == V_NONE) {
        return "unknown verb";
    }
    if ((schema_verb(r->verb)->from & from) == 0) {
        return "verb may not come from this channel";
    }
    for (size_t at = word; at < len && why == NULL;) {
        at++; /* the blank */
        word = strcspn(line + at, " ");
        why = take_field(r, line + at, word, field);
        at += word;
    }
    if (why == NULL) {
        why = check_fields(r, from, field);
    }
    if (why != NULL) {
        clear(r);
    }
    return why;
}

/* ---- getters ---- */

_Static_assert(KEY_COUNT <= UINT8_MAX, "a place has eight bits");

bool record_has(const struct record *r, enum key key)
{
    return r->place[key] != 0;
}

const struct record_value *record_value(const struct record *r, enum key key)
{
    return &r->value[r->place[key]];
}

uint64_t record_number(const struct record *r, enum key key)
{
    return record_value(r, key)->number;
}

unsigned record_word(const struct record *r, enum key key)
{
    return (unsigned)record_value(r, key)->number;
}

bool record_yes(const struct record *r, enum key key)
{
    return record_value(r, key)->number == 1;
}

const char *record_text(const struct record *r, enum key key)
{
    return (const char *)record_value(r, key)->bytes;
}

const uint8_t *record_bytes(const struct record *r, enum key key, size_t *len)
{
    *len = record_value(r, key)->len;
    return record_value(r, key)->bytes;
}

bool record_address(const struct record *r, enum key key, struct address *a)
{
    return record_has(r, key) && address_parse(a, record_text(r, key)) == NULL;
}

bool record_subnet(const struct record *r, enum key key, struct subnet *s)
{
    return record_has(r, key) && subnet_parse(s, record_text(r, key), 0) == NULL;
}

bool record_identity(const struct record *r, enum key key, struct identity *id)
{
    return record_has(r, key) && identity_parse(id, record_text(r, key)) == NULL;
}
