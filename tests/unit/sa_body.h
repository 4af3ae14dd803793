/*
 * The body of an SA payload put together by hand, for tests of proposals on the wire: whatever is
 * added, the lengths and counts around it are set. Not for: what we send ourselves (sa_encode_*).
 */
#ifndef TESTS_SA_BODY_H
#define TESTS_SA_BODY_H

#include "ike-negotiate/attribute.h"
#include "ike-negotiate/sa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct sa_body {
    uint8_t bytes[8192];
    size_t len;
    size_t proposal; /* where it begins; 0: none */
    size_t transform;
};

void body_begin(struct sa_body *b); /* DOI and situation */
void body_put(struct sa_body *b, const void *bytes, size_t len); /* sets no lengths */
/* They follow the last one; what comes after them goes into them. */
void body_proposal(struct sa_body *b, unsigned number, unsigned protocol, unsigned spi_size);
void body_transform(struct sa_body *b, unsigned number, unsigned id);
/* Attributes of the last transform. */
void body_attribute(struct sa_body *b, const void *bytes, size_t len);
void body_basic(struct sa_body *b, unsigned type, unsigned value);
/* `bytes` of value */
void body_variable(struct sa_body *b, unsigned type, uint64_t value, unsigned bytes);
/* Whole transforms. */
void body_ike(struct sa_body *b, unsigned number); /* aes128-sha1-modp2048/psk for 3600 s */
void body_esp(struct sa_body *b, unsigned number); /* aes128-sha1 in tunnel mode for 3600 s */

typedef const char *sa_decoder(struct sa_offer *o, const uint8_t *body, size_t len);
/* Of a copy without a byte more. It stays until the next one. */
const char *body_decode(struct sa_offer *offer, sa_decoder *f, const uint8_t *bytes, size_t len);

/* Proposals by the words of whack. */
struct ike_proposals ike_words(const char *text);
struct esp_proposals esp_words(const char *text);

#endif
