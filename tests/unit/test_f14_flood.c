/*
 * F14: half-open exchanges. What strangers make us keep and write is bounded, and honest peers get
 * through meanwhile. How long it takes is tests/bench's to say.
 */
#include "flood.h"
#include "hostile.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void hear_first(struct lab *l, struct datagram *d, unsigned n, const struct path *path)
{
    flood_first(d, n, path);
    lab_hear(l, path, d->bytes, d->len);
    lab_settle(l);
}

static void within_bounds(const struct lab *l)
{
    const struct lab_host *h = &l->host[1];
    assert_true(h->ike->half_open_count <= HALF_OPEN_MAX);
    assert_true(h->keying.half_open <= HALF_OPEN_MAX);
    assert_true(HASH_CNT(by_serial, h->ike->exchanges) <= HALF_OPEN_MAX + 2);
    assert_true(secrets_exchanges(h->secrets) <= 2 * HALF_OPEN_MAX);
    assert_true(h->sent <= 3 * h->received);
}

/* Host 1 takes anybody. */
static struct lab *open_lab(void)
{
    struct lab *l = lab_new(NULL);
    lab_whack(l, 1, "whack-connection name=road left-host=10.9.0.2 left-nexthop=%%25direct "
              "left-client=10.2.0.0/24 right-host=%%25any " LAB_CHEAP);
    return l;
}

/* ---- one address ---- */

static void f14_one_source_is_bounded(void **state)
{
    struct datagram *d = calloc(1, sizeof *d);
    struct lab *l = open_lab();
    const struct path path = flood_path(1);
    (void)state;
    for (unsigned n = 1; n <= 10000; n++) {
        hear_first(l, d, n, &path);
    }
    within_bounds(l);
    assert_int_equal(l->host[1].ike->half_open_count, HALF_OPEN_PER_SOURCE);
    assert_int_equal(lab_count(&l->host[1].heard, "first "),
                     HALF_OPEN_PER_SOURCE + HALF_OPEN_EVICTIONS);
    assert_true(lab_lines(l, 1) <= 2 * SOURCE_LINES_AT_ONCE + 3);
    lab_initiate(l, 0); /* another address does not notice */
    assert_true(lab_up(l));
    lab_pass(l, GIVE_UP + 1000);
    assert_int_equal(l->host[1].ike->half_open_count, 0);
    lab_free(l);
    free(d);
}

/* The flood says that it comes from an honest peer: refusing him would be what it wants. */
static void f14_a_forged_address_locks_nobody_out(void **state)
{
    struct datagram *d = calloc(1, sizeof *d);
    struct lab *l = lab_new(NULL);
    const struct path path = lab_path(1, 0);
    (void)state;
    for (unsigned n = 1; n <= 10000; n++) {
        hear_first(l, d, n, &path);
    }
    within_bounds(l);
    lab_pass(l, 2000);
    lab_initiate(l, 0);
    assert_true(lab_up(l));
    lab_free(l);
    free(d);
}

static unsigned with_some_forged(struct lab *l, struct datagram *d, unsigned number)
{
    const struct path path = lab_path(1, 0);
    struct datagram *forged = malloc(sizeof *forged);
    (void)d;
    assert_non_null(forged);
    for (unsigned n = 0; n < 4; n++) {
        flood_first(forged, number * 4 + n + 100000, &path);
        lab_inject(l, forged);
    }
    free(forged);
    return 1;
}

/* Message 3 protects: only what nobody has answered makes room, while there is such. */
static void f14_a_forged_address_while_it_negotiates(void **state)
{
    struct datagram *d = calloc(1, sizeof *d);
    struct lab *l = lab_new(NULL);
    const struct path path = lab_path(1, 0);
    (void)state;
    for (unsigned n = 1; n <= HALF_OPEN_PER_SOURCE; n++) {
        hear_first(l, d, n, &path);
    }
    l->network = with_some_forged;
    lab_initiate(l, 0);
    l->network = NULL;
    lab_pass(l, 300000);
    assert_true(lab_up(l));
    lab_free(l);
    free(d);
}

