/* Lines of records, changed by the schema. */
#include "fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 128
#define OUT_MAX 32768
#define EPOCH ((uint64_t)5 << 32) /* of exchange numbers in fuzz_plutod.c */

const char *fuzz_record(struct record *r, char *line, size_t len, unsigned from)
{
    enum key field;
    return record_parse(r, line, len, from, &field);
}

struct line {
    const char *text;
    size_t len;
};

struct mutator {
    uint32_t random;
    const struct fuzz_speaker *speakers;
    struct line line[LINES_MAX];
    size_t count;
    char out[OUT_MAX];
    size_t len;
};

static unsigned draw(struct mutator *m, size_t below)
{
    m->random = m->random * 1664525u + 1013904223u;
    return below == 0 ? 0 : (m->random >> 8) % (unsigned)below;
}

static void add(struct mutator *m, const char *bytes, size_t len)
{
    if (bytes != NULL && len <= OUT_MAX - m->len) {
        memcpy(m->out + m->len, bytes, len);
        m->len += len;
    }
}

static void add_text(struct mutator *m, const char *text)
{
    add(m, text, strlen(text));
}

/* ---- values ---- */

#define PICK(m, list) ((list)[draw((m), sizeof(list) / sizeof((list)[0]))])

static void add_number(struct mutator *m, enum key key, const struct key_spec *spec)
{
    const uint64_t numbers[] = { 1, 2, 3, 4, 5, 6, spec->min, spec->max, spec->max + 1, 500, 3600 };
    uint64_t n = PICK(m, numbers);
    char text[24];
    if ((key == K_EXCHANGE || key == K_PARENT || key == K_TARGET) && draw(m, 2) == 0) {
        n = EPOCH + 1 + draw(m, 6);
    }
    snprintf(text, sizeof text, "%" PRIu64, n);
    add_text(m, text);
}

static void add_bytes(struct mutator *m, const struct key_spec *spec)
{
    static const unsigned lengths[] = { 4, 8, 16, 20, 32, 36, 64 };
    size_t len = draw(m, 3) == 0 ? (size_t)spec->min : PICK(m, lengths);
    len = draw(m, 16) == 0 && spec->max < 600 ? (size_t)spec->max : len;
    char digit[3];
    snprintf(digit, sizeof digit, "%02x", draw(m, 256));
    for (size_t i = 0; i < len; i++) {
        add_text(m, digit);
    }
}

static void add_word(struct mutator *m, const char *words)
{
    unsigned count = 1;
    for (const char *c = words; *c != '\0'; c++) {
        count += *c == '|' ? 1 : 0;
    }
    for (unsigned skip = draw(m, count); skip > 0; skip--) {
        words = strchr(words, '|') + 1;
    }
    add(m, words, strcspn(words, "|"));
}

static void add_value(struct mutator *m, enum key key)
{
    static const char *const addresses[] = { "10.9.0.1", "10.9.0.2", "10.9.0.3", "2001:db8::1" };
    static const char *const subnets[] = { "10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24", "0.0.0.0/0",
                                           "10.9.0.1/32", "10.9.0.2/32", "2001:db8:1::/48" };
    static const char *const ids[] = { "10.9.0.1", "10.9.0.2", "@left", "@right", "a@b", "%25any",
                                       "@#0102", "%any" };
    static const char *const texts[] = {
        "net", "road", "road[1]", "aes128-sha1-modp2048", "aes256-sha2_256-curve25519",
        "aes128-sha1", "aes256gcm16", "default", "classic", "no", "modp2048", "curve25519",
        "psk,encrypt,tunnel", "psk,encrypt,tunnel,pfs", "psk", "10.9.0.1", "10.9.0.2", "%25any",
        "10.1.0.0/24", "@left", "keys", "auth", "install", "accept", "sample", "sa-keys", "flush",
        "policy", "all,-raw", "crypt,control"
    };
    const struct key_spec *spec = schema_key(key);
    switch (spec->type) {
    case FIELD_NUMBER: add_number(m, key, spec); break;
    case FIELD_BYTES: add_bytes(m, spec); break;
    case FIELD_TEXT: add_text(m, PICK(m, texts)); break;
    case FIELD_WORD: add_word(m, spec->words); break;
    case FIELD_ADDRESS: add_text(m, PICK(m, addresses)); break;
    case FIELD_SUBNET: add_text(m, PICK(m, subnets)); break;
    case FIELD_ID: add_text(m, PICK(m, ids)); break;
    }
}

static void add_field(struct mutator *m, enum key key)
{
    add_text(m, " ");
    add_text(m, schema_key(key)->name);
    add_text(m, "=");
    add_value(m, key);
}

/* ---- lines ---- */

static unsigned speaks(const struct mutator *m, char letter)
{
    const struct fuzz_speaker *s = m->speakers;
    while (s->letter != '\0' && s->letter != letter) {
        s++;
    }
    return s->from;
}

