/*
 * RESPONDER-LIFETIME (RFC 2407, 4.6.3.1; interop Q3): lives that are shorter than what was offered.
 * They are only ever taken as shorter; who may say so of which SA, plutod decides.
 */
#include "informational.h"

#include "attribute.h"
#include "report.h"
#include "sa_transform.h"

#include <inttypes.h>
#include <string.h>

const char *lifetime_decode(uint32_t *seconds, const struct notification *n)
{
    struct sa_transform t = { .life_seconds = 0 };
    struct sa_progress progress = { .seen = 0 };
    const uint8_t *at = n->data;
    size_t left = n->data_len;

    *seconds = 0;
    while (left > 0) {
        struct attribute a;
        const char *why = attribute_take(&a, &at, &left);
        if (why != NULL) {
            return why;
        }
        sa_transform_take(&t, &progress, &a, n->protocol);
    }
    if (t.why_not != NULL) {
        return t.why_not;
    }
    if (progress.life_type != 0) {
        return "a life type without a duration";
    }
    *seconds = t.life_seconds;
    return t.life_seconds == 0 && t.life_kb == 0 ? "no life in it" : NULL;
}

void lifetime_encode(struct buffer *body, const uint8_t spi[4], uint32_t seconds)
{
    struct buffer data;
    buffer_init(&data, 64);
    attribute_put(&data, IPSEC_LIFE_TYPE, LIFE_SECONDS);
    attribute_put(&data, IPSEC_LIFE_DURATION, seconds);
    const struct notification n = { .doi = DOI_IPSEC, .protocol = PROTOCOL_ESP,
                                    .type = NOTIFY_RESPONDER_LIFETIME, .spi = spi, .spi_len = 4,
                                    .data = data.data, .data_len = data.len };
    notification_encode(body, &n);
    buffer_wipe(&data);
}

/* The life in seconds; 0: nothing of use, and the log says why. */
static uint32_t life_of(struct ike *ike, struct exchange *x, const struct notification *n)
{
    uint32_t seconds;
    const char *why = lifetime_decode(&seconds, n);
    if (why != NULL) {
        report(ike, x, LOG_LEVEL_INFO, "a RESPONDER-LIFETIME is ignored: %s", why);
        return 0;
    }
    if (seconds == 0) {
        report(ike, x, LOG_LEVEL_INFO, "the peer limits the SA in kilobytes only "
                                       "(RESPONDER-LIFETIME): he counts them himself");
    }
    return seconds;
}

/* ---- in message 2 of Quick Mode ---- */

/* No SPI, or one of the pair: what else could be meant in this message? */
static bool is_about(const struct quick_scratch *q, const struct notification *n)
{
    static const uint8_t none[4];
    return n->spi_len == 0
           || (n->spi_len == 4
               && (memcmp(n->spi, q->spi_out, 4) == 0 || memcmp(n->spi, q->spi_in, 4) == 0
                   || memcmp(n->spi, none, 4) == 0));
}

static void take_in_quick(struct ike *ike, struct exchange *x, const struct notification *n)
{
    struct quick_scratch *q = x->quick;
    if (n->protocol == PROTOCOL_ISAKMP) {
        lifetime_take(ike, x->parent, n, TRUST_HASHED);
        return;
    }
    if (n->protocol != PROTOCOL_ESP || !is_about(q, n)) {
        report(ike, x, LOG_LEVEL_INFO,
               "a RESPONDER-LIFETIME is ignored: it names another SA than that of its message");
        return;
    }
    uint32_t seconds = life_of(ike, x, n);
    if (seconds != 0 && seconds < q->life) {
        report(ike, x, LOG_LEVEL_INFO, "the peer lets the IPsec SA live %" PRIu32 " s, not %" PRIu32
                                       " s (RESPONDER-LIFETIME)", seconds, q->life);
        q->life = seconds;
    }
}

void lifetime_of_quick(struct ike *ike, struct exchange *x, const struct message *m)
{
    struct notification n;
    for (size_t i = 0; i < m->count; i++) {
        const struct payload *p = &m->payload[i];
        if (p->type == PAYLOAD_N && notification_decode(&n, p->body, p->body_len) == NULL
            && n.type == NOTIFY_RESPONDER_LIFETIME) {
            take_in_quick(ike, x, &n);
        }
    }
}

/* ---- in message 6 of Main Mode, or alone ---- */

static bool has_cookies(const struct exchange *x, const struct notification *n)
{
    return memcmp(n->spi, x->sa->cky_i, COOKIE_LEN) == 0
           && memcmp(n->spi + COOKIE_LEN, x->sa->cky_r, COOKIE_LEN) == 0;
}

