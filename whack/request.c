#include "request.h"

#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_number {
    O_CTLBASE = 256, O_OPTIONSFROM, O_LABEL, O_ASYNCHRONOUS, O_DELETESTATE,
    O_FORM = 512,  /* plus a place of enum form_place */
    O_DEBUG = 768, /* plus a place of enum debug_place, or one of these: */
    O_DEBUG_ALL = O_DEBUG + DEBUG_CLASS_COUNT, O_DEBUG_NONE,
    O_LATER = 1024 /* from here on: not supported yet */
};

/* All values differ: glibc takes an abbreviation of several options that have one value. */
static const struct option own_options[] = {
    { "help", 0, NULL, O_FORM + PLACE_HELP },
    { "version", 0, NULL, O_FORM + PLACE_VERSION },
    { "ctlbase", 1, NULL, O_CTLBASE },
    { "optionsfrom", 1, NULL, O_OPTIONSFROM },
    { "label", 1, NULL, O_LABEL },
    { "asynchronous", 0, NULL, O_ASYNCHRONOUS },
    { "deletestate", 1, NULL, O_DELETESTATE },
    { "delete", 0, NULL, O_FORM + PLACE_DELETE },
    { "listen", 0, NULL, O_FORM + PLACE_LISTEN },
    { "unlisten", 0, NULL, O_FORM + PLACE_UNLISTEN },
    { "route", 0, NULL, O_FORM + PLACE_ROUTE },
    { "unroute", 0, NULL, O_FORM + PLACE_UNROUTE },
    { "initiate", 0, NULL, O_FORM + PLACE_INITIATE },
    { "terminate", 0, NULL, O_FORM + PLACE_TERMINATE },
    { "status", 0, NULL, O_FORM + PLACE_STATUS },
    { "shutdown", 0, NULL, O_FORM + PLACE_SHUTDOWN },
#define CLASS(e, word) { "debug-" word, 0, NULL, O_DEBUG + DEBUG_PLACE_##e },
    LOG_DEBUG_CLASSES(CLASS)
#undef CLASS
    { "debug-all", 0, NULL, O_DEBUG_ALL },
    { "debug-none", 0, NULL, O_DEBUG_NONE },
    { "myid", 1, NULL, O_LATER },
    { "keyid", 1, NULL, O_LATER + 1 },
    { "addkey", 0, NULL, O_LATER + 2 },
    { "pubkeyrsa", 1, NULL, O_LATER + 3 },
    { "oppohere", 1, NULL, O_LATER + 4 },
    { "oppothere", 1, NULL, O_LATER + 5 },
    { "explain", 0, NULL, O_LATER + 6 },
    { "from", 1, NULL, O_LATER + 7 },
    { "events", 0, NULL, O_LATER + 8 },
    { "json", 0, NULL, O_LATER + 9 },
    { "leave-state", 0, NULL, O_LATER + 10 },
};

#define OWN (sizeof own_options / sizeof own_options[0])

/* Both tables as one, ended by zeros; owned by the caller. */
static struct option *all_options(void)
{
    size_t others = connection_options_count();
    struct option *all = calloc(OWN + others + 1, sizeof *all);
    if (all != NULL) {
        memcpy(all, own_options, sizeof own_options);
        memcpy(all + OWN, connection_options, others * sizeof *all);
    }
    return all;
}

static const char *const form_names[FORM_COUNT] = {
#define FORM(e, name) [PLACE_##e] = name,
    FORMS(FORM)
#undef FORM
};

/* The first of the forms in the mask. */
static const char *form_name(unsigned forms)
{
    unsigned place = 0;
    while (place + 1 < FORM_COUNT && (forms & 1u << place) == 0) {
        place++;
    }
    return form_names[place];
}

/* ---- one option ---- */

static bool say(char why[CONNECTION_WHY], const char *sentence)
{
    snprintf(why, CONNECTION_WHY, "%s", sentence);
    return false;
}

