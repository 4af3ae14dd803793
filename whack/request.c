#include "request.h"

#include "log.h"

#include <stdio.h>
#include <string.h>

/* Who looks names up. */
struct asked {
    connection_resolver *resolver;
    void *context;
};

static bool say(char why[CONNECTION_WHY], const char *sentence)
{
    snprintf(why, CONNECTION_WHY, "%s", sentence);
    return false;
}

/* From left to right; -none clears, -all sets all but private. Repeating does no harm. */
static void take_debug(struct request *r, enum option_id option)
{
    static const unsigned class_of[OPTION_COUNT] = {
#define CLASS(e, word, help) [OPTION_DEBUG_CLASS_##e] = DEBUG_##e,
        LOG_DEBUG_CLASSES(CLASS)
#undef CLASS
        [OPTION_DEBUG_ALL] = DEBUG_ALL,
    };
    r->classes = option == OPTION_DEBUG_NONE ? (unsigned)DEBUG_NONE : r->classes | class_of[option];
}

static void take(struct request *r, const struct option_given *given)
{
    const struct option_spec *spec = option_spec(given->option);

    r->forms |= given->option == OPTION_TO && given->text != NULL ? FORM_NONE : spec->form;
    if (spec->section == SECTION_DEBUG) {
        take_debug(r, given->option);
        return;
    }
    switch (given->option) {
    case OPTION_CTLBASE:
        r->ctlbase = given->text;
        break;
    case OPTION_LABEL:
        r->label = given->text;
        break;
    case OPTION_DELETESTATE:
        r->serial = given->number;
        break;
    case OPTION_ASYNCHRONOUS:
        r->asynchronous = true;
        break;
    case OPTION_LEAVE_STATE:
        r->leave_state = true;
        break;
    case OPTION_ADDKEY:
        r->addkey = true;
        break;
    case OPTION_JSON:
        r->json = true;
        break;
    default:
        (void)connection_option(&r->words, given);
        break;
    }
}

/* ---- all of them ---- */

/* Something that goes with certain forms, and none of them was given. */
static bool check_company(const struct request *r, char why[CONNECTION_WHY])
{
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_spec *spec = option_spec((enum option_id)i);
        if (!r->reader.seen[i] || spec->with == 0 || (r->forms & spec->with) != 0) {
            continue;
        }
        char what[120];
        size_t len = (size_t)snprintf(what, sizeof what, "goes with");
        const char *between = " ";
        for (unsigned place = 0; place < FORM_COUNT; place++) {
            if ((spec->with & 1U << place) != 0 && len < sizeof what) {
                len += (size_t)snprintf(what + len, sizeof what - len, "%s%s", between,
                                        option_form_name((enum option_form_place)place));
                between = " or ";
            }
        }
        if (len < sizeof what) {
            snprintf(what + len, sizeof what - len, " only");
        }
        option_refuse(&(struct option_given){ .option = (enum option_id)i,
                                              .text = r->reader.text[i] }, what, why);
        return false;
    }
    return true;
}

static unsigned forms_that(enum option_name_need need)
{
    unsigned forms = 0;
    for (unsigned i = 0; i < FORM_COUNT; i++) {
        forms |= option_form_need((enum option_form_place)i) == need ? 1U << i : 0;
    }
    return forms;
}

static bool check_name(const struct request *r, char why[CONNECTION_WHY])
{
    const char *name = r->words.name;
    unsigned needing = r->forms & forms_that(NAME_MUST);
    if (name == NULL && needing == 0) {
        return true;
    }
    if (name == NULL) {
        snprintf(why, CONNECTION_WHY, "--name: missing; %s needs it", option_form_first(needing));
        return false;
    }
    if (needing == 0 && (r->forms & forms_that(NAME_MAY)) == 0) {
        snprintf(why, CONNECTION_WHY, "--name %.100s: superfluous; nothing given here goes with a"
                 " name", name);
        return false;
    }
    const char *wrong = connection_name_check(name);
    if (wrong != NULL) {
        snprintf(why, CONNECTION_WHY, "--name %.100s: %s", name, wrong);
    }
    return wrong == NULL;
}

/* --explain --name N, or --explain --from A --to B. */
static bool check_explain(struct request *r, const struct asked *asked, char why[CONNECTION_WHY])
{
    const char *from = r->reader.text[OPTION_FROM];
    const char *to = r->reader.text[OPTION_TO];

    if (to != NULL && (r->forms & FORM_EXPLAIN) == 0) {
        option_refuse(&(struct option_given){ .option = OPTION_TO, .text = to },
                      "goes with --explain --from only; an end's address stands after --host", why);
        return false;
    }
    if ((r->forms & FORM_EXPLAIN) == 0) {
        return true;
    }
    if ((from == NULL) != (to == NULL)) {
        return say(why, from == NULL ? "--from: missing; --explain --to needs it"
                                     : "--to: missing; --explain --from needs it");
    }
    if ((from == NULL) == (r->words.name == NULL)) {
        return say(why, "--explain: wants either --name NAME, or --from ADDRESS --to ADDRESS");
    }
    return from == NULL
           || (connection_address(&r->from, "--from", from, 0, asked->resolver, asked->context, why)
               && connection_address(&r->to, "--to", to, r->from.family, asked->resolver,
                                     asked->context, why));
}

