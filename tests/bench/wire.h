/*
 * One UDP socket that speaks from thousands of addresses (IP_PKTINFO), for the load generators.
 *
 * The addresses need not be on an interface: a local route to them is enough. IPv4 only.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include "ike-negotiate/ike.h"

#define WIRE_BATCH 64

struct wire {
    int fd;
    uint16_t port;
    uint64_t refused; /* datagrams that the kernel did not take */
};

/* False: errno says why. */
bool wire_open(struct wire *w, uint16_t port);
void wire_close(struct wire *w);
void wire_send(struct wire *w, const struct path *path, const uint8_t *bytes, size_t len);

typedef void wire_taker(void *context, const struct path *path, const uint8_t *bytes, size_t len);

/* Hands out up to WIRE_BATCH datagrams that are there; returns how many. */
int wire_read(struct wire *w, wire_taker *take, void *context);

#endif
