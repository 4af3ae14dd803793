#include "explain.h"

#include "choose.h"
#include "foreign.h"
#include "hint.h"
#include "index.h"
#include "initiate.h"
#include "methods.h"
#include "orders.h"
#include "orient.h"
#include "public_keys.h"
#include "routing.h"
#include "status_form.h"

#include "algorithm.h"

#include <bsd/string.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

/* ---- what both forms say of a first message ---- */

bool explain_first(struct keying *k, uint64_t client, const struct address *local,
                   const struct address *remote, bool why_none)
{
    const struct keying_worker *w = keying_pick_worker(k);
    struct conn *list[CHOOSE_MAX];
    char ours[ADDRESS_TEXT];
    char peer[ADDRESS_TEXT] = "any address";
    char missing[METHODS_LIST];
    size_t count = choose_first(k, w, local, remote, list);
    const struct conn *lacks = methods_say_missing(k, w, local, remote, METHODS_SOMETHING, missing);
    if (count == 0 && lacks == NULL && why_none) {
        char why[RULES_REFUSAL];
        rules_say_refusal(k, local, remote, why);
        keying_say(k, client, 0, "a first message of IKE is refused: %s", why);
    }
    address_print(local, ours);
    if (remote->family != 0) {
        address_print(remote, peer);
    }
    for (size_t i = 0; i < count; i++) {
        keying_say(k, client, 0, "a first message of IKE from %s to %s: %s for \"%s\", if the peer proposes "
                   "something of --ike %s with %s", peer, ours, i == 0 ? "it is" : "else", list[i]->name,
                   list[i]->form->ike, conn_methods_words(methods_possible(k, w, list[i])));
    }
    if (lacks != NULL) {
        keying_say(k, client, 0, "a first message of IKE from %s to %s: %s: %s", peer, ours, count == 0
                   ? "it is refused" : "left out for what is missing", missing);
    }
    return count > 0;
}

/* ---- --name: if we began ---- */

static void say_proposals(struct keying *k, uint64_t client, const struct conn *c)
{
    struct ike_proposals *p = malloc(sizeof *p);
    bool des = false;
    bool md5 = false;
    bool group2 = false;
    bool group5 = false;
    /* Of a list of one's own it is clear that all else is refused. */
    if (p == NULL || strcmp(c->form->ike, "default") != 0 || ike_proposals_parse(p, c->form->ike, NULL) != NULL) {
        free(p);
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        des = des || strcmp(p->suite[i].cipher->word, "3des") == 0;
        md5 = md5 || strcmp(p->suite[i].hash->word, "md5") == 0;
        group2 = group2 || strcmp(p->suite[i].group->word, "modp1024") == 0;
        group5 = group5 || strcmp(p->suite[i].group->word, "modp1536") == 0;
    }
    if (!des || !md5 || !group2 || !group5) {
        keying_say(k, client, 0, "\"%s\": a peer that proposes nothing better than%s%s%s%s is refused, as --ike is %s: "
                   "--ike classic, or naming them there, would allow them", c->name, des ? "" : " 3des",
                   md5 ? "" : " md5", group2 ? "" : " modp1024", group5 ? "" : " modp1536",
                   c->form->ike);
    }
    free(p);
}

