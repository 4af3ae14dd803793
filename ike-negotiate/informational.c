/*
 * Informational exchanges that come in, and notifications inside of other exchanges (RFC 2409, 5.7;
 * RFC 2408, 3.14 and 3.15). What comes unprotected is a hint and changes no state (interop Q11).
 */
#include "early.h"
#include "informational.h"
#include "report.h"

#include <bsd/sys/endian.h>
#include <nettle/memops.h>
#include <stdlib.h>
#include <string.h>

static void tell_plutod(struct ike *ike, const struct exchange *x, unsigned type,
                        bool is_protected)
{
    struct record_writer w;
    if (x->number == 0) {
        return;
    }
    record_start(&w, ike->out.plutod, V_NOTIFIED);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_number(&w, K_NOTIFICATION, type);
    record_put_yes(&w, K_PROTECTED, is_protected);
    record_put_text(&w, K_TEXT, notify_name(type));
    record_finish(&w);
}

/* What we proposed, where the peer refuses it: all that can be said of why he does. "": he does not. */
static const char *our_proposal(const struct exchange *x, unsigned type)
{
    if (type != NOTIFY_NO_PROPOSAL_CHOSEN || !x->initiator) {
        return "";
    }
    if (x->is_quick) {
        return x->quick == NULL ? "" : x->quick->needs.esp;
    }
    return x->main == NULL ? "" : x->main->ike;
}

static bool has_spi(const struct notification *n)
{
    static const uint8_t none[4];
    return n->spi_len == 4 && memcmp(n->spi, none, 4) != 0;
}

/* What a peer may say of a proposal, or of what comes with it, in a Quick Mode's message 1, without
 * saying in whose. */
static bool refuses_quick(unsigned type)
{
    return (type >= NOTIFY_INVALID_PROTOCOL_ID && type <= NOTIFY_INVALID_ID_INFORMATION
            && type != NOTIFY_INVALID_SPI)
           || type == NOTIFY_DOI_NOT_SUPPORTED || type == NOTIFY_SITUATION_NOT_SUPPORTED
           || type == NOTIFY_INVALID_EXCHANGE_TYPE || type == NOTIFY_UNSUPPORTED_EXCHANGE_TYPE;
}

/* The Quick Mode that a notification is about: by its SPI, which is ours or the peer's (Q10). */
static struct exchange *quick_by_spi(struct exchange *main, const struct notification *n)
{
    struct exchange *q;
    if (!has_spi(n)) {
        return NULL;
    }
    LIST_FOREACH(q, &main->sa->quicks, siblings)
    {
        if (q->quick != NULL && q->state != QUICK_PENDING
            && (memcmp(q->quick->spi_in, n->spi, 4) == 0
                || memcmp(q->quick->spi_out, n->spi, 4) == 0)) {
            return q;
        }
    }
    return NULL;
}

/* The one Quick Mode that waits for its first answer, if there is only one: then an error without a
 * usable SPI must mean that one. */
static struct exchange *only_waiting_quick(struct exchange *main)
{
    struct exchange *q;
    struct exchange *found = NULL;
    LIST_FOREACH(q, &main->sa->quicks, siblings)
    {
        if (q->state == QUICK_I1) {
            if (found != NULL) {
                return NULL;
            }
            found = q;
        }
    }
    return found;
}

/* The Quick Mode that an authenticated error ends: found by SPI or message id (Q10). */
static struct exchange *refused_quick(struct exchange *main, const struct notification *n,
                                      uint32_t message_id)
{
    struct exchange *q = quick_by_spi(main, n);
    if (q == NULL) { /* under its own message id, whatever he does not like */
        q = quick_by_message_id(main->sa, message_id);
    }
    if (q == NULL && !has_spi(n) && refuses_quick(n->type)) {
        q = only_waiting_quick(main);
    }
    return q != NULL && q->quick != NULL ? q : NULL; /* SAs that stand end by Deletes only */
}

/* The identities of Quick Mode are the clients. */
static void end_refused_clients(struct ike *ike, struct exchange *q)
{
    char ours[SUBNET_TEXT];
    char peer[SUBNET_TEXT];
    subnet_print(&q->quick->needs.our_client, ours);
    subnet_print(&q->quick->needs.peer_client, peer);
    exchange_refused(ike, q, REPLY_NOTIFICATION + NOTIFY_INVALID_ID_INFORMATION, "the peer answered %s (%u): it has no connection "
                     "for the clients %s (ours) and %s (the peer's); compare --client of both sides",
                     notify_name(NOTIFY_INVALID_ID_INFORMATION), NOTIFY_INVALID_ID_INFORMATION, ours, peer);
}

