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

static uint32_t draw_number(struct ike *ike)
{
    uint8_t draw[4] = { 0 };
    (void)draw_random(ike, draw, sizeof draw);
    return be32dec(draw);
}

/* Whoever has sent message 3 gets our answers at that address: that is more than a flood can say. */
static bool has_answered(const struct exchange *x)
{
    return x->state != MAIN_R0 && x->state != MAIN_R0_FIRST && x->state != MAIN_R1;
}

/* One makes room for another: any of them, so that a flood cannot choose which, but rather one that
 * waits for message 3. */
#define PROBES 16u

static void evict_any(struct ike *ike)
{
    size_t first = draw_number(ike) % ike->half_open_count;
    struct exchange *x = ike->half_open[first];
    for (size_t i = 1; i < PROBES && has_answered(x); i++) {
        x = ike->half_open[(first + i) % ike->half_open_count];
    }
    exchange_failed(ike, x, 31, "too many half-open exchanges: this one makes room");
}

/*
 * The same within one address. Refusing new ones instead would let anybody who can forge an address
 * lock it out, with a few packets a second.
 */
static bool evict_of(struct ike *ike, struct source *s)
{
    uint64_t second = ike->now / 1000;
    if (s->second != second) {
        s->second = second;
        s->evicted = 0;
    }
    if (s->evicted >= HALF_OPEN_EVICTIONS) {
        return false;
    }
    s->evicted++;
    size_t skip = draw_number(ike) % s->half_open;
    struct exchange *x = LIST_FIRST(&s->exchanges);
    while (skip-- > 0) {
        x = LIST_NEXT(x, of_source);
    }
    struct exchange *found = x;
    while (found != NULL && has_answered(found)) {
        found = LIST_NEXT(found, of_source);
    }
    exchange_failed(ike, found != NULL ? found : x, 31,
                    "too many half-open exchanges with this address: this one makes room");
    return true;
}

static struct source *find_source(struct ike *ike, const struct address *a)
{
    struct source *s;
    HASH_FIND(hh, ike->sources, a, sizeof *a, s);
    return s;
}

static struct source *new_source(struct ike *ike, const struct address *a)
{
    struct source *s = calloc(1, sizeof *s);
    if (s != NULL) {
        s->address = *a;
        LIST_INIT(&s->exchanges);
        HASH_ADD(hh, ike->sources, address, sizeof s->address, s);
    }
    return s;
}

static bool is_full(const struct ike *ike, size_t sa_len)
{
    return ike->half_open_count == HALF_OPEN_MAX
           || (ike->half_open_count > 0 && ike->half_open_bytes + sa_len > HALF_OPEN_BYTES);
}

bool half_open_enter(struct ike *ike, struct exchange *x, size_t sa_len)
{
    const struct address sender = address_sender(&x->sa->path.remote);
    struct source *s = find_source(ike, &sender);
    if (s != NULL && s->half_open >= HALF_OPEN_PER_SOURCE && !evict_of(ike, s)) {
        return false;
    }
    s = s == NULL ? new_source(ike, &sender) : s;
    if (s == NULL) {
        return false;
    }
    x->source = s; /* from here on it stays, whoever else goes */
    s->half_open++;
    LIST_INSERT_HEAD(&s->exchanges, x, of_source);
    while (is_full(ike, sa_len)) {
        evict_any(ike);
    }
    x->slot = ike->half_open_count;
    ike->half_open[ike->half_open_count++] = x;
    x->in_first = true;
    HASH_ADD(by_first, ike->firsts, first_key, sizeof x->first_key, x);
    return true;
}

bool half_open_keep(struct ike *ike, struct exchange *x, const uint8_t *body, size_t len)
{
    struct main_scratch *m = x->main;
    m->sa_body = len > SA_BODY_MAX ? NULL : malloc(len);
    if (m->sa_body == NULL) {
        return false;
    }
    memcpy(m->sa_body, body, len);
    m->sa_body_len = len;
    ike->half_open_bytes += len;
    return true;
}

void half_open_leave(struct ike *ike, struct exchange *x)
{
    if (!x->in_first) {
        return;
    }
    struct source *s = x->source;
    LIST_REMOVE(x, of_source);
    if (--s->half_open == 0) {
        HASH_DEL(ike->sources, s);
        free(s);
    }
    x->source = NULL;
    ike->half_open_bytes -= x->main->sa_body_len;
    struct exchange *last = ike->half_open[--ike->half_open_count];
    ike->half_open[x->slot] = last;
    last->slot = x->slot;
    x->in_first = false;
    HASH_DELETE(by_first, ike->firsts, x);
}
