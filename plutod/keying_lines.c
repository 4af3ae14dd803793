/* What the core says: to the log, and to whacks that wait; and how much of it others may cause. */
#include "keying.h"

#include "xchg.h"

#include <stdio.h>

#define LINE_MAX_LEN 2000
#define PREFIX_MAX (CONN_LABEL + 64)
#define REPORTED_AT_ONCE 1000u /* lines that ike-negotiate causes, */
#define REPORTED_REFILL 20u    /* and the milliseconds for each further one */

static void prefix_of(const struct xchg *x, char out[PREFIX_MAX])
{
    char label[CONN_LABEL];
    if (x == NULL) {
        out[0] = '\0';
    } else if (x->conn != NULL) {
        conn_label(x->conn, label);
        snprintf(out, PREFIX_MAX, "%s #%llu: ", label, (unsigned long long)x->serial);
    } else {
        char address[ADDRESS_TEXT];
        address_print(&x->remote, address);
        snprintf(out, PREFIX_MAX, "packet from %s:%u: ", address, x->remote_port);
    }
}

void keying_say(struct keying *k, uint64_t client, unsigned code, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    char line[LINE_MAX_LEN + 8];
    va_list args;
    if (client == 0) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(line, sizeof line, "%03u %s", code, text);
    k->hooks.say(k->hooks.context, client, line);
}

unsigned keying_classes(const struct keying *k)
{
    unsigned classes = k->classes;
    for (const struct conn *c = k->conns; c != NULL; c = c->hh.next) {
        classes |= c->classes;
    }
    return classes;
}

/* Debug lines are for whoever has turned them on: he gets all. */
static bool may_report(struct keying *k, enum log_level level)
{
    char text[100];
    if (level == LOG_LEVEL_DEBUG) {
        return keying_classes(k) != 0;
    }
    if (!line_bucket_take(&k->reported, REPORTED_REFILL, REPORTED_AT_ONCE, k->now)) {
        k->reported_left_out++;
        return false;
    }
    if (k->reported_left_out > 0 && k->now >= k->reported_told + LINES_LEFT_OUT_EVERY) {
        snprintf(text, sizeof text, "%u lines about what ike-negotiate reported were left out",
                 k->reported_left_out);
        k->hooks.log(k->hooks.context, LOG_LEVEL_SERIOUS, "", text);
        k->reported_left_out = 0;
        k->reported_told = k->now;
    }
    return true;
}

void keying_line(struct keying *k, enum log_level level, const char *prefix, const char *text)
{
    if (!k->negotiators_turn || may_report(k, level)) {
        k->hooks.log(k->hooks.context, level, prefix, text);
    }
}

bool keying_may_log(struct keying *k, struct line_limit *limit, const struct address *remote)
{
    char text[sizeof LINES_LEFT_OUT + 20];
    unsigned left_out;
    if (!line_limit_take(limit, remote, k->now, &left_out)) {
        return false;
    }
    if (left_out > 0) {
        snprintf(text, sizeof text, LINES_LEFT_OUT, left_out);
        k->hooks.log(k->hooks.context, LOG_LEVEL_INFO, "", text);
    }
    return true;
}

/* Whoever can send a packet can make us write this. */
static bool is_strangers(const struct xchg *x)
{
    return x != NULL && !x->quick && !x->initiator && !x->authenticated;
}

void keying_log(struct keying *k, enum log_level level, const struct xchg *x, const char *format, ...)
{
    /* A wrong secret is named, however much rubbish comes beside it [R4]. */
    struct line_limit *limit = level == LOG_LEVEL_SERIOUS ? &k->strangers : &k->rubbish;
    if (level != LOG_LEVEL_DEBUG && is_strangers(x) && !keying_may_log(k, limit, &x->remote)) {
        return;
    }
    char text[LINE_MAX_LEN];
    char prefix[PREFIX_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    prefix_of(x, prefix);
    keying_line(k, level, prefix, text);
}

void keying_tell(struct keying *k, const struct xchg *x, unsigned code, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    char prefix[PREFIX_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    prefix_of(x, prefix);
    if (!is_strangers(x) || keying_may_log(k, &k->strangers, &x->remote)) {
        keying_line(k, LOG_LEVEL_INFO, prefix, text);
    }
    keying_say(k, x->client, code, "%s%s", prefix, text);
}

void keying_log_conn(struct keying *k, enum log_level level, const struct conn *c,
                     const char *format, ...)
{
    char text[LINE_MAX_LEN];
    char prefix[PREFIX_MAX];
    char label[CONN_LABEL];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    conn_label(c, label);
    snprintf(prefix, sizeof prefix, "%s: ", label);
    keying_line(k, level, prefix, text);
}
