/* Printing records: what is printed parses to the same; secrets are not shown; the schema is sound. */
#include "bounds.h"
#include "log.h"
#include "record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The fields of a verb, and for an ok those of the request that it answers. */
struct fields {
    enum key key[2 * VERB_KEYS_MAX + 4];
    size_t count;
};

static void add_list(struct fields *f, const uint8_t *list)
{
    for (unsigned i = 0; i < VERB_KEYS_MAX && list[i] != K_END; i++) {
        f->key[f->count++] = (enum key)list[i];
    }
}

static void put(struct record_writer *w, enum key key, bool most)
{
    static uint8_t bytes[RECORD_MAX];
    const struct key_spec *spec = schema_key(key);
    size_t len = (size_t)(most ? spec->max : spec->min);
    struct address a = { .family = most ? 6 : 4, .bytes = { 0x20, 1, 0xd, most ? 0xb8 : 9 } };
    struct subnet s = { .base = a, .bits = 32 };
    struct identity id = { .type = most ? ID_KEY_ID : ID_USER_FQDN, .len = most ? ID_VALUE_MAX : 3 };
    char *text;

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(0xa1 + i % 94);
    }
    switch (spec->type) {
    case FIELD_NUMBER:
        record_put_number(w, key, most ? spec->max : spec->min);
        break;
    case FIELD_BYTES:
        record_put_bytes(w, key, bytes, len);
        break;
    case FIELD_TEXT:
        text = malloc(len + 1);
        assert_non_null(text);
        for (size_t i = 0; i < len; i++) { /* no NUL, some that want escapes */
            text[i] = (char)(i % 97 == 0 ? 1 + i % 255 : 'a' + i % 26);
        }
        text[len] = '\0';
        record_put_text(w, key, text);
        free(text);
        break;
    case FIELD_WORD:
        record_put_word(w, key, most && strchr(spec->words, '|') != NULL ? 1 : 0);
        break;
    case FIELD_ADDRESS:
        record_put_address(w, key, &a);
        break;
    case FIELD_SUBNET:
        record_put_subnet(w, key, &s);
        break;
    case FIELD_ID:
        memcpy(id.bytes, most ? bytes : (const uint8_t *)"a@b", id.len);
        record_put_identity(w, key, &id);
        break;
    }
}

/* Prints what was parsed, by the getters. */
static void put_again(struct record_writer *w, const struct record *r, enum key key)
{
    struct address a;
    struct subnet s;
    struct identity id;
    size_t len;
    const uint8_t *bytes;

    switch (schema_key(key)->type) {
    case FIELD_NUMBER:
        record_put_number(w, key, record_number(r, key));
        break;
    case FIELD_BYTES:
        bytes = record_bytes(r, key, &len);
        record_put_bytes(w, key, bytes, len);
        break;
    case FIELD_TEXT:
        record_put_text(w, key, record_text(r, key));
        break;
    case FIELD_WORD:
        record_put_word(w, key, record_word(r, key));
        break;
    case FIELD_ADDRESS:
        assert_true(record_address(r, key, &a));
        record_put_address(w, key, &a);
        break;
    case FIELD_SUBNET:
        assert_true(record_subnet(r, key, &s));
        record_put_subnet(w, key, &s);
        break;
    case FIELD_ID:
        assert_true(record_identity(r, key, &id));
        record_put_identity(w, key, &id);
        break;
    }
}

static void begin(struct record_writer *w, struct buffer *out, enum verb verb, enum verb re)
{
    if (verb == V_OK || verb == V_FAIL) {
        record_answer(w, out, verb, re, 77);
    } else {
        record_start(w, out, verb);
    }
}

static void round_trip(enum verb verb, enum verb re, const struct fields *f, bool most)
{
    struct buffer first;
    struct buffer second;
    struct record_writer w;
    struct record r;
    unsigned from = re == V_NONE ? schema_verb(verb)->from
                                 : direction_reverse(schema_verb(re)->from);

    buffer_init(&first, 0);
    buffer_init(&second, 0);
    begin(&w, &first, verb, re);
    for (size_t i = 0; i < f->count; i++) {
        put(&w, f->key[i], most);
    }
    assert_true(record_finish(&w));
    char *line = malloc(first.len);
    assert_non_null(line);
    memcpy(line, first.data, first.len);
    assert_int_equal(line[first.len - 1], '\n');
    enum key field;
    const char *why = record_parse(&r, line, first.len - 1, from, &field);
    if (why != NULL) {
        fail_msg("%.200s: %s: %s", (char *)first.data,
                 field == K_END ? "" : schema_key(field)->name, why);
    }
    assert_int_equal(r.verb, verb);
    assert_int_equal(r.re, re);
    begin(&w, &second, verb, re);
    for (size_t i = 0; i < f->count; i++) {
        put_again(&w, &r, f->key[i]);
    }
    assert_true(record_finish(&w));
    assert_int_equal(second.len, first.len);
    assert_memory_equal(second.data, first.data, first.len);
    free(line);
    buffer_wipe(&first);
    buffer_wipe(&second);
}

