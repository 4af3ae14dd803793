/* kernel-sa's core: policies over time, another program's state, events, counters. */
#include "kernel_pair.h"

#include "lib/bounds.h"

#include <errno.h>
#include <string.h>

#define SPI_IN 0x2000u /* + exchange: ours; by hand, so that any goes */

static void start(struct fake *f, unsigned x, unsigned reqid, const char *activate)
{
    pair_permit(f, x, reqid, "");
    pair_keys(f, x, SPI_IN + x);
    pair_install(f, x, SPI_IN + x, activate);
}

static void up(struct fake *f, unsigned x, unsigned reqid)
{
    start(f, x, reqid, "yes");
    fake_expect(f, PEER_NEGOTIATE, "ok id=2 re=install");
}

static void drop(struct fake *f, unsigned x, const char *policies)
{
    (void)fake_said(f, PEER_PLUTOD);
    pair_delete(f, x, policies);
}

static void order(struct fake *f, const char *action, const char *kind, unsigned reqid)
{
    (void)fake_said(f, PEER_PLUTOD);
    fake_feed(f, PEER_PLUTOD, "policy id=9 action=%s kind=%s " HOSTS " " CLIENTS " reqid=%u",
              action, kind, reqid);
}

static void order_ok(struct fake *f, const char *action, const char *kind)
{
    order(f, action, kind, 5);
    fake_expect(f, PEER_PLUTOD, "ok id=9 re=policy");
}

/* A policy that another program has: 10.1.0.0/24 => 10.2.0.0/24 out. */
static void stranger(struct fake *f, uint32_t index, uint32_t reqid)
{
    struct kernel_policy *p = &f->policy[f->policies++];
    memset(p, 0, sizeof *p);
    p->way = WAY_OUT;
    p->kind = POLICY_IPSEC;
    p->reqid = reqid;
    p->index = index;
    p->maker = policy_index_maker(index);
    assert_null(subnet_parse(&p->src, "10.1.0.0/24", 0));
    assert_null(subnet_parse(&p->dst, "10.2.0.0/24", 0));
    assert_null(address_parse(&p->tunnel_src, "10.9.0.1"));
    assert_null(address_parse(&p->tunnel_dst, "10.9.0.2"));
}

static void rekey(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    up(f, 1, 5);
    unsigned before = f->requests;
    up(f, 2, 5);
    assert_int_equal(f->requests, before + 2); /* the SAs: the policies fit them too */
    fake_holds(f, 4, 3);
    drop(f, 1, "yes");
    fake_holds(f, 2, 3);
    up(f, 3, 5);
    drop(f, 3, "yes"); /* the newer one goes first */
    fake_holds(f, 2, 3);
    drop(f, 2, "yes");
    fake_holds(f, 0, 0);
    fake_free(f);
}

static void policies_may_stay(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    up(f, 1, 5);
    drop(f, 1, "no");
    fake_holds(f, 0, 3); /* they trap now */
    up(f, 2, 5);
    fake_holds(f, 2, 3);
    drop(f, 2, "no");
    order_ok(f, "delete", "ipsec");
    fake_holds(f, 0, 0);
    order_ok(f, "delete", "ipsec");
    fake_free(f);
}

static void given_up_after_rekey(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    up(f, 1, 5);
    start(f, 2, 5, "no");
    fake_holds(f, 3, 3);
    fake_pass(f, GIVE_UP + 1);
    fake_holds(f, 2, 3); /* what the first one has stays whole */
    start(f, 3, 5, "no");
    drop(f, 1, "yes");
    fake_holds(f, 1, 3); /* nothing leaves in the clear while the new one waits */
    fake_pass(f, GIVE_UP + 1);
    fake_holds(f, 0, 0);
    fake_free(f);
}

static void trap_then_tunnel(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    order_ok(f, "add", "trap");
    fake_holds(f, 0, 1);
    uint32_t index = fake_find_policy(f, WAY_OUT)->index;
    up(f, 1, 5);
    fake_holds(f, 2, 3);
    assert_int_equal(fake_find_policy(f, WAY_OUT)->index, index); /* never a moment without */
    drop(f, 1, "yes");
    fake_holds(f, 0, 1); /* routed still */
    up(f, 2, 5);
    order_ok(f, "delete", "trap");
    fake_holds(f, 2, 3);
    drop(f, 2, "yes");
    fake_holds(f, 0, 0);
    fake_free(f);
}

