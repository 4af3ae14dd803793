/*
 * Command lines of the tools that are run by hand, or by plutod: secrets, kernel-sa, ike-negotiate.
 *
 * Input: words, one a line; the first is the tool's name. After an empty line: what is in every file
 * that --optionsfrom names. Their whole main() runs; what a good command line would lead to ends
 * here (--wrap): nothing is opened, no process begins, no sandbox is entered. Holds: the exit status
 * is one that is documented.
 */
#include "fuzz.h"

#include "ike-negotiate/daemon.h"
#include "kernel-sa/netlink.h"
#include "lib/address.h"
#include "lib/sandbox.h"
#include "lib/sibling.h"
#include "lib/standard.h"
#include "secrets/dh.h"
#include "secrets/keys.h"

#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 100

/* The tools' main(), under other names: fuzz.mk. */
int main_secrets(int argc, char **argv);
int main_kernel_sa(int argc, char **argv);
int main_ike_negotiate(int argc, char **argv);

static struct {
    char *text;
    size_t len;
} file;

/* ---- in place of the system, and of what follows the command line ---- */

FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__real_fopen(const char *path, const char *mode);
int __wrap_glob(const char *pattern, int flags, int (*error)(const char *, int), glob_t *found);
int __wrap_getifaddrs(struct ifaddrs **list);
void __wrap_freeifaddrs(struct ifaddrs *list);
pid_t __wrap_wait(int *status);
int __wrap_daemon_run(int control_fd);
bool __wrap_standard_there(const char *tool, unsigned closed, unsigned needed);
bool __wrap_standard_written(const char *tool, unsigned closed);
const char *__wrap_sandbox_enter(const struct sandbox *rights, const char **note);
void __wrap_sandbox_no_core(void);
const char *__wrap_sibling_path(char *out, size_t size, const char *tool);
struct netlink *__wrap_netlink_new(bool events);
struct dh_lib *__wrap_dh_lib_new(const char **why);
int __wrap_keys_generate(const struct options *o);
int __wrap_keys_show(const struct options *o);

FILE *__wrap_fopen(const char *path, const char *mode)
{
    if (file.text == NULL || mode[0] != 'r') { /* libFuzzer keeps what it found by the latter */
        return __real_fopen(path, mode);
    }
    return file.len == 0 ? __real_fopen("/dev/null", mode) : fmemopen(file.text, file.len, "r");
}

int __wrap_glob(const char *pattern, int flags, int (*error)(const char *, int), glob_t *found)
{
    (void)pattern;
    (void)flags;
    (void)error;
    memset(found, 0, sizeof *found);
    return GLOB_NOMATCH;
}

int __wrap_getifaddrs(struct ifaddrs **list)
{
    static struct sockaddr_storage places[3];
    static struct ifaddrs all[3];
    static const char *const addresses[3] = { "10.9.0.1", "2001:db8::1", "127.0.0.1" };
    for (unsigned i = 0; i < 3; i++) {
        struct address a;
        fuzz_check(address_parse(&a, addresses[i]) == NULL);
        (void)address_to_sockaddr(&a, 0, &places[i]);
        all[i].ifa_addr = (struct sockaddr *)&places[i];
        all[i].ifa_next = i == 2 ? NULL : &all[i + 1];
    }
    *list = all;
    return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *list)
{
    (void)list;
}

/* libFuzzer has a child of its own now and then. */
pid_t __wrap_wait(int *status)
{
    (void)status;
    errno = ECHILD;
    return -1;
}

int __wrap_daemon_run(int control_fd)
{
    fuzz_check(control_fd >= 3 && control_fd <= 1023); /* standard_other */
    return 0;
}

bool __wrap_standard_there(const char *tool, unsigned closed, unsigned needed)
{
    (void)closed;
    return needed == 0 || strcmp(tool, "ike-negotiate") == 0;
}

bool __wrap_standard_written(const char *tool, unsigned closed)
{
    (void)tool;
    (void)closed;
    return true;
}

const char *__wrap_sandbox_enter(const struct sandbox *rights, const char **note)
{
    (void)rights;
    (void)note;
    return "not here";
}

void __wrap_sandbox_no_core(void)
{
}

const char *__wrap_sibling_path(char *out, size_t size, const char *tool)
{
    snprintf(out, size, "%s", tool);
    return "not here";
}

struct netlink *__wrap_netlink_new(bool events)
{
    (void)events;
    errno = EPERM;
    return NULL;
}

struct dh_lib *__wrap_dh_lib_new(const char **why)
{
    *why = "not here";
    return NULL;
}

/* Nothing is made and nothing is written. */
int __wrap_keys_generate(const struct options *o)
{
    fuzz_check(o->bits >= RSA_BITS_STRONG && o->bits <= RSA_BITS_MAX);
    fuzz_check(o->form == RSA_FORM_PEM || o->form == RSA_FORM_SECRETS);
    return 0;
}

int __wrap_keys_show(const struct options *o)
{
    fuzz_check(o->private || o->form != RSA_FORM_SECRETS);
    fuzz_check(!o->private || o->form == RSA_FORM_SECRETS || o->form == RSA_FORM_PEM);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const char *name;
        int (*main)(int argc, char **argv);
    } tools[] = { { "secrets", main_secrets }, { "kernel-sa", main_kernel_sa },
                  { "ike-negotiate", main_ike_negotiate } };
    struct fuzz_input in = { data, size };
    char *argv[WORDS_MAX + 1];
    char *shuffled[WORDS_MAX + 1]; /* getopt changes their order */
    int argc = 0;
    size_t len;

    while (in.left > 0 && argc < WORDS_MAX) {
        argv[argc] = fuzz_until(&in, '\n', &len);
        if (argv[argc][0] == '\0') {
            free(argv[argc]);
            break;
        }
        argc++;
    }
    argv[argc] = NULL;
    memcpy(shuffled, argv, sizeof argv);
    file.text = fuzz_rest(&in, &file.len);
    for (unsigned i = 0; i < 3 && argc > 0; i++) {
        if (strcmp(argv[0], tools[i].name) == 0) {
            optind = 0; /* begins anew */
            int status = tools[i].main(argc, shuffled);
            fuzz_check(status == 0 || status == 1 || status == 100 || status == 111);
        }
    }
    for (int i = 0; i < argc; i++) {
        free(argv[i]);
    }
    free(file.text);
    file.text = NULL;
    return 0;
}
