/*
 * options-page PROGRAM <PAGE - prints the manual page whose option parts are made from the declaration of
 * the options (lib/option.h). In PAGE, these lines are replaced:
 *
 *     .\" @SYNOPSIS@           what may stand together
 *     .\" @OPTIONS section@    the items of one section of option.h
 *     .\" @FORMS@              whack's forms in the order in which they are carried out
 *     .\" @LATER@              the options that are not supported yet
 */
#include "option_help.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static enum option_program program;

/* ---- texts of the declaration as mdoc ---- */

/* As (part of) an argument of a macro, in lower case where it stands for a value. */
static void put_argument(const char *text, size_t len, bool lower)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\') {
            (void)fputs("\\e", stdout);
        } else if (text[i] == '"') {
            (void)fputs("\\(dq", stdout);
        } else if (text[i] == '-') {
            (void)fputs("\\-", stdout);
        } else {
            (void)putchar(lower ? tolower((unsigned char)text[i]) : text[i]);
        }
    }
}

/* Punctuation behind a macro's argument stands apart. */
static void put_rest(const char *rest)
{
    for (; *rest != '\0'; rest++) {
        (void)printf(" %c", *rest);
    }
    (void)putchar('\n');
}

/* word[0..len) is a special one; rest: its punctuation. False: it is plain text. */
static bool put_special(const char *word, size_t len, const char *rest, const char *argument)
{
    size_t prefix = argument == NULL ? 0 : strlen(argument);
    const char *open = memchr(word, '(', len);
    if (len > 2 && strncmp(word, "--", 2) == 0) {
        (void)printf(".Fl \\-%.*s", (int)(len - 2), word + 2);
    } else if (len > 1 && word[0] == '%') {
        (void)printf(".Cm %.*s", (int)len, word);
    } else if (len > 1 && word[0] == '/') {
        (void)printf(".Pa %.*s", (int)len, word);
    } else if (open != NULL && open != word && word[len - 1] == ')' && open + 3 == word + len) {
        (void)printf(".Xr %.*s %c", (int)(open - word), word, open[1]);
    } else if (prefix > 0 && prefix <= len && strncmp(word, argument, prefix) == 0) {
        (void)printf(".Ar ");
        put_argument(word, prefix, true);
        if (len > prefix) {
            (void)printf(" Ns Pa %.*s", (int)(len - prefix), word + prefix);
        }
    } else {
        return false;
    }
    put_rest(rest);
    return true;
}

/* 'what stands in quotes': the place behind its end. */
static const char *put_quoted(const char *at)
{
    const char *end = strchr(at + 2, '\'');
    if (end == NULL) {
        return at + strlen(at);
    }
    (void)printf(".Ql \"\\&");
    put_argument(at + 1, (size_t)(end - at) - 1, false);
    (void)putchar('"');
    size_t len = strcspn(end + 1, " ");
    char rest[20];
    (void)snprintf(rest, sizeof rest, "%.*s", (int)len, end + 1);
    put_rest(rest);
    return end + 1 + len;
}

/* Keeps track of whether a line of plain text is open. */
static void put_plain(const char *word, size_t len, bool *open, bool upper)
{
    (void)fputs(*open ? " " : "\\&", stdout);
    (void)putchar(upper ? toupper((unsigned char)word[0]) : word[0]);
    put_argument(word + 1, len - 1, false);
    *open = word[len - 1] != '.' || (len > 3 && strncmp(word + len - 3, "...", 3) == 0);
    if (!*open) {
        (void)putchar('\n');
    }
}

static void put_text(const char *text, const char *argument, bool upper)
{
    bool open = false;
    for (const char *at = text; *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        char word[200];
        char rest[20] = "";
        size_t core = len;
        if (*at == '\'') {
            (void)fputs(open ? "\n" : "", stdout);
            open = false;
            at = put_quoted(at);
            upper = false;
            continue;
        }
        while (core > 1 && strchr(".,;:", at[core - 1]) != NULL && len - core < sizeof rest - 1) {
            core--;
        }
        (void)snprintf(word, sizeof word, "%.*s", (int)core, at);
        (void)snprintf(rest, sizeof rest, "%.*s", (int)(len - core), at + core);
        bool special = strncmp(word, "--", 2) == 0 || word[0] == '%' || word[0] == '/'
                       || strchr(word, '(') > word
                       || (argument != NULL && strncmp(word, argument, strlen(argument)) == 0);
        if (special && open) {
            (void)putchar('\n');
            open = false;
        }
        bool name = strncmp(word, "plutod", 6) == 0 || strncmp(word, "whack", 5) == 0;
        if (!special || !put_special(word, core, rest, argument)) {
            put_plain(at, len, &open, upper && !name);
        }
        upper = false;
        at += len;
    }
    (void)fputs(open ? "\n" : "", stdout);
}

/* ---- items ---- */

static void put_value(const struct option_spec *spec)
{
    if (option_wants_value(spec)) {
        (void)printf(" Ar ");
        put_argument(spec->argument, strlen(spec->argument), true);
    }
}

static enum option_name_need need_of(const struct option_spec *spec)
{
    for (unsigned place = 0; place < FORM_COUNT; place++) {
        if ((unsigned)spec->form == 1U << place && place != PLACE_CONNECTION
            && place != PLACE_DEBUG) {
            return option_form_need((enum option_form_place)place);
        }
    }
    return NAME_NO;
}

static void put_head(const struct option_spec *spec)
{
    (void)printf("Fl \\-%s", spec->name);
    put_value(spec);
    if (need_of(spec) != NAME_NO) {
        (void)printf("%s Fl \\-name Ar name", need_of(spec) == NAME_MAY ? " Op" : "");
    }
    (void)putchar('\n');
}

