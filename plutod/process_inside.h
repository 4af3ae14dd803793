/*
 * What the files of process.h share. Not for: anything else.
 */
#ifndef PLUTOD_PROCESS_INSIDE_H
#define PLUTOD_PROCESS_INSIDE_H

#include "supervisor.h"

struct process *process_new(struct supervisor *s, enum tool tool, unsigned generation);
bool process_start(struct process *p);  /* false: not now; it is tried again by itself */
void process_kill(const struct process *p); /* what it has said by now is heard yet */
void process_close(struct process *p);  /* its channel; the core is told; it exits by itself, or is killed if it cannot hear */
void process_kill(const struct process *p); /* one that cannot be trusted any more */
/* New channels to all of its peers. */
void process_connect_peers(struct process *p);
/* What wakes it: not every order has to (lib/hub.h). Nothing for ike-negotiate and dnskey, which are told what they wait for. */
void process_hang_bell(struct process *p);
void process_forget(struct process *p); /* frees one that does not run */

/* Its channel is new: it is to read what it is sent. */
void process_watch_reading(struct process *p);

/* ---- process_stderr.c ---- */
void process_hear(struct process *p, int fd); /* takes the reading end of its stderr; -1: none */
void process_hear_last(struct process *p);    /* it has ended: what is left, then no more */

void process_label(const struct process *p, char out[48]); /* secrets 1 */
/* A line for the log, after the process's name. */
__attribute__((format(printf, 2, 3)))
void process_trouble(struct process *p, const char *format, ...);
/* The same for the whack that waits until the secrets are read, if p was to read them. */
void process_secrets_trouble(struct process *p, const char *name, const char *text);

/* Is it what only this file takes? */
bool process_is_of_secrets(const struct process *p, const struct record *r);
/* What secrets alone says; false: why not. At the end of a turn: was whack released? */
bool process_secrets_record(struct process *p, const struct record *r, int fd, const char **why); /* takes fd */
bool process_secrets_turn(struct supervisor *s);

/* ---- process_reading.c ---- */

void process_reading_counted(const struct process *p, const struct record *r); /* one of the newest is loaded */
/*
 * Says what they have read, once, and what became of the names in it, when nobody waits for one any more. At the end of a turn in which
 * all are loaded: the one that speaks of what is wrong has told that by then.
 */
void process_reading_say(struct supervisor *s, bool names_wait);
/*
 * A line about its file, and one about a name in it. All of a generation say the same. What is wrong (it has a code), the whack
 * that waits is told, too: of the file, so much as can be read at a glance.
 */
void process_reading_line(struct process *p, const struct record *r);
void process_reading_name(struct process *p, const struct record *r);

#endif
