/*
 * By hand: plutod's part, for one connection.
 */
#include "by_hand_private.h"

#include "algorithm.h"
#include "bounds.h"
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hand_say(const char *prefix, const char *text)
{
    struct buffer b;
    buffer_init(&b, 0);
    log_escape(&b, text, strlen(text));
    fprintf(stderr, "ike-negotiate: %s%.*s\n", prefix, (int)b.len, (const char *)b.data);
    buffer_wipe(&b);
}

void hand_finish(struct hand *h, int status)
{
    if (h->done) {
        return;
    }
    if (h->isakmp_up && !h->show_keys && status != EXIT_SYSTEM) { /* that one may have no negotiator */
        hand_take_back(h);
    }
    h->done = true;
    h->status = status;
}

void hand_end(struct hand *h, int status, const char *format, ...)
{
    char text[4100];
    va_list args;
    if (h->done) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    hand_say("", text);
    hand_finish(h, status);
}

/* ---- what plutod would say ---- */

static void announce(struct hand *h)
{
    struct record_writer w;
    record_start(&w, hand_out(h, LINE_SECRETS), V_ANNOUNCE);
    record_put_number(&w, K_EXCHANGE, EXCHANGE_X);
    record_put_text(&w, K_CONNECTION, h->form.name);
    record_put_word(&w, K_ROLE, h->initiate ? ROLE_INITIATOR : ROLE_RESPONDER);
    record_put_word(&w, K_METHODS, hand_methods(h));
    record_put_text(&w, K_IKE, h->form.ike);
    record_put_identity(&w, K_OUR_ID, &h->our_id);
    record_put_identity(&w, K_PEER_ID, &h->peer_id);
    record_finish(&w);
}

/* The group of PFS: --pfsgroup, else that of the ISAKMP SA. */
static const char *pfs_text(const struct hand *h)
{
    if ((h->form.policy & POLICY_PFS) == 0 && h->initiate) {
        return "no";
    }
    if (h->form.pfsgroup != NULL) {
        return h->form.pfsgroup;
    }
    const char *group = strrchr(h->suite, '-');
    return group != NULL ? group + 1 : "no";
}

static void announce_quick(struct hand *h)
{
    struct record_writer w;
    record_start(&w, hand_out(h, LINE_SECRETS), V_ANNOUNCE_QUICK);
    record_put_number(&w, K_EXCHANGE, EXCHANGE_Y);
    record_put_number(&w, K_PARENT, EXCHANGE_X);
    record_put_word(&w, K_ROLE, h->initiate ? ROLE_INITIATOR : ROLE_RESPONDER);
    record_put_text(&w, K_ESP, h->form.esp);
    record_put_text(&w, K_PFS, pfs_text(h));
    record_put_yes(&w, K_PFS_REQUIRED, (h->form.policy & POLICY_PFS) != 0);
    record_finish(&w);
    hand_permit(h);
}

static void order_quick(struct hand *h)
{
    struct record_writer w;
    announce_quick(h);
    record_start(&w, hand_out(h, LINE_NEGOTIATOR), V_QUICK);
    record_put_number(&w, K_EXCHANGE, EXCHANGE_Y);
    record_put_number(&w, K_PARENT, EXCHANGE_X);
    record_put_text(&w, K_CONNECTION, h->form.name);
    record_put_text(&w, K_ESP, h->form.esp);
    record_put_text(&w, K_PFS, pfs_text(h));
    record_put_word(&w, K_MODE, hand_mode(h));
    record_put_number(&w, K_LIFE, h->form.ipseclifetime);
    record_put_address(&w, K_OUR_HOST, &h->local);
    record_put_address(&w, K_PEER_HOST, &h->remote);
    record_put_subnet(&w, K_OUR_CLIENT, &h->our_client);
    record_put_subnet(&w, K_PEER_CLIENT, &h->peer_client);
    record_finish(&w);
}

