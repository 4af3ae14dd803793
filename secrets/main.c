/*
 * secrets - keep preshared secrets, prove them, and make keys out of them
 *
 * Only plumbing: options, the file (read as root), the sandbox, the loop. See secrets(8).
 */
#include "channel.h"
#include "core.h"
#include "daemon.h"
#include "dh.h"
#include "file.h"
#include "log.h"
#include "sandbox.h"
#include "standard.h"
#include "store.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define EXIT_WRONG 1     /* --lint found errors; daemon.c: a record was wrong */
#define EXIT_MISUSE 100
#define EXIT_SYSTEM 111

struct options {
    const char *file;
    int control_fd; /* -1: by hand */
    uint64_t worker;
    bool insecure;
    bool lint;
};

static const char usage[] =
    "usage: secrets --file GLOB [--insecure-secretsfile]\n"
    "           records on stdin, answers on stdout\n"
    "       secrets --lint --file GLOB [--insecure-secretsfile]\n"
    "           read the file, and say what is wrong with it\n"
    "       secrets --control-fd FD --worker N --file GLOB [--insecure-secretsfile]\n"
    "           as plutod's child\n"
    "       secrets --help | --version\n"
    "\n"
    "  --file GLOB             the files with the secrets, as a pattern\n"
    "  --insecure-secretsfile  read them even if group or others may read or write them\n"
    "  --lint                  only read them\n"
    "  --control-fd FD         plutod's channel; ends with it\n"
    "  --worker N              which of plutod's workers this is\n"
    "\n"
    "Exit status: 0 done, 1 a record or (--lint) an entry was wrong, 100 wrong options,\n"
    "111 system failure. The records and examples are in secrets(8).\n";

/* ---- options ---- */

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

enum { OPTION_HELP = 256, OPTION_VERSION, OPTION_FILE, OPTION_CONTROL, OPTION_WORKER,
       OPTION_INSECURE, OPTION_LINT, OPTION_LAST };

static const struct option long_options[] = {
    { "help", no_argument, NULL, OPTION_HELP },
    { "version", no_argument, NULL, OPTION_VERSION },
    { "file", required_argument, NULL, OPTION_FILE },
    { "control-fd", required_argument, NULL, OPTION_CONTROL },
    { "worker", required_argument, NULL, OPTION_WORKER },
    { "insecure-secretsfile", no_argument, NULL, OPTION_INSECURE },
    { "lint", no_argument, NULL, OPTION_LINT },
    { NULL, 0, NULL, 0 },
};

/* -1: go on; else the exit status. */
static int take_option(struct options *o, int option, const char *value)
{
    uint64_t number = 0;
    switch (option) {
    case OPTION_HELP:
        (void)fputs(usage, stdout);
        return 0;
    case OPTION_VERSION:
        (void)printf("secrets %s\n", VERSION);
        return 0;
    case OPTION_FILE:
        o->file = value;
        return *value == '\0' ? misuse("--file", "", "expected a file name or pattern") : -1;
    case OPTION_CONTROL:
        if (!parse_number(value, 1023, &number) || number < 3) {
            return misuse("--control-fd", value, "expected the number of a descriptor, 3 to 1023");
        }
        o->control_fd = (int)number;
        return -1;
    case OPTION_WORKER:
        if (!parse_number(value, UINT32_MAX, &o->worker)) {
            return misuse("--worker", value, "expected a number, 0 to 4294967295");
        }
        return -1;
    case OPTION_INSECURE:
        o->insecure = true;
        return -1;
    case OPTION_LINT:
        o->lint = true;
        return -1;
    default:
        (void)fputs(usage, stderr); /* getopt_long has said what is wrong */
        return EXIT_MISUSE;
    }
}

static int parse_options(struct options *o, int argc, char **argv)
{
    bool seen[OPTION_LAST] = { false };
    int option = 0;
    int place = 0;

    while ((option = getopt_long(argc, argv, "", long_options, &place)) != -1) {
        if (option != '?' && seen[option]) {
            return misuse("--", long_options[place].name, "given twice");
        }
        if (option != '?') {
            seen[option] = true;
        }
        int status = take_option(o, option, optarg);
        if (status >= 0) {
            return status;
        }
    }
    if (optind < argc) {
        return misuse("argument", argv[optind], "expected options only");
    }
    if (o->file == NULL) {
        return misuse("--file", "", "missing: which secrets?");
    }
    if (seen[OPTION_CONTROL] != seen[OPTION_WORKER]) {
        return misuse("--control-fd, --worker", "", "expected both or none");
    }
    if (seen[OPTION_CONTROL] && o->lint) {
        return misuse("--lint", "", "not together with --control-fd");
    }
    return -1;
}

/* ---- */

static int failed(const char *what, const char *why)
{
    (void)fprintf(stderr, "secrets: %s: %s\n", what, why);
    return EXIT_SYSTEM;
}

