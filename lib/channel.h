/*
 * A channel: records over a Unix socketpair, or over a pipe or terminal when run by hand.
 *
 * Never blocks its owner: reads take all that is there, writes go out once a turn by channel_flush
 * and what does not fit waits, bounded by CHANNEL_MAX. The first record in each direction is
 * `hello`. Knows nothing of event loops: the owner watches channel_fd_in (always) and
 * channel_fd_out (while channel_pending says so). Not for: what verbs mean.
 */
#ifndef LIB_CHANNEL_H
#define LIB_CHANNEL_H

#include "record.h"

#define RECORDS_VERSION 1

/* plutod's last line to a whack: what it asked for is finished. Before it: `NNN text` [W9]. */
#define WHACK_DONE "done"
#define WHACK_END "end"
/* What begins a line of a JSON document, which follows without it. */
#define WHACK_JSON "json "

struct channel;

enum channel_result {
    CHANNEL_OPEN,
    CHANNEL_CLOSED, /* EOF or a broken pipe */
    CHANNEL_BAD     /* the other side broke the rules; see channel_why. Close it. */
};

/*
 * fd: -1 if the record carries none; else the handler owns it. The record is gone when the handler
 * returns. A handler may write to any channel, but must not free this one: it returns false for
 * "stop reading and report CHANNEL_BAD" with the reason set by channel_blame.
 */
typedef bool channel_handler(void *context, struct channel *c, const struct record *r, int fd);

/*
 * Takes both descriptors (they may be equal) and makes them non-blocking. `from` is the mask of
 * directions that records may come from. NULL: no memory, or no descriptor (errno); both then stay
 * the caller's, as they were.
 */
struct channel *channel_new(int fd_in, int fd_out, unsigned from);
void channel_free(struct channel *c); /* NULL is allowed; closes and wipes */

/* How many unsent bytes it may hold, in place of CHANNEL_MAX. */
void channel_set_limit(struct channel *c, size_t bytes);
/* By hand (kernel-sa on a pipe) no hello is expected, and comments and empty lines are allowed. */
void channel_by_hand(struct channel *c);
void channel_hello(struct channel *c, unsigned tool, uint64_t epoch, uint64_t worker);

int channel_fd_in(const struct channel *c);
int channel_fd_out(const struct channel *c);
uint64_t channel_epoch(const struct channel *c); /* of the other side's hello; 0 before it came */
uint64_t channel_own_epoch(const struct channel *c); /* of our hello; 0 before it was written */

/* Reads all that is there and hands each record to the handler, hello excepted. */
enum channel_result channel_read(struct channel *c, channel_handler *handler, void *context);
/*
 * The two halves of channel_read, for an owner of several channels: fill the others first, then
 * read plutod's to its end, then dispatch the others. What plutod said before any of them spoke is
 * then known when they are heard.
 */
enum channel_result channel_fill(struct channel *c);
enum channel_result channel_dispatch(struct channel *c, channel_handler *handler, void *context);
/*
 * For a handler: this dispatch ends with the record at hand, and what is behind it waits for the next one.
 * channel_paused: so it was; nothing need come from outside for there to be more.
 */
void channel_pause(struct channel *c);
bool channel_paused(const struct channel *c);
/*
 * For an owner whose answers take time: while held, the end that channel_at_end has seen is not reported, so that
 * they can still be written.
 */
void channel_hold_end(struct channel *c, bool hold);
bool channel_at_end(const struct channel *c); /* nothing more comes; what has come may still wait */
unsigned channel_bads(const struct channel *c); /* by hand: how many records were answered `bad` */
const char *channel_why(const struct channel *c); /* a sentence for the log, with the field's name */
void channel_blame(struct channel *c, const char *why); /* static text */

/* Where records for the other side are written (record_start and so on). */
struct buffer *channel_out(struct channel *c);
/* The record that was finished last carries this descriptor; closed once sent (or on failure). */
void channel_attach(struct channel *c, int fd);
/* The same, but fd stays the caller's, who keeps it open as long as the channel. */
void channel_lend(struct channel *c, int fd);
bool channel_drained(const struct channel *c); /* the last fill took all that was there */
bool channel_pending(const struct channel *c); /* unsent bytes are waiting */
bool channel_half_full(const struct channel *c);
enum channel_result channel_flush(struct channel *c); /* one writev; again when writable */
enum channel_result channel_state(const struct channel *c); /* as read, dispatch, flush left it */
/* By hand, at the end: waits until all is written. False: nobody takes it; errno says why. */
bool channel_drain(struct channel *c);

#endif
