/*
 * Opening the UDP sockets of IKE: bound to one address, past our own IPsec policies, with ICMP
 * errors on the error queue.
 *
 * Used by plutod, and by ike-negotiate by hand; a running ike-negotiate is handed the descriptor and
 * may set no option. Not for: reading and sending (ike-negotiate/sockets.h).
 */
#ifndef LIB_UDP_H
#define LIB_UDP_H

#include "address.h"

/* A non-blocking descriptor, or -1 with errno set and *why naming the step (static text). */
int udp_open(const struct address *local, uint16_t port, const char **why);

#endif
