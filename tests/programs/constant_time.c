/*
 * constant_time - runs what secrets does with secrets, and tells valgrind's memcheck which bytes they are
 *
 *   valgrind --error-exitcode=9 --suppressions=tests/programs/libcrypto.supp constant_time CASE
 *
 * Secrets are marked as undefined: memcheck reports each branch and each address that depends on such bytes, with
 * all that is computed from them, which is where their values show in time and caches. The code is the product's,
 * the core of secrets driven by records; what it calls of others is wrapped (--wrap of the linker) to mark
 * what comes out: g^xy as secret; as public what is on its way to the network, and what is told in any case.
 *
 * CASE: psk, signatures, records: must be clean. All others have a fault that memcheck has to find: memcmp (the HASHes
 * are compared by that), branch (at a bit of the private key), table (hex by a table).
 *
 * Exit status: 0 it ran; 1 it did not come to what it is to show; 2 misuse. Not for: keys while they are read.
 */
#include "../unit/key_marks.h"
#include "../unit/rsa_keys.h"
#include "../unit/secrets_side.h"

#include "hex.h"
#include "secrets/rsa_inside.h"

#include <nettle/memops.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <valgrind/memcheck.h>

#define SA "0000000100000001aabbccdd"
#define CKY "cky-i=0102030405060708 cky-r=1112131415161718"
#define IKE "aes256-sha2_256-ecp256"

static struct {
    bool leaky_compare;  /* the fault of the case memcmp */
    unsigned compared;   /* secrets in constant time, */
    unsigned agreed;     /* g^xy that were marked, */
    unsigned signatures; /* and made */
} seen;

static void check(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "constant_time: %s\n", what);
        exit(1);
    }
}

static void secret(const void *p, size_t len)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, len);
}

static void public(const void *p, size_t len)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(p, len);
}

static bool is_secret(const void *p, size_t len)
{
    static unsigned char bits[65536];
    unsigned char any = 0;
    check(len <= sizeof bits && VALGRIND_GET_VBITS(p, bits, len) == 1, "memcheck does not know what is marked");
    for (size_t i = 0; i < len; i++) {
        any |= bits[i];
    }
    return any != 0;
}

/* ---- what is wrapped ---- */

int __real_nettle_memeql_sec(const void *a, const void *b, size_t len);
int __wrap_nettle_memeql_sec(const void *a, const void *b, size_t len);
int __real_CRYPTO_memcmp(const void *a, const void *b, size_t len);
int __wrap_CRYPTO_memcmp(const void *a, const void *b, size_t len);
int __real_EVP_PKEY_derive(EVP_PKEY_CTX *context, unsigned char *key, size_t *len);
int __wrap_EVP_PKEY_derive(EVP_PKEY_CTX *context, unsigned char *key, size_t *len);
int __real_EVP_PKEY_sign(EVP_PKEY_CTX *context, unsigned char *sig, size_t *sig_len, const unsigned char *hash,
                         size_t len);
int __wrap_EVP_PKEY_sign(EVP_PKEY_CTX *context, unsigned char *sig, size_t *sig_len, const unsigned char *hash,
                         size_t len);
void __real_record_put_bytes(struct record_writer *w, enum key key, const uint8_t *bytes, size_t len);
void __wrap_record_put_bytes(struct record_writer *w, enum key key, const uint8_t *bytes, size_t len);

/* Whether both are equal is public: the negotiation goes on, or ends with a line that says why. */
int __wrap_nettle_memeql_sec(const void *a, const void *b, size_t len)
{
    seen.compared += is_secret(a, len) || is_secret(b, len);
    int equal = seen.leaky_compare ? memcmp(a, b, len) == 0 : __real_nettle_memeql_sec(a, b, len);
    public(&equal, sizeof equal);
    return equal;
}

int __wrap_CRYPTO_memcmp(const void *a, const void *b, size_t len)
{
    seen.compared += is_secret(a, len) || is_secret(b, len);
    int differ = __real_CRYPTO_memcmp(a, b, len);
    public(&differ, sizeof differ);
    return differ;
}

/* g^xy. The exponent is OpenSSL's from its making to its end, and is not marked. */
int __wrap_EVP_PKEY_derive(EVP_PKEY_CTX *context, unsigned char *key, size_t *len)
{
    int done = __real_EVP_PKEY_derive(context, key, len);
    if (done == 1 && key != NULL) {
        secret(key, *len);
        seen.agreed++;
    }
    return done;
}

/* A signature is made to be shown, and whoever has the public key reads the HASH in it. */
int __wrap_EVP_PKEY_sign(EVP_PKEY_CTX *context, unsigned char *sig, size_t *sig_len, const unsigned char *hash,
                         size_t len)
{
    seen.signatures += is_secret(hash, len); /* else it is the one that tries a new key out */
    int done = __real_EVP_PKEY_sign(context, sig, sig_len, hash, len);
    public(&done, sizeof done);
    public(sig_len, sizeof *sig_len);
    public(sig, *sig_len);
    return done;
}

