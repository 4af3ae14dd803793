#include "shorten.h"

#include "ends.h"
#include "orders.h"

#include <bsd/sys/endian.h>

static uint64_t end_of(const struct xchg *x)
{
    return x->since + (uint64_t)x->life * 1000;
}

static void own_clock(struct keying *k, struct xchg *x)
{
    (void)agenda_set(&k->agenda, &x->life_end, end_of(x), ends_life);
}

void shorten_refused(struct keying *k, uint64_t number, const char *why)
{
    struct xchg *y = xchg_find_quick(k, number);
    if (y == NULL || !y->up) {
        return; /* it has ended meanwhile */
    }
    keying_log(k, LOG_LEVEL_SERIOUS, y, "kernel-sa: update-kernel-sa: %s; it is ended by plutod's "
               "own clock instead", why);
    own_clock(k, y);
}

static void shorten(struct keying *k, struct xchg *x, uint32_t life)
{
    if (life >= x->life) {
        keying_log_heard(k, x, "the peer lets this SA live %us, which is not shorter than %us: nothing "
                         "changes", life, x->life);
        return;
    }
    keying_log_heard(k, x, "the peer lets this SA live %us, not %us (RESPONDER-LIFETIME)", life,
                     x->life);
    x->life = life;
    if (!x->quick) {
        own_clock(k, x);
    } else if (end_of(x) <= k->now) {
        ends_expired(k, x, true);
    } else if (!order_update_kernel_sa(k, x)) {
        own_clock(k, x);
    }
}

static void shorten_isakmp(struct keying *k, struct xchg *x, const struct record *r)
{
    struct xchg *target = xchg_find_main(k, record_number(r, K_TARGET));
    if (target == NULL || !target->up || !xchg_same_peer(x, target)) {
        keying_log_heard(k, x, "RESPONDER-LIFETIME for an ISAKMP SA that is not with this peer: ignored");
        return;
    }
    shorten(k, target, (uint32_t)record_number(r, K_LIFE));
}

bool shorten_asked(struct keying *k, const struct record *r, const char **why)
{
    struct xchg *x = xchg_find_main(k, record_number(r, K_EXCHANGE));
    if (x == NULL) {
        return true; /* ended by us at the same time */
    }
    if (!x->up) {
        *why = "a RESPONDER-LIFETIME under an ISAKMP SA that does not stand";
        return false;
    }
    if (record_word(r, K_PROTOCOL) == WORD_ISAKMP && record_has(r, K_TARGET)) {
        shorten_isakmp(k, x, r);
        return true;
    }
    if (record_word(r, K_PROTOCOL) != WORD_ESP || !record_has(r, K_SPI_OUT)) {
        *why = "responder-lifetime: names neither an ESP SA nor an ISAKMP SA";
        return false;
    }
    size_t len;
    const uint8_t *spi = record_bytes(r, K_SPI_OUT, &len);
    struct xchg *y = xchg_by_spi(k, &x->remote, spi);
    if (y == NULL || !y->up || y->ending || !xchg_same_peer(x, y)) {
        keying_log_heard(k, x, "RESPONDER-LIFETIME for ESP SPI %08x, which is none of this peer's: "
                         "ignored", be32dec(spi));
        return true;
    }
    shorten(k, y, (uint32_t)record_number(r, K_LIFE));
    return true;
}
