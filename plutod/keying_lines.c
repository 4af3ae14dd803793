/* What the core says: to the log, and to whacks that wait; and how much of it others may cause. */
#include "keying.h"

#include "index.h"
#include "journal.h"
#include "xchg.h"

#include <bsd/string.h>
#include <stdio.h>

#define LINE_MAX_LEN 4100
#define EVENT_MAX_LEN 1200 /* the log has all of it */
#define PREFIX_MAX (CONN_LABEL + ADDRESS_TEXT + 64)
#define HEARD_A_MINUTE 16u /* lines because of what an ISAKMP SA's peer says; as many at once */

/*
 * How many lines there may be at once, and the milliseconds for each further one: a disk is to last for
 * months. docs/decisions/floods.md says why so many.
 */
#define REPORTED_AT_ONCE 500u   /* words of ike-negotiate: of each of the three sorts */
#define REPORTED_REFILL 4000u
#define CONN_AT_ONCE 1000u      /* about one connection */
#define CONN_REFILL 5000u
#define ROAD_AT_ONCE 30000u     /* about all instances of one */
#define ROAD_REFILL 100u
#define KNOWN_AT_ONCE 60000u    /* about all connections */
#define KNOWN_REFILL 50u

/* The text of a line, of the arguments that the function has after `format`. */
#define PRINT_TEXT(text, format) \
    do { \
        va_list args; \
        va_start(args, format); \
        (void)vsnprintf(text, sizeof(text), format, args); \
        va_end(args); \
    } while (0)

/* What stands before a line [P5]: the peer is always named, as far as he is known. */
static void place_of(const struct xchg *x, const struct conn *c, char out[PREFIX_MAX])
{
    char label[CONN_LABEL] = "";
    char peer[ADDRESS_TEXT] = "";
    char serial[32] = "";
    const struct address *a = x != NULL ? &x->remote : c != NULL ? &c->peer_host : NULL;
    if (c != NULL) {
        conn_label(c, label);
    }
    if (a != NULL && a->family != 0 && (c == NULL || c->instance == 0)) {
        address_print(a, peer);
    }
    if (x != NULL) {
        snprintf(serial, sizeof serial, " #%llu", (unsigned long long)x->serial);
    }
    bool none = label[0] == '\0' && peer[0] == '\0';
    snprintf(out, PREFIX_MAX, "%s%s%s%s%s", label, label[0] == '\0' || peer[0] == '\0' ? "" : " ", peer,
             serial, none ? "" : ": ");
}

/* The same for the log, where peers that no connection has yet are packets. */
static void prefix_of(const struct xchg *x, char out[PREFIX_MAX])
{
    if (x->conn != NULL) {
        place_of(x, x->conn, out);
    } else {
        char address[ADDRESS_TEXT];
        address_print(&x->remote, address);
        snprintf(out, PREFIX_MAX, "packet from %s:%u: ", address, x->remote_port);
    }
}

/* And for a whack, who has named the connection himself. */
static void label_of(const struct xchg *x, char out[PREFIX_MAX])
{
    char label[CONN_LABEL] = "";
    if (x->conn != NULL) {
        conn_label(x->conn, label);
    }
    snprintf(out, PREFIX_MAX, "%s #%llu: ", label, (unsigned long long)x->serial);
}

void keying_say(struct keying *k, uint64_t client, unsigned code, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    char line[LINE_MAX_LEN + 8];
    if (client == 0) {
        return;
    }
    PRINT_TEXT(text, format);
    snprintf(line, sizeof line, "%03u %s", code, text);
    k->hooks.say(k->hooks.context, client, line);
}

static void say_to_client(struct keying *k, const struct xchg *x, unsigned code, const char *text)
{
    char prefix[PREFIX_MAX];
    if (x->client != 0) {
        label_of(x, prefix);
        keying_say(k, x->client, code, "%s%s", prefix, text);
    }
}

unsigned keying_classes(const struct keying *k)
{
    unsigned classes = k->classes;
    for (const struct conn *c = k->debugged == 0 ? NULL : k->conns; c != NULL; c = c->hh.next) {
        classes |= c->classes;
    }
    return classes;
}

unsigned keying_classes_of(const struct keying *k, const struct conn *c)
{
    return k->classes | (c == NULL ? 0 : c->classes)
           | (c == NULL || c->template == NULL ? 0 : c->template->classes);
}

static unsigned classes_of_hosts(struct keying *k, const struct address *ours, const struct address *peer)
{
    unsigned classes = k->classes;
    for (struct conn *c = index_by_hosts(k, ours, peer); c != NULL; c = index_next_by_hosts(c)) {
        classes |= keying_classes_of(k, c);
    }
    return classes;
}

