/*
 * [R4] [W12] A wrong secret is named at once, wherever somebody looks, though nothing has failed yet; and who
 * proves nothing can end nothing by it. Whole hosts. Not for: the line of the end (test_plutod_failures.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab.h"

#include <stdlib.h>
#include <string.h>

#define WRONG "probably a wrong secret"
#define EXCHANGE_INFORMATIONAL 5

static const char *const other_psk[LAB_HOSTS] = { "right", "wrong", "x" };

static unsigned said(struct lab *l, unsigned host, const char *request, const char *text)
{
    buffer_wipe(&l->host[host].said);
    lab_whack(l, host, "%s", request);
    lab_settle(l);
    return lab_count(&l->host[host].said, text);
}

static void all_say(struct lab *l, unsigned host, const char *text)
{
    assert_int_equal(said(l, host, "whack-explain name=net", text), 1);
    assert_int_equal(said(l, host, "whack-events name=net", text), 1);
    assert_int_equal(said(l, host, "whack-status", text), 1);
    assert_int_equal(said(l, host, "whack-status json=yes", text), 1);
}

/* Message 5 does not decrypt: the answering side says so now, not after 70 seconds. */
static void r4_answering(void **state)
{
    struct lab *l = lab_new_psk(NULL, other_psk);
    (void)state;
    lab_initiate(l, 0);
    lab_settle(l);
    assert_int_equal(said(l, 1, "whack-explain name=net", "no negotiation of it has failed"), 1);
    all_say(l, 1, WRONG "; compare the PSK of both sides");
    assert_int_equal(lab_count(&l->host[1].log, WRONG), 1);
    assert_int_equal(lab_count(&l->host[1].log, "both sides (we are \"10.9.0.2\", and the peer is to be \"10.9.0.1\")"), 1);
    lab_free(l);
}

/* Nothing acceptable comes back to ours: known when it is sent again. */
static void r4_beginning(void **state)
{
    struct lab *l = lab_new_psk(NULL, other_psk);
    (void)state;
    lab_initiate(l, 0);
    lab_pass(l, 11000);
    assert_int_equal(lab_count(&l->host[0].said, "010 \"net\""), 1);
    assert_int_equal(lab_count(&l->host[0].said, "no acceptable response to our first encrypted message: " WRONG), 1);
    all_say(l, 0, WRONG);
    lab_free(l);
}

/* A refusal that does not decrypt goes back in the place of message 6, as others send it. */
static unsigned encrypted_refusal(struct lab *l, struct datagram *d, unsigned number)
{
    (void)number;
    if (d->bytes[18] == 2 && (d->bytes[19] & 1) != 0 && lab_host_of(&d->path.local) == 1) {
        struct datagram *answer = malloc(sizeof *answer);
        assert_non_null(answer);
        *answer = *d;
        answer->path = lab_path(0, 1);
        answer->bytes[18] = EXCHANGE_INFORMATIONAL;
        memset(answer->bytes + 20, 7, 4); /* a message id */
        for (size_t i = 28; i < answer->len; i++) {
            answer->bytes[i] ^= (uint8_t)(i * 37 + 1);
        }
        lab_inject(l, answer);
        free(answer);
        return 0;
    }
    return 1;
}

static void r4_beginning_and_refused(void **state)
{
    struct lab *l = lab_new(NULL);
    (void)state;
    l->network = encrypted_refusal;
    lab_initiate(l, 0);
    lab_settle(l);
    assert_int_equal(lab_count(&l->host[0].said, "003 \"net\""), 1);
    all_say(l, 0, WRONG "; compare the PSK of both sides");
    lab_free(l);
}

/* Before each message 5 and 6 come a hundred that somebody on the way has made of it. */
static unsigned forged_first(struct lab *l, struct datagram *d, unsigned number)
{
    (void)number;
    bool encrypted = d->bytes[18] == 2 && (d->bytes[19] & 1) != 0;
    for (unsigned i = 0; encrypted && i < 100; i++) {
        struct datagram *forged = malloc(sizeof *forged);
        assert_non_null(forged);
        *forged = *d;
        forged->bytes[28] ^= (uint8_t)(i + 1);
        lab_hear(l, &forged->path, forged->bytes, forged->len);
        free(forged);
    }
    return 1;
}

static void r4_forged(void **state)
{
    struct lab *l = lab_new(NULL);
    (void)state;
    l->network = forged_first;
    lab_initiate(l, 0);
    lab_pass(l, 2000);
    assert_true(lab_up(l));
    for (unsigned host = 0; host < 2; host++) {
        assert_true(l->host[host].keying.counters.ignored[FLAW_UNDECRYPTABLE] >= 50);
        assert_int_equal(lab_count(&l->host[host].log, WRONG), 1);
        assert_true(said(l, host, "whack-events name=net", WRONG) <= 1);
        assert_int_equal(said(l, host, "whack-explain name=net", WRONG), 0); /* it goes on, and that is forgotten */
        assert_int_equal(said(l, host, "whack-status", WRONG), 0);
    }
    lab_free(l);
}

/* Whoever begins again and again with another secret fills no journal. */
static void r4_again_and_again(void **state)
{
    struct lab *l = lab_new_psk(NULL, other_psk);
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        lab_whack(l, 0, "whack-terminate name=net");
        lab_whack(l, 0, "whack-initiate name=net asynchronous=yes");
        lab_settle(l);
    }
    assert_in_range(said(l, 1, "whack-events name=net", WRONG), 1, JOURNAL_CHEAP);
    assert_in_range(said(l, 1, "whack-explain name=net", WRONG), 1, 20);
    lab_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r4_answering),
        cmocka_unit_test(r4_beginning),
        cmocka_unit_test(r4_beginning_and_refused),
        cmocka_unit_test(r4_forged),
        cmocka_unit_test(r4_again_and_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
