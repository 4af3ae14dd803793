#include "record_forms.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void walk_list(const struct record_form *f, const uint8_t *list, bool needed,
                      form_field *each, void *context)
{
    for (unsigned i = 0; i < VERB_KEYS_MAX && list[i] != K_END; i++) {
        each(f, (enum key)list[i], needed, context);
    }
}

void form_fields(const struct record_form *f, form_field *each, void *context)
{
    const struct verb_spec *spec = schema_verb(f->verb);
    walk_list(f, spec->required, true, each, context);
    if (spec->request) {
        each(f, K_ID, true, context);
    }
    walk_list(f, spec->optional, false, each, context);
    if (f->verb == V_OK) {
        walk_list(f, schema_verb(f->re)->answer, true, each, context);
        walk_list(f, schema_verb(f->re)->answer_optional, false, each, context);
    }
}

void form_walk(void (*each)(const struct record_form *f, void *context), void *context)
{
    for (enum verb v = (enum verb)1; v < VERB_COUNT; v++) {
        const struct verb_spec *spec = schema_verb(v);
        if (v != V_OK) {
            bool answer = v == V_FAIL || v == V_BAD;
            each(&(struct record_form){ .verb = v, .re = answer ? V_KEYS : V_NONE,
                                        .from = answer ? S_N : spec->from }, context);
        }
        if (spec->request) {
            each(&(struct record_form){ .verb = V_OK, .re = v,
                                        .from = direction_reverse(spec->from) }, context);
        }
    }
}

static const char *last_word(const char *words)
{
    const char *bar = strrchr(words, '|');
    return bar == NULL ? words : bar + 1;
}

void form_sample(char *out, enum key key, const struct record_form *f, bool most)
{
    const struct key_spec *spec = schema_key(key);
    size_t len = most ? (size_t)spec->max : (size_t)spec->min + (spec->max > spec->min ? 1 : 0);

    switch (spec->type) {
    case FIELD_NUMBER:
        (void)snprintf(out, 32, "%" PRIu64, most ? spec->max : spec->min);
        break;
    case FIELD_BYTES:
        for (size_t i = 0; i < len; i++) {
            (void)snprintf(out + 2 * i, 3, "%02zx", 0xa0 + i % 64);
        }
        break;
    case FIELD_TEXT:
        memset(out, 'x', len);
        out[len] = '\0';
        if (key == K_RE) {
            (void)snprintf(out, 33, "%s", schema_verb(f->re)->name);
        }
        break;
    case FIELD_WORD:
        if (most) {
            (void)snprintf(out, 256, "%s", last_word(spec->words));
        } else {
            (void)snprintf(out, 256, "%.*s", (int)strcspn(spec->words, "|"), spec->words);
        }
        break;
    case FIELD_ADDRESS:
        (void)strcpy(out, most ? "10.9.0.1" : "2001:db8::1");
        break;
    case FIELD_SUBNET:
        (void)strcpy(out, most ? "::/0" : "10.9.4.0/24");
        break;
    case FIELD_ID:
        (void)strcpy(out, most ? "%25any" : "user@example.org");
        break;
    }
}

static bool is_exchange(enum key key)
{
    return key == K_EXCHANGE || key == K_PARENT || key == K_TARGET;
}

static void build_field(const struct record_form *f, enum key key, bool needed, void *context)
{
    struct form_builder *b = context;
    if (key == b->skip || (!needed && !b->all && key != b->other)) {
        return;
    }
    char *at = b->line + strlen(b->line);
    at += sprintf(at, " %s=", schema_key(key)->name);
    if (key == b->other && b->value != NULL) {
        (void)strcpy(at, b->value);
    } else if (is_exchange(key) && b->exchange != 0) {
        (void)sprintf(at, "%" PRIu64, b->exchange);
    } else {
        form_sample(at, key, f, b->most || key == b->other);
    }
}

char *form_build(const struct record_form *f, struct form_builder b)
{
    b.line = malloc(FORM_LINE_MAX);
    assert_non_null(b.line);
    (void)strcpy(b.line, schema_verb(f->verb)->name);
    form_fields(f, build_field, &b);
    return b.line;
}
