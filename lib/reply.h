/*
 * The numbers that whack's lines begin with, of which the last that counts is its exit status [W10] [W11]: the one
 * list of them. Between plutod and its tools the field `code` (schema.h) has the same numbers.
 *
 * Not for: what a line says, and when.
 */
#ifndef LIB_REPLY_H
#define LIB_REPLY_H

#include <stdbool.h>
#include <stdint.h>

/* CODE(enumerator, number, what it means). Comments, of which there are many, are written as 0. */
#define REPLY_CODES(CODE) \
    CODE(COMMENT, 0, "comment") \
    CODE(WHACK, 1, "whack problem") \
    CODE(LOG, 2, "log") \
    CODE(SERIOUS, 3, "serious log") \
    CODE(SUCCESS, 4, "success") \
    CODE(RETRANSMISSION, 10, "retransmission") \
    CODE(DUPLICATE_NAME, 20, "duplicate name") \
    CODE(UNKNOWN_NAME, 21, "unknown name, or state") \
    CODE(NOT_ORIENTED, 22, "cannot orient") \
    CODE(CLASH, 23, "clash") \
    CODE(NOT_LISTENING, 24, "not listening") \
    CODE(NO_ROUTE, 25, "cannot route") \
    CODE(ROUTE_BUSY, 26, "route busy") \
    CODE(BAD_ID, 27, "bad id") \
    CODE(NO_KEY, 28, "no key found") \
    CODE(NO_PEER, 29, "no peer address") \
    CODE(BAD_MESSAGE, 30, "bad message to the daemon") \
    CODE(NO_RESPONSE, 31, "no (acceptable) response") \
    CODE(INTERNAL, 32, "internal error, too many whacks") \
    CODE(OPPO_FAILED, 33, "opportunism failed") \
    CODE(SHUNT_ONLY, 34, "only a shunt") \
    CODE(SECRET_WANTED, 40, "secret wanted")

enum reply_code {
#define CODE(e, number, meaning) REPLY_##e = (number),
    REPLY_CODES(CODE)
#undef CODE
    REPLY_FAILURES = REPLY_DUPLICATE_NAME,  /* from here on they tell of a failure, until progress */
    REPLY_STATE = 101,          /* + enum of a state: progress; no failure */
    REPLY_NOTIFICATION = 200    /* + the number of an ISAKMP notification that is an error, 1 to 30 */
};

/* Does it tell that something has failed, so that whack's exit status is not 0? */
static inline bool reply_is_failure(uint64_t code)
{
    return (code >= REPLY_FAILURES && code < REPLY_SECRET_WANTED)
           || (code > REPLY_NOTIFICATION && code <= REPLY_NOTIFICATION + 30u);
}

#endif
