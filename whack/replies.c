#include "replies.h"

#include "channel.h"

#include <string.h>

/* Numbers that say nothing about how it ended [W11]. */
enum { COMMENT = 0, LOG = 2, SERIOUS_LOG = 3, SUCCESS = 4, SECRET_WANTED = 40 };

void replies_init(struct replies *r)
{
    r->len = 0;
    r->code = SUCCESS;
    r->ended = false;
}

/* Digits and a blank: the number; -1: a line without one. */
static int prefix(const char *line, size_t len)
{
    int number = 0;
    size_t i = 0;
    for (; i < len && i < 4 && line[i] >= '0' && line[i] <= '9'; i++) {
        number = number * 10 + (line[i] - '0');
    }
    return i >= 1 && i <= 3 && i < len && (line[i] == ' ' || line[i] == '\n') ? number : -1;
}

#define JSON_LEN (sizeof WHACK_JSON - 1)

static bool is_json(const struct replies *r)
{
    return r->len > JSON_LEN && memcmp(r->line, WHACK_JSON, JSON_LEN) == 0;
}

/* Is it one to be shown? */
static bool count(struct replies *r)
{
    static const char end[] = WHACK_END "\n";
    int code = prefix(r->line, r->len);
    if (r->len == sizeof end - 1 && memcmp(r->line, end, r->len) == 0) {
        r->ended = true;
    }
    if (code > COMMENT && code != LOG && code != SERIOUS_LOG && code != SECRET_WANTED) {
        r->code = code;
    }
    return code >= 0;
}

enum replies_result replies_add(struct replies *r, const char *bytes, size_t len,
                                replies_line *line, void *context)
{
    while (len > 0) {
        const char *end = memchr(bytes, '\n', len);
        size_t part = end == NULL ? len : (size_t)(end - bytes) + 1;
        if (part > sizeof r->line - r->len) {
            return REPLIES_TOO_LONG;
        }
        memcpy(r->line + r->len, bytes, part);
        r->len += part;
        bytes += part;
        len -= part;
        if (end == NULL) {
            break;
        }
        bool written = is_json(r)  ? line(context, true, r->line + JSON_LEN, r->len - JSON_LEN)
                       : count(r) ? line(context, false, r->line, r->len)
                                  : true;
        if (!written) {
            return REPLIES_NOT_WRITTEN;
        }
        r->len = 0;
    }
    return REPLIES_OK;
}

bool replies_ended(const struct replies *r)
{
    return r->ended;
}

int replies_status(const struct replies *r)
{
    if (r->code == SUCCESS) {
        return 0;
    }
    return r->code > 255 ? 255 : r->code;
}
