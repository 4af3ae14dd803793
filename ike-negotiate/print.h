/*
 * Messages as lines for a person: debug classes `parsing` and `emitting`.
 *
 * Walks the tables of payload.h. Shows the bytes of payloads, which hold no key, but identities:
 * only for debug output. Not for: log lines about an offer (sa.h).
 */
#ifndef IKE_NEGOTIATE_PRINT_H
#define IKE_NEGOTIATE_PRINT_H

#include "message.h"

/* `text` has no newline and no control bytes, and lives only during the call. */
typedef void print_line(void *context, const char *text);

void print_header(const struct isakmp_header *h, print_line *line, void *context);
/* Each payload of a decoded message, nested ones indented; not the header. */
void print_payloads(const struct message *m, print_line *line, void *context);
/* A message under construction, before it is encrypted, header included. */
void print_packet(const uint8_t *packet, size_t len, print_line *line, void *context);

#endif
