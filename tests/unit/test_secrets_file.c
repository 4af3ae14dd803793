/* ipsec.secrets: what is read, what is refused and how that is said, and who gets which secret. */
#include "secrets_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct secret *find(struct secrets_folder *f, const char *ours, const char *peer)
{
    struct identity a;
    struct identity b;
    const struct secret *other;
    assert_null(identity_parse(&a, ours));
    assert_null(identity_parse(&b, peer));
    return store_find(f->store, &a, &b, &other);
}

static void finds(struct secrets_folder *f, const char *ours, const char *peer, const char *secret)
{
    const struct secret *s = find(f, ours, peer);
    if (secret == NULL) {
        assert_null(s);
        return;
    }
    assert_non_null(s);
    assert_int_equal(s->len, strlen(secret));
    assert_memory_equal(s->bytes, secret, s->len);
}

static void shapes(void **state)
{
    static const struct {
        const char *text;
        const char *secret;
    } right[] = {
        { "10.9.0.1 10.9.0.2 : PSK \"one\"\n", "one" },
        { "10.9.0.1 10.9.0.2 : PSK \"no newline at the end\"", "no newline at the end" },
        { "10.9.0.1 10.9.0.2 : psk 'it is \"so\"'\n", "it is \"so\"" },
        { "10.9.0.1 10.9.0.2 : \"bare\"\n", "bare" },
        { "10.9.0.1 10.9.0.2 : PSK 0x6f6e_65\n", "one" },
        { "10.9.0.1 10.9.0.2 : PSK 0sb25l\n", "one" },
        { "10.9.0.1 10.9.0.2 : PSK 0tone\n", "one" },
        { "# a comment\n\n10.9.0.1\t10.9.0.2\n\t: # here too\n\n# here\n  PSK\n \"x#y\" # end\n",
          "x#y" },
        { ": PSK \"for all\"\r\n", "for all" },
        { "\xef\xbb\xbf: PSK \"behind a byte order mark\"\n", "behind a byte order mark" },
        { "\xef\xbb\xbf""10.9.0.1 10.9.0.2 : PSK \"so, too\"\r\n", "so, too" },
        { "10.9.0.2 @a x@b @#00ff 10.9.0.1 2001:db8::1 : PSK \"x\"\n", "x" },
        { "%any 10.9.0.1 : PSK \"road\"\n", "road" },
        { "0.0.0.0 10.9.0.1 : PSK \"road\"\n", "road" },
        { "10.9.0.1 : PSK \"ours\"\n", "ours" },
        { "10.9.0.1 \"C=CH, O=Example Ltd\" 'CN=a' C=CH,O=x 10.9.0.2 : PSK \"one\"\n", "one" },
    };
    struct secrets_folder *f = *state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        secrets_put("s", right[i].text);
        secrets_read(f);
        assert_int_equal(f->counts.errors, 0);
        assert_int_equal(f->counts.psk, 1);
        finds(f, "10.9.0.1", "10.9.0.2", right[i].secret);
    }
}

/* [K1] [K2] A name with blanks stands in quotes, and is found by any spelling. */
static void distinguished_names(void **state)
{
    struct secrets_folder *f = *state;
    secrets_put("s", "\"C=CH, O=Example Ltd\" C=CH,O=Other : PSK \"of both\"\n\"C=CH, O=Example Ltd\" : PSK \"ours\"\n");
    secrets_read(f);
    assert_int_equal(f->counts.errors, 0);
    finds(f, "c=ch,o=EXAMPLE%20%20ltd", "C=CH,O=utf8:other", "of both");
    finds(f, "C=CH,O=Example Ltd", "C=CH,O=Another", "ours");
}

