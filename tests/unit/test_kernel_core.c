/* kernel-sa's core: the three parts of an exchange, in any order, right and wrong (F17). */
#include "kernel_fake.h"

#include "lib/bounds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])
#define KEY32_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY32_B "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
#define HOSTS "our-host=10.9.0.1 peer-host=10.9.0.2"
#define CLIENTS "our-client=10.1.0.0/24 peer-client=10.2.0.0/24"
#define SPI_OUT 0xc0ffee00u

static void permit(struct fake *f, unsigned x)
{
    fake_feed(f, PEER_PLUTOD, "permit exchange=%u connection=net " HOSTS " " CLIENTS
              " esp=aes256-sha2_256,aes128gcm16 modes=tunnel life=3600 reqid=5 policies=yes", x);
}

static void keys(struct fake *f, unsigned x, uint32_t spi)
{
    fake_feed(f, PEER_SECRETS, "sa-keys id=1 exchange=%u protocol=esp proposal=aes256-sha2_256 "
              "spi-in=%08" PRIx32 " spi-out=%08" PRIx32 " key-in=" KEY32_A " key-out=" KEY32_B
              " auth-in=" KEY32_B " auth-out=" KEY32_A, x, spi, SPI_OUT + x);
}

static void install(struct fake *f, unsigned x, uint32_t spi, const char *activate)
{
    fake_feed(f, PEER_NEGOTIATE, "install id=2 exchange=%u protocol=esp proposal=aes256-sha2_256 "
              "mode=tunnel spi-in=%08" PRIx32 " spi-out=%08" PRIx32 " " HOSTS " " CLIENTS
              " life=3600 activate=%s", x, spi, SPI_OUT + x, activate);
}

static void delete_sa(struct fake *f, unsigned x, const char *policies)
{
    fake_feed(f, PEER_PLUTOD, "delete-kernel-sa id=8 exchange=%u policies=%s", x, policies);
    fake_expect(f, PEER_PLUTOD, "ok id=8 re=delete-kernel-sa");
}

/* An exchange with both SAs. */
static uint32_t up(struct fake *f, unsigned x)
{
    uint32_t spi = fake_spi(f);
    permit(f, x);
    keys(f, x, spi);
    install(f, x, spi, "yes");
    fake_expect(f, PEER_NEGOTIATE, "ok id=2 re=install\n");
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
                permit(f, 7);
            } else if (*c == 'k') {
                keys(f, 7, spi);
            } else {
                install(f, 7, spi, "yes");
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
    permit(f, 7);
    keys(f, 7, spi);
    fake_feed(f, PEER_NEGOTIATE, "activate id=3 exchange=7");
    fake_expect(f, PEER_NEGOTIATE, "fail id=3 re=activate");
    install(f, 7, spi, "no");
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
    permit(f, 7);
    keys(f, 7, spi);
    install(f, 7, spi, "no");
    fake_pass(f, GIVE_UP - 1);
    fake_holds(f, 1, 2);
    fake_pass(f, 2);
    fake_holds(f, 0, 0);
    fake_expect(f, PEER_PLUTOD, "log level=info");
    (void)fake_said(f, PEER_NEGOTIATE);
    fake_feed(f, PEER_NEGOTIATE, "activate id=4 exchange=7");
    fake_expect(f, PEER_NEGOTIATE, "fail id=4 re=activate");
    install(f, 7, spi, "no");
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install why=the%20exchange%20was%20refused");
    fake_holds(f, 0, 0);
    delete_sa(f, 7, "yes");
    fake_free(f);
}

