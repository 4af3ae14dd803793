/*
 * F18: reading ipsec.secrets ends in a bounded time, whatever stands in it: includes, folders that patterns lead to, keys that are
 * to be checked. The sizes of what is read: test_f18_files.c; passphrases: test_secrets_rsa_pem.c.
 */
#include "rsa_keys.h"
#include "secrets_folder.h"

#include "secrets/file_inside.h"
#include "secrets/rsa_pem.h"
#include "secrets/rsa_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* ---- includes ---- */

static void put_repeated(const char *line, unsigned count, const char *behind)
{
    FILE *file = fopen("s", "w");
    assert_non_null(file);
    for (unsigned i = 0; i < count; i++) {
        assert_true(fputs(line, file) >= 0);
    }
    assert_true(fputs(behind, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod("s", 0600), 0);
}

/* One error for all that is beyond, wherever it is; entries are used. */
static void f18_includes_at_their_limit(void **state)
{
    struct secrets_folder *f = *state;
    secrets_put("empty", "");
    put_repeated("include empty\n", FILE_COUNT_MAX - 1, "@z : PSK \"x\"\n"); /* with s itself: as many as may be */
    secrets_reads(f, 1, 0, NULL);
    put_repeated("include empty\n", FILE_COUNT_MAX, "@z : PSK \"x\"\n");
    secrets_reads(f, 1, 0, "s:1000:%20more%20than%201000%20files;%20from%20here%20on%20no%20include%20is%20read");
    put_repeated("include empty\n", 5000, "@z : PSK \"x\"\n");
    secrets_reads(f, 1, 0, "s:1000:%20more%20than%201000%20files");

    /* Those that match nothing are errors, each, up to there. */
    put_repeated("include nothing*\n", INCLUDE_COUNT_MAX, "@z : PSK \"x\"\n");
    secrets_read_as(f, false);
    assert_int_equal(f->counts.errors, INCLUDE_COUNT_MAX);
    put_repeated("include nothing*\n", 5000, "@z : PSK \"x\"\n");
    secrets_read_as(f, false);
    assert_int_equal(f->counts.errors, INCLUDE_COUNT_MAX + 1);
    assert_int_equal(f->counts.psk, 1);
}

/* Opened and refused is opened: nobody is made to open millions. */
static void f18_files_that_are_refused_count(void **state)
{
    struct secrets_folder *f = *state;
    char name[20];
    assert_int_equal(mkdir("d", 0700), 0);
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "d/%u", i);
        secrets_put(name, "@a : PSK \"x\"\n");
        assert_int_equal(chmod(name, 0644), 0);
    }
    put_repeated("include d/*\n", 200, "@z : PSK \"x\"\n");
    secrets_read_as(f, false);
    assert_int_equal(f->counts.errors, FILE_COUNT_MAX - 1 + 1);
    assert_int_equal(f->counts.psk, 1);
    assert_int_equal(f->counts.files, 1);
    assert_false(secrets_said(f, "s:51:"));
}

/* Folders that patterns lead to, and what is in them: as many as may be, and one more. */
static void f18_patterns_that_lead_far(void **state)
{
    struct secrets_folder *f = *state;
    struct found_files found;
    char name[40];
    size_t looks = 1000;
    for (unsigned i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof name, "d%u", i);
        assert_int_equal(mkdir(name, 0700), 0);
        (void)snprintf(name, sizeof name, "d%u/e", i);
        assert_int_equal(mkdir(name, 0700), 0);
    }
    secrets_put("d3/e/f", "@a : PSK \"x\"\n");
    assert_null(file_glob("./d*/?/f", &looks, &found));
    assert_int_equal(found.count, 1);
    assert_string_equal(found.paths[0], "./d3/e/f");
    found_files_free(&found);
    const size_t needed = 1000 - looks;
    /* . has ten folders and two names of its own; each of them three names; ten times it is looked for f. */
    assert_int_equal(needed, 1 + 12 + 10 * (1 + 3) + 10);
    looks = needed;
    assert_null(file_glob("d*/?/f", &looks, &found));
    assert_int_equal(found.count, 1);
    found_files_free(&found);
    looks = needed - 1;
    assert_non_null(strstr(file_glob("d*/?/f", &looks, &found), "lead to more than 100000 files and folders"));
    found_files_free(&found);

    secrets_put("x", "@b : PSK \"x\"\n");
    put_repeated("include /*/*/*/nothing\n", 900, "include x\n@z : PSK \"x\"\n");
    secrets_read_as(f, false);
    secrets_expect(f, "lead%20to%20more%20than%20100000%20files%20and%20folders:%20name%20fewer;%20from%20here%20on%20no%20include%20is%20read");
    assert_int_equal(f->counts.psk, 1);
    assert_int_equal(f->counts.files, 1);
}

