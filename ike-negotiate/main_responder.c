/*
 * Main Mode, our part as responder (RFC 2409, 5.4), and what both parts do once it is up.
 */
#include "actions.h"
#include "early.h"
#include "informational.h"
#include "report.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A cookie that only this host can make, from what it answers (RFC 2408, 2.5.3), and a serial so
 * that no two exchanges share one. */
static void make_cookie(const struct ike *ike, const struct exchange *x, const uint8_t key[FIRST_KEY],
                        uint8_t *cky_r)
{
    uint8_t digest[HASH_MAX];
    const struct part parts[] = {
        { key, FIRST_KEY },
        { (const uint8_t *)&x->sa->path.local, sizeof x->sa->path.local },
        { (const uint8_t *)&x->serial, sizeof x->serial },
    };
    prf_parts(HASH_SHA2_256, ike->cookie_secret, sizeof ike->cookie_secret, parts, 3, digest);
    memcpy(cky_r, digest, COOKIE_LEN);
}

static bool already_known(struct ike *ike, const uint8_t key[FIRST_KEY], const uint8_t *digest)
{
    struct exchange *x = half_open_find(ike, key);
    if (x == NULL) {
        return false;
    }
    count_ignored(ike, FLAW_DUPLICATE);
    if (x->state == MAIN_R1 && memcmp(x->last_in, digest, DIGEST_LEN) == 0
        && x->sent.replies < DUPLICATE_REPLIES) {
        x->sent.replies++;
        sent_again(ike, x);
    }
    return true;
}

void main_first_message(struct ike *ike, const struct path *path, const struct message *m,
                        const uint8_t *digest)
{
    uint8_t key[FIRST_KEY];
    half_open_key(key, path, m->header.cky_i);
    if (already_known(ike, key, digest)) {
        return;
    }
    const struct payload *sa = message_find(m, PAYLOAD_SA, 0);
    const char *full = half_open_room(ike, path, sa == NULL ? 0 : sa->body_len);
    if (full != NULL) {
        count_ignored(ike, FLAW_NO_ROOM);
        report_stranger(ike, path, "%s", full);
        return;
    }
    struct exchange *x = exchange_new(ike, false, false);
    if (x == NULL) {
        count_ignored(ike, FLAW_NO_ROOM);
        report_stranger(ike, path, "no memory for a first message of Main Mode");
        return;
    }
    x->sa->path = *path;
    memcpy(x->sa->cky_i, m->header.cky_i, COOKIE_LEN);
    make_cookie(ike, x, key, x->sa->cky_r);
    if (!half_open_enter(ike, x, key)) {
        count_ignored(ike, FLAW_NO_ROOM);
        report_stranger(ike, path, "no memory for a first message of Main Mode");
        exchange_free(ike, x);
        return;
    }
    if (engine_message(ike, x, m, false, digest) == IGNORE) {
        exchange_free(ike, x);
    }
}

enum outcome mr_message_1(struct ike *ike, struct exchange *x, struct event *e)
{
    const struct payload *sa = message_find(e->message, PAYLOAD_SA, 0);
    const struct path *path = &x->sa->path;
    struct sa_offer offer;
    struct record_writer w;

    e->why = sa_decode_ike(&offer, sa->body, sa->body_len);
    if (e->why != NULL) {
        return IGNORE;
    }
    if (!half_open_keep(ike, x, sa->body, sa->body_len)) {
        e->why = "its SA payload is too long, or memory is short";
        return IGNORE;
    }
    if (request_start(ike, x, &w, FROM_PLUTOD, V_FIRST) == NULL) {
        e->why = "memory is short";
        return IGNORE;
    }
    record_put_address(&w, K_LOCAL, &path->local);
    record_put_number(&w, K_LOCAL_PORT, path->local_port);
    record_put_address(&w, K_REMOTE, &path->remote);
    record_put_number(&w, K_REMOTE_PORT, path->remote_port);
    record_finish(&w);
    return GO;
}

