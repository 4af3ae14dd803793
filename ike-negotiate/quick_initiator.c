/*
 * Quick Mode, our part as initiator (RFC 2409, 5.5), and what both parts share.
 */
#include "actions.h"
#include "informational.h"
#include "report.h"

#include <bsd/sys/endian.h>
#include <nettle/memops.h>
#include <stdio.h>
#include <string.h>

/* ---- shared ---- */

/*
 * HASH(1) = prf(SKEYID_a, M-ID | rest)
 * HASH(2) = prf(SKEYID_a, M-ID | Ni_b | rest)
 * HASH(3) = prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b)
 */
static void quick_hash(const struct exchange *x, unsigned number, const uint8_t *rest,
                       size_t rest_len, uint8_t out[HASH_MAX])
{
    static const uint8_t zero = 0;
    const struct quick_scratch *q = x->quick;
    uint8_t m_id[4];
    const struct part ours = { q->nonce, q->nonce_len };
    const struct part peers = { q->nonce_peer, q->nonce_peer_len };
    const struct part ni = x->initiator ? ours : peers;
    const struct part nr = x->initiator ? peers : ours;
    const struct part first[] = { { m_id, 4 }, { rest, rest_len } };
    const struct part second[] = { { m_id, 4 }, ni, { rest, rest_len } };
    const struct part third[] = { { &zero, 1 }, { m_id, 4 }, ni, nr };

    be32enc(m_id, x->message_id);
    if (number == 1) {
        isakmp_hash(&x->sa->keys, first, 2, out);
    } else if (number == 2) {
        isakmp_hash(&x->sa->keys, second, 3, out);
    } else {
        isakmp_hash(&x->sa->keys, third, 4, out);
    }
}

bool quick_hash_ok(const struct exchange *x, const struct message *m, unsigned number)
{
    uint8_t hash[HASH_MAX];
    const struct payload *p = &m->payload[0];
    size_t len = x->sa->keys.hash->len;
    quick_hash(x, number, p->whole + p->whole_len, m->payloads_len - p->whole_len, hash);
    return p->body_len == len && memeql_sec(p->body, hash, len);
}

/* The HASH payload comes first: its place in the message is fixed. */
static void quick_hash_put(const struct exchange *x, struct outgoing *o, unsigned number)
{
    uint8_t hash[HASH_MAX];
    size_t len = x->sa->keys.hash->len;
    size_t rest = ISAKMP_HEADER_LEN + 4 + len;
    if (o->bytes.overflowed || o->bytes.len < rest) {
        return;
    }
    quick_hash(x, number, o->bytes.data + rest, o->bytes.len - rest, hash);
    memcpy(o->bytes.data + ISAKMP_HEADER_LEN + 4, hash, len);
}

static void put_empty_hash(const struct exchange *x, struct outgoing *o)
{
    static const uint8_t zeros[HASH_MAX];
    message_raw(&o->writer, PAYLOAD_HASH, zeros, x->sa->keys.hash->len);
}

/* HASH, SA, nonce, KE with PFS, IDci and IDcr. Messages 1 and 2 differ in SA and HASH, and a life. */
bool quick_send(struct ike *ike, struct exchange *x, const struct buffer *sa, unsigned number)
{
    struct quick_scratch *q = x->quick;
    struct outgoing o;

    outgoing_begin(&o, x, EXCHANGE_QUICK);
    put_empty_hash(x, &o);
    message_raw(&o.writer, PAYLOAD_SA, sa->data, sa->len);
    message_raw(&o.writer, PAYLOAD_NONCE, q->nonce, q->nonce_len);
    if (q->group != NULL) {
        message_raw(&o.writer, PAYLOAD_KE, q->ke, q->ke_len);
    }
    if (q->ids) {
        clients_put(x, &o.writer);
    }
    if (number == 2 && q->tells_life) {
        message_payload(&o.writer, PAYLOAD_N);
        lifetime_encode(&o.bytes, q->spi_in, q->life);
        message_payload_end(&o.writer);
    }
    message_end(&o.writer);
    quick_hash_put(x, &o, number);
    return outgoing_send(ike, x, &o, x->iv, true);
}

static bool quick_send_hash3(struct ike *ike, struct exchange *x)
{
    struct outgoing o;
    outgoing_begin(&o, x, EXCHANGE_QUICK);
    put_empty_hash(x, &o);
    message_end(&o.writer);
    quick_hash_put(x, &o, 3);
    return outgoing_send(ike, x, &o, x->iv, false);
}

const char *quick_take_nonce_ke(struct exchange *x, const struct message *m)
{
    struct quick_scratch *q = x->quick;
    const struct payload *nonce = message_find(m, PAYLOAD_NONCE, 0);
    const struct payload *ke = message_find(m, PAYLOAD_KE, 0);

    if (nonce->body_len < NONCE_MIN || nonce->body_len > NONCE_MAX) {
        return "the nonce has not between 8 and 256 bytes";
    }
    memcpy(q->nonce_peer, nonce->body, q->nonce_peer_len = nonce->body_len);
    q->ke_peer_len = 0;
    if (ke != NULL) {
        if (ke->body_len > KE_MAX || ke->body_len == 0) {
            return "the KE payload has an impossible length";
        }
        memcpy(q->ke_peer, ke->body, q->ke_peer_len = ke->body_len);
    }
    return NULL;
}