/* Shell patterns as glob(3) has them: sorted, hidden files only where they are named, what is quoted by a backslash. */
static void k1_patterns(void **state)
{
    static const char *const patterns[][2] = {
        { "*", "a b b?c d" }, { "?", "a b d" }, { "[ab]", "a b" }, { "[!ab]", "d" }, { ".h*", ".hid" }, { "b\\?c", "b?c" },
        { "b\\?*", "b?c" }, { "*/*", "d/1 d/2" }, { "d/[2-9]", "d/2" }, { "d//1", "d//1" }, { "*/1", "d/1" }, { "*/", "d/" }, { "./a", "./a" },
        { "/*/../tmp", "*" }, { "e", "" }, { "*/*/*/*/*/*/*/*", "" }, { "[", "" }, { "*/.h", "d/.h" }, { "\\a", "a" }, { "", "" },
    };
    char long_one[5000];
    size_t looks = FILE_LOOKS_MAX;
    struct found_files found;
    (void)state;
    assert_int_equal(mkdir("d", 0700), 0);
    secrets_put("b", "");
    secrets_put("a", "");
    secrets_put("b?c", "");
    secrets_put(".hid", "");
    secrets_put("d/2", "");
    secrets_put("d/1", "");
    secrets_put("d/.h", "");
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        char all[200] = "";
        assert_null(file_glob(patterns[i][0], &looks, &found));
        for (size_t j = 0; j < found.count && patterns[i][1][0] != '*'; j++) {
            (void)snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", j == 0 ? "" : " ", found.paths[j]);
        }
        assert_string_equal(all, patterns[i][1][0] == '*' ? "" : patterns[i][1]);
        found_files_free(&found);
    }
    assert_non_null(strstr(file_glob("/*/*/*/*/*/*/*/*/*", &looks, &found), "wildcards in at most 8 parts"));
    found_files_free(&found);
    memset(long_one, '*', sizeof long_one - 1);
    long_one[sizeof long_one - 1] = '\0';
    assert_non_null(file_glob(long_one, &looks, &found));
    found_files_free(&found);
}

/* ---- keys ---- */

/* Seconds of arithmetic for each of them: no more than some seconds in all. */
static void f18_many_keys_to_check(void **state)
{
    struct secrets_folder *f = *state;
    struct rsa_key *key = rsa_test_key(rsa_pem_1024);
    struct buffer text;
    struct identity id;
    const size_t of_one = 500 + 64; /* 1024 bits */
    const size_t all = KEY_CHECKS_OF_LOAD / of_one;
    buffer_init(&text, 0);
    assert_null(identity_parse(&id, "@a"));
    assert_null(rsa_text(&text, key, RSA_FORM_SECRETS, &id, true));
    rsa_key_free(key);
    FILE *file[2] = { fopen("s", "w"), fopen("i", "w") }; /* more than one may have in it */
    assert_true(file[0] != NULL && file[1] != NULL);
    assert_true(fputs("include i\n", file[0]) >= 0);
    for (size_t i = 0; i < all + 3; i++) {
        assert_int_equal(fwrite(text.data, 1, text.len, file[i % 2]), text.len);
    }
    assert_true(fputs("@z : PSK \"x\"\n", file[0]) >= 0);
    assert_int_equal(fclose(file[0]), 0);
    assert_int_equal(fclose(file[1]), 0);
    assert_int_equal(chmod("s", 0600), 0);
    assert_int_equal(chmod("i", 0600), 0);
    buffer_wipe(&text);
    secrets_read_as(f, false);
    secrets_expect(f, "the%20key%20is%20not%20checked,%20since%20those%20before%20it%20took%20all%20the%20time");
    assert_int_equal(f->counts.rsa, all);
    assert_int_equal(f->counts.errors, 3);
    assert_int_equal(f->counts.psk, 1);
}

/* What is refused costs as much, in a file of its own, too; zeros before the modulus do not count. */
static void f18_keys_to_check_at_their_limit(void **state)
{
    static const uint8_t modulus[2000] = { [1900] = 1 }; /* of 100 bytes */
    struct rsa_numbers numbers = { .of[RSA_MODULUS] = { modulus, sizeof modulus } };
    struct key_work work = { .iterations = 0, .checks = 2 * (500 + 27) };
    const char *text = rsa_pem_1024;
    struct rsa_key *key = NULL;
    (void)state;
    assert_null(rsa_work_take(&work, &numbers));
    assert_null(rsa_work_take(&work, &numbers));
    assert_int_equal(work.checks, 0);
    assert_non_null(rsa_work_take(&work, &numbers));
    work.checks = 2 * (500 + 64) - 1;
    assert_null(rsa_pem_read(&key, text, strlen(text), NULL, &work));
    rsa_key_free(key);
    assert_non_null(strstr(rsa_pem_read(&key, text, strlen(text), NULL, &work), "took all the time that there is for checking"));
    assert_null(key);
    /* 700 of 4096 bits, as it is said, and 99 of the largest */
    assert_true(700 * (500 + 16 * 16 * 16) <= KEY_CHECKS_OF_LOAD);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, secrets_folder_set_up, secrets_folder_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(f18_includes_at_their_limit),
        TEST(f18_files_that_are_refused_count),
        TEST(f18_patterns_that_lead_far),
        TEST(k1_patterns),
        TEST(f18_many_keys_to_check),
        TEST(f18_keys_to_check_at_their_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
