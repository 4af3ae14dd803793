/*
 * Vendor ids that are told apart, by their beginnings: many end in a version or in capabilities
 * (interop Q7).
 *
 * A vendor id proves nothing and anybody may send any. Not for: what we do where a peer knows an
 * extension.
 */
#ifndef IKE_NEGOTIATE_VENDOR_H
#define IKE_NEGOTIATE_VENDOR_H

#include <stddef.h>
#include <stdint.h>

const char *vendor_name(const uint8_t *body, size_t len); /* NULL: unknown */

#endif
