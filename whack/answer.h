/*
 * plutod's question for a passphrase (a line 040): asked of the user at his terminal, without echo, and answered over a
 * connection of its own.
 *
 * plutod gets a socket in which the passphrase lies, and hands it on unread; it is in no record. Here it is in locked
 * memory, for as long as it takes, and is wiped. Whoever has no terminal, types nothing in time or presses enter alone has
 * none, which plutod is told. The prompt is left at once when plutod has finished with the request that it was for, or has
 * gone. Not for: what is asked, and how often (plutod/question.h).
 */
#ifndef WHACK_ANSWER_H
#define WHACK_ANSWER_H

#include "request.h"

#include <stddef.h>
#include <sys/un.h>

/* line: of the code 040, which came over `connection` from this plutod. What goes wrong is told on stderr. */
void answer_question(const struct request *r, const struct sockaddr_un *plutod, int connection, const char *line,
                     size_t len);

#endif