/* Asks secrets for KEYMAT and kernel-sa for the inbound SA, both at once. */
bool quick_ask_sas(struct ike *ike, struct exchange *x)
{
    const struct quick_scratch *q = x->quick;
    struct record_writer w;
    char suite[SUITE_TEXT];

    if (request_start(ike, x, &w, FROM_WORKER, V_KEYMAT) == NULL) {
        exchange_lost(ike, x);
        return false;
    }
    esp_suite_print(&q->suite, suite);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_word(&w, K_PROTOCOL, WORD_ESP);
    record_put_text(&w, K_PROPOSAL, suite);
    record_put_bytes(&w, K_SPI_IN, q->spi_in, 4);
    record_put_bytes(&w, K_SPI_OUT, q->spi_out, 4);
    record_put_bytes(&w, K_NONCE_PEER, q->nonce_peer, q->nonce_peer_len);
    if (q->group != NULL) {
        record_put_bytes(&w, K_KE_PEER, q->ke_peer, q->ke_peer_len);
        record_put_text(&w, K_GROUP, q->group->word);
    }
    record_finish(&w);
    if (!kernel_ask(ike, x, V_INSTALL)) {
        exchange_failed(ike, x, REPLY_INTERNAL, "no memory to ask for its SAs");
        return false;
    }
    return true;
}

/* ---- initiator ---- */

void quick_begin(struct ike *ike, struct exchange *x)
{
    struct quick_scratch *q = x->quick;
    struct record_writer w;

    if (sa_worn_out(x->sa)) {
        main_worn_out(ike, x->parent);
        return;
    }
    const bool turn = x->sa->our_quicks < OUR_QUICKS_MAX;
    if (!turn || !take_spi(ike, q->spi_in)) {
        if (x->timer == UINT64_MAX) { /* as long as a peer is given, in all */
            exchange_timer(ike, x, ike->now + GIVE_UP);
        }
        (turn ? quick_wait_spi : quick_wait_turn)(ike, x);
        return;
    }
    q->counted = true;
    x->sa->our_quicks++;
    do {
        x->message_id = draw_message_id(ike);
        if (x->message_id == 0) {
            exchange_failed(ike, x, REPLY_INTERNAL, "no random bytes for a message id");
            return;
        }
    } while (sa_id_used(x->sa, x->message_id));
    if (!sa_use_id(x->sa, x->message_id)) {
        exchange_failed(ike, x, REPLY_INTERNAL, "memory is short");
        return;
    }
    if (request_start(ike, x, &w, FROM_WORKER, V_QUICK_KE) == NULL) {
        exchange_lost(ike, x);
        return;
    }
    iv_phase2(&x->sa->keys, x->sa->iv, x->message_id, x->iv);
    q->group = q->needs.pfs.count > 0 ? q->needs.pfs.group[0] : NULL;
    record_put_number(&w, K_EXCHANGE, x->number);
    if (q->group != NULL) {
        record_put_text(&w, K_GROUP, q->group->word);
    }
    record_finish(&w);
    engine_enter(ike, x, QUICK_I0_KE);
}

bool quick_take_ours(struct exchange *x, const struct record *answer)
{
    struct quick_scratch *q = x->quick;
    size_t len;
    const uint8_t *bytes = record_bytes(answer, K_NONCE, &len);
    if (bytes == NULL) {
        return false;
    }
    memcpy(q->nonce, bytes, q->nonce_len = len);
    bytes = record_bytes(answer, K_KE, &len);
    if (q->group == NULL) {
        return bytes == NULL;
    }
    if (bytes == NULL || len != q->group->public_len) {
        return false;
    }
    memcpy(q->ke, bytes, q->ke_len = len);
    return true;
}

enum outcome qi_ke(struct ike *ike, struct exchange *x, struct event *e)
{
    struct quick_scratch *q = x->quick;
    struct esp_proposals ours;
    struct buffer body;

    if (e->answer->verb != V_OK) {
        return answer_refused(ike, x, e->answer, REPLY_INTERNAL);
    }
    const char *why = esp_proposals_parse(&ours, q->needs.esp, NULL);
    if (why != NULL || !quick_take_ours(x, e->answer)) {
        exchange_failed(ike, x, REPLY_INTERNAL, "%s", why != NULL ? why : "secrets gave no nonce or KE");
        return END;
    }
    q->ids = true;
    q->mode = q->needs.modes == 1u << SA_MODE_TRANSPORT ? SA_MODE_TRANSPORT : SA_MODE_TUNNEL;
    buffer_init(&body, SA_BODY_MAX);
    sa_encode_esp_offer(&body, &ours, q->spi_in, q->mode, q->group == NULL ? 0 : q->group->number,
                        q->needs.life);
    bool sent = quick_send(ike, x, &body, 1);
    buffer_wipe(&body);
    if (!sent) {
        exchange_failed(ike, x, REPLY_INTERNAL, "no memory for message 1 of Quick Mode");
        return END;
    }
    return GO;
}

