/*
 * What whack --status shows [W12]: lines 000 for a person (status_text.c), or one JSON document for
 * programs (status_json.c; ipsec-status(5) and docs/status.schema.json describe it).
 *
 * It is said in pieces, one connection or state at a time, as the reader takes them: however many
 * there are and however slow he is, little memory is held and nothing else waits. So it is no
 * snapshot: each piece is what holds when it is said; what goes meanwhile is left out. Counters of
 * SAs are asked of kernel-sa a few ahead of the piece that needs them; one that does not answer
 * delays it by SAMPLE_PATIENCE at most. The events of a journal are said in the same way. Not for: how bytes get to whack (whack.h).
 */
#ifndef PLUTOD_STATUS_H
#define PLUTOD_STATUS_H

#include "keying.h"

#define SAMPLE_PATIENCE 1000 /* milliseconds */
#define SAMPLES_AHEAD 64     /* orders for kernel-sa: a negotiation may wait behind them */

struct journal;
struct event;

void status_begin(struct keying *k, uint64_t client, bool json); /* holds the client */
/* What whack --events shows. own: NULL: all there is. */
void status_begin_events(struct keying *k, uint64_t client, const struct journal *own);

enum status_progress {
    STATUS_NOTHING, /* that client is being shown nothing (any more) */
    STATUS_WAITS,   /* for kernel-sa */
    STATUS_SAID     /* a piece; there is more */
};

/* Says one more piece to the client. At the end it is released. */
enum status_progress status_more(struct keying *k, uint64_t client);
void status_forget(struct keying *k, uint64_t client); /* he is gone */

struct public_key;

/* `10.1.0.0/24===10.9.0.1[10.9.0.1]...10.9.0.2[@right]===10.2.0.0/24` */
#define STATUS_TOPOLOGY (2 * (SUBNET_TEXT + ADDRESS_TEXT + IDENTITY_TEXT) + 64)
void status_topology(const struct conn *c, char out[STATUS_TOPOLOGY]);

/* Before one of them is freed: nothing is to be found there. */
void status_conn_goes(struct keying *k, const struct conn *c);
void status_key_goes(struct keying *k, const struct public_key *key);
void status_xchg_goes(struct keying *k, const struct xchg *x);
void status_event_goes(struct keying *k, const struct event *e);
void status_journal_goes(struct keying *k, const struct journal *j);
void status_free_all(struct keying *k);

#endif
