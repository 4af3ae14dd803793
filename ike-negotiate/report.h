/*
 * What the core says about exchanges and packets: lines to plutod, within their limits, and debug lines that show
 * messages. Internal to the core. Not for: what plutod has to know of an exchange (core.c).
 */
#ifndef REPORT_H
#define REPORT_H

#include "exchange.h"

/* ---- report.c ---- */
void report(struct ike *ike, struct exchange *x, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* About what came for x, and was not proved to be its peer's: uses up nothing of what report has.
 * False: left out. */
bool report_unproved(struct ike *ike, struct exchange *x, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* One more of what an exchange may cause in a minute; it has 16 at once. */
bool exchange_may(const struct ike *ike, struct line_bucket *b);
/* What probably is wrong with it, by what anybody could have sent; the caller says how often. */
void report_hint(struct ike *ike, const struct exchange *x, const char *why);
/* About a packet that belongs to nothing that we know; bounded per second: false if left out. */
bool report_stranger(struct ike *ike, const struct path *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void report_debug(struct ike *ike, const struct exchange *x, unsigned debug_class,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same; the path says whose line it is where there is no exchange that plutod knows. */
void report_debug_at(struct ike *ike, const struct exchange *x, const struct path *path,
                     unsigned debug_class, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Each of ODD_... once for the ISAKMP SA, at debug level. */
void report_odd(struct ike *ike, const struct exchange *x, unsigned odd);

/* A message is ignored for this reason. */
void count_ignored(struct ike *ike, enum flaw flaw);
void tell_ignored(struct ike *ike);

/* ---- trace.c: debug lines about messages; x may be NULL ---- */
void trace_parsed(struct ike *ike, const struct exchange *x, const struct message *m);
void trace_emitted(struct ike *ike, const struct exchange *x, const struct buffer *message); /* not sealed yet */
/* what: "encrypted" or "decrypted"; the IV before that, and what was or will be in the clear. No key is shown. */
void trace_crypt(struct ike *ike, const struct exchange *x, const char *what, const struct isakmp_keys *keys,
                 const uint8_t *iv, const uint8_t *plain, size_t len);
void trace_raw(struct ike *ike, const struct exchange *x, const struct path *path, const char *what,
               const uint8_t *bytes, size_t len);
/* Sends a datagram. */
void transmit(struct ike *ike, const struct exchange *x, const struct path *path, const uint8_t *bytes,
              size_t len);

#endif
