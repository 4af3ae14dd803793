/* Which secret an exchange is given, and what is said where there is none. */
#include "inside.h"

const struct secret *secret_for(const struct core *c, enum method method, const struct identity *ours,
                                const struct identity *peer, const struct secret **other)
{
    return method == METHOD_PSK ? store_find(c->config.store, ours, peer, other)
                                : store_find_rsa(c->config.store, ours, other);
}

/* What a person can do for a key whose passphrase has not come. */
static const char *remedy(enum asks asks)
{
    static const char *const of[] = {
        [ASKS_PLUTOD] = "whack --listen, at a terminal, asks for it",
        [ASKS_SECRETS] = "secrets asks for it as it begins, where it has a terminal",
        [ASKS_NOBODY] = "by hand nobody asks for it: write it there, or decrypt the key file (openssl pkey)",
    };
    return of[asks];
}

enum outcome deny_secret(struct core *c, enum method method, const struct identity *our_id,
                         const struct identity *peer_id)
{
    char ours[IDENTITY_TEXT];
    char peer[IDENTITY_TEXT];
    identity_print(our_id, ours);
    identity_print(peer_id, peer);
    c->code = REPLY_NO_KEY;
    const struct secret *locked = method == METHOD_RSASIG ? store_locked_for(c->config.store, our_id) : NULL;
    if (locked != NULL) {
        return deny(c, OUTCOME_FAIL, NOTIFY_AUTHENTICATION_FAILED, "no private RSA key for \"%s\": the passphrase of %s "
                    "has not come (%%prompt); %s", ours, locked->prompt->path, remedy(c->config.asks));
    }
    const struct secret *waiting = store_waiting_for(c->config.store, method == METHOD_RSASIG, our_id, peer_id);
    if (waiting != NULL) {
        const struct named_host *host = secret_missing_host(waiting);
        return deny(c, OUTCOME_FAIL, NOTIFY_AUTHENTICATION_FAILED, "no %s for \"%s\" and \"%s\": perhaps that of %.200s:%u, "
                    "but %s in it %s", method == METHOD_PSK ? "preshared secret" : "private RSA key", ours, peer,
                    waiting->file, waiting->line, host->name, host->state == HOST_WAITS
                    ? "has not been looked up yet, which is tried again and again" : "could not be looked up (see the log)");
    }
    if (method == METHOD_PSK) {
        return deny(c, OUTCOME_FAIL, NOTIFY_AUTHENTICATION_FAILED, "no preshared secret for \"%s\" and \"%s\" in "
                    "ipsec.secrets: add a line %s %s : PSK \"...\"", ours, peer, ours, peer);
    }
    return deny(c, OUTCOME_FAIL, NOTIFY_AUTHENTICATION_FAILED, "no private RSA key for \"%s\" in ipsec.secrets: add "
                "an entry %s : RSA ... (secrets --generate makes a key)", ours, ours);
}

bool secret_may_come(const struct core *c, enum method method, const struct identity *ours, const struct identity *peer)
{
    const struct secret *waiting = store_waiting_for(c->config.store, method == METHOD_RSASIG, ours, peer);
    return waiting != NULL && secret_missing_host(waiting)->state == HOST_WAITS;
}

const char *key_cannot_sign(const struct rsa_key *key, const char *ike, bool offered)
{
    struct ike_proposals p;
    size_t shortest = HASH_MAX;
    const char *why = ike_proposals_parse(&p, ike, NULL);
    for (size_t i = 0; why == NULL && i < (offered ? p.offered : p.count); i++) {
        shortest = p.suite[i].hash->len < shortest ? p.suite[i].hash->len : shortest;
    }
    return why != NULL ? why : rsa_holds(rsa_key_public(key)->modulus_len, shortest);
}

enum outcome deny_key(struct core *c, enum outcome outcome, const struct secret *s, const char *why)
{
    c->code = REPLY_NO_KEY;
    return deny(c, outcome, NOTIFY_AUTHENTICATION_FAILED, "the RSA key of %s:%u cannot be used: %s", s->file, s->line, why);
}
