/*
 * F11: what was rejected leaves no state behind that a second message could use. F10: what goes
 * wrong before there are keys.
 */
#include "hostile.h"

#include "plutod/requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- bad, then good, for the same cookies and message id ---- */

struct plan {
    unsigned at;
    size_t byte;        /* changed in the clear, before it is sealed; SIZE_MAX: as on the wire */
    uint8_t value;
    unsigned bad_first; /* so many bad ones before the good one, all different */
    unsigned bad_after;
    struct opened *o;
    size_t len;
};

static void inject_bad(struct lab *l, const struct plan *p, const struct datagram *d, unsigned n)
{
    struct datagram *bad = malloc(sizeof *bad);
    assert_non_null(bad);
    *bad = *d;
    size_t at = ISAKMP_HEADER_LEN + (p->byte + n) % (d->len - ISAKMP_HEADER_LEN);
    bad->bytes[at] ^= (uint8_t)(p->value + n);
    lab_inject(l, bad);
    free(bad);
}

static unsigned bad_and_good(struct lab *l, struct datagram *d, unsigned number)
{
    struct plan *p = l->data;
    if (number != p->at) {
        return 1;
    }
    p->len = d->len - ISAKMP_HEADER_LEN;
    for (unsigned n = 0; n < p->bad_first; n++) {
        inject_bad(l, p, d, n);
    }
    lab_inject(l, d);
    for (unsigned n = 0; n < p->bad_after; n++) {
        inject_bad(l, p, d, n);
    }
    return 0;
}

/*
 * A changed byte before the right message. Public values in the clear cannot be told from right
 * ones, and a HASH that does not match is the end of a Main Mode: then the next attempt succeeds.
 * What may not happen is harm: a tunnel whose ends differ, or one that never comes.
 */
static void f11_every_byte_changed(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        struct plan p = { .at = at, .bad_first = 1, .len = 1 };
        for (p.byte = 0; p.byte < p.len; p.byte += 3) {
            struct lab *l = lab_new(NULL);
            p.value = (uint8_t)(1u << p.byte % 8);
            l->network = bad_and_good;
            l->data = &p;
            lab_initiate(l, 0);
            if (at >= 7) { /* every message of Quick Mode is protected */
                assert_true(lab_up(l));
            }
            l->network = NULL;
            lab_pass(l, 300000);
            assert_true(lab_up(l));
            lab_free(l);
        }
    }
}

static void f11_bad_bad_good_bad(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t byte = 0; byte < 80; byte += 13) {
            struct plan p = { .at = at, .byte = byte, .value = 0x10, .bad_first = 5,
                              .bad_after = 5 };
            struct lab *l = lab_new(NULL);
            l->hurried = byte >= 40;
            l->network = bad_and_good;
            l->data = &p;
            lab_initiate(l, 0);
            l->network = NULL;
            lab_pass(l, 300000);
            assert_true(lab_up(l));
            assert_true(lab_lines(l, at % 2) <= 40);
            lab_free(l);
        }
    }
}

/* The good one, and then a bad one that claims to be it: it was taken, once. */
static void f11_good_then_bad(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t byte = 0; byte < 200; byte += 7) {
            struct plan p = { .at = at, .byte = byte, .value = 0x21, .bad_after = 3 };
            struct lab *l = lab_new(NULL);
            l->network = bad_and_good;
            l->data = &p;
            lab_initiate(l, 0);
            assert_true(lab_up(l));
            for (unsigned h = 0; h < 2; h++) {
                assert_int_equal(lab_count(&l->host[h].heard, "isakmp-up "), 1);
            }
            lab_free(l);
        }
    }
}

/* ---- after a refusal ---- */

static unsigned keep_fifth(struct lab *l, struct datagram *d, unsigned number)
{
    struct datagram *kept = l->data;
    if (number != 5) {
        return 1;
    }
    *kept = *d;
    struct opened *o = malloc(sizeof *o);
    struct datagram *bad = malloc(sizeof *bad);
    assert_non_null(o);
    assert_non_null(bad);
    assert_true(hostile_open(l, d, o));
    payload_at(o, payload_place(o, PAYLOAD_HASH), NULL)[7] ^= 1;
    hostile_seal(o, bad);
    lab_inject(l, bad);
    free(bad);
    free(o);
    return 0;
}

