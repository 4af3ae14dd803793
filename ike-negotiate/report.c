/*
 * What the core says to the log: records to plutod, who knows the connection's name and serial.
 */
#include "report.h"
#include "exchange.h"

#include <stdarg.h>
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#define LINES_A_SECOND 100
#define OF_EXCHANGE 16 /* a minute */
#define IGNORED_EVERY 1000 /* milliseconds between two reports of what was ignored */

/* debug_class: of a debug line, else 0. */
static void put_line(struct ike *ike, const struct exchange *x, const struct path *path,
                     enum log_level level, unsigned debug_class, const char *text)
{
    if (x != NULL && x->is_quick && x->number == 0) {
        x = x->parent; /* plutod does not know it, or not yet */
    }
    struct log_about about = { .exchange = x == NULL ? 0 : x->number, .classes = debug_class };
    if (path == NULL && x != NULL && x->number == 0) {
        path = &x->sa->path;
    }
    if (path != NULL && path->remote_port != 0) {
        about.remote = &path->remote;
        about.remote_port = path->remote_port;
    }
    log_about(&ike->log, level, &about, "%s", text);
}

/* May a stranger's packet make a line? How many it did not make is said now and then. */
static bool stranger_may_say(struct ike *ike, const struct path *path)
{
    char text[sizeof LINES_LEFT_OUT + 20];
    unsigned left_out;
    if (!line_limit_take(&ike->strangers, &path->remote, ike->now, &left_out)) {
        return false;
    }
    if (left_out > 0) {
        snprintf(text, sizeof text, LINES_LEFT_OUT, left_out);
        put_line(ike, NULL, NULL, LOG_LEVEL_INFO, 0, text);
    }
    return true;
}

bool exchange_may(const struct ike *ike, struct line_bucket *b)
{
    return line_bucket_take(b, 60000 / OF_EXCHANGE, OF_EXCHANGE, ike->now);
}

/*
 * Nearly every line here is caused by a packet, and packets cost their senders nothing: so many
 * about one exchange in a minute, and so many about all together in a second. Half-open exchanges
 * are strangers', who may not use up what there is for the others. `serious` lines are bounded
 * where they are made.
 */
static bool may_say(struct ike *ike, struct exchange *x, struct line_bucket *one,
                    struct line_bucket *all)
{
    if (one != NULL && !exchange_may(ike, one)) {
        return false;
    }
    return x != NULL && half_open_is(x)
               ? stranger_may_say(ike, &x->sa->path)
               : line_bucket_take(all, 1000 / LINES_A_SECOND, LINES_A_SECOND, ike->now);
}

/* Behind it goes how many were left out before, for which there always is room. */
static void end_line(char *text, size_t size, struct line_bucket *b)
{
    char missing[LINE_MISSING];
    size_t len = strlen(text);
    len = len < size - LINE_MISSING ? len : size - LINE_MISSING;
    (void)strlcpy(text + len, line_bucket_missing(b, missing), size - len);
}

__attribute__((format(printf, 5, 0)))
static bool say(struct ike *ike, struct exchange *x, struct line_bucket *one, struct line_bucket *all,
                const char *format, va_list args)
{
    char text[4000];
    if (!may_say(ike, x, one, all)) {
        return false;
    }
    vsnprintf(text, sizeof text, format, args);
    if (one != NULL) {
        end_line(text, sizeof text, one);
    }
    end_line(text, sizeof text, all);
    put_line(ike, x, NULL, LOG_LEVEL_INFO, 0, text);
    return true;
}

__attribute__((format(printf, 3, 0)))
static void say_serious(struct ike *ike, const struct exchange *x, const char *format, va_list args)
{
    char text[4000];
    vsnprintf(text, sizeof text, format, args);
    put_line(ike, x, NULL, LOG_LEVEL_SERIOUS, 0, text);
}

void report(struct ike *ike, struct exchange *x, enum log_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (level == LOG_LEVEL_SERIOUS) {
        say_serious(ike, x, format, args);
    } else {
        (void)say(ike, x, x == NULL ? NULL : &x->lines, &ike->said, format, args);
    }
    va_end(args);
}

bool report_unproved(struct ike *ike, struct exchange *x, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool said = say(ike, x, &x->unproved, &ike->said_unproved, format, args);
    va_end(args);
    return said;
}

void report_hint(struct ike *ike, const struct exchange *x, const char *why)
{
    struct record_writer w;
    record_start(&w, ike->out.plutod, V_HINT);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_text(&w, K_WHY, why);
    record_finish(&w);
}

__attribute__((format(printf, 5, 0)))
static void put_debug(struct ike *ike, const struct exchange *x, const struct path *path,
                      unsigned debug_class, const char *format, va_list args)
{
    char text[4000];
    if (log_wants(&ike->log, debug_class)) {
        vsnprintf(text, sizeof text, format, args);
        put_line(ike, x, path, LOG_LEVEL_DEBUG, debug_class, text);
    }
}

void report_debug(struct ike *ike, const struct exchange *x, unsigned debug_class,
                  const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_debug(ike, x, NULL, debug_class, format, args);
    va_end(args);
}

void report_debug_at(struct ike *ike, const struct exchange *x, const struct path *path,
                     unsigned debug_class, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_debug(ike, x, x == NULL || x->number == 0 ? path : NULL, debug_class, format, args);
    va_end(args);
}

void report_odd(struct ike *ike, const struct exchange *x, unsigned odd)
{
    odd &= ~x->sa->odd;
    if (odd == ODD_NONE || !log_wants(&ike->log, DEBUG_PARSING)) {
        return;
    }
    x->sa->odd |= odd;
    for (unsigned place = 0; place < ODDITY_COUNT; place++) {
        if ((odd & 1u << place) != 0) {
            report_debug(ike, x, DEBUG_PARSING, "odd, and borne: %s", oddity_text(place));
        }
    }
}

bool report_stranger(struct ike *ike, const struct path *path, const char *format, ...)
{
    char text[1000];
    va_list args;
    if (!stranger_may_say(ike, path)) {
        return false;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_line(ike, NULL, path, LOG_LEVEL_INFO, 0, text);
    return true;
}

/* ---- what is counted ---- */

/* In a flood each would wake plutod. */
void count_ignored(struct ike *ike, enum flaw flaw)
{
    ike->ignored[flaw] += ike->ignored[flaw] < UINT32_MAX ? 1 : 0;
    if (ike->ignored_due == UINT64_MAX) {
        ike->ignored_due = ike->now + IGNORED_EVERY;
    }
}

void ike_ignored(struct ike *ike, uint64_t now, enum flaw flaw)
{
    ike->now = now;
    count_ignored(ike, flaw);
}

void tell_ignored(struct ike *ike)
{
    struct record_writer w;
    ike->ignored_due = UINT64_MAX;
    for (unsigned flaw = 0; flaw < FLAW_COUNT; flaw++) {
        if (ike->ignored[flaw] == 0) {
            continue;
        }
        record_start(&w, ike->out.plutod, V_IGNORED);
        record_put_word(&w, K_FLAW, flaw);
        record_put_number(&w, K_TIMES, ike->ignored[flaw]);
        if (record_finish(&w)) { /* else there was no room: it is told later */
            ike->ignored[flaw] = 0;
        } else {
            ike->ignored_due = ike->now + IGNORED_EVERY;
        }
    }
}