unsigned keying_classes_between(struct keying *k, const struct address *ours, const struct address *peer)
{
    static const struct address any;
    unsigned classes = k->classes;
    for (size_t i = 0; i < k->interface_count && k->debugged > 0; i++) {
        const struct address *a = &k->interfaces[i].address;
        if (ours->family == 0 || address_equal(ours, a)) {
            classes |= classes_of_hosts(k, a, peer) | classes_of_hosts(k, a, &any);
        }
    }
    return classes;
}

/* Whoever can send a packet can make us write this. */
static bool is_strangers(const struct xchg *x)
{
    return x != NULL && !x->quick && !x->initiator && !x->authenticated;
}

/*
 * May this line be written? x, c: what it is about, or NULL. *missing: how many like it were not, for its
 * end. Debug lines are for whoever has turned them on: he gets all (events.c sees to whose they are).
 */
static bool may_write(struct keying *k, enum log_level level, const struct xchg *x, const struct conn *c,
                      char missing[LINE_MISSING])
{
    missing[0] = '\0';
    if (level == LOG_LEVEL_DEBUG || k->turn == TURN_WHACK) {
        return true;
    }
    bool known = c != NULL && !is_strangers(x);
    if (k->words) {
        struct line_bucket *b = &k->reported[known ? 2 : x != NULL ? 1 : 0];
        bool may = line_bucket_take(b, REPORTED_REFILL, REPORTED_AT_ONCE, k->now);
        (void)(may ? line_bucket_missing(b, missing) : NULL);
        return may;
    }
    if (!known || (x != NULL && x->client != 0)) {
        return true; /* strangers have a limit of their own; whoever waits has asked for it */
    }
    struct conn *root = c->template != NULL ? c->template : (struct conn *)(uintptr_t)c;
    bool road = conn_is_template(root);
    bool may = line_bucket_take(&root->lines, road ? ROAD_REFILL : CONN_REFILL,
                                road ? ROAD_AT_ONCE : CONN_AT_ONCE, k->now)
               && line_bucket_take(&k->known, KNOWN_REFILL, KNOWN_AT_ONCE, k->now);
    if (may) {
        struct line_bucket *b = root->lines.left_out > 0 ? &root->lines : &k->known;
        (void)line_bucket_missing(b, missing);
    }
    return may;
}

/*
 * Only peers that a connection names, or that have proved themselves (then there is an instance), have
 * files of their own: others could make files without end.
 */
static bool is_known(struct keying *k, const struct address *peer)
{
    for (size_t i = 0; i < k->interface_count; i++) {
        if (index_by_hosts(k, &k->interfaces[i].address, peer) != NULL) {
            return true;
        }
    }
    return false;
}

static void put_line(struct keying *k, enum log_level level, const struct address *peer, const char *prefix,
                     const char *text, const char *missing)
{
    char whole[LINE_MAX_LEN + LINE_MISSING];
    bool own = k->settings.peer_files && peer != NULL && peer->family != 0 && is_known(k, peer);
    if (missing[0] != '\0') {
        snprintf(whole, sizeof whole, "%s%s", text, missing);
        text = whole;
    }
    k->hooks.log(k->hooks.context, level, own ? peer : NULL, prefix, text);
}

void keying_line(struct keying *k, enum log_level level, const struct address *peer, const char *prefix,
                 const char *text)
{
    char missing[LINE_MISSING];
    if (may_write(k, level, NULL, NULL, missing)) {
        put_line(k, level, peer, prefix, text, missing);
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
        k->hooks.log(k->hooks.context, LOG_LEVEL_INFO, NULL, "", text);
    }
    return true;
}

void keying_log(struct keying *k, enum log_level level, const struct xchg *x, const char *format, ...)
{
    /* A wrong secret is named, however much rubbish comes beside it [R4]. */
    struct line_limit *limit = level == LOG_LEVEL_SERIOUS ? &k->strangers : &k->rubbish;
    char missing[LINE_MISSING];
    if ((level != LOG_LEVEL_DEBUG && is_strangers(x) && !keying_may_log(k, limit, &x->remote))
        || !may_write(k, level, x, x == NULL ? NULL : x->conn, missing)) {
        return;
    }
    char text[LINE_MAX_LEN];
    char prefix[PREFIX_MAX] = "";
    PRINT_TEXT(text, format);
    if (x != NULL) {
        prefix_of(x, prefix);
    }
    put_line(k, level, x == NULL ? NULL : &x->remote, prefix, text, missing);
}

