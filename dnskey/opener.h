/*
 * A second process of dnskey, which opens resolv.conf and hosts for the one that speaks with the network.
 *
 * That one has no file system (an empty root, no open(2)), and files are replaced while it runs. This one has
 * no sockets but the one to it; asked by a byte, it looks whether one of the two files has changed, and sends it
 * as an open descriptor. It reads nothing of what is in them, nor what the other one says. It ends with the other
 * one's end of the socket. Not for: what the files say (files.h), and when to look (loop.h).
 */
#ifndef DNSKEY_OPENER_H
#define DNSKEY_OPENER_H

#include <stdbool.h>
#include <stddef.h>

#define OPENER_TEXT_MAX (4u << 20) /* bytes of a file that are read; what is behind them is not known */

enum opener_file { OPENER_RESOLV_CONF, OPENER_HOSTS, OPENER_FILES };

/*
 * Begins it, before the sandbox is entered. Of the descriptors from 3 on it keeps none. Returns our end of the
 * socket, or -1: errno.
 */
int opener_begin(bool by_hand);

bool opener_ask(int fd); /* false: it is gone */

struct opener_text {
    bool changed;   /* since it was sent last */
    char *bytes;    /* NULL: there is no such file. The caller's to free */
    size_t len;
    bool cut;       /* it is longer than OPENER_TEXT_MAX */
    int error;      /* not 0: it is there, but cannot be read: an errno */
};

/* What it says. 1: that; 0: nothing yet; -1: it is gone, or there is no memory (errno). */
int opener_hear(int fd, struct opener_text files[OPENER_FILES]);

#endif
