#include "surroundings.h"

#include "plutod/lock.h"
#include "plutod/notify.h"
#include "sibling.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What open and the others find; libFuzzer calls them, too. */
static struct {
    char *pid_file, *stat, *comm; /* contents */
    char *exe;
    bool lock, paths; /* is being read */
} found;

int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_kill(pid_t pid, int signal);
ssize_t __wrap_readlink(const char *path, char *out, size_t size);
int __wrap_stat(const char *path, struct stat *st);
int __real_stat(const char *path, struct stat *st);
int __wrap_access(const char *path, int mode);
int __real_access(const char *path, int mode);

static int file_of(const char *text)
{
    int fd = text == NULL ? -1 : memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0) {
        errno = ENOENT;
        return -1;
    }
    fuzz_check(pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text));
    return fd;
}

int __wrap_open(const char *path, int flags, ...)
{
    size_t len = strlen(path);
    if (!found.lock) {
        return __real_open(path, flags, 0600);
    }
    if ((flags & O_CREAT) != 0) {
        errno = (flags & O_EXCL) != 0 ? EEXIST : EACCES; /* the pid file is there; no lock on it can be had */
        return -1;
    }
    return file_of(strncmp(path, "/proc/", 6) != 0 ? found.pid_file
                   : len > 5 && strcmp(path + len - 5, "/comm") == 0 ? found.comm : found.stat);
}

int __wrap_kill(pid_t pid, int signal)
{
    fuzz_check(pid > 0 && signal == 0);
    errno = ESRCH;
    return found.stat == NULL ? -1 : 0;
}

ssize_t __wrap_readlink(const char *path, char *out, size_t size)
{
    size_t len = found.exe == NULL ? 0 : strlen(found.exe);
    fuzz_check(strcmp(path, "/proc/self/exe") == 0);
    if (len == 0) {
        errno = ENOENT;
        return -1;
    }
    memcpy(out, found.exe, len < size ? len : size);
    return (ssize_t)(len < size ? len : size);
}

/* Everything is there but what has a ? in its path; with a % in it, it is a folder. */
int __wrap_stat(const char *path, struct stat *st)
{
    if (!found.paths) {
        return __real_stat(path, st);
    }
    memset(st, 0, sizeof *st);
    st->st_mode = strchr(path, '%') != NULL ? S_IFDIR : S_IFREG;
    errno = ENOENT;
    return strchr(path, '?') != NULL ? -1 : 0;
}

int __wrap_access(const char *path, int mode)
{
    if (!found.paths && !found.lock) {
        return __real_access(path, mode);
    }
    errno = EACCES;
    return strchr(path, '!') != NULL || (found.lock && found.pid_file == NULL) ? -1 : 0;
}

static void read_environment(const char *name, const char *text)
{
    if (text[0] == '\0') {
        fuzz_check(unsetenv(name) == 0);
    } else {
        fuzz_check(setenv(name, text, 1) == 0);
    }
}

void surroundings_notify_socket(const char *text)
{
    struct notify n;
    read_environment("NOTIFY_SOCKET", text);
    const char *why = notify_take(&n);
    fuzz_check(why == NULL || n.len == 0);
    fuzz_check(n.len <= sizeof n.address && getenv("NOTIFY_SOCKET") == NULL);
    fuzz_check(n.len == 0 || n.len == offsetof(struct sockaddr_un, sun_path) + strlen(text));
}

void surroundings_paths(struct fuzz_input *in)
{
    char out[200];
    size_t len;
    char *folder = fuzz_until(in, '\f', &len);
    found.exe = fuzz_rest(in, &len);
    read_environment("IPSEC_DIR", folder);
    memset(out, '~', sizeof out);
    found.paths = true;
    const char *why = sibling_path(out, sizeof out, "secrets");
    found.paths = false;
    fuzz_check(memchr(out, '\0', sizeof out) != NULL);
    fuzz_check(why != NULL || strcmp(out + strlen(out) - 8, "/secrets") == 0);
    read_environment("IPSEC_DIR", "");
    free(folder);
    free(found.exe);
    found.exe = NULL;
}

/* "-": there is no such file. */
static char *content(struct fuzz_input *in)
{
    size_t len;
    char *text = fuzz_until(in, '\f', &len);
    if (strcmp(text, "-") == 0) {
        free(text);
        return NULL;
    }
    return text;
}

void surroundings_lock(struct fuzz_input *in)
{
    struct lock l;
    found.lock = true;
    found.pid_file = content(in);
    found.stat = content(in);
    found.comm = content(in);
    enum lock_result result = lock_take(&l, "/run/fuzz");
    fuzz_check(result != LOCK_TAKEN);
    if (found.comm != NULL && strcmp(found.comm, "plutod\n") == 0 && found.stat != NULL
        && strchr(found.stat, ')') == NULL) {
        fuzz_check(result == LOCK_BUSY);
    }
    found.lock = false;
    free(found.pid_file);
    free(found.stat);
    free(found.comm);
    found.pid_file = found.stat = found.comm = NULL;
}
