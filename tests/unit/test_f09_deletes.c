/* F9, Q10, [X5]: Deletes of the peer himself, all of what they name. */
#include "informational.h"

#include <bsd/sys/endian.h>
#include <stdlib.h>
#include <string.h>

#define MORE 11u /* connections, beside "net" */

static void connect_more(struct lab *l)
{
    for (unsigned n = 1; n <= MORE; n++) {
        for (unsigned host = 0; host < 2; host++) {
            lab_whack(l, host, "whack-connection name=b%u left-host=10.9.0.1 "
                      "left-client=10.11.%u.0/24 right-host=10.9.0.2 right-client=10.12.%u.0/24 "
                      LONG_LIVED, n, n, n);
        }
        lab_whack(l, 0, "whack-initiate name=b%u", n);
    }
    for (unsigned host = 0; host < 2; host++) {
        assert_int_equal(l->host[host].kernel->sas, 2 * (MORE + 1));
    }
}

static void hear(struct informational *s)
{
    hostile_seal(&s->o, &s->d);
    lab_hear(s->l, &s->d.path, s->d.bytes, s->d.len);
    lab_settle(s->l);
}

static void begin(struct informational *s, unsigned to)
{
    hostile_begin(s->l, to, EXCHANGE_INFORMATIONAL, s->message_id++, &s->o);
}

/* The SPIs of the peer: of SAs that go to him. */
static unsigned spis_of(const struct lab *l, unsigned host, uint8_t *out)
{
    unsigned count = 0;
    for (size_t i = 0; i < l->host[host].kernel->sas; i++) {
        const struct kernel_sa *sa = &l->host[host].kernel->sa[i];
        if (!sa->inbound) {
            be32enc(out + 4 * count++, sa->spi);
        }
    }
    return count;
}

static void f9_many_delete_payloads(void **state)
{
    struct informational *s = *state;
    connect_more(s->l);
    for (unsigned to = 0; to < 2; to++) {
        uint8_t spis[4 * FAKE_MAX];
        uint8_t body[12];
        unsigned count = spis_of(s->l, to, spis);
        assert_int_equal(count, MORE + 1);
        begin(s, to);
        for (unsigned i = 0; i < count; i++) {
            (void)delete_body(body, 3, 4, 1, sizeof body);
            memcpy(body + 8, spis + 4 * i, 4);
            payload_insert(&s->o, 1 + i, PAYLOAD_D, body, sizeof body);
        }
        lab_forget_log(s->l);
        hear(s);
        assert_int_equal(s->l->host[to].kernel->sas, 0);
        assert_int_equal(lab_count(&s->l->host[to].log, "the peer deleted the IPsec SA"), count);
    }
}

/* As many as fit into one message. */
static void f9_many_spis_in_one_payload(void **state)
{
    struct informational *s = *state;
    for (unsigned to = 0; to < 2; to++) {
        const unsigned count = 4000;
        uint8_t *body = calloc(1, 8 + 4 * count);
        assert_non_null(body);
        (void)delete_body(body, 3, 4, count, 8 + 4 * count);
        for (unsigned i = 0; i < count; i++) {
            be32enc(body + 8 + 4 * i, 0x70000000 + i);
        }
        (void)spis_of(s->l, to, body + 8 + 4 * (count - 1));
        begin(s, to);
        payload_insert(&s->o, 1, PAYLOAD_D, body, 8 + 4 * count);
        lab_forget_log(s->l);
        hear(s);
        assert_int_equal(s->l->host[to].kernel->sas, 0);
        assert_true(lab_logged(s->l, to, "Delete for ESP SPI 70000000 and 3998 more, which are none"));
        free(body);
    }
}

