/*
 * What RFC 2409 derives from shared secrets: SKEYID and its three children, HASH_I and HASH_R,
 * KEYMAT. Pure functions over bytes; every output is a secret, which the caller wipes.
 *
 * Not for: who may have which key, and when (phase1.c, phase2.c); drawing or agreeing on anything
 * (dh.h).
 */
#ifndef SECRETS_DERIVE_H
#define SECRETS_DERIVE_H

#include "algorithm.h"
#include "bounds.h"
#include "prf.h"

#include <stdbool.h>

struct skeyids { /* each hash_get(hash)->len bytes (RFC 2409, 5) */
    uint8_t skeyid[HASH_MAX];
    uint8_t d[HASH_MAX];
    uint8_t a[HASH_MAX];
    uint8_t e[HASH_MAX];
};

/* What SKEYID* and the HASHes are made of. All borrowed. */
struct phase1_values {
    enum hash_id hash;
    struct part ni_b;  /* nonces without generic header */
    struct part nr_b;
    struct part g_xi;  /* public values, as in the KE payloads */
    struct part g_xr;
    struct part g_xy;  /* not needed for HASH_I, HASH_R */
    struct part cky_i; /* COOKIE_LEN bytes each */
    struct part cky_r;
    struct part sai_b; /* body of the initiator's SA payload; not needed for SKEYID* */
};

/* SKEYID = prf(pre-shared-key, Ni_b | Nr_b) */
void derive_skeyid_psk(struct skeyids *s, const struct phase1_values *v, struct part psk);
/* SKEYID = prf(Ni_b | Nr_b, g^xy) */
void derive_skeyid_signature(struct skeyids *s, const struct phase1_values *v);

/*
 * HASH_I = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b), and HASH_R with both pairs
 * the other way round and IDir_b. id_b: body of the ID payload of whose HASH it is.
 */
void derive_hash(uint8_t hash[HASH_MAX], const struct phase1_values *v, const uint8_t *skeyid,
                 bool of_initiator, struct part id_b);

#define KEYMAT_MAX (32 + 4 + HASH_MAX) /* AES-256 with salt, and the longest HMAC key */

struct phase2_values {
    enum hash_id hash;  /* prf of the ISAKMP SA */
    struct part skeyid_d;
    struct part g_xy;   /* g(qm)^xy; len 0: without PFS */
    uint8_t protocol;   /* 3: ESP (RFC 2407, 4.4.1) */
    struct part ni_b;
    struct part nr_b;
};

/*
 * KEYMAT for the SA with this SPI (RFC 2409, 5.5): prf(SKEYID_d, [g(qm)^xy |] protocol | SPI |
 * Ni_b | Nr_b), expanded as K1 | K2 | ... where it is too short. len <= KEYMAT_MAX.
 */
void derive_keymat(uint8_t *keymat, size_t len, const struct phase2_values *v,
                   const uint8_t spi[4]);

#endif
