/*
 * Entering the sandbox: the rights that a tool runs with, in one order for all (design: libraries
 * initialised, root changed to a removed folder, uid dropped, dumpable 0, no_new_privs, seccomp).
 *
 * Which tool may make which system calls stands in sandbox_calls.c. Not for: plutod and whack, which
 * have no sandbox.
 */
#ifndef LIB_SANDBOX_H
#define LIB_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sandbox_tool { SANDBOX_IKE_NEGOTIATE, SANDBOX_SECRETS, SANDBOX_KERNEL_SA, SANDBOX_DNSKEY,
                    SANDBOX_OPENER /* of dnskey: the one process that may open files, and nothing else */ };

struct sandbox {
    enum sandbox_tool tool; /* names the uid: sysusers name if it exists, else the number */
    bool net_admin;         /* keep CAP_NET_ADMIN */
    bool by_hand;           /* on pipes or a terminal: the calls for these too */
    int control_fd;         /* plutod's channel: what may go out there only */
};

/* One system call that tools may make; any other ends the process. */
struct sandbox_call {
    int number;
    const char *name;
    unsigned tools;      /* mask of 1 << enum sandbox_tool */
    bool by_hand;        /* not under plutod */
    bool refused;        /* answered with EPERM */
    const char *only;    /* what its arguments have to be; NULL: anything */
    const char *why;     /* it is needed, or refused */
};

/* The one list: the filter and the table in docs/privsep.md are made from it. */
const struct sandbox_call *sandbox_calls(size_t *count);

/*
 * Returns NULL, or why it could not be entered (static text, errno is set); the caller then exits
 * 111. By hand without root only dumpable, no_new_privs and seccomp are done, and *note says so
 * (static text; NULL otherwise).
 */
const char *sandbox_enter(const struct sandbox *s, const char **note);

/* For plutod before anything else: no core dumps (RLIMIT_CORE 0 and dumpable 0), umask 077. */
void sandbox_no_core(void);

#endif
