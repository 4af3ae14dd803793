/*
 * The command line of secrets(8).
 *
 * Not for: what its options do.
 */
#ifndef SECRETS_OPTIONS_H
#define SECRETS_OPTIONS_H

#include "rsa_text.h"
#include "standard.h"

#include <stdbool.h>
#include <stdint.h>

#define SECRETS_FILE "/etc/ipsec.secrets" /* for what a person looks into it for */

enum job { JOB_SERVE, JOB_LINT, JOB_MATCH, JOB_SHOW, JOB_GENERATE };

struct options { /* texts are argv's */
    enum job job;
    const char *file;
    int control_fd; /* -1: by hand */
    uint64_t worker;
    bool insecure;
    bool no_prompt;     /* as a child: passphrases are asked for by nobody */
    bool show_keys;     /* by hand: what is secret in answers is shown on a terminal, too */
    const char *what;   /* --match: our identity; --show: an identity or key file */
    const char *peer;   /* --match */
    const char *id;     /* NULL: not given */
    const char *out;    /* NULL: standard output */
    enum rsa_form form;
    bool private;       /* what is secret may be shown */
    unsigned bits;      /* --generate */
};

/* -1: go on; else it was said what is wrong, or what was asked for, and this is the exit status. */
int options_parse(struct options *o, int argc, char **argv);

#endif
