/*
 * Datagrams on their way in: header, the exchange they belong to, duplicates, decryption, payloads.
 */
#include "actions.h"
#include "early.h"
#include "informational.h"
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void digest_of(const uint8_t *bytes, size_t len, uint8_t digest[DIGEST_LEN])
{
    hash_parts(HASH_SHA2_256, &(struct part){ bytes, len }, 1, digest);
}

static bool same_path(const struct path *a, const struct path *b)
{
    return address_equal(&a->local, &b->local) && address_equal(&a->remote, &b->remote)
           && a->local_port == b->local_port && a->remote_port == b->remote_port;
}

/* A datagram that belongs to none of our exchanges. */
__attribute__((format(printf, 4, 5)))
static void ignore(struct ike *ike, const struct path *path, enum flaw flaw, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    count_ignored(ike, flaw);
    report_stranger(ike, path, "%s", text);
}

/* The message that was answered last comes again: the old answer goes again, a few times [C3]. */
static bool is_duplicate(struct ike *ike, struct exchange *x, const uint8_t *digest)
{
    if (!x->has_last_in || memcmp(x->last_in, digest, DIGEST_LEN) != 0) {
        return false;
    }
    count_ignored(ike, FLAW_DUPLICATE);
    bool answered = x->state < PUBLIC_STATES || x->state == QUICK_I1_ACTIVATE;
    if (answered && x->sent.bytes != NULL && x->sent.replies < DUPLICATE_REPLIES) {
        x->sent.replies++;
        report_debug(ike, x, DEBUG_CONTROL, "a duplicate: the old answer is sent again");
        sent_again(ike, x);
    }
    return true;
}

/* Our own message comes back: no answer to it, and nothing is to be learned from it. */
static bool is_echo(struct ike *ike, struct exchange *x, const uint8_t *packet, size_t len)
{
    if (x->sent.bytes == NULL || x->sent.len != len || memcmp(x->sent.bytes, packet, len) != 0) {
        return false;
    }
    count_ignored(ike, FLAW_REPLAYED);
    (void)report_unproved(ike, x, "our own message was sent back to us: ignored");
    return true;
}

/* A message that decrypts to nonsense: before the peer is authenticated, the key is to blame. */
static void report_garbage(struct ike *ike, struct exchange *x, const char *why)
{
    count_ignored(ike, FLAW_UNDECRYPTABLE);
    if (x->state == MAIN_R2 || x->state == MAIN_I3) {
        char text[300];
        snprintf(text, sizeof text, "cannot decrypt the peer's message (%s): %s", why,
                 x->main->method == AUTH_RSASIG
                     ? "no secret is in its key, so it was spoilt or forged on its way"
                     : "probably a wrong secret; compare the PSK of both sides");
        exchange_ignored(x, text);
        if (!x->garbage) { /* again when it is given up */
            x->garbage = true;
            report_hint(ike, x, text);
        }
    } else {
        (void)report_unproved(ike, x, "an encrypted message in state %s is ignored: %s",
                              state_name(x->state), why);
    }
}

/*
 * Decrypts into `plain` and reads the payloads. `iv` goes in as it stands and comes out as the next
 * message needs it. NULL, or why not.
 */
static const char *open_message(struct ike *ike, const struct exchange *x, struct message *m,
                                const uint8_t *packet, size_t len, uint8_t *plain,
                                uint8_t iv[IV_MAX])
{
    const struct isakmp_keys *keys = &x->sa->keys;
    size_t block = keys->cipher->block_len;
    size_t body = len - ISAKMP_HEADER_LEN;
    uint8_t before[IV_MAX];
    if (body == 0 || body % block != 0) {
        return "its length is no multiple of the cipher's block";
    }
    memcpy(plain, packet + ISAKMP_HEADER_LEN, body);
    memcpy(before, iv, IV_MAX);
    isakmp_decrypt(keys, iv, plain, body);
    trace_crypt(ike, x, "decrypted", keys, before, plain, body);
    return payloads_decode(m, m->header.next_payload, plain, body);
}

