/*
 * A channel and the bare other end of its socket, for tests of lib/channel.h. Not for: channels by hand, which are pipes.
 */
#ifndef CHANNEL_PAIR_H
#define CHANNEL_PAIR_H

#include "channel.h"

/* What the handler saw, one word a record. */
struct seen {
    char text[4096];
    unsigned count;
    int fds[8];
    unsigned fd_count;
    enum verb refuse;
    enum verb pause;
};

/* context: a struct seen. */
bool pair_handle(void *context, struct channel *c, const struct record *r, int fd);

/* A channel (ours) and the bare other end. */
struct pair {
    struct channel *c;
    int peer; /* -1: somebody else's by now */
    struct seen seen;
};

void pair_init(struct pair *p, unsigned from);
void pair_end(struct pair *p);
enum channel_result pair_read(struct pair *p);
/* From the other end; with so many descriptors. */
void pair_send(const struct pair *p, const char *text);
void pair_send_fds(const struct pair *p, const char *text, unsigned count);

unsigned open_descriptors(void);

#endif
