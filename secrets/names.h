/*
 * The names of hosts in ipsec.secrets are asked for, and answers taken: over plutod's channel, or by hand of a dnskey of
 * our own [K1].
 *
 * What becomes of each is said with file and line. Not for: which entry is whose (store.h).
 */
#ifndef SECRETS_NAMES_H
#define SECRETS_NAMES_H

#include "file.h"
#include "log.h"
#include "record.h"
#include "store.h"

/* One `resolve` for each name. */
void names_ask(const struct store *s, struct buffer *out);
/* What `loaded` says: entries that are used by now, errors, and names that wait. */
void names_tell_loaded(const struct store *s, const struct file_counts *counts, struct buffer *out);
/*
 * The answer for the host at this place, or (addresses NULL) why there is none: then the entries that need it are errors, said
 * by log and counted. part: there may be more, which another answer tells. False: it has its answer, or there is no such host.
 */
bool names_answer(struct store *s, struct file_counts *counts, size_t i, const struct address_list *addresses, bool part,
                  const char *why, const struct log *log);
/* The same of an `ok` or `fail`. */
bool names_take(struct store *s, struct file_counts *counts, const struct record *r, const struct log *log);

/*
 * By hand, before the sandbox: a dnskey beside this program is begun, asked for all, and ended. Waits as long as it may take
 * for an answer. What is not known then is an error, said by log and counted.
 */
void names_by_hand(struct store *s, struct file_counts *counts, const struct log *log);

#endif
