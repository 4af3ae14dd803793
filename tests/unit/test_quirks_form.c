/* Q5 to Q8: the form of messages, with a peer that has these oddities. */
#include "quirks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* ---- Q5 ---- */

#define TRAILING "bytes behind the last payload"
#define RESERVED "reserved bytes that are not 0"

static void pad_none(struct quirk_message *m)
{
    m->padding = PAD_NONE;
}

static void pad_random(struct quirk_message *m)
{
    m->padding = PAD_RANDOM;
}

static void pad_count(struct quirk_message *m)
{
    m->padding = PAD_COUNT;
}

static void pad_long(struct quirk_message *m)
{
    m->padding = PAD_LONG;
}

static void hash_over_padding(struct quirk_message *m)
{
    m->padding = PAD_RANDOM;
    m->hash_over_padding = true;
}

static void clear_tail(struct quirk_message *m)
{
    m->tail = (const uint8_t *)"more";
    m->tail_len = 4;
}

static void reserved(struct quirk_message *m)
{
    for (size_t i = 0; i < m->count; i++) {
        m->payload[i].reserved = 0x5a;
    }
}

/* Behind DOI and situation: the proposal's generic header; behind its 8 bytes and the SPI the
 * transform's, which has two reserved bytes more. */
static void reserved_inside_sa(struct quirk_message *m)
{
    uint8_t *proposal = quirk_find(m, PAYLOAD_SA, 0)->body + 8;
    uint8_t *transform = proposal + 8 + proposal[6];
    proposal[1] = 0xff;
    transform[1] = 0xff;
    transform[6] = 0xff;
}

static void no_reserved_hash(struct quirk_message *m)
{
    reserved(m);
    m->keep_hash = true; /* made while they were 0 */
}

/* ---- Q6 ---- */

static void swap(struct quirk_message *m, size_t a, size_t b)
{
    struct quirk_payload kept = m->payload[a];
    m->payload[a] = m->payload[b];
    m->payload[b] = kept;
}

/* All but what has its place is turned round; the two IDs stay in their order. */
static void other_order(struct quirk_message *m)
{
    size_t first = m->at == AT_QUICK_1 || m->at == AT_QUICK_2 ? 2 : 0;
    for (size_t i = first, j = m->count - 1; i < j; i++, j--) {
        swap(m, i, j);
    }
    if (first == 2) {
        size_t cr = (size_t)(quirk_find(m, PAYLOAD_ID, 0) - m->payload);
        size_t ci = (size_t)(quirk_find(m, PAYLOAD_ID, 1) - m->payload);
        swap(m, cr, ci);
    }
}

static void thirty_vendors(struct quirk_message *m)
{
    uint8_t vendor[16] = "some vendor";
    for (uint8_t i = 0; i < 30; i++) {
        vendor[15] = i;
        quirk_insert(m, m->count, PAYLOAD_VID, vendor, sizeof vendor);
    }
}

static void private_payloads(struct quirk_message *m)
{
    quirk_insert(m, m->count, 200, "what is this?", 13);
    quirk_insert(m, m->count, 255, "", 0);
}

/* A Delete of nothing that we know, certificate requests, and NAT-D of two kinds. */
static void strays(struct quirk_message *m)
{
    static const uint8_t delete[] = { 0, 0, 0, 1, 3, 4, 0, 1, 0xde, 0xad, 0xbe, 0xef };
    static const uint8_t nat_d[20] = { 1, 2, 3 };
    quirk_insert(m, m->count, PAYLOAD_D, delete, sizeof delete);
    quirk_insert(m, m->count, PAYLOAD_CR, "\4authority", 10);
    quirk_insert(m, m->count, PAYLOAD_NAT_D, nat_d, sizeof nat_d);
    quirk_insert(m, m->count, PAYLOAD_NAT_D_DRAFT, nat_d, sizeof nat_d);
    quirk_insert(m, m->count, PAYLOAD_NAT_D_DRAFT, nat_d, sizeof nat_d);
}

static void notify_anywhere(struct quirk_message *m)
{
    static const uint8_t replay_status[] = { 0, 0, 0, 1, 3, 4, 0x60, 0x01, 1, 2, 3, 4, 0, 0, 0, 0 };
    size_t at = m->at == AT_QUICK_1 || m->at == AT_QUICK_2 ? 2
                : m->at == AT_QUICK_3 || m->at == AT_MAIN_1 || m->at == AT_MAIN_2 ? 1 : 0;
    quirk_insert(m, at, PAYLOAD_N, replay_status, sizeof replay_status);
}

static void vendor_first(struct quirk_message *m)
{
    quirk_insert(m, 0, PAYLOAD_VID, "first", 5);
}

static void sa_late(struct quirk_message *m)
{
    swap(m, 1, 2);
}

