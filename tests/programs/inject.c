/*
 * inject - makes a running process do a system call, and says what came of it; as root
 *
 *   inject PID CALL [ARGUMENT...]
 *
 * CALL is a name (openat) or a number; up to six arguments are numbers. Prints "returned N" or "ended by signal N",
 * or "exited". Exit status 0: that was printed; 2: it could not be tried.
 */
#include "tests/unit/inject.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES 1000 /* a millisecond each, until it waits in a system call */

int main(int argc, char **argv)
{
    unsigned long arguments[6] = { 0 };
    struct injected r = { .lives = false };
    if (argc < 3 || argc > 9) {
        (void)fprintf(stderr, "usage: inject PID CALL [ARGUMENT...]\n");
        return 2;
    }
    pid_t pid = (pid_t)strtol(argv[1], NULL, 10);
    long number = seccomp_syscall_resolve_name(argv[2]);
    if (number == __NR_SCMP_ERROR) {
        number = strtol(argv[2], NULL, 0);
    }
    for (int i = 3; i < argc; i++) {
        arguments[i - 3] = strtoul(argv[i], NULL, 0);
    }
    for (int tries = 0; !inject(pid, number, arguments, &r); tries++) {
        if (errno != EAGAIN || tries == TRIES) {
            (void)fprintf(stderr, "inject: %s into %s: %s\n", argv[2], argv[1], strerror(errno));
            return 2;
        }
        (void)usleep(1000);
    }
    if (r.lives) {
        (void)printf("returned %ld\n", r.value);
    } else if (r.signal != 0) {
        (void)printf("ended by signal %d\n", r.signal);
    } else {
        (void)printf("exited\n");
    }
    return 0;
}
