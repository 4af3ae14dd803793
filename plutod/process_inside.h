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

#endif
