/*
 * Data as text [W6]: 0x hex, 0s base64, 0t text. The one parser of it, for secrets and public keys.
 *
 * Hex digits may be in either case, in pairs, with `_` between pairs; base64 is strict (padding, no
 * other characters, no stray bits). Not for: quoted strings and files (secrets/file.h).
 */
#ifndef LIB_DATATEXT_H
#define LIB_DATATEXT_H

#include <stddef.h>
#include <stdint.h>

/* The reason that is this one of `max`: who knows what the data is, and how much it may be, says that in its place. */
extern const char datatext_too_long[];

/*
 * Writes at most `max` bytes to out and their number to *len. Returns NULL, or why the text is
 * wrong: static text that holds nothing of it. On failure out is wiped and *len is 0.
 */
const char *datatext_decode(uint8_t *out, size_t max, size_t *len, const char *text);

#endif
