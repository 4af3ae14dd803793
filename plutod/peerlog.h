/*
 * Log files of peers [P6]: what the log says about a peer, once more in a file of its own, with time
 * stamps. BASE/10/9/0/2/10.9.0.2.log; of an IPv6 address every group is there:
 * BASE/2001/db8/0/0/0/0/0/1/2001:db8:0:0:0:0:0:1.log.
 *
 * Few files are open at a time, each for a minute at most, so that one that was renamed or removed is
 * made anew. A file that cannot be written is no reason to stop: that is told now and then, and the
 * file itself says what is missing in it. Below BASE no symbolic link is followed, and nothing is
 * written to but plain files of one name. Not for: which lines are about which peer, and who has a
 * file at all (keying_lines.c), and escaping (lines.h).
 */
#ifndef PLUTOD_PEERLOG_H
#define PLUTOD_PEERLOG_H

#include "address.h"

#include <stdbool.h>

#define PEERLOG_BASE "/var/log/pluto/peer"
#define PEERLOG_OPEN 16     /* files at a time */
#define PEERLOG_AGE 60      /* seconds that one stays open */
#define PEERLOG_PAUSE 10    /* seconds before one that failed is tried again */
#define PEERLOG_TELL 600    /* seconds between two messages that something is wrong */
#define PEERLOG_WHY 5000

struct peerlog;

/* base: borrowed. NULL: no memory. why: "", or what is in the way already, for the log. */
struct peerlog *peerlog_new(const char *base, char why[PEERLOG_WHY]);
void peerlog_free(struct peerlog *p);
/* One line of len bytes, escaped, without its newline. why: "", or what the log is to be told. */
void peerlog_add(struct peerlog *p, const struct address *peer, const void *line, size_t len,
                 char why[PEERLOG_WHY]);

/* "10/9/0/2/10.9.0.2.log" */
#define PEERLOG_PATH (2 * ADDRESS_TEXT + 16)
void peerlog_path(const struct address *peer, char out[PEERLOG_PATH]);

#endif
