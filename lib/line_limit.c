#include "line_limit.h"

#include <stdio.h>

static void refill(struct line_bucket *b, uint64_t now)
{
    uint64_t passed = now > b->since ? now - b->since : 0;
    b->spent = b->spent > passed ? b->spent - (uint32_t)passed : 0;
    b->since = now;
}

static bool has_token(const struct line_bucket *b, uint32_t refill_time, unsigned size)
{
    return b->spent + refill_time <= (uint64_t)size * refill_time;
}

bool line_bucket_take(struct line_bucket *b, uint32_t refill_time, unsigned size, uint64_t now)
{
    refill(b, now);
    if (!has_token(b, refill_time, size)) {
        b->left_out++;
        return false;
    }
    b->spent += refill_time;
    return true;
}

const char *line_bucket_missing(struct line_bucket *b, char text[LINE_MISSING])
{
    text[0] = '\0';
    if (b->left_out > 0) {
        (void)snprintf(text, LINE_MISSING, " (%u like this were not logged)", b->left_out);
        b->left_out = 0;
    }
    return text;
}

/* The sender's bucket, refilled; a new sender gets that of whoever was quiet longest. */
static struct line_bucket *bucket_of(struct line_limit *l, const struct address *source,
                                     uint64_t now)
{
    unsigned oldest = 0;
    const struct address sender = address_sender(source);
    for (unsigned i = 0; i < LINE_SOURCES; i++) {
        if (address_equal(&l->source[i].address, &sender)) {
            refill(&l->source[i].bucket, now);
            return &l->source[i].bucket;
        }
        if (l->source[i].bucket.since < l->source[oldest].bucket.since) {
            oldest = i;
        }
    }
    l->source[oldest].address = sender;
    l->source[oldest].bucket = (struct line_bucket){ .since = now };
    return &l->source[oldest].bucket;
}

bool line_limit_take(struct line_limit *l, const struct address *source, uint64_t now,
                     unsigned *left_out)
{
    struct line_bucket *one = bucket_of(l, source, now);
    *left_out = 0;
    refill(&l->all, now);
    if (!has_token(one, SOURCE_LINES_REFILL, SOURCE_LINES_AT_ONCE)
        || !has_token(&l->all, LINES_REFILL, LINES_AT_ONCE)) {
        l->left_out++;
        return false;
    }
    one->spent += SOURCE_LINES_REFILL;
    l->all.spent += LINES_REFILL;
    if (l->left_out > 0 && now >= l->told + LINES_LEFT_OUT_EVERY) {
        *left_out = l->left_out;
        l->left_out = 0;
        l->told = now;
    }
    return true;
}
