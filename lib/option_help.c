#include "option_help.h"

#include <inttypes.h>
#include <string.h>

#define WIDTH 80
#define TEXT_AT 27          /* column of the second half of a line */

bool option_shown(enum option_id option, enum option_program program, bool later)
{
    const struct option_spec *spec = option_spec(option);
    return (spec->programs & program) != 0 && spec->later == later;
}

static const char *name_for(enum option_form form)
{
    if (form == FORM_NONE || form == FORM_CONNECTION || form == FORM_DEBUG) {
        return "";
    }
    for (unsigned place = 0; place < FORM_COUNT; place++) {
        if ((unsigned)form == 1U << place) {
            enum option_name_need need = option_form_need((enum option_form_place)place);
            return need == NAME_MUST ? " --name NAME" : need == NAME_MAY ? " [--name NAME]" : "";
        }
    }
    return "";
}

void option_head(enum option_id option, char out[OPTION_HEAD])
{
    const struct option_spec *spec = option_spec(option);
    snprintf(out, OPTION_HEAD, "--%s%s%s%s", spec->name, !option_wants_value(spec) ? "" : " ",
             !option_wants_value(spec) ? "" : spec->argument, name_for(spec->form));
}

/* ---- lines that are filled up ---- */

struct line {
    FILE *out;
    size_t indent;  /* of those after the first */
    size_t at;      /* column */
};

static void put_word(struct line *l, const char *word, size_t len)
{
    if (l->at > l->indent && l->at + 1 + len > WIDTH) {
        fprintf(l->out, "\n%*s", (int)l->indent, "");
        l->at = l->indent;
    } else if (l->at > l->indent) {
        fputc(' ', l->out);
        l->at++;
    }
    fprintf(l->out, "%.*s", (int)len, word);
    l->at += len;
}

static void put_words(struct line *l, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        put_word(l, text, len);
        text += len;
        text += strspn(text, " ");
    }
}

/* ---- sections ---- */

static void print_option(FILE *out, enum option_id option)
{
    const struct option_spec *spec = option_spec(option);
    struct line l = { out, TEXT_AT, TEXT_AT };
    char head[OPTION_HEAD];
    char preset[60];

    option_head(option, head);
    if (strlen(head) + 4 > TEXT_AT) {
        fprintf(out, "  %s\n%*s", head, TEXT_AT, "");
    } else {
        fprintf(out, "  %-*s", TEXT_AT - 2, head);
    }
    put_words(&l, spec->help);
    if (spec->preset_text != NULL) {
        snprintf(preset, sizeof preset, "(%s)", spec->preset_text);
        put_words(&l, preset);
    } else if (spec->preset != 0) {
        snprintf(preset, sizeof preset, "(%" PRIu64 ")", spec->preset);
        put_words(&l, preset);
    }
    fputc('\n', out);
}

static void print_section(FILE *out, enum option_section section, enum option_program program)
{
    bool any = false;
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        if (option_spec((enum option_id)i)->section != section
            || !option_shown((enum option_id)i, program, false)) {
            continue;
        }
        if (!any) {
            fprintf(out, "\n%s\n", option_section_title(section));
        }
        any = true;
        print_option(out, (enum option_id)i);
    }
}

static void print_later(FILE *out, enum option_program program)
{
    struct line l = { out, 2, 2 };
    bool any = false;
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        if (!option_shown((enum option_id)i, program, true)) {
            continue;
        }
        if (!any) {
            fprintf(out, "\nKnown, but not supported yet\n  ");
        }
        any = true;
        char word[OPTION_HEAD];
        snprintf(word, sizeof word, "--%s", option_spec((enum option_id)i)->name);
        put_words(&l, word);
    }
    fputs(any ? "\n" : "", out);
}

void option_help_print(FILE *out, enum option_program program)
{
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        print_section(out, (enum option_section)i, program);
    }
    print_later(out, program);
}

void option_usage_print(FILE *out, enum option_program program, const char *name)
{
    struct line l = { out, 7, 0 };
    char word[OPTION_HEAD];

    l.at = (size_t)fprintf(out, "Usage: %s", name);
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_spec *spec = option_spec((enum option_id)i);
        if (option_shown((enum option_id)i, program, false)) {
            snprintf(word, sizeof word, "[--%s%s%s]%s", spec->name, !option_wants_value(spec) ? "" : " ",
                     !option_wants_value(spec) ? "" : spec->argument,
                     spec->times == TIMES_ANY && option_wants_value(spec) ? "..." : "");
            put_word(&l, word, strlen(word)); /* with its value on one line */
        }
    }
    fprintf(out, "\n%s --help says what they mean.\n", name);
}

bool option_form_shown(enum option_form_place place)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_spec *spec = option_spec((enum option_id)i);
        if (!spec->later && (spec->programs & OF_WHACK) != 0 && (unsigned)spec->form == 1U << place) {
            return place != PLACE_HELP && place != PLACE_VERSION;
        }
    }
    return false;
}

void option_forms_print(FILE *out)
{
    struct line l = { out, 4, 4 };
    unsigned last = FORM_COUNT;
    for (unsigned place = 0; place < FORM_COUNT; place++) {
        last = option_form_shown((enum option_form_place)place) ? place : last;
    }
    fputs("    ", out);
    for (unsigned place = 0; place <= last && place < FORM_COUNT; place++) {
        char word[OPTION_HEAD];
        if (option_form_shown((enum option_form_place)place)) {
            snprintf(word, sizeof word, "%s%s", option_form_name((enum option_form_place)place),
                     place == last ? "." : ",");
            put_words(&l, word);
        }
    }
    fputc('\n', out);
}
