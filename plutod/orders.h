/*
 * The records that plutod's core sends: one function each.
 *
 * A tool that is not running is sent nothing: what it must know is sent again when it is back.
 * Not for: deciding anything.
 */
#ifndef PLUTOD_ORDERS_H
#define PLUTOD_ORDERS_H

#include "xchg.h"

/* Toward a worker of secrets. */
void order_announce(struct keying *k, const struct xchg *x, const struct conn *c);
void order_announce_quick(struct keying *k, const struct xchg *y, const char *pfs);
bool order_accept(struct keying *k, struct xchg *x, const struct conn *c);
/* Which preshared secret, or private key of ours, is there for c? The client is held. */
bool order_secret(struct keying *k, const struct conn *c, unsigned method, uint64_t client);
/* The same of this worker, only to know it (PENDING_KNOW, methods.h). Its id; 0: no memory. */
uint64_t order_know(struct keying *k, const struct keying_worker *w, const struct conn *c, unsigned method,
                    uint64_t note, uint64_t client);
/* The same for x, of its own worker. False: no memory, or it is not running. */
bool order_method(struct keying *k, const struct xchg *x, const struct conn *c, unsigned method);
/* All that an unfinished Main Mode may become. */
void order_announce_all(struct keying *k, const struct xchg *x);
void order_forget_secrets(struct keying *k, const struct xchg *x);

/* Toward ike-negotiate. */
void order_initiate(struct keying *k, const struct xchg *x);
void order_quick(struct keying *k, const struct xchg *y, const char *pfs);
void order_worker(struct keying *k, const struct xchg *x); /* it is x->worker's now */
void order_delete(struct keying *k, const struct xchg *x);
void order_delete_sa(struct keying *k, uint64_t parent, const struct xchg *y);
void order_forget_negotiator(struct keying *k, const struct xchg *x);

/*
 * Toward kernel-sa. Orders to take something away, or to change it, are kept until they are answered:
 * a kernel-sa that dies before that leaves them to the next one (keying_repeat).
 */
void order_permit(struct keying *k, struct xchg *y);
void order_permit_again(struct keying *k, struct xchg *y); /* to a new one */
/* Its policies go when no other exchange has them. The client (0: none) is held until the answer. */
void order_delete_kernel_sa(struct keying *k, const struct xchg *y, uint64_t client);
/* y->life is to be its SAs' life in the kernel. False: no memory. */
bool order_update_kernel_sa(struct keying *k, const struct xchg *y);
/*
 * Which policy of the kernel does such a packet meet? `way`: the word's place; `note` comes back with the
 * answer; the client is held.
 */
bool order_lookup(struct keying *k, const struct address *from, const struct address *to, unsigned way,
                  uint64_t note, uint64_t client);
bool order_sample(struct keying *k, struct xchg *y); /* false: no memory, or no kernel-sa */
/* Nobody wants the policies of c's clients: what is left of an earlier plutod goes with them. */
void order_unwanted(struct keying *k, const struct conn *c, uint64_t client);
bool order_flush(struct keying *k);

/* The debug classes in force, to every tool or to one. */
void order_debug(struct keying *k);
void order_debug_one(const struct keying *k, struct buffer *out);

/* The groups that `pfs` of a record says: a text for initiator or responder. */
#define PFS_TEXT 400
void order_pfs_text(const struct conn *c, const struct xchg *parent, bool initiator,
                    char out[PFS_TEXT]);
/* Is it known now which group an initiator proposes? */
bool order_pfs_known(const struct conn *c, const struct xchg *parent);

#endif
