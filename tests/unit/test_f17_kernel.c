/*
 * F17: what two of the three say alike, and the third does not: each part of a permit, of the keys and of the request is what
 * decides somewhere. One field of the request that is wrong: test_kernel_refused.c.
 */
#include "kernel_pair.h"

#include "lib/bounds.h"

#include <stdio.h>
#include <string.h>

struct parts {
    const char *permit_hosts;   /* and clients; of the request too, unless that has its own */
    const char *esp, *modes;
    const char *keys;           /* proposal, and the keys themselves */
    const char *proposal, *mode, *hosts;
    unsigned life;
};

static const struct parts good = {
    .permit_hosts = HOSTS " " CLIENTS, .esp = "aes256-sha2_256,aes128gcm16", .modes = "tunnel",
    .keys = "proposal=aes256-sha2_256 key-in=" KEY32_A " key-out=" KEY32_B " auth-in=" KEY32_B " auth-out=" KEY32_A,
    .proposal = "aes256-sha2_256", .mode = "tunnel", .life = 3600
};

#define KEY16 "000102030405060708090a0b0c0d0e0f"
#define KEY20 KEY16 "10111213"
#define KEY24 KEY20 "14151617"
#define GCM128 "proposal=aes128gcm16 key-in=" KEY20 " key-out=" KEY20
#define DES "proposal=3des-md5 key-in=" KEY24 " key-out=" KEY24 " auth-in=" KEY16 " auth-out=" KEY16
#define ONES_HOSTS HOSTS " our-client=10.9.0.1/32 peer-client=10.9.0.2/32"

/* All three, in the order that `order` names; why NULL: it is installed. */
static void all_say(const struct parts *p, uint32_t spi_keys, uint32_t spi_asked, struct fake *f, const char *order,
                    const char *why)
{
    for (const char *c = order; *c != '\0'; c++) {
        if (*c == 'p') {
            fake_feed(f, PEER_PLUTOD, "permit exchange=7 connection=net %s esp=%s modes=%s life=3600 reqid=5 policies=yes",
                      p->permit_hosts, p->esp, p->modes);
        } else if (*c == 'k') {
            fake_feed(f, PEER_SECRETS, "sa-keys id=1 exchange=7 protocol=esp spi-in=%08" PRIx32 " spi-out=c0ffee07 %s",
                      spi_keys, p->keys);
        } else {
            fake_feed(f, PEER_NEGOTIATE, "install id=2 exchange=7 protocol=esp proposal=%s mode=%s spi-in=%08" PRIx32
                      " spi-out=c0ffee07 %s life=%u activate=yes", p->proposal, p->mode, spi_asked,
                      p->hosts != NULL ? p->hosts : p->permit_hosts, p->life);
        }
    }
    if (why == NULL) {
        fake_expect(f, PEER_NEGOTIATE, "ok id=2 re=install");
        assert_int_equal(f->sas, 2);
        return;
    }
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install");
    char said[4000];
    (void)snprintf(said, sizeof said, "%s", fake_said(f, PEER_PLUTOD));
    assert_non_null(strstr(said, "log level=serious text="));
    if (strstr(said, why) == NULL) {
        fail_msg("expected \"%s\" in: %s", why, said);
    }
    fake_holds(f, 0, 0);
    assert_int_equal(f->requests, 0);
}

static void in_every_order(const struct parts *p, const char *why)
{
    static const char *const orders[] = { "pki", "pik", "kpi", "kip", "ipk", "ikp" };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct fake *f = fake_new(MAKER_DAEMON);
        uint32_t spi = fake_spi(f);
        all_say(p, spi, spi, f, orders[i], why);
        fake_free(f);
    }
}

static void f17_two_agree_and_the_permit_does_not(void **state)
{
    struct parts p = good;
    (void)state;
    in_every_order(&p, NULL);
    p.keys = GCM128;
    p.proposal = "aes128gcm16";
    in_every_order(&p, NULL);
    p.esp = "aes256-sha2_256";
    in_every_order(&p, "proposal%20is%20aes128gcm16%20in%20the%20install%20request,%20but%20the%20permit%20says");
    p = good;
    p.keys = DES;
    p.proposal = "3des-md5";
    in_every_order(&p, "proposal%20is%203des-md5%20in%20the%20install%20request,%20but%20the%20permit%20says");
    p = good;
    p.keys = GCM128; /* permitted both, but keys are for one algorithm */
    in_every_order(&p, "proposal%20is%20aes256-sha2_256%20in%20the%20install%20request,%20but%20the%20keys'%20record%20says");
}

