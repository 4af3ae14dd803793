/*
 * Folders in which others could put another file in the place of one with secrets [K4]: a doubt of --lint.
 *
 * Such a file would be theirs, and so refused (file_rights.c); but what is missing may be as bad as what is wrong, and
 * --insecure-secretsfile takes what is theirs.
 */
#ifndef SECRETS_LINT_FOLDER_H
#define SECRETS_LINT_FOLDER_H

#include "log.h"

#include <stddef.h>

struct lint_folder;

struct lint_folders {
    const struct log *log;
    struct lint_folder *seen; /* owned, by path */
    size_t doubts;
};

/* The folders above this file, each once. */
void lint_folders_above(struct lint_folders *f, const char *path);
void lint_folders_free(struct lint_folders *f);

#endif
