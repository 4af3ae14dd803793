/*
 * Between whack.c, whack_requests.c and whack_places.c only: a whack that is connected, its requests, its place.
 */
#ifndef PLUTOD_WHACK_INSIDE_H
#define PLUTOD_WHACK_INSIDE_H

#include "supervisor.h"

#include "record.h"

#include <uthash.h>

#define INPUT_MAX ((size_t)4 * RECORD_MAX)
#define INPUT_HIGH ((size_t)2 * RECORD_MAX) /* beyond, no more is read until some of it is done */
#define REPLY_MAX ((size_t)64 << 20)
#define REPLY_ENOUGH 65536u /* unsent bytes: no more of a status is said before some are taken */
#define REPLY_HIGH ((size_t)1 << 20)        /* beyond, nothing more is done until some of it is taken */

struct client {
    struct supervisor *s;
    uint64_t id;
    int fd;
    struct buffer input;
    struct buffer reply;
    int passed;             /* owned: a descriptor that came, for the record behind it; -1: none */
    unsigned holds;         /* what goes on because of its requests */
    bool changes;           /* that is of definitions only: more of them may begin */
    unsigned records;       /* that were begun with */
    bool greeted;           /* its hello came */
    bool busy;              /* a request was begun, and its end not told */
    bool eof;               /* it will send no more */
    bool closing;           /* no more of its requests are done */
    bool shutdown;          /* its request is finished when plutod is gone */
    bool more;              /* of a status is to be said, as soon as there is room */
    bool over;              /* all is done; that was said */
    bool gone;
    bool paused;            /* idle is set for what may be between two requests */
    ev_tstamp moved;        /* when something came from it or was taken by it, last */
    ev_io in;
    ev_io out;
    ev_timer idle;
    struct client *prev, *next;
    UT_hash_handle hh;
};

/*
 * How many wait for negotiations, if they are as many as may: places are kept free for short requests. 0: one
 * more may. Those that have gone free theirs at the end of the turn.
 */
unsigned whack_crowd(struct supervisor *s);
/* Others wait for a place, and there is none: somebody who does nothing with his makes way. */
void whack_make_room(struct supervisor *s);

/* It broke the rules: it is told so, and no more of its requests are done. verb: "" where that is not known. */
void client_refuse(struct client *c, const char *verb, const char *why);
/* Nothing of it is open, and it has been silent for too long: it is told, and may connect again. */
void client_part(struct client *c, const char *why);
bool client_is_between(const struct client *c); /* two requests: nothing of the next one has come */
/*
 * Does its requests, as long as none of them goes on. Was there one? What a whack that has gone
 * wanted is not begun: that may be long ago.
 */
bool client_go_on(struct client *c);
/* What is wrong with all that is there, once nothing of it can be done. */
void client_check_rest(struct client *c);
/*
 * Some of the status that it is being shown: in a turn no more than what it is sent at a time, and of *room,
 * which is for all. Is that finished, so that other requests can go on?
 */
bool client_say_more(struct client *c, size_t *room);
/* The last request is finished: what is said from now on is of the next one. */
void client_tell_done(struct client *c);
/* Has whack itself gone? That it sends no more is another matter: it does so when it has asked. */
bool client_hung_up(const struct client *c);

#endif
