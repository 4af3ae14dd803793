/*
 * libunbound, in our loop: asks the servers of resolv.conf, follows aliases, caches.
 *
 * Never waits: each question is answered by a callback, sooner or later; who cannot wait that long drops it. What
 * libunbound may take is bounded: its defaults as a library, 1 MB for messages and for records each.
 * Not for: what the answers are good for (lookup.h).
 */
#ifndef DNSKEY_RESOLVER_H
#define DNSKEY_RESOLVER_H

#include "answer.h"
#include "files.h"

#include <ev.h>

struct resolver;

typedef void resolver_answered(void *context, uint64_t ticket, enum answer_type type, const struct answer *a);

struct resolver *resolver_new(struct ev_loop *loop, resolver_answered *answered, void *context); /* NULL: no memory */
void resolver_free(struct resolver *r); /* NULL is allowed; nothing is answered any more */

/*
 * From now on these servers are asked: with a new cache, and all questions that were open are forgotten without
 * an answer. NULL, or why it cannot be done (static); no question can be asked then.
 */
const char *resolver_set(struct resolver *r, const struct servers *servers);

/* As lookups_use.ask, .drop (lookup.h). */
const char *resolver_ask(struct resolver *r, uint64_t ticket, const char *name, enum answer_type type);
void resolver_drop(struct resolver *r, uint64_t ticket, enum answer_type type);

/*
 * libunbound goes on with what was dropped, and what is asked after that waits for its sockets. Where no server
 * answers that would become ever more: then this is true, and resolver_set is to be called again.
 */
bool resolver_is_choked(const struct resolver *r);

#endif
