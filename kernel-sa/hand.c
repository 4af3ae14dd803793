#include "hand.h"

#include "lib/bounds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Do keys stand in the record as ike-negotiate shows them to people, "<20 bytes>"? */
static bool may_be_redacted(const struct record *r)
{
    static const char *const fields[] = { "key-in:", "key-out:", "auth-in:", "auth-out:" };
    static const char where[] = ": sa-keys: field ";
    const char *at = r->verb == V_BAD ? strstr(record_text(r, K_WHY), where) : NULL;
    for (size_t i = 0; at != NULL && i < sizeof fields / sizeof fields[0]; i++) {
        if (strncmp(at + sizeof where - 1, fields[i], strlen(fields[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool tell_refusal(const char *line, size_t len)
{
    struct record r;
    char copy[RECORD_MAX];
    if (len >= sizeof copy) {
        return false;
    }
    memcpy(copy, line, len);
    if (record_parse(&r, copy, len, K_P | K_N | K_S, NULL) != NULL
        || (r.verb != V_FAIL && r.verb != V_BAD)) {
        return false;
    }
    (void)fprintf(stderr, "kernel-sa: %s%s%s\n", r.re == V_NONE ? "" : schema_verb(r.re)->name,
                  r.re == V_NONE ? "" : ": ", record_text(&r, K_WHY));
    if (may_be_redacted(&r)) {
        (void)fputs("kernel-sa: if it is shown as <20 bytes>, it is redacted: ike-negotiate prints the "
                    "keys themselves with --show-keys\n", stderr);
    }
    return true;
}

bool hand_tell_refusals(const struct buffer *out, size_t *told)
{
    bool refused = false;
    while (*told < out->len) {
        const char *line = (const char *)out->data + *told;
        const char *lf = memchr(line, '\n', out->len - *told);
        if (lf == NULL) {
            break;
        }
        refused = tell_refusal(line, (size_t)(lf - line)) || refused;
        *told += (size_t)(lf - line) + 1;
    }
    return refused;
}

bool hand_finish(const struct core *core, struct channel *c)
{
    struct buffer left;
    buffer_init(&left, 0);
    bool unfinished = core_unfinished(core, &left) > 0;
    if (unfinished) {
        (void)fprintf(stderr, "kernel-sa: the input ended too early:\n%.*s", (int)left.len,
                      (const char *)left.data);
    }
    buffer_wipe(&left);
    if (!channel_drain(c)) {
        (void)fprintf(stderr, "kernel-sa: cannot write to stdout: %s\n", strerror(errno));
        return true;
    }
    return unfinished;
}
