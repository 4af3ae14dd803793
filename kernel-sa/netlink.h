/*
 * The sockets to the kernel: a request and its result, and what the kernel reports by itself.
 *
 * Opened before the sandbox is entered. XFRM requests are done before sendto returns, so waiting
 * for a result never blocks on anything but the loading of a kernel module. Not for: what is in
 * the messages (xfrm.h).
 */
#ifndef KERNEL_SA_NETLINK_H
#define KERNEL_SA_NETLINK_H

#include "kernel.h"
#include "reply.h"

struct netlink;

/* NULL: not opened, errno says why. `events`: EXPIRE, ACQUIRE and what other programs delete too. */
struct netlink *netlink_new(bool events);
void netlink_free(struct netlink *n); /* NULL is allowed; wipes */

/* Gets each SA, and then each policy, that a KERNEL_LIST finds; f is gone when it returns. */
typedef void netlink_visitor(void *context, const struct found *f);

/*
 * Does one request and waits for the result. `visit` is only for KERNEL_LIST: it is called when all
 * was read, and not at all if that failed.
 */
void netlink_do(struct netlink *n, const struct kernel_request *request,
                struct kernel_result *result, netlink_visitor *visit, void *context);

int netlink_event_fd(const struct netlink *n); /* to be watched; -1: none */

typedef void netlink_event_handler(void *context, const struct kernel_event *event);

/*
 * Hands out all events that are there. Returns NULL, or why some are lost (static text): the
 * state of all SAs is then to be read again.
 */
const char *netlink_events(struct netlink *n, netlink_event_handler *handler, void *context);

#endif
