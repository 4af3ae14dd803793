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
#include "keys.h"
#include "lint.h"
#include "log.h"
#include "names.h"
#include "options.h"
#include "passphrase.h"
#include "sandbox.h"
#include "standard.h"
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* What all names of hosts take that are asked for at once, beside all else. */
#define ASK_MAX (HOST_NAMES_MAX * (HOSTNAME_LEN + 40))

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

static const char *enter_sandbox(const struct log *log, int control_fd)
{
    const struct sandbox rights = { .tool = SANDBOX_SECRETS, .by_hand = control_fd < 0, .control_fd = control_fd };
    const char *note = NULL;
    const char *why = sandbox_enter(&rights, &note);
    if (note != NULL) {
        log_info(log, "%s", note);
    }
    return why;
}

/* Stdin and stdout, or plutod's channel. NULL: errno says why. */
static struct channel *open_control(const struct options *o)
{
    struct channel *c = NULL;
    if (o->control_fd >= 0) {
        c = channel_new(o->control_fd, o->control_fd, P_S);
        if (c != NULL) {
            channel_set_limit(c, CHANNEL_MAX + ASK_MAX);
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
    const struct core_config config = {
        .store = store, .dh = dh, .log = &log, .random = dh_random,
        .asks = o->control_fd < 0 ? ASKS_SECRETS : o->no_prompt ? ASKS_NOBODY : ASKS_PLUTOD
    };
    struct core *core = secrets_new(&config);
    struct channel *control = core == NULL ? NULL : open_control(o);

    if (control == NULL) {
        status = failed("cannot begin", strerror(errno));
        goto out;
    }
    log.records = o->control_fd >= 0 ? channel_out(control) : NULL;
    file_read(store, o->file, o->insecure, &log, &counts);
    if (o->control_fd < 0) {
        passphrase_ask_all(store);
        names_by_hand(store, &counts, &log);
    }
    names_ask(store, channel_out(control));
    passphrase_list(store, channel_out(control));
    names_tell_loaded(store, &counts, channel_out(control));
    d = o->control_fd >= 0 ? secrets_daemon_new(control, core, store, &counts, &log, o->worker)
                           : secrets_daemon_new_by_hand(control, core, store, &log,
                                                      !o->show_keys && isatty(STDOUT_FILENO) != 0);
    if (d == NULL) {
        status = failed("cannot make an event loop", strerror(errno));
        goto out;
    }
    lock_memory(); /* what was read since; nothing is left to do where those of later are locked, too */
    const char *why = enter_sandbox(&log, o->control_fd);
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

/* What a person asks for; nothing of it needs a channel. */
static int look(const struct options *o)
{
    sandbox_no_core();
    lock_memory();
    switch (o->job) {
    case JOB_LINT:
        return lint(o);
    case JOB_MATCH:
        return match(o);
    case JOB_SHOW:
        return keys_show(o);
    case JOB_GENERATE:
    case JOB_SERVE:
        break;
    }
    return keys_generate(o);
}

int main(int argc, char **argv)
{
    const unsigned closed = standard_fill();
    struct options o;
    const char *why = NULL;

    int status = options_parse(&o, argc, argv);
    if (status < 0 && o.job != JOB_SERVE) {
        status = look(&o);
    }
    if (status >= 0) {
        return status != EXIT_MISUSE && !standard_written("secrets", closed) ? EXIT_SYSTEM : status;
    }
    if (o.control_fd < 0 && !standard_there("secrets", closed, STANDARD_INPUT | STANDARD_OUTPUT)) {
        return EXIT_SYSTEM;
    }
    sandbox_no_core();
    lock_memory();
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
