/*
 * Where log lines go [P5]: syslog (authpriv), or stderr; and files of peers (peerlog.h). Everything is
 * escaped here, and only here.
 *
 * Nothing here ever waits: what the reader does not take is kept, up to LINES_WAITING bytes; lines
 * beyond are lost, and how many is said where they are missing. The owner calls lines_flush once a
 * turn, and when lines_fd can be written to. syslog(3) would wait, so its datagrams are sent from
 * here (RFC 3164, 4.1; glibc's form of it). Not for: what a line says.
 */
#ifndef PLUTOD_LINES_H
#define PLUTOD_LINES_H

#include "log.h"

#include <stdbool.h>

#define LINES_WAITING (256u * 1024)
#define LINES_SYSLOG "/dev/log"

struct waiting_line;
struct peerlog;

struct lines {
    int fd;                 /* -1: syslog's socket is not connected */
    bool owned;             /* fd was opened here */
    bool socket;            /* fd is one */
    bool journal;           /* fd is systemd's: a line begins with its priority (sd-daemon(3)) */
    bool polled;            /* fd would block: it is asked first */
    const char *syslog;     /* its socket's path; NULL: not to syslog. Borrowed. */
    int64_t again;          /* seconds of the clock: no new connection to syslog before */
    struct waiting_line *waiting; /* owned, in order */
    size_t bytes;           /* of those */
    size_t written;         /* of the first one */
    unsigned long lost;     /* after them */
    struct peerlog *peers;  /* owned; NULL: peers have no files of their own */
};

/* fd: stderr, borrowed; its flags, which others share, stay as they are. -1: to syslog at that path. */
void lines_init(struct lines *l, int fd, const char *syslog);
void lines_free(struct lines *l); /* what the reader does not take now is lost */

/* From now on lines about a peer go to a file of his own as well, below base (borrowed) [P6]. */
void lines_peers(struct lines *l, const char *base);

/* One line: prefix and text; peer: NULL, or whose file it goes to, too. Debug lines begin with "| ". */
void lines_add(struct lines *l, enum log_level level, const struct address *peer, const char *prefix,
               const char *text);
__attribute__((format(printf, 3, 4)))
void lines_print(struct lines *l, enum log_level level, const char *format, ...);

void lines_flush(struct lines *l);
int lines_fd(const struct lines *l); /* to be waited for until it can be written to; -1: none */

#endif
