/*
 * The kernel's answer to one request, put together from its datagrams.
 *
 * Pure: no socket, no clock. What a dump finds is kept until all of it is there: the kernel marks a
 * dump during which its list changed (NLM_F_DUMP_INTR), and such a one is of no use to anybody.
 * Not for: what the messages hold (xfrm.h), sending and waiting (netlink.h).
 */
#ifndef KERNEL_SA_REPLY_H
#define KERNEL_SA_REPLY_H

#include "xfrm.h"

struct found {
    bool is_policy;
    union {
        struct kernel_sa sa;
        struct kernel_policy policy;
    };
};

struct reply {
    uint32_t seq;                   /* of the request */
    struct kernel_result result;
    bool interrupted;               /* a dump that missed changes: to be asked for again */
    bool dump;
    struct found *found;            /* a dump's; owned */
    size_t count;
    size_t cap;
    size_t whole;                   /* of them, those of dumps that were not interrupted */
    unsigned tries;
    /* The last SA's message as it came, keys and all; kept_len 0: none, or too long. */
    _Alignas(8) uint8_t kept[XFRM_MESSAGE_MAX];
    size_t kept_len;
    struct xfrm_message message;    /* the one at hand */
};

#define DUMP_TRIES 5

/* Of zeroed memory, or of one that was used: what dumps found before stays, up to reply_wipe. */
void reply_start(struct reply *r, uint32_t seq, bool dump);
/* A datagram of the kernel. True: that was all; the result is there. */
bool reply_take(struct reply *r, const uint8_t *bytes, size_t len);
/* No more will come; errno value, and words or "". */
void reply_fail(struct reply *r, int error, const char *text);
/*
 * After each dump. True: it was interrupted, what it found is forgotten, and it is to be asked for
 * once more; after DUMP_TRIES the result is EAGAIN instead.
 */
bool reply_again(struct reply *r);
void reply_wipe(struct reply *r);

#endif
