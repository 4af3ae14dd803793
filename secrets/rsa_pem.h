/*
 * RSA keys as PEM text: PKCS #1 and PKCS #8, encrypted or not.
 *
 * Not for: files and their rights (file.h).
 */
#ifndef SECRETS_RSA_PEM_H
#define SECRETS_RSA_PEM_H

#include "buffer.h"
#include "rsa.h"

/*
 * The private RSA key in the text, whatever else stands there: certificates, public keys, keys of other algorithms. Of several, or
 * of one beside another that may be one, none is taken. passphrase: NULL if there is none. NULL, or why not (static text):
 * one that is encrypted and has no passphrase, or a wrong one, is told apart from one that is damaged
 * or of another algorithm. The caller frees *key.
 *
 * *work: what may still be spent; what this one costs is taken off, or it is refused. NULL: no more than one key may
 * have, PEM_WORK_OF_KEY.
 */
const char *rsa_pem_read(struct rsa_key **key, const char *text, size_t len, const char *passphrase, struct key_work *work);

/* Without a suffix, since messages have them as text. */
#define PEM_WORK_OF_KEY 2000000  /* iterations: more than anybody advises today, a second or so */
#define PEM_WORK_OF_LOAD 5000000 /* of all key files that are read together: some seconds */

/* Is this the reason that there was no passphrase? Or that it was the wrong one, so that another may do? */
bool rsa_pem_needs_passphrase(const char *why);
bool rsa_pem_needs_another(const char *why);

/* PKCS #8, or the public part alone (SubjectPublicKeyInfo). False: no memory. */
bool rsa_pem_write(struct buffer *out, const struct rsa_key *key, bool private);

#endif
