#include "show.h"

#include <inttypes.h>

/* The kernel's "never" is all ones; nobody lists an SA that lives for a century. */
#define FOREVER 3153600000u

static void show_maker(struct buffer *out, enum maker maker)
{
    buffer_add_text(out, maker == MAKER_DAEMON ? ", made by plutod"
                         : maker == MAKER_HAND ? ", made by hand"
                                               : ", made by another program");
}

static void show_age(struct buffer *out, const struct kernel_sa *sa, uint64_t now)
{
    uint64_t age = now > sa->added ? now - sa->added : 0;
    say(out, "    added %" PRIu64 " s ago", age);
    if (sa->used == 0) {
        buffer_add_text(out, ", never used");
    } else {
        say(out, ", first used %" PRIu64 " s ago", now > sa->used ? now - sa->used : 0);
    }
    if (sa->hard == 0 || sa->hard > FOREVER) {
        buffer_add_text(out, ", lives without limit\n");
    } else {
        say(out, ", lives %" PRIu64 " s, %" PRIu64 " s left\n", sa->hard,
            sa->hard > age ? sa->hard - age : 0);
    }
}

void show_sa(struct buffer *out, const struct kernel_sa *sa, uint64_t now)
{
    sa_describe(out, sa);
    say(out, "\n    %s, ", sa->transport ? "transport" : "tunnel");
    sa_describe_suite(out, sa);
    say(out, ", reqid %" PRIu32 ", replay window %" PRIu32, sa->reqid, sa->replay);
    show_maker(out, sa->maker);
    if (sa->maker != MAKER_STRANGER) {
        say(out, ", %s, exchange %" PRIu64, sa->inbound ? "inbound" : "outbound", sa->exchange);
    }
    say(out, "\n    %" PRIu64 " packets, %" PRIu64 " bytes\n", sa->packets, sa->bytes);
    show_age(out, sa, now);
}

void show_policy(struct buffer *out, const struct kernel_policy *p)
{
    policy_describe(out, p);
    say(out, ", priority %" PRIu32, p->priority);
    show_maker(out, p->maker);
    buffer_add_text(out, "\n");
}
