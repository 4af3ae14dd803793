#include "lock.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- whose is a lock that is there already? ---- */

/* The pid in it: 0 if there is none (yet). */
static pid_t read_pid(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return 0;
    }
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) {
        return 0;
    }
    char *end;
    long pid = strtol(text, &end, 10);
    return pid > 0 && pid < 0x40000000 && (*end == '\n' || *end == '\0') ? (pid_t)pid : 0;
}

static bool write_pid(int fd, pid_t pid)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%d\n", (int)pid);
    return pwrite(fd, text, (size_t)len, 0) == len && ftruncate(fd, len) == 0;
}

/* Has it ended, though its parent has not waited for it yet? */
static bool is_zombie(pid_t pid)
{
    char path[64];
    char text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) {
        close(fd);
    }
    if (n <= 0) {
        return false;
    }
    text[n] = '\0';
    /* The state follows the name, which may itself hold parentheses and blanks. */
    const char *end = strrchr(text, ')');
    return end != NULL && end[1] == ' ' && (end[2] == 'Z' || end[2] == 'X');
}

/*
 * Certainly not a plutod: gone, or a program of another name. In doubt: false. Our own number is one before
 * us had: after a reboot, or in a container, where each start gets the same one.
 */
static bool is_other(pid_t pid)
{
    char path[64];
    char name[64] = "";
    if (pid == getpid()) {
        return true;
    }
    if (kill(pid, 0) != 0 && errno == ESRCH) {
        return true;
    }
    if (is_zombie(pid)) {
        return true;
    }
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) { /* gone meanwhile, or a /proc that does not show it (hidepid) */
        return kill(pid, 0) != 0 && errno == ESRCH;
    }
    ssize_t n = read(fd, name, sizeof name - 1);
    close(fd);
    if (n <= 0) {
        return false;
    }
    name[strcspn(name, "\n")] = '\0';
    return strcmp(name, "plutod") != 0;
}

static enum lock_result refuse(const struct lock *l, pid_t pid)
{
    fprintf(stderr, "plutod: lock file %s exists: another plutod runs%s; if none does, remove it\n",
            l->pid_path, pid == 0 ? " or is being started" : "");
    return LOCK_BUSY;
}

static bool is_same_file(int fd, const char *path)
{
    struct stat a;
    struct stat b;
    return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev
           && a.st_ino == b.st_ino;
}

/*
 * Of several that find the same old lock one at a time looks at it again and removes it. What makes
 * it so is flock on a file of its own, for the superuser only: the pid file can be read by everybody,
 * and who can read a file can lock it. Returns its descriptor; -1: another one is at it (*error 0), or
 * there can be no such file (errno).
 */
static int one_at_a_time(const char *path, int *error)
{
    *error = 0;
    for (int tries = 0; tries < 8; tries++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
            *error = errno;
            return -1;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            *error = errno == EWOULDBLOCK ? 0 : errno;
            close(fd);
            return -1;
        }
        if (is_same_file(fd, path)) {
            return fd;
        }
        close(fd); /* it went with the one before */
    }
    return -1;
}

/* LOCK_TAKEN: what was there is gone. */
static enum lock_result remove_old(const struct lock *l)
{
    char path[PATH_MAX];
    enum lock_result result = LOCK_TAKEN;
    if (snprintf(path, sizeof path, "%s.lock", l->pid_path) >= (int)sizeof path) {
        fprintf(stderr, "plutod: --ctlbase: %s is too long\n", l->pid_path);
        return LOCK_FAILED;
    }
    int error;
    int fd = one_at_a_time(path, &error);
    if (fd < 0 && error != 0) {
        fprintf(stderr, "plutod: cannot take over the lock file %s: no lock on %s: %s\n", l->pid_path,
                path, strerror(error));
        return LOCK_FAILED;
    }
    if (fd < 0) {
        fprintf(stderr, "plutod: another plutod is taking over the lock file %s (which holds %s)\n",
                l->pid_path, path);
        return LOCK_BUSY;
    }
    pid_t pid = read_pid(l->pid_path);
    if (pid == 0 || !is_other(pid)) {
        result = access(l->pid_path, F_OK) == 0 ? refuse(l, pid) : LOCK_TAKEN;
    } else if (unlink(l->pid_path) == 0) {
        fprintf(stderr, "plutod: lock file %s is of process %d, which is %s: taking it over\n", l->pid_path,
                (int)pid, pid == getpid() ? "this very one: one before it had that number"
                                          : "no plutod any more");
    } else if (errno != ENOENT) {
        fprintf(stderr, "plutod: cannot remove %s: %s\n", l->pid_path, strerror(errno));
        result = LOCK_FAILED;
    }
    (void)unlink(path);
    close(fd);
    return result;
}

