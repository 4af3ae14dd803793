#include "supervisor.h"

#include "udp.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SETTLE_TIME 1.      /* seconds: one change brings others */
#define MISSING_TIME 30.    /* an interface may be down for a moment */

static void hand(struct supervisor *s, const struct listen_socket *l)
{
    struct record_writer w;
    struct process *p = process_negotiator(s);
    int copy = p == NULL ? -1 : fcntl(l->fd, F_DUPFD_CLOEXEC, 4);
    if (copy < 0) {
        return;
    }
    record_start(&w, channel_out(p->channel), V_SOCKET);
    record_put_address(&w, K_LOCAL, &l->address);
    record_put_number(&w, K_LOCAL_PORT, l->port);
    record_put_text(&w, K_INTERFACE, l->name);
    if (record_finish(&w)) {
        channel_attach(p->channel, copy);
    } else {
        close(copy);
    }
}

static void let_go(struct supervisor *s, const struct listen_socket *l)
{
    struct record_writer w;
    struct process *p = process_negotiator(s);
    close(l->fd);
    if (p == NULL) {
        return;
    }
    record_start(&w, channel_out(p->channel), V_CLOSE_SOCKET);
    record_put_address(&w, K_LOCAL, &l->address);
    record_put_number(&w, K_LOCAL_PORT, l->port);
    record_finish(&w);
}

void listen_hand_all(struct supervisor *s)
{
    for (size_t i = 0; i < s->listener.count; i++) {
        hand(s, &s->listener.sockets[i]);
    }
}

void listen_free(struct supervisor *s)
{
    struct listener *l = &s->listener;
    for (size_t i = 0; i < l->count; i++) {
        close(l->sockets[i].fd);
    }
    free(l->sockets);
    l->sockets = NULL;
    l->count = 0;
    if (l->watching) {
        ev_io_stop(s->loop, &l->changes);
        ev_timer_stop(s->loop, &l->settle);
        close(l->changes.fd);
        l->watching = false;
    }
}

void listen_close_all(struct supervisor *s)
{
    for (size_t i = 0; i < s->listener.count; i++) {
        let_go(s, &s->listener.sockets[i]);
    }
    free(s->listener.sockets);
    s->listener.sockets = NULL;
    s->listener.count = 0;
}

/* ---- all of them ---- */

static bool is_wanted(const struct setup *setup, const char *name)
{
    for (unsigned i = 0; i < setup->interface_count; i++) {
        if (strcmp(setup->interfaces[i], name) == 0) {
            return true;
        }
    }
    return setup->interface_count == 0;
}

void listen_only(const struct setup *setup, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < setup->interface_count && at < size; i++) {
        at += (size_t)snprintf(out + at, size - at, "%s%s", i == 0 ? "" : ", ", setup->interfaces[i]);
    }
}

/* Addresses with a scope, multicast and the like are not for IKE. */
static bool is_usable(const struct ifaddrs *i, struct address *a)
{
    uint16_t port;
    if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0
        || !address_from_sockaddr(a, &port, i->ifa_addr)) {
        return false;
    }
    if (a->family == 6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80) {
        return false;
    }
    return !address_is_any(a);
}

static struct listen_socket *find(struct listen_socket *sockets, size_t count, const struct address *a)
{
    for (size_t i = 0; i < count; i++) {
        if (address_equal(&sockets[i].address, a)) {
            return &sockets[i];
        }
    }
    return NULL;
}

static void say_refused(struct supervisor *s, uint64_t client, const char *name,
                        const struct address *a, const char *why)
{
    char address[ADDRESS_TEXT];
    const char *error = strerror(errno);
    address_print(a, address);
    keying_announce(&s->keying, LOG_LEVEL_SERIOUS, client, "cannot listen on %s %s port %u: %s: %s", name, address,
                    s->setup->ikeport, why, error);
}

/* What is being found, beside what there was. */
struct survey {
    struct listen_socket *sockets;
    size_t count;
    uint64_t client;        /* whack that wants it; 0: the kernel said that something changed */
    bool by_itself;
    bool changed;
    size_t refused;         /* addresses that are there, and cannot be listened on */
};

static struct listen_socket *room(struct survey *fresh)
{
    struct listen_socket *more = reallocarray(fresh->sockets, fresh->count + 1, sizeof *more);
    if (more == NULL) {
        return NULL;
    }
    fresh->sockets = more;
    return &more[fresh->count];
}

static void log_socket(struct supervisor *s, const struct listen_socket *l, const char *what)
{
    char text[ADDRESS_TEXT];
    address_print(&l->address, text);
    keying_announce(&s->keying, LOG_LEVEL_INFO, 0, "interface %s %s %s", l->name, text, what);
}

/* Adds an address to the new list: with the socket that it has, or a new one. */
static void take_address(struct supervisor *s, struct survey *fresh, const char *name,
                         const struct address *a)
{
    struct listen_socket *known = find(s->listener.sockets, s->listener.count, a);
    struct listen_socket *l = room(fresh);
    if (l == NULL) {
        return;
    }
    *l = (struct listen_socket){ .address = *a, .port = s->setup->ikeport, .fd = -1 };
    strlcpy(l->name, name, sizeof l->name);
    if (known != NULL && strcmp(known->name, name) == 0) {
        l->fd = known->fd;
        known->fd = -1;
        fresh->count++;
        if (known->missing > 0) {
            log_socket(s, l, "is back");
        }
        return;
    }
    fresh->changed = true;
    if (known != NULL && known->fd >= 0) {
        let_go(s, known); /* the address went to another interface */
        known->fd = -1;
    }
    const char *why;
    l->fd = udp_open(a, l->port, &why);
    if (l->fd < 0) {
        fresh->refused++;
        /* IPv6: not before nobody else has claimed it; then the kernel speaks again. In use: it was said. */
        if (!fresh->by_itself || (errno != EADDRNOTAVAIL && errno != EADDRINUSE)) {
            say_refused(s, fresh->client, name, a, why);
        }
        return;
    }
    char text[ADDRESS_TEXT];
    address_print(a, text);
    keying_announce(&s->keying, LOG_LEVEL_INFO, 0, "listening on interface %s %s:%u", name, text, l->port);
    fresh->count++;
    hand(s, l);
}

