/*
 * The clients of a Quick Mode: IDci and IDcr, always in this order (RFC 2409, 5.5; interop Q9).
 */
#include "exchange.h"
#include "report.h"

#include <string.h>

struct client {
    struct subnet net;
    uint8_t protocol;
    uint16_t port;
};

static const char *take(struct client *c, const struct payload *id, unsigned *odd)
{
    uint8_t plain[ID_BODY_MAX];
    const char *why = client_decode(&c->net, &c->protocol, &c->port, id->body, id->body_len);
    if (why != NULL) {
        return why;
    }
    bool host = c->net.bits == 8 * address_len(&c->net.base);
    size_t len = client_encode(&c->net, c->protocol, c->port, plain);
    if (host && (len != id->body_len || memcmp(plain, id->body, len) != 0)) {
        *odd |= ODD_HOST_AS_NET;
    }
    return NULL;
}

static const char *take_both(struct client *ci, struct client *cr, const struct message *m,
                             unsigned *odd)
{
    const char *why = take(ci, message_find(m, PAYLOAD_ID, 0), odd);
    return why != NULL ? why : take(cr, message_find(m, PAYLOAD_ID, 1), odd);
}

static bool has_port(const struct client *c)
{
    return c->protocol != 0 || c->port != 0;
}

const char *clients_take(struct ike *ike, struct exchange *x, const struct message *m)
{
    struct quick_needs *n = &x->quick->needs;
    struct client ci;
    struct client cr;
    unsigned odd = ODD_NONE;

    n->our_host = x->sa->path.local;
    n->peer_host = x->sa->path.remote;
    x->quick->ids = message_count(m, PAYLOAD_ID) > 0;
    if (!x->quick->ids) { /* the hosts themselves (RFC 2409, 5.5) */
        subnet_of_host(&n->our_client, &n->our_host);
        subnet_of_host(&n->peer_client, &n->peer_host);
        report_odd(ike, x, ODD_NO_CLIENTS);
        return NULL;
    }
    const char *why = take_both(&ci, &cr, m, &odd);
    if (why != NULL) {
        return why;
    }
    if (has_port(&ci) || has_port(&cr)) {
        return "clients with a protocol or port are not supported";
    }
    n->peer_client = ci.net;
    n->our_client = cr.net;
    for (unsigned i = 0; i < 2; i++) {
        const struct payload *id = message_find(m, PAYLOAD_ID, i);
        memcpy(x->quick->id_body[i], id->body, id->body_len); /* its length fits its type */
        x->quick->id_len[i] = id->body_len;
    }
    report_odd(ike, x, odd);
    return NULL;
}

/* The peer's own bytes go back to him: some compare them as they stand. */
void clients_put(const struct exchange *x, struct message_writer *w)
{
    const struct quick_scratch *q = x->quick;
    uint8_t id[ID_BODY_MAX];
    if (x->initiator) {
        message_raw(w, PAYLOAD_ID, id, client_encode(&q->needs.our_client, 0, 0, id));
        message_raw(w, PAYLOAD_ID, id, client_encode(&q->needs.peer_client, 0, 0, id));
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        message_raw(w, PAYLOAD_ID, q->id_body[i], q->id_len[i]);
    }
}

/* They may be absent where they say nothing: the hosts themselves. */
const char *clients_check(struct ike *ike, const struct exchange *x, const struct message *m)
{
    const struct quick_needs *n = &x->quick->needs;
    struct client ci;
    struct client cr;
    unsigned odd = ODD_NONE;

    if (message_count(m, PAYLOAD_ID) == 0) {
        if (!subnet_is_host(&n->our_client, &n->our_host)
            || !subnet_is_host(&n->peer_client, &n->peer_host)) {
            return "the peer left out the identities of the clients";
        }
        report_odd(ike, x, ODD_NO_CLIENTS);
        return NULL;
    }
    const char *why = take_both(&ci, &cr, m, &odd);
    if (why != NULL) {
        return why;
    }
    if (!subnet_equal(&ci.net, &n->our_client) || !subnet_equal(&cr.net, &n->peer_client)
        || has_port(&ci) || has_port(&cr)) {
        return "the peer changed the clients";
    }
    report_odd(ike, x, odd);
    return NULL;
}
