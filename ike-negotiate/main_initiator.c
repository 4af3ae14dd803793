/*
 * Main Mode, our part as initiator (RFC 2409, 5.4).
 */
#include "actions.h"
#include "informational.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without a secrets process it waits: plutod names another one. */
static void ask_ke(struct ike *ike, struct exchange *x, const struct group *group)
{
    struct record_writer w;
    x->main->ke_group = group;
    x->main->ke_len = 0;
    if (request_start(ike, x, &w, FROM_WORKER, V_KE) != NULL) {
        record_put_number(&w, K_EXCHANGE, x->number);
        record_put_text(&w, K_GROUP, group->word);
        record_finish(&w);
    }
}

void main_initiate(struct ike *ike, struct exchange *x)
{
    struct ike_proposals ours;
    struct outgoing o;
    struct buffer body;

    const char *why = ike_proposals_parse(&ours, x->main->ike, NULL);
    if (why != NULL || !draw_random(ike, x->sa->cky_i, COOKIE_LEN)) {
        exchange_failed(ike, x, REPLY_INTERNAL, "cannot begin: %s", why != NULL ? why : "no random bytes");
        return;
    }
    exchange_set_cookies(ike, x);
    buffer_init(&body, SA_BODY_MAX);
    sa_encode_ike_offer(&body, &ours, x->main->methods, x->main->life);
    outgoing_begin(&o, x, EXCHANGE_MAIN);
    message_raw(&o.writer, PAYLOAD_SA, body.data, body.len);
    message_end(&o.writer);
    x->main->sa_body = body.data; /* SAi_b, for HASH_I and HASH_R */
    x->main->sa_body_len = body.len;
    /* Our exponent is drawn while the peer's answer is on its way. */
    ask_ke(ike, x, ours.suite[0].group);
    if (outgoing_send(ike, x, &o, NULL, true)) {
        engine_enter(ike, x, MAIN_I1);
    } else {
        exchange_failed(ike, x, REPLY_INTERNAL, "no memory for message 1");
    }
}

static void take_ke(struct exchange *x, const struct record *answer)
{
    const uint8_t *bytes = record_bytes(answer, K_KE, &x->main->ke_len);
    if (x->main->ke_len > KE_MAX) {
        x->main->ke_len = 0;
        return;
    }
    memcpy(x->main->ke, bytes, x->main->ke_len);
    bytes = record_bytes(answer, K_NONCE, &x->main->nonce_len);
    memcpy(x->main->nonce, bytes, x->main->nonce_len);
}

enum outcome mi_ke_early(struct ike *ike, struct exchange *x, struct event *e)
{
    if (e->answer->verb != V_OK) {
        return answer_refused(ike, x, e->answer, REPLY_INTERNAL);
    }
    take_ke(x, e->answer);
    return OTHER;
}

static enum outcome send_message_3(struct ike *ike, struct exchange *x)
{
    struct outgoing o;
    outgoing_begin(&o, x, EXCHANGE_MAIN);
    message_raw(&o.writer, PAYLOAD_KE, x->main->ke, x->main->ke_len);
    message_raw(&o.writer, PAYLOAD_NONCE, x->main->nonce, x->main->nonce_len);
    message_end(&o.writer);
    outgoing_send(ike, x, &o, NULL, true);
    return GO;
}

enum outcome mi_message_2(struct ike *ike, struct exchange *x, struct event *e)
{
    struct ike_proposals ours;
    struct sa_offer answer;
    const struct payload *sa = message_find(e->message, PAYLOAD_SA, 0);

    static const uint8_t none[COOKIE_LEN];
    if (memcmp(e->message->header.cky_i, e->message->header.cky_r, COOKIE_LEN) == 0
        || memcmp(e->message->header.cky_r, none, COOKIE_LEN) == 0) {
        e->why = "the responder's cookie is a copy of ours, or zero";
        return IGNORE;
    }
    e->why = sa_decode_ike(&answer, sa->body, sa->body_len);
    if (e->why == NULL) {
        e->why = ike_proposals_parse(&ours, x->main->ike, NULL);
    }
    if (e->why == NULL) {
        e->why = sa_check_ike_answer(&answer, &ours, x->main->methods, x->main->life,
                                     &x->sa->suite, &x->main->method, &x->sa->life);
    }
    if (e->why != NULL) {
        char text[600];
        sa_print_ike_offer(&answer, text, sizeof text);
        snprintf(e->text, sizeof e->text, "the peer's choice is none of ours (%s): it answered %s; we proposed %.600s", e->why, text,
                 x->main->ike);
        e->why = NULL; /* it is in the text */
        return IGNORE;
    }
    report_odd(ike, x, sa_answer_odd(&answer, x->main->sa_body, x->main->sa_body_len,
                                     x->main->life));
    take_notifications(ike, x, e->message, TRUST_HINT);
    memcpy(x->sa->cky_r, e->message->header.cky_r, COOKIE_LEN);
    HASH_DELETE(by_cookies, ike->cookies, x);
    exchange_set_cookies(ike, x);
    if (x->main->ke_group != x->sa->suite.group) {
        ask_ke(ike, x, x->sa->suite.group);
    }
    return x->main->ke_len > 0 ? send_message_3(ike, x) : OTHER;
}

