/* The sets `default` and `classic`, and lists of suites; see algorithm.h. */
#include "suites.h"

#include <assert.h>
#include <stdio.h>

/* ---- the sets ---- */

/*
 * What `default` offers, at most 12 (interop Q1). The first is the cheapest of the strong ones;
 * each group that a peer of the last fifteen years may be set to stands there with a cipher and a
 * hash that such a peer knows; SHA-1 last.
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

/* Its number as an authentication algorithm on the wire; 0: none. */
static unsigned authentication_of(const struct esp_suite *s)
{
    return s->hash == NULL ? 0 : s->hash->esp_number;
}

static bool same_on_the_wire(const struct esp_suite *a, const struct esp_suite *b)
{
    return a->cipher == b->cipher && authentication_of(a) == authentication_of(b);
}

int esp_proposals_match(const struct esp_proposals *p, const struct esp_suite *s)
{
    for (size_t i = 0; i < p->count; i++) {
        if (same_on_the_wire(&p->suite[i], s)) {
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

const char *suites_add_ike(struct ike_proposals *p, const struct cipher *cipher,
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

const char *suites_add_esp(struct esp_proposals *p, const struct cipher *cipher,
                           const struct hash *hash)
{
    struct esp_suite s = { cipher, hash };
    if (esp_proposals_find(p, &s) >= 0) {
        return NULL;
    }
    if (esp_proposals_match(p, &s) >= 0) {
        return "sha2_256 and sha2_256_96 have one number, so a peer cannot tell them apart: name "
               "only one of them with a cipher, and not default";
    }
    if (p->count == SUITES_MAX) {
        return too_many;
    }
    p->suite[p->count++] = s;
    return NULL;
}

const char *suites_add_default_ike(struct ike_proposals *p)
{
    const char *why = NULL;
    for (size_t i = 0; why == NULL && i < LENGTH(default_ike); i++) {
        why = suites_add_ike(p, cipher_get(default_ike[i].cipher), hash_get(default_ike[i].hash),
                             group_get(default_ike[i].group));
    }
    return why;
}

/* What `default` accepts beside its offers. */
const char *suites_accept_default_ike(struct ike_proposals *p)
{
    const char *why = NULL;
    for (size_t c = 0; c < LENGTH(default_ciphers); c++) {
        for (size_t h = 0; h < LENGTH(default_hashes); h++) {
            for (size_t g = 0; why == NULL && g < LENGTH(default_groups); g++) {
                why = suites_add_ike(p, cipher_get(default_ciphers[c]),
                                     hash_get(default_hashes[h]), group_get(default_groups[g]));
            }
        }
    }
    return why;
}

const char *suites_add_classic_ike(struct ike_proposals *p)
{
    const char *why = NULL;
    for (size_t g = 0; g < LENGTH(classic_groups); g++) {
        for (size_t h = 0; why == NULL && h < LENGTH(classic_hashes); h++) {
            why = suites_add_ike(p, cipher_get(CIPHER_3DES), hash_get(classic_hashes[h]),
                                 group_get(classic_groups[g]));
        }
    }
    return why;
}

const char *suites_add_default_esp(struct esp_proposals *p)
{
    const char *why = NULL;
    for (size_t i = 0; why == NULL && i < LENGTH(default_esp); i++) {
        const struct hash *hash =
            default_esp[i].hash == NO_HASH ? NULL : hash_get(default_esp[i].hash);
        why = suites_add_esp(p, cipher_get(default_esp[i].cipher), hash);
    }
    return why;
}

const char *suites_add_classic_esp(struct esp_proposals *p)
{
    const char *why = NULL;
    for (size_t h = 0; why == NULL && h < LENGTH(classic_hashes); h++) {
        why = suites_add_esp(p, cipher_get(CIPHER_3DES), hash_get(classic_hashes[h]));
    }
    return why;
}

/* ---- groups ---- */

void suites_add_group(struct group_list *g, const struct group *group)
{
    for (size_t i = 0; i < g->count; i++) {
        if (g->group[i] == group) {
            return;
        }
    }
    assert(g->count < GROUP_COUNT);
    g->group[g->count++] = group;
}

void suites_add_default_groups(struct group_list *g)
{
    for (size_t i = 0; i < LENGTH(default_groups); i++) {
        suites_add_group(g, group_get(default_groups[i]));
    }
}

void suites_add_classic_groups(struct group_list *g)
{
    for (size_t i = 0; i < LENGTH(classic_groups); i++) {
        suites_add_group(g, group_get(classic_groups[i]));
    }
}

/* ---- hashes ---- */

const char *suites_add_hash(struct hash_list *h, const struct hash *hash)
{
    for (size_t i = 0; i < h->count; i++) {
        if (h->hash[i] == hash) {
            return NULL;
        }
        if (h->hash[i]->esp_number == hash->esp_number) {
            return "sha2_256 and sha2_256_96 have one number, so a peer cannot tell them apart: name "
                   "only one of them";
        }
    }
    assert(h->count < HASH_COUNT);
    h->hash[h->count++] = hash;
    return NULL;
}

void suites_add_default_hashes(struct hash_list *h)
{
    for (size_t i = 0; i < LENGTH(default_hashes); i++) {
        (void)suites_add_hash(h, hash_get(default_hashes[i]));
    }
}

void suites_add_classic_hashes(struct hash_list *h)
{
    for (size_t i = 0; i < LENGTH(classic_hashes); i++) {
        (void)suites_add_hash(h, hash_get(classic_hashes[i]));
    }
}

/* ---- texts ---- */

void ike_suite_print(const struct ike_suite *s, char out[SUITE_TEXT])
{
    (void)snprintf(out, SUITE_TEXT, "%s-%s-%s", s->cipher->word, s->hash->word, s->group->word);
}

void esp_suite_print(const struct esp_suite *s, char out[SUITE_TEXT])
{
    (void)snprintf(out, SUITE_TEXT, "%s%s%s", s->cipher->word, s->hash != NULL ? "-" : "",
                   s->hash != NULL ? s->hash->word : "");
}
