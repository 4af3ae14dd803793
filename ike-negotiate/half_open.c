/*
 * Responders' Main Modes that are not up: bounded in all and for each address, and found by what
 * their first message said, because a duplicate of it carries no cookie of ours.
 */
#include "exchange.h"

#include <bsd/sys/endian.h>
#include <stdlib.h>
#include <string.h>

void half_open_key(uint8_t key[FIRST_KEY], const struct path *path, const uint8_t *cky_i)
{
    memcpy(key, cky_i, COOKIE_LEN);
    memcpy(key + COOKIE_LEN, &path->remote, sizeof path->remote);
    key[FIRST_KEY - 2] = (uint8_t)(path->remote_port >> 8);
    key[FIRST_KEY - 1] = (uint8_t)path->remote_port;
}

struct exchange *half_open_find(struct ike *ike, const uint8_t key[FIRST_KEY])
{
    struct half_open *h;
    HASH_FIND(hh, ike->firsts, key, FIRST_KEY, h);
    return h == NULL ? NULL : h->exchange;
}

bool half_open_is(const struct exchange *x)
{
    return x->main != NULL && x->main->half_open.exchange != NULL;
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

/*
 * The one that has made no step for longest, if that is long enough: what waits for ourselves is passed
 * over. So everybody has the time for an answer; and as nobody has it forever, and the newest never goes,
 * a flood can neither fill the table nor wash through it.
 */
#define PASSED_OVER 16u

static struct exchange *oldest(const struct ike *ike, const struct half_open_list *list)
{
    const struct half_open *h = TAILQ_FIRST(list);
    for (unsigned i = 0; i < PASSED_OVER && h != NULL && h->exchange->state >= PUBLIC_STATES; i++) {
        h = TAILQ_NEXT(h, by_step);
    }
    bool goes = h != NULL && h->exchange->state < PUBLIC_STATES && ike->now >= h->stepped + HALF_OPEN_SAFE;
    return goes ? h->exchange : NULL;
}

static bool evict_oldest(struct ike *ike)
{
    struct exchange *x = oldest(ike, &ike->unanswered);
    if (x == NULL) {
        x = oldest(ike, &ike->answered);
    }
    if (x == NULL) {
        return false;
    }
    exchange_failed(ike, x, REPLY_NO_RESPONSE, "too many half-open exchanges: this one makes room");
    return true;
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
    const struct half_open *h = LIST_FIRST(&s->exchanges);
    while (skip-- > 0) {
        h = LIST_NEXT(h, of_source);
    }
    const struct half_open *found = h;
    while (found != NULL && has_answered(found->exchange)) {
        found = LIST_NEXT(found, of_source);
    }
    exchange_failed(ike, found != NULL ? found->exchange : h->exchange, REPLY_NO_RESPONSE, 
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

const char *half_open_room(struct ike *ike, const struct path *path, size_t sa_len)
{
    const struct address sender = address_sender(&path->remote);
    struct source *s = find_source(ike, &sender);
    if (ike->open_keys > OPEN_KEYS_MAX) {
        return "secrets is behind with making keys: a first message is ignored, and will come again";
    }
    if (s != NULL && s->half_open >= HALF_OPEN_PER_SOURCE && !evict_of(ike, s)) {
        return "too many half-open exchanges with this address: a first message is ignored";
    }
    while (is_full(ike, sa_len)) {
        if (!evict_oldest(ike)) {
            return "too many half-open exchanges: a first message is ignored, and will come again";
        }
    }
    return NULL;
}

bool half_open_enter(struct ike *ike, struct exchange *x, const uint8_t key[FIRST_KEY])
{
    const struct address sender = address_sender(&x->sa->path.remote);
    struct source *s = find_source(ike, &sender);
    s = s == NULL ? new_source(ike, &sender) : s;
    if (s == NULL) {
        return false;
    }
    struct half_open *h = &x->main->half_open;
    h->exchange = x;
    h->source = s;
    memcpy(h->key, key, FIRST_KEY);
    s->half_open++;
    LIST_INSERT_HEAD(&s->exchanges, h, of_source);
    ike->half_open_count++;
    h->stepped = ike->now;
    TAILQ_INSERT_TAIL(&ike->unanswered, h, by_step);
    HASH_ADD(hh, ike->firsts, key, sizeof h->key, h);
    return true;
}

void half_open_step(struct ike *ike, struct exchange *x)
{
    if (!half_open_is(x)) {
        return;
    }
    struct half_open *h = &x->main->half_open;
    TAILQ_REMOVE(h->answered ? &ike->answered : &ike->unanswered, h, by_step);
    h->answered = has_answered(x);
    h->stepped = ike->now;
    TAILQ_INSERT_TAIL(h->answered ? &ike->answered : &ike->unanswered, h, by_step);
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
    if (!half_open_is(x)) {
        return;
    }
    struct half_open *h = &x->main->half_open;
    struct source *s = h->source;
    LIST_REMOVE(h, of_source);
    if (--s->half_open == 0) {
        HASH_DEL(ike->sources, s);
        free(s);
    }
    ike->half_open_bytes -= x->main->sa_body_len;
    ike->half_open_count--;
    TAILQ_REMOVE(h->answered ? &ike->answered : &ike->unanswered, h, by_step);
    HASH_DELETE(hh, ike->firsts, h);
    h->exchange = NULL;
}
