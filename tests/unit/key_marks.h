/*
 * Marks the numbers of a private RSA key as undefined for valgrind's memcheck, wherever OpenSSL has them.
 *
 * It tells nobody where that is; so all that it allocates is remembered, and searched for them. Not for: anything else
 * that is secret (tests/programs/constant_time.c).
 */
#ifndef TESTS_KEY_MARKS_H
#define TESTS_KEY_MARKS_H

#include "secrets/rsa.h"

bool key_marks_begin(void); /* before OpenSSL is used; false: it was */
/*
 * All but modulus and public exponent; and, of each prime, what OpenSSL keeps for Montgomery's arithmetic. False: one of
 * them is nowhere, or there are too many copies.
 */
bool key_mark(const struct rsa_key *key);

#endif
