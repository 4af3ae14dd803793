/*
 * Messages that no honest peer sends, put before or in the place of an honest one in a lab (lab.h).
 *
 * A message on its way is opened with the keys of its receiver, changed, given its HASH again and
 * sealed, as the peer himself could do it: so what is wrong in it is really parsed. Not for: noise
 * that does not decrypt (that needs no help).
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "lab.h"

#include "ike-negotiate/exchange.h"

#define CHAIN_MAX 66000

/* A message in the clear. */
struct opened {
    struct lab *lab;
    struct path path;   /* as the receiver sees it */
    unsigned to;        /* host */
    struct isakmp_header header; /* next_payload is the first one's type */
    bool encrypted;
    unsigned hash;      /* HASH(1), (2) or (3) comes first and is made anew by seal; 0: none */
    const struct isakmp_sa *sa;  /* the receiver's; NULL: no SA yet */
    const struct exchange *quick; /* the receiver's; NULL: none yet, or not Quick Mode */
    uint8_t iv[IV_MAX];
    size_t len;         /* of the payloads, without padding */
    uint8_t chain[CHAIN_MAX];
};

/* False: it cannot be read by its receiver. */
bool hostile_open(struct lab *l, const struct datagram *d, struct opened *o);
void hostile_seal(const struct opened *o, struct datagram *d);
/* The HASH as it has to be, now; it is not made again by seal: to be spoilt. */
void hostile_hash(struct opened *o);

/* Begins a message of 10.9.0.2 (to host 0) or 10.9.0.1 (to host 1) under the newest ISAKMP SA. */
void hostile_begin(struct lab *l, unsigned to, unsigned exchange, uint32_t message_id,
                   struct opened *o);
/* The receiver's Main Mode or ISAKMP SA that was made last. */
const struct exchange *hostile_main(const struct lab *l, unsigned host);

/* Another message id, for the first message of a Quick Mode: the honest one is not taken for it. */
void hostile_renumber(struct opened *o, uint32_t message_id);

/* Messages 5 and 6, whatever their ID payload says by now: the right HASH for the secret "x". */
void hostile_prove(struct opened *o);

/* ---- payloads of an opened message, counted from 0 ---- */

size_t payload_count(const struct opened *o);
uint8_t *payload_at(struct opened *o, size_t n, size_t *len); /* with its header; len may be NULL */
size_t payload_place(struct opened *o, unsigned type);       /* of the first with that type */
void payload_type(struct opened *o, size_t n, unsigned type);
unsigned payload_type_of(struct opened *o, size_t n);
void payload_insert(struct opened *o, size_t n, unsigned type, const void *body, size_t len);
void payload_remove(struct opened *o, size_t n);
void payload_body(struct opened *o, size_t n, const void *body, size_t len);
/* Cut, made longer by zeros, or, if len is what it has, with another last bit. */
void payload_spoil(struct opened *o, unsigned type, size_t len);

/* ---- an attack on a negotiation for "net" ---- */

#define MESSAGES 9u /* Main Mode has 6, Quick Mode 3; host 0 sends those with odd numbers */

struct attack {
    const char *words;  /* of the connection, NULL: LAB_CHEAP */
    unsigned at;        /* which of the 9 messages */
    bool instead;       /* the honest one gets lost */
    void (*change)(struct opened *o, size_t variant); /* NULL: as it is */
    void (*spoil)(struct datagram *d, size_t variant); /* as it goes over the wire; NULL */
    size_t variant;
    /* What must come of it. */
    const char *line;   /* in the receiver's log; NULL: anything */
    unsigned answers;   /* datagrams that it may bring, at most three times its bytes */
    unsigned notify;    /* of these, the type of the notification; 0: none is sent */
    const char *never;  /* is not in the receiver's log; NULL */
};

#define ANY_NOTIFICATION 0x10000u

/*
 * The forged message changes nothing: the honest one after it is taken (or, instead of it: the
 * next attempt of the initiator succeeds), nothing else is sent, the line is in the log.
 */
void attack(const struct attack *a);

/* A forged message to an established pair of hosts; then they still are, with the same SAs. */
void assault(struct lab *l, const struct datagram *d, const char *line, unsigned notify);

#endif