static void f18_wrong_shapes(void **state)
{
    static const struct {
        const char *text;
        const char *said;
    } wrong[] = {
        { "10.9.0.1 10.9.0.2 PSK \"tell-nobody\"", "s:1:%20expected%20a%20colon" },
        { "\n10.9.0.1 \"tell-nobody\"", "s:2:%20expected%20a%20colon" },
        { "@a \"C=CH, S=tell-nobody\" : PSK \"x\"", "if%20that%20is%20to%20be%20an%20identity,%20another%20distinguished%20name" },
        { "10.9.0.1", "s:1:%20expected%20a%20colon" },
        { "10.9.0.1 : PSK tell-nobody", "s:1:%20expected%20a%20secret%20after%20PSK" },
        { "10.9.0.1 :", "s:1:%20expected%20PSK%20or%20RSA" },
        { "10.9.0.1 : PSK", "s:1:%20expected%20a%20secret" },
        { "10.9.0.1 : PIN \"tell-nobody\"", "s:1:%20expected%20PSK%20or%20RSA" },
        { "10.9.0.1 : PSK \"tell-nobody", "closing%20quote" },
        { "10.9.0.1 :\n PSK \"tell-\n nobody\"", "s:2:%20expected%20the%20closing%20quote" },
        { "10.9.0.1 : PSK \"tell\"nobody", "blank%20after%20the%20closing%20quote" },
        { "10.9.0.1 : PSK \"tell\" nobody", "nothing%20more" },
        { "10.9.0.1 : PSK \"\"", "empty" },
        { "10.9.0.1 : PSK 0x", "no%20data" },
        { "10.9.0.1 : PSK 0x1", "hex" },
        { "10.9.0.1 : PSK 0s!", "base64" },
        { "10.9.0.1 :PSK \"tell-nobody\"", "blank%20before%20and%20after%20the%20colon" },
        { "10.9.0.1: PSK \"tell-nobody\"", "blank%20before%20and%20after%20the%20colon" },
        { "10.9.0.256 : PSK \"tell-nobody\"", "expected%20an%20identity" },
        { "10.9.0.1 @#0 : PSK \"tell-nobody\"", "expected%20an%20identity" },
        { "   10.9.0.1 : PSK \"tell-nobody\"", "column%201" },
        { "} : PSK \"tell-nobody\"", "expected%20an%20identity" },
        { "include", "after%20include" },
        { "include a b", "nothing%20more" },
        { "include \"tell-nobody", "s:1:%20expected%20the%20closing%20quote" },
        { "include not-there*", "s:1:%20no%20file%20matches%20the%20pattern%20after%20include:"
                                 "%20not-there*" },
        { "include \"tell-nobody*\"", "include:%20(the%20quoted%20one)" },
        { "include /", "not%20a%20regular%20file" },
        { "\"tell-nobody\"", "expected%20a%20colon" },
        { ": : PSK \"tell-nobody\"", "expected%20PSK" },
        { "10.9.0.1 \"C=tell-nobody\"", "expected%20a%20colon" },
        { "10.9.0.1 \"XX=tell-nobody\"", "expected%20a%20colon" },
        { "C=CH,O=Example Ltd,CN=a : PSK \"tell-nobody\"", "in%20quotes%20if%20there%20are%20blanks%20in%20it" },
        { "C=CH,XX=a : PSK \"tell-nobody\"", "unknown%20attribute%20in%20a%20distinguished%20name" },
    };
    struct secrets_folder *f = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[300];
        snprintf(text, sizeof text, "%s\n@z : PSK \"used all the same\"\n", wrong[i].text);
        secrets_put("s", text);
        secrets_read(f);
        if (!secrets_said(f, wrong[i].said) || f->counts.errors != 1) {
            print_error("%s: %zu errors: %.*s\n", wrong[i].text, f->counts.errors,
                        (int)f->lines.len, (const char *)f->lines.data);
        }
        assert_int_equal(f->counts.errors, 1);
        assert_true(secrets_said(f, wrong[i].said));
        assert_false(secrets_said(f, "tell"));
        assert_false(secrets_said(f, "nobody"));
        assert_int_equal(f->counts.psk, 1);
        finds(f, "@z", "10.9.0.2", "used all the same");
    }
}

static void f15_lengths(void **state)
{
    struct secrets_folder *f = *state;
    static char text[70000];
    const size_t sizes[] = { 0, 1, PSK_MAX, PSK_MAX + 1, 65536 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bool good = sizes[i] >= 1 && sizes[i] <= PSK_MAX;
        size_t at = (size_t)sprintf(text, "@a : PSK \"");
        memset(text + at, 'x', sizes[i]);
        strcpy(text + at + sizes[i], "\"\n");
        secrets_put("s", text);
        secrets_read(f);
        assert_int_equal(f->counts.psk, good);
        assert_int_equal(f->counts.errors, !good);
        if (good) {
            assert_int_equal(find(f, "@a", "@b")->len, sizes[i]);
        }
    }
}