/* What would be sent, where nothing is in the way. */
static void say_initiate(struct keying *k, uint64_t client, const struct conn *c)
{
    const struct xchg *x = initiate_under(k, c);
    char ours[ADDRESS_TEXT];
    char peer[ADDRESS_TEXT];
    char our_id[IDENTITY_TEXT];
    char peer_id[IDENTITY_TEXT];
    char lack[METHODS_LACK];
    address_print(&c->our_host, ours);
    address_print(&c->peer_host, peer);
    if (conn_peer_end(c)->host_name != NULL && c->instance == 0) {
        keying_say(k, client, 0, "\"%s\": before we begin, dnskey is asked for %s: if that is not %s any more, the peer is where "
                   "it is then", c->name, conn_peer_end(c)->host_name, peer);
    }
    identity_print(c->our_id, our_id);
    identity_print(c->peer_id, peer_id);
    if (x != NULL && x->up) {
        keying_say(k, client, 0, "\"%s\": if we began now: Quick Mode under the ISAKMP SA #%" PRIu64 " that is there",
                   c->name, x->serial);
    } else if (x != NULL) {
        keying_say(k, client, 0, "\"%s\": if we began now: Quick Mode would wait for the Main Mode #%" PRIu64 ", which "
                   "is under way and has made no ISAKMP SA yet", c->name, x->serial);
    } else {
        const struct keying_worker *w = keying_pick_worker(k);
        bool lacks = methods_say_lack(k, w, c, lack);
        keying_say(k, client, 0, "\"%s\": if we began now: Main Mode from %s:%u to %s:%u, as %s, proposing --ike %s "
                   "with %s; the peer must prove to be %s%s%s", c->name, ours, k->settings.ikeport, peer, c->peer_port,
                   our_id, c->form->ike, conn_methods_words(methods_possible(k, w, c)), peer_id, lacks
                   ? "; what else it allows cannot be proposed: " : "", lack);
    }
    if (!connection_isakmp_only(c->form)) {
        char a[SUBNET_TEXT];
        char b[SUBNET_TEXT];
        subnet_print(&c->our_client, a);
        subnet_print(&c->peer_client, b);
        keying_say(k, client, 0, "\"%s\": then Quick Mode for %s (ours) and %s (the peer's), proposing --esp %s",
                   c->name, a, b, c->form->esp);
    }
}

static void say_if_we_began(struct keying *k, uint64_t client, const struct conn *c)
{
    char why[OBSTACLE];
    char lack[METHODS_LACK];
    const struct keying_worker *w = keying_pick_worker(k);
    if (initiate_obstacle(k, c, why) != 0) {
        keying_say(k, client, 0, "\"%s\": if we began now, it would not come up: %s", c->name, why);
    } else if (initiate_under(k, c) == NULL && methods_possible(k, w, c) == METHODS_NONE
               && methods_say_lack(k, w, c, lack)) {
        keying_say(k, client, 0, "\"%s\": if we began now, it would not come up: %s", c->name, lack);
    } else if (k->negotiator == NULL || w == NULL) {
        keying_say(k, client, 0, "\"%s\": if we began now, it would not come up: %s is not running (see the log)",
                   c->name, k->negotiator == NULL ? "ike-negotiate" : "secrets");
    } else {
        say_initiate(k, client, c);
    }
}

/* ---- --name: if the peer began ---- */

/* With the hosts and the identity of c: which one would Quick Mode for its clients be for? */
static void say_quick(struct keying *k, uint64_t client, const struct conn *c)
{
    struct subnet peer_client = c->peer_client;
    if (peer_client.base.family == 0) {
        keying_say(k, client, 0, "\"%s\": as his client it takes the address that he has then, alone", c->name);
        return;
    }
    const struct rules_wanted w = {
        .local = &c->our_host, .remote = &c->peer_host, .our_id = c->our_id, .peer_id = c->peer_id,
        .shared = c->peer_id->type == ID_ANY, .our_client = &c->our_client,
        .peer_client = &peer_client
    };
    const struct conn *chosen = choose_quick_wanted(k, &w);
    char why[RULES_TEXT];
    if (chosen == NULL) {
        rules_say(k, c, &w, rules_out(c, &w), why);
        keying_say(k, client, 0, "\"%s\": no Quick Mode is for it: %s", c->name, why);
    } else if (chosen != c) {
        keying_say(k, client, 0, "\"%s\": Quick Mode for its clients is for \"%s\", which has the same and %s", c->name,
                   chosen->name, chosen->eroute != NULL && c->eroute == NULL
                   ? "is routed" : chosen->order < c->order && !conn_is_template(c)
                   ? "was added before it" : "leaves less of the peer open");
    } else {
        const struct conn *other = c->eroute != NULL ? NULL : routing_conflict(k, c);
        keying_say(k, client, 0, "\"%s\": Quick Mode for its clients, exactly these, is for it%s%s%s", c->name,
                   other == NULL ? "" : "; the SAs of \"", other == NULL ? "" : other->name,
                   other == NULL ? "" : "\" would make way for it");
    }
}

