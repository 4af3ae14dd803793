/*
 * Between connection.c and connection_ends.c only: what the steps of connection_form_make share.
 */
#ifndef LIB_CONNECTION_MAKING_H
#define LIB_CONNECTION_MAKING_H

#include "connection.h"

struct making {
    struct connection_form *form;
    const struct connection_words *words;
    connection_resolver *resolver;
    void *context;
    char *why; /* CONNECTION_WHY */
};

/* Writes the sentence; always false. */
bool making_refuse(const struct making *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The families, and all of form->end. */
bool making_ends(const struct making *m);

#endif
