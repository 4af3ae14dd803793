#include "rules.h"

#include "index.h"
#include "orient.h"

#include "algorithm.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>

#define SHOWN_MAX 8 /* connections in a list: who is refused need not be a friend, and may ask often */
#define COUNTED_MAX 100 /* for the same reason */

static const struct address any_host = { .family = 0 };

struct rules_wanted rules_of_exchange(const struct xchg *x)
{
    const struct conn *c = x->conn;
    return (struct rules_wanted){
        .local = &x->local,
        .remote = &x->remote,
        .our_id = c == NULL ? NULL : c->our_id,
        .peer_id = x->authenticated ? x->peer_id : NULL,
        .shared = c != NULL && c->template != NULL && c->template->peer_id->type == ID_ANY,
        .proposal = xchg_proposal(x),
        .method = !x->authenticated ? 0 : x->method == METHOD_PSK ? POLICY_PSK : POLICY_RSASIG
    };
}

/* ---- the rules ---- */

bool rules_allow(const struct conn *c, const char *proposal)
{
    struct ike_suite suite;
    struct ike_proposals *p = malloc(sizeof *p);
    bool good = p != NULL && ike_suite_parse(&suite, proposal) == NULL
                && ike_proposals_parse(p, c->form->ike, NULL) == NULL
                && ike_proposals_find(p, &suite) >= 0;
    free(p);
    return good;
}

static bool peer_id_fits(const struct conn *c, const struct rules_wanted *w)
{
    if (w->peer_id == NULL || identity_equal(c->peer_id, w->peer_id)) {
        return true;
    }
    /* For Quick Mode: only he who came in as one of many proved the secret that they share. */
    return c->peer_id->type == ID_ANY && c->peer_host.family == 0
           && (w->our_client == NULL || w->shared);
}

static bool peer_client_fits(const struct conn *c, const struct rules_wanted *w)
{
    if (c->peer_client.base.family != 0) {
        return subnet_equal(&c->peer_client, w->peer_client);
    }
    return w->remote == NULL || subnet_is_host(w->peer_client, w->remote);
}

static enum rule phase1_rule(const struct conn *c, const struct rules_wanted *w)
{
    bool quick = w->our_client != NULL;
    if (!c->oriented) {
        return RULE_ORIENTED;
    }
    if (w->local != NULL && !address_equal(&c->our_host, w->local)) {
        return RULE_OUR_HOST;
    }
    if (w->remote != NULL && c->peer_host.family != 0 && !address_equal(&c->peer_host, w->remote)) {
        return RULE_PEER_HOST;
    }
    if ((c->form->policy & (w->method != 0 ? w->method : POLICY_METHODS)) == 0) {
        return RULE_METHOD;
    }
    if (quick && connection_isakmp_only(c->form)) {
        return RULE_ISAKMP_ONLY;
    }
    if (quick && w->our_id != NULL && !identity_equal(c->our_id, w->our_id)) {
        return RULE_OUR_ID;
    }
    return peer_id_fits(c, w) ? RULE_NONE : RULE_PEER_ID;
}

/* What costs little comes first, and the clients before the proposal: many fail by them. */
enum rule rules_out(const struct conn *c, const struct rules_wanted *w)
{
    enum rule rule = phase1_rule(c, w);
    if (rule != RULE_NONE) {
        return rule;
    }
    if (w->our_client != NULL && !subnet_equal(&c->our_client, w->our_client)) {
        return RULE_OUR_CLIENT;
    }
    if (w->our_client != NULL && !peer_client_fits(c, w)) {
        return RULE_PEER_CLIENT;
    }
    bool agreed = w->peer_id != NULL && w->proposal != NULL;
    return agreed && !rules_allow(c, w->proposal) ? RULE_PROPOSAL : RULE_NONE;
}

/* ---- for a person ---- */

static void say_addresses(char out[RULES_TEXT], const char *what, const struct address *is,
                          const struct address *wanted)
{
    char a[ADDRESS_TEXT];
    char b[ADDRESS_TEXT];
    address_print(is, a);
    address_print(wanted, b);
    snprintf(out, RULES_TEXT, "%s is %s, not %s", what, a, b);
}

static void say_ids(char out[RULES_TEXT], const char *what, const struct identity *is,
                    const struct identity *wanted)
{
    char a[IDENTITY_TEXT];
    char b[IDENTITY_TEXT];
    identity_print(is, a);
    identity_print(wanted, b);
    snprintf(out, RULES_TEXT, "%s %.260s, not %.260s", what, a, b);
}

static void say_peer_id(char out[RULES_TEXT], const struct conn *c, const struct rules_wanted *w)
{
    char peer[IDENTITY_TEXT];
    if (c->peer_id->type != ID_ANY) {
        say_ids(out, "it expects the identity", c->peer_id, w->peer_id);
        return;
    }
    identity_print(w->peer_id, peer);
    snprintf(out, RULES_TEXT, "it is for those whom no connection names, and the peer came in as %.260s, whom one names",
             peer);
}

