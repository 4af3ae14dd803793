/*
 * What DNS said to one question: a packet, read.
 *
 * Only what the packet says of the very name that was asked, or of those that it is another name for (CNAME),
 * counts. Pure; parses by ldns. Not for: asking (resolver.h).
 */
#ifndef DNSKEY_ANSWER_H
#define DNSKEY_ANSWER_H

#include "lib/hostname.h"

#include <stddef.h>

enum answer_type { ANSWER_A, ANSWER_AAAA, ANSWER_TYPES };

enum answer_outcome {
    ANSWER_FAILED,    /* no server gave a usable answer: later one may */
    ANSWER_NO_NAME,   /* there is no such name */
    ANSWER_NOTHING,   /* it has no address of that type */
    ANSWER_UNUSABLE,  /* only such as no host can have */
    ANSWER_ADDRESSES
};

struct answer {
    enum answer_outcome outcome;
    struct address_list list;
    unsigned left_out;        /* further ones, for which there was no room in the list */
    unsigned dropped;         /* that no host can have, */
    struct address drop;      /* the first of them */
    uint32_t ttl;             /* seconds; at most 86400 */
    const char *why;          /* static; of ANSWER_FAILED */
};

#define ANSWER_TTL_MAX 86400u

/* The type's number in DNS, and its name. */
int answer_number(enum answer_type type);
const char *answer_name(enum answer_type type);

/* One more address for it: into the list, or dropped, or left out. */
void answer_add(struct answer *a, const struct address *address);
/* `rcode` is libunbound's word about the question; the packet is looked at only where that is 0. */
void answer_read(struct answer *a, const char *name, enum answer_type type, int rcode, const void *packet,
                 size_t len);

#endif
