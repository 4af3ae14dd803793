/* The texts of --ike, --esp and --pfsgroup; see algorithm.h. */
#include "algorithm.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- the sets ---- */

/*
 * What `default` offers, at most 12 (interop Q1). The first is the cheapest of the strong ones; each
 * group that a peer of the last fifteen years may be set to stands there with a cipher and a hash
 * that such a peer knows; SHA-1 last.
 */
static const struct {
    enum cipher_id cipher;
    enum hash_id hash;
    enum group_id group;
} default_ike[] = {
    { CIPHER_AES256, HASH_SHA2_256, GROUP_CURVE25519 },
    { CIPHER_AES256, HASH_SHA2_256, GROUP_ECP256 },
    { CIPHER_AES256, HASH_SHA2_384, GROUP_ECP384 },
    { CIPHER_AES256, HASH_SHA2_256, GROUP_MODP3072 },
    { CIPHER_AES256, HASH_SHA2_512, GROUP_MODP4096 },
    { CIPHER_AES256, HASH_SHA2_256, GROUP_MODP2048 },
    { CIPHER_AES128, HASH_SHA2_256, GROUP_CURVE25519 },
    { CIPHER_AES128, HASH_SHA2_256, GROUP_ECP256 },
    { CIPHER_AES128, HASH_SHA2_256, GROUP_MODP3072 },
    { CIPHER_AES128, HASH_SHA2_256, GROUP_MODP2048 },
    { CIPHER_AES256, HASH_SHA1, GROUP_MODP2048 },
    { CIPHER_AES128, HASH_SHA1, GROUP_MODP2048 },
};
_Static_assert(sizeof default_ike / sizeof default_ike[0] <= 12, "interop Q1");

static const enum cipher_id default_ciphers[] = { CIPHER_AES256, CIPHER_AES128 };
static const enum hash_id default_hashes[] = { HASH_SHA2_256, HASH_SHA2_384, HASH_SHA2_512,
                                               HASH_SHA1 };
static const enum group_id default_groups[] = { GROUP_CURVE25519, GROUP_ECP256, GROUP_MODP2048,
                                                GROUP_MODP3072, GROUP_MODP4096, GROUP_ECP384,
                                                GROUP_ECP521 };

#define NO_HASH HASH_COUNT

static const struct {
    enum cipher_id cipher;
    enum hash_id hash;
} default_esp[] = {
    { CIPHER_AES256GCM16, NO_HASH },
    { CIPHER_AES128GCM16, NO_HASH },
    { CIPHER_AES256, HASH_SHA2_256 },
    { CIPHER_AES128, HASH_SHA2_256 },
    { CIPHER_AES256, HASH_SHA2_512 },
    { CIPHER_AES128, HASH_SHA2_512 },
    { CIPHER_AES256, HASH_SHA1 },
    { CIPHER_AES128, HASH_SHA1 },
};
_Static_assert(sizeof default_esp / sizeof default_esp[0] <= 12, "interop Q1");

/* [X2]; the order in which the original proposed them. */
static const enum hash_id classic_hashes[] = { HASH_MD5, HASH_SHA1 };
static const enum group_id classic_groups[] = { GROUP_MODP1536, GROUP_MODP1024 };

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static const char too_many[] = "too many proposals (at most 96)";

/* ---- lists ---- */

bool ike_suite_equal(const struct ike_suite *a, const struct ike_suite *b)
{
    return a->cipher == b->cipher && a->hash == b->hash && a->group == b->group;
}

bool esp_suite_equal(const struct esp_suite *a, const struct esp_suite *b)
{
    return a->cipher == b->cipher && a->hash == b->hash;
}

int ike_proposals_find(const struct ike_proposals *p, const struct ike_suite *s)
{
    for (size_t i = 0; i < p->count; i++) {
        if (ike_suite_equal(&p->suite[i], s)) {
            return (int)i;
        }
    }
    return -1;
}

int esp_proposals_find(const struct esp_proposals *p, const struct esp_suite *s)
{
    for (size_t i = 0; i < p->count; i++) {
        if (esp_suite_equal(&p->suite[i], s)) {
            return (int)i;
        }
    }
    return -1;
}

