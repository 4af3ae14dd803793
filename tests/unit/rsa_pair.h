/*
 * Two cores of secrets that prove themselves by RSA signatures: 10.9.0.1 (exchange 1) initiates to 10.9.0.2
 * (exchange 7). For whoever looks at what is signed, and by which keys it is checked.
 */
#ifndef TESTS_RSA_PAIR_H
#define TESTS_RSA_PAIR_H

#include "rsa_keys.h"
#include "secrets_side.h"

#define SA "0000000100000001aabbccdd"
#define CKY "cky-i=0102030405060708 cky-r=1112131415161718"
#define IKE "aes256-sha2_256-ecp256"

struct pair {
    struct side *i;
    struct side *r;
    const char *ike;
    char *id;    /* the initiator's ID payload and SIG, once there are keys */
    char *proof;
};

/* side_new, and a private key for an identity; pem: NULL: none. */
struct side *side_with(const char *secrets, const char *id, const char *pem);
void side_add_key(struct side *s, const char *id, const char *pem);
/* The public key as --pubkeyrsa has it, or behind a comma; returns text. */
char *public_text(const char *pem, char *text);

struct pair *pair_new(const char *ike, const char *pem_i, const char *pem_r); /* both announced, for rsasig */
struct pair *pair_of(struct side *i, struct side *r, const char *ike); /* nothing is announced */
void pair_announce(struct pair *p, const char *methods);
void pair_make_keys(struct pair *p); /* up to the initiator's proof */
void pair_free(struct pair *p);

/* An auth, and what secrets asks plutod: the id of that. 0: it asks nothing. */
uint64_t pair_auth(struct side *s, unsigned exchange, const char *id, const char *sig);
/* plutod's answer; what the negotiator then gets is in s->answer. Was it ok? */
bool pair_keys_are(struct side *s, uint64_t asked, const char *keys);

#endif
