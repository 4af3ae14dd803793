#include "option_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* getopt's values: places in option_spec's table and this; all differ, see glibc on abbreviations. */
enum { FIRST = 256 };

/* option_reader.wrong_at: the sentence names its place already. */
enum { PLACED = -1 };

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

void option_reader_input(struct option_reader *r, char *text, unsigned line)
{
    r->input = text;
    r->input_line = line;
}

void option_reader_free(struct option_reader *r)
{
    options_free(&r->words);
    free(r->input);
    r->input = NULL;
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

    if (g->text == NULL) { /* a flag */
        return true;
    }
    if (g->text[0] == '\0') {
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

static bool first_time(struct option_reader *r, const struct option_given *g, int at,
                       char why[OPTION_WHY])
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
    unsigned nth = r->said[g->option][0].at == 0 ? 0 : 1;
    r->said[g->option][nth].at = at;
    r->said[g->option][nth].text = g->text;
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
static bool take(struct option_reader *r, struct option_given *g, int at, char why[OPTION_WHY])
{
    const struct option_spec *spec = option_spec(g->option);
    if (spec->value == VALUE_MAYBE) {
        take_maybe(r, g);
    }
    if (!first_time(r, g, at, why) || !right_value(g, why)) {
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

static const char *splice_input(struct option_reader *r)
{
    char *text = r->input;
    if (r->input_wanted) {
        return "--optionsfrom -: standard input is read once, and does not name itself";
    }
    r->input_wanted = true;
    r->input = NULL;
    return options_splice_text(&r->words, "stdin", text, r->input_line, r->from + optind);
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
            r->wrong_at = r->from;
            snprintf(why, OPTION_WHY, "%.100s: superfluous; it belongs to no option (see %s --help)",
                     r->words.argv[r->from], r->name);
            return OPTION_WRONG;
        }
        if (code == -1) {
            r->wrong_at = 0;
            return OPTION_NO_MORE;
        }
        r->wrong_at = before;
        if (code < FIRST) {
            options_not_understood(r->table, code, r->words.argv[before], r->name, why, OPTION_WHY);
            return OPTION_WRONG;
        }
        *given = (struct option_given){ .option = (enum option_id)(code - FIRST), .text = optarg };
        if (!take(r, given, before, why)) {
            return OPTION_WRONG;
        }
        bool input = given->option == OPTION_OPTIONSFROM && r->program == OF_WHACK
                     && strcmp(given->text, "-") == 0;
        if (given->option != OPTION_OPTIONSFROM || (input && !r->input_wanted && r->input == NULL)) {
            r->input_wanted = r->input_wanted || input;
            r->wrong_at = 0;
            return OPTION_GIVEN;
        }
        const char *wrong = input ? splice_input(r) : options_splice(&r->words, given->text,
                                                                     r->from + optind);
        if (wrong != NULL) {
            r->wrong_at = r->words.placed ? PLACED : before;
            snprintf(why, OPTION_WHY, "%s", wrong);
            return OPTION_WRONG;
        }
    }
}

/* ---- where ---- */

/* Is "VALUE: ..." about this value? The sentence may hold only its beginning. */
static bool is_about(const char *rest, const char *text)
{
    size_t len = strlen(text);
    return strncmp(rest, text, len < 40 ? len : 40) == 0;
}

/* Index of the word that "--name VALUE: ..." is about; 0: none. */
static int find_said(const struct option_reader *r, const char *why)
{
    size_t len = strcspn(why, " :");
    for (unsigned i = 0; strncmp(why, "--", 2) == 0 && i < OPTION_COUNT; i++) {
        const char *name = option_spec((enum option_id)i)->name;
        if (r->said[i][0].at == 0 || strlen(name) != len - 2 || strncmp(why + 2, name, len - 2) != 0) {
            continue;
        }
        bool last = r->said[i][1].at != 0
                    && (why[len] != ' ' || r->said[i][1].text == NULL
                        || is_about(why + len + 1, r->said[i][1].text));
        return r->said[i][last ? 1 : 0].at;
    }
    return 0;
}

void option_reader_locate(const struct option_reader *r, char why[OPTION_WHY])
{
    const struct option_place *places = r->words.places;
    char text[OPTION_WHY];
    int at = r->wrong_at != 0 ? r->wrong_at : find_said(r, why);

    for (int i = 1; at == 0 && i < r->words.argc; i++) {
        at = places[i].file != NULL ? i : 0;
    }
    if (at <= 0 || at >= r->words.argc || places[at].file == NULL) {
        return;
    }
    snprintf(text, sizeof text, "%.200s:%u:%u: %.350s", places[at].file, places[at].line,
             places[at].column, why);
    memcpy(why, text, sizeof text);
}

bool option_supported(const struct option_reader *r, char why[OPTION_WHY])
{
    return !r->has_later || refuse(&r->later, "not supported yet", why);
}