static void shunts(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    order_ok(f, "add", "drop");
    fake_holds(f, 0, 3);
    assert_int_equal(fake_find_policy(f, WAY_OUT)->kind, POLICY_DROP);
    order_ok(f, "add", "pass");
    assert_int_equal(fake_find_policy(f, WAY_FWD)->kind, POLICY_PASS);
    order_ok(f, "add", "reject");
    assert_int_equal(fake_find_policy(f, WAY_OUT)->kind, POLICY_DROP);
    up(f, 1, 5);
    assert_int_equal(fake_find_policy(f, WAY_IN)->kind, POLICY_IPSEC);
    order_ok(f, "add", "drop"); /* failure shunt first, then the SAs */
    assert_int_equal(fake_find_policy(f, WAY_OUT)->kind, POLICY_DROP);
    drop(f, 1, "yes");
    fake_holds(f, 0, 3);
    order_ok(f, "add", "trap");
    fake_holds(f, 0, 1);
    order_ok(f, "delete", "trap");
    fake_holds(f, 0, 0);
    fake_free(f);
}

static void shunt_comes_back(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= 5; at++) {
        struct fake *f = fake_new(MAKER_HAND);
        order_ok(f, "add", "drop");
        f->refuse_at = f->requests + at;
        f->refuse_with = ENOMEM;
        start(f, 1, 5, "yes");
        fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install");
        fake_holds(f, 0, 3);
        for (unsigned way = 0; way < WAY_COUNT; way++) {
            assert_int_equal(fake_find_policy(f, (enum way)way)->kind, POLICY_DROP);
        }
        fake_free(f);
    }
}

static void order_refused_half_way(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= 3; at++) {
        struct fake *f = fake_new(MAKER_HAND);
        f->refuse_at = at;
        f->refuse_with = ENOBUFS;
        order(f, "add", "pass", 5);
        fake_expect(f, PEER_PLUTOD, "fail id=9 re=policy why=cannot%20add%20policy");
        fake_holds(f, 0, 0);
        order_ok(f, "add", "drop");
        f->refuse_at = f->requests + at;
        order(f, "add", "pass", 5);
        fake_expect(f, PEER_PLUTOD, "fail id=9 re=policy");
        fake_holds(f, 0, 3);
        assert_int_equal(fake_find_policy(f, WAY_OUT)->kind, POLICY_DROP);
        fake_free(f);
    }
}

static void order_needs_hosts(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    fake_feed(f, PEER_PLUTOD, "policy id=9 action=add kind=trap " CLIENTS " reqid=5");
    fake_expect(f, PEER_PLUTOD, "our-host%20and%20peer-host%20are%20needed");
    fake_feed(f, PEER_PLUTOD, "policy id=9 action=add kind=drop our-client=10.1.0.0/24 "
              "peer-client=fd02::/64 reqid=5");
    fake_expect(f, PEER_PLUTOD, "different%20address%20families");
    fake_feed(f, PEER_PLUTOD, "policy id=9 action=add kind=trap mode=transport " HOSTS " " CLIENTS
              " reqid=5");
    fake_expect(f, PEER_PLUTOD, "a%20client%20is%20a%20net");
    assert_int_equal(f->requests, 0);
    fake_free(f);
}

static void stranger_is_left_alone(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    stranger(f, 8 * 77 + WAY_OUT, 5); /* even with our reqid */
    start(f, 1, 5, "yes");
    fake_expect(f, PEER_NEGOTIATE, "there%20is:%20out%2010.1.0.0/24");
    fake_holds(f, 0, 1);
    order(f, "add", "drop", 5);
    fake_expect(f, PEER_PLUTOD, "another%20program%20has%20a%20policy");
    fake_holds(f, 0, 1);
    assert_int_equal(f->policy[0].kind, POLICY_IPSEC);
    order_ok(f, "delete", "trap"); /* none of ours is there */
    fake_holds(f, 0, 1);
    fake_free(f);
}

