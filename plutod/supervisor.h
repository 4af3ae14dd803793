/*
 * The running plutod: its event loop, and all that touches the system on behalf of the core.
 *
 * One turn of the loop: callbacks read, the core decides, and before the loop sleeps everything that
 * is waiting is written (supervisor_turn). Parts: process.h (the tools), listen.h (UDP sockets),
 * runner.h (updown scripts), whack.h (control socket), lines.h (the log). Not for: decisions
 * (keying.h).
 */
#ifndef PLUTOD_SUPERVISOR_H
#define PLUTOD_SUPERVISOR_H

#include "keying.h"
#include "lines.h"
#include "listen.h"
#include "lock.h"
#include "notify.h"
#include "process.h"
#include "runner.h"
#include "setup.h"
#include "whack.h"

#include <ev.h>
#include <linux/limits.h>

struct supervisor {
    struct ev_loop *loop;
    const struct setup *setup;  /* borrowed */
    struct lock *lock;          /* borrowed */
    const struct notify *notify; /* borrowed */
    struct keying keying;
    uint64_t begun;             /* by the core's clock */
    struct lines lines;
    struct processes processes;
    struct listener listener;
    char only_interfaces[200];  /* the words of --interface, or "" */
    struct runner runner;
    struct whack whack;
    char updown[PATH_MAX];      /* the default script */

    ev_prepare turn;
    ev_io log;                  /* its reader is slow */
    ev_timer alarm;             /* the core's next deadline */
    ev_timer last;              /* stopping takes no longer than this */
    ev_signal hup, term, intr;
    bool stopping;              /* the core has been told */
    bool ended;                 /* the tools have been told */
};

/* False: a message has been logged. The loop is the default one (it reaps children). */
bool supervisor_init(struct supervisor *s, const struct setup *setup, struct lock *lock,
                     const struct notify *notify);
void supervisor_ready(struct supervisor *s); /* tells the service manager that the loop is about to run */
void supervisor_free(struct supervisor *s);

/* whack's forms that are about sockets and processes. */
void supervisor_listen(struct supervisor *s, uint64_t client);
void supervisor_tell_where_we_listen(struct supervisor *s); /* the service manager */
void supervisor_unlisten(struct supervisor *s, uint64_t client);
void supervisor_stop(struct supervisor *s, bool leave);
bool supervisor_asks(const struct supervisor *s); /* is somebody asked for a passphrase? */
/* Takes fd, in which a passphrase lies unless there is none (why). False: this question is not open. */
bool supervisor_answer(struct supervisor *s, uint64_t question, int fd, const char *why);
/* Brings the core's clock up to date; before every event. */
void supervisor_clock(struct supervisor *s);

#endif