static void test_print_then_parse(void **state)
{
    (void)state;
    for (enum verb v = (enum verb)1; v < VERB_COUNT; v++) {
        const struct verb_spec *spec = schema_verb(v);
        struct fields own = { .count = 0 };
        struct fields answer = { .count = 0 };
        if (spec->request) {
            own.key[own.count++] = K_ID;
            add_list(&answer, spec->answer);
            add_list(&answer, spec->answer_optional);
            round_trip(V_OK, v, &answer, false);
            round_trip(V_OK, v, &answer, true);
            round_trip(V_FAIL, v, &(struct fields){ .key = { K_WHY }, .count = 1 }, true);
        }
        if (v == V_OK || v == V_FAIL || v == V_BAD) {
            continue;
        }
        add_list(&own, spec->required);
        round_trip(v, V_NONE, &own, false);
        add_list(&own, spec->optional);
        round_trip(v, V_NONE, &own, true);
    }
}

static void test_secrets_are_not_shown(void **state)
{
    (void)state;
    unsigned secrets = 0;
    for (enum verb v = (enum verb)1; v < VERB_COUNT; v++) {
        const struct verb_spec *spec = schema_verb(v);
        struct fields all = { .count = 0 };
        add_list(&all, spec->required);
        add_list(&all, spec->optional);
        add_list(&all, spec->answer);
        add_list(&all, spec->answer_optional);
        for (size_t i = 0; i < all.count; i++) {
            const struct key_spec *key = schema_key(all.key[i]);
            if (!key->secret) {
                continue;
            }
            char line[256];
            char want[256];
            struct buffer out;
            secrets++;
            assert_int_equal(key->type, FIELD_BYTES);
            (void)snprintf(line, sizeof line, "%s id=4 %s=00112233445566778899aabbccddeeff ok=1",
                           spec->name, key->name);
            (void)snprintf(want, sizeof want, "%s id=4 %s=<16 bytes> <4 bytes>", spec->name,
                           key->name);
            buffer_init(&out, 0);
            record_redact(&out, line, strlen(line));
            buffer_add_u8(&out, 0);
            assert_string_equal((char *)out.data, want);
            buffer_wipe(&out);
        }
    }
    assert_true(secrets >= 6);
}

static void test_redaction_of_what_is_no_record(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *shown;
    } lines[] = {
        { "", "<0 bytes that are no record>" },
        { "00112233", "<8 bytes that are no record>" },
        { "flush 0011", "flush <4 bytes>" },
        { "log text=a\033b", "log text=a?b" },
        { "sa-keys key-in=", "sa-keys key-in=<0 bytes>" },
        { "flush  x", "flush <0 bytes> <1 bytes>" },
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct buffer out;
        buffer_init(&out, 0);
        record_redact(&out, lines[i].line, strlen(lines[i].line));
        buffer_add_u8(&out, 0);
        assert_string_equal((char *)out.data, lines[i].shown);
        buffer_wipe(&out);
    }
}

/* F16: a NUL ends no name, and nothing behind one is looked at. */
static void f16_names_with_nuls(void **state)
{
    (void)state;
    static const char verb[] = "debug\0ooooooooooooooooo";
    static const char key[] = "id\0ooooooooooooooooo";
    struct buffer out;
    assert_int_equal(schema_find_verb(verb, sizeof verb - 1), V_NONE);
    assert_int_equal(schema_find_verb(verb, 5), V_DEBUG);
    assert_int_equal(schema_find_verb(verb, 4), V_NONE);
    assert_int_equal(schema_find_key(key, sizeof key - 1), K_END);
    buffer_init(&out, 0);
    record_redact(&out, verb, sizeof verb - 1);
    buffer_add_u8(&out, 0);
    assert_string_equal((char *)out.data, "<23 bytes that are no record>");
    buffer_wipe(&out);
}

static void test_full_buffer(void **state)
{
    (void)state;
    struct buffer out;
    struct record_writer w;
    buffer_init(&out, 40);
    record_fail(&out, V_FLUSH, 1, "w"); /* fail id=1 re=flush why=w: 25 bytes with LF */
    assert_int_equal(out.len, 25);
    record_fail(&out, V_FLUSH, 1, "w");
    assert_int_equal(out.len, 25);
    assert_true(out.overflowed);
    record_start(&w, &out, V_FLUSH);
    record_put_number(&w, K_ID, 12345);
    assert_true(record_finish(&w)); /* a shorter one still fits: 15 bytes */
    assert_int_equal(out.len, 40);
    assert_false(out.overflowed);
    buffer_wipe(&out);
}

static void check_name(const char *name)
{
    assert_non_null(name);
    assert_true(name[0] >= 'a' && name[0] <= 'z');
    assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(name));
}

