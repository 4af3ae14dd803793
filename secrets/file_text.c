#include "file_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t file_bytes(int fd, char *text, size_t size)
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

const char *file_limits(const struct reader *r, const struct stat *st, size_t most, const char *too_large)
{
    if (!S_ISREG(st->st_mode)) {
        return "not a regular file";
    }
    if (st->st_size < 0 || (uintmax_t)st->st_size > most) {
        return too_large;
    }
    if ((size_t)st->st_size > FILE_TOTAL_MAX - r->total) {
        return "all files together are larger than 16 MiB";
    }
    return r->counts->files == FILE_COUNT_MAX ? "more than 1000 files" : NULL;
}

void file_text_free(char *text, size_t size)
{
    if (text != NULL) {
        explicit_bzero(text, size + 1);
        free(text);
    }
}

char *file_text(struct reader *r, int fd, size_t size, size_t *len)
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
    return text;
}
