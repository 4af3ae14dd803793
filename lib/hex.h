/*
 * The value of a hex digit, in either case. Records are stricter and have their own (record.c).
 */
#ifndef LIB_HEX_H
#define LIB_HEX_H

static inline int hex_value(char c) /* -1: it is none */
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

#endif
