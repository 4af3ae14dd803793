/*
 * ISAKMP messages: header and chain of payloads, decoded and encoded (RFC 2408, 3.1 and 3.2).
 *
 * Decoding is pure and borrows from the packet. Strict about lengths; bytes after the last payload
 * and unknown private payloads are accepted (interop Q5, Q6). Not for: encryption (crypt.h),
 * order and number of payloads (the exchange tables).
 */
#ifndef IKE_NEGOTIATE_MESSAGE_H
#define IKE_NEGOTIATE_MESSAGE_H

#include "buffer.h"
#include "bounds.h"
#include "oddity.h"
#include "payload.h"

enum { /* RFC 2408, 3.1; RFC 2409, appendix A; draft-ietf-ipsec-isakmp-mode-cfg */
    EXCHANGE_BASE = 1,
    EXCHANGE_MAIN = 2, /* Identity Protection */
    EXCHANGE_AUTH_ONLY = 3,
    EXCHANGE_AGGRESSIVE = 4,
    EXCHANGE_INFORMATIONAL = 5,
    EXCHANGE_TRANSACTION = 6,
    EXCHANGE_QUICK = 32,
    EXCHANGE_NEW_GROUP = 33
};

enum { FLAG_ENCRYPTION = 1, FLAG_COMMIT = 2, FLAG_AUTH_ONLY = 4 };

#define ISAKMP_HEADER_LEN 28
#define ISAKMP_VERSION 0x10
#define ISAKMP_LENGTH_AT 24 /* place of the length field */

struct isakmp_header {
    uint8_t cky_i[COOKIE_LEN];
    uint8_t cky_r[COOKIE_LEN];
    uint8_t next_payload;
    uint8_t version;
    uint8_t exchange;
    uint8_t flags;
    uint32_t message_id;
    uint32_t length; /* header included */
};

struct payload {
    uint8_t type;
    const uint8_t *whole; /* with its generic header; borrowed */
    size_t whole_len;
    const uint8_t *body;
    size_t body_len;
    size_t offset;        /* of `whole` from the first payload */
};

struct message {
    struct isakmp_header header;
    size_t count;
    struct payload payload[PAYLOADS_MAX];
    const uint8_t *payloads; /* the first one; borrowed */
    size_t payloads_len;     /* without padding */
    unsigned odd;            /* ODD_... */
};

/*
 * `len` bytes of a datagram (without a non-ESP marker). Returns NULL or why it is refused (static):
 * short, length field not the datagram's, version not 1.0, unknown exchange type or flag, zero
 * CKY-I. *h is filled in as far as the datagram goes.
 */
const char *header_decode(struct isakmp_header *h, const uint8_t *packet, size_t len);

/*
 * The chain that begins with a payload of first_type. Fills in all of m but the header. Bytes after
 * the last payload are padding. Payloads that we know are checked against their tables, unknown
 * private ones (128 and up) kept, other unknown ones refused. Returns NULL or why (static).
 */
const char *payloads_decode(struct message *m, uint8_t first_type, const uint8_t *bytes,
                            size_t len);

/* The nth (from 0) payload of that type, or NULL. */
const struct payload *message_find(const struct message *m, unsigned type, unsigned nth);
size_t message_count(const struct message *m, unsigned type);

const char *exchange_type_name(unsigned exchange); /* Identity Protection, ...; NULL: unknown */

/* ---- writing ---- */

/* Zero-initialised state is not valid: message_begin first. */
struct message_writer {
    struct buffer *out;
    size_t start;      /* of the message in out */
    size_t next_at;    /* place of the next-payload byte to be patched */
    size_t payload_at; /* place of the payload that is being written; 0: none */
};

/* Appends to `out`, which may hold something already (a non-ESP marker). */
void message_begin(struct message_writer *w, struct buffer *out, const uint8_t cky_i[COOKIE_LEN],
                   const uint8_t cky_r[COOKIE_LEN], unsigned exchange, unsigned flags,
                   uint32_t message_id);
void message_payload(struct message_writer *w, unsigned type); /* then add the body to w->out */
void message_payload_end(struct message_writer *w);            /* patches its length */
void message_raw(struct message_writer *w, unsigned type, const void *body, size_t len);
/* Patches the message's length, padding excluded. False: it did not fit the buffer. */
bool message_end(struct message_writer *w);

/* ---- notifications and deletes, as a whole payload each ---- */

struct notification {
    uint32_t doi;       /* 0 is accepted beside 1 */
    unsigned protocol;  /* PROTOCOL_... */
    unsigned type;      /* notify.h */
    const uint8_t *spi; /* borrowed */
    size_t spi_len;
    const uint8_t *data; /* borrowed */
    size_t data_len;
};

const char *notification_decode(struct notification *n, const uint8_t *body, size_t len);
void notification_encode(struct buffer *body, const struct notification *n);

struct delete_payload {
    uint32_t doi;
    unsigned protocol;
    size_t spi_size; /* ISAKMP: 16, or 8 or 0 (interop Q10); AH and ESP: 4; IPCOMP: 2 or 4 */
    size_t count;    /* at least 1 */
    const uint8_t *spis; /* borrowed; count * spi_size bytes */
};

const char *delete_decode(struct delete_payload *d, const uint8_t *body, size_t len);
void delete_encode(struct buffer *body, const struct delete_payload *d);

#endif
