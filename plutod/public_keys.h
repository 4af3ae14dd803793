/*
 * The public keys that are known, each of an identity, in order of adding [W7].
 *
 * By identity in a tree, so that the cost of finding one's keys does not grow with their number; equal
 * are identities as everywhere (@gate and @Gate), and keys whose exponent and modulus are. What they take
 * in all is bounded. Not for: reading keys (lib/rsa_public.h), what whack is told of them (requests.h),
 * and using them (secrets).
 */
#ifndef PLUTOD_PUBLIC_KEYS_H
#define PLUTOD_PUBLIC_KEYS_H

#include "keying.h"

#include "rsa_public.h"

enum public_key_source { PUBLIC_KEY_OF_WHACK, PUBLIC_KEY_SOURCES };

struct key_owner;

struct public_key {
    struct public_key *prev, *next; /* of the same identity */
    struct key_owner *owner;
    int64_t since;          /* seconds of the time of day */
    enum public_key_source source;
    unsigned bits;          /* of the modulus */
    char fingerprint[RSA_FINGERPRINT];
    size_t len;
    uint8_t bytes[];        /* as rsa_public_encode has it */
};

enum public_key_added {
    PUBLIC_KEY_ADDED,
    PUBLIC_KEY_KNOWN,       /* it is there already, since when it was */
    PUBLIC_KEY_ONE_TOO_MANY, /* the identity has PUBLIC_KEYS_OF_ID already; nothing is changed */
    PUBLIC_KEY_NO_ROOM      /* no memory, or too much of it; nothing is changed */
};

/*
 * A key of `id`. Unless the others stay, they go once this one is there; *gone: how many. *key is the
 * one that is there, or NULL.
 */
enum public_key_added public_keys_add(struct keying *k, const struct identity *id,
                                      const struct rsa_public *rsa, enum public_key_source source,
                                      bool others_stay, const struct public_key **key, unsigned *gone);

/* The first key of this identity; the next: key->next. NULL: none is known. */
const struct public_key *public_keys_of(const struct keying *k, const struct identity *id);
/* All of them: the first, and the one after `key`. NULL: no more. */
const struct public_key *public_keys_first(const struct keying *k);
const struct public_key *public_keys_after(const struct public_key *key);
const struct identity *public_key_id(const struct public_key *key);
const char *public_key_source(const struct public_key *key); /* a word */

/* That none is known of `id`, and what to do. */
#define PUBLIC_KEYS_NONE (IDENTITY_TEXT + IDENTITY_TEXT + 80)
void public_keys_say_none(const struct identity *id, char out[PUBLIC_KEYS_NONE]);

void public_keys_free_all(struct keying *k);

#endif