static void say_clients(char out[RULES_TEXT], const char *what, const struct subnet *is,
                        const struct subnet *wanted)
{
    char a[SUBNET_TEXT] = "the peer's own address";
    char b[SUBNET_TEXT];
    if (is->base.family != 0) {
        subnet_print(is, a);
    }
    subnet_print(wanted, b);
    snprintf(out, RULES_TEXT, "%s is %s, not %s", what, a, b);
}

void rules_say(const struct keying *k, const struct conn *c, const struct rules_wanted *w,
               enum rule rule, char out[RULES_TEXT])
{
    char text[ORIENT_WHY];
    out[0] = '\0';
    switch (rule) {
    case RULE_NONE:
        strlcpy(out, "it fits", RULES_TEXT);
        break;
    case RULE_ORIENTED:
        orient_why(k, c, text);
        snprintf(out, RULES_TEXT, "not oriented: %s", text);
        break;
    case RULE_OUR_HOST:
        say_addresses(out, "our host", &c->our_host, w->local);
        break;
    case RULE_PEER_HOST:
        say_addresses(out, "its peer", &c->peer_host, w->remote);
        break;
    case RULE_METHOD:
        strlcpy(out, w->method == POLICY_PSK ? "it has no --psk, by which the peer proves who it is"
                : w->method == POLICY_RSASIG ? "it has no --rsasig, by which the peer proves who it is"
                                             : "it has neither --psk nor --rsasig", RULES_TEXT);
        break;
    case RULE_ISAKMP_ONLY:
        strlcpy(out, "it is for an ISAKMP SA only: none of --encrypt, --authenticate, --compress, --pfs",
                RULES_TEXT);
        break;
    case RULE_OUR_ID:
        say_ids(out, "it calls us", c->our_id, w->our_id);
        break;
    case RULE_PEER_ID:
        say_peer_id(out, c, w);
        break;
    case RULE_PROPOSAL:
        snprintf(out, RULES_TEXT, "its --ike %.400s does not allow %s, which was agreed", c->form->ike,
                 w->proposal);
        break;
    case RULE_OUR_CLIENT:
        say_clients(out, "our client", &c->our_client, w->our_client);
        break;
    case RULE_PEER_CLIENT:
        say_clients(out, "the peer's client", &c->peer_client, w->peer_client);
        break;
    }
}

struct list {
    char *out;
    unsigned shown;
};

static void add(struct list *list, const struct keying *k, const struct conn *c,
                const struct rules_wanted *w)
{
    char label[CONN_LABEL];
    char why[RULES_TEXT];
    enum rule rule = rules_out(c, w);
    if (rule == RULE_NONE || list->shown == SHOWN_MAX) {
        return;
    }
    conn_label(c, label);
    rules_say(k, c, w, rule, why);
    strlcat(list->out, list->shown == 0 ? "" : "; ", RULES_LIST - 40);
    strlcat(list->out, label, RULES_LIST - 40);
    strlcat(list->out, ": ", RULES_LIST - 40);
    strlcat(list->out, why, RULES_LIST - 40);
    list->shown++;
}

void rules_say_all(struct keying *k, const struct rules_wanted *w, char out[RULES_LIST])
{
    struct list list = { .out = out };
    const struct address *const peers[] = { w->remote, &any_host };
    unsigned count = 0;
    struct conn *c;
    out[0] = '\0';
    for (size_t i = 0; i < 2 && w->local != NULL && w->remote != NULL; i++) {
        c = index_by_hosts(k, w->local, peers[i]);
        for (; c != NULL && count < COUNTED_MAX; c = index_next_by_hosts(c)) {
            if (count++ < 2 * SHOWN_MAX) {
                add(&list, k, c, w);
            }
        }
    }
    bool all = count < COUNTED_MAX;
    if (count == 0) {
        unsigned looked_at = 0;
        count = HASH_COUNT(k->conns);
        for (c = k->conns; c != NULL && looked_at++ < SHOWN_MAX; c = c->hh.next) {
            add(&list, k, c, w);
        }
    }
    if (count == 0) {
        strlcpy(out, "no connection is known", RULES_LIST);
    } else if (list.shown > 0 && count > list.shown) {
        size_t len = strlen(out);
        snprintf(out + len, RULES_LIST - len, "; and %s%u more", all ? "" : "at least ", count - list.shown);
    }
}

void rules_say_refusal(struct keying *k, const struct address *local, const struct address *remote,
                       char out[RULES_REFUSAL])
{
    const struct rules_wanted w = { .local = local, .remote = remote };
    char ours[ADDRESS_TEXT];
    char peer[ADDRESS_TEXT];
    char list[RULES_LIST];
    address_print(local, ours);
    address_print(remote, peer);
    rules_say_all(k, &w, list);
    snprintf(out, RULES_REFUSAL, "no connection is known between %s (ours) and %s, nor from ours to %%any: %s",
             ours, peer, list);
}
