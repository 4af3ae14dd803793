/*
 * The calls of whack that stand on its standard input (--optionsfrom -), one after the other.
 *
 * A call begins in the first column of a line; lines that begin with a blank go on with it, and so does
 * what follows a \ at the end of a line. An empty line ends it; lines of comments (#) do not count.
 * Pure: bytes in, texts out, and no more held than one call may have. Not for: words and quotes
 * (lib/optionsfrom.h), and what they mean.
 */
#ifndef WHACK_CALLS_H
#define WHACK_CALLS_H

#include "buffer.h"

#define CALLS_WHY 120

struct calls {
    struct buffer input;
    size_t begin;           /* of what was not given out yet */
    size_t scanned;         /* from there: so much is lines that are known */
    unsigned line;          /* number of the line at `begin` */
    unsigned lines;         /* in what was scanned */
    bool open;              /* a call has begun in it */
    bool joined;            /* the last line scanned ends with a \ */
    bool skipping;          /* a call that is too long, until it ends */
    bool ended;             /* no more bytes come */
};

enum calls_result {
    CALLS_ONE,
    CALLS_WRONG,            /* that one cannot be read (why); the next may be */
    CALLS_MORE,             /* bytes are wanted */
    CALLS_NONE              /* it was the last one */
};

void calls_init(struct calls *c);
void calls_free(struct calls *c);
void calls_add(struct calls *c, const char *bytes, size_t len);
void calls_end(struct calls *c);
/* *text: malloc'ed, the caller's; *line: the number of its first line. */
enum calls_result calls_next(struct calls *c, char **text, unsigned *line, char why[CALLS_WHY]);

#endif
