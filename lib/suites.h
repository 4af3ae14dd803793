/*
 * The sets `default` and `classic` [X2] [X3], for the parser of proposal texts.
 *
 * Internal to lib/suites.c and lib/proposal.c; everybody else uses algorithm.h. Each function
 * appends, what is already there counts once, and returns NULL or why (static).
 */
#ifndef LIB_SUITES_H
#define LIB_SUITES_H

#include "algorithm.h"

const char *suites_add_ike(struct ike_proposals *p, const struct cipher *cipher,
                           const struct hash *hash, const struct group *group);
const char *suites_add_esp(struct esp_proposals *p, const struct cipher *cipher,
                           const struct hash *hash);

const char *suites_add_default_ike(struct ike_proposals *p);    /* what is offered */
const char *suites_accept_default_ike(struct ike_proposals *p); /* what is accepted beside */
const char *suites_add_classic_ike(struct ike_proposals *p);
const char *suites_add_default_esp(struct esp_proposals *p);
const char *suites_add_classic_esp(struct esp_proposals *p);

/* Groups of the sets; what an ISAKMP proposal without a group means. */
void suites_add_default_groups(struct group_list *g);
void suites_add_classic_groups(struct group_list *g);
void suites_add_group(struct group_list *g, const struct group *group);

/* Hashes of AH. */
void suites_add_default_hashes(struct hash_list *h);
void suites_add_classic_hashes(struct hash_list *h);
const char *suites_add_hash(struct hash_list *h, const struct hash *hash);

#endif
