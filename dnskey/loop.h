/*
 * The plumbing of dnskey: its channel, libunbound and the opener of files around the core.
 *
 * Before a request is begun, the opener is asked whether resolv.conf or hosts has changed. Not for: what is answered
 * (lookup.h).
 */
#ifndef DNSKEY_LOOP_H
#define DNSKEY_LOOP_H

#include <stdbool.h>
#include <stddef.h>

struct loop;

struct loop *loop_new(int opener); /* takes the descriptor, also on failure. NULL: errno */
void loop_free(struct loop *loop); /* NULL is allowed */

/* plutod's channel; stdin and stdout. False: errno. */
bool loop_control(struct loop *loop, int fd);
bool loop_by_hand(struct loop *loop);
/* Looks these up, and prints their addresses, a line each, in the order of the names. */
bool loop_names(struct loop *loop, char *const names[], size_t count); /* borrowed */

void loop_note(struct loop *loop, const char *text); /* a line for the log */

/* Until the channel ends, or all names are answered. Returns the exit status. */
int loop_run(struct loop *loop);

#endif
