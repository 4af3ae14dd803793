#include "setup.h"

#include "bounds.h"
#include "log.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum option_code {
    O_HELP = 1, O_VERSION, O_OPTIONSFROM, O_NOFORK, O_STDERRLOG, O_UNIQUEIDS, O_INTERFACE,
    O_IKEPORT, O_CTLBASE, O_SECRETSFILE, O_INSECURE, O_WORKERS, O_ADNS, O_LWDNSQ, O_PERPEERLOG,
    O_PERPEERLOGBASE, O_MYID, O_NO_NAT_T, O_UPDOWN_TIMEOUT, O_REQUIRE_DNSSEC,
    /* All differ: glibc takes an abbreviation of several options that have one value. */
    O_DEBUG, O_DEBUG_NONE = O_DEBUG, O_DEBUG_ALL,
#define DEBUG_CODE(e, word) O_DEBUG_##e##_CLASS,
    LOG_DEBUG_CLASSES(DEBUG_CODE)
#undef DEBUG_CODE
    O_END
};

static const struct option long_options[] = {
    { "help", no_argument, NULL, O_HELP },
    { "version", no_argument, NULL, O_VERSION },
    { "optionsfrom", required_argument, NULL, O_OPTIONSFROM },
    { "nofork", no_argument, NULL, O_NOFORK },
    { "stderrlog", no_argument, NULL, O_STDERRLOG },
    { "uniqueids", no_argument, NULL, O_UNIQUEIDS },
    { "interface", required_argument, NULL, O_INTERFACE },
    { "ikeport", required_argument, NULL, O_IKEPORT },
    { "ctlbase", required_argument, NULL, O_CTLBASE },
    { "secretsfile", required_argument, NULL, O_SECRETSFILE },
    { "insecure-secretsfile", no_argument, NULL, O_INSECURE },
    { "secrets-workers", required_argument, NULL, O_WORKERS },
    { "adns", required_argument, NULL, O_ADNS },
    { "lwdnsq", required_argument, NULL, O_LWDNSQ },
    { "perpeerlog", no_argument, NULL, O_PERPEERLOG },
    { "perpeerlogbase", required_argument, NULL, O_PERPEERLOGBASE },
    { "myid", required_argument, NULL, O_MYID },
    { "no-nat-t", no_argument, NULL, O_NO_NAT_T },
    { "updown-timeout", required_argument, NULL, O_UPDOWN_TIMEOUT },
    { "require-dnssec", no_argument, NULL, O_REQUIRE_DNSSEC },
    { "debug-none", no_argument, NULL, O_DEBUG_NONE },
    { "debug-all", no_argument, NULL, O_DEBUG_ALL },
#define DEBUG_OPTION(e, word) { "debug-" word, no_argument, NULL, O_DEBUG_##e##_CLASS },
    LOG_DEBUG_CLASSES(DEBUG_OPTION)
#undef DEBUG_OPTION
    { NULL, 0, NULL, 0 }
};

static const char usage[] =
    "Usage: plutod [--help] [--version] [--optionsfrom FILE] [--nofork] [--stderrlog]\n"
    "       [--interface NAME]... [--ikeport PORT] [--ctlbase PATH] [--secretsfile GLOB]\n"
    "       [--insecure-secretsfile] [--secrets-workers N] [--uniqueids] [--myid ID]\n"
    "       [--no-nat-t] [--updown-timeout SECONDS] [--debug-none] [--debug-all]\n"
    "       [--debug-raw] [--debug-crypt] [--debug-parsing] [--debug-emitting]\n"
    "       [--debug-control] [--debug-lifecycle] [--debug-kernel] [--debug-dns]\n"
    "       [--debug-oppo] [--debug-private]\n"
    "plutod(8) says what they mean.\n";

__attribute__((format(printf, 1, 2)))
static enum setup_result wrong(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("plutod: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n%s", usage);
    return SETUP_WRONG;
}

static bool number(const char *text, unsigned min, unsigned max, unsigned *out)
{
    unsigned n = 0;
    if (*text == '\0' || strlen(text) > 6) {
        return false;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (!isdigit((unsigned char)*p)) {
            return false;
        }
        n = n * 10 + (unsigned)(*p - '0');
    }
    *out = n;
    return n >= min && n <= max;
}

static enum setup_result take_number(const char *option, const char *text, unsigned min,
                                     unsigned max, unsigned *out)
{
    if (!number(text, min, max, out)) {
        return wrong("--%s %s: a decimal number from %u to %u is wanted", option, text, min, max);
    }
    return SETUP_RUN;
}

static enum setup_result take_interface(struct setup *s, const char *name)
{
    if (strlen(name) >= 16 || name[0] == '\0') {
        return wrong("--interface %s: no interface has such a name", name);
    }
    if (strncmp(name, "ipsec", 5) == 0 && isdigit((unsigned char)name[5])) {
        return wrong("--interface %s: name the real interface; ipsecN is none", name);
    }
    for (unsigned i = 0; i < s->interface_count; i++) {
        if (strcmp(s->interfaces[i], name) == 0) {
            return wrong("--interface %s: is given twice", name);
        }
    }
    if (s->interface_count == SETUP_INTERFACES) {
        return wrong("--interface %s: more than %d of them", name, SETUP_INTERFACES);
    }
    s->interfaces[s->interface_count++] = name;
    return SETUP_RUN;
}

