/* What quirks.c and quirks_write.c share. */
#ifndef QUIRKS_PRIVATE_H
#define QUIRKS_PRIVATE_H

#include "quirks.h"

#define SEEN_MAX 64
#define CHAINS_MAX 16

struct bytes {
    uint8_t *data;
    size_t len;
};

struct quirk_layer {
    struct world *world;
    unsigned peer;
    const struct quirk *quirk;
    unsigned applied;
    unsigned lose_at;
    unsigned lose_count;
    struct {
        struct bytes before, after;
    } seen[SEEN_MAX]; /* every datagram, so that one that comes again is changed alike */
    size_t seen_count;
    /* What both ends know, read off the wire. */
    uint8_t iv[IV_MAX]; /* of the next message of phase 1 */
    struct {
        uint32_t message_id;
        uint8_t iv[IV_MAX];
    } chain[CHAINS_MAX]; /* of Quick Modes */
    size_t chains;
    struct bytes sai_b, ni_b, nr_b, g_xi, g_xr, quick_ni_b;
};

static inline struct part quirk_part(const struct bytes *b)
{
    return (struct part){ b->data, b->len };
}

/* Appends the message to out, with right HASHes, and sealed under iv (which goes on) where it is to
 * be. */
void quirk_write(const struct quirk_layer *l, struct quirk_message *m, struct buffer *out,
                 uint8_t *iv);

#endif
