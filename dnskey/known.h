/*
 * What DNS said last about a name, for when no server answers (RFC 8767): addresses only, of each type apart.
 *
 * Not a cache: while its TTL runs, an answer comes out of libunbound's. This one also outlives a change of the
 * servers, for which libunbound is begun anew. Bounded: of too many names those go that were told longest ago.
 * Pure. Not for: deciding when an old answer is used (lookup.h).
 */
#ifndef DNSKEY_KNOWN_H
#define DNSKEY_KNOWN_H

#include "answer.h"

#define KNOWN_MAX 4096u
#define KNOWN_BEYOND 86400000u /* ms beyond its TTL that an answer may be used */

struct known;

struct known *known_new(void); /* NULL: no memory */
void known_free(struct known *k); /* NULL is allowed */

/* What says that there are none is kept beside addresses of the other type; ANSWER_FAILED says nothing. */
void known_tell(struct known *k, const char *name, enum answer_type type, const struct answer *a, uint64_t now);
/* NULL: nothing is known, or it is too old; empty: there are none. *age: ms since DNS said it. */
const struct address_list *known_find(const struct known *k, const char *name, enum answer_type type, uint64_t now,
                                      uint64_t *age);

#endif