/* CVE-2014-2338, CVE-2023-30570: after a wrong proof, not even the right one is taken any more. */
static void f11_after_a_wrong_proof(void **state)
{
    struct datagram *fifth = calloc(1, sizeof *fifth);
    struct lab *l = lab_new(NULL);
    (void)state;
    l->network = keep_fifth;
    l->data = fifth;
    lab_initiate(l, 0);
    l->network = NULL;
    assert_true(lab_logged(l, 1, "HASH_I does not match: probably a wrong secret"));
    assert_int_equal(l->host[1].ike->half_open_count, 0);
    for (unsigned i = 0; i < 10; i++) {
        lab_hear(l, &fifth->path, fifth->bytes, fifth->len);
        lab_settle(l);
    }
    assert_int_equal(lab_count(&l->host[1].heard, "isakmp-up "), 0);
    assert_true(lab_logged(l, 1, "a Main Mode message for no exchange that we know is ignored"));
    lab_pass(l, 300000);
    assert_true(lab_up(l));
    lab_free(l);
    free(fifth);
}

static unsigned keep_seventh(struct lab *l, struct datagram *d, unsigned number)
{
    struct datagram *kept = l->data;
    if (number != 7) {
        return 1;
    }
    *kept = *d;
    return 0;
}

/* A Quick Mode that was refused: its message id is used up, for good and bad alike. */
static void f11_after_a_refused_quick_mode(void **state)
{
    struct datagram *seventh = calloc(1, sizeof *seventh);
    struct opened *o = malloc(sizeof *o);
    struct datagram *bad = malloc(sizeof *bad);
    struct lab *l = lab_new(NULL);
    (void)state;
    assert_non_null(o);
    assert_non_null(bad);
    l->network = keep_seventh;
    l->data = seventh;
    lab_initiate(l, 0);
    l->network = NULL;
    assert_true(hostile_open(l, seventh, o));
    payload_at(o, payload_place(o, PAYLOAD_SA), NULL)[7] = 9; /* DOI */
    hostile_seal(o, bad);
    lab_hear(l, &bad->path, bad->bytes, bad->len);
    lab_settle(l);
    assert_true(lab_logged(l, 1, "another DOI than IPsec"));
    for (unsigned i = 0; i < 10; i++) {
        lab_hear(l, &seventh->path, seventh->bytes, seventh->len);
        lab_hear(l, &bad->path, bad->bytes, bad->len);
        lab_settle(l);
    }
    assert_int_equal(lab_count(&l->host[1].heard, "quick-ask "), 0);
    assert_true(lab_logged(l, 1, "a message id that was used before is ignored"));
    lab_pass(l, 300000);
    assert_true(lab_up(l));
    lab_free(l);
    free(bad);
    free(o);
    free(seventh);
}

/* ---- F10: before there are keys ---- */

struct early {
    unsigned at;
    unsigned exchange;
    bool encrypted;
};

static void as_exchange(struct datagram *d, size_t variant)
{
    const struct early *e = (const struct early *)variant;
    d->bytes[18] = (uint8_t)e->exchange;
    d->bytes[19] = e->encrypted ? FLAG_ENCRYPTION : 0;
    if (e->exchange != EXCHANGE_MAIN) {
        d->bytes[20] = 0x42;
    }
}

/* Encrypted messages, Quick Modes and Informationals while Main Mode has no keys. */
static void f10_before_there_are_keys(void **state)
{
    static const unsigned exchanges[] = { EXCHANGE_MAIN, EXCHANGE_QUICK, EXCHANGE_INFORMATIONAL };
    (void)state;
    for (unsigned at = 2; at <= 4; at++) {
        for (unsigned i = 0; i < 6; i++) {
            const struct early e = { at, exchanges[i / 2], i % 2 == 0 };
            if (e.exchange == EXCHANGE_MAIN && !e.encrypted) {
                continue;
            }
            attack(&(struct attack){ .at = at, .spoil = as_exchange, .variant = (size_t)&e,
                                     .line = "ignored" });
        }
    }
}

