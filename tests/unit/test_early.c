/*
 * Q3, Q10: what comes right behind message 5 or 6 of Main Mode, or message 2 of Quick Mode, while the answer
 * of secrets or kernel-sa is awaited. Informationals come only once.
 */
#include "hostile.h"

#include <bsd/sys/endian.h>
#include <stdlib.h>
#include <string.h>

#define IKE_600 "\x80\x0b\x00\x01\x80\x0c\x02\x58"
#define SECONDS_600 "\x80\x01\x00\x01\x80\x02\x02\x58"
#define WORDS "policy=psk,encrypt,tunnel ike=aes128-sha1-curve25519 esp=aes128-sha1"

struct behind {
    unsigned number; /* of the message that it follows */
    unsigned type;
    const char *data;
    size_t len;
    unsigned copies;
    uint32_t id;
};

/* An Informational for the receiver of d, after its last block. */
static void make(const struct isakmp_sa *sa, const uint8_t *last_block, uint32_t id, const void *body,
                 size_t len, struct datagram *out)
{
    static const uint8_t zeros[HASH_MAX];
    size_t rest = ISAKMP_HEADER_LEN + GENERIC_HEADER_LEN + sa->keys.hash->len;
    uint8_t hash[HASH_MAX];
    uint8_t iv[IV_MAX];
    uint8_t m_id[4];
    struct message_writer w;
    struct buffer m;
    buffer_init(&m, MESSAGE_MAX);
    message_begin(&w, &m, sa->cky_i, sa->cky_r, EXCHANGE_INFORMATIONAL, 0, id);
    message_raw(&w, PAYLOAD_HASH, zeros, sa->keys.hash->len);
    message_raw(&w, PAYLOAD_N, body, len);
    assert_true(message_end(&w));
    be32enc(m_id, id);
    const struct part parts[] = { { m_id, 4 }, { m.data + rest, m.len - rest } };
    isakmp_hash(&sa->keys, parts, 2, hash);
    memcpy(m.data + ISAKMP_HEADER_LEN + GENERIC_HEADER_LEN, hash, sa->keys.hash->len);
    iv_phase2(&sa->keys, last_block, id, iv);
    assert_true(message_seal(&m, &sa->keys, iv));
    memcpy(out->bytes, m.data, out->len = m.len);
    buffer_wipe(&m);
}

/* After a message of Main Mode: about the ISAKMP SA that is being made. */
static void put_behind_main(struct lab *l, struct datagram *d, const struct behind *b)
{
    const struct isakmp_sa *sa = hostile_main(l, lab_host_of(&d->path.local))->sa;
    struct datagram *i = malloc(sizeof *i);
    uint8_t body[64] = { 0, 0, 0, 1, PROTOCOL_ISAKMP, 16 };
    assert_non_null(i);
    be16enc(body + 6, (uint16_t)b->type);
    memcpy(body + 8, sa->cky_i, COOKIE_LEN);
    memcpy(body + 16, sa->cky_r, COOKIE_LEN);
    memcpy(body + 24, b->data, b->len);
    i->path = d->path;
    for (unsigned n = 0; n < b->copies; n++) {
        make(sa, d->bytes + d->len - sa->keys.cipher->block_len, b->id + n, body, 24 + b->len, i);
        lab_inject(l, i);
        lab_inject(l, i); /* the network doubles it */
    }
    free(i);
}

static unsigned behind(struct lab *l, struct datagram *d, unsigned number)
{
    const struct behind *b = l->data;
    if (number != b->number) {
        return 1;
    }
    lab_inject(l, d);
    put_behind_main(l, d, b);
    return 0;
}

static struct lab *begin(struct behind *b, bool hurried, lab_network *network)
{
    struct lab *l = lab_new(NULL);
    l->network = network;
    l->data = b;
    l->hurried = hurried;
    lab_initiate(l, 0);
    return l;
}

/* ---- behind Main Mode ---- */

static void initial_contact_behind_main_mode(void **state)
{
    (void)state;
    for (unsigned number = 5; number <= 6; number++) {
        for (unsigned hurried = number == 5 ? 1 : 0; hurried < 2; hurried++) {
            struct behind b = { number, NOTIFY_INITIAL_CONTACT, "", 0, 1, 0x1234567 };
            struct lab *l = begin(&b, hurried, behind);
            assert_true(lab_up(l));
            assert_int_equal(lab_count(&l->host[number % 2].heard, "initial-contact "), 1);
            lab_free(l);
        }
    }
}

static void lifetime_behind_message_6(void **state)
{
    (void)state;
    for (unsigned hurried = 0; hurried < 2; hurried++) {
        struct behind b = { 6, NOTIFY_RESPONDER_LIFETIME, IKE_600, 8, 1, 0x1234567 };
        struct lab *l = begin(&b, hurried, behind);
        assert_true(lab_up(l));
        assert_int_equal(lab_count(&l->host[0].heard, "responder-lifetime "), 1);
        assert_true(lab_logged(l, 0, "the peer lets this SA live 600s, not 10800s"));
        lab_free(l);
    }
}

/* As many as are kept, and the rest is said. */
static void many_behind_message_6(void **state)
{
    struct behind b = { 6, NOTIFY_RESPONDER_LIFETIME, IKE_600, 8, 100, 0x1234567 };
    struct lab *l = begin(&b, true, behind);
    (void)state;
    assert_true(lab_up(l));
    assert_int_equal(lab_count(&l->host[0].heard, "responder-lifetime "), 8);
    assert_true(lab_logged(l, 0, "more than is kept of them"));
    lab_free(l);
}