/* By both cookies; message 2 is the first that brings the responder's. */
static struct exchange *find_main(struct ike *ike, const struct isakmp_header *h)
{
    static const uint8_t none[COOKIE_LEN];
    struct exchange *x = exchange_by_cookies(ike, h->cky_i, h->cky_r);
    if (x == NULL && memcmp(h->cky_r, none, COOKIE_LEN) != 0) {
        x = exchange_by_cookies(ike, h->cky_i, none);
        x = x != NULL && x->initiator && x->state == MAIN_I1 ? x : NULL;
    }
    return x;
}

static void receive_main(struct ike *ike, const struct path *path, struct message *m,
                         const uint8_t *packet, size_t len, const uint8_t *digest)
{
    static const uint8_t none[COOKIE_LEN];
    const struct isakmp_header *h = &m->header;
    bool encrypted = (h->flags & FLAG_ENCRYPTION) != 0;
    uint8_t plain[MESSAGE_MAX];
    uint8_t iv[IV_MAX];
    const char *why;

    if (h->message_id != 0) {
        ignore(ike, path, FLAW_UNEXPECTED, "a Main Mode message with a message id is ignored");
        return;
    }
    struct exchange *x = find_main(ike, h);
    if (x == NULL && memcmp(h->cky_r, none, COOKIE_LEN) == 0 && !encrypted) {
        why = payloads_decode(m, h->next_payload, packet + ISAKMP_HEADER_LEN,
                              len - ISAKMP_HEADER_LEN);
        if (why != NULL) {
            ignore(ike, path, FLAW_MALFORMED, "a first message of Main Mode is ignored: %s", why);
            return;
        }
        trace_parsed(ike, NULL, m);
        main_first_message(ike, path, m, digest);
        return;
    }
    if (x == NULL) {
        ignore(ike, path, FLAW_UNKNOWN, "a Main Mode message for no exchange that we know is ignored");
        return;
    }
    if (!same_path(path, &x->sa->path)) {
        ignore(ike, path, FLAW_OTHER_PEER, "a Main Mode message for an exchange with another peer is ignored");
        return;
    }
    if (is_duplicate(ike, x, digest) || is_echo(ike, x, packet, len)) {
        return;
    }
    memcpy(iv, x->sa->iv, IV_MAX);
    if (encrypted && x->sa->keys.cipher == NULL) {
        count_ignored(ike, FLAW_UNEXPECTED);
        (void)report_unproved(ike, x, "a message in state %s is encrypted too early: ignored",
                              state_name(x->state));
        return;
    }
    why = encrypted ? open_message(ike, x, m, packet, len, plain, iv)
                    : payloads_decode(m, h->next_payload, packet + ISAKMP_HEADER_LEN,
                                      len - ISAKMP_HEADER_LEN);
    if (why != NULL && encrypted) {
        report_garbage(ike, x, why);
    } else if (why != NULL) {
        count_ignored(ike, FLAW_MALFORMED);
        exchange_ignored(x, why);
        (void)report_unproved(ike, x, "a message in state %s is ignored: %s",
                              state_name(x->state), why);
    } else {
        trace_parsed(ike, x, m);
        enum outcome outcome = engine_message(ike, x, m, encrypted, digest);
        if (encrypted && (outcome == GO || outcome == OTHER)) {
            memcpy(x->sa->iv, iv, IV_MAX);
        }
    }
    explicit_bzero(plain, len); /* it never held more */
}

struct exchange *quick_by_message_id(const struct isakmp_sa *sa, uint32_t message_id)
{
    struct exchange *q;
    LIST_FOREACH(q, &sa->quicks, siblings)
    {
        if (q->message_id == message_id) {
            return q;
        }
    }
    return NULL;
}

static void new_quick(struct ike *ike, struct exchange *main, const struct message *m,
                      const uint8_t *iv, const uint8_t *digest)
{
    if (main->sa->up) {
        quick_first_message(ike, main, m, iv, digest);
    } else if (m->count > 0 && hash_1_ok(main, m)) {
        early_keep(ike, main, m, iv, digest);
    } else {
        count_ignored(ike, FLAW_WRONG_HASH);
        (void)report_unproved(ike, main, "a Quick Mode message with a wrong HASH is ignored");
    }
}

