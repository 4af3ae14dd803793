/* What whacks ask for, record by record; what they are answered goes into their buffers. */
#include "whack_inside.h"

#include "channel.h"
#include "requests.h"
#include "status.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define AHEAD_MAX 64u       /* of what goes on, when another definition begins */

/* verb and field: "" where they are not known. */
static void refuse_field(struct client *c, const char *verb, const char *field, const char *why)
{
    char where[80];
    snprintf(where, sizeof where, "record %u%s%s%s%s", c->records, verb[0] == '\0' ? "" : ", ", verb,
             field[0] == '\0' ? "" : ", field ", field);
    keying_say(&c->s->keying, c->id, REPLY_BAD_MESSAGE, "bad message to plutod: %s: %s; records(5) says what is "
               "right, and the whack that was installed with plutod writes it so", where, why);
    lines_print(&c->s->lines, LOG_LEVEL_SERIOUS, "control socket: bad message: %s: %s", where, why);
    c->closing = true;
}

void client_refuse(struct client *c, const char *verb, const char *why)
{
    refuse_field(c, verb, "", why);
}

void client_part(struct client *c, const char *why)
{
    keying_say(&c->s->keying, c->id, REPLY_INTERNAL, "%s: plutod ends the connection; what was asked before is done",
               why);
    lines_print(&c->s->lines, LOG_LEVEL_INFO, "control socket: a whack is sent away: %s", why);
    c->closing = true;
}

bool client_is_between(const struct client *c)
{
    return c->greeted && c->input.len == 0;
}

static void take_hello(struct client *c, const struct record *r)
{
    if (c->greeted) {
        client_refuse(c, "hello", "came twice");
        return;
    }
    c->greeted = true;
    if (record_number(r, K_VERSION) != RECORDS_VERSION) {
        keying_say(&c->s->keying, c->id, REPLY_WHACK, "this whack speaks version %u of the records, plutod "
                   "speaks %u: use the whack that was installed with it",
                   (unsigned)record_number(r, K_VERSION), RECORDS_VERSION);
        c->closing = true;
    }
}

