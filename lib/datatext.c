#include "datatext.h"

#include "hex.h"

#include <nettle/base64.h>
#include <string.h>

const char datatext_too_long[] = "too long";

static const char *decode_hex(uint8_t *out, size_t max, size_t *len, const char *text)
{
    while (*text != '\0') {
        if (*text == '_' && *len > 0 && text[1] != '\0') {
            text++;
        }
        const int byte = hex_pair(text);
        if (byte < 0) {
            return "expected pairs of hex digits after 0x, with _ only between pairs";
        }
        if (*len == max) {
            return datatext_too_long;
        }
        out[(*len)++] = (uint8_t)byte;
        text += 2;
    }
    return NULL;
}

static const char *decode_base64(uint8_t *out, size_t max, size_t *len, const char *text)
{
    struct base64_decode_ctx context;
    const char *why = NULL;

    base64_decode_init(&context);
    for (; *text != '\0' && why == NULL; text++) {
        uint8_t byte = 0;
        int n = *text == ' ' || (*text >= '\t' && *text <= '\r')
                    ? -1 : base64_decode_single(&context, &byte, *text);
        if (n < 0) {
            why = "expected base64 after 0s";
        } else if (n > 0 && *len == max) {
            why = datatext_too_long;
        } else if (n > 0) {
            out[(*len)++] = byte;
        }
    }
    if (why == NULL && base64_decode_final(&context) == 0) {
        why = "expected base64 with its padding after 0s";
    }
    explicit_bzero(&context, sizeof context);
    return why;
}

static const char *decode_plain(uint8_t *out, size_t max, size_t *len, const char *text)
{
    size_t size = strlen(text);
    if (size > max) {
        return datatext_too_long;
    }
    memcpy(out, text, size);
    *len = size;
    return NULL;
}

const char *datatext_decode(uint8_t *out, size_t max, size_t *len, const char *text)
{
    const char *why = "expected data that begins with 0x, 0s or 0t";

    *len = 0;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        why = decode_hex(out, max, len, text + 2);
    } else if (text[0] == '0' && (text[1] == 's' || text[1] == 'S')) {
        why = decode_base64(out, max, len, text + 2);
    } else if (text[0] == '0' && (text[1] == 't' || text[1] == 'T')) {
        why = decode_plain(out, max, len, text + 2);
    }
    if (why == NULL && *len == 0) {
        why = "no data after 0x, 0s or 0t";
    }
    if (why != NULL) {
        explicit_bzero(out, max);
        *len = 0;
    }
    return why;
}
