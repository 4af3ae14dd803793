/*
 * What whack --status shows [W12]: lines 000 for a person.
 *
 * Counters are asked of kernel-sa first, so the lines come when it has answered. Not for: programs
 * that read (a form for those comes later).
 */
#ifndef PLUTOD_STATUS_H
#define PLUTOD_STATUS_H

#include "xchg.h"

void status_begin(struct keying *k, uint64_t client); /* holds the client */
void status_sampled(struct keying *k);      /* one answer came */
void status_unsampled(struct keying *k);    /* no more will come */

/* `10.1.0.0/24===10.9.0.1[10.9.0.1]...10.9.0.2[@right]===10.2.0.0/24` */
#define STATUS_TOPOLOGY (2 * (SUBNET_TEXT + ADDRESS_TEXT + IDENTITY_TEXT) + 32)
void status_topology(const struct conn *c, char out[STATUS_TOPOLOGY]);

#endif
