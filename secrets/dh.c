#include "dh.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

/*
 * Twice the strength that SP 800-57 gives a 1024-bit group, and a wide margin. OpenSSL has no name
 * for this group and would draw 1022 bits otherwise; of the named ones it knows the bound itself.
 */
#define MODP1024_EXPONENT_BITS 256

/* RFC 2409, 6.2: 2^1024 - 2^960 - 1 + 2^64 * { [2^894 pi] + 129093 }; generator 2. */
static const char modp1024_prime[] =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF";

enum kind { KIND_MODP, KIND_ECP, KIND_X25519 };

static const struct {
    enum kind kind;
    const char *name; /* OpenSSL's; NULL: by numbers */
} names[GROUP_COUNT] = {
    [GROUP_MODP1024] = { KIND_MODP, NULL },
    [GROUP_MODP1536] = { KIND_MODP, "modp_1536" },
    [GROUP_MODP2048] = { KIND_MODP, "modp_2048" },
    [GROUP_MODP3072] = { KIND_MODP, "modp_3072" },
    [GROUP_MODP4096] = { KIND_MODP, "modp_4096" },
    [GROUP_ECP256] = { KIND_ECP, "P-256" },
    [GROUP_ECP384] = { KIND_ECP, "P-384" },
    [GROUP_ECP521] = { KIND_ECP, "P-521" },
    [GROUP_CURVE25519] = { KIND_X25519, "X25519" },
};

/* What OpenSSL makes of a group, once: to look it up by its name for each exchange costs 5 us. */
struct dh_lib {
    EVP_PKEY_CTX *generator[GROUP_COUNT];
    EVP_PKEY *peer[GROUP_COUNT]; /* has the public value that was looked at last */
};

struct dh {
    enum group_id group;
    EVP_PKEY *key;
    size_t public_len;
    uint8_t public[KE_MAX];
};

/* ---- groups ---- */

static EVP_PKEY *from_params(const char *type, OSSL_PARAM *params, int selection)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (context != NULL && EVP_PKEY_fromdata_init(context) == 1
        && EVP_PKEY_fromdata(context, &key, selection, params) != 1) {
        key = NULL;
    }
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *named_parameters(const char *type, const char *name)
{
    char group[16];
    (void)strncpy(group, name, sizeof group - 1);
    group[sizeof group - 1] = '\0';
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_end(),
    };
    return from_params(type, params, EVP_PKEY_KEY_PARAMETERS);
}

static EVP_PKEY *modp1024_parameters(void)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = NULL;
    BIGNUM *p = NULL;
    BIGNUM *g = BN_new();
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();

    if (g != NULL && build != NULL && BN_hex2bn(&p, modp1024_prime) != 0 && BN_set_word(g, 2) == 1
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_P, p) == 1
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_G, g) == 1) {
        params = OSSL_PARAM_BLD_to_param(build);
    }
    if (params != NULL) {
        key = from_params("DH", params, EVP_PKEY_KEY_PARAMETERS);
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(g);
    BN_free(p);
    return key;
}

static EVP_PKEY *make_parameters(enum group_id group)
{
    switch (names[group].kind) {
    case KIND_MODP:
        return names[group].name == NULL ? modp1024_parameters()
                                         : named_parameters("DH", names[group].name);
    case KIND_ECP:
        return named_parameters("EC", names[group].name);
    case KIND_X25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    }
    return NULL;
}

/* One whole agreement in each group: OpenSSL loads and fetches whatever it needs. */
static bool rehearse(const struct dh_lib *lib, enum group_id group)
{
    uint8_t secret[KE_MAX];
    struct dh *a = dh_new(lib, group);
    struct dh *b = dh_new(lib, group);
    bool good = a != NULL && b != NULL
                && dh_agree(lib, a, b->public, b->public_len, secret) == NULL;
    explicit_bzero(secret, sizeof secret);
    dh_free(a);
    dh_free(b);
    return good;
}

/* Draws keys with these parameters. */
static EVP_PKEY_CTX *make_generator(enum group_id group, EVP_PKEY *parameters)
{
    EVP_PKEY_CTX *generator = EVP_PKEY_CTX_new_from_pkey(NULL, parameters, NULL);
    int bits = MODP1024_EXPONENT_BITS;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_PKEY_PARAM_DH_PRIV_LEN, &bits),
        OSSL_PARAM_construct_end(),
    };
    bool unnamed = names[group].kind == KIND_MODP && names[group].name == NULL;
    if (generator == NULL || EVP_PKEY_keygen_init(generator) != 1
        || (unnamed && EVP_PKEY_CTX_set_params(generator, params) != 1)) {
        EVP_PKEY_CTX_free(generator);
        return NULL;
    }
    return generator;
}

static bool prepare(struct dh_lib *lib, enum group_id group)
{
    EVP_PKEY *parameters = make_parameters(group);
    if (parameters != NULL) {
        lib->generator[group] = make_generator(group, parameters); /* with a hold of its own on them */
    }
    EVP_PKEY_free(parameters);
    lib->peer[group] = make_parameters(group);
    return lib->generator[group] != NULL && lib->peer[group] != NULL && rehearse(lib, group);
}

