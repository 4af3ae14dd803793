/*
 * F16: records that are right by the schema and come out of the blue, for each core: every verb of
 * every channel, every field at both ends of its limits, before, amid and after a negotiation.
 *
 * Made from the schema's table: what is added there is tried here. Records of a negotiator that
 * knows what it wants (F17) are elsewhere.
 */
#include "lab.h"
#include "record_forms.h"

#include "ike-negotiate/exchange.h"
#include "plutod/requests.h"

#include <stdlib.h>
#include <string.h>

struct storm {
    struct lab *lab;
    unsigned host;
    uint64_t exchange; /* named where a field wants one; 0: none that there is */
    unsigned records;
    /* of the negotiation that it comes into */
    unsigned at;
    struct datagram held;
};

/* ---- one record to one core ---- */

static void to_core(struct lab_host *h, unsigned from, const struct record *r, char *line)
{
    static struct buffer nowhere[3];
    const struct core_out out = { &nowhere[0], &nowhere[1], &nowhere[2] };
    const char *why;
    if ((from & (P_K | N_K | S_K)) != 0) {
        static const enum core_peer peers[] = { PEER_PLUTOD, PEER_NEGOTIATE, PEER_SECRETS };
        fake_feed(h->kernel, peers[from == P_K ? 0 : from == N_K ? 1 : 2], "%s", line);
    } else if ((from & (P_S | N_S | K_S)) != 0) {
        secrets_record(h->secrets, r, &out, h->lab->now);
    } else if (from == P_N || from == K_N || from == S_N) {
        (void)ike_record(h->ike, h->lab->now, from == P_N   ? FROM_PLUTOD
                                              : from == K_N ? FROM_KERNEL_SA
                                                            : FROM_WORKER,
                         from == S_N ? 1 : 0, r);
    } else if (from == N_P) {
        (void)keying_from_negotiator(&h->keying, r, &why);
    } else if (from == S_P) {
        (void)keying_from_secrets(&h->keying, 1, r, &why);
    } else if (from == K_P) {
        (void)keying_from_kernel(&h->keying, r, &why);
    } else if (from == W_P) {
        (void)request_take(&h->keying, 1, r);
    }
    for (size_t i = 0; i < 3; i++) {
        buffer_wipe(&nowhere[i]);
    }
}

/* What it made the others say goes nowhere. */
static void forget_all(struct lab_host *h)
{
    for (size_t i = 0; i < sizeof h->line / sizeof h->line[0]; i++) {
        buffer_wipe(&h->line[i]);
    }
}

static void give(struct storm *s, unsigned from, char *line)
{
    struct lab_host *h = &s->lab->host[s->host];
    struct record *r = malloc(sizeof *r);
    size_t len = strlen(line);
    char *copy = strdup(line);
    enum key field;
    assert_non_null(r);
    assert_non_null(copy);
    bool fits = len + 1 < ((from & (P_K | N_K | S_K)) != 0 ? RECORD_MAX_KERNEL : RECORD_MAX);
    if (fits && record_parse(r, line, len, from, &field) == NULL) {
        h->keying.now = s->lab->now;
        h->kernel->now = s->lab->now;
        to_core(h, from, r, copy);
        forget_all(h);
        s->records++;
    }
    free(copy);
    free(line);
    free(r);
}

static void give_everywhere(struct storm *s, const struct record_form *f, struct form_builder b)
{
    b.exchange = s->exchange;
    for (unsigned from = 1; from <= W_P; from <<= 1) {
        if ((f->from & from) != 0) {
            give(s, from, form_build(f, b));
        }
    }
}

static void each_at_its_most(const struct record_form *f, enum key key, bool needed, void *context)
{
    (void)needed;
    give_everywhere(context, f, (struct form_builder){ .other = key });
}

static void all_forms(const struct record_form *f, void *context)
{
    struct storm *s = context;
    give_everywhere(s, f, (struct form_builder){ .all = false });
    give_everywhere(s, f, (struct form_builder){ .all = true });
    give_everywhere(s, f, (struct form_builder){ .all = false, .most = true });
    give_everywhere(s, f, (struct form_builder){ .all = true, .most = true });
    form_fields(f, each_at_its_most, s);
}

static void blow(struct storm *s)
{
    s->records = 0;
    for (s->host = 0; s->host < 2; s->host++) {
        form_walk(all_forms, s);
    }
    assert_true(s->records > 1000);
}

/* ---- before, and after ---- */

static void f16_before_a_negotiation(void **state)
{
    struct storm s = { .lab = lab_new(NULL) };
    (void)state;
    blow(&s);
    lab_pass(s.lab, 200000);
    lab_initiate(s.lab, 0);
    assert_true(lab_up(s.lab));
    lab_free(s.lab);
}

static void f16_under_an_established_sa(void **state)
{
    struct storm s = { .lab = lab_new(NULL) };
    (void)state;
    lab_initiate(s.lab, 0);
    /* `flush` of plutod to kernel-sa is an order, whoever is asked: it is for the last test. */
    blow(&s);
    lab_settle(s.lab);
    lab_whack(s.lab, 0, "whack-terminate name=net");
    lab_pass(s.lab, 200000);
    lab_initiate(s.lab, 0);
    assert_true(lab_up(s.lab));
    lab_free(s.lab);
}

/* ---- amid ---- */

static unsigned hold(struct lab *l, struct datagram *d, unsigned number)
{
    struct storm *s = l->data;
    if (number != s->at) {
        return 1;
    }
    s->held = *d;
    return 0;
}

static void negotiate_up_to(struct storm *s, unsigned at)
{
    s->lab = lab_new(NULL);
    s->at = at;
    s->lab->network = hold;
    s->lab->data = s;
    lab_initiate(s->lab, 0);
    s->lab->network = NULL;
}

/* For no exchange that there is: the negotiation goes on where it was. */
static void f16_amid_a_negotiation(void **state)
{
    struct storm *s = calloc(1, sizeof *s);
    (void)state;
    for (unsigned at = 1; at <= 9; at++) {
        negotiate_up_to(s, at);
        blow(s);
        lab_inject(s->lab, &s->held);
        lab_settle(s->lab);
        lab_pass(s->lab, 300000);
        if (!lab_up(s->lab)) {
            lab_initiate(s->lab, 0); /* an order to flush the kernel's SAs was among them */
        }
        assert_true(lab_up(s->lab));
        lab_free(s->lab);
    }
    free(s);
}

static uint64_t newest(const struct lab *l, unsigned host, bool quick)
{
    uint64_t found = 0;
    const struct exchange *x;
    for (x = l->host[host].ike->exchanges; x != NULL; x = x->by_serial.next) {
        found = x->is_quick == quick && x->number != 0 ? x->number : found;
    }
    return found;
}

/* For the very exchange: orders are obeyed, lies are refused or not; nobody falls over it. */
static void f16_for_the_exchange_at_hand(void **state)
{
    struct storm *s = calloc(1, sizeof *s);
    (void)state;
    for (unsigned i = 0; i < 2 * 10; i++) {
        negotiate_up_to(s, 1 + i / 2);
        uint64_t numbers[2] = { newest(s->lab, 0, i % 2 == 1), newest(s->lab, 1, i % 2 == 1) };
        for (s->host = 0; s->host < 2; s->host++) {
            s->exchange = numbers[s->host];
            form_walk(all_forms, s);
        }
        s->exchange = 0;
        lab_free(s->lab);
    }
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f16_before_a_negotiation),
        cmocka_unit_test(f16_under_an_established_sa),
        cmocka_unit_test(f16_amid_a_negotiation),
        cmocka_unit_test(f16_for_the_exchange_at_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
