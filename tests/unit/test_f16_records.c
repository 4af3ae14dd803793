/* F16: records against the schema: every limit, every verb, every channel. */
#include "record_forms.h"

#include "bounds.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Parses and frees the line. */
static const char *verdict(char *line, unsigned from, enum key *field)
{
    struct record r;
    const char *why = record_parse(&r, line, strlen(line), from, field);
    free(line);
    return why;
}

/* ---- limits ---- */

struct trial {
    const struct record_form *form;
    enum key key;
};

static void expect(const struct trial *t, const char *value, bool good)
{
    enum key field;
    const char *why = verdict(form_build(t->form, (struct form_builder){ .other = t->key,
                                                                         .value = value }),
                              t->form->from, &field);
    if (good != (why == NULL)) {
        fail_msg("%s %s=%.60s: %s", schema_verb(t->form->verb)->name, schema_key(t->key)->name,
                 value, why == NULL ? "was taken" : why);
    }
    if (!good) {
        assert_int_equal(field, t->key);
    }
}

static void expect_number(const struct trial *t, uint64_t n, bool good)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRIu64, n);
    expect(t, text, good);
}

static void try_number(const struct trial *t, const struct key_spec *spec)
{
    expect_number(t, spec->min, true);
    expect_number(t, spec->max, true);
    if (spec->min > 0) {
        expect_number(t, spec->min - 1, false);
    }
    if (spec->max < UINT64_MAX) {
        expect_number(t, spec->max + 1, false);
    }
    expect(t, "18446744073709551616", false);
    expect(t, "118446744073709551616", false);
    expect(t, "", false);
    expect(t, "-1", false);
    expect(t, "+1", false);
    expect(t, "01", false);
    expect(t, "0x1", false);
    expect(t, "1.0", false);
}

static void expect_run(const struct trial *t, const char *unit, uint64_t count, bool good)
{
    size_t unit_len = strlen(unit);
    char *text = calloc(1, unit_len * (size_t)count + 1);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + i * unit_len, unit, unit_len);
    }
    expect(t, text, good);
    free(text);
}

static void try_length(const struct trial *t, const struct key_spec *spec, const char *unit)
{
    if (t->key != K_RE) {
        expect_run(t, unit, spec->min, true);
        expect_run(t, unit, spec->max, true);
    }
    if (spec->min > 0) {
        expect_run(t, unit, spec->min - 1, false);
    }
    expect_run(t, unit, spec->max + 1, false);
}

static void try_word(const struct trial *t, const struct key_spec *spec)
{
    char word[64];
    for (const char *at = spec->words;; at++) {
        size_t len = strcspn(at, "|");
        (void)snprintf(word, sizeof word, "%.*s", (int)len, at);
        expect(t, word, true);
        at += len;
        if (*at == '\0') {
            break;
        }
    }
    (void)strcat(word, "x");
    expect(t, word, false);
    word[0] = '\0';
    expect(t, word, false);
    expect(t, spec->words, false);
}

static void try_field(const struct record_form *f, enum key key, bool needed, void *context)
{
    (void)needed;
    (void)context;
    const struct key_spec *spec = schema_key(key);
    const struct trial t = { .form = f, .key = key };
    switch (spec->type) {
    case FIELD_NUMBER:
        try_number(&t, spec);
        break;
    case FIELD_BYTES:
        try_length(&t, spec, "5a");
        expect(&t, "5", false);
        expect_run(&t, "5A", spec->min, false);
        expect_run(&t, "g0", spec->min, false);
        break;
    case FIELD_TEXT:
        try_length(&t, spec, "y");
        try_length(&t, spec, "%7F");
        expect(&t, "%", false);
        expect(&t, "%2", false);
        expect(&t, "%zz", false);
        expect(&t, "%2f", false);
        expect(&t, "\001", false);
        expect(&t, "\351", false);
        break;
    case FIELD_WORD:
        try_word(&t, spec);
        break;
    case FIELD_ADDRESS:
        expect(&t, "10.9.0.1", true);
        expect(&t, "10.9.0.256", false);
        expect(&t, "", false);
        expect(&t, "example.org", false);
        break;
    case FIELD_SUBNET:
        expect(&t, "2001:db8::/32", true);
        expect(&t, "10.9.0.0/33", false);
        expect(&t, "10.9.0.0/", false);
        break;
    case FIELD_ID:
        expect(&t, "%25any", true);
        expect(&t, "@gw.example.org", true);
        expect(&t, "", false);
        break;
    }
}

static void try_form(const struct record_form *f, void *context)
{
    (void)context;
    form_fields(f, try_field, NULL);
}

static void f16_every_limit(void **state)
{
    (void)state;
    form_walk(try_form, NULL);
}

/* ---- fields that should not be there, or should ---- */

static void leave_out(const struct record_form *f, enum key key, bool needed, void *context)
{
    (void)context;
    enum key field;
    const char *why = verdict(form_build(f, (struct form_builder){ .all = true, .skip = key }),
                              f->from, &field);
    if (f->verb == V_BAD && key == K_RE) {
        return;
    }
    assert_int_equal(why == NULL, !needed);
    if (needed && key != K_RE) {
        assert_int_equal(field, key);
    }
    char *line = form_build(f, (struct form_builder){ .all = true });
    char *again = line + strlen(line);
    again += sprintf(again, " %s=", schema_key(key)->name);
    form_sample(again, key, f, false);
    assert_string_equal(verdict(line, f->from, &field), "field is repeated");
    assert_int_equal(field, key);
}