static void ids_swapped(struct quirk_message *m)
{
    size_t ci = (size_t)(quirk_find(m, PAYLOAD_ID, 0) - m->payload);
    size_t cr = (size_t)(quirk_find(m, PAYLOAD_ID, 1) - m->payload);
    swap(m, ci, cr);
}

static void unknown_payload(struct quirk_message *m)
{
    quirk_insert(m, m->count, 99, "not private", 11);
}

/* ---- Q7 ---- */

static void vendor_prefixes(struct quirk_message *m)
{
    static const struct {
        size_t len;
        const char *bytes;
    } vendors[] = {
        { 16, "\xaf\xca\xd7\x13\x68\xa1\xf1\xc9\x6b\x86\x96\xfc\x77\x57\x02\x07" },
        { 20, "\x40\x48\xb7\xd5\x6e\xbc\xe8\x85\x25\xe7\xde\x7f\x00\xd6\xc2\xd3\xc0\x00\x00\x00" },
        { 20, "\x1e\x2b\x51\x69\x05\x99\x1c\x7d\x7c\x96\xfc\xbf\xb5\x87\xe4\x61\x00\x00\x00\x09" },
        { 16, "\x12\xf5\xf2\x8c\x45\x71\x68\xa9\x70\x2d\x9f\xe2\x74\xcc\x01\x00" },
    };
    for (size_t i = 0; i < LENGTH(vendors); i++) {
        quirk_insert(m, m->count, PAYLOAD_VID, vendors[i].bytes, vendors[i].len);
    }
}

static void vendor_cut(struct quirk_message *m)
{
    quirk_insert(m, m->count, PAYLOAD_VID,
                 "\xaf\xca\xd7\x13\x68\xa1\xf1\xc9\x6b\x86\x96\xfc\x77", 13);
}

static void commit(struct quirk_message *m)
{
    m->header.flags |= FLAG_COMMIT;
}

static const struct quirk table[] = {
    { "Q5: no padding", .at = AT_SEALED, .change = pad_none },
    { "Q5: random padding", .at = AT_SEALED, .change = pad_random, .odd = TRAILING },
    { "Q5: padding with a count byte", .at = AT_SEALED, .change = pad_count, .odd = TRAILING },
    { "Q5: more padding than a block", .at = AT_SEALED, .change = pad_long, .odd = TRAILING },
    { "Q5: 3DES, random padding", .at = AT_SEALED, .change = pad_random, .odd = TRAILING,
      .words = "--psk --encrypt --tunnel --ike 3des-md5-modp1024 --esp 3des-md5 " QUIRK_ENDS },
    { "Q5: bytes behind the last payload, in clear", .at = AT_CLEAR, .change = clear_tail,
      .odd = TRAILING },
    { "Q5: reserved bytes set", .at = AT_ALL, .change = reserved, .odd = RESERVED },
    { "Q5: reserved bytes set in proposal and transform", .change = reserved_inside_sa,
      .at = AT_MAIN_1 | AT_MAIN_2 | AT_QUICK_1 | AT_QUICK_2, .odd = RESERVED },
    { "Q5: message 1 of Quick Mode, HASH over the padding: refused", .at = AT_QUICK_1,
      .change = hash_over_padding, .refused = "HASH(1) is wrong" },
    { "Q5: message 2 of Quick Mode, HASH over the padding: refused", .at = AT_QUICK_2,
      .change = hash_over_padding, .refused = "HASH(2) is wrong" },
    { "Q5: HASH(1) made before reserved bytes were set: refused", .at = AT_QUICK_1,
      .change = no_reserved_hash, .refused = "HASH(1) is wrong" },
    { "Q5: HASH(2) made before reserved bytes were set: refused", .at = AT_QUICK_2,
      .change = no_reserved_hash, .refused = "HASH(2) is wrong" },

    { "Q6: all but SA, HASH and the clients in another order", .change = other_order,
      .at = AT_MAIN_3 | AT_MAIN_4 | AT_MAIN_5 | AT_MAIN_6 | AT_QUICK_1 | AT_QUICK_2 },
    { "Q6: thirty vendor ids in each message", .at = AT_ALL, .change = thirty_vendors },
    { "Q6: private payload types", .at = AT_ALL, .change = private_payloads,
      .odd = "a payload of a private type" },
    { "Q6: D, CR, NAT-D (20 and 130) everywhere", .at = AT_ALL, .change = strays,
      .odd = "a payload that means nothing" },
    { "Q6: a notification before, between and behind", .at = AT_ALL, .change = notify_anywhere },
    { "Q6: a vendor id before SA in Main Mode: refused", .at = AT_MAIN_1, .change = vendor_first,
      .refused = "the SA payload does not come first" },
    { "Q6: a vendor id before SA in Main Mode: refused", .at = AT_MAIN_2, .change = vendor_first,
      .refused = "the SA payload does not come first" },
    { "Q6: a vendor id before HASH in Quick Mode: refused", .at = AT_QUICK_1,
      .change = vendor_first, .refused = "the HASH payload does not come first" },
    { "Q6: a vendor id before HASH in Quick Mode: refused", .at = AT_QUICK_2,
      .change = vendor_first, .refused = "the HASH payload does not come first" },
    { "Q6: SA behind the nonce in Quick Mode: refused", .at = AT_QUICK_1, .change = sa_late,
      .refused = "the SA payload does not follow" },
    { "Q6: SA behind the nonce in Quick Mode: refused", .at = AT_QUICK_2, .change = sa_late,
      .refused = "the SA payload does not follow" },
    { "Q6: IDcr before IDci: refused", .at = AT_QUICK_1, .change = ids_swapped,
      .refused = "clients are not those" },
    { "Q6: IDcr before IDci: refused", .at = AT_QUICK_2, .change = ids_swapped,
      .refused = "the peer changed the clients" },
    { "Q6: an unknown payload type that is not private: refused", .at = AT_QUICK_1,
      .change = unknown_payload, .refused = "an unknown payload type" },
    { "Q6: an unknown payload type that is not private: refused", .at = AT_QUICK_2,
      .change = unknown_payload, .refused = "an unknown payload type" },

    { "Q7: DPD of another version", .at = AT_MAIN_1 | AT_MAIN_2, .change = vendor_prefixes,
      .says = "(DPD (dead peer detection))" },
    { "Q7: FRAGMENTATION with its capabilities", .at = AT_MAIN_1 | AT_MAIN_2,
      .change = vendor_prefixes, .says = "(FRAGMENTATION)" },
    { "Q7: Windows with its version", .at = AT_MAIN_1 | AT_MAIN_2, .change = vendor_prefixes,
      .says = "(Windows)" },
    { "Q7: Unity with its version", .at = AT_MAIN_1 | AT_MAIN_2, .change = vendor_prefixes,
      .says = "(Cisco Unity)" },
    { "Q7: DPD without its last bytes is not DPD", .at = AT_MAIN_1 | AT_MAIN_2,
      .change = vendor_cut, .says = "(unknown)" },
    { "Q7: the Commit flag, warned of once", .at = AT_SEALED, .change = commit,
      .says = "the Commit flag is set" },
};

