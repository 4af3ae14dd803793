#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void wait_free(struct core *c, struct exchange *x)
{
    struct half *h = x->main_mode == NULL ? NULL : x->main_mode->half;
    if (h == NULL || h->wait == NULL) {
        return;
    }
    HASH_DELETE(hh, c->waits, h->wait);
    explicit_bzero(h->wait, sizeof *h->wait + h->wait->sig_len);
    free(h->wait);
    h->wait = NULL;
}

static struct wait *wait_new(struct core *c, struct exchange *x, const struct record *r)
{
    const struct part body = part_of(r, K_ID_BODY);
    const struct part sig = part_of(r, K_SIG);
    struct wait *w = calloc(1, sizeof *w + sig.len);
    if (w == NULL) {
        return NULL;
    }
    w->asked = c->next_id++;
    w->exchange = x;
    w->request = record_number(r, K_ID);
    request_digest(r, w->digest);
    memcpy(w->body, body.bytes, body.len);
    w->body_len = body.len;
    memcpy(w->sig, sig.bytes, sig.len);
    w->sig_len = sig.len;
    x->main_mode->half->wait = w;
    HASH_ADD(hh, c->waits, asked, sizeof w->asked, w);
    return w;
}

enum outcome signature_ask(struct core *c, struct exchange *x, const struct identity *id, const struct record *r)
{
    struct record_writer w;
    if (c->out.plutod == NULL) {
        return deny(c, OUTCOME_FAIL, 0, "there is nobody to ask for the peer's public key");
    }
    const struct wait *wait = wait_new(c, x, r);
    if (wait == NULL) {
        return deny(c, OUTCOME_FAIL, 0, "out of memory");
    }
    record_start(&w, c->out.plutod, V_PUBLIC_KEYS);
    record_put_number(&w, K_ID, wait->asked);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_identity(&w, K_OUR_ID, &x->main_mode->chosen->ours);
    record_put_identity(&w, K_PEER_ID, id);
    (void)record_finish(&w);
    return OUTCOME_LATER;
}

/* Each key in turn. NULL: one of them made the signature; else why the last one did not. */
static const char *try_keys(const struct wait *w, struct part hash, const char *list, unsigned *count)
{
    const char *why = "there is none";
    uint8_t bytes[RSA_PUBLIC_MAX];
    struct rsa_public key;
    char *words = strdup(list);
    char *at = words;
    char *word = NULL;

    for (*count = 0; words != NULL && why != NULL && (word = strsep(&at, ",")) != NULL; ++*count) {
        why = rsa_public_from_text(&key, bytes, word);
        if (why == NULL) {
            why = rsa_check(&key, hash.bytes, hash.len, w->sig, w->sig_len);
        }
    }
    free(words);
    return why;
}

static enum outcome check(struct core *c, const struct exchange *x, const struct identity *id, const char *list)
{
    const struct main_mode *m = x->main_mode;
    const struct wait *w = m->half->wait;
    const bool peer_initiates = x->role == ROLE_RESPONDER;
    char ours[IDENTITY_TEXT];
    char peer[IDENTITY_TEXT];
    uint8_t hash[HASH_MAX];
    unsigned count = 0;

    proof_hash(x, peer_initiates, (struct part){ w->body, w->body_len }, hash);
    const char *why = try_keys(w, (struct part){ hash, hash_get(m->hash)->len }, list, &count);
    explicit_bzero(hash, sizeof hash);
    if (why == NULL) {
        return OUTCOME_OK;
    }
    identity_print(&m->chosen->ours, ours);
    identity_print(id, peer);
    return deny(c, OUTCOME_FINAL, NOTIFY_AUTHENTICATION_FAILED,
                "%s of \"%s\" for \"%s\" was made by none of the %u public keys that are known of him (%s): probably he "
                "signs with another key; give his public key by whack --keyid ID --pubkeyrsa",
                peer_initiates ? "SIG_I" : "SIG_R", peer, ours, count, why);
}

void signature_keys_came(struct core *c, const struct record *r)
{
    const uint64_t asked = record_number(r, K_ID);
    struct wait *w = NULL;
    struct identity id;
    enum outcome outcome = OUTCOME_FINAL;

    HASH_FIND(hh, c->waits, &asked, sizeof asked, w);
    if (w == NULL) {
        return; /* its exchange has ended meanwhile */
    }
    struct exchange *x = w->exchange;
    const uint64_t request = w->request;
    uint8_t digest[REQUEST_DIGEST];
    memcpy(digest, w->digest, sizeof digest);

    answer_begin(c);
    (void)identity_decode(&id, w->body, w->body_len); /* it could be read when the keys were asked for */
    if (r->verb == V_OK) {
        outcome = check(c, x, &id, record_text(r, K_PUBKEYS));
    } else {
        c->code = r->verb == V_FAIL && record_has(r, K_CODE) ? (unsigned)record_number(r, K_CODE) : 0;
        (void)deny(c, outcome, NOTIFY_AUTHENTICATION_FAILED, "%s", record_text(r, K_WHY));
    }
    wait_free(c, x);
    if (outcome == OUTCOME_OK) {
        outcome = proof_succeeds(c, x, &id, request);
    }
    if (outcome == OUTCOME_FINAL) {
        x->main_mode->stage = STAGE_REFUSED;
    }
    answer_late(c, x, STEP_AUTH, request, digest, outcome);
}

void secrets_negotiator_again(struct core *c)
{
    struct wait *w = NULL;
    struct wait *next = NULL;
    HASH_ITER(hh, c->waits, w, next) {
        wait_free(c, w->exchange);
    }
}