static void permissions(void **state)
{
    static const unsigned refused[] = { 0640, 0604, 0644, 0620, 0602, 0666 };
    struct secrets_folder *f = *state;
    secrets_put("s", "@a : PSK \"x\"\ninclude it's*\n");
    secrets_put("it's here", "@b : PSK \"y\"\n");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(chmod("s", refused[i]), 0);
        secrets_read(f);
        assert_int_equal(f->counts.errors, 1);
        assert_int_equal(f->counts.psk, 0);
        assert_true(secrets_said(f, "run:%20chmod%20600%20s"));
        file_read(f->store, "s", true, &f->log, &f->counts);
        assert_int_equal(f->counts.errors, 0);
        assert_int_equal(f->counts.psk, 2);
    }
    assert_int_equal(chmod("s", 0400), 0);
    assert_int_equal(chmod("it's here", 0644), 0);
    secrets_read(f);
    assert_int_equal(f->counts.errors, 1);
    assert_int_equal(f->counts.psk, 1);
    assert_true(secrets_said(f, "chmod%20600%20'it'\\''s%20here'"));
}

static void includes(void **state)
{
    struct secrets_folder *f = *state;
    char name[20];
    char text[60];
    assert_int_equal(mkdir("d[1]", 0700), 0);
    secrets_put("d[1]/a", "@a : PSK \"a\"\ninclude b\n");
    secrets_put("d[1]/b", "@b : PSK \"b\"");
    secrets_put("s", "INCLUDE d\\[1]/a\n@c : PSK \"c\"\n");
    secrets_read(f);
    assert_int_equal(f->counts.errors, 0);
    assert_int_equal(f->counts.files, 3);
    finds(f, "@b", "@x", "b");
    finds(f, "@c", "@x", "c");
    /* in a circle */
    secrets_put("s", "@c : PSK \"c\"\ninclude t\n");
    secrets_put("t", "@t : PSK \"t\"\ninclude s\n");
    secrets_read(f);
    assert_int_equal(f->counts.errors, 1);
    assert_int_equal(f->counts.psk, 2);
    assert_true(secrets_said(f, "t:2:%20a%20file%20that%20includes%20itself%20is%20not%20read%20"
                        "again:%20s"));
    /* s includes n1, and so on: n10 is read, n11 is not */
    secrets_put("s", "include n1\n");
    for (int i = 1; i <= 11; i++) {
        snprintf(name, sizeof name, "n%d", i);
        snprintf(text, sizeof text, "@n%d : PSK \"n\"\ninclude n%d\n", i, i + 1);
        secrets_put(name, text);
    }
    secrets_read(f);
    assert_int_equal(f->counts.errors, 1);
    assert_int_equal(f->counts.psk, 10);
    assert_true(secrets_said(f, "n10:2:%20expected%20includes%20to%20be%20nested%20at%20most%2010"));
}

/* Each file includes the next one twice: 2^20 files if nothing stopped it. */
static void f18_include_bomb(void **state)
{
    struct secrets_folder *f = *state;
    char name[20];
    char text[100];
    secrets_put("s", "include m1\ninclude m1\ninclude m1\ninclude m1\n");
    for (int i = 1; i <= 11; i++) {
        snprintf(name, sizeof name, "m%d", i);
        snprintf(text, sizeof text, "include m%d\ninclude m%d\ninclude m%d\n", i + 1, i + 1, i + 1);
        secrets_put(name, text);
    }
    secrets_read(f);
    assert_true(f->counts.errors > 0);
    assert_in_range(f->counts.files, 1, FILE_COUNT_MAX);
    assert_true(f->lines.len < 40000);
}

static void f18_sizes_and_rubbish(void **state)
{
    struct secrets_folder *f = *state;
    secrets_read(f); /* not there */
    assert_true(secrets_said(f, "s:%20cannot%20be%20opened:%20No%20such%20file"));
    secrets_put("s", "");
    secrets_read(f);
    assert_int_equal(f->counts.errors + f->counts.psk, 0);
    static const char nuls[] = "# \0\n@b : PSK \"one\"\n@a : PSK \"x\0y\"\n@a : PSK 0tx\0y\n@a\0b : PSK \"z\"\n@c : PSK\n \0\n \"w\"\n"
                               "@d : PSK \"two\"\n\0";
    secrets_put_bytes("s", nuls, sizeof nuls - 1);
    secrets_read(f);
    assert_int_equal(f->counts.psk, 2); /* all that have none */
    assert_int_equal(f->counts.errors, 5);
    assert_true(secrets_said(f, "s:3:%20expected%20text,%20but%20there%20is%20a%20NUL%20byte"));
    assert_true(secrets_said(f, "s:4:%20expected%20text") && secrets_said(f, "s:5:%20expected%20text"));
    assert_true(secrets_said(f, "s:7:%20expected%20text") && secrets_said(f, "s:10:%20expected%20text"));
    secrets_put("s", "");
    assert_int_equal(truncate("s", 100 << 20), 0);
    secrets_read(f);
    assert_true(secrets_said(f, "larger%20than%204%20MiB"));
    static char rubbish[100000]; /* every byte but 0, many times */
    for (size_t i = 0; i < sizeof rubbish; i++) {
        rubbish[i] = (char)(1 + (i * 7919) % 255);
    }
    secrets_put_bytes("s", rubbish, sizeof rubbish);
    secrets_read(f);
    assert_true(f->counts.errors > 0);
    assert_true(f->lines.len < 40000);
    unlink("s");
    assert_int_equal(mkfifo("s", 0600), 0);
    secrets_read(f); /* does not wait for somebody to write */
    assert_true(secrets_said(f, "not%20a%20regular%20file"));
    unlink("s");
    assert_int_equal(mkdir("s", 0700), 0);
    secrets_read(f);
    assert_true(secrets_said(f, "not%20a%20regular%20file"));
}