/* A Quick Mode under a Main Mode that has keys, and whose peer has not proved himself. */
static void f10_quick_mode_before_the_peer_is_known(void **state)
{
    (void)state;
    for (unsigned at = 5; at <= 6; at++) {
        const struct early e = { at, EXCHANGE_QUICK, true };
        attack(&(struct attack){ .at = at, .spoil = as_exchange, .variant = (size_t)&e,
                                 .line = "outside of an ISAKMP SA that is up" });
    }
}

/* variant: the notification's type */
static void as_refusal(struct opened *o, size_t variant)
{
    uint8_t body[8] = { 0, 0, 0, 1, 1, 0, (uint8_t)(variant >> 8), (uint8_t)variant };
    static const uint8_t zeros[HASH_MAX];
    o->header.exchange = EXCHANGE_INFORMATIONAL;
    hostile_renumber(o, 0x99999999);
    while (payload_count(o) > 0) {
        payload_remove(o, 0);
    }
    payload_insert(o, 0, PAYLOAD_HASH, zeros, o->sa->keys.hash->len);
    payload_insert(o, 1, PAYLOAD_N, body, sizeof body);
}

/* With the keys, before the end: an error ends it, anything else is nobody's word yet. */
static void f10_informationals_before_the_peer_is_known(void **state)
{
    (void)state;
    for (unsigned at = 5; at <= 6; at++) {
        attack(&(struct attack){ .at = at, .change = as_refusal, .variant = 16384 });
        attack(&(struct attack){ .at = at, .change = as_refusal,
                                 .variant = NOTIFY_INITIAL_CONTACT });
        attack(&(struct attack){ .at = at, .instead = true, .change = as_refusal,
                                 .variant = NOTIFY_AUTHENTICATION_FAILED,
                                 .line = "the peer answered AUTHENTICATION-FAILED (24)" });
    }
}

/* Two at once, both refused: each refusal names the SPI of the one that it is about (interop Q10). */
static void f10_a_refusal_names_its_quick_mode(void **state)
{
    struct lab *l = lab_new(NULL);
    (void)state;
    lab_initiate(l, 0);
    for (unsigned n = 1; n <= 2; n++) {
        static const char *const esp[] = { "aes256-sha2_512", "aes128-sha1" };
        for (unsigned h = 0; h < 2; h++) {
            lab_whack(l, h, "whack-connection name=b%u left-host=10.9.0.1 left-client=10.11.%u.0/24 "
                      "right-host=10.9.0.2 right-client=10.12.%u.0/24 policy=psk,encrypt,tunnel "
                      "ike=aes128-sha1-curve25519 esp=%s", n, n, n, esp[h]);
        }
    }
    l->host[0].keying.now = l->now;
    for (unsigned n = 1; n <= 2; n++) { /* both are on their way before the first is answered */
        char line[100];
        struct record r;
        int len = snprintf(line, sizeof line, "whack-initiate name=b%u", n);
        assert_null(record_parse(&r, line, (size_t)len, W_P, NULL));
        assert_true(request_take(&l->host[0].keying, 1, &r));
    }
    lab_settle(l);
    assert_int_equal(lab_count(&l->host[0].said, "the peer answered NO-PROPOSAL-CHOSEN (14): we "
                               "proposed "), 2);
    assert_true(lab_up(l));
    lab_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f11_every_byte_changed),
        cmocka_unit_test(f11_bad_bad_good_bad),
        cmocka_unit_test(f11_good_then_bad),
        cmocka_unit_test(f11_after_a_wrong_proof),
        cmocka_unit_test(f11_after_a_refused_quick_mode),
        cmocka_unit_test(f10_before_there_are_keys),
        cmocka_unit_test(f10_quick_mode_before_the_peer_is_known),
        cmocka_unit_test(f10_informationals_before_the_peer_is_known),
        cmocka_unit_test(f10_a_refusal_names_its_quick_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
