#include "connection.h"

#include <stdio.h>
#include <string.h>

static const struct {
    unsigned bit;
    const char *word;
    bool supported; /* as in connection_options.c */
} policies[] = {
    { POLICY_PSK, "psk", true },
    { POLICY_RSASIG, "rsasig", true },
    { POLICY_ENCRYPT, "encrypt", true },
    { POLICY_AUTHENTICATE, "authenticate", false },
    { POLICY_COMPRESS, "compress", false },
    { POLICY_TUNNEL, "tunnel", true },
    { POLICY_PFS, "pfs", true },
    { POLICY_DISABLEARRIVALCHECK, "disablearrivalcheck", false },
    { POLICY_DONTREKEY, "dontrekey", true },
};

#define POLICIES (sizeof policies / sizeof policies[0])

static const enum key host_key[2] = { K_LEFT_HOST, K_RIGHT_HOST };
static const enum key host_name_key[2] = { K_LEFT_HOST_NAME, K_RIGHT_HOST_NAME };
static const enum key id_key[2] = { K_LEFT_ID, K_RIGHT_ID };
static const enum key ikeport_key[2] = { K_LEFT_IKEPORT, K_RIGHT_IKEPORT };
static const enum key nexthop_key[2] = { K_LEFT_NEXTHOP, K_RIGHT_NEXTHOP };
static const enum key client_key[2] = { K_LEFT_CLIENT, K_RIGHT_CLIENT };
static const enum key updown_key[2] = { K_LEFT_UPDOWN, K_RIGHT_UPDOWN };
static const enum key number_key[5] = { K_IKELIFETIME, K_IPSECLIFETIME, K_REKEYMARGIN, K_REKEYFUZZ,
                                        K_KEYINGTRIES };

/* ---- writing ---- */

void connection_policy_print(unsigned policy, char out[POLICY_TEXT])
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < POLICIES; i++) {
        if ((policy & policies[i].bit) != 0) {
            len += (size_t)snprintf(out + len, POLICY_TEXT - len, "%s%s", len == 0 ? "" : ",",
                                    policies[i].word);
        }
    }
}

static void put_end(struct record_writer *w, const struct connection_end *end, int i)
{
    char address[ADDRESS_TEXT];
    char client[SUBNET_TEXT];
    char id[IDENTITY_TEXT];

    if (end->host_kind == HOST_ANY) {
        record_put_text(w, host_key[i], "%any");
    } else {
        address_print(&end->host, address);
        record_put_text(w, host_key[i], address);
    }
    if (end->host_name != NULL) {
        record_put_text(w, host_name_key[i], end->host_name);
    }
    if (end->id_is_myid) {
        record_put_text(w, id_key[i], "%myid");
    } else if (end->has_id) {
        identity_print(end->id, id);
        record_put_text(w, id_key[i], id);
    }
    record_put_number(w, ikeport_key[i], end->ikeport);
    if (end->nexthop_kind == NEXTHOP_DIRECT) {
        record_put_text(w, nexthop_key[i], "%direct");
    } else if (end->nexthop_kind == NEXTHOP_ADDRESS) {
        address_print(&end->nexthop, address);
        record_put_text(w, nexthop_key[i], address);
    }
    if (end->has_client) {
        subnet_print(&end->client, client);
        record_put_text(w, client_key[i], client);
    }
    if (end->updown != NULL) {
        record_put_text(w, updown_key[i], end->updown);
    }
}