#define PROVED_TEXT (IDENTITY_TEXT + 80)
/* Who the peer has to prove to be for c; returns out. */
static const char *proved_text(const struct conn *c, char out[PROVED_TEXT])
{
    if (c->peer_id->type == ID_ANY) {
        strlcpy(out, "somebody whom no connection to his own address and no other to %any names", PROVED_TEXT);
    } else {
        identity_print(c->peer_id, out);
    }
    return out;
}

/* Between the same hosts, as the same two: for Main Mode there is no difference. */
static bool is_alike(const struct conn *a, const struct conn *b)
{
    return identity_equal(a->our_id, b->our_id) && identity_equal(a->peer_id, b->peer_id)
           && address_equal(&a->peer_host, &b->peer_host);
}

/* Of those the one that was added first. */
static const struct conn *first_alike(struct keying *k, const struct conn *c)
{
    const struct conn *first = c;
    struct conn *other = index_by_hosts(k, &c->our_host, &c->peer_host);
    for (; other != NULL; other = index_next_by_hosts(other)) {
        if (other->instance == 0 && other->order < first->order && is_alike(other, c)) {
            first = other;
        }
    }
    return first;
}

/* Which one the ISAKMP SA will be: it begins as the first, whose secret is the only one that is tried [R2]. */
static void say_whose(struct keying *k, uint64_t client, const struct conn *c)
{
    struct conn *list[CHOOSE_MAX];
    char id[PROVED_TEXT];
    size_t count = choose_first(k, keying_pick_worker(k), &c->our_host, &c->peer_host, list);
    const struct conn *first = count == 0 ? c : list[0];
    const struct conn *alike = first_alike(k, c);
    if (alike != c) {
        keying_say(k, client, 0, "\"%s\": the ISAKMP SA is \"%s\"'s, which has the same hosts and identities and was "
                   "added before it; it serves this one as well", c->name, alike->name);
        return;
    }
    if (first == c) {
        keying_say(k, client, 0, "\"%s\": it goes on as this one if the peer proves to be %s", c->name,
                   proved_text(c, id));
        return;
    }
    keying_say(k, client, 0, "\"%s\": it goes on as this one if the peer proves to be %s; having begun as \"%s\", only "
               "if that one has the very same secret, as no other is tried", c->name, proved_text(c, id),
               first->name);
    if (conn_allows(first, METHOD_PSK) && conn_allows(c, METHOD_PSK)) {
        (void)order_secret(k, first, METHOD_PSK, client); /* the answer is a line of its own */
    }
}

/* Which others between these hosts his identity may turn it into; and which are ruled out. */
static void say_others(struct keying *k, uint64_t client, const struct conn *c)
{
    const struct address any = { .family = 0 };
    const struct rules_wanted w = { .local = &c->our_host, .remote = &c->peer_host };
    const struct address *const peers[] = { &c->peer_host, &any };
    unsigned shown = 0;
    for (size_t i = c->peer_host.family == 0 ? 1 : 0; i < 2; i++) {
        struct conn *other = index_by_hosts(k, &c->our_host, peers[i]);
        for (; other != NULL; other = index_next_by_hosts(other)) {
            char id[PROVED_TEXT];
            if (other == c || other->instance != 0 || rules_out(other, &w) != RULE_NONE || is_alike(c, other)) {
                continue; /* of those that are alike the first has the ISAKMP SA: say_whose */
            }
            if (++shown > EXPLAIN_SHOWN) {
                break;
            }
            keying_say(k, client, 0, "\"%s\": not \"%s\" in its place, unless the peer proves to be %s", c->name,
                       other->name, proved_text(other, id));
        }
    }
    if (shown > EXPLAIN_SHOWN) {
        keying_say(k, client, 0, "\"%s\": and more between these hosts", c->name);
    }
    char list[RULES_LIST];
    rules_say_all(k, &w, list);
    if (list[0] != '\0') {
        keying_say(k, client, 0, "\"%s\": ruled out for its peer: %s", c->name, list);
    }
}

