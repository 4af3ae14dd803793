#include "option.h"

#include <stddef.h>

/* A word of the connection form; what a --name belongs to in whack, by hand is all there is. */
#define OF_CONNECTION .programs = OF_WHACK | OF_HAND, .form = FORM_CONNECTION

static const struct option_spec specs[OPTION_COUNT] = {
#define OPTION(e, name_, ...) [OPTION_##e] = { .name = name_, __VA_ARGS__ },
#include "option_list.def"
#undef OPTION
};

static const struct {
    const char *name;
    enum option_name_need need;
} forms[FORM_COUNT] = {
#define FORM(e, name_, need_) [PLACE_##e] = { .name = name_, .need = need_ },
    OPTION_FORMS(FORM)
#undef FORM
};

static const struct {
    const char *word;
    unsigned programs;
    const char *title;
} sections[SECTION_COUNT] = {
#define SECTION(e, word_, programs_, title_) \
    [SECTION_##e] = { .word = word_, .programs = programs_, .title = title_ },
    OPTION_SECTIONS(SECTION)
#undef SECTION
};

const struct option_spec *option_spec(enum option_id option)
{
    return &specs[option];
}

bool option_wants_value(const struct option_spec *spec)
{
    return spec->value != VALUE_NONE && spec->value != VALUE_MAYBE;
}

const char *option_form_name(enum option_form_place place)
{
    return forms[place].name;
}

const char *option_form_first(unsigned mask)
{
    unsigned place = 0;
    while (place + 1 < FORM_COUNT && (mask & 1U << place) == 0) {
        place++;
    }
    return forms[place].name;
}

enum option_name_need option_form_need(enum option_form_place place)
{
    return forms[place].need;
}

const char *option_section_title(enum option_section section)
{
    return sections[section].title;
}

const char *option_section_word(enum option_section section)
{
    return sections[section].word;
}

bool option_section_of(enum option_section section, enum option_program program)
{
    return (sections[section].programs & program) != 0;
}
