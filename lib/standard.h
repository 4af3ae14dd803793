/*
 * Standard input, output and error: there from the first moment, and at the end really written.
 *
 * A tool may be started with some of them closed (`kernel-sa <&-`). The next descriptor that it
 * opens, its netlink socket or a child's channel, would take their place, and lines for a person
 * would go there. Not for: what goes over them (channel.h, stdio).
 */
#ifndef LIB_STANDARD_H
#define LIB_STANDARD_H

#include <stdbool.h>

struct channel;

/* The exit statuses of tools, beside 0: as in their manual pages. */
enum {
    EXIT_WRONG = 1,    /* something that was asked for came to nothing, or a record was wrong */
    EXIT_MISUSE = 100, /* wrong options */
    EXIT_SYSTEM = 111  /* the system failed; or plutod broke the rules */
};

/* A set of them, by descriptor. */
enum { STANDARD_INPUT = 1u << 0, STANDARD_OUTPUT = 1u << 1, STANDARD_ERROR = 1u << 2 };

/* The first thing in main: opens /dev/null where one is closed. Returns which were. */
unsigned standard_fill(void);

/* A descriptor that is none of them and may be inherited, as on a command line: 3 to 1023. */
bool standard_other(const char *text, int *fd);

/* Is none of `needed` closed? Else stderr says which one, and what to do. */
bool standard_there(const char *tool, unsigned closed, unsigned needed);

/*
 * The last thing in main, after something for stdout: false if not all of it could be written, or
 * stdout was closed from the start; stderr then says why.
 */
bool standard_written(const char *tool, unsigned closed);

/* What standard_written says, for who writes to stdout himself; error is an errno. */
void standard_not_written(const char *tool, int error);

/*
 * Records on stdin, their answers on stdout, when the input has ended. Did it end with a whole line? Waits until all
 * answers are written: were they? Else false, and stderr says why.
 */
bool standard_whole(const char *tool, const struct channel *all);
bool standard_drain(const char *tool, struct channel *all);

#endif
