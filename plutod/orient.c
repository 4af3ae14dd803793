#include "orient.h"

#include "name.h"

#include <bsd/string.h>
#include <string.h>

const struct interface *orient_interface(const struct keying *k, const struct address *a)
{
    for (size_t i = 0; i < k->interface_count; i++) {
        if (address_equal(&k->interfaces[i].address, a)) {
            return &k->interfaces[i];
        }
    }
    return NULL;
}

static bool is_ours(const struct keying *k, const struct connection_end *end)
{
    return end->host_kind == HOST_ADDRESS && end->ikeport == k->settings.ikeport
           && orient_interface(k, &end->host) != NULL;
}

static bool has_myid(const struct connection_end *end)
{
    return end->id_is_myid;
}

/* NULL: it is %myid, and nobody has said who that is. */
static const struct identity *our_id_of(const struct keying *k, const struct connection_end *our)
{
    return has_myid(our) ? k->settings.myid : our->id;
}

bool orient_needs_myid(const struct keying *k, const struct conn *c)
{
    bool left = is_ours(k, &c->form->end[END_LEFT]);
    bool right = is_ours(k, &c->form->end[END_RIGHT]);
    unsigned ours = right ? END_RIGHT : END_LEFT;
    return left != right && (our_id_of(k, &c->form->end[ours]) == NULL
                             || has_myid(&c->form->end[1 - ours]));
}

const char *orient_why(const struct keying *k, const struct conn *c)
{
    bool left = is_ours(k, &c->form->end[END_LEFT]);
    bool right = is_ours(k, &c->form->end[END_RIGHT]);
    if (left && right) {
        return "both its hosts are addresses of this machine";
    }
    if (orient_needs_myid(k, c)) {
        return our_id_of(k, &c->form->end[right ? END_RIGHT : END_LEFT]) == NULL
                   ? "its --id is %myid, and nobody has said who that is: whack --myid ID does"
                   : "the peer's end has --id %myid, which is who we are";
    }
    if (left || right) {
        return "it is oriented";
    }
    return k->interface_count == 0
               ? "no interface is known yet: whack --listen finds them"
               : "neither of its hosts is an address of this machine with our --ikeport";
}

/* False: no memory. */
static bool fill_in(struct keying *k, struct conn *c)
{
    const struct connection_end *our = conn_our_end(c);
    const struct connection_end *peer = conn_peer_end(c);

    c->our_host = our->host;
    c->our_client = our->client;
    if (c->instance == 0) {
        c->peer_host = peer->host;
        c->peer_client = peer->client;
        c->peer_port = peer->ikeport;
    }
    return name_set(k, &c->our_id, our_id_of(k, our))
           && (c->instance != 0 || name_set(k, &c->peer_id, peer->id));
}

/* Equal identities may be spelled differently, and go to the peer as they are spelled. */
static bool same_spelling(const struct identity *a, const struct identity *b)
{
    return identity_equal(a, b) && memcmp(a->bytes, b->bytes, a->len) == 0;
}

bool orient_stays(const struct keying *k, const struct conn *c)
{
    bool left = is_ours(k, &c->form->end[END_LEFT]);
    bool right = is_ours(k, &c->form->end[END_RIGHT]);
    unsigned ours = right ? END_RIGHT : END_LEFT;
    return left != right && ours == c->ours && !orient_needs_myid(k, c)
           && (c->instance != 0 || same_spelling(c->our_id, our_id_of(k, &c->form->end[ours])))
           && strcmp(orient_interface(k, &c->form->end[ours].host)->name, c->interface) == 0;
}

void orient_conn(struct keying *k, struct conn *c)
{
    bool left = is_ours(k, &c->form->end[END_LEFT]);
    bool right = is_ours(k, &c->form->end[END_RIGHT]);
    bool oriented = left != right;
    unsigned ours = right ? END_RIGHT : END_LEFT;

    conn_pair_leave(k, c);
    c->ours = ours;
    c->oriented = oriented && !orient_needs_myid(k, c) && fill_in(k, c);
    if (!c->oriented) {
        return;
    }
    strlcpy(c->interface, orient_interface(k, &c->our_host)->name, sizeof c->interface);
    conn_pair_join(k, c);
}
