/* F12: replays and duplicates, late, out of order, from elsewhere, a thousandfold. Echoes:
 * test_f12_echoes.c. */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

struct tape {
    struct datagram d[MESSAGES + 1]; /* from 1 */
    unsigned at;
    unsigned forms;
};

static unsigned keep(struct lab *l, struct datagram *d, unsigned number)
{
    struct tape *t = l->data;
    if (number <= MESSAGES) {
        t->d[number] = *d;
    }
    return 1;
}

static struct tape *record(struct lab *l)
{
    struct tape *t = calloc(1, sizeof *t);
    assert_non_null(t);
    l->network = keep;
    l->data = t;
    lab_initiate(l, 0);
    assert_true(lab_up(l));
    l->network = NULL;
    return t;
}

static void one_tunnel_came_of_it(const struct lab *l)
{
    for (unsigned h = 0; h < 2; h++) {
        assert_int_equal(lab_count(&l->host[h].heard, "isakmp-up "), 1);
        assert_int_equal(lab_count(&l->host[h].heard, "quick-ask "), h);
        assert_int_equal(l->host[h].kernel->sas, 2);
    }
    assert_true(lab_up(l));
}

/* ---- afterwards ---- */

static void f12_late(void **state)
{
    static const uint64_t after[] = { 0, 5000, 69000, 100000, 1000000 };
    struct lab *l = lab_new(NULL);
    struct tape *t = record(l);
    (void)state;
    for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
        lab_pass(l, after[i]);
        uint64_t sent[2] = { l->host[0].sent, l->host[1].sent };
        uint64_t received[2] = { l->host[0].received, l->host[1].received };
        for (unsigned n = 1; n <= MESSAGES; n++) {
            lab_inject(l, &t->d[n]);
            lab_settle(l);
        }
        for (unsigned h = 0; h < 2; h++) {
            assert_true(l->host[h].sent - sent[h] <= 3 * (l->host[h].received - received[h]));
        }
        one_tunnel_came_of_it(l);
    }
    lab_pass(l, GIVE_UP + 1000);
    assert_int_equal(l->host[1].ike->half_open_count, 0);
    lab_free(l);
    free(t);
}

static void f12_out_of_order(void **state)
{
    struct lab *l = lab_new(NULL);
    struct tape *t = record(l);
    (void)state;
    for (unsigned pass = 0; pass < MESSAGES; pass++) {
        for (unsigned n = MESSAGES; n >= 1; n--) {
            lab_inject(l, &t->d[1 + (n + pass) % MESSAGES]);
        }
        lab_settle(l);
    }
    one_tunnel_came_of_it(l);
    lab_free(l);
    free(t);
}

/* After everything was deleted, nothing of it comes back. */
static void f12_after_the_end(void **state)
{
    struct lab *l = lab_new(NULL);
    struct tape *t = record(l);
    (void)state;
    lab_whack(l, 0, "whack-terminate name=net");
    assert_int_equal(l->host[0].kernel->sas + l->host[1].kernel->sas, 0);
    for (unsigned n = 1; n <= MESSAGES; n++) {
        lab_inject(l, &t->d[n]);
        lab_settle(l);
    }
    lab_pass(l, 300000);
    for (unsigned h = 0; h < 2; h++) {
        assert_int_equal(lab_count(&l->host[h].heard, "isakmp-up "), 1);
        assert_int_equal(l->host[h].kernel->sas, 0);
        assert_int_equal(HASH_CNT(by_serial, l->host[h].ike->exchanges), 0);
    }
    lab_initiate(l, 0);
    assert_true(lab_up(l));
    lab_free(l);
    free(t);
}

/* Those of one negotiation in the middle of another. */
static unsigned with_the_old(struct lab *l, struct datagram *d, unsigned number)
{
    struct tape *t = l->data;
    (void)d;
    (void)number;
    for (unsigned n = 1; n <= MESSAGES; n++) {
        lab_inject(l, &t->d[n]);
    }
    return 1;
}

static void f12_of_an_older_negotiation(void **state)
{
    struct lab *l = lab_new(NULL);
    struct tape *t = record(l);
    (void)state;
    lab_whack(l, 0, "whack-terminate name=net");
    l->data = t;
    l->network = with_the_old;
    lab_initiate(l, 0);
    assert_true(lab_up(l));
    lab_free(l);
    free(t);
}

/* ---- while it goes on ---- */

/* With each message, everything that was said before it once more. */
static unsigned with_all_before(struct lab *l, struct datagram *d, unsigned number)
{
    struct tape *t = l->data;
    if (number > MESSAGES) {
        return 1;
    }
    t->d[number] = *d;
    for (unsigned n = 1; n < number; n++) {
        lab_inject(l, &t->d[t->forms == 0 ? n : number - n]);
    }
    return 1;
}

