/* [W12] kernel-sa says which policy catches a packet, and which SA it is sent by: whoever made them. */
#include "kernel_fake.h"

#include <stdio.h>
#include <string.h>

static void add_policy(struct fake *f, const char *src, const char *dst, enum way way, uint32_t reqid,
                       uint32_t priority)
{
    struct kernel_policy *p = &f->policy[f->policies++];
    memset(p, 0, sizeof *p);
    assert_null(subnet_parse(&p->src, src, 4));
    assert_null(subnet_parse(&p->dst, dst, 4));
    p->way = way;
    p->kind = reqid == 0 ? POLICY_PASS : POLICY_IPSEC;
    assert_null(address_parse(&p->tunnel_src, "10.9.0.1"));
    assert_null(address_parse(&p->tunnel_dst, "10.9.0.2"));
    p->reqid = reqid;
    p->priority = priority;
    p->maker = reqid == 5 ? MAKER_DAEMON : MAKER_STRANGER;
}

static void add_sa(struct fake *f, uint32_t reqid, uint32_t spi, uint64_t added)
{
    struct kernel_sa *sa = &f->sa[f->sas++];
    *sa = fake_sa("aes128-sha1", "10.9.0.1", "10.9.0.2");
    sa->reqid = reqid;
    sa->spi = spi;
    sa->added = added;
    sa->packets = spi & 0xff;
}

static void lookup(struct fake *f, const char *from, const char *to, const char *way)
{
    fake_feed(f, PEER_PLUTOD, "lookup id=4 from=%s to=%s way=%s", from, to, way);
}

static void the_smallest_priority_counts(void **state)
{
    struct fake *f = fake_new(MAKER_DAEMON);
    (void)state;
    add_policy(f, "10.0.0.0/8", "10.0.0.0/8", WAY_OUT, 9, 300);
    add_policy(f, "10.1.0.0/24", "10.2.0.0/24", WAY_OUT, 5, 200);
    add_policy(f, "10.1.0.0/24", "10.2.0.0/16", WAY_OUT, 7, 200);
    add_policy(f, "10.1.0.0/24", "10.2.0.0/24", WAY_IN, 8, 1);
    add_sa(f, 9, 0x1001, 7);
    add_sa(f, 5, 0x1002, 7);
    add_sa(f, 5, 0x1003, 8);
    add_sa(f, 5, 0x1004, 6);
    lookup(f, "10.1.0.7", "10.2.0.7", "out");
    const char *said = fake_said(f, PEER_PLUTOD);
    assert_non_null(strstr(said, "found=out%2010.1.0.0/24"));
    assert_non_null(strstr(said, "reqid=5 our-client=10.1.0.0/24 peer-client=10.2.0.0/24 "));
    assert_non_null(strstr(said, "made%20by%20plutod"));
    assert_non_null(strstr(said, "0x00001003")); /* the newest */
    assert_non_null(strstr(said, "3%20packets"));
    assert_non_null(strstr(said, "priority%20300:%20a%20smaller%20number%20comes%20first"));
    assert_non_null(strstr(said, "priority%20200:%20an%20older%20one%20comes%20first"));
    assert_null(strstr(said, "reqid%208"));
    lookup(f, "10.1.0.7", "10.77.0.7", "out");
    said = fake_said(f, PEER_PLUTOD);
    assert_non_null(strstr(said, "made%20by%20another%20program"));
    assert_non_null(strstr(said, "0x00001001"));
    fake_free(f);
}

static void what_nothing_catches_and_what_passes(void **state)
{
    struct fake *f = fake_new(MAKER_DAEMON);
    (void)state;
    lookup(f, "10.1.0.7", "10.2.0.7", "out");
    fake_expect(f, PEER_PLUTOD, "ok id=4 re=lookup\n");
    add_policy(f, "10.1.0.0/24", "10.2.0.0/24", WAY_OUT, 0, 200);
    lookup(f, "10.1.0.7", "10.2.0.7", "out");
    fake_expect(f, PEER_PLUTOD, " kind=pass");
    f->policy[0].narrower = true;
    lookup(f, "10.1.0.7", "10.2.0.7", "out");
    const char *said = fake_said(f, PEER_PLUTOD);
    assert_null(strstr(said, " kind="));
    assert_non_null(strstr(said, "only%20for%20some%20of%20these%20packets"));
    lookup(f, "2001:db8::1", "2001:db8::2", "out");
    fake_expect(f, PEER_PLUTOD, "ok id=4 re=lookup\n");
    fake_free(f);
}

