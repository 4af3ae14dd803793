/*
 * Forks and executes one of our tools: its control channel on descriptor 3, a pipe to us as stderr, and
 * nothing else that is ours.
 *
 * Not for: what it does afterwards (process.h); it enters its sandbox by itself.
 */
#ifndef PLUTOD_LAUNCH_H
#define PLUTOD_LAUNCH_H

#include "process.h"

#include <linux/limits.h>

#define LAUNCH_WHY (PATH_MAX + 200)

/*
 * Sets p->pid; returns our end of its control channel, or -1 and why (then the pid is 0). *words: our end
 * of its stderr, which never blocks.
 */
int launch(struct process *p, int *words, char why[LAUNCH_WHY]);

#endif
