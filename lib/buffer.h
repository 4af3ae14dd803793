/*
 * A growable run of bytes, wiped when it is freed or consumed.
 *
 * Holds the unsent records of a channel and messages under construction. Not a stream: what reads
 * and writes descriptors is channel.h.
 */
#ifndef LIB_BUFFER_H
#define LIB_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *data;      /* owned */
    size_t len;
    size_t cap;
    size_t limit;       /* len never exceeds it; 0: no limit */
    bool overflowed;    /* something did not fit; nothing of it was added. The next record clears it */
    bool lost;          /* the same, ever since buffer_init or buffer_wipe */
    size_t quiet;       /* so many of the first bytes need nobody's attention now (buffer_quiet) */
};

void buffer_init(struct buffer *b, size_t limit);
void buffer_wipe(struct buffer *b); /* frees; usable again as after buffer_init with the same limit */
void buffer_add(struct buffer *b, const void *bytes, size_t len); /* all or nothing, see overflowed */
void buffer_add_text(struct buffer *b, const char *text);
void buffer_add_u8(struct buffer *b, unsigned value);
void buffer_add_u16(struct buffer *b, unsigned value);      /* network byte order */
void buffer_add_u32(struct buffer *b, uint32_t value);      /* network byte order */
/*
 * What was added since it held `before` bytes is to be known with what follows it, and wakes nobody by
 * itself. No effect behind bytes that are not so: then it goes with these.
 */
void buffer_quiet(struct buffer *b, size_t before);
void buffer_put_u16(struct buffer *b, size_t at, unsigned value); /* at + 2 <= len */
void buffer_consume(struct buffer *b, size_t len);          /* drops from the front, wiping */
void buffer_truncate(struct buffer *b, size_t len);         /* drops from the end, wiping */

#endif
