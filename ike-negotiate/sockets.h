/*
 * The UDP sockets that plutod opened and handed over: reading, sending, ICMP errors.
 *
 * Never opens one and sets no option: seccomp forbids both. Not for: what the datagrams say.
 */
#ifndef SOCKETS_H
#define SOCKETS_H

#include "hub.h"
#include "ike.h"

struct udp_socket {
    struct hub_watch watch;
    int fd; /* owned */
    struct address local;
    uint16_t port;
    uint64_t error_second; /* bound on lines about ICMP errors, which can be forged */
    unsigned errors;
    struct udp_socket *next;
};

typedef void sockets_taker(void *context, const struct path *path, const uint8_t *bytes,
                           size_t len);

/* Reads up to a bound of datagrams; ICMP errors are logged with what the kernel tells [P8]. */
void sockets_read(struct udp_socket *s, const struct log *log, sockets_taker *take, void *context);
void sockets_send(struct udp_socket *sockets, const struct log *log, const struct path *path,
                  const uint8_t *bytes, size_t len);

#endif