static void report_answer_odd(struct ike *ike, const struct exchange *x,
                              const struct sa_offer *answer, const struct esp_proposals *ours)
{
    const struct quick_scratch *q = x->quick;
    struct buffer offer;
    buffer_init(&offer, SA_BODY_MAX);
    sa_encode_esp_offer(&offer, ours, q->spi_in, q->mode, q->group == NULL ? 0 : q->group->number,
                        q->needs.life);
    report_odd(ike, x, sa_answer_odd(answer, offer.data, offer.len, q->needs.life));
    buffer_wipe(&offer);
}

enum outcome qi_message_2(struct ike *ike, struct exchange *x, struct event *e)
{
    struct quick_scratch *q = x->quick;
    const struct payload *sa = message_find(e->message, PAYLOAD_SA, 0);
    struct esp_proposals ours;
    struct sa_offer answer;

    e->why = quick_take_nonce_ke(x, e->message);
    if (e->why != NULL) {
        return IGNORE;
    }
    if (!quick_hash_ok(x, e->message, 2)) {
        e->flaw = FLAW_WRONG_HASH;
        e->why = "HASH(2) is wrong";
        return IGNORE;
    }
    take_notifications(ike, x, e->message, TRUST_HASHED);
    char unlike[2000];
    const char *why = clients_check(ike, x, e->message);
    if (why == NULL && (q->group != NULL) != (q->ke_peer_len > 0)) {
        why = q->group != NULL ? "the peer left out the KE payload that PFS needs"
                               : "the peer added a KE payload that we did not propose";
    }
    if (why == NULL && q->group != NULL && q->ke_peer_len != q->group->public_len) {
        why = "the KE payload has not the length of its group";
    }
    if (why == NULL) {
        why = sa_decode_esp(&answer, sa->body, sa->body_len);
    }
    if (why == NULL) {
        why = esp_proposals_parse(&ours, q->needs.esp, NULL);
    }
    if (why == NULL) {
        why = sa_check_esp_answer(&answer, &ours, q->mode, q->group == NULL ? 0 : q->group->number,
                                  q->needs.life, &q->suite, &q->life);
        if (why != NULL) {
            char text[1000];
            sa_print_esp_offer(&answer, text, sizeof text);
            snprintf(unlike, sizeof unlike, "the peer's choice is none of ours (%s): it answered %s; we proposed %.800s", why, text,
                     q->needs.esp);
            why = unlike;
        }
    }
    if (why != NULL) {
        send_notification(ike, x->parent, NOTIFY_NO_PROPOSAL_CHOSEN, PROTOCOL_ESP, q->spi_in, 4);
        exchange_failed(ike, x, REPLY_NOTIFICATION + NOTIFY_NO_PROPOSAL_CHOSEN, "message 2 of Quick Mode: %s", why);
        return END;
    }
    report_answer_odd(ike, x, &answer, &ours);
    memcpy(q->spi_out, answer.proposal[0].spi, 4);
    lifetime_of_quick(ike, x, e->message);
    return quick_ask_sas(ike, x) ? GO : END;
}

/*
 * Nothing may go out under the new SA before message 3: the peer does not know it yet [L4]. The two
 * are sent in this order, in one turn.
 */
static enum outcome sas_made(struct ike *ike, struct exchange *x)
{
    if (!x->quick->has_keys || !x->quick->has_sa) {
        return OTHER;
    }
    if (!quick_send_hash3(ike, x) || !kernel_ask(ike, x, V_ACTIVATE)) {
        exchange_failed(ike, x, REPLY_INTERNAL, "no memory for message 3 of Quick Mode, or for what follows it");
        return END;
    }
    return GO;
}

/* The peer waits for message 3, or has both of its SAs: he must not send to us. */
static enum outcome sas_refused(struct ike *ike, struct exchange *x, const struct record *answer)
{
    send_delete(ike, x->parent, PROTOCOL_ESP, x->quick->spi_in, 4);
    return answer_refused(ike, x, answer, REPLY_INTERNAL);
}

enum outcome qi_keymat(struct ike *ike, struct exchange *x, struct event *e)
{
    if (e->answer->verb != V_OK) {
        return sas_refused(ike, x, e->answer);
    }
    x->quick->has_keys = true;
    return sas_made(ike, x);
}

enum outcome qi_install(struct ike *ike, struct exchange *x, struct event *e)
{
    if (e->answer->verb != V_OK) {
        return sas_refused(ike, x, e->answer);
    }
    x->quick->has_sa = true;
    return sas_made(ike, x);
}

enum outcome qi_activate(struct ike *ike, struct exchange *x, struct event *e)
{
    if (e->answer->verb != V_OK) {
        return sas_refused(ike, x, e->answer);
    }
    lifetime_of_made(ike, x);
    return GO;
}
