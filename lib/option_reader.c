#include "option_reader.h"

#include <stdio.h>
#include <string.h>

/* getopt's values: places in option_spec's table and this; all differ, see glibc on abbreviations. */
enum { FIRST = 256 };

static void fill_table(struct option_reader *r)
{
    static const int has_value[] = {
        [VALUE_NONE] = no_argument, [VALUE_TEXT] = required_argument,
        [VALUE_NUMBER] = required_argument, [VALUE_WORD] = required_argument,
        [VALUE_MAYBE] = optional_argument,
    };
    size_t count = 0;
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_spec *spec = option_spec((enum option_id)i);
        if ((spec->programs & r->program) != 0) {
            r->table[count++] = (struct option){ spec->name, has_value[spec->value], NULL,
                                                 FIRST + (int)i };
        }
    }
    r->table[count] = (struct option){ NULL, 0, NULL, 0 };
}

const char *option_reader_init(struct option_reader *r, enum option_program program,
                               const char *name, int argc, char *const *argv)
{
    memset(r, 0, sizeof *r);
    r->program = program;
    r->name = name;
    fill_table(r);
    optind = 0; /* begins anew, whoever used getopt before */
    opterr = 0;
    return options_init(&r->words, argc, argv);
}

void option_reader_free(struct option_reader *r)
{
    options_free(&r->words);
}

void option_refuse(const struct option_given *g, const char *what, char why[OPTION_WHY])
{
    const char *name = option_spec(g->option)->name;
    if (g->text == NULL) {
        snprintf(why, OPTION_WHY, "--%s: %s", name, what);
    } else if (g->text[0] == '\0') {
        snprintf(why, OPTION_WHY, "--%s '': %s", name, what);
    } else {
        snprintf(why, OPTION_WHY, "--%s %.200s: %s", name, g->text, what);
    }
}

static bool refuse(const struct option_given *g, const char *what, char why[OPTION_WHY])
{
    option_refuse(g, what, why);
    return false;
}

/* Digits only: no sign, no blank, no other base than ten. */
static bool number(struct option_given *g, char why[OPTION_WHY])
{
    const struct option_spec *spec = option_spec(g->option);
    char range[100];
    uint64_t value = 0;
    bool fits = true;

    if (strspn(g->text, "0123456789") != strlen(g->text)) {
        return refuse(g, "not a decimal number", why);
    }
    for (const char *c = g->text; *c != '\0' && fits; c++) {
        uint64_t digit = (uint64_t)(*c - '0');
        fits = value <= (spec->max - digit) / 10;
        value = value * 10 + digit;
    }
    if (!fits || value < spec->min) {
        snprintf(range, sizeof range, "out of range, %llu to %llu is allowed",
                 (unsigned long long)spec->min, (unsigned long long)spec->max);
        return refuse(g, range, why);
    }
    g->number = value;
    return true;
}

static bool is_one_of(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = words;; at++) {
        size_t part = strcspn(at, "|");
        if (part == len && memcmp(at, word, len) == 0) {
            return true;
        }
        at += part;
        if (*at == '\0') {
            return false;
        }
    }
}

static bool right_value(struct option_given *g, char why[OPTION_WHY])
{
    const struct option_spec *spec = option_spec(g->option);
    char what[120];

    if (g->text != NULL && g->text[0] == '\0') {
        return refuse(g, "an empty value", why);
    }
    if (spec->value == VALUE_NUMBER) {
        return number(g, why);
    }
    if (spec->value == VALUE_WORD && !is_one_of(spec->words, g->text)) {
        snprintf(what, sizeof what, "must be one of %s", spec->words);
        return refuse(g, what, why);
    }
    return true;
}

static bool first_time(struct option_reader *r, const struct option_given *g, char why[OPTION_WHY])
{
    enum option_times times = option_spec(g->option)->times;
    if (r->seen[g->option] && times == TIMES_ONCE) {
        return refuse(g, "repeated; it may be given once", why);
    }
    if (r->seen[g->option] && times == TIMES_ONCE_EACH_END) {
        return refuse(g, "repeated; each end takes it once (is --to missing between the ends?)", why);
    }
    r->seen[g->option] = true;
    r->text[g->option] = g->text;
    return true;
}

/* What stood before --to was of the other end. */
static void begin_end(struct option_reader *r)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        if (option_spec((enum option_id)i)->times == TIMES_ONCE_EACH_END) {
            r->seen[i] = false;
        }
    }
}

/* getopt takes no value of its own accord from the next word, where there may be none. */
static void take_maybe(struct option_reader *r, struct option_given *g)
{
    if (g->text == NULL && r->from + optind < r->words.argc
        && r->words.argv[r->from + optind][0] != '-') {
        g->text = r->words.argv[r->from + optind++];
    }
}

/* False: wrong. */
static bool take(struct option_reader *r, struct option_given *g, char why[OPTION_WHY])
{
    const struct option_spec *spec = option_spec(g->option);
    if (spec->value == VALUE_MAYBE) {
        take_maybe(r, g);
    }
    if (!first_time(r, g, why) || !right_value(g, why)) {
        return false;
    }
    if (g->option == OPTION_TO) {
        begin_end(r);
    }
    if (spec->later && !r->has_later) {
        r->has_later = true;
        r->later = *g;
    }
    return true;
}

enum option_read option_next(struct option_reader *r, struct option_given *given,
                             char why[OPTION_WHY])
{
    for (;;) {
        int before = r->from + (optind == 0 ? 1 : optind);
        int code = getopt_long(r->words.argc - r->from, r->words.argv + r->from, "+:", r->table, NULL);
        if (code == -1 && r->from + optind < r->words.argc) {
            /* Options may follow even so. To go on behind "--", getopt has to begin anew. */
            r->from += optind;
            optind = 0;
            snprintf(why, OPTION_WHY, "%.100s: superfluous; it belongs to no option (see %s --help)",
                     r->words.argv[r->from], r->name);
            return OPTION_WRONG;
        }
        if (code == -1) {
            return OPTION_NO_MORE;
        }
        if (code < FIRST) {
            options_not_understood(r->table, code, r->words.argv[before], r->name, why, OPTION_WHY);
            return OPTION_WRONG;
        }
        *given = (struct option_given){ .option = (enum option_id)(code - FIRST), .text = optarg };
        if (!take(r, given, why)) {
            return OPTION_WRONG;
        }
        if (given->option != OPTION_OPTIONSFROM || strcmp(given->text, "-") == 0) {
            return OPTION_GIVEN;
        }
        const char *wrong = options_splice(&r->words, given->text, r->from + optind);
        if (wrong != NULL) {
            snprintf(why, OPTION_WHY, "%s", wrong);
            return OPTION_WRONG;
        }
    }
}

bool option_supported(const struct option_reader *r, char why[OPTION_WHY])
{
    return !r->has_later || refuse(&r->later, "not supported yet", why);
}
