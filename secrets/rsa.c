#include "rsa_inside.h"

#include <nettle/memops.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_OVERHEAD 11u /* RFC 2313, 8.1: 00 01, at least eight FF, 00 */

#define NUMBER_MAX ((size_t)2 * RSA_SIGNATURE_MAX) /* bytes of a number that is looked at: zeros may stand before it */

static const char no_memory[] = "out of memory";
static const char too_large[] = "a number of the RSA key has more than 8192 bits";

const char *const rsa_number_names[RSA_NUMBERS] = {
    [RSA_MODULUS] = OSSL_PKEY_PARAM_RSA_N,
    [RSA_PUBLIC_EXPONENT] = OSSL_PKEY_PARAM_RSA_E,
    [RSA_PRIVATE_EXPONENT] = OSSL_PKEY_PARAM_RSA_D,
    [RSA_PRIME_1] = OSSL_PKEY_PARAM_RSA_FACTOR1,
    [RSA_PRIME_2] = OSSL_PKEY_PARAM_RSA_FACTOR2,
    [RSA_EXPONENT_1] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
    [RSA_EXPONENT_2] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
    [RSA_COEFFICIENT] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

struct rsa_key {
    struct rsa_public public; /* points into public_bytes */
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *signing;    /* made once: each making would look up algorithms by name */
    BN_MONT_CTX *modulus;     /* to check our signatures with; made once: of a check it would be a quarter */
    uint8_t public_bytes[RSA_PUBLIC_MAX];
};

/* ---- the block, and the public operation ---- */

const char *rsa_holds(size_t modulus_len, size_t len)
{
    return modulus_len > RSA_SIGNATURE_MAX || modulus_len < BLOCK_OVERHEAD || len > modulus_len - BLOCK_OVERHEAD
               ? "the RSA key is too small for this hash: use a larger key, or a shorter hash in --ike" : NULL;
}

/* 00 01 FF ... FF 00 HASH. NULL or why. */
static const char *build_block(uint8_t *block, size_t size, const uint8_t *hash, size_t len)
{
    if (len == 0) {
        return "there is no hash to sign";
    }
    const char *why = rsa_holds(size, len);
    if (why != NULL) {
        return why;
    }
    block[0] = 0;
    block[1] = 1;
    memset(block + 2, 0xff, size - len - 3);
    block[size - len - 1] = 0;
    memcpy(block + size - len, hash, len);
    return NULL;
}

/*
 * The public operation is no secret's, so that plain arithmetic does: there is nothing to look up. modulus: the
 * key's, prepared; NULL: it is not.
 */
static const char *open_signature(const struct rsa_public *key, BN_MONT_CTX *modulus, const uint8_t *sig,
                                  uint8_t block[RSA_SIGNATURE_MAX])
{
    const char *why = no_memory;
    BN_CTX *context = BN_CTX_new();
    BIGNUM *n = BN_bin2bn(key->modulus, (int)key->modulus_len, NULL);
    BIGNUM *e = BN_bin2bn(key->exponent, (int)key->exponent_len, NULL);
    BIGNUM *s = BN_bin2bn(sig, (int)key->modulus_len, NULL);
    BIGNUM *opened = BN_new();

    if (context == NULL || n == NULL || e == NULL || s == NULL || opened == NULL) {
        goto out;
    }
    if (key->bits > RSA_BITS_SMALL && BN_num_bits(e) > RSA_EXPONENT_BITS_MAX) {
        why = "the RSA key has a modulus above 3072 bits and a public exponent above 64 bits, which is "
              "not supported";
    } else if (BN_ucmp(s, n) >= 0) {
        why = "the signature is no number below the key's modulus";
    } else if ((modulus == NULL ? BN_mod_exp(opened, s, e, n, context)
                                : BN_mod_exp_mont(opened, s, e, n, context, modulus)) == 1
               && BN_bn2binpad(opened, block, (int)key->modulus_len) == (int)key->modulus_len) {
        why = NULL;
    }
out:
    BN_free(opened);
    BN_free(s);
    BN_free(e);
    BN_free(n);
    BN_CTX_free(context);
    return why;
}

static const char *check(const struct rsa_public *key, BN_MONT_CTX *modulus, const uint8_t *hash, size_t len,
                         const uint8_t *sig, size_t sig_len)
{
    uint8_t expected[RSA_SIGNATURE_MAX];
    uint8_t block[RSA_SIGNATURE_MAX];

    const char *why = build_block(expected, key->modulus_len, hash, len);
    if (why != NULL) {
        return why;
    }
    if (sig_len != key->modulus_len) {
        return "the signature is not as long as the key's modulus";
    }
    why = open_signature(key, modulus, sig, block);
    if (why == NULL && memeql_sec(expected, block, key->modulus_len) == 0) {
        why = "the signature is not one of this key over this hash";
    }
    explicit_bzero(expected, sizeof expected);
    explicit_bzero(block, sizeof block);
    return why;
}

const char *rsa_check(const struct rsa_public *key, const uint8_t *hash, size_t len,
                      const uint8_t *sig, size_t sig_len)
{
    return check(key, NULL, hash, len, sig, sig_len);
}

const char *rsa_sign(const struct rsa_key *key, const uint8_t *hash, size_t len,
                     uint8_t sig[RSA_SIGNATURE_MAX], size_t *sig_len)
{
    uint8_t block[RSA_SIGNATURE_MAX];
    const char *why = build_block(block, key->public.modulus_len, hash, len);

    explicit_bzero(block, sizeof block);
    *sig_len = RSA_SIGNATURE_MAX;
    if (why == NULL && EVP_PKEY_sign(key->signing, sig, sig_len, hash, len) != 1) {
        why = "OpenSSL makes no signature with this RSA key";
    }
    if (why == NULL && check(&key->public, key->modulus, hash, len, sig, *sig_len) != NULL) {
        why = "the RSA signature that was made is wrong, and is not given out: the key or this machine "
              "has a fault";
    }
    if (why != NULL) {
        explicit_bzero(sig, RSA_SIGNATURE_MAX);
        *sig_len = 0;
    }
    return why;
}

/* ---- do the numbers belong together? ---- */

/* Is a * b = 1 (mod m)? -1: no memory. */
static int are_inverse(const BIGNUM *a, const BIGNUM *b, const BIGNUM *m, BN_CTX *context)
{
    BN_CTX_start(context);
    BIGNUM *product = BN_CTX_get(context);
    int is = -1;
    if (product != NULL && BN_mod_mul(product, a, b, m, context) == 1) {
        is = BN_is_one(product);
    }
    BN_CTX_end(context);
    return is;
}

/* Is d mod (prime - 1) this exponent, and the inverse of e? NULL or why. */
static const char *check_exponent(const BIGNUM *prime, const BIGNUM *exponent, BIGNUM *const *all,
                                  BN_CTX *context)
{
    const char *why = no_memory;
    BN_CTX_start(context);
    BIGNUM *less = BN_CTX_get(context);
    BIGNUM *rest = BN_CTX_get(context);
    if (rest == NULL || BN_copy(less, prime) == NULL || BN_sub_word(less, 1) != 1
        || BN_mod(rest, all[RSA_PRIVATE_EXPONENT], less, context) != 1) {
        goto out;
    }
    int inverse = are_inverse(rest, all[RSA_PUBLIC_EXPONENT], less, context);
    if (inverse >= 0) {
        why = inverse == 0 ? "the private exponent of the RSA key does not belong to its public exponent"
              : BN_cmp(rest, exponent) != 0 ? "an exponent of the RSA key is not its private exponent "
                                              "modulo a prime less one" : NULL;
    }
out:
    BN_CTX_end(context);
    return why;
}

static const char *check_numbers(BIGNUM *const *all, BN_CTX *context)
{
    const BIGNUM *p = all[RSA_PRIME_1];
    const BIGNUM *q = all[RSA_PRIME_2];

    if (!BN_is_odd(p) || !BN_is_odd(q) || BN_is_one(p) || BN_is_one(q) || BN_cmp(p, q) == 0) {
        return "the primes of the RSA key are no two different primes";
    }
    BN_CTX_start(context);
    BIGNUM *product = BN_CTX_get(context);
    const char *why = product == NULL || BN_mul(product, p, q, context) != 1 ? no_memory
                      : BN_cmp(product, all[RSA_MODULUS]) != 0
                          ? "the modulus of the RSA key is not the product of its primes" : NULL;
    BN_CTX_end(context);
    if (why == NULL && 4 * BN_num_bits(BN_ucmp(p, q) < 0 ? p : q) < BN_num_bits(all[RSA_MODULUS])) {
        why = "a prime of the RSA key has less than a quarter of the modulus's bits, so that others can find it out";
    }
    if (why == NULL) {
        why = check_exponent(p, all[RSA_EXPONENT_1], all, context);
    }
    if (why == NULL) {
        why = check_exponent(q, all[RSA_EXPONENT_2], all, context);
    }
    if (why == NULL) {
        int inverse = are_inverse(q, all[RSA_COEFFICIENT], p, context);
        why = inverse < 0 ? no_memory : inverse == 1 && BN_cmp(all[RSA_COEFFICIENT], p) < 0 ? NULL
              : "the coefficient of the RSA key is not the inverse of its second prime modulo the first";
    }
    return why;
}

/* ---- keys ---- */

/* The time it takes, in some microseconds: a start, and what grows with the third power of the modulus. */
static uint64_t checks_of(const uint8_t *modulus, size_t len)
{
    while (len > 0 && modulus[0] == 0) {
        modulus++;
        len--;
    }
    const uint64_t size = len > RSA_SIGNATURE_MAX ? 0 : len / 32; /* above it is refused before it is looked at */
    return 500 + size * size * size;
}

const char *rsa_work_take(struct key_work *work, const struct rsa_numbers *numbers)
{
    const uint64_t needed = checks_of(numbers->of[RSA_MODULUS].bytes, numbers->of[RSA_MODULUS].len);
    if (needed > work->checks) {
        return "the key is not checked, since those before it took all the time that there is for checking keys (as "
               "much as 700 of 4096 bits take)";
    }
    work->checks -= needed;
    return NULL;
}

static const char *fill_public(struct rsa_key *key, const BIGNUM *n, const BIGNUM *e)
{
    uint8_t modulus[NUMBER_MAX];
    uint8_t exponent[NUMBER_MAX];

    if ((size_t)BN_num_bytes(n) > sizeof modulus || (size_t)BN_num_bytes(e) > sizeof exponent) {
        return too_large;
    }
    struct rsa_public public = { .modulus = modulus, .modulus_len = (size_t)BN_bn2bin(n, modulus),
                                 .exponent = exponent, .exponent_len = (size_t)BN_bn2bin(e, exponent) };
    const char *why = rsa_public_check(&public); /* then it fits into public_bytes */
    if (why != NULL) {
        return why;
    }
    const size_t len = rsa_public_encode(&public, key->public_bytes);
    return rsa_public_parse(&key->public, key->public_bytes, len);
}

static EVP_PKEY *make_pkey(BIGNUM *const *all)
{
    EVP_PKEY *made = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    bool pushed = build != NULL && context != NULL;

    for (size_t i = 0; pushed && i < RSA_NUMBERS; i++) {
        pushed = OSSL_PARAM_BLD_push_BN(build, rsa_number_names[i], all[i]) == 1;
    }
    params = pushed ? OSSL_PARAM_BLD_to_param(build) : NULL;
    if (params == NULL || EVP_PKEY_fromdata_init(context) != 1
        || EVP_PKEY_fromdata(context, &made, EVP_PKEY_KEYPAIR, params) != 1) {
        made = NULL;
    }
    OSSL_PARAM_free(params); /* wipes: the numbers are marked as secret */
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(context);
    return made;
}

/* A whole signature: OpenSSL loads whatever it needs, and we know that the key does what it is for. */
static const char *rehearse(const struct rsa_key *key)
{
    static const uint8_t hash[16] = "a first HASH";
    uint8_t sig[RSA_SIGNATURE_MAX];
    size_t len;
    return rsa_sign(key, hash, sizeof hash, sig, &len) == NULL
               ? NULL : "a signature of the RSA key turns out wrong: its primes are probably none";
}

static const char *key_from_bns(struct rsa_key **key, BIGNUM *const *all)
{
    const char *why = no_memory;
    BN_CTX *context = BN_CTX_secure_new();
    struct rsa_key *new = calloc(1, sizeof *new);

    *key = NULL;
    if (context == NULL || new == NULL) {
        goto out;
    }
    why = fill_public(new, all[RSA_MODULUS], all[RSA_PUBLIC_EXPONENT]);
    if (why == NULL) {
        why = check_numbers(all, context);
    }
    if (why != NULL) {
        goto out;
    }
    new->modulus = BN_MONT_CTX_new();
    if (new->modulus == NULL || BN_MONT_CTX_set(new->modulus, all[RSA_MODULUS], context) != 1) {
        why = no_memory;
        goto out;
    }
    new->pkey = make_pkey(all);
    new->signing = new->pkey == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, new->pkey, NULL);
    if (new->signing == NULL || EVP_PKEY_sign_init(new->signing) != 1
        || EVP_PKEY_CTX_set_rsa_padding(new->signing, RSA_PKCS1_PADDING) != 1) {
        why = "OpenSSL does not take the RSA key, or has no memory";
        goto out;
    }
    why = rehearse(new);
out:
    BN_CTX_free(context);
    if (why != NULL) {
        rsa_key_free(new);
        return why;
    }
    *key = new;
    return NULL;
}

