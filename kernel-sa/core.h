/*
 * The core of kernel-sa: what plutod permits, what secrets derived and what ike-negotiate asks for
 * are held against each other, and only what all three say alike is put into the kernel.
 *
 * Pure: records and results come in, records and kernel requests come out; no I/O, no clock, no
 * randomness of its own. One request at a time: after every call, the owner does what core_request
 * asks for and hands the result back until it is NULL; only then the next record, event or tick
 * comes in. Times are milliseconds of a clock that never goes back. Not for: netlink (xfrm.h,
 * netlink.h), channels and options (main.c).
 */
#ifndef KERNEL_SA_CORE_H
#define KERNEL_SA_CORE_H

#include "kernel.h"

#include "lib/record.h"

struct core;

enum core_peer { PEER_PLUTOD, PEER_NEGOTIATE, PEER_SECRETS, PEER_COUNT };

/*
 * MAKER_DAEMON: SPIs must have been given out here, SAs with the daemon's mark are adopted.
 * MAKER_HAND: what is written by hand was drawn elsewhere; every SPI is fine, nothing is adopted.
 * NULL: no memory.
 */
struct core *core_new(enum maker maker);
void core_free(struct core *core); /* NULL is allowed; wipes */

/* Where records for that peer go from now on; NULL: it is not there, they are dropped. */
void core_connect(struct core *core, enum core_peer peer, struct buffer *out);
/* PEER_SECRETS are many: by the number of the worker. core_connect and core_record mean worker 0. */
void core_connect_worker(struct core *core, uint64_t worker, struct buffer *out);
/* ike-negotiate's channel ended: its open requests are answered no more. */
void core_negotiator_gone(struct core *core);

/* Random words that the core may use up; it takes as many as core_random_wanted says. */
size_t core_random_wanted(const struct core *core);
void core_random(struct core *core, const uint32_t *words, size_t count);

/* A record from that peer; r's verb is one that the schema lets it send. hello is not for here. */
void core_record(struct core *core, enum core_peer from, const struct record *r, uint64_t now);
void core_from_worker(struct core *core, uint64_t worker, const struct record *r, uint64_t now);

/* Reads what a predecessor left in the kernel. */
void core_adopt(struct core *core, uint64_t now);

/* What the kernel is to do now; valid until core_result. NULL: nothing. */
const struct kernel_request *core_request(const struct core *core);
void core_found_sa(struct core *core, const struct kernel_sa *sa);             /* KERNEL_LIST */
void core_found_policy(struct core *core, const struct kernel_policy *policy); /* KERNEL_LIST */
void core_result(struct core *core, const struct kernel_result *result, uint64_t now);

void core_event(struct core *core, const struct kernel_event *event, uint64_t now);
void core_events_lost(struct core *core, const char *why, uint64_t now);

uint64_t core_deadline(const struct core *core); /* UINT64_MAX: none */
void core_tick(struct core *core, uint64_t now); /* does one thing that is due; see the deadline */

/* By hand, at the end of input: what came but led to nothing, one line each. Their number. */
size_t core_unfinished(const struct core *core, struct buffer *out);
/* Then: removes what the kernel has of one of those, as if it had never been. False: of none any more. */
bool core_drop_unfinished(struct core *core, uint64_t now);

#endif
