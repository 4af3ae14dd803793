/*
 * One `secrets` core with somebody at each end of it, for tests: records are said as text, answers
 * are looked at as records. Static functions, as each test program is made of one file.
 */
#ifndef TESTS_SECRETS_SIDE_H
#define TESTS_SECRETS_SIDE_H

#include "secrets/core.h"
#include "secrets/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LINE_TEXT 40000

struct side_text { /* freed with the side */
    struct side_text *next;
    char text[];
};

struct side {
    struct side_text *texts;
    struct store *store;
    struct core *core;
    struct log log;
    struct buffer plutod;
    struct buffer negotiator;
    struct buffer kernel;
    bool no_kernel;
    uint64_t now;
    char line[LINE_TEXT]; /* of the record in `answer` */
    struct record answer;
};

static const struct dh_lib *side_dh;

static int side_dh_set_up(void **state)
{
    const char *why = NULL;
    (void)state;
    side_dh = dh_lib_new(&why);
    return side_dh == NULL;
}

static int side_dh_tear_down(void **state)
{
    (void)state;
    dh_lib_free((struct dh_lib *)(uintptr_t)side_dh);
    return 0;
}

/* secrets: lines of ipsec.secrets */
static struct side *side_new(const char *secrets)
{
    struct side *s = calloc(1, sizeof *s);
    struct file_counts counts;
    if (s == NULL) {
        abort();
    }
    char path[] = "/tmp/test_secrets.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, secrets, strlen(secrets)), strlen(secrets));
    close(fd);
    buffer_init(&s->plutod, 0);
    buffer_init(&s->negotiator, 0);
    buffer_init(&s->kernel, 0);
    s->log = (struct log){ .tool = "secrets", .records = &s->plutod };
    s->store = store_new();
    file_read(s->store, path, false, &s->log, &counts);
    assert_int_equal(counts.errors, 0);
    unlink(path);
    const struct core_config config = { .store = s->store, .dh = side_dh, .log = &s->log,
                                        .random = dh_random };
    s->core = secrets_new(&config);
    s->now = 1;
    return s;
}

static void side_free(struct side *s)
{
    secrets_free(s->core);
    store_free(s->store);
    buffer_wipe(&s->plutod);
    buffer_wipe(&s->negotiator);
    buffer_wipe(&s->kernel);
    while (s->texts != NULL) {
        struct side_text *next = s->texts->next;
        free(s->texts);
        s->texts = next;
    }
    free(s);
}

static struct core_out side_out(struct side *s)
{
    return (struct core_out){ &s->plutod, &s->negotiator, s->no_kernel ? NULL : &s->kernel };
}

static void side_say(struct side *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void side_say(struct side *s, const char *format, ...)
{
    static char line[LINE_TEXT];
    struct record r;
    enum key field;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    assert_in_range(len, 1, sizeof line - 1);
    const char *why = record_parse(&r, line, (size_t)len, P_S | N_S | K_S, &field);
    if (why != NULL) {
        print_error("%s: %s (%s)\n", line, why, field == K_END ? "-" : schema_key(field)->name);
    }
    assert_null(why);
    struct core_out out = side_out(s);
    secrets_record(s->core, &r, &out, s->now);
}

/* Takes the first record out of a buffer into s->answer; false: it is empty. */
static bool side_take(struct side *s, struct buffer *from, unsigned direction)
{
    const uint8_t *newline = from->len == 0 ? NULL : memchr(from->data, '\n', from->len);
    if (newline == NULL) {
        memset(&s->answer, 0, sizeof s->answer);
        return false;
    }
    size_t len = (size_t)(newline - from->data);
    assert_true(len < sizeof s->line);
    memcpy(s->line, from->data, len);
    buffer_consume(from, len + 1);
    enum key field;
    const char *why = record_parse(&s->answer, s->line, len, direction, &field);
    if (why != NULL) {
        print_error("%s: %s\n", s->line, why);
    }
    assert_null(why);
    return true;
}

/* A request of the negotiator, and its answer, of which there is one: true if it is ok. */
#define side_ask(s, ...) \
    (side_say((s), __VA_ARGS__), assert_true(side_take((s), &(s)->negotiator, S_N)), \
     assert_int_equal((s)->negotiator.len, 0), (s)->answer.verb == V_OK)
#define side_says(s, what, ...) \
    do { \
        (void)side_ask((s), __VA_ARGS__); \
        assert_true((s)->answer.verb == (what)); \
    } while (0)
#define side_good(s, ...) side_says((s), V_OK, __VA_ARGS__)
#define side_fails(s, ...) side_says((s), V_FAIL, __VA_ARGS__)
#define side_bad(s, ...) side_says((s), V_BAD, __VA_ARGS__)

static inline bool side_why_has(const struct side *s, const char *text)
{
    return strstr(record_text(&s->answer, K_WHY), text) != NULL;
}

/* Hex of a field of s->answer; it lives as long as the side. */
static char *side_hex(struct side *s, enum key key)
{
    size_t len;
    const uint8_t *bytes = record_bytes(&s->answer, key, &len);
    assert_non_null(bytes);
    struct side_text *t = malloc(sizeof *t + 2 * len + 1);
    if (t == NULL) {
        abort();
    }
    t->next = s->texts;
    s->texts = t;
    t->text[0] = '\0';
    for (size_t i = 0; i < len; i++) {
        snprintf(t->text + 2 * i, 3, "%02x", bytes[i]);
    }
    return t->text;
}

#endif
