/* Log lines, options from files, sibling programs, and buffers. */
#include "buffer.h"
#include "datatext.h"
#include "log.h"
#include "optionsfrom.h"
#include "record.h"
#include "sibling.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- log ---- */

static void test_escape(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 0);
    log_escape(&out, "a b~\n\\\0\177\377\033[1m", 13);
    buffer_add_u8(&out, 0);
    assert_string_equal((char *)out.data, "a b~\\012\\134\\000\\177\\377\\033[1m");
    buffer_wipe(&out);
}

static void test_debug_classes(void **state)
{
    (void)state;
    unsigned classes = 77;
    char text[DEBUG_CLASSES_TEXT];
    assert_null(debug_classes_parse(&classes, ""));
    assert_int_equal(classes, DEBUG_NONE);
    assert_null(debug_classes_parse(&classes, "oppo,raw"));
    assert_int_equal(classes, DEBUG_RAW | DEBUG_OPPO);
    debug_classes_print(classes, text);
    assert_string_equal(text, "raw,oppo");
    assert_null(debug_classes_parse(&classes, "raw,none,kernel"));
    assert_int_equal(classes, DEBUG_KERNEL);
    assert_null(debug_classes_parse(&classes, "all"));
    assert_int_equal(classes & DEBUG_PRIVATE, 0);
    assert_int_equal(classes | DEBUG_PRIVATE, (1 << DEBUG_CLASS_COUNT) - 1);
    static const char *const bad[] = { "ra", "raww", "raw,", ",raw", "raw,,dns", " raw", "RAW" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        classes = 77;
        assert_non_null(debug_classes_parse(&classes, bad[i]));
        assert_int_equal(classes, 77);
    }
    debug_classes_print((1 << DEBUG_CLASS_COUNT) - 1, text);
    assert_null(debug_classes_parse(&classes, text));
    assert_int_equal(classes, (1 << DEBUG_CLASS_COUNT) - 1);
    assert_string_equal(debug_class_name(DEBUG_PLACE_LIFECYCLE), "lifecycle");
}

static void expect_records(struct buffer *b, const char *want)
{
    buffer_add_u8(b, 0);
    assert_string_equal((char *)b->data, want);
    buffer_consume(b, b->len);
}

