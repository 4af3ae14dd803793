/*
 * Connections by RSA signature in plutod's world, and peers' public keys: for test_plutod_rsa*.c. All static, each has
 * its own.
 */
#ifndef TEST_PLUTOD_RSA_H
#define TEST_PLUTOD_RSA_H

#include "test_plutod_negotiations.h"

#include "plutod/public_keys.h"

#include <bsd/string.h>

#define PAIR "left-host=10.9.0.1 right-host=10.9.0.2 "
#define ROAD "left-host=10.9.0.1 left-nexthop=%25direct left-id=@gate right-host=%25any left-client=10.1.0.0/24 "
#define RSA "policy=rsasig,encrypt,tunnel"
#define PSK "policy=psk,encrypt,tunnel"
#define BOTH "policy=psk,rsasig,encrypt,tunnel"

/* A 1024-bit key that differs by its number: as hex, or, with `text`, as records to secrets have it. */
static inline const char *key(unsigned number, bool text, char out[RSA_PUBLIC_TEXT])
{
    char hex[300];
    struct rsa_public rsa;
    uint8_t bytes[RSA_PUBLIC_MAX];
    size_t at = (size_t)snprintf(hex, sizeof hex, "0x0103c0%08x", number);
    while (at + 2 < 6 + 256) {
        at += (size_t)snprintf(hex + at, sizeof hex - at, "ee");
    }
    snprintf(hex + at, sizeof hex - at, "01");
    assert_null(rsa_public_from_text(&rsa, bytes, hex));
    if (text) {
        rsa_public_print(&rsa, out);
    } else {
        strlcpy(out, hex + 2, RSA_PUBLIC_TEXT);
    }
    return out;
}

static inline void give(struct world *w, const char *id, unsigned number)
{
    char hex[RSA_PUBLIC_TEXT];
    assert_null(feed(w, W_P, "whack-key keyid=%s addkey=yes pubkeyrsa=%s", id, key(number, false, hex)));
}

static inline void proved(struct world *w, uint64_t x, const char *connection, const char *peer, const char *method,
                   const char *matched)
{
    assert_null(feed(w, S_P, "authenticated exchange=%" PRIu64 " connection=%s peer=%s method=%s "
                     "proposal=aes256-sha2_256-modp2048 matched=%s", x, connection, peer, method, matched));
}

#endif