/* False: the path is too long for one. */
static bool control_address(const struct lock *l, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    return strlcpy(address->sun_path, l->ctl_path, sizeof address->sun_path) < sizeof address->sun_path;
}

/* Does somebody take calls there? Then a pid that is ours is also that of a plutod in another pid namespace. */
static bool is_answered(const struct lock *l)
{
    struct sockaddr_un address;
    if (!control_address(l, &address)) {
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool answered = fd >= 0 && (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN);
    if (fd >= 0) {
        close(fd);
    }
    return answered;
}

static enum lock_result create_pid_file(struct lock *l)
{
    for (int tries = 0; tries < 3; tries++) {
        l->pid_fd = open(l->pid_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (l->pid_fd >= 0) {
            /* Ours until a child's is written: should we die before, nobody is in doubt. */
            (void)fchmod(l->pid_fd, 0644); /* everybody may know who it is */
            (void)write_pid(l->pid_fd, getpid());
            return LOCK_TAKEN;
        }
        if (errno != EEXIST) {
            fprintf(stderr, "plutod: cannot create the lock file %s: %s\n", l->pid_path,
                    strerror(errno));
            return LOCK_FAILED;
        }
        pid_t pid = read_pid(l->pid_path);
        if (pid == 0 || !is_other(pid) || is_answered(l)) {
            return refuse(l, pid);
        }
        enum lock_result result = remove_old(l);
        if (result != LOCK_TAKEN) {
            return result;
        }
    }
    return refuse(l, 0);
}

/* ---- the control socket ---- */

static enum lock_result create_socket(struct lock *l)
{
    struct sockaddr_un address;
    if (!control_address(l, &address)) {
        fprintf(stderr, "plutod: --ctlbase: %s is too long for a socket\n", l->ctl_path);
        return LOCK_FAILED;
    }
    /* A socket that is there is of a plutod that is gone: we hold the lock. */
    struct stat there;
    bool exists = lstat(l->ctl_path, &there) == 0;
    if (exists && !S_ISSOCK(there.st_mode)) {
        fprintf(stderr, "plutod: %s is there and no socket: it is left as it is; move it away, or "
                "choose another --ctlbase\n", l->ctl_path);
        return LOCK_FAILED;
    }
    if (exists) {
        (void)unlink(l->ctl_path);
    }
    l->ctl_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    bool good = l->ctl_fd >= 0
                && bind(l->ctl_fd, (struct sockaddr *)&address, sizeof address) == 0
                && listen(l->ctl_fd, SOMAXCONN) == 0;
    int error = errno;
    umask(mask);
    l->bound = good && lstat(l->ctl_path, &there) == 0;
    l->ctl_device = there.st_dev;
    l->ctl_inode = there.st_ino;
    if (!good) {
        fprintf(stderr, "plutod: cannot create the control socket %s: %s\n", l->ctl_path,
                strerror(error));
        return LOCK_FAILED;
    }
    return LOCK_TAKEN;
}

enum lock_result lock_take(struct lock *l, const char *ctlbase)
{
    *l = (struct lock){ .pid_fd = -1, .ctl_fd = -1 };
    if (asprintf(&l->pid_path, "%s.pid", ctlbase) < 0) {
        l->pid_path = NULL;
    }
    if (asprintf(&l->ctl_path, "%s.ctl", ctlbase) < 0) {
        l->ctl_path = NULL;
    }
    if (l->pid_path == NULL || l->ctl_path == NULL) {
        fprintf(stderr, "plutod: no memory\n");
        lock_abandon(l);
        return LOCK_FAILED;
    }
    enum lock_result result = create_pid_file(l);
    if (result != LOCK_TAKEN) {
        lock_abandon(l);
        return result;
    }
    l->taken = true;
    result = create_socket(l);
    if (result != LOCK_TAKEN) {
        lock_release(l);
    }
    return result;
}

bool lock_write_pid(struct lock *l, pid_t pid)
{
    return write_pid(l->pid_fd, pid);
}

void lock_remove(struct lock *l)
{
    struct stat now;
    if (l->bound && lstat(l->ctl_path, &now) == 0 && now.st_dev == l->ctl_device && now.st_ino == l->ctl_inode) {
        (void)unlink(l->ctl_path);
    }
    if (l->taken && is_same_file(l->pid_fd, l->pid_path)) {
        (void)unlink(l->pid_path);
    }
    l->bound = l->taken = false;
}

void lock_release(struct lock *l)
{
    lock_remove(l);
    lock_abandon(l);
}

void lock_abandon(struct lock *l)
{
    if (l->pid_fd >= 0) {
        close(l->pid_fd);
    }
    if (l->ctl_fd >= 0) {
        close(l->ctl_fd);
    }
    free(l->pid_path);
    free(l->ctl_path);
    *l = (struct lock){ .pid_fd = -1, .ctl_fd = -1 };
}
