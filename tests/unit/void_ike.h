/* Outputs of an ike-negotiate's core that has neither a kernel-sa nor secrets (ike.h). */
#ifndef VOID_IKE_H
#define VOID_IKE_H

#include "ike-negotiate/ike.h"

struct buffer *void_kernel_sa(void *context);
struct buffer *void_worker(void *context, uint64_t worker);
void void_send(void *context, const struct path *path, const uint8_t *bytes, size_t len);

#endif
