#include "secrets_side.h"

#include <stdio.h>
#include <unistd.h>

static const struct dh_lib *side_dh;

int side_dh_set_up(void **state)
{
    const char *why = NULL;
    (void)state;
    side_dh = dh_lib_new(&why);
    return side_dh == NULL;
}

int side_dh_tear_down(void **state)
{
    (void)state;
    dh_lib_free((struct dh_lib *)(uintptr_t)side_dh);
    return 0;
}

struct side *side_new(const char *secrets)
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

void side_free(struct side *s)
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

struct core_out side_out(struct side *s)
{
    return (struct core_out){ &s->plutod, &s->negotiator, s->no_kernel ? NULL : &s->kernel };
}

void side_say(struct side *s, const char *format, ...)
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

bool side_take(struct side *s, struct buffer *from, unsigned direction)
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

bool side_why_has(const struct side *s, const char *text)
{
    return strstr(record_text(&s->answer, K_WHY), text) != NULL;
}

char *side_hex(struct side *s, enum key key)
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
