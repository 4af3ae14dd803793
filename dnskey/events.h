/*
 * libunbound's events, by libev: its sockets and timers become watchers of our loop (unbound-event.h).
 *
 * libev sees no difference between errors and readiness, and neither does libunbound. Not for: asking (resolver.h).
 */
#ifndef DNSKEY_EVENTS_H
#define DNSKEY_EVENTS_H

#include <ev.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

#include <unbound-event.h>

struct events {
    struct ub_event_base base; /* for ub_ctx_create_ub_event */
    struct ev_loop *loop;      /* borrowed */
};

void events_init(struct events *e, struct ev_loop *loop);

#endif
