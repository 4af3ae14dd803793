/* What lookup.c (requests, questions, time) and lookup_judge.c (answers) share. For nobody else. */
#ifndef DNSKEY_LOOKUP_INSIDE_H
#define DNSKEY_LOOKUP_INSIDE_H

#include "known.h"
#include "lookup.h"

enum stage { STAGE_WAITING, STAGE_ASKED };

struct lookup {
    uint64_t ticket;
    uint64_t id;                /* of the request */
    char name[HOSTNAME_LEN + 1];
    enum stage stage;
    bool answered;              /* what comes now is only remembered */
    uint64_t patience;          /* until then it waits for the whole answer; */
    bool late;                  /* that is over */
    uint64_t deadline;
    unsigned wanted;            /* mask of 1 << enum answer_type: the others are of no interest */
    unsigned pending;           /* the same: asked, and not answered */
    struct answer got[ANSWER_TYPES];
};

struct lookups {
    struct lookups_use use;
    struct known *known;
    struct buffer *out;
    struct lookup *at[RESOLVES_MAX]; /* NULL: free; its place is in the ticket's low bits */
    unsigned count;             /* of those */
    unsigned waiting;
    unsigned open;              /* not answered */
    unsigned failed;
    uint64_t tickets;
};

static inline bool lookup_is_wanted(const struct lookup *one, enum answer_type type)
{
    return (one->wanted & 1u << type) != 0;
}

static inline bool lookup_is_pending(const struct lookup *one, enum answer_type type)
{
    return (one->pending & 1u << type) != 0;
}

/* ---- lookup_judge.c ---- */

/* Answers a request for which there is no lookup, or none any more. retry: seconds; 0: that is final. */
void lookup_refuse(struct lookups *l, uint64_t id, const char *why, unsigned retry);
/*
 * Answers the request if that can be done now. `late`: waiting for the rest is over; `last`: so is everything.
 * Old addresses are used only where that is so, or where it is clear that no server answers.
 */
void lookup_judge(struct lookups *l, struct lookup *one, bool late, bool last, uint64_t now);
bool lookup_from_hosts(struct lookups *l, struct lookup *one); /* false: it says nothing of that name */

#endif
