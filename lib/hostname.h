/*
 * Names of hosts, and the addresses that they stand for: what a name may be before it is asked for,
 * and the one form of an answer (`addresses` in records).
 *
 * Not for: asking (dnskey), and identities like @fqdn, which are never looked up (identity.h).
 */
#ifndef LIB_HOSTNAME_H
#define LIB_HOSTNAME_H

#include "address.h"
#include "bounds.h"

/*
 * May this be looked up? NULL, or why not (static text): letters, digits, hyphens, underscores, in labels
 * of 1 to 63 with dots between, one more at the end allowed; 253 bytes at most; no label that begins or
 * ends with a hyphen; and nothing that is, or could be meant as, an address. Always fully qualified: there
 * is no search list.
 */
const char *hostname_check(const char *name);

/* Sorted (IPv4 first, then by their bytes), each once, none that no host can have. */
struct address_list {
    unsigned count;
    struct address at[HOST_ADDRESSES_MAX];
};

/* Can a host have it? NULL, or why not (static): address_of_no_host, or it is unspecified. */
const char *address_of_host(const struct address *a);
/* Puts it in its place. False: there was no room, and the last one in the order is left out. */
bool address_list_add(struct address_list *l, const struct address *a);
bool address_list_has(const struct address_list *l, const struct address *a);

#define ADDRESS_LIST_TEXT (HOST_ADDRESSES_MAX * ADDRESS_TEXT)

/* Addresses with commas, in any order, at least one. NULL, or why (static); *l is then untouched. */
const char *address_list_parse(struct address_list *l, const char *text);
void address_list_print(const struct address_list *l, char out[ADDRESS_LIST_TEXT]); /* "" for none */

#endif
