#include "inside.h"

#include <nettle/memops.h>
#include <stdio.h>
#include <string.h>

/* ---- our own ---- */

void proof_hash(const struct exchange *x, bool of_initiator, struct part id_body, uint8_t hash[HASH_MAX])
{
    const struct phase1_values values = phase1_view(x);
    derive_hash(hash, &values, x->main_mode->half->skeyid, of_initiator, id_body);
}

static bool put_signature(struct core *c, struct record_writer *w, const struct half *h, struct part hash)
{
    uint8_t sig[RSA_SIGNATURE_MAX];
    size_t len = 0;
    const char *why = rsa_sign(h->secret->rsa, hash.bytes, hash.len, sig, &len);
    if (why != NULL) {
        (void)deny_key(c, OUTCOME_FINAL, h->secret, why);
        return false;
    }
    record_put_bytes(w, K_SIG, sig, len);
    return true;
}

bool proof_put(struct core *c, struct record_writer *w, const struct exchange *x)
{
    const struct main_mode *m = x->main_mode;
    uint8_t body[ID_BODY_MAX];
    uint8_t hash[HASH_MAX];
    const size_t hash_len = hash_get(m->hash)->len;
    size_t len = identity_encode(&m->chosen->ours, body);
    bool done = true;

    proof_hash(x, x->role == ROLE_INITIATOR, (struct part){ body, len }, hash);
    record_put_bytes(w, K_ID_BODY, body, len);
    if (m->half->method == METHOD_PSK) {
        record_put_bytes(w, K_HASH, hash, hash_len);
    } else {
        done = put_signature(c, w, m->half, (struct part){ hash, hash_len });
    }
    explicit_bzero(hash, sizeof hash);
    return done;
}

/* ---- the peer's ---- */

static bool hash_fits(const struct exchange *x, bool of_initiator, struct part id_body,
                      struct part hash)
{
    uint8_t want[HASH_MAX];
    proof_hash(x, of_initiator, id_body, want);
    bool fits = hash.len == hash_get(x->main_mode->hash)->len
                && memeql_sec(want, hash.bytes, hash.len) != 0;
    explicit_bzero(want, sizeof want);
    return fits;
}

static bool is_one_of_ours(const struct main_mode *m, const struct identity *id)
{
    for (const struct candidate *a = m->candidates; a != NULL; a = a->next) {
        if (identity_equal(&a->ours, id)) {
            return true;
        }
    }
    return false;
}

static enum outcome check_proof(struct core *c, const struct exchange *x, const struct record *r)
{
    const struct main_mode *m = x->main_mode;
    const bool peer_initiates = x->role == ROLE_RESPONDER;
    const char *name = peer_initiates ? "HASH_I" : "HASH_R";
    struct part body = part_of(r, K_ID_BODY);
    struct part hash = part_of(r, K_HASH);
    const struct candidate *a = m->chosen;

    if (hash.len != hash_get(m->hash)->len) {
        return deny(c, OUTCOME_FINAL, NOTIFY_AUTHENTICATION_FAILED,
                    "%s has %zu bytes, and with %s it has %u", name, hash.len,
                    hash_get(m->hash)->word, (unsigned)hash_get(m->hash)->len);
    }
    if (hash_fits(x, !peer_initiates, body, hash)) {
        return deny(c, OUTCOME_FINAL, NOTIFY_AUTHENTICATION_FAILED,
                    "%s is our own HASH, sent back: that is no proof", name);
    }
    if (!hash_fits(x, peer_initiates, body, hash)) {
        char ours[IDENTITY_TEXT];
        char peer[IDENTITY_TEXT];
        identity_print(&a->ours, ours);
        identity_print(&a->peer, peer);
        return deny(c, OUTCOME_FINAL, NOTIFY_AUTHENTICATION_FAILED,
                    "%s does not match: probably a wrong secret (for \"%s\" and \"%s\" we used "
                    "%s:%u)", name, ours, peer, m->half->secret->file, m->half->secret->line);
    }
    return OUTCOME_OK;
}

static enum outcome check_identity(struct core *c, const struct exchange *x,
                                   const struct identity *id)
{
    const struct main_mode *m = x->main_mode;
    char shown[IDENTITY_TEXT];
    char expected[IDENTITY_TEXT];

    identity_print(id, shown);
    identity_print(&m->chosen->peer, expected);
    if (is_one_of_ours(m, id)) {
        return deny(c, OUTCOME_FINAL, NOTIFY_INVALID_ID_INFORMATION,
                    "the peer identifies itself as \"%s\", which is our own identity", shown);
    }
    if (x->role == ROLE_INITIATOR && !identity_equal(id, &m->chosen->peer)) {
        return deny(c, OUTCOME_FINAL, NOTIFY_INVALID_ID_INFORMATION,
                    "the peer identifies itself as \"%s\", but connection \"%s\" expects \"%s\": "
                    "--id with the first for its end would match", shown, m->chosen->connection, expected);
    }
    return OUTCOME_OK;
}

