/* kernel-sa's core and other programs: what they delete is put back, or plutod is told; without a fight. */
#include "kernel_pair.h"

#include "lib/bounds.h"

#include <string.h>

#define LOST "policy-deleted reqid=5 our-client=10.1.0.0/24 peer-client=10.2.0.0/24 way="

/* One exchange of connection 5 is up. */
static struct fake *tunnel(void)
{
    struct fake *f = fake_new(MAKER_DAEMON);
    (void)pair_up(f, 1, 5, "yes");
    fake_holds(f, 2, 3);
    (void)fake_said(f, PEER_PLUTOD);
    return f;
}

static void event(struct fake *f, enum kernel_event_kind kind)
{
    const struct kernel_event e = { .kind = kind };
    core_event(f->core, &e, f->now);
}

/* As the kernel does it, with its word about it. */
static void delete_policy(struct fake *f, enum way way)
{
    struct kernel_event e = { .kind = EVENT_POLICY_DELETED };
    for (size_t i = 0; i < f->policies; i++) {
        if (f->policy[i].way == way) {
            e.policy = f->policy[i];
            f->policy[i] = f->policy[--f->policies];
            break;
        }
    }
    core_event(f->core, &e, f->now);
}

static void delete_sa(struct fake *f, bool inbound)
{
    struct kernel_event e = { .kind = EVENT_SA_DELETED };
    for (size_t i = 0; i < f->sas; i++) {
        if (f->sa[i].inbound == inbound) {
            e.sa = f->sa[i];
            f->sa[i] = f->sa[--f->sas];
            break;
        }
    }
    core_event(f->core, &e, f->now);
}

static unsigned times(const char *said, const char *part)
{
    unsigned n = 0;
    for (const char *at = strstr(said, part); at != NULL; at = strstr(at + 1, part)) {
        n++;
    }
    return n;
}

static void policies_are_put_back(void **state)
{
    (void)state;
    struct fake *f = tunnel();
    struct kernel_policy before[3];
    memcpy(before, f->policy, sizeof before);
    f->policies = 0;
    event(f, EVENT_POLICIES_FLUSHED);
    fake_pass(f, 0);
    fake_holds(f, 2, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(policy_same_effect(fake_find_policy(f, before[i].way), &before[i]));
        assert_int_equal(fake_find_policy(f, before[i].way)->index, before[i].index);
    }
    const char *said = fake_said(f, PEER_PLUTOD);
    assert_non_null(strstr(said, "put%20back:%203,%20one%20of%20them"));
    assert_non_null(strstr(said, LOST "out restored=yes\n"));
    assert_int_equal(times(said, "policy-deleted"), 1);
    delete_policy(f, WAY_OUT);
    fake_pass(f, 0);
    fake_holds(f, 2, 3);
    pair_delete(f, 1, "yes");
    fake_holds(f, 0, 0);
    event(f, EVENT_POLICIES_FLUSHED); /* none is ours */
    fake_pass(f, 0);
    fake_silent(f, PEER_PLUTOD);
    fake_free(f);
}

/* [F21] What was lost sight of is looked for. */
static void f21_policies_are_looked_for(void **state)
{
    (void)state;
    struct fake *f = tunnel();
    f->policies = 1;
    f->sas = 1;
    core_events_lost(f->core, "test", f->now);
    fake_serve(f);
    fake_holds(f, 1, 3);
    const char *said = fake_said(f, PEER_PLUTOD);
    assert_non_null(strstr(said, "put%20back:%202"));
    assert_int_equal(times(said, "sa-deleted exchange=1 protocol=esp\n"), 1);
    core_events_lost(f->core, "test", f->now);
    fake_serve(f);
    fake_holds(f, 1, 3);
    assert_null(strstr(fake_said(f, PEER_PLUTOD), "put%20back"));
    fake_free(f);
}

