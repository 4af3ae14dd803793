#include "message.h"

#include <assert.h>
#include <bsd/sys/endian.h>
#include <string.h>

/* ---- header ---- */

const char *exchange_type_name(unsigned exchange)
{
    switch (exchange) {
    case EXCHANGE_BASE:
        return "Base";
    case EXCHANGE_MAIN:
        return "Identity Protection (Main Mode)";
    case EXCHANGE_AUTH_ONLY:
        return "Authentication Only";
    case EXCHANGE_AGGRESSIVE:
        return "Aggressive Mode";
    case EXCHANGE_INFORMATIONAL:
        return "Informational";
    case EXCHANGE_TRANSACTION:
        return "Transaction (Mode Config or XAUTH)";
    case EXCHANGE_QUICK:
        return "Quick Mode";
    case EXCHANGE_NEW_GROUP:
        return "New Group Mode";
    default:
        return NULL;
    }
}

static const char *check_version(unsigned version)
{
    if (version == ISAKMP_VERSION) {
        return NULL;
    }
    if (version >> 4 == 2) {
        return "an IKEv2 message (set the peer to IKEv1)";
    }
    return "a version of ISAKMP that is not 1.0";
}

static const char *check_header(const struct isakmp_header *h, size_t len)
{
    static const uint8_t zero[COOKIE_LEN];
    const char *why = check_version(h->version);
    if (why != NULL) {
        return why;
    }
    if (h->length < ISAKMP_HEADER_LEN) {
        return "a length field that is less than the header's 28 bytes";
    }
    if (h->length > len) {
        return "a datagram that is shorter than its length field";
    }
    if (h->length < len) {
        return "a datagram that is longer than its length field";
    }
    if (exchange_type_name(h->exchange) == NULL) {
        return "an unknown exchange type";
    }
    if ((h->flags & ~(FLAG_ENCRYPTION | FLAG_COMMIT | FLAG_AUTH_ONLY)) != 0) {
        return "unknown flags in the header";
    }
    return memcmp(h->cky_i, zero, COOKIE_LEN) == 0 ? "an initiator cookie of 0" : NULL;
}

const char *header_decode(struct isakmp_header *h, const uint8_t *packet, size_t len)
{
    memset(h, 0, sizeof *h);
    if (len < ISAKMP_HEADER_LEN) {
        return "a datagram that is shorter than an ISAKMP header";
    }
    memcpy(h->cky_i, packet, COOKIE_LEN);
    memcpy(h->cky_r, packet + COOKIE_LEN, COOKIE_LEN);
    h->next_payload = packet[16];
    h->version = packet[17];
    h->exchange = packet[18];
    h->flags = packet[19];
    h->message_id = be32dec(packet + 20);
    h->length = be32dec(packet + ISAKMP_LENGTH_AT);
    return check_header(h, len);
}

/* ---- payloads ---- */

#define BLOCK_LONGEST 16 /* of the ciphers that we have */
#define PRIVATE_FIRST 128
#define IKEV2_FIRST 33 /* RFC 7296, 3.2 */
#define IKEV2_LAST 54

static const char *check_payload(unsigned type, const struct chain_item *item)
{
    struct payload_view view;
    if (type == PAYLOAD_P || type == PAYLOAD_T) {
        return "a proposal or transform outside of an SA payload";
    }
    if (payload_spec(type) != NULL) {
        return payload_decode(&view, type, item->body, item->body_len);
    }
    if (type >= PRIVATE_FIRST) {
        return NULL;
    }
    return type >= IKEV2_FIRST && type <= IKEV2_LAST ? "a payload type of IKEv2"
                                                     : "an unknown payload type";
}

/* Padding, and what old peers put there (interop Q5). */
static unsigned trailing_odd(const uint8_t *at, size_t left)
{
    for (size_t i = 0; i < left; i++) {
        if (at[i] != 0) {
            return ODD_TRAILING;
        }
    }
    return left > BLOCK_LONGEST ? ODD_TRAILING : ODD_NONE;
}

