#include "file_inside.h"

#include "rsa_pem.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct frame { /* a file that is being read, in the one that includes it */
    const struct frame *outer;
    const char *path;
    dev_t device;
    ino_t inode;
};

static void read_pattern(struct reader *r, const struct frame *outer, unsigned line,
                         const char *pattern, const char *shown);

/* ---- messages ---- */

void complain(struct reader *r, const char *path, unsigned line, const char *what,
              const char *more)
{
    r->counts->errors++;
    if (r->counts->errors > FILE_ERRORS_SHOWN) {
        if (r->counts->errors == FILE_ERRORS_SHOWN + 1) {
            log_serious(r->log, "%s: more errors, which are not shown", path);
        }
        return;
    }
    if (line == 0 && r->entry_path != NULL) {
        log_serious(r->log, "%s:%u: key file %s: %s%s", r->entry_path, r->entry_line, path, what, more);
    } else if (line == 0) {
        log_serious(r->log, "%s: %s%s", path, what, more);
    } else {
        log_serious(r->log, "%s:%u: %s%s", path, line, what, more);
    }
}

static void complain_entry(struct reader *r, const char *path, unsigned line, const char *what)
{
    complain(r, path, line, what, "; this entry is not used");
}

void complain_permissions(struct reader *r, const char *path, unsigned mode)
{
    char what[120];
    struct buffer command;
    size_t harmless = strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789/._-+,:@");
    bool plain = path[0] != '-' && path[harmless] == '\0';

    buffer_init(&command, 0);
    (void)snprintf(what, sizeof what, "group or others may read or write it (mode %04o), so it is "
                   "not read; run: chmod 600 ", mode & 07777);
    if (plain) {
        buffer_add_text(&command, path);
    } else {
        buffer_add_text(&command, "-- '");
        for (const char *c = path; *c != '\0'; c++) {
            buffer_add(&command, *c == '\'' ? "'\\''" : c, *c == '\'' ? 4 : 1);
        }
        buffer_add_text(&command, "'");
    }
    buffer_add_u8(&command, 0);
    complain(r, path, 0, what, command.overflowed ? "it" : (const char *)command.data);
    buffer_wipe(&command);
}

/* ---- entries ---- */

static void read_entry(struct reader *r, const struct frame *f, struct lexer *l, struct token *t)
{
    struct entry *e = calloc(1, sizeof *e);
    if (e == NULL) {
        complain_entry(r, f->path, t->line, "out of memory");
        return;
    }
    const char *why = entry_read(e, l, t);
    if (e->bad_host) {
        char what[200];
        (void)snprintf(what, sizeof what, "a name of a host that cannot be looked up: %s", why);
        complain_entry(r, f->path, e->line, what);
    } else if (why != NULL) {
        complain_entry(r, f->path, e->line, why);
    } else if (e->kind == ENTRY_PSK) {
        why = store_add(r->store, f->path, e->line, e->index, e->index_count, e->bytes, e->len);
        if (why != NULL) {
            complain_entry(r, f->path, e->line, why);
        } else {
            r->counts->psk++;
        }
    } else {
        add_key(r, f->path, e);
    }
    explicit_bzero(e, sizeof *e);
    free(e);
}

/* ---- includes ---- */

/* The folder of the including file, with the pattern's own characters made harmless. */
static bool add_folder(struct buffer *out, const char *path)
{
    const char *slash = strrchr(path, '/');
    for (const char *c = path; slash != NULL && c <= slash; c++) {
        if (strchr("*?[]\\", *c) != NULL) {
            buffer_add_u8(out, '\\');
        }
        buffer_add_u8(out, (unsigned char)*c);
    }
    return !out->overflowed;
}

static void read_include(struct reader *r, const struct frame *f, struct lexer *l, struct token *t)
{
    struct buffer pattern;
    unsigned line = t->line;
    bool quoted;

    buffer_init(&pattern, 0);
    *t = lexer_next(l);
    quoted = t->kind == TOKEN_QUOTED;
    if (t->kind != TOKEN_WORD && !quoted) {
        complain(r, f->path, line, "expected a file name or pattern after include", "");
        goto out;
    }
    if (t->text[0] != '/' && !add_folder(&pattern, f->path)) {
        complain(r, f->path, line, "out of memory", "");
        goto out;
    }
    buffer_add(&pattern, t->text, t->len);
    buffer_add_u8(&pattern, 0);
    *t = lexer_next(l);
    if (!token_ends_entry(t)) {
        complain(r, f->path, line, "expected nothing more after the pattern of include", "");
    } else if (pattern.overflowed) {
        complain(r, f->path, line, "out of memory", "");
    } else {
        /* What is quoted may be a secret that stands in the wrong place. */
        read_pattern(r, f, line, (const char *)pattern.data,
                     quoted ? "(the quoted one)" : (const char *)pattern.data);
    }
out:
    buffer_wipe(&pattern);
}