static void say_if_the_peer_began(struct keying *k, uint64_t client, const struct conn *c)
{
    char why[ORIENT_WHY];
    const char *deaf = keying_deaf(k);
    if (deaf != NULL) {
        keying_say(k, client, 0, "\"%s\": if the peer began now, nobody would hear him: %s", c->name, deaf);
        return;
    }
    if (!c->oriented) {
        orient_why(k, c, why);
        keying_say(k, client, 0, "\"%s\": if the peer began now, it would not be for this one: not oriented: %s",
                   c->name, why);
        return;
    }
    if (!explain_first(k, client, &c->our_host, &c->peer_host, true)) {
        return;
    }
    say_whose(k, client, c);
    say_proposals(k, client, c);
    say_others(k, client, c);
    if (!connection_isakmp_only(c->form)) {
        say_quick(k, client, c);
    }
}

/* What is being negotiated now, the newest first, and what probably is wrong with it. */
static void say_under_way(struct keying *k, uint64_t client, const struct conn *c)
{
    char hint[HINT_TEXT];
    unsigned shown = 0;
    const struct xchg *newest = c->exchanges == NULL ? NULL : c->exchanges->prev;
    for (const struct xchg *x = newest; x != NULL; x = x == c->exchanges ? NULL : x->prev) {
        const struct xchg *awaited = status_awaited(k, x);
        if (x->up || x->ending || (awaited != NULL && awaited->conn == c)) {
            continue; /* that one is shown */
        }
        if (++shown > EXPLAIN_SHOWN) {
            keying_say(k, client, 0, "\"%s\": and more are under way", c->name);
            return;
        }
        const struct xchg *at = awaited == NULL ? x : awaited;
        bool known = hint_of(at, hint);
        keying_say(k, client, 0, "\"%s\": under way since %" PRIu64 " s: #%" PRIu64 "%s STATE_%s (%s)%s%s", c->name,
                   (k->now - x->since) / 1000, x->serial,
                   awaited == NULL ? ":" : " waits for its Main Mode, which is in", xchg_state_word(at->state),
                   xchg_state_story(at->state), known ? ": " : "", known ? hint : "");
    }
}

/* ---- secrets and keys ---- */

/* `so it does not come up, whoever begins`, or, where there is another method, not with this one */
static void say_hopeless(struct keying *k, uint64_t client, const struct conn *c, unsigned method, const char *why)
{
    const char *with = conn_methods(c) != METHODS_BOTH ? "" : method == METHOD_PSK ? " with --psk" : " with --rsasig";
    keying_say(k, client, 0, "\"%s\": so it does not come up%s, whoever begins: %s", c->name, with, why);
}

static void say_public_keys(struct keying *k, uint64_t client, const struct conn *c)
{
    char id[IDENTITY_TEXT];
    char none[PUBLIC_KEYS_NONE];
    const struct public_key *key = public_keys_of(k, c->peer_id);
    const struct public_key *counted;
    unsigned count;
    identity_print(c->peer_id, id);
    DL_COUNT(key, counted, count);
    if (c->peer_id->type == ID_ANY) {
        keying_say(k, client, 0, "\"%s\": with --rsasig the peer is known by a public key of whoever it says it is: "
                   "anybody whose key was given (--keyid) may come in, unless --id says who", c->name);
    } else if (key == NULL) {
        public_keys_say_none(c->peer_id, none);
        say_hopeless(k, client, c, METHOD_RSASIG, none);
    } else {
        keying_say(k, client, 0, "\"%s\": with --rsasig the peer is known by any of %u public keys of %s; the first has "
                   "the fingerprint %.*s", c->name, count, id, RSA_FINGERPRINT_SHORT, key->fingerprint);
    }
}

