#include "agenda.h"

#include <stdlib.h>
#include <string.h>

static void put(struct agenda *a, size_t place, struct agenda_item *item)
{
    a->heap[place - 1] = item;
    item->place = place;
}

static void rise(struct agenda *a, struct agenda_item *item)
{
    size_t place = item->place;
    while (place > 1 && a->heap[place / 2 - 1]->at > item->at) {
        put(a, place, a->heap[place / 2 - 1]);
        place /= 2;
    }
    put(a, place, item);
}

static void sink(struct agenda *a, struct agenda_item *item)
{
    size_t place = item->place;
    for (;;) {
        size_t below = place * 2;
        if (below > a->count) {
            break;
        }
        if (below < a->count && a->heap[below]->at < a->heap[below - 1]->at) {
            below++;
        }
        if (a->heap[below - 1]->at >= item->at) {
            break;
        }
        put(a, place, a->heap[below - 1]);
        place = below;
    }
    put(a, place, item);
}

void agenda_free(struct agenda *a)
{
    free(a->heap);
    memset(a, 0, sizeof *a);
}

bool agenda_set(struct agenda *a, struct agenda_item *item, uint64_t at, agenda_action *action,
                void *owner)
{
    agenda_clear(a, item);
    if (a->count == a->cap) {
        size_t cap = a->cap == 0 ? 64 : a->cap * 2;
        struct agenda_item **heap = reallocarray(a->heap, cap, sizeof(struct agenda_item *));
        if (heap == NULL) {
            return false;
        }
        a->heap = heap;
        a->cap = cap;
    }
    *item = (struct agenda_item){ .at = at, .action = action, .owner = owner };
    a->count++;
    put(a, a->count, item);
    rise(a, item);
    return true;
}

void agenda_clear(struct agenda *a, struct agenda_item *item)
{
    if (item->place == 0) {
        return;
    }
    struct agenda_item *last = a->heap[a->count - 1];
    a->count--;
    if (last != item) {
        put(a, item->place, last);
        rise(a, last);
        sink(a, last);
    }
    item->place = 0;
}

uint64_t agenda_next(const struct agenda *a)
{
    return a->count == 0 ? UINT64_MAX : a->heap[0]->at;
}

void agenda_run(struct agenda *a, uint64_t now, void *context)
{
    while (a->count > 0 && a->heap[0]->at <= now) {
        struct agenda_item *item = a->heap[0];
        agenda_clear(a, item);
        item->action(context, item->owner);
    }
}