/* ... and the SA that it comes under among them, named first: the others still count. */
static void f9_many_isakmp_sas_at_once(void **state)
{
    struct informational *s = *state;
    struct lab *l = s->l;
    uint8_t spi[4];
    uint8_t body[8 + 16 * 12];
    const struct exchange *older = hostile_main(l, 1);
    uint64_t number = older->number;
    memcpy(body + 8 + 16 * 11, older->cookies, 16);
    lab_whack(l, 0, "whack-connection name=b left-host=10.9.0.1 right-host=10.9.0.2 policy=psk "
              "ike=aes128-sha1-curve25519 ikelifetime=86400");
    lab_whack(l, 1, "whack-connection name=b left-host=10.9.0.1 right-host=10.9.0.2 policy=psk "
              "ike=aes128-sha1-curve25519 ikelifetime=86400");
    lab_whack(l, 0, "whack-initiate name=b");
    const struct exchange *newer = hostile_main(l, 1);
    assert_true(newer->number != number);
    (void)delete_body(body, 1, 16, 12, 8 + 16 * 11);
    memcpy(body + 8, newer->cookies, 16);
    begin(s, 1);
    payload_insert(&s->o, 1, PAYLOAD_D, body, sizeof body);
    (void)delete_body(body, 3, 4, 1, 12);
    (void)spis_of(l, 1, spi);
    memcpy(body + 8, spi, 4);
    payload_insert(&s->o, 2, PAYLOAD_D, body, 12);
    lab_forget_log(l);
    hear(s);
    assert_int_equal(lab_count(&l->host[1].log, "the peer deleted the ISAKMP SA"), 2);
    assert_int_equal(lab_count(&l->host[1].log, "the peer deleted the IPsec SA"), 1);
    assert_true(lab_logged(l, 1, "that we do not have (10 in this message)"));
    assert_null(hostile_main(l, 1));
}

/* ---- SAs that are being made: plutod does not know their SPIs yet ---- */

struct held {
    unsigned number; /* message 2 or 3 of Quick Mode is the 8th or 9th */
    struct datagram d;
};

static unsigned hold(struct lab *l, struct datagram *d, unsigned number)
{
    struct held *h = l->data;
    if (number == h->number) {
        h->d = *d;
        return 0;
    }
    return 1;
}

static void put_delete(struct informational *s, unsigned to, const uint8_t spi[4])
{
    uint8_t body[12];
    (void)delete_body(body, 3, 4, 1, sizeof body);
    memcpy(body + 8, spi, 4);
    begin(s, to);
    payload_insert(&s->o, 1, PAYLOAD_D, body, sizeof body);
    hostile_seal(&s->o, &s->d);
}

/* Behind message 2 to the initiator, and to the responder in the place of message 3. */
static void a_delete_of_sas_being_made(void **state)
{
    struct informational *s = calloc(1, sizeof *s);
    struct held *h = calloc(1, sizeof *h);
    assert_non_null(s);
    assert_non_null(h);
    (void)state;
    s->message_id = 0x10000;
    for (unsigned to = 0; to < 2; to++) {
        h->number = 8 + to;
        s->l = lab_new(LONG_LIVED);
        s->l->network = hold;
        s->l->data = h;
        lab_initiate(s->l, 0);
        s->l->network = NULL;
        const struct exchange *main = hostile_main(s->l, to);
        const struct exchange *responder = LIST_FIRST(&hostile_main(s->l, 1)->sa->quicks);
        put_delete(s, to, to == 0 ? responder->quick->spi_in : responder->quick->spi_out);
        s->l->hurried = true;
        if (to == 0) {
            lab_inject(s->l, &h->d);
        }
        lab_inject(s->l, &s->d);
        lab_settle(s->l);
        assert_int_equal(s->l->host[to].kernel->sas, 0);
        assert_int_equal(lab_count(&s->l->host[to].heard, "failed "), 1);
        assert_true(lab_logged(s->l, to, "the peer deleted the IPsec SA before it was up"));
        assert_false(lab_logged(s->l, to, "none of this peer's"));
        assert_ptr_equal(hostile_main(s->l, to), main); /* he answers: the ISAKMP SA stays */
        lab_free(s->l);
    }
    free(h);
    free(s);
}

/* It is over: tear_down of the others asks for SAs. */
static int end(void **state)
{
    struct informational *s = *state;
    lab_free(s->l);
    free(s);
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, informational_set_up, end)
    const struct CMUnitTest tests[] = {
        TEST(f9_many_delete_payloads),
        TEST(f9_many_spis_in_one_payload),
        TEST(f9_many_isakmp_sas_at_once),
        cmocka_unit_test(a_delete_of_sas_being_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