static void test_schema_is_sound(void **state)
{
    (void)state;
    for (enum key k = (enum key)1; k < KEY_COUNT; k++) {
        const struct key_spec *spec = schema_key(k);
        check_name(spec->name);
        assert_int_equal(schema_find_key(spec->name, strlen(spec->name)), k);
        assert_true(spec->min <= spec->max);
        assert_int_equal(spec->type == FIELD_WORD, spec->words != NULL);
        assert_non_null(spec->help);
        if (spec->type == FIELD_BYTES) {
            assert_true(spec->max * 2 < RECORD_MAX);
        }
    }
    for (enum verb v = (enum verb)1; v < VERB_COUNT; v++) {
        const struct verb_spec *spec = schema_verb(v);
        struct fields all = { .count = 0 };
        bool seen[KEY_COUNT] = { false };
        check_name(spec->name);
        assert_int_equal(schema_find_verb(spec->name, strlen(spec->name)), v);
        assert_true(spec->from != 0 && (spec->from & ~(unsigned)DIRECTION_ALL) == 0);
        assert_non_null(spec->help);
        assert_true(spec->request || spec->answer[0] == K_END);
        add_list(&all, spec->required);
        add_list(&all, spec->optional);
        for (size_t i = 0; i < all.count; i++) {
            assert_false(seen[all.key[i]]);
            seen[all.key[i]] = true;
        }
        assert_true(!spec->request || !seen[K_ID]);
    }
    for (unsigned d = 1; d <= DIRECTION_ALL; d <<= 1) {
        assert_int_equal(direction_reverse(direction_reverse(d)), d);
        assert_int_not_equal(direction_reverse(d), d);
    }
}

/* The enums that stand for the words of a field have their order. */
static void test_places_of_words(void **state)
{
    (void)state;
    static const struct {
        enum key key;
        unsigned place;
        const char *word;
    } places[] = {
        { K_TOOL, TOOL_PLUTOD, "plutod" }, { K_TOOL, TOOL_IKE_NEGOTIATE, "ike-negotiate" },
        { K_TOOL, TOOL_SECRETS, "secrets" }, { K_TOOL, TOOL_KERNEL_SA, "kernel-sa" },
        { K_TOOL, TOOL_DNSKEY, "dnskey" }, { K_TOOL, TOOL_WHACK, "whack" },
        { K_LEVEL, LOG_LEVEL_DEBUG, "debug" }, { K_LEVEL, LOG_LEVEL_INFO, "info" },
        { K_LEVEL, LOG_LEVEL_SERIOUS, "serious" },
        { K_ROLE, ROLE_INITIATOR, "initiator" }, { K_ROLE, ROLE_RESPONDER, "responder" },
        { K_METHOD, METHOD_PSK, "psk" }, { K_METHOD, METHOD_RSASIG, "rsasig" },
        { K_METHODS, METHODS_PSK, "psk" }, { K_METHODS, METHODS_RSASIG, "rsasig" }, { K_METHODS, METHODS_BOTH, "psk+rsasig" },
        { K_PROTOCOL, WORD_ISAKMP, "isakmp" }, { K_PROTOCOL, WORD_AH, "ah" },
        { K_PROTOCOL, WORD_ESP, "esp" }, { K_PROTOCOL, WORD_IPCOMP, "ipcomp" },
        { K_MODES, MODES_TUNNEL, "tunnel" }, { K_MODES, MODES_TRANSPORT, "transport" },
        { K_MODES, MODES_ANY, "any" },
        { K_MODE, MODES_TUNNEL, "tunnel" }, { K_MODE, MODES_TRANSPORT, "transport" },
        { K_ACTION, ACTION_ADD, "add" }, { K_ACTION, ACTION_DELETE, "delete" },
        { K_KIND, KIND_IPSEC, "ipsec" }, { K_KIND, KIND_TRAP, "trap" },
        { K_KIND, KIND_PASS, "pass" }, { K_KIND, KIND_DROP, "drop" },
        { K_KIND, KIND_REJECT, "reject" },
        { K_AGAIN, AGAIN_OPEN, "open" }, { K_AGAIN, AGAIN_UP, "up" },
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const char *at = schema_key(places[i].key)->words;
        size_t len = strlen(places[i].word);
        for (unsigned n = 0; n < places[i].place; n++) {
            at += strcspn(at, "|") + 1;
        }
        assert_memory_equal(at, places[i].word, len);
        assert_true(at[len] == '|' || at[len] == '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print_then_parse),
        cmocka_unit_test(test_secrets_are_not_shown),
        cmocka_unit_test(test_redaction_of_what_is_no_record),
        cmocka_unit_test(f16_names_with_nuls),
        cmocka_unit_test(test_full_buffer),
        cmocka_unit_test(test_schema_is_sound),
        cmocka_unit_test(test_places_of_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
