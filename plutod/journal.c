#include "journal.h"

#include "status.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct event {
    struct event *prev, *next;          /* of all, in order of time */
    struct event *prev_own, *next_own;  /* of the journal, too */
    struct journal *journal;
    int64_t when;                       /* seconds of the time of day */
    uint64_t number;                    /* which one of all it was */
    bool cheap;
    size_t size;                        /* of all of this */
    char text[];
};

struct journal {
    struct event *events;
    unsigned count;
    unsigned cheap;     /* of those */
};

static void drop(struct keying *k, struct event *e)
{
    struct journal *j = e->journal;
    status_event_goes(k, e);
    DL_DELETE2(j->events, e, prev_own, next_own);
    j->count--;
    j->cheap -= e->cheap ? 1 : 0;
    DL_DELETE(k->events, e);
    k->event_bytes -= e->size;
    free(e);
}

/* There is one. */
static struct event *first_cheap(const struct journal *j)
{
    struct event *e = j->events;
    while (!e->cheap) {
        e = e->next_own;
    }
    return e;
}

static void make_room(struct keying *k, struct journal *j, bool cheap)
{
    while (cheap && j->cheap >= JOURNAL_CHEAP) {
        drop(k, first_cheap(j));
    }
    if (j->count >= JOURNAL_EVENTS) {
        drop(k, j->events);
    }
}

void journal_add(struct keying *k, struct journal **own, bool cheap, const char *text)
{
    size_t size = sizeof(struct event) + strlen(text) + 1;
    struct journal *j = *own;
    if (cheap && !line_bucket_take(&k->noted, JOURNAL_CHEAP_REFILL, JOURNAL_CHEAP_AT_ONCE, k->now)) {
        return;
    }
    if (j == NULL) {
        j = *own = calloc(1, sizeof *j);
    }
    struct event *e = j == NULL ? NULL : malloc(size);
    if (e == NULL) {
        return; /* the log has it */
    }
    make_room(k, j, cheap);
    *e = (struct event){ .journal = j, .when = k->wall, .number = ++k->event_count,
                         .cheap = cheap, .size = size };
    memcpy(e->text, text, size - sizeof *e);
    DL_APPEND(k->events, e);
    DL_APPEND2(j->events, e, prev_own, next_own);
    j->count++;
    j->cheap += cheap ? 1 : 0;
    k->event_bytes += size;
    while (k->event_bytes > JOURNAL_BYTES) {
        drop(k, k->events);
    }
}

struct journal **journal_of(struct keying *k, struct conn *c)
{
    if (c == NULL) {
        return &k->journal;
    }
    return c->template != NULL ? &c->template->journal : &c->journal;
}

static int by_time(const struct event *a, const struct event *b)
{
    return a->number < b->number ? -1 : a->number > b->number;
}

void journal_move(struct keying *k, struct journal **from, struct journal **to)
{
    struct journal *old = *from;
    struct event *e;
    *from = NULL;
    if (old == NULL) {
        return;
    }
    if (*to == NULL) {
        *to = old;
        return;
    }
    struct journal *j = *to;
    DL_FOREACH2(old->events, e, next_own) {
        e->journal = j;
    }
    DL_CONCAT2(j->events, old->events, prev_own, next_own);
    DL_SORT2(j->events, by_time, prev_own, next_own);
    j->count += old->count;
    j->cheap += old->cheap;
    status_journal_goes(k, old);
    free(old);
    while (j->count > JOURNAL_EVENTS) {
        drop(k, j->events);
    }
}

/* ---- reading ---- */

#define LOOK_MAX 256 /* events of others are passed over at a time */

struct journal_place journal_begin(const struct keying *k, const struct journal *own)
{
    return (struct journal_place){ .next = k->events, .own = own, .last = k->event_count };
}

bool journal_say(struct keying *k, uint64_t client, struct journal_place *place)
{
    char when[CLOCK_TEXT];
    for (unsigned looked = 0; looked < LOOK_MAX; looked++) {
        const struct event *e = place->next;
        if (e == NULL || e->number > place->last) {
            return false;
        }
        place->next = e->next;
        if (place->own == NULL || e->journal == place->own) {
            clock_text((time_t)e->when, when);
            keying_say(k, client, 0, "%s %s", when, e->text);
            break;
        }
    }
    return true;
}

void journal_place_event_goes(struct journal_place *place, const struct event *e)
{
    if (place->next == e) {
        place->next = e->next;
    }
}

void journal_place_journal_goes(struct journal_place *place, const struct journal *j)
{
    if (place->own == j) { /* what it had is the core's by now: the connection is gone */
        place->next = NULL;
        place->own = NULL;
    }
}

void journal_free_all(struct keying *k)
{
    while (k->events != NULL) {
        drop(k, k->events);
    }
    free(k->journal);
    k->journal = NULL;
}
