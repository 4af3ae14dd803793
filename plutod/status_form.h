/*
 * What the two forms of --status share. Not for: anybody but the files of status.h.
 */
#ifndef PLUTOD_STATUS_FORM_H
#define PLUTOD_STATUS_FORM_H

#include "status.h"
#include "xchg.h"

struct status_form {
    void (*head)(struct keying *k, uint64_t client); /* all but connections, states and public keys */
    /* place: how many of them were said before */
    void (*conn)(struct keying *k, uint64_t client, const struct conn *c, size_t place);
    void (*between)(struct keying *k, uint64_t client);
    void (*state)(struct keying *k, uint64_t client, const struct xchg *x, size_t place);
    void (*middle)(struct keying *k, uint64_t client); /* between states and keys */
    void (*key)(struct keying *k, uint64_t client, const struct public_key *key, size_t place);
    void (*tail)(struct keying *k, uint64_t client);
};

#define STATUS_NAMES 100u /* of hosts, that wait for their addresses */

extern const struct status_form status_text;
extern const struct status_form status_json;

/* The two ends: ours and the peer's, or as described where the connection is not oriented. */
struct status_end {
    const struct connection_end *end;
    struct address host;    /* family 0: %any */
    const struct identity *id;
    struct subnet client;
};
void status_ends(const struct conn *c, struct status_end ends[2]);
void status_id(const struct status_end *e, char out[IDENTITY_TEXT]); /* %myid: nobody said who that is */

unsigned status_instances(const struct conn *c); /* made of this template */

/* What happens to it next, and in how many seconds. */
const char *status_event(const struct keying *k, const struct xchg *x, uint64_t *seconds);
const char *status_story(const struct xchg *x); /* how far it is, in words */
/* A Quick Mode that waits for its Main Mode: that one; else NULL. */
const struct xchg *status_awaited(struct keying *k, const struct xchg *x);
uint64_t status_serial(struct keying *k, uint64_t number); /* 0: none has that number */

#endif