static void read_text(struct reader *r, const struct frame *f, char *text, size_t len)
{
    struct lexer l;

    if (memchr(text, '\0', len) != NULL) {
        complain(r, f->path, 0, "expected text, but there are NUL bytes in it; it is not read", "");
        return;
    }
    lexer_init(&l, text, len);
    struct token t = lexer_next(&l);
    while (t.kind != TOKEN_EOF) {
        if (t.kind == TOKEN_END) {
            t = lexer_next(&l);
            continue;
        }
        if (t.kind == TOKEN_BAD) {
            complain_entry(r, f->path, t.line, t.why);
        } else if (!t.column_1) {
            complain_entry(r, f->path, t.line, "expected an entry to begin in column 1 (continuation "
                                         "lines are indented, and this continues nothing)");
        } else if (token_is_keyword(&t, "include")) {
            read_include(r, f, &l, &t);
        } else {
            read_entry(r, f, &l, &t);
        }
        while (!token_ends_entry(&t)) {
            t = lexer_next(&l);
        }
    }
}

/* ---- files ---- */

static bool is_being_read(const struct frame *f, const struct stat *st)
{
    for (const struct frame *o = f->outer; o != NULL; o = o->outer) {
        if (o->device == st->st_dev && o->inode == st->st_ino) {
            return true;
        }
    }
    return false;
}

/* line: where `outer` includes it. */
static void read_file(struct reader *r, const struct frame *outer, unsigned line, const char *path)
{
    struct frame f = { .outer = outer, .path = path };
    struct stat st;
    char *text = NULL;
    size_t size = 0;
    size_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, &st) != 0) {
        complain(r, path, 0, "cannot be opened: ", strerror(errno));
        goto out;
    }
    if (is_being_read(&f, &st)) {
        complain(r, outer->path, line, "a file that includes itself is not read again: ", path);
        goto out;
    }
    const char *why = file_limits(r, &st, FILE_SIZE_MAX, "larger than 4 MiB");
    if (why != NULL) {
        complain(r, path, 0, why, "; it is not read");
        goto out;
    }
    if (!r->insecure && (st.st_mode & 066) != 0) {
        complain_permissions(r, path, st.st_mode);
        goto out;
    }
    f.device = st.st_dev;
    f.inode = st.st_ino;
    size = (size_t)st.st_size;
    text = file_text(r, fd, size, &len);
    if (text == NULL) {
        complain(r, path, 0, "cannot be read: ", strerror(errno));
        goto out;
    }
    read_text(r, &f, text, len);
out:
    file_text_free(text, size);
    if (fd >= 0) {
        close(fd);
    }
}

/* shown: the pattern as messages may have it. */
static void read_pattern(struct reader *r, const struct frame *outer, unsigned line,
                         const char *pattern, const char *shown)
{
    glob_t found = { 0 };
    const char *path = outer == NULL ? pattern : outer->path;
    unsigned depth = 0;

    for (const struct frame *f = outer; f != NULL; f = f->outer) {
        depth++;
    }
    if (depth > FILE_NESTING_MAX) {
        complain(r, path, line, "expected includes to be nested at most 10 deep; this one is not "
                                "read", "");
        return;
    }
    int rc = glob(pattern, 0, NULL, &found);
    if (rc == GLOB_NOMATCH) {
        /* A plain name: open(2) tells more than glob(3) does. */
        if (outer == NULL && strpbrk(pattern, "*?[\\") == NULL) {
            read_file(r, outer, line, pattern);
        } else {
            complain(r, path, line, outer == NULL ? "no file matches the pattern"
                     : "no file matches the pattern after include: ", outer == NULL ? "" : shown);
        }
    } else if (rc != 0) {
        complain(r, path, line, "the pattern cannot be expanded", "");
    }
    for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++) {
        read_file(r, outer, line, found.gl_pathv[i]);
    }
    if (rc == 0) {
        globfree(&found);
    }
}

void file_read(struct store *store, const char *pattern, bool insecure, const struct log *log,
               struct file_counts *counts)
{
    struct reader r = { .store = store, .log = log, .counts = counts, .work = PEM_WORK_OF_LOAD,
                        .insecure = insecure };
    *counts = (struct file_counts){ 0 };
    read_pattern(&r, NULL, 0, pattern, pattern);
}
