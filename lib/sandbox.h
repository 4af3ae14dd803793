/*
 * Entering the sandbox: the rights that a tool runs with, in one order for all (design: libraries
 * initialised, root changed to a removed folder, uid dropped, dumpable 0, no_new_privs, seccomp).
 *
 * Not for: deciding which process gets which rights; each tool's main.c has its table.
 */
#ifndef LIB_SANDBOX_H
#define LIB_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sandbox_tool { SANDBOX_IKE_NEGOTIATE, SANDBOX_SECRETS, SANDBOX_KERNEL_SA, SANDBOX_DNSKEY };

struct sandbox {
    enum sandbox_tool tool;     /* names the uid: sysusers name if it exists, else the number */
    bool net_admin;             /* keep CAP_NET_ADMIN */
    const int *syscalls;        /* SCMP_SYS numbers that are allowed; kill for all others */
    size_t syscall_count;
    /* Beside the common set (read, write, sendmsg, recvmsg, epoll, exit, memory, clock, ...). */
};

/*
 * Returns NULL, or why it could not be entered (static text, errno is set); the caller then exits
 * 111. By hand without root only dumpable, no_new_privs and seccomp are done, and *note says so
 * (static text; NULL otherwise).
 */
const char *sandbox_enter(const struct sandbox *s, const char **note);

/* For plutod before anything else: no core dumps (RLIMIT_CORE 0 and dumpable 0), umask 077. */
void sandbox_no_core(void);

#endif
