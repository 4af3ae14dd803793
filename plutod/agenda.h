/*
 * What is to be done when: a heap of deadlines for the supervisor's core.
 *
 * Times are milliseconds of whatever clock the owner feeds in, so a test's clock does as well as a
 * real one. An item lies in the thing that it is about, and is known to the agenda while it is set.
 * Not for: waiting (the event loop does, until agenda_next).
 */
#ifndef PLUTOD_AGENDA_H
#define PLUTOD_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agenda_item;
typedef void agenda_action(void *context, struct agenda_item *item);

/* All zero: not set. Small, as each connection has some: when it is due stands in the heap. */
struct agenda_item {
    agenda_action *action;
    uint32_t place;         /* in the heap, counted from 1; 0: not set */
};

/* What an item lies in: of an action's `item`, in a `type` as its `member`. */
#define AGENDA_OWNER(item, type, member) ((type *)((uintptr_t)(item) - offsetof(type, member)))

struct agenda_entry {
    uint64_t at;
    struct agenda_item *item;
};

struct agenda {
    struct agenda_entry *heap; /* owned; the items are not */
    size_t count;
    size_t cap;
};

void agenda_free(struct agenda *a);
/* Sets it, or moves it when it is set already. False: no memory, it is not set. */
bool agenda_set(struct agenda *a, struct agenda_item *item, uint64_t at, agenda_action *action);
void agenda_clear(struct agenda *a, struct agenda_item *item); /* twice does no harm */
bool agenda_is_set(const struct agenda_item *item);
/* How long until it is due. 0: it is, or is not set. */
uint64_t agenda_wait(const struct agenda *a, const struct agenda_item *item, uint64_t now);
/* The next deadline, or UINT64_MAX. */
uint64_t agenda_next(const struct agenda *a);
/* Does all that is due; an action may set and clear any item. */
void agenda_run(struct agenda *a, uint64_t now, void *context);

#endif
