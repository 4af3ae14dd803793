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

void text_add_hex(struct text *t, const uint8_t *bytes, size_t len, size_t most)
{
    for (size_t i = 0; i < len && i < most; i++) {
        text_add(t, "%02x", bytes[i]);
    }
    if (len > most) {
        text_add(t, "... (%zu bytes)", len);
    }
}
