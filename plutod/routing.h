/*
 * Eroutes and routes [C4], and when which updown script runs [C7].
 *
 * An eroute is a client pair with IPsec SAs; one connection owns it. A route is a peer's client net;
 * those connections share it that reach it through one interface and gateway. Both exist while
 * their owner has an IPsec SA. Not for: the kernel's policies (kernel-sa installs and removes them
 * with the SAs) and running the scripts (runner.h).
 */
#ifndef PLUTOD_ROUTING_H
#define PLUTOD_ROUTING_H

#include "xchg.h"

/* NULL: its SAs may be installed; else the connection that is in the way. */
const struct conn *routing_conflict(struct keying *k, const struct conn *c);

/* y's SAs are in the kernel: scripts, where it is the first of its connection. */
void routing_up(struct keying *k, struct xchg *y);
/* Its connection has no IPsec SA any more: the client is held until the scripts have ended. */
void routing_down(struct keying *k, struct conn *c, uint64_t client);
/* failed: how, or NULL. */
void routing_script_done(struct keying *k, uint64_t id, const char *failed);
/* unrouted, erouted, ... as --status shows it */
const char *routing_story(const struct conn *c);

#endif
