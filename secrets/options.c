#include "options.h"

#include "standard.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: secrets --file GLOB [--insecure-secretsfile] [--show-keys]\n"
    "           records on stdin, answers on stdout\n"
    "       secrets --generate rsa BITS [--out FILE] [--as pem|secrets] [--id ID] [--private]\n"
    "           make an RSA key\n"
    "       secrets --show ID|FILE [--as whack|dns|ipseckey|txt|pem|secrets] [--id ID]\n"
    "               [--private] [--out FILE] [--file GLOB] [--insecure-secretsfile]\n"
    "           show the public part of an RSA key, for the peer\n"
    "       secrets --lint [GLOB] [--insecure-secretsfile]\n"
    "           read the file, and say what is wrong with it and what is doubtful\n"
    "       secrets --match ME PEER [--file GLOB] [--insecure-secretsfile]\n"
    "           which entries are used between the two, and why\n"
    "       secrets --control-fd FD --worker N --file GLOB [--insecure-secretsfile] [--no-prompt]\n"
    "           as plutod's child\n"
    "       secrets --help | --version\n"
    "\n"
    "  --file GLOB             the files with the secrets, as a pattern; to look into:\n"
    "                          " SECRETS_FILE " if not given\n"
    "  --insecure-secretsfile  read them whoever owns them, and may read or write them\n"
    "  --show-keys             secret fields of answers on a terminal, too, not as <32 bytes>\n"
    "  --generate rsa BITS     an RSA key of 1024 to 8192 bits\n"
    "  --show ID|FILE          the key by which we sign as ID, or that of a file in PEM form\n"
    "                          (with a / or .pem in its name, or that is no identity; a\n"
    "                          distinguished name only if there is such a file)\n"
    "  --as FORM               its form: a command for whack, DNS records, PEM, or an entry\n"
    "                          of ipsec.secrets\n"
    "  --id ID                 whose it is, where a form says that\n"
    "  --private               the private part too, and on a terminal too\n"
    "  --out FILE              into this new file, which nobody else can read\n"
    "  --lint [GLOB]           only read the files\n"
    "  --match ME PEER         two identities, as in ipsec.secrets(5)\n"
    "  --control-fd FD         plutod's channel; ends with it\n"
    "  --worker N              which of plutod's workers this is\n"
    "  --no-prompt             whose child it is asks nobody for passphrases (%prompt)\n"
    "\n"
    "Exit status: 0 done, 1 a record or (--lint) an entry was wrong or (--match, --show)\n"
    "there is none, 100 wrong options, 111 system failure. The records and examples are\n"
    "in secrets(8).\n";

static int misuse(const char *option, const char *value, const char *what)
{
    (void)fprintf(stderr, "secrets: %s%s%s: %s\n%s", option, *value == '\0' ? "" : " ", value, what,
                  usage);
    return EXIT_MISUSE;
}

static bool parse_number(const char *text, uint64_t most, uint64_t *number)
{
    uint64_t n = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || n > most) {
            return false;
        }
        n = n * 10 + (uint64_t)(*text - '0');
    }
    *number = n;
    return n <= most;
}

enum { OPTION_HELP = 256, OPTION_VERSION, OPTION_FILE, OPTION_CONTROL, OPTION_WORKER, OPTION_INSECURE,
       OPTION_LINT, OPTION_MATCH, OPTION_SHOW, OPTION_GENERATE, OPTION_AS, OPTION_ID, OPTION_PRIVATE,
       OPTION_OUT, OPTION_NO_PROMPT, OPTION_SHOW_KEYS, OPTION_LAST };

static const struct option long_options[] = { /* in the order of the numbers */
    { "help", no_argument, NULL, OPTION_HELP },
    { "version", no_argument, NULL, OPTION_VERSION },
    { "file", required_argument, NULL, OPTION_FILE },
    { "control-fd", required_argument, NULL, OPTION_CONTROL },
    { "worker", required_argument, NULL, OPTION_WORKER },
    { "insecure-secretsfile", no_argument, NULL, OPTION_INSECURE },
    { "lint", no_argument, NULL, OPTION_LINT },
    { "match", required_argument, NULL, OPTION_MATCH },
    { "show", required_argument, NULL, OPTION_SHOW },
    { "generate", required_argument, NULL, OPTION_GENERATE },
    { "as", required_argument, NULL, OPTION_AS },
    { "id", required_argument, NULL, OPTION_ID },
    { "private", no_argument, NULL, OPTION_PRIVATE },
    { "out", required_argument, NULL, OPTION_OUT },
    { "no-prompt", no_argument, NULL, OPTION_NO_PROMPT },
    { "show-keys", no_argument, NULL, OPTION_SHOW_KEYS },
    { NULL, 0, NULL, 0 },
};

