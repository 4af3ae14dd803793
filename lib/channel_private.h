/*
 * What channel.c (making, ending, writing) and channel_read.c share. Nobody else includes it.
 */
#ifndef LIB_CHANNEL_PRIVATE_H
#define LIB_CHANNEL_PRIVATE_H

#include "channel.h"
#include "bounds.h"

#define INPUT_MAX ((size_t)2 * RECORD_MAX) /* twice the longest record: one read takes many */
#define WHY_MAX 256

/* A record in the out buffer, [start, end), that goes out by its own sendmsg with a descriptor. */
struct attachment {
    size_t start;
    size_t end;
    int fd;
    bool lent; /* not ours to close */
};

struct end {
    int fd;
    bool socket;
    int flags; /* as they were: a terminal's are shared with the shell and are put back */
};

struct channel {
    struct end in;
    struct end out;
    unsigned from;
    size_t record_max;
    bool by_hand;
    bool hello_seen;
    bool skipping; /* by hand: the rest of an over-long line */
    uint64_t epoch;
    uint64_t own_epoch;
    unsigned long line; /* by hand: number of the line at hand */
    enum channel_result result;
    bool at_end;    /* EOF or an error was met; what was read before it may still wait */
    bool drained;   /* the last fill took all that was there */
    bool paused;    /* what the last dispatch left is for the next one */
    bool hold_end;  /* that end is not reported yet */
    int end_error;
    unsigned bads;  /* by hand: records that were answered `bad` */

    uint8_t *input; /* INPUT_MAX bytes */
    size_t input_len;
    int fd;         /* a descriptor that came, and waits for its record; or -1 */
    size_t fd_last; /* place in `input` of a byte of its record */

    struct buffer output;
    struct attachment *attachments;
    size_t attachment_count;
    size_t attachment_cap;

    const char *blame;
    char why[WHY_MAX];
};

/* The channel is at its end; error: an errno, or 0 for EOF. */
void channel_closed(struct channel *c, int error);

#endif