/* What plutod has only just been asked about makes room: it must not go on counting it. */
static void f14_plutod_counts_no_ghosts(void **state)
{
    struct datagram *d = calloc(1, sizeof *d);
    struct lab *l = open_lab();
    const struct path path = flood_path(1);
    (void)state;
    for (unsigned n = 1; n <= HALF_OPEN_PER_SOURCE + HALF_OPEN_EVICTIONS; n++) {
        flood_first(d, n, &path);
        lab_hear(l, &path, d->bytes, d->len);
    }
    lab_settle(l);
    assert_int_equal(l->host[1].ike->half_open_count, HALF_OPEN_PER_SOURCE);
    assert_int_equal(l->host[1].keying.half_open, HALF_OPEN_PER_SOURCE);
    lab_free(l);
    free(d);
}

static void f14_a_net_of_ipv6_is_one_source(void **state)
{
    struct datagram *d = calloc(1, sizeof *d);
    struct lab *l = lab_new(NULL);
    struct path path = lab_path(1, 0);
    (void)state;
    assert_null(address_parse(&path.remote, "2001:db8::1"));
    for (unsigned n = 1; n <= 1000; n++) {
        path.remote.bytes[14] = (uint8_t)(n >> 8);
        path.remote.bytes[15] = (uint8_t)n;
        path.remote.bytes[8] = (uint8_t)n;
        flood_first(d, n, &path);
        lab_hear(l, &path, d->bytes, d->len); /* plutod would know no connection: it is not asked */
    }
    assert_int_equal(l->host[1].ike->half_open_count, HALF_OPEN_PER_SOURCE);
    lab_settle(l);
    assert_int_equal(l->host[1].ike->half_open_count, 0);
    lab_free(l);
    free(d);
}

/* ---- 65,536 addresses ---- */

/* 8,000 a second. */
static void flood(struct lab *l, struct datagram *d, unsigned first, unsigned count)
{
    for (unsigned n = first; n < first + count; n++) {
        const struct path path = flood_path(n);
        hear_first(l, d, n, &path);
        if (n % 8 == 0) {
            lab_pass(l, 1);
        }
    }
}

static void f14_65536_sources_are_bounded(void **state)
{
    struct datagram *d = calloc(1, sizeof *d);
    struct lab *l = open_lab();
    (void)state;
    flood(l, d, 1, 2 * HALF_OPEN_MAX);
    within_bounds(l);
    buffer_wipe(&l->host[1].heard);
    size_t before = mallinfo2().uordblks;
    flood(l, d, 2 * HALF_OPEN_MAX, 65536);
    within_bounds(l);
    buffer_wipe(&l->host[1].heard);
    /* What they left behind is what the first ones did: nothing grows. 0: not glibc's malloc. */
    size_t after = mallinfo2().uordblks;
    assert_true(before == 0 || after < before + before / 20 + 65536);
    assert_int_equal(l->host[1].ike->half_open_count, HALF_OPEN_MAX);
    assert_true(lab_lines(l, 1) <= 2 * LINES_AT_ONCE + 3);
    lab_pass(l, 60000);
    assert_true(lab_lines(l, 1) <= 4 * LINES_AT_ONCE + 2 * 60000 / LINES_REFILL);
    lab_pass(l, GIVE_UP);
    assert_int_equal(l->host[1].ike->half_open_count, 0);
    assert_int_equal(l->host[1].keying.half_open, 0);
    lab_initiate(l, 0);
    assert_true(lab_up(l));
    lab_free(l);
    free(d);
}

/* Many in one turn: what makes room before plutod has answered is not left with him either. */
static void f14_room_made_before_plutod_answers(void **state)
{
    struct datagram *d = calloc(1, sizeof *d);
    struct lab *l = open_lab();
    const struct lab_host *h = &l->host[1];
    (void)state;
    for (unsigned turn = 0; turn < 4; turn++) {
        for (unsigned n = 1; n <= HALF_OPEN_MAX; n++) {
            const struct path path = flood_path(n);
            flood_first(d, turn * HALF_OPEN_MAX + n, &path);
            lab_hear(l, &path, d->bytes, d->len);
        }
        lab_settle(l);
        within_bounds(l);
    }
    assert_int_equal(h->keying.half_open, h->ike->half_open_count);
    assert_in_range(secrets_exchanges(h->secrets), 1, HALF_OPEN_MAX);
    lab_free(l);
    free(d);
}