/* What an option may stand with, besides --help and --version. */
#define PLACE(option) ((option) - OPTION_HELP)
#define WITH(job) (1u << (job))
#define ALL_JOBS (WITH(JOB_GENERATE + 1) - 1)
static const unsigned jobs_of[PLACE(OPTION_LAST)] = {
    [0] = ALL_JOBS,
    [PLACE(OPTION_VERSION)] = ALL_JOBS,
    [PLACE(OPTION_FILE)] = ALL_JOBS & ~WITH(JOB_GENERATE),
    [PLACE(OPTION_CONTROL)] = WITH(JOB_SERVE),
    [PLACE(OPTION_WORKER)] = WITH(JOB_SERVE),
    [PLACE(OPTION_INSECURE)] = ALL_JOBS & ~WITH(JOB_GENERATE),
    [PLACE(OPTION_LINT)] = WITH(JOB_LINT),
    [PLACE(OPTION_MATCH)] = WITH(JOB_MATCH),
    [PLACE(OPTION_SHOW)] = WITH(JOB_SHOW),
    [PLACE(OPTION_GENERATE)] = WITH(JOB_GENERATE),
    [PLACE(OPTION_AS)] = WITH(JOB_SHOW) | WITH(JOB_GENERATE),
    [PLACE(OPTION_ID)] = WITH(JOB_SHOW) | WITH(JOB_GENERATE),
    [PLACE(OPTION_PRIVATE)] = WITH(JOB_SHOW) | WITH(JOB_GENERATE),
    [PLACE(OPTION_OUT)] = WITH(JOB_SHOW) | WITH(JOB_GENERATE),
    [PLACE(OPTION_NO_PROMPT)] = WITH(JOB_SERVE),
    [PLACE(OPTION_SHOW_KEYS)] = WITH(JOB_SERVE),
};

static const char *const job_names[] = { "serving", "--lint", "--match", "--show", "--generate" };

/* -1: go on; else the exit status. */
static int take_job(struct options *o, enum job job, const char *what)
{
    o->what = what;
    if (o->job != JOB_SERVE) {
        return misuse(job_names[job], "", "expected one of --lint, --match, --show, --generate alone");
    }
    o->job = job;
    if (what != NULL && *what == '\0') {
        return misuse(job_names[job], "", "expected something after it");
    }
    return job != JOB_GENERATE || what == NULL || strcmp(what, "rsa") == 0
               ? -1 : misuse("--generate", what, "expected rsa and a number of bits");
}

/* The same, of options with a text. */
static int take_text(struct options *o, int option, const char *value)
{
    const char **text = option == OPTION_FILE ? &o->file : option == OPTION_ID ? &o->id : &o->out;
    const char *name = option == OPTION_FILE ? "--file" : option == OPTION_ID ? "--id" : "--out";
    *text = value;
    return *value != '\0' ? -1 : misuse(name, "", option == OPTION_FILE ? "expected a file name or pattern"
                                         : option == OPTION_ID ? "expected an identity"
                                         : "expected the name of a new file");
}

static int take_option(struct options *o, int option, const char *value)
{
    switch (option) {
    case OPTION_HELP:
        (void)fputs(usage, stdout);
        return 0;
    case OPTION_VERSION:
        (void)printf("secrets %s\n", VERSION);
        return 0;
    case OPTION_CONTROL:
        return standard_other(value, &o->control_fd)
                   ? -1 : misuse("--control-fd", value, "expected the number of a descriptor, 3 to 1023");
    case OPTION_WORKER:
        if (!parse_number(value, UINT32_MAX, &o->worker)) {
            return misuse("--worker", value, "expected a number, 0 to 4294967295");
        }
        return -1;
    case OPTION_AS:
        if (!rsa_form_named(&o->form, value)) {
            return misuse("--as", value, "expected whack, dns, ipseckey, txt, pem or secrets");
        }
        return -1;
    case OPTION_LINT:
    case OPTION_MATCH:
    case OPTION_SHOW:
    case OPTION_GENERATE:
        return take_job(o, (enum job)(JOB_LINT + (option - OPTION_LINT)), value);
    case OPTION_INSECURE:
        o->insecure = true;
        return -1;
    case OPTION_NO_PROMPT:
        o->no_prompt = true;
        return -1;
    case OPTION_SHOW_KEYS:
        o->show_keys = true;
        return -1;
    case OPTION_PRIVATE:
        o->private = true;
        return -1;
    case OPTION_FILE:
    case OPTION_ID:
    case OPTION_OUT:
        return take_text(o, option, value);
    default:
        (void)fputs(usage, stderr); /* getopt_long has said what is wrong */
        return EXIT_MISUSE;
    }
}

