#include "algorithm.h"

#include <string.h>
#include <strings.h>

static const struct cipher ciphers[CIPHER_COUNT] = {
    [CIPHER_3DES] = { CIPHER_3DES, "3des", .ike_number = 5, .esp_number = 3, .key_len = 24,
                      .block_len = 8, .weak = true, .xfrm_name = "cbc(des3_ede)" },
#define AES_CBC(bits) \
    [CIPHER_AES##bits] = { CIPHER_AES##bits, "aes" #bits, .ike_number = 7, .esp_number = 12, \
                           .key_bits = (bits), .key_len = (bits) / 8, .block_len = 16, \
                           .xfrm_name = "cbc(aes)" }
    AES_CBC(128),
    AES_CBC(192),
    AES_CBC(256),
#undef AES_CBC
/* RFC 4106, 8.4: the key length attribute does not count the salt. */
#define AES_GCM16(bits) \
    [CIPHER_AES##bits##GCM16] = { CIPHER_AES##bits##GCM16, "aes" #bits "gcm16", .esp_number = 20, \
                                  .key_bits = (bits), .key_len = (bits) / 8, .salt_len = 4, \
                                  .block_len = 4, .icv_len = 16, \
                                  .xfrm_name = "rfc4106(gcm(aes))" }
    AES_GCM16(128),
    AES_GCM16(192),
    AES_GCM16(256),
#undef AES_GCM16
};

static const struct hash hashes[HASH_COUNT] = {
    [HASH_MD5] = { HASH_MD5, "md5", 1, 1, 16, 12, true, "hmac(md5)" },
    [HASH_SHA1] = { HASH_SHA1, "sha1", 2, 2, 20, 12, false, "hmac(sha1)" },
    [HASH_SHA2_256] = { HASH_SHA2_256, "sha2_256", 4, 5, 32, 16, false, "hmac(sha256)" },
    [HASH_SHA2_384] = { HASH_SHA2_384, "sha2_384", 5, 6, 48, 24, false, "hmac(sha384)" },
    [HASH_SHA2_512] = { HASH_SHA2_512, "sha2_512", 6, 7, 64, 32, false, "hmac(sha512)" },
    /* draft-ietf-ipsec-ciph-sha-256-00, before RFC 4868: the same number, but cut (interop Q12). */
    [HASH_SHA2_256_96] = { HASH_SHA2_256_96, "sha2_256_96", 0, 5, 32, 12, false, "hmac(sha256)" },
};

static const struct group groups[GROUP_COUNT] = {
    [GROUP_MODP1024] = { GROUP_MODP1024, "modp1024", 2, 128, 128, true },
    [GROUP_MODP1536] = { GROUP_MODP1536, "modp1536", 5, 192, 192, true },
    [GROUP_MODP2048] = { GROUP_MODP2048, "modp2048", 14, 256, 256, false },
    [GROUP_MODP3072] = { GROUP_MODP3072, "modp3072", 15, 384, 384, false },
    [GROUP_MODP4096] = { GROUP_MODP4096, "modp4096", 16, 512, 512, false },
    [GROUP_ECP256] = { GROUP_ECP256, "ecp256", 19, 64, 32, false },
    [GROUP_ECP384] = { GROUP_ECP384, "ecp384", 20, 96, 48, false },
    [GROUP_ECP521] = { GROUP_ECP521, "ecp521", 21, 132, 66, false },
    [GROUP_CURVE25519] = { GROUP_CURVE25519, "curve25519", 31, 32, 32, false },
};

static const struct alias {
    const char *word;
    const char *means;
} aliases[] = {
    { "aes", "aes128" },
    { "aes128gcm", "aes128gcm16" },
    { "aes192gcm", "aes192gcm16" },
    { "aes256gcm", "aes256gcm16" },
    { "sha", "sha1" },
    { "sha256", "sha2_256" },
    { "sha256_96", "sha2_256_96" },
    { "sha384", "sha2_384" },
    { "sha512", "sha2_512" },
    { "x25519", "curve25519" },
};

const struct cipher *cipher_get(enum cipher_id id)
{
    return &ciphers[id];
}

const struct hash *hash_get(enum hash_id id)
{
    return &hashes[id];
}

const struct group *group_get(enum group_id id)
{
    return &groups[id];
}

/* ---- by word ---- */

static bool is_word(const char *word, const char *text, size_t len)
{
    return strlen(word) == len && strncasecmp(word, text, len) == 0;
}

static const char *resolve(const char *text, size_t *len)
{
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (is_word(aliases[i].word, text, *len)) {
            *len = strlen(aliases[i].means);
            return aliases[i].means;
        }
    }
    return text;
}

const struct cipher *cipher_by_word(const char *word, size_t len)
{
    word = resolve(word, &len);
    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        if (is_word(ciphers[i].word, word, len)) {
            return &ciphers[i];
        }
    }
    return NULL;
}

const struct hash *hash_by_word(const char *word, size_t len)
{
    word = resolve(word, &len);
    for (size_t i = 0; i < HASH_COUNT; i++) {
        if (is_word(hashes[i].word, word, len)) {
            return &hashes[i];
        }
    }
    return NULL;
}

const struct group *group_by_word(const char *word, size_t len)
{
    word = resolve(word, &len);
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        if (is_word(groups[i].word, word, len)) {
            return &groups[i];
        }
    }
    return NULL;
}

/* ---- by number ---- */

/* Absent with a cipher of several lengths means 128 bits to those who leave it out (interop Q4). */
static bool length_fits(const struct cipher *c, unsigned key_bits)
{
    return c->key_bits == 0 ? key_bits == 0 : c->key_bits == (key_bits == 0 ? 128 : key_bits);
}

const struct cipher *cipher_by_ike(unsigned number, unsigned key_bits)
{
    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        if (ciphers[i].ike_number != 0 && ciphers[i].ike_number == number &&
            length_fits(&ciphers[i], key_bits)) {
            return &ciphers[i];
        }
    }
    return NULL;
}

const struct cipher *cipher_by_esp(unsigned number, unsigned key_bits)
{
    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        if (ciphers[i].esp_number == number && length_fits(&ciphers[i], key_bits)) {
            return &ciphers[i];
        }
    }
    return NULL;
}

const struct hash *hash_by_ike(unsigned number)
{
    for (size_t i = 0; i < HASH_COUNT; i++) {
        if (hashes[i].ike_number != 0 && hashes[i].ike_number == number) {
            return &hashes[i];
        }
    }
    return NULL;
}

const struct hash *hash_by_esp(unsigned number)
{
    for (size_t i = 0; i < HASH_COUNT; i++) {
        if (hashes[i].esp_number == number) {
            return &hashes[i];
        }
    }
    return NULL;
}

const struct group *group_by_number(unsigned number)
{
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        if (groups[i].number == number) {
            return &groups[i];
        }
    }
    return NULL;
}
