/*
 * Run by hand: refusals are said on stderr too, so that a person and a pipeline see them.
 *
 * Not for: reading records (loop.h).
 */
#ifndef KERNEL_SA_HAND_H
#define KERNEL_SA_HAND_H

#include "core.h"

#include "lib/channel.h"

/* Looks through what is to be written from *told on. True: something was refused. */
bool hand_tell_refusals(const struct buffer *out, size_t *told);

/*
 * At the end of input: says what came but led to nothing, and waits until all is written. True:
 * something is unfinished, or could not be written.
 */
bool hand_finish(const struct core *core, struct channel *c);

#endif