static void misfit(const struct record_form *f, void *context)
{
    (void)context;
    enum key field;
    form_fields(f, leave_out, NULL);
    char *line = form_build(f, (struct form_builder){ .all = true });
    assert_string_equal(verdict(strcat(line, " no-such-key=1"), f->from, NULL), "unknown field");
    line = form_build(f, (struct form_builder){ .all = true });
    assert_string_equal(verdict(strcat(line, " word"), f->from, NULL), "a word without =");
    line = form_build(f, (struct form_builder){ .all = true });
    assert_non_null(verdict(strcat(line, " "), f->from, NULL));
    /* A key that stands in no list of this verb; `classes` and `serial` are never together. */
    enum key foreign = f->verb == V_WHACK_DELETESTATE ? K_CLASSES : K_SERIAL;
    line = form_build(f, (struct form_builder){ .all = true });
    (void)sprintf(line + strlen(line), " %s=1", schema_key(foreign)->name);
    assert_string_equal(verdict(line, f->from, &field), "field does not belong to this verb");
    assert_int_equal(field, foreign);
}

static void f16_fields_that_do_not_fit(void **state)
{
    (void)state;
    form_walk(misfit, NULL);
}

static void wrong_channels(const struct record_form *f, void *context)
{
    (void)context;
    for (unsigned d = 1; d <= DIRECTION_ALL; d <<= 1) {
        unsigned may = f->verb == V_OK ? f->from : schema_verb(f->verb)->from;
        if (f->verb == V_FAIL || f->verb == V_BAD) {
            may = direction_reverse(schema_verb(f->re)->from);
        }
        const char *why = verdict(form_build(f, (struct form_builder){ .all = true }), d, NULL);
        assert_int_equal(why == NULL, (may & d) != 0);
    }
}

static void f16_wrong_channel(void **state)
{
    (void)state;
    form_walk(wrong_channels, NULL);
}

static void f16_whole_lines(void **state)
{
    (void)state;
    struct record r;
    char line[RECORD_MAX + 2];
    static const char *const bad[] = { "", " ", "nonsense", "HELLO", "flush ", " flush id=1",
                                       "flush  id=1", "flush id=1 ", "flush\tid=1", "flush id",
                                       "flush =1", "flush id=1\r" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)strcpy(line, bad[i]);
        assert_non_null(record_parse(&r, line, strlen(line), P_K, NULL));
    }
    (void)strcpy(line, "flush id=1");
    line[5] = '\0';
    assert_string_equal(record_parse(&r, line, 10, P_K, NULL), "record holds a NUL byte");

    /* With its newline it has RECORD_MAX bytes: the last that may be. */
    memset(line, 'x', sizeof line);
    (void)memcpy(line, "flush id=1 ", 11);
    assert_string_equal(record_parse(&r, line, RECORD_MAX - 1, P_K, NULL), "a word without =");
    assert_string_equal(record_parse(&r, line, RECORD_MAX, P_K, NULL), "record too long");
}

static void f16_text_is_decoded(void **state)
{
    (void)state;
    struct record r;
    char line[] = "log level=serious text=a%20b%0A%25%7Fc%FF";
    assert_null(record_parse(&r, line, strlen(line), N_P, NULL));
    size_t len;
    const uint8_t *text = record_bytes(&r, K_TEXT, &len);
    assert_int_equal(len, 8);
    assert_memory_equal(text, "a b\n%\177c\377", 9);
    assert_int_equal(record_word(&r, K_LEVEL), 2);
    assert_false(record_has(&r, K_CODE));
    assert_int_equal(record_number(&r, K_CODE), 0);
}

/* No byte has two spellings, and none is hidden behind the end of a text. */
static void f16_one_spelling(void **state)
{
    (void)state;
    struct record r;
    enum key field;
    char text[64];
    for (unsigned byte = 0; byte < 256; byte++) {
        bool escaped = byte != 0 && (byte <= ' ' || byte > '~' || byte == '%');
        (void)snprintf(text, sizeof text, "whack-terminate name=net%%%02Xevil", byte);
        assert_int_equal(record_parse(&r, text, strlen(text), W_P, &field) == NULL, escaped);
        assert_int_equal(field, escaped ? K_END : K_NAME);
        (void)snprintf(text, sizeof text, "whack-terminate name=net?evil");
        text[strlen("whack-terminate name=net")] = (char)byte;
        bool plain = byte > ' ' && byte <= '~' && byte != '%';
        size_t len = strlen("whack-terminate name=net?evil");
        assert_int_equal(record_parse(&r, text, len, W_P, NULL) == NULL, plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f16_every_limit),
        cmocka_unit_test(f16_fields_that_do_not_fit),
        cmocka_unit_test(f16_wrong_channel),
        cmocka_unit_test(f16_whole_lines),
        cmocka_unit_test(f16_text_is_decoded),
        cmocka_unit_test(f16_one_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
