/*
 * Command lines: whack's, with the connection form and its record, plutod's, and option files.
 *
 * Input: words, one a line; the first is `whack` or `plutod`, or before it IPSECmyid=VALUE for the
 * environment. After an empty line: what is in every file that is named by --optionsfrom (but
 * `none`, which is not there, / and /dev/zero), and on standard input. Holds: what whack takes,
 * plutod can read, and it means the same to him.
 */
#include "fuzz.h"

#include "plutod/setup.h"
#include "whack/calls.h"
#include "whack/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 200

/* What option files hold; there is no other file while there is a text (--wrap=fopen). */
static struct {
    char *text;
    size_t len;
} file;

FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__real_fopen(const char *path, const char *mode);

FILE *__wrap_fopen(const char *path, const char *mode)
{
    if (file.text == NULL || mode[0] != 'r') { /* libFuzzer keeps what it found by the latter */
        return __real_fopen(path, mode);
    }
    if (strcmp(path, "none") == 0) {
        errno = ENOENT;
        return NULL;
    }
    if (strcmp(path, "/") == 0 || strcmp(path, "/dev/zero") == 0) {
        return __real_fopen(path, mode); /* one that cannot be read, and one without end */
    }
    return file.len == 0 ? __real_fopen("/dev/null", mode) : fmemopen(file.text, file.len, "r");
}

static const char *resolver(void *context, const char *option, const char *name, unsigned family,
                            struct address *a)
{
    (void)context;
    (void)option;
    if (strcmp(name, "gate") == 0) {
        return address_parse(a, family == 6 ? "2001:db8::9" : "10.9.0.9");
    }
    return "no address found";
}

/* plutod's form makes the record that whack's form made. */
static void check_connection(const struct record *r, const char *line, size_t len)
{
    struct connection_form form;
    struct connection_form copy;
    struct buffer again;
    char why[CONNECTION_WHY];
    fuzz_check(connection_from_record(&form, r, why));
    fuzz_check(connection_form_copy(&copy, &form));
    connection_form_free(&form);
    buffer_init(&again, 0);
    fuzz_check(connection_to_record(&again, &copy));
    fuzz_check(again.len == len + 1 && memcmp(again.data, line, len) == 0);
    buffer_wipe(&again);
    connection_form_free(&copy);
}

static void check_records(struct buffer *b)
{
    static struct record r;
    struct fuzz_input in = { b->data, b->len };
    while (in.left > 0) {
        size_t len;
        char *line = fuzz_until(&in, '\n', &len);
        char *copy = strdup(line);
        const char *why = fuzz_record(&r, copy, len, W_P);
        fuzz_check(why == NULL);
        if (r.verb == V_WHACK_CONNECTION) {
            check_connection(&r, line, len);
        }
        free(copy);
        free(line);
    }
}

/* input NULL: there is none. Does it ask for standard input? */
static bool read_call(int argc, char **argv, const struct request_input *input)
{
    struct request r;
    struct buffer out;
    char why[CONNECTION_WHY] = "";
    bool stream = false;
    if (!request_read(&r, argc, argv, input, resolver, NULL, why)) {
        fuzz_check(why[0] != '\0' && strlen(why) < CONNECTION_WHY);
    } else if (r.stream) {
        fuzz_check(input == NULL);
        stream = true;
    } else if ((r.forms & (FORM_HELP | FORM_VERSION)) == 0) { /* which nothing is sent for */
        buffer_init(&out, RECORD_MAX);
        if (request_records(&out, &r)) {
            check_records(&out);
        }
        buffer_wipe(&out);
    }
    request_done(&r);
    return stream;
}

/*
 * What is in every file is on standard input, too; it comes in pieces of any size. What begins with \xff
 * is there again and again, so that it is too long.
 */
static void read_whack(int argc, char **argv)
{
    struct calls calls;
    struct request_input input;
    char why[CALLS_WHY];
    unsigned last = 0;
    size_t given = 0;
    const bool again = file.len > 0 && (uint8_t)file.text[0] == 0xff;
    const size_t all = again ? file.len + OPTIONSFROM_FILE_MAX : file.len;

    if (!read_call(argc, argv, NULL)) {
        return;
    }
    calls_init(&calls);
    for (;;) {
        switch (calls_next(&calls, &input.text, &input.line, why)) {
        case CALLS_ONE:
            fuzz_check(input.line > last);
            last = input.line;
            (void)read_call(argc, argv, &input);
            break;
        case CALLS_WRONG:
            fuzz_check(input.line > last && why[0] != '\0');
            last = input.line;
            break;
        case CALLS_MORE:
            if (given >= all) {
                calls_end(&calls);
            } else {
                size_t left = file.len - given % file.len;
                size_t n = again || left < 1 + last % 9 ? left : 1 + last % 9;
                calls_add(&calls, file.text + given % file.len, n);
                given += n;
            }
            break;
        case CALLS_NONE:
            calls_free(&calls);
            return;
        }
    }
}

static void read_plutod(int argc, char **argv)
{
    struct setup s;
    if (setup_parse(&s, argc, argv) == SETUP_RUN) {
        fuzz_check(s.ikeport != 0 && s.interface_count <= SETUP_INTERFACES);
        fuzz_check(s.updown_timeout > 0 && s.ctlbase != NULL && s.secretsfile != NULL);
    }
    setup_free(&s);
}

/* Takes it off the front. */
static void take_environment(struct fuzz_input *in)
{
    static const char name[] = "IPSECmyid=";
    size_t len = sizeof name - 1;
    (void)unsetenv("IPSECmyid");
    if (in->left > len && memcmp(in->at, name, len) == 0) {
        in->at += len;
        in->left -= len;
        char *value = fuzz_until(in, '\n', &len);
        fuzz_check(setenv("IPSECmyid", value, 1) == 0);
        free(value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    char *argv[WORDS_MAX + 1];
    int argc = 0;
    size_t len;

    take_environment(&in);
    while (in.left > 0 && argc < WORDS_MAX) {
        argv[argc] = fuzz_until(&in, '\n', &len);
        if (argv[argc][0] == '\0') {
            free(argv[argc]);
            break;
        }
        argc++;
    }
    argv[argc] = NULL;
    file.text = fuzz_rest(&in, &file.len);
    if (argc > 0 && strcmp(argv[0], "plutod") == 0) {
        read_plutod(argc, argv);
    } else if (argc > 0) {
        read_whack(argc, argv);
    }
    for (int i = 0; i < argc; i++) {
        free(argv[i]);
    }
    free(file.text);
    file.text = NULL;
    return 0;
}