static void left_by_ourselves(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    uint32_t index = policy_index(MAKER_HAND, WAY_OUT, 1234);
    stranger(f, index, 5);
    up(f, 1, 5);
    fake_holds(f, 2, 3);
    assert_int_equal(fake_find_policy(f, WAY_OUT)->index, index); /* it fits, so it is kept */
    drop(f, 1, "yes");
    fake_free(f);

    f = fake_new(MAKER_HAND);
    stranger(f, index, 6); /* of another connection */
    start(f, 1, 5, "yes");
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install");
    fake_holds(f, 0, 1);
    fake_free(f);

    f = fake_new(MAKER_HAND); /* and SAs: of this exchange, of one nobody knows, of a stranger */
    up(f, 1, 5);
    struct kernel_sa old = *fake_find_sa(f, 0x2001);
    drop(f, 1, "yes");
    for (uint64_t x = 1; x <= 2; x++) {
        old.exchange = x;
        f->sa[f->sas++] = old;
        up(f, 1, 5);
        fake_holds(f, 2, 3);
        drop(f, 1, "yes");
    }
    old.maker = MAKER_STRANGER;
    f->sa[f->sas++] = old;
    start(f, 1, 5, "yes");
    fake_expect(f, PEER_NEGOTIATE, "is%20there%20already%20and%20is%20not%20ours");
    fake_holds(f, 1, 0);
    fake_free(f);
}

static void another_connection(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    up(f, 1, 5);
    start(f, 2, 6, "yes"); /* [C4] */
    fake_expect(f, PEER_NEGOTIATE, "belongs%20to%20another%20connection%20of%20ours%20(reqid%205)");
    fake_holds(f, 2, 3);
    order(f, "add", "drop", 6);
    fake_expect(f, PEER_PLUTOD, "belongs%20to%20another%20connection");
    drop(f, 1, "no");
    up(f, 3, 6); /* nobody holds them any more */
    assert_int_equal(fake_find_policy(f, WAY_OUT)->reqid, 6);
    fake_free(f);
}

static void event(struct fake *f, unsigned x, bool inbound, bool hard)
{
    struct kernel_event e = { .kind = EVENT_EXPIRE, .hard = hard };
    e.sa = *fake_find_sa(f, (inbound ? SPI_IN : SPI_OUT) + x);
    core_event(f->core, &e, f->now);
}

static void expire(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    up(f, 1, 5);
    up(f, 2, 5);
    (void)fake_said(f, PEER_PLUTOD);
    event(f, 2, true, false);
    event(f, 2, false, false);
    assert_string_equal(fake_said(f, PEER_PLUTOD),
                        "sa-expired exchange=2 protocol=esp hard=no\n");
    event(f, 1, false, true);
    event(f, 1, true, true);
    assert_string_equal(fake_said(f, PEER_PLUTOD),
                        "sa-expired exchange=1 protocol=esp hard=yes\n");
    struct kernel_event e = { .kind = EVENT_EXPIRE, .hard = true };
    core_event(f->core, &e, f->now); /* another program's */
    fake_silent(f, PEER_PLUTOD);
    unsigned deletes = f->deletes;
    drop(f, 1, "yes");
    assert_int_equal(f->deletes, deletes); /* the kernel has removed them itself */
    fake_free(f);
}

static void acquire(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    order_ok(f, "add", "trap");
    (void)fake_said(f, PEER_PLUTOD);
    struct kernel_event e = { .kind = EVENT_ACQUIRE, .seq = 77 };
    e.policy = *fake_find_policy(f, WAY_OUT);
    core_event(f->core, &e, f->now);
    assert_string_equal(fake_said(f, PEER_PLUTOD), "acquire reqid=5 our-client=10.1.0.0/24 "
                        "peer-client=10.2.0.0/24 seq=77\n");
    e.policy.maker = MAKER_STRANGER;
    core_event(f->core, &e, f->now);
    fake_silent(f, PEER_PLUTOD);
    fake_free(f);
}