/* Somebody takes it away each time: it is not put back as often, plutod knows, the log is not filled. */
static void no_fight_without_end(void **state)
{
    (void)state;
    struct fake *f = tunnel();
    unsigned back = 0;
    unsigned lines = 0;
    unsigned missing = 0;
    for (unsigned ms = 0; ms < 600000; ms += 100) {
        if (fake_find_policy(f, WAY_OUT) != NULL) {
            delete_policy(f, WAY_OUT);
            back++;
        }
        fake_pass(f, 100);
        const char *said = fake_said(f, PEER_PLUTOD);
        lines += times(said, "log level");
        missing += times(said, "way=out restored=no");
    }
    assert_in_range(back, 600, 800);
    assert_in_range(missing, 600, 800);
    assert_int_equal(lines, 1);
    fake_pass(f, 800); /* he has gone */
    fake_holds(f, 2, 3);
    fake_expect(f, PEER_PLUTOD, LOST "out restored=yes\n");
    fake_pass(f, 600001);
    delete_policy(f, WAY_OUT); /* another one, much later */
    fake_pass(f, 0);
    fake_holds(f, 2, 3);
    fake_expect(f, PEER_PLUTOD, "log level=serious");
    fake_free(f);
}

/* Who flushes from time to time finds it put back at once, however often. */
static void at_once_each_time(void **state)
{
    (void)state;
    struct fake *f = tunnel();
    for (unsigned n = 0; n < 100; n++) {
        delete_policy(f, WAY_OUT);
        fake_pass(f, 0);
        assert_non_null(fake_find_policy(f, WAY_OUT));
        fake_pass(f, 1000);
    }
    fake_free(f);
}

/* His policy is in the place of ours: it is not overwritten, but ours comes when it goes. */
static void a_stranger_in_its_place(void **state)
{
    (void)state;
    struct fake *f = tunnel();
    struct kernel_policy his = *fake_find_policy(f, WAY_OUT);
    his.index = 8 * 77 + WAY_OUT;
    his.kind = POLICY_PASS;
    his.maker = MAKER_STRANGER;
    delete_policy(f, WAY_OUT);
    f->policy[f->policies++] = his;
    fake_pass(f, 0);
    assert_int_equal(fake_find_policy(f, WAY_OUT)->kind, POLICY_PASS);
    const char *said = fake_said(f, PEER_PLUTOD);
    assert_non_null(strstr(said, "does%20not%20go%20back"));
    assert_non_null(strstr(said, "there%20is:%20out%2010.1.0.0/24%20=>%2010.2.0.0/24:%20pass"));
    assert_non_null(strstr(said, LOST "out restored=no\n"));
    for (unsigned s = 0; s < 300; s++) { /* his stays for long */
        fake_pass(f, 1000);
    }
    assert_int_equal(fake_find_policy(f, WAY_OUT)->kind, POLICY_PASS);
    fake_silent(f, PEER_PLUTOD);
    delete_policy(f, WAY_OUT);
    fake_pass(f, 800);
    assert_int_equal(fake_find_policy(f, WAY_OUT)->kind, POLICY_IPSEC);
    fake_expect(f, PEER_PLUTOD, LOST "out restored=yes\n");
    fake_free(f);
}

/* `ip xfrm policy update` leaves ours its number: that is still ours. */
static void replaced_in_place(void **state)
{
    (void)state;
    struct fake *f = tunnel();
    for (size_t i = 0; i < f->policies; i++) {
        f->policy[i].kind = POLICY_PASS;
        struct kernel_event e = { .kind = EVENT_POLICY_DELETED, .policy = f->policy[i] };
        core_event(f->core, &e, f->now);
    }
    fake_pass(f, 0);
    fake_holds(f, 2, 3);
    for (size_t i = 0; i < f->policies; i++) {
        assert_int_equal(f->policy[i].kind, POLICY_IPSEC);
    }
    fake_expect(f, PEER_PLUTOD, "deleted%20or%20replaced%20policies%20of%20ours");
    fake_free(f);
}

static void sas_are_told_of(void **state)
{
    (void)state;
    struct fake *f = tunnel();
    delete_sa(f, true);
    delete_sa(f, false);
    assert_string_equal(fake_said(f, PEER_PLUTOD), "sa-deleted exchange=1 protocol=esp\n");
    fake_pass(f, 0);
    assert_non_null(fake_find_policy(f, WAY_OUT)); /* what has no SA is held back */
    struct kernel_event e = { .kind = EVENT_SA_DELETED, .sa = fake_sa("aes128-sha1", "10.9.0.2", "10.9.0.1") };
    e.sa.maker = MAKER_STRANGER;
    core_event(f->core, &e, f->now);
    fake_silent(f, PEER_PLUTOD);
    fake_free(f);
}