static void f17_modes(void **state)
{
    static const char *const modes[] = { "tunnel", "transport", "any" };
    (void)state;
    for (unsigned permitted = 0; permitted < 3; permitted++) {
        for (unsigned asked = 0; asked < 2; asked++) {
            struct parts p = good;
            p.permit_hosts = ONES_HOSTS;
            p.modes = modes[permitted];
            p.mode = modes[asked];
            in_every_order(&p, permitted == 2 || permitted == asked ? NULL
                               : asked == 0 ? "mode%20is%20tunnel%20in" : "mode%20is%20transport%20in");
        }
    }
    /* Of the two clients one is a net, or another host. */
    static const char *const nets[] = {
        HOSTS " our-client=10.9.0.1/32 peer-client=10.9.0.0/24", HOSTS " our-client=10.9.0.0/24 peer-client=10.9.0.2/32",
        HOSTS " our-client=10.9.0.3/32 peer-client=10.9.0.2/32", HOSTS " our-client=10.9.0.1/32 peer-client=10.9.0.1/32",
    };
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        struct parts p = good;
        p.permit_hosts = nets[i];
        p.modes = "any";
        p.mode = "transport";
        in_every_order(&p, "transport%20mode%20exists%20only%20between%20the%20hosts");
    }
}

static void f17_families(void **state)
{
    static const char *const mixed[] = {
        "our-host=10.9.0.1 peer-host=fd09::2 " CLIENTS, "our-host=fd09::1 peer-host=10.9.0.2 " CLIENTS,
        HOSTS " our-client=10.1.0.0/24 peer-client=fd02::/64", HOSTS " our-client=fd01::/64 peer-client=10.2.0.0/24",
    };
    (void)state;
    for (size_t i = 0; i < sizeof mixed / sizeof mixed[0]; i++) {
        struct parts p = good;
        p.permit_hosts = mixed[i];
        in_every_order(&p, "different%20address%20families");
    }
    struct parts p = good; /* the hosts' and the clients' are two matters */
    p.permit_hosts = HOSTS " our-client=fd01::/64 peer-client=fd02::/64";
    in_every_order(&p, NULL);
    /* The same numbers, of the other family or of other lengths, are not the same. */
    p = good;
    p.permit_hosts = HOSTS " our-client=::/0 peer-client=::/0";
    p.hosts = HOSTS " our-client=0.0.0.0/0 peer-client=0.0.0.0/0";
    in_every_order(&p, "our-client%20is%200.0.0.0/0");
    p.hosts = HOSTS " our-client=::/0 peer-client=::/1";
    in_every_order(&p, "peer-client%20is%20::/1");
}

/* The inbound SA is what we would take packets by: its SPI was given out, and its keys are those for it. */
static void f17_keys_of_another_spi(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct fake *f = fake_new(MAKER_DAEMON);
        const uint32_t spi = fake_spi(f);
        const uint32_t other = fake_spi(f);
        const uint32_t keys = i == 0 ? other : i == 1 ? spi + 0x01000000 : spi ^ 1;
        all_say(&good, keys, spi, f, "pki", "spi-in%20is%20");
        fake_free(f);
    }
}

static void f17_lives(void **state)
{
    static const unsigned lives[] = { 1, 3599, 3600, 3601, 0x7fffffff, 0x80000000, 0xffffffff };
    (void)state;
    for (size_t i = 0; i < sizeof lives / sizeof lives[0]; i++) {
        struct parts p = good;
        p.life = lives[i];
        in_every_order(&p, lives[i] <= 3600 ? NULL : "but%20the%20permit%20says%20at%20most%203600");
    }
}

static void f17_spis_at_their_limits(void **state)
{
    static const struct {
        const char *in, *out, *why;
    } cases[] = {
        { "00001000", "00000100", NULL }, { "00000fff", "00001234", "spi-in%20is%20below%2000001000" },
        { "00000000", "00001234", "spi-in%20is%20below" }, { "00001000", "000000ff", "spi-out%20is%20below%2000000100" },
        { "00001000", "00000000", "spi-out%20is%20below" }, { "00001234", "00001234", "are%20equal" },
        { "ffffffff", "ffffffff", "are%20equal" }, { "ffffffff", "fffffffe", NULL },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake *f = fake_new(MAKER_HAND); /* where SPIs are drawn elsewhere */
        pair_permit(f, 7, 5, "");
        fake_feed(f, PEER_SECRETS, "sa-keys id=1 exchange=7 protocol=esp spi-in=%s spi-out=%s %s", cases[i].in, cases[i].out,
                  good.keys);
        fake_feed(f, PEER_NEGOTIATE, "install id=2 exchange=7 protocol=esp proposal=aes256-sha2_256 mode=tunnel spi-in=%s "
                  "spi-out=%s " HOSTS " " CLIENTS " life=3600 activate=yes", cases[i].in, cases[i].out);
        if (cases[i].why == NULL) {
            fake_holds(f, 2, 3);
        } else {
            fake_expect(f, PEER_NEGOTIATE, cases[i].why);
            fake_holds(f, 0, 0);
        }
        fake_free(f);
    }
}

