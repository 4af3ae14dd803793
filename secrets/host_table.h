/*
 * Names of hosts before the colons of ipsec.secrets, and the addresses that they stand for once plutod has answered [K1].
 *
 * Each is asked for once, however many entries have it. Not for: looking them up (dnskey does, and plutod asks it), and which
 * entry is whose (store.h).
 */
#ifndef SECRETS_HOST_TABLE_H
#define SECRETS_HOST_TABLE_H

#include "hostname.h"
#include "identity.h"

#include <stdbool.h>
#include <stddef.h>

enum host_state {
    HOST_WAITS,     /* nobody has answered yet */
    HOST_KNOWN,     /* these are its addresses */
    HOST_UNKNOWN    /* it has none; what needs it is not used */
};

struct named_host {
    enum host_state state;
    struct address_list addresses; /* HOST_KNOWN */
    bool part;  /* HOST_KNOWN: some of them; all of them may be told later */
    const char *name; /* lower case, without a dot at the end */
};

struct host_table;

struct host_table *host_table_new(void);
void host_table_free(struct host_table *h); /* NULL is allowed */

/*
 * The host of this name, which hostname_check has passed; the same one each time, in whatever case. It lives as long as
 * the table. NULL, and *why (static text): no memory, or too many.
 */
const struct named_host *host_table_add(struct host_table *h, const char *name, const char **why);
size_t host_table_count(const struct host_table *h);
size_t host_table_waiting(const struct host_table *h); /* how many have no answer yet */
const struct named_host *host_table_at(const struct host_table *h, size_t i); /* in the order in which they came */
/*
 * addresses NULL: it has none, or, where a part is known, there will be no more. part: all may follow. False: it does not wait
 * for anything, or there is none.
 */
bool host_table_answer(struct host_table *h, size_t i, const struct address_list *addresses, bool part);

/* Is this identity an address of the host? Not while it waits. */
bool host_is(const struct named_host *h, const struct identity *id);

#endif
