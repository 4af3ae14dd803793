#include "log.h"

#include "bounds.h"
#include "record.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_LEN 2048 /* a longer line is cut */

static const char *const class_names[DEBUG_CLASS_COUNT] = {
#define CLASS(e, word, help) [DEBUG_PLACE_##e] = word,
    LOG_DEBUG_CLASSES(CLASS)
#undef CLASS
};

static bool is_word(const char *word, const char *text, size_t len)
{
    return strlen(word) == len && memcmp(word, text, len) == 0;
}

/* The mask after this word, or the mask as it was and *known false. */
static unsigned class_apply(unsigned mask, const char *text, size_t len, bool *known)
{
    *known = true;
    if (is_word("none", text, len)) {
        return DEBUG_NONE;
    }
    if (is_word("all", text, len)) {
        return mask | DEBUG_ALL;
    }
    for (unsigned i = 0; i < DEBUG_CLASS_COUNT; i++) {
        if (is_word(class_names[i], text, len)) {
            return mask | 1U << i;
        }
    }
    *known = false;
    return mask;
}

const char *debug_classes_parse(unsigned *classes, const char *text)
{
    unsigned mask = DEBUG_NONE;
    while (*text != '\0') {
        bool known;
        size_t len = strcspn(text, ",");
        mask = class_apply(mask, text, len, &known);
        if (!known) {
            return "no debug class; they are none, all, raw, crypt, parsing, emitting, control, "
                   "lifecycle, kernel, dns, oppo, private";
        }
        text += len;
        if (*text == ',') {
            text++;
            if (*text == '\0') {
                return "a comma without a debug class after it";
            }
        }
    }
    *classes = mask;
    return NULL;
}

void debug_classes_print(unsigned classes, char out[DEBUG_CLASSES_TEXT])
{
    size_t len = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < DEBUG_CLASS_COUNT; i++) {
        if ((classes & 1U << i) != 0) {
            int n = snprintf(out + len, DEBUG_CLASSES_TEXT - len, "%s%s", len > 0 ? "," : "",
                             class_names[i]);
            len += n > 0 ? (size_t)n : 0;
        }
    }
}

const char *debug_class_name(enum debug_place place)
{
    return class_names[place];
}

void log_escape(struct buffer *out, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < len; i++) {
        size_t plain = i;
        while (plain < len && at[plain] >= ' ' && at[plain] <= '~' && at[plain] != '\\') {
            plain++;
        }
        buffer_add(out, at + i, plain - i);
        i = plain;
        if (i < len) {
            char octal[5];
            (void)snprintf(octal, sizeof octal, "\\%03o", at[i]);
            buffer_add(out, octal, 4);
        }
    }
}

static void to_records(const struct log *log, enum log_level level, const struct log_about *about,
                       const char *text)
{
    /* A channel that plutod does not empty must keep room for what matters. */
    if (level == LOG_LEVEL_DEBUG && log->records->len > CHANNEL_MAX / 2) {
        return;
    }
    struct record_writer w;
    record_start(&w, log->records, V_LOG);
    record_put_word(&w, K_LEVEL, level);
    record_put_text(&w, K_TEXT, text);
    if (about->exchange != 0) {
        record_put_number(&w, K_EXCHANGE, about->exchange);
    }
    if (about->remote != NULL && about->remote->family != 0) {
        record_put_address(&w, K_REMOTE, about->remote);
    }
    if (about->remote_port != 0) {
        record_put_number(&w, K_REMOTE_PORT, about->remote_port);
    }
    if (about->code != 0) {
        record_put_number(&w, K_CODE, about->code);
    }
    if (about->host != NULL) {
        record_put_text(&w, K_HOST, about->host);
    }
    if (level == LOG_LEVEL_DEBUG) { /* plutod knows whose they are: it may be for one connection only */
        char classes[DEBUG_CLASSES_TEXT];
        debug_classes_print(about->classes, classes);
        record_put_text(&w, K_CLASSES, classes);
    }
    record_finish(&w);
}

/* write(2), not stdio: one line is one write, and no sandbox minds. */
static void to_stderr(const struct log *log, enum log_level level, const struct log_about *about,
                      const char *text)
{
    struct buffer line;
    char peer[ADDRESS_TEXT + 16];

    buffer_init(&line, 0);
    buffer_add_text(&line, level == LOG_LEVEL_DEBUG ? "| " : log->tool);
    buffer_add_text(&line, level == LOG_LEVEL_DEBUG ? "" : ": ");
    if (about->remote != NULL && about->remote->family != 0) {
        address_print(about->remote, peer);
        size_t len = strlen(peer);
        (void)snprintf(peer + len, sizeof peer - len, ":%u: ", about->remote_port);
        buffer_add_text(&line, peer);
    }
    log_escape(&line, text, strlen(text));
    buffer_add_text(&line, "\n");
    if (!line.overflowed && write(STDERR_FILENO, line.data, line.len) < 0) {
        /* there is nobody left to tell */
    }
    buffer_wipe(&line);
}

__attribute__((format(printf, 4, 0))) static void say(const struct log *log, enum log_level level,
                                                      const struct log_about *about,
                                                      const char *format, va_list args)
{
    char text[LINE_LEN];
    (void)vsnprintf(text, sizeof text, format, args);
    if (log->records != NULL) {
        to_records(log, level, about, text);
    } else {
        to_stderr(log, level, about, text);
    }
    if (log_wants(log, DEBUG_PRIVATE)) {
        explicit_bzero(text, sizeof text);
    }
}

void log_info(const struct log *log, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(log, LOG_LEVEL_INFO, &(struct log_about){ 0 }, format, args);
    va_end(args);
}

void log_serious(const struct log *log, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(log, LOG_LEVEL_SERIOUS, &(struct log_about){ 0 }, format, args);
    va_end(args);
}

void log_about(const struct log *log, enum log_level level, const struct log_about *about,
               const char *format, ...)
{
    va_list args;
    if (level == LOG_LEVEL_DEBUG && !log_wants(log, about->classes)) {
        return;
    }
    va_start(args, format);
    say(log, level, about, format, args);
    va_end(args);
}

void log_debug(const struct log *log, unsigned classes, const char *format, ...)
{
    va_list args;
    if (!log_wants(log, classes)) {
        return;
    }
    va_start(args, format);
    say(log, LOG_LEVEL_DEBUG, &(struct log_about){ .classes = classes }, format, args);
    va_end(args);
}