static void answer_first(struct hand *h, uint64_t id, const struct address *remote)
{
    struct record_writer w;
    char candidates[2300];
    char methods[SCHEMA_WORD];
    struct buffer *out = hand_out(h, LINE_NEGOTIATOR);

    if (h->authenticated || (h->peer->host_kind == HOST_ADDRESS && !address_equal(remote, &h->remote))) {
        record_fail(out, V_FIRST, id, "the connection on the command line is with another peer");
        return;
    }
    if (h->peer->host_kind == HOST_ANY) {
        h->remote = *remote;
        if (!h->peer->has_client) {
            subnet_of_host(&h->peer_client, remote);
        }
    }
    announce(h);
    snprintf(candidates, sizeof candidates, "%s:%s:%s", h->form.name, schema_word(K_METHODS, hand_methods(h), methods),
             h->form.ike);
    record_answer(&w, out, V_OK, V_FIRST, id);
    record_put_number(&w, K_EXCHANGE, EXCHANGE_X);
    record_put_number(&w, K_WORKER, 1);
    record_put_text(&w, K_CANDIDATES, candidates);
    record_put_number(&w, K_LIFE, h->form.ikelifetime);
    record_finish(&w);
}

/* A peer may be here before secrets has read its file. */
static void take_first(struct hand *h, const struct record *r)
{
    struct address remote;
    record_address(r, K_REMOTE, &remote);
    if (h->begun || h->initiate) {
        answer_first(h, record_number(r, K_ID), &remote);
    } else if (h->first_id == 0) {
        h->first_id = record_number(r, K_ID);
        h->first_remote = remote;
    } else {
        record_fail(hand_out(h, LINE_NEGOTIATOR), V_FIRST, record_number(r, K_ID), "the secrets file is not read yet");
    }
}

void hand_begin(struct hand *h)
{
    struct record_writer w;
    h->begun = true;
    if (h->first_id != 0) {
        answer_first(h, h->first_id, &h->first_remote);
    }
    if (!h->initiate) {
        return;
    }
    announce(h);
    record_start(&w, hand_out(h, LINE_NEGOTIATOR), V_INITIATE);
    record_put_number(&w, K_EXCHANGE, EXCHANGE_X);
    record_put_text(&w, K_CONNECTION, h->form.name);
    record_put_number(&w, K_WORKER, 1);
    record_put_address(&w, K_LOCAL, &h->local);
    record_put_number(&w, K_LOCAL_PORT, h->local_port);
    record_put_address(&w, K_REMOTE, &h->remote);
    record_put_number(&w, K_REMOTE_PORT, h->peer->ikeport);
    record_put_word(&w, K_METHODS, hand_methods(h));
    record_put_text(&w, K_IKE, h->form.ike);
    record_put_number(&w, K_LIFE, h->form.ikelifetime);
    record_finish(&w);
}

/* Another identity than --id: only where the connection leaves the identity open. */
static void answer_identify(struct hand *h, const struct record *r)
{
    struct record_writer w;
    char proved[IDENTITY_TEXT];
    char why[2 * IDENTITY_TEXT + 120];

    identity_print(&h->proved, proved);
    if (h->peer_id.type != ID_ANY) {
        snprintf(why, sizeof why, "the peer proved to be %s, which is not the --id of this connection; "
                 "--id with that for its end would match", proved);
        record_fail(hand_out(h, LINE_NEGOTIATOR), V_IDENTIFY, record_number(r, K_ID), why);
        return;
    }
    h->identify_id = record_number(r, K_ID);
    record_start(&w, hand_out(h, LINE_SECRETS), V_ACCEPT);
    record_put_number(&w, K_ID, 1);
    record_put_number(&w, K_EXCHANGE, EXCHANGE_X);
    record_put_text(&w, K_CONNECTION, h->form.name);
    record_put_identity(&w, K_OUR_ID, &h->our_id);
    record_put_identity(&w, K_PEER_ID, &h->peer_id);
    record_finish(&w);
}

