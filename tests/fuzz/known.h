/*
 * Payloads as a peer would make them who has the keys: with the right cookies and SPIs, lives,
 * clients, types; or with one thing in them that is not right. Of these, chance alone makes none.
 *
 * Not for: bodies of any bytes (fuzz_exchange.c), and what must come of them (tests/unit).
 */
#ifndef TESTS_FUZZ_KNOWN_H
#define TESTS_FUZZ_KNOWN_H

#include "tests/unit/hostile.h"

enum known {
    KNOWN_INITIAL_CONTACT,
    KNOWN_ISAKMP_LIFETIME, /* RESPONDER-LIFETIME */
    KNOWN_ESP_LIFETIME,
    KNOWN_ERROR,           /* about a Quick Mode */
    KNOWN_STATUS,
    KNOWN_ISAKMP_DELETE,
    KNOWN_ESP_DELETE,
    KNOWN_ATTRIBUTES,      /* of Mode Config and XAUTH */
    KNOWN_CLIENT,          /* an identity of Quick Mode */
    KNOWN_IDENTITY,        /* of Main Mode */
    KNOWN_VENDOR,
    KNOWN_COUNT
};

/*
 * Puts one into a message for host o->to, at its end. `number`: its lowest two bits say whose SPI is
 * in it, the others which of the forms it is.
 */
void known_append(struct opened *o, enum known what, unsigned number);

#endif