static void free_bns(BIGNUM **all)
{
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        BN_clear_free(all[i]);
    }
}

const char *rsa_key_new(struct rsa_key **key, const struct rsa_numbers *numbers)
{
    BIGNUM *all[RSA_NUMBERS] = { NULL };
    const char *why = NULL;

    *key = NULL;
    for (size_t i = 0; i < RSA_NUMBERS && why == NULL; i++) {
        if (numbers->of[i].len > NUMBER_MAX) {
            why = too_large;
            break;
        }
        all[i] = BN_secure_new();
        if (all[i] == NULL
            || BN_bin2bn(numbers->of[i].bytes, (int)numbers->of[i].len, all[i]) == NULL) {
            why = no_memory;
        } else if (BN_is_zero(all[i])) {
            why = "a number of the RSA key is 0";
        }
    }
    if (why == NULL) {
        why = key_from_bns(key, all);
    }
    free_bns(all);
    return why;
}

const char *rsa_key_from_pkey(struct rsa_key **key, const EVP_PKEY *from)
{
    BIGNUM *all[RSA_NUMBERS] = { NULL };
    BIGNUM *third = NULL;
    const char *why = NULL;

    *key = NULL;
    for (size_t i = 0; i < RSA_NUMBERS && why == NULL; i++) {
        all[i] = BN_secure_new();
        if (all[i] == NULL || EVP_PKEY_get_bn_param(from, rsa_number_names[i], &all[i]) != 1
            || BN_is_zero(all[i])) {
            why = "a number of the RSA key is missing";
        }
    }
    if (EVP_PKEY_get_bn_param(from, OSSL_PKEY_PARAM_RSA_FACTOR3, &third) == 1) {
        why = "the RSA key has more than two primes, which is not supported";
    }
    BN_clear_free(third);
    if (why == NULL) {
        why = key_from_bns(key, all);
    }
    free_bns(all);
    return why;
}

void rsa_key_free(struct rsa_key *key)
{
    if (key != NULL) {
        EVP_PKEY_CTX_free(key->signing);
        EVP_PKEY_free(key->pkey);
        BN_MONT_CTX_free(key->modulus);
        free(key);
    }
}

EVP_PKEY *rsa_key_pkey(const struct rsa_key *key)
{
    return key->pkey;
}

const struct rsa_public *rsa_key_public(const struct rsa_key *key)
{
    return &key->public;
}

bool rsa_public_equal(const struct rsa_public *a, const struct rsa_public *b)
{
    return a->modulus_len == b->modulus_len && a->exponent_len == b->exponent_len
           && memcmp(a->modulus, b->modulus, a->modulus_len) == 0
           && memcmp(a->exponent, b->exponent, a->exponent_len) == 0;
}
