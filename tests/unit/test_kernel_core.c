/* kernel-sa: the three parts of an exchange, in any order. Wrong ones: test_kernel_refused.c. */
#include "kernel_pair.h"

#include "lib/bounds.h"

#include <errno.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* An exchange with both SAs. */
static uint32_t up(struct fake *f, unsigned x)
{
    uint32_t spi = pair_up(f, x, 5, "yes");
    fake_expect(f, PEER_PLUTOD, "sa-up exchange=");
    return spi;
}

static void any_order(void **state)
{
    static const char orders[][4] = { "pki", "pik", "kpi", "kip", "ipk", "ikp" };
    (void)state;
    for (size_t i = 0; i < LENGTH(orders); i++) {
        struct fake *f = fake_new(MAKER_DAEMON);
        uint32_t spi = fake_spi(f);
        for (const char *c = orders[i]; *c != '\0'; c++) {
            fake_holds(f, 0, 0);
            if (*c == 'p') {
                pair_permit(f, 7, 5, "");
            } else if (*c == 'k') {
                pair_keys(f, 7, spi);
            } else {
                pair_install(f, 7, spi, "yes");
            }
        }
        fake_holds(f, 2, 3);
        assert_string_equal(fake_said(f, PEER_NEGOTIATE), "ok id=2 re=install\n");
        assert_string_equal(fake_said(f, PEER_SECRETS), "ok id=1 re=sa-keys\n");
        const char *said = fake_said(f, PEER_PLUTOD);
        assert_non_null(strstr(said, "sa-up exchange=7 protocol=esp proposal=aes256-sha2_256 "
                                     "mode=tunnel spi-in="));
        assert_non_null(strstr(said, " life="));
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
        fake_pass(f, 2 * GIVE_UP);
        fake_silent(f, PEER_PLUTOD);
        fake_holds(f, 2, 3);
        fake_free(f);
    }
}

static void what_is_installed(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = up(f, 7);
    const struct kernel_sa *in = fake_find_sa(f, spi);
    const struct kernel_sa *out = fake_find_sa(f, SPI_OUT + 7);
    assert_non_null(in);
    assert_non_null(out);
    assert_true(in->inbound && !out->inbound);
    assert_int_equal(in->dst.bytes[3], 1);
    assert_int_equal(out->dst.bytes[3], 2);
    assert_int_equal(in->key_len, 32);
    assert_int_equal(in->key[1], 0x01);
    assert_int_equal(in->auth[1], 0x21);
    assert_int_equal(out->key[1], 0x21);
    assert_int_equal(out->auth[1], 0x01);
    assert_int_equal(in->hard, 3600);
    assert_int_equal(in->soft, 3240);
    assert_int_equal(in->replay, 32);
    assert_int_equal(out->replay, 0);
    assert_true(in->exchange == 7 && in->maker == MAKER_DAEMON);
    assert_int_equal(in->reqid, 5);
    const struct kernel_policy *p = fake_find_policy(f, WAY_FWD);
    assert_non_null(p);
    assert_int_equal(p->src.base.bytes[1], 2);
    assert_int_equal(p->tunnel_dst.bytes[3], 1);
    assert_int_equal(policy_index_maker(p->index), MAKER_DAEMON);
    assert_int_equal(p->index & 7, WAY_FWD);
    fake_free(f);
}

static void held_back(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = fake_spi(f);
    fake_feed(f, PEER_NEGOTIATE, "activate id=3 exchange=7");
    fake_expect(f, PEER_NEGOTIATE, "fail id=3 re=activate why=no%20outbound");
    pair_permit(f, 7, 5, "");
    pair_keys(f, 7, spi);
    fake_feed(f, PEER_NEGOTIATE, "activate id=3 exchange=7");
    fake_expect(f, PEER_NEGOTIATE, "fail id=3 re=activate");
    pair_install(f, 7, spi, "no");
    fake_expect(f, PEER_NEGOTIATE, "ok id=2 re=install\n");
    fake_holds(f, 1, 2);
    assert_null(fake_find_policy(f, WAY_OUT));
    fake_silent(f, PEER_PLUTOD);
    fake_feed(f, PEER_NEGOTIATE, "activate id=4 exchange=7");
    fake_holds(f, 2, 3);
    fake_expect(f, PEER_NEGOTIATE, "ok id=4 re=activate\n");
    fake_expect(f, PEER_PLUTOD, "sa-up exchange=7");
    fake_feed(f, PEER_NEGOTIATE, "activate id=5 exchange=7");
    fake_expect(f, PEER_NEGOTIATE, "ok id=5 re=activate\n");
    fake_silent(f, PEER_PLUTOD);
    fake_free(f);
}

static void held_too_long(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = fake_spi(f);
    pair_permit(f, 7, 5, "");
    pair_keys(f, 7, spi);
    pair_install(f, 7, spi, "no");
    fake_pass(f, GIVE_UP - 1);
    fake_holds(f, 1, 2);
    fake_pass(f, 2);
    fake_holds(f, 0, 0);
    fake_expect(f, PEER_PLUTOD, "log level=info");
    (void)fake_said(f, PEER_NEGOTIATE);
    fake_feed(f, PEER_NEGOTIATE, "activate id=4 exchange=7");
    fake_expect(f, PEER_NEGOTIATE, "fail id=4 re=activate");
    pair_install(f, 7, spi, "no");
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install why=the%20exchange%20was%20refused");
    fake_holds(f, 0, 0);
    pair_delete(f, 7, "yes");
    fake_free(f);
}