const char *payloads_decode(struct message *m, uint8_t first_type, const uint8_t *bytes,
                            size_t len)
{
    const uint8_t *at = bytes;
    size_t left = len;
    uint8_t type = first_type;

    m->count = 0;
    m->odd = ODD_NONE;
    m->payloads = bytes;
    m->payloads_len = 0;
    while (type != PAYLOAD_NONE) {
        struct chain_item item;
        if (m->count == PAYLOADS_MAX) {
            return "too many payloads";
        }
        const char *why = chain_take(&item, &at, &left);
        if (why == NULL) {
            why = check_payload(type, &item);
        }
        if (why != NULL) {
            return why;
        }
        m->odd |= item.reserved != 0 ? ODD_RESERVED : ODD_NONE;
        m->odd |= payload_spec(type) == NULL ? ODD_PRIVATE_PAYLOAD : ODD_NONE;
        m->payload[m->count++] = (struct payload){
            .type = type,
            .whole = item.whole,
            .whole_len = item.whole_len,
            .body = item.body,
            .body_len = item.body_len,
            .offset = m->payloads_len,
        };
        m->payloads_len += item.whole_len;
        type = item.next;
    }
    m->odd |= trailing_odd(at, left);
    return NULL;
}

const struct payload *message_find(const struct message *m, unsigned type, unsigned nth)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->payload[i].type == type && nth-- == 0) {
            return &m->payload[i];
        }
    }
    return NULL;
}

size_t message_count(const struct message *m, unsigned type)
{
    size_t count = 0;
    for (size_t i = 0; i < m->count; i++) {
        count += m->payload[i].type == type;
    }
    return count;
}

/* ---- writing ---- */

void message_begin(struct message_writer *w, struct buffer *out, const uint8_t cky_i[COOKIE_LEN],
                   const uint8_t cky_r[COOKIE_LEN], unsigned exchange, unsigned flags,
                   uint32_t message_id)
{
    *w = (struct message_writer){ .out = out, .start = out->len, .next_at = out->len + 16 };
    buffer_add(out, cky_i, COOKIE_LEN);
    buffer_add(out, cky_r, COOKIE_LEN);
    buffer_add_u8(out, PAYLOAD_NONE);
    buffer_add_u8(out, ISAKMP_VERSION);
    buffer_add_u8(out, exchange);
    buffer_add_u8(out, flags);
    buffer_add_u32(out, message_id);
    buffer_add_u32(out, 0);
}

void message_payload(struct message_writer *w, unsigned type)
{
    assert(w->payload_at == 0);
    if (w->next_at < w->out->len) {
        w->out->data[w->next_at] = (uint8_t)type;
    }
    w->payload_at = w->out->len;
    w->next_at = w->payload_at;
    buffer_add_u32(w->out, 0);
}

void message_payload_end(struct message_writer *w)
{
    assert(w->payload_at != 0);
    size_t len = w->out->len - w->payload_at;
    if (len > 0xffff) {
        w->out->overflowed = true;
    }
    buffer_put_u16(w->out, w->payload_at + 2, (unsigned)(len & 0xffff));
    w->payload_at = 0;
}

void message_raw(struct message_writer *w, unsigned type, const void *body, size_t len)
{
    message_payload(w, type);
    buffer_add(w->out, body, len);
    message_payload_end(w);
}

bool message_end(struct message_writer *w)
{
    assert(w->payload_at == 0);
    size_t len = w->out->len - w->start;
    if (w->out->overflowed || len > DATAGRAM_MAX) {
        return false;
    }
    buffer_put_u16(w->out, w->start + ISAKMP_LENGTH_AT, (unsigned)(len >> 16));
    buffer_put_u16(w->out, w->start + ISAKMP_LENGTH_AT + 2, (unsigned)(len & 0xffff));
    return true;
}

/* ---- notifications and deletes ---- */

