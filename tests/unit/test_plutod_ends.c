/* plutod's core: how SAs and negotiations end, by us, by age, by the death of a tool. */
#include "test_plutod_negotiations.h"

#include "plutod/agenda.h"

/* kernel-sa says that what it was told to delete last is gone. */
static void kernel_deletes(struct world *w)
{
    uint64_t id = record_number(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA), K_ID);
    assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=delete-kernel-sa", id));
}

static void test_terminate(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, W_P, "whack-terminate name=net"));
    const struct record *r = sent(w, &w->n, P_N, V_DELETE_SA);
    assert_int_equal(record_number(r, K_PARENT), t.x);
    assert_int_equal(record_number(sent(w, &w->n, P_N, V_DELETE), K_EXCHANGE), t.x);
    assert_non_null(sent(w, &w->s[1], P_S, V_FORGET));
    assert_true(w->holds > 0); /* whack waits for the kernel and the scripts */
    kernel_deletes(w);
    r = sent(w, &w->kernel, P_K, V_POLICY); /* what an earlier plutod left goes too */
    assert_non_null(r);
    assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=policy", record_number(r, K_ID)));
    down_scripts(w);
    assert_int_equal(w->holds, 0);
    assert_non_null(conn_find(&w->k, "net"));
    assert_null(w->k.exchanges);
    world_free(w);
}

/* [W8a]: it is known as before, so the peer may bring it up again. */
static void w8a_terminated_may_come_again(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, W_P, "whack-terminate name=net asynchronous=yes"));
    assert_null(w->k.exchanges);
    buffer_wipe(&w->n);
    uint64_t x = main_mode(w, "10.9.0.2", "net", "10.9.0.2");
    const struct record *r = quick_ask(w, x, "10.1.0.0/24", "10.2.0.0/24");
    assert_int_equal(r->verb, V_OK);
    assert_string_equal(record_text(r, K_CONNECTION), "net");
    world_free(w);
}

static void test_terminate_stops_attempts(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY " keyingtries=0"));
    assert_null(feed(w, W_P, "whack-initiate name=net asynchronous=yes"));
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silence", x));
    assert_int_not_equal(agenda_next(&w->k.agenda), UINT64_MAX);
    assert_null(feed(w, W_P, "whack-terminate name=net"));
    const struct record *r = sent(w, &w->kernel, P_K, V_POLICY);
    assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=policy", record_number(r, K_ID)));
    assert_int_equal(agenda_next(&w->k.agenda), UINT64_MAX);
    world_free(w);
}

static void test_delete_and_deletestate(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, W_P, "whack-deletestate serial=77"));
    assert_true(has(&w->said, "021 "));
    assert_null(feed(w, W_P, "whack-deletestate serial=2"));
    assert_null(xchg_find(&w->k, t.y));
    assert_non_null(xchg_find(&w->k, t.x));
    kernel_deletes(w);
    down_scripts(w);
    assert_null(feed(w, W_P, "whack-delete name=net"));
    assert_null(conn_find(&w->k, "net"));
    assert_null(w->k.exchanges);
    assert_null(feed(w, W_P, "whack-delete name=net"));
    assert_true(has(&w->said, "021 "));
    world_free(w);
}

static void test_shared_isakmp_sa_stays(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=other left-host=10.9.0.1 "
                     "left-client=10.1.1.0/24 right-host=10.9.0.2 right-client=10.2.1.0/24 "
                     NET_POLICY));
    assert_null(feed(w, W_P, "whack-initiate name=other"));
    (void)quick_mode_goes_well(w, 0x4321, true);
    clear(w);
    assert_null(feed(w, W_P, "whack-terminate name=net"));
    assert_null(sent(w, &w->n, P_N, V_DELETE));
    const struct xchg *x = xchg_find(&w->k, t.x);
    assert_non_null(x);
    assert_string_equal(x->conn->name, "other");
    assert_null(feed(w, W_P, "whack-terminate name=other"));
    assert_null(xchg_find(&w->k, t.x));
    world_free(w);
}

/* Whack waits for our script, and the SAs go: it is told so. */
static struct tunnel tunnel_at_its_script(void)
{
    struct tunnel t = { .w = world_new("10.9.0.1") };
    assert_null(feed(t.w, W_P, NET NET_POLICY));
    assert_null(feed(t.w, W_P, "whack-initiate name=net"));
    t.x = main_mode_goes_well(t.w);
    t.y = quick_mode_goes_well(t.w, 0xbbbb, false);
    clear(t.w);
    assert_true(t.w->holds > 0);
    return t;
}

static void waiting_whack_gets(struct tunnel t, const char *line)
{
    char out[100];
    assert_true(has(&t.w->said, line));
    assert_string_equal(codes(t.w, out), "031");
    assert_null(xchg_find(&t.w->k, t.y));
    world_free(t.w);
}

