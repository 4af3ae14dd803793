#include "inside.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what plutod says ---- */

static bool same_candidate(const struct candidate *a, const struct record *r,
                           const struct identity *ours, const struct identity *peer)
{
    return a->methods == record_word(r, K_METHODS) && strcmp(a->ike, record_text(r, K_IKE)) == 0 && identity_equal(&a->ours, ours)
           && identity_equal(&a->peer, peer);
}

/* NULL, or why this announcement cannot be used. */
static const char *check_announcement(const struct record *r, const struct identity *ours,
                                      const struct identity *peer)
{
    struct ike_proposals proposals;
    if (ours->type == ID_ANY) {
        return "our own identity cannot be %any";
    }
    if (record_word(r, K_ROLE) == ROLE_INITIATOR && peer->type == ID_ANY) {
        return "an initiator has to know the peer's identity, which is %any here";
    }
    if (identity_equal(ours, peer)) {
        return "our own identity and the peer's are the same";
    }
    return ike_proposals_parse(&proposals, record_text(r, K_IKE), NULL);
}

/*
 * An initiator's peer is known: without any secret for him, or with a key that can sign nothing that we propose, there is
 * no use in asking him anything.
 */
static void check_secret(struct core *c, const struct exchange *x, const struct candidate *a)
{
    struct record_writer w;
    const struct secret *other = NULL;
    enum method missing = METHOD_PSK;
    const char *why = NULL;
    if (x->role != ROLE_INITIATOR || c->out.plutod == NULL) {
        return;
    }
    for (enum method method = METHOD_PSK; method <= METHOD_RSASIG; method++) {
        if (!methods_allow(a->methods, method)) {
            continue;
        }
        const struct secret *s = secret_for(c, method, &a->ours, &a->peer, &other);
        why = s == NULL || method == METHOD_PSK ? NULL : key_cannot_sign(s->rsa, a->ike, x->role == ROLE_INITIATOR);
        if ((s != NULL && why == NULL) || secret_may_come(c, method, &a->ours, &a->peer)) {
            return;
        }
        if (why != NULL) {
            (void)deny_key(c, OUTCOME_FAIL, s, why);
        }
        missing = method;
    }
    if (why == NULL) {
        (void)deny_secret(c, missing, &a->ours, &a->peer);
    }
    record_start(&w, c->out.plutod, V_FAILED);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_number(&w, K_CODE, REPLY_NO_KEY);
    record_put_text(&w, K_WHY, c->why);
    (void)record_finish(&w);
}

void phase1_announce(struct core *c, const struct record *r)
{
    const uint64_t number = record_number(r, K_EXCHANGE);
    const char *connection = record_text(r, K_CONNECTION);
    const enum role role = record_word(r, K_ROLE);
    struct identity ours;
    struct identity peer;
    struct exchange *x = exchanges_find(c, number);

    (void)record_identity(r, K_OUR_ID, &ours);
    (void)record_identity(r, K_PEER_ID, &peer);
    const char *why = check_announcement(r, &ours, &peer);
    if (why != NULL) {
        accuse(c, number, "connection \"%s\" cannot be used: %s", connection, why);
        return;
    }
    if (x == NULL) {
        x = exchanges_new_main(c, number, role);
        if (x == NULL) {
            accuse(c, number, "announced exchange is not taken: %s", c->why);
            return;
        }
    }
    struct main_mode *m = x->main_mode;
    if (m == NULL || x->role != role) {
        accuse(c, number, "announced again as another kind of exchange; that is ignored");
        return;
    }
    struct candidate *a = candidate_find(m, connection);
    if (a != NULL || m->stage != STAGE_ANNOUNCED) {
        if (a != NULL && !same_candidate(a, r, &ours, &peer)) {
            accuse(c, number, "connection \"%s\" announced again with other words; that is "
                   "ignored", connection);
        }
        return;
    }
    if (m->candidate_count < CANDIDATES_MAX) {
        a = candidate_add(m, connection, record_text(r, K_IKE), record_word(r, K_METHODS), &ours,
                          &peer);
    }
    if (a == NULL) {
        accuse(c, number, "connection \"%s\" is not taken: too many for one exchange, or out of "
               "memory", connection);
        return;
    }
    if (record_has(r, K_CLASSES)) {
        (void)debug_classes_parse(&a->classes, record_text(r, K_CLASSES)); /* or none: it is plutod's word */
    }
    a->whoever = peer.type == ID_ANY && record_yes(r, K_WHOEVER);
    check_secret(c, x, a);
}

