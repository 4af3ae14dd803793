#include "buffer.h"

#include <bsd/sys/endian.h>
#include <stdlib.h>
#include <string.h>

void buffer_init(struct buffer *b, size_t limit)
{
    *b = (struct buffer){ .limit = limit };
}

void buffer_wipe(struct buffer *b)
{
    if (b->data != NULL) {
        explicit_bzero(b->data, b->cap);
        free(b->data);
    }
    buffer_init(b, b->limit);
}

/* realloc would leave the old copy of a secret behind, so the move is done by hand. */
static bool grow(struct buffer *b, size_t need)
{
    size_t cap = b->cap == 0 ? 256 : b->cap;
    while (cap < need) {
        if (cap > SIZE_MAX / 2) {
            return false;
        }
        cap *= 2;
    }
    uint8_t *data = malloc(cap);
    if (data == NULL) {
        return false;
    }
    if (b->len > 0) {
        memcpy(data, b->data, b->len);
    }
    if (b->data != NULL) {
        explicit_bzero(b->data, b->cap);
        free(b->data);
    }
    b->data = data;
    b->cap = cap;
    return true;
}

static bool make_room(struct buffer *b, size_t len)
{
    if (len > SIZE_MAX - b->len || (b->limit != 0 && b->len + len > b->limit)) {
        return false;
    }
    return b->len + len <= b->cap || grow(b, b->len + len);
}

void buffer_add(struct buffer *b, const void *bytes, size_t len)
{
    if (len == 0) {
        return;
    }
    if (!make_room(b, len)) {
        b->overflowed = true;
        b->lost = true;
        return;
    }
    memcpy(b->data + b->len, bytes, len);
    b->len += len;
}

void buffer_add_text(struct buffer *b, const char *text)
{
    buffer_add(b, text, strlen(text));
}

void buffer_add_u8(struct buffer *b, unsigned value)
{
    uint8_t v = (uint8_t)value;
    buffer_add(b, &v, 1);
}

void buffer_add_u16(struct buffer *b, unsigned value)
{
    uint8_t v[2];
    be16enc(v, (uint16_t)value);
    buffer_add(b, v, sizeof v);
}

void buffer_add_u32(struct buffer *b, uint32_t value)
{
    uint8_t v[4];
    be32enc(v, value);
    buffer_add(b, v, sizeof v);
}

void buffer_put_u16(struct buffer *b, size_t at, unsigned value)
{
    if (b->len < 2 || at > b->len - 2) {
        return; /* only after an overflow, which the owner checks at the end */
    }
    be16enc(b->data + at, (uint16_t)value);
}

void buffer_consume(struct buffer *b, size_t len)
{
    if (len > b->len) {
        len = b->len;
    }
    if (len == 0) {
        return;
    }
    memmove(b->data, b->data + len, b->len - len);
    explicit_bzero(b->data + b->len - len, len);
    b->len -= len;
    b->quiet -= len < b->quiet ? len : b->quiet;
}

void buffer_quiet(struct buffer *b, size_t before)
{
    if (b->quiet == before) {
        b->quiet = b->len;
    }
}

void buffer_truncate(struct buffer *b, size_t len)
{
    if (len < b->len) {
        explicit_bzero(b->data + len, b->len - len);
        b->len = len;
        b->quiet = b->quiet < len ? b->quiet : len;
    }
}
