/*
 * Messages of NETLINK_XFRM: built from and decoded into the words of kernel.h.
 *
 * Pure: no socket, no clock. Layouts are those of linux/xfrm.h and linux/netlink.h; builders write
 * whole messages, decoders believe no length in what they read. Not for: deciding anything
 * (core.h), sending (netlink.h).
 */
#ifndef KERNEL_SA_XFRM_H
#define KERNEL_SA_XFRM_H

#include "kernel.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>

#define XFRM_MESSAGE_MAX 2048 /* one request of ours; aligned to 8 bytes */

/*
 * Writes the message for any request but KERNEL_LIST, with an acknowledgement asked for. Returns
 * its length, or 0 if it does not fit. The message holds keys: the caller wipes it.
 */
size_t xfrm_build(void *bytes, size_t cap, const struct kernel_request *request, uint32_t seq);
/*
 * The second half of KERNEL_UPDATE_SA: `was`, the kernel's whole message about the SA as GETSA
 * brought it, made into the one that changes its life to that of `sa`. now: seconds since 1970.
 * An SA whose new life is over already gets SA_LAST_SECONDS more, but never more than it had.
 * Returns the length, or 0 if it is no such message, of another SA, or does not fit. Both hold
 * keys: the caller wipes them.
 */
#define SA_LAST_SECONDS 3
size_t xfrm_build_update(void *bytes, size_t cap, const void *was, size_t was_len,
                         const struct kernel_sa *sa, uint64_t now, uint32_t seq);
/* Asks for all SAs, or all policies. */
size_t xfrm_build_dump(void *bytes, size_t cap, bool policies, uint32_t seq);

enum xfrm_kind {
    XFRM_IS_OTHER,  /* of no interest to us */
    XFRM_IS_ACK,    /* `error` is the errno value, or 0 */
    XFRM_IS_DONE,   /* the end of a dump */
    XFRM_IS_SA,
    XFRM_IS_POLICY, /* but a socket's own policy is XFRM_IS_OTHER */
    XFRM_IS_STANDARD,
    XFRM_IS_EVENT
};

struct xfrm_message {
    enum xfrm_kind kind;
    uint32_t seq;
    /*
     * Of an answer: whose request it answers. Of an event that a request caused: what its sender had
     * put there (nlmsg_pid); 0: the kernel itself, or one that says nothing there.
     */
    uint32_t port;
    bool interrupted;           /* a dump that missed changes */
    int error;
    char text[KERNEL_TEXT];     /* extended ack; printable */
    struct kernel_sa sa;
    struct kernel_policy policy;
    enum standard standard[WAY_COUNT];
    struct kernel_event event;
};

/*
 * Decodes the first message of `len` bytes (aligned to 4) and sets *used to what it took with
 * padding. Returns NULL, or why it is wrong (static text): the rest is then not to be read.
 * Attributes that we do not know are skipped, those of keys are not looked at.
 */
const char *xfrm_read(struct xfrm_message *m, const void *bytes, size_t len, size_t *used);

/* ---- between the parts of this module ---- */

struct xfrm_attributes {
    const uint8_t *data[XFRMA_MAX + 1]; /* NULL: absent */
    uint16_t len[XFRMA_MAX + 1];
};

/* A value may be unaligned: copied out. False: absent or too short. */
bool xfrm_attribute(const struct xfrm_attributes *all, unsigned type, void *value, size_t size);

void xfrm_put_address(xfrm_address_t *out, const struct address *a);
void xfrm_get_address(struct address *out, const xfrm_address_t *a, unsigned family);
uint16_t xfrm_family(const struct address *a);
bool xfrm_put_sa(struct nlmsghdr *message, size_t cap, const struct kernel_sa *sa);
bool xfrm_put_sa_id(struct nlmsghdr *message, size_t cap, const struct kernel_sa *sa);
bool xfrm_put_policy(struct nlmsghdr *message, size_t cap, const struct kernel_policy *p);
bool xfrm_put_policy_id(struct nlmsghdr *message, size_t cap, const struct kernel_policy *p);
const char *xfrm_get_sa(struct kernel_sa *sa, const struct xfrm_usersa_info *info,
                        const struct xfrm_attributes *attributes);
/* *own: it is a policy of the kind that sockets have, which we leave alone. */
const char *xfrm_get_policy(struct kernel_policy *p, bool *own,
                            const struct xfrm_userpolicy_info *info,
                            const struct xfrm_attributes *attributes);
bool xfrm_get_selector(struct subnet *src, struct subnet *dst, const struct xfrm_selector *sel);

#endif
