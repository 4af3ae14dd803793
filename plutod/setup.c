#include "setup.h"

#include "log.h"
#include "option_help.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* With the place in a file of options, where what is wrong stands in one (s NULL: it is no option). */
__attribute__((format(printf, 2, 3)))
static enum setup_result wrong(const struct setup *s, const char *format, ...)
{
    char why[OPTION_WHY];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (s != NULL) {
        option_reader_locate(&s->reader, why);
    }
    fprintf(stderr, "plutod: %s\n", why);
    if (s != NULL) {
        option_usage_print(stderr, OF_PLUTOD, "plutod");
    }
    return SETUP_WRONG;
}

static enum setup_result take_interface(struct setup *s, const char *name)
{
    if (strlen(name) >= 16 || name[0] == '\0') {
        return wrong(s, "--interface %s: no interface has such a name", name);
    }
    if (strncmp(name, "ipsec", 5) == 0 && isdigit((unsigned char)name[5])) {
        return wrong(s, "--interface %s: name the real interface; ipsecN is none", name);
    }
    for (unsigned i = 0; i < s->interface_count; i++) {
        if (strcmp(s->interfaces[i], name) == 0) {
            return wrong(s, "--interface %s: is given twice", name);
        }
    }
    if (s->interface_count == SETUP_INTERFACES) {
        return wrong(s, "--interface %s: more than %d of them", name, SETUP_INTERFACES);
    }
    s->interfaces[s->interface_count++] = name;
    return SETUP_RUN;
}

static enum setup_result take_myid(struct setup *s, const char *where, const char *text)
{
    const char *why = identity_parse(&s->myid, text);
    if (why != NULL) {
        return wrong(where[0] == '-' ? s : NULL, "%s %s: %s%s", where, text, why,
                     strpbrk(text, "@%:=") != NULL || isdigit((unsigned char)text[0])
                         ? "" : "; plutod looks none up: write @ before it, or say it by whack --myid, which does");
    }
    s->has_myid = true;
    return SETUP_RUN;
}

/* Each word changes what the words before it made: kept as a text that lib/log reads. */
static enum setup_result take_debug(struct setup *s, const char *word)
{
    char text[DEBUG_CLASSES_TEXT + 16];
    char before[DEBUG_CLASSES_TEXT];
    debug_classes_print(s->classes, before);
    snprintf(text, sizeof text, "%s%s%s", before, before[0] == '\0' ? "" : ",", word);
    const char *why = debug_classes_parse(&s->classes, text);
    return why == NULL ? SETUP_RUN : wrong(s, "--debug-%s: %s", word, why);
}

static void print_help(void)
{
    puts("plutod supervises the IPsec keying tools; what it is to do, whack tells it.\n"
         "Usage: plutod [OPTION]...\n"
         "Long options may be abbreviated; in brackets is what holds if nothing is given.");
    option_help_print(stdout, OF_PLUTOD);
    puts("\n"
         "Example: begin by hand, and look on\n"
         "  plutod --nofork --stderrlog --ctlbase /run/test --secretsfile ./ipsec.secrets\n"
         "  whack --ctlbase /run/test --listen      in another window\n"
         "\n"
         "More: man 8 plutod");
}

static enum setup_result take_dnskey(struct setup *s, const struct option_given *given)
{
    if (s->dnskey != NULL) {
        return wrong(s, "--%s %s: --adns and --lwdnsq are two names of one option, and one of them is enough",
                     option_spec(given->option)->name, given->text);
    }
    s->dnskey = given->text;
    return SETUP_RUN;
}

