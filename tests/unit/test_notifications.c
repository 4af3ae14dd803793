/* Q3, Q10, Q11: what comes of authenticated notifications, beside forged ones and however many they are. */
#include "informational.h"

#include <bsd/sys/endian.h>
#include <stdlib.h>
#include <string.h>

#define MANY 30u

static unsigned lose_message_2(struct lab *l, struct datagram *d, unsigned number)
{
    (void)l;
    (void)number;
    return d->bytes[18] == EXCHANGE_QUICK && lab_host_of(&d->path.local) == 0 ? 0 : 1;
}

/* In clear, with the cookies that everybody on the way can read. */
static void hint(struct informational *s, unsigned to)
{
    uint8_t body[8];
    hostile_begin(s->l, to, EXCHANGE_INFORMATIONAL, s->message_id++, &s->o);
    s->o.encrypted = false;
    s->o.hash = 0;
    payload_remove(&s->o, 0);
    payload_insert(&s->o, 0, PAYLOAD_N, body, notification_body(body, 1, 0, 8192, 8));
    hostile_seal(&s->o, &s->d);
    lab_hear(s->l, &s->d.path, s->d.bytes, s->d.len);
    lab_settle(s->l);
}

static void proved(struct informational *s, unsigned to, uint32_t message_id, const void *body,
                   size_t len)
{
    hostile_begin(s->l, to, EXCHANGE_INFORMATIONAL, message_id, &s->o);
    payload_insert(&s->o, 1, PAYLOAD_N, body, len);
    hostile_seal(&s->o, &s->d);
    lab_hear(s->l, &s->d.path, s->d.bytes, s->d.len);
    lab_settle(s->l);
}

static struct informational *begin(lab_network *network)
{
    struct informational *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->l = lab_new(NULL);
    s->l->network = network;
    s->message_id = 0x10000;
    lab_initiate(s->l, 0);
    return s;
}

static void end(struct informational *s)
{
    lab_free(s->l);
    free(s);
}

/* ---- forged ones use up nothing of what there is for the peer's ---- */

static void an_error_amid_hints(void **state)
{
    (void)state;
    for (unsigned hints = 0; hints <= 100; hints += 50) {
        struct informational *s = begin(lose_message_2);
        const struct exchange *q = LIST_FIRST(&hostile_main(s->l, 0)->sa->quicks);
        uint8_t body[12];
        for (unsigned i = 0; i < hints; i++) {
            hint(s, 0);
        }
        lab_forget_log(s->l);
        assert_int_equal(q->state, QUICK_I1);
        (void)notification_body(body, 3, 4, NOTIFY_NO_PROPOSAL_CHOSEN, sizeof body);
        memcpy(body + 8, q->quick->spi_in, 4);
        proved(s, 0, s->message_id++, body, sizeof body);
        assert_int_equal(lab_count(&s->l->host[0].heard, "failed "), 1);
        assert_true(lab_logged(s->l, 0, ": the peer answered NO-PROPOSAL-CHOSEN (14): we proposed "));
        end(s);
    }
}

/* What whack is told of, too. */
static void a_line_amid_hints(void **state)
{
    (void)state;
    for (unsigned to = 0; to < 2; to++) {
        struct informational *s = begin(NULL);
        uint8_t body[8];
        for (unsigned i = 0; i < 100; i++) {
            hint(s, to);
        }
        assert_in_range(lab_count(&s->l->host[to].log, "(only a hint)"), 1, 16);
        assert_in_range(lab_count(&s->l->host[to].heard, "protected=no"), 1, 16);
        (void)notification_body(body, 1, 0, NOTIFY_INVALID_COOKIE, sizeof body);
        proved(s, to, s->message_id++, body, sizeof body);
        assert_true(lab_logged(s->l, to, "authenticated notification from the peer: INVALID-COOKIE"));
        assert_int_equal(lab_count(&s->l->host[to].heard, "protected=yes"), 1);
        lab_pass(s->l, 4000); /* of those that were left out, the next line tells */
        hint(s, to);
        assert_true(lab_logged(s->l, to, "(84 like this were not logged)"));
        end(s);
    }
}

/* ---- errors under a Quick Mode's own message id (Q10) ---- */

static unsigned lose_message_3(struct lab *l, struct datagram *d, unsigned number)
{
    (void)l;
    return d->bytes[18] == EXCHANGE_QUICK && number >= 9 ? 0 : 1;
}

