/*
 * dnskey - ask DNS for the addresses of hosts
 *
 * Only plumbing: options, the opener of files, the sandbox, the loop. See dnskey(8).
 */
#include "loop.h"
#include "opener.h"

#include "lib/sandbox.h"
#include "lib/standard.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    int control_fd; /* -1: by hand */
    char **names;   /* by hand; NULL: records */
    size_t count;
};

static const char usage[] =
    "usage: dnskey NAME                 the addresses of this host, a line each\n"
    "       dnskey NAME NAME...         the same of several, as NAME ADDRESS\n"
    "       dnskey                      records on stdin, answers on stdout\n"
    "       dnskey --control-fd FD      under plutod\n"
    "       dnskey --help | --version\n"
    "\n"
    "      --control-fd FD   plutod's channel; ends with it\n"
    "\n"
    "Names are fully qualified: the search list of resolv.conf(5) is not used. /etc/hosts counts.\n"
    "\n"
    "Exit status: 0 done, 1 a name has no address, or a record was wrong, 100 wrong options,\n"
    "111 system failure.\n"
    "The records and examples are in dnskey(8).\n";

static int misuse(const char *what, const char *value)
{
    (void)fprintf(stderr, "dnskey: %s%s\n%s", what, value, usage);
    return EXIT_MISUSE;
}

/* -1: go on; else the exit status. */
static int parse(struct options *o, int argc, char *argv[])
{
    static const struct option words[] = {
        { "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' },
        { "control-fd", required_argument, NULL, 'c' }, { NULL, 0, NULL, 0 }
    };
    int c;
    while ((c = getopt_long(argc, argv, "h", words, NULL)) != -1) {
        switch (c) {
        case 'h':
            (void)fputs(usage, stdout);
            return 0;
        case 'V':
            (void)puts("dnskey " VERSION);
            return 0;
        case 'c':
            if (!standard_other(optarg, &o->control_fd)) {
                return misuse("--control-fd needs the number of an open descriptor from 3, not ", optarg);
            }
            break;
        default: /* getopt_long has said which word */
            (void)fputs(usage, stderr);
            return EXIT_MISUSE;
        }
    }
    if (optind < argc) {
        o->names = argv + optind;
        o->count = (size_t)(argc - optind);
    }
    if (o->names != NULL && o->control_fd >= 0) {
        return misuse("--control-fd goes with no name, but there is: ", o->names[0]);
    }
    return -1;
}

static int system_failure(const char *what)
{
    (void)fprintf(stderr, "dnskey: %s: %s\n", what, strerror(errno));
    return EXIT_SYSTEM;
}

static bool open_side(struct loop *loop, const struct options *o)
{
    if (o->names != NULL) {
        return loop_names(loop, o->names, o->count);
    }
    return o->control_fd >= 0 ? loop_control(loop, o->control_fd) : loop_by_hand(loop);
}

static int serve(const struct options *o)
{
    const struct sandbox rights = { .tool = SANDBOX_DNSKEY, .by_hand = o->control_fd < 0 };
    const char *note = NULL;
    const int opener = opener_begin(rights.by_hand);
    struct loop *loop = opener < 0 ? NULL : loop_new(opener);
    if (loop == NULL) {
        return system_failure("cannot start");
    }
    const char *why = sandbox_enter(&rights, &note);
    int status;
    if (why != NULL) {
        status = system_failure(why);
    } else if (!open_side(loop, o)) {
        status = system_failure(o->control_fd >= 0 ? "--control-fd is no open descriptor" : "cannot use stdin and stdout");
    } else {
        if (note != NULL && o->names == NULL) {
            loop_note(loop, note);
        }
        status = loop_run(loop);
    }
    loop_free(loop);
    return status;
}

int main(int argc, char *argv[])
{
    const unsigned closed = standard_fill();
    struct options o = { .control_fd = -1 };
    int status = parse(&o, argc, argv);
    if (status < 0) {
        const unsigned needed = o.control_fd >= 0 ? 0 : o.names != NULL ? STANDARD_OUTPUT
                                                       : STANDARD_INPUT | STANDARD_OUTPUT;
        if (!standard_there("dnskey", closed, needed)) {
            return EXIT_SYSTEM;
        }
        sandbox_no_core();
        status = serve(&o);
    }
    if (status == 0 && o.control_fd < 0 && !standard_written("dnskey", closed)) {
        return EXIT_SYSTEM;
    }
    return status;
}