/* ---- with a course of their own ---- */

/* Puts a negotiation up in which host `peer` is the odd one. */
static struct world *up_with(unsigned peer, const struct quirk *q, struct quirk_layer **l)
{
    struct world *w = world_new(QUIRK_NETS, QUIRK_PSK, QUIRK_PSK);
    *l = quirk_put_on(w, peer, q);
    world_order(w, 1 - peer, "debug classes=parsing");
    world_begin(w);
    return w;
}

static void done_with(struct world *w, struct quirk_layer *l)
{
    assert_true(world_both_up(w));
    quirk_take_off(l);
    world_free(w);
}

/* A Delete with padding of each kind; 0: it was not believed. */
static unsigned deletes_believed(unsigned peer, void (*change)(struct quirk_message *m))
{
    static const uint8_t body[] = { 0, 0, 0, 1, 3, 4, 0, 1, 1, 2, 3, 4 };
    const struct quirk q = { "Q5: ", .at = AT_INFO, .change = change };
    struct quirk_layer *l;
    struct world *w = up_with(peer, &q, &l);
    quirk_send(l, EXCHANGE_INFORMATIONAL, 0, false, PAYLOAD_D, body, sizeof body);
    unsigned believed = world_count(w, 1 - peer, "peer-deleted exchange=1 protocol=esp");
    assert_int_equal(quirk_said(w, 1 - peer, "an Informational with a wrong HASH"), 1 - believed);
    done_with(w, l);
    return believed;
}

static void padded_informationals(void **state)
{
    (void)state;
    for (unsigned peer = 0; peer < 2; peer++) {
        assert_int_equal(deletes_believed(peer, pad_none), 1);
        assert_int_equal(deletes_believed(peer, pad_random), 1);
        assert_int_equal(deletes_believed(peer, pad_count), 1);
        assert_int_equal(deletes_believed(peer, pad_long), 1);
        assert_int_equal(deletes_believed(peer, reserved), 1);
        assert_int_equal(deletes_believed(peer, hash_over_padding), 0);
        assert_int_equal(deletes_believed(peer, no_reserved_hash), 0);
    }
}

