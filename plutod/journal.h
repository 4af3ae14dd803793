/*
 * What happened lately [W8]: for each connection its last events, for whack --events, in bounded memory.
 *
 * A template's journal has the events of its instances, which outlive them. What is about no
 * connection (interfaces, processes, peers whom nobody knows) is in the core's own. A connection
 * without events has no more than a pointer. Cheap events, those that a peer or a stranger may cause as often
 * as he likes, take a quarter of a journal at most, and are slow to come in (bounds.h): they cannot push out
 * the others. Where all together take too much, the oldest of all goes. Not for: the log, which has all of this, and more (keying_lines.c).
 */
#ifndef PLUTOD_JOURNAL_H
#define PLUTOD_JOURNAL_H

#include "conn.h"

/* text: as for the log, with its prefix. */
void journal_add(struct keying *k, struct journal **own, bool cheap, const char *text);
/* Where the events about this connection go. */
struct journal **journal_of(struct keying *k, struct conn *c);
/* A connection is described anew, or goes (to: the core's own): its events do not go with it. */
void journal_move(struct keying *k, struct journal **from, struct journal **to);

/* Somebody reads: lines 000, from the oldest on, up to the last one that there is when he begins. */
struct journal_place {
    const struct event *next;   /* NULL: that was all */
    const struct journal *own;  /* NULL: all there is */
    uint64_t last;
};
struct journal_place journal_begin(const struct keying *k, const struct journal *own);
/* Says the next one, or looks for it for a while; false: that was all. */
bool journal_say(struct keying *k, uint64_t client, struct journal_place *place);
/* Readers' places, before an event or a journal is freed. */
void journal_place_event_goes(struct journal_place *place, const struct event *e);
void journal_place_journal_goes(struct journal_place *place, const struct journal *j);
void journal_free_all(struct keying *k);

#endif
