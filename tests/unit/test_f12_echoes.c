/* F12: our own messages come back to us. Nothing in a message says whose it is. */
#include "informational.h"

#include <stdlib.h>
#include <string.h>

static void send_back(struct lab *l, const struct datagram *d)
{
    struct datagram *back = malloc(sizeof *back);
    assert_non_null(back);
    *back = *d;
    back->path = (struct path){ .local = d->path.remote, .remote = d->path.local,
                                .local_port = 500, .remote_port = 500 };
    lab_inject(l, back);
    free(back);
}

static unsigned echo(struct lab *l, struct datagram *d, unsigned number)
{
    (void)number;
    send_back(l, d);
    return 1;
}

/* All of a negotiation, and nobody is suspected of a wrong secret. */
static void f12_echoes_are_not_answers(void **state)
{
    (void)state;
    for (unsigned hurried = 0; hurried < 2; hurried++) {
        struct lab *l = lab_new(NULL);
        l->network = echo;
        l->hurried = hurried;
        lab_initiate(l, 0);
        assert_true(lab_up(l));
        for (unsigned host = 0; host < 2; host++) {
            assert_true(lab_logged(l, host, "our own message was sent back to us"));
            assert_false(lab_logged(l, host, "wrong secret"));
        }
        lab_free(l);
    }
}

static unsigned only_echo(struct lab *l, struct datagram *d, unsigned number)
{
    (void)echo(l, d, number);
    return 0;
}

static void f12_an_echo_alone_is_no_peer(void **state)
{
    struct lab *l = lab_new(NULL);
    (void)state;
    l->network = only_echo;
    lab_initiate(l, 0);
    lab_pass(l, 300000);
    assert_int_equal(lab_count(&l->host[0].heard, "isakmp-up "), 0);
    assert_int_equal(l->host[0].kernel->sas, 0);
    assert_true(l->host[0].sent_count < 40); /* three attempts, and its answers to itself */
    lab_free(l);
}

/* ---- Informationals ---- */

struct caught {
    unsigned from;
    struct datagram d; /* the last Informational of that host, which is lost */
    unsigned count;
};

/* A Quick Mode that `from` begins gets no answer. */
static unsigned catch(struct lab *l, struct datagram *d, unsigned number)
{
    struct caught *c = l->data;
    unsigned from = 1 - lab_host_of(&d->path.local);
    (void)number;
    if (d->bytes[18] == EXCHANGE_INFORMATIONAL && from == c->from) {
        c->d = *d;
        c->count++;
        return 0;
    }
    return d->bytes[18] == EXCHANGE_QUICK && from != c->from ? 0 : 1;
}

/* One that cannot be read, so that the refusal names no SPI. */
static void refuse_one(struct lab *l, struct opened *o, unsigned host, uint32_t message_id)
{
    struct datagram *d = malloc(sizeof *d);
    assert_non_null(d);
    hostile_begin(l, host, EXCHANGE_QUICK, message_id, o);
    payload_insert(o, 1, PAYLOAD_SA, "\0\0\0\7\0\0\0\1....", 12);
    payload_insert(o, 2, PAYLOAD_NONCE, "12345678901234567890123456789012", 32);
    hostile_seal(o, d);
    lab_hear(l, &d->path, d->bytes, d->len);
    lab_settle(l);
    free(d);
}

/* Our refusal of a Quick Mode of the peer's, sent back, does not end ours. */
static void f12_our_refusal_is_not_the_peers(void **state)
{
    struct opened *o = malloc(sizeof *o);
    struct caught *c = calloc(1, sizeof *c);
    (void)state;
    assert_non_null(o);
    assert_non_null(c);
    for (c->from = 0; c->from < 2; c->from++) {
        struct lab *l = lab_new(NULL);
        lab_initiate(l, 0);
        for (unsigned host = 0; host < 2; host++) {
            lab_whack(l, host, "whack-connection name=b left-host=10.9.0.1 left-client=10.11.0.0/24 "
                      "right-host=10.9.0.2 right-client=10.12.0.0/24 " LAB_CHEAP);
        }
        l->network = catch;
        l->data = c;
        lab_whack(l, c->from, "whack-initiate name=b");
        c->count = 0;
        refuse_one(l, o, c->from, 4711);
        assert_int_equal(c->count, 1);
        send_back(l, &c->d);
        send_back(l, &c->d);
        lab_settle(l);
        assert_true(lab_logged(l, c->from, "an Informational of ours was sent back to us: ignored"));
        assert_int_equal(lab_count(&l->host[c->from].heard, "failed "), 0);
        l->network = NULL;
        lab_pass(l, 12000);
        assert_int_equal(l->host[0].kernel->sas, 4);
        assert_int_equal(l->host[1].kernel->sas, 4);
        lab_free(l);
    }
    free(c);
    free(o);
}

/* Of two with one message id, both count: a peer may say two things of a Quick Mode. */
static void f12_two_under_one_message_id(void **state)
{
    struct informational *s = *state;
    uint8_t body[8];
    for (unsigned type = NOTIFY_INVALID_COOKIE; type <= NOTIFY_INVALID_MAJOR_VERSION; type++) {
        informational_begin(s, 0);
        hostile_renumber(&s->o, 0x4711);
        payload_insert(&s->o, 1, PAYLOAD_N, body, notification_body(body, 1, 0, type, 8));
        informational_end(s, "authenticated notification from the peer");
    }
    assert_int_equal(lab_count(&s->l->host[0].heard, "protected=yes"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f12_echoes_are_not_answers),
        cmocka_unit_test(f12_an_echo_alone_is_no_peer),
        cmocka_unit_test(f12_our_refusal_is_not_the_peers),
        cmocka_unit_test_setup_teardown(f12_two_under_one_message_id, informational_set_up,
                                        informational_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