/* One NAME:METHODS:PROPOSALS of plutod's list; false: at its end. */
static bool next_candidate(char **at, char **name, unsigned *methods, char **proposals)
{
    char *item = strsep(at, ";");
    if (item == NULL) {
        return false;
    }
    *name = strsep(&item, ":");
    const char *words = strsep(&item, ":");
    *proposals = item;
    if (*name == NULL || words == NULL || item == NULL) {
        return false;
    }
    *methods = (strstr(words, "psk") != NULL ? 1u << AUTH_PSK : 0)
               | (strstr(words, "rsasig") != NULL ? 1u << AUTH_RSASIG : 0);
    return true;
}

/* The first candidate that the offer can satisfy [R1]; index of the transform, or -1. */
static int choose(struct exchange *x, const struct sa_offer *offer, const char *candidates,
                  char *why, size_t size)
{
    char *list = strdup(candidates);
    char *at = list;
    char *name;
    char *proposals;
    unsigned methods;
    int chosen = -1;

    while (chosen < 0 && list != NULL && next_candidate(&at, &name, &methods, &proposals)) {
        struct ike_proposals allowed;
        if (ike_proposals_parse(&allowed, proposals, NULL) != NULL) {
            continue;
        }
        chosen = sa_choose_ike(offer, &allowed, methods, LIFE_MAX);
        if (chosen < 0 && why[0] == '\0' && !sa_other_method(offer, methods, why, size)) {
            (void)sa_weak_ike(offer, &allowed, methods, why, size);
        }
        if (chosen >= 0) {
            snprintf(x->main->connection, sizeof x->main->connection, "%s", name);
        }
    }
    free(list);
    return chosen;
}

#define LIST_LEAST 140u /* of the proposals of one connection, where there are several */
#define AROUND_LIST 105u /* a connection's name, and what is put between them */

/* What each candidate allows, in the form in which the peer's offer is shown: each has its share. */
static void print_allowed(const char *candidates, char *out, size_t size)
{
    char *list = strdup(candidates);
    char *at = list;
    char *name;
    char *proposals;
    unsigned methods;
    size_t count = 1;
    bool room = true;
    struct text t;

    for (const char *c = candidates; *c != '\0'; c++) {
        count += *c == ';' ? 1 : 0;
    }
    size_t share = size / count < LIST_LEAST + AROUND_LIST ? LIST_LEAST : size / count - AROUND_LIST;
    text_begin(&t, out, size);
    for (size_t i = 0; list != NULL && room && next_candidate(&at, &name, &methods, &proposals); i++) {
        struct ike_proposals allowed;
        char text[OFFER_TEXT] = "nothing";
        char item[OFFER_TEXT + AROUND_LIST];
        if (ike_proposals_parse(&allowed, proposals, NULL) == NULL) {
            sa_print_ike_allowed(&allowed, methods, text, share);
        }
        snprintf(item, sizeof item, "%s (\"%s\")", text, name);
        room = text_add_item(&t, i, count, item);
    }
    free(list);
}

/* First what is to be done: lines have an end. */
static void refuse_offer(struct ike *ike, struct exchange *x, const struct sa_offer *offer,
                         const char *candidates, const char *why)
{
    char theirs[OFFER_TEXT];
    char ours[OFFER_TEXT];
    sa_print_ike_offer(offer, theirs, sizeof theirs);
    print_allowed(candidates, ours, sizeof ours);
    send_clear_notification(ike, &x->sa->path, x->sa->cky_i, x->sa->cky_r,
                            NOTIFY_NO_PROPOSAL_CHOSEN);
    exchange_failed(ike, x, REPLY_NOTIFICATION + NOTIFY_NO_PROPOSAL_CHOSEN,
                    "no proposal chosen (NO-PROPOSAL-CHOSEN sent): %s; the peer proposed %s; we allow %s",
                    why[0] != '\0' ? why : "compare --ike of both sides", theirs, ours);
}

enum outcome mr_first(struct ike *ike, struct exchange *x, struct event *e)
{
    struct sa_offer offer;
    struct outgoing o;
    struct buffer body;
    struct record_writer w;
    char why[400] = "";
    char suite[SUITE_TEXT];