enum outcome mi_ke_late(struct ike *ike, struct exchange *x, struct event *e)
{
    if (e->answer->verb != V_OK) {
        return answer_refused(ike, x, e->answer, REPLY_INTERNAL);
    }
    take_ke(x, e->answer);
    if (x->main->ke_len != x->sa->suite.group->public_len) {
        return OTHER; /* the answer for the group that the peer did not take */
    }
    return send_message_3(ike, x);
}

/* As ask_ke. */
static void ask_keys(struct ike *ike, struct exchange *x)
{
    const struct main_scratch *m = x->main;
    struct record_writer w;
    char suite[SUITE_TEXT];

    if (request_start(ike, x, &w, FROM_WORKER, V_KEYS) == NULL) {
        return;
    }
    ike_suite_print(&x->sa->suite, suite);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_text(&w, K_CONNECTION, x->main->connection);
    record_put_word(&w, K_METHOD, x->main->method == AUTH_PSK ? METHOD_PSK : METHOD_RSASIG);
    record_put_text(&w, K_PROPOSAL, suite);
    record_put_bytes(&w, K_CKY_I, x->sa->cky_i, COOKIE_LEN);
    record_put_bytes(&w, K_CKY_R, x->sa->cky_r, COOKIE_LEN);
    record_put_bytes(&w, K_SA_BODY, m->sa_body, m->sa_body_len);
    record_put_bytes(&w, K_KE_PEER, m->ke_peer, m->ke_peer_len);
    record_put_bytes(&w, K_NONCE_PEER, m->nonce_peer, m->nonce_peer_len);
    record_finish(&w);
}

void main_ask_again(struct ike *ike, struct exchange *x)
{
    if (x->state == MAIN_I1 || x->state == MAIN_I1_KE) {
        ask_ke(ike, x, x->main->ke_group);
    } else if (x->state == MAIN_R1_KEYS) {
        ask_keys(ike, x);
    }
}

enum outcome mi_message_4(struct ike *ike, struct exchange *x, struct event *e)
{
    const struct payload *ke = message_find(e->message, PAYLOAD_KE, 0);
    const struct payload *nonce = message_find(e->message, PAYLOAD_NONCE, 0);
    struct main_scratch *m = x->main;

    if (ke->body_len != x->sa->suite.group->public_len) {
        e->why = "the KE payload has not the length of its group";
        return IGNORE;
    }
    if (nonce->body_len < NONCE_MIN || nonce->body_len > NONCE_MAX) {
        e->why = "the nonce has not between 8 and 256 bytes";
        return IGNORE;
    }
    if ((m->ke_len == ke->body_len && memcmp(m->ke, ke->body, m->ke_len) == 0)
        || (m->nonce_len == nonce->body_len && memcmp(m->nonce, nonce->body, m->nonce_len) == 0)) {
        e->why = "it is our own message, sent back to us";
        return IGNORE;
    }
    memcpy(m->ke_peer, ke->body, m->ke_peer_len = ke->body_len);
    memcpy(m->nonce_peer, nonce->body, m->nonce_peer_len = nonce->body_len);
    m->asks_certificates = message_count(e->message, PAYLOAD_CR) > 0;
    ask_keys(ike, x);
    take_notifications(ike, x, e->message, TRUST_HINT);
    return GO;
}

/* SKEYID_a and SKEYID_e of an answer; false: of a wrong length. */
bool main_take_keys(struct exchange *x, const struct record *answer)
{
    size_t a_len;
    size_t e_len;
    const uint8_t *a = record_bytes(answer, K_SKEYID_A, &a_len);
    const uint8_t *e = record_bytes(answer, K_SKEYID_E, &e_len);
    const struct main_scratch *m = x->main;
    if (a_len != x->sa->suite.hash->len || e_len != a_len) {
        return false;
    }
    isakmp_keys_make(&x->sa->keys, &x->sa->suite, a, e);
    const struct part ours = { m->ke, m->ke_len };
    const struct part peers = { m->ke_peer, m->ke_peer_len };
    iv_phase1(&x->sa->suite, x->initiator ? &ours : &peers, x->initiator ? &peers : &ours,
              x->sa->iv);
    return true;
}

