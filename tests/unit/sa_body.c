#include "sa_body.h"

#include <stdlib.h>
#include <string.h>

void body_put(struct sa_body *b, const void *bytes, size_t len)
{
    assert_true(len <= sizeof b->bytes - b->len);
    memcpy(b->bytes + b->len, bytes, len);
    b->len += len;
}

static void set_length(struct sa_body *b, size_t at)
{
    b->bytes[at + 2] = (uint8_t)((b->len - at) >> 8);
    b->bytes[at + 3] = (uint8_t)(b->len - at);
}

void body_begin(struct sa_body *b)
{
    *b = (struct sa_body){ .len = 0 };
    body_put(b, "\0\0\0\1\0\0\0\1", 8);
}

void body_proposal(struct sa_body *b, unsigned number, unsigned protocol, unsigned spi_size)
{
    static const uint8_t spi[256] = { 0xc0, 1, 2, 3 };
    if (b->proposal != 0) {
        b->bytes[b->proposal] = PAYLOAD_P;
    }
    b->proposal = b->len;
    b->transform = 0;
    uint8_t head[8] = { 0, 0, 0, 0, (uint8_t)number, (uint8_t)protocol, (uint8_t)spi_size, 0 };
    body_put(b, head, sizeof head);
    body_put(b, spi, spi_size);
    set_length(b, b->proposal);
}

void body_transform(struct sa_body *b, unsigned number, unsigned id)
{
    if (b->transform != 0) {
        b->bytes[b->transform] = PAYLOAD_T;
    }
    b->transform = b->len;
    uint8_t head[8] = { 0, 0, 0, 8, (uint8_t)number, (uint8_t)id, 0, 0 };
    body_put(b, head, sizeof head);
    b->bytes[b->proposal + 7]++;
    set_length(b, b->proposal);
}

void body_attribute(struct sa_body *b, const void *bytes, size_t len)
{
    body_put(b, bytes, len);
    set_length(b, b->transform);
    set_length(b, b->proposal);
}

void body_basic(struct sa_body *b, unsigned type, unsigned value)
{
    uint8_t a[4] = { (uint8_t)(0x80 | type >> 8), (uint8_t)type, (uint8_t)(value >> 8),
                     (uint8_t)value };
    body_attribute(b, a, sizeof a);
}

void body_variable(struct sa_body *b, unsigned type, uint64_t value, unsigned bytes)
{
    uint8_t a[4 + 16] = { (uint8_t)(type >> 8), (uint8_t)type, 0, (uint8_t)bytes };
    for (unsigned i = 0; i < bytes; i++) {
        a[4 + bytes - 1 - i] = (uint8_t)(i < 8 ? value >> 8 * i : 0);
    }
    body_attribute(b, a, 4 + bytes);
}

void body_ike(struct sa_body *b, unsigned number)
{
    body_transform(b, number, 1);
    body_basic(b, IKE_ENCRYPTION, 7);
    body_basic(b, IKE_KEY_LENGTH, 128);
    body_basic(b, IKE_HASH, 2);
    body_basic(b, IKE_AUTH_METHOD, AUTH_PSK);
    body_basic(b, IKE_GROUP, 14);
    body_basic(b, IKE_LIFE_TYPE, LIFE_SECONDS);
    body_basic(b, IKE_LIFE_DURATION, 3600);
}

void body_esp(struct sa_body *b, unsigned number)
{
    body_transform(b, number, 12);
    body_basic(b, IPSEC_KEY_LENGTH, 128);
    body_basic(b, IPSEC_AUTH, 2);
    body_basic(b, IPSEC_MODE, SA_MODE_TUNNEL);
    body_basic(b, IPSEC_LIFE_TYPE, LIFE_SECONDS);
    body_basic(b, IPSEC_LIFE_DURATION, 3600);
}

const char *body_decode(struct sa_offer *offer, sa_decoder *f, const uint8_t *bytes, size_t len)
{
    static uint8_t *copy;
    free(copy);
    copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return f(offer, copy, len);
}

struct ike_proposals ike_words(const char *text)
{
    struct ike_proposals p;
    assert_null(ike_proposals_parse(&p, text, NULL));
    return p;
}

struct esp_proposals esp_words(const char *text)
{
    struct esp_proposals p;
    assert_null(esp_proposals_parse(&p, text, NULL));
    return p;
}