/* F17: each field of the request that is not as permitted, or not as the keys say. */
static void mismatches(void **state)
{
    static const struct { const char *was, *is, *why; } cases[] = {
        { "our-host=10.9.0.1", "our-host=10.9.0.3", "our-host%20is%2010.9.0.3" },
        { "peer-host=10.9.0.2", "peer-host=10.9.0.3",
          "peer-host%20is%2010.9.0.3%20in%20the%20install%20request,%20but%20the%20permit%20says"
          "%2010.9.0.2" },
        { "peer-host=10.9.0.2", "peer-host=fd09::2", "peer-host%20is%20fd09::2" },
        { "our-client=10.1.0.0/24", "our-client=10.1.0.0/16", "our-client%20is%2010.1.0.0/16" },
        { "our-client=10.1.0.0/24", "our-client=0.0.0.0/0", "our-client%20is%200.0.0.0/0" },
        { "peer-client=10.2.0.0/24", "peer-client=10.3.0.0/24",
          "peer-client%20is%2010.3.0.0/24" },
        { "mode=tunnel", "mode=transport", "mode%20is%20transport" },
        { "life=3600", "life=3601", "life%20is%203601" },
        { "proposal=aes256-sha2_256", "proposal=aes128gcm16", "proposal%20is%20aes128gcm16" },
        { "proposal=aes256-sha2_256", "proposal=3des-md5", "proposal%20is%203des-md5" },
        { "spi-out=c0ffee07", "spi-out=c0ffee08", "spi-out%20is%20c0ffee08" },
        { "spi-out=c0ffee07", "spi-out=000000ff", "spi-out%20is%20below" },
        { "protocol=esp", "protocol=ah", "protocol%20is%20not%20esp" },
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct fake *f = fake_new(MAKER_DAEMON);
        uint32_t spi = fake_spi(f);
        char good[512];
        char bad[512];
        (void)snprintf(good, sizeof good, "install id=2 exchange=7 protocol=esp proposal=aes256-"
                       "sha2_256 mode=tunnel spi-in=%08" PRIx32 " spi-out=c0ffee07 " HOSTS " "
                       CLIENTS " life=3600 activate=yes", spi);
        const char *at = strstr(good, cases[i].was);
        assert_non_null(at);
        (void)snprintf(bad, sizeof bad, "%.*s%s%s", (int)(at - good), good, cases[i].is,
                       at + strlen(cases[i].was));
        permit(f, 7);
        keys(f, 7, spi);
        (void)fake_said(f, PEER_NEGOTIATE);
        fake_feed(f, PEER_NEGOTIATE, "%s", bad);
        fake_holds(f, 0, 0);
        assert_int_equal(f->requests, 0);
        fake_expect(f, PEER_NEGOTIATE, cases[i].why);
        fake_expect(f, PEER_PLUTOD, "log level=serious text=");
        fake_free(f);
    }
}

static void transport_needs_hosts(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = fake_spi(f);
    fake_feed(f, PEER_PLUTOD, "permit exchange=7 connection=net " HOSTS " " CLIENTS
              " esp=aes256-sha2_256 modes=any life=3600 reqid=5 policies=yes");
    keys(f, 7, spi);
    fake_feed(f, PEER_NEGOTIATE, "install id=2 exchange=7 protocol=esp proposal=aes256-sha2_256 "
              "mode=transport spi-in=%08" PRIx32 " spi-out=c0ffee07 " HOSTS " " CLIENTS
              " life=3600 activate=yes", spi);
    fake_expect(f, PEER_NEGOTIATE, "transport%20mode%20exists%20only%20between%20the%20hosts");
    fake_holds(f, 0, 0);

    spi = fake_spi(f);
    fake_feed(f, PEER_PLUTOD, "permit exchange=8 connection=net " HOSTS " our-client=10.9.0.1/32 "
              "peer-client=10.9.0.2/32 esp=aes256-sha2_256 modes=transport life=3600 reqid=5 "
              "policies=yes");
    keys(f, 8, spi);
    fake_feed(f, PEER_NEGOTIATE, "install id=2 exchange=8 protocol=esp proposal=aes256-sha2_256 "
              "mode=transport spi-in=%08" PRIx32 " spi-out=c0ffee08 " HOSTS
              " our-client=10.9.0.1/32 peer-client=10.9.0.2/32 life=3600 activate=yes", spi);
    fake_expect(f, PEER_NEGOTIATE, "ok id=2 re=install");
    fake_holds(f, 2, 2); /* no forwarding between hosts */
    assert_true(f->policy[0].transport);
    fake_free(f);
}

static void wrong_keys(void **state)
{
    static const struct { const char *fields, *why; } cases[] = {
        { "proposal=aes256-sha2_256 key-in=00 key-out=" KEY32_B " auth-in=" KEY32_B
          " auth-out=" KEY32_A, "not%20as%20long" },
        { "proposal=aes256-sha2_256 key-in=" KEY32_A " key-out=" KEY32_B " auth-in=" KEY32_B,
          "key%20is%20missing" },
        { "proposal=aes128gcm16 key-in=" KEY32_A " key-out=" KEY32_B, "not%20as%20long" },
        { "proposal=aes128gcm16 key-in=000102030405060708090a0b0c0d0e0f10111213 "
          "key-out=000102030405060708090a0b0c0d0e0f10111213 auth-in=00 auth-out=00",
          "has%20none" },
        { "proposal=nonsense key-in=00 key-out=00", "fail id=1 re=sa-keys" },
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct fake *f = fake_new(MAKER_DAEMON);
        permit(f, 7);
        fake_feed(f, PEER_SECRETS, "sa-keys id=1 exchange=7 protocol=esp spi-in=00001000 "
                  "spi-out=c0ffee07 %s", cases[i].fields);
        fake_expect(f, PEER_SECRETS, cases[i].why);
        fake_expect(f, PEER_PLUTOD, "log level=serious");
        fake_free(f);
    }
}

