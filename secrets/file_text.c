#include "file_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads up to `size` bytes; a file that grows meanwhile is cut there. -1: errno says why. */
static ssize_t file_bytes(int fd, char *text, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, text + len, size - len);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        len += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)len;
}

int file_open(struct reader *r, const char *path, struct stat *st, const char **why)
{
    if (r->opened == FILE_COUNT_MAX) {
        *why = "more than 1000 files";
        return -1;
    }
    r->opened++;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, st) != 0) {
        *why = strerror(errno);
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}

const char *file_limits(const struct reader *r, const struct stat *st, size_t most, const char *too_large)
{
    if (!S_ISREG(st->st_mode)) {
        return "not a regular file";
    }
    if (st->st_size < 0 || (uintmax_t)st->st_size > most) {
        return too_large;
    }
    return (size_t)st->st_size > FILE_TOTAL_MAX - r->total ? "all files together are larger than 16 MiB" : NULL;
}

void file_text_free(char *text, size_t size)
{
    if (text != NULL) {
        explicit_bzero(text, size + 1);
        free(text);
    }
}

char *file_text(struct reader *r, const char *path, int fd, size_t size, size_t *len)
{
    char *text = malloc(size + 1);
    ssize_t n = text == NULL ? -1 : file_bytes(fd, text, size);
    if (n < 0) {
        int error = errno;
        file_text_free(text, size);
        errno = error;
        return NULL;
    }
    r->total += (size_t)n;
    r->counts->files++;
    *len = (size_t)n;
    if (r->seen != NULL) {
        r->seen(r->context, path);
    }
    return text;
}

bool key_text_read(struct reader *r, const char *path, struct key_text *t, const char **why)
{
    struct stat st;

    *t = (struct key_text){ 0 };
    int fd = file_open(r, path, &st, why);
    if (fd < 0) {
        return false;
    }
    t->there = true;
    *why = file_limits(r, &st, KEY_FILE_SIZE_MAX, "larger than 64 KiB, so it is no key");
    if (*why != NULL) {
        goto out;
    }
    if (!file_is_private(r, path, &st)) {
        goto out;
    }
    t->size = (size_t)st.st_size;
    t->text = file_text(r, path, fd, t->size, &t->len);
    *why = t->text == NULL ? strerror(errno) : NULL;
out:
    close(fd);
    return t->text != NULL;
}
