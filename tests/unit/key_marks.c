#include "key_marks.h"

#include "secrets/rsa_inside.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <valgrind/memcheck.h>

#define MARKED_MAX 64

/* ---- what OpenSSL allocates ---- */

struct piece {
    void *at;
    size_t len;
    UT_hash_handle hh;
};

static struct piece *pieces; /* OpenSSL gives its memory functions no context */

static void forget(void *at)
{
    struct piece *p = NULL;
    HASH_FIND_PTR(pieces, &at, p);
    if (p != NULL) {
        HASH_DEL(pieces, p);
        free(p);
    }
}

static void *remember(void *at, size_t len)
{
    struct piece *p = at == NULL ? NULL : malloc(sizeof *p);
    if (p != NULL) {
        *p = (struct piece){ .at = at, .len = len };
        HASH_ADD_PTR(pieces, at, p);
    }
    return at;
}

static void *take_memory(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return remember(malloc(len), len);
}

static void *take_other_memory(void *at, size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    forget(at);
    return remember(realloc(at, len), len);
}

static void give_memory(void *at, const char *file, int line)
{
    (void)file;
    (void)line;
    forget(at);
    free(at);
}

bool key_marks_begin(void)
{
    return CRYPTO_set_mem_functions(take_memory, take_other_memory, give_memory) == 1;
}

/* ---- the numbers ---- */

struct marks {
    struct {
        uint8_t *at;
        size_t len;
    } of[MARKED_MAX];
    size_t count;
    BIGNUM *number[2 * RSA_NUMBERS]; /* owned: what was looked for */
    size_t numbers;
};

/* Every copy of it, as BIGNUMs have it: words, the lowest first. It becomes m's, and is found, too. */
static bool find_number(struct marks *m, BIGNUM *number)
{
    uint8_t words[1024];
    const size_t len = ((size_t)BN_num_bytes(number) + 7) / 8 * 8;
    const size_t before = m->count;
    struct piece *p = NULL;
    struct piece *next = NULL;
    m->number[m->numbers++] = number;
    if (len > sizeof words || BN_bn2lebinpad(number, words, (int)len) != (int)len) {
        return false;
    }
    HASH_ITER(hh, pieces, p, next) {
        if (p->len >= len && memcmp(p->at, words, len) == 0) {
            if (m->count == MARKED_MAX) {
                return false;
            }
            m->of[m->count].at = p->at;
            m->of[m->count++].len = len;
        }
    }
    return m->count >= before + 2;
}

/* 2^(2 * 64 * words) mod p, from which p can be computed. */
static bool find_montgomery(struct marks *m, const BIGNUM *prime)
{
    BN_CTX *context = BN_CTX_new();
    BIGNUM *square = BN_new();
    const int bits = 2 * ((BN_num_bits(prime) + 63) / 64 * 64);
    bool good = context != NULL && square != NULL && BN_set_word(square, 1) == 1
                && BN_lshift(square, square, bits) == 1 && BN_mod(square, square, prime, context) == 1;
    BN_CTX_free(context);
    if (!good) {
        BN_free(square);
    }
    return good && find_number(m, square);
}

static bool find_all(struct marks *m, const struct rsa_key *key)
{
    bool good = true;
    for (unsigned i = RSA_PRIVATE_EXPONENT; good && i < RSA_NUMBERS; i++) {
        BIGNUM *number = NULL;
        good = EVP_PKEY_get_bn_param(rsa_key_pkey(key), rsa_number_names[i], &number) == 1 && find_number(m, number);
        if (i == RSA_PRIME_1 || i == RSA_PRIME_2) {
            good = good && find_montgomery(m, number);
        }
    }
    return good;
}

/* None is marked before all are found. What is searched may never have been written: nothing is reported of that. */
bool key_mark(const struct rsa_key *key)
{
    struct marks m = { .count = 0 };
    VALGRIND_DISABLE_ERROR_REPORTING;
    bool good = find_all(&m, key);
    VALGRIND_ENABLE_ERROR_REPORTING;
    for (size_t i = 0; i < m.count; i++) {
        (void)VALGRIND_MAKE_MEM_UNDEFINED(m.of[i].at, m.of[i].len);
    }
    for (size_t i = 0; i < m.numbers; i++) {
        BN_clear_free(m.number[i]);
    }
    return good;
}
