#include "locked.h"

#include <stdlib.h>
#include <string.h>

struct locked_file *locked_find(struct locked_file *set, const char *name)
{
    struct locked_file *f;
    HASH_FIND_STR(set, name, f);
    return f;
}

static void put(struct locked_file **set, struct locked_file *f)
{
    f->stuck = false;
    f->below = UINT32_MAX;
    f->tries = 0;
    HASH_ADD_STR(*set, name, f);
}

bool locked_add(struct locked_file **set, const char *name)
{
    size_t size = strlen(name) + 1;
    struct locked_file *f = calloc(1, sizeof *f + size);
    if (f == NULL) {
        return false;
    }
    memcpy(f->name, name, size);
    put(set, f);
    return true;
}

void locked_drop(struct locked_file **set, struct locked_file *f)
{
    HASH_DEL(*set, f);
    free(f);
}

void locked_move(struct locked_file **from, struct locked_file **to, struct locked_file *f)
{
    HASH_DEL(*from, f);
    put(to, f);
}

unsigned locked_count(const struct locked_file *set)
{
    return HASH_COUNT(set);
}