/* RFC 2408, 3.1: the notification that ends the wait which the Commit flag asked for. */
static void connected(unsigned peer, bool quick_iv)
{
    static const uint8_t body[] = { 0, 0, 0, 1, 3, 4, 0x40, 0x00, 1, 2, 3, 4 };
    static const struct quirk q = { "Q7: ", .at = AT_QUICK_1 | AT_QUICK_2, .change = commit };
    struct quirk_layer *l;
    struct world *w = up_with(peer, &q, &l);
    uint32_t id = quirk_quick(w, peer)->message_id;
    quirk_send(l, EXCHANGE_INFORMATIONAL, id, quick_iv, PAYLOAD_N, body, sizeof body);
    assert_int_equal(quirk_said(w, 1 - peer, "authenticated notification from the peer: CONN"), 1);
    assert_int_equal(quirk_said(w, 1 - peer, "an Informational with the message id of a Quick"), 1);
    done_with(w, l);
}

static void connected_initiator(void **state)
{
    (void)state;
    connected(1, false);
    connected(1, true);
}

static void connected_responder(void **state)
{
    (void)state;
    connected(0, false);
    connected(0, true);
}

/* racoon sets the encryption flag of the whole message on its fragments, which are in clear. */
static void flag_on_fragment(struct quirk_message *m)
{
    static const uint8_t fragment[] = { 0, 1, 1, 1, 'x' };
    while (m->count > 0) {
        quirk_remove(m, &m->payload[0]);
    }
    quirk_insert(m, 0, PAYLOAD_FRAGMENT, fragment, sizeof fragment);
    m->header.flags |= FLAG_ENCRYPTION;
}

static void fragments(unsigned peer)
{
    const struct quirk q = { "Q7: ", .at = peer == 0 ? AT_MAIN_3 : AT_MAIN_4,
                             .change = flag_on_fragment };
    struct world *w = world_new(QUIRK_NETS, QUIRK_PSK, QUIRK_PSK);
    struct quirk_layer *l = quirk_put_on(w, peer, &q);
    world_begin(w);
    assert_true(quirk_applied(l) > 0);
    assert_true(quirk_said(w, 1 - peer, "a fragment of an IKE message is ignored") > 0);
    assert_int_equal(quirk_said(w, 1 - peer, "wrong secret"), 0);
    assert_int_equal(quirk_said(w, 1 - peer, "encrypted too early"), 0);
    quirk_take_off(l);
    world_free(w);
}

static void fragments_initiator(void **state)
{
    (void)state;
    fragments(1);
}

static void fragments_responder(void **state)
{
    (void)state;
    fragments(0);
}

static void nonce_of_32(struct quirk_message *m)
{
    assert_int_equal(quirk_find(m, PAYLOAD_NONCE, 0)->len, 32);
}

static void our_nonces(void **state)
{
    static const struct quirk q = { "Q8: ", .change = nonce_of_32,
        .at = AT_MAIN_3 | AT_MAIN_4 | AT_QUICK_1 | AT_QUICK_2 };
    (void)state;
    for (unsigned us = 0; us < 2; us++) {
        struct quirk_layer *l;
        struct world *w = up_with(us, &q, &l);
        assert_int_equal(quirk_applied(l), 2);
        done_with(w, l);
    }
}

/* Q8: message 3 is lost twice; message 2 comes again and gets it again. */
static void message_2_again(void **state)
{
    struct world *w = world_new(QUIRK_NETS, QUIRK_PSK, QUIRK_PSK);
    struct quirk_layer *l = quirk_put_on(w, 1, NULL);
    (void)state;
    quirk_lose(l, AT_QUICK_3, 2);
    world_begin(w);
    assert_false(world_both_up(w));
    unsigned sent = w->host[0].sent;
    world_pass(w, 10000);
    assert_int_equal(w->host[0].sent, sent + 1);
    assert_false(world_both_up(w));
    world_pass(w, 20000);
    assert_int_equal(w->host[0].sent, sent + 2);
    done_with(w, l);
}

int main(void)
{
    const struct CMUnitTest more[] = {
        { "Q5: padding and reserved bytes of Informationals", padded_informationals, NULL, NULL,
          NULL },
        { "Q7 initiator: CONNECTED under the message id of the Quick Mode", connected_initiator,
          NULL, NULL, NULL },
        { "Q7 responder: CONNECTED under the message id of the Quick Mode", connected_responder,
          NULL, NULL, NULL },
        { "Q7 initiator: fragments with the encryption flag blame no secret", fragments_initiator,
          NULL, NULL, NULL },
        { "Q7 responder: fragments with the encryption flag blame no secret", fragments_responder,
          NULL, NULL, NULL },
        { "Q8: our nonces have 32 bytes", our_nonces, NULL, NULL, NULL },
        { "Q8 initiator: message 2 of Quick Mode again gets message 3 again", message_2_again, NULL,
          NULL, NULL },
    };
    return quirk_run(table, LENGTH(table), more, LENGTH(more));
}