/* The secret was asked for as that of %any, of whatever kind; of the kinds, only one is for this address. */
static const char *no_secret(const struct identity *peer)
{
    switch (peer->type) {
    case ID_IPV4_ADDR:
        return "there is no preshared secret for these identities (in ipsec.secrets %any6 stands for no IPv4 address: %any does)";
    case ID_IPV6_ADDR:
        return "there is no preshared secret for these identities (in ipsec.secrets %any stands for no IPv6 address: %any6 does)";
    default:
        return "there is no preshared secret for these identities";
    }
}

/* Do these identities mean the secret that was proved? NULL, or why not. */
static const char *check_secret(const struct core *c, const struct main_mode *m,
                                const struct identity *ours, const struct identity *peer)
{
    const struct secret *other = NULL;
    const struct secret *s = secret_for(c, m->half->method, ours, peer, &other);
    if (m->half->method == METHOD_RSASIG) { /* our own signature is still to be made, by whichever key */
        return s == NULL ? "there is no private RSA key for our identity"
                         : rsa_holds(rsa_key_public(s->rsa)->modulus_len, hash_get(m->hash)->len);
    }
    if (s == NULL) {
        return no_secret(peer);
    }
    return secret_equal(s, m->half->secret)
               ? NULL : "this connection has another secret than the one that the peer proved";
}

/* It is the announced one; or any is, and plutod would be asked only to ask us about its secret. */
static bool is_expected(const struct core *c, const struct exchange *x, const struct identity *id)
{
    const struct candidate *a = x->main_mode->chosen;
    return identity_equal(id, &a->peer)
           || (a->whoever && x->role == ROLE_RESPONDER
               && check_secret(c, x->main_mode, &a->ours, id) == NULL);
}

static void tell_authenticated(struct core *c, const struct exchange *x, bool matched)
{
    struct record_writer w;
    char suite[SUITE_TEXT];
    if (c->out.plutod == NULL) {
        return;
    }
    ike_suite_print(&x->main_mode->half->suite, suite);
    record_start(&w, c->out.plutod, V_AUTHENTICATED);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_text(&w, K_CONNECTION, x->main_mode->chosen->connection);
    record_put_identity(&w, K_PEER_NAME, x->main_mode->peer);
    record_put_word(&w, K_METHOD, x->main_mode->half->method);
    record_put_text(&w, K_PROPOSAL, suite);
    record_put_yes(&w, K_MATCHED, matched);
    (void)record_finish(&w);
}

enum outcome proof_succeeds(struct core *c, struct exchange *x, const struct identity *id, uint64_t request)
{
    struct main_mode *m = x->main_mode;
    struct record_writer w;
    bool matched = is_expected(c, x, id);

    record_answer(&w, &c->answer, V_OK, V_AUTH, request);
    record_put_yes(&w, K_MATCHED, matched);
    if (matched && x->role == ROLE_RESPONDER && !proof_put(c, &w, x)) {
        return OUTCOME_FINAL;
    }
    (void)record_finish(&w);
    m->peer = identity_dup(id);
    if (m->peer == NULL) {
        return deny(c, OUTCOME_FINAL, 0, "out of memory");
    }
    tell_authenticated(c, x, matched);
    m->stage = STAGE_PROVED;
    if (matched) {
        main_mode_finished(c, x);
    }
    return OUTCOME_OK;
}

/* The proof is of the kind that was agreed on. */
static bool is_agreed_kind(const struct half *h, const struct record *r)
{
    return record_has(r, K_HASH) == (h->method == METHOD_PSK) && record_has(r, K_SIG) == (h->method == METHOD_RSASIG);
}

enum outcome proof_check(struct core *c, struct exchange *x, const struct record *r)
{
    struct main_mode *m = x->main_mode;
    struct part body = part_of(r, K_ID_BODY);
    struct identity id;

    /* That there is no second try is held twice: here, and by core.c, which takes each step once. */
    if (m->stage != STAGE_KEYED || m->half->wait != NULL || !is_agreed_kind(m->half, r)) {
        return deny(c, OUTCOME_BAD, 0, "auth comes once, after keys, with a hash or a sig as was agreed on");
    }
    const char *why = identity_decode(&id, body.bytes, body.len);
    enum outcome outcome = OUTCOME_OK;
    if (why != NULL) {
        outcome = deny(c, OUTCOME_FINAL, NOTIFY_INVALID_ID_INFORMATION, "%s", why);
    } else if (m->half->method == METHOD_PSK) {
        outcome = check_proof(c, x, r);
    }
    if (outcome == OUTCOME_OK) {
        outcome = check_identity(c, x, &id);
    }
    if (outcome == OUTCOME_OK) {
        outcome = m->half->method == METHOD_PSK ? proof_succeeds(c, x, &id, record_number(r, K_ID))
                                                : signature_ask(c, x, &id, r);
    }
    if (outcome == OUTCOME_FINAL) {
        m->stage = STAGE_REFUSED;
    }
    return outcome;
}