static enum setup_result take_myid(struct setup *s, const char *where, const char *text)
{
    const char *why = identity_parse(&s->myid, text);
    if (why != NULL) {
        return wrong("%s %s: %s", where, text, why);
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
    return why == NULL ? SETUP_RUN : wrong("--debug-%s: %s", word, why);
}

static enum setup_result take(struct setup *s, int code, const char *name, const char *arg)
{
    unsigned n = 0;
    enum setup_result result = SETUP_RUN;
    if (code >= O_DEBUG) {
        return take_debug(s, name + strlen("debug-"));
    }
    switch (code) {
    case O_NOFORK: s->nofork = true; break;
    case O_STDERRLOG: s->stderrlog = true; break;
    case O_UNIQUEIDS: s->uniqueids = true; break;
    case O_INSECURE: s->insecure_secretsfile = true; break;
    case O_NO_NAT_T: break; /* there is none to be switched off yet */
    case O_CTLBASE: s->ctlbase = arg; break;
    case O_SECRETSFILE: s->secretsfile = arg; break;
    case O_INTERFACE: return take_interface(s, arg);
    case O_MYID: return take_myid(s, "--myid", arg);
    case O_IKEPORT:
        result = take_number(name, arg, 1, 65535, &n);
        s->ikeport = (uint16_t)n;
        break;
    case O_WORKERS:
        result = take_number(name, arg, 1, WORKERS_MAX / 4, &s->workers);
        break;
    case O_UPDOWN_TIMEOUT:
        result = take_number(name, arg, 1, 3600, &s->updown_timeout);
        break;
    case O_PERPEERLOG:
    case O_PERPEERLOGBASE:
    case O_ADNS:
    case O_LWDNSQ:
    case O_REQUIRE_DNSSEC: /* nobody may believe that they do something */
        return wrong("--%s%s%s: is not supported yet; leave it out", name, arg == NULL ? "" : " ",
                     arg == NULL ? "" : arg);
    default: /* --help, --version, --optionsfrom: done by the caller */
        break;
    }
    return result;
}

static bool may_repeat(int code)
{
    return code == O_INTERFACE || code == O_OPTIONSFROM || code >= O_DEBUG;
}

static enum setup_result parse_words(struct setup *s)
{
    bool seen[O_END] = { false };
    int code;
    int place = 0;
    for (;;) {
        int before = optind == 0 ? 1 : optind;
        code = getopt_long(s->words.argc, s->words.argv, "+:", long_options, &place);
        if (code == -1) {
            break;
        }
        if (code < O_HELP || code >= O_END) {
            char why[500];
            options_not_understood(long_options, code, s->words.argv[before], "plutod", why,
                                   sizeof why);
            return wrong("%s", why);
        }
        const char *name = long_options[place].name;
        if (long_options[place].has_arg == required_argument && optarg[0] == '\0') {
            return wrong("--%s '': an empty value", name);
        }
        if (seen[code] && !may_repeat(code)) {
            return wrong("--%s: is given twice", name);
        }
        seen[code] = true;
        enum setup_result result = SETUP_RUN;
        if (code == O_HELP) {
            fputs(usage, stdout);
            return SETUP_HELP;
        } else if (code == O_VERSION) {
            puts("plutod " VERSION);
            return SETUP_HELP;
        } else if (code == O_OPTIONSFROM) {
            const char *why = options_splice(&s->words, optarg, optind);
            result = why == NULL ? SETUP_RUN : wrong("%s", why);
        } else {
            result = take(s, code, name, optarg);
        }
        if (result != SETUP_RUN) {
            return result;
        }
    }
    if (optind < s->words.argc) {
        return wrong("%s: is no option", s->words.argv[optind]);
    }
    return SETUP_RUN;
}

/* A daemon changes to "/" when it forks: what was meant from here is named from there. */
static enum setup_result make_absolute(struct setup *s)
{
    const char **const paths[] = { &s->ctlbase, &s->secretsfile };
    char *here = getcwd(NULL, 0);
    enum setup_result result = SETUP_RUN;

    for (unsigned i = 0; i < sizeof paths / sizeof paths[0] && result == SETUP_RUN; i++) {
        if (**paths[i] == '/') {
            continue;
        }
        if (here == NULL || asprintf(&s->absolute[i], "%s/%s", here, *paths[i]) < 0) {
            s->absolute[i] = NULL;
            result = wrong("%s: cannot tell what this path is relative to: %s", *paths[i],
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
    s->ctlbase = "/var/run/pluto";
    s->secretsfile = "/etc/ipsec.secrets";
    s->ikeport = 500;
    s->updown_timeout = 30;
    s->umask = 022;
    const char *why = options_init(&s->words, argc, argv);
    if (why != NULL) {
        return wrong("%s", why);
    }
    opterr = 0;
    optind = 0; /* begins anew, whoever used getopt before */
    enum setup_result result = parse_words(s);
    const char *myid = secure_getenv("IPSECmyid");
    if (result == SETUP_RUN && !s->has_myid && myid != NULL) {
        result = take_myid(s, "IPSECmyid", myid);
    }
    return result == SETUP_RUN && !s->nofork ? make_absolute(s) : result;
}

void setup_free(struct setup *s)
{
    options_free(&s->words);
    for (unsigned i = 0; i < sizeof s->absolute / sizeof s->absolute[0]; i++) {
        free(s->absolute[i]);
    }
    memset(s, 0, sizeof *s);
}
