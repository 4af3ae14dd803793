/*
 * Scripts of the exchange target: the steps, and what they change in a message in the clear.
 *
 * Not for: the order of things (fuzz_exchange.c).
 */
#ifndef TESTS_FUZZ_SCRIPT_H
#define TESTS_FUZZ_SCRIPT_H

#include "known.h"

/* Bits of an input's first byte, besides the lowest three, which choose words for the connection. */
#define BOTH_INITIATE 8u
#define FIND_AGAIN 16u /* a new attempt at the end has to bring a tunnel up */
#define HOST_1 32u     /* initiates */
#define SHORTER 64u    /* lives at host 1 */
#define HOSTS 128u     /* no clients */

#define MORE 0x80u      /* in `which`: the message stays under way */
#define CLEAR 0x40u     /* in `which` of SAY and TELL: not encrypted */

enum what {
    DELIVER,        /* which */
    DELIVER_ALL,    /* and what comes of them, a times at most */
    DROP,           /* which */
    REPEAT,         /* which is delivered and stays */
    CUT,            /* which, to a bytes */
    FLIP,           /* which, byte a, bits b */
    FROM_ELSEWHERE, /* which: from somebody else, or, if b is odd, back to its sender */
    /* in the clear: message which */
    SET_BYTE,       /* byte a becomes b */
    SET_WORD,       /* bytes a and a + 1 become b */
    REMOVE,         /* payload a */
    COPY,           /* payload a to place b */
    RETYPE,         /* payload a, type b */
    SHORTEN,        /* payload a, to b bytes */
    INSERT,         /* at place a, type b / 256, of b % 256 bytes */
    HEADER,         /* by a: exchange type, flags or message id becomes b, or CKY-R CKY-I (b odd) or 0 */
    /* somebody who has the keys */
    SAY,            /* exchange type a, payload type b / 256 of b % 256 bytes */
    PASS,           /* a * 10 ms */
    WHACK,          /* a says what */
    KILL,           /* tool a */
    /* what a peer knows to say (known.h): which is b / 256, and its number b % 256 */
    TELL,           /* as SAY */
    PUT,            /* into message which, behind its last payload */
    MISPROVE,       /* message which: bits b of byte a of its HASH are wrong */
    IDENTIFY,       /* message which, 5 or 6: another identity (b), with the right HASH for it */
    REFUSE,         /* the kernel refuses the a-th request from now on, with error b */
    MIRROR,         /* message which: for its KE (a even) or nonce the receiver's own stands in it */
    HURRY,          /* the next a messages arrive before any record is read that they cause */
    FLOOD,          /* a strangers' first messages to host 1, bit 0 of b: from one address; bit 1: large ones */
    WHATS
};

struct step {
    uint8_t what;
    uint8_t which;
    uint16_t a;
    uint16_t b;
};

void script_fill(uint8_t *bytes, size_t len, unsigned seed); /* a body of whatever bytes */
void script_change(struct opened *o, const struct step *s);  /* SET_BYTE to HEADER, PUT to MIRROR */
void script_flood(struct lab *l, const struct step *s);

#endif
