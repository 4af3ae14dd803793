#include "lines.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

void lines_init(struct lines *l, bool to_stderr)
{
    l->to_stderr = to_stderr;
    if (!to_stderr) {
        openlog("plutod", LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
    }
}

void lines_add(const struct lines *l, enum log_level level, const char *prefix, const char *text)
{
    struct buffer line;
    buffer_init(&line, 32768);
    if (level == LOG_LEVEL_DEBUG && strncmp(text, "| ", 2) != 0) {
        buffer_add_text(&line, "| ");
    }
    log_escape(&line, prefix, strlen(prefix));
    log_escape(&line, text, strlen(text));
    if (l->to_stderr) {
        buffer_add_text(&line, "\n");
        for (size_t at = 0; at < line.len;) {
            ssize_t n = write(STDERR_FILENO, line.data + at, line.len - at);
            if (n < 0 && errno == EINTR) {
                continue;
            }
            if (n <= 0) {
                break; /* nobody reads our log: that is no reason to stop */
            }
            at += (size_t)n;
        }
    } else {
        int priority = level == LOG_LEVEL_DEBUG  ? LOG_DEBUG
                       : level == LOG_LEVEL_INFO ? LOG_INFO
                                                 : LOG_WARNING;
        syslog(priority, "%.*s", (int)line.len, (const char *)line.data);
    }
    buffer_wipe(&line);
}

void lines_print(const struct lines *l, enum log_level level, const char *format, ...)
{
    char text[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    lines_add(l, level, "", text);
}
