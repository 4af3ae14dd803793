/*
 * Which end of a connection is ours [W2]: the one whose host is an address of ours and whose
 * --ikeport is plutod's; and who we are there, where that is %myid. Not for: finding the interfaces (listen.h).
 */
#ifndef PLUTOD_ORIENT_H
#define PLUTOD_ORIENT_H

#include "conn.h"

/* Sets or clears c->oriented and all that follows from it. */
void orient_conn(struct keying *k, struct conn *c);
/* Would orient_conn find an oriented connection the same end and interface again? */
bool orient_stays(const struct keying *k, const struct conn *c);
/* Only who %myid is stands in the way [W5]. */
bool orient_needs_myid(const struct keying *k, const struct conn *c);
#define ORIENT_WHY 360
/* Why it is not oriented, for a person, with the addresses that were looked for. */
void orient_why(const struct keying *k, const struct conn *c, char out[ORIENT_WHY]);
const struct interface *orient_interface(const struct keying *k, const struct address *a);

#endif
