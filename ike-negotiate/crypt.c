#include "crypt.h"

#include <bsd/sys/endian.h>
#include <nettle/aes.h>
#include <nettle/cbc.h>
#include <nettle/des.h>
#include <string.h>

/* Appendix B: SKEYID_e itself, or K1 | K2 | ... with K1 = prf(SKEYID_e, 0), Kn+1 = prf(SKEYID_e, Kn). */
static void expand_key(struct isakmp_keys *k, const uint8_t *skeyid_e)
{
    static const uint8_t zero = 0;
    uint8_t block[HASH_MAX];
    size_t want = k->cipher->key_len;
    size_t have = 0;

    if (want <= k->hash->len) {
        memcpy(k->key, skeyid_e, want);
        return;
    }
    prf_parts(k->hash->id, skeyid_e, k->hash->len, &(struct part){ &zero, 1 }, 1, block);
    for (;;) {
        size_t take = want - have < k->hash->len ? want - have : k->hash->len;
        memcpy(k->key + have, block, take);
        have += take;
        if (have == want) {
            break;
        }
        uint8_t next[HASH_MAX];
        prf_parts(k->hash->id, skeyid_e, k->hash->len, &(struct part){ block, k->hash->len }, 1,
                  next);
        memcpy(block, next, sizeof block);
        explicit_bzero(next, sizeof next);
    }
    explicit_bzero(block, sizeof block);
}

void isakmp_keys_make(struct isakmp_keys *k, const struct ike_suite *suite,
                      const uint8_t *skeyid_a, const uint8_t *skeyid_e)
{
    k->cipher = suite->cipher;
    k->hash = suite->hash;
    memcpy(k->skeyid_a, skeyid_a, k->hash->len);
    expand_key(k, skeyid_e);
}

void isakmp_keys_wipe(struct isakmp_keys *k)
{
    explicit_bzero(k, sizeof *k);
}

void iv_phase1(const struct ike_suite *suite, const struct part *g_xi, const struct part *g_xr,
               uint8_t iv[IV_MAX])
{
    const struct part parts[] = { *g_xi, *g_xr };
    uint8_t digest[HASH_MAX];
    hash_parts(suite->hash->id, parts, 2, digest);
    memcpy(iv, digest, IV_MAX); /* the shortest hash has 16 bytes */
}


void iv_phase2(const struct isakmp_keys *k, const uint8_t last_block[IV_MAX], uint32_t message_id,
               uint8_t iv[IV_MAX])
{
    uint8_t m_id[4];
    const struct part parts[] = { { last_block, k->cipher->block_len }, { m_id, sizeof m_id } };
    uint8_t digest[HASH_MAX];
    be32enc(m_id, message_id);
    hash_parts(k->hash->id, parts, 2, digest);
    memcpy(iv, digest, IV_MAX);
}

static void crypt_aes(const struct isakmp_keys *k, bool encrypt, uint8_t *iv, uint8_t *bytes,
                      size_t len)
{
    union {
        struct aes128_ctx aes128;
        struct aes192_ctx aes192;
        struct aes256_ctx aes256;
    } c;
    nettle_cipher_func *f;

    if (k->cipher->key_len == AES128_KEY_SIZE) {
        (encrypt ? aes128_set_encrypt_key : aes128_set_decrypt_key)(&c.aes128, k->key);
        f = (nettle_cipher_func *)(encrypt ? aes128_encrypt : aes128_decrypt);
    } else if (k->cipher->key_len == AES192_KEY_SIZE) {
        (encrypt ? aes192_set_encrypt_key : aes192_set_decrypt_key)(&c.aes192, k->key);
        f = (nettle_cipher_func *)(encrypt ? aes192_encrypt : aes192_decrypt);
    } else {
        (encrypt ? aes256_set_encrypt_key : aes256_set_decrypt_key)(&c.aes256, k->key);
        f = (nettle_cipher_func *)(encrypt ? aes256_encrypt : aes256_decrypt);
    }
    (encrypt ? cbc_encrypt : cbc_decrypt)(&c, f, AES_BLOCK_SIZE, iv, len, bytes, bytes);
    explicit_bzero(&c, sizeof c);
}

static void crypt_3des(const struct isakmp_keys *k, bool encrypt, uint8_t *iv, uint8_t *bytes,
                       size_t len)
{
    struct des3_ctx c;
    /* 0 only says that the key is weak; a derived key is used as it came, as every peer does. */
    (void)des3_set_key(&c, k->key);
    (encrypt ? cbc_encrypt : cbc_decrypt)(
        &c, (nettle_cipher_func *)(encrypt ? des3_encrypt : des3_decrypt), DES3_BLOCK_SIZE, iv, len,
        bytes, bytes);
    explicit_bzero(&c, sizeof c);
}

static void crypt_cbc(const struct isakmp_keys *k, bool encrypt, uint8_t *iv, uint8_t *bytes,
                      size_t len)
{
    if (k->cipher->id == CIPHER_3DES) {
        crypt_3des(k, encrypt, iv, bytes, len);
    } else {
        crypt_aes(k, encrypt, iv, bytes, len);
    }
}

void isakmp_encrypt(const struct isakmp_keys *k, uint8_t iv[IV_MAX], uint8_t *bytes, size_t len)
{
    crypt_cbc(k, true, iv, bytes, len);
}

void isakmp_decrypt(const struct isakmp_keys *k, uint8_t iv[IV_MAX], uint8_t *bytes, size_t len)
{
    crypt_cbc(k, false, iv, bytes, len);
}

void isakmp_hash(const struct isakmp_keys *k, const struct part *parts, size_t count,
                 uint8_t out[HASH_MAX])
{
    prf_parts(k->hash->id, k->skeyid_a, k->hash->len, parts, count, out);
}
