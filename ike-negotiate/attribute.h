/*
 * Data attributes of transforms: the one list of their numbers and names, and of values' names.
 *
 * Phase 1: RFC 2409, appendix A. Phase 2: RFC 2407, 4.5. Not for: their form (payload.h) and which
 * of them we understand (sa.c).
 */
#ifndef IKE_NEGOTIATE_ATTRIBUTE_H
#define IKE_NEGOTIATE_ATTRIBUTE_H

#include <stdint.h>

enum {
    IKE_ENCRYPTION = 1,
    IKE_HASH = 2,
    IKE_AUTH_METHOD = 3,
    IKE_GROUP = 4,
    IKE_GROUP_TYPE = 5,
    IKE_LIFE_TYPE = 11,
    IKE_LIFE_DURATION = 12,
    IKE_PRF = 13,
    IKE_KEY_LENGTH = 14
};

enum {
    IPSEC_LIFE_TYPE = 1,
    IPSEC_LIFE_DURATION = 2,
    IPSEC_GROUP = 3,
    IPSEC_MODE = 4,
    IPSEC_AUTH = 5,
    IPSEC_KEY_LENGTH = 6
};

enum { LIFE_SECONDS = 1, LIFE_KILOBYTES = 2 };

#define TRANSFORM_KEY_IKE 1 /* RFC 2407, 4.4.2 */

/* `protocol` is that of the proposal. NULL: unknown. */
const char *attribute_name(unsigned protocol, unsigned type);
const char *attribute_value_name(unsigned protocol, unsigned type, uint64_t value);

const char *auth_method_name(unsigned method); /* psk, rsasig, xauth-psk, ...; NULL: unknown */

#endif
