/*
 * ike-negotiate by hand: one tunnel without a daemon.
 *
 * Starts a negotiator and a secrets process as children, plays plutod's and kernel-sa's part for
 * them over the same records, and is the only writer of stdout: permit, sa-keys, install and
 * activate, in an order that kernel-sa can follow. The pipe is one-way: SPIs are drawn here. Not
 * for: more than one connection, rekeying, scripts; those are plutod's.
 */
#ifndef BY_HAND_H
#define BY_HAND_H

int by_hand_run(int argc, char **argv); /* the exit status */

#endif
