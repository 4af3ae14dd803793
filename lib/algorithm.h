/*
 * The one list of algorithms: words, numbers on the wire, key sizes, the kernel's names; and the
 * proposal texts of --ike, --esp, --ah and --pfsgroup [W13] [X2] [X3].
 *
 * Not for: doing any cryptography (secrets and ike-negotiate look their functions up by these
 * entries) and for putting proposals on the wire (ike-negotiate/sa.h).
 */
#ifndef LIB_ALGORITHM_H
#define LIB_ALGORITHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cipher_id { CIPHER_3DES, CIPHER_AES128, CIPHER_AES192, CIPHER_AES256,
                 CIPHER_AES128GCM16, CIPHER_AES192GCM16, CIPHER_AES256GCM16, CIPHER_COUNT };
enum hash_id { HASH_MD5, HASH_SHA1, HASH_SHA2_256, HASH_SHA2_384, HASH_SHA2_512, HASH_SHA2_256_96,
               HASH_COUNT };
enum group_id { GROUP_MODP1024, GROUP_MODP1536, GROUP_MODP2048, GROUP_MODP3072, GROUP_MODP4096,
                GROUP_ECP256, GROUP_ECP384, GROUP_ECP521, GROUP_CURVE25519, GROUP_COUNT };

struct cipher {
    enum cipher_id id;
    const char *word;       /* aes256, 3des, aes256gcm16 */
    uint8_t ike_number;     /* RFC 2409 appendix A; 0: not for ISAKMP */
    uint8_t esp_number;     /* RFC 2407 4.4.4 */
    uint16_t key_bits;      /* for the key length attribute; 0: the cipher has one length only */
    uint8_t key_len;        /* bytes of key, without salt */
    uint8_t salt_len;       /* bytes of KEYMAT after the key: 4 for GCM */
    uint8_t block_len;
    uint8_t icv_len;        /* 16 for GCM; 0: needs a hash beside it */
    bool weak;              /* only when named [X3] */
    const char *xfrm_name;  /* cbc(aes), rfc4106(gcm(aes)), cbc(des3_ede) */
};

struct hash {
    enum hash_id id;
    const char *word;       /* sha2_256 */
    uint8_t ike_number;     /* RFC 2409 appendix A, IANA: 1 MD5, 2 SHA, 4, 5, 6; 0: for ESP only */
    uint8_t esp_number;     /* authentication algorithm, RFC 2407 4.5 */
    uint8_t len;            /* bytes of the digest, and of the HMAC key in ESP */
    uint8_t icv_len;        /* bytes that ESP keeps of the HMAC: 12, 16, 24, 32 */
    bool weak;
    const char *xfrm_name;  /* hmac(sha256) */
};

struct group {
    enum group_id id;
    const char *word;
    uint8_t number;         /* 2 5 14 15 16 19 20 21 31 */
    uint16_t public_len;    /* bytes of the KE payload's body; ECP: x and y (RFC 5903) */
    uint16_t secret_len;    /* bytes of g^xy; ECP: x alone */
    bool weak;
};

/* Tables in the order of their enumerations. */
const struct cipher *cipher_get(enum cipher_id id);
const struct hash *hash_get(enum hash_id id);
const struct group *group_get(enum group_id id);
/* Also by aliases: sha = sha1, sha256 = sha2_256, aes = aes128, x25519 = curve25519. NULL: none. */
const struct cipher *cipher_by_word(const char *word, size_t len);
const struct hash *hash_by_word(const char *word, size_t len);
const struct group *group_by_word(const char *word, size_t len);
/* By the numbers of an ISAKMP transform; key_bits 0: attribute absent (AES: 128, interop Q4). */
const struct cipher *cipher_by_ike(unsigned number, unsigned key_bits);
const struct hash *hash_by_ike(unsigned number);
const struct group *group_by_number(unsigned number);
/* By the numbers of an ESP transform. sha2_256_96 has the number of sha2_256: 5 is the latter. */
const struct cipher *cipher_by_esp(unsigned number, unsigned key_bits);
const struct hash *hash_by_esp(unsigned number);

struct ike_suite {
    const struct cipher *cipher;
    const struct hash *hash;
    const struct group *group;
};

struct esp_suite {
    const struct cipher *cipher;
    const struct hash *hash; /* NULL with an AEAD cipher */
};

#define SUITES_MAX 96
#define SUITE_TEXT 48

/* The first `offered` are what we propose, in order; what follows is accepted as well. */
struct ike_proposals {
    size_t offered;
    size_t count;
    struct ike_suite suite[SUITES_MAX];
};

struct esp_proposals {
    size_t offered;
    size_t count;
    struct esp_suite suite[SUITES_MAX];
};

struct group_list { /* --pfsgroup: the first is proposed */
    size_t count;
    const struct group *group[GROUP_COUNT];
};

struct hash_list { /* --ah */
    size_t count;
    const struct hash *hash[HASH_COUNT];
};

/*
 * Suites with commas between, or `default` or `classic`, which may stand among others. An ISAKMP
 * suite without a group means one for each group of `default`. `default` offers at most 12
 * transforms (interop Q1) and accepts every combination of its algorithms. A repeated suite counts
 * once; one that a peer could not tell from another (sha2_256 and sha2_256_96) is refused. Returns NULL or why (static text), with the place of the fault in *at (may be NULL).
 */
const char *ike_proposals_parse(struct ike_proposals *p, const char *text, const char **at);
const char *esp_proposals_parse(struct esp_proposals *p, const char *text, const char **at);
const char *group_list_parse(struct group_list *g, const char *text, const char **at);
const char *hash_list_parse(struct hash_list *h, const char *text, const char **at);

/* aes256-sha2_256-modp2048; aes256-sha2_256 or aes256gcm16 */
void ike_suite_print(const struct ike_suite *s, char out[SUITE_TEXT]);
void esp_suite_print(const struct esp_suite *s, char out[SUITE_TEXT]);
const char *ike_suite_parse(struct ike_suite *s, const char *text);    /* exactly one */
const char *esp_suite_parse(struct esp_suite *s, const char *text);

bool ike_suite_equal(const struct ike_suite *a, const struct ike_suite *b);
bool esp_suite_equal(const struct esp_suite *a, const struct esp_suite *b);
/* Place in the list, or -1. */
int ike_proposals_find(const struct ike_proposals *p, const struct ike_suite *s);
int esp_proposals_find(const struct esp_proposals *p, const struct esp_suite *s);
/* Place of the one that has the same numbers on the wire, or -1: what a peer's transform means here. */
int esp_proposals_match(const struct esp_proposals *p, const struct esp_suite *s);
/* Is one of its parts only used when named? */
bool ike_suite_weak(const struct ike_suite *s);
bool esp_suite_weak(const struct esp_suite *s);

#endif
