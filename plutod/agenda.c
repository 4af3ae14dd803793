#include "agenda.h"

#include <stdlib.h>
#include <string.h>

static void put(struct agenda *a, size_t place, const struct agenda_entry *e)
{
    a->heap[place - 1] = *e;
    e->item->place = (uint32_t)place;
}

static void rise(struct agenda *a, size_t place)
{
    const struct agenda_entry e = a->heap[place - 1];
    while (place > 1 && a->heap[place / 2 - 1].at > e.at) {
        put(a, place, &a->heap[place / 2 - 1]);
        place /= 2;
    }
    put(a, place, &e);
}

static void sink(struct agenda *a, size_t place)
{
    const struct agenda_entry e = a->heap[place - 1];
    for (;;) {
        size_t below = place * 2;
        if (below > a->count) {
            break;
        }
        if (below < a->count && a->heap[below].at < a->heap[below - 1].at) {
            below++;
        }
        if (a->heap[below - 1].at >= e.at) {
            break;
        }
        put(a, place, &a->heap[below - 1]);
        place = below;
    }
    put(a, place, &e);
}

void agenda_free(struct agenda *a)
{
    free(a->heap);
    memset(a, 0, sizeof *a);
}

bool agenda_set(struct agenda *a, struct agenda_item *item, uint64_t at, agenda_action *action)
{
    agenda_clear(a, item);
    if (a->count == a->cap) {
        size_t cap = a->cap == 0 ? 64 : a->cap * 2;
        struct agenda_entry *heap = cap > UINT32_MAX ? NULL : reallocarray(a->heap, cap, sizeof *heap);
        if (heap == NULL) {
            return false;
        }
        a->heap = heap;
        a->cap = cap;
    }
    item->action = action;
    a->count++;
    put(a, a->count, &(struct agenda_entry){ .at = at, .item = item });
    rise(a, a->count);
    return true;
}

void agenda_clear(struct agenda *a, struct agenda_item *item)
{
    size_t place = item->place;
    if (place == 0) {
        return;
    }
    const struct agenda_entry last = a->heap[a->count - 1];
    a->count--;
    if (last.item != item) {
        put(a, place, &last);
        rise(a, place);
        sink(a, last.item->place);
    }
    item->place = 0;
}

bool agenda_is_set(const struct agenda_item *item)
{
    return item->place != 0;
}

uint64_t agenda_wait(const struct agenda *a, const struct agenda_item *item, uint64_t now)
{
    uint64_t at = item->place == 0 ? 0 : a->heap[item->place - 1].at;
    return at > now ? at - now : 0;
}

uint64_t agenda_next(const struct agenda *a)
{
    return a->count == 0 ? UINT64_MAX : a->heap[0].at;
}

void agenda_run(struct agenda *a, uint64_t now, void *context)
{
    while (a->count > 0 && a->heap[0].at <= now) {
        struct agenda_item *item = a->heap[0].item;
        agenda_clear(a, item);
        item->action(context, item);
    }
}
