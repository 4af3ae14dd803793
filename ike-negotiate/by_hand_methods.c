/*
 * By hand: by which methods it is negotiated, and the peer's public key; under plutod, that is plutod's to know.
 */
#include "by_hand_private.h"

#include <stdio.h>
#include <string.h>

/* Ids of our questions to secrets; V_ACCEPT has 1. */
enum { ASK_PRIVATE_KEY = 2, ASK_SECRET = 3 };

/* ---- the peer's public key ---- */

static bool refuse(char why[CONNECTION_WHY], const char *what)
{
    snprintf(why, CONNECTION_WHY, "%s", what);
    return false;
}

static bool take_key(struct hand *h, const char *text, char why[CONNECTION_WHY])
{
    struct rsa_public key;
    uint8_t bytes[RSA_PUBLIC_MAX];
    const char *wrong = rsa_public_from_text(&key, bytes, text);
    if (wrong != NULL) {
        snprintf(why, CONNECTION_WHY, "--pubkeyrsa %.40s%s: %s", text, strlen(text) > 40 ? "..." : "", wrong);
        return false;
    }
    rsa_public_print(&key, h->public_key);
    if (key.bits < RSA_BITS_STRONG) {
        fprintf(stderr, "ike-negotiate: the public key of the peer has only %u bits: keys of less than %d can be broken, "
                        "so that others pass for him\n", key.bits, RSA_BITS_STRONG);
    }
    return true;
}

bool hand_take_key(struct hand *h, const char *keyid, const char *key, char why[CONNECTION_WHY])
{
    const bool rsasig = (h->form.policy & POLICY_RSASIG) != 0;
    const bool psk = (h->form.policy & POLICY_PSK) != 0;
    if (keyid != NULL && key == NULL) {
        return refuse(why, "--keyid: goes with --pubkeyrsa, which gives the key");
    }
    if (key != NULL && !rsasig) {
        return refuse(why, "--pubkeyrsa: goes with --rsasig");
    }
    if (rsasig && key == NULL && !psk) {
        return refuse(why, "--rsasig: by hand it needs the peer's public key: --pubkeyrsa KEY, as secrets --show prints it "
                           "where his private key is");
    }
    h->lacks[METHOD_RSASIG] = rsasig && key == NULL;
    if (h->lacks[METHOD_RSASIG]) {
        hand_say("", "without --rsasig: there is no public key of the peer (--pubkeyrsa)");
    }
    return (keyid == NULL || connection_identity(&h->key_id, "--keyid", keyid, NULL, NULL, why))
           && (key == NULL || take_key(h, key, why));
}

/* Of whoever the key is, if that was not said. */
static bool is_owner(const struct hand *h, const struct identity *id)
{
    return h->key_id.type == ID_ANY ? h->peer_id.type == ID_ANY || identity_equal(id, &h->peer_id)
                                    : identity_equal(id, &h->key_id);
}

bool hand_key_fits(const struct hand *h)
{
    char key[IDENTITY_TEXT];
    char peer[IDENTITY_TEXT];
    if (h->public_key[0] == '\0' || h->peer_id.type == ID_ANY || is_owner(h, &h->peer_id)) {
        return true;
    }
    identity_print(&h->key_id, key);
    identity_print(&h->peer_id, peer);
    fprintf(stderr, "ike-negotiate: --keyid %s: the peer of this connection is %s; --id with the first for its end would "
                    "match, or no --keyid\n", key, peer);
    return false;
}

void hand_public_keys(struct hand *h, const struct record *r)
{
    struct record_writer w;
    struct identity id;
    char peer[IDENTITY_TEXT];
    char why[IDENTITY_TEXT + 100];
    struct buffer *out = hand_out(h, LINE_SECRETS);

    record_identity(r, K_PEER_ID, &id);
    if (h->public_key[0] != '\0' && is_owner(h, &id)) {
        record_answer(&w, out, V_OK, V_PUBLIC_KEYS, record_number(r, K_ID));
        record_put_text(&w, K_PUBKEYS, h->public_key);
        record_finish(&w);
        return;
    }
    identity_print(&id, peer);
    snprintf(why, sizeof why, "no public key of \"%s\": --pubkeyrsa gave that of another, or none", peer);
    record_fail(out, V_PUBLIC_KEYS, record_number(r, K_ID), why);
}

/* ---- methods ---- */

unsigned hand_methods(const struct hand *h)
{
    bool psk = (h->form.policy & POLICY_PSK) != 0 && !h->lacks[METHOD_PSK];
    bool rsasig = (h->form.policy & POLICY_RSASIG) != 0 && !h->lacks[METHOD_RSASIG];
    return psk && rsasig ? METHODS_BOTH : rsasig ? METHODS_RSASIG : METHODS_PSK;
}

static void ask(struct hand *h, enum method method)
{
    struct record_writer w;
    record_start(&w, hand_out(h, LINE_SECRETS), V_SECRET);
    record_put_number(&w, K_ID, method == METHOD_PSK ? ASK_SECRET : ASK_PRIVATE_KEY);
    record_put_word(&w, K_METHOD, method);
    record_put_identity(&w, K_OUR_ID, &h->our_id);
    record_put_identity(&w, K_PEER_ID, &h->peer_id);
    record_put_text(&w, K_IKE, h->form.ike);
    record_finish(&w);
    h->asked[method] = true;
}

void hand_loaded(struct hand *h)
{
    h->loaded = true;
    if (hand_methods(h) == METHODS_BOTH) {
        ask(h, METHOD_RSASIG);
        ask(h, METHOD_PSK);
    } else {
        hand_begin(h);
    }
}

/* What is not there is left out; if nothing is, the last one stays, and that it is missing is said then. */
bool hand_secret_answered(struct hand *h, const struct record *r)
{
    const enum method method = record_number(r, K_ID) == ASK_SECRET ? METHOD_PSK : METHOD_RSASIG;
    if (!h->asked[method]) {
        return false;
    }
    h->asked[method] = false;
    if (r->verb == V_FAIL) {
        h->lacks[method] = hand_methods(h) == METHODS_BOTH;
        hand_say(method == METHOD_PSK ? "without --psk: " : "without --rsasig: ", record_text(r, K_WHY));
    }
    if (!h->asked[METHOD_PSK] && !h->asked[METHOD_RSASIG]) {
        hand_begin(h);
    }
    return true;
}