struct dh_lib *dh_lib_new(const char **why)
{
    /* No openssl.cnf: whoever set OPENSSL_CONF is not to choose our arithmetic. */
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1) {
        *why = "OpenSSL cannot be initialised";
        return NULL;
    }
    struct dh_lib *lib = calloc(1, sizeof *lib);
    if (lib == NULL) {
        *why = "out of memory";
        return NULL;
    }
    for (unsigned g = 0; g < GROUP_COUNT; g++) {
        if (!prepare(lib, (enum group_id)g)) {
            *why = "OpenSSL lacks a Diffie-Hellman group of ours";
            dh_lib_free(lib);
            return NULL;
        }
    }
    return lib;
}

void dh_lib_free(struct dh_lib *lib)
{
    if (lib == NULL) {
        return;
    }
    for (unsigned g = 0; g < GROUP_COUNT; g++) {
        EVP_PKEY_CTX_free(lib->generator[g]);
        EVP_PKEY_free(lib->peer[g]);
    }
    free(lib);
}

/* ---- our value ---- */

/* EC points carry 04 (uncompressed) before x | y in OpenSSL, and nothing in a KE payload. */
static bool take_public(struct dh *dh)
{
    unsigned char encoded[1 + KE_MAX];
    const size_t want = group_get(dh->group)->public_len;
    size_t head = names[dh->group].kind == KIND_ECP ? 1 : 0;
    size_t len = 0;
    bool good = EVP_PKEY_get_octet_string_param(dh->key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, encoded,
                                                sizeof encoded, &len) == 1
                && len > head && len <= want + head
                && (head == 0 || (encoded[0] == 4 && len == want + 1));
    if (good) {
        size_t value = len - head;
        memset(dh->public, 0, want - value);
        memcpy(dh->public + (want - value), encoded + head, value);
        dh->public_len = want;
    }
    return good;
}

struct dh *dh_new(const struct dh_lib *lib, enum group_id group)
{
    struct dh *dh = calloc(1, sizeof *dh);
    if (dh == NULL) {
        return NULL;
    }
    dh->group = group;
    if (EVP_PKEY_generate(lib->generator[group], &dh->key) != 1 || !take_public(dh)) {
        dh_free(dh);
        return NULL;
    }
    return dh;
}

void dh_free(struct dh *dh)
{
    if (dh != NULL) {
        EVP_PKEY_free(dh->key); /* clears the exponent */
        explicit_bzero(dh, sizeof *dh);
        free(dh);
    }
}

enum group_id dh_group(const struct dh *dh)
{
    return dh->group;
}

const uint8_t *dh_public_view(const struct dh *dh)
{
    return dh->public;
}

int dh_private_bits(const struct dh *dh)
{
    BIGNUM *x = NULL;
    int bits = EVP_PKEY_get_bn_param(dh->key, OSSL_PKEY_PARAM_PRIV_KEY, &x) == 1 ? BN_num_bits(x)
                                                                                : 0;
    BN_clear_free(x);
    return bits;
}

/* ---- the peer's value ---- */

/*
 * Borrowed from lib, until the next one. OpenSSL checks here: MODP 2..p-2, which suffices as our primes
 * are safe (RFC 6989, 2.1); ECP that the point is on the curve and not at infinity.
 */
static EVP_PKEY *peer_key(const struct dh_lib *lib, enum group_id group, const uint8_t *peer,
                          size_t len)
{
    uint8_t encoded[1 + KE_MAX] = { 4 };
    size_t head = names[group].kind == KIND_ECP ? 1 : 0;
    if (len > KE_MAX) {
        return NULL;
    }
    memcpy(encoded + head, peer, len);
    bool good = EVP_PKEY_set1_encoded_public_key(lib->peer[group], encoded, len + head) == 1;
    return good ? lib->peer[group] : NULL;
}

static const char *derive(const struct dh *dh, EVP_PKEY *peer, uint8_t secret[KE_MAX])
{
    const size_t want = group_get(dh->group)->secret_len;
    size_t len = KE_MAX;
    unsigned pad = 1;
    const char *why = "OpenSSL cannot compute the shared secret";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_uint(OSSL_EXCHANGE_PARAM_PAD, &pad),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, dh->key, NULL);

    if (context == NULL
        || EVP_PKEY_derive_init_ex(context, names[dh->group].kind == KIND_MODP ? params : NULL) != 1
        || EVP_PKEY_derive_set_peer_ex(context, peer, 0) != 1) {
        goto out;
    }
    if (EVP_PKEY_derive(context, secret, &len) != 1 || len != want) {
        why = "the peer's public value is of small order";
        goto out;
    }
    why = NULL;
out:
    EVP_PKEY_CTX_free(context);
    return why;
}

const char *dh_agree(const struct dh_lib *lib, const struct dh *dh, const uint8_t *peer,
                     size_t peer_len, uint8_t secret[KE_MAX])
{
    static const uint8_t zero[KE_MAX];

    if (peer_len != dh->public_len) {
        return "the peer's public value has the wrong length for the group";
    }
    if (CRYPTO_memcmp(peer, dh->public, peer_len) == 0) {
        return "the peer's public value is our own";
    }
    EVP_PKEY *key = peer_key(lib, dh->group, peer, peer_len);
    if (key == NULL) {
        return "the peer's public value is not in the group";
    }
    const char *why = derive(dh, key, secret);
    if (why == NULL && CRYPTO_memcmp(secret, zero, group_get(dh->group)->secret_len) == 0) {
        why = "the peer's public value is of small order";
    }
    if (why != NULL) {
        explicit_bzero(secret, KE_MAX);
    }
    return why;
}

bool dh_random(uint8_t *out, size_t len)
{
    return RAND_bytes(out, (int)len) == 1;
}
