/*
 * The attributes of one transform, taken one after the other, and what they mean together.
 *
 * Internal to the decoder of SA payloads (sa_decode.c). What is wrong or unknown makes
 * transform.why_not, never an error: the offer can still be shown.
 */
#ifndef IKE_NEGOTIATE_SA_TRANSFORM_H
#define IKE_NEGOTIATE_SA_TRANSFORM_H

#include "sa.h"

struct sa_progress { /* zero at the begin of a transform */
    uint32_t seen;      /* bits of attribute types below 32 */
    unsigned life_type; /* of the duration that must follow; 0: none */
    unsigned count;
};

/* `protocol` is that of the proposal. */
void sa_transform_take(struct sa_transform *t, struct sa_progress *p, const struct attribute *a,
                       unsigned protocol);
/* After the last attribute. */
void sa_transform_understand(struct sa_transform *t, const struct sa_progress *p,
                             unsigned protocol);

#endif
