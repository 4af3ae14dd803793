/* Q9: identities of hosts and clients, with a peer that writes them otherwise. */
#include "quirks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

#define AT_ID (AT_MAIN_5 | AT_MAIN_6)
#define AT_CLIENTS (AT_QUICK_1 | AT_QUICK_2)
#define HOSTS QUIRK_PLAIN QUIRK_HOSTS
#define HOSTS_TUNNEL QUIRK_PLAIN "--tunnel " QUIRK_HOSTS

/* ---- phase 1 ---- */

static void set_port(struct quirk_message *m, uint8_t protocol, unsigned port)
{
    uint8_t *body = quirk_find(m, PAYLOAD_ID, 0)->body;
    body[1] = protocol;
    body[2] = (uint8_t)(port >> 8);
    body[3] = (uint8_t)port;
}

static void port_0_0(struct quirk_message *m)
{
    set_port(m, 0, 0);
}

static void port_17_500(struct quirk_message *m)
{
    set_port(m, 17, 500);
}

static void port_17_0(struct quirk_message *m)
{
    set_port(m, 17, 0);
}

static void port_17_4500(struct quirk_message *m)
{
    set_port(m, 17, 4500);
}

static void port_17_501(struct quirk_message *m)
{
    set_port(m, 17, 501);
}

static void port_6_500(struct quirk_message *m)
{
    set_port(m, 6, 500);
}

static void old_hash(struct quirk_message *m)
{
    set_port(m, 17, 500);
    m->keep_hash = true;
}

/* What a peer behind a translator calls itself. */
static void private_address(struct quirk_message *m)
{
    quirk_set(quirk_find(m, PAYLOAD_ID, 0), "\1\0\0\0\xc0\xa8\x01\x05", 8);
}

static void subnet_as_id(struct quirk_message *m)
{
    quirk_set(quirk_find(m, PAYLOAD_ID, 0), "\4\0\0\0\x0a\x09\0\0\xff\xff\xff\0", 12);
}

/* ---- phase 2 ---- */

static void no_clients(struct quirk_message *m)
{
    quirk_remove(m, quirk_find(m, PAYLOAD_ID, 1));
    quirk_remove(m, quirk_find(m, PAYLOAD_ID, 0));
}

static void one_client(struct quirk_message *m)
{
    quirk_remove(m, quirk_find(m, PAYLOAD_ID, 1));
}

/* Both are addresses; the address twice, or with a mask behind it. */
static void rewrite(struct quirk_message *m, uint8_t type, const uint8_t *second)
{
    for (unsigned i = 0; i < 2; i++) {
        struct quirk_payload *id = quirk_find(m, PAYLOAD_ID, i);
        assert_int_equal(id->body[0], ID_IPV4_ADDR);
        id->body[0] = type;
        memcpy(id->body + 8, second != NULL ? second : id->body + 4, 4);
        id->len = 12;
    }
}

static void as_subnet(struct quirk_message *m)
{
    rewrite(m, ID_IPV4_ADDR_SUBNET, (const uint8_t *)"\xff\xff\xff\xff");
}

static void as_range(struct quirk_message *m)
{
    rewrite(m, ID_IPV4_ADDR_RANGE, NULL);
}

static void as_wider_net(struct quirk_message *m)
{
    rewrite(m, ID_IPV4_ADDR_SUBNET, (const uint8_t *)"\xff\xff\xff\x00");
}

static void as_range_of_two(struct quirk_message *m)
{
    as_range(m);
    for (unsigned i = 0; i < 2; i++) {
        quirk_find(m, PAYLOAD_ID, i)->body[11]++;
    }
}

static void net_as_range(struct quirk_message *m)
{
    for (unsigned i = 0; i < 2; i++) {
        struct quirk_payload *id = quirk_find(m, PAYLOAD_ID, i);
        id->body[0] = ID_IPV4_ADDR_RANGE;
        memcpy(id->body + 8, id->body + 4, 3);
        id->body[11] = 0xff;
    }
}

#define ID_PORT "an identity with protocol and port"
#define NO_CLIENTS "a Quick Mode without identities"
#define AS_NET "a single address written as a subnet or range"

