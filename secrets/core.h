/*
 * The core of `secrets`: records in, records out. No I/O, no clock; randomness and Diffie-Hellman
 * through what secrets_new is given.
 *
 * It keeps the rules that hold even when the negotiator lies: each request of a kind is answered
 * once per exchange (again only if it is byte for byte the same, then with the same answer); no
 * key for an exchange that was not announced, nor outside what was announced; nobody is accepted
 * under one of our own identities; no KEYMAT before the peer is authenticated. Not for: channels,
 * files, rights (main.c).
 */
#ifndef SECRETS_CORE_H
#define SECRETS_CORE_H

#include "buffer.h"
#include "dh.h"
#include "log.h"
#include "record.h"
#include "store.h"

struct core;

enum asks { ASKS_PLUTOD, ASKS_SECRETS, ASKS_NOBODY }; /* for the passphrases that %prompt stands for */

struct core_config {
    const struct store *store;   /* borrowed, must outlive the core */
    const struct dh_lib *dh;     /* borrowed */
    const struct log *log;       /* borrowed */
    bool (*random)(uint8_t *out, size_t len); /* for nonces; false: there is none */
    enum asks asks;
};

/* Where answers go; NULL: nobody is there, and what is for him is dropped (sa-keys are kept). */
struct core_out {
    struct buffer *plutod;
    struct buffer *negotiator;
    struct buffer *kernel;
};

struct core *secrets_new(const struct core_config *config); /* NULL: no memory */
void secrets_free(struct core *c); /* wipes; NULL is allowed */

/*
 * One record, checked against the schema. `now` in milliseconds, from any start: only for limiting
 * the rate of log lines. What is for plutod has to be sent before what is for the negotiator.
 */
void secrets_record(struct core *c, const struct record *r, const struct core_out *out,
                    uint64_t now);
unsigned secrets_bads(const struct core *c); /* how many records were answered `bad` */

/* A new channel to kernel-sa: what it has not acknowledged goes out again. */
void secrets_kernel_again(struct core *c, const struct core_out *out);

/* A new channel to ike-negotiate: what the old one asked for and has no answer yet gets none. */
void secrets_negotiator_again(struct core *c);

size_t secrets_exchanges(const struct core *c);

#endif