bool connection_to_record(struct buffer *out, const struct connection_form *form)
{
    char policy[POLICY_TEXT];
    struct record_writer w;

    connection_policy_print(form->policy, policy);
    record_start(&w, out, V_WHACK_CONNECTION);
    record_put_text(&w, K_NAME, form->name);
    put_end(&w, &form->end[END_LEFT], END_LEFT);
    put_end(&w, &form->end[END_RIGHT], END_RIGHT);
    record_put_text(&w, K_POLICY, policy);
    record_put_word(&w, K_FAMILY, form->family == 6 ? 1 : 0);
    record_put_word(&w, K_TUNNEL_FAMILY, form->tunnel_family == 6 ? 1 : 0);
    record_put_text(&w, K_IKE, form->ike);
    if ((form->policy & POLICY_ENCRYPT) != 0) {
        record_put_text(&w, K_ESP, form->esp);
    }
    if (form->pfsgroup != NULL) {
        record_put_text(&w, K_PFSGROUP, form->pfsgroup);
    }
    record_put_number(&w, K_IKELIFETIME, form->ikelifetime);
    record_put_number(&w, K_IPSECLIFETIME, form->ipseclifetime);
    record_put_number(&w, K_REKEYMARGIN, form->rekeymargin);
    record_put_number(&w, K_REKEYFUZZ, form->rekeyfuzz);
    record_put_number(&w, K_KEYINGTRIES, form->keyingtries);
    record_put_yes(&w, K_REPLACE, form->replace);
    return record_finish(&w);
}

/* ---- reading ---- */

static bool add_policy(unsigned *policy, const char *word, size_t len, char why[CONNECTION_WHY])
{
    for (size_t i = 0; i < POLICIES; i++) {
        if (strncmp(policies[i].word, word, len) != 0 || policies[i].word[len] != '\0') {
            continue;
        }
        if ((*policy & policies[i].bit) != 0 || !policies[i].supported) {
            snprintf(why, CONNECTION_WHY, "--%s: %s", policies[i].word,
                     policies[i].supported ? "repeated" : "not supported yet");
            return false;
        }
        *policy |= policies[i].bit;
        return true;
    }
    snprintf(why, CONNECTION_WHY, "policy %.*s: no such word", (int)(len > 40 ? 40 : len), word);
    return false;
}

static bool policy_of(unsigned *policy, const char *text, char why[CONNECTION_WHY])
{
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        if (!add_policy(policy, text, len, why)) {
            return false;
        }
        text += len;
        text += *text == ',' ? 1 : 0;
    }
    return true;
}

static void words_of_end(struct connection_words_end *end, const struct record *r, int i)
{
    end->host = record_text(r, host_key[i]);
    end->host_name = record_text(r, host_name_key[i]);
    end->id = record_text(r, id_key[i]);
    end->ikeport = (uint16_t)record_number(r, ikeport_key[i]);
    end->nexthop = record_text(r, nexthop_key[i]);
    end->client = record_text(r, client_key[i]);
    end->updown = record_text(r, updown_key[i]);
}

bool connection_from_record(struct connection_form *form, const struct record *r,
                            char why[CONNECTION_WHY])
{
    struct connection_words words = { .name = record_text(r, K_NAME), .at = END_RIGHT };

    memset(form, 0, sizeof *form);
    if (!policy_of(&words.policy, record_text(r, K_POLICY), why)) {
        return false;
    }
    words_of_end(&words.end[END_LEFT], r, END_LEFT);
    words_of_end(&words.end[END_RIGHT], r, END_RIGHT);
    if (record_has(r, K_FAMILY)) {
        words.families |= record_word(r, K_FAMILY) == 1 ? FAMILY_IPV6 : FAMILY_IPV4;
    }
    if (record_has(r, K_TUNNEL_FAMILY)) {
        words.families |= record_word(r, K_TUNNEL_FAMILY) == 1 ? FAMILY_TUNNEL_IPV6
                                                                : FAMILY_TUNNEL_IPV4;
    }
    words.ike = record_text(r, K_IKE);
    words.esp = record_text(r, K_ESP);
    words.pfsgroup = record_text(r, K_PFSGROUP);
    for (int i = 0; i < 5; i++) {
        words.has[i] = record_has(r, number_key[i]);
        words.number[i] = (uint32_t)record_number(r, number_key[i]);
    }
    words.replace = record_yes(r, K_REPLACE);
    return connection_form_make(form, &words, NULL, NULL, why);
}