/* F17 */
static void spi_not_given_out(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    permit(f, 7);
    keys(f, 7, 0x12345678);
    install(f, 7, 0x12345678, "yes");
    fake_expect(f, PEER_NEGOTIATE, "spi-in%20was%20not%20given%20out");
    fake_expect(f, PEER_PLUTOD, "log level=serious");
    fake_holds(f, 0, 0);
    uint32_t spi = up(f, 8);
    permit(f, 9);
    keys(f, 9, spi);
    install(f, 9, spi, "yes");
    fake_expect(f, PEER_NEGOTIATE, "or%20is%20used%20already");
    fake_holds(f, 2, 3);
    fake_free(f);

    f = fake_new(MAKER_HAND); /* drawn elsewhere */
    permit(f, 7);
    keys(f, 7, 0x12345678);
    install(f, 7, 0x12345678, "yes");
    fake_expect(f, PEER_NEGOTIATE, "ok id=2 re=install");
    fake_free(f);
}

static void spi_blocks(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    fake_feed(f, PEER_NEGOTIATE, "spis id=9 count=256");
    const char *said = strstr(fake_said(f, PEER_NEGOTIATE), "spis=");
    assert_non_null(said);
    assert_int_equal(strcspn(said + 5, "\n"), 8 * 256);
    for (int i = 0; i < 256; i++) {
        char hex[9] = "";
        memcpy(hex, said + 5 + 8 * i, 8);
        assert_true(strtoul(hex, NULL, 16) >= SPI_MIN);
    }
    uint32_t first = fake_spi(f);
    for (int i = 0; i < 40; i++) { /* the oldest go: nobody can fill us up */
        fake_feed(f, PEER_NEGOTIATE, "spis id=9 count=256");
    }
    (void)fake_said(f, PEER_NEGOTIATE);
    permit(f, 7);
    keys(f, 7, first);
    install(f, 7, first, "yes");
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install");
    fake_free(f);
}

/* F17 */
static void never_permitted(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = fake_spi(f);
    keys(f, 7, spi);
    install(f, 7, spi, "yes");
    fake_silent(f, PEER_NEGOTIATE);
    fake_pass(f, GIVE_UP + 1);
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install why=no%20permit%20came");
    fake_expect(f, PEER_PLUTOD, "log level=serious");
    fake_holds(f, 0, 0);
    assert_int_equal(f->requests, 0);
    permit(f, 7); /* too late: what was parked is gone */
    fake_pass(f, GIVE_UP + 1);
    fake_holds(f, 0, 0);
    fake_silent(f, PEER_NEGOTIATE);
    fake_free(f);
}

/* F17: a thousand exchanges a second. */
static void parked_is_bounded(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    for (unsigned x = 1; x <= 3000; x++) {
        keys(f, x, 0x2000 + x);
        (void)fake_said(f, PEER_SECRETS);
    }
    keys(f, 5000, 0x2000);
    fake_expect(f, PEER_SECRETS, "fail id=1 re=sa-keys why=too%20many");
    const char *said = fake_said(f, PEER_PLUTOD);
    size_t lines = 0;
    for (; *said != '\0'; said++) {
        lines += *said == '\n';
    }
    assert_int_equal(lines, 10); /* of 1977 that were refused */
    permit(f, 5000); /* a permitted one has its place all the same */
    keys(f, 5000, 0x2000);
    fake_silent(f, PEER_SECRETS);
    f->now += 5000;
    keys(f, 5001, 0x2000);
    fake_expect(f, PEER_PLUTOD, "(1967%20like%20this%20were%20not%20logged)");
    fake_pass(f, GIVE_UP + 1);
    (void)fake_said(f, PEER_SECRETS); /* those that were dropped are needed no more */
    keys(f, 5001, 0x2000); /* there is room again */
    fake_silent(f, PEER_SECRETS);
    fake_free(f);
}

static void missing_part(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = fake_spi(f);
    permit(f, 7);
    fake_pass(f, 10 * GIVE_UP); /* a permit alone may wait */
    fake_silent(f, PEER_PLUTOD);
    install(f, 7, spi, "yes");
    fake_pass(f, GIVE_UP + 1);
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install why=no%20keys%20came");
    permit(f, 8);
    keys(f, 8, spi);
    fake_silent(f, PEER_SECRETS);
    fake_pass(f, GIVE_UP + 1);
    fake_expect(f, PEER_PLUTOD, "no%20request%20came");
    fake_expect(f, PEER_SECRETS, "ok id=1 re=sa-keys");
    fake_free(f);
}