static void test_ends_while_the_script_runs(void **state)
{
    struct tunnel t = tunnel_at_its_script();
    (void)state;
    assert_null(feed(t.w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=esp spis=0000bbbb", t.x));
    assert_int_equal(t.w->holds, 0);
    waiting_whack_gets(t, "the peer deleted the IPsec SA");
    t = tunnel_at_its_script();
    assert_null(feed(t.w, W_P, "whack-deletestate serial=2"));
    waiting_whack_gets(t, "whack --deletestate");
    t = tunnel_at_its_script();
    assert_null(feed(t.w, K_P, "sa-expired exchange=%" PRIu64 " protocol=esp hard=yes", t.y));
    waiting_whack_gets(t, "has expired");
    t = tunnel_at_its_script();
    keying_stop(&t.w->k);
    waiting_whack_gets(t, "plutod is shutting down");
}

static void test_main_mode_is_deleted(void **state)
{
    struct world *w = net_that_begins();
    (void)state;
    assert_null(feed(w, W_P, "whack-deletestate serial=1"));
    assert_true(has(&w->said, "031 "));
    assert_int_equal(w->holds, 0);
    world_free(w);
}

static void test_lives(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, K_P, "sa-expired exchange=%" PRIu64 " protocol=esp hard=no", t.y));
    assert_non_null(xchg_find(&w->k, t.y));
    assert_false(has(&w->log, "comes to its end")); /* [P9] debugging is off */
    assert_null(feed(w, W_P, "whack-debug classes=lifecycle"));
    assert_null(feed(w, K_P, "sa-expired exchange=%" PRIu64 " protocol=esp hard=no", t.y));
    assert_true(has(&w->log, "comes to its end"));
    assert_null(feed(w, K_P, "sa-expired exchange=%" PRIu64 " protocol=esp hard=yes", t.y));
    assert_null(xchg_find(&w->k, t.y));
    assert_non_null(sent(w, &w->n, P_N, V_DELETE_SA));
    /* 3600 negotiated, 10800 configured: the shorter */
    assert_int_equal(agenda_next(&w->k.agenda), w->k.now + 3600 * 1000);
    w->k.now += 3600 * 1000;
    keying_tick(&w->k);
    assert_null(xchg_find(&w->k, t.x));
    assert_int_equal(record_number(sent(w, &w->n, P_N, V_DELETE), K_EXCHANGE), t.x);
    world_free(w);
}

static void test_negotiator_dies(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    buffer_wipe(&w->said);
    keying_negotiator_down(&w->k);
    assert_true(has(&w->said, "003 "));
    assert_non_null(xchg_find(&w->k, t.y)); /* no tunnel is lost */
    assert_null(xchg_find(&w->k, t.x));
    assert_null(sent(w, &w->kernel, P_K, V_FLUSH));
    buffer_wipe(&w->n);
    keying_negotiator_up(&w->k, &w->n);
    assert_non_null(sent(w, &w->n, P_N, V_INITIATE)); /* begun anew, at once */
    assert_true(w->holds > 0);
    world_free(w);
}

static void test_worker_dies(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    keying_worker_down(&w->k, 1);
    assert_non_null(xchg_find(&w->k, t.y));
    assert_non_null(xchg_find(&w->k, t.x)); /* for Deletes only, and the peer is not told */
    assert_null(sent(w, &w->n, P_N, V_DELETE));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    assert_true(has(&w->said, "032 "));
    assert_int_equal(w->holds, 0);
    assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    w->k.now = agenda_next(&w->k.agenda);
    keying_tick(&w->k);
    assert_non_null(sent(w, &w->s[2], P_S, V_ANNOUNCE)); /* a new Main Mode */
    world_free(w);
}

static void test_quick_mode_under_an_orphan(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    keying_worker_down(&w->k, 1);
    assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    assert_null(feed(w, N_P, "quick-ask id=9 parent=%" PRIu64 " our-client=10.1.0.0/24 "
                     "peer-client=10.2.0.0/24", t.x));
    assert_non_null(sent(w, &w->n, P_N, V_FAIL));
    assert_non_null(sent(w, &w->n, P_N, V_INITIATE));
    world_free(w);
}

static void test_kernel_sa_dies(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, W_P, "whack-terminate name=net"));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    keying_kernel_down(&w->k);
    buffer_wipe(&w->kernel);
    keying_kernel_up(&w->k, &w->kernel);
    assert_false(has(&w->kernel, "flush")); /* only the first one of a plutod clears away */
    const struct record *r = sent(w, &w->kernel, P_K, V_PERMIT);
    assert_non_null(r);
    assert_true(record_number(r, K_EXCHANGE) > t.y);
    world_free(w);
}

static void test_generations(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    keying_worker_old(&w->k, 1);
    assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    assert_int_equal(w->idle, 0); /* it holds an ISAKMP SA */
    assert_null(feed(w, W_P, "whack-initiate name=net")); /* under that one: the old worker */
    assert_non_null(sent(w, &w->s[1], P_S, V_ANNOUNCE_QUICK));
    assert_null(feed(w, W_P, "whack-terminate name=net"));
    assert_int_equal(w->idle, 1);
    world_free(w);
}

