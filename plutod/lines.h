/*
 * Where log lines go [P5]: syslog (authpriv), or stderr. Everything is escaped here, and only here.
 *
 * Not for: what a line says.
 */
#ifndef PLUTOD_LINES_H
#define PLUTOD_LINES_H

#include "log.h"

#include <stdbool.h>

struct lines {
    bool to_stderr;
};

void lines_init(struct lines *l, bool to_stderr);
/* One line: prefix and text. Debug lines begin with "| ". */
void lines_add(const struct lines *l, enum log_level level, const char *prefix, const char *text);
__attribute__((format(printf, 3, 4)))
void lines_print(const struct lines *l, enum log_level level, const char *format, ...);

#endif
