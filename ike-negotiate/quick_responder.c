/*
 * Quick Mode, our part as responder (RFC 2409, 5.5).
 */
#include "actions.h"
#include "informational.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void quick_first_message(struct ike *ike, struct exchange *parent, const struct message *m,
                         const uint8_t *iv, const uint8_t *digest)
{
    if (parent->sa->open_quicks >= OPEN_QUICKS_MAX) {
        count_ignored(ike, FLAW_NO_ROOM);
        report(ike, parent, LOG_LEVEL_INFO, "the peer has begun %u Quick Modes and finished none of "
                                            "them: another one is ignored", OPEN_QUICKS_MAX);
        return;
    }
    struct exchange *x = exchange_new(ike, true, false);
    if (x == NULL) {
        report(ike, parent, LOG_LEVEL_SERIOUS, "no memory for a Quick Mode");
        return;
    }
    x->parent = parent;
    x->sa = parent->sa;
    x->message_id = m->header.message_id;
    memcpy(x->iv, iv, IV_MAX);
    memcpy(x->last_in, digest, DIGEST_LEN); /* for a refusal */
    LIST_INSERT_HEAD(&parent->sa->quicks, x, siblings);
    parent->sa->open_quicks++;
    if (engine_message(ike, x, m, true, digest) == IGNORE) {
        exchange_free(ike, x);
    }
}

/* What message 1 holds that is needed after plutod's answer is kept as it came. */
static const char *keep_offer(struct exchange *x, const struct message *m)
{
    const struct payload *sa = message_find(m, PAYLOAD_SA, 0);
    struct quick_scratch *q = x->quick;
    q->first_body = malloc(sa->body_len);
    if (q->first_body == NULL) {
        return "no memory";
    }
    memcpy(q->first_body, sa->body, q->first_len = sa->body_len);
    return NULL;
}

/* Until one is chosen, a refusal names the SPI that the peer proposed first: he may run several. */
static void keep_spi(struct exchange *x, const struct sa_offer *offer)
{
    if (offer->proposal[0].spi_len == sizeof x->quick->spi_out) {
        memcpy(x->quick->spi_out, offer->proposal[0].spi, sizeof x->quick->spi_out);
    }
}

enum outcome qr_message_1(struct ike *ike, struct exchange *x, struct event *e)
{
    struct record_writer w;
    struct sa_offer offer;
    const struct payload *sa = message_find(e->message, PAYLOAD_SA, 0);

    if (!quick_hash_ok(x, e->message, 1)) {
        e->flaw = FLAW_WRONG_HASH;
        e->why = "HASH(1) is wrong";
        return IGNORE;
    }
    if (sa_worn_out(x->sa)) { /* he, too, is to go on under a new one */
        count_ignored(ike, FLAW_NO_ROOM);
        main_worn_out(ike, x->parent);
        return END;
    }
    if (!sa_use_id(x->sa, x->message_id)) {
        e->flaw = FLAW_NO_ROOM;
        e->why = "memory is short";
        return IGNORE;
    }
    /* From here on it is the peer's own word: what does not fit is answered. */
    e->why = quick_take_nonce_ke(x, e->message);
    unsigned notify = NOTIFY_PAYLOAD_MALFORMED;
    if (e->why == NULL) {
        e->why = sa_decode_esp(&offer, sa->body, sa->body_len);
        notify = offer.notification;
    }
    if (e->why == NULL) {
        keep_spi(x, &offer);
        e->why = clients_take(ike, x, e->message);
        notify = NOTIFY_INVALID_ID_INFORMATION;
    }
    if (e->why == NULL) {
        e->why = keep_offer(x, e->message);
    }
    if (e->why != NULL) {
        refusal_send(ike, x, notify);
        return IGNORE;
    }
    take_notifications(ike, x, e->message, TRUST_HASHED);
    if (request_start(ike, x, &w, FROM_PLUTOD, V_QUICK_ASK) == NULL) {
        e->why = "memory is short";
        return IGNORE;
    }
    record_put_number(&w, K_PARENT, x->parent->number);
    record_put_subnet(&w, K_OUR_CLIENT, &x->quick->needs.our_client);
    record_put_subnet(&w, K_PEER_CLIENT, &x->quick->needs.peer_client);
    record_finish(&w);
    return GO;
}

static enum outcome refuse(struct ike *ike, struct exchange *x, unsigned notify, const char *why)
{
    refusal_send(ike, x, notify);
    exchange_failed(ike, x, notify <= NOTIFY_UNEQUAL_PAYLOAD_LENGTHS ? REPLY_NOTIFICATION + notify : REPLY_INTERNAL,
                    "%s", why);
    return END;
}