/* The SA itself is not there yet: kept until the peer has proved himself. */
static void take_in_main(struct ike *ike, struct exchange *x, const struct notification *n)
{
    if (n->protocol != PROTOCOL_ISAKMP || (n->spi_len == ISAKMP_SPI_MAX && !has_cookies(x, n))) {
        report(ike, x, LOG_LEVEL_INFO,
               "a RESPONDER-LIFETIME is ignored: it names another SA than that of its message");
        return;
    }
    uint32_t seconds = life_of(ike, x, n);
    if (seconds != 0 && (x->main->said_life == 0 || seconds < x->main->said_life)) {
        x->main->said_life = seconds;
    }
}

static void put_start(struct ike *ike, struct record_writer *w, const struct exchange *main,
                      unsigned protocol, uint32_t seconds)
{
    record_start(w, ike->out.plutod, V_RESPONDER_LIFETIME);
    record_put_number(w, K_EXCHANGE, main->number);
    record_put_word(w, K_PROTOCOL, protocol);
    record_put_number(w, K_LIFE, seconds);
}

static void tell_esp(struct ike *ike, const struct exchange *main, const uint8_t spi[4],
                     uint32_t seconds)
{
    struct record_writer w;
    put_start(ike, &w, main, WORD_ESP, seconds);
    record_put_bytes(&w, K_SPI_OUT, spi, 4);
    record_finish(&w);
}

/* The Quick Mode of ours whose SAs are being made, with that SPI: plutod does not know it yet. */
static struct exchange *being_made(const struct exchange *main, const uint8_t spi[4])
{
    struct exchange *q;
    LIST_FOREACH(q, &main->sa->quicks, siblings)
    {
        if ((q->state == QUICK_I1_SA || q->state == QUICK_I1_ACTIVATE)
            && memcmp(q->quick->spi_out, spi, 4) == 0) {
            break;
        }
    }
    return q;
}

static void take_alone(struct ike *ike, struct exchange *main, const struct notification *n)
{
    struct record_writer w;
    if (n->protocol == PROTOCOL_ISAKMP) {
        const struct exchange *target = isakmp_target(ike, main, n->spi, n->spi_len);
        uint32_t seconds = life_of(ike, main, n);
        if (seconds != 0 && (target == NULL || target->number == 0)) {
            report(ike, main, LOG_LEVEL_INFO,
                   "a RESPONDER-LIFETIME is ignored: it names an ISAKMP SA that we do not have");
        } else if (seconds != 0) {
            put_start(ike, &w, main, WORD_ISAKMP, seconds);
            record_put_number(&w, K_TARGET, target->number);
            record_finish(&w);
        }
        return;
    }
    if (n->protocol != PROTOCOL_ESP || n->spi_len != 4) {
        report(ike, main, LOG_LEVEL_INFO, "a RESPONDER-LIFETIME is ignored: protocol %u with an "
                                          "SPI of %zu bytes", n->protocol, n->spi_len);
        return;
    }
    uint32_t seconds = life_of(ike, main, n);
    struct exchange *q = being_made(main, n->spi);
    if (seconds != 0 && q == NULL) {
        tell_esp(ike, main, n->spi, seconds);
    } else if (seconds != 0 && (q->quick->said_life == 0 || seconds < q->quick->said_life)) {
        q->quick->said_life = seconds;
    }
}

void lifetime_of_made(struct ike *ike, const struct exchange *x)
{
    if (x->quick->said_life != 0) {
        tell_esp(ike, x->parent, x->quick->spi_out, x->quick->said_life);
    }
}

void lifetime_take(struct ike *ike, struct exchange *x, const struct notification *n,
                   enum trust trust)
{
    if (x->is_quick) {
        if (x->state != QUICK_I1) { /* there, lifetime_of_quick takes it */
            report(ike, x, LOG_LEVEL_INFO,
                   "a RESPONDER-LIFETIME is ignored: only a responder sends it");
        }
    } else if (x->sa->up && trust == TRUST_HASHED) {
        take_alone(ike, x, n);
    } else if (x->state == MAIN_I3 && trust == TRUST_ENCRYPTED) {
        take_in_main(ike, x, n);
    } else {
        report(ike, x, LOG_LEVEL_INFO, "a RESPONDER-LIFETIME is ignored: it does not belong here");
    }
}

uint32_t lifetime_of_main(struct ike *ike, struct exchange *x)
{
    uint32_t said = x->main == NULL ? 0 : x->main->said_life;
    if (said == 0 || said >= x->sa->life) {
        return x->sa->life;
    }
    report(ike, x, LOG_LEVEL_INFO, "the peer lets the ISAKMP SA live %" PRIu32 " s, not %" PRIu32
                                   " s (RESPONDER-LIFETIME)", said, x->sa->life);
    return said;
}
