/*
 * Messages of NETLINK_XFRM as bytes, for the tests of kernel-sa/xfrm.h: built by it, taken apart by
 * another reader than it.
 */
#ifndef TESTS_XFRM_BYTES_H
#define TESTS_XFRM_BYTES_H

#include "kernel_fake.h"

#include "kernel-sa/xfrm.h"

#define XFRM_BYTES (XFRM_MESSAGE_MAX + 1024)

struct kernel_policy xfrm_bytes_a_policy(void); /* fwd, of reqid 77 */
/* The request, number 42; return its length. */
size_t xfrm_bytes_sa(uint8_t message[XFRM_BYTES], const struct kernel_sa *sa,
                     enum kernel_verb verb);
size_t xfrm_bytes_policy(uint8_t message[XFRM_BYTES], const struct kernel_policy *p,
                         enum kernel_verb verb);
/* The place of an attribute behind a head of `head` bytes, and its size; NULL: it is not there. */
const uint8_t *xfrm_bytes_attribute(const uint8_t *message, size_t len, size_t head, unsigned type,
                                    unsigned *size);

#endif