static const struct quirk table[] = {
    { "Q9: identity with 0/0", .at = AT_ID, .change = port_0_0 },
    { "Q9: identity with 17/500", .at = AT_ID, .change = port_17_500, .odd = ID_PORT },
    { "Q9: identity with 17/0", .at = AT_ID, .change = port_17_0, .odd = ID_PORT },
    { "Q9: identity with 17/4500", .at = AT_ID, .change = port_17_4500, .odd = ID_PORT },
    { "Q9: identity with 17/501: refused", .at = AT_ID, .change = port_17_501,
      .refused = "another protocol and port" },
    { "Q9: identity with 6/500: refused", .at = AT_ID, .change = port_6_500,
      .refused = "another protocol and port" },
    { "Q9: identity with a port that its HASH does not cover: refused", .at = AT_ID,
      .change = old_hash, .refused = "does not match" },
    { "Q9: a private address as identity: refused, with the --id that would match", .at = AT_ID,
      .change = private_address, .refused = "for its end would match" },
    { "Q9: a subnet as identity: refused", .at = AT_ID, .change = subnet_as_id,
      .refused = "is no identity in phase 1" },

    { "Q9: no identities in Quick Mode, transport mode", .words = HOSTS, .at = AT_CLIENTS,
      .change = no_clients, .odd = NO_CLIENTS },
    { "Q9: no identities in Quick Mode, tunnel mode", .words = HOSTS_TUNNEL, .at = AT_CLIENTS,
      .change = no_clients, .odd = NO_CLIENTS },
    { "Q9: no identities in Quick Mode between nets: refused", .at = AT_QUICK_1,
      .change = no_clients, .refused = "clients are not those" },
    { "Q9: no identities in Quick Mode between nets: refused", .at = AT_QUICK_2,
      .change = no_clients, .refused = "left out the identities" },
    { "Q9: one identity in Quick Mode: refused", .words = HOSTS, .at = AT_CLIENTS,
      .change = one_client, .refused = "1 ID payloads" },
    { "Q9: hosts as subnets of 32 bits", .words = HOSTS, .at = AT_CLIENTS, .change = as_subnet,
      .odd = AS_NET },
    { "Q9: hosts as ranges of one", .words = HOSTS, .at = AT_CLIENTS, .change = as_range,
      .odd = AS_NET },
    { "Q9: hosts as ranges of one, tunnel mode", .words = HOSTS_TUNNEL, .at = AT_CLIENTS,
      .change = as_range, .odd = AS_NET },
    { "Q9: nets as ranges", .at = AT_CLIENTS, .change = net_as_range },
    { "Q9: hosts as nets of 24 bits: refused", .words = HOSTS, .at = AT_QUICK_1,
      .change = as_wider_net, .refused = "clients are not those" },
    { "Q9: hosts as nets of 24 bits: refused", .words = HOSTS, .at = AT_QUICK_2,
      .change = as_wider_net, .refused = "the peer changed the clients" },
    { "Q9: hosts as ranges of two: refused", .words = HOSTS, .at = AT_CLIENTS,
      .change = as_range_of_two, .refused = "range" },
};

/* Some peers compare the identities of message 2 with their own, byte for byte. */
static void still_ranges(const struct quirk_message *m)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->payload[i].type == PAYLOAD_ID) {
            assert_int_equal(m->payload[i].len, 12);
            assert_int_equal(m->payload[i].body[0], ID_IPV4_ADDR_RANGE);
        }
    }
}

static void they_go_back_as_they_came(void **state)
{
    static const struct quirk q = { "Q9: ", .at = AT_QUICK_1, .change = as_range,
                                    .watch = AT_QUICK_2, .look = still_ranges };
    (void)state;
    struct world *w = world_new(HOSTS, QUIRK_PSK, QUIRK_PSK);
    struct quirk_layer *l = quirk_put_on(w, 0, &q);
    world_begin(w);
    assert_true(world_both_up(w));
    assert_int_equal(quirk_applied(l), 2);
    quirk_take_off(l);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest more[] = {
        { "Q9 responder: identities go back byte for byte", they_go_back_as_they_came, NULL, NULL,
          NULL },
    };
    return quirk_run(table, LENGTH(table), more, LENGTH(more));
}