static void f12_everything_before_again(void **state)
{
    struct tape *t = calloc(1, sizeof *t);
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct lab *l = lab_new(NULL);
        t->forms = i % 2;
        l->hurried = i >= 2;
        l->network = with_all_before;
        l->data = t;
        lab_initiate(l, 0);
        one_tunnel_came_of_it(l);
        lab_free(l);
    }
    free(t);
}

static unsigned thrice(struct lab *l, struct datagram *d, unsigned number)
{
    (void)d;
    (void)number;
    return l->queued < 40 ? 3 : 1;
}

static void f12_every_message_thrice(void **state)
{
    (void)state;
    for (unsigned hurried = 0; hurried < 2; hurried++) {
        struct lab *l = lab_new(NULL);
        l->hurried = hurried == 1;
        l->network = thrice;
        lab_initiate(l, 0);
        lab_pass(l, 100000);
        one_tunnel_came_of_it(l);
        assert_true(l->host[0].sent_count + l->host[1].sent_count
                    < MESSAGES * (1 + DUPLICATE_REPLIES));
        lab_free(l);
    }
}

/* ---- all of it at once ---- */

struct chaos {
    uint32_t seed;
    struct datagram kept[8]; /* to come later, or once more */
    unsigned count;
};

static unsigned dice(struct chaos *c, unsigned sides)
{
    c->seed = c->seed * 1664525u + 1013904223u;
    return (c->seed >> 16) % sides;
}

/* Lost, doubled, held back, and older ones in between. */
static unsigned confuse(struct lab *l, struct datagram *d, unsigned number)
{
    struct chaos *c = l->data;
    unsigned n = dice(c, 10);
    (void)number;
    if (n < 4 && c->count > 0) {
        lab_inject(l, &c->kept[dice(c, c->count)]);
    }
    if (n >= 6) {
        c->kept[c->count < 8 ? c->count++ : dice(c, 8)] = *d;
    }
    return n == 9 ? 0 : n == 8 ? 2 : 1;
}

/* Whatever comes when: our processes stay in order among themselves, and a tunnel comes in the end. */
static void f12_chaos(void **state)
{
    struct chaos *c = malloc(sizeof *c);
    (void)state;
    assert_non_null(c);
    for (uint32_t seed = 1; seed <= 200; seed++) {
        struct lab *l = lab_new(NULL);
        *c = (struct chaos){ .seed = seed };
        l->network = confuse;
        l->data = c;
        for (unsigned turn = 0; turn < 6; turn++) {
            l->hurried = dice(c, 2) == 0;
            unsigned host = dice(c, 2);
            if (dice(c, 3) == 0) {
                lab_whack(l, host, "whack-terminate name=net");
            } else {
                lab_initiate(l, host);
            }
            lab_pass(l, 1000u * dice(c, 90));
        }
        l->network = NULL;
        l->hurried = false;
        lab_pass(l, 600000);
        for (unsigned h = 0; h < 2; h++) {
            lab_whack(l, h, "whack-terminate name=net");
        }
        lab_pass(l, 200000);
        for (unsigned h = 0; h < 2; h++) {
            assert_int_equal(HASH_CNT(by_serial, l->host[h].ike->exchanges), 0);
            assert_int_equal(l->host[h].kernel->sas, 0);
            assert_int_equal(l->host[h].keying.half_open, 0);
            assert_null(l->host[h].keying.exchanges);
            assert_int_equal(secrets_exchanges(l->host[h].secrets), 0);
        }
        lab_initiate(l, 0);
        assert_true(lab_up(l));
        lab_free(l);
    }
    free(c);
}

/* ---- a storm, as an amplifier [C3] ---- */

/* A thousand copies bring at most three old answers beyond the one that the message is due. */
static unsigned stop_after(struct lab *l, struct datagram *d, unsigned number)
{
    struct tape *t = l->data;
    if (number == t->at) {
        t->d[0] = *d;
    }
    return number <= t->at ? 1 : 0;
}

static void f12_a_storm_of_each_message(void **state)
{
    struct tape *t = calloc(1, sizeof *t);
    (void)state;
    for (t->at = 1; t->at <= MESSAGES; t->at++) {
        struct lab *l = lab_new(NULL);
        unsigned to = t->at % 2;
        l->network = stop_after;
        l->data = t;
        lab_initiate(l, 0);
        const struct lab_host *h = &l->host[to];
        unsigned sent = h->sent_count;
        unsigned lines = lab_lines(l, to);
        for (unsigned i = 0; i < 1000; i++) {
            lab_hear(l, &t->d[0].path, t->d[0].bytes, t->d[0].len);
            lab_settle(l);
        }
        assert_in_range(h->sent_count - sent, 0, DUPLICATE_REPLIES);
        assert_in_range(lab_lines(l, to) - lines, 0, SOURCE_LINES_AT_ONCE);
        l->network = NULL;
        lab_pass(l, 300000);
        if (t->at == 8) {
            /* The storm took all repetitions of message 3, which was lost: the responder's Delete
             * says so, rather than that the initiator sends into the void. */
            assert_true(lab_logged(l, 0, "the peer deleted the IPsec SA"));
            assert_int_equal(l->host[0].kernel->sas + l->host[1].kernel->sas, 0);
            lab_initiate(l, 0);
        }
        assert_true(lab_up(l));
        lab_free(l);
    }
    free(t);
}