/* Whatever error it is; but nothing that is none. */
static void errors_under_its_message_id(void **state)
{
    static const unsigned types[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
                                      20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 8192, 16383,
                                      16384, 24577, 40960 };
    (void)state;
    for (unsigned to = 0; to < 2; to++) {
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
            struct informational *s = begin(to == 0 ? lose_message_2 : lose_message_3);
            const struct exchange *main = hostile_main(s->l, to);
            const struct exchange *q = LIST_FIRST(&main->sa->quicks);
            uint8_t body[8];
            assert_int_equal(q->state, to == 0 ? QUICK_I1 : QUICK_R1);
            (void)notification_body(body, 3, 0, types[i], sizeof body);
            proved(s, to, q->message_id, body, sizeof body);
            unsigned failed = lab_count(&s->l->host[to].heard, "failed ");
            assert_int_equal(failed, types[i] < 16384 ? 1 : 0);
            assert_int_equal(lab_count(&s->l->host[to].heard, " code=2"), types[i] <= 30 ? 1 : 0);
            assert_int_equal(s->l->host[to].kernel->sas, failed == 1 || to == 0 ? 0 : 1);
            assert_ptr_equal(hostile_main(s->l, to), main);
            end(s);
        }
    }
}

/* Under the message id of one that is done: the SAs stand, and only Deletes end them. */
static void errors_under_an_old_message_id(void **state)
{
    (void)state;
    for (unsigned to = 0; to < 2; to++) {
        struct informational *s = begin(NULL);
        const struct exchange *q = LIST_FIRST(&hostile_main(s->l, to)->sa->quicks);
        uint8_t body[8];
        assert_int_equal(q->state, to == 0 ? QUICK_I2 : QUICK_R2);
        (void)notification_body(body, 3, 0, NOTIFY_NO_PROPOSAL_CHOSEN, sizeof body);
        proved(s, to, q->message_id, body, sizeof body);
        assert_true(lab_up(s->l));
        assert_int_equal(lab_count(&s->l->host[to].heard, "failed "), 0);
        end(s);
    }
}

/* ---- many of them ---- */

static void many_refused_quick_modes(void **state)
{
    struct lab *l = lab_new(NULL);
    (void)state;
    lab_initiate(l, 0);
    for (unsigned n = 1; n <= MANY; n++) {
        for (unsigned host = 0; host < 2; host++) {
            lab_whack(l, host, "whack-connection name=b%u left-host=10.9.0.1 "
                      "left-client=10.11.%u.0/24 right-host=10.9.0.2 right-client=10.12.%u.0/24 "
                      "policy=psk,encrypt,tunnel ike=aes128-sha1-curve25519 esp=%s", n, n, n,
                      host == 0 ? "aes256-sha2_512" : "aes128-sha1");
        }
        lab_whack(l, 0, "whack-initiate name=b%u", n);
    }
    assert_int_equal(lab_count(&l->host[1].heard, "failed "), MANY);
    assert_int_equal(lab_count(&l->host[0].heard, "failed "), MANY);
    assert_int_equal(lab_count(&l->host[0].said, "the peer answered NO-PROPOSAL-CHOSEN"), MANY);
    lab_free(l);
}

static void many_responder_lifetimes(void **state)
{
    static const uint8_t body[] = { 0, 0, 0, 1, 3, 4, 0x60, 0, 0xde, 0xad, 0xbe, 0xef,
                                    0x80, 1, 0, 1, 0x80, 2, 2, 0x58 };
    struct informational *s = begin(NULL);
    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        proved(s, 0, s->message_id++, body, sizeof body);
    }
    assert_int_equal(lab_count(&s->l->host[0].heard, "responder-lifetime "), MANY);
    end(s);
}

/* As many as fit into one message, and the last one counts. */
static void many_in_one_message(void **state)
{
    uint8_t body[20] = { 0, 0, 0, 1, 3, 4, 0x60, 0, 0, 0, 0, 0, 0x80, 1, 0, 1, 0x80, 2, 2, 0x58 };
    struct informational *s = begin(NULL);
    (void)state;
    hostile_begin(s->l, 0, EXCHANGE_INFORMATIONAL, s->message_id++, &s->o);
    for (unsigned i = 1; i <= 60; i++) {
        const struct kernel_sa *sa = s->l->host[0].kernel->sa;
        be32enc(body + 8, i < 60 ? 0x70000000 + i : sa[sa[0].inbound ? 1 : 0].spi);
        payload_insert(&s->o, i, PAYLOAD_N, body, sizeof body);
    }
    hostile_seal(&s->o, &s->d);
    lab_hear(s->l, &s->d.path, s->d.bytes, s->d.len);
    lab_settle(s->l);
    assert_int_equal(lab_count(&s->l->host[0].heard, "responder-lifetime "), 60);
    assert_true(lab_logged(s->l, 0, "lets this SA live 600s"));
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_amid_hints),
        cmocka_unit_test(a_line_amid_hints),
        cmocka_unit_test(errors_under_its_message_id),
        cmocka_unit_test(errors_under_an_old_message_id),
        cmocka_unit_test(many_refused_quick_modes),
        cmocka_unit_test(many_responder_lifetimes),
        cmocka_unit_test(many_in_one_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
