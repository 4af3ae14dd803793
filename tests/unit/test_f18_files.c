/*
 * F18, F15: ipsec.secrets and key files at each of their limits: sizes, lengths of secrets and passphrases, rights, includes.
 * What may stand in them: test_secrets_file.c,
 * test_secrets_file_rsa.c; how much work they may be: test_f18_work.c.
 */
#include "rsa_keys.h"
#include "secrets_folder.h"

#include "secrets/rsa_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

/* text, and empty lines up to that size. */
static void put_filled(const char *name, const char *text, size_t size)
{
    char *whole = malloc(size);
    assert_non_null(whole);
    memset(whole, '\n', size);
    memcpy(whole, text, strlen(text));
    secrets_put_bytes(name, whole, size);
    free(whole);
}

static char *key_text(const char *passphrase)
{
    struct rsa_key *key = rsa_test_key(rsa_pem_1024);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, rsa_key_pkey(key), passphrase == NULL ? NULL : EVP_aes_128_cbc(),
                                                   passphrase, passphrase == NULL ? 0 : (int)strlen(passphrase), NULL,
                                                   NULL), 1);
    long len = BIO_get_mem_data(bio, &text);
    text = strndup(text, (size_t)len);
    BIO_free(bio);
    rsa_key_free(key);
    return text;
}

/* ---- sizes ---- */

static void f18_sizes_at_their_limits(void **state)
{
    static const char entry[] = "@a : PSK \"x\"\n";
    struct secrets_folder *f = *state;
    char text[300];
    put_filled("s", entry, FILE_SIZE_MAX - 1);
    secrets_reads(f, 1, 0, NULL);
    put_filled("s", entry, FILE_SIZE_MAX);
    secrets_reads(f, 1, 0, NULL);
    put_filled("s", entry, FILE_SIZE_MAX + 1);
    secrets_reads(f, 0, 0, "s:%20larger%20than%204%20MiB");

    char *key = key_text(NULL);
    (void)snprintf(text, sizeof text, "@a : RSA %s/k\n@b : PSK \"x\"\n", f->path);
    secrets_put("s", text);
    put_filled("k", key, KEY_FILE_SIZE_MAX - 1);
    secrets_reads(f, 1, 1, NULL);
    put_filled("k", key, KEY_FILE_SIZE_MAX);
    secrets_reads(f, 1, 1, NULL);
    put_filled("k", key, KEY_FILE_SIZE_MAX + 1);
    secrets_reads(f, 1, 0, "k:%20larger%20than%2064%20KiB");
    free(key);

    /* All together: what is above is left out, and the rest is used. */
    secrets_put("s", "include 1\ninclude 2\ninclude 3\ninclude 4\n@z : PSK \"x\"\n");
    const size_t own = strlen("include 1\ninclude 2\ninclude 3\ninclude 4\n@z : PSK \"x\"\n");
    put_filled("1", entry, FILE_SIZE_MAX);
    put_filled("2", entry, FILE_SIZE_MAX);
    put_filled("3", entry, FILE_SIZE_MAX);
    put_filled("4", entry, FILE_TOTAL_MAX - 3 * FILE_SIZE_MAX - own);
    secrets_reads(f, 5, 0, NULL);
    put_filled("4", entry, FILE_TOTAL_MAX - 3 * FILE_SIZE_MAX - own + 1);
    secrets_reads(f, 4, 0, "4:%20all%20files%20together%20are%20larger%20than%2016%20MiB");
}

/* By whatever name. */
static void f18_includes_itself_by_another_name(void **state)
{
    struct secrets_folder *f = *state;
    secrets_put("s", "@a : PSK \"x\"\ninclude soft\n@b : PSK \"x\"\n");
    assert_int_equal(symlink("s", "soft"), 0);
    secrets_reads(f, 2, 0, "s:2:%20a%20file%20that%20includes%20itself%20is%20not%20read%20again:%20soft");
    secrets_put("s", "@a : PSK \"x\"\ninclude hard\n@b : PSK \"x\"\n");
    assert_int_equal(link("s", "hard"), 0);
    secrets_reads(f, 2, 0, "s:2:%20a%20file%20that%20includes%20itself%20is%20not%20read%20again:%20hard");
    secrets_put("s", "include t*\n");
    secrets_put("t1", "@a : PSK \"x\"\n");
    secrets_put("t2", "include ./t*\n");
    secrets_read_as(f, false);
    assert_int_equal(f->counts.errors, 1); /* t2, once */
    assert_int_equal(f->counts.psk, 2);
}

/* ---- lengths ---- */

/* Before, so many x, and behind. */
static void put_run(const char *name, const char *before, char x, size_t count, const char *behind)
{
    char *text = malloc(strlen(before) + count + strlen(behind) + 1);
    assert_non_null(text);
    size_t len = strlen(before);
    memcpy(text, before, len);
    memset(text + len, x, count);
    (void)strcpy(text + len + count, behind);
    secrets_put(name, text);
    free(text);
}

