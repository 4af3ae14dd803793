/* kernel-sa's core and what was there before it: plutod or a kernel-sa was killed. */
#include "kernel_pair.h"

#include "lib/bounds.h"

static void drop(struct fake *f, unsigned x, const char *policies)
{
    (void)fake_said(f, PEER_PLUTOD);
    pair_delete(f, x, policies);
}

/* The policies' reqids, as in the kernel. */
static void assert_reqids(const struct fake *f, uint32_t in, uint32_t fwd, uint32_t out)
{
    assert_int_equal(fake_find_policy(f, WAY_IN)->reqid, in);
    assert_int_equal(fake_find_policy(f, WAY_FWD)->reqid, fwd);
    assert_int_equal(fake_find_policy(f, WAY_OUT)->reqid, out);
}

/* plutod was killed: nobody permits exchange 1 any more, and nothing of it goes. */
static struct fake *orphaned(uint32_t *spi)
{
    struct fake *f = fake_new(MAKER_DAEMON);
    *spi = pair_up(f, 1, 5, "yes");
    fake_restart(f);
    fake_pass(f, 10 * GIVE_UP);
    fake_holds(f, 2, 3);
    return f;
}

static void orphans_are_replaced(void **state)
{
    (void)state;
    uint32_t old;
    struct fake *f = orphaned(&old);
    (void)pair_up(f, 77, 9, "yes");
    fake_holds(f, 4, 3);
    assert_reqids(f, 0, 0, 9); /* the old inbound SA is let in, the new outbound one used */
    fake_pass(f, 9000);
    assert_non_null(fake_find_sa(f, old));
    fake_pass(f, 2000);
    assert_null(fake_find_sa(f, old));
    fake_holds(f, 2, 3);
    assert_reqids(f, 9, 9, 9);
    drop(f, 77, "yes");
    fake_holds(f, 0, 0);
    fake_free(f);
}

/* A negotiation that comes to nothing leaves them as they were. */
static void orphans_outlive_failures(void **state)
{
    (void)state;
    uint32_t old;
    struct fake *f = orphaned(&old);
    (void)pair_up(f, 77, 9, "no");
    assert_reqids(f, 0, 0, 5);
    fake_pass(f, GIVE_UP + 1);
    fake_holds(f, 2, 3);
    assert_reqids(f, 5, 5, 5);
    (void)pair_up(f, 78, 9, "no");
    drop(f, 78, "yes");
    fake_pass(f, GIVE_UP);
    fake_holds(f, 2, 3);
    assert_int_equal(fake_find_policy(f, WAY_OUT)->reqid, 5);
    fake_free(f);
}

/* Killed again while they were being replaced. */
static void orphans_of_orphans(void **state)
{
    (void)state;
    uint32_t old;
    struct fake *f = orphaned(&old);
    uint32_t second = pair_up(f, 77, 9, "yes");
    fake_restart(f);
    assert_reqids(f, 0, 0, 9);
    uint32_t third = pair_up(f, 99, 20, "yes");
    assert_reqids(f, 0, 0, 20);
    fake_pass(f, 11000);
    assert_null(fake_find_sa(f, second));
    assert_non_null(fake_find_sa(f, third));
    assert_reqids(f, 20, 20, 20);
    fake_feed(f, PEER_PLUTOD, "flush id=3");
    fake_holds(f, 0, 0);
    fake_free(f);
}

/* --terminate, beside the new SAs or without any; another connection's clients are not meant. */
static void orphans_are_unwanted(void **state)
{
    (void)state;
    uint32_t old;
    for (int replaced = 0; replaced < 2; replaced++) {
        struct fake *f = orphaned(&old);
        if (replaced) {
            (void)pair_up(f, 77, 9, "yes");
            fake_feed(f, PEER_PLUTOD, "policy id=8 action=delete kind=ipsec " CLIENTS " reqid=10");
            fake_pass(f, 1);
            fake_holds(f, 4, 3); /* they belong to reqid 9 */
            drop(f, 77, "yes");
        }
        fake_feed(f, PEER_PLUTOD, "policy id=9 action=delete kind=ipsec " CLIENTS " reqid=9");
        fake_expect(f, PEER_PLUTOD, "ok id=9 re=policy");
        fake_pass(f, 1);
        fake_holds(f, 0, 0);
        fake_free(f);
    }
}

static void killed_and_started_again(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = pair_up(f, 1, 5, "yes");
    (void)pair_up(f, 2, 5, "no");
    (void)fake_said(f, PEER_PLUTOD);
    fake_holds(f, 3, 3);
    fake_restart(f);
    fake_expect(f, PEER_PLUTOD, "the%20SAs%20of%202%20exchanges,%203%20policies");
    fake_holds(f, 3, 3);
    for (unsigned x = 1; x <= 2; x++) {
        pair_permit(f, x, 5, "");
    }
    fake_feed(f, PEER_PLUTOD, "sample id=4 exchange=1");
    fake_expect(f, PEER_PLUTOD, "ok id=4 re=sample");
    pair_install(f, 1, spi, "yes"); /* it had not seen the answer */
    fake_expect(f, PEER_NEGOTIATE, "ok id=2 re=install");
    fake_feed(f, PEER_NEGOTIATE, "activate id=3 exchange=2");
    fake_silent(f, PEER_NEGOTIATE); /* secrets may send the outbound keys again */
    fake_pass(f, GIVE_UP + 1);
    fake_expect(f, PEER_NEGOTIATE, "fail id=3 re=activate");
    fake_holds(f, 2, 3);
    drop(f, 1, "yes");
    fake_holds(f, 0, 0);
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_and_started_again),
        cmocka_unit_test(orphans_are_replaced),
        cmocka_unit_test(orphans_outlive_failures),
        cmocka_unit_test(orphans_of_orphans),
        cmocka_unit_test(orphans_are_unwanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
