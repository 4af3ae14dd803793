/*
 * Two cores of secrets that know the same preshared secret, an initiator's exchange 1 and a
 * responder's exchange 7, both announced: the scene in which test_secrets_abuse.c and
 * test_secrets_quick_abuse.c ask for what they may not have.
 */
#ifndef TESTS_SECRETS_SCENE_H
#define TESTS_SECRETS_SCENE_H

#include "secrets_side.h"

#define SA "0000000100000001aabbccdd"
#define CKY "cky-i=0102030405060708 cky-r=1112131415161718"
#define IKE "aes256-sha2_256-ecp256"
#define NONCE "00112233445566778899aabbccddeeff"
#define KEYS "proposal=" IKE " " CKY " sa-body=" SA

struct scene {
    struct side *i;
    struct side *r;
    char *id;   /* the initiator's ID payload and proof, once there are keys */
    char *hash;
    char *id_r;
    char *hash_r;
    char *ke_i;
    char *n_i;
};

extern const char scene_secrets[]; /* of both: lines of ipsec.secrets */

struct scene *scene_new(const char *secrets); /* both read that; nothing is announced */
void scene_free(struct scene *e);
void scene_draw(struct scene *e);                 /* the initiator's value and nonce */
int scene_set_up(void **state); /* for cmocka */
int scene_tear_down(void **state);

void scene_announce(struct side *s, unsigned exchange, const char *role, const char *ours,
                    const char *peer);
void scene_make_keys(struct scene *e);            /* both have SKEYID */
void scene_authenticate(struct scene *e);         /* scene_make_keys, and both proofs are right */
void scene_unauthenticated(struct side *s);       /* plutod was told of no proof */

#endif