/* In each form that it can have. */
static void f15_lengths_in_other_forms(void **state)
{
    static const size_t sizes[] = { 0, 1, PSK_MAX - 1, PSK_MAX, PSK_MAX + 1, 65536 };
    struct secrets_folder *f = *state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const bool good = sizes[i] >= 1 && sizes[i] <= PSK_MAX;
        const char *why = good ? NULL : sizes[i] == 0 ? "s:1:%20" : "s:1:%20expected%20a%20secret%20of%20at%20most%201024%20bytes";
        put_run("s", "@a : PSK 0x", '5', 2 * sizes[i], "\n@z : PSK \"x\"\n");
        secrets_reads(f, 1 + good, 0, why);
        put_run("s", "@a : PSK 0t", '5', sizes[i], "\n@z : PSK \"x\"\n");
        secrets_reads(f, 1 + good, 0, why);
        put_run("s", "@a : '", '5', sizes[i], "'\n@z : PSK \"x\"\n");
        secrets_reads(f, 1 + good, 0, why);
    }
}

/* A 0 in front is no part of it. */
static void f18_numbers_of_keys(void **state)
{
    struct secrets_folder *f = *state;
    put_run("s", "@a : RSA { Modulus: 0x00", 'f', 2 * RSA_BITS_MAX / 8, " }\n@z : PSK \"x\"\n");
    secrets_reads(f, 1, 0, "s:1:%20expected%20PublicExponent:");
    put_run("s", "@a : RSA { Modulus: 0x00", 'f', 2 * RSA_BITS_MAX / 8 + 2, " }\n@z : PSK \"x\"\n");
    secrets_reads(f, 1, 0, "s:1:%20expected%20a%20number%20of%20at%20most%208192%20bits%20in%20the%20RSA%20key");
}

static void f18_passphrases(void **state)
{
    static const size_t sizes[] = { 0, 1, 1023, PASSPHRASE_MAX, PASSPHRASE_MAX + 1, 65536 };
    struct secrets_folder *f = *state;
    char before[100];
    char passphrase[PASSPHRASE_MAX + 1];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const bool good = sizes[i] >= 1 && sizes[i] <= PASSPHRASE_MAX;
        const size_t len = good ? sizes[i] : PASSPHRASE_MAX;
        memset(passphrase, 'p', len);
        passphrase[len] = '\0';
        char *key = key_text(passphrase);
        secrets_put("k", key);
        free(key);
        (void)snprintf(before, sizeof before, "@a : RSA %s/k \"", f->path);
        put_run("s", before, 'p', sizes[i], "\"\n@z : PSK \"x\"\n");
        secrets_reads(f, 1, good, good ? NULL : sizes[i] == 0 ? "passphrase%20of%20the%20key%20is%20wrong"
                                                      : "s:1:%20expected%20a%20passphrase%20of%20at%20most%201024");
        if (good) { /* its last byte counts, and one more is another one */
            put_run("s", before, 'p', sizes[i] - 1, "q\"\n@z : PSK \"x\"\n");
            secrets_reads(f, 1, 0, "passphrase%20of%20the%20key%20is%20wrong");
        }
    }
}

static void f18_names_and_identities(void **state)
{
    struct secrets_folder *f = *state;
    for (size_t len = 1022; len <= 1025; len++) {
        put_run("s", "@a : RSA /", 'k', len - 1, "\n@z : PSK \"x\"\n");
        secrets_reads(f, 1, 0, len <= 1023 ? ":%20File%20name%20too%20long" : "s:1:%20expected%20the%20name%20of%20a%20key%20file,"
                                                                      "%20of%20at%20most%201023%20bytes");
    }
    for (unsigned count = STORE_INDICES_MAX - 1; count <= STORE_INDICES_MAX + 1; count++) {
        FILE *file = fopen("s", "w");
        assert_non_null(file);
        for (unsigned i = 0; i < count; i++) {
            assert_true(fprintf(file, "@%u ", i) > 0);
        }
        assert_true(fputs(": PSK \"y\"\n@z : PSK \"x\"\n", file) >= 0);
        assert_int_equal(fclose(file), 0);
        const bool good = count <= STORE_INDICES_MAX;
        secrets_reads(f, 1 + good, 0, good ? NULL : "s:1:%20expected%20at%20most%2064%20identities");
    }
}

/* ---- rights, and how much is said ---- */