/* What was refused stays refused, with other keys, another request or another permit. */
static void f17_refused_for_good(void **state)
{
    struct fake *f = fake_new(MAKER_DAEMON);
    const uint32_t spi = fake_spi(f);
    struct parts p = good;
    (void)state;
    p.life = 3601;
    all_say(&p, spi, spi, f, "pki", "life%20is%203601");
    pair_keys(f, 7, spi);
    fake_expect(f, PEER_SECRETS, "the%20exchange%20was%20refused%20before");
    pair_install(f, 7, spi, "yes");
    fake_expect(f, PEER_NEGOTIATE, "the%20exchange%20was%20refused%20before");
    fake_feed(f, PEER_NEGOTIATE, "activate id=3 exchange=7");
    fake_expect(f, PEER_NEGOTIATE, "fail id=3 re=activate");
    fake_holds(f, 0, 0);
    assert_int_equal(f->requests, 0);
    fake_free(f);
}

/* Once SAs stand by it, a permit is not changed any more: the life that may be asked for, say. */
static void f17_second_permits_and_requests(void **state)
{
    struct fake *f = fake_new(MAKER_DAEMON);
    const uint32_t spi = pair_up(f, 7, 5, "yes");
    (void)state;
    fake_feed(f, PEER_PLUTOD, "permit exchange=7 connection=net our-host=10.9.0.1 peer-host=10.9.0.3 our-client=0.0.0.0/0 "
              "peer-client=0.0.0.0/0 esp=3des-md5 modes=any life=9999 reqid=6 policies=yes");
    fake_holds(f, 2, 3);
    fake_feed(f, PEER_NEGOTIATE, "install id=2 exchange=7 protocol=esp proposal=aes256-sha2_256 mode=tunnel spi-in=%08" PRIx32
              " spi-out=c0ffee07 our-host=10.9.0.1 peer-host=10.9.0.3 our-client=0.0.0.0/0 peer-client=0.0.0.0/0 life=3600 "
              "activate=yes", spi);
    fake_expect(f, PEER_NEGOTIATE, "another%20request%20came%20for%20this%20exchange%20before");
    static const char *const changes[][2] = { /* of the request, one at a time */
        { "our-host=10.9.0.1", "our-host=10.9.0.9" }, { "peer-host=10.9.0.2", "peer-host=10.9.0.9" },
        { "our-client=10.1.0.0/24", "our-client=10.1.0.0/23" }, { "peer-client=10.2.0.0/24", "peer-client=10.9.0.0/24" },
        { "life=3600", "life=3599" }, { "activate=yes", "activate=no" }, { "mode=tunnel", "mode=transport" },
        { "proposal=aes256-sha2_256", "proposal=aes128gcm16" }, { "spi-out=c0ffee07", "spi-out=c0ffee08" },
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char was[400];
        (void)snprintf(was, sizeof was, "install id=2 exchange=7 protocol=esp proposal=aes256-sha2_256 mode=tunnel spi-in=%08"
                       PRIx32 " spi-out=c0ffee07 " HOSTS " " CLIENTS " life=3600 activate=yes", spi);
        const char *at = strstr(was, changes[i][0]);
        assert_non_null(at);
        fake_feed(f, PEER_NEGOTIATE, "%.*s%s%s", (int)(at - was), was, changes[i][1], at + strlen(changes[i][0]));
        fake_expect(f, PEER_NEGOTIATE, "another%20request%20came%20for%20this%20exchange%20before");
    }
    pair_install(f, 7, spi, "yes"); /* the same again */
    fake_expect(f, PEER_NEGOTIATE, "ok id=2 re=install");
    fake_holds(f, 2, 3);
    assert_int_equal(fake_find_policy(f, WAY_OUT)->reqid, 5);
    fake_free(f);

    f = fake_new(MAKER_DAEMON); /* the outbound SA is held back still */
    (void)pair_up(f, 7, 5, "no");
    pair_permit(f, 7, 6, "");
    fake_feed(f, PEER_NEGOTIATE, "activate id=3 exchange=7");
    fake_holds(f, 2, 3);
    assert_int_equal(fake_find_sa(f, SPI_OUT + 7)->reqid, 5);
    assert_int_equal(fake_find_policy(f, WAY_OUT)->reqid, 5);
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f17_two_agree_and_the_permit_does_not),
        cmocka_unit_test(f17_modes),
        cmocka_unit_test(f17_families),
        cmocka_unit_test(f17_keys_of_another_spi),
        cmocka_unit_test(f17_lives),
        cmocka_unit_test(f17_spis_at_their_limits),
        cmocka_unit_test(f17_refused_for_good),
        cmocka_unit_test(f17_second_permits_and_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