/* All at once: who has just got in is not washed out, and who has not comes again. */
static void f14_young_ones_are_safe(void **state)
{
    struct datagram *d = calloc(1, sizeof *d);
    struct lab *l = open_lab();
    (void)state;
    for (unsigned n = 1; n <= 2 * HALF_OPEN_MAX; n++) {
        const struct path path = flood_path(n);
        hear_first(l, d, n, &path);
    }
    assert_int_equal(lab_count(&l->host[1].heard, "first "), HALF_OPEN_MAX);
    assert_int_equal(lab_count(&l->host[1].heard, "failed "), 0);
    lab_initiate(l, 0);
    assert_false(lab_up(l));
    lab_pass(l, RETRANSMIT_1);
    assert_true(lab_up(l));
    lab_free(l);
    free(d);
}

static unsigned among_strangers(struct lab *l, struct datagram *d, unsigned number)
{
    struct datagram *stranger = malloc(sizeof *stranger);
    (void)d;
    assert_non_null(stranger);
    for (unsigned n = 0; n < 8 && lab_host_of(&d->path.local) != LAB_NOBODY; n++) {
        const struct path path = flood_path(number * 8 + n);
        flood_first(stranger, number * 8 + n + 1000000, &path);
        lab_inject(l, stranger);
    }
    free(stranger);
    return 1;
}

/* Eight new strangers for each honest datagram, and a full table. */
static void f14_honest_peers_get_through(void **state)
{
    struct datagram *d = calloc(1, sizeof *d);
    struct lab *l = open_lab();
    unsigned at_once = 0;
    (void)state;
    flood(l, d, 1, HALF_OPEN_MAX + 10);
    for (unsigned i = 0; i < 40; i++) {
        l->network = among_strangers;
        lab_initiate(l, 0);
        l->network = NULL;
        at_once += lab_up(l) ? 1 : 0;
        lab_pass(l, 200000);
        assert_true(lab_up(l));
        lab_whack(l, 0, "whack-terminate name=net");
        assert_false(lab_up(l));
        flood(l, d, i * HALF_OPEN_MAX, HALF_OPEN_MAX / 8);
    }
    assert_true(at_once >= 36);
    lab_free(l);
    free(d);
}

/* Offers as large as a message may be: what has to be kept of them is bounded in all. */
static void f14_large_offers(void **state)
{
    struct datagram *d = calloc(1, sizeof *d);
    struct lab *l = open_lab();
    (void)state;
    for (unsigned n = 1; n <= 1500; n++) {
        const struct path path = flood_path(n);
        flood_first(d, n, &path);
        flood_grow(d, 9000);
        lab_hear(l, &path, d->bytes, d->len);
        lab_settle(l);
        assert_true(l->host[1].ike->half_open_bytes <= HALF_OPEN_BYTES);
    }
    assert_in_range(l->host[1].ike->half_open_count, 800, 1000);
    within_bounds(l);
    lab_initiate(l, 0);
    lab_pass(l, 300000);
    assert_true(lab_up(l));
    assert_int_equal(l->host[1].ike->half_open_bytes, 0);
    lab_free(l);
    free(d);
}

/* ---- third messages, which cost us a Diffie-Hellman each ---- */

static unsigned answer_second(struct lab *l, struct datagram *d, unsigned number)
{
    static const uint8_t rest[] = { 4, 0x10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 84, 10, 0, 0, 36, 9 };
    if (lab_host_of(&d->path.local) != LAB_NOBODY || d->bytes[16] != PAYLOAD_SA) {
        return lab_host_of(&d->path.local) != LAB_NOBODY;
    }
    struct datagram *third = calloc(1, sizeof *third);
    assert_non_null(third);
    third->path = (struct path){ .local = d->path.remote, .remote = d->path.local,
                                 .local_port = 500, .remote_port = 500 };
    memcpy(third->bytes, d->bytes, 2 * COOKIE_LEN);
    memcpy(third->bytes + 16, rest, sizeof rest);
    third->bytes[33] = (uint8_t)number;
    third->bytes[34] = (uint8_t)(number >> 8);
    memcpy(third->bytes + 64, "\0\0\0\24", 4);
    third->len = 84;
    lab_inject(l, third);
    free(third);
    return 0;
}

