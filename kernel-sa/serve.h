/*
 * Does what the core wants done: requests to the kernel, random words.
 *
 * Not for: when (loop.h).
 */
#ifndef KERNEL_SA_SERVE_H
#define KERNEL_SA_SERVE_H

#include "core.h"
#include "netlink.h"

/* Until the core wants nothing more. netlink NULL: each request is only said on stdout. */
void serve_core(struct core *core, struct netlink *netlink, uint64_t now);
void serve_random(struct core *core);

#endif
