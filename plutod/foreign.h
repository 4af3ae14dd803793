/*
 * What another program did to our SAs and policies in the kernel (ip xfrm state flush, say).
 *
 * kernel-sa sees it and puts policies back by itself. SAs cannot be put back: they are negotiated anew, and
 * until then the old exchange stays, so that its policies hold the packets between its clients back. A
 * program that goes on deleting is not followed at its own pace: the pauses grow. Not for: SAs whose life is
 * over (ends.h), or that die with a process of ours (anew.h).
 */
#ifndef PLUTOD_FOREIGN_H
#define PLUTOD_FOREIGN_H

#include "xchg.h"

/* Records sa-deleted (of one that stands) and policy-deleted. */
void foreign_sa_deleted(struct keying *k, struct xchg *y);
void foreign_policy_deleted(struct keying *k, const struct record *r);

/* Other SAs of c stand: those that were deleted are held no longer. */
void foreign_replaced(struct keying *k, struct conn *c);
/* Is a policy of c's not in the kernel, although it should be? Then its traffic is not protected. */
bool foreign_unprotected(const struct conn *c);
/* c's policies are wanted no more, or nobody knows how they stand. */
void foreign_forget_policies(struct conn *c);
void foreign_free(struct conn *c);

#endif