/* ---- an identity that was not announced ---- */

/* plutod found a connection for it. Is its secret the one that was proved? NULL, or why not. */
static const char *check_acceptance(struct core *c, const struct exchange *x,
                                    const struct identity *ours, const struct identity *peer)
{
    if (x == NULL || x->main_mode == NULL) {
        return "this exchange is not known here, or no Main Mode";
    }
    const struct main_mode *m = x->main_mode;
    if (m->stage != STAGE_PROVED && m->stage != STAGE_ACCEPTED) {
        return "this exchange does not wait for an acceptance";
    }
    if (peer->type != ID_ANY && !identity_equal(peer, m->peer)) {
        return "the peer proved another identity";
    }
    if (ours->type == ID_ANY || identity_equal(ours, m->peer)) {
        return "our own identity would be %any or the peer's";
    }
    return check_secret(c, m, ours, peer);
}

void proof_accept(struct core *c, const struct record *r)
{
    struct exchange *x = exchanges_find(c, record_number(r, K_EXCHANGE));
    const uint64_t id = record_number(r, K_ID);
    struct candidate *a = NULL;
    struct identity ours;
    struct identity peer;

    (void)record_identity(r, K_OUR_ID, &ours);
    (void)record_identity(r, K_PEER_ID, &peer);
    const char *why = check_acceptance(c, x, &ours, &peer);
    if (why == NULL) {
        a = candidate_add(x->main_mode, record_text(r, K_CONNECTION), x->main_mode->chosen->ike,
                          x->main_mode->chosen->methods, &ours, &peer);
        why = a == NULL ? "out of memory" : NULL;
    }
    if (why == NULL) {
        const struct secret *other = NULL;
        x->main_mode->chosen = a;
        x->main_mode->half->secret = secret_for(c, x->main_mode->half->method, &ours, &peer, &other);
        x->main_mode->stage = STAGE_ACCEPTED;
    }
    if (c->out.plutod == NULL) {
        return;
    }
    if (why != NULL) {
        record_fail(c->out.plutod, V_ACCEPT, id, why);
    } else {
        struct record_writer w;
        record_answer(&w, c->out.plutod, V_OK, V_ACCEPT, id);
        (void)record_finish(&w);
    }
}

void proof_which_secret(struct core *c, const struct record *r)
{
    const uint64_t id = record_number(r, K_ID);
    const struct secret *other = NULL;
    struct identity ours;
    struct identity peer;
    struct record_writer w;
    char text[400];

    (void)record_identity(r, K_OUR_ID, &ours);
    (void)record_identity(r, K_PEER_ID, &peer);
    const struct secret *s = secret_for(c, record_word(r, K_METHOD), &ours, &peer, &other);
    if (c->out.plutod == NULL) {
        return;
    }
    const char *why = s == NULL || s->rsa == NULL || !record_has(r, K_IKE) ? NULL
                      : key_cannot_sign(s->rsa, record_text(r, K_IKE), false);
    if (s == NULL) {
        (void)deny_secret(c, record_word(r, K_METHOD), &ours, &peer);
    } else if (why != NULL) {
        (void)deny_key(c, OUTCOME_FAIL, s, why);
    }
    if (s == NULL || why != NULL) {
        record_fail(c->out.plutod, V_SECRET, id, c->why);
        return;
    }
    snprintf(text, sizeof text, "%.380s:%u", s->file, s->line);
    record_answer(&w, c->out.plutod, V_OK, V_SECRET, id);
    record_put_text(&w, K_FOUND, text);
    (void)record_finish(&w);
}

enum outcome proof_finish(struct core *c, struct exchange *x, const struct record *r)
{
    struct record_writer w;

    if (x->role != ROLE_RESPONDER || x->main_mode->stage != STAGE_ACCEPTED) {
        return deny(c, OUTCOME_BAD, 0, "finish comes after plutod has accepted the identity");
    }
    record_answer(&w, &c->answer, V_OK, V_FINISH, record_number(r, K_ID));
    if (!proof_put(c, &w, x)) {
        x->main_mode->stage = STAGE_REFUSED;
        return OUTCOME_FINAL;
    }
    (void)record_finish(&w);
    main_mode_finished(c, x);
    return OUTCOME_OK;
}
