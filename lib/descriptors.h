/*
 * Bytes of a Unix socket, and the descriptors that were sent with them (SCM_RIGHTS, unix(7)).
 *
 * Not for: which of them is wanted, and sending them (channel.h).
 */
#ifndef LIB_DESCRIPTORS_H
#define LIB_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define DESCRIPTORS_MAX 4

struct descriptors {
    size_t count;
    int fd[DESCRIPTORS_MAX]; /* the caller's to close; close-on-exec */
    bool cut;                /* more came: the kernel closed those */
};

/* As recv(2) without waiting; none came unless the result is above 0. */
ssize_t descriptors_receive(int socket, void *bytes, size_t size, struct descriptors *d);

#endif