bool client_hung_up(const struct client *c)
{
    struct pollfd p = { .fd = c->fd };
    return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

static void take_initiate(struct client *c, const struct record *r)
{
    struct supervisor *s = c->s;
    unsigned crowd = record_yes(r, K_ASYNCHRONOUS) ? 0 : whack_crowd(s);
    if (crowd > 0) {
        keying_say(&s->keying, c->id, REPLY_INTERNAL, "\"%s\": not initiated: %u whacks wait for negotiations "
                   "already; wait until one has ended, or use --asynchronous",
                   record_text(r, K_NAME), crowd);
        return;
    }
    (void)request_take(&s->keying, c->id, r);
}

/* The answer to a question that another whack, or an earlier connection of this one, was asked. */
static void take_passphrase(struct client *c, const struct record *r)
{
    struct supervisor *s = c->s;
    int fd = c->passed;
    c->passed = -1;
    if (!supervisor_answer(s, record_number(r, K_QUESTION), fd, record_text(r, K_WHY))) {
        keying_say(&s->keying, c->id, REPLY_SERIOUS, "question %llu is not open any more: the answer is not used",
                   (unsigned long long)record_number(r, K_QUESTION));
    }
}

static void take_record(struct client *c, const struct record *r)
{
    struct supervisor *s = c->s;
    switch (r->verb) {
    case V_HELLO:
        take_hello(c, r);
        break;
    case V_WHACK_LISTEN:
        supervisor_listen(s, c->id);
        break;
    case V_WHACK_UNLISTEN:
        supervisor_unlisten(s, c->id);
        break;
    case V_WHACK_SHUTDOWN:
        c->holds++; /* until plutod is gone */
        c->shutdown = true;
        keying_say(&s->keying, c->id, REPLY_LOG, "shutting down");
        supervisor_stop(s, record_yes(r, K_LEAVE_STATE));
        break;
    case V_WHACK_INITIATE:
        take_initiate(c, r);
        break;
    case V_WHACK_PASSPHRASE:
    case V_WHACK_NO_PASSPHRASE:
        take_passphrase(c, r);
        break;
    default:
        if (!request_take(&s->keying, c->id, r)) {
            client_refuse(c, schema_verb(r->verb)->name, "is no request");
        }
    }
}

/* What is said from now on is of the next request. */
static void say_done(struct client *c)
{
    if (c->busy) {
        c->busy = false;
        buffer_add_text(&c->reply, WHACK_DONE "\n");
    }
}

void client_tell_done(struct client *c)
{
    if (c->holds == 0) {
        say_done(c);
    }
}

/*
 * Is the next request one that need not wait until what goes on has ended? What kernel-sa has to take away
 * for a connection that is deleted, it does in the order in which it is told, and nobody is told of it: so
 * thousands are deleted without waiting for each.
 */
static bool may_begin(const struct client *c, const uint8_t *line, size_t len)
{
    static const enum verb definitions[] = { V_WHACK_CONNECTION, V_WHACK_DELETE };
    if (c->holds == 0 || !c->changes || c->holds >= AHEAD_MAX) {
        return c->holds == 0;
    }
    for (size_t i = 0; i < sizeof definitions / sizeof definitions[0]; i++) {
        const char *name = schema_verb(definitions[i])->name;
        size_t name_len = strlen(name);
        if (len > name_len && memcmp(line, name, name_len) == 0 && line[name_len] == ' ') {
            return true;
        }
    }
    return false;
}

static void take_line(struct client *c, char *line, size_t len)
{
    struct record r;
    enum key field;
    c->records++;
    const char *why = record_parse(&r, line, len, W_P, &field);
    if (why != NULL) {
        refuse_field(c, r.verb == V_NONE ? "" : schema_verb(r.verb)->name,
                     field == K_END ? "" : schema_key(field)->name, why);
    } else if (!c->greeted && r.verb != V_HELLO) {
        client_refuse(c, schema_verb(r.verb)->name, "came before hello");
    } else {
        c->busy = r.verb != V_HELLO;
        c->changes = r.verb == V_WHACK_CONNECTION || r.verb == V_WHACK_DELETE;
        take_record(c, &r);
        client_tell_done(c);
    }
}

bool client_go_on(struct client *c)
{
    size_t at = 0;
    client_tell_done(c);
    while (!c->closing && at < c->input.len && c->reply.len < REPLY_HIGH) {
        uint8_t *line = c->input.data + at;
        uint8_t *end = memchr(line, '\n', c->input.len - at);
        if (end == NULL || !may_begin(c, line, (size_t)(end - line))) {
            break;
        }
        say_done(c);
        if (client_hung_up(c)) {
            c->gone = true;
            break;
        }
        take_line(c, (char *)line, (size_t)(end - line));
        at += (size_t)(end - line) + 1;
    }
    buffer_consume(&c->input, at);
    return at > 0;
}

void client_check_rest(struct client *c)
{
    if (c->holds > 0 || c->closing || c->input.len == 0
        || memchr(c->input.data, '\n', c->input.len) != NULL) {
        return;
    }
    if (c->eof || c->input.len >= RECORD_MAX) {
        c->records++;
        client_refuse(c, "", c->eof ? "it ends within a record" : "a record without end");
    }
}

bool client_say_more(struct client *c, size_t *room)
{
    unsigned holds = c->holds;
    size_t before = c->reply.len;
    c->more = holds > 0;
    while (c->more && c->reply.len < REPLY_ENOUGH && c->reply.len - before < *room) {
        c->more = status_more(&c->s->keying, c->id) == STATUS_SAID;
    }
    size_t said = c->reply.len - before;
    *room -= said < *room ? said : *room;
    return c->holds < holds;
}
