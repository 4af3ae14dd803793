/*
 * The control socket, plutod's side: whacks that are connected, their records, their reply lines.
 *
 * A client sends `hello` and its requests and shuts down its half; requests are done one after the
 * other, each when the one before it is finished; then it is sent the line `end`, and the channel is
 * closed: one that closes without it tells whack that plutod has died. All is bounded: some places are
 * kept free of those that wait for a negotiation, and where all are taken, one that neither reads nor
 * goes on with what it says makes way. Only the superuser is let in. Not for: what a request does
 * (requests.h, supervisor.h).
 */
#ifndef PLUTOD_WHACK_H
#define PLUTOD_WHACK_H

#include "buffer.h"

#include <ev.h>
#include <stdbool.h>

struct supervisor;
struct client;

struct whack {
    struct client *clients; /* in the order of their turns */
    struct client *by_id;
    unsigned count;
    unsigned places;        /* as many as there may be */
    uint64_t next_id;
    ev_io accept;
    ev_timer again;         /* accepting goes on */
};

void whack_init(struct supervisor *s, int fd); /* the listening socket is borrowed */
void whack_say(struct supervisor *s, uint64_t client, const char *line);
/* The same, of a JSON document: printable ASCII, without a line end. */
void whack_json(struct supervisor *s, uint64_t client, const char *text);
void whack_hold(struct supervisor *s, uint64_t client);
void whack_release(struct supervisor *s, uint64_t client);
bool whack_is_there(struct supervisor *s, uint64_t client); /* else it was killed, perhaps just now */
/* At the end of each turn: goes on with requests, writes, closes what is finished. */
bool whack_turn(struct supervisor *s); /* did it? */
void whack_free(struct supervisor *s);

#endif
