#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void text_begin(struct text *t, char *out, size_t size)
{
    *t = (struct text){ .out = out, .size = size };
    out[0] = '\0';
}

void text_add(struct text *t, const char *format, ...)
{
    va_list arguments;
    if (t->full) {
        return;
    }
    size_t left = t->size - t->len;
    va_start(arguments, format);
    int n = vsnprintf(t->out + t->len, left, format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n >= left) {
        t->full = true;
        memcpy(t->out + t->size - 4, "...", 4);
        return;
    }
    t->len += (size_t)n;
}

bool text_add_item(struct text *t, size_t i, size_t count, const char *item)
{
    size_t more = i + 1 < count ? sizeof ", and 65535 more" : 1; /* what may follow, and its end */
    if (i > 0 && t->len + 2 + strlen(item) + more > t->size) {
        text_add(t, ", and %zu more", count - i);
        return false;
    }
    text_add(t, "%s%s", i > 0 ? ", " : "", item);
    return !t->full;
}

void text_add_hex(struct text *t, const uint8_t *bytes, size_t len, size_t most)
{
    for (size_t i = 0; i < len && i < most; i++) {
        text_add(t, "%02x", bytes[i]);
    }
    if (len > most) {
        text_add(t, "... (%zu bytes)", len);
    }
}