/* A `fail` of secrets or kernel-sa. */
static enum outcome refuse_for(struct ike *ike, struct exchange *x, const struct record *answer,
                               unsigned notify)
{
    if (record_has(answer, K_NOTIFICATION)) {
        notify = (unsigned)record_number(answer, K_NOTIFICATION);
    }
    return refuse(ike, x, notify, record_text(answer, K_WHY));
}

/* First what is to be done: lines have an end. */
static enum outcome refuse_offer(struct ike *ike, struct exchange *x, const struct sa_offer *offer,
                                 const struct sa_esp_terms *terms)
{
    char theirs[OFFER_TEXT];
    char ours[OFFER_TEXT];
    char hint[300];
    char line[2 * OFFER_TEXT + 500];
    sa_print_esp_offer(offer, theirs, sizeof theirs);
    sa_print_esp_allowed(terms, ours, sizeof ours);
    if (!sa_weak_esp(offer, terms, hint, sizeof hint)) { /* the lists may look alike: KE, mode, life */
        snprintf(hint, sizeof hint, "the first has %s", sa_why_not_esp(offer, 0, terms));
    }
    snprintf(line, sizeof line,
             "no proposal chosen (NO-PROPOSAL-CHOSEN sent): %s; the peer proposed %s; we allow %s",
             hint, theirs, ours);
    return refuse(ike, x, NOTIFY_NO_PROPOSAL_CHOSEN, line);
}

const char *quick_take_needs(struct quick_needs *n, const struct record *r)
{
    snprintf(n->esp, sizeof n->esp, "%s", record_text(r, K_ESP));
    record_address(r, K_OUR_HOST, &n->our_host);
    record_address(r, K_PEER_HOST, &n->peer_host);
    n->life = (uint32_t)record_number(r, K_LIFE);
    n->pfs_required = record_has(r, K_PFS_REQUIRED) && record_yes(r, K_PFS_REQUIRED);
    n->pfs.count = 0;
    if (strcmp(record_text(r, K_PFS), "no") == 0) {
        return NULL;
    }
    return group_list_parse(&n->pfs, record_text(r, K_PFS), NULL);
}

static enum outcome refuse_by_plutod(struct ike *ike, struct exchange *x,
                                     const struct record *answer)
{
    char why[4001];
    unsigned notify = NOTIFY_INVALID_ID_INFORMATION;
    if (record_has(answer, K_NOTIFICATION)) {
        notify = (unsigned)record_number(answer, K_NOTIFICATION);
    }
    snprintf(why, sizeof why, "a Quick Mode is refused: %s", record_text(answer, K_WHY));
    return refuse(ike, x, notify, why);
}

enum outcome qr_ask(struct ike *ike, struct exchange *x, struct event *e)
{
    struct quick_scratch *q = x->quick;
    struct esp_proposals allowed;
    struct sa_offer offer;

