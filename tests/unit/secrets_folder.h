/*
 * A folder of its own with secrets files in it, which is the current one, and what was read from them and said of it.
 * For tests of secrets' files. Not for: secrets that are only used (secrets_side.h).
 */
#ifndef TESTS_SECRETS_FOLDER_H
#define TESTS_SECRETS_FOLDER_H

#include "secrets/file.h"

struct secrets_folder {
    char path[64];
    struct store *store;
    struct buffer lines; /* log records */
    struct log log;
    struct file_counts counts;
};

void secrets_folder_begin(struct secrets_folder *f);
void secrets_folder_end(struct secrets_folder *f);
/* The same as a test's set-up and tear-down. */
int secrets_folder_set_up(void **state);
int secrets_folder_tear_down(void **state);

/* A file that only its owner may read. */
void secrets_put(const char *name, const char *text);
void secrets_put_bytes(const char *name, const char *bytes, size_t len);

void secrets_read(struct secrets_folder *f); /* a fresh store, from the file `s` */
void secrets_read_as(struct secrets_folder *f, bool insecure);
/* The same as secrets_read; expects so many entries, and that this alone was wrong (NULL: nothing was). */
void secrets_reads(struct secrets_folder *f, size_t psk, size_t rsa, const char *said);
void secrets_expect(const struct secrets_folder *f, const char *text); /* was said, as records have it */
bool secrets_said(const struct secrets_folder *f, const char *text);

#endif
