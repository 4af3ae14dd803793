#include "derive.h"

#include <assert.h>
#include <string.h>

#define PARTS(list) (list), sizeof(list) / sizeof((list)[0])

/* SKEYID_d, _a, _e: each covers the one before, g^xy, the cookies and its number. */
static void derive_children(struct skeyids *s, const struct phase1_values *v)
{
    const size_t len = hash_get(v->hash)->len;
    uint8_t *const child[3] = { s->d, s->a, s->e };

    for (uint8_t number = 0; number < 3; number++) {
        struct part before = { .bytes = number == 0 ? NULL : child[number - 1],
                               .len = number == 0 ? 0 : len };
        const struct part parts[] = { before, v->g_xy, v->cky_i, v->cky_r, { &number, 1 } };
        prf_parts(v->hash, s->skeyid, len, PARTS(parts), child[number]);
    }
}

void derive_skeyid_psk(struct skeyids *s, const struct phase1_values *v, struct part psk)
{
    const struct part nonces[] = { v->ni_b, v->nr_b };
    prf_parts(v->hash, psk.bytes, psk.len, PARTS(nonces), s->skeyid);
    derive_children(s, v);
}

void derive_skeyid_signature(struct skeyids *s, const struct phase1_values *v)
{
    uint8_t nonces[2 * NONCE_MAX];
    assert(v->ni_b.len <= NONCE_MAX && v->nr_b.len <= NONCE_MAX);
    memcpy(nonces, v->ni_b.bytes, v->ni_b.len);
    memcpy(nonces + v->ni_b.len, v->nr_b.bytes, v->nr_b.len);
    prf_parts(v->hash, nonces, v->ni_b.len + v->nr_b.len, &v->g_xy, 1, s->skeyid);
    derive_children(s, v);
}

void derive_hash(uint8_t hash[HASH_MAX], const struct phase1_values *v, const uint8_t *skeyid,
                 bool of_initiator, struct part id_b)
{
    const struct part parts[] = {
        of_initiator ? v->g_xi : v->g_xr,   of_initiator ? v->g_xr : v->g_xi,
        of_initiator ? v->cky_i : v->cky_r, of_initiator ? v->cky_r : v->cky_i,
        v->sai_b, id_b,
    };
    prf_parts(v->hash, skeyid, hash_get(v->hash)->len, PARTS(parts), hash);
}

void derive_keymat(uint8_t *keymat, size_t len, const struct phase2_values *v,
                   const uint8_t spi[4])
{
    const size_t block_len = hash_get(v->hash)->len;
    uint8_t block[HASH_MAX];
    struct part before = { block, 0 }; /* K1 has none */

    assert(len <= KEYMAT_MAX);
    for (size_t done = 0; done < len;) {
        const struct part parts[] = { before, v->g_xy, { &v->protocol, 1 }, { spi, 4 }, v->ni_b,
                                      v->nr_b };
        prf_parts(v->hash, v->skeyid_d.bytes, v->skeyid_d.len, PARTS(parts), block);
        before.len = block_len;
        size_t take = len - done < block_len ? len - done : block_len;
        memcpy(keymat + done, block, take);
        done += take;
    }
    explicit_bzero(block, sizeof block);
}
