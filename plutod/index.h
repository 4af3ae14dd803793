/*
 * How connections are found by something other than their name, at a cost that does not grow with
 * their number: by hosts, by who the two are, by clients, by reqid.
 *
 *   kin      those between two hosts (the peer's may be %any) with the same identities, methods and --ike:
 *            they share ISAKMP SAs
 *
 * Oriented connections only, but for the reqid. Equal ones come in order of adding. Nothing is kept for two
 * hosts by themselves: mostly one connection is between them. Not for: which of those that are found is the
 * best (choose.h).
 */
#ifndef PLUTOD_INDEX_H
#define PLUTOD_INDEX_H

#include "conn.h"

struct kin;

/* No memory: c->oriented becomes false. */
void index_join(struct keying *k, struct conn *c);
void index_leave(struct keying *k, struct conn *c);

void index_enter_reqid(struct keying *k, struct conn *c); /* unoriented ones too */
void index_leave_reqid(struct keying *k, struct conn *c);
struct conn *index_by_reqid(struct keying *k, uint32_t reqid);

/*
 * The first between these hosts (peer's family 0: %any), and the next. NULL: none (any more). First come those
 * that a first message may be for: no instances; by the words that a peer is told.
 */
struct conn *index_by_hosts(struct keying *k, const struct address *ours, const struct address *peer);
struct conn *index_next_by_hosts(struct conn *c);
/* Of those that a first message may be for: the first of each words. */
struct conn *index_offer(struct keying *k, const struct address *ours, const struct address *peer);
struct conn *index_next_offer(struct keying *k, const struct conn *c);
/* An order by the words that a peer is told: methods, and --ike. 0: he is told the same. */
int index_compare_words(const struct conn *a, const struct conn *b);
/* The first with these clients, and the one after c with the same clients. NULL: none (any more). */
struct conn *index_by_clients(struct keying *k, const struct subnet *ours,
                              const struct subnet *peer);
struct conn *index_next_by_clients(struct conn *c);
/* The same of those between two hosts with that identity of the peer. */
struct conn *index_by_all(struct keying *k, const struct address *ours, const struct address *peer,
                          const struct identity *peer_id, const struct subnet *our_client,
                          const struct subnet *peer_client);
struct conn *index_next_by_all(struct conn *c);

/* Of these hosts and that identity of the peer, one after the other; `ours` NULL: of all hosts. */
struct kin *index_kin(struct keying *k, const struct identity *peer_id, const struct address *ours,
                      const struct address *peer);
struct kin *index_next_kin(struct kin *kin, bool all_hosts);
struct conn *kin_conns(const struct kin *kin);   /* never NULL; the next: c->kin_next */
struct xchg *kin_mains(const struct kin *kin);   /* Main Modes, ISAKMP SAs; the next: x->main_next */

/* A Main Mode has its connection now, or is about to lose it. */
void index_join_main(struct xchg *x);
void index_leave_main(struct xchg *x);

#endif
