/*
 * Looks for bytes in all memory of this process that may be written to: what a test wants wiped.
 *
 * What is looked for is kept masked, or each pattern would be found where it is kept. So whoever makes
 * patterns does it where its own copies do no harm: in a child, or before it wipes them.
 */
#ifndef TESTS_OWN_MEMORY_H
#define TESTS_OWN_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define OWN_MEMORY_LEN 24
#define OWN_MEMORY_MASK 0x5a

struct own_memory_pattern {
    uint8_t masked[OWN_MEMORY_LEN];
};

/* Shows each part of that memory, as a copy which is wiped afterwards. */
typedef void own_memory_look(void *context, const uint8_t *memory, size_t len);
void own_memory_walk(own_memory_look *look, void *context);

void own_memory_mask(struct own_memory_pattern *p, const uint8_t bytes[OWN_MEMORY_LEN]);
/* How often each is there: as it is, and with its bytes in reverse order. */
void own_memory_count(const struct own_memory_pattern *p, size_t count, size_t found[][2]);

#endif