/* F17: a second of a kind; the same again gets the same answer. */
static void repeats(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = fake_spi(f);
    pair_permit(f, 7, 5, "");
    pair_permit(f, 7, 5, "");
    pair_keys(f, 7, spi);
    pair_keys(f, 7, spi);
    fake_silent(f, PEER_SECRETS); /* it keeps them until both SAs are in the kernel */
    pair_keys(f, 7, spi + 1);
    fake_expect(f, PEER_SECRETS, "fail id=1 re=sa-keys why=other%20keys");
    pair_install(f, 7, spi, "no");
    pair_install(f, 7, spi, "no");
    pair_keys(f, 7, spi);
    fake_silent(f, PEER_SECRETS);
    assert_string_equal(fake_said(f, PEER_NEGOTIATE), "ok id=2 re=install\nok id=2 re=install\n");
    pair_install(f, 7, fake_spi(f), "no");
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install why=another%20request");
    fake_holds(f, 1, 2);
    fake_feed(f, PEER_NEGOTIATE, "activate id=4 exchange=7");
    fake_expect(f, PEER_SECRETS, "ok id=1 re=sa-keys");
    pair_keys(f, 7, spi);
    fake_expect(f, PEER_SECRETS, "ok id=1 re=sa-keys");
    pair_keys(f, 7, spi + 1);
    fake_expect(f, PEER_SECRETS, "fail id=1 re=sa-keys");
    pair_install(f, 7, spi, "no");
    fake_expect(f, PEER_NEGOTIATE, "ok id=2 re=install");
    pair_permit(f, 7, 5, "");
    fake_holds(f, 2, 3);
    fake_free(f);
}

/* Whichever request the kernel refuses, nothing of the exchange stays. */
static void refused_half_way(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= 5; at++) {
        for (int held = 0; held <= 1; held++) {
            struct fake *f = fake_new(MAKER_DAEMON);
            uint32_t spi = fake_spi(f);
            f->refuse_at = at;
            f->refuse_with = ENOSYS;
            pair_permit(f, 7, 5, "");
            pair_keys(f, 7, spi);
            pair_install(f, 7, spi, held ? "no" : "yes");
            if (held) {
                fake_feed(f, PEER_NEGOTIATE, "activate id=4 exchange=7");
            }
            fake_holds(f, 0, 0);
            assert_int_equal(f->deletes, at - 1);
            fake_expect(f, PEER_NEGOTIATE, "because%20of%20the%20test");
            fake_expect(f, PEER_PLUTOD, "log level=serious text=cannot%20add");
            pair_delete(f, 7, "yes");
            fake_free(f);
        }
    }
}

static void deleted_at_any_stage(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    pair_delete(f, 7, "yes"); /* never heard of */
    uint32_t spi = fake_spi(f);
    pair_permit(f, 7, 5, "");
    pair_delete(f, 7, "yes");
    pair_permit(f, 7, 5, "");
    pair_install(f, 7, spi, "yes");
    (void)fake_said(f, PEER_NEGOTIATE);
    pair_delete(f, 7, "yes");
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install why=plutod%20ended");
    spi = fake_spi(f);
    pair_permit(f, 7, 5, "");
    pair_keys(f, 7, spi);
    pair_install(f, 7, spi, "no");
    (void)fake_said(f, PEER_PLUTOD);
    pair_delete(f, 7, "yes");
    fake_holds(f, 0, 0);
    (void)up(f, 7);
    pair_delete(f, 7, "yes");
    fake_holds(f, 0, 0);
    pair_delete(f, 7, "yes");
    fake_free(f);
}

static void negotiator_gone(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = fake_spi(f);
    pair_permit(f, 7, 5, "");
    pair_install(f, 7, spi, "yes");
    core_negotiator_gone(f->core);
    pair_keys(f, 7, spi);
    fake_holds(f, 2, 3);
    fake_silent(f, PEER_NEGOTIATE); /* the new one has never asked this */
    fake_expect(f, PEER_PLUTOD, "sa-up exchange=7");
    pair_install(f, 7, spi, "yes");
    fake_expect(f, PEER_NEGOTIATE, "ok id=2 re=install");
    fake_free(f);
}

static void unfinished_by_hand(void **state)
{
    (void)state;
    struct buffer out;
    struct fake *f = fake_new(MAKER_HAND);
    buffer_init(&out, 0);
    assert_int_equal(core_unfinished(f->core, &out), 0);
    pair_keys(f, 1, 0x2001);
    pair_permit(f, 2, 5, "");
    pair_permit(f, 3, 5, "");
    pair_keys(f, 3, 0x2003);
    pair_permit(f, 4, 5, "");
    pair_keys(f, 4, 0x2004);
    pair_install(f, 4, 0x2004, "no");
    pair_permit(f, 5, 5, "");
    pair_keys(f, 5, 0x2005);
    pair_install(f, 5, 0x2005, "yes");
    assert_int_equal(core_unfinished(f->core, &out), 4);
    buffer_wipe(&out);
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order),
        cmocka_unit_test(what_is_installed),
        cmocka_unit_test(held_back),
        cmocka_unit_test(held_too_long),
        cmocka_unit_test(repeats),
        cmocka_unit_test(refused_half_way),
        cmocka_unit_test(deleted_at_any_stage),
        cmocka_unit_test(negotiator_gone),
        cmocka_unit_test(unfinished_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
