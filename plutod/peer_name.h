/*
 * Where the peer of a connection is now, whose --host was given as a name [W4]: dnskey is asked each time before we begin,
 * and where the answer has another address, the connection is moved there.
 *
 * Whoever wants to begin waits for the answer, nobody else does, and not for long (PEER_NAME_TIME): without an answer the
 * address that is known is used. That one is kept as long as it is among the name's; else the first of the connection's
 * family is taken. Nothing but the peer's host changes, and what follows from it where it was not given: his identity,
 * his client, our next hop. Not for: our own host, --nexthop, --id and --client, which whack looks up once; names in
 * ipsec.secrets (resolve.h).
 */
#ifndef PLUTOD_PEER_NAME_H
#define PLUTOD_PEER_NAME_H

#include "conn.h"

/*
 * Milliseconds that are waited for an answer. In 4 s one comes though two servers of three are dead; after 5 s of silence
 * dnskey says what DNS said a day ago at most.
 */
#define PEER_NAME_TIME 6000u

/*
 * Asks. Then initiate_found is called for everybody who has asked meanwhile: `client` is held until then; `wait` is for it;
 * retry: it is the attempt at hand, of our own accord, and of no use if IPsec SAs come up meanwhile. False: the peer's host
 * has no name, or there is no memory: its address is what it is.
 */
bool peer_name_ask(struct keying *k, struct conn *c, uint64_t client, bool wait, bool retry);
bool peer_name_is_asked(const struct conn *c);
/* Nothing is to begin any more: whoever waits is told why, and released. */
void peer_name_forget(struct keying *k, struct conn *c, const char *why);

/* An answer of dnskey. False: it is to no question of this kind; *why: static, or NULL; what is wrong with the answer. */
bool peer_name_answered(struct keying *k, const struct record *r, const char **why);
/* As much as dnskey may be asked at once. */
void peer_name_go_on(struct keying *k);
void peer_name_dnskey_down(struct keying *k);
void peer_name_free_all(struct keying *k);

#endif
