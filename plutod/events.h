/*
 * What the files that take the tools' records share. Not for: anything else; what the core takes
 * from outside is in keying.h.
 */
#ifndef PLUTOD_EVENTS_H
#define PLUTOD_EVENTS_H

#include "xchg.h"

void event_log(struct keying *k, const struct record *r); /* a `log` record of any tool */

#endif
