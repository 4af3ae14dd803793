/*
 * Run by hand: refusals are said on stderr too, so that a person and a pipeline see them.
 *
 * Not for: reading records (loop.h).
 */
#ifndef KERNEL_SA_HAND_H
#define KERNEL_SA_HAND_H

#include "core.h"

#include "lib/buffer.h"

/* Looks through what is to be written from *told on. True: something was refused. */
bool hand_tell_refusals(const struct buffer *out, size_t *told);

/* At the end of input: says what came but led to nothing. True: there is such. */
bool hand_tell_unfinished(const struct core *core);

/*
 * From now on SIGINT, SIGTERM and SIGHUP only make the descriptor that is returned readable, so that
 * there is time to remove half a tunnel. -1: errno says why.
 */
int hand_signals(void);
/* All is removed: forgets those that came; from now on they end us again. fd: -1 is allowed. */
void hand_let_signals(int fd);

#endif
