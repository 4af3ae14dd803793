/*
 * Informational exchanges that go out: notifications and Deletes (RFC 2409, 5.7), protected as soon
 * as there are keys.
 */
#include "informational.h"
#include "report.h"

#include <bsd/sys/endian.h>
#include <string.h>

static void send_protected(struct ike *ike, struct exchange *main, unsigned type,
                           const struct buffer *body)
{
    static const uint8_t zeros[HASH_MAX];
    struct isakmp_sa *sa = main->sa;
    struct buffer bytes;
    struct message_writer w;
    uint32_t message_id = draw_message_id(ike);
    uint8_t m_id[4];
    uint8_t hash[HASH_MAX];
    uint8_t iv[IV_MAX];

    if (message_id == 0) {
        return;
    }
    be32enc(m_id, message_id);
    buffer_init(&bytes, MESSAGE_MAX);
    message_begin(&w, &bytes, sa->cky_i, sa->cky_r, EXCHANGE_INFORMATIONAL, 0, message_id);
    message_raw(&w, PAYLOAD_HASH, zeros, sa->keys.hash->len);
    message_raw(&w, type, body->data, body->len);
    if (message_end(&w)) {
        size_t rest = ISAKMP_HEADER_LEN + GENERIC_HEADER_LEN + sa->keys.hash->len;
        const struct part parts[] = { { m_id, sizeof m_id },
                                      { bytes.data + rest, bytes.len - rest } };
        isakmp_hash(&sa->keys, parts, 2, hash);
        memcpy(bytes.data + ISAKMP_HEADER_LEN + GENERIC_HEADER_LEN, hash, sa->keys.hash->len);
        seen_own(sa, hash);
        iv_phase2(&sa->keys, sa->iv, message_id, iv);
        trace_emitted(ike, main, &bytes);
        trace_crypt(ike, main, "encrypted", &sa->keys, iv, bytes.data + ISAKMP_HEADER_LEN,
                    bytes.len - ISAKMP_HEADER_LEN);
        if (message_seal(&bytes, &sa->keys, iv)) {
            transmit(ike, main, &sa->path, bytes.data, bytes.len);
        }
    }
    buffer_wipe(&bytes);
}

void send_clear_notification(struct ike *ike, const struct path *path, const uint8_t *cky_i,
                             const uint8_t *cky_r, unsigned type)
{
    const struct notification n = { .doi = DOI_IPSEC, .protocol = PROTOCOL_ISAKMP, .type = type };
    struct message_writer w;
    struct buffer bytes;
    struct buffer body;
    uint32_t message_id = draw_message_id(ike);

    if (message_id == 0) {
        return;
    }
    buffer_init(&body, 256);
    notification_encode(&body, &n);
    buffer_init(&bytes, MESSAGE_MAX);
    message_begin(&w, &bytes, cky_i, cky_r, EXCHANGE_INFORMATIONAL, 0, message_id);
    message_raw(&w, PAYLOAD_N, body.data, body.len);
    if (message_end(&w)) {
        trace_emitted(ike, NULL, &bytes);
        transmit(ike, NULL, path, bytes.data, bytes.len);
    }
    buffer_wipe(&body);
    buffer_wipe(&bytes);
}

void send_notification(struct ike *ike, struct exchange *main, unsigned type, unsigned protocol,
                       const uint8_t *spi, size_t spi_len)
{
    const struct notification n = { .doi = DOI_IPSEC, .protocol = protocol, .type = type,
                                    .spi = spi, .spi_len = spi_len };
    struct buffer body;

    if (main->sa->keys.cipher == NULL) { /* no HASH that the peer could check: it goes as a hint */
        send_clear_notification(ike, &main->sa->path, main->sa->cky_i, main->sa->cky_r, type);
        return;
    }
    buffer_init(&body, 256);
    notification_encode(&body, &n);
    send_protected(ike, main, PAYLOAD_N, &body);
    buffer_wipe(&body);
}

void send_delete_isakmp(struct ike *ike, struct exchange *main)
{
    uint8_t spi[2 * COOKIE_LEN];
    memcpy(spi, main->sa->cky_i, COOKIE_LEN);
    memcpy(spi + COOKIE_LEN, main->sa->cky_r, COOKIE_LEN);
    send_delete(ike, main, PROTOCOL_ISAKMP, spi, sizeof spi);
}

void send_delete(struct ike *ike, struct exchange *main, unsigned protocol, const uint8_t *spi,
                 size_t spi_len)
{
    const struct delete_payload d = { .doi = DOI_IPSEC, .protocol = protocol, .spi_size = spi_len,
                                      .count = 1, .spis = spi };
    struct buffer body;
    buffer_init(&body, 256);
    delete_encode(&body, &d);
    send_protected(ike, main, PAYLOAD_D, &body);
    buffer_wipe(&body);
}