static void f14_third_messages(void **state)
{
    struct datagram *d = calloc(1, sizeof *d);
    struct lab *l = open_lab();
    (void)state;
    l->network = answer_second;
    for (unsigned n = 1; n <= 2000; n++) {
        const struct path path = flood_path(n % 4);
        hear_first(l, d, n, &path);
    }
    assert_true(lab_count(&l->host[1].heard, "state=MAIN_R2") > 3 * HALF_OPEN_PER_SOURCE);
    within_bounds(l);
    assert_true(l->host[1].ike->half_open_count <= 4 * HALF_OPEN_PER_SOURCE);
    assert_int_equal(l->host[1].ike->open_keys, 0);
    assert_true(lab_lines(l, 1) <= 2 * LINES_AT_ONCE + 3);
    lab_initiate(l, 0);
    assert_true(lab_up(l));
    lab_free(l);
    free(d);
}

/* ---- lines ---- */

static unsigned break_third(struct lab *l, struct datagram *d, unsigned number)
{
    if (answer_second(l, d, number) == 0 && l->queued > 0) {
        struct datagram *third = &l->queue[(l->first + l->queued - 1) % LAB_DATAGRAMS];
        third->bytes[32 + 28] = PAYLOAD_KE; /* its nonce becomes a second KE */
        third->bytes[ISAKMP_HEADER_LEN] = PAYLOAD_KE;
        return 0;
    }
    return lab_host_of(&d->path.local) != LAB_NOBODY;
}

/* What strangers cause uses nothing up of what there is for peers that we know. */
static void f14_strangers_do_not_silence_others(void **state)
{
    struct datagram *d = calloc(1, sizeof *d);
    struct opened *o = malloc(sizeof *o);
    struct lab *l = open_lab();
    (void)state;
    assert_non_null(o);
    lab_initiate(l, 0);
    hostile_begin(l, 1, EXCHANGE_INFORMATIONAL, 77, o);
    payload_insert(o, 1, PAYLOAD_N, "\0\0\0\1\1\0\0\16", 8);
    o->hash = 0; /* and so it is wrong */
    hostile_seal(o, d);
    struct datagram *strange = calloc(1, sizeof *strange);
    l->network = break_third;
    for (unsigned n = 1; n <= 1000; n++) {
        const struct path path = flood_path(n);
        hear_first(l, strange, n, &path);
    }
    l->network = NULL;
    assert_true(lab_logged(l, 1, "more than one KE payload"));
    lab_hear(l, &d->path, d->bytes, d->len);
    lab_settle(l);
    assert_true(lab_logged(l, 1, "an Informational with a wrong HASH is ignored"));
    lab_free(l);
    free(strange);
    free(o);
    free(d);
}

/* Nobody is let in whose keys would not be made in time; he comes again. */
static void f14_nobody_new_while_secrets_is_behind(void **state)
{
    struct lab *l = lab_new(NULL);
    (void)state;
    l->host[1].ike->open_keys = OPEN_KEYS_MAX + 1;
    lab_initiate(l, 0);
    assert_int_equal(lab_count(&l->host[1].heard, "first "), 0);
    l->host[1].ike->open_keys = 0;
    lab_pass(l, RETRANSMIT_1);
    assert_true(lab_up(l));
    lab_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f14_one_source_is_bounded),
        cmocka_unit_test(f14_a_forged_address_locks_nobody_out),
        cmocka_unit_test(f14_a_forged_address_while_it_negotiates),
        cmocka_unit_test(f14_plutod_counts_no_ghosts),
        cmocka_unit_test(f14_a_net_of_ipv6_is_one_source),
        cmocka_unit_test(f14_65536_sources_are_bounded),
        cmocka_unit_test(f14_room_made_before_plutod_answers),
        cmocka_unit_test(f14_young_ones_are_safe),
        cmocka_unit_test(f14_honest_peers_get_through),
        cmocka_unit_test(f14_large_offers),
        cmocka_unit_test(f14_third_messages),
        cmocka_unit_test(f14_strangers_do_not_silence_others),
        cmocka_unit_test(f14_nobody_new_while_secrets_is_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
