#include "connection_making.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECURITY ((unsigned)(POLICY_ENCRYPT | POLICY_AUTHENTICATE))
#define SHUNT_ONLY ((unsigned)(SHUNT_PASS | SHUNT_DROP | SHUNT_REJECT))

/* ---- the two hosts ---- */

static bool check_peers(const struct making *m)
{
    const struct connection_end *end = m->form->end;
    const struct connection_words_end *said = m->words->end;

    for (int i = 0; i < 2; i++) {
        if (end[i].host_kind != HOST_ANY) {
            continue;
        }
        if (end[1 - i].host_kind == HOST_ANY) {
            return making_refuse(m, "--host %%any: only one end can be %%any");
        }
        if (end[1 - i].nexthop_kind == NEXTHOP_PEER) {
            return making_refuse(m, "--host %s: the other end (--host %.100s) needs a --nexthop"
                                 " with the gateway's address, or --nexthop %%direct", said[i].host,
                                 said[1 - i].host);
        }
    }
    return true;
}

/* Who has proved to be one of us is nobody else: neither could believe the other. */
static bool check_identities(const struct making *m)
{
    const struct connection_end *end = m->form->end;
    char text[IDENTITY_TEXT];
    if (end[END_LEFT].id->type == ID_ANY || !identity_equal(end[END_LEFT].id, end[END_RIGHT].id)
        || (m->form->policy & POLICY_METHODS) == 0) {
        return true;
    }
    identity_print(end[END_LEFT].id, text);
    return making_refuse(m, "--id %.200s: both ends have this identity%s; give each its own", text,
                         end[END_LEFT].has_id && end[END_RIGHT].has_id ? "" : ", one of them by its --host");
}

/* ---- what is done to traffic ---- */

/* --pass, --drop or --reject, and nothing to negotiate [C6]. */
static bool is_shunt_only(const struct making *m)
{
    return (m->words->shunts & SHUNT_ONLY) != 0 && connection_isakmp_only(m->form);
}

/* Words that go with an IPsec SA only, where there is to be none. */
static bool check_no_sa(const struct making *m)
{
    static const char only[] = "goes with --encrypt or --authenticate only";
    const struct connection_words *words = m->words;

    for (int i = 0; i < 2; i++) {
        if (words->end[i].client != NULL && !is_shunt_only(m)) {
            return making_refuse(m, "--client %.100s: %s (without them, only an ISAKMP SA is built,"
                                 " and nothing of a client goes through that)",
                                 words->end[i].client, only);
        }
        if (words->end[i].clientprotoport != NULL && !is_shunt_only(m)) {
            return making_refuse(m, "--clientprotoport %.100s: %s", words->end[i].clientprotoport, only);
        }
    }
    static const struct {
        unsigned bit;
        const char *word;
    } flags[] = {
        { POLICY_TUNNEL, "tunnel" }, { POLICY_PFS, "pfs" }, { POLICY_COMPRESS, "compress" },
        { POLICY_DISABLEARRIVALCHECK, "disablearrivalcheck" },
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if ((words->policy & flags[i].bit) != 0) {
            return making_refuse(m, "--%s: %s", flags[i].word, only);
        }
    }
    return true;
}

static bool check_lists(const struct making *m)
{
    const struct connection_words *words = m->words;
    unsigned policy = m->form->policy;

    if (words->esp != NULL && (policy & POLICY_ENCRYPT) == 0) {
        return making_refuse(m, "--esp %.100s: goes with --encrypt only", words->esp);
    }
    if (words->ah != NULL && (policy & POLICY_AUTHENTICATE) == 0) {
        return making_refuse(m, "--ah %.100s: goes with --authenticate only", words->ah);
    }
    if (words->pfsgroup != NULL && (policy & POLICY_PFS) == 0) {
        return making_refuse(m, "--pfsgroup %.100s: goes with --pfs only", words->pfsgroup);
    }
    return true;
}

static bool check_policy(const struct making *m)
{
    unsigned policy = m->form->policy;

    if ((policy & POLICY_METHODS) == 0 && !is_shunt_only(m)) {
        return making_refuse(m, "--psk: missing; a connection needs to say how the peers prove who"
                             " they are: by --psk or --rsasig");
    }
    if ((policy & SECURITY) == 0 && !check_no_sa(m)) {
        return false;
    }
    return check_lists(m);
}

/* Of each four, one: those of SHUNT_..., then those of FAIL_... */
static bool check_shunts(const struct making *m)
{
    static const char *const word[] = { "initiateontraffic", "pass", "drop", "reject",
                                        "failnone", "failpass", "faildrop", "failreject" };
    for (unsigned first = 0; first < 8; first += 4) {
        int before = -1;
        for (unsigned i = first; i < first + 4; i++) {
            if ((m->words->shunts & 1U << i) == 0) {
                continue;
            }
            if (before >= 0) {
                return making_refuse(m, "--%s: contradicts --%s", word[i], word[before]);
            }
            before = (int)i;
        }
    }
    return true;
}

