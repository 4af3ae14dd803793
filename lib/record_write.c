#include "record.h"

#include "hex.h"
#include "record_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- writing ---- */

void record_start(struct record_writer *w, struct buffer *out, enum verb verb)
{
    memset(w, 0, sizeof *w);
    w->out = out;
    w->start = out->len;
    w->verb = verb;
    out->overflowed = false;
    buffer_add_text(out, schema_verb(verb)->name);
}

void record_answer(struct record_writer *w, struct buffer *out, enum verb ok_or_fail, enum verb re,
                   uint64_t id)
{
    record_start(w, out, ok_or_fail);
    w->re = re;
    record_put_number(w, K_ID, id);
    record_put_text(w, K_RE, schema_verb(re)->name);
}

static void put_key(struct record_writer *w, enum key key, enum field_type type)
{
    assert(schema_key(key)->type == type);
    assert(!w->seen[key] && record_key_allowed(w->verb, w->re, key));
    w->seen[key] = true;
    buffer_add(w->out, schema_key(key)->label, schema_key(key)->label_len);
}

static void put_escaped(struct buffer *out, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < len;) {
        size_t plain = i;
        while (plain < len && bytes[plain] > ' ' && bytes[plain] <= '~' && bytes[plain] != '%') {
            plain++;
        }
        buffer_add(out, bytes + i, plain - i);
        i = plain;
        if (i < len) {
            const char escape[3] = { '%', digits[bytes[i] >> 4], digits[bytes[i] & 15] };
            buffer_add(out, escape, sizeof escape);
            i++;
        }
    }
}

void record_put_number(struct record_writer *w, enum key key, uint64_t number)
{
    char text[20]; /* UINT64_MAX has as many digits */
    size_t at = sizeof text;
    assert(number >= schema_key(key)->min && number <= schema_key(key)->max);
    put_key(w, key, FIELD_NUMBER);
    do {
        text[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buffer_add(w->out, text + at, sizeof text - at);
}

void record_put_word(struct record_writer *w, enum key key, unsigned place)
{
    const char *at = schema_key(key)->words;
    put_key(w, key, FIELD_WORD);
    for (unsigned i = 0; i < place; i++) {
        at += strcspn(at, "|");
        assert(*at == '|');
        at++;
    }
    buffer_add(w->out, at, strcspn(at, "|"));
}

void record_put_yes(struct record_writer *w, enum key key, bool yes)
{
    record_put_word(w, key, yes ? 1 : 0);
}

/* A text that is too long for its field is cut: it is a line for a person, or was checked before. */
void record_put_text(struct record_writer *w, enum key key, const char *text)
{
    size_t len = strlen(text);
    if (len > schema_key(key)->max) {
        len = (size_t)schema_key(key)->max;
    }
    put_key(w, key, FIELD_TEXT);
    put_escaped(w->out, (const uint8_t *)text, len);
}

void record_put_bytes(struct record_writer *w, enum key key, const uint8_t *bytes, size_t len)
{
    char text[128]; /* holds secrets too */
    assert(len >= schema_key(key)->min && len <= schema_key(key)->max);
    put_key(w, key, FIELD_BYTES);
    for (size_t i = 0; i < len;) {
        size_t n = 0;
        for (; i < len && n < sizeof text; i++) {
            text[n++] = hex_lower_digit(bytes[i] >> 4);
            text[n++] = hex_lower_digit(bytes[i] & 15u);
        }
        buffer_add(w->out, text, n);
    }
    if (schema_key(key)->secret) {
        explicit_bzero(text, sizeof text);
    }
}

void record_put_address(struct record_writer *w, enum key key, const struct address *a)
{
    char text[ADDRESS_TEXT];
    address_print(a, text);
    put_key(w, key, FIELD_ADDRESS);
    buffer_add_text(w->out, text);
}

void record_put_subnet(struct record_writer *w, enum key key, const struct subnet *s)
{
    char text[SUBNET_TEXT];
    subnet_print(s, text);
    put_key(w, key, FIELD_SUBNET);
    buffer_add_text(w->out, text);
}

void record_put_identity(struct record_writer *w, enum key key, const struct identity *id)
{
    char text[IDENTITY_TEXT];
    identity_print(id, text);
    put_key(w, key, FIELD_ID);
    put_escaped(w->out, (const uint8_t *)text, strlen(text));
}

bool record_finish(struct record_writer *w)
{
    enum key needed[2 * VERB_KEYS_MAX];
    size_t count = record_keys_needed(w->verb, w->re, needed);
    for (size_t i = 0; i < count; i++) {
        assert(w->seen[needed[i]]);
    }
    buffer_add_text(w->out, "\n");
    if (w->out->overflowed || w->out->len - w->start > RECORD_MAX) {
        buffer_truncate(w->out, w->start);
        w->out->overflowed = true;
        w->out->lost = true;
        return false;
    }
    return true;
}

bool record_print(struct buffer *out, const struct record *r)
{
    struct record_writer w;
    record_start(&w, out, r->verb);
    w.re = r->re;
    for (enum key k = (enum key)1; k < KEY_COUNT; k++) {
        const struct record_value *v = record_value(r, k);
        if (!record_has(r, k)) {
            continue;
        }
        enum field_type type = schema_key(k)->type;
        if (type == FIELD_NUMBER) {
            record_put_number(&w, k, v->number);
        } else if (type == FIELD_WORD) {
            record_put_word(&w, k, (unsigned)v->number);
        } else if (type == FIELD_BYTES) {
            record_put_bytes(&w, k, v->bytes, v->len);
        } else { /* texts, and what is parsed out of one */
            put_key(&w, k, type);
            put_escaped(out, v->bytes, v->len);
        }
    }
    return record_finish(&w);
}

void record_fail(struct buffer *out, enum verb re, uint64_t id, const char *why)
{
    struct record_writer w;
    record_answer(&w, out, V_FAIL, re, id);
    record_put_text(&w, K_WHY, why);
    record_finish(&w);
}

/* ---- redaction ---- */

void record_redact(struct buffer *out, const char *line, size_t len)
{
    char shown[64];
    size_t word = 0;
    while (word < len && line[word] != ' ') {
        word++;
    }
    if (schema_find_verb(line, word) == V_NONE) {
        snprintf(shown, sizeof shown, "<%zu bytes that are no record>", len);
        buffer_add_text(out, shown);
        return;
    }
    buffer_add(out, line, word);
    for (size_t at = word; at < len; at += word) {
        at++;
        word = 0;
        while (at + word < len && line[at + word] != ' ') {
            word++;
        }
        const char *equals = memchr(line + at, '=', word);
        enum key key = equals == NULL ? K_END
                                      : schema_find_key(line + at, (size_t)(equals - line) - at);
        buffer_add_text(out, " ");
        if (key == K_END) {
            snprintf(shown, sizeof shown, "<%zu bytes>", word);
            buffer_add_text(out, shown);
            continue;
        }
        size_t name = (size_t)(equals - line) - at + 1;
        if (!schema_key(key)->secret) {
            for (size_t i = 0; i < word; i++) {
                char c = line[at + i];
                buffer_add_u8(out, c > ' ' && c <= '~' ? (unsigned)c : (unsigned)'?');
            }
            continue;
        }
        buffer_add(out, line + at, name);
        snprintf(shown, sizeof shown, "<%zu bytes>", (word - name) / 2);
        buffer_add_text(out, shown);
    }
}
