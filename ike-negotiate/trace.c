/*
 * Debug lines about whole messages [P9]: `raw`, what is on the wire; `parsing` and `emitting`, what is
 * in it, without its encryption.
 */
#include "exchange.h"
#include "print.h"

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

void trace_raw(struct ike *ike, const struct exchange *x, const struct path *path, const char *what,
               const uint8_t *bytes, size_t len)
{
    char hex[2 * RAW_BYTES + 1] = "";
    char remote[ADDRESS_TEXT];
    const char *rest = len > RAW_BYTES ? "..." : "";
    if (!log_wants(&ike->log, DEBUG_RAW)) {
        return;
    }
    for (size_t i = 0; i < len && i < RAW_BYTES; i++) {
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    }
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