/* F17: a second of a kind; the same again gets the same answer. */
static void repeats(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = fake_spi(f);
    permit(f, 7);
    permit(f, 7);
    keys(f, 7, spi);
    keys(f, 7, spi);
    fake_silent(f, PEER_SECRETS); /* it keeps them until both SAs are in the kernel */
    keys(f, 7, spi + 1);
    fake_expect(f, PEER_SECRETS, "fail id=1 re=sa-keys why=other%20keys");
    install(f, 7, spi, "no");
    install(f, 7, spi, "no");
    keys(f, 7, spi);
    fake_silent(f, PEER_SECRETS);
    assert_string_equal(fake_said(f, PEER_NEGOTIATE), "ok id=2 re=install\nok id=2 re=install\n");
    install(f, 7, fake_spi(f), "no");
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install why=another%20request");
    fake_holds(f, 1, 2);
    fake_feed(f, PEER_NEGOTIATE, "activate id=4 exchange=7");
    fake_expect(f, PEER_SECRETS, "ok id=1 re=sa-keys");
    keys(f, 7, spi);
    fake_expect(f, PEER_SECRETS, "ok id=1 re=sa-keys");
    keys(f, 7, spi + 1);
    fake_expect(f, PEER_SECRETS, "fail id=1 re=sa-keys");
    install(f, 7, spi, "no");
    fake_expect(f, PEER_NEGOTIATE, "ok id=2 re=install");
    permit(f, 7);
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
            permit(f, 7);
            keys(f, 7, spi);
            install(f, 7, spi, held ? "no" : "yes");
            if (held) {
                fake_feed(f, PEER_NEGOTIATE, "activate id=4 exchange=7");
            }
            fake_holds(f, 0, 0);
            assert_int_equal(f->deletes, at - 1);
            fake_expect(f, PEER_NEGOTIATE, "because%20of%20the%20test");
            fake_expect(f, PEER_PLUTOD, "log level=serious text=cannot%20add");
            delete_sa(f, 7, "yes");
            fake_free(f);
        }
    }
}

static void deleted_at_any_stage(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    delete_sa(f, 7, "yes"); /* never heard of */
    uint32_t spi = fake_spi(f);
    permit(f, 7);
    delete_sa(f, 7, "yes");
    permit(f, 7);
    install(f, 7, spi, "yes");
    (void)fake_said(f, PEER_NEGOTIATE);
    delete_sa(f, 7, "yes");
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install why=plutod%20ended");
    spi = fake_spi(f);
    permit(f, 7);
    keys(f, 7, spi);
    install(f, 7, spi, "no");
    (void)fake_said(f, PEER_PLUTOD);
    delete_sa(f, 7, "yes");
    fake_holds(f, 0, 0);
    (void)up(f, 7);
    delete_sa(f, 7, "yes");
    fake_holds(f, 0, 0);
    delete_sa(f, 7, "yes");
    fake_free(f);
}

static void negotiator_gone(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = fake_spi(f);
    permit(f, 7);
    install(f, 7, spi, "yes");
    core_negotiator_gone(f->core);
    keys(f, 7, spi);
    fake_holds(f, 2, 3);
    fake_silent(f, PEER_NEGOTIATE); /* the new one has never asked this */
    fake_expect(f, PEER_PLUTOD, "sa-up exchange=7");
    install(f, 7, spi, "yes");
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
    keys(f, 1, 0x2001);
    permit(f, 2);
    permit(f, 3);
    keys(f, 3, 0x2003);
    permit(f, 4);
    keys(f, 4, 0x2004);
    install(f, 4, 0x2004, "no");
    permit(f, 5);
    keys(f, 5, 0x2005);
    install(f, 5, 0x2005, "yes");
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
        cmocka_unit_test(mismatches),
        cmocka_unit_test(transport_needs_hosts),
        cmocka_unit_test(wrong_keys),
        cmocka_unit_test(spi_not_given_out),
        cmocka_unit_test(spi_blocks),
        cmocka_unit_test(never_permitted),
        cmocka_unit_test(parked_is_bounded),
        cmocka_unit_test(missing_part),
        cmocka_unit_test(repeats),
        cmocka_unit_test(refused_half_way),
        cmocka_unit_test(deleted_at_any_stage),
        cmocka_unit_test(negotiator_gone),
        cmocka_unit_test(unfinished_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
