/*
 * `secrets` as a child of plutod, or by hand: the event loop between channels and the core.
 *
 * Everything is opened, read and allocated before; what runs here is inside the sandbox. Not for:
 * options and the sandbox (main.c).
 */
#ifndef SECRETS_DAEMON_H
#define SECRETS_DAEMON_H

#include "channel.h"
#include "core.h"

struct daemon;
struct file_counts;

/*
 * Over plutod's channel, on which hello and whatever else was written already; channels to the
 * negotiator and to kernel-sa come by it. Takes the channel, also on failure; in the store (borrowed, as what was counted
 * when it was read), keys are opened when their passphrase comes, and names of hosts get their addresses. NULL: errno
 * says why.
 */
struct daemon *secrets_daemon_new(struct channel *control, struct core *core, struct store *store,
                                  struct file_counts *counts, struct log *log, uint64_t worker);
/*
 * By hand: one channel for all. The records come from everybody, the answers go to everybody. redact: somebody looks at
 * them, so what is secret in them is shown as <N bytes>.
 */
struct daemon *secrets_daemon_new_by_hand(struct channel *all, struct core *core, struct store *store,
                                          struct log *log, bool redact);
/*
 * Until plutod (the input) is gone: 0. A record of plutod was wrong: 111. By hand: 1 if one was, 111 if
 * not all answers could be written; stderr then says why.
 */
int secrets_daemon_run(struct daemon *d);
void secrets_daemon_free(struct daemon *d);

#endif
