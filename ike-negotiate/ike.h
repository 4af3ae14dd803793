/*
 * The protocol core of IKEv1 (RFC 2408, 2409): events in, effects out.
 *
 * Events are datagrams, records of plutod, secrets and kernel-sa, and the passing of time; effects
 * are datagrams to send, records, and the time of the next timer. The core does no I/O, reads no
 * clock and draws no randomness by itself: a file, a test or a fuzzer can drive it. It holds no
 * policy, no PSK, no g^xy, no SKEYID, no SKEYID_d and no traffic key. Not for: sockets and
 * channels (main.c).
 *
 * Times are milliseconds of any monotonic clock.
 */
#ifndef IKE_H
#define IKE_H

#include "address.h"
#include "record.h"

struct ike;

/* The way that a datagram came or goes. */
struct path {
    struct address local;
    struct address remote;
    uint16_t local_port;
    uint16_t remote_port;
};

/* Where the core writes its records. All buffers outlive the core. */
struct ike_outputs {
    struct buffer *plutod;
    /* The buffer toward kernel-sa, or NULL while there is none. */
    struct buffer *(*kernel_sa)(void *context);
    /* The buffer toward a worker, or NULL if there is no such worker (any more). */
    struct buffer *(*worker)(void *context, uint64_t worker);
    /* Sends a datagram; a failure is the network's: nobody is told. */
    void (*send)(void *context, const struct path *path, const uint8_t *bytes, size_t len);
    void *context;
};

enum ike_source { FROM_PLUTOD, FROM_KERNEL_SA, FROM_WORKER };

/* The pool that cookies and message ids are drawn from; kept filled by ike_random. */
#define IKE_RANDOM_POOL 512

struct ike *ike_new(const struct ike_outputs *outputs); /* NULL: no memory */
void ike_free(struct ike *ike);                         /* wipes all keys */

size_t ike_random_wanted(const struct ike *ike); /* bytes; give them before the next event */
void ike_random(struct ike *ike, const uint8_t *bytes, size_t len);

/* For plutod's counters: a message changed nothing, for this reason. It is told within a second. */
void ike_ignored(struct ike *ike, uint64_t now, enum flaw flaw);

void ike_datagram(struct ike *ike, uint64_t now, const struct path *path, const uint8_t *bytes,
                  size_t len);
/* Returns NULL, or why the record breaks the rules (static text); the channel is then closed. */
const char *ike_record(struct ike *ike, uint64_t now, enum ike_source source, uint64_t worker,
                       const struct record *r);
/*
 * A channel is gone. What was asked of kernel-sa is asked again of the next one; an exchange that
 * cannot go on without what a worker of secrets knew ends (`failed ... worker=N`).
 */
void ike_source_gone(struct ike *ike, uint64_t now, enum ike_source source, uint64_t worker);

void ike_kernel_ready(struct ike *ike, uint64_t now); /* a channel to kernel-sa is there */

/*
 * Until when may wait what was written to plutod and is not sent yet? Steps that are followed by others
 * wake nobody by themselves: each wake costs as much as what it is about. 0: nothing waits, or it may not.
 */
uint64_t ike_patience(const struct ike *ike);

uint64_t ike_next_timer(const struct ike *ike); /* UINT64_MAX: none */
void ike_timer(struct ike *ike, uint64_t now);

#endif