static void answer_quick_ask(struct hand *h, const struct record *r)
{
    struct record_writer w;
    struct subnet ours;
    struct subnet peers;
    struct buffer *out = hand_out(h, LINE_NEGOTIATOR);

    record_subnet(r, K_OUR_CLIENT, &ours);
    record_subnet(r, K_PEER_CLIENT, &peers);
    if (!h->authenticated || h->permit_printed || !subnet_equal(&ours, &h->our_client)
        || !subnet_equal(&peers, &h->peer_client)) {
        record_fail(out, V_QUICK_ASK, record_number(r, K_ID),
                    "the peer's clients are not those of the connection on the command line");
        return;
    }
    announce_quick(h);
    bool hosts_only = subnet_is_host(&ours, &h->local) && subnet_is_host(&peers, &h->remote);
    record_answer(&w, out, V_OK, V_QUICK_ASK, record_number(r, K_ID));
    record_put_number(&w, K_EXCHANGE, EXCHANGE_Y);
    record_put_text(&w, K_CONNECTION, h->form.name);
    record_put_text(&w, K_ESP, h->form.esp);
    record_put_text(&w, K_PFS, pfs_text(h));
    record_put_yes(&w, K_PFS_REQUIRED, (h->form.policy & POLICY_PFS) != 0);
    record_put_word(&w, K_MODES, hosts_only ? MODES_ANY : MODES_TUNNEL);
    record_put_number(&w, K_LIFE, h->form.ipseclifetime);
    record_put_address(&w, K_OUR_HOST, &h->local);
    record_put_address(&w, K_PEER_HOST, &h->remote);
    record_finish(&w);
}

static void take_state(struct hand *h, const struct record *r)
{
    const struct record_value *state = record_value(r, K_STATE);
    const char *word = (const char *)state->bytes;
    fprintf(stderr, "ike-negotiate: %u STATE_%.*s\n", 101 + (unsigned)state->number, (int)state->len, word);
    if (record_number(r, K_EXCHANGE) == EXCHANGE_Y
        && (strncmp(word, "QUICK_I2", 8) == 0 || strncmp(word, "QUICK_R2", 8) == 0)) {
        hand_finish(h, 0);
    }
}

static void take_isakmp_up(struct hand *h, const struct record *r)
{
    if (!h->authenticated || strcmp(h->suite, record_text(r, K_PROPOSAL)) != 0) {
        hand_end(h, EXIT_SYSTEM, "an ISAKMP SA of %s is reported, but the keys were made for %s: nothing is "
                 "negotiated under it", record_text(r, K_PROPOSAL),
                 h->authenticated ? h->suite : "nobody yet");
        return;
    }
    fprintf(stderr, "ike-negotiate: ISAKMP SA established: %s\n", h->suite);
    h->isakmp_up = true;
    if (connection_isakmp_only(&h->form)) {
        hand_finish(h, 0);
    } else if (h->initiate) {
        order_quick(h);
    }
}

static void take_negotiator(struct hand *h, const struct record *r)
{
    switch (r->verb) {
    case V_FIRST:
        take_first(h, r);
        break;
    case V_IDENTIFY:
        answer_identify(h, r);
        break;
    case V_QUICK_ASK:
        answer_quick_ask(h, r);
        break;
    case V_STATE:
        take_state(h, r);
        break;
    case V_HINT:
        hand_say("", record_text(r, K_WHY));
        break;
    case V_IGNORED:
        break; /* each was said, too */
    case V_RETRANSMITTED:
        fprintf(stderr, "ike-negotiate: no answer yet, sent %u times; next step in %u s\n",
                (unsigned)record_number(r, K_ATTEMPT), (unsigned)record_number(r, K_WAIT));
        break;
    case V_FAILED:
        if (!h->initiate && !h->show_keys && h->wanted && h->keys_printed
            && record_number(r, K_EXCHANGE) == EXCHANGE_Y) { /* he only looked, as we do */
            hand_finish(h, 0);
        } else if (h->initiate || record_number(r, K_EXCHANGE) == EXCHANGE_Y) {
            hand_end(h, 1, "the negotiation failed: %s", record_text(r, K_WHY));
        } else {
            hand_say("a negotiation failed: ", record_text(r, K_WHY));
        }
        break;
    case V_ISAKMP_UP:
        take_isakmp_up(h, r);
        break;
    case V_PEER_DELETED: /* he only looked, as we do */
        if (!h->show_keys && h->wanted && record_word(r, K_PROTOCOL) == WORD_ISAKMP) {
            hand_finish(h, 0);
        }
        break;
    default: /* chosen, notified and Deletes are in the log lines too */
        break;
    }
}

