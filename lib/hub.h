/*
 * The hub of a tool: its channels, each with its watchers, and the turn in which they are served.
 *
 * A turn is taken just before the loop waits again. The other channels that have something are
 * read first, then plutod's is read to its end and handled, then what the others said: whatever
 * plutod said before they spoke is known by then (docs/decisions/fill-and-dispatch.md). Then comes
 * the tool's own work (sockets, kernel events, timers), then one write for each channel: plutod's
 * first, the negotiator's last, so that what it is told it may ask for is known where it asks.
 *
 * Not for: what records mean; and not for plutod, which has children besides (plutod/runner.c).
 */
#ifndef LIB_HUB_H
#define LIB_HUB_H

#include "channel.h"
#include "log.h"

#include <ev.h>

struct hub;

struct hub_line {             /* one channel, and who is at its other end */
    struct channel *channel;  /* owned by the hub */
    unsigned tool;            /* TOOL_* */
    uint64_t worker;          /* of TOOL_SECRETS; else 0 */
    struct hub *hub;
    struct hub_line *next;
    ev_io readable;           /* the bell, where there is one */
    ev_io writable;
    int bell;                 /* owned; -1: none */
    bool ready;               /* the kernel has something to read */
};

/* What the tool does. Only `record` and `closed` must be there. */
struct hub_use {
    /* As channel_handler (channel.h). It owns fd where that is not -1. */
    bool (*record)(void *context, struct hub_line *l, const struct record *r, int fd);
    /*
     * The line is no longer among the hub's, and its channel is freed after this. The log has said
     * why where somebody broke the rules; plutod was told by `accuse` where it was ike-negotiate. May write to other lines.
     */
    void (*closed)(void *context, struct hub_line *l, enum channel_result how);
    /* Once a turn, when the records have been handled. */
    void (*work)(void *context);
    /* After plutod's line was flushed: may this one be read, written now? NULL: always. */
    bool (*may_read)(void *context, const struct hub_line *l);
    bool (*may_write)(void *context, const struct hub_line *l);
    /* When the next turn is wanted at the latest, in the ms of clock_ms; UINT64_MAX: never. */
    uint64_t (*deadline)(void *context);
    void *context;
    const struct log *log; /* borrowed */
    bool by_hand;          /* the one channel is everybody's: stdin and stdout */
};

/* NULL: no memory, or no event loop; errno says why. To be called before the sandbox is entered. */
struct hub *hub_new(const struct hub_use *use);
struct ev_loop *hub_loop(const struct hub *h); /* for watchers of the tool's own, whose callbacks run between turns */
void hub_free(struct hub *h); /* NULL is allowed; closes all without calling `closed` */

/*
 * Adds a channel; one with the same tool and worker is closed first. TOOL_PLUTOD's is the one that
 * ends the hub. Takes c, also on failure: NULL, no memory.
 */
struct hub_line *hub_open(struct hub *h, unsigned tool, uint64_t worker, struct channel *c);
/* The same with the end of a channel that plutod has sent: takes fd. from: P_S and the like, as for channel_new. */
struct channel *hub_join(struct hub *h, unsigned tool, uint64_t worker, int fd, unsigned from);
/*
 * plutod rings this bell (takes fd) when something on its channel wants to be heard now. The channel
 * itself is not waited on from here on: announcements and permits, which are known soon enough if they
 * are read before what they are for, wake nobody (docs/decisions/the-bell.md).
 */
void hub_bell(struct hub *h, int fd);
struct hub_line *hub_line(const struct hub *h, unsigned tool, uint64_t worker); /* or NULL */
struct buffer *hub_out(const struct hub *h, unsigned tool, uint64_t worker);    /* or NULL */
struct hub_line *hub_lines(const struct hub *h); /* the first, plutod's; in order of writing */

/* In the midst of a turn: writes what may be written. Who is lost is seen at the turn's end. */
void hub_relieve(struct hub *h);

/* Another descriptor that ends the wait; *ready is set when it can be read. */
struct hub_watch {
    ev_io io;
    bool ready;
};
void hub_watch(struct hub *h, struct hub_watch *w, int fd);
void hub_unwatch(struct hub *h, struct hub_watch *w);

/*
 * Until plutod's line is closed: 0 at its end, 111 when its rules were broken (stderr says how).
 * By hand a line that broke the rules, or was cut, is told without plutod's name.
 */
int hub_run(struct hub *h);
/* From `work`: this turn is the last, and nothing more is written. hub_run returns 0. */
void hub_end(struct hub *h);

#endif