/* ---- our exponent and nonce ---- */

static bool offers_group(const struct main_mode *m, const struct group *group)
{
    struct ike_proposals p;
    for (const struct candidate *a = m->candidates; a != NULL; a = a->next) {
        if (ike_proposals_parse(&p, a->ike, NULL) != NULL) {
            continue;
        }
        for (size_t i = 0; i < p.count; i++) {
            if (p.suite[i].group == group) {
                return true;
            }
        }
    }
    return false;
}

static enum outcome draw(struct core *c, struct half *h, const struct group *group)
{
    dh_free(h->dh);
    h->dh = dh_new(c->config.dh, group->id);
    if (h->dh == NULL || !c->config.random(h->nonce, NONCE_LEN)) {
        return deny(c, OUTCOME_FAIL, 0, "no memory or no randomness for a Diffie-Hellman value");
    }
    h->ke_len = group->public_len;
    memcpy(h->ke, dh_public_view(h->dh), h->ke_len);
    return OUTCOME_OK;
}

/*
 * Before message 3. The peer may have picked another group than the one that was drawn ahead; then
 * this is asked once more, and the exponent that nobody has seen is dropped.
 */
enum outcome phase1_ke(struct core *c, struct exchange *x, const struct record *r)
{
    struct main_mode *m = x->main_mode;
    struct record_writer w;
    const char *word = record_text(r, K_GROUP);
    const struct group *group = group_by_word(word, strlen(word));

    if (x->role != ROLE_INITIATOR || m->stage != STAGE_ANNOUNCED) {
        return deny(c, OUTCOME_BAD, 0, "ke is for an initiator that has no keys yet");
    }
    if (group == NULL || !offers_group(m, group)) {
        return deny(c, OUTCOME_BAD, 0, "group %s is not among the announced proposals", word);
    }
    if ((m->half->groups & 1u << group->id) != 0) {
        return deny(c, OUTCOME_BAD, 0, "group %s was drawn before", word);
    }
    enum outcome outcome = draw(c, m->half, group);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    m->half->groups |= 1u << group->id;
    record_answer(&w, &c->answer, V_OK, V_KE, record_number(r, K_ID));
    record_put_bytes(&w, K_KE, m->half->ke, m->half->ke_len);
    record_put_bytes(&w, K_NONCE, m->half->nonce, NONCE_LEN);
    (void)record_finish(&w);
    return OUTCOME_OK;
}

/* ---- keys ---- */

static enum outcome find_secret(struct core *c, const struct exchange *x, const struct candidate *a,
                                enum method method, const struct secret **secret)
{
    char ours[IDENTITY_TEXT];
    char peer[IDENTITY_TEXT];
    const struct secret *other = NULL;

    if (!methods_allow(a->methods, method)) {
        char word[SCHEMA_WORD];
        return deny(c, OUTCOME_BAD, 0, "method %s was not announced for connection \"%s\"",
                    schema_word(K_METHOD, method, word), a->connection);
    }
    *secret = secret_for(c, method, &a->ours, &a->peer, &other);
    if (*secret == NULL) {
        return deny_secret(c, method, &a->ours, &a->peer);
    }
    if (other != NULL) {
        identity_print(&a->ours, ours);
        identity_print(&a->peer, peer);
        accuse(c, x->number, "two entries for \"%s\" and \"%s\" have different secrets: %s:%u is "
               "used, %s:%u is not; remove one of them", ours, peer, (*secret)->file,
               (*secret)->line, other->file, other->line);
    }
    return OUTCOME_OK;
}

/* Else a responder would find out when it has to sign, and the peer after two more messages. */
static enum outcome check_key(struct core *c, const struct secret *s, size_t hash_len)
{
    const char *why = rsa_holds(rsa_key_public(s->rsa)->modulus_len, hash_len);
    return why == NULL ? OUTCOME_OK : deny_key(c, OUTCOME_FAIL, s, why);
}

/* *suite: the proposal, which must be one of the candidate's. */
static enum outcome check_proposal(struct core *c, const struct candidate *a,
                                   const struct record *r, struct ike_suite *suite)
{
    struct ike_proposals p;
    const char *text = record_text(r, K_PROPOSAL);
    const char *why = ike_suite_parse(suite, text);
    if (why != NULL) {
        return deny(c, OUTCOME_BAD, 0, "proposal %s: %s", text, why);
    }
    if (ike_proposals_parse(&p, a->ike, NULL) != NULL || ike_proposals_find(&p, suite) < 0) {
        return deny(c, OUTCOME_BAD, 0, "proposal %s was not announced for connection \"%s\"",
                    text, a->connection);
    }
    return OUTCOME_OK;
}

