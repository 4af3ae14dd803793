#include "reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reply_start(struct reply *r, uint32_t seq, bool dump)
{
    memset(&r->result, 0, sizeof r->result);
    r->seq = seq;
    r->dump = dump;
    r->interrupted = false;
}

void reply_fail(struct reply *r, int error, const char *text)
{
    r->result.error = error;
    (void)snprintf(r->result.text, sizeof r->result.text, "%s", text);
}

bool reply_again(struct reply *r)
{
    if (r->result.error != 0 || !r->interrupted) {
        r->tries = 0;
        r->whole = r->count;
        return false;
    }
    r->count = r->whole;
    if (++r->tries < DUMP_TRIES) {
        return true;
    }
    reply_fail(r, EAGAIN, "the list was interrupted");
    return false;
}

void reply_wipe(struct reply *r)
{
    free(r->found);
    explicit_bzero(r, sizeof *r);
}

/* False: no memory. */
static bool keep_found(struct reply *r)
{
    if (r->count == r->cap) {
        size_t cap = r->cap == 0 ? 64 : 2 * r->cap;
        struct found *more = reallocarray(r->found, cap, sizeof *more);
        if (more == NULL) {
            return false;
        }
        r->found = more;
        r->cap = cap;
    }
    struct found *f = &r->found[r->count++];
    f->is_policy = r->message.kind == XFRM_IS_POLICY;
    if (f->is_policy) {
        f->policy = r->message.policy;
    } else {
        f->sa = r->message.sa;
    }
    return true;
}

static void keep_bytes(struct reply *r, const uint8_t *bytes, size_t len)
{
    explicit_bzero(r->kept, r->kept_len);
    r->kept_len = len <= sizeof r->kept ? len : 0;
    memcpy(r->kept, bytes, r->kept_len);
}

/* True: this message was the last one. */
static bool take_message(struct reply *r, const uint8_t *bytes, size_t len)
{
    const struct xfrm_message *m = &r->message;
    r->interrupted = r->interrupted || m->interrupted;
    switch (m->kind) {
    case XFRM_IS_ACK:
    case XFRM_IS_DONE:
        r->result.error = m->error;
        memcpy(r->result.text, m->text, sizeof r->result.text);
        return true;
    case XFRM_IS_SA:
        r->result.found = true;
        r->result.sa = m->sa;
        if (!r->dump) {
            keep_bytes(r, bytes, len);
        }
        break;
    case XFRM_IS_POLICY:
        r->result.found = true;
        r->result.policy = m->policy;
        break;
    case XFRM_IS_STANDARD:
        r->result.found = true;
        memcpy(r->result.standard, m->standard, sizeof r->result.standard);
        return false;
    case XFRM_IS_OTHER:
    case XFRM_IS_EVENT:
        return false;
    }
    if (r->dump && !keep_found(r)) {
        reply_fail(r, ENOMEM, "");
        return true; /* what still comes is late then */
    }
    return false;
}

bool reply_take(struct reply *r, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0, used = 0; at < len; at += used) {
        const char *why = xfrm_read(&r->message, bytes + at, len - at, &used);
        if (r->message.seq != r->seq) {
            continue; /* late, for a request that was given up */
        }
        if (why != NULL) {
            reply_fail(r, EBADMSG, why);
            return true;
        }
        if (take_message(r, bytes + at, used)) {
            return true;
        }
    }
    return false;
}