const char *notification_decode(struct notification *n, const uint8_t *body, size_t len)
{
    struct payload_view v;
    const char *why = payload_decode(&v, PAYLOAD_N, body, len);
    if (why != NULL) {
        return why;
    }
    if (v.field[N_DOI].number > DOI_IPSEC) {
        return "a notification of an unknown DOI";
    }
    if (v.field[N_SPI_SIZE].number > ISAKMP_SPI_MAX) {
        return "a notification with an SPI of more than 16 bytes";
    }
    if (v.field[N_TYPE].number == 0) {
        return "a notification of type 0";
    }
    *n = (struct notification){
        .doi = v.field[N_DOI].number,
        .protocol = v.field[N_PROTOCOL].number,
        .type = v.field[N_TYPE].number,
        .spi = v.field[N_SPI].bytes,
        .spi_len = v.field[N_SPI].len,
        .data = v.field[N_DATA].bytes,
        .data_len = v.field[N_DATA].len,
    };
    return NULL;
}

void notification_encode(struct buffer *body, const struct notification *n)
{
    assert(n->spi_len <= ISAKMP_SPI_MAX);
    const struct payload_view v = {
        .spec = payload_spec(PAYLOAD_N),
        .field = { [N_DOI] = { .number = n->doi },
                   [N_PROTOCOL] = { .number = n->protocol },
                   [N_SPI_SIZE] = { .number = (uint32_t)n->spi_len },
                   [N_TYPE] = { .number = n->type },
                   [N_SPI] = { .bytes = n->spi, .len = n->spi_len },
                   [N_DATA] = { .bytes = n->data, .len = n->data_len } },
    };
    payload_encode(body, &v);
}

static bool spi_size_fits(unsigned protocol, size_t size)
{
    switch (protocol) {
    case PROTOCOL_ISAKMP:
        return size == 16 || size == 8 || size == 0;
    case PROTOCOL_AH:
    case PROTOCOL_ESP:
        return size == 4;
    case PROTOCOL_IPCOMP:
        return size == 2 || size == 4;
    default:
        return false;
    }
}

const char *delete_decode(struct delete_payload *d, const uint8_t *body, size_t len)
{
    struct payload_view v;
    const char *why = payload_decode(&v, PAYLOAD_D, body, len);
    if (why != NULL) {
        return why;
    }
    if (v.field[D_DOI].number > DOI_IPSEC) {
        return "a Delete of an unknown DOI";
    }
    if (protocol_name(v.field[D_PROTOCOL].number) == NULL) {
        return "a Delete for an unknown protocol";
    }
    if (!spi_size_fits(v.field[D_PROTOCOL].number, v.field[D_SPI_SIZE].number)) {
        return "a Delete with an SPI size that its protocol does not have";
    }
    if (v.field[D_COUNT].number == 0) {
        return "a Delete without any SPI";
    }
    if (v.field[D_SPI_SIZE].number == 0 && v.field[D_COUNT].number > 1) {
        return "a Delete of many SPIs without any bytes";
    }
    *d = (struct delete_payload){
        .doi = v.field[D_DOI].number,
        .protocol = v.field[D_PROTOCOL].number,
        .spi_size = v.field[D_SPI_SIZE].number,
        .count = v.field[D_COUNT].number,
        .spis = v.field[D_SPIS].bytes,
    };
    return NULL;
}

void delete_encode(struct buffer *body, const struct delete_payload *d)
{
    const struct payload_view v = {
        .spec = payload_spec(PAYLOAD_D),
        .field = { [D_DOI] = { .number = d->doi },
                   [D_PROTOCOL] = { .number = d->protocol },
                   [D_SPI_SIZE] = { .number = (uint32_t)d->spi_size },
                   [D_COUNT] = { .number = (uint32_t)d->count },
                   [D_SPIS] = { .bytes = d->spis, .len = d->count * d->spi_size } },
    };
    payload_encode(body, &v);
}