static bool repeated(const char *name, const char *arg, char why[CONNECTION_WHY])
{
    snprintf(why, CONNECTION_WHY, "%s%s%.200s: repeated; it may be given once", name,
             arg == NULL ? "" : " ", arg == NULL ? "" : arg);
    return false;
}

static bool later(const char *name, const char *arg, char why[CONNECTION_WHY])
{
    snprintf(why, CONNECTION_WHY, "--%s%s%.200s: not supported yet", name, arg == NULL ? "" : " ",
             arg == NULL ? "" : arg);
    return false;
}

static bool take_serial(struct request *r, const char *arg, char why[CONNECTION_WHY])
{
    uint64_t serial = 0;
    if ((r->forms & FORM_DELETESTATE) != 0) {
        return repeated("--deletestate", arg, why);
    }
    size_t len = strlen(arg);
    if (len == 0 || strspn(arg, "0123456789") != len) {
        snprintf(why, CONNECTION_WHY, "--deletestate %.100s: not a decimal number", arg);
        return false;
    }
    for (const char *c = arg; *c != '\0' && serial <= INT64_MAX / 10; c++) {
        serial = serial * 10 + (unsigned)(*c - '0');
    }
    if (serial == 0 || serial > INT64_MAX / 10) {
        snprintf(why, CONNECTION_WHY, "--deletestate %.100s: no serial number is like that", arg);
        return false;
    }
    r->forms |= FORM_DELETESTATE;
    r->serial = serial;
    return true;
}

static bool take_ctlbase(struct request *r, const char *arg, char why[CONNECTION_WHY])
{
    if (r->ctlbase_given) {
        return repeated("--ctlbase", arg, why);
    }
    if (arg[0] == '\0') {
        return say(why, "--ctlbase '': an empty value");
    }
    r->ctlbase_given = true;
    r->ctlbase = arg;
    return true;
}

static bool take_form(struct request *r, unsigned form, char why[CONNECTION_WHY])
{
    if ((r->forms & form) != 0) {
        return repeated(form_name(form), NULL, why);
    }
    r->forms |= form;
    return true;
}

/* From left to right; -none clears, -all sets all but private. Repeating does no harm. */
static void take_debug(struct request *r, int opt)
{
    r->forms |= FORM_DEBUG;
    if (opt == O_DEBUG_NONE) {
        r->classes = DEBUG_NONE;
    } else if (opt == O_DEBUG_ALL) {
        r->classes |= DEBUG_ALL;
    } else {
        r->classes |= 1u << (unsigned)(opt - O_DEBUG);
    }
}

static bool take(struct request *r, int opt, const char *arg, char why[CONNECTION_WHY])
{
    if (opt >= CONNECTION_OPTION) {
        return connection_option(&r->words, opt, arg, why);
    }
    if (opt >= O_DEBUG && opt <= O_DEBUG_NONE) {
        take_debug(r, opt);
        return true;
    }
    if (opt >= O_FORM && opt < O_FORM + FORM_COUNT) {
        return take_form(r, 1u << (unsigned)(opt - O_FORM), why);
    }
    switch (opt) {
    case O_CTLBASE:
        return take_ctlbase(r, arg, why);
    case O_DELETESTATE:
        return take_serial(r, arg, why);
    case O_ASYNCHRONOUS:
        if (r->asynchronous) {
            return repeated("--asynchronous", NULL, why);
        }
        r->asynchronous = true;
        return true;
    default:
        return false;
    }
}

/* ---- all of them ---- */

#define NAMED (FORM_DEBUG | FORM_DELETE | FORM_CONNECTION | FORM_ROUTE | FORM_UNROUTE \
               | FORM_INITIATE | FORM_TERMINATE)

