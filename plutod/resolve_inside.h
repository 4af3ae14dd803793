/*
 * What the files of resolve.h share. Not for: anything else.
 */
#ifndef PLUTOD_RESOLVE_INSIDE_H
#define PLUTOD_RESOLVE_INSIDE_H

#include "resolve.h"

#include "hostname.h"

#include <uthash.h>

struct asker { /* a worker that waits */
    struct asker *next;
    uint32_t worker;
    uint64_t id;        /* of its request */
};

enum resolving_state {
    RESOLVING_IDLE,     /* nothing is done about it */
    RESOLVING_QUEUED,   /* dnskey has enough to do, or does not run */
    RESOLVING_ASKED,    /* dnskey was asked */
    RESOLVING_RESTS     /* nobody answered: asked again when `again` is due */
};

enum kind { KIND_IPV4, KIND_IPV6, KINDS }; /* of addresses, each a question of its own in DNS */

struct resolving {
    enum resolving_state state;
    bool fresh;         /* what is known of it answers those who ask in this reading; else it is of an earlier one, or nothing */
    bool refused;       /* and that is `why` */
    bool in_part;       /* of one kind only: those who ask have `addresses`, and get the whole answer when it comes */
    bool said;          /* that it is waited for */
    bool fatal;         /* dnskey ended when it had been asked for this alone */
    uint64_t id;        /* of the request to dnskey */
    uint64_t until;     /* dnskey has to answer */
    uint64_t learnt[KINDS]; /* when those of `addresses` came */
    uint64_t reading;   /* in which it was asked for last */
    uint32_t pause;     /* milliseconds, the last one */
    struct agenda_item again;
    char *why;          /* owned: what came of it last; NULL: nothing yet */
    char *addresses;    /* owned: the last answer; NULL: there was none */
    bool has_next;      /* there is another one for the next reading, that came too late: */
    char *next_addresses; /* owned; NULL: there is no such host any more */
    uint64_t next_learnt;
    struct asker *askers; /* owned */
    struct resolving *prev, *next; /* of those in the same state: queued, or asked, the oldest first */
    UT_hash_handle hh;
    char host[];
};

extern const char resolve_no_memory[];

/* ---- resolve.c ---- */

void resolve_state(struct keying *k, struct resolving *n, enum resolving_state state);
/* There is an answer, for those who wait and for those who ask from now on; refused: it is `why`. */
void resolve_settle(struct keying *k, struct resolving *n, bool refused);
/* Its addresses are a part of the answer: those who wait can use it. */
void resolve_give_part(struct keying *k, struct resolving *n);
void resolve_drop(struct keying *k, struct resolving *n);
void resolve_keep_why(struct resolving *n, const char *why);
/* No answer, but there may be one later. retry: milliseconds that dnskey advises; 0: it said nothing. */
void resolve_rest(struct keying *k, struct resolving *n, uint64_t retry); /* if somebody waits for it */
void resolve_unanswered(struct keying *k, struct resolving *n, const char *why, uint64_t retry);

/* ---- resolve_known.c ---- */

extern const char resolve_no_answer_yet[];

/* Settles it by the answer of an earlier reading. False: there is none. */
bool resolve_make_do(struct keying *k, struct resolving *n, const char *why);
/* The whole answer; taken over; NULL: there is none. */
void resolve_learn(struct resolving *n, char *addresses, uint64_t when);
char *resolve_list_text(const struct address_list *list); /* owned; NULL: no memory */
bool resolve_is_part(const struct address_list *list); /* does it lack one kind? */
/* An answer that lacks the other kind: it is used at once, and the other is asked for again and again. */
void resolve_take_part(struct keying *k, struct resolving *n, const struct address_list *list, const char *why, uint64_t retry);
/* What came after it was settled. addresses: taken over; NULL: a refusal, and why. */
void resolve_keep(struct keying *k, struct resolving *n, char *addresses, const char *why);
/* Drops the name of the earliest reading that nobody waits for. False: all are of this one. */
bool resolve_make_room(struct keying *k);

/* ---- resolve_dnskey.c ---- */

void resolve_go_on(struct keying *k); /* asks dnskey as much as it may be asked at once; begins it, if need be */

#endif