static void receive_quick(struct ike *ike, struct exchange *main, struct message *m,
                          const uint8_t *packet, size_t len, const uint8_t *digest)
{
    bool used = sa_id_used(main->sa, m->header.message_id);
    struct exchange *x = used ? quick_by_message_id(main->sa, m->header.message_id) : NULL;
    uint8_t plain[MESSAGE_MAX];
    uint8_t iv[IV_MAX];

    if (x == NULL && refusal_again(ike, main, m->header.message_id, digest)) {
        count_ignored(ike, FLAW_DUPLICATE);
        return;
    }
    if (x == NULL && used) {
        count_ignored(ike, FLAW_REPLAYED);
        (void)report_unproved(ike, main, "a Quick Mode message with a message id that was used before "
                                         "is ignored");
        return;
    }
    if (x != NULL && (is_duplicate(ike, x, digest) || is_echo(ike, x, packet, len))) {
        return;
    }
    if (x == NULL) {
        iv_phase2(&main->sa->keys, main->sa->iv, m->header.message_id, iv);
    } else {
        memcpy(iv, x->iv, IV_MAX);
    }
    const char *why = open_message(ike, x != NULL ? x : main, m, packet, len, plain, iv);
    if (why != NULL) {
        report_garbage(ike, x != NULL ? x : main, why);
    } else if (x == NULL) {
        trace_parsed(ike, main, m);
        new_quick(ike, main, m, iv, digest);
    } else {
        trace_parsed(ike, x, m);
        enum outcome outcome = engine_message(ike, x, m, true, digest);
        if (outcome == GO || outcome == OTHER) {
            memcpy(x->iv, iv, IV_MAX);
        }
    }
    explicit_bzero(plain, len); /* it never held more */
}

static void receive_informational(struct ike *ike, struct exchange *main, const struct path *path,
                                  struct message *m, const uint8_t *packet, size_t len,
                                  const uint8_t *digest)
{
    uint8_t plain[MESSAGE_MAX];
    uint8_t iv[IV_MAX];
    const char *why;

    if ((m->header.flags & FLAG_ENCRYPTION) == 0) {
        why = payloads_decode(m, m->header.next_payload, packet + ISAKMP_HEADER_LEN,
                              len - ISAKMP_HEADER_LEN);
        if (why != NULL) {
            ignore(ike, path, FLAW_MALFORMED, "an unprotected Informational is ignored: %s", why);
        } else {
            informational_hint(ike, main, path, m);
        }
        return;
    }
    if (main == NULL || main->sa->keys.cipher == NULL) {
        ignore(ike, path, FLAW_UNKNOWN, "an encrypted Informational for no ISAKMP SA that we have is "
                                        "ignored");
        return;
    }
    const struct exchange *q = quick_by_message_id(main->sa, m->header.message_id);
    iv_phase2(&main->sa->keys, main->sa->iv, m->header.message_id, iv);
    why = open_message(ike, main, m, packet, len, plain, iv);
    if (why != NULL && q != NULL) { /* CONNECTED may go on with the Quick Mode's IV (interop Q7) */
        memcpy(iv, q->iv, IV_MAX);
        why = open_message(ike, main, m, packet, len, plain, iv);
    }
    if (why != NULL) {
        report_garbage(ike, main, why);
    } else {
        trace_parsed(ike, main, m);
        report_odd(ike, main, m->odd | (q != NULL ? ODD_QUICK_ID : ODD_NONE));
        informational_protected(ike, main, m, iv, digest);
    }
    explicit_bzero(plain, len); /* it never held more */
}

/*
 * Payloads of an exchange that is refused, as far as they can be read: for the line that says why.
 * Nothing is believed, as no HASH was looked at.
 */
