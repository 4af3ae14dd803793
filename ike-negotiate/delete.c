/*
 * Deletes that come in (RFC 2408, 3.15; interop Q10). All that a message names is looked at: it is
 * bounded. Whose the SAs are, plutod knows: he hears of all SPIs of a message at once.
 */
#include "informational.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>

/* What a message names, in the order in which plutod hears of it: the SA that it came under goes last. */
struct deleted {
    struct buffer esp, ah; /* SPIs */
    bool own;              /* the ISAKMP SA that it came under */
    unsigned strange;      /* ISAKMP SAs that we do not have */
};

struct exchange *isakmp_target(struct ike *ike, struct exchange *main, const uint8_t *spi,
                               size_t spi_size)
{
    if (spi_size == 2 * COOKIE_LEN) {
        return exchange_by_cookies(ike, spi, spi + COOKIE_LEN);
    }
    report_odd(ike, main, ODD_ISAKMP_SPI);
    bool ours = spi_size == 0
                || (spi_size == COOKIE_LEN && (memcmp(spi, main->sa->cky_i, COOKIE_LEN) == 0
                                               || memcmp(spi, main->sa->cky_r, COOKIE_LEN) == 0));
    return ours ? main : NULL;
}

/* ---- ISAKMP SAs ---- */

static void tell_isakmp(struct ike *ike, const struct exchange *main, const struct exchange *target)
{
    struct record_writer w;
    record_start(&w, ike->out.plutod, V_PEER_DELETED);
    record_put_number(&w, K_EXCHANGE, main->number);
    record_put_word(&w, K_PROTOCOL, WORD_ISAKMP);
    record_put_number(&w, K_TARGET, target->number);
    record_finish(&w);
}

static void take_isakmp(struct ike *ike, struct exchange *main, const struct delete_payload *p,
                        struct deleted *d)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct exchange *target = isakmp_target(ike, main, p->spis + p->spi_size * i,
                                                      p->spi_size);
        if (target == main) {
            d->own = true;
        } else if (target == NULL || target->number == 0) {
            d->strange++;
        } else {
            tell_isakmp(ike, main, target);
        }
    }
}

/* ---- IPsec SAs ---- */

/* Takes an SPI out of those that are left for plutod; false: it is not among them. */
static bool take_out(struct buffer *spis, const uint8_t spi[4])
{
    bool found = false;
    size_t kept = 0;
    for (size_t at = 0; at < spis->len; at += 4) {
        if (memcmp(spis->data + at, spi, 4) == 0) {
            found = true;
        } else {
            memmove(spis->data + kept, spis->data + at, 4);
            kept += 4;
        }
    }
    buffer_truncate(spis, kept);
    return found;
}

/* The SAs of an unfinished Quick Mode, which plutod does not know by the SPI yet. */
static bool names_sas(const struct exchange *q)
{
    return q->state == QUICK_I1_SA || q->state == QUICK_I1_ACTIVATE
           || (q->quick != NULL && !q->initiator);
}

static void end_unfinished(struct ike *ike, struct exchange *main, struct buffer *spis)
{
    struct exchange *q;
    struct exchange *next;
    LIST_FOREACH_SAFE(q, &main->sa->quicks, siblings, next)
    {
        if (names_sas(q) && take_out(spis, q->quick->spi_out)) {
            exchange_refused(ike, q, REPLY_NO_RESPONSE, "the peer deleted the IPsec SA before it was up");
        }
    }
}

static void tell_spis(struct ike *ike, const struct exchange *main, unsigned protocol,
                      const struct buffer *spis)
{
    struct record_writer w;
    if (spis->len > 0) {
        record_start(&w, ike->out.plutod, V_PEER_DELETED);
        record_put_number(&w, K_EXCHANGE, main->number);
        record_put_word(&w, K_PROTOCOL, protocol);
        record_put_bytes(&w, K_SPIS, spis->data, spis->len);
        record_finish(&w);
    }
}

/* ---- */

static void take_payload(struct ike *ike, struct exchange *main, const struct payload *p,
                         struct deleted *d)
{
    struct delete_payload one;
    const char *why = delete_decode(&one, p->body, p->body_len);
    if (why != NULL) {
        count_ignored(ike, FLAW_MALFORMED);
        report(ike, main, LOG_LEVEL_INFO, "a Delete is ignored: %s", why);
    } else if (one.protocol == PROTOCOL_ISAKMP) {
        take_isakmp(ike, main, &one, d);
    } else if ((one.protocol == PROTOCOL_ESP || one.protocol == PROTOCOL_AH) && one.spi_size == 4) {
        buffer_add(one.protocol == PROTOCOL_ESP ? &d->esp : &d->ah, one.spis, 4 * one.count);
    } else {
        count_ignored(ike, FLAW_UNSUPPORTED);
        report(ike, main, LOG_LEVEL_INFO, "a Delete for protocol %u is ignored", one.protocol);
    }
}

void deletes_take(struct ike *ike, struct exchange *main, const struct message *m)
{
    struct deleted d = { .own = false };
    buffer_init(&d.esp, MESSAGE_MAX);
    buffer_init(&d.ah, MESSAGE_MAX);
    for (size_t i = 0; i < m->count; i++) {
        if (m->payload[i].type == PAYLOAD_D) {
            take_payload(ike, main, &m->payload[i], &d);
        }
    }
    if (d.esp.overflowed || d.ah.overflowed) {
        report(ike, main, LOG_LEVEL_SERIOUS, "no memory for a Delete: some of it is left out");
    }
    end_unfinished(ike, main, &d.esp);
    tell_spis(ike, main, WORD_ESP, &d.esp);
    tell_spis(ike, main, WORD_AH, &d.ah);
    if (d.strange > 0) {
        count_ignored(ike, FLAW_UNKNOWN);
        report(ike, main, LOG_LEVEL_INFO, "a Delete for an ISAKMP SA that we do not have (%u in this "
                                          "message)", d.strange);
    }
    if (d.own) {
        tell_isakmp(ike, main, main);
    }
    buffer_wipe(&d.esp);
    buffer_wipe(&d.ah);
}
