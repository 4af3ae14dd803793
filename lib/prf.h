/*
 * The negotiated hash, and its HMAC as prf (RFC 2409, 4), over a list of parts.
 *
 * Used by secrets (SKEYID*, HASH_I, HASH_R, KEYMAT) and ike-negotiate (IVs, HASH(1..3), keys out of
 * SKEYID_e). Not for: knowing which parts make what; that stands with each tool.
 */
#ifndef LIB_PRF_H
#define LIB_PRF_H

#include "algorithm.h"

struct part {
    const uint8_t *bytes;
    size_t len;
};

/* Each writes hash_get(id)->len bytes to out (HASH_MAX always suffices). */
void hash_parts(enum hash_id id, const struct part *parts, size_t count, uint8_t *out);
void prf_parts(enum hash_id id, const uint8_t *key, size_t key_len, const struct part *parts,
               size_t count, uint8_t *out);

#endif
