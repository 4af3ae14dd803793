/* The declaration of the options, and the reader that is made from it [P1] [P2] [W1]. */
#include "option_help.h"
#include "option_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const enum option_program programs[] = { OF_WHACK, OF_PLUTOD, OF_HAND };

/* Each row is whole, and each program has a name once. */
static void test_rows(void **state)
{
    (void)state;
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_spec *a = option_spec((enum option_id)i);
        assert_non_null(a->help);
        assert_true(a->programs != 0 && a->name[0] != '\0');
        assert_true((a->argument == NULL) == (a->value == VALUE_NONE));
        assert_true((a->words != NULL) == (a->value == VALUE_WORD));
        assert_true(a->value != VALUE_NUMBER || a->max > a->min);
        assert_true(a->preset == 0 || (a->preset >= a->min && a->preset <= a->max));
        assert_true(a->form == FORM_NONE || a->with == 0);
        for (unsigned k = 0; k < 3; k++) {
            assert_true((a->programs & programs[k]) == 0 || programs[k] == OF_HAND
                        || option_section_of(a->section, programs[k]));
        }
        for (unsigned k = 0; k < i; k++) {
            const struct option_spec *b = option_spec((enum option_id)k);
            assert_true((a->programs & b->programs) == 0 || strcmp(a->name, b->name) != 0);
        }
    }
}

/* NULL: all words are right. `given`: names and values, one after the other. */
static const char *read_all(enum option_program program, int argc, char **argv, char given[600])
{
    static char why[OPTION_WHY];
    struct option_reader r;
    struct option_given g;
    enum option_read read;
    size_t len = 0;

    given[0] = '\0';
    assert_null(option_reader_init(&r, program, "prog", argc, argv));
    while ((read = option_next(&r, &g, why)) == OPTION_GIVEN && len < 500) {
        len += (size_t)snprintf(given + len, 600 - len, "%s%s%s ", option_spec(g.option)->name,
                                g.text == NULL ? "" : "=", g.text == NULL ? "" : g.text);
    }
    bool good = read == OPTION_NO_MORE && option_supported(&r, why);
    option_reader_free(&r);
    return good ? NULL : why;
}

#define READ(program, given, ...) \
    read_all(program, (int)(sizeof((char *[]){ "prog", __VA_ARGS__ }) / sizeof(char *)), \
             (char *[]){ "prog", __VA_ARGS__, NULL }, given)

static void test_reading(void **state)
{
    (void)state;
    char given[600];
    assert_null(READ(OF_WHACK, given, "--stat", "--name=a", "--lab", "x y"));
    assert_string_equal(given, "status name=a label=x y ");
    assert_null(READ(OF_PLUTOD, given, "--interface", "a", "--interf", "b", "--debug-raw",
                     "--debug-raw"));
    assert_string_equal(given, "interface=a interface=b debug-raw debug-raw ");
    assert_null(READ(OF_WHACK, given, "--host", "a", "--to", "--host", "b"));
    assert_string_equal(given, "host=a to host=b ");
}

static void test_refusals(void **state)
{
    (void)state;
    char given[600];
    static const struct {
        const char *word;
        const char *value;
        const char *why;
    } wrong[] = {
        { "--status", "--status", "--status: repeated; it may be given once" },
        { "--keyingtries", "", "--keyingtries '': an empty value" },
        { "--keyingtries", "1000001", "--keyingtries 1000001: out of range, 0 to 1000000 is allowed" },
        { "--deletestate", "9223372036854775808",
          "--deletestate 9223372036854775808: out of range, 1 to 9223372036854775807 is allowed" },
        { "--deletestate", "99999999999999999999",
          "--deletestate 99999999999999999999: out of range, 1 to 9223372036854775807 is allowed" },
        { "--ikeport", "+5", "--ikeport +5: not a decimal number" },
        { "--dpdaction", "wait", "--dpdaction wait: must be one of hold|clear|restart" },
        { "--dpdaction", "hol", "--dpdaction hol: must be one of hold|clear|restart" },
        { "--dpdaction", "hold", "--dpdaction hold: not supported yet" },
        { "--status", "word", "word: superfluous; it belongs to no option (see prog --help)" },
        { "--rekey", "5", "--rekey: ambiguous, may be --rekeymargin --rekeyfuzz" },
        { "--status", "--name", "--name: a value is missing" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_string_equal(READ(OF_WHACK, given, (char *)(uintptr_t)wrong[i].word,
                                 (char *)(uintptr_t)wrong[i].value), wrong[i].why);
    }
    assert_string_equal(READ(OF_WHACK, given, "--id", "@a", "--id", "@b"),
                        "--id @b: repeated; each end takes it once (is --to missing between the ends?)");
    assert_string_equal(READ(OF_WHACK, given, "--to", "--to"), "--to: repeated; it may be given once");
}

/* A value that is right for it. */
static const char *value_of(const struct option_spec *spec)
{
    static char number[24];
    static char word[24];
    if (spec->value == VALUE_NUMBER) {
        snprintf(number, sizeof number, "%llu", (unsigned long long)spec->max);
        return number;
    }
    if (spec->value == VALUE_WORD) {
        snprintf(word, sizeof word, "%.*s", (int)strcspn(spec->words, "|"), spec->words);
        return word;
    }
    return "x";
}

/* Puts `--word` and the value that it wants, if any; returns how many words there are then. */
static int put_option(char **argv, int argc, char text[80], const struct option_spec *spec, const char *word)
{
    snprintf(text, 80, "--%s", word);
    argv[argc++] = text;
    if (option_wants_value(spec)) {
        argv[argc++] = (char *)(uintptr_t)value_of(spec);
    }
    argv[argc] = NULL;
    return argc;
}

/* The whole list of [P1] and of the forms of whack [W1]: each that may stand once, twice. */
static void p1_w1_what_may_stand_once_stands_once(void **state)
{
    unsigned once = 0;
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        for (unsigned i = 0; i < OPTION_COUNT; i++) {
            const struct option_spec *spec = option_spec((enum option_id)i);
            char *argv[8] = { (char[]){ "prog" } };
            char text[2][80];
            char given[600];
            if ((spec->programs & programs[k]) == 0 || spec->value == VALUE_MAYBE
                || i == OPTION_OPTIONSFROM) {
                continue;
            }
            int argc = put_option(argv, 1, text[0], spec, spec->name);
            argc = put_option(argv, argc, text[1], spec, spec->name);
            const char *why = read_all(programs[k], argc, argv, given);
            bool repeated = why != NULL && strstr(why, ": repeated; ") != NULL;
            if (repeated != (spec->times != TIMES_ANY)) {
                fail_msg("--%s twice: %s", spec->name, why == NULL ? "(taken)" : why);
            }
            once += repeated ? 1 : 0;
        }
    }
    assert_true(once > 60);
}

