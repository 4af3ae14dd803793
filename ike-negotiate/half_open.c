/*
 * Responders' Main Modes that are not up: bounded in all and for each address, and found by what
 * their first message said, because a duplicate of it carries no cookie of ours.
 */
#include "exchange.h"

#include <bsd/sys/endian.h>
#include <stdlib.h>
#include <string.h>

void half_open_key(struct exchange *x, const struct path *path, const uint8_t *cky_i)
{
    memset(x->first_key, 0, sizeof x->first_key);
    memcpy(x->first_key, cky_i, COOKIE_LEN);
    memcpy(x->first_key + COOKIE_LEN, &path->remote, sizeof path->remote);
    x->first_key[sizeof x->first_key - 2] = (uint8_t)(path->remote_port >> 8);
    x->first_key[sizeof x->first_key - 1] = (uint8_t)path->remote_port;
}

struct exchange *half_open_find(struct ike *ike, const struct exchange *probe)
{
    struct exchange *x;
    HASH_FIND(by_first, ike->firsts, probe->first_key, sizeof probe->first_key, x);
    return x;
}

/* One makes room for another: any of them, so that a flood cannot choose which. */
static void evict_one(struct ike *ike)
{
    uint8_t draw[4] = { 0 };
    (void)draw_random(ike, draw, sizeof draw);
    uint32_t n = be32dec(draw);
    struct exchange *x = ike->half_open[n % ike->half_open_count];
    exchange_failed(ike, x, 31, "too many half-open exchanges: this one makes room");
}

static struct source *find_source(struct ike *ike, const struct address *a)
{
    struct source *s;
    HASH_FIND(hh, ike->sources, a, sizeof *a, s);
    return s;
}

bool half_open_enter(struct ike *ike, struct exchange *x)
{
    struct source *s = find_source(ike, &x->sa->path.remote);
    if (s != NULL && s->half_open >= HALF_OPEN_PER_SOURCE) {
        return false;
    }
    if (s == NULL) {
        s = calloc(1, sizeof *s);
        if (s == NULL) {
            return false;
        }
        s->address = x->sa->path.remote;
        HASH_ADD(hh, ike->sources, address, sizeof s->address, s);
    }
    s->half_open++;
    if (ike->half_open_count == HALF_OPEN_MAX) {
        evict_one(ike);
    }
    x->slot = ike->half_open_count;
    ike->half_open[ike->half_open_count++] = x;
    x->in_first = true;
    HASH_ADD(by_first, ike->firsts, first_key, sizeof x->first_key, x);
    return true;
}

void half_open_leave(struct ike *ike, struct exchange *x)
{
    if (!x->in_first) {
        return;
    }
    struct source *s = find_source(ike, &x->sa->path.remote);
    if (s != NULL && --s->half_open == 0) {
        HASH_DEL(ike->sources, s);
        free(s);
    }
    struct exchange *last = ike->half_open[--ike->half_open_count];
    ike->half_open[x->slot] = last;
    last->slot = x->slot;
    x->in_first = false;
    HASH_DELETE(by_first, ike->firsts, x);
}
