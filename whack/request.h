/*
 * What one call of whack asks for: the forms of whack(8) [W1] [W8], read from the command line and
 * checked as far as whack alone can.
 *
 * Pure: no sockets, no files but those of --optionsfrom, names through the caller's resolver. Not
 * for: what the options of a connection mean (lib/connection.h).
 */
#ifndef WHACK_REQUEST_H
#define WHACK_REQUEST_H

#include "connection.h"
#include "option_reader.h"
#include "rsa_public.h"

struct request {
    struct option_reader reader;    /* owned: every word below points into it or into argv */
    unsigned forms;                 /* mask of enum option_form */
    bool stream;                    /* --optionsfrom -: each call on standard input is read by itself */
    const char *ctlbase;            /* never NULL */
    const char *label;              /* NULL: none */
    struct connection_words words;  /* its name is that of the other forms, too */
    struct connection_form form;    /* with FORM_CONNECTION */
    bool asynchronous;
    bool leave_state;               /* with FORM_SHUTDOWN */
    struct identity myid;           /* with FORM_MYID */
    struct identity keyid;          /* with FORM_KEY */
    bool addkey;
    size_t pubkey_len;              /* 0: it is to be fetched from DNS */
    uint8_t pubkey[RSA_PUBLIC_MAX]; /* in the layout of RFC 3110 */
    struct address from;            /* with FORM_EXPLAIN without a name */
    struct address to;
    bool json;                      /* with FORM_STATUS */
    uint64_t serial;                /* with FORM_DELETESTATE */
    unsigned classes;               /* with FORM_DEBUG: mask of enum debug_class (lib/log.h) */
};

/* A call on standard input, which takes the place of --optionsfrom -. */
struct request_input {
    char *text;     /* malloc'ed; request_read owns it from then on */
    unsigned line;  /* number of its first line */
};

/*
 * Reads the command line. input NULL: there is none; with --optionsfrom - only the options of every
 * call (ctlbase, label) and r->stream are to be used then. False: refused, see why; r->label is known even then, if it was given at
 * all. Free the request in any case.
 */
bool request_read(struct request *r, int argc, char *const *argv, const struct request_input *input,
                  connection_resolver *resolver, void *context, char why[CONNECTION_WHY]);
void request_done(struct request *r);

/* The first record to plutod; false: out is full. */
bool request_hello(struct buffer *out);
/* One record for each form, in the order of [W8]; false: out is full. */
bool request_records(struct buffer *out, const struct request *r);

#endif
