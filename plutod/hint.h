/*
 * What probably is wrong with a negotiation that is under way: for --status and --explain, before it ends.
 *
 * Anybody could have caused it: a hint ends nothing and is forgotten with the negotiation. Not for: why one
 * has failed (conn_failed).
 */
#ifndef PLUTOD_HINT_H
#define PLUTOD_HINT_H

#include "xchg.h"

#define HINT_TEXT 1500
void hint_set(struct xchg *x, const char *text); /* NULL: nothing (any more) */
/* False: nothing is known to be wrong. */
bool hint_of(const struct xchg *x, char out[HINT_TEXT]);
/* Behind what the peer said when it refused x: what we proposed, and what is to be done. */
void hint_add_proposal(const struct xchg *x, char *text, size_t size);
/*
 * Behind what goes wrong where the two prove who they are: who that would be, unless the text names them. Returns
 * text, or out.
 */
const char *hint_with_ids(const struct xchg *x, const char *text, char *out, size_t size);

#endif
