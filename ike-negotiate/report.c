/*
 * What the core says to the log: records to plutod, who knows the connection's name and serial.
 */
#include "exchange.h"

#include <stdarg.h>
#include <stdio.h>

#define LINES_A_SECOND 100
#define LINES_OF_EXCHANGE 16 /* a minute */

/* debug_class: of a debug line, else 0. */
static void put_line(struct ike *ike, const struct exchange *x, const struct path *path,
                     enum log_level level, unsigned debug_class, const char *text)
{
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

/*
 * Nearly every line here is caused by a packet, and packets cost their senders nothing: so many
 * about one exchange in a minute, and so many about all together in a second. Half-open exchanges
 * are strangers', who may not use up what there is for the others. `serious` lines are bounded
 * where they are made.
 */
static bool may_say(struct ike *ike, struct exchange *x, const char **rest)
{
    uint64_t second = ike->now / 1000;
    *rest = "";
    if (second != ike->say_second) {
        ike->say_second = second;
        ike->said = 0;
    }
    if (x != NULL && second / 60 != x->say_minute) {
        x->say_minute = second / 60;
        x->said = 0;
    }
    bool stranger = x != NULL && half_open_is(x);
    if ((x != NULL && x->said >= LINES_OF_EXCHANGE)
        || (stranger ? !stranger_may_say(ike, &x->sa->path) : ike->said >= LINES_A_SECOND)) {
        return false;
    }
    ike->said += stranger ? 0 : 1;
    if (x != NULL && ++x->said == LINES_OF_EXCHANGE) {
        *rest = " (more lines about this one are left out for a minute)";
    }
    if (!stranger && ike->said == LINES_A_SECOND) {
        *rest = " (more lines are left out for a second)";
    }
    return true;
}

void report(struct ike *ike, struct exchange *x, enum log_level level, const char *format, ...)
{
    char text[4000];
    const char *rest = "";
    va_list args;
    if (level != LOG_LEVEL_SERIOUS && !may_say(ike, x, &rest)) {
        return;
    }
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len > 0 && (size_t)len < sizeof text) {
        snprintf(text + len, sizeof text - (size_t)len, "%s", rest);
    }
    put_line(ike, x, NULL, level, 0, text);
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
