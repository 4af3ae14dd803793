#include "inject.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#if INJECT_WORKS

#define SYSCALL_LEN 2
#define SYSCALL_BYTES 0x050fu

/*
 * Goes on to the next stop; a signal that stopped it is let through. False: the process is no more,
 * and *result says how it ended.
 */
static bool go_on(enum __ptrace_request how, pid_t pid, struct injected *result)
{
    int status;
    unsigned long signal = 0;
    do {
        if (ptrace(how, pid, NULL, signal) != 0 || waitpid(pid, &status, __WALL) != pid) {
            return false;
        }
        if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP) {
            return true;
        }
        signal = (unsigned long)WSTOPSIG(status);
    } while (WIFSTOPPED(status));
    result->lives = false;
    result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    errno = 0;
    return false;
}

static bool stop_it(pid_t pid)
{
    int status;
    return ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0 && waitpid(pid, &status, __WALL) == pid
           && WIFSTOPPED(status);
}

/* What the kernel has in the place of a result where a call waited, and the stop broke it off: ERESTARTSYS and its kin. */
static bool was_broken_off(long value)
{
    return value == -EINTR || (value <= -512 && value >= -516);
}

/*
 * It stopped in a system call that waited: just before where it stands is the instruction. One that was done is not taken
 * for it: its result would be lost, and the process might end of that.
 */
static bool has_syscall(pid_t pid, const struct user_regs_struct *regs)
{
    errno = 0;
    if (!was_broken_off((long)regs->rax)) {
        errno = EAGAIN;
        return false;
    }
    long word = ptrace(PTRACE_PEEKTEXT, pid, (void *)(regs->rip - SYSCALL_LEN), NULL);
    if (errno == 0 && ((unsigned long)word & 0xffff) != SYSCALL_BYTES) {
        errno = EAGAIN;
    }
    return errno == 0;
}

bool inject(pid_t pid, long number, const unsigned long arguments[6], struct injected *result)
{
    struct user_regs_struct before;
    struct user_regs_struct regs;

    memset(result, 0, sizeof *result);
    if (!stop_it(pid)) {
        return false;
    }
    if (ptrace(PTRACE_GETREGS, pid, NULL, &before) != 0 || !has_syscall(pid, &before)) {
        int saved = errno;
        (void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
        errno = saved;
        return false;
    }
    regs = before;
    regs.orig_rax = ~0ull; /* the call that waited is not begun again */
    regs.rax = (unsigned long)number;
    regs.rip -= SYSCALL_LEN;
    regs.rdi = arguments[0];
    regs.rsi = arguments[1];
    regs.rdx = arguments[2];
    regs.r10 = arguments[3];
    regs.r8 = arguments[4];
    regs.r9 = arguments[5];
    if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) != 0) {
        return false;
    }
    for (int stop = 0; stop < 2; stop++) { /* at the entry of the call, then at its end */
        if (!go_on(PTRACE_SYSCALL, pid, result)) {
            return errno == 0;
        }
    }
    if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) != 0) {
        return false;
    }
    result->value = (long)regs.rax;
    before.orig_rax = ~0ull;
    before.rax = (unsigned long)-EINTR;
    if (ptrace(PTRACE_SETREGS, pid, NULL, &before) != 0) {
        return false;
    }
    /* The filter's signal is on its way only now: one step shows whether there is one. */
    if (!go_on(PTRACE_SINGLESTEP, pid, result)) {
        return errno == 0;
    }
    result->lives = true;
    return ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0;
}

#else

bool inject(pid_t pid, long number, const unsigned long arguments[6], struct injected *result)
{
    (void)pid;
    (void)number;
    (void)arguments;
    (void)result;
    errno = ENOSYS;
    return false;
}

#endif
