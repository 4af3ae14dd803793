/* whack --explain --from A --to B: which connections are for a packet, and what the kernel does with it. */
#include "explain.h"

#include "index.h"
#include "orders.h"
#include "orient.h"
#include "routing.h"

#include <bsd/string.h>
#include <stdio.h>

/* Beside the way, in the note of a question: */
#define FOR_SURE 0x100u /* the packet does go that way */
#define LOOPBACK 0x200u /* between addresses of this machine, where the kernel's default does not hold */
#define WAY_OF 0xffu

/* Connections whose clients the packet is between, in one direction or the other. Returns how many. */
static unsigned say_clients(struct keying *k, uint64_t client, const struct address *from,
                        const struct address *to)
{
    unsigned fit = 0;
    unsigned not = 0;
    for (const struct conn *c = k->conns; c != NULL; c = c->hh.next) {
        char a[SUBNET_TEXT];
        char b[SUBNET_TEXT];
        bool tunnel = c->oriented && !connection_isakmp_only(c->form) && c->peer_client.base.family != 0;
        bool outward = tunnel && subnet_contains(&c->our_client, from) && subnet_contains(&c->peer_client, to);
        bool inward = tunnel && subnet_contains(&c->our_client, to) && subnet_contains(&c->peer_client, from);
        if (tunnel) {
            subnet_print(&c->our_client, a);
            subnet_print(&c->peer_client, b);
        }
        if (outward || inward) {
            if (++fit <= EXPLAIN_SHOWN) {
                keying_say(k, client, 0, "\"%s\" is for it: between %s (ours) and %s; it is %s%s%s", c->name, a, b,
                           routing_story(c), c->failure == NULL || c->newest_ipsec != 0 ? "" : "; it failed last: ",
                           c->failure == NULL || c->newest_ipsec != 0 ? "" : c->failure->why);
            }
        } else if (++not <= EXPLAIN_SHOWN) {
            char why[ORIENT_WHY] = "it has no clients: it is for an ISAKMP SA only";
            if (!c->oriented) {
                orient_why(k, c, why);
            } else if (tunnel) {
                snprintf(why, sizeof why, "it is between %s (ours) and %s", a, b);
            } else if (c->peer_client.base.family == 0) {
                strlcpy(why, "its peer is not known yet (%any)", sizeof why);
            }
            keying_say(k, client, 0, "\"%s\" is not for it: %s", c->name, why);
        }
    }
    if (fit > EXPLAIN_SHOWN || not > EXPLAIN_SHOWN) {
        keying_say(k, client, 0, "in all, %u connections are for it, and %u are not", fit, not);
    }
    return fit;
}

/* Asks kernel-sa which policies the packet meets on this way. False: it is not running. */
static bool ask(struct keying *k, uint64_t client, const struct address *from, const struct address *to,
                unsigned way, unsigned sure)
{
    if (order_lookup(k, from, to, way, way | sure, client)) {
        return true;
    }
    keying_say(k, client, 0, "what the kernel does with it is not known now: kernel-sa is not running");
    return false;
}

/*
 * Which way it goes is certain where an address is one that we listen on. Where none is, the packet may pass
 * through, or be for an address of ours that we do not listen on.
 */
static void ask_kernel(struct keying *k, uint64_t client, const struct address *from, const struct address *to,
                       bool ours_from, bool ours_to)
{
    bool good = true;
    unsigned sure = FOR_SURE | (ours_from && ours_to ? LOOPBACK : 0);
    if (ours_from || !ours_to) {
        good = ask(k, client, from, to, WORD_OUT, sure);
    }
    if (good && ours_to) {
        good = ask(k, client, from, to, WORD_IN, sure);
    }
    if (good && !ours_from && !ours_to && ask(k, client, from, to, WORD_IN, 0)) {
        (void)ask(k, client, from, to, WORD_FWD, 0);
    }
}

void explain_packet(struct keying *k, uint64_t client, const struct address *from, const struct address *to)
{
    if (from->family != to->family) {
        keying_say(k, client, REPLY_BAD_MESSAGE, "--from and --to are of two families");
        return;
    }
    bool ours_from = orient_interface(k, from) != NULL;
    bool ours_to = orient_interface(k, to) != NULL;
    unsigned fit = say_clients(k, client, from, to);
    /* IKE between them is of interest where it is possible, or where it may be what is missing. */
    if (ours_from != ours_to) {
        explain_first(k, client, ours_to ? to : from, ours_to ? from : to, fit == 0);
    }
    ask_kernel(k, client, from, to, ours_from, ours_to);
}