bool main_send_identity(struct ike *ike, struct exchange *x, const struct record *answer)
{
    struct outgoing o;
    size_t len;
    bool signs = x->main->method == AUTH_RSASIG;
    const uint8_t *id = record_bytes(answer, K_ID_BODY, &len);
    if (id == NULL || !record_has(answer, signs ? K_SIG : K_HASH)) {
        return false;
    }
    outgoing_begin(&o, x, EXCHANGE_MAIN);
    message_raw(&o.writer, PAYLOAD_ID, id, len);
    const uint8_t *proof = record_bytes(answer, signs ? K_SIG : K_HASH, &len);
    message_raw(&o.writer, signs ? PAYLOAD_SIG : PAYLOAD_HASH, proof, len);
    message_end(&o.writer);
    return outgoing_send(ike, x, &o, x->sa->iv, x->initiator);
}

enum outcome mi_keys(struct ike *ike, struct exchange *x, struct event *e)
{
    if (e->answer->verb != V_OK) {
        return answer_refused(ike, x, e->answer, REPLY_NO_KEY);
    }
    if (!main_take_keys(x, e->answer) || !main_send_identity(ike, x, e->answer)) {
        exchange_failed(ike, x, REPLY_INTERNAL, "secrets gave keys of a wrong length");
        return END;
    }
    return GO;
}

/* Who looks for the cause of a refusal should know that there were certificates: we have no use for them. */
static void report_certificates(struct ike *ike, struct exchange *x, const struct message *m)
{
    bool sends = message_count(m, PAYLOAD_CERT) > 0;
    if (sends || x->main->asks_certificates || message_count(m, PAYLOAD_CR) > 0) {
        (void)report_unproved(ike, x, "the peer %s certificates, which are ignored: keys are what --pubkeyrsa says",
                              sends ? "sends" : "asks for");
    }
}

/* Asks secrets to check the peer's identity and HASH or SIG; NULL, or why not. */
const char *main_ask_auth(struct ike *ike, struct exchange *x, const struct message *m)
{
    const struct payload *id = message_find(m, PAYLOAD_ID, 0);
    bool signs = x->main->method == AUTH_RSASIG;
    const struct payload *proof = message_find(m, signs ? PAYLOAD_SIG : PAYLOAD_HASH, 0);
    struct record_writer w;

    if (!signs && proof->body_len != x->sa->suite.hash->len) {
        return "the HASH payload has not the length of its algorithm";
    }
    if (signs && proof->body_len > schema_key(K_SIG)->max) {
        return "the SIG payload is longer than any key makes it";
    }
    if (id->body_len < 4 || id->body_len > ID_BODY_MAX) {
        return "the ID payload is too long";
    }
    if (request_start(ike, x, &w, FROM_WORKER, V_AUTH) == NULL) {
        return "the secrets process is gone";
    }
    bool port = id->body[1] != 0 || id->body[2] != 0 || id->body[3] != 0;
    report_odd(ike, x, port ? ODD_ID_PORT : ODD_NONE);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_bytes(&w, K_ID_BODY, id->body, id->body_len);
    record_put_bytes(&w, signs ? K_SIG : K_HASH, proof->body, proof->body_len);
    record_finish(&w);
    if (signs) {
        report_certificates(ike, x, m);
    }
    return NULL;
}

/*
 * Ends a Main Mode whose peer did not prove itself, and tells him. answer: the `fail`, which may name
 * the notification; NULL: an own reason. Where we began, the SA stands for the peer since our message 5: so a Delete follows,
 * or he would use it, and wait in vain.
 */
enum outcome not_authenticated(struct ike *ike, struct exchange *x, const struct record *answer,
                               const char *why)
{
    unsigned notify = NOTIFY_AUTHENTICATION_FAILED;
    if (answer != NULL && record_has(answer, K_NOTIFICATION)
        && record_number(answer, K_NOTIFICATION) <= NOTIFY_UNEQUAL_PAYLOAD_LENGTHS) {
        notify = (unsigned)record_number(answer, K_NOTIFICATION);
    }
    unsigned code = answer != NULL && record_has(answer, K_CODE) ? (unsigned)record_number(answer, K_CODE)
                                                                 : REPLY_NOTIFICATION + notify;
    send_notification(ike, x, notify, PROTOCOL_ISAKMP, NULL, 0);
    if (x->initiator) {
        send_delete_isakmp(ike, x);
    }
    exchange_failed(ike, x, code, "%s", answer != NULL ? record_text(answer, K_WHY) : why);
    return END;
}

enum outcome mi_message_6(struct ike *ike, struct exchange *x, struct event *e)
{
    e->why = main_ask_auth(ike, x, e->message);
    if (e->why == NULL) {
        take_notifications(ike, x, e->message, TRUST_ENCRYPTED);
    }
    return e->why == NULL ? GO : IGNORE;
}

enum outcome mi_auth(struct ike *ike, struct exchange *x, struct event *e)
{
    if (e->answer->verb != V_OK) {
        return not_authenticated(ike, x, e->answer, NULL);
    }
    return GO;
}
