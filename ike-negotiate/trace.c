/*
 * Debug lines about whole messages [P9]: `raw`, what is on the wire; `crypt`, what is encrypted and how;
 * `parsing` and `emitting`, what is in it, without its encryption.
 */
#include "exchange.h"
#include "print.h"
#include "report.h"

#include <stdio.h>

#define RAW_BYTES 1500 /* shown of one datagram */

struct line_context {
    struct ike *ike;
    const struct exchange *x;
    unsigned debug_class;
};

static void put(void *context, const char *text)
{
    const struct line_context *c = context;
    report_debug(c->ike, c->x, c->debug_class, "%s", text);
}

void trace_parsed(struct ike *ike, const struct exchange *x, const struct message *m)
{
    struct line_context c = { ike, x, DEBUG_PARSING };
    if (log_wants(&ike->log, DEBUG_PARSING)) {
        print_header(&m->header, put, &c);
        print_payloads(m, put, &c);
    }
}

void trace_emitted(struct ike *ike, const struct exchange *x, const struct buffer *message)
{
    struct line_context c = { ike, x, DEBUG_EMITTING };
    if (log_wants(&ike->log, DEBUG_EMITTING) && !message->overflowed) {
        print_packet(message->data, message->len, put, &c);
    }
}

/* At most RAW_BYTES of them. */
static void print_hex(const uint8_t *bytes, size_t len, char hex[2 * RAW_BYTES + 1])
{
    hex[0] = '\0';
    for (size_t i = 0; i < len && i < RAW_BYTES; i++) {
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    }
}

void trace_crypt(struct ike *ike, const struct exchange *x, const char *what, const struct isakmp_keys *keys,
                 const uint8_t *iv, const uint8_t *plain, size_t len)
{
    char hex[2 * RAW_BYTES + 1];
    char iv_hex[2 * RAW_BYTES + 1];
    if (!log_wants(&ike->log, DEBUG_CRYPT)) {
        return;
    }
    print_hex(plain, len, hex);
    print_hex(iv, keys->cipher->block_len, iv_hex);
    report_debug(ike, x, DEBUG_CRYPT, "%s by %s, IV %s, %zu bytes: %s%s", what, keys->cipher->word, iv_hex, len,
                 hex, len > RAW_BYTES ? "..." : "");
}

void trace_raw(struct ike *ike, const struct exchange *x, const struct path *path, const char *what,
               const uint8_t *bytes, size_t len)
{
    char hex[2 * RAW_BYTES + 1];
    char remote[ADDRESS_TEXT];
    const char *rest = len > RAW_BYTES ? "..." : "";
    if (!log_wants(&ike->log, DEBUG_RAW)) {
        return;
    }
    print_hex(bytes, len, hex);
    address_print(&path->remote, remote);
    report_debug_at(ike, x, path, DEBUG_RAW, "%s %s:%u, %zu bytes: %s%s", what, remote,
                    path->remote_port, len, hex, rest);
}

void transmit(struct ike *ike, const struct exchange *x, const struct path *path, const uint8_t *bytes,
              size_t len)
{
    trace_raw(ike, x, path, "sent to", bytes, len);
    ike->out.send(ike->out.context, path, bytes, len);
}
