/*
 * Of a key that is refused nothing is left in memory once the files are read, or it was opened with its passphrase, on the stack and in registers neither: functions of OpenSSL
 * and libc leave words of it there. Of keys that are good: test_secrets_rsa_wiped.c.
 */
#include "own_memory.h"
#include "rsa_keys.h"
#include "secrets_folder.h"

#include "secrets/rsa_inside.h"
#include "secrets/rsa_text.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#define LEN 16u
#define PIECES_MAX 600u

struct pieces {
    size_t count;
    uint8_t bytes[PIECES_MAX][LEN]; /* masked */
};

enum form {
    TRAILING, CUT_TEXT, CUT_PKCS8, PSS, WRONG_NUMBER, TRAILING_WORD, FORMS,
    LOCKED_TRAILING = FORMS, LOCKED_NUMBER, LOCKED_FORMS /* opened with its passphrase */
};

/* ---- in a process of its own, so that nothing of it is in the memory that is looked through ---- */

static void put_pem(enum form form, const char *name, const unsigned char *der, long len)
{
    char path[] = "0";
    path[0] = (char)('0' + form);
    BIO *bio = BIO_new_file(path, "w");
    assert_true(PEM_write_bio(bio, name, "", der, len) > 0);
    BIO_free(bio);
    assert_int_equal(chmod(path, 0600), 0);
}

/* The DER of the key, with room for one byte more; the caller frees nothing: the process ends. */
static unsigned char *der_of(const struct rsa_key *key, bool pkcs8, long *len, char **text)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *name = NULL;
    char *header = NULL;
    unsigned char *der = NULL;
    EVP_PKEY *pkey = rsa_key_pkey(key);
    assert_int_equal(pkcs8 ? PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)
                           : PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    size_t size = (size_t)BIO_get_mem_data(bio, text);
    *text = strndup(*text, size);
    assert_int_equal(PEM_read_bio(bio, &name, &header, &der, len), 1);
    return realloc(der, (size_t)*len + 1);
}

static void put_entry(enum form form, const struct rsa_key *key)
{
    struct buffer text;
    struct identity id;
    char path[] = "0";
    path[0] = (char)('0' + form);
    buffer_init(&text, 0);
    assert_null(identity_parse(&id, "@a"));
    assert_null(rsa_text(&text, key, RSA_FORM_SECRETS, &id, true));
    buffer_add_u8(&text, 0);
    char *from = (char *)text.data;
    if (form == WRONG_NUMBER) { /* a digit in the middle of the last number */
        char *at = strstr(from, "Coefficient");
        assert_non_null(at);
        at += 60;
        *at = *at == 'B' || *at == 'b' ? 'C' : 'b';
    } else {
        char *end = strrchr(from, '}');
        assert_non_null(end);
        memcpy(end, "}x\n", sizeof "}x\n");
    }
    FILE *file = fopen(path, "w");
    assert_true(fputs(from, file) >= 0);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
}

/* PKCS #1 with something wrong, in PKCS #8, encrypted. */
static void put_locked(enum form form, const unsigned char *der, long len)
{
    char path[] = "0";
    path[0] = (char)('0' + form);
    PKCS8_PRIV_KEY_INFO *info = PKCS8_PRIV_KEY_INFO_new();
    unsigned char *copy = OPENSSL_memdup(der, (size_t)len);
    assert_int_equal(PKCS8_pkey_set0(info, OBJ_nid2obj(NID_rsaEncryption), 0, V_ASN1_NULL, NULL, copy, (int)len), 1);
    X509_SIG *sealed = PKCS8_encrypt(-1, EVP_aes_128_cbc(), "sesame", 6, NULL, 0, 0, info);
    assert_non_null(sealed);
    BIO *bio = BIO_new_file(path, "w");
    assert_int_equal(PEM_write_bio_PKCS8(bio, sealed), 1);
    BIO_free(bio);
    assert_int_equal(chmod(path, 0600), 0);
}

static void put_files(const struct rsa_key *key)
{
    static const unsigned char rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
    long len = 0;
    char *text = NULL;
    unsigned char *der = der_of(key, false, &len, &text);
    der[len] = 0;
    put_pem(TRAILING, PEM_STRING_RSA, der, len + 1);
    put_locked(LOCKED_TRAILING, der, len + 1);
    der[len - 40] ^= 1; /* of the last number */
    put_locked(LOCKED_NUMBER, der, len);
    text[strlen(text) - 200] = '\0';
    const char name[] = { '0' + CUT_TEXT, '\0' };
    secrets_put(name, text);
    der = der_of(key, true, &len, &text);
    put_pem(CUT_PKCS8, PEM_STRING_PKCS8INF, der, len - 40);
    unsigned char *at = memmem(der, (size_t)len, rsa, sizeof rsa);
    assert_non_null(at);
    at[sizeof rsa - 1] = 10; /* RFC 8017, A.2.3 */
    put_pem(PSS, PEM_STRING_PKCS8INF, der, len);
    put_entry(WRONG_NUMBER, key);
    put_entry(TRAILING_WORD, key);
}

static void send_piece(int to, const uint8_t *bytes, bool reversed)
{
    uint8_t piece[LEN];
    for (size_t i = 0; i < LEN; i++) {
        piece[i] = bytes[reversed ? LEN - 1 - i : i] ^ OWN_MEMORY_MASK;
    }
    assert_int_equal(write(to, piece, LEN), LEN);
}

