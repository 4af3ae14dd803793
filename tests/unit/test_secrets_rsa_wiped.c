/* Nothing of a private key is left in memory when its store is freed, and while it is there nothing but the key. */
#include "rsa_keys.h"

#include "secrets/file.h"
#include "secrets/rsa_inside.h"
#include "secrets/rsa_text.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/pem.h>

#define SECRET_NUMBERS 3
#define LEN 24             /* bytes out of each number */
#define MASK 0x5a          /* so that the patterns themselves are not found */
#define MAPPING_MAX ((size_t)64 << 20) /* larger ones are a sanitizer's own */

static const enum rsa_number numbers[SECRET_NUMBERS] = { RSA_PRIVATE_EXPONENT, RSA_PRIME_1, RSA_PRIME_2 };

struct fixture {
    char folder[64];
    uint8_t pattern[SECRET_NUMBERS][LEN];
};

enum form { PKCS1, PKCS8, PKCS1_LOCKED, PKCS8_LOCKED, ENTRY, FORMS };

static void write_key(const struct rsa_key *key, enum form form)
{
    static const unsigned char word[] = "sesame";
    const EVP_CIPHER *cipher = form == PKCS1_LOCKED || form == PKCS8_LOCKED ? EVP_aes_128_cbc() : NULL;
    int size = cipher == NULL ? 0 : (int)sizeof word - 1;
    char name[] = "0";
    name[0] = (char)('0' + form);
    BIO *bio = BIO_new_file(name, "w");
    EVP_PKEY *pkey = rsa_key_pkey(key);
    struct buffer text;
    struct identity id;

    if (form == ENTRY) {
        buffer_init(&text, 0);
        assert_null(identity_parse(&id, "@a"));
        assert_null(rsa_text(&text, key, RSA_FORM_SECRETS, &id, true));
        assert_int_equal(BIO_write(bio, text.data, (int)text.len), (int)text.len);
        buffer_wipe(&text);
    } else if (form == PKCS8 || form == PKCS8_LOCKED) {
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher, (const char *)word, size, NULL,
                                                       NULL), 1);
    } else {
        assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, pkey, cipher, word, size, NULL, NULL), 1);
    }
    BIO_free(bio);
    assert_int_equal(chmod(name, 0600), 0);
}

/* In a process of its own, so that nothing of it is in the memory that is looked through. */
static void make_keys(int to)
{
    struct rsa_key *key = rsa_test_key(rsa_pem_2048);
    for (enum form form = PKCS1; form < FORMS; form++) {
        write_key(key, form);
    }
    for (size_t i = 0; i < SECRET_NUMBERS; i++) {
        uint8_t bytes[RSA_SIGNATURE_MAX];
        BIGNUM *bn = NULL;
        assert_int_equal(EVP_PKEY_get_bn_param(rsa_key_pkey(key), rsa_number_names[numbers[i]], &bn), 1);
        BN_bn2bin(bn, bytes);
        for (size_t j = 0; j < LEN; j++) {
            bytes[j + 16] ^= MASK;
        }
        assert_int_equal(write(to, bytes + 16, LEN), LEN);
        BN_free(bn);
    }
    rsa_key_free(key);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    int ends[2];
    int status = 1;
    assert_non_null(f);
    snprintf(f->folder, sizeof f->folder, "/tmp/test_secrets_rsa_wiped.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(chdir(f->folder), 0);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        make_keys(ends[1]);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], f->pattern, sizeof f->pattern), sizeof f->pattern);
    close(ends[0]);
    close(ends[1]);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

/* How often it is there, in this byte order. */
static size_t count(const uint8_t *memory, size_t len, const uint8_t pattern[LEN], bool reversed)
{
    size_t found = 0;
    for (size_t i = 0; i + LEN <= len; i++) {
        size_t j = 0;
        while (j < LEN && (memory[i + j] ^ MASK) == pattern[reversed ? LEN - 1 - j : j]) {
            j++;
        }
        found += j == LEN ? 1 : 0;
    }
    return found;
}

/* In all memory of this process that may be written to. */
static void scan(const struct fixture *f, size_t found[SECRET_NUMBERS][2])
{
    uint8_t *copy = malloc(MAPPING_MAX);
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC); /* a FILE would keep some of it in its buffer */
    char line[500];

    assert_true(copy != NULL && maps != NULL && memory >= 0);
    memset(found, 0, SECRET_NUMBERS * sizeof found[0]);
    while (fgets(line, sizeof line, maps) != NULL) {
        char *end = NULL;
        unsigned long from = strtoul(line, &end, 16);
        unsigned long to = strtoul(end + 1, &end, 16);
        bool is_copy = from <= (unsigned long)copy && (unsigned long)copy < to;
        if (strncmp(end, " rw", 3) != 0 || is_copy || to - from > MAPPING_MAX) {
            continue;
        }
        ssize_t n = pread(memory, copy, to - from, (off_t)from);
        size_t len = n < 0 ? 0 : (size_t)n;
        for (size_t i = 0; i < SECRET_NUMBERS; i++) {
            found[i][0] += count(copy, len, f->pattern[i], false);
            found[i][1] += count(copy, len, f->pattern[i], true);
        }
        explicit_bzero(copy, len);
    }
    close(memory);
    fclose(maps);
    free(copy);
}

static void look(const struct fixture *f, enum form form)
{
    static const uint8_t hash[20] = "these are twenty, ok";
    size_t found[SECRET_NUMBERS][2];
    char text[200];
    char name[] = "0";
    uint8_t sig[RSA_SIGNATURE_MAX];
    size_t len = 0;
    struct identity id;
    struct file_counts counts;
    const struct secret *other = NULL;
    const struct log log = { .tool = "test" };
    struct store *store = store_new();

    name[0] = (char)('0' + form);
    snprintf(text, sizeof text, "@a : RSA %s/%s sesame\n", f->folder, name);
    FILE *file = fopen("s", "w");
    assert_true(fputs(text, file) >= 0);
    fclose(file);
    assert_int_equal(chmod("s", 0600), 0);
    file_read(store, form == ENTRY ? name : "s", false, &log, &counts);
    assert_int_equal(counts.rsa, 1);
    assert_null(identity_parse(&id, "@a"));
    assert_null(rsa_sign(store_find_rsa(store, &id, &other)->rsa, hash, sizeof hash, sig, &len));
    scan(f, found);
    for (size_t i = 0; i < SECRET_NUMBERS; i++) {
        assert_int_equal(found[i][0], 0); /* as files have it */
        assert_in_range(found[i][1], 1, 2); /* as OpenSSL has it: of the primes its Montgomery form's, too */
    }
    store_free(store);
    scan(f, found);
    for (size_t i = 0; i < SECRET_NUMBERS; i++) {
        assert_int_equal(found[i][0] + found[i][1], 0);
    }
}

static void nothing_is_left(void **state)
{
    for (enum form form = PKCS1; form < FORMS; form++) {
        look(*state, form);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_left, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("secrets_rsa_wiped", tests, NULL, NULL);
}
