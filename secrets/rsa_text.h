/*
 * RSA keys as people pass them on: a command for whack, records of DNS, PEM, an entry of ipsec.secrets.
 *
 * Not for: reading them (rsa_pem.h, entry.h, lib/rsa_public.h).
 */
#ifndef SECRETS_RSA_TEXT_H
#define SECRETS_RSA_TEXT_H

#include "buffer.h"
#include "identity.h"
#include "rsa.h"

enum rsa_form { RSA_FORM_WHACK, RSA_FORM_DNS, RSA_FORM_IPSECKEY, RSA_FORM_TXT, RSA_FORM_PEM,
                RSA_FORM_SECRETS };

bool rsa_form_named(enum rsa_form *form, const char *word);

/* May a record of this form stand at this name? NULL, or what it is that no name in DNS has (static text). */
const char *rsa_text_owner(enum rsa_form form, const struct identity *id);

/*
 * id NULL: it is not known whose key it is. The private part only if `private`, in the forms that can
 * have it. NULL, or why not (static text).
 */
const char *rsa_text(struct buffer *out, const struct rsa_key *key, enum rsa_form form,
                     const struct identity *id, bool private);

#endif
