/*
 * What an updown script is given [C7]: its words and its environment, made of a connection.
 *
 * Everything is copied, so a connection may change or go while its script waits. The value of
 * --updown is split into words here, at blanks, with "..." and '...' grouping; no shell sees it, and
 * nothing in it is replaced. Not for: when it runs (routing.h) and running it (runner.h).
 */
#ifndef PLUTOD_SCRIPT_H
#define PLUTOD_SCRIPT_H

#include "conn.h"

struct script_job {
    uint64_t id;
    char verb[24];              /* up-client-v6 */
    char label[CONN_LABEL];     /* for the log */
    struct address peer;        /* whom it is about */
    struct subnet peer_client;  /* one script at a time for one of these */
    char **words;               /* owned, NULL ended; at least one */
    char **environment;         /* owned, NULL ended; one piece of memory with its texts */
    struct script_job *prev, *next; /* of whoever has it */
};

/* action: prepare, route, unroute, up, down. NULL: no memory. */
struct script_job *script_job_new(const struct keying *k, const struct conn *c, const char *action,
                                  uint64_t id);
void script_job_free(struct script_job *job);

/* NULL ended, owned by the caller (script_words_free); NULL: no memory. */
char **script_words(const char *value);
void script_words_free(char **words);

#endif