static enum setup_result take(struct setup *s, const struct option_given *given)
{
    switch (given->option) {
    case OPTION_NOFORK: s->nofork = true; break;
    case OPTION_STDERRLOG: s->stderrlog = true; break;
    case OPTION_UNIQUEIDS: s->uniqueids = true; break;
    case OPTION_INSECURE_SECRETSFILE: s->insecure_secretsfile = true; break;
    case OPTION_NO_NAT_T: break; /* there is none to be switched off yet */
    case OPTION_PERPEERLOG: s->perpeerlog = true; break;
    case OPTION_PERPEERLOGBASE: s->perpeerlogbase = given->text; break;
    case OPTION_CTLBASE: s->ctlbase = given->text; break;
    case OPTION_SECRETSFILE: s->secretsfile = given->text; break;
    case OPTION_ADNS:
    case OPTION_LWDNSQ: return take_dnskey(s, given);
    case OPTION_INTERFACE: return take_interface(s, given->text);
    case OPTION_OUR_MYID: return take_myid(s, "--myid", given->text);
    case OPTION_OUR_IKEPORT: s->ikeport = (uint16_t)given->number; break;
    case OPTION_SECRETS_WORKERS: s->workers = (unsigned)given->number; break;
    case OPTION_UPDOWN_TIMEOUT: s->updown_timeout = (unsigned)given->number; break;
    case OPTION_HELP:
        print_help();
        return SETUP_HELP;
    case OPTION_VERSION:
        puts("plutod " VERSION);
        return SETUP_HELP;
    default:
        if (option_spec(given->option)->section == SECTION_DEBUG) {
            return take_debug(s, option_spec(given->option)->name + strlen("debug-"));
        }
        break; /* one that is not supported yet: see setup_parse */
    }
    return SETUP_RUN;
}

static enum setup_result parse_words(struct setup *s)
{
    struct option_given given;
    char why[OPTION_WHY];
    enum setup_result result = SETUP_RUN;
    enum option_read read = OPTION_GIVEN;

    while (result == SETUP_RUN
           && (read = option_next(&s->reader, &given, why)) == OPTION_GIVEN) {
        result = take(s, &given);
    }
    if (result != SETUP_RUN) {
        return result;
    }
    if (read == OPTION_NO_MORE && option_supported(&s->reader, why)) {
        return SETUP_RUN;
    }
    return wrong(s, "%s", why);
}

/* A daemon changes to "/" when it forks: what was meant from here is named from there. */
static enum setup_result make_absolute(struct setup *s)
{
    const char **const paths[] = { &s->ctlbase, &s->secretsfile, &s->perpeerlogbase, &s->dnskey };
    char *here = getcwd(NULL, 0);
    enum setup_result result = SETUP_RUN;

    for (unsigned i = 0; i < sizeof paths / sizeof paths[0] && result == SETUP_RUN; i++) {
        if (*paths[i] == NULL || **paths[i] == '/') {
            continue;
        }
        if (here == NULL || asprintf(&s->absolute[i], "%s/%s", here, *paths[i]) < 0) {
            s->absolute[i] = NULL;
            result = wrong(NULL, "%s: cannot tell what this path is relative to: %s", *paths[i],
                           strerror(errno));
        } else {
            *paths[i] = s->absolute[i];
        }
    }
    free(here);
    return result;
}

enum setup_result setup_parse(struct setup *s, int argc, char **argv)
{
    memset(s, 0, sizeof *s);
    s->ctlbase = option_spec(OPTION_CTLBASE)->preset_text;
    s->perpeerlogbase = option_spec(OPTION_PERPEERLOGBASE)->preset_text;
    s->secretsfile = option_spec(OPTION_SECRETSFILE)->preset_text;
    s->ikeport = (uint16_t)option_spec(OPTION_OUR_IKEPORT)->preset;
    s->updown_timeout = (unsigned)option_spec(OPTION_UPDOWN_TIMEOUT)->preset;
    s->umask = 022;
    const char *why = option_reader_init(&s->reader, OF_PLUTOD, "plutod", argc, argv);
    if (why != NULL) {
        return wrong(s, "%s", why);
    }
    enum setup_result result = parse_words(s);
    if (result == SETUP_RUN && s->reader.seen[OPTION_PERPEERLOGBASE] && !s->perpeerlog) {
        fprintf(stderr, "plutod: --perpeerlogbase %s: has no effect without --perpeerlog: no peer has a file of his "
                "own\n", s->perpeerlogbase);
    }
    const char *myid = secure_getenv("IPSECmyid");
    if (result == SETUP_RUN && !s->has_myid && myid != NULL && myid[0] != '\0') {
        result = take_myid(s, "IPSECmyid", myid);
    }
    return result == SETUP_RUN && !s->nofork ? make_absolute(s) : result;
}

void setup_free(struct setup *s)
{
    option_reader_free(&s->reader);
    for (unsigned i = 0; i < sizeof s->absolute / sizeof s->absolute[0]; i++) {
        free(s->absolute[i]);
    }
    memset(s, 0, sizeof *s);
}
