/*
 * Two hosts in one process: for each the real cores of ike-negotiate and secrets, with the by-hand
 * module as plutod and kernel-sa, a virtual clock and a network that a test can spoil.
 *
 * No sockets, no processes, no waiting: 10, 30 and 70 seconds cost nothing.
 */
#ifndef WORLD_H
#define WORLD_H

#include "ike-negotiate/by_hand_private.h"
#include "ike-negotiate/ike.h"
#include "secrets/core.h"

#include <stdio.h>

#define WORLD_DATAGRAMS 256

struct datagram {
    struct path path; /* as the receiver sees it */
    unsigned to;      /* host */
    size_t len;
    uint8_t bytes[MESSAGE_MAX];
};

struct world;

/* What becomes of a datagram: how many copies arrive. It may be changed in place. */
typedef unsigned world_network(struct world *w, struct datagram *d, unsigned number);

struct host {
    struct world *world;
    unsigned which;
    struct hand hand;
    struct ike *ike;
    struct core *secrets;
    struct store *store;
    struct buffer out[LINE_COUNT];  /* of plutod and kernel-sa, toward the cores */
    struct buffer to_plutod;        /* of ike-negotiate */
    struct buffer to_kernel;
    struct buffer to_secrets;
    struct buffer s_plutod;         /* of secrets */
    struct buffer s_negotiator;
    struct buffer s_kernel;
    struct buffer printed;          /* what by-hand would print, keys in full */
    struct buffer heard;            /* every record of the negotiator to plutod */
    struct log log;
    struct buffer log_records;
    unsigned sent;                  /* datagrams */
    bool no_kernel;                 /* kernel-sa is not running */
};

struct world {
    uint64_t now; /* ms */
    struct host host[2];
    struct datagram queue[WORLD_DATAGRAMS];
    unsigned queued;
    unsigned number; /* datagrams so far, from 1 */
    world_network *network; /* NULL: all arrive once */
    void *data;      /* of the test */
};

/* words: options of whack's connection form with blanks between, for both hosts alike; host 0 is
 * 10.9.0.1 and initiates, host 1 is 10.9.0.2. psk: of each host; NULL: no secret. */
struct world *world_new(const char *words, const char *psk_0, const char *psk_1);
/* With words of its own for each host. */
struct world *world_new_two(const char *words_0, const char *words_1, const char *psk_0,
                            const char *psk_1);
void world_free(struct world *w);
void world_begin(struct world *w);
/* Runs records and datagrams until nothing moves; the clock stands still. */
void world_settle(struct world *w);
/* Settles, and lets `ms` pass, timer by timer. */
void world_pass(struct world *w, uint64_t ms);
void world_inject(struct world *w, const struct datagram *d);
/* Gives a record of plutod to a host's negotiator. */
void world_order(struct world *w, unsigned host, const char *line);
bool world_both_up(const struct world *w); /* both have IPsec SAs, with mirrored keys */
bool world_heard(const struct world *w, unsigned host, const char *text);
unsigned world_count(const struct world *w, unsigned host, const char *text);
bool world_holds(const struct buffer *b, const char *text);

#endif
