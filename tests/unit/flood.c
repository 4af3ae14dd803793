#include "flood.h"

#include "ike-negotiate/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TRANSFORM_AT 48u
#define TRANSFORM_LEN 36u

struct path flood_path(unsigned sender)
{
    struct path p = lab_path(1, 0);
    p.remote.bytes[0] = 172;
    p.remote.bytes[1] = 16;
    p.remote.bytes[2] = (uint8_t)(sender >> 8);
    p.remote.bytes[3] = (uint8_t)sender;
    return p;
}

void flood_first(struct datagram *d, unsigned n, const struct path *path)
{
    static const uint8_t bytes[] = {
        7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 84,
        0, 0, 0, 56, 0, 0, 0, 1, 0, 0, 0, 1,
        0, 0, 0, 44, 1, 1, 0, 1,
        0, 0, 0, 36, 1, 1, 0, 0, 0x80, 1, 0, 7, 0x80, 14, 0, 128, 0x80, 2, 0, 2, 0x80, 3, 0, 1,
        0x80, 4, 0, 31, 0x80, 11, 0, 1, 0x80, 12, 0x0e, 0x10,
    };
    d->path = *path;
    d->len = sizeof bytes;
    memcpy(d->bytes, bytes, sizeof bytes);
    for (unsigned i = 0; i < 4; i++) {
        d->bytes[i] = (uint8_t)(n >> 8 * i);
    }
}

static void put_length(uint8_t *at, size_t len)
{
    at[0] = (uint8_t)(len >> 8);
    at[1] = (uint8_t)len;
}

void flood_grow(struct datagram *d, size_t more)
{
    static const uint8_t head[] = { 0, 0, 0, 0, 2, 1, 0, 0, 0x7f, 0xff };
    uint8_t *second = d->bytes + d->len;
    assert_in_range(d->len + more, TRANSFORM_AT + TRANSFORM_LEN + 12, MESSAGE_MAX);
    memset(second, 0, more);
    memcpy(second, head, sizeof head);
    put_length(second + 2, more);
    put_length(second + 10, more - 12);
    d->bytes[TRANSFORM_AT] = PAYLOAD_T;
    d->bytes[47] = 2;
    d->len += more;
    put_length(d->bytes + 26, d->len);      /* of the message, */
    put_length(d->bytes + 30, d->len - 28); /* the SA payload, */
    put_length(d->bytes + 42, d->len - 40); /* and the proposal */
}
