/*
 * A system call in another process, at its next one: what its seccomp filter makes of it is the
 * truth, whatever lists say. Root does it by ptrace(2); the process needs no cooperation.
 *
 * Only on x86-64 (INJECT_WORKS). Not for: calls that need memory over there; arguments are numbers.
 */
#ifndef TESTS_INJECT_H
#define TESTS_INJECT_H

#include <stdbool.h>
#include <sys/types.h>

#if defined(__x86_64__)
#define INJECT_WORKS 1
#else
#define INJECT_WORKS 0
#endif

struct injected {
    bool lives;   /* and goes on as if nothing had been */
    int signal;   /* that ended it; 0: it exited by itself */
    long value;   /* if it lives: what the call returned, an error as -errno */
};

/* The process has to wait in a system call, as an event loop does. False: errno says what failed. */
bool inject(pid_t pid, long number, const unsigned long arguments[6], struct injected *result);

#endif
