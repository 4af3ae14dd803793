/* kernel-sa: puts IPsec SAs and policies into the kernel. Options, rights, and the three ways to
 * run it: under plutod, by hand, as a list. See kernel-sa(8). */
#include "loop.h"
#include "reason.h"
#include "show.h"

#include "lib/sandbox.h"
#include "lib/standard.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


struct options {
    bool list;
    bool dry_run;
    int control_fd; /* -1: by hand */
};

static const char usage[] =
    "usage: kernel-sa [-n]                 records on stdin, answers on stdout\n"
    "       kernel-sa --list               the kernel's SAs and policies, for a person\n"
    "       kernel-sa --control-fd NUMBER [-n]  under plutod\n"
    "       kernel-sa --help | --version\n"
    "\n"
    "  -n, --dry-run         say what would be done to the kernel, and do nothing\n"
    "  -l, --list            show SAs (never their keys) and policies\n"
    "      --control-fd FD   plutod's channel; ends with it\n"
    "\n"
    "Exit status: 0 done, 1 a record was refused or an exchange not complete, 100 wrong options,\n"
    "111 system failure.\n"
    "The records and examples are in kernel-sa(8).\n";

static int misuse(const char *what, const char *value)
{
    (void)fprintf(stderr, "kernel-sa: %s%s\n%s", what, value, usage);
    return EXIT_MISUSE;
}

/* -1: go on; else the exit status. */
static int parse(struct options *o, int argc, char *argv[])
{
    static const struct option words[] = {
        { "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' },
        { "dry-run", no_argument, NULL, 'n' }, { "list", no_argument, NULL, 'l' },
        { "control-fd", required_argument, NULL, 'c' }, { NULL, 0, NULL, 0 }
    };
    int c;
    while ((c = getopt_long(argc, argv, "hnl", words, NULL)) != -1) {
        switch (c) {
        case 'h':
            (void)fputs(usage, stdout);
            return 0;
        case 'V':
            (void)puts("kernel-sa " VERSION);
            return 0;
        case 'n':
            o->dry_run = true;
            break;
        case 'l':
            o->list = true;
            break;
        case 'c':
            if (!standard_other(optarg, &o->control_fd)) {
                return misuse("--control-fd needs the number of an open descriptor from 3, not ",
                              optarg);
            }
            break;
        default: /* getopt_long has said which word */
            (void)fputs(usage, stderr);
            return EXIT_MISUSE;
        }
    }
    if (optind < argc) {
        return misuse("no arguments are taken (records come on stdin), but there is: ",
                      argv[optind]);
    }
    if (o->list && (o->dry_run || o->control_fd >= 0)) {
        return misuse("--list goes with neither --dry-run nor --control-fd", "");
    }
    return -1;
}

static int system_failure(const char *what)
{
    (void)fprintf(stderr, "kernel-sa: %s: %s\n", what, strerror(errno));
    return EXIT_SYSTEM;
}

static struct netlink *open_kernel(bool events)
{
    struct netlink *n = netlink_new(events);
    if (n == NULL) {
        struct buffer why;
        buffer_init(&why, 0);
        kernel_reason_socket(&why, errno);
        (void)fprintf(stderr, "kernel-sa: %.*s\n", (int)why.len, (const char *)why.data);
        buffer_wipe(&why);
    }
    return n;
}

static const char *enter_sandbox(bool net_admin, bool by_hand, const char **note)
{
    const struct sandbox rights = { .tool = SANDBOX_KERNEL_SA, .net_admin = net_admin,
                                    .by_hand = by_hand };
    return sandbox_enter(&rights, note);
}

/* ---- --list ---- */

struct list {
    struct buffer sas;
    struct buffer policies;
    uint64_t now;
};

static void list_one(void *context, const struct found *f)
{
    struct list *list = context;
    if (f->is_policy) {
        show_policy(&list->policies, &f->policy);
    } else {
        show_sa(&list->sas, &f->sa, list->now);
    }
}

static void print_part(const char *title, const struct buffer *part)
{
    if (part->len == 0) {
        (void)printf("no %s\n", title);
    } else {
        (void)printf("%s:\n%.*s", title, (int)part->len, (const char *)part->data);
    }
}

static int list_kernel(void)
{
    const struct kernel_request all = { .verb = KERNEL_LIST };
    struct kernel_result result;
    struct list list = { .now = (uint64_t)time(NULL) };
    const char *note;
    int status = 0;

    struct netlink *n = open_kernel(false);
    if (n == NULL) {
        return EXIT_SYSTEM;
    }
    const char *why = enter_sandbox(true, true, &note);
    if (why != NULL) {
        status = system_failure(why);
        goto out;
    }
    buffer_init(&list.sas, 0);
    buffer_init(&list.policies, 0);
    netlink_do(n, &all, &result, list_one, &list);
    if (result.error != 0) {
        struct buffer text;
        buffer_init(&text, 0);
        kernel_reason(&text, &all, &result);
        (void)fprintf(stderr, "kernel-sa: %.*s\n", (int)text.len, (const char *)text.data);
        buffer_wipe(&text);
        status = EXIT_SYSTEM;
    } else {
        print_part("SAs", &list.sas);
        print_part("policies", &list.policies);
    }
    buffer_wipe(&list.sas);
    buffer_wipe(&list.policies);
out:
    netlink_free(n);
    return status;
}

/* ---- under plutod, by hand ---- */

static int serve(const struct options *o)
{
    bool daemon = o->control_fd >= 0;
    struct netlink *netlink = NULL;
    const char *note;

    if (!o->dry_run) {
        netlink = open_kernel(true);
        if (netlink == NULL) {
            return EXIT_SYSTEM;
        }
    }
    struct core *core = core_new(daemon ? MAKER_DAEMON : MAKER_HAND);
    struct loop *loop = core == NULL ? NULL : loop_new(core, netlink);
    if (loop == NULL || (!daemon && !o->dry_run && !loop_signals(loop))) {
        int status = system_failure("cannot start");
        if (loop == NULL) {
            core_free(core);
            netlink_free(netlink);
        }
        loop_free(loop);
        return status;
    }
    const char *why = enter_sandbox(!o->dry_run, !daemon, &note);
    int status;
    if (why != NULL) {
        status = system_failure(why);
    } else if (!(daemon ? loop_control(loop, o->control_fd) : loop_by_hand(loop))) {
        status = system_failure(daemon ? "--control-fd is no open descriptor"
                                       : "cannot use stdin and stdout");
    } else {
        if (note != NULL && !o->dry_run) {
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
        const unsigned needed = o.control_fd >= 0 ? 0 : o.list ? STANDARD_OUTPUT
                                                     : STANDARD_INPUT | STANDARD_OUTPUT;
        if (!standard_there("kernel-sa", closed, needed)) {
            return EXIT_SYSTEM;
        }
        sandbox_no_core();
        status = o.list ? list_kernel() : serve(&o);
    }
    if (status == 0 && o.control_fd < 0 && !standard_written("kernel-sa", closed)) {
        return EXIT_SYSTEM;
    }
    return status;
}
