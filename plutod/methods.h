/*
 * By which methods a connection's Main Mode can be carried out [W2a]: whether there is what they need, a public
 * key of the peer, our private key, a preshared secret.
 *
 * Public keys are looked for here, each time. Of what `secrets` has, a connection remembers what was said; that
 * counts for all workers that have read the same (k->reading, and the grade). So only who is the first to need to
 * know it waits for an answer. What is not there is not proposed by us, nor offered to a peer; a peer for whom
 * nothing is there is refused at once. Not for: what we begin with one method only; `secrets` says there what is
 * missing, which costs no wait.
 */
#ifndef PLUTOD_METHODS_H
#define PLUTOD_METHODS_H

#include "xchg.h"

#define METHODS_NONE (METHODS_BOTH + 1) /* beside the places of the words in the schema's `methods` */

/* Those of c for which nothing is known to be missing, if w has its secrets. */
unsigned methods_possible(const struct keying *k, const struct keying_worker *w, const struct conn *c);

/*
 * A worker that was not retired has died, before what it was asked is dropped: was it such a question that it had before it? It is asked of
 * another one; but when that one dies of it, too, of none any more until whack --listen reads ipsec.secrets anew. Then
 * it counts as one that secrets does not understand.
 */
void methods_worker_died(struct keying *k, uint32_t worker);
bool methods_is_deadly(const struct keying *k, const struct conn *c, enum method method);

/*
 * Is something about c still to be learned? Then x's worker is asked, and x waits (WAITS_METHODS): once it has
 * answered, x goes on by itself (initiate_main_go, respond_first_go).
 */
bool methods_ask(struct keying *k, struct xchg *x, const struct conn *c);
/*
 * The same for a whack, which is held until question *id of w is answered (PENDING_KNOW); then its note says with
 * methods_learn what it was about. reading: k->reading when it was asked.
 */
bool methods_ask_for(struct keying *k, const struct keying_worker *w, const struct conn *c, uint64_t client,
                     uint64_t *id);
void methods_learn(struct keying *k, uint64_t note, uint32_t reading, uint32_t worker, const struct record *r);
/* x, an initiator's: sets x->methods, and says what is left out. False: it waits until they are known. */
bool methods_find(struct keying *k, struct xchg *x);
/* An answer of secrets. False: it is to no question from here. */
bool methods_answered(struct keying *k, uint32_t worker, const struct record *r);
/* What was found for c, which is x's connection or was offered. */
unsigned methods_of(const struct xchg *x, const struct conn *c);

#define METHODS_LACK (2 * IDENTITY_TEXT + 1000)
/* Behind what secrets lacks: what to do when ipsec.secrets has it. "" where that is said already. */
const char *methods_remedy(const char *lack);
/* What c lacks, and what to do. False: nothing that is known. */
bool methods_say_lack(const struct keying *k, const struct keying_worker *w, const struct conn *c,
                      char out[METHODS_LACK]);
/*
 * `"net": no preshared secret for ...; "east": ...`: of what a first message between these hosts may be for, that
 * for which something is missing, or so much that nothing can be done. The first of them; NULL: there is none, and
 * out is empty.
 */
enum methods_missing { METHODS_SOMETHING, METHODS_NOTHING };
#define METHODS_LIST 3000
struct conn *methods_say_missing(struct keying *k, const struct keying_worker *w, const struct address *local,
                                 const struct address *remote, enum methods_missing what, char out[METHODS_LIST]);

void methods_forget(struct conn *c); /* what was said about it: it goes, or that counts no more */

#endif
