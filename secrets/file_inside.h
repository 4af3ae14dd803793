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
    file_seen *seen; /* NULL: nobody is told */
    void *context;
    size_t total;    /* bytes so far */
    size_t opened;   /* files, so far */
    size_t includes; /* so far */
    size_t looks;    /* that may still be had (file_glob) */
    size_t weak;     /* keys, so far */
    bool beyond;     /* no include is read any more */
    struct key_work work;
    bool insecure;
    const char *entry_path; /* where the entry stands whose key file is looked at; NULL: it is no entry's */
    unsigned entry_line;
};

/* line 0: none. `more` is shown behind what; of the inside of a file it is at most a name or a pattern. */
void complain(struct reader *r, const char *path, unsigned line, const char *what, const char *more);

struct stat;

/* ---- file_rights.c ---- */

/* Is it ours or root's, and nobody else's to read or write [K4]? If not, that is said, with the command that mends it. */
bool file_is_private(struct reader *r, const char *path, const struct stat *st);
/* Is it somebody else's? He may change it, whatever its mode says, and read it. */
bool owned_by_others(const struct stat *st);
/* The command with the path, as a shell takes it, NUL ended; the caller wipes. "it": no memory. */
const char *command_for(struct buffer *out, const char *command, const char *path);

/* ---- file_glob.c ---- */

struct found_files {
    char **paths; /* owned, sorted */
    size_t count;
    size_t cap;
};

/*
 * What matches a shell pattern. Each file and folder that is looked at on the way is taken off *looks. NULL, or why not all
 * was found (static text). The caller gives back what was found: found_files_free.
 */
const char *file_glob(const char *pattern, size_t *looks, struct found_files *found);
void found_files_free(struct found_files *f);

/* ---- file_text.c ---- */

/* Its descriptor, counted as opened; -1: *why is why not (static text, or an error's). Whoever writes into a pipe is not waited for. */
int file_open(struct reader *r, const char *path, struct stat *st, const char **why);
/* NULL, or why a file is not read at all: its kind, its size (above `most`: too_large), or what was read before. */
const char *file_limits(const struct reader *r, const struct stat *st, size_t most, const char *too_large);
/* The file's text, counted as read, which is told; room for one byte more. NULL: errno says why. The caller gives it back. */
char *file_text(struct reader *r, const char *path, int fd, size_t size, size_t *len);
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
