/*
 * The UDP sockets of IKE, one for each of our addresses [P7].
 *
 * plutod opens them and keeps them open, so that a new ike-negotiate gets the very same ones; it
 * never reads from them. Not for: choosing an address for a peer (the connection says it).
 */
#ifndef PLUTOD_LISTEN_H
#define PLUTOD_LISTEN_H

#include "address.h"

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct setup;
struct supervisor;

struct listen_socket {
    struct address address;
    uint16_t port;
    char name[16];
    int fd;
    double missing;         /* since when its address is gone (the loop's time); 0: it is there */
};

struct listener {
    struct listen_socket *sockets; /* owned */
    size_t count;
    ev_io changes;          /* the kernel says that addresses or interfaces changed */
    ev_timer settle;        /* then they are looked at a little later, all at once */
    bool watching;
};

/*
 * Finds our addresses, opens and closes what changed, tells the core and ike-negotiate. False: there are
 * addresses, and none of them can be listened on.
 */
bool listen_discover(struct supervisor *s, uint64_t client);
/* The words of --interface, with commas; "" if there are none. */
void listen_only(const struct setup *setup, char *out, size_t size);
void listen_close_all(struct supervisor *s);
/* From now on what comes and goes is noticed without whack, while we listen [W2]. */
void listen_watch(struct supervisor *s);
/* All of them to an ike-negotiate that has just begun. */
void listen_hand_all(struct supervisor *s);
void listen_free(struct supervisor *s);

#endif