static void receive_refused(struct ike *ike, const struct path *path, struct message *m,
                            const uint8_t *packet, size_t len)
{
    struct exchange *main = exchange_by_cookies(ike, m->header.cky_i, m->header.cky_r);
    uint8_t plain[MESSAGE_MAX];
    uint8_t iv[IV_MAX];
    const char *why = "encrypted, and we have no keys for it";

    if ((m->header.flags & FLAG_ENCRYPTION) == 0) {
        why = payloads_decode(m, m->header.next_payload, packet + ISAKMP_HEADER_LEN,
                              len - ISAKMP_HEADER_LEN);
    } else if (main != NULL && main->sa->keys.cipher != NULL && same_path(path, &main->sa->path)) {
        iv_phase2(&main->sa->keys, main->sa->iv, m->header.message_id, iv);
        why = open_message(ike, main, m, packet, len, plain, iv);
    }
    if (why != NULL) {
        m->count = 0;
    }
    refuse_exchange(ike, path, m);
    explicit_bzero(plain, len); /* it never held more */
}

/* Once for an ISAKMP SA [X1]. */
static void warn_of_commit(struct ike *ike, const struct path *path, const struct isakmp_header *h)
{
    struct exchange *x = find_main(ike, h);
    if (x == NULL || !same_path(path, &x->sa->path)) {
        report_stranger(ike, path, "the Commit flag is set; it is ignored");
    } else if (!x->sa->commit) {
        x->sa->commit = true;
        report(ike, x, LOG_LEVEL_INFO, "the Commit flag is set; it is ignored");
    }
}

static void receive(struct ike *ike, const struct path *path, const uint8_t *bytes, size_t len)
{
    struct message m = { 0 };
    uint8_t digest[DIGEST_LEN];

    const char *why = len > MESSAGE_MAX ? "larger than the messages that we read"
                                        : header_decode(&m.header, bytes, len);
    if (why != NULL) {
        ignore(ike, path, FLAW_MALFORMED, "a datagram of %zu bytes is ignored: %s", len, why);
        return;
    }
    if ((m.header.flags & FLAG_COMMIT) != 0) {
        warn_of_commit(ike, path, &m.header);
    }
    if (refuse_fragment(ike, path, &m.header)) {
        return;
    }
    digest_of(bytes, len, digest);
    if (m.header.exchange == EXCHANGE_MAIN) {
        receive_main(ike, path, &m, bytes, len, digest);
        return;
    }
    if (m.header.exchange != EXCHANGE_QUICK && m.header.exchange != EXCHANGE_INFORMATIONAL) {
        receive_refused(ike, path, &m, bytes, len);
        return;
    }
    struct exchange *main = exchange_by_cookies(ike, m.header.cky_i, m.header.cky_r);
    if (main == NULL && m.header.exchange == EXCHANGE_INFORMATIONAL) {
        /* A refusal of our first message may come with a responder's cookie that we never saw. */
        static const uint8_t none[COOKIE_LEN];
        main = exchange_by_cookies(ike, m.header.cky_i, none);
    }
    if (main != NULL && !same_path(path, &main->sa->path)) {
        ignore(ike, path, FLAW_OTHER_PEER, "a message for an ISAKMP SA with another peer is ignored");
        return;
    }
    if (m.header.exchange == EXCHANGE_INFORMATIONAL) {
        receive_informational(ike, main, path, &m, bytes, len, digest);
    } else if (main == NULL || !(main->sa->up || early_waits(main))
               || (m.header.flags & FLAG_ENCRYPTION) == 0 || m.header.message_id == 0) {
        ignore(ike, path, FLAW_UNKNOWN, "a Quick Mode message outside of an ISAKMP SA that is up is "
                                        "ignored");
    } else {
        receive_quick(ike, main, &m, bytes, len, digest);
    }
}

void ike_datagram(struct ike *ike, uint64_t now, const struct path *path, const uint8_t *bytes,
                  size_t len)
{
    ike->now = now;
    trace_raw(ike, NULL, path, "received from", bytes, len);
    receive(ike, path, bytes, len);
    quick_begin_waiting(ike);
}
