/*
 * Informational exchanges under an established pair of hosts, from the peer himself and correctly
 * protected, as a test has changed them: set-up, tear-down, and bodies of payloads, for F9 and F10.
 */
#ifndef TESTS_INFORMATIONAL_H
#define TESTS_INFORMATIONAL_H

#include "hostile.h"

#define LONG_LIVED LAB_CHEAP " ikelifetime=86400 ipseclifetime=86400"

struct informational {
    struct lab *l;
    struct opened o;
    struct datagram d;
    uint32_t message_id; /* of the next one */
};

/* For cmocka. Whatever went before: the SAs are still there, and the peer's own Delete is heard. */
int informational_set_up(void **state);
int informational_tear_down(void **state);

/* s->o is an Informational toward that host, with a HASH and nothing else yet. */
void informational_begin(struct informational *s, unsigned to);
/* Seals s->o, and has it heard: it changes nothing, and is worth that line. */
void informational_end(struct informational *s, const char *line);
/* One with one payload, to both hosts. */
void informational_both(struct informational *s, unsigned type, const void *body, size_t len,
                        const char *line);

/* Fills `len` bytes, of which there are at least 8; what follows these is rubbish. Returns len. */
size_t notification_body(uint8_t *body, unsigned protocol, unsigned spi_size, unsigned type,
                         size_t len);
size_t delete_body(uint8_t *body, unsigned protocol, unsigned spi_size, unsigned count,
                   size_t len);

#endif