/* What has not read all its secrets, or lacks a key, gets work only where nobody else could do it. */
static void test_workers_that_are_not_ready(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_int_equal(keying_pick_worker(&w->k)->number, 1);
    assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    keying_worker_ready(&w->k, 2, WORKER_LACKS);
    keying_worker(&w->k, 2)->exchanges = 5;
    assert_int_equal(keying_pick_worker(&w->k)->number, 2);
    keying_worker_ready(&w->k, 2, WORKER_READY);
    assert_int_equal(keying_pick_worker(&w->k)->number, 2);
    keying_worker_ready(&w->k, 1, WORKER_READY);
    assert_int_equal(keying_pick_worker(&w->k)->number, 1);
    keying_worker_old(&w->k, 1);
    assert_int_equal(w->idle, 1);
    assert_int_equal(keying_pick_worker(&w->k)->number, 2);
    keying_worker(&w->k, 2)->exchanges = 0;
    keying_worker_old(&w->k, 2);
    assert_null(keying_pick_worker(&w->k));
    world_free(w);
}

/* [P8] While scripts run, nothing is begun that would be left in the kernel: nor by whack, nor by a packet. */
static void p8_nothing_begins_while_it_stops(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    uint32_t reqid = conn_find(&w->k, "net")->reqid;
    (void)state;
    keying_stop(&w->k);
    assert_false(keying_stopped(&w->k));
    clear(w);
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    assert_true(has(&w->said, "024 \"net\": plutod is shutting down\n"));
    assert_null(feed(w, K_P, "acquire reqid=%u our-client=10.1.0.0/24 peer-client=10.2.0.0/24 seq=1", reqid));
    assert_null(feed(w, W_P, "whack-connection name=late left-host=10.9.0.1 right-host=10.9.0.3 " NET_POLICY));
    assert_true(has(&w->said, "024 \"late\": plutod is shutting down\n"));
    assert_null(conn_find(&w->k, "late"));
    assert_int_equal(w->n.len, 0);
    assert_null(feed(w, W_P, "whack-explain name=net"));
    assert_true(has(&w->said, "it would not come up: plutod is shutting down\n"));
    assert_int_equal(w->holds, 1); /* for its secret */
    world_free(w);
}

/* [W8a] --delete says that it was done. */
static void w8a_delete_is_said(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    clear(w);
    assert_null(feed(w, W_P, "whack-delete name=net"));
    assert_true(has(&w->said, "002 \"net\": deleted connection description\n"));
    assert_null(feed(w, W_P, "whack-delete name=net"));
    assert_true(has(&w->said, "021 "));
    world_free(w);
}

/* The newest of those that another connection inherits is its newest. */
static void test_inherited_isakmp_sas(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=ik left-host=10.9.0.1 right-host=10.9.0.2 policy=psk"));
    (void)main_mode(w, "10.9.0.2", "ik", "10.9.0.2");
    uint64_t newest = main_mode(w, "10.9.0.2", "ik", "10.9.0.2");
    assert_null(feed(w, W_P, NET NET_POLICY));
    uint64_t y = record_number(quick_ask(w, newest, "10.1.0.0/24", "10.2.0.0/24"), K_EXCHANGE);
    sas_up(w, y, 0xbbbb);
    assert_null(feed(w, W_P, "whack-delete name=ik"));
    assert_int_equal(conn_find(&w->k, "net")->newest_isakmp, newest);
    world_free(w);
}

static void test_stop(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    keying_stop(&w->k);
    assert_non_null(sent(w, &w->n, P_N, V_DELETE_SA));
    assert_non_null(sent(w, &w->n, P_N, V_DELETE));
    assert_non_null(sent(w, &w->kernel, P_K, V_FLUSH));
    assert_false(keying_stopped(&w->k));
    uint64_t flush = w->k.next_id;
    down_scripts(w);
    assert_false(keying_stopped(&w->k));
    assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=flush", flush));
    assert_true(keying_stopped(&w->k));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terminate),
        cmocka_unit_test(test_terminate_stops_attempts),
        cmocka_unit_test(w8a_terminated_may_come_again),
        cmocka_unit_test(test_delete_and_deletestate),
        cmocka_unit_test(test_shared_isakmp_sa_stays),
        cmocka_unit_test(test_ends_while_the_script_runs),
        cmocka_unit_test(test_main_mode_is_deleted),
        cmocka_unit_test(test_lives),
        cmocka_unit_test(test_negotiator_dies),
        cmocka_unit_test(test_worker_dies),
        cmocka_unit_test(test_quick_mode_under_an_orphan),
        cmocka_unit_test(test_kernel_sa_dies),
        cmocka_unit_test(test_generations), cmocka_unit_test(test_workers_that_are_not_ready),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(p8_nothing_begins_while_it_stops),
        cmocka_unit_test(w8a_delete_is_said),
        cmocka_unit_test(test_inherited_isakmp_sas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
