/*
 * Forks and executes one of our tools: its control channel on descriptor 3, stderr where the log is
 * there, and nothing else that is ours.
 *
 * Not for: what it does afterwards (process.h); it enters its sandbox by itself.
 */
#ifndef PLUTOD_LAUNCH_H
#define PLUTOD_LAUNCH_H

#include "process.h"

/* Sets p->pid; returns our end of its control channel, or -1 (logged, pid 0). */
int launch(struct process *p);

#endif
