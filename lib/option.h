/*
 * The one declaration of every option of plutod and whack (and of ike-negotiate by hand): its name,
 * its value, how often it may stand, which form it belongs to, and what a person is told about it.
 *
 * The rows stand in option_list.def. Made from them: what is read and checked (option_reader.h),
 * --help (option_help.h), the option parts of plutod(8) and whack(8) (docs/options-page.c), and what
 * a shell completes (docs/completion.c). Not for: what an option does, and checks that look at more
 * than one option; those stand with the program.
 */
#ifndef LIB_OPTION_H
#define LIB_OPTION_H

#include "bounds.h"
#include "log.h"

#include <stdbool.h>
#include <stdint.h>

enum option_program { OF_WHACK = 1 << 0, OF_PLUTOD = 1 << 1, OF_HAND = 1 << 2 };

/*
 * What a call of whack asks for, in the order in which it is carried out [W8].
 * FORM(enumerator, what a person calls it, does it need --name?)
 */
#define OPTION_FORMS(FORM) \
    FORM(DEBUG, "--debug-...", NAME_MAY) \
    FORM(MYID, "--myid", NAME_NO) \
    FORM(DELETE, "--delete", NAME_MUST) \
    FORM(DELETESTATE, "--deletestate", NAME_NO) \
    FORM(CONNECTION, "the connection form", NAME_MUST) \
    FORM(LISTEN, "--listen", NAME_NO) \
    FORM(UNLISTEN, "--unlisten", NAME_NO) \
    FORM(KEY, "--keyid", NAME_NO) \
    FORM(ROUTE, "--route", NAME_MUST) \
    FORM(UNROUTE, "--unroute", NAME_MUST) \
    FORM(INITIATE, "--initiate", NAME_MUST) \
    FORM(OPPO, "--oppohere", NAME_NO) \
    FORM(TERMINATE, "--terminate", NAME_MUST) \
    FORM(EXPLAIN, "--explain", NAME_MAY) \
    FORM(EVENTS, "--events", NAME_MAY) \
    FORM(STATUS, "--status", NAME_NO) \
    FORM(SHUTDOWN, "--shutdown", NAME_NO) \
    /* answered by the program itself */ \
    FORM(HELP, "--help", NAME_NO) \
    FORM(VERSION, "--version", NAME_NO)

enum option_name_need { NAME_NO, NAME_MAY, NAME_MUST };

enum option_form_place {
#define FORM(e, name, need) PLACE_##e,
    OPTION_FORMS(FORM)
#undef FORM
    FORM_COUNT
};

enum option_form {
#define FORM(e, name, need) FORM_##e = 1 << PLACE_##e,
    OPTION_FORMS(FORM)
#undef FORM
    FORM_NONE = 0
};

/* Groups of --help, in this order. SECTION(enumerator, word in the pages' markers, programs, title) */
#define OPTION_SECTIONS(SECTION) \
    SECTION(CONNECTION, "connection", OF_WHACK, \
            "Describe a connection: whack --name NAME END --to END POLICY...\n" \
            "(the same words do on both hosts; each finds out which end it is)") \
    SECTION(END, "end", OF_WHACK | OF_HAND, "Of each END") \
    SECTION(POLICY, "policy", OF_WHACK | OF_HAND, "POLICY: of both ends") \
    SECTION(KEYS, "keys", OF_WHACK | OF_HAND, "Keys and identities") \
    SECTION(WORK, "work", OF_WHACK, "Work with it") \
    SECTION(LOOK, "look", OF_WHACK, "Look, and stop") \
    SECTION(START, "start", OF_PLUTOD, "How it runs") \
    SECTION(NETWORK, "network", OF_PLUTOD, "The network, and who we are") \
    SECTION(TOOLS, "tools", OF_PLUTOD | OF_HAND, "Secrets, keys and scripts") \
    SECTION(CALL, "call", OF_WHACK | OF_PLUTOD | OF_HAND, "Every call") \
    SECTION(DEBUG, "debug", OF_WHACK | OF_PLUTOD, \
            "Debug classes: more to read in the log (read from left to right)")

enum option_section {
#define SECTION(e, word, programs, title) SECTION_##e,
    OPTION_SECTIONS(SECTION)
#undef SECTION
    SECTION_COUNT
};

enum option_value {
    VALUE_NONE,     /* a flag */
    VALUE_TEXT,     /* not empty */
    VALUE_NUMBER,   /* decimal, min..max */
    VALUE_WORD,     /* one of `words` */
    VALUE_MAYBE     /* the next word, unless that is an option: a text */
};

enum option_times {
    TIMES_ONCE,
    TIMES_ONCE_EACH_END,    /* begins anew with --to */
    TIMES_ANY
};

/* What a shell offers as the value; VALUE_WORD needs none of these. */
enum option_completion { COMPLETE_NOTHING, COMPLETE_FILE, COMPLETE_FOLDER, COMPLETE_INTERFACE,
                         COMPLETE_CONNECTION, COMPLETE_SUITES, COMPLETE_GROUPS };

enum option_id {
#define OPTION(e, name_, ...) OPTION_##e,
#include "option_list.def"
#undef OPTION
    OPTION_COUNT
};

/*
 * Texts for a person: whole phrases without an end, in `more` whole sentences. In them, words like
 * --name, PATH, %any, whack(8), /a/path and 'what stands in quotes' are set in their type in the page.
 */
struct option_spec {
    const char *name;           /* without dashes */
    unsigned programs;          /* mask of enum option_program */
    enum option_section section;
    enum option_form form;      /* that it asks for; FORM_NONE: it goes with others */
    unsigned with;              /* mask of the forms that it may go with; 0: it does not matter */
    enum option_value value;
    enum option_times times;
    enum option_completion completion;
    bool later;                 /* known and checked, but "not supported yet" */
    uint64_t min;               /* VALUE_NUMBER */
    uint64_t max;
    uint64_t preset;            /* VALUE_NUMBER: what holds where it is not given; 0: nothing */
    const char *preset_text;    /* the same for other values */
    const char *argument;       /* the word for its value, as PATH; NULL for a flag */
    const char *words;          /* VALUE_WORD: a|b|c */
    const char *help;           /* a phrase for --help */
    const char *more;           /* NULL, or sentences that follow it in the page */
};

const struct option_spec *option_spec(enum option_id option);

/* Does it need one? VALUE_MAYBE does not. */
bool option_wants_value(const struct option_spec *spec);

const char *option_form_name(enum option_form_place place);
/* The first of the forms in the mask, as a person calls it. */
const char *option_form_first(unsigned forms);
enum option_name_need option_form_need(enum option_form_place place);

const char *option_section_title(enum option_section section);
const char *option_section_word(enum option_section section); /* in the pages' markers */
bool option_section_of(enum option_section section, enum option_program program);

#endif
