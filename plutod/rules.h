/*
 * The rules by which a connection is ruled out for a peer [R1]-[R3] [W2], in the order in which they
 * are looked at, and what a person is told of the first that does so.
 *
 * The choice itself, the log and whack --explain all ask here, so they cannot disagree. Not for: which
 * of several that are left is taken (choose.h).
 */
#ifndef PLUTOD_RULES_H
#define PLUTOD_RULES_H

#include "xchg.h"

enum rule {
    RULE_NONE,          /* it fits */
    RULE_ORIENTED, RULE_OUR_HOST, RULE_PEER_HOST, RULE_METHOD, RULE_ISAKMP_ONLY, RULE_OUR_ID,
    RULE_PEER_ID, RULE_PROPOSAL, RULE_OUR_CLIENT, RULE_PEER_CLIENT
};

/* What is known of the peer and wanted by him; NULL: not known yet, or it does not matter. */
struct rules_wanted {
    const struct address *local;
    const struct address *remote;
    const struct identity *our_id;
    const struct identity *peer_id;
    bool shared;        /* he proved the secret that road warriors share, so %any will do for Quick Mode */
    const char *proposal; /* that was agreed in phase 1 */
    unsigned method;    /* by which he proved who he is: a bit of the policy; 0: he has not */
    const struct subnet *our_client;  /* both or none: Quick Mode */
    const struct subnet *peer_client;
};

/* All that x's peer has shown so far. The result borrows from x. */
struct rules_wanted rules_of_exchange(const struct xchg *x);

enum rule rules_out(const struct conn *c, const struct rules_wanted *w);
/* Does it allow what was agreed in phase 1? "": nothing was, which is no. */
bool rules_allow(const struct conn *c, const char *proposal);

#define RULES_TEXT 640
/* The first rule that rules c out, with the values compared: `its peer is 10.9.0.2, not 10.9.0.7`. */
void rules_say(const struct keying *k, const struct conn *c, const struct rules_wanted *w,
               enum rule rule, char out[RULES_TEXT]);

/*
 * `"net": its peer is 10.9.0.2, not 10.9.0.7; "east": ...`: of those between the hosts, or from ours to
 * %any, that do not fit; if there are none of these, of all. So many, and how many more.
 */
#define RULES_LIST 3000
void rules_say_all(struct keying *k, const struct rules_wanted *w, char out[RULES_LIST]);

/* The whole sentence where a first message is for nobody. */
#define RULES_REFUSAL (RULES_LIST + 200)
void rules_say_refusal(struct keying *k, const struct address *local, const struct address *remote,
                       char out[RULES_REFUSAL]);

#endif
