/*
 * What hosts.c (events) and hosts_tools.c (the tools' lives) share. Nobody else includes it.
 */
#ifndef TESTS_HOSTS_PRIVATE_H
#define TESTS_HOSTS_PRIVATE_H

#include "hosts.h"

#define CLIENT 7

void host_init(struct hosts *w, unsigned which);
bool host_runs(const struct host *h, unsigned tool);
/* Where `from` writes to `to`, or NULL: as far as it knows there is nobody. */
struct buffer *host_out(struct host *h, unsigned from, unsigned to);
void host_refill(struct host *h); /* random bytes for the negotiator */
/* As plutod's process_start: channels to the others first, then the core of plutod hears of it. */
void host_begins(struct host *h, unsigned tool);
void host_dies(struct host *h, unsigned tool);
/* `tool` sees the end of its channel to `gone`. */
void host_ends(struct host *h, unsigned tool, unsigned gone);
void host_reaped(struct host *h, unsigned gone); /* plutod has noticed, and starts it again */
void host_connected(struct host *h, unsigned tool, const struct record *channel);

#endif
