/*
 * The records that make a pair of SAs, as the three others say them when all is well, for the tests
 * of kernel-sa: aes256-sha2_256 in tunnel mode for 3600 s, between these hosts and clients.
 *
 * Not for: records that are wrong; the tests write those themselves.
 */
#ifndef TESTS_KERNEL_PAIR_H
#define TESTS_KERNEL_PAIR_H

#include "kernel_fake.h"

#include <inttypes.h>

#define KEY32_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY32_B "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
#define HOSTS "our-host=10.9.0.1 peer-host=10.9.0.2"
#define CLIENTS "our-client=10.1.0.0/24 peer-client=10.2.0.0/24"
#define SPI_OUT 0xc0ffee00u /* + exchange: the peer's SPI */

/* `more`: " again=up", or "". */
void pair_permit(struct fake *f, unsigned x, unsigned reqid, const char *more);
void pair_keys(struct fake *f, unsigned x, uint32_t spi_in);    /* request 1 of secrets */
void pair_install(struct fake *f, unsigned x, uint32_t spi_in, /* request 2 of ike-negotiate */
                  const char *activate);
/* All three, with an SPI of ours given out before; ike-negotiate hears ok. Returns the SPI. */
uint32_t pair_up(struct fake *f, unsigned x, unsigned reqid, const char *activate);
/* Request 8 of plutod, which is answered with ok. */
void pair_delete(struct fake *f, unsigned x, const char *policies);

#endif
