/*
 * A refusal of a Quick Mode goes as an Informational of its own, which nobody acknowledges. If it
 * is lost, the peer sends message 1 again, and gets it again.
 */
#include "informational.h"

#include <stdlib.h>
#include <string.h>

#define REFUSALS 8 /* the last ones under one ISAKMP SA */

struct refusal {
    uint32_t message_id; /* 0: free place */
    uint8_t digest[DIGEST_LEN]; /* of message 1 */
    uint8_t spi[4]; /* the peer's */
    uint16_t notify;
    uint8_t times;
};

struct refusals {
    struct refusal at[REFUSALS];
    unsigned next;
};

static void put(struct ike *ike, struct exchange *main, struct refusal *f)
{
    f->times++;
    send_notification(ike, main, f->notify, PROTOCOL_ESP, f->spi, sizeof f->spi);
}

void refusal_send(struct ike *ike, const struct exchange *x, unsigned notify)
{
    struct refusals *all = x->sa->refused;
    struct refusal f = { .message_id = x->message_id, .notify = (uint16_t)notify };
    memcpy(f.digest, x->last_in, DIGEST_LEN);
    memcpy(f.spi, x->quick->spi_out, sizeof f.spi);
    put(ike, x->parent, &f);
    if (all == NULL) {
        all = x->sa->refused = calloc(1, sizeof *all);
    }
    if (all != NULL) { /* else it is said once */
        all->at[all->next++ % REFUSALS] = f;
    }
}

bool refusal_again(struct ike *ike, struct exchange *main, uint32_t message_id,
                   const uint8_t *digest)
{
    struct refusals *all = main->sa->refused;
    for (unsigned i = 0; all != NULL && i < REFUSALS; i++) {
        struct refusal *f = &all->at[i];
        if (f->message_id != message_id || memcmp(f->digest, digest, DIGEST_LEN) != 0) {
            continue;
        }
        if (f->times <= DUPLICATE_REPLIES) {
            put(ike, main, f);
        }
        return true;
    }
    return false;
}
