#include "standard.h"

#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned standard_fill(void)
{
    unsigned closed = 0;
    /* The lowest that is free is what open(2) returns. Children are to have them too. */
    for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = open("/dev/null", O_RDWR)) {
        if (fd > STDERR_FILENO) {
            close(fd);
            break;
        }
        closed |= 1u << fd;
    }
    return closed;
}

bool standard_other(const char *text, int *fd)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || n < 3 || n > 1023) {
        return false;
    }
    *fd = (int)n;
    return true;
}

bool standard_there(const char *tool, unsigned closed, unsigned needed)
{
    if ((closed & needed & STANDARD_INPUT) != 0) {
        (void)fprintf(stderr, "%s: stdin is closed: records are read from it; give it a file or a "
                              "pipe, or </dev/null\n", tool);
        return false;
    }
    if ((closed & needed & STANDARD_OUTPUT) != 0) {
        (void)fprintf(stderr, "%s: stdout is closed: answers go there; give it a file or a pipe, or "
                              ">/dev/null\n", tool);
        return false;
    }
    return true;
}

void standard_not_written(const char *tool, int error)
{
    (void)fprintf(stderr, "%s: cannot write to stdout: %s; not all of the answer is there\n", tool,
                  strerror(error));
}

bool standard_whole(const char *tool, const struct channel *all)
{
    const bool cut = strstr(channel_why(all), "within") != NULL;
    if (cut) {
        (void)fprintf(stderr, "%s: from stdin: %s\n", tool, channel_why(all));
    }
    return !cut;
}

bool standard_drain(const char *tool, struct channel *all)
{
    const bool drained = channel_drain(all);
    if (!drained) {
        standard_not_written(tool, errno);
    }
    return drained;
}

bool standard_written(const char *tool, unsigned closed)
{
    if (!standard_there(tool, closed, STANDARD_OUTPUT)) {
        return false;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        standard_not_written(tool, errno);
        return false;
    }
    return true;
}
