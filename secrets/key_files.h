/*
 * The key files that entries with %prompt name, by their paths: what their keys are opened from when the passphrase comes, and
 * afterwards the key, and the socket in which the passphrase lies.
 *
 * Not for: whose they are (store.h).
 */
#ifndef SECRETS_KEY_FILES_H
#define SECRETS_KEY_FILES_H

#include "rsa.h"

#include <stdbool.h>
#include <stddef.h>
#include <uthash.h>

#define KEY_SOCKETS_MAX 500u /* that are kept, and no more than half of the descriptors that we may have */

struct key_file {
    char *path; /* owned */
    char *text; /* owned; NULL: its key is open */
    size_t len;
    struct rsa_key *key; /* owned, once it is open; of all entries with it, however many */
    int socket; /* owned: the passphrase that opened it lies in it; -1: none is kept */
    UT_hash_handle hh;
};

struct key_files {
    struct key_file *first; /* in the order in which they came */
    size_t sockets;         /* that are kept, */
    size_t most;            /* and that may be */
};

void key_files_init(struct key_files *all); /* before the sandbox is entered: asks for our limits */

struct key_file *key_files_find(const struct key_files *all, const char *path); /* NULL: it is not there */
/* One that is not there yet; copies path and text. NULL: no memory. */
struct key_file *key_files_add(struct key_files *all, const char *path, const char *text, size_t len);
void key_files_drop(struct key_files *all, struct key_file *k);
void key_files_free(struct key_files *all); /* wipes, and closes the sockets */

void key_file_forget_text(struct key_file *k); /* wipes it */
/* Takes fd; one that is not kept is closed. */
void key_files_keep_socket(struct key_files *all, struct key_file *k, int fd);

#endif
