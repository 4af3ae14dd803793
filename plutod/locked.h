/*
 * Sets of key files, by name: those that a worker of secrets waits for a passphrase for, and those that it has opened.
 *
 * Not for: what is done about them (question.h, hand.h).
 */
#ifndef PLUTOD_LOCKED_H
#define PLUTOD_LOCKED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#define LOCKED_MAX 1000u /* key files of one worker: it reads no more files */
#define HAND_TRIES 3u    /* sockets of other workers that are tried for one: a liar is not the end */

struct locked_file {
    bool stuck;            /* no worker has a socket that opens it: a person has to be asked */
    uint32_t below;        /* those with higher numbers have been asked already */
    unsigned tries;
    ino_t tried[HAND_TRIES]; /* sockets: several workers have the same one */
    UT_hash_handle hh;
    char name[];
};

struct locked_file *locked_find(struct locked_file *set, const char *name); /* NULL: it is not in it */
bool locked_add(struct locked_file **set, const char *name); /* false: no memory */
void locked_drop(struct locked_file **set, struct locked_file *f);
void locked_move(struct locked_file **from, struct locked_file **to, struct locked_file *f);
unsigned locked_count(const struct locked_file *set);

#endif
