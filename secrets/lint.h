/*
 * Looking into ipsec.secrets for a person: what is wrong and what is doubtful (--lint), and which entry
 * is used between two identities (--match). Never shows a secret.
 *
 * Not for: reading it (file.h) and choosing (store.h).
 */
#ifndef SECRETS_LINT_H
#define SECRETS_LINT_H

#include "options.h"

/* Each returns the exit status. */
int lint(const struct options *o);
int match(const struct options *o);

#endif