static void take_secrets(struct hand *h, const struct record *r)
{
    struct record_writer w;
    if (r->verb == V_LOADED && h->loaded) {
        hand_end(h, EXIT_SYSTEM, "secrets says twice that it has read its file: nothing is negotiated with it");
    } else if (r->verb == V_LOADED && record_number(r, K_NAMES) > 0) {
        return; /* it says so again when it knows them */
    } else if (r->verb == V_RESOLVE) {
        hand_resolve(h, r);
    } else if (r->verb == V_LOADED && record_number(r, K_ENTRIES) == 0) {
        hand_end(h, 1, "%s holds no secret that can be used: nothing is negotiated",
                 h->secrets_file);
    } else if (r->verb == V_LOADED) {
        hand_loaded(h);
    } else if (r->verb == V_PUBLIC_KEYS) {
        hand_public_keys(h, r);
    } else if (r->verb == V_LOCKED) {
        hand_say("a key is not used, whose passphrase only plutod has asked for (%prompt): ", record_text(r, K_FILE));
    } else if (r->verb == V_FAILED) {
        hand_end(h, 1, "nothing is negotiated: %s", record_text(r, K_WHY));
    } else if (r->verb == V_AUTHENTICATED) {
        record_identity(r, K_PEER_NAME, &h->proved);
        snprintf(h->suite, sizeof h->suite, "%s", record_text(r, K_PROPOSAL));
        h->authenticated = true;
    } else if ((r->re == V_ACCEPT && h->identify_id == 0) || (r->re == V_SECRET && !hand_secret_answered(h, r))) {
        hand_end(h, EXIT_SYSTEM, "secrets answers what nobody has asked: nothing is negotiated with it");
    } else if (r->re == V_ACCEPT && r->verb == V_OK) {
        record_answer(&w, hand_out(h, LINE_NEGOTIATOR), V_OK, V_IDENTIFY, h->identify_id);
        record_put_text(&w, K_CONNECTION, h->form.name);
        record_finish(&w);
        h->identify_id = 0;
    } else if (r->re == V_ACCEPT && r->verb == V_FAIL) {
        record_fail(hand_out(h, LINE_NEGOTIATOR), V_IDENTIFY, h->identify_id, record_text(r, K_WHY));
        h->identify_id = 0;
    }
}

bool hand_record(void *context, struct channel *c, const struct record *r, int fd)
{
    struct hand_line *l = context;
    struct hand *h = l->hand;
    (void)c;
    (void)fd;
    if (r->verb == V_LOG) {
        hand_say("", record_text(r, K_TEXT));
    } else if (r->verb == V_BAD) {
        hand_end(h, EXIT_SYSTEM, "a child refused a record: %s", record_text(r, K_WHY));
    } else if (l->which == LINE_NEGOTIATOR) {
        take_negotiator(h, r);
    } else if (l->which == LINE_SECRETS) {
        take_secrets(h, r);
    } else if (l->which == LINE_DNSKEY) {
        hand_dnskey_record(h, r);
    } else {
        hand_kernel_record(h, r);
    }
    return true;
}