/* By its reqid, which policies for what comes in have not: these are known by their clients. */
static const struct conn *whose(struct keying *k, const struct record *r)
{
    struct subnet ours;
    struct subnet peer;
    struct conn *c = record_has(r, K_REQID) ? index_by_reqid(k, (uint32_t)record_number(r, K_REQID)) : NULL;
    if (c != NULL || !record_has(r, K_OUR_CLIENT) || !record_has(r, K_PEER_CLIENT)) {
        return c;
    }
    record_subnet(r, K_OUR_CLIENT, &ours);
    record_subnet(r, K_PEER_CLIENT, &peer);
    c = index_by_clients(k, &ours, &peer);
    while (c != NULL && c->eroute == NULL) {
        c = index_next_by_clients(c);
    }
    return c;
}

static const char *const packet[WORD_WAYS] = {
    [WORD_IN] = "a packet that comes in for this machine", [WORD_OUT] = "a packet that leaves",
    [WORD_FWD] = "a packet that passes through"
};

/* No policy catches it: the kernel's default for that way decides, where it has one. */
static void say_default(struct keying *k, uint64_t client, const struct record *r, unsigned way, unsigned note)
{
    char word[SCHEMA_WORD];
    char rule[100] = "";
    bool counts = record_has(r, K_STANDARD) && (note & LOOPBACK) == 0;
    bool block = counts && record_word(r, K_STANDARD) == WORD_BLOCK;
    if ((note & FOR_SURE) == 0 && !block) {
        return; /* it need not go that way, and nothing is asked of it there */
    }
    if (counts) {
        snprintf(rule, sizeof rule, ", and its default for %s is %s (ip xfrm policy getdefault)",
                 schema_word(K_WAY, way, word), block ? "block" : "accept");
    }
    if (block) {
        keying_say(k, client, 0, "%s: dropped: no policy of the kernel catches it%s", packet[way], rule);
    } else if (way == WORD_IN) {
        keying_say(k, client, 0, "%s: accepted in the clear: no policy of the kernel asks for more%s", packet[way],
                   rule);
    } else {
        keying_say(k, client, 0, "%s: in the clear: no policy of the kernel catches it%s", packet[way], rule);
    }
}

/* A policy with a template. */
static void say_protected(struct keying *k, uint64_t client, const struct record *r, unsigned way)
{
    const struct conn *c = whose(k, r);
    const char *sa = record_text(r, K_SA);
    bool optional = record_yes(r, K_OPTIONAL);
    char label[CONN_LABEL] = "no connection that is known";
    if (c != NULL) {
        conn_label(c, label);
    }
    keying_say(k, client, 0, "%s: caught by the policy %s, which is of %s", packet[way], record_text(r, K_FOUND), label);
    if (way != WORD_OUT) {
        keying_say(k, client, 0, "%s: %s", packet[way], optional ? "accepted in the clear, too, as that policy is optional"
                                                                 : "dropped, unless it came by an SA of that policy");
    } else if (sa != NULL) {
        keying_say(k, client, 0, "%s: sent by the SA %s", packet[way], sa);
    } else {
        keying_say(k, client, 0, "%s: %s", packet[way], optional ? "in the clear: there is no SA for that policy, which is "
                                                                   "optional"
                                                                 : "dropped or held: there is no SA for that policy");
    }
}

static void say_policy(struct keying *k, uint64_t client, const struct record *r, unsigned note)
{
    unsigned way = note & WAY_OF;
    const char *found = record_text(r, K_FOUND);
    if (found == NULL) {
        say_default(k, client, r, way, note);
    } else if (record_word(r, K_KIND) == KIND_PASS || record_word(r, K_KIND) == KIND_DROP) {
        keying_say(k, client, 0, "%s: %s, by the policy %s", packet[way],
                   record_word(r, K_KIND) == KIND_PASS ? "in the clear" : "dropped", found);
    } else {
        say_protected(k, client, r, way);
    }
    if (record_has(r, K_BESIDE)) {
        keying_say(k, client, 0, "%s: and what the policy %s wants, beside that", packet[way], record_text(r, K_BESIDE));
    }
    if (record_has(r, K_OTHERS) && (found != NULL || (note & FOR_SURE) != 0)) {
        keying_say(k, client, 0, "%s: not by %s", packet[way], record_text(r, K_OTHERS));
    }
}

bool explain_lookup_answered(struct keying *k, const struct record *r)
{
    uint64_t note;
    uint64_t id = record_number(r, K_ID);
    uint64_t client = keying_client_of(k, id);
    if (client != 0) {
        k->hooks.hold(k->hooks.context, client);
    }
    bool ours = keying_answered(k, id, PENDING_LOOKUP, 0, &note);
    if (ours && r->verb == V_OK) {
        say_policy(k, client, r, (unsigned)note);
    } else if (ours) {
        keying_say(k, client, 0, "what the kernel does with it is not known: %s", record_text(r, K_WHY));
    }
    if (client != 0) {
        k->hooks.release(k->hooks.context, client);
    }
    return ours;
}
