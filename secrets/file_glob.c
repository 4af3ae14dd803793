/*
 * Which files match a pattern: glob(3), but for what it may look at. That one reads all folders that a pattern leads to, however
 * many there are, and its hooks for reading them cannot be told of whom to keep count.
 */
#include "file_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WILDCARDS_MAX 8u /* folders that are open at the same time */

struct search {
    struct found_files *found;
    struct buffer path;  /* as far as it is known, without a NUL */
    size_t *looks;
    unsigned open;
    const char *why;
};

/* Up to a slash, or the end. */
static bool has_wildcard(const char *part, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (part[i] == '\\') {
            i++;
        } else if (strchr("*?[", part[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static void add_literal(struct buffer *path, const char *part, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        i += part[i] == '\\' && i + 1 < len ? 1 : 0;
        buffer_add_u8(path, (unsigned char)part[i]);
    }
}

/* The path as a string; false: no memory. */
static bool end_path(struct search *s)
{
    buffer_add_u8(&s->path, 0);
    s->why = s->path.overflowed ? "out of memory" : s->why;
    return s->why == NULL;
}

/* May one more be looked at? */
static bool look(struct search *s)
{
    if (*s->looks == 0) {
        s->why = "the patterns of include, with those before, lead to more than " FILE_LOOKS_TEXT " files and folders: "
                 "name fewer";
        return false;
    }
    --*s->looks;
    return true;
}

static void keep(struct search *s)
{
    struct found_files *f = s->found;
    struct stat st;
    if (!look(s) || !end_path(s) || lstat((const char *)s->path.data, &st) != 0) {
        return;
    }
    if (f->count == f->cap) {
        size_t cap = f->cap == 0 ? 16 : 2 * f->cap;
        char **more = realloc(f->paths, cap * sizeof *more);
        if (more == NULL) {
            s->why = "out of memory";
            return;
        }
        f->paths = more;
        f->cap = cap;
    }
    char *path = strdup((const char *)s->path.data);
    if (path == NULL) {
        s->why = "out of memory";
        return;
    }
    f->paths[f->count++] = path;
}

static void search(struct search *s, const char *rest);

/* Every name in the folder that matches the pattern's next part; behind it comes `rest`. */
static void search_folder(struct search *s, const char *part, const char *rest)
{
    const size_t len = s->path.len;
    const struct dirent *entry;
    if (len == 0) {
        buffer_add_text(&s->path, ".");
    }
    DIR *folder = look(s) && end_path(s) ? opendir((const char *)s->path.data) : NULL;
    buffer_truncate(&s->path, len);
    while (folder != NULL && s->why == NULL && (entry = readdir(folder)) != NULL && look(s)) {
        if (fnmatch(part, entry->d_name, FNM_PERIOD) == 0) {
            buffer_add_text(&s->path, entry->d_name);
            search(s, rest);
            buffer_truncate(&s->path, len);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

/* The path, and what the rest of the pattern leads to from there. As deep as there are parts with wildcards. */
static void search(struct search *s, const char *rest) /* NOLINT(misc-no-recursion) */
{
    while (*rest != '\0') {
        const size_t len = strcspn(rest, "/");
        const size_t slashes = strspn(rest + len, "/");
        if (has_wildcard(rest, len)) {
            char *part = strndup(rest, len);
            if (part == NULL || s->open == WILDCARDS_MAX) {
                s->why = part == NULL ? "out of memory" : "expected a pattern with wildcards in at most 8 parts";
            } else {
                s->open++;
                search_folder(s, part, rest + len);
                s->open--;
            }
            free(part);
            return;
        }
        add_literal(&s->path, rest, len);
        buffer_add(&s->path, rest + len, slashes);
        rest += len + slashes;
    }
    keep(s);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *file_glob(const char *pattern, size_t *looks, struct found_files *found)
{
    struct search s = { .found = found, .looks = looks };
    *found = (struct found_files){ 0 };
    if (strlen(pattern) >= PATH_MAX) {
        return "it is longer than any path";
    }
    buffer_init(&s.path, 0);
    search(&s, pattern);
    buffer_wipe(&s.path);
    if (found->count > 0) {
        qsort(found->paths, found->count, sizeof *found->paths, compare);
    }
    return s.why;
}

void found_files_free(struct found_files *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->paths[i]);
    }
    free(f->paths);
    *f = (struct found_files){ 0 };
}
