/* What the workers of secrets have read: the lines of the one that speaks, and the counts of all. */
#include "process_inside.h"

#include "events.h"

#include <stdio.h>

#define ERRORS_TOLD 5u /* of a file, to whack; all that are shown are in the log */

static void take_counts(struct counts *c, const struct record *r)
{
    c->entries = record_number(r, K_ENTRIES);
    c->errors = record_number(r, K_ERRORS);
}

void process_reading_counted(const struct process *p, const struct record *r)
{
    struct reading *it = &p->s->processes.reading;
    if (!it->known) {
        it->known = true;
        take_counts(&it->first, r);
        it->names = p->names;
        it->locked = question_count(p);
    } else if (it->names > 0 && p->names == 0) {
        it->named = true;
        take_counts(&it->last, r);
    }
}

/* Whack is told the first errors by themselves, and where the rest is. */
static void say_counted(struct supervisor *s, const struct counts *c, const char *what, const char *more)
{
    const uint64_t client = s->processes.listen_client;
    const unsigned long long told = s->processes.reading.told;
    char text[300];
    (void)snprintf(text, sizeof text, "%s: %llu entr%s, %llu error%s%s", what, c->entries, c->entries == 1 ? "y" : "ies",
                   c->errors, c->errors == 1 ? "" : "s", more);
    lines_print(&s->lines, LOG_LEVEL_INFO, "%s", text);
    if (c->errors > told) {
        keying_say(&s->keying, client, REPLY_SERIOUS, "%s; %llu of the errors %s in the log only", text, c->errors - told,
                   c->errors - told == 1 ? "is" : "are");
    } else {
        keying_say(&s->keying, client, c->errors == 0 ? REPLY_LOG : REPLY_SERIOUS, "%s", text);
    }
}

static void say_read(struct supervisor *s)
{
    const struct reading *it = &s->processes.reading;
    char more[160] = "";
    size_t len = 0;
    if (it->locked > 0) {
        len = (size_t)snprintf(more, sizeof more, "; %u key file%s for %s passphrase%s", it->locked,
                               it->locked == 1 ? " waits" : "s wait", it->locked == 1 ? "its" : "their",
                               it->locked == 1 ? "" : "s");
    }
    if (it->names > 0) {
        (void)snprintf(more + len, sizeof more - len, "; %u name%s of hosts %s looked up", it->names,
                       it->names == 1 ? "" : "s", it->names == 1 ? "is" : "are");
    }
    say_counted(s, &it->first, "secrets read", more);
}

void process_reading_say(struct supervisor *s, bool names_wait)
{
    struct reading *it = &s->processes.reading;
    if (it->known && !it->said) {
        it->said = true;
        say_read(s);
    }
    if (it->named && !it->said_names && !names_wait) {
        it->said_names = true;
        say_counted(s, &it->last, "names of hosts in the secrets looked up", "");
    }
}

void process_reading_line(struct process *p, const struct record *r)
{
    struct supervisor *s = p->s;
    struct reading *it = &s->processes.reading;
    if (!p->speaks) {
        return;
    }
    event_log(&s->keying, r);
    if (!record_has(r, K_CODE) || p->generation != s->processes.generation || it->said) {
        return;
    }
    if (it->speaker != p->worker) { /* the one before it has died, and it reads anew */
        it->speaker = p->worker;
        it->told = 0;
    }
    if (it->told < ERRORS_TOLD) {
        it->told++;
        keying_say(&s->keying, s->processes.listen_client, REPLY_SERIOUS, "%s", record_text(r, K_TEXT));
    }
}

void process_reading_name(struct process *p, const struct record *r)
{
    struct supervisor *s = p->s;
    const bool newest = p->generation == s->processes.generation;
    if (!p->speaks) {
        return;
    }
    if (newest && record_has(r, K_CODE)) {
        s->processes.reading.told++;
    }
    keying_announce(&s->keying, (enum log_level)record_word(r, K_LEVEL), newest ? s->processes.listen_client : 0, "%s",
                    record_text(r, K_TEXT));
}
