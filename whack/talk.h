/*
 * The conversation with plutod: one connection to its control socket, over which records go out and
 * replies come back, both as fast as the other side takes them and with bounded memory.
 *
 * The requests of one call, or of all calls on standard input (request.h, calls.h): then each line
 * that tells of trouble is shown with the place of the call that it is about, and a call that is
 * refused keeps nobody from the next. Not for: what a call means.
 */
#ifndef WHACK_TALK_H
#define WHACK_TALK_H

#include "reply.h"
#include "request.h"

enum { WHACK_TROUBLE = REPLY_WHACK }; /* exit status [W10] */

/* whack's own message, on stderr; the exit status that goes with it. */
int talk_trouble(const struct request *r, const char *what);
/* A name has no address where one is needed: a line of its own [W4]; its exit status. */
int talk_no_address(const struct request *r, const char *why);

/* With r->stream: of argv with each call on descriptor 0 in place of --optionsfrom -. The exit status. */
int talk(const struct request *r, int argc, char *const *argv);

/* connection_resolver. *context (bool): a --host has no address, which has an exit status of its own. */
const char *talk_resolve(void *context, const char *option, const char *name, unsigned family,
                         struct address *a);

#endif