static void all_sas_flushed(void **state)
{
    (void)state;
    struct fake *f = tunnel();
    f->sas = 0;
    event(f, EVENT_SAS_FLUSHED);
    fake_pass(f, 0);
    fake_holds(f, 0, 3);
    assert_string_equal(fake_said(f, PEER_PLUTOD), "sa-deleted exchange=1 protocol=esp\n");
    event(f, EVENT_SAS_FLUSHED);
    fake_pass(f, 0);
    fake_silent(f, PEER_PLUTOD);
    fake_free(f);
}

/* Half of it is gone, before the other half was made. */
static void what_is_held_back_is_dropped(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    (void)pair_up(f, 1, 5, "no");
    fake_holds(f, 1, 2);
    delete_sa(f, true);
    fake_pass(f, 0);
    fake_holds(f, 0, 0);
    fake_expect(f, PEER_PLUTOD, "its%20inbound%20SA%20is%20not%20in%20the%20kernel%20any%20more");
    fake_feed(f, PEER_NEGOTIATE, "activate id=3 exchange=1");
    fake_expect(f, PEER_NEGOTIATE, "fail id=3 re=activate");
    fake_holds(f, 0, 0);
    fake_free(f);
}

/* There was no kernel-sa when they were deleted. */
static void nobody_saw_it(void **state)
{
    (void)state;
    struct fake *f = tunnel();
    f->policies = 1;
    fake_restart(f);
    pair_permit(f, 1, 5, " again=up");
    fake_pass(f, 0);
    fake_holds(f, 2, 3);
    f->sas = 0;
    f->policies = 0;
    fake_restart(f);
    pair_permit(f, 1, 5, " again=up");
    fake_pass(f, 0);
    fake_holds(f, 0, 3); /* its SAs are to be made anew, and until then packets are held back */
    fake_expect(f, PEER_PLUTOD, "sa-deleted exchange=1 protocol=esp\n");
    pair_delete(f, 1, "yes");
    fake_holds(f, 0, 0);
    fake_free(f);
}

/* Nor when one of the two was deleted: that is no exchange that was half made, and its policies hold packets back. */
static void nobody_saw_half_of_it(void **state)
{
    (void)state;
    for (int inbound = 0; inbound < 2; inbound++) {
        struct fake *f = tunnel();
        delete_sa(f, inbound == 1);
        fake_restart(f);
        pair_permit(f, 1, 5, " again=up");
        fake_pass(f, 0);
        fake_expect(f, PEER_PLUTOD, "sa-deleted exchange=1 protocol=esp\n");
        fake_pass(f, 2 * GIVE_UP);
        fake_holds(f, 1, 3);
        pair_delete(f, 1, "yes");
        fake_holds(f, 0, 0);
        fake_free(f);
    }
}

/* What a plutod that was killed had left half done keeps its policies, whatever becomes of it. */
static void orphans_policies_stay(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    (void)pair_up(f, 1, 5, "no");
    fake_restart(f);
    delete_sa(f, true);
    fake_pass(f, 10 * GIVE_UP);
    fake_holds(f, 0, 2);
    fake_free(f);
}

/* A `flush` by hand is how what was made by hand is taken away. */
static void not_by_hand(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_HAND);
    (void)pair_up(f, 1, 5, "yes");
    (void)fake_said(f, PEER_PLUTOD);
    f->sas = 0;
    f->policies = 0;
    event(f, EVENT_SAS_FLUSHED);
    event(f, EVENT_POLICIES_FLUSHED);
    fake_pass(f, GIVE_UP);
    fake_holds(f, 0, 0);
    fake_silent(f, PEER_PLUTOD);
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_put_back),
        cmocka_unit_test(f21_policies_are_looked_for),
        cmocka_unit_test(no_fight_without_end),
        cmocka_unit_test(at_once_each_time),
        cmocka_unit_test(a_stranger_in_its_place),
        cmocka_unit_test(replaced_in_place),
        cmocka_unit_test(sas_are_told_of),
        cmocka_unit_test(all_sas_flushed),
        cmocka_unit_test(what_is_held_back_is_dropped),
        cmocka_unit_test(nobody_saw_it),
        cmocka_unit_test(nobody_saw_half_of_it),
        cmocka_unit_test(orphans_policies_stay),
        cmocka_unit_test(not_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
