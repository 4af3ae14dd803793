#include "file_inside.h"

#include "rsa_pem.h"
#include "stack.h"

#include <errno.h>
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

/* The whack that waits may be told, too. */
static const struct log_about an_error = { .code = REPLY_SERIOUS };

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
        log_about(r->log, LOG_LEVEL_SERIOUS, &an_error, "%s:%u: key file %s: %s%s", r->entry_path, r->entry_line, path, what, more);
    } else if (line == 0) {
        log_about(r->log, LOG_LEVEL_SERIOUS, &an_error, "%s: %s%s", path, what, more);
    } else {
        log_about(r->log, LOG_LEVEL_SERIOUS, &an_error, "%s:%u: %s%s", path, line, what, more);
    }
}

static void complain_entry(struct reader *r, const char *path, unsigned line, const char *what)
{
    complain(r, path, line, what, "; this entry is not used");
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

/* The one error for all that is beyond, which is shown however many there were before. */
static void go_beyond(struct reader *r, const char *path, unsigned line, const char *why)
{
    if (!r->beyond) {
        r->beyond = true;
        r->counts->errors++;
        log_about(r->log, LOG_LEVEL_SERIOUS, &an_error, "%s:%u: %s; from here on no include is read", path, line, why);
    }
}

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
        complain(r, f->path, line, t->kind == TOKEN_BAD ? t->why : "expected a file name or pattern after include", "");
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

    /* A byte order mark, as some editors put it there: else it would be part of an identity. */
    const size_t mark = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    lexer_init(&l, text + mark, len - mark);
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
    const char *why = NULL;

    if (r->opened == FILE_COUNT_MAX) {
        go_beyond(r, outer == NULL ? path : outer->path, line, "more than 1000 files");
        return;
    }
    int fd = file_open(r, path, &st, &why);
    if (fd < 0) {
        complain(r, path, 0, "cannot be opened: ", outer == NULL && errno == ENOENT
                 ? "No such file or directory; make it, or say where it is (ipsec.secrets(5))" : why);
        return;
    }
    if (is_being_read(&f, &st)) {
        complain(r, outer->path, line, "a file that includes itself is not read again: ", path);
        goto out;
    }
    why = file_limits(r, &st, FILE_SIZE_MAX, "larger than 4 MiB");
    if (why != NULL) {
        complain(r, path, 0, why, "; it is not read");
        goto out;
    }
    if (!file_is_private(r, path, &st)) {
        goto out;
    }
    f.device = st.st_dev;
    f.inode = st.st_ino;
    size = (size_t)st.st_size;
    text = file_text(r, path, fd, size, &len);
    if (text == NULL) {
        complain(r, path, 0, "cannot be read: ", strerror(errno));
        goto out;
    }
    read_text(r, &f, text, len);
out:
    file_text_free(text, size);
    close(fd);
}

/* shown: the pattern as messages may have it. */
static void read_pattern(struct reader *r, const struct frame *outer, unsigned line,
                         const char *pattern, const char *shown)
{
    struct found_files found;
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
    if (!r->beyond && outer != NULL && r->includes++ == INCLUDE_COUNT_MAX) {
        go_beyond(r, path, line, "more than 1000 includes");
    }
    if (r->beyond) {
        return;
    }
    const char *why = file_glob(pattern, &r->looks, &found);
    if (why == NULL && found.count == 0) {
        /* A plain name: open(2) tells more than looking for it does. */
        if (outer == NULL && strpbrk(pattern, "*?[\\") == NULL) {
            read_file(r, outer, line, pattern);
        } else {
            complain(r, path, line, outer == NULL ? "no file matches the pattern"
                     : "no file matches the pattern after include: ", outer == NULL ? "" : shown);
        }
    }
    for (size_t i = 0; i < found.count && !r->beyond; i++) {
        read_file(r, outer, line, found.paths[i]);
    }
    if (why != NULL && r->looks == 0) {
        go_beyond(r, path, line, why);
    } else if (why != NULL) {
        complain(r, path, line, "the pattern cannot be expanded: ", why);
    }
    found_files_free(&found);
}

/* Not part of file_read, whose frame is not wiped. */
__attribute__((noinline)) static void read_all(struct reader *r, const char *pattern)
{
    read_pattern(r, NULL, 0, pattern, pattern);
}

void file_read_watched(struct store *store, const char *pattern, bool insecure, const struct log *log,
                       struct file_counts *counts, file_seen *seen, void *context)
{
    struct reader r = {
        .store = store, .log = log, .counts = counts, .seen = seen, .context = context, .looks = FILE_LOOKS_MAX,
        .work = { .iterations = PEM_WORK_OF_LOAD, .checks = KEY_CHECKS_OF_LOAD }, .insecure = insecure
    };
    *counts = (struct file_counts){ 0 };
    read_all(&r, pattern);
    stack_wipe();
}

void file_read(struct store *store, const char *pattern, bool insecure, const struct log *log,
               struct file_counts *counts)
{
    file_read_watched(store, pattern, insecure, log, counts, NULL, NULL);
}
