/* The texts of --ike, --esp, --ah and --pfsgroup; see algorithm.h. */
#include "suites.h"

#include <string.h>
#include <strings.h>

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
    return "unknown hash; known are md5, sha1, sha2_256, sha2_384, sha2_512, and for ESP sha2_256_96";
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
    if (why == NULL && s->hash->ike_number == 0) {
        why = "this hash is for ESP only";
    }
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

/* Adds what the piece means. *at: of the part that is wrong. Returns NULL or why. */
typedef const char *piece_taker(void *result, const struct piece *piece, const char **at);

static const char *each_piece(const char *text, piece_taker *take, void *result, const char **at)
{
    for (const char *rest = text;; rest++) {
        struct piece piece = next_piece(rest);
        const char *place = piece.at;
        const char *why = take(result, &piece, &place);
        if (why != NULL) {
            if (at != NULL) {
                *at = place;
            }
            return why; /* cppcheck-suppress returnDanglingLifetime ; static, as each taker's */
        }
        rest = piece.end;
        if (*rest == '\0') {
            return NULL;
        }
    }
}

struct ike_text { /* what a text means so far */
    struct ike_proposals p;
    bool with_default;
};

static const char *add_ike(void *result, const struct piece *piece, const char **at)
{
    struct ike_text *text = result;
    struct ike_suite s;
    if (piece_is(piece, "default")) {
        text->with_default = true;
        return suites_add_default_ike(&text->p);
    }
    if (piece_is(piece, "classic")) {
        return suites_add_classic_ike(&text->p);
    }
    const char *why = parse_ike_parts(&s, piece, at);
    if (why != NULL || s.group != NULL) {
        return why != NULL ? why : suites_add_ike(&text->p, s.cipher, s.hash, s.group);
    }
    struct group_list groups = { .count = 0 };
    suites_add_default_groups(&groups);
    for (size_t g = 0; why == NULL && g < groups.count; g++) {
        why = suites_add_ike(&text->p, s.cipher, s.hash, groups.group[g]);
    }
    return why;
}

const char *ike_proposals_parse(struct ike_proposals *p, const char *text, const char **at)
{
    struct ike_text result = { .with_default = false };
    const char *why = each_piece(text, add_ike, &result, at);
    result.p.offered = result.p.count;
    if (why == NULL && result.with_default) {
        why = suites_accept_default_ike(&result.p);
        if (why != NULL && at != NULL) {
            *at = text;
        }
    }
    if (why == NULL) {
        *p = result.p;
    }
    return why;
}

static const char *add_esp(void *result, const struct piece *piece, const char **at)
{
    struct esp_proposals *p = result;
    struct esp_suite s;
    if (piece_is(piece, "default")) {
        return suites_add_default_esp(p);
    }
    if (piece_is(piece, "classic")) {
        return suites_add_classic_esp(p);
    }
    const char *why = parse_esp_parts(&s, piece, at);
    return why != NULL ? why : suites_add_esp(p, s.cipher, s.hash);
}

const char *esp_proposals_parse(struct esp_proposals *p, const char *text, const char **at)
{
    struct esp_proposals result = { .count = 0 };
    const char *why = each_piece(text, add_esp, &result, at);
    if (why == NULL) {
        result.offered = result.count;
        *p = result;
    }
    return why;
}

static const char *add_group(void *result, const struct piece *piece, const char **at)
{
    struct group_list *g = result;
    const struct group *group = NULL;
    (void)at;
    if (piece_is(piece, "default")) {
        suites_add_default_groups(g);
        return NULL;
    }
    if (piece_is(piece, "classic")) {
        suites_add_classic_groups(g);
        return NULL;
    }
    const char *why = parse_group(&group, piece);
    if (why == NULL) {
        suites_add_group(g, group);
    }
    return why;
}

const char *group_list_parse(struct group_list *g, const char *text, const char **at)
{
    struct group_list result = { .count = 0 };
    const char *why = each_piece(text, add_group, &result, at);
    if (why == NULL) {
        *g = result;
    }
    return why;
}

static const char *add_hash(void *result, const struct piece *piece, const char **at)
{
    struct hash_list *h = result;
    (void)at;
    if (piece_is(piece, "default")) {
        suites_add_default_hashes(h);
        return NULL;
    }
    if (piece_is(piece, "classic")) {
        suites_add_classic_hashes(h);
        return NULL;
    }
    const struct hash *hash = NULL;
    const char *why = parse_hash(&hash, piece);
    return why != NULL ? why : suites_add_hash(h, hash);
}

const char *hash_list_parse(struct hash_list *h, const char *text, const char **at)
{
    struct hash_list result = { .count = 0 };
    const char *why = each_piece(text, add_hash, &result, at);
    if (why == NULL) {
        *h = result;
    }
    return why;
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
