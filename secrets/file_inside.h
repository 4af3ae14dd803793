/*
 * What reading ipsec.secrets and reading its key files have in common. Only for file*.c, and keys.c.
 */
#ifndef SECRETS_FILE_INSIDE_H
#define SECRETS_FILE_INSIDE_H

#include "entry.h"
#include "file.h"

struct reader {
    struct store *store;
    const struct log *log;
    struct file_counts *counts;
    size_t total; /* bytes so far */
    uint64_t work; /* that opening key files may still be */
    bool insecure;
    const char *entry_path; /* where the entry stands whose key file is looked at; NULL: it is no entry's */
    unsigned entry_line;
};

/* line 0: none. `more` is shown behind what; of the inside of a file it is at most a name or a pattern. */
void complain(struct reader *r, const char *path, unsigned line, const char *what, const char *more);
/* With the command that mends it: the path as a shell takes it. */
void complain_permissions(struct reader *r, const char *path, unsigned mode);

/* ---- file_text.c ---- */

struct stat;

/* NULL, or why a file is not read at all: its kind, its size (above `most`: too_large), or what was read before. */
const char *file_limits(const struct reader *r, const struct stat *st, size_t most, const char *too_large);
/* The file's text, counted as read; room for one byte more. NULL: errno says why. The caller gives it back. */
char *file_text(struct reader *r, int fd, size_t size, size_t *len);
void file_text_free(char *text, size_t size); /* wipes; NULL is allowed */

struct key_text {
    bool there;     /* there is a file of this name */
    char *text;     /* owned: file_text_free(text, size) */
    size_t size;
    size_t len;
};

/*
 * The text of a key file, whose rights are looked at [K4]. False, and *why is why not (static text, or an error's); NULL:
 * that was said.
 */
bool key_text_read(struct reader *r, const char *path, struct key_text *t, const char **why);

/* ---- file_key.c ---- */

/* The RSA key of an entry of the file at `path` into the store, or says why not. */
void add_key(struct reader *r, const char *path, const struct entry *e);

#endif