static void best_match(void **state)
{
    struct secrets_folder *f = *state;
    secrets_put("s", ": PSK \"everybody\"\n"
             "10.9.0.1 : PSK \"ours\"\n"
             "10.9.0.1 %any : PSK \"road\"\n"
             "10.9.0.1 10.9.0.2 : PSK \"pair\"\n"
             "10.9.0.1 10.9.0.3 10.9.0.4 : PSK \"three\"\n"
             "@us @Them.Example : PSK \"names\"\n"
             "2001:db8::1 %any6 : PSK \"road6\"\n"
             "@only @another : PSK \"not for one\"\n");
    secrets_read(f);
    assert_int_equal(f->counts.errors, 0);
    finds(f, "10.9.0.1", "10.9.0.2", "pair");
    finds(f, "10.9.0.1", "10.9.0.4", "three");
    finds(f, "10.9.0.3", "10.9.0.4", "three");
    finds(f, "10.9.0.1", "%any", "road");
    finds(f, "10.9.0.1", "10.9.0.77", "road");
    finds(f, "10.9.0.1", "@laptop", "road");
    finds(f, "10.9.0.1", "2001:db8::7", "ours"); /* %any is for IPv4 */
    finds(f, "@us", "@them.example", "names");
    finds(f, "@us", "%any", "everybody"); /* several ids, of which only ours fits */
    finds(f, "@only", "@x", "everybody");
    finds(f, "2001:db8::1", "2001:db8::9", "road6");
    finds(f, "2001:db8::1", "10.0.0.1", "everybody");
    finds(f, "2001:db8::1", "%any", "road6");
    finds(f, "10.8.0.1", "10.8.0.2", "everybody");
    finds(f, "10.8.0.1", "%any", "everybody");
    secrets_put("s", "10.9.0.1 10.9.0.2 : PSK \"pair\"\n10.9.0.1 : PSK \"ours\"\n");
    secrets_read(f);
    finds(f, "10.9.0.1", "10.9.0.2", "pair");
    finds(f, "10.9.0.1", "%any", "ours");
    finds(f, "10.9.0.2", "10.9.0.9", NULL);
    finds(f, "10.8.0.1", "10.9.0.1", NULL);
    finds(f, "%any", "%any", NULL);
}

static void equal_entries(void **state)
{
    struct secrets_folder *f = *state;
    struct identity a;
    struct identity b;
    const struct secret *other;
    assert_null(identity_parse(&a, "@a"));
    assert_null(identity_parse(&b, "@b"));
    secrets_put("s", "@a @b : PSK \"x\"\n@b @a : PSK \"x\"\n@a : PSK \"z\"\n");
    secrets_read(f);
    assert_int_equal(store_find(f->store, &a, &b, &other)->line, 1);
    assert_null(other);
    secrets_put("s", "@a @b : PSK \"x\"\n@b @a : PSK \"y\"\n@a : PSK \"z\"\n");
    secrets_read(f);
    assert_int_equal(store_find(f->store, &a, &b, &other)->line, 1);
    assert_non_null(other);
    assert_int_equal(other->line, 2);
    secrets_put("s", "@a : PSK \"x\"\n@a : PSK \"y\"\n@b @a : PSK \"z\"\n");
    secrets_read(f);
    assert_int_equal(store_find(f->store, &a, &b, &other)->line, 3);
    assert_null(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, secrets_folder_set_up, secrets_folder_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(shapes), TEST(distinguished_names), TEST(f18_wrong_shapes), TEST(f15_lengths),
        TEST(permissions), TEST(includes), TEST(f18_include_bomb), TEST(f18_sizes_and_rubbish),
        TEST(best_match), TEST(equal_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
