#include "own_memory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MAPPING_MAX ((size_t)64 << 20) /* larger ones are a sanitizer's own */

void own_memory_mask(struct own_memory_pattern *p, const uint8_t bytes[OWN_MEMORY_LEN])
{
    for (size_t i = 0; i < OWN_MEMORY_LEN; i++) {
        p->masked[i] = bytes[i] ^ OWN_MEMORY_MASK;
    }
}

/* By its first byte alone it is looked for quickly: the whole pattern must not stand here, and need not. */
static size_t count_in(const uint8_t *memory, size_t len, const struct own_memory_pattern *p, bool reversed)
{
    const int first = p->masked[reversed ? OWN_MEMORY_LEN - 1 : 0] ^ OWN_MEMORY_MASK;
    const uint8_t *at = memory;
    size_t found = 0;
    while ((size_t)(memory + len - at) >= OWN_MEMORY_LEN &&
           (at = memchr(at, first, (size_t)(memory + len - at) - OWN_MEMORY_LEN + 1)) != NULL) {
        size_t j = 1;
        while (j < OWN_MEMORY_LEN && (at[j] ^ OWN_MEMORY_MASK) == p->masked[reversed ? OWN_MEMORY_LEN - 1 - j : j]) {
            j++;
        }
        found += j == OWN_MEMORY_LEN ? 1 : 0;
        at++;
    }
    return found;
}

void own_memory_walk(own_memory_look *look, void *context)
{
    uint8_t *copy = malloc(MAPPING_MAX);
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC); /* a FILE would keep some of it in its buffer */
    char line[500];

    assert_true(copy != NULL && maps != NULL && memory >= 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        char *end = NULL;
        unsigned long from = strtoul(line, &end, 16);
        unsigned long to = strtoul(end + 1, &end, 16);
        bool is_copy = from <= (unsigned long)copy && (unsigned long)copy < to;
        if (strncmp(end, " rw", 3) != 0 || is_copy || to - from > MAPPING_MAX) {
            continue;
        }
        ssize_t n = pread(memory, copy, to - from, (off_t)from);
        size_t len = n < 0 ? 0 : (size_t)n;
        look(context, copy, len);
        explicit_bzero(copy, len);
    }
    close(memory);
    fclose(maps);
    free(copy);
}

struct counted {
    const struct own_memory_pattern *p;
    size_t count;
    size_t (*found)[2];
};

static void count_all(void *context, const uint8_t *memory, size_t len)
{
    const struct counted *c = context;
    for (size_t i = 0; i < c->count; i++) {
        c->found[i][0] += count_in(memory, len, &c->p[i], false);
        c->found[i][1] += count_in(memory, len, &c->p[i], true);
    }
}

void own_memory_count(const struct own_memory_pattern *p, size_t count, size_t found[][2])
{
    struct counted c = { .p = p, .count = count, .found = found };
    memset(found, 0, count * sizeof found[0]);
    own_memory_walk(count_all, &c);
}
