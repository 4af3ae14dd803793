/* Q13: what a peer may be set to and we do not do: refused in one line that names the setting. */
#include "quirks.h"

#include "ike-negotiate/attribute.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static void set_method(struct quirk_message *m, unsigned method)
{
    struct quirk_sa sa;
    quirk_sa_open(&sa, m);
    quirk_attribute_set(&sa.proposal[0].transform[0], IKE_AUTH_METHOD, method);
    quirk_sa_close(&sa, m);
}

static void xauth_psk(struct quirk_message *m)
{
    set_method(m, 65001);
}

static void xauth_rsasig(struct quirk_message *m)
{
    set_method(m, 65005);
}

static void hybrid(struct quirk_message *m)
{
    set_method(m, 64221);
}

static void rsasig(struct quirk_message *m)
{
    set_method(m, 3);
}

static void rsa_encryption(struct quirk_message *m)
{
    set_method(m, 4);
}

/* XAUTH first, and the preshared key alone behind it. */
static void xauth_too(struct quirk_message *m)
{
    struct quirk_sa sa;
    quirk_sa_open(&sa, m);
    sa.proposal[0].transform[1] = sa.proposal[0].transform[0];
    sa.proposal[0].transform[1].number = 2;
    sa.proposal[0].count = 2;
    quirk_attribute_set(&sa.proposal[0].transform[0], IKE_AUTH_METHOD, 65001);
    quirk_sa_close(&sa, m);
}

static void aggressive(struct quirk_message *m)
{
    m->header.exchange = EXCHANGE_AGGRESSIVE;
}

static void aggressive_xauth(struct quirk_message *m)
{
    xauth_psk(m);
    aggressive(m);
}

static void base(struct quirk_message *m)
{
    m->header.exchange = EXCHANGE_BASE;
}

/* A certificate and requests for ours beside a preshared key: nobody needs them. */
static void certificates(struct quirk_message *m)
{
    quirk_insert(m, m->count, m->at == AT_MAIN_5 || m->at == AT_MAIN_6 ? PAYLOAD_CERT : PAYLOAD_CR,
                 "\4what somebody signed", 21);
}

static void signature(struct quirk_message *m)
{
    struct quirk_payload *hash = quirk_find(m, PAYLOAD_HASH, 0);
    m->keep_hash = true;
    hash->type = PAYLOAD_SIG;
}

static const struct quirk table[] = {
    { "Q13: XAUTH with a preshared key: refused", .at = AT_MAIN_1, .change = xauth_psk,
      .refused = "the peer is set to XAUTH (extended authentication): switch it off there (it "
                 "proposed xauth-psk)" },
    { "Q13: XAUTH with certificates: refused", .at = AT_MAIN_1, .change = xauth_rsasig,
      .refused = "the peer is set to XAUTH (extended authentication): switch it off there (it "
                 "proposed xauth-rsasig)" },
    { "Q13: hybrid authentication: refused", .at = AT_MAIN_1, .change = hybrid,
      .refused = "the peer is set to hybrid authentication" },
    { "Q13: certificates: refused", .at = AT_MAIN_1, .change = rsasig,
      .refused = "the peer is set to certificates or public keys: set it to a preshared key" },
    { "Q13: RSA encryption: refused", .at = AT_MAIN_1, .change = rsa_encryption,
      .refused = "the peer is set to authentication by RSA encryption" },
    { "Q13: XAUTH first, a preshared key alone behind it", .at = AT_MAIN_1, .change = xauth_too },
    { "Q13: XAUTH in the answer: refused", .at = AT_MAIN_2, .change = xauth_psk,
      .refused = "another authentication method than was offered" },
    { "Q13: RSA in the answer: refused", .at = AT_MAIN_2, .change = rsasig,
      .refused = "another authentication method than was offered" },
    { "Q13: Aggressive Mode: refused", .at = AT_MAIN_1, .change = aggressive,
      .refused = "set the peer to Main Mode (it proposed aes128-sha1-curve25519/psk)" },
    { "Q13: Aggressive Mode with XAUTH: refused", .at = AT_MAIN_1, .change = aggressive_xauth,
      .refused = "set the peer to Main Mode (it proposed aes128-sha1-curve25519/xauth-psk); the "
                 "peer is set to XAUTH" },
    { "Q13: Aggressive Mode in the answer: refused", .at = AT_MAIN_2, .change = aggressive,
      .refused = "set the peer to Main Mode" },
    { "Q13: Base Exchange: refused", .at = AT_MAIN_1 | AT_MAIN_2, .change = base,
      .refused = "Base is not supported" },
    { "Q13: certificates and requests for them beside a preshared key", .change = certificates,
      .at = AT_MAIN_3 | AT_MAIN_4 | AT_MAIN_5 | AT_MAIN_6 },
    { "Q13: a signature where HASH belongs: refused", .at = AT_MAIN_5 | AT_MAIN_6,
      .change = signature, .refused = "the HASH payload is missing" },
};

/* ---- Transactions, which follow Main Mode ---- */

struct transaction {
    const char *body;
    size_t len;
    const char *line;
};

static void transactions(void **state)
{
    static const struct transaction all[] = {
        { "\1\0\x12\x34" "\x40\x88\0\0" "\x40\x89\0\0" "\x40\x8a\0\0", 16,
          "the peer asks for a user's name and password: switch XAUTH" },
        { "\3\0\x12\x34" "\xc0\x8f\0\1", 8, "the peer asks for a user's name and password" },
        { "\1\0\x12\x34" "\0\1\0\0" "\0\2\0\0", 12, "the peer asks us for an address: switch" },
        { "\3\0\x12\x34" "\0\1\0\4\x0a\0\0\1", 12, "the peer wants to set our address" },
        { "\4\0\x12\x34", 4, "switch XAUTH and Mode Config off at the peer" },
    };
    (void)state;
    for (unsigned peer = 0; peer < 2; peer++) {
        struct world *w = world_new(QUIRK_NETS, QUIRK_PSK, QUIRK_PSK);
        struct quirk_layer *l = quirk_put_on(w, peer, NULL);
        world_begin(w);
        assert_true(world_both_up(w));
        for (size_t i = 0; i < LENGTH(all); i++) {
            unsigned sent = w->host[1 - peer].sent;
            unsigned before = quirk_said(w, 1 - peer, "a Transaction (Mode Config or XAUTH)");
            unsigned named = quirk_said(w, 1 - peer, all[i].line);
            quirk_send(l, EXCHANGE_TRANSACTION, 0, false, PAYLOAD_ATTRIBUTES, all[i].body,
                       all[i].len);
            assert_int_equal(quirk_said(w, 1 - peer, "a Transaction (Mode Config or XAUTH)"),
                             before + 1);
            assert_int_equal(quirk_said(w, 1 - peer, all[i].line), named + 1);
            assert_int_equal(w->host[1 - peer].sent, sent);
        }
        assert_true(quirk_main(w, 1 - peer)->sa->up);
        quirk_take_off(l);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest more[] = {
        { "Q13: XAUTH and Mode Config after Main Mode, in both roles", transactions, NULL, NULL,
          NULL },
    };
    return quirk_run(table, LENGTH(table), more, LENGTH(more));
}
