#include "status.h"

#include "orders.h"
#include "orient.h"
#include "routing.h"

#include <bsd/string.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

/* ---- a connection ---- */

static void host_and_id(const struct connection_end *end, const struct address *host,
                        const struct identity *id, char *out, size_t size)
{
    char address[ADDRESS_TEXT] = "%any";
    char identity[IDENTITY_TEXT] = "%myid";
    if (host->family != 0) {
        address_print(host, address);
    }
    if (!end->id_is_myid || id->type != ID_ANY) {
        identity_print(id, identity);
    }
    char port[16] = "";
    if (end->ikeport != 500) {
        snprintf(port, sizeof port, ":%u", end->ikeport);
    }
    snprintf(out, size, "%s%s[%s]", address, port, identity);
}

static void client_of(const struct connection_end *end, const struct subnet *client, char *out)
{
    out[0] = '\0';
    if (end->has_client) {
        subnet_print(client, out);
    }
}

void status_topology(const struct conn *c, char out[STATUS_TOPOLOGY])
{
    const struct connection_end *left = c->oriented ? conn_our_end(c) : &c->form->end[END_LEFT];
    const struct connection_end *right = c->oriented ? conn_peer_end(c) : &c->form->end[END_RIGHT];
    char net[SUBNET_TEXT];
    char host[ADDRESS_TEXT + IDENTITY_TEXT + 20];
    bool instance = c->instance != 0;

    client_of(left, &left->client, net);
    host_and_id(left, &left->host, c->oriented ? c->our_id : left->id, host, sizeof host);
    snprintf(out, STATUS_TOPOLOGY, "%s%s%s...", net, net[0] == '\0' ? "" : "===", host);
    client_of(right, instance ? &c->peer_client : &right->client, net);
    host_and_id(right, instance ? &c->peer_host : &right->host,
                instance ? c->peer_id : right->id, host, sizeof host);
    strlcat(out, host, STATUS_TOPOLOGY);
    strlcat(out, net[0] == '\0' ? "" : "===", STATUS_TOPOLOGY);
    strlcat(out, net, STATUS_TOPOLOGY);
}

static uint64_t serial_of(struct keying *k, uint64_t number)
{
    const struct xchg *x = number == 0 ? NULL : xchg_find(k, number);
    return x == NULL ? 0 : x->serial;
}

static void show_conn(struct keying *k, uint64_t client, const struct conn *c)
{
    char label[CONN_LABEL];
    char policy[POLICY_TEXT];
    char *topology = malloc(STATUS_TOPOLOGY);
    uint64_t ipsec = serial_of(k, c->newest_ipsec);

    conn_label(c, label);
    connection_policy_print(c->form->policy, policy);
    if (topology != NULL) {
        status_topology(c, topology);
        keying_say(k, client, 0, "%s: %s; %s; eroute owner: #%" PRIu64, label, topology,
                   c->oriented ? routing_story(c) : "unoriented", c->eroute == NULL ? 0 : ipsec);
    }
    free(topology);
    if (!c->oriented) {
        char why[ORIENT_WHY];
        orient_why(k, c, why);
        keying_say(k, client, 0, "%s:   unoriented: %s", label, why);
    }
    keying_say(k, client, 0, "%s:   ike_life: %us; ipsec_life: %us; rekey_margin: %us; "
               "rekey_fuzz: %u%%; keyingtries: %u", label, c->form->ikelifetime,
               c->form->ipseclifetime, c->form->rekeymargin, c->form->rekeyfuzz, c->form->keyingtries);
    keying_say(k, client, 0, "%s:   policy: %s; interface: %s; ike: %s; esp: %s%s%s", label, policy,
               c->oriented ? c->interface : "none", c->form->ike, c->form->esp,
               c->form->pfsgroup == NULL ? "" : "; pfsgroup: ",
               c->form->pfsgroup == NULL ? "" : c->form->pfsgroup);
    keying_say(k, client, 0, "%s:   newest ISAKMP SA: #%" PRIu64 "; newest IPsec SA: #%" PRIu64,
               label, serial_of(k, c->newest_isakmp), ipsec);
    if (c->classes != 0) {
        char classes[DEBUG_CLASSES_TEXT];
        debug_classes_print(c->classes, classes);
        keying_say(k, client, 0, "%s:   debug %s", label, classes);
    }
    if (c->retry.place != 0) {
        keying_say(k, client, 0, "%s:   attempt %u begins in %" PRIu64 "s", label, c->attempt,
                   (c->retry.at - k->now) / 1000);
    }
}

/* ---- a state ---- */