bool explain_is_deadly(struct keying *k, uint64_t client, const struct conn *c, unsigned method)
{
    bool deadly = methods_is_deadly(k, c, (enum method)method);
    if (deadly) {
        keying_say(k, client, 0, "\"%s\": whether there is a %s is not known: two processes of secrets have died when they "
                   "were asked; whack --listen reads ipsec.secrets anew", c->name,
                   method == METHOD_PSK ? "secret" : "private key");
    }
    return deadly;
}

/* Of secrets' own matters it is asked, and the line follows (explain_secret_answered). */
static void say_keys(struct keying *k, uint64_t client, const struct conn *c)
{
    if (conn_allows(c, METHOD_RSASIG)) {
        say_public_keys(k, client, c);
    }
    for (unsigned method = METHOD_PSK; method <= METHOD_RSASIG; method++) {
        if (conn_allows(c, method) && !explain_is_deadly(k, client, c, method) && !order_secret(k, c, method, client)) {
            keying_say(k, client, 0, "\"%s\": whether there is a %s is not known now: secrets is not running", c->name,
                       method == METHOD_PSK ? "secret" : "private key");
        }
    }
}

void explain_conn(struct keying *k, uint64_t client, const char *name)
{
    const struct conn *c = conn_find(k, name);
    char topology[STATUS_TOPOLOGY];
    if (c == NULL) {
        keying_say(k, client, REPLY_UNKNOWN_NAME, "no connection named \"%s\"", name);
        return;
    }
    status_topology(c, topology);
    keying_say(k, client, 0, "\"%s\": %s", c->name, topology);
    if (c->newest_ipsec != 0) {
        const struct xchg *y = xchg_find(k, c->newest_ipsec);
        keying_say(k, client, 0, "\"%s\": it is up: IPsec SA #%" PRIu64, c->name, y == NULL ? 0 : y->serial);
    }
    if (foreign_unprotected(c) || (c->eroute != NULL && c->newest_ipsec == 0)) {
        keying_say(k, client, 0, "\"%s\": it is %s", c->name, routing_story(c));
    }
    say_under_way(k, client, c);
    say_if_we_began(k, client, c);
    say_if_the_peer_began(k, client, c);
    if (c->failure != NULL) {
        keying_say(k, client, 0, "\"%s\": it failed last %" PRIu64 " s ago: %s", c->name,
                   (k->now - c->failure->at) / 1000, c->failure->why);
    } else {
        keying_say(k, client, 0, "\"%s\": no negotiation of it has failed", c->name);
    }
    if (c->oriented) {
        say_keys(k, client, c);
    }
}

bool explain_secret_answered(struct keying *k, uint32_t worker, const struct record *r)
{
    uint64_t reqid;
    uint64_t id = record_number(r, K_ID);
    uint64_t client = keying_client_of(k, id);
    if (client != 0) {
        k->hooks.hold(k->hooks.context, client); /* until the line is said */
    }
    bool psk = keying_answered(k, id, PENDING_SECRET, worker, &reqid);
    bool ours = psk || keying_answered(k, id, PENDING_PRIVATE_KEY, worker, &reqid);
    const struct conn *c = ours ? index_by_reqid(k, (uint32_t)reqid) : NULL;
    if (c != NULL && r->verb == V_OK) {
        keying_say(k, client, 0, "\"%s\": %s is that of %s", c->name, psk ? "its secret" : "our private key",
                   record_text(r, K_FOUND));
    } else if (c != NULL && r->verb == V_BAD) {
        keying_say(k, client, 0, "\"%s\": whether there is a %s is not known: secrets does not understand the question: "
                   "%s", c->name, psk ? "secret" : "private key", record_text(r, K_WHY));
    } else if (c != NULL) {
        say_hopeless(k, client, c, psk ? METHOD_PSK : METHOD_RSASIG, record_text(r, K_WHY));
    }
    if (client != 0) {
        k->hooks.release(k->hooks.context, client);
    }
    return ours;
}