/* ---- protocols and ports of clients ---- */

static bool digits_up_to(const char *text, size_t len, unsigned long max, unsigned long *out)
{
    char number[8];
    if (len == 0 || len >= sizeof number || strspn(text, "0123456789") < len) {
        return false;
    }
    memcpy(number, text, len);
    number[len] = '\0';
    *out = strtoul(number, NULL, 10);
    return *out <= max;
}

/* PROTOCOL or PROTOCOL/PORT; NULL, or why not. */
static const char *parse_protoport(const char *text, unsigned long *protocol)
{
    static const struct {
        const char *word;
        unsigned number;
    } known[] = { { "icmp", 1 }, { "tcp", 6 }, { "udp", 17 }, { "gre", 47 }, { "ipv6-icmp", 58 },
                  { "l2tp", 115 }, { "sctp", 132 } };
    size_t len = strcspn(text, "/");
    unsigned long port;
    bool found = digits_up_to(text, len, 255, protocol);

    for (size_t i = 0; !found && i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].word) == len && memcmp(known[i].word, text, len) == 0) {
            *protocol = known[i].number;
            found = true;
        }
    }
    if (!found || *protocol == 0) {
        return "the protocol is a number from 1 to 255, or icmp, tcp, udp, gre, ipv6-icmp, l2tp or sctp";
    }
    if (text[len] == '\0' || strcmp(text + len, "/%any") == 0) {
        return NULL;
    }
    if (!digits_up_to(text + len + 1, strlen(text + len + 1), 65535, &port)) {
        return "the port is a number from 0 to 65535, or %any";
    }
    return *protocol == 6 || *protocol == 17 || *protocol == 132 || port == 0
               ? NULL : "only tcp, udp and sctp have ports";
}

static bool check_protoports(const struct making *m)
{
    unsigned long protocol[2] = { 0, 0 };
    for (int i = 0; i < 2; i++) {
        const char *text = m->words->end[i].clientprotoport;
        const char *why = text == NULL ? NULL : parse_protoport(text, &protocol[i]);
        if (why != NULL) {
            return making_refuse(m, "--clientprotoport %.100s: %s", text, why);
        }
    }
    if (protocol[0] != 0 && protocol[1] != 0 && protocol[0] != protocol[1]) {
        return making_refuse(m, "--clientprotoport %.100s: another protocol than the other end's, %.100s",
                             m->words->end[END_RIGHT].clientprotoport,
                             m->words->end[END_LEFT].clientprotoport);
    }
    return true;
}

/* ---- times ---- */

static bool check_life(const struct making *m, const char *option, uint32_t life)
{
    const struct connection_form *form = m->form;
    uint64_t least = (uint64_t)form->rekeymargin * (100 + (uint64_t)form->rekeyfuzz) / 100;

    if (life > least || (form->policy & POLICY_DONTREKEY) != 0) {
        return true;
    }
    return making_refuse(m, "%s %u: must be greater than the %llu s that --rekeymargin %u with"
                         " --rekeyfuzz %u can reach, else nothing is replaced in time (or give"
                         " --dontrekey)", option, life, (unsigned long long)least,
                         form->rekeymargin, form->rekeyfuzz);
}

static bool check_dpd(const struct making *m)
{
    const struct connection_words *words = m->words;
    uint32_t delay = words->number[DPDDELAY];
    uint32_t timeout = words->number[DPDTIMEOUT];

    if (!words->has[DPDDELAY] && words->has[DPDTIMEOUT]) {
        return making_refuse(m, "--dpdtimeout %u: goes with --dpddelay only", timeout);
    }
    if (!words->has[DPDDELAY] && words->dpdaction != NULL) {
        return making_refuse(m, "--dpdaction %.20s: goes with --dpddelay only", words->dpdaction);
    }
    if (words->has[DPDTIMEOUT] && timeout <= delay) {
        return making_refuse(m, "--dpdtimeout %u: must be greater than --dpddelay %u, else no answer can"
                             " come in time", timeout, delay);
    }
    return true;
}

/* ---- all of them ---- */

bool making_checks(const struct making *m)
{
    return check_peers(m) && check_identities(m) && check_shunts(m) && check_policy(m)
           && check_protoports(m) && check_life(m, "--ikelifetime", m->form->ikelifetime)
           && check_life(m, "--ipseclifetime", m->form->ipseclifetime) && check_dpd(m);
}
