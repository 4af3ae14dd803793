/*
 * kernel-sa is killed in the midst of an exchange, at each point: after each record, and after each
 * request to the kernel. What the others repeat to its successor brings the SAs up, and plutod
 * hears of it once more.
 */
#include "kernel_pair.h"

#include "lib/bounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PERMIT, KEYS, INSTALL, ACTIVATE, RECORDS };

static void activate(struct fake *f, unsigned x)
{
    fake_feed(f, PEER_NEGOTIATE, "activate id=3 exchange=%u", x);
}

/* The others of this world: what each of them still waits for. */
struct others {
    struct fake *f;
    uint32_t spi;
    bool keys, installed, activated; /* answered */
};

static void hear(struct others *o)
{
    const char *said = fake_said(o->f, PEER_SECRETS);
    assert_null(strstr(said, "fail"));
    o->keys = o->keys || strstr(said, "ok id=1 re=sa-keys\n") != NULL;
    said = fake_said(o->f, PEER_NEGOTIATE);
    assert_null(strstr(said, "fail"));
    o->installed = o->installed || strstr(said, "ok id=2 re=install\n") != NULL;
    o->activated = o->activated || strstr(said, "ok id=3 re=activate\n") != NULL;
}

/* One record of the exchange; what is answered to it is lost where kernel-sa dies then. */
static void tell(struct others *o, unsigned record, bool lost)
{
    if (record == PERMIT) {
        pair_permit(o->f, 1, 5, "");
    } else if (record == KEYS) {
        pair_keys(o->f, 1, o->spi);
    } else if (record == INSTALL) {
        pair_install(o->f, 1, o->spi, "no");
    } else {
        activate(o->f, 1);
    }
    if (lost) {
        (void)fake_said(o->f, PEER_SECRETS);
        (void)fake_said(o->f, PEER_NEGOTIATE);
    } else {
        hear(o);
    }
}

/* As much as was said before the death is said again, in the order of the letters. */
static void repeat(struct others *o, unsigned said, const char *order)
{
    for (; *order != '\0'; order++) {
        if (*order == 'p') {
            pair_permit(o->f, 1, 5, " again=open");
        } else if (*order == 'k' && said > KEYS && !o->keys) {
            pair_keys(o->f, 1, o->spi);
        } else if (*order == 'n' && said > INSTALL && !o->installed) {
            pair_install(o->f, 1, o->spi, "no");
        } else if (*order == 'n' && said > ACTIVATE && !o->activated) {
            activate(o->f, 1);
        }
        hear(o);
    }
}

/* False: no death happened any more, the exchange came to its end. */
static bool killed_at(unsigned request, unsigned record, bool lost, const char *order)
{
    struct others o = { .f = fake_new(MAKER_DAEMON) };
    unsigned said = 0;
    o.spi = fake_spi(o.f);
    o.f->die_at = request;
    for (; said < RECORDS && !o.f->dead; said++) {
        tell(&o, said, said == record && lost);
        if (said == record) {
            o.f->dead = true;
        }
    }
    bool died = o.f->dead;
    o.f->die_at = 0;
    (void)fake_said(o.f, PEER_PLUTOD);
    if (died) {
        fake_restart(o.f);
        repeat(&o, said, order);
        while (said < RECORDS) {
            tell(&o, said++, false);
        }
    }
    assert_true(o.keys && o.installed && o.activated);
    fake_holds(o.f, 2, 3);
    assert_non_null(fake_find_sa(o.f, o.spi));
    assert_non_null(fake_find_sa(o.f, SPI_OUT + 1));
    for (unsigned way = 0; way < WAY_COUNT; way++) {
        assert_int_equal(fake_find_policy(o.f, (enum way)way)->reqid, 5);
    }
    if (died) {
        fake_expect(o.f, PEER_PLUTOD, "sa-up exchange=1 ");
    }
    fake_pass(o.f, 2 * GIVE_UP);
    fake_holds(o.f, 2, 3);
    fake_feed(o.f, PEER_PLUTOD, "delete-kernel-sa id=8 exchange=1 policies=yes");
    fake_holds(o.f, 0, 0);
    fake_free(o.f);
    return died;
}

static const char *const orders[] = { "pkn", "pnk" };

static void after_each_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        unsigned request = 1;
        while (killed_at(request, RECORDS, false, orders[i])) {
            request++;
        }
        assert_int_equal(request, 6); /* two SAs and three policies */
    }
}

static void after_each_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (unsigned record = 0; record < RECORDS; record++) {
            assert_true(killed_at(0, record, false, orders[i]));
            assert_true(killed_at(0, record, true, orders[i]));
        }
    }
}

