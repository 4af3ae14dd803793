/*
 * Messages on their way out: built, sealed, sent, remembered, sent again.
 */
#include "exchange.h"
#include "report.h"

#include <bsd/sys/endian.h>
#include <stdlib.h>
#include <string.h>

void outgoing_begin(struct outgoing *o, const struct exchange *x, unsigned exchange_type)
{
    buffer_init(&o->bytes, MESSAGE_MAX);
    message_begin(&o->writer, &o->bytes, x->sa->cky_i, x->sa->cky_r, exchange_type, 0,
                  x->message_id);
}

bool message_seal(struct buffer *bytes, const struct isakmp_keys *keys, uint8_t *iv)
{
    static const uint8_t zeros[IV_MAX];
    size_t block = keys->cipher->block_len;
    size_t odd = (bytes->len - ISAKMP_HEADER_LEN) % block;
    if (odd != 0) {
        buffer_add(bytes, zeros, block - odd);
    }
    if (bytes->overflowed) {
        return false;
    }
    bytes->data[19] |= FLAG_ENCRYPTION;
    be32enc(bytes->data + 24, (uint32_t)bytes->len);
    isakmp_encrypt(keys, iv, bytes->data + ISAKMP_HEADER_LEN, bytes->len - ISAKMP_HEADER_LEN);
    return true;
}

void sent_forget(struct sent *s)
{
    free(s->bytes);
    *s = (struct sent){ 0 };
}

bool outgoing_send(struct ike *ike, struct exchange *x, struct outgoing *o, uint8_t *iv,
                   bool by_timer)
{
    trace_emitted(ike, x, &o->bytes);
    if (iv != NULL && !o->bytes.overflowed) {
        trace_crypt(ike, x, "encrypted", &x->sa->keys, iv, o->bytes.data + ISAKMP_HEADER_LEN,
                    o->bytes.len - ISAKMP_HEADER_LEN);
    }
    bool ok = !o->bytes.overflowed && (iv == NULL || message_seal(&o->bytes, &x->sa->keys, iv));
    if (ok) {
        transmit(ike, x, &x->sa->path, o->bytes.data, o->bytes.len);
        sent_forget(&x->sent);
        x->sent = (struct sent){ .bytes = o->bytes.data, .len = o->bytes.len, .times = 1,
                                 .first = ike->now, .by_timer = by_timer };
        buffer_init(&o->bytes, MESSAGE_MAX); /* its bytes are x's now */
    } else {
        report(ike, x, LOG_LEVEL_SERIOUS, "no memory for a message: nothing is sent");
        buffer_wipe(&o->bytes);
    }
    return ok;
}

void sent_again(struct ike *ike, struct exchange *x)
{
    if (x->sent.bytes != NULL) {
        transmit(ike, x, &x->sa->path, x->sent.bytes, x->sent.len);
    }
}