static void event_of(const struct keying *k, const struct xchg *x, char *out, size_t size)
{
    uint64_t end = x->event_at;
    const char *event = x->resends ? "EVENT_RETRANSMIT" : "EVENT_GIVE_UP";
    if (x->up) {
        event = "EVENT_SA_EXPIRE";
        end = x->since + (uint64_t)x->life * 1000;
    }
    snprintf(out, size, "%s in %" PRIu64 "s", event, end > k->now ? (end - k->now) / 1000 : 0);
}

static void show_ipsec(struct keying *k, uint64_t client, const struct xchg *y, const char *label)
{
    char ours[ADDRESS_TEXT];
    char peer[ADDRESS_TEXT];
    address_print(&y->local, ours);
    address_print(&y->remote, peer);
    const uint8_t *out = y->spi_out.spi;
    const uint8_t *in = y->spi_in;
    keying_say(k, client, 0, "#%" PRIu64 ": %s esp.%02x%02x%02x%02x@%s esp.%02x%02x%02x%02x@%s %s; "
               "%s; in %" PRIu64 " bytes, %" PRIu64 " packets; out %" PRIu64 " bytes, %" PRIu64
               " packets", y->serial, label, out[0], out[1], out[2], out[3], peer, in[0], in[1],
               in[2], in[3], ours, y->mode == 0 ? "tunnel" : "transport", xchg_proposal(y), y->bytes[0],
               y->packets[0], y->bytes[1], y->packets[1]);
}

static void show_state(struct keying *k, uint64_t client, const struct xchg *x)
{
    char label[CONN_LABEL] = "(no connection yet)";
    char event[64];
    const char *newest = "";
    if (x->conn != NULL) {
        conn_label(x->conn, label);
        newest = x->conn->newest_isakmp == x->number ? "; newest ISAKMP"
                 : x->conn->newest_ipsec == x->number ? "; newest IPSEC; eroute owner" : "";
    }
    const struct xchg *parent = x->quick && !x->up ? xchg_find(k, x->parent) : NULL;
    if (parent != NULL && !parent->up) {
        keying_say(k, client, 0, "#%" PRIu64 ": %s pending phase 2; waits for the ISAKMP SA #%" PRIu64,
                   x->serial, label, parent->serial);
        return;
    }
    event_of(k, x, event, sizeof event);
    keying_say(k, client, 0, "#%" PRIu64 ": %s STATE_%s (%s); %s%s", x->serial, label,
               xchg_state_word(x->state), xchg_state_story(x->state), event, newest);
    if (x->quick && x->up) {
        show_ipsec(k, client, x, label);
    } else if (!x->quick && x->up) {
        char id[IDENTITY_TEXT];
        identity_print(x->peer_id, id);
        keying_say(k, client, 0, "#%" PRIu64 ": %s %s; peer %s", x->serial, label, xchg_proposal(x), id);
    }
}

/* ---- all ---- */

static void show(struct keying *k, uint64_t client)
{
    char text[DEBUG_CLASSES_TEXT];
    char id[IDENTITY_TEXT] = "(none)";
    for (size_t i = 0; i < k->interface_count; i++) {
        address_print(&k->interfaces[i].address, text);
        keying_say(k, client, 0, "interface %s %s:%u", k->interfaces[i].name, text,
                   k->interfaces[i].port);
    }
    keying_say(k, client, 0, "%s", k->listening ? "listening for IKE messages"
                                                : "not listening for IKE messages");
    if (k->settings.myid != NULL) {
        identity_print(k->settings.myid, id);
    }
    keying_say(k, client, 0, "%%myid = %s", id);
    debug_classes_print(k->classes, text);
    keying_say(k, client, 0, "debug %s", text[0] == '\0' ? "none" : text);
    for (const struct conn *c = k->conns; c != NULL; c = c->hh.next) {
        show_conn(k, client, c);
    }
    for (const struct xchg *x = k->serials; x != NULL; x = x->hh_serial.next) {
        show_state(k, client, x);
    }
}

void status_begin(struct keying *k, uint64_t client)
{
    const struct xchg *y;
    if (k->status_client != 0 || k->kernel == NULL) {
        show(k, client); /* with the counters that are known */
        return;
    }
    for (y = k->exchanges; y != NULL; y = y->hh.next) {
        if (y->quick && y->up && order_sample(k, y)) {
            k->status_left++;
        }
    }
    if (k->status_left == 0) {
        show(k, client);
        return;
    }
    k->status_client = client;
    k->hooks.hold(k->hooks.context, client);
}

static void finish(struct keying *k)
{
    uint64_t client = k->status_client;
    k->status_left = 0;
    k->status_client = 0;
    if (client != 0) {
        show(k, client);
        k->hooks.release(k->hooks.context, client);
    }
}

void status_sampled(struct keying *k)
{
    if (k->status_left > 0 && --k->status_left == 0) {
        finish(k);
    }
}

void status_unsampled(struct keying *k)
{
    finish(k);
}