static void end_refused(struct ike *ike, struct exchange *q, unsigned type)
{
    const char *ours = our_proposal(q, type);
    bool known = type > 0 && type <= NOTIFY_UNEQUAL_PAYLOAD_LENGTHS;
    if (type == NOTIFY_INVALID_ID_INFORMATION && q->initiator) {
        end_refused_clients(ike, q);
        return;
    }
    exchange_refused(ike, q, known ? REPLY_NOTIFICATION + type : REPLY_NO_RESPONSE, "the peer answered %s (%u)%s%s%s",
                     notify_name(type), type, ours[0] == '\0' ? "" : ": we proposed ", ours,
                     ours[0] == '\0' ? "" : "; compare --esp, --pfs and the clients of both sides");
}

/* In message 5 or 6 it waits until the peer is authenticated. Once for each ISAKMP SA: it may be a
 * replay whose message id is no longer remembered. */
static void take_initial_contact(struct ike *ike, struct exchange *x)
{
    struct record_writer w;
    if (x->main != NULL) {
        x->main->initial_contact = true;
    } else if (!x->sa->initial_contact) {
        x->sa->initial_contact = true;
        record_start(&w, ike->out.plutod, V_INITIAL_CONTACT);
        record_put_number(&w, K_EXCHANGE, x->number);
        record_finish(&w);
    }
}

/* Anybody may have said so (Q11): it has a bound of its own, beside what the peer says. */
static void take_hint(struct ike *ike, struct exchange *x, const struct notification *n)
{
    const char *ours = our_proposal(x, n->type);
    if (report_unproved(ike, x, "unprotected (only a hint) notification from the peer: %s (%u)%s%s",
                        notify_name(n->type), n->type, ours[0] == '\0' ? "" : ": we proposed ",
                        ours)) {
        tell_plutod(ike, x, n->type, false);
    }
}

/* Lines and records for whack are bounded; what comes of it is not. */
static void take_proved(struct ike *ike, struct exchange *x, const struct notification *n,
                        uint32_t message_id)
{
    struct exchange *q = !x->is_quick && x->sa->up && notify_is_error(n->type)
                             ? refused_quick(x, n, message_id)
                             : NULL;
    if (q != NULL) {
        end_refused(ike, q, n->type); /* that is its line */
        return;
    }
    const char *ours = our_proposal(x, n->type);
    report(ike, x, LOG_LEVEL_INFO, "authenticated notification from the peer: %s (%u)%s%s",
           notify_name(n->type), n->type, ours[0] == '\0' ? "" : ": we proposed ", ours);
    if (exchange_may(ike, &x->notified)) {
        tell_plutod(ike, x, n->type, true);
    }
}

static void take_notification(struct ike *ike, struct exchange *x, const struct payload *p,
                              enum trust trust, uint32_t message_id)
{
    struct notification n;
    const char *why = notification_decode(&n, p->body, p->body_len);
    if (why != NULL && trust == TRUST_HINT) {
        count_ignored(ike, FLAW_MALFORMED);
        (void)report_unproved(ike, x, "an unprotected notification is ignored: %s", why);
        return;
    }
    if (why != NULL) {
        count_ignored(ike, FLAW_MALFORMED);
        report(ike, x, LOG_LEVEL_INFO, "a notification is ignored: %s", why);
        return;
    }
    if (n.protocol == PROTOCOL_ISAKMP && n.spi_len != 0 && n.spi_len != 2 * COOKIE_LEN) {
        report_odd(ike, x, ODD_ISAKMP_SPI);
    }
    /* In clear, anybody may say so while message 5 or 6 is waited for (Q11). */
    if (n.type == NOTIFY_INITIAL_CONTACT && !x->is_quick && trust != TRUST_HINT) {
        take_initial_contact(ike, x);
    } else if (n.type == NOTIFY_RESPONDER_LIFETIME && trust != TRUST_HINT) {
        lifetime_take(ike, x, &n, trust);
    } else if (trust == TRUST_HASHED) {
        take_proved(ike, x, &n, message_id);
    } else {
        take_hint(ike, x, &n);
    }
}

void take_notifications(struct ike *ike, struct exchange *x, const struct message *m,
                        enum trust trust)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->payload[i].type == PAYLOAD_N) {
            take_notification(ike, x, &m->payload[i], trust, m->header.message_id);
        }
    }
}

/* What it means that the peer could say so with the keys of a Main Mode that is not done. */
static const char *refusal_means(const struct exchange *main, unsigned type)
{
    const bool ours = type == NOTIFY_AUTHENTICATION_FAILED || type == NOTIFY_INVALID_ID_INFORMATION
                      || type == NOTIFY_INVALID_SIGNATURE;
    if (ours && main->main->method == AUTH_RSASIG && (main->main->methods & 1u << AUTH_PSK) != 0) {
        return "he refuses our signature or our identity; does he know our public key, by this identity? If he has a "
               "preshared secret only, --psk without --rsasig: some peers take what is offered first";
    }
    if (main->main->method == AUTH_RSASIG) {
        return ours ? "he refuses our signature or our identity; does he know our public key, by this identity?"
                    : "he refuses to go on";
    }
    return ours ? "he holds the same secret and refuses our identity, or has another one than we expect"
                : "he holds the same secret and refuses to go on";
}

