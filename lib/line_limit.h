/*
 * How many lines of the log strangers may cause: so many in all, and fewer from one address, so that
 * one of them cannot silence the others. Packets cost their senders nothing, and nothing in them
 * says whose they are.
 *
 * Buckets, in fixed memory: a line takes one token of its sender's bucket and one of that of all,
 * which fill up again as time goes by. Senders beyond the places in the table take the place of
 * whoever has been quiet longest. Not for: lines about peers that have proved who they are, and for
 * debug lines.
 */
#ifndef LIB_LINE_LIMIT_H
#define LIB_LINE_LIMIT_H

#include "address.h"

#define LINES_AT_ONCE 60u        /* of all strangers */
#define LINES_REFILL 200u        /* milliseconds for each further one */
#define SOURCE_LINES_AT_ONCE 20u /* of one address */
#define SOURCE_LINES_REFILL 2000u
#define LINE_SOURCES 32u
#define LINES_LEFT_OUT "%u lines about packets of strangers were left out"
#define LINES_LEFT_OUT_EVERY 10000u /* milliseconds between two lines that say how many are missing */

struct line_bucket {
    uint64_t since;  /* when it was looked at last */
    uint32_t spent;  /* milliseconds of refilling until it is full again */
    unsigned left_out; /* lines, since one was allowed */
};

struct line_limit { /* zero-initialised: everything is allowed that may be */
    struct line_bucket all;
    struct {
        struct address address;
        struct line_bucket bucket;
    } source[LINE_SOURCES];
    unsigned left_out;
    uint64_t told;
};

/*
 * May a line because of this address be written now? *left_out is how many were not since that was
 * said last, 0: nothing is to be said of it now.
 */
bool line_limit_take(struct line_limit *l, const struct address *source, uint64_t now,
                     unsigned *left_out);

/*
 * A bucket by itself, for lines that have no such sender: one token, of which there are `size`, each
 * refilled in refill_time ms. False: it is empty.
 */
bool line_bucket_take(struct line_bucket *b, uint32_t refill_time, unsigned size, uint64_t now);

#define LINE_MISSING 60
/* For the end of the line that was allowed: how many were not, before it, or "". Counts anew. */
const char *line_bucket_missing(struct line_bucket *b, char text[LINE_MISSING]);

#endif