/* He holds the secret, but is not who he should be: nothing of his is believed. */
static void nothing_is_taken_without_proof(void **state)
{
    struct behind b = { 6, NOTIFY_INITIAL_CONTACT, "", 0, 1, 0x1234567 };
    (void)state;
    for (unsigned hurried = 0; hurried < 2; hurried++) {
        struct lab *l = lab_new(NULL);
        lab_whack(l, 0, "whack-delete name=net");
        lab_whack(l, 0, "whack-connection name=net left-host=10.9.0.1 left-client=10.1.0.0/24 "
                  "right-host=10.9.0.2 right-client=10.2.0.0/24 right-id=@somebody.else " WORDS);
        l->network = behind;
        l->data = &b;
        l->hurried = hurried;
        lab_initiate(l, 0);
        assert_int_equal(lab_count(&l->host[0].heard, "isakmp-up "), 0);
        assert_int_equal(lab_count(&l->host[0].heard, "initial-contact "), 0);
        assert_false(lab_up(l));
        lab_free(l);
    }
}

/* ---- a Quick Mode of the peer behind message 6 ---- */

struct held {
    struct datagram six, quick;
};

static unsigned hold(struct lab *l, struct datagram *d, unsigned number)
{
    struct held *h = l->data;
    if (number == 6) {
        h->six = *d;
        return 0;
    }
    if (d->bytes[18] == EXCHANGE_QUICK && lab_host_of(&d->path.local) == 0 && h->quick.len == 0) {
        h->quick = *d;
        return 0;
    }
    return 1;
}

static void quick_mode_behind_message_6(void **state)
{
    (void)state;
    for (unsigned spoilt = 0; spoilt < 2; spoilt++) {
        struct held *h = calloc(1, sizeof *h);
        assert_non_null(h);
        struct lab *l = lab_new(NULL);
        for (unsigned host = 0; host < 2; host++) {
            lab_whack(l, host, "whack-connection name=b left-host=10.9.0.1 left-client=10.11.0.0/24 "
                      "right-host=10.9.0.2 right-client=10.12.0.0/24 " WORDS);
        }
        l->network = hold;
        l->data = h;
        lab_initiate(l, 0); /* the peer is up, and we wait for message 6 */
        lab_whack(l, 1, "whack-initiate name=b");
        assert_int_not_equal(h->six.len, 0);
        assert_int_not_equal(h->quick.len, 0);
        l->network = NULL;
        l->hurried = true;
        lab_forget_log(l);
        lab_inject(l, &h->six);
        h->quick.bytes[h->quick.len - 1] ^= (uint8_t)spoilt;
        h->quick.bytes[40] ^= (uint8_t)spoilt; /* in the HASH */
        lab_inject(l, &h->quick);
        lab_inject(l, &h->quick);
        lab_settle(l);
        assert_int_equal(lab_count(&l->host[0].heard, "quick-ask "), spoilt ? 0 : 1);
        assert_int_equal(lab_logged(l, 0, "wrong HASH") || lab_logged(l, 0, "is ignored"), spoilt);
        assert_int_equal(l->host[0].kernel->sas, spoilt ? 2 : 4);
        assert_int_equal(l->host[1].kernel->sas, spoilt ? 2 : 4);
        lab_free(l);
        free(h);
    }
}

/* ---- behind message 2 of Quick Mode ---- */

static unsigned behind_quick_2(struct lab *l, struct datagram *d, unsigned number)
{
    const struct behind *b = l->data;
    if (number != b->number) {
        return 1;
    }
    const struct isakmp_sa *sa = hostile_main(l, 0)->sa;
    const struct exchange *q = LIST_FIRST(&hostile_main(l, 1)->sa->quicks);
    struct datagram *i = malloc(sizeof *i);
    uint8_t body[64] = { 0, 0, 0, 1, PROTOCOL_ESP, 4 };
    assert_non_null(i);
    be16enc(body + 6, (uint16_t)b->type);
    memcpy(body + 8, q->quick->spi_in, 4);
    memcpy(body + 12, b->data, b->len);
    make(sa, sa->iv, b->id, body, 12 + b->len, i);
    i->path = d->path;
    lab_inject(l, d);
    lab_inject(l, i);
    free(i);
    return 0;
}

static void lifetime_behind_quick_mode(void **state)
{
    (void)state;
    for (unsigned hurried = 0; hurried < 2; hurried++) {
        struct behind b = { 8, NOTIFY_RESPONDER_LIFETIME, SECONDS_600, 8, 1, 0x1234567 };
        struct lab *l = begin(&b, hurried, behind_quick_2);
        assert_true(lab_up(l));
        assert_int_equal(lab_count(&l->host[0].heard, "responder-lifetime "), 1);
        assert_true(lab_logged(l, 0, "the peer lets this SA live 600s, not 3600s"));
        assert_false(lab_logged(l, 0, "none of this peer's"));
        lab_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initial_contact_behind_main_mode),
        cmocka_unit_test(lifetime_behind_message_6),
        cmocka_unit_test(many_behind_message_6),
        cmocka_unit_test(nothing_is_taken_without_proof),
        cmocka_unit_test(quick_mode_behind_message_6),
        cmocka_unit_test(lifetime_behind_quick_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
