#include "peerlog.h"

#include "buffer.h"
#include "clock.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#define DIRECTORY_MODE 0750
#define FILE_MODE 0640
#define LINE_MAX_BYTES 33000

struct peer_file {
    struct address peer;
    int fd;                 /* -1: it could not be opened */
    int64_t since;          /* when it was opened, or that failed */
    unsigned long lost;     /* lines that are not in it, after its last one */
    bool torn;              /* its last line has no end */
    UT_hash_handle hh;      /* in order of use: the first was not used for longest */
};

struct peerlog {
    const char *base;
    struct peer_file *files;
    int64_t told;           /* when the log was told last that something is wrong */
};

static int64_t seconds(void)
{
    return (int64_t)(clock_ms() / 1000);
}

/* ---- paths ---- */

/* Every number of the address, `separator` between them. */
static void numbers(const struct address *a, char separator, char *out, size_t size)
{
    size_t len = 0;
    unsigned count = a->family == 6 ? 8 : 4;
    out[0] = '\0';
    for (unsigned i = 0; i < count && len < size; i++) {
        const char between[2] = { i == 0 ? '\0' : separator, '\0' };
        len += (size_t)(a->family == 6
                            ? snprintf(out + len, size - len, "%s%x", between,
                                       (unsigned)a->bytes[2 * i] << 8 | a->bytes[2 * i + 1])
                            : snprintf(out + len, size - len, "%s%u", between, a->bytes[i]));
    }
}

void peerlog_path(const struct address *peer, char out[PEERLOG_PATH])
{
    char folders[ADDRESS_TEXT];
    char name[ADDRESS_TEXT];
    numbers(peer, '/', folders, sizeof folders);
    numbers(peer, peer->family == 6 ? ':' : '.', name, sizeof name);
    snprintf(out, PEERLOG_PATH, "%s/%s.log", folders, name);
}

/* Whoever else can write there could have us write anywhere. Closes fd where it says no. */
static int checked_folder(int fd)
{
    struct stat s;
    if (fd < 0 || (fstat(fd, &s) == 0 && (s.st_uid == 0 || s.st_uid == geteuid())
                   && (s.st_mode & (S_IWGRP | S_IWOTH)) == 0)) {
        return fd;
    }
    close(fd);
    errno = EPERM;
    return -1;
}

