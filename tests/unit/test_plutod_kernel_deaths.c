/* kernel-sa dies, or does not read: no order is lost, and nothing is done twice. */
#include "test_plutod_negotiations.h"

#include "plutod/orders.h"

static void kernel_dies(struct world *w)
{
    keying_kernel_down(&w->k);
    buffer_wipe(&w->kernel);
}

/* What it had not done is said again; whack is not held for it. */
static void test_kernel_dies_over_a_delete(void **state)
{
    (void)state;
    for (int before = 0; before < 2; before++) {
        struct tunnel t = tunnel_up();
        struct world *w = t.w;
        if (before) {
            kernel_dies(w);
        }
        assert_null(feed(w, W_P, "whack-terminate name=net"));
        if (!before) {
            kernel_dies(w);
        }
        while (w->job_count > 0) {
            script_ends(w, w->jobs[0]->verb, true);
        }
        assert_int_equal(w->holds, 0);
        keying_kernel_up(&w->k, &w->kernel);
        const struct record *r = sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA);
        assert_non_null(r);
        assert_int_equal(record_number(r, K_EXCHANGE), t.y);
        uint64_t id = record_number(r, K_ID);
        assert_non_null(sent(w, &w->kernel, P_K, V_POLICY));
        assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=delete-kernel-sa", id));
        kernel_dies(w);
        keying_kernel_up(&w->k, &w->kernel);
        assert_null(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA)); /* that is done */
        world_free(w);
    }
}

static void test_kernel_dies_at_the_end(void **state)
{
    (void)state;
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    kernel_dies(w);
    keying_stop(&w->k);
    while (w->job_count > 0) {
        script_ends(w, w->jobs[0]->verb, true);
    }
    assert_false(keying_stopped(&w->k));
    keying_kernel_up(&w->k, &w->kernel);
    uint64_t id = record_number(sent(w, &w->kernel, P_K, V_FLUSH), K_ID);
    assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=flush", id));
    assert_true(keying_stopped(&w->k));
    world_free(w);
}

/* sa-up comes once more; another one under the same number is refused. */
static void test_sa_up_twice(void **state)
{
    (void)state;
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    kernel_dies(w);
    keying_kernel_up(&w->k, &w->kernel);
    const struct record *r = sent(w, &w->kernel, P_K, V_PERMIT);
    assert_true(record_has(r, K_AGAIN));
    assert_int_equal(record_word(r, K_AGAIN), 1); /* up */
    sas_up(w, t.y, 0xbbbb);
    assert_int_equal(w->job_count, 0);
    assert_non_null(feed(w, K_P, "sa-up exchange=%" PRIu64 " protocol=esp proposal=aes256-sha2_256 "
                         "mode=tunnel spi-in=0000aaaa spi-out=0000cccc", t.y));
    world_free(w);
}

/* More permits than a channel holds: they come in turns. */
static void test_kernel_dies_with_many(void **state)
{
    enum { MANY = 3000 };
    (void)state;
    struct world *w = world_new("10.9.0.1");
    w->kernel.limit = CHANNEL_MAX;
    struct conn *c = NULL;
    assert_null(feed(w, W_P, NET NET_POLICY));
    c = conn_find(&w->k, "net");
    for (unsigned i = 0; i < MANY; i++) {
        struct xchg *y = xchg_new(&w->k, c, true, true);
        y->permitted = y->up = true;
    }
    buffer_wipe(&w->kernel);
    kernel_dies(w);
    keying_kernel_up(&w->k, &w->kernel);
    unsigned permits = 0;
    for (unsigned turns = 0; turns < 100 && permits < MANY; turns++) {
        assert_true(w->kernel.len < CHANNEL_MAX);
        while (sent(w, &w->kernel, P_K, V_PERMIT) != NULL) {
            permits++;
        }
        pass(w, 20);
    }
    assert_int_equal(permits, MANY);
    world_free(w);
}

/*
 * An order for which there is no room left: kernel-sa is ended for it, though a shorter one may fit
 * after it, and the next one hears what was lost.
 */
static void test_kernel_that_does_not_read(void **state)
{
    static char fill[CHANNEL_MAX];
    (void)state;
    for (int stop = 0; stop < 2; stop++) {
        struct tunnel t = tunnel_up();
        struct world *w = t.w;
        buffer_init(&w->kernel, CHANNEL_MAX);
        buffer_add(&w->kernel, fill, CHANNEL_MAX - 30);
        if (stop) {
            keying_stop(&w->k);
        } else {
            assert_null(feed(w, W_P, "whack-terminate name=net"));
        }
        while (w->job_count > 0) {
            script_ends(w, w->jobs[0]->verb, true);
        }
        size_t before = w->kernel.len;
        order_debug_one(&w->k, &w->kernel);
        assert_true(w->kernel.len > before);
        assert_true(w->kernel.lost);
        kernel_dies(w);
        assert_int_equal(w->holds, 0);
        keying_kernel_up(&w->k, &w->kernel);
        assert_int_equal(record_number(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA), K_EXCHANGE),
                         t.y);
        assert_true(!stop || sent(w, &w->kernel, P_K, V_FLUSH) != NULL);
        world_free(w);
    }
}

/* It stands still: whack is told, once, what it waits for. */
static void test_kernel_that_stands_still(void **state)
{
    (void)state;
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    assert_null(feed(w, W_P, "whack-terminate name=net"));
    while (w->job_count > 0) {
        script_ends(w, w->jobs[0]->verb, true);
    }
    const struct record *r = sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA);
    uint64_t id = record_number(r, K_ID);
    pass(w, 4000);
    assert_false(has(&w->said, "waiting for kernel-sa"));
    pass(w, 1000);
    assert_true(has(&w->said, "000 waiting for kernel-sa"));
    buffer_wipe(&w->said);
    pass(w, 60000);
    assert_false(has(&w->said, "waiting for kernel-sa"));
    assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=delete-kernel-sa", id));
    world_free(w);

    t = tunnel_up(); /* and not if it is dead */
    w = t.w;
    assert_null(feed(w, W_P, "whack-terminate name=net"));
    kernel_dies(w);
    pass(w, 5000);
    assert_false(has(&w->said, "waiting for kernel-sa"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_dies_over_a_delete),
        cmocka_unit_test(test_kernel_dies_at_the_end),
        cmocka_unit_test(test_sa_up_twice),
        cmocka_unit_test(test_kernel_dies_with_many),
        cmocka_unit_test(test_kernel_that_does_not_read),
        cmocka_unit_test(test_kernel_that_stands_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
