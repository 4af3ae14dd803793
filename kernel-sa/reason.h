/*
 * A refusal of the kernel, for a person: what was wanted, the kernel's own words, what to do.
 *
 * Not for: deciding whether a refusal matters (core.h).
 */
#ifndef KERNEL_SA_REASON_H
#define KERNEL_SA_REASON_H

#include "kernel.h"

/* A sentence without newline and without keys. result->error is not 0. */
void kernel_reason(struct buffer *out, const struct kernel_request *request,
                   const struct kernel_result *result);

/* Why a socket of NETLINK_XFRM could not be opened, and what to do. */
void kernel_reason_socket(struct buffer *out, int error);

#endif