/* What the schema does not call secret is on its way to the network: HASH_I, HASH_R and signatures among it. */
void __wrap_record_put_bytes(struct record_writer *w, enum key key, const uint8_t *bytes, size_t len)
{
    uint8_t copy[RSA_SIGNATURE_MAX];
    if (schema_key(key)->secret) {
        check(is_secret(bytes, len), "a key that leaves is not marked: the marks were lost");
        __real_record_put_bytes(w, key, bytes, len);
        return;
    }
    check(len <= sizeof copy, "a field is longer than any signature");
    memcpy(copy, bytes, len);
    public(copy, len);
    __real_record_put_bytes(w, key, copy, len);
}

/* ---- two cores of secrets ---- */

static void mark_store(const struct store *s)
{
    for (size_t i = 0; i < store_count(s); i++) {
        const struct secret *entry = store_at(s, i);
        if (entry->rsa != NULL) {
            check(key_mark(entry->rsa), "a number of a private key is nowhere");
        } else {
            secret(entry->bytes, entry->len);
        }
    }
}

static struct side *side_marked(const char *secrets, const char *id, const char *pem)
{
    struct side *s = side_new(secrets);
    struct index index = { .kind = INDEX_ID };
    if (pem != NULL) {
        check(identity_parse(&index.id, id) == NULL
              && store_add_rsa(s->store, "ipsec.secrets", 9, &index, 1, rsa_test_key(pem)) == NULL, "no key");
    }
    mark_store(s->store);
    return s;
}

/* A request of the negotiator, and its answer. With `keys` there are secrets in it; here they leave the process. */
__attribute__((format(printf, 3, 4)))
static void ask(struct side *s, bool keys, const char *format, ...)
{
    char line[LINE_TEXT];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    side_say(s, "%s", line);
    check(is_secret(s->negotiator.data, s->negotiator.len) == keys, "the answer is marked where it should not be, or not "
          "where it should");
    public(s->negotiator.data, s->negotiator.len);
    check(side_take(s, &s->negotiator, S_N), "no answer");
    if (s->answer.verb != V_OK) {
        (void)fprintf(stderr, "constant_time: %s: %s\n", line, record_text(&s->answer, K_WHY));
        exit(1);
    }
}

/* The keys of its IPsec SAs went to kernel-sa. */
static void keys_left(struct side *s)
{
    check(s->kernel.len > 0 && is_secret(s->kernel.data, s->kernel.len), "no marked keys for kernel-sa");
}

/* Quick Mode with PFS: the initiator's exchange 2, the responder's 8. */
static void quick_mode(struct side *i, struct side *r)
{
    static const char terms[] = "esp=aes256-sha2_256 pfs=ecp256 pfs-required=yes";
    static const char sas[] = "protocol=esp proposal=aes256-sha2_256 group=ecp256";
    side_say(i, "announce-quick exchange=2 parent=1 role=initiator %s", terms);
    side_say(r, "announce-quick exchange=8 parent=7 role=responder %s", terms);
    ask(i, false, "quick-ke id=11 exchange=2 group=ecp256");
    const char *ke = side_hex(i, K_KE);
    const char *nonce = side_hex(i, K_NONCE);
    ask(r, false, "keymat id=12 exchange=8 %s spi-in=00001000 spi-out=00002000 nonce-peer=%s ke-peer=%s", sas, nonce, ke);
    ke = side_hex(r, K_KE);
    nonce = side_hex(r, K_NONCE);
    ask(i, false, "keymat id=13 exchange=2 %s spi-in=00002000 spi-out=00001000 nonce-peer=%s ke-peer=%s", sas, nonce, ke);
    keys_left(i);
    keys_left(r);
}

/* Up to the initiator's proof, in its answer; 10.9.0.1 begins. */
static void make_keys(struct side *i, struct side *r, const char *method)
{
    side_say(i, "announce exchange=1 connection=net role=initiator methods=%s ike=" IKE " our-id=10.9.0.1 peer-id=10.9.0.2",
             method);
    side_say(r, "announce exchange=7 connection=net role=responder methods=%s ike=" IKE " our-id=10.9.0.2 peer-id=10.9.0.1",
             method);
    ask(i, false, "ke id=1 exchange=1 group=ecp256");
    const char *ke = side_hex(i, K_KE);
    const char *nonce = side_hex(i, K_NONCE);
    ask(r, true, "keys id=1 exchange=7 connection=net method=%s proposal=" IKE " " CKY " sa-body=" SA " ke-peer=%s "
        "nonce-peer=%s", method, ke, nonce);
    ke = side_hex(r, K_KE);
    nonce = side_hex(r, K_NONCE);
    ask(i, true, "keys id=2 exchange=1 connection=net method=%s proposal=" IKE " " CKY " sa-body=" SA " ke-peer=%s "
        "nonce-peer=%s", method, ke, nonce);
}

