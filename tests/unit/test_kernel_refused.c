/* kernel-sa's core refuses: parts of an exchange that do not agree, or that never come (F17). */
#include "kernel_pair.h"

#include "lib/bounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

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
        pair_permit(f, 7, 5, "");
        pair_keys(f, 7, spi);
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
    pair_keys(f, 7, spi);
    fake_feed(f, PEER_NEGOTIATE, "install id=2 exchange=7 protocol=esp proposal=aes256-sha2_256 "
              "mode=transport spi-in=%08" PRIx32 " spi-out=c0ffee07 " HOSTS " " CLIENTS
              " life=3600 activate=yes", spi);
    fake_expect(f, PEER_NEGOTIATE, "transport%20mode%20exists%20only%20between%20the%20hosts");
    fake_holds(f, 0, 0);

    spi = fake_spi(f);
    fake_feed(f, PEER_PLUTOD, "permit exchange=8 connection=net " HOSTS " our-client=10.9.0.1/32 "
              "peer-client=10.9.0.2/32 esp=aes256-sha2_256 modes=transport life=3600 reqid=5 "
              "policies=yes");
    pair_keys(f, 8, spi);
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
        pair_permit(f, 7, 5, "");
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
    pair_permit(f, 7, 5, "");
    pair_keys(f, 7, 0x12345678);
    pair_install(f, 7, 0x12345678, "yes");
    fake_expect(f, PEER_NEGOTIATE, "spi-in%20was%20not%20given%20out");
    fake_expect(f, PEER_PLUTOD, "log level=serious");
    fake_holds(f, 0, 0);
    uint32_t spi = pair_up(f, 8, 5, "yes");
    pair_permit(f, 9, 5, "");
    pair_keys(f, 9, spi);
    pair_install(f, 9, spi, "yes");
    fake_expect(f, PEER_NEGOTIATE, "or%20is%20used%20already");
    fake_holds(f, 2, 3);
    fake_free(f);

    f = fake_new(MAKER_HAND); /* drawn elsewhere */
    pair_permit(f, 7, 5, "");
    pair_keys(f, 7, 0x12345678);
    pair_install(f, 7, 0x12345678, "yes");
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
    pair_permit(f, 7, 5, "");
    pair_keys(f, 7, first);
    pair_install(f, 7, first, "yes");
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install");
    fake_free(f);
}

/* F17 */
static void never_permitted(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = fake_spi(f);
    pair_keys(f, 7, spi);
    pair_install(f, 7, spi, "yes");
    fake_silent(f, PEER_NEGOTIATE);
    fake_pass(f, GIVE_UP + 1);
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install why=no%20permit%20came");
    fake_expect(f, PEER_PLUTOD, "log level=serious");
    fake_holds(f, 0, 0);
    assert_int_equal(f->requests, 0);
    pair_permit(f, 7, 5, ""); /* too late: what was parked is gone */
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
        pair_keys(f, x, 0x2000 + x);
        (void)fake_said(f, PEER_SECRETS);
    }
    pair_keys(f, 5000, 0x2000);
    fake_expect(f, PEER_SECRETS, "fail id=1 re=sa-keys why=too%20many");
    const char *said = fake_said(f, PEER_PLUTOD);
    size_t lines = 0;
    for (; *said != '\0'; said++) {
        lines += *said == '\n';
    }
    assert_int_equal(lines, 20); /* of 1977 that were refused */
    pair_permit(f, 5000, 5, ""); /* a permitted one has its place all the same */
    pair_keys(f, 5000, 0x2000);
    fake_silent(f, PEER_SECRETS);
    f->now += 10000;
    pair_keys(f, 5001, 0x2000);
    fake_expect(f, PEER_PLUTOD, "(1957%20like%20this%20were%20not%20logged)");
    fake_pass(f, GIVE_UP + 1);
    (void)fake_said(f, PEER_SECRETS); /* those that were dropped are needed no more */
    pair_keys(f, 5001, 0x2000); /* there is room again */
    fake_silent(f, PEER_SECRETS);
    fake_free(f);
}

static void missing_part(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = fake_spi(f);
    pair_permit(f, 7, 5, "");
    fake_pass(f, 10 * GIVE_UP); /* a permit alone may wait */
    fake_silent(f, PEER_PLUTOD);
    pair_install(f, 7, spi, "yes");
    fake_pass(f, GIVE_UP + 1);
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install why=no%20keys%20came");
    pair_permit(f, 8, 5, "");
    pair_keys(f, 8, spi);
    fake_silent(f, PEER_SECRETS);
    fake_pass(f, GIVE_UP + 1);
    fake_expect(f, PEER_PLUTOD, "no%20request%20came");
    fake_expect(f, PEER_SECRETS, "ok id=1 re=sa-keys");
    fake_free(f);
}

static void lie(struct fake *f)
{
    fake_feed(f, PEER_SECRETS, "sa-keys id=1 exchange=7 protocol=ah proposal=aes256-sha2_256 "
              "spi-in=00001000 spi-out=c0ffee07 key-in=" KEY32_A " key-out=" KEY32_B);
}

/* F17: a thousand lies are twenty lines, then one in ten seconds, and the others are counted. */
static void lines_are_limited(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    unsigned lines = 0;
    pair_permit(f, 7, 5, "");
    for (unsigned i = 0; i < 1000; i++) {
        lie(f);
    }
    const char *at = fake_said(f, PEER_PLUTOD);
    while ((at = strstr(at, "log level=serious")) != NULL) {
        at++;
        lines++;
    }
    assert_int_equal(lines, 20);
    fake_pass(f, 9999);
    lie(f);
    fake_silent(f, PEER_PLUTOD);
    fake_pass(f, 1);
    lie(f);
    fake_expect(f, PEER_PLUTOD, "(981%20like%20this%20were%20not%20logged)");
    lie(f);
    fake_silent(f, PEER_PLUTOD);
    fake_free(f);
}

/* F17: so is what it leaves undone. */
static void lines_about_what_is_dropped_are_limited(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    for (unsigned x = 1; x <= 500; x++) {
        pair_permit(f, x, 5, "");
        pair_keys(f, x, 0x2000 + x);
    }
    (void)fake_said(f, PEER_PLUTOD);
    fake_pass(f, GIVE_UP + 1);
    unsigned lines = 0;
    const char *at = fake_said(f, PEER_PLUTOD);
    while ((at = strstr(at, "no%20request%20came")) != NULL) {
        at++;
        lines++;
    }
    assert_int_equal(lines, 20);
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mismatches),
        cmocka_unit_test(lines_about_what_is_dropped_are_limited),
        cmocka_unit_test(transport_needs_hosts),
        cmocka_unit_test(wrong_keys),
        cmocka_unit_test(spi_not_given_out),
        cmocka_unit_test(spi_blocks),
        cmocka_unit_test(never_permitted),
        cmocka_unit_test(parked_is_bounded),
        cmocka_unit_test(missing_part),
        cmocka_unit_test(lines_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
