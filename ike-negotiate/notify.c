#include "notify.h"

#include <stddef.h>

static const struct {
    unsigned type;
    const char *name;
} types[] = {
#define NOTIFY(e, number, name) { (number), (name) },
    NOTIFY_TYPES(NOTIFY)
#undef NOTIFY
};

static const char *find(unsigned type)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].type == type) {
            return types[i].name;
        }
    }
    return NULL;
}

const char *notify_name(unsigned type)
{
    const char *name = find(type);
    return name != NULL ? name : "unknown notification";
}

bool notify_known(unsigned type)
{
    return find(type) != NULL;
}

bool notify_is_error(unsigned type)
{
    return type < NOTIFY_STATUS_FIRST;
}
