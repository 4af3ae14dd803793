#include "counters.h"

#include "reply.h"

enum { /* notifications: RFC 2408, 3.14.1 */
    NO_PROPOSAL_CHOSEN = REPLY_NOTIFICATION + 14, INVALID_ID = REPLY_NOTIFICATION + 18,
    INVALID_HASH = REPLY_NOTIFICATION + 23, AUTHENTICATION_FAILED = REPLY_NOTIFICATION + 24,
    INVALID_SIGNATURE = REPLY_NOTIFICATION + 25
};

const char *counter_name(enum counter counter)
{
    static const char *const names[COUNTER_COUNT] = {
#define COUNTER(e, group, name) [COUNT_##e] = name,
        COUNTERS(COUNTER)
#undef COUNTER
    };
    return names[counter];
}

enum counter_group counter_group(enum counter counter)
{
    static const enum counter_group groups[COUNTER_COUNT] = {
#define COUNTER(e, group, name) [COUNT_##e] = GROUP_##group,
        COUNTERS(COUNTER)
#undef COUNTER
    };
    return groups[counter];
}

const char *counter_group_name(enum counter_group group)
{
    static const char *const names[COUNTER_GROUP_COUNT] = {
#define GROUP(e, name) [GROUP_##e] = name,
        COUNTER_GROUPS(GROUP)
#undef GROUP
    };
    return names[group];
}

static enum counter of_code(unsigned code)
{
    switch (code) {
    case REPLY_NO_RESPONSE:
        return COUNT_FAILED_NO_ANSWER;
    case REPLY_NO_KEY:
        return COUNT_FAILED_NO_SECRET;
    case NO_PROPOSAL_CHOSEN:
        return COUNT_FAILED_NO_PROPOSAL;
    case INVALID_HASH:
    case AUTHENTICATION_FAILED:
    case INVALID_SIGNATURE:
        return COUNT_FAILED_AUTHENTICATION;
    case REPLY_BAD_ID:
    case INVALID_ID:
        return COUNT_FAILED_IDENTITY;
    case REPLY_NO_ROUTE:
        return COUNT_FAILED_ROUTE;
    case REPLY_INTERNAL:
        return COUNT_FAILED_INTERNAL;
    default:
        return code >= REPLY_NOTIFICATION ? COUNT_FAILED_NOTIFICATION : COUNT_FAILED_OTHER;
    }
}

void counters_failed(struct counters *c, unsigned code)
{
    c->of[of_code(code)]++;
}