bool ike_suite_weak(const struct ike_suite *s)
{
    return s->cipher->weak || s->hash->weak || s->group->weak;
}

bool esp_suite_weak(const struct esp_suite *s)
{
    return s->cipher->weak || (s->hash != NULL && s->hash->weak);
}

static const char *add_ike(struct ike_proposals *p, const struct cipher *cipher,
                           const struct hash *hash, const struct group *group)
{
    struct ike_suite s = { cipher, hash, group };
    if (ike_proposals_find(p, &s) >= 0) {
        return NULL;
    }
    if (p->count == SUITES_MAX) {
        return too_many;
    }
    p->suite[p->count++] = s;
    return NULL;
}

static const char *add_esp(struct esp_proposals *p, const struct cipher *cipher,
                           const struct hash *hash)
{
    struct esp_suite s = { cipher, hash };
    if (esp_proposals_find(p, &s) >= 0) {
        return NULL;
    }
    if (p->count == SUITES_MAX) {
        return too_many;
    }
    p->suite[p->count++] = s;
    return NULL;
}

static const char *add_default_ike(struct ike_proposals *p)
{
    const char *why = NULL;
    for (size_t i = 0; why == NULL && i < LENGTH(default_ike); i++) {
        why = add_ike(p, cipher_get(default_ike[i].cipher), hash_get(default_ike[i].hash),
                      group_get(default_ike[i].group));
    }
    return why;
}

/* What `default` accepts beside its offers. */
static const char *accept_default_ike(struct ike_proposals *p)
{
    const char *why = NULL;
    for (size_t c = 0; c < LENGTH(default_ciphers); c++) {
        for (size_t h = 0; h < LENGTH(default_hashes); h++) {
            for (size_t g = 0; why == NULL && g < LENGTH(default_groups); g++) {
                why = add_ike(p, cipher_get(default_ciphers[c]), hash_get(default_hashes[h]),
                              group_get(default_groups[g]));
            }
        }
    }
    return why;
}

static const char *add_classic_ike(struct ike_proposals *p)
{
    const char *why = NULL;
    for (size_t g = 0; g < LENGTH(classic_groups); g++) {
        for (size_t h = 0; why == NULL && h < LENGTH(classic_hashes); h++) {
            why = add_ike(p, cipher_get(CIPHER_3DES), hash_get(classic_hashes[h]),
                          group_get(classic_groups[g]));
        }
    }
    return why;
}

static const char *add_default_esp(struct esp_proposals *p)
{
    const char *why = NULL;
    for (size_t i = 0; why == NULL && i < LENGTH(default_esp); i++) {
        why = add_esp(p, cipher_get(default_esp[i].cipher),
                      default_esp[i].hash == NO_HASH ? NULL : hash_get(default_esp[i].hash));
    }
    return why;
}

static const char *add_classic_esp(struct esp_proposals *p)
{
    const char *why = NULL;
    for (size_t h = 0; why == NULL && h < LENGTH(classic_hashes); h++) {
        why = add_esp(p, cipher_get(CIPHER_3DES), hash_get(classic_hashes[h]));
    }
    return why;
}

/* ---- one suite ---- */

/* A piece of the text: `end` is its first byte that does not belong to it. */
struct piece {
    const char *at;
    const char *end;
};

static size_t piece_len(const struct piece *p)
{
    return (size_t)(p->end - p->at);
}

static bool piece_is(const struct piece *p, const char *word)
{
    return strlen(word) == piece_len(p) && strncasecmp(p->at, word, piece_len(p)) == 0;
}

#define PARTS_MAX 3

/* Splits at '-'; returns the number of parts, PARTS_MAX + 1 if there are more. */
static size_t split(const struct piece *suite, struct piece parts[PARTS_MAX])
{
    size_t count = 0;
    const char *at = suite->at;
    for (;;) {
        const char *dash = memchr(at, '-', (size_t)(suite->end - at));
        const char *end = dash != NULL ? dash : suite->end;
        if (count == PARTS_MAX) {
            return PARTS_MAX + 1;
        }
        parts[count++] = (struct piece){ at, end };
        if (dash == NULL) {
            return count;
        }
        at = dash + 1;
    }
}