/* The words that are no option's: BITS, PEER, and the file of --lint. */
static int take_words(struct options *o, char **words, int count)
{
    const char *word = count > 0 ? words[0] : NULL;
    uint64_t bits = 0;
    int used = word == NULL ? 0 : 1;

    switch (o->job) {
    case JOB_GENERATE:
        if (word == NULL || !parse_number(word, RSA_BITS_MAX, &bits) || bits < RSA_BITS_STRONG) {
            return misuse("--generate rsa", word == NULL ? "" : word, "expected a number of bits, 1024 to "
                          "8192");
        }
        o->bits = (unsigned)bits;
        break;
    case JOB_MATCH:
        if (word == NULL) {
            return misuse("--match", o->what, "expected the peer's identity after ours");
        }
        o->peer = word;
        break;
    case JOB_LINT:
        if (word != NULL && (o->file != NULL || *word == '\0')) {
            return misuse("--lint", word, "expected one file name or pattern");
        }
        o->file = word != NULL ? word : o->file;
        break;
    case JOB_SERVE:
    case JOB_SHOW:
        used = 0;
        break;
    }
    return count == used ? -1 : misuse("argument", words[used], "expected options only");
}

/* What belongs together. */
static int check(const struct options *o, const bool *seen)
{
    if (o->file == NULL && o->job == JOB_SERVE) {
        return misuse("--file", "", "missing: which secrets?");
    }
    if (seen[PLACE(OPTION_CONTROL)] != seen[PLACE(OPTION_WORKER)]
        && o->job == JOB_SERVE) {
        return misuse("--control-fd, --worker", "", "expected both or none");
    }
    if (o->no_prompt && o->control_fd < 0 && o->job == JOB_SERVE) {
        return misuse("--no-prompt", "", "expected --control-fd with it: by hand the terminal is asked");
    }
    if (o->show_keys && o->control_fd >= 0) {
        return misuse("--show-keys", "", "not together with --control-fd: it is for a terminal");
    }
    for (int i = 0; i < OPTION_LAST - OPTION_HELP; i++) {
        char name[40];
        char what[80];
        if (seen[i] && (jobs_of[i] & WITH(o->job)) == 0) {
            (void)snprintf(name, sizeof name, "--%s", long_options[i].name);
            (void)snprintf(what, sizeof what, o->job == JOB_SERVE ? "expected %s with it"
                           : "not together with %s", o->job == JOB_SERVE ? "--show or --generate"
                           : job_names[o->job]);
            return misuse(name, "", what);
        }
    }
    if (o->job == JOB_GENERATE && o->form != RSA_FORM_PEM && o->form != RSA_FORM_SECRETS) {
        return misuse("--generate", "", "expected --as pem or --as secrets: the others are forms of the "
                      "public part (--show)");
    }
    if (o->private && o->job == JOB_SHOW && o->form != RSA_FORM_PEM && o->form != RSA_FORM_SECRETS) {
        return misuse("--private", "", "expected --as pem or --as secrets with it");
    }
    if (o->job == JOB_SHOW && o->form == RSA_FORM_SECRETS && !o->private) {
        return misuse("--as", "secrets", "this form has the private key in it, so expected --private too");
    }
    return -1;
}

int options_parse(struct options *o, int argc, char **argv)
{
    bool seen[PLACE(OPTION_LAST)] = { false };
    int option = 0;
    int place = 0;

    *o = (struct options){ .control_fd = -1 };
    while ((option = getopt_long(argc, argv, "", long_options, &place)) != -1) {
        if (option != '?' && seen[PLACE(option)]) {
            char name[40];
            (void)snprintf(name, sizeof name, "--%s", long_options[place].name);
            return misuse(name, "", "given twice");
        }
        if (option != '?') {
            seen[PLACE(option)] = true;
        }
        int status = take_option(o, option, optarg);
        if (status >= 0) {
            return status;
        }
    }
    if (!seen[PLACE(OPTION_AS)]) {
        o->form = o->job == JOB_SHOW && !o->private ? RSA_FORM_WHACK : RSA_FORM_PEM;
    }
    int status = take_words(o, argv + optind, argc - optind);
    status = status < 0 ? check(o, seen) : status;
    if (o->file == NULL) {
        o->file = SECRETS_FILE;
    }
    return status;
}
