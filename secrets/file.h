/*
 * Reading ipsec.secrets [K1]-[K4]: files, includes, permissions, entries, key files.
 *
 * As root, before the sandbox, and in a time that is bounded, whatever stands in them: what is beyond a limit is an error, and the
 * rest is used.
 *
 * Nothing of a file's text ever gets into a message, but for names of hosts. Not for: choosing a secret (store.h)
 * and looking names up (names.h).
 */
#ifndef SECRETS_FILE_H
#define SECRETS_FILE_H

#include "log.h"
#include "store.h"

#define FILE_SIZE_MAX ((size_t)4 << 20)   /* one file */
#define FILE_TOTAL_MAX ((size_t)16 << 20) /* all together */
#define FILE_COUNT_MAX 1000u              /* files that are opened: those that are refused, too, and an included one each time */
#define INCLUDE_COUNT_MAX 1000u
#define FILE_LOOKS_MAX 100000u            /* files and folders that patterns of includes lead to: a second's work */
#define FILE_LOOKS_TEXT "100000"
#define FILE_NESTING_MAX 10u              /* includes within each other */
#define FILE_ERRORS_SHOWN 100u
#define KEY_FILE_SIZE_MAX ((size_t)64 << 10)
#define KEY_FILE_FOLDER "/etc/ipsec.d/private/" /* where names of key files begin [K1] */

struct file_counts {
    size_t files;
    size_t psk;     /* entries that are in the store now */
    size_t rsa;
    size_t locked;  /* in the store too: their passphrase is to be asked for */
    size_t errors;
};

/*
 * Reads every file that matches the pattern into the store. What is wrong is said by log_serious
 * and counted, and everything else is used. insecure: permissions are not looked at [K4].
 */
void file_read(struct store *store, const char *pattern, bool insecure, const struct log *log,
               struct file_counts *counts);

/* The same, and tells of each file whose text is taken, whatever it is. */
typedef void file_seen(void *context, const char *path);
void file_read_watched(struct store *store, const char *pattern, bool insecure, const struct log *log,
                       struct file_counts *counts, file_seen *seen, void *context);

#endif
