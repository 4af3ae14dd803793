/*
 * The Diffie-Hellman groups, looked up once for all that a test program makes: it takes longer than a negotiation.
 * Not for: tests of secrets alone, which free what they made (secrets_side.h).
 */
#ifndef TESTS_SHARED_DH_H
#define TESTS_SHARED_DH_H

#include "secrets/dh.h"

const struct dh_lib *shared_dh(void);

#endif