static enum outcome check_values(struct core *c, const struct exchange *x, const struct record *r)
{
    static const uint8_t zero[COOKIE_LEN];
    const struct half *h = x->main_mode->half;
    struct part cky_i = part_of(r, K_CKY_I);
    struct part cky_r = part_of(r, K_CKY_R);
    struct part nonce = part_of(r, K_NONCE_PEER);

    if (memcmp(cky_i.bytes, cky_r.bytes, COOKIE_LEN) == 0
        || memcmp(cky_i.bytes, zero, COOKIE_LEN) == 0
        || memcmp(cky_r.bytes, zero, COOKIE_LEN) == 0) {
        return deny(c, OUTCOME_FAIL, 0, "the cookies are equal, or one of them is zero");
    }
    if (x->role == ROLE_INITIATOR && nonce.len == NONCE_LEN
        && memcmp(nonce.bytes, h->nonce, NONCE_LEN) == 0) {
        return deny(c, OUTCOME_FAIL, 0, "the peer's nonce is our own, sent back");
    }
    return OUTCOME_OK;
}

/* g^xy, and what the HASHes are going to cover. The exponent is gone afterwards. */
static enum outcome agree(struct core *c, struct exchange *x, const struct record *r,
                          const struct group *group, uint8_t g_xy[KE_MAX])
{
    struct half *h = x->main_mode->half;
    struct part peer = part_of(r, K_KE_PEER);
    struct part sa = part_of(r, K_SA_BODY);
    enum outcome outcome = OUTCOME_OK;

    if (c->sa_bytes - h->sa_len + sa.len > SA_BODIES_KNOWN) {
        return deny(c, OUTCOME_FAIL, 0, "the SA payloads of unfinished Main Modes have %zu bytes together, "
                    "which is the most", c->sa_bytes);
    }
    if (x->role == ROLE_RESPONDER) {
        outcome = draw(c, h, group);
    } else if (h->dh == NULL || dh_group(h->dh) != group->id) {
        outcome = deny(c, OUTCOME_BAD, 0, "no value was drawn in group %s before", group->word);
    }
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    const char *why = dh_agree(c->config.dh, h->dh, peer.bytes, peer.len, g_xy);
    if (why != NULL) {
        return deny(c, OUTCOME_FAIL, NOTIFY_INVALID_KEY_INFORMATION, "%s (%s)", why, group->word);
    }
    uint8_t *sa_body = malloc(sa.len);
    if (sa_body == NULL) {
        return deny(c, OUTCOME_FAIL, 0, "out of memory");
    }
    memcpy(sa_body, sa.bytes, sa.len);
    free(h->sa_body);
    c->sa_bytes += sa.len - h->sa_len;
    h->sa_body = sa_body;
    h->sa_len = sa.len;
    memcpy(h->ke_peer, peer.bytes, peer.len);
    memcpy(h->cky_i, part_of(r, K_CKY_I).bytes, COOKIE_LEN);
    memcpy(h->cky_r, part_of(r, K_CKY_R).bytes, COOKIE_LEN);
    dh_free(h->dh);
    h->dh = NULL;
    return OUTCOME_OK;
}

struct phase1_values phase1_view(const struct exchange *x)
{
    const struct half *h = x->main_mode->half;
    const struct part ours = { h->ke, h->ke_len };
    const struct part peer = { h->ke_peer, h->ke_len };
    bool initiator = x->role == ROLE_INITIATOR;
    return (struct phase1_values){
        .hash = x->main_mode->hash,
        .g_xi = initiator ? ours : peer, .g_xr = initiator ? peer : ours,
        .cky_i = { h->cky_i, COOKIE_LEN }, .cky_r = { h->cky_r, COOKIE_LEN },
        .sai_b = { h->sa_body, h->sa_len },
    };
}

static void derive(const struct exchange *x, const struct record *r, struct part g_xy,
                   struct skeyids *s)
{
    struct main_mode *m = x->main_mode;
    const size_t len = hash_get(m->hash)->len;
    const struct part nonce = { m->half->nonce, NONCE_LEN };
    const struct part nonce_peer = part_of(r, K_NONCE_PEER);
    const struct secret *secret = m->half->secret;
    struct phase1_values values = phase1_view(x);

