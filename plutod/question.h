/*
 * Passphrases that are asked for: which key files of ipsec.secrets wait for one (%prompt [K1]), and the question to the
 * whack that waits until the secrets are read.
 *
 * One question at a time, by a line 040 with its number. whack answers over a connection of its own, with a socket
 * in which the passphrase lies; each worker that reads this file gets that socket, which plutod never reads. A question has an end
 * whatever becomes of whoever is asked; its key is not used then, and that is said. What another worker
 * can hand on nobody is asked for (hand.h). Not for: which workers there are, and when they are used (process.h).
 */
#ifndef PLUTOD_QUESTION_H
#define PLUTOD_QUESTION_H

#include "log.h"
#include "record.h"

#include <ev.h>

struct supervisor;
struct process;
struct question_view;

#define QUESTION_WHY 300

struct question {
    uint64_t number;     /* of the last one that was asked; never used twice, by a later plutod neither */
    bool open;           /* it is not answered */
    bool tried;          /* the workers have the answer */
    char *file;          /* owned: which key file it is about; NULL: none was asked for */
    unsigned wrong;      /* answers for this file that were */
    unsigned opened;     /* workers that opened it with the last one */
    bool hopeless;       /* a worker has found out that no passphrase will do */
    char why[QUESTION_WHY]; /* the last one was */
    char odd[QUESTION_WHY]; /* what a worker finds odd about the key; "": nothing */
    ev_timer look;       /* is whack still there? */
    ev_tstamp since, until;
};

/* After it comes the first one's number: with the epoch of this plutod it is above those of the one before. */
uint64_t question_before_first(uint32_t epoch);

/* Worker p says that this file waits. NULL, or why it may not say so. */
const char *question_locked(struct process *p, const char *file);
unsigned question_count(const struct process *p); /* how many wait in p */
/* Once all workers have read their file: goes on with the questions. Is there one still? */
bool question_turn(struct supervisor *s);
/* whack's answer; takes fd. False: this question is not open. why NULL: it lies in fd; else there is none. */
bool question_answer(struct supervisor *s, uint64_t number, int fd, const char *why);
/* A worker's answer. False: it was not asked. */
bool question_tried(struct process *p, const struct record *r);
void question_forget(struct process *p); /* it has ended */
void question_drop(struct supervisor *s); /* nobody wants to know any more */
bool question_view(const struct supervisor *s, struct question_view *view); /* false: none is open */

#endif
