#include "udp.h"

#include <errno.h>
#include <linux/in6.h>
#include <linux/xfrm.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#ifndef IPV6_XFRM_POLICY
#define IPV6_XFRM_POLICY 35
#endif
#ifndef IP_XFRM_POLICY
#define IP_XFRM_POLICY 17
#endif

#define RECEIVE_ROOM (4 << 20) /* bytes, a thousand messages and more: after an outage all peers come at once */

/* IKE itself is never inside of the tunnels that it makes: both directions bypass all policies. */
static int bypass(int fd, bool v6, unsigned direction)
{
    struct xfrm_userpolicy_info policy = { .action = XFRM_POLICY_ALLOW, .dir = (uint8_t)direction };
    policy.sel.family = v6 ? AF_INET6 : AF_INET;
    return setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_XFRM_POLICY : IP_XFRM_POLICY,
                      &policy, sizeof policy);
}

static int prepare(int fd, const struct address *local, uint16_t port, const char **why)
{
    const int on = 1;
    const int room = RECEIVE_ROOM;
    bool v6 = local->family == 6;
    struct sockaddr_storage ss;
    socklen_t len = address_to_sockaddr(local, port, &ss);

    *why = "IPV6_V6ONLY";
    if (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) {
        return -1;
    }
    *why = "bypass of IPsec policies (is the kernel built without XFRM, or the caller not root?)";
    if (bypass(fd, v6, XFRM_POLICY_IN) < 0 || bypass(fd, v6, XFRM_POLICY_OUT) < 0) {
        return -1;
    }
    *why = "IP_RECVERR";
    if (setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on,
                   sizeof on) < 0) {
        return -1;
    }
    /* What came while we were busy; best effort. */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    *why = "bind";
    return bind(fd, (struct sockaddr *)&ss, len);
}

int udp_open(const struct address *local, uint16_t port, const char **why)
{
    *why = "socket";
    int fd = socket(local->family == 6 ? AF_INET6 : AF_INET,
                    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && prepare(fd, local, port, why) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    return fd;
}