    values.ni_b = x->role == ROLE_INITIATOR ? nonce : nonce_peer;
    values.nr_b = x->role == ROLE_INITIATOR ? nonce_peer : nonce;
    values.g_xy = g_xy;
    if (m->half->method == METHOD_PSK) {
        derive_skeyid_psk(s, &values, (struct part){ secret->bytes, secret->len });
    } else {
        derive_skeyid_signature(s, &values);
    }
    memcpy(m->half->skeyid, s->skeyid, len);
    memcpy(m->skeyid_d, s->d, len);
}

static void debug_keys(const struct core *c, const struct exchange *x, const struct skeyids *s)
{
    const struct main_mode *m = x->main_mode;
    const uint8_t *const key[] = { s->skeyid, s->d, s->a, s->e };
    static const char *const name[] = { "SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e" };
    char hex[2 * HASH_MAX + 1];

    debug(c, x, DEBUG_CRYPT | DEBUG_CONTROL, "connection \"%s\" with the secret of %s:%u, %s",
          m->chosen->connection, m->half->secret->file, m->half->secret->line,
          hash_get(m->hash)->word);
    for (size_t i = 0; i < sizeof key / sizeof key[0] && debug_wants(c, x, DEBUG_PRIVATE); i++) {
        for (size_t n = 0; n < hash_get(m->hash)->len; n++) {
            (void)snprintf(hex + 2 * n, 3, "%02x", key[i][n]);
        }
        debug(c, x, DEBUG_PRIVATE, "%s %s", name[i], hex);
        explicit_bzero(hex, sizeof hex);
    }
}

static enum outcome answer_keys(struct core *c, const struct exchange *x, const struct record *r,
                                const struct skeyids *s)
{
    const struct main_mode *m = x->main_mode;
    const size_t len = hash_get(m->hash)->len;
    struct record_writer w;

    record_answer(&w, &c->answer, V_OK, V_KEYS, record_number(r, K_ID));
    record_put_bytes(&w, K_SKEYID_A, s->a, len);
    record_put_bytes(&w, K_SKEYID_E, s->e, len);
    if (x->role == ROLE_RESPONDER) {
        record_put_bytes(&w, K_KE, m->half->ke, m->half->ke_len);
        record_put_bytes(&w, K_NONCE, m->half->nonce, NONCE_LEN);
    } else if (!proof_put(c, &w, x)) {
        return OUTCOME_FINAL;
    }
    (void)record_finish(&w);
    return OUTCOME_OK;
}

enum outcome phase1_keys(struct core *c, struct exchange *x, const struct record *r)
{
    struct main_mode *m = x->main_mode;
    const char *connection = record_text(r, K_CONNECTION);
    struct candidate *a = candidate_find(m, connection);
    const enum method method = record_word(r, K_METHOD);
    const struct secret *secret = NULL;
    struct ike_suite suite;
    uint8_t g_xy[KE_MAX];
    struct skeyids s;

    if (m->stage != STAGE_ANNOUNCED) {
        return deny(c, OUTCOME_BAD, 0, "the keys of this exchange are made");
    }
    if (a == NULL) {
        return deny(c, OUTCOME_BAD, 0, "connection \"%s\" was not announced", connection);
    }
    enum outcome outcome = check_proposal(c, a, r, &suite);
    if (outcome == OUTCOME_OK) {
        outcome = check_values(c, x, r);
    }
    if (outcome == OUTCOME_OK) {
        outcome = find_secret(c, x, a, method, &secret);
    }
    if (outcome == OUTCOME_OK && method == METHOD_RSASIG) {
        assert(secret != NULL); /* find_secret said so */
        outcome = check_key(c, secret, suite.hash->len);
    }
    if (outcome == OUTCOME_OK) {
        outcome = agree(c, x, r, suite.group, g_xy);
    }
    if (outcome == OUTCOME_OK) {
        m->hash = suite.hash->id;
        m->chosen = a;
        x->classes = a->classes;
        m->half->method = method;
        assert(secret != NULL);
        m->half->secret = secret;
        m->half->suite = suite;
        derive(x, r, (struct part){ g_xy, suite.group->secret_len }, &s);
        m->stage = STAGE_KEYED;
        debug_keys(c, x, &s);
        outcome = answer_keys(c, x, r, &s);
    }
    explicit_bzero(g_xy, sizeof g_xy);
    explicit_bzero(&s, sizeof s);
    return outcome;
}