/* Which option of the program this beginning of a name stands for; OPTION_COUNT: more than one. */
static unsigned meant_by(enum option_program program, const char *start)
{
    unsigned found = OPTION_COUNT;
    unsigned count = 0;
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_spec *spec = option_spec((enum option_id)i);
        if ((spec->programs & program) == 0 || strncmp(spec->name, start, strlen(start)) != 0) {
            continue;
        }
        if (strcmp(spec->name, start) == 0) {
            return i;
        }
        found = i;
        count++;
    }
    return count == 1 ? found : OPTION_COUNT;
}

/* Every beginning of every name: it is that option, or ambiguous, and then the message names it. */
static void p1_w1_abbreviations(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 2 * OPTION_COUNT; n++) {
        enum option_program program = programs[n / OPTION_COUNT];
        const struct option_spec *spec = option_spec((enum option_id)(n % OPTION_COUNT));
        for (size_t len = 1; (spec->programs & program) != 0 && len <= strlen(spec->name); len++) {
            char *argv[4] = { (char[]){ "prog" } };
            char start[80];
            char text[80];
            char why[OPTION_WHY] = "";
            char full[80];
            struct option_reader r;
            struct option_given g;
            snprintf(start, sizeof start, "%.*s", (int)len, spec->name);
            unsigned meant = meant_by(program, start);
            const struct option_spec *wants = meant == OPTION_COUNT ? spec : option_spec((enum option_id)meant);
            if (meant == OPTION_OPTIONSFROM) {
                continue; /* a file would be wanted */
            }
            int argc = put_option(argv, 1, text, wants, start);
            assert_null(option_reader_init(&r, program, "prog", argc, argv));
            enum option_read read = option_next(&r, &g, why);
            snprintf(full, sizeof full, " --%s", spec->name);
            if (meant != OPTION_COUNT ? read != OPTION_GIVEN || g.option != (enum option_id)meant
                                      : read != OPTION_WRONG || strstr(why, ": ambiguous, may be ") == NULL
                                            || strstr(why, full) == NULL) {
                fail_msg("--%s: %s", start, why);
            }
            option_reader_free(&r);
        }
    }
}

/* Each word is read once, whatever stands before it. */
static void test_after_what_is_wrong(void **state)
{
    (void)state;
    char *argv[] = { "prog", "--status", "a", "--", "b", "--label", "x", "--", "--", "--name", "c", NULL };
    static const enum option_read read[] = { OPTION_GIVEN, OPTION_WRONG, OPTION_WRONG, OPTION_GIVEN,
                                             OPTION_WRONG, OPTION_GIVEN, OPTION_NO_MORE };
    char why[OPTION_WHY];
    struct option_reader r;
    struct option_given g;
    assert_null(option_reader_init(&r, OF_WHACK, "prog", 11, argv));
    for (size_t i = 0; i < sizeof read / sizeof read[0]; i++) {
        assert_int_equal(option_next(&r, &g, why), read[i]);
    }
    assert_int_equal(g.option, OPTION_NAME);
    option_reader_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(p1_w1_what_may_stand_once_stands_once),
        cmocka_unit_test(p1_w1_abbreviations),
        cmocka_unit_test(test_after_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
