#include "orient.h"

#include "name.h"

#include <bsd/string.h>
#include <stdio.h>
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
    const struct identity *our_id = our_id_of(k, &c->form->end[ours]);
    return left != right && (our_id == NULL || has_myid(&c->form->end[1 - ours])
                             || (has_myid(&c->form->end[ours]) && identity_equal(our_id, c->form->end[1 - ours].id)));
}

/* Why an end is not ours. */
static void end_why(const struct keying *k, const struct connection_end *end, char out[120])
{
    char address[ADDRESS_TEXT] = "%any";
    if (end->host_kind == HOST_ADDRESS) {
        address_print(&end->host, address);
    }
    if (end->host_kind == HOST_ADDRESS && orient_interface(k, &end->host) != NULL) {
        snprintf(out, 120, "%s is, but with --ikeport %u, and ours is %u", address, end->ikeport,
                 k->settings.ikeport);
    } else {
        snprintf(out, 120, "%s is not", address);
    }
}

void orient_why(const struct keying *k, const struct conn *c, char out[ORIENT_WHY])
{
    const struct connection_end *end = c->form->end;
    bool left = is_ours(k, &end[END_LEFT]);
    bool right = is_ours(k, &end[END_RIGHT]);
    char a[120];
    char b[120];
    if (left && right) {
        address_print(&end[END_LEFT].host, a);
        address_print(&end[END_RIGHT].host, b);
        snprintf(out, ORIENT_WHY, "both its hosts, %s and %s, are addresses of this machine", a, b);
    } else if (orient_needs_myid(k, c)) {
        strlcpy(out, our_id_of(k, &end[right ? END_RIGHT : END_LEFT]) == NULL
                         ? "its --id is %myid, and nobody has said who that is: whack --myid ID does"
                     : has_myid(&end[right ? END_LEFT : END_RIGHT])
                         ? "the peer's end has --id %myid, which is who we are"
                         : "its --id is %myid, and that is the peer's identity, too", ORIENT_WHY);
    } else if (left || right) {
        strlcpy(out, c->oriented ? "it is oriented" : "no memory", ORIENT_WHY);
    } else if (k->interface_count == 0) {
        strlcpy(out, k->listening ? "there is no address that we listen on" : "no interface is known yet: whack "
                "--listen finds them", ORIENT_WHY);
    } else {
        end_why(k, &end[END_LEFT], a);
        end_why(k, &end[END_RIGHT], b);
        const char *only = k->settings.interfaces == NULL ? "" : k->settings.interfaces;
        snprintf(out, ORIENT_WHY, "neither of its hosts is an address of this machine that we listen on%s%.100s: "
                 "%s, %s", only[0] == '\0' ? "" : ", which is on --interface ", only, a, b);
    }
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
    return identity_equal(a, b) && a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
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

    conn_leave(k, c);
    c->ours = ours;
    c->interface = "";
    c->oriented = oriented && !orient_needs_myid(k, c) && fill_in(k, c);
    if (!c->oriented) {
        return;
    }
    c->interface = orient_interface(k, &c->our_host)->name;
    conn_join(k, c);
}