/* A new pair beside an old one of the same connection, whose SAs and policies stay meanwhile. */
static void beside_an_old_pair(void **state)
{
    (void)state;
    for (unsigned request = 1; request <= 4; request++) {
        struct others o = { .f = fake_new(MAKER_DAEMON) };
        uint32_t old = fake_spi(o.f);
        pair_permit(o.f, 7, 5, "");
        pair_keys(o.f, 7, old);
        pair_install(o.f, 7, old, "no");
        activate(o.f, 7);
        hear(&o);
        fake_holds(o.f, 2, 3);
        o = (struct others){ .f = o.f, .spi = fake_spi(o.f) };
        o.f->die_at = o.f->requests + request;
        for (unsigned record = 0; record < RECORDS; record++) {
            tell(&o, record, false);
        }
        if (o.f->dead) {
            fake_restart(o.f);
            pair_permit(o.f, 7, 5, " again=up");
            fake_expect(o.f, PEER_PLUTOD, "adopted");
            repeat(&o, o.installed ? RECORDS : INSTALL + 1, "pkn");
            if (!o.activated) {
                activate(o.f, 1);
                hear(&o);
            }
        }
        assert_true(o.keys && o.installed && o.activated);
        fake_holds(o.f, 4, 3);
        assert_non_null(fake_find_sa(o.f, old));
        fake_free(o.f);
    }
}

/* What plutod knew to stand is gone: it hears of that, and of nothing else. */
static void expired_meanwhile(void **state)
{
    (void)state;
    for (unsigned left = 0; left <= 2; left++) {
        struct others o = { .f = fake_new(MAKER_DAEMON) };
        o.spi = fake_spi(o.f);
        for (unsigned record = 0; record < RECORDS; record++) {
            tell(&o, record, false);
        }
        o.f->sas = left;
        (void)fake_said(o.f, PEER_PLUTOD);
        fake_restart(o.f);
        (void)fake_said(o.f, PEER_PLUTOD);
        pair_permit(o.f, 1, 5, " again=up");
        if (left < 2) {
            fake_expect(o.f, PEER_PLUTOD, "sa-deleted exchange=1 protocol=esp\n");
        } else {
            fake_silent(o.f, PEER_PLUTOD);
        }
        fake_free(o.f);
    }
}

/* F17: an SPI that nobody gave out is refused unless the exchange is older than we are. */
static void foreign_spi(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) {
        for (int late = 0; late < 2; late++) {
            struct fake *f = fake_new(MAKER_DAEMON);
            if (!late) {
                pair_permit(f, 1, 5, again ? " again=open" : "");
            }
            pair_keys(f, 1, 0x4242);
            pair_install(f, 1, 0x4242, "no");
            if (late) {
                fake_silent(f, PEER_NEGOTIATE);
                pair_permit(f, 1, 5, again ? " again=open" : "");
            }
            fake_expect(f, PEER_NEGOTIATE, again ? "ok id=2" : "was%20not%20given%20out");
            fake_holds(f, again ? 1 : 0, again ? 2 : 0);
            fake_free(f);
        }
    }
}

/* Keys of another negotiation do not complete what was found in the kernel. */
static void other_keys(void **state)
{
    (void)state;
    struct others o = { .f = fake_new(MAKER_DAEMON) };
    o.spi = fake_spi(o.f);
    for (unsigned record = 0; record < ACTIVATE; record++) {
        tell(&o, record, false);
    }
    fake_restart(o.f);
    pair_permit(o.f, 1, 5, " again=open");
    pair_keys(o.f, 1, o.spi + 1);
    fake_expect(o.f, PEER_SECRETS, "fail id=1 re=sa-keys");
    pair_keys(o.f, 1, o.spi);
    fake_silent(o.f, PEER_SECRETS);
    activate(o.f, 1);
    fake_expect(o.f, PEER_SECRETS, "ok id=1 re=sa-keys");
    fake_holds(o.f, 2, 3);
    fake_free(o.f);
}

/* secrets died too: the keys of the outbound SA never come again. Who waits for it is told why. */
static void keys_that_never_come_again(void **state)
{
    (void)state;
    struct others o = { .f = fake_new(MAKER_DAEMON) };
    o.spi = fake_spi(o.f);
    for (unsigned record = 0; record < ACTIVATE; record++) {
        tell(&o, record, false);
    }
    fake_restart(o.f);
    pair_permit(o.f, 1, 5, " again=open");
    activate(o.f, 1);
    fake_silent(o.f, PEER_NEGOTIATE);
    fake_pass(o.f, GIVE_UP + 1000);
    fake_expect(o.f, PEER_NEGOTIATE, "fail id=3 re=activate why=");
    fake_holds(o.f, 0, 0);
    fake_free(o.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_each_request),
        cmocka_unit_test(after_each_record),
        cmocka_unit_test(beside_an_old_pair),
        cmocka_unit_test(expired_meanwhile),
        cmocka_unit_test(foreign_spi),
        cmocka_unit_test(other_keys),
        cmocka_unit_test(keys_that_never_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
