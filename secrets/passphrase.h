/*
 * Passphrases of key files that ipsec.secrets names with %prompt [K1]: by hand asked for at the terminal, else plutod
 * passes on what whack was given.
 *
 * What comes from plutod is a socket with one message, the passphrase, which is looked at and left there: each worker
 * has the same socket, and keeps the one that opened a key as long as it lives, so that others can have it from here.
 * Whatever else it is harms nobody: nothing is waited for. Not for: who is asked, and how often
 * (plutod/question.h, plutod/hand.h).
 */
#ifndef SECRETS_PASSPHRASE_H
#define SECRETS_PASSPHRASE_H

#include "bounds.h"
#include "channel.h"
#include "log.h"
#include "record.h"
#include "store.h"

/* By hand. NULL, or why there is none (static text). The caller wipes it. */
const char *passphrase_read(const char *prompt, char out[PASSPHRASE_MAX + 1]);
/* By hand: opens one key file, or all that wait; what does not open is told on stderr. */
void passphrase_ask(struct store *s, const char *path);
void passphrase_ask_all(struct store *s);

/* For plutod: a record `locked` for each key file that waits. */
void passphrase_list(const struct store *s, struct buffer *out);
/*
 * plutod's record `passphrase`, with its descriptor (taken); the answer goes to `out`. A `fail` with the code
 * REPLY_SECRET_WANTED: it was the wrong one, ask again.
 */
void passphrase_take(struct store *s, const struct record *r, int fd, struct buffer *out);
/* plutod's record `hand-on`: the socket of passphrase_take, for another worker; it is kept here, too. */
void passphrase_hand_on(const struct store *s, const struct record *r, struct channel *plutod);

#endif
