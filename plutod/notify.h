/*
 * What a service manager is told [P10]: datagrams to the socket that NOTIFY_SOCKET names, as in
 * sd_notify(3): a path or, after an @, an abstract name.
 *
 * Not for: the log, and whack.
 */
#ifndef PLUTOD_NOTIFY_H
#define PLUTOD_NOTIFY_H

#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    struct sockaddr_un address;
    socklen_t len; /* 0: nobody wants to be told */
};

/*
 * Takes the name out of the environment, so that no child can speak for us. Returns NULL, or why it
 * is no name (static text): then nobody is told.
 */
const char *notify_take(struct notify *n);

/*
 * text: lines KEY=VALUE. Returns 0, or an errno. Waits for a manager that does not read for so many seconds
 * at most.
 */
int notify_send(const struct notify *n, const char *text, unsigned seconds);

#endif
