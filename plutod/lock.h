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
    int pid_fd;     /* kept open, so that the file's inode is nobody else's; or -1 */
    int ctl_fd;     /* listening; or -1 */
    bool taken;
    bool bound;     /* the socket file is ours */
    dev_t ctl_device; /* of the socket file as we made it: what has its name later may be another's */
    ino_t ctl_inode;
};

/* Makes both; what a person must know goes to stderr. */
enum lock_result lock_take(struct lock *l, const char *ctlbase);
bool lock_write_pid(struct lock *l, pid_t pid); /* false: errno says why */
/* Only takes the files away, if they are still ours; lock_release still follows. */
void lock_remove(struct lock *l);
void lock_release(struct lock *l);  /* removes both files */
void lock_abandon(struct lock *l);  /* frees, leaving the files to another process */

#endif
