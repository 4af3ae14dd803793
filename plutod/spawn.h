/*
 * Begins a program without copying our memory for it: posix_spawn(3) instead of fork(2), which costs the
 * more, the more connections there are.
 *
 * The program gets standard input from /dev/null, one descriptor as its output and error output, no
 * other, a process group of its own, the folder /, a file mode mask, and no signal ignored or blocked. Not for: what
 * becomes of it (runner.h), and our own tools (launch.h).
 */
#ifndef PLUTOD_SPAWN_H
#define PLUTOD_SPAWN_H

#include <sys/types.h>

/*
 * words[0] is looked up in the PATH of `environment` if it has no slash; a file that is no program and names
 * none is run by /bin/sh. Returns 0 and *pid, or an errno.
 */
int spawn(pid_t *pid, char *const words[], char *const environment[], int output,
          mode_t mask);

#endif