static const char *parse_cipher(const struct cipher **cipher, const struct piece *p)
{
    *cipher = cipher_by_word(p->at, piece_len(p));
    if (*cipher != NULL) {
        return NULL;
    }
    if (piece_is(p, "des")) {
        return "DES is never used, not even when named: its keys can be searched; use aes128";
    }
    if (piece_is(p, "null")) {
        return "null encryption is not for --encrypt";
    }
    return "unknown cipher; known are 3des, aes128, aes192, aes256, and for ESP aes128gcm16, "
           "aes192gcm16, aes256gcm16";
}

static const char *parse_hash(const struct hash **hash, const struct piece *p)
{
    *hash = hash_by_word(p->at, piece_len(p));
    if (*hash != NULL) {
        return NULL;
    }
    if (piece_is(p, "sha2_256_96")) {
        return "sha2_256_96 (cut to 96 bits) is not supported yet; sha2_256 keeps 128 bits";
    }
    return "unknown hash; known are md5, sha1, sha2_256, sha2_384, sha2_512";
}

static const char *parse_group(const struct group **group, const struct piece *p)
{
    *group = group_by_word(p->at, piece_len(p));
    if (*group != NULL) {
        return NULL;
    }
    if (piece_is(p, "modp768")) {
        return "MODP768 is never used, not even when named: it can be broken; use modp2048";
    }
    return "unknown group; known are modp1024, modp1536, modp2048, modp3072, modp4096, ecp256, "
           "ecp384, ecp521, curve25519";
}

/* group NULL: the text names none */
static const char *parse_ike_parts(struct ike_suite *s, const struct piece *suite,
                                   const char **at)
{
    struct piece part[PARTS_MAX];
    size_t count = split(suite, part);
    const char *why = NULL;

    *at = part[0].at;
    *s = (struct ike_suite){ NULL, NULL, NULL };
    why = parse_cipher(&s->cipher, &part[0]);
    if (why != NULL) {
        return why;
    }
    if (s->cipher->ike_number == 0) {
        return "this cipher is for ESP only";
    }
    if (count < 2 || count > PARTS_MAX) {
        return "an ISAKMP proposal is written CIPHER-HASH-GROUP, as in aes256-sha2_256-modp2048";
    }
    *at = part[1].at;
    why = parse_hash(&s->hash, &part[1]);
    if (why != NULL || count == 2) {
        return why;
    }
    *at = part[2].at;
    return parse_group(&s->group, &part[2]);
}

static const char *parse_esp_parts(struct esp_suite *s, const struct piece *suite,
                                   const char **at)
{
    struct piece part[PARTS_MAX];
    size_t count = split(suite, part);
    const char *why = NULL;

    *at = part[0].at;
    *s = (struct esp_suite){ NULL, NULL };
    why = parse_cipher(&s->cipher, &part[0]);
    if (why != NULL) {
        return why;
    }
    if (count > 2) {
        *at = part[2].at;
        return "an ESP proposal names no group (that is --pfsgroup)";
    }
    if (s->cipher->icv_len != 0) {
        *at = count > 1 ? part[1].at : part[0].at;
        return count > 1 ? "this cipher authenticates by itself and takes no hash" : NULL;
    }
    if (count < 2) {
        return "an ESP proposal is written CIPHER-HASH, as in aes256-sha2_256, or aes256gcm16";
    }
    *at = part[1].at;
    return parse_hash(&s->hash, &part[1]);
}

/* ---- whole texts ---- */

static struct piece next_piece(const char *text)
{
    return (struct piece){ text, text + strcspn(text, ",") };
}

static const char *add_ike_text(struct ike_proposals *p, const struct piece *piece,
                                const char **at)
{
    struct ike_suite s;
    const char *why = parse_ike_parts(&s, piece, at);
    if (why != NULL || s.group != NULL) {
        return why != NULL ? why : add_ike(p, s.cipher, s.hash, s.group);
    }
    for (size_t g = 0; why == NULL && g < LENGTH(default_groups); g++) {
        why = add_ike(p, s.cipher, s.hash, group_get(default_groups[g]));
    }
    return why;
}