/* Of every private number, in either byte order, and of the text of one file. */
static void make(int to)
{
    struct rsa_key *key = rsa_test_key(rsa_pem_2048);
    put_files(key);
    for (unsigned n = RSA_PRIVATE_EXPONENT; n < RSA_NUMBERS; n++) {
        uint8_t bytes[RSA_SIGNATURE_MAX];
        BIGNUM *bn = NULL;
        assert_int_equal(EVP_PKEY_get_bn_param(rsa_key_pkey(key), rsa_number_names[n], &bn), 1);
        size_t size = (size_t)BN_bn2bin(bn, bytes);
        for (size_t at = 0; at + LEN <= size; at += LEN) {
            send_piece(to, bytes + at, false);
            send_piece(to, bytes + at, true);
        }
    }
    char text[4096] = "";
    FILE *file = fopen("0", "r");
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    for (size_t at = 600; at + 300 < size; at += LEN) { /* behind the modulus */
        if (memchr(text + at, '\n', LEN) == NULL) {
            send_piece(to, (const uint8_t *)text + at, false);
        }
    }
}

/* ---- looking ---- */

static size_t count(const uint8_t *memory, size_t len, const struct pieces *p, const uint8_t may_begin[256])
{
    size_t found = 0;
    for (size_t i = 0; i + LEN <= len; i++) {
        for (size_t n = 0; may_begin[memory[i]] != 0 && n < p->count; n++) {
            size_t j = 0;
            while (j < LEN && (memory[i + j] ^ OWN_MEMORY_MASK) == p->bytes[n][j]) {
                j++;
            }
            found += j == LEN ? 1 : 0;
        }
    }
    return found;
}

struct search {
    const struct pieces *pieces;
    uint8_t may_begin[256];
    size_t found;
};

static void look(void *context, const uint8_t *memory, size_t len)
{
    struct search *s = context;
    s->found += count(memory, len, s->pieces, s->may_begin);
}

/* In all memory of this process that may be written to; zeros are passed over. */
static size_t scan(const struct pieces *p)
{
    struct search s = { .pieces = p };
    for (size_t n = 0; n < p->count; n++) {
        s.may_begin[p->bytes[n][0] ^ OWN_MEMORY_MASK] = 1;
    }
    s.may_begin[0] = 0;
    own_memory_walk(look, &s);
    return s.found;
}

static void nothing(int number)
{
    (void)number;
}

/* ---- reading ---- */

typedef void step(struct secrets_folder *f);

/* A signal puts all registers on the stack, as the dynamic linker does in secrets: now and then on the way, and at the end. */
static void interrupted(step *what, struct secrets_folder *f)
{
    static const struct itimerval often = { { 0, 20 }, { 0, 20 } };
    static const struct itimerval never = { { 0, 0 }, { 0, 0 } };
    assert_true(signal(SIGALRM, nothing) != SIG_ERR);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
        what(f);
        (void)raise(SIGALRM);
        assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    }
}

/* Has the files made, and gets their pieces. */
static struct pieces *pieces_made(void)
{
    struct pieces *p = calloc(1, sizeof *p);
    int ends[2];
    int status = 1;
    assert_non_null(p);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        make(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    while (p->count < PIECES_MAX && read(ends[0], p->bytes[p->count], LEN) == (ssize_t)LEN) {
        p->count++;
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_in_range(p->count, 140, PIECES_MAX - 1);
    return p;
}

static void is_nowhere(const struct pieces *p, enum form form)
{
    size_t found = scan(p);
    if (found != 0) {
        fail_msg("%zu pieces of the key are left, form %u", found, (unsigned)form);
    }
}

static void read_it(struct secrets_folder *f)
{
    secrets_read(f);
}

/* The texts are freed, and wiped, by file_read; the rest of what it did lies on the stack, and in registers, if they are not wiped. */
static void nothing_is_left(void **state)
{
    struct secrets_folder *f = *state;
    struct pieces *p = pieces_made();
    char text[200];
    char name[] = "0";
    for (enum form form = TRAILING; form < FORMS; form++) {
        name[0] = (char)('0' + form);
        snprintf(text, sizeof text, form < WRONG_NUMBER ? "@a : RSA %s/%s\n" : "include %s/%s\n", f->path, name);
        secrets_put("s", text);
        interrupted(read_it, f);
        assert_int_equal(f->counts.errors, 1);
        assert_int_equal(f->counts.rsa, 0);
        is_nowhere(p, form);
    }
    free(p);
}

static void open_it(struct secrets_folder *f)
{
    assert_non_null(store_open(f->store, store_next_locked(f->store, NULL)->path, "sesame"));
}

/* The same of what is read when its passphrase comes. */
static void nothing_is_left_by_a_passphrase(void **state)
{
    struct secrets_folder *f = *state;
    struct pieces *p = pieces_made();
    char text[200];
    for (enum form form = LOCKED_TRAILING; form < LOCKED_FORMS; form++) {
        snprintf(text, sizeof text, "@a : RSA %s/%c %%prompt\n", f->path, '0' + (char)form);
        secrets_put("s", text);
        secrets_read(f);
        assert_int_equal(f->counts.locked, 1);
        interrupted(open_it, f);
        is_nowhere(p, form);
    }
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_left, secrets_folder_set_up, secrets_folder_tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_left_by_a_passphrase, secrets_folder_set_up, secrets_folder_tear_down),
    };
    return cmocka_run_group_tests_name("secrets_rsa_refused", tests, NULL, NULL);
}
