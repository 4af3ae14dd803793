/*
 * An ISAKMP SA under which no further Quick Mode may begin, since no more message ids are remembered:
 * a new one takes its place, whoever begins the next Quick Mode, and IPsec SAs stay.
 */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

#define IDS 4096u /* as many are remembered */
#define WORDS "policy=psk,encrypt,tunnel ike=aes128-sha1-curve25519 esp=aes128-sha1 ikelifetime=86400 " \
              "ipseclifetime=86400"

/* Host `to` has seen so many Quick Modes. */
static void wear(struct lab *l, unsigned to, unsigned count)
{
    struct opened *o = malloc(sizeof *o);
    struct datagram *d = malloc(sizeof *d);
    assert_non_null(o);
    assert_non_null(d);
    for (unsigned i = 0; i < count; i++) {
        hostile_begin(l, to, EXCHANGE_QUICK, 70000 + i, o);
        payload_insert(o, 1, PAYLOAD_SA, "\0\0\0\7\0\0\0\1....", 12);
        payload_insert(o, 2, PAYLOAD_NONCE, "12345678901234567890123456789012", 32);
        hostile_seal(o, d);
        lab_hear(l, &d->path, d->bytes, d->len);
        lab_settle(l);
    }
    free(d);
    free(o);
}

/* The tunnel that was there, and one more. */
static void two_tunnels(const struct lab *l, unsigned worn, const uint8_t *old_cookies)
{
    for (unsigned host = 0; host < 2; host++) {
        assert_int_equal(l->host[host].kernel->sas, 4);
        assert_memory_not_equal(hostile_main(l, host)->cookies, old_cookies, 2 * COOKIE_LEN);
        assert_null(exchange_by_cookies(l->host[host].ike, old_cookies, old_cookies + COOKIE_LEN));
    }
    assert_true(lab_logged(l, worn, "has had as many Quick Modes as one may have"));
    assert_true(lab_logged(l, 1 - worn, "the peer deleted the ISAKMP SA"));
}

static void another_quick_mode(unsigned worn, unsigned beginner)
{
    struct lab *l = lab_new(WORDS);
    uint8_t cookies[2 * COOKIE_LEN];
    lab_initiate(l, 0);
    assert_true(lab_up(l));
    memcpy(cookies, hostile_main(l, 0)->cookies, sizeof cookies);
    for (unsigned host = 0; host < 2; host++) {
        lab_whack(l, host, "whack-connection name=b left-host=10.9.0.1 left-client=10.11.0.0/24 "
                  "right-host=10.9.0.2 right-client=10.12.0.0/24 " WORDS);
    }
    wear(l, worn, IDS - 1); /* and the Quick Mode of "net" */
    assert_memory_equal(hostile_main(l, worn)->cookies, cookies, sizeof cookies);
    lab_forget_log(l);
    buffer_wipe(&l->host[beginner].said);
    lab_whack(l, beginner, "whack-initiate name=b");
    lab_pass(l, 5000);
    two_tunnels(l, worn, cookies);
    if (beginner == worn) { /* whoever asked for it waits, and sees it up */
        assert_int_equal(lab_count(&l->host[beginner].said, "sent QI2, IPsec SA established"), 1);
        assert_int_equal(lab_count(&l->host[beginner].said, "031 "), 0);
    }
    lab_free(l);
}

static void the_next_quick_mode_is_ours(void **state)
{
    (void)state;
    another_quick_mode(0, 0);
    another_quick_mode(1, 1);
}

static void the_next_quick_mode_is_the_peers(void **state)
{
    (void)state;
    another_quick_mode(0, 1);
    another_quick_mode(1, 0);
}

/* Nobody wants a Quick Mode but an abuser: the IPsec SAs keep an ISAKMP SA all the same. */
static void one_message_too_many(void **state)
{
    struct lab *l = lab_new(WORDS);
    uint8_t cookies[2 * COOKIE_LEN];
    (void)state;
    lab_initiate(l, 0);
    memcpy(cookies, hostile_main(l, 0)->cookies, sizeof cookies);
    lab_pass(l, 60000); /* sooner, nobody believes it (plutod/renew.h) */
    wear(l, 1, IDS);
    lab_pass(l, 5000);
    assert_true(lab_up(l));
    for (unsigned host = 0; host < 2; host++) {
        assert_int_equal(l->host[host].kernel->sas, 2);
        assert_memory_not_equal(hostile_main(l, host)->cookies, cookies, sizeof cookies);
        assert_true(hostile_main(l, host)->sa->up);
    }
    lab_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_quick_mode_is_ours),
        cmocka_unit_test(the_next_quick_mode_is_the_peers),
        cmocka_unit_test(one_message_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
