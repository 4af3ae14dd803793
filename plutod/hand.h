/*
 * Passphrases that are handed on from worker to worker: who opened a key file with %prompt keeps the socket in which its
 * passphrase lies, and whoever waits for that file gets it from there [K1].
 *
 * A worker that has read its secrets (a new generation's, or one begun again) waits for key files. For each of them the
 * workers that have opened it are asked for their sockets, the newest first, one after the other, until one opens it.
 * plutod hands sockets on unread and keeps none. What nobody has is left to question.h, or, where the secrets are
 * in use already, said. Each worker looks by itself, one file at a time. Not for: asking persons.
 */
#ifndef PLUTOD_HAND_H
#define PLUTOD_HAND_H

#include "locked.h"
#include "record.h"

#include <ev.h>

struct supervisor;
struct process;

#define HAND_SILENCES 3u /* answers of one worker that are waited for in vain: then it is asked no more */

struct hand { /* of a worker */
    unsigned left;             /* key files that it waits for and that are not stuck */
    struct locked_file *file;  /* the one at hand, of those that it waits for; NULL: none, or it waits for it no more */
    uint64_t request;          /* to `from`, for its socket; 0: none */
    uint64_t attempt;          /* it tries that socket; 0: none */
    uint32_t from;             /* the worker's number */
    bool begins;               /* begun again while its secrets are in use: it works when it has what there is */
    unsigned got;              /* keys that it has opened so */
    unsigned owed;             /* answers to others' requests that it has not given yet */
    bool silent;               /* one of them was waited for in vain: it is asked no more until it answers, */
    unsigned silences;         /* which counts so often */
    ev_timer late;             /* `from` does not answer */
    ev_timer slow;             /* it does not answer itself, whatever it tries */
};

void hand_turn(struct supervisor *s); /* goes on with all that look */
/* The answer of q, to another one's request; takes fd. NULL, or why it may not say that. */
const char *hand_answered(struct process *q, const struct record *r, int fd);
/* Is it about a socket that was handed on? Then it is done with. */
bool hand_tried(struct process *p, const struct record *r);
void hand_forget(struct process *p); /* it has ended */

/* ---- for question.c ---- */

/* Gives p a copy of the socket: its request's number; 0: there is no descriptor, or no memory. */
uint64_t hand_pass(struct process *p, int fd, const char *file);
void hand_answer_came(struct process *p); /* to one of these */
/* p has opened this file; others that wait for it may have it from p now. */
void hand_opened(struct process *p, struct locked_file *f);
void hand_drop(struct process *p, struct locked_file *f); /* it waits for it no more */
bool hand_is_socket(int fd); /* can a passphrase lie in it? */

#endif
