/*
 * PATH.pid and PATH.ctl [P3]: that there is one plutod, and where whack finds it.
 *
 * PATH.pid holds this process's pid from the beginning. An old one is taken over by one at a time,
 * which has PATH.pid.lock meanwhile.
 *
 * Not for: talking to whack (whack.h).
 */
#ifndef PLUTOD_LOCK_H
#define PLUTOD_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

enum lock_result {
    LOCK_TAKEN,
    LOCK_BUSY,      /* another plutod has it, or may have it: exit 10 */
    LOCK_FAILED     /* exit 1 */
};

struct lock {
    char *pid_path; /* owned */
    char *ctl_path;
    int pid_fd;     /* open, until the daemon's pid is written; or -1 */
    int ctl_fd;     /* listening; or -1 */
    bool taken;
    bool bound;     /* the socket file is ours */
};

/* Makes both; what a person must know goes to stderr. */
enum lock_result lock_take(struct lock *l, const char *ctlbase);
bool lock_write_pid(struct lock *l, pid_t pid); /* closes pid_fd; false: errno says why */
void lock_remove(struct lock *l); /* only takes the files away; lock_release still follows */
void lock_release(struct lock *l);  /* removes both files */
void lock_abandon(struct lock *l);  /* frees, leaving the files to another process */

#endif
