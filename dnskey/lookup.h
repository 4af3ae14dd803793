/*
 * The core of dnskey: requests for the addresses of names, each answered once, whatever DNS does.
 *
 * A request is begun (lookups_begin) when the files are known to be fresh: what /etc/hosts says counts, else
 * both kinds of addresses are asked of DNS. Where no server answers, what DNS said before is used, for a day
 * beyond its TTL (known.h). Times are milliseconds of a clock that never goes back.
 *
 * Pure: records and answers come in, records and questions go out; no I/O, no clock. Not for: DNS itself
 * (resolver.h) and files (files.h). What is asked for later than addresses (keys) becomes another verb
 * with another core; answer.h and resolver.h then read and ask for its types.
 */
#ifndef DNSKEY_LOOKUP_H
#define DNSKEY_LOOKUP_H

#include "answer.h"

#include "lib/log.h"
#include "lib/record.h"

#define LOOKUP_PATIENCE 5000u /* ms after which a part of the answer, or an old one, will do: */
#define LOOKUP_PATIENCE_PART 3000u /* so long after one type has addresses, if that is sooner; one of two servers may be dead */
#define LOOKUP_TIME 15000u    /* after which it has failed, from its coming; below RESOLVE_TIME (bounds.h) */
#define LOOKUP_TTL 30u        /* seconds: of an answer that is not whole or not fresh (RFC 8767, 5), and of /etc/hosts */
#define LOOKUP_RETRY 15u      /* seconds: asking again may help then */
#define LOOKUP_RETRY_FULL 2u  /* the same where too many are open, */
#define LOOKUP_RETRY_PART 2u  /* and where one type was answered, and nothing is known of the other */

struct lookups;

struct lookups_use {
    /*
     * Asks DNS. NULL: it is asked, and lookups_answer will be called with this ticket, or was already, from
     * within. Else why not (static).
     */
    const char *(*ask)(void *context, uint64_t ticket, const char *name, enum answer_type type);
    void (*drop)(void *context, uint64_t ticket, enum answer_type type); /* nobody waits for it any more */
    /* What /etc/hosts has for it. False: nothing. */
    bool (*hosts)(void *context, const char *name, struct answer *a);
    const char *(*servers)(void *context); /* for messages: 10.0.0.1, 10.0.0.2 */
    void *context;
    const struct log *log; /* borrowed */
};

struct lookups *lookups_new(const struct lookups_use *use); /* NULL: no memory */
void lookups_free(struct lookups *l);                       /* NULL is allowed; drops nothing */
void lookups_out(struct lookups *l, struct buffer *out);    /* where answers go; borrowed */

/* A `resolve` record. A bad name, or one too many, is refused at once. */
void lookups_request(struct lookups *l, const struct record *r, uint64_t now);
unsigned lookups_waiting(const struct lookups *l); /* requests that are to be begun */
void lookups_begin(struct lookups *l, uint64_t now);
void lookups_answer(struct lookups *l, uint64_t ticket, enum answer_type type, const struct answer *a,
                    uint64_t now);
/* The servers are others now, and nothing that was asked is answered: asks again. */
void lookups_again(struct lookups *l, uint64_t now);

unsigned lookups_open(const struct lookups *l);       /* requests that have no answer yet */
unsigned lookups_failed(const struct lookups *l);     /* requests that were refused or came to nothing, by now */
uint64_t lookups_deadline(const struct lookups *l);   /* UINT64_MAX: none */
void lookups_tick(struct lookups *l, uint64_t now);   /* does what is due */

#endif
