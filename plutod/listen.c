#include "supervisor.h"

#include "udp.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

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

void listen_free(struct listener *l)
{
    for (size_t i = 0; i < l->count; i++) {
        close(l->sockets[i].fd);
    }
    free(l->sockets);
    *l = (struct listener){ 0 };
}

void listen_close_all(struct supervisor *s)
{
    for (size_t i = 0; i < s->listener.count; i++) {
        let_go(s, &s->listener.sockets[i]);
    }
    free(s->listener.sockets);
    s->listener = (struct listener){ 0 };
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

static struct listen_socket *find(const struct listener *l, const struct address *a)
{
    for (size_t i = 0; i < l->count; i++) {
        if (address_equal(&l->sockets[i].address, a)) {
            return &l->sockets[i];
        }
    }
    return NULL;
}

static void say_refused(struct supervisor *s, uint64_t client, const char *name,
                        const struct address *a, const char *why)
{
    char text[ADDRESS_TEXT];
    address_print(a, text);
    lines_print(&s->lines, LOG_LEVEL_SERIOUS, "cannot listen on %s %s port %u: %s: %s", name, text,
                s->setup->ikeport, why, strerror(errno));
    keying_say(&s->keying, client, 3, "cannot listen on %s %s port %u: %s: %s", name, text,
               s->setup->ikeport, why, strerror(errno));
}

/* Adds an address to the new list: with the socket that it has, or a new one. */
static void take_address(struct supervisor *s, struct listener *fresh, const char *name,
                         const struct address *a, uint64_t client)
{
    struct listen_socket *known = find(&s->listener, a);
    struct listen_socket *more = reallocarray(fresh->sockets, fresh->count + 1, sizeof *more);
    if (more == NULL) {
        return;
    }
    fresh->sockets = more;
    struct listen_socket *l = &more[fresh->count];
    *l = (struct listen_socket){ .address = *a, .port = s->setup->ikeport, .fd = -1 };
    strlcpy(l->name, name, sizeof l->name);
    if (known != NULL && strcmp(known->name, name) == 0) {
        l->fd = known->fd;
        known->fd = -1;
        fresh->count++;
        return;
    }
    if (known != NULL && known->fd >= 0) {
        let_go(s, known); /* the address went to another interface */
        known->fd = -1;
    }
    const char *why;
    l->fd = udp_open(a, l->port, &why);
    if (l->fd < 0) {
        say_refused(s, client, name, a, why);
        return;
    }
    char text[ADDRESS_TEXT];
    address_print(a, text);
    lines_print(&s->lines, LOG_LEVEL_INFO, "listening on interface %s %s:%u", name, text, l->port);
    fresh->count++;
    hand(s, l);
}

static void tell_core(struct supervisor *s)
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
    keying_interfaces(&s->keying, list, l->count);
}

void listen_discover(struct supervisor *s, uint64_t client)
{
    struct listener fresh = { 0 };
    struct ifaddrs *all = NULL;
    struct address a;
    if (getifaddrs(&all) != 0) {
        lines_print(&s->lines, LOG_LEVEL_SERIOUS, "cannot find the interfaces: %s",
                    strerror(errno));
        keying_say(&s->keying, client, 3, "cannot find the interfaces: %s", strerror(errno));
        return;
    }
    for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
        if (is_usable(i, &a) && is_wanted(s->setup, i->ifa_name) && find(&fresh, &a) == NULL) {
            take_address(s, &fresh, i->ifa_name, &a, client);
        }
    }
    freeifaddrs(all);
    for (size_t i = 0; i < s->listener.count; i++) {
        const struct listen_socket *old = &s->listener.sockets[i];
        if (old->fd >= 0) {
            char text[ADDRESS_TEXT];
            address_print(&old->address, text);
            lines_print(&s->lines, LOG_LEVEL_INFO, "interface %s %s is gone", old->name, text);
            let_go(s, old);
        }
    }
    free(s->listener.sockets);
    s->listener = fresh;
    if (fresh.count == 0) {
        keying_say(&s->keying, client, 3, "no interface to listen on was found");
    }
    tell_core(s);
}
