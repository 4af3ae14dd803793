/*
 * Thousands of initiators in one process: one core of ike-negotiate and one of secrets, as the
 * product has them, and here what plutod and kernel-sa say to them.
 *
 * Peer number n (from 0) has the address first + n, and is authenticated as that address by one
 * preshared secret; or all of them as one identity by one RSA key, which is the responder's, too. Each
 * peer negotiates once: Main Mode, and with `quick` a Quick Mode between the two hosts. One Diffie-Hellman value serves all of them (see main of load.c), so that generating load
 * costs less than answering it.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "secrets/core.h"
#include "wire.h"

struct crowd_plan {
    struct address first;
    struct address remote; /* the responder, at port 500 */
    const char *ike;       /* --ike words */
    bool quick;
    const char *secrets; /* ipsec.secrets, the responder's own */
    bool rsasig;         /* as `id`, by the one RSA key of the file; else by its preshared secret */
    const char *id;
};

struct crowd {
    struct crowd_plan plan;
    struct wire *wire;
    struct ike *ike;
    struct core *secrets;
    struct store *store;
    struct log log;
    struct dh_lib *dh;
    struct identity id;             /* of all peers, by RSA */
    char public_key[RSA_PUBLIC_TEXT]; /* of the responder */
    struct buffer n_p, n_k, n_s; /* from ike-negotiate's core */
    struct buffer s_p, s_n, s_k; /* from secrets' */
    struct buffer p_n, p_s, k_n, k_s; /* toward them */
    uint64_t now;
    uint64_t begun;
    uint64_t done;   /* succeeded */
    uint64_t failed;
    uint64_t *began; /* owned: when each peer began, ms */
    uint32_t *took;  /* owned: how long the n-th that was done took, ms */
    size_t room;
    char why[200];   /* of the first failure */
};

/* False: *why says why (static text). room: how many peers there can be. */
bool crowd_init(struct crowd *c, const struct crowd_plan *plan, struct wire *wire, size_t room,
                const char **why);
void crowd_free(struct crowd *c);
void crowd_begin(struct crowd *c, uint64_t now); /* the next peer */
/* Reads what is there and lets time pass; false: nothing was there to read. */
bool crowd_turn(struct crowd *c, uint64_t now);
uint64_t crowd_next_timer(const struct crowd *c); /* ms, UINT64_MAX: none */

#endif
