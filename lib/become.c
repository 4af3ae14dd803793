#include "become.h"

#include "standard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Noreturn void become(const char *whose, char *const argv[], char *const environment[], int fd)
{
    if ((fd == BECOME_CONTROL ? fcntl(fd, F_SETFD, 0) : dup2(fd, BECOME_CONTROL)) < 0) {
        _exit(EXIT_SYSTEM);
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0
        || close_range(BECOME_CONTROL + 1, ~0U, 0) != 0) {
        _exit(EXIT_SYSTEM);
    }
    execve(argv[0], argv, environment);
    (void)dprintf(STDERR_FILENO, "%s: cannot execute %s: %s\n", whose, argv[0], strerror(errno));
    _exit(EXIT_SYSTEM);
}