void keying_log_heard(struct keying *k, struct xchg *x, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    char missing[LINE_MISSING];
    if (!line_bucket_take(&x->heard, 60000 / HEARD_A_MINUTE, HEARD_A_MINUTE, k->now)) {
        return;
    }
    PRINT_TEXT(text, format);
    keying_log(k, LOG_LEVEL_INFO, x, "%s%s", text, line_bucket_missing(&x->heard, missing));
}

void keying_tell(struct keying *k, const struct xchg *x, unsigned code, const char *format, ...)
{
    const struct conn *c = x->conn;
    char missing[LINE_MISSING];
    char text[LINE_MAX_LEN];
    char prefix[PREFIX_MAX];
    PRINT_TEXT(text, format);
    prefix_of(x, prefix);
    if ((!is_strangers(x) || keying_may_log(k, &k->strangers, &x->remote))
        && may_write(k, LOG_LEVEL_INFO, x, c, missing)) {
        put_line(k, LOG_LEVEL_INFO, &x->remote, prefix, text, missing);
    }
    say_to_client(k, x, code, text);
}

void keying_log_conn(struct keying *k, enum log_level level, const struct conn *c,
                     const char *format, ...)
{
    char missing[LINE_MISSING];
    char text[LINE_MAX_LEN];
    char prefix[PREFIX_MAX];
    if (!may_write(k, level, NULL, c, missing)) {
        return;
    }
    PRINT_TEXT(text, format);
    place_of(NULL, c, prefix);
    put_line(k, level, &c->peer_host, prefix, text, missing);
}

void keying_debug(struct keying *k, enum debug_class class, const struct xchg *x, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    if ((keying_classes_of(k, x->conn) & class) != 0) {
        PRINT_TEXT(text, format);
        keying_log(k, LOG_LEVEL_DEBUG, x, "%s", text);
    }
}

void keying_debug_conn(struct keying *k, enum debug_class class, const struct conn *c, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    if ((keying_classes_of(k, c) & class) != 0) {
        PRINT_TEXT(text, format);
        keying_log_conn(k, LOG_LEVEL_DEBUG, c, "%s", text);
    }
}

/* ---- events ---- */

/* The peer may begin, and fail, as often as he likes. */
static bool is_cheap(const struct xchg *x)
{
    return x != NULL && !x->initiator && !x->up;
}

static void keep(struct keying *k, const struct xchg *x, struct conn *c, bool cheap, const char *text)
{
    char whole[PREFIX_MAX + EVENT_MAX_LEN];
    place_of(x, c, whole);
    strlcat(whole, text, sizeof whole);
    journal_add(k, journal_of(k, c), cheap, whole);
}

void keying_event(struct keying *k, const struct xchg *x, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    PRINT_TEXT(text, format);
    keying_log(k, LOG_LEVEL_INFO, x, "%s", text);
    keep(k, x, x == NULL ? NULL : x->conn, is_cheap(x), text);
}

void keying_event_tell(struct keying *k, const struct xchg *x, unsigned code, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    PRINT_TEXT(text, format);
    keying_tell(k, x, code, "%s", text);
    keep(k, x, x->conn, is_cheap(x), text);
}

void keying_event_serious(struct keying *k, const struct xchg *x, unsigned code, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    PRINT_TEXT(text, format);
    keying_log(k, LOG_LEVEL_SERIOUS, x, "%s", text);
    say_to_client(k, x, code, text);
    keep(k, x, x->conn, is_cheap(x), text);
}

void keying_event_conn(struct keying *k, struct conn *c, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    PRINT_TEXT(text, format);
    keying_log_conn(k, LOG_LEVEL_INFO, c, "%s", text);
    keep(k, NULL, c, false, text);
}

void keying_note(struct keying *k, const struct xchg *x, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    PRINT_TEXT(text, format);
    keep(k, x, x == NULL ? NULL : x->conn, is_cheap(x), text);
}

void keying_note_refused(struct keying *k, const struct xchg *x, struct conn *c, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    PRINT_TEXT(text, format);
    keep(k, x, c, true, text);
}

void keying_announce(struct keying *k, enum log_level level, uint64_t client, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    PRINT_TEXT(text, format);
    keying_line(k, level, NULL, "", text);
    keep(k, NULL, NULL, false, text);
    keying_say(k, client, level == LOG_LEVEL_INFO ? REPLY_LOG : REPLY_SERIOUS, "%s", text);
}
