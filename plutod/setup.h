/*
 * plutod's command line [P1] [P2] [P9]: what it says, checked.
 *
 * Not for: whether the machine agrees (a file that is not there, a port in use).
 */
#ifndef PLUTOD_SETUP_H
#define PLUTOD_SETUP_H

#include "identity.h"
#include "option_reader.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SETUP_INTERFACES 64

enum setup_result {
    SETUP_RUN,
    SETUP_HELP,     /* --help or --version was printed: exit 0 */
    SETUP_WRONG     /* why was printed on stderr: exit 1 */
};

struct setup {
    bool nofork;
    bool stderrlog;
    bool uniqueids;
    bool insecure_secretsfile;
    bool perpeerlog;
    const char *perpeerlogbase;
    const char *ctlbase;
    const char *secretsfile;
    const char *dnskey;     /* --adns, --lwdnsq; NULL: the one beside the other tools */
    const char *interfaces[SETUP_INTERFACES]; /* none: all */
    unsigned interface_count;
    uint16_t ikeport;
    unsigned workers;       /* secrets processes; 0: one a core */
    unsigned updown_timeout; /* seconds */
    bool has_myid;
    struct identity myid;
    unsigned classes;       /* debug classes */
    mode_t umask;           /* that plutod was started with: updown scripts get it; set by main */
    struct option_reader reader; /* owns what the pointers point into */
    char *absolute[4];      /* owned: paths that were relative, for a daemon that leaves the folder */
};

/* Prints what a person must know. Call setup_free whatever came of it. */
enum setup_result setup_parse(struct setup *s, int argc, char **argv);
void setup_free(struct setup *s);

#endif
