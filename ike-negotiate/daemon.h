/*
 * The core on real sockets and channels, as plutod's child: event loop and sandbox.
 *
 * Not for: any of the protocol (ike.h).
 */
#ifndef DAEMON_H
#define DAEMON_H

/* Runs until plutod's channel closes; returns the exit status. */
int daemon_run(int control_fd);

#endif