/* The folder, which is made if it is not there. -1: errno says why not. Links are the administrator's. */
static int open_base(const char *base)
{
    char path[PATH_MAX];
    if (strlcpy(path, base, sizeof path) >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *at = path + 1; path[0] != '\0' && *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            (void)mkdir(path, DIRECTORY_MODE); /* it may be there; else opening it says why not */
            *at = '/';
        }
    }
    (void)mkdir(path, DIRECTORY_MODE);
    return checked_folder(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int open_folder(int above, const char *name)
{
    if (mkdirat(above, name, DIRECTORY_MODE) != 0 && errno != EEXIST) {
        return -1;
    }
    return checked_folder(openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/* Never waits, as opening a FIFO would. */
static int open_plain(int folder, const char *name)
{
    struct stat s;
    int fd = openat(folder, name, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
                    | O_CLOEXEC, FILE_MODE);
    if (fd >= 0 && (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode) || s.st_nlink != 1)) {
        close(fd);
        errno = EPERM;
        fd = -1;
    }
    return fd;
}

/* The modes are what they say, whatever mask we run with. */
static int open_path(const char *base, const char *path)
{
    char rest[PEERLOG_PATH];
    char *at = rest;
    char *slash;
    mode_t mask = umask(0);
    int fd = open_base(base);
    strlcpy(rest, path, sizeof rest);
    while (fd >= 0 && (slash = strchr(at, '/')) != NULL) {
        *slash = '\0';
        int below = open_folder(fd, at);
        int error = errno;
        close(fd);
        errno = error;
        fd = below;
        at = slash + 1;
    }
    if (fd >= 0) {
        int file = open_plain(fd, at);
        int error = errno;
        close(fd);
        errno = error;
        fd = file;
    }
    (void)umask(mask);
    return fd;
}

/* ---- files ---- */

static void close_file(struct peer_file *f)
{
    if (f->fd >= 0) {
        close(f->fd);
        f->fd = -1;
    }
}

static void drop(struct peerlog *p, struct peer_file *f)
{
    HASH_DEL(p->files, f);
    close_file(f);
    free(f);
}

/* Its place in the table, which is then the last one. NULL: no memory. */
static struct peer_file *place_of(struct peerlog *p, const struct address *peer)
{
    struct peer_file *f;
    HASH_FIND(hh, p->files, peer, sizeof *peer, f);
    if (f != NULL) {
        HASH_DEL(p->files, f);
    } else {
        if (HASH_COUNT(p->files) >= PEERLOG_OPEN) {
            drop(p, p->files);
        }
        f = calloc(1, sizeof *f);
        if (f == NULL) {
            return NULL;
        }
        f->peer = *peer;
        f->fd = -1;
        f->since = -PEERLOG_PAUSE;
    }
    HASH_ADD(hh, p->files, peer, sizeof f->peer, f);
    return f;
}

static void tell(struct peerlog *p, const char *path, int error, char why[PEERLOG_WHY])
{
    int64_t now = seconds();
    if (p->told != 0 && now < p->told + PEERLOG_TELL) {
        return;
    }
    p->told = now;
    snprintf(why, PEERLOG_WHY, "--perpeerlog: cannot write to %s%s%s: %s; this log goes on, and the "
             "file is tried again every %d s", p->base, path[0] == '\0' ? "" : "/", path,
             error != EPERM ? strerror(error)
                            : "it, or a folder on its way, is not ours alone (a link, or others may write "
                              "there)", PEERLOG_PAUSE);
}

/* Ready to be written to? One that failed has to wait, one that was open for long is opened anew. */
static bool is_open(struct peerlog *p, struct peer_file *f, const char *path, char why[PEERLOG_WHY])
{
    int64_t now = seconds();
    if (f->fd >= 0 && now < f->since + PEERLOG_AGE) {
        return true;
    }
    if (f->fd < 0 && now < f->since + PEERLOG_PAUSE) {
        return false;
    }
    close_file(f);
    f->fd = open_path(p->base, path);
    f->since = now;
    if (f->fd < 0) {
        tell(p, path, errno, why);
    }
    return f->fd >= 0;
}

static bool put(struct peer_file *f, const struct buffer *text)
{
    ssize_t n;
    do {
        n = write(f->fd, text->data, text->len);
    } while (n < 0 && errno == EINTR);
    if (n >= 0 && (size_t)n < text->len) {
        f->torn = f->torn || n > 0;
        errno = ENOSPC;
        return false;
    }
    return n >= 0;
}

void peerlog_add(struct peerlog *p, const struct address *peer, const void *line, size_t len,
                 char why[PEERLOG_WHY])
{
    char path[PEERLOG_PATH];
    char when[CLOCK_TEXT];
    char lost[CLOCK_TEXT + 80] = "";
    struct buffer text;
    struct peer_file *f = place_of(p, peer);
    why[0] = '\0';
    peerlog_path(peer, path);
    if (f == NULL || !is_open(p, f, path, why)) {
        if (f != NULL) {
            f->lost++;
        }
        return;
    }
    clock_text(time(NULL), when);
    if (f->lost > 0) {
        snprintf(lost, sizeof lost, "%s %lu lines are missing here: they could not be written\n", when,
                 f->lost);
    }
    buffer_init(&text, LINE_MAX_BYTES);
    buffer_add_text(&text, f->torn ? "\n" : "");
    buffer_add_text(&text, lost);
    buffer_add_text(&text, when);
    buffer_add_text(&text, " ");
    buffer_add(&text, line, len);
    buffer_add_text(&text, "\n");
    if (!text.overflowed && put(f, &text)) {
        f->lost = 0;
        f->torn = false;
    } else {
        tell(p, path, text.overflowed ? ENOMEM : errno, why);
        close_file(f);
        f->since = seconds();
        f->lost++;
    }
    buffer_wipe(&text);
}

struct peerlog *peerlog_new(const char *base, char why[PEERLOG_WHY])
{
    struct peerlog *p = calloc(1, sizeof *p);
    why[0] = '\0';
    if (p == NULL) {
        snprintf(why, PEERLOG_WHY, "--perpeerlog: no memory for it");
        return NULL;
    }
    p->base = base;
    mode_t mask = umask(0);
    int fd = open_base(base);
    int error = errno;
    (void)umask(mask);
    if (fd < 0) {
        tell(p, "", error, why);
    } else {
        close(fd);
    }
    return p;
}

void peerlog_free(struct peerlog *p)
{
    while (p != NULL && p->files != NULL) {
        drop(p, p->files);
    }
    free(p);
}
