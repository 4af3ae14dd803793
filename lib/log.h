/*
 * Lines for the log: where they go, which debug classes are on, and how they are made safe.
 *
 * A tool's lines go to plutod as `log` records, or by hand to stderr after "TOOL: ". plutod, which
 * is the one that writes a log, uses log_escape and the debug classes only. Callers do not escape:
 * it is done once, where the line leaves our processes. Never give it key material unless
 * DEBUG_PRIVATE is on [P9]. Not for: syslog, log files, and whack's replies.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include "address.h"
#include "buffer.h"
#include "reply.h"

#include <stdint.h>

/* The one list of debug classes [P9]; `private` is not in `all`. CLASS(enumerator, word, help) */
#define LOG_DEBUG_CLASSES(CLASS) \
    CLASS(RAW, "raw", "bytes of messages") \
    CLASS(CRYPT, "crypt", "encryption of messages") \
    CLASS(PARSING, "parsing", "structure of input") \
    CLASS(EMITTING, "emitting", "structure of output") \
    CLASS(CONTROL, "control", "decisions") \
    CLASS(LIFECYCLE, "lifecycle", "how connections and SAs come and go") \
    CLASS(KERNEL, "kernel", "what is asked of the kernel") \
    CLASS(DNS, "dns", "questions to DNS") \
    CLASS(OPPO, "oppo", "opportunism: why a TXT record does not suit") \
    CLASS(PRIVATE, "private", "also key material, wherever it is used")

enum debug_place {
#define CLASS(e, word, help) DEBUG_PLACE_##e,
    LOG_DEBUG_CLASSES(CLASS)
#undef CLASS
    DEBUG_CLASS_COUNT
};

/* DEBUG_RAW, DEBUG_CRYPT, ...: bits of a mask. */
enum debug_class {
#define CLASS(e, word, help) DEBUG_##e = 1 << DEBUG_PLACE_##e,
    LOG_DEBUG_CLASSES(CLASS)
#undef CLASS
    DEBUG_NONE = 0,
    DEBUG_ALL = DEBUG_PRIVATE - 1
};

#define DEBUG_CLASSES_TEXT 96

/*
 * Words with commas between, read from left to right: a class sets its bit, `all` all but private,
 * `none` clears. The empty text is none. Returns NULL, or why (static); *classes is then untouched.
 */
const char *debug_classes_parse(unsigned *classes, const char *text);
void debug_classes_print(unsigned classes, char out[DEBUG_CLASSES_TEXT]); /* "" for none */
const char *debug_class_name(enum debug_place place); /* raw, crypt, ... for options and --status */

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_SERIOUS }; /* places in K_LEVEL */

struct log {
    const char *tool;       /* borrowed, static; by hand the line's prefix */
    struct buffer *records; /* borrowed: channel_out of plutod's channel; NULL: to stderr */
    unsigned classes;       /* mask of enum debug_class; change it at will */
};

#define LOG_CODE_NETWORK REPLY_LOG /* of a line about what the network said, which a whack that waits is told too */

/* What a line is about; zero or NULL where not known. plutod makes the prefix from it [P5]. */
struct log_about {
    uint64_t exchange;
    const struct address *remote; /* borrowed for the call */
    uint16_t remote_port;
    unsigned code;                /* of whack's reply line [W9] */
    unsigned classes;             /* debug classes that a debug line is of */
    const char *host;             /* borrowed for the call: the name in ipsec.secrets */
};

void log_info(const struct log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_serious(const struct log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A debug line: nothing unless one of its classes is on. */
void log_about(const struct log *log, enum log_level level, const struct log_about *about,
               const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Nothing unless one of the classes is on; by hand the line begins with "| ". */
void log_debug(const struct log *log, unsigned classes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline bool log_wants(const struct log *log, unsigned classes)
{
    return (log->classes & classes) != 0;
}

/* Adds the bytes, each that is not printable ASCII, and backslash, as \ooo [P5]. */
void log_escape(struct buffer *out, const void *bytes, size_t len);

#endif
