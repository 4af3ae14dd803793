/*
 * What plutod counts since it was started: negotiations and how they ended, by kind; messages that
 * were ignored are counted by their flaw (lib/schema.h), as ike-negotiate reports them.
 *
 * The one list of what is counted; --status shows it under these names. Not for: bytes and packets,
 * which the kernel counts for each SA.
 */
#ifndef PLUTOD_COUNTERS_H
#define PLUTOD_COUNTERS_H

#include "schema.h"

/* Main Modes and Quick Modes, each for itself. COUNTER(enumerator, group, name) */
#define COUNTERS(COUNTER) \
    COUNTER(BEGUN_BY_US, NEGOTIATIONS, "begun_by_us") \
    COUNTER(BEGUN_BY_PEERS, NEGOTIATIONS, "begun_by_peers") \
    COUNTER(BEGUN_ANEW, NEGOTIATIONS, "begun_anew") \
    COUNTER(ISAKMP_UP, NEGOTIATIONS, "isakmp_established") \
    COUNTER(IPSEC_UP, NEGOTIATIONS, "ipsec_established") \
    COUNTER(FAILED_NO_ANSWER, FAILED, "no_answer") \
    COUNTER(FAILED_NO_SECRET, FAILED, "no_secret") \
    COUNTER(FAILED_NO_CONNECTION, FAILED, "no_connection") \
    COUNTER(FAILED_NO_PROPOSAL, FAILED, "no_proposal_chosen") \
    COUNTER(FAILED_AUTHENTICATION, FAILED, "authentication") \
    COUNTER(FAILED_IDENTITY, FAILED, "identity") \
    COUNTER(FAILED_NOTIFICATION, FAILED, "other_notification") \
    COUNTER(FAILED_ROUTE, FAILED, "cannot_route") \
    COUNTER(FAILED_INTERNAL, FAILED, "internal") \
    COUNTER(FAILED_WITH_MAIN, FAILED, "with_its_main_mode") \
    COUNTER(FAILED_OTHER, FAILED, "other") \
    COUNTER(RETRANSMISSIONS, MESSAGES, "retransmissions") \
    COUNTER(NOTIFICATIONS, MESSAGES, "notifications_from_peers") \
    COUNTER(DELETES, MESSAGES, "deletes_from_peers") \
    COUNTER(EXPIRED_ISAKMP, EXPIRED, "isakmp") \
    COUNTER(EXPIRED_IPSEC, EXPIRED, "ipsec")

/* GROUP(enumerator, name), in the order of the list above */
#define COUNTER_GROUPS(GROUP) \
    GROUP(NEGOTIATIONS, "negotiations") \
    GROUP(FAILED, "failed") \
    GROUP(MESSAGES, "messages") \
    GROUP(EXPIRED, "expired")

enum counter {
#define COUNTER(e, group, name) COUNT_##e,
    COUNTERS(COUNTER)
#undef COUNTER
    COUNTER_COUNT
};

enum counter_group {
#define GROUP(e, name) GROUP_##e,
    COUNTER_GROUPS(GROUP)
#undef GROUP
    COUNTER_GROUP_COUNT
};

struct counters {
    uint64_t of[COUNTER_COUNT];
    uint64_t ignored[FLAW_COUNT];
};

const char *counter_name(enum counter counter);
enum counter_group counter_group(enum counter counter);
const char *counter_group_name(enum counter_group group);

/* A negotiation ended without success, with this code for whack [W11]. */
void counters_failed(struct counters *c, unsigned code);

#endif