/*
 * Before Main Mode is done, but with its keys: the peer says why he will not go on. Nothing else is
 * heard from one who has not proved his identity.
 */
static bool take_refusal(struct ike *ike, struct exchange *main, const struct message *m)
{
    struct notification n;
    const struct payload *p = message_find(m, PAYLOAD_N, 0);
    if (p == NULL || notification_decode(&n, p->body, p->body_len) != NULL
        || !notify_is_error(n.type) || main->state == MAIN_I4 || main->state == MAIN_R3) {
        return false;
    }
    exchange_failed(ike, main, n.type <= NOTIFY_UNEQUAL_PAYLOAD_LENGTHS ? REPLY_NOTIFICATION + n.type
                                                                       : REPLY_NO_RESPONSE,
                    "the peer answered %s (%u): %s", notify_name(n.type), n.type,
                    refusal_means(main, n.type));
    return true;
}

/*
 * Message 1 of a Quick Mode, sent again as an Informational, has a right HASH(1): its payloads give
 * it away.
 */
static const char *check_payloads(const struct message *m)
{
    for (size_t i = 1; i < m->count; i++) {
        unsigned type = m->payload[i].type;
        if (type != PAYLOAD_N && type != PAYLOAD_D && type != PAYLOAD_VID && type < 128) {
            return payload_name(type);
        }
    }
    return NULL;
}

/* HASH(1) = prf(SKEYID_a, M-ID | rest) */
bool hash_1_ok(const struct exchange *main, const struct message *m)
{
    const struct isakmp_keys *keys = &main->sa->keys;
    const struct payload *p = &m->payload[0];
    uint8_t hash[HASH_MAX];
    uint8_t m_id[4];

    be32enc(m_id, m->header.message_id);
    const struct part parts[] = { { m_id, sizeof m_id },
                                  { p->whole + p->whole_len, m->payloads_len - p->whole_len } };
    isakmp_hash(keys, parts, 2, hash);
    return p->type == PAYLOAD_HASH && p->body_len == keys->hash->len
           && memeql_sec(p->body, hash, p->body_len);
}

void informational_take(struct ike *ike, struct exchange *main, const struct message *m)
{
    take_notifications(ike, main, m, TRUST_HASHED);
    deletes_take(ike, main, m);
}

void informational_protected(struct ike *ike, struct exchange *main, const struct message *m,
                             const uint8_t *iv, const uint8_t *digest)
{
    if (m->count < 2 || m->payload[0].type != PAYLOAD_HASH || m->header.message_id == 0) {
        count_ignored(ike, FLAW_UNEXPECTED);
        (void)report_unproved(ike, main, "an Informational without HASH in front is ignored");
        return;
    }
    if (!hash_1_ok(main, m)) {
        count_ignored(ike, FLAW_WRONG_HASH);
        (void)report_unproved(ike, main, "an Informational with a wrong HASH is ignored");
        return;
    }
    const char *foreign = check_payloads(m);
    if (foreign != NULL) {
        count_ignored(ike, FLAW_UNEXPECTED);
        report(ike, main, LOG_LEVEL_INFO, "an Informational is ignored: a %s payload does not belong "
                                          "there", foreign);
        return;
    }
    enum seen seen = seen_take(main->sa, m->payload[0].body);
    if (seen != SEEN_NEW) {
        count_ignored(ike, FLAW_REPLAYED);
        if (seen == SEEN_OWN) {
            (void)report_unproved(ike, main, "an Informational of ours was sent back to us: ignored");
        }
        return;
    }
    if (main->sa->up) {
        informational_take(ike, main, m);
    } else if (!take_refusal(ike, main, m) && early_waits(main)) {
        early_keep(ike, main, m, iv, digest);
    }
}

void informational_hint(struct ike *ike, struct exchange *main, const struct path *path,
                        const struct message *m)
{
    struct notification n;
    const struct payload *p = message_find(m, PAYLOAD_N, 0);
    if (main != NULL && p != NULL) {
        take_notifications(ike, main, m, TRUST_HINT);
    } else if (p != NULL && notification_decode(&n, p->body, p->body_len) == NULL) {
        count_ignored(ike, FLAW_UNKNOWN);
        report_stranger(ike, path, "an unprotected notification %s (%u) for no exchange of ours is "
                                   "ignored", notify_name(n.type), n.type);
    } else {
        count_ignored(ike, FLAW_UNEXPECTED);
        report_stranger(ike, path, "an unprotected Informational is ignored");
    }
}