static bool check_oppo(const struct request *r, const struct asked *asked, char why[CONNECTION_WHY])
{
    const char *here = r->reader.text[OPTION_OPPOHERE];
    const char *there = r->reader.text[OPTION_OPPOTHERE];
    bool v4 = r->reader.seen[OPTION_TUNNELIPV4];
    bool v6 = r->reader.seen[OPTION_TUNNELIPV6];
    struct address a;
    struct address b;

    if ((r->forms & FORM_OPPO) == 0) {
        return true;
    }
    if (here == NULL || there == NULL) {
        return say(why, here == NULL ? "--oppohere: missing; --oppothere needs it"
                                     : "--oppothere: missing; --oppohere needs it");
    }
    if (v4 && v6) {
        return say(why, "--tunnelipv6: contradicts --tunnelipv4");
    }
    return connection_address(&a, "--oppohere", here, v4 ? 4 : v6 ? 6 : 0, asked->resolver,
                              asked->context, why)
           && connection_address(&b, "--oppothere", there, a.family, asked->resolver, asked->context,
                                 why);
}

static bool check_key(struct request *r, const struct asked *asked, char why[CONNECTION_WHY])
{
    const char *text = r->reader.text[OPTION_PUBKEYRSA];
    struct rsa_public key;
    uint8_t bytes[RSA_PUBLIC_MAX];

    if ((r->forms & FORM_KEY) == 0) {
        return true;
    }
    if (!connection_identity(&r->keyid, "--keyid", r->reader.text[OPTION_KEYID], asked->resolver,
                             asked->context, why)) {
        return false;
    }
    if (text == NULL) {
        return true;
    }
    const char *wrong = rsa_public_from_text(&key, bytes, text);
    if (wrong != NULL) {
        snprintf(why, CONNECTION_WHY, "--pubkeyrsa %.40s%s: %s", text,
                 strlen(text) > 40 ? "..." : "", wrong);
        return false;
    }
    r->pubkey_len = rsa_public_encode(&key, r->pubkey);
    return true;
}

static bool check_myid(struct request *r, const struct asked *asked, char why[CONNECTION_WHY])
{
    return (r->forms & FORM_MYID) == 0
           || connection_identity(&r->myid, "--myid", r->reader.text[OPTION_MYID], asked->resolver,
                                  asked->context, why);
}

static bool check_forms(struct request *r, char why[CONNECTION_WHY])
{
    if (!check_company(r, why)) {
        return false;
    }
    if (r->forms == 0) {
        return say(why, "no action specified (whack --help lists them)");
    }
    if ((r->forms & FORM_LISTEN) != 0 && (r->forms & FORM_UNLISTEN) != 0) {
        return say(why, "--listen: excludes --unlisten");
    }
    return check_name(r, why);
}

/* Once something was refused, only a --label is still looked for: it belongs before the message. */
static bool read_options(struct request *r, char why[CONNECTION_WHY])
{
    struct option_given given;
    char other[CONNECTION_WHY] = "";
    bool fine = true;
    enum option_read read;

    while ((read = option_next(&r->reader, &given, fine ? why : other)) != OPTION_NO_MORE) {
        if (read == OPTION_WRONG && fine) {
            option_reader_locate(&r->reader, why);
            fine = false;
        } else if (read == OPTION_WRONG) {
            continue;
        } else if (fine || given.option == OPTION_LABEL) {
            take(r, &given);
        }
    }
    return fine;
}

/* What can be said once all words are known. */
static bool check(struct request *r, const struct asked *asked, char why[CONNECTION_WHY])
{
    if (!check_forms(r, why) || !check_explain(r, asked, why) || !check_oppo(r, asked, why)
        || !check_key(r, asked, why) || !check_myid(r, asked, why)) {
        return false;
    }
    if ((r->forms & FORM_CONNECTION) != 0) {
        r->words.replace = (r->forms & FORM_DELETE) != 0;
        r->forms &= ~(unsigned)FORM_DELETE;
        if (!connection_form_make(&r->form, &r->words, asked->resolver, asked->context, why)) {
            return false;
        }
    }
    return option_supported(&r->reader, why);
}

bool request_read(struct request *r, int argc, char *const *argv, const struct request_input *input,
                  connection_resolver *resolver, void *context, char why[CONNECTION_WHY])
{
    const struct asked asked = { resolver, context };
    memset(r, 0, sizeof *r);
    r->ctlbase = option_spec(OPTION_CTLBASE)->preset_text;
    const char *wrong = option_reader_init(&r->reader, OF_WHACK, "whack", argc, argv);
    if (input != NULL) {
        option_reader_input(&r->reader, input->text, input->line);
    }
    if (wrong != NULL) {
        return say(why, wrong);
    }
    if (!read_options(r, why)) {
        return false;
    }
    r->stream = input == NULL && r->reader.input_wanted;
    if (r->stream || (r->forms & (FORM_HELP | FORM_VERSION)) != 0) {
        return true;
    }
    if (!check(r, &asked, why)) {
        option_reader_locate(&r->reader, why);
        return false;
    }
    return true;
}

void request_done(struct request *r)
{
    connection_form_free(&r->form);
    option_reader_free(&r->reader);
}
