/*
 * A line of text that is put together in a fixed buffer; what does not fit ends in "...".
 *
 * For log lines of the codec. Not for: bytes of the network as they are (they are shown as hex).
 */
#ifndef IKE_NEGOTIATE_TEXT_H
#define IKE_NEGOTIATE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *out;
    size_t size; /* at least 4 */
    size_t len;
    bool full;
};

void text_begin(struct text *t, char *out, size_t size);
void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The next of `count` items of a list, number i from 0. False: no room, and the list ends in "and N more". */
bool text_add_item(struct text *t, size_t i, size_t count, const char *item);
void text_add_hex(struct text *t, const uint8_t *bytes, size_t len, size_t most);

#endif
