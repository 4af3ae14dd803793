#include "replies.h"

#include "channel.h"
#include "reply.h"

#include <string.h>

void replies_init(struct replies *r, replies_line *line, replies_done *done, void *context)
{
    r->line_came = line;
    r->done_came = done;
    r->context = context;
    r->len = 0;
    r->code = REPLY_SUCCESS;
    r->failed = REPLY_SUCCESS;
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

static bool line_is(const struct replies *r, const char *word)
{
    size_t len = strlen(word);
    return r->len == len + 1 && memcmp(r->line, word, len) == 0;
}

/* False: it could not be written. */
static bool take_line(struct replies *r)
{
    if (is_json(r)) {
        return r->line_came(r->context, r->line + JSON_LEN, r->len - JSON_LEN, -1);
    }
    int code = prefix(r->line, r->len);
    if (line_is(r, WHACK_END)) {
        r->ended = true;
    } else if (line_is(r, WHACK_DONE)) {
        r->done_came(r->context);
    }
    if (code > REPLY_COMMENT && code != REPLY_LOG && code != REPLY_SERIOUS && code != REPLY_SECRET_WANTED) {
        r->code = code;
    }
    return code < 0 || r->line_came(r->context, r->line, r->len, code);
}

void replies_call_ends(struct replies *r)
{
    r->failed = r->code == REPLY_SUCCESS ? r->failed : r->code;
    r->code = REPLY_SUCCESS;
}

enum replies_result replies_add(struct replies *r, const char *bytes, size_t len)
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
        if (!take_line(r)) {
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
    int code = r->code == REPLY_SUCCESS ? r->failed : r->code;
    if (code == REPLY_SUCCESS) {
        return 0;
    }
    return code > 255 ? 255 : code;
}