    if (e->answer->verb != V_OK) {
        bool says = record_has(e->answer, K_NOTIFICATION);
        unsigned type = says ? (unsigned)record_number(e->answer, K_NOTIFICATION) : 0;
        if (says) {
            send_clear_notification(ike, &x->sa->path, x->sa->cky_i, x->sa->cky_r, type);
        }
        report_stranger(ike, &x->sa->path, "a first message of Main Mode is refused%s%s%s: %s", says ? " (" : "",
                        says ? notify_name(type) : "", says ? " sent)" : "", record_text(e->answer, K_WHY));
        exchange_free(ike, x);
        return END;
    }
    exchange_set_number(ike, x, record_number(e->answer, K_EXCHANGE));
    x->sa->worker = record_number(e->answer, K_WORKER);
    const char *candidates = record_text(e->answer, K_CANDIDATES);
    if (sa_decode_ike(&offer, x->main->sa_body, x->main->sa_body_len) != NULL) {
        exchange_failed(ike, x, REPLY_INTERNAL, "an SA payload cannot be read twice");
        return END;
    }
    int chosen = choose(x, &offer, candidates, why, sizeof why);
    if (chosen < 0) {
        refuse_offer(ike, x, &offer, candidates, why);
        return END;
    }
    report_odd(ike, x, offer.odd | offer.transform[chosen].odd);
    x->main->method = offer.transform[chosen].auth_method;
    x->sa->suite = offer.transform[chosen].ike;
    x->sa->life = sa_ike_life(&offer.transform[chosen]);
    ike_suite_print(&x->sa->suite, suite);
    size_t before = ike->out.plutod->len;
    record_start(&w, ike->out.plutod, V_CHOSEN);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_text(&w, K_CONNECTION, x->main->connection);
    record_put_text(&w, K_PROPOSAL, suite);
    record_finish(&w);
    report_patiently(ike, before);

    exchange_set_cookies(ike, x);
    buffer_init(&body, SA_BODY_MAX);
    sa_encode_choice(&body, &offer, (size_t)chosen, NULL, 0);
    outgoing_begin(&o, x, EXCHANGE_MAIN);
    message_raw(&o.writer, PAYLOAD_SA, body.data, body.len);
    message_end(&o.writer);
    buffer_wipe(&body);
    outgoing_send(ike, x, &o, NULL, false);
    return GO;
}

enum outcome mr_message_3(struct ike *ike, struct exchange *x, struct event *e)
{
    const struct buffer *out = ike->out.worker(ike->out.context, x->sa->worker);
    if (out != NULL && out->len > CHANNEL_MAX / 2) {
        e->why = "more of them wait for their keys than can be made: it will come again";
        return IGNORE;
    }
    return mi_message_4(ike, x, e); /* the same payloads, the same question to secrets */
}

enum outcome mr_keys(struct ike *ike, struct exchange *x, struct event *e)
{
    struct main_scratch *m = x->main;
    struct outgoing o;
    const uint8_t *bytes;

    if (e->answer->verb != V_OK) {
        return answer_refused(ike, x, e->answer, REPLY_NO_KEY);
    }
    bytes = record_bytes(e->answer, K_KE, &m->ke_len);
    if (bytes == NULL || m->ke_len > KE_MAX || !record_has(e->answer, K_NONCE)) {
        exchange_failed(ike, x, REPLY_INTERNAL, "secrets gave no KE or nonce");
        return END;
    }
    memcpy(m->ke, bytes, m->ke_len);
    bytes = record_bytes(e->answer, K_NONCE, &m->nonce_len);
    memcpy(m->nonce, bytes, m->nonce_len);
    if (!main_take_keys(x, e->answer)) {
        exchange_failed(ike, x, REPLY_INTERNAL, "secrets gave keys of a wrong length");
        return END;
    }
    outgoing_begin(&o, x, EXCHANGE_MAIN);
    message_raw(&o.writer, PAYLOAD_KE, m->ke, m->ke_len);
    message_raw(&o.writer, PAYLOAD_NONCE, m->nonce, m->nonce_len);
    message_end(&o.writer);
    outgoing_send(ike, x, &o, NULL, false);
    return GO;
}

