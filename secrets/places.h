/*
 * All identities of all entries, so that those with the same one are found together.
 *
 * Only for store_pairs.c and shadow.c.
 */
#ifndef SECRETS_PLACES_H
#define SECRETS_PLACES_H

#include "store.h"

struct place { /* one identity of one entry */
    const struct index *index; /* NULL: the entry has none */
    size_t entry;
    size_t number; /* of the identity in the entry */
    size_t run; /* where those begin that are equal to it, of entries of its kind */
    bool rsa;
};

struct places {
    size_t count;
    struct place *sorted;   /* equal ones one after the other, in the order of their entries; %any and %any6 are equal */
    size_t *run_len;        /* of the run that begins at this place */
    size_t *run_of;         /* the runs of an entry's identities, in their order, from .. */
    size_t *first;          /* .. here on; one if it has none */
};

bool places_make(struct places *p, const struct store *s); /* false: no memory */
void places_free(struct places *p);

/* Is it among the first `before` identities? */
bool secret_has_index(const struct secret *s, const struct index *index, size_t before);

#endif