const char *ike_proposals_parse(struct ike_proposals *p, const char *text, const char **at)
{
    struct ike_proposals result = { .count = 0 };
    bool with_default = false;
    const char *place = text;

    for (const char *rest = text;; rest++) {
        struct piece piece = next_piece(rest);
        const char *why = NULL;
        place = piece.at;
        if (piece_is(&piece, "default")) {
            with_default = true;
            why = add_default_ike(&result);
        } else if (piece_is(&piece, "classic")) {
            why = add_classic_ike(&result);
        } else {
            why = add_ike_text(&result, &piece, &place);
        }
        result.offered = result.count;
        rest = piece.end;
        if (why == NULL && *rest == '\0' && with_default) {
            why = accept_default_ike(&result);
        }
        if (why != NULL) {
            if (at != NULL) {
                *at = place;
            }
            return why;
        }
        if (*rest == '\0') {
            break;
        }
    }
    *p = result;
    return NULL;
}

const char *esp_proposals_parse(struct esp_proposals *p, const char *text, const char **at)
{
    struct esp_proposals result = { .count = 0 };

    for (const char *rest = text;; rest++) {
        struct piece piece = next_piece(rest);
        struct esp_suite s;
        const char *why = NULL;
        const char *place = piece.at;
        if (piece_is(&piece, "default")) {
            why = add_default_esp(&result);
        } else if (piece_is(&piece, "classic")) {
            why = add_classic_esp(&result);
        } else {
            why = parse_esp_parts(&s, &piece, &place);
            why = why != NULL ? why : add_esp(&result, s.cipher, s.hash);
        }
        if (why != NULL) {
            if (at != NULL) {
                *at = place;
            }
            return why;
        }
        rest = piece.end;
        if (*rest == '\0') {
            break;
        }
    }
    result.offered = result.count;
    *p = result;
    return NULL;
}

static void add_group(struct group_list *g, const struct group *group)
{
    for (size_t i = 0; i < g->count; i++) {
        if (g->group[i] == group) {
            return;
        }
    }
    assert(g->count < GROUP_COUNT);
    g->group[g->count++] = group;
}

const char *group_list_parse(struct group_list *g, const char *text, const char **at)
{
    struct group_list result = { .count = 0 };

    for (const char *rest = text;; rest++) {
        struct piece piece = next_piece(rest);
        const struct group *group = NULL;
        if (piece_is(&piece, "default")) {
            for (size_t i = 0; i < LENGTH(default_groups); i++) {
                add_group(&result, group_get(default_groups[i]));
            }
        } else if (piece_is(&piece, "classic")) {
            for (size_t i = 0; i < LENGTH(classic_groups); i++) {
                add_group(&result, group_get(classic_groups[i]));
            }
        } else {
            const char *why = parse_group(&group, &piece);
            if (why != NULL) {
                if (at != NULL) {
                    *at = piece.at;
                }
                return why;
            }
            add_group(&result, group);
        }
        rest = piece.end;
        if (*rest == '\0') {
            break;
        }
    }
    *g = result;
    return NULL;
}

const char *ike_suite_parse(struct ike_suite *s, const char *text)
{
    struct piece piece = { text, text + strlen(text) };
    struct ike_suite result;
    const char *at = NULL;
    const char *why = parse_ike_parts(&result, &piece, &at);
    if (why == NULL && result.group == NULL) {
        why = "the group is missing, as in aes256-sha2_256-modp2048";
    }
    if (why == NULL) {
        *s = result;
    }
    return why;
}

const char *esp_suite_parse(struct esp_suite *s, const char *text)
{
    struct piece piece = { text, text + strlen(text) };
    struct esp_suite result;
    const char *at = NULL;
    const char *why = parse_esp_parts(&result, &piece, &at);
    if (why == NULL) {
        *s = result;
    }
    return why;
}

void ike_suite_print(const struct ike_suite *s, char out[SUITE_TEXT])
{
    (void)snprintf(out, SUITE_TEXT, "%s-%s-%s", s->cipher->word, s->hash->word, s->group->word);
}

void esp_suite_print(const struct esp_suite *s, char out[SUITE_TEXT])
{
    (void)snprintf(out, SUITE_TEXT, "%s%s%s", s->cipher->word, s->hash != NULL ? "-" : "",
                   s->hash != NULL ? s->hash->word : "");
}
