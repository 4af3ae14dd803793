/*
 * Between connection.c, connection_ends.c and connection_checks.c only: what the steps of connection_form_make share.
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

/* The families, and all of form->end. Of words that are right, those that are not supported yet are refused. */
bool making_ends(const struct making *m);

/* What must, or must not, stand together [W3]. */
bool making_checks(const struct making *m);
#endif