static bool check_forms(struct request *r, char why[CONNECTION_WHY])
{
    if (r->words.any) {
        r->forms |= FORM_CONNECTION;
    }
    if (r->forms == 0) {
        return say(why, "no action specified (whack --help lists them)");
    }
    if ((r->forms & FORM_LISTEN) != 0 && (r->forms & FORM_UNLISTEN) != 0) {
        return say(why, "--listen: excludes --unlisten");
    }
    if (r->asynchronous && (r->forms & (FORM_INITIATE | FORM_TERMINATE)) == 0) {
        return say(why, "--asynchronous: goes with --initiate or --terminate only");
    }
    unsigned needing = r->forms & NAMED & ~(unsigned)FORM_DEBUG;
    if (r->words.name == NULL && needing != 0) {
        snprintf(why, CONNECTION_WHY, "--name: missing; %s needs it", form_name(needing));
        return false;
    }
    if (r->words.name != NULL && (r->forms & NAMED) == 0) {
        snprintf(why, CONNECTION_WHY, "--name %.100s: superfluous; nothing given here goes with a"
                 " name", r->words.name);
        return false;
    }
    const char *wrong = r->words.name == NULL ? NULL : connection_name_check(r->words.name);
    if (wrong != NULL) {
        snprintf(why, CONNECTION_WHY, "--name %.100s: %s", r->words.name, wrong);
        return false;
    }
    return true;
}

/* Once something was refused, only a --label is still looked for: it belongs before the message. */
static bool read_options(struct request *r, const struct option *all, char why[CONNECTION_WHY])
{
    bool fine = true;

    optind = 0;
    opterr = 0;
    for (;;) {
        int before = optind == 0 ? 1 : optind;
        int place = 0;
        int opt = getopt_long(r->options.argc, r->options.argv, "+:", all, &place);
        if (opt == -1) {
            break;
        }
        if (opt == O_LABEL) {
            if (r->label != NULL && fine) {
                fine = repeated("--label", optarg, why);
            } else {
                r->label = optarg;
            }
        } else if (!fine) {
            continue;
        } else if (opt == '?' || opt == ':') {
            options_not_understood(all, opt, r->options.argv[before], "whack", why, CONNECTION_WHY);
            fine = false;
        } else if (opt == O_OPTIONSFROM) {
            const char *wrong = options_splice(&r->options, optarg, optind);
            fine = wrong == NULL || say(why, wrong);
        } else if (opt >= O_LATER && opt < CONNECTION_OPTION) {
            fine = later(all[place].name, optarg, why);
        } else {
            fine = take(r, opt, optarg, why);
        }
    }
    if (fine && optind < r->options.argc) {
        snprintf(why, CONNECTION_WHY, "%.100s: superfluous; it belongs to no option (is --name"
                 " missing before it?)", r->options.argv[optind]);
        fine = false;
    }
    return fine;
}

bool request_read(struct request *r, int argc, char *const *argv, connection_resolver *resolver,
                  void *context, char why[CONNECTION_WHY])
{
    memset(r, 0, sizeof *r);
    r->ctlbase = CTLBASE_DEFAULT;
    const char *wrong = options_init(&r->options, argc, argv);
    if (wrong != NULL) {
        return say(why, wrong);
    }
    struct option *all = all_options();
    if (all == NULL) {
        return say(why, "out of memory");
    }
    bool fine = read_options(r, all, why);
    free(all);
    if (!fine) {
        return false;
    }
    if ((r->forms & (FORM_HELP | FORM_VERSION)) != 0) {
        return true;
    }
    if (!check_forms(r, why)) {
        return false;
    }
    if ((r->forms & FORM_CONNECTION) != 0) {
        r->words.replace = (r->forms & FORM_DELETE) != 0;
        r->forms &= ~(unsigned)FORM_DELETE;
        return connection_form_make(&r->form, &r->words, resolver, context, why);
    }
    return true;
}

void request_free(struct request *r)
{
    connection_form_free(&r->form);
    options_free(&r->options);
}