/*
 * Best effort: pages are locked as they come into use; those of later only where no limit can make
 * an allocation fail. Not under a memory checker, which uses terabytes of addresses.
 */
static void lock_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__)
    const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
    int later = setrlimit(RLIMIT_MEMLOCK, &all) == 0 ? MCL_FUTURE : 0;
    (void)mlockall(MCL_CURRENT | MCL_ONFAULT | later);
#endif
}

static const char *enter_sandbox(const struct log *log, bool by_hand)
{
    const struct sandbox rights = { .tool = SANDBOX_SECRETS, .by_hand = by_hand };
    const char *note = NULL;
    const char *why = sandbox_enter(&rights, &note);
    if (note != NULL) {
        log_info(log, "%s", note);
    }
    return why;
}

static void say_disagreement(void *context, const struct secret *used, const struct secret *unused)
{
    const struct log *log = context;
    log_serious(log, "%s:%u: has another secret than %s:%u for the same identities, which is the one "
                "that is used; remove one of them", unused->file, unused->line, used->file,
                used->line);
}

static int lint(const struct options *o)
{
    struct log log = { .tool = "secrets" };
    struct file_counts counts;
    struct store *store = store_new();
    if (store == NULL) {
        return failed("out of memory", "nothing was read");
    }
    file_read(store, o->file, o->insecure, &log, &counts);
    counts.errors += store_disagreements(store, FILE_ERRORS_SHOWN, say_disagreement, &log);
    store_free(store);
    (void)printf("%zu PSK, %zu RSA, %zu not supported yet, %zu errors, in %zu files\n", counts.psk,
                 counts.rsa, counts.skipped, counts.errors, counts.files);
    return counts.errors == 0 ? 0 : EXIT_WRONG;
}

static void tell_loaded(struct buffer *out, const struct file_counts *counts)
{
    struct record_writer w;
    record_start(&w, out, V_LOADED);
    record_put_number(&w, K_ENTRIES, counts->psk + counts->rsa);
    record_put_number(&w, K_ERRORS, counts->errors);
    (void)record_finish(&w);
}

/* Stdin and stdout, or plutod's channel. NULL: errno says why. */
static struct channel *open_control(const struct options *o)
{
    struct channel *c = NULL;
    if (o->control_fd >= 0) {
        c = channel_new(o->control_fd, o->control_fd, P_S);
        if (c != NULL) {
            channel_hello(c, TOOL_SECRETS, 1, o->worker);
        }
        return c;
    }
    c = channel_new(STDIN_FILENO, STDOUT_FILENO, P_S | N_S | K_S);
    if (c != NULL) {
        channel_by_hand(c);
    }
    return c;
}

static int serve(const struct options *o, struct store *store, const struct dh_lib *dh)
{
    struct log log = { .tool = "secrets" };
    struct file_counts counts;
    struct daemon *d = NULL;
    int status = EXIT_SYSTEM;
    const struct core_config config = { .store = store, .dh = dh, .log = &log,
                                        .random = dh_random };
    struct core *core = secrets_new(&config);
    struct channel *control = core == NULL ? NULL : open_control(o);

    if (control == NULL) {
        status = failed("cannot begin", strerror(errno));
        goto out;
    }
    log.records = o->control_fd >= 0 ? channel_out(control) : NULL;
    file_read(store, o->file, o->insecure, &log, &counts);
    tell_loaded(channel_out(control), &counts);
    d = o->control_fd >= 0 ? secrets_daemon_new(control, core, &log, o->worker)
                           : secrets_daemon_new_by_hand(control, core, &log);
    if (d == NULL) {
        status = failed("cannot make an event loop", strerror(errno));
        goto out;
    }
    lock_memory();
    const char *why = enter_sandbox(&log, o->control_fd < 0);
    if (why != NULL) {
        (void)fprintf(stderr, "secrets: %s: %s\n", why, strerror(errno));
        goto out;
    }
    status = secrets_daemon_run(d);
out:
    secrets_daemon_free(d);
    secrets_free(core);
    return status;
}

int main(int argc, char **argv)
{
    const unsigned closed = standard_fill();
    struct options o = { .control_fd = -1 };
    const char *why = NULL;

    int status = parse_options(&o, argc, argv);
    if (status < 0 && o.lint) {
        sandbox_no_core();
        status = lint(&o);
    }
    if (status >= 0) {
        return status != EXIT_MISUSE && !standard_written("secrets", closed) ? EXIT_SYSTEM : status;
    }
    if (o.control_fd < 0 && !standard_there("secrets", closed, STANDARD_INPUT | STANDARD_OUTPUT)) {
        return EXIT_SYSTEM;
    }
    sandbox_no_core();
    struct dh_lib *dh = dh_lib_new(&why);
    struct store *store = store_new();
    if (dh == NULL || store == NULL) {
        status = failed("cannot begin", dh == NULL ? why : "out of memory");
    } else {
        status = serve(&o, store, dh);
    }
    store_free(store);
    dh_lib_free(dh);
    return status;
}
