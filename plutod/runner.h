/*
 * Runs updown scripts [C7]: one at a time for one peer client net, with a time limit, their output
 * in the log.
 *
 * Not for: when they run and what follows (routing.h), and what they are given (script.h).
 */
#ifndef PLUTOD_RUNNER_H
#define PLUTOD_RUNNER_H

#include "script.h"

#include <ev.h>

struct supervisor;
struct run;

struct runner {
    struct script_job *queue;   /* in the order of asking */
    struct run *runs;           /* running, or ended with their output still open */
    struct run *by_net;         /* table of those that run, by their peer client net */
    unsigned count;             /* of runs */
};

void runner_add(struct supervisor *s, struct script_job *job); /* takes the job */
bool runner_turn(struct supervisor *s); /* begins what may begin; did it? */
void runner_free(struct supervisor *s);

#endif