static void preshared(void)
{
    /* Two entries that are as good, so that they are compared, and one of another length. */
    static const char secrets[] = "10.9.0.1 10.9.0.2 : PSK \"correct horse\"\n10.9.0.1 10.9.0.2 : PSK \"correct house\"\n"
                                  ": PSK \"another\"\n";
    struct side *i = side_marked(secrets, NULL, NULL);
    struct side *r = side_marked(secrets, NULL, NULL);
    make_keys(i, r, "psk");
    const char *id = side_hex(i, K_ID_BODY);
    const char *hash = side_hex(i, K_HASH);
    ask(r, false, "auth id=3 exchange=7 id-body=%s hash=%s", id, hash);
    id = side_hex(r, K_ID_BODY);
    hash = side_hex(r, K_HASH);
    ask(i, false, "auth id=4 exchange=1 id-body=%s hash=%s", id, hash);
    quick_mode(i, r);
    side_free(i);
    side_free(r);
    check(seen.agreed >= 4 && seen.compared >= 8, "too little was compared or agreed on");
}

/* The peer's SIG, checked by his public key. */
static void check_signature(struct side *s, unsigned exchange, const char *id, const char *sig, const char *pem)
{
    char keys[RSA_PUBLIC_TEXT];
    struct rsa_key *key = rsa_test_key(pem);
    rsa_public_print(rsa_key_public(key), keys);
    rsa_key_free(key);
    side_say(s, "auth id=5 exchange=%u id-body=%s sig=%s", exchange, id, sig);
    do {
        check(side_take(s, &s->plutod, S_P), "plutod is not asked for keys");
    } while (s->answer.verb != V_PUBLIC_KEYS);
    ask(s, false, "ok id=%llu re=public-keys pubkeys=%s", (unsigned long long)record_number(&s->answer, K_ID), keys);
}

static void sign(const char *pem_i, const char *pem_r)
{
    struct side *i = side_marked("", "10.9.0.1", pem_i);
    struct side *r = side_marked("", "10.9.0.2", pem_r);
    const unsigned before = seen.signatures;
    make_keys(i, r, "rsasig");
    const char *id = side_hex(i, K_ID_BODY);
    const char *sig = side_hex(i, K_SIG);
    check_signature(r, 7, id, sig, pem_i);
    id = side_hex(r, K_ID_BODY);
    sig = side_hex(r, K_SIG);
    check_signature(i, 1, id, sig, pem_r);
    quick_mode(i, r);
    side_free(i);
    side_free(r);
    check(seen.signatures == before + 2, "too little was signed");
}

/* OpenSSL has code of its own for primes of 512 and of 1024 bits, and for all others. */
static void signatures(void)
{
    sign(rsa_pem_2048, rsa_pem_1024_e3);
    sign(rsa_pem_4096, rsa_pem_2048_e3);
    check(seen.agreed >= 8 && seen.compared >= 12, "too little was compared or agreed on");
}

/* Hex of keys, as it is written, and read on the other side. */
static void records(void)
{
    unsigned bad = 0;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        char digits[2];
        secret(&byte, 1);
        digits[0] = hex_lower_digit(byte >> 4);
        digits[1] = hex_lower_digit(byte & 15u);
        check(is_secret(digits, 2), "a mark was lost");
        unsigned high = hex_lower_value(digits[0], &bad);
        unsigned back = high << 4 | hex_lower_value(digits[1], &bad);
        public(&back, sizeof back);
        check(back == i, "a byte is another one after writing and reading");
    }
    public(&bad, sizeof bad);
    check(bad == 0, "what was written cannot be read");
}

/* ---- faults ---- */

static void branch(void)
{
    struct rsa_key *key = rsa_test_key(rsa_pem_1024);
    BIGNUM *d = NULL;
    check(key_mark(key), "a number of a private key is nowhere");
    check(EVP_PKEY_get_bn_param(rsa_key_pkey(key), rsa_number_names[RSA_PRIVATE_EXPONENT], &d) == 1, "no number");
    if (BN_is_bit_set(d, 17) != 0) {
        (void)puts("set");
    }
    BN_clear_free(d);
    rsa_key_free(key);
}

static void table(void)
{
    static const volatile char digits[] = "0123456789abcdef";
    uint8_t byte = 0x5a;
    secret(&byte, 1);
    char digit = digits[byte & 15u];
    public(&digit, 1);
    (void)putchar(digit);
}

static void leaky(void)
{
    seen.leaky_compare = true;
    preshared();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        { "psk", preshared }, { "signatures", signatures }, { "records", records },
        { "memcmp", leaky }, { "branch", branch }, { "table", table },
    };
    void (*run)(void) = NULL;
    for (size_t i = 0; argc == 2 && i < sizeof cases / sizeof cases[0]; i++) {
        run = strcmp(argv[1], cases[i].name) == 0 ? cases[i].run : run;
    }
    if (run == NULL || RUNNING_ON_VALGRIND == 0) {
        (void)fprintf(stderr, "constant_time: to be run under valgrind, with a CASE: see its head\n");
        return 2;
    }
    check(key_marks_begin(), "OpenSSL has memory already");
    check(side_dh_set_up(NULL) == 0, "no Diffie-Hellman groups");
    run();
    return side_dh_tear_down(NULL);
}
