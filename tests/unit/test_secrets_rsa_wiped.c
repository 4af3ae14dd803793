/* Nothing of a private key is left in memory when its store is freed, and while it is there nothing but the key. */
#include "own_memory.h"
#include "rsa_keys.h"

#include "secrets/file.h"
#include "secrets/rsa_inside.h"
#include "secrets/rsa_text.h"

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
#define PIECES 12 /* of each text: it is not seen where other things came into its place */

static const enum rsa_number numbers[SECRET_NUMBERS] = { RSA_PRIVATE_EXPONENT, RSA_PRIME_1, RSA_PRIME_2 };

enum form { PKCS1, PKCS8, PKCS1_LOCKED, PKCS8_LOCKED, ENTRY, PSK_ENTRY, FORMS };

struct patterns {
    struct own_memory_pattern number[SECRET_NUMBERS];
    struct own_memory_pattern text[FORMS][PIECES]; /* out of the files, as they are */
};

struct fixture {
    char folder[64];
    struct patterns patterns;
};

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
    } else if (form == PSK_ENTRY) {
        BIO_puts(bio, ": PSK \"");
        for (unsigned i = 0; i < 60; i++) {
            BIO_printf(bio, "%08x", (i + 1) * 2654435761u);
        }
        BIO_puts(bio, "\"\n");
    } else if (form == PKCS8 || form == PKCS8_LOCKED) {
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher, (const char *)word, size, NULL,
                                                       NULL), 1);
    } else {
        assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, pkey, cipher, word, size, NULL, NULL), 1);
    }
    BIO_free(bio);
    assert_int_equal(chmod(name, 0600), 0);
}

/* Pieces of that file: the first and last ones are no secret in some forms. */
static void take_pieces(enum form form, struct own_memory_pattern pieces[PIECES])
{
    uint8_t text[20000];
    char name[] = "0";
    name[0] = (char)('0' + form);
    FILE *file = fopen(name, "r");
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    assert_true(len > (size_t)PIECES * OWN_MEMORY_LEN);
    for (size_t i = 0; i < PIECES; i++) {
        own_memory_mask(&pieces[i], text + (i + 1) * (len - OWN_MEMORY_LEN) / (PIECES + 1));
    }
}

/* In a process of its own, so that nothing of it is in the memory that is looked through. */
static void make_keys(int to)
{
    struct patterns made;
    struct rsa_key *key = rsa_test_key(rsa_pem_2048);
    for (enum form form = PKCS1; form < FORMS; form++) {
        write_key(key, form);
        take_pieces(form, made.text[form]);
    }
    for (size_t i = 0; i < SECRET_NUMBERS; i++) {
        uint8_t bytes[RSA_SIGNATURE_MAX];
        BIGNUM *bn = NULL;
        assert_int_equal(EVP_PKEY_get_bn_param(rsa_key_pkey(key), rsa_number_names[numbers[i]], &bn), 1);
        BN_bn2bin(bn, bytes);
        own_memory_mask(&made.number[i], bytes + 16);
        BN_free(bn);
    }
    assert_int_equal(write(to, &made, sizeof made), sizeof made);
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
    assert_int_equal(read(ends[0], &f->patterns, sizeof f->patterns), sizeof f->patterns);
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

/* So often is each piece of its file's text in memory. */
static void text_is_there(const struct fixture *f, enum form form, size_t times)
{
    size_t found[PIECES][2];
    own_memory_count(f->patterns.text[form], PIECES, found);
    for (size_t i = 0; i < PIECES; i++) {
        assert_int_equal(found[i][0], times);
    }
}

/* The store of a secrets file: this form, or one with an entry for it. */
static struct store *read_store(const struct fixture *f, enum form form, const char *passphrase)
{
    char text[200];
    char name[] = "0";
    struct file_counts counts;
    const struct log log = { .tool = "test" };
    struct store *store = store_new();

    name[0] = (char)('0' + form);
    snprintf(text, sizeof text, "@a : RSA %s/%s %s\n", f->folder, name, passphrase);
    FILE *file = fopen("s", "w");
    assert_true(fputs(text, file) >= 0);
    fclose(file);
    assert_int_equal(chmod("s", 0600), 0);
    file_read(store, form == ENTRY || form == PSK_ENTRY ? name : "s", false, &log, &counts);
    assert_int_equal(counts.errors, 0);
    assert_int_equal(store_count(store), 1);
    return store;
}

/* The private numbers: as OpenSSL has them, if the key is open, and nowhere else. */
static void numbers_are_there(const struct fixture *f, bool open)
{
    size_t found[SECRET_NUMBERS][2];
    own_memory_count(f->patterns.number, SECRET_NUMBERS, found);
    for (size_t i = 0; i < SECRET_NUMBERS; i++) {
        assert_int_equal(found[i][0], 0); /* as files have it */
        assert_in_range(found[i][1], open ? 1 : 0, open ? 2 : 0); /* of the primes its Montgomery form's, too */
    }
}

static void look(const struct fixture *f, enum form form)
{
    static const uint8_t hash[20] = "these are twenty, ok";
    uint8_t sig[RSA_SIGNATURE_MAX];
    size_t len = 0;
    struct identity id;
    const struct secret *other = NULL;
    struct store *store = read_store(f, form, "sesame");

    text_is_there(f, form, 0);
    assert_null(identity_parse(&id, "@a"));
    assert_null(rsa_sign(store_find_rsa(store, &id, &other)->rsa, hash, sizeof hash, sig, &len));
    numbers_are_there(f, true);
    store_free(store);
    numbers_are_there(f, false);
}

static void nothing_is_left(void **state)
{
    for (enum form form = PKCS1; form < PSK_ENTRY; form++) {
        look(*state, form);
    }
}

/* The text of a key that is not open yet is kept, once, until it is: there may be more in it than that key. */
static void a_locked_text_is_forgotten(void **state)
{
    struct fixture *f = *state;
    for (enum form form = PKCS1_LOCKED; form <= PKCS8_LOCKED; form++) {
        struct store *store = read_store(f, form, "%prompt");
        const struct key_file *locked = store_next_locked(store, NULL);
        assert_non_null(locked);
        text_is_there(f, form, 1);
        assert_non_null(store_open(store, locked->path, "another"));
        text_is_there(f, form, 1);
        numbers_are_there(f, false);
        assert_null(store_open(store, locked->path, "sesame"));
        text_is_there(f, form, 0);
        numbers_are_there(f, true);
        store_free(store);
        numbers_are_there(f, false);
        store = read_store(f, form, "%prompt");
        text_is_there(f, form, 1);
        store_free(store); /* it was never opened */
        text_is_there(f, form, 0);
    }
}

static void a_preshared_secret_is_there_once(void **state)
{
    struct fixture *f = *state;
    struct store *store = read_store(f, PSK_ENTRY, "");
    text_is_there(f, PSK_ENTRY, 1);
    store_free(store);
    text_is_there(f, PSK_ENTRY, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_locked_text_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_preshared_secret_is_there_once, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("secrets_rsa_wiped", tests, NULL, NULL);
}