/*
 * An address that is gone. An interface that is down for a moment is no reason to end all SAs: the
 * socket is kept a while, and works again when the address is back. Whack --listen does not wait.
 */
static void miss_address(struct supervisor *s, struct survey *fresh, const struct listen_socket *old)
{
    double now = ev_now(s->loop);
    bool patient = fresh->by_itself && (old->missing <= 0 || now < old->missing + MISSING_TIME);
    struct listen_socket *l = patient ? room(fresh) : NULL;
    if (l == NULL) {
        log_socket(s, old, "is gone");
        let_go(s, old);
        fresh->changed = true;
        return;
    }
    *l = *old;
    fresh->count++;
    if (old->missing <= 0) {
        l->missing = now;
        log_socket(s, l, "has lost its address: if it is not back in 30 s, or at whack --listen, what uses it ends");
    }
    ev_timer_stop(s->loop, &s->listener.settle);
    ev_timer_set(&s->listener.settle, l->missing + MISSING_TIME - now + SETTLE_TIME, 0.);
    ev_timer_start(s->loop, &s->listener.settle);
}

static void tell_core(struct supervisor *s, bool by_itself)
{
    const struct listener *l = &s->listener;
    struct interface *list = calloc(l->count + 1, sizeof *list);
    if (list == NULL) {
        return;
    }
    for (size_t i = 0; i < l->count; i++) {
        list[i].address = l->sockets[i].address;
        list[i].port = l->sockets[i].port;
        strlcpy(list[i].name, l->sockets[i].name, sizeof list[i].name);
    }
    keying_interfaces(&s->keying, list, l->count, by_itself);
}

static void survey(struct supervisor *s, struct survey *fresh)
{
    struct ifaddrs *all = NULL;
    struct address a;
    if (getifaddrs(&all) != 0) {
        lines_print(&s->lines, LOG_LEVEL_SERIOUS, "cannot find the interfaces: %s",
                    strerror(errno));
        keying_say(&s->keying, fresh->client, REPLY_SERIOUS, "cannot find the interfaces: %s", strerror(errno));
        return;
    }
    for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
        if (is_usable(i, &a) && is_wanted(s->setup, i->ifa_name)
            && find(fresh->sockets, fresh->count, &a) == NULL) {
            take_address(s, fresh, i->ifa_name, &a);
        }
    }
    freeifaddrs(all);
    for (size_t i = 0; i < s->listener.count; i++) {
        if (s->listener.sockets[i].fd >= 0) {
            miss_address(s, fresh, &s->listener.sockets[i]);
        }
    }
    free(s->listener.sockets);
    s->listener.sockets = fresh->sockets;
    s->listener.count = fresh->count;
    if (fresh->count == 0 && fresh->refused == 0) {
        char only[200];
        listen_only(s->setup, only, sizeof only);
        keying_say(&s->keying, fresh->client, REPLY_SERIOUS, "there is no address to listen on yet%s%s: it is taken when it comes",
                   only[0] == '\0' ? "" : " on --interface ", only);
    }
    if (fresh->changed || !fresh->by_itself) {
        tell_core(s, fresh->by_itself);
    }
}

bool listen_discover(struct supervisor *s, uint64_t client)
{
    struct survey fresh = { .client = client };
    survey(s, &fresh);
    return fresh.count > 0 || fresh.refused == 0;
}

/* ---- by itself ---- */

static void on_settled(struct ev_loop *loop, ev_timer *w, int events)
{
    struct supervisor *s = w->data;
    (void)loop;
    (void)events;
    if (s->keying.listening && !s->stopping) {
        struct survey fresh = { .by_itself = true };
        supervisor_clock(s);
        survey(s, &fresh);
        if (fresh.changed) {
            supervisor_tell_where_we_listen(s);
        }
    }
}

/* What it says need not be read: all addresses are looked at. Lost messages mean the same. */
static void on_changes(struct ev_loop *loop, ev_io *w, int events)
{
    struct supervisor *s = w->data;
    char bytes[8192];
    ssize_t n;
    (void)events;
    do {
        n = recv(w->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    } while (n > 0 || (n < 0 && (errno == ENOBUFS || errno == EINTR)));
    if (!ev_is_active(&s->listener.settle)
        || ev_timer_remaining(loop, &s->listener.settle) > SETTLE_TIME) {
        ev_timer_stop(loop, &s->listener.settle);
        ev_timer_set(&s->listener.settle, SETTLE_TIME, 0.);
        ev_timer_start(loop, &s->listener.settle);
    }
}

void listen_watch(struct supervisor *s)
{
    const struct sockaddr_nl address = { .nl_family = AF_NETLINK,
                                         .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        lines_print(&s->lines, LOG_LEVEL_SERIOUS, "the kernel will not say when addresses change: %s; whack "
                    "--listen looks for them", strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    ev_io_init(&s->listener.changes, on_changes, fd, EV_READ);
    ev_timer_init(&s->listener.settle, on_settled, SETTLE_TIME, 0.);
    s->listener.changes.data = s->listener.settle.data = s;
    ev_io_start(s->loop, &s->listener.changes);
    s->listener.watching = true;
}