/* ---- from elsewhere ---- */

static void disguise(struct datagram *d, unsigned form)
{
    if (form == 0) {
        d->path.remote.bytes[3] = 77; /* another host */
    } else if (form == 1) {
        d->path.remote_port = 4711;
    } else if (form == 2) {
        lab_address(&d->path.remote, 2); /* one that we know */
    } else {
        d->path.local.bytes[3] = 9; /* to an address that is not ours: it does not come */
    }
}

static unsigned first_from_elsewhere(struct lab *l, struct datagram *d, unsigned number)
{
    const struct tape *t = l->data;
    struct datagram *forged = malloc(sizeof *forged);
    assert_non_null(forged);
    *forged = *d;
    disguise(forged, t->forms);
    (void)number;
    if (lab_host_of(&d->path.local) != LAB_NOBODY) {
        lab_inject(l, forged);
    }
    free(forged);
    return 1;
}

static void f12_forged_before_each_message(void **state)
{
    struct tape *t = calloc(1, sizeof *t);
    (void)state;
    for (t->forms = 0; t->forms < 4; t->forms++) {
        struct lab *l = lab_new(NULL);
        l->network = first_from_elsewhere;
        l->data = t;
        lab_initiate(l, 0);
        assert_true(lab_up(l));
        lab_free(l);
    }
    free(t);
}

static void f12_forged_afterwards(void **state)
{
    struct lab *l = lab_new(NULL);
    struct tape *t = record(l);
    (void)state;
    for (unsigned form = 0; form < 3; form++) {
        for (unsigned n = 1; n <= MESSAGES; n++) {
            struct datagram d = t->d[n];
            disguise(&d, form);
            lab_pass(l, 10000);
            lab_forget_log(l);
            uint64_t sent = l->host[n % 2].sent;
            lab_hear(l, &d.path, d.bytes, d.len);
            lab_settle(l);
            /* A first message is one from anywhere; the others are for an exchange with us. */
            if (n > 1) {
                assert_int_equal(l->host[n % 2].sent, sent);
                assert_true(lab_logged(l, n % 2, "with another peer is ignored"));
            }
        }
    }
    lab_pass(l, GIVE_UP + 1000);
    one_tunnel_came_of_it(l);
    lab_free(l);
    free(t);
}

/* ---- rubbish beside what matters ---- */

static unsigned rubbish_first(struct lab *l, struct datagram *d, unsigned number)
{
    struct datagram *wrong = malloc(sizeof *wrong);
    assert_non_null(wrong);
    (void)number;
    for (unsigned i = 0; i < 100 && d->bytes[18] == EXCHANGE_MAIN; i++) {
        *wrong = *d;
        wrong->bytes[19] = 0;
        wrong->bytes[16] = 99;
        lab_inject(l, wrong);
    }
    free(wrong);
    return 1;
}

/* [R4]: the line that names the wrong secret is not lost among lines about rubbish. */
static void f12_a_wrong_secret_is_still_named(void **state)
{
    static const char *const psk[LAB_HOSTS] = { "right", "wrong", "x" };
    struct lab *l = lab_new_psk(NULL, psk);
    (void)state;
    l->network = rubbish_first;
    lab_initiate(l, 0);
    assert_true(lab_logged(l, 1, "probably a wrong secret"));
    assert_true(lab_lines(l, 1) < 60);
    lab_free(l);
    l = lab_new(NULL);
    l->network = rubbish_first;
    lab_initiate(l, 0);
    assert_true(lab_up(l));
    lab_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f12_late),
        cmocka_unit_test(f12_out_of_order),
        cmocka_unit_test(f12_after_the_end),
        cmocka_unit_test(f12_of_an_older_negotiation),
        cmocka_unit_test(f12_everything_before_again),
        cmocka_unit_test(f12_every_message_thrice),
        cmocka_unit_test(f12_chaos),
        cmocka_unit_test(f12_a_storm_of_each_message),
        cmocka_unit_test(f12_forged_before_each_message),
        cmocka_unit_test(f12_forged_afterwards),
        cmocka_unit_test(f12_a_wrong_secret_is_still_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
