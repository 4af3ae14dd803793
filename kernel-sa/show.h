/*
 * What `kernel-sa --list` prints: the kernel's SAs and policies for a person.
 *
 * Keys are not even read. Not for: programs (`ip -s xfrm state` says it all).
 */
#ifndef KERNEL_SA_SHOW_H
#define KERNEL_SA_SHOW_H

#include "kernel.h"

/* Adds a few lines. `now`: seconds since 1970. */
void show_sa(struct buffer *out, const struct kernel_sa *sa, uint64_t now);
void show_policy(struct buffer *out, const struct kernel_policy *p);

#endif
