/*
 * Hex digits: in either case as people write them; and those of records, in lower case, which may be of a key: no
 * branch and no address depends on these (docs/decisions/constant-time.md).
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

static inline int hex_pair(const char *text) /* the byte of two digits; -1: there are none. Looks no further than the first that is none */
{
    const int high = hex_value(text[0]);
    const int low = high < 0 ? -1 : hex_value(text[1]);
    return low < 0 ? -1 : high << 4 | low;
}

static inline char hex_lower_digit(unsigned value) /* 0..15 */
{
    return (char)('0' + value + ((value + 6u) >> 4) * ('a' - '0' - 10u));
}

/* *bad becomes 1 if it is none. */
static inline unsigned hex_lower_value(char c, unsigned *bad)
{
    const unsigned digit = (unsigned)(unsigned char)c - '0';
    const unsigned letter = (unsigned)(unsigned char)c - 'a';
    const unsigned is_digit = ((digit - 10u) & ~digit) >> 31; /* 1: it is below 10, and not below 0 */
    const unsigned is_letter = ((letter - 6u) & ~letter) >> 31;
    *bad |= (is_digit | is_letter) ^ 1u;
    return (digit & (0u - is_digit)) | ((letter + 10u) & (0u - is_letter));
}

#endif
