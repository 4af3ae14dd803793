/*
 * What the core wants of the kernel and what the kernel says, in words of our own: SAs, policies,
 * requests, results, events.
 *
 * Plain data between core.h (which decides) and xfrm.h (which knows the kernel's layout). Times are
 * seconds, SPIs in host order. Not for: how any of it looks on netlink.
 */
#ifndef KERNEL_SA_KERNEL_H
#define KERNEL_SA_KERNEL_H

#include "lib/address.h"
#include "lib/algorithm.h"
#include "lib/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_TEXT 256     /* the kernel's own words about a refusal */
#define SA_KEY_MAX 36       /* aes256gcm16: key and salt */
#define SA_AUTH_MAX 64      /* hmac(sha512) */

/* Values are the kernel's XFRM_POLICY_IN, OUT, FWD. */
enum way { WAY_IN, WAY_OUT, WAY_FWD, WAY_COUNT };

/* Who made an SA or policy, as it can be read from the kernel again. */
enum maker { MAKER_STRANGER, MAKER_DAEMON, MAKER_HAND };

struct kernel_sa {
    struct address src;
    struct address dst;
    uint32_t spi;
    uint32_t reqid;
    bool transport;             /* else tunnel */
    const struct cipher *cipher; /* read back: NULL if it is none of ours */
    const struct hash *hash;    /* NULL with an AEAD cipher */
    uint32_t replay;            /* window in packets; 0 for an SA toward the peer */
    uint64_t soft;              /* seconds of life until EXPIRE is reported; 0: never */
    uint64_t hard;              /* seconds of life; 0: without end */
    uint8_t key_len;            /* never filled in when read back */
    uint8_t auth_len;
    uint8_t key[SA_KEY_MAX];
    uint8_t auth[SA_AUTH_MAX];
    /* Our mark on it. */
    enum maker maker;
    bool inbound;
    uint64_t exchange;
    /* Only read back. */
    uint64_t bytes;
    uint64_t packets;
    uint64_t added;             /* seconds since 1970 */
    uint64_t used;              /* first use, likewise; 0: never */
    uint8_t protocol;           /* 50 ESP, 51 AH, ... */
};

enum policy_kind { POLICY_IPSEC, POLICY_PASS, POLICY_DROP };

struct kernel_policy {
    struct subnet src;
    struct subnet dst;
    enum way way;
    enum policy_kind kind;
    /* Only for POLICY_IPSEC: the template. */
    bool transport;
    struct address tunnel_src;
    struct address tunnel_dst;
    uint32_t reqid;
    uint32_t priority;
    uint32_t index;             /* chosen by us: it is our mark; 0: the kernel chooses */
    enum maker maker;           /* read back: from the index */
    /* Only read back: */
    bool narrower;              /* it selects by protocol, port, interface or mark, too */
    bool optional;              /* all its templates are: what has no SA passes as it is */
    bool sub;                   /* `ptype sub`: asked beside the others, which are of type main */
    unsigned templates;         /* more than one: all of them apply; those above are the first's */
};

/* What the kernel does with a packet that no policy selects; by way. */
enum standard { STANDARD_UNKNOWN /* it has no choice there: accept */, STANDARD_BLOCK, STANDARD_ACCEPT };

enum kernel_verb {
    KERNEL_NONE, KERNEL_ADD_SA, KERNEL_DELETE_SA, KERNEL_GET_SA,
    KERNEL_UPDATE_SA, /* soft and hard of an SA that is there; all else stays as it is */
    KERNEL_ADD_POLICY, KERNEL_UPDATE_POLICY, KERNEL_DELETE_POLICY, KERNEL_GET_POLICY,
    KERNEL_GET_STANDARD,
    KERNEL_LIST /* every SA and policy: each is handed to core_found_* before the result */
};

struct kernel_request {
    enum kernel_verb verb;
    union {
        struct kernel_sa sa;
        struct kernel_policy policy;
    };
};

struct kernel_result {
    int error;              /* an errno value, or 0 */
    char text[KERNEL_TEXT]; /* the kernel's words (extended ack), or empty */
    bool found;             /* GET: what follows was filled in */
    struct kernel_sa sa;
    struct kernel_policy policy;
    enum standard standard[WAY_COUNT];
};

enum kernel_event_kind {
    EVENT_OTHER, EVENT_EXPIRE, EVENT_ACQUIRE,
    /* What another program did: */
    EVENT_SA_DELETED, EVENT_SAS_FLUSHED, EVENT_POLICY_DELETED /* or replaced */, EVENT_POLICIES_FLUSHED
};

struct kernel_event {
    enum kernel_event_kind kind;
    bool hard;                      /* EXPIRE */
    struct kernel_sa sa;            /* EXPIRE, SA_DELETED */
    struct kernel_policy policy;    /* ACQUIRE: the policy that trapped; POLICY_DELETED */
    struct subnet flow_src;         /* ACQUIRE: the packet */
    struct subnet flow_dst;
    uint32_t seq;                   /* ACQUIRE */
};

/*
 * Policies: one number range for each maker, so that they are known again (a chosen index is
 * honoured). `n` is 24 bits, and should not be in use.
 */
uint32_t policy_index(enum maker maker, enum way way, uint32_t n);
enum maker policy_index_maker(uint32_t index);
/* Narrow selectors go before wide ones. */
uint32_t policy_priority(const struct subnet *src, const struct subnet *dst);
bool policy_same_selector(const struct kernel_policy *a, const struct kernel_policy *b);
/* Would the kernel do the same with a packet? Priority and index are not compared. */
bool policy_same_effect(const struct kernel_policy *a, const struct kernel_policy *b);

/* One line for a person, without newline and without keys. */
void kernel_describe(struct buffer *out, const struct kernel_request *request);
void sa_describe(struct buffer *out, const struct kernel_sa *sa);
void policy_describe(struct buffer *out, const struct kernel_policy *p);
/* aes256-sha2_256; `unknown algorithms` where they are none of ours. */
void sa_describe_suite(struct buffer *out, const struct kernel_sa *sa);

/* printf into a buffer. */
void say(struct buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
