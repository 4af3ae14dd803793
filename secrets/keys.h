/*
 * Making RSA keys, and showing them (--generate, --show).
 *
 * Nothing private goes to a terminal, or into a file that others can read, unless that is asked for.
 * Not for: what the forms look like (rsa_text.h).
 */
#ifndef SECRETS_KEYS_H
#define SECRETS_KEYS_H

#include "options.h"

/* Each returns the exit status. */
int keys_generate(const struct options *o);
int keys_show(const struct options *o);

#endif