/* [W12] Where nothing catches it the kernel's default decides, which is another one for each way. */
static void the_default(void **state)
{
    struct fake *f = fake_new(MAKER_DAEMON);
    (void)state;
    f->standard[WAY_OUT] = STANDARD_BLOCK;
    f->standard[WAY_IN] = f->standard[WAY_FWD] = STANDARD_ACCEPT;
    lookup(f, "10.1.0.7", "10.2.0.7", "out");
    fake_expect(f, PEER_PLUTOD, "ok id=4 re=lookup default=block\n");
    lookup(f, "10.1.0.7", "10.2.0.7", "in");
    fake_expect(f, PEER_PLUTOD, "ok id=4 re=lookup default=accept\n");
    add_policy(f, "10.1.0.0/24", "10.2.0.0/24", WAY_OUT, 0, 200);
    lookup(f, "10.1.0.7", "10.2.0.7", "out");
    assert_null(strstr(fake_said(f, PEER_PLUTOD), "default="));
    fake_free(f);
}

/* What `level use` and `ptype sub` mean. */
static void optional_and_sub(void **state)
{
    struct fake *f = fake_new(MAKER_DAEMON);
    const char *said;
    (void)state;
    add_policy(f, "10.1.0.0/24", "10.2.0.0/24", WAY_OUT, 9, 200);
    f->policy[0].optional = true;
    f->policy[0].templates = 2;
    lookup(f, "10.1.0.7", "10.2.0.7", "out");
    said = fake_said(f, PEER_PLUTOD);
    assert_non_null(strstr(said, " optional=yes"));
    assert_non_null(strstr(said, "and%201%20more%20templates,%20optional%20(level%20use)"));

    add_policy(f, "10.1.0.0/24", "10.2.0.0/16", WAY_OUT, 0, 500);
    f->policy[1].sub = true;
    lookup(f, "10.1.0.7", "10.2.0.7", "out");
    said = fake_said(f, PEER_PLUTOD);
    assert_non_null(strstr(said, " kind=ipsec"));
    assert_non_null(strstr(said, "beside=out%2010.1.0.0/24%20=>%2010.2.0.0/16%20(ptype%20sub):%20pass"));

    f->policy[1].kind = POLICY_DROP; /* though its number is the greater one */
    lookup(f, "10.1.0.7", "10.2.0.7", "out");
    said = fake_said(f, PEER_PLUTOD);
    assert_non_null(strstr(said, " kind=drop"));
    assert_non_null(strstr(said, "one%20of%20type%20sub%20that%20blocks%20comes%20first"));
    assert_null(strstr(said, "beside="));

    f->policy[0] = f->policy[--f->policies];
    f->policy[0].kind = POLICY_PASS;
    lookup(f, "10.1.0.7", "10.2.0.7", "out");
    said = fake_said(f, PEER_PLUTOD);
    assert_non_null(strstr(said, " kind=pass"));
    assert_null(strstr(said, "beside="));
    fake_free(f);
}

/* The answer is bounded, however many there are; and nothing is changed by the question. */
static void many_policies(void **state)
{
    struct fake *f = fake_new(MAKER_DAEMON);
    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        add_policy(f, "10.0.0.0/8", "10.0.0.0/8", WAY_OUT, 5, 100 - i);
    }
    lookup(f, "10.1.0.7", "10.2.0.7", "out");
    const char *said = fake_said(f, PEER_PLUTOD);
    assert_non_null(strstr(said, "priority%2041,"));
    assert_non_null(strstr(said, "and%2055%20more"));
    assert_true(strlen(said) < 4096);
    fake_holds(f, 0, 60);
    fake_free(f);
}

static void the_kernel_refuses(void **state)
{
    struct fake *f = fake_new(MAKER_DAEMON);
    (void)state;
    f->refuse_at = f->requests + 1;
    f->refuse_with = 1;
    lookup(f, "10.1.0.7", "10.2.0.7", "out");
    fake_expect(f, PEER_PLUTOD, "fail id=4 re=lookup why=");
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_priority_counts),
        cmocka_unit_test(what_nothing_catches_and_what_passes),
        cmocka_unit_test(the_default),
        cmocka_unit_test(optional_and_sub),
        cmocka_unit_test(many_policies),
        cmocka_unit_test(the_kernel_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