/* A record that somebody may say, with all that it needs. */
static void add_record(struct mutator *m)
{
    size_t speakers = 0;
    while (m->speakers[speakers].letter != '\0') {
        speakers++;
    }
    const struct fuzz_speaker *s = &m->speakers[draw(m, speakers)];
    enum verb verb = (enum verb)(1 + draw(m, VERB_COUNT - 1));
    for (unsigned i = 0; i < VERB_COUNT && (schema_verb(verb)->from & s->from) == 0; i++) {
        verb = (enum verb)(1 + (verb % (VERB_COUNT - 1)));
    }
    const struct verb_spec *spec = schema_verb(verb);
    add(m, &s->letter, 1);
    add_text(m, " ");
    add_text(m, spec->name);
    if (spec->request) {
        add_field(m, K_ID);
    }
    for (unsigned i = 0; i < VERB_KEYS_MAX && spec->required[i] != K_END; i++) {
        add_field(m, (enum key)spec->required[i]);
    }
    for (unsigned i = 0; i < VERB_KEYS_MAX && spec->optional[i] != K_END; i++) {
        if (draw(m, 4) == 0) {
            add_field(m, (enum key)spec->optional[i]);
        }
    }
    add_text(m, "\n");
}

/* The same field as another line has it; false: no other line has it. */
static bool add_others_field(struct mutator *m, const char *name, size_t len)
{
    size_t from = draw(m, m->count);
    for (size_t i = 0; i < m->count; i++) {
        const struct line *l = &m->line[(from + i) % m->count];
        const char *at = memmem(l->text, l->len, name, len);
        if (at != NULL && at != name) {
            size_t left = l->len - (size_t)(at - l->text);
            const char *end = memchr(at, ' ', left);
            add(m, at, end == NULL ? left : (size_t)(end - at));
            return true;
        }
    }
    return false;
}

/* One of its fields is changed, left out, or taken from another line; now and then one is added. */
static void add_changed(struct mutator *m, const struct line *l)
{
    unsigned fields = 0;
    for (size_t i = 0; i < l->len; i++) {
        fields += l->text[i] == '=' ? 1 : 0;
    }
    unsigned chosen = draw(m, fields);
    unsigned field = 0;
    for (size_t at = 0; at < l->len;) {
        const char *blank = memchr(l->text + at, ' ', l->len - at);
        size_t len = blank == NULL ? l->len - at : (size_t)(blank - l->text) - at;
        const char *equals = memchr(l->text + at, '=', len);
        size_t name = equals == NULL ? 0 : (size_t)(equals - l->text) - at;
        enum key key = equals == NULL ? K_END : schema_find_key(l->text + at, name);
        unsigned what = equals != NULL && field++ == chosen && key != K_END ? 1 + draw(m, 8) : 0;
        if (what == 0 || (what <= 3 && !add_others_field(m, l->text + at, name + 1))) {
            add(m, l->text + at, len);
        } else if (what > 4) {
            add(m, l->text + at, name + 1);
            add_value(m, key);
        }
        add_text(m, blank == NULL ? "" : " ");
        at += len + (blank == NULL ? 0 : 1);
    }
    if (draw(m, 16) == 0 && speaks(m, l->text[0]) != 0) {
        add_field(m, (enum key)(1 + draw(m, KEY_COUNT - 1)));
    }
    add_text(m, "\n");
}

static void add_line(struct mutator *m, const struct line *l)
{
    add(m, l->text, l->len);
    add_text(m, "\n");
}

static void split(struct mutator *m, const char *text, size_t size)
{
    while (size > 0 && m->count < LINES_MAX) {
        const char *end = memchr(text, '\n', size);
        size_t len = end == NULL ? size : (size_t)(end - text);
        m->line[m->count++] = (struct line){ text, len };
        len += end == NULL ? 0 : 1;
        text += len;
        size -= len;
    }
}

static void rewrite(struct mutator *m)
{
    enum { CHANGE, CHANGE_TOO, INSERT, DROP, REPEAT, MOVE, CUT, WHATS };
    unsigned what = draw(m, WHATS);
    size_t at = draw(m, m->count);
    size_t other = draw(m, m->count);
    for (size_t i = 0; i < m->count; i++) {
        if (i == other && (what == REPEAT || what == MOVE)) {
            add_line(m, &m->line[at]);
        }
        if (i == at && what == INSERT) {
            add_record(m);
        }
        if (i == at && (what == CHANGE || what == CHANGE_TOO)) {
            add_changed(m, &m->line[i]);
        } else if (i != at || (what != DROP && what != MOVE && what != CUT)) {
            add_line(m, &m->line[i]);
        }
        if (i == at && what == CUT) {
            break;
        }
    }
    if (m->count == 0) {
        add_record(m);
    }
}

size_t fuzz_mutate_lines(const struct fuzz_speaker *speakers, uint8_t *data, size_t size,
                         size_t max, unsigned seed)
{
    struct mutator *m;
    if (seed % 4 == 0 || (m = calloc(1, sizeof *m)) == NULL) {
        return LLVMFuzzerMutate(data, size, max);
    }
    m->random = seed;
    m->speakers = speakers;
    split(m, (const char *)data, size);
    for (unsigned i = 0; m->len == 0 && i < 3; i++) {
        rewrite(m);
    }
    size = m->len < max ? m->len : max;
    memcpy(data, m->out, size);
    free(m);
    return size;
}
