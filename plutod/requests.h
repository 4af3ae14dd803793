/*
 * What whack wants of the core: connections, initiating, terminating, debug classes, status.
 *
 * Not for: the control socket (whack.h), and --listen, --unlisten and --shutdown, which are about
 * sockets and processes (supervisor.h).
 */
#ifndef PLUTOD_REQUESTS_H
#define PLUTOD_REQUESTS_H

#include "keying.h"

/* Replies go to the client, who is held while the request goes on. False: not for the core. */
bool request_take(struct keying *k, uint64_t client, const struct record *r);

#endif