enum outcome mr_message_5(struct ike *ike, struct exchange *x, struct event *e)
{
    e->why = main_ask_auth(ike, x, e->message);
    if (e->why == NULL) {
        take_notifications(ike, x, e->message, TRUST_ENCRYPTED);
    }
    return e->why == NULL ? GO : IGNORE;
}

enum outcome mr_auth(struct ike *ike, struct exchange *x, struct event *e)
{
    struct record_writer w;
    if (e->answer->verb != V_OK) {
        return not_authenticated(ike, x, e->answer, NULL);
    }
    if (record_yes(e->answer, K_MATCHED)) {
        return main_send_identity(ike, x, e->answer)
                   ? GO
                   : not_authenticated(ike, x, NULL, "secrets gave no identity or HASH of ours");
    }
    if (request_start(ike, x, &w, FROM_PLUTOD, V_IDENTIFY) == NULL) {
        return not_authenticated(ike, x, NULL, "memory is short");
    }
    record_put_number(&w, K_EXCHANGE, x->number);
    record_finish(&w);
    return OTHER;
}

enum outcome mr_identify(struct ike *ike, struct exchange *x, struct event *e)
{
    struct record_writer w;
    if (e->answer->verb != V_OK) {
        return not_authenticated(ike, x, e->answer, NULL);
    }
    if (record_has(e->answer, K_CONNECTION)) {
        snprintf(x->main->connection, sizeof x->main->connection, "%s", record_text(e->answer, K_CONNECTION));
    }
    if (request_start(ike, x, &w, FROM_WORKER, V_FINISH) == NULL) {
        exchange_lost(ike, x);
        return END;
    }
    record_put_number(&w, K_EXCHANGE, x->number);
    record_finish(&w);
    return GO;
}

enum outcome mr_finish(struct ike *ike, struct exchange *x, struct event *e)
{
    if (e->answer->verb != V_OK) {
        return not_authenticated(ike, x, e->answer, NULL);
    }
    return main_send_identity(ike, x, e->answer)
               ? GO
               : not_authenticated(ike, x, NULL, "secrets gave no identity or HASH of ours");
}

void main_up(struct ike *ike, struct exchange *x)
{
    struct record_writer w;
    struct exchange *q;
    struct exchange *next;
    char suite[SUITE_TEXT];
    bool initial_contact = x->main != NULL && x->main->initial_contact;

    ike_suite_print(&x->sa->suite, suite);
    x->sa->up = true;
    x->sa->life = lifetime_of_main(ike, x);
    record_start(&w, ike->out.plutod, V_ISAKMP_UP);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_word(&w, K_ROLE, x->initiator ? ROLE_INITIATOR : ROLE_RESPONDER);
    record_put_text(&w, K_PROPOSAL, suite);
    record_put_number(&w, K_LIFE, x->sa->life);
    record_put_bytes(&w, K_CKY_I, x->sa->cky_i, COOKIE_LEN);
    record_put_bytes(&w, K_CKY_R, x->sa->cky_r, COOKIE_LEN);
    record_finish(&w);
    exchange_settle(ike, x);
    if (initial_contact) {
        x->sa->initial_contact = true;
        record_start(&w, ike->out.plutod, V_INITIAL_CONTACT);
        record_put_number(&w, K_EXCHANGE, x->number);
        record_finish(&w);
    }
    LIST_FOREACH_SAFE(q, &x->sa->quicks, siblings, next)
    {
        if (q->state == QUICK_PENDING) {
            quick_begin(ike, q);
        }
    }
    early_take(ike, x);
}

void main_worn_out(struct ike *ike, struct exchange *x)
{
    send_delete_isakmp(ike, x);
    exchange_failed(ike, x, REPLY_INTERNAL, "this ISAKMP SA has had as many Quick Modes as one may have");
}