    if (e->answer->verb != V_OK) {
        return refuse_by_plutod(ike, x, e->answer);
    }
    exchange_set_number(ike, x, record_number(e->answer, K_EXCHANGE));
    const char *bad = quick_take_needs(&q->needs, e->answer);
    if (bad == NULL) {
        bad = esp_proposals_parse(&allowed, q->needs.esp, NULL);
    }
    if (bad == NULL) {
        bad = sa_decode_esp(&offer, q->first_body, q->first_len);
    }
    if (bad != NULL) {
        return refuse(ike, x, NOTIFY_NO_PROPOSAL_CHOSEN, bad);
    }
    bool hosts_only = subnet_is_host(&q->needs.our_client, &q->needs.our_host)
                      && subnet_is_host(&q->needs.peer_client, &q->needs.peer_host);
    static const unsigned modes[] = {
        [MODES_TUNNEL] = 1u << SA_MODE_TUNNEL,
        [MODES_TRANSPORT] = 1u << SA_MODE_TRANSPORT,
        [MODES_ANY] = 1u << SA_MODE_TUNNEL | 1u << SA_MODE_TRANSPORT,
    };
    const struct sa_esp_terms terms = {
        .allowed = &allowed,
        .modes = modes[record_word(e->answer, K_MODES)],
        .mode_absent = hosts_only ? SA_MODE_TRANSPORT : SA_MODE_TUNNEL,
        .groups = &q->needs.pfs,
        .pfs_required = q->needs.pfs_required,
        .has_ke = q->ke_peer_len > 0,
        .life_max = LIFE_MAX,
    };
    int chosen = sa_choose_esp(&offer, &terms);
    if (chosen < 0) {
        return refuse_offer(ike, x, &offer, &terms);
    }
    const struct sa_transform *t = &offer.transform[chosen];
    report_odd(ike, x, offer.odd | t->odd | (t->mode == SA_MODE_NONE ? ODD_NO_MODE : ODD_NONE));
    q->suite = allowed.suite[esp_proposals_match(&allowed, &t->esp)];
    q->group = t->group_number == 0 ? NULL : group_by_number(t->group_number);
    q->mode = t->mode != SA_MODE_NONE ? t->mode : terms.mode_absent;
    q->life = sa_esp_life(t) < q->needs.life ? sa_esp_life(t) : q->needs.life;
    q->tells_life = q->life < sa_esp_life(t);
    memcpy(q->spi_out, offer.proposal[t->proposal].spi, 4);
    q->chosen = (size_t)chosen;
    if (q->group != NULL && q->ke_peer_len != q->group->public_len) {
        return refuse(ike, x, NOTIFY_INVALID_KEY_INFORMATION,
                      "the KE payload has not the length of its group");
    }
    if (!take_spi(ike, q->spi_in)) {
        quick_wait_spi(ike, x);
        return OTHER; /* kernel-sa is busy, or being started again */
    }
    return quick_ask_sas(ike, x) ? GO : END;
}

void quick_go_on(struct ike *ike, struct exchange *x)
{
    if (take_spi(ike, x->quick->spi_in) && quick_ask_sas(ike, x)) {
        engine_enter(ike, x, QUICK_R0_SA);
    }
}

static enum outcome inbound_made(struct ike *ike, struct exchange *x)
{
    struct quick_scratch *q = x->quick;
    struct sa_offer offer;
    struct buffer body;

    if (!q->has_keys || !q->has_sa) {
        return OTHER;
    }
    if (sa_decode_esp(&offer, q->first_body, q->first_len) != NULL) {
        return refuse(ike, x, NOTIFY_NO_PROPOSAL_CHOSEN, "an SA payload cannot be read twice");
    }
    buffer_init(&body, SA_BODY_MAX);
    sa_encode_choice(&body, &offer, q->chosen, q->spi_in, 4);
    bool sent = quick_send(ike, x, &body, 2);
    buffer_wipe(&body);
    return sent ? GO : refuse(ike, x, NOTIFY_NO_PROPOSAL_CHOSEN, "no memory for message 2");
}

enum outcome qr_keymat(struct ike *ike, struct exchange *x, struct event *e)
{
    if (e->answer->verb != V_OK) {
        return refuse_for(ike, x, e->answer, NOTIFY_INVALID_KEY_INFORMATION);
    }
    if (!quick_take_ours(x, e->answer)) {
        return refuse(ike, x, NOTIFY_INVALID_KEY_INFORMATION, "secrets gave no nonce or KE");
    }
    x->quick->has_keys = true;
    return inbound_made(ike, x);
}

enum outcome qr_install(struct ike *ike, struct exchange *x, struct event *e)
{
    if (e->answer->verb != V_OK) {
        return refuse_for(ike, x, e->answer, NOTIFY_NO_PROPOSAL_CHOSEN);
    }
    x->quick->has_sa = true;
    return inbound_made(ike, x);
}

enum outcome qr_message_3(struct ike *ike, struct exchange *x, struct event *e)
{
    if (!quick_hash_ok(x, e->message, 3)) {
        e->flaw = FLAW_WRONG_HASH;
        e->why = "HASH(3) is wrong";
        return IGNORE;
    }
    if (!kernel_ask(ike, x, V_ACTIVATE)) {
        e->flaw = FLAW_NO_ROOM;
        e->why = "memory is short";
        return IGNORE;
    }
    return GO;
}

enum outcome qr_activate(struct ike *ike, struct exchange *x, struct event *e)
{
    if (e->answer->verb != V_OK) {
        /* The peer has both of its SAs by now: it must not go on sending to us. */
        send_delete(ike, x->parent, PROTOCOL_ESP, x->quick->spi_in, 4);
        return answer_refused(ike, x, e->answer, REPLY_INTERNAL);
    }
    /* What is remembered for duplicates is message 2; message 3 needs no answer. */
    sent_forget(&x->sent);
    return GO;
}