static void test_log_records(void **state)
{
    (void)state;
    struct buffer b;
    struct address a = { .family = 4, .bytes = { 10, 9, 0, 2 } };
    buffer_init(&b, 1 << 20);
    struct log log = { .tool = "secrets", .records = &b, .classes = DEBUG_CRYPT };
    log_info(&log, "%d entries\n", 3);
    log_serious(&log, "%s", "bad");
    expect_records(&b, "log level=info text=3%20entries%0A\nlog level=serious text=bad\n");
    log_about(&log, LOG_LEVEL_INFO,
              &(struct log_about){ .exchange = 7, .remote = &a, .remote_port = 500, .code = 31 },
              "x");
    expect_records(&b, "log level=info text=x exchange=7 remote=10.9.0.2 remote-port=500 code=31\n");
    log_debug(&log, DEBUG_RAW, "no");
    log_debug(&log, DEBUG_CRYPT | DEBUG_RAW, "yes");
    expect_records(&b, "log level=debug text=yes classes=raw,crypt\n");

    /* Debug lines do not fill what important ones need. */
    char big[1000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    for (int i = 0; i < 2000; i++) {
        log_debug(&log, DEBUG_CRYPT, "%s", big);
    }
    assert_true(b.len < (1 << 19) + 2000);
    log_info(&log, "still room");
    assert_false(b.overflowed);
    assert_memory_equal(b.data + b.len - 13, "still%20room\n", 13);
    buffer_wipe(&b);
}

/* Lets stderr go into a pipe while it logs. */
static void test_log_by_hand(void **state)
{
    (void)state;
    int fd[2];
    char text[300];
    struct address a = { .family = 4, .bytes = { 10, 9, 0, 2 } };
    const struct log log = { .tool = "kernel-sa", .classes = DEBUG_KERNEL };
    assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
    int saved = dup(STDERR_FILENO);
    dup2(fd[1], STDERR_FILENO);
    log_serious(&log, "a\nb%c", 0xe9);
    log_debug(&log, DEBUG_KERNEL, "why");
    log_about(&log, LOG_LEVEL_INFO, &(struct log_about){ .remote = &a, .remote_port = 500 }, "hm");
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t n = read(fd[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    assert_string_equal(text, "kernel-sa: a\\012b\\351\n| why\nkernel-sa: 10.9.0.2:500: hm\n");
    close(fd[0]);
    close(fd[1]);
}

/* ---- options ---- */

struct folder {
    char path[64];
    struct options options;
};

static int folder_setup(void **state)
{
    struct folder *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return -1;
    }
    (void)strcpy(f->path, "/tmp/ipsec-test-XXXXXX");
    *state = f;
    return mkdtemp(f->path) == NULL || chdir(f->path) != 0 ? -1 : 0;
}

static int folder_teardown(void **state)
{
    struct folder *f = *state;
    static const char *const names[] = { "a", "b", "self", "tool" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unlink(names[i]);
    }
    options_free(&f->options);
    int rc = chdir("/");
    rc = rmdir(f->path) == 0 ? rc : -1;
    free(f);
    return rc;
}

static void put_file(const char *name, const char *text, size_t len)
{
    FILE *file = fopen(name, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void begin(struct folder *f, int argc, char *const *argv)
{
    options_free(&f->options);
    assert_null(options_init(&f->options, argc, argv));
}

static void expect_words(const struct options *o, const char *want)
{
    char text[1024] = "";
    for (int i = 0; i < o->argc; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, "<%s>", o->argv[i]);
    }
    assert_string_equal(text, want);
    assert_null(o->argv[o->argc]);
}

static char *plain[] = { "whack", "--optionsfrom", "a", "--last", NULL };

static void expect_split(struct folder *f, const char *text, const char *want)
{
    put_file("a", text, strlen(text));
    begin(f, 4, plain);
    const char *why = options_splice(&f->options, "a", 3);
    if (why != NULL) {
        assert_string_equal(why, want);
        return;
    }
    char all[600];
    (void)snprintf(all, sizeof all, "<whack><--optionsfrom><a>%s<--last>", want);
    expect_words(&f->options, all);
}

static void test_options_words(void **state)
{
    struct folder *f = *state;
    expect_split(f, "", "");
    expect_split(f, "one two\n", "<one><two>");
    expect_split(f, "  one\t two ", "<one><two>");
    expect_split(f, "# no\n  # nor this\none #two\n\n\r\nthree", "<one><#two><three>");
    expect_split(f, "--id \"C=a, O=b\" 'x \"y'\n\"\" ''", "<--id><C=a, O=b><x \"y><><>");
    expect_split(f, "--id=\"a b\"c'd e'", "<--id=a bcd e>");
    expect_split(f, "a\\ b \"c\\\"", "<a\\><b><c\\>");
    expect_split(f, "a \\\n b\\\n\\\nc\\d \"e\\\"\\\r\n", "<a><b><c\\d><e\\>");
    expect_split(f, "ok\n\"open\nclosed\"", "a:2:1: a quote is not closed on this line");
    expect_split(f, "it's", "a:1:1: a quote is not closed on this line");
}

static void test_options_errors(void **state)
{
    struct folder *f = *state;
    begin(f, 4, plain);
    assert_string_equal(options_splice(&f->options, "none", 3),
                        "--optionsfrom: cannot open none: No such file or directory");
    assert_string_equal(options_splice(&f->options, ".", 3),
                        "--optionsfrom: cannot read .: Is a directory");
    put_file("a", "x\0y", 3);
    assert_string_equal(options_splice(&f->options, "a", 3),
                        "--optionsfrom: a is no text: it holds a NUL byte");
    expect_words(&f->options, "<whack><--optionsfrom><a><--last>");
    char *big = malloc(OPTIONSFROM_FILE_MAX + 1);
    assert_non_null(big);
    memset(big, 'x', OPTIONSFROM_FILE_MAX + 1);
    put_file("a", big, OPTIONSFROM_FILE_MAX + 1);
    assert_string_equal(options_splice(&f->options, "a", 3),
                        "--optionsfrom: a is longer than 262144 bytes");
    put_file("a", big, OPTIONSFROM_FILE_MAX);
    assert_null(options_splice(&f->options, "a", 3));
    for (size_t i = 0; i < OPTIONSFROM_WORDS + 1; i++) {
        memcpy(big + 2 * i, "x\n", 2);
    }
    put_file("a", big, (size_t)2 * (OPTIONSFROM_WORDS + 1));
    assert_string_equal(options_splice(&f->options, "a", 3),
                        "a:10001:1: more than 10000 words");
    put_file("a", big, (size_t)2 * OPTIONSFROM_WORDS);
    assert_string_equal(options_splice(&f->options, "a", 3),
                        "--optionsfrom: a: more than 10000 words in all");
    free(big);
}

/* As getopt would: takes each word, and the file's name after --optionsfrom. */
static const char *work_through(struct options *o)
{
    for (int at = 1; at < o->argc; at++) {
        if (strcmp(o->argv[at], "--optionsfrom") == 0) {
            at++;
            const char *why = options_splice(o, o->argv[at], at + 1);
            if (why != NULL) {
                return why;
            }
        }
    }
    return NULL;
}

static void test_options_nested(void **state)
{
    struct folder *f = *state;
    put_file("a", "1 --optionsfrom b 2", 19);
    put_file("b", "3", 1);
    begin(f, 4, plain);
    assert_null(work_through(&f->options));
    expect_words(&f->options, "<whack><--optionsfrom><a><1><--optionsfrom><b><3><2><--last>");

    /* One file after another is no nesting, however many. */
    static char *many[42] = { "whack" };
    for (int i = 1; i < 41; i += 2) {
        many[i] = "--optionsfrom";
        many[i + 1] = "a";
    }
    begin(f, 41, many);
    assert_null(work_through(&f->options));
    assert_int_equal(f->options.argc, 41 + 20 * 5);

    static const char *const selves[] = { "--optionsfrom self", "x --optionsfrom self y",
                                          "--optionsfrom self --optionsfrom self" };
    for (size_t i = 0; i < sizeof selves / sizeof selves[0]; i++) {
        put_file("self", selves[i], strlen(selves[i]));
        begin(f, 3, (char *[]){ "whack", "--optionsfrom", "self", NULL });
        assert_string_equal(work_through(&f->options), "--optionsfrom: self: more than 10 files "
                            "within files; does one name itself?");
    }
}

/* Ten files within each other are read, each in its place; an eleventh is not. */
static void p2_ten_files_deep(void **state)
{
    struct folder *f = *state;
    char text[80];
    char name[16];
    for (int files = 10; files <= 11; files++) {
        char want[600] = "<whack>";
        for (int i = 0; i < files; i++) {
            snprintf(name, sizeof name, "n%d", i);
            snprintf(text, sizeof text, i + 1 < files ? "b%d --optionsfrom n%d a%d" : "last", i, i + 1, i);
            put_file(name, text, strlen(text));
            size_t len = strlen(want);
            snprintf(want + len, sizeof want - len, i + 1 < files ? "<--optionsfrom><n%d><b%d>"
                                                                  : "<--optionsfrom><n%d><last>", i, i);
        }
        for (int i = files - 2; i >= 0; i--) {
            size_t len = strlen(want);
            snprintf(want + len, sizeof want - len, "<a%d>", i);
        }
        begin(f, 3, (char *[]){ "whack", "--optionsfrom", "n0", NULL });
        const char *why = work_through(&f->options);
        if (files == 10) {
            assert_null(why);
            expect_words(&f->options, want);
        } else {
            assert_string_equal(why, "--optionsfrom: n10: more than 10 files within files; does one name itself?");
        }
        for (int i = 0; i < files; i++) {
            snprintf(name, sizeof name, "n%d", i);
            assert_int_equal(unlink(name), 0);
        }
    }
}

/* ---- keys as text ---- */

static void w6_key_text(void **state)
{
    (void)state;
    static const struct { const char *text, *bytes; } right[] = {
        { "0x6f6e65", "one" }, { "0X6F6e_65", "one" }, { "0x6f_6e_65", "one" },
        { "0sb25l", "one" }, { "0Sb24=", "on" }, { "0sbw==", "o" },
        { "0tone", "one" }, { "0t 0x", " 0x" }, { "0T_", "_" },
    };
    static const char *const wrong[] = {
        "", "0", "one", "1x00", "0x", "0s", "0t", "0x6", "0x6f6", "0x_6f", "0x6f_", "0x6f__6e", "0x6_f6e", "0x6g",
        "0x6f 6e", "0sb25", "0sb24", "0sb2=4", "0sb25l=", "0sb25 l", "0sb25l\n", "0s!", "0sb_25l",
    };
    uint8_t out[4];
    size_t len;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        const char *why = datatext_decode(out, sizeof out, &len, right[i].text);
        if (why != NULL || len != strlen(right[i].bytes) || memcmp(out, right[i].bytes, len) != 0) {
            fail_msg("%s: %s", right[i].text, why == NULL ? "other bytes" : why);
        }
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (datatext_decode(out, sizeof out, &len, wrong[i]) == NULL || len != 0) {
            fail_msg("taken: %s", wrong[i]);
        }
    }
    assert_string_equal(datatext_decode(out, 2, &len, "0tone"), "too long");
    assert_string_equal(datatext_decode(out, 2, &len, "0x6f6e65"), "too long");
    assert_string_equal(datatext_decode(out, 2, &len, "0sb25l"), "too long");
}

/* ---- siblings ---- */

static void test_sibling(void **state)
{
    struct folder *f = *state;
    char path[300];
    char want[300];
    assert_int_equal(setenv("IPSEC_DIR", f->path, 1), 0);
    (void)snprintf(want, sizeof want, "%s/tool", f->path);
    assert_non_null(sibling_path(path, sizeof path, "tool"));
    assert_string_equal(path, want);
    put_file("tool", "#!/bin/sh\n", 10);
    assert_int_equal(chmod("tool", 0755), 0);
    assert_null(sibling_path(path, sizeof path, "tool"));
    assert_string_equal(path, want);
    assert_non_null(sibling_path(path, strlen(want), "tool"));
    assert_null(sibling_path(path, strlen(want) + 1, "tool"));
    assert_int_equal(unsetenv("IPSEC_DIR"), 0);

    /* Beside the running program: itself. */
    char self[300];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    assert_null(sibling_path(path, sizeof path, strrchr(self, '/') + 1));
    assert_string_equal(path, self);
    assert_non_null(sibling_path(path, sizeof path, "no-such-tool"));
}

/* ---- buffers ---- */

static void test_buffer(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, 10);
    buffer_add(&b, "12345678", 8);
    buffer_add(&b, "abc", 3);
    assert_true(b.overflowed);
    assert_int_equal(b.len, 8);
    buffer_add_u16(&b, 0x4142);
    assert_int_equal(b.len, 10);
    buffer_consume(&b, 7);
    assert_memory_equal(b.data, "8AB\0\0\0\0\0\0\0", 10); /* what was dropped is wiped */
    buffer_put_u16(&b, 1, 0x4344);
    buffer_truncate(&b, 2);
    assert_memory_equal(b.data, "8C\0", 3);
    buffer_wipe(&b);
    assert_int_equal(b.limit, 10);
    assert_null(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_debug_classes),
        cmocka_unit_test(test_log_records),
        cmocka_unit_test(test_log_by_hand),
        cmocka_unit_test_setup_teardown(test_options_words, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_options_errors, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_options_nested, folder_setup, folder_teardown),
        cmocka_unit_test(w6_key_text),
        cmocka_unit_test_setup_teardown(p2_ten_files_deep, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_sibling, folder_setup, folder_teardown),
        cmocka_unit_test(test_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