/* F21: events were lost, so what is gone is found by looking. */
static void f21_events_lost(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    up(f, 1, 5);
    up(f, 2, 5);
    up(f, 3, 5);
    (void)fake_said(f, PEER_PLUTOD);
    for (size_t i = 0; i < f->sas; i++) {
        if (f->sa[i].exchange == 2) {
            f->sa[i--] = f->sa[--f->sas];
        }
    }
    core_events_lost(f->core, "test", f->now);
    fake_serve(f);
    const char *said = fake_said(f, PEER_PLUTOD);
    assert_non_null(strstr(said, "log level=info text=test"));
    assert_non_null(strstr(said, "sa-deleted exchange=2 protocol=esp\n"));
    assert_null(strstr(said, "exchange=1"));
    assert_null(strstr(said, "exchange=3"));
    fake_free(f);
}

static void sample(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    fake_feed(f, PEER_PLUTOD, "sample id=4 exchange=1");
    fake_expect(f, PEER_PLUTOD, "fail id=4 re=sample");
    up(f, 1, 5);
    for (size_t i = 0; i < f->sas; i++) {
        f->sa[i].packets = f->sa[i].inbound ? 3 : 4;
        f->sa[i].bytes = 100 * f->sa[i].packets;
    }
    (void)fake_said(f, PEER_PLUTOD);
    fake_feed(f, PEER_PLUTOD, "sample id=4 exchange=1");
    assert_string_equal(fake_said(f, PEER_PLUTOD), "ok id=4 re=sample bytes-in=300 bytes-out=400 "
                        "packets-in=3 packets-out=4\n");
    f->refuse_at = f->requests + 1;
    f->refuse_with = EPERM;
    fake_feed(f, PEER_PLUTOD, "sample id=4 exchange=1");
    fake_expect(f, PEER_PLUTOD, "CAP_NET_ADMIN");
    f->sas = 0;
    fake_feed(f, PEER_PLUTOD, "sample id=4 exchange=1");
    fake_expect(f, PEER_PLUTOD, "sa-deleted exchange=1");
    fake_free(f);
}

static void flush(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    up(f, 1, 5);
    struct kernel_sa left = *fake_find_sa(f, 0x2001);
    left.spi = 0x7777;
    left.exchange = 1; /* another run by hand used the same number */
    f->sa[f->sas++] = left;
    left.spi = 0x8888;
    left.maker = MAKER_DAEMON;
    f->sa[f->sas++] = left;
    left.maker = MAKER_STRANGER;
    left.spi = 0x9999;
    f->sa[f->sas++] = left;
    pair_permit(f, 2, 6, "");
    pair_install(f, 2, SPI_IN + 2, "yes");
    (void)fake_said(f, PEER_PLUTOD);
    fake_feed(f, PEER_PLUTOD, "flush id=4");
    fake_expect(f, PEER_PLUTOD, "ok id=4 re=flush");
    fake_expect(f, PEER_NEGOTIATE, "fail id=2 re=install");
    fake_holds(f, 2, 0);
    assert_non_null(fake_find_sa(f, 0x8888));
    assert_non_null(fake_find_sa(f, 0x9999));
    up(f, 1, 5); /* nothing of the old is remembered */
    f->refuse_at = f->requests + 1;
    f->refuse_with = EPERM;
    (void)fake_said(f, PEER_PLUTOD);
    fake_feed(f, PEER_PLUTOD, "flush id=5");
    fake_expect(f, PEER_PLUTOD, "fail id=5 re=flush");
    fake_holds(f, 4, 3);
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rekey),
        cmocka_unit_test(policies_may_stay),
        cmocka_unit_test(given_up_after_rekey),
        cmocka_unit_test(trap_then_tunnel),
        cmocka_unit_test(shunts),
        cmocka_unit_test(shunt_comes_back),
        cmocka_unit_test(order_refused_half_way),
        cmocka_unit_test(order_needs_hosts),
        cmocka_unit_test(stranger_is_left_alone),
        cmocka_unit_test(left_by_ourselves),
        cmocka_unit_test(another_connection),
        cmocka_unit_test(expire),
        cmocka_unit_test(acquire),
        cmocka_unit_test(f21_events_lost),
        cmocka_unit_test(sample),
        cmocka_unit_test(flush),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