static void f18_key_files_that_others_can_use(void **state)
{
    static const mode_t refused[] = { 0640, 0604, 0644, 0620, 0602, 0666 };
    struct secrets_folder *f = *state;
    char text[300];
    char wanted[200];
    char *key = key_text(NULL);
    secrets_put("k", key);
    free(key);
    (void)snprintf(text, sizeof text, "@a : RSA %s/k\n@z : PSK \"x\"\n", f->path);
    (void)snprintf(wanted, sizeof wanted, "chmod%%20600%%20%s/k", f->path);
    secrets_put("s", text);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(chmod("k", refused[i]), 0);
        secrets_reads(f, 1, 0, wanted);
        secrets_read_as(f, true); /* [K4] */
        assert_int_equal(f->counts.errors, 0);
        assert_int_equal(f->counts.rsa, 1);
    }
    assert_int_equal(chmod("k", 0710), 0); /* that is no reading or writing */
    secrets_reads(f, 1, 1, NULL);
}

/* Whose mode is right, since its owner has set it so. As root only. */
static void f18_keys_of_others(void **state)
{
    struct secrets_folder *f = *state;
    char text[300];
    if (geteuid() != 0) {
        skip();
    }
    char *key = key_text(NULL);
    secrets_put("k", key);
    free(key);
    (void)snprintf(text, sizeof text, "@a : RSA %s/k\n@z : PSK \"x\"\ninclude i\n", f->path);
    secrets_put("s", text);
    secrets_put("i", "@i : PSK \"x\"\n");
    secrets_reads(f, 2, 1, NULL);
    assert_int_equal(chown("k", 65533, 0), 0);
    (void)snprintf(text, sizeof text, "it%%20belongs%%20to%%20uid%%2065533,%%20who%%20may%%20read%%20and%%20change%%20it,%%20so%%20it%%20is%%20"
                   "not%%20read;%%20if%%20it%%20is%%20what%%20it%%20should%%20be,%%20run:%%20chown%%20root%%20%s/k", f->path);
    secrets_reads(f, 2, 0, text);
    secrets_read_as(f, true); /* [K4] */
    assert_int_equal(f->counts.errors, 0);
    assert_int_equal(f->counts.rsa, 1);
    assert_int_equal(chown("k", 0, 65533), 0); /* of whose group there is nothing to say: it may do nothing */
    secrets_reads(f, 2, 1, NULL);
    assert_int_equal(chown("i", 65533, 0), 0);
    secrets_reads(f, 1, 1, "chown%20root%20i");
    assert_int_equal(chown("s", 65533, 0), 0);
    secrets_reads(f, 0, 0, "chown%20root%20s");
    /* Whoever runs this may have files of his own, and root's. */
    assert_int_equal(chown(f->path, 65533, 0), 0);
    assert_int_equal(seteuid(65533), 0);
    secrets_read_as(f, false);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(f->counts.psk, 2);
    secrets_expect(f, "k:%20Permission%20denied"); /* root's, which he may not open */
}

/* Nobody writes into it, and whoever opened it to read would wait. */
static void f18_key_file_that_is_a_pipe(void **state)
{
    struct secrets_folder *f = *state;
    char text[300];
    (void)snprintf(text, sizeof text, "@a : RSA %s/k\n@z : PSK \"x\"\n", f->path);
    secrets_put("s", text);
    assert_int_equal(mkfifo("k", 0600), 0);
    secrets_reads(f, 1, 0, "k:%20not%20a%20regular%20file");
    assert_int_equal(unlink("k"), 0);
    assert_int_equal(symlink("k", "k"), 0);
    secrets_reads(f, 1, 0, "k:%20Too%20many%20levels%20of%20symbolic%20links");
}

/* Of thousands of entries that are wrong the first are told of. */
static void f18_few_lines_for_many_entries(void **state)
{
    static const char *const entries[][2] = { { "-gate", ".example.com @a : PSK \"x\"" }, { "10.9.0.256", " : PSK \"x\"" },
                                              { "@", " : RSA /no/such/key" }, { "include no-such-file-", "" } };
    struct secrets_folder *f = *state;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        FILE *file = fopen("s", "w");
        assert_non_null(file);
        for (unsigned n = 0; n < 5000; n++) {
            assert_true(fprintf(file, "%s%u%s\n", entries[i][0], n, entries[i][1]) > 0);
        }
        assert_true(fputs("@z : PSK \"x\"\n", file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(chmod("s", 0600), 0);
        secrets_read_as(f, false);
        assert_int_equal(f->counts.errors, entries[i][0][0] == 'i' ? INCLUDE_COUNT_MAX + 1 : 5000);
        assert_int_equal(f->counts.psk, 1);
        assert_in_range(f->lines.len, 1, 300 * FILE_ERRORS_SHOWN);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, secrets_folder_set_up, secrets_folder_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(f18_sizes_at_their_limits),
        TEST(f18_includes_itself_by_another_name),
        TEST(f15_lengths_in_other_forms),
        TEST(f18_numbers_of_keys),
        TEST(f18_passphrases),
        TEST(f18_names_and_identities),
        TEST(f18_key_files_that_others_can_use),
        TEST(f18_key_file_that_is_a_pipe),
        TEST(f18_keys_of_others),
        TEST(f18_few_lines_for_many_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