static void put_preset(const struct option_spec *spec)
{
    if (spec->preset_text != NULL) {
        (void)printf("Default:\n.%s %s .\n", spec->preset_text[0] == '/' ? "Pa" : "Cm",
                     spec->preset_text);
    } else if (spec->preset != 0) {
        (void)printf("Default: %" PRIu64 ".\n", spec->preset);
    }
}

static void put_range(const struct option_spec *spec)
{
    if (spec->value == VALUE_NUMBER && spec->max != INT64_MAX) {
        (void)printf("Allowed: %" PRIu64 " to %" PRIu64 ".\n", spec->min, spec->max);
    }
}

static void put_item(const struct option_spec *spec)
{
    char text[600];
    (void)printf(".It ");
    put_head(spec);
    (void)snprintf(text, sizeof text, "%s.", spec->help);
    put_text(text, spec->argument, true);
    if (spec->more != NULL) {
        put_text(spec->more, spec->argument, false);
    }
    put_range(spec);
    put_preset(spec);
}

static bool put_options(const char *word)
{
    bool any = false;
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_spec *spec = option_spec((enum option_id)i);
        if (option_shown((enum option_id)i, program, false)
            && strcmp(option_section_word(spec->section), word) == 0) {
            put_item(spec);
            any = true;
        }
    }
    return any;
}

static void put_later(void)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        if (option_shown((enum option_id)i, program, true)) {
            (void)printf(".Fl \\-%s\n", option_spec((enum option_id)i)->name);
        }
    }
}

static void put_forms(void)
{
    const char *between = "";
    for (unsigned place = 0; place < FORM_COUNT; place++) {
        if (option_form_shown((enum option_form_place)place)) {
            (void)printf("%s%s", between, option_form_name((enum option_form_place)place));
            between = ",\n";
        }
    }
    (void)printf(".\n");
}

/* ---- the synopsis ---- */

static void put_optional(enum option_section section)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_spec *spec = option_spec((enum option_id)i);
        if (!option_shown((enum option_id)i, program, false)) {
            continue;
        }
        if (spec->section == section && (spec->form == FORM_NONE || spec->form == FORM_CONNECTION
                                         || program == OF_PLUTOD)) {
            (void)printf(i == OPTION_HOST ? ".Fl \\-%s" : ".Op Fl \\-%s", spec->name);
            put_value(spec);
            (void)fputs(spec->times == TIMES_ANY ? " ...\n" : "\n", stdout);
        }
    }
}

static void put_daemon_synopsis(void)
{
    (void)printf(".Nm\n");
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        if (i != SECTION_DEBUG) {
            put_optional((enum option_section)i);
        }
    }
    (void)printf(".Op Fl \\-debug\\- Ns Ar class ...\n");
}

static void put_form(unsigned place)
{
    bool any = false;
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_spec *spec = option_spec((enum option_id)i);
        if (!option_shown((enum option_id)i, program, false) || (unsigned)spec->form != 1U << place) {
            continue;
        }
        (void)printf(any ? "." : ".Nm\n.");
        put_head(spec);
        any = true;
    }
    for (unsigned i = 0; any && i < OPTION_COUNT; i++) {
        const struct option_spec *spec = option_spec((enum option_id)i);
        if (option_shown((enum option_id)i, program, false) && (spec->with & 1U << place) != 0) {
            (void)printf(".Op Fl \\-%s", spec->name);
            put_value(spec);
            (void)putchar('\n');
        }
    }
}

static void put_whack_synopsis(void)
{
    (void)printf(".Nm\n.Fl \\-name Ar name\n.Ar end\n.Fl \\-to\n.Ar end\n.Ar policy ...\n"
                 ".Op Fl \\-delete\n");
    for (unsigned place = 0; place < FORM_COUNT; place++) {
        if (place == PLACE_DEBUG) {
            (void)printf(".Nm\n.Fl \\-debug\\- Ns Ar class ...\n.Op Fl \\-name Ar name\n");
        } else if (place != PLACE_CONNECTION) {
            put_form(place);
        }
    }
    (void)printf(".Pp\nwhere\n.Ar end\nis\n.Bd -ragged -offset indent\n");
    put_optional(SECTION_END);
    (void)printf(".Ed\n.Pp\nand any form may also have\n.Bd -ragged -offset indent\n");
    put_optional(SECTION_CALL);
    (void)printf(".Ed\n");
}

/* ---- the page ---- */

/* False: there is nothing like it. */
static bool replace(const char *marker)
{
    char section[40];
    if (strncmp(marker, "@SYNOPSIS@", 10) == 0) {
        (program == OF_PLUTOD ? put_daemon_synopsis : put_whack_synopsis)();
    } else if (strncmp(marker, "@FORMS@", 7) == 0) {
        put_forms();
    } else if (strncmp(marker, "@LATER@", 7) == 0) {
        put_later();
    } else if (sscanf(marker, "@OPTIONS %39[a-z]@", section) == 1) {
        return put_options(section);
    } else {
        return false;
    }
    return true;
}

int main(int argc, char *argv[])
{
    static const char comment[] = ".\\\" @";
    char line[2000];
    bool good = argc == 2;

    program = good && strcmp(argv[1], "plutod") == 0 ? OF_PLUTOD : OF_WHACK;
    if (good) {
        (void)printf(".\\\" Made from %s/%s.8 and lib/option_list.def: do not edit.\n", argv[1],
                     argv[1]);
    }
    while (good && fgets(line, sizeof line, stdin) != NULL) {
        if (strncmp(line, comment, sizeof comment - 1) != 0) {
            (void)fputs(line, stdout);
        } else if (!replace(line + sizeof comment - 2)) {
            (void)fprintf(stderr, "options-page: no such marker: %s", line);
            good = false;
        }
    }
    return good && fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : 111;
}
