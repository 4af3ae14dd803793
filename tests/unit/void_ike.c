#include "void_ike.h"

struct buffer *void_kernel_sa(void *context)
{
    (void)context;
    return NULL;
}

struct buffer *void_worker(void *context, uint64_t worker)
{
    (void)context;
    (void)worker;
    return NULL;
}

void void_send(void *context, const struct path *path, const uint8_t *bytes, size_t len)
{
    (void)context;
    (void)path;
    (void)bytes;
    (void)len;
}
