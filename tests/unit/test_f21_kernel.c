/*
 * F21: a kernel that refuses, at each request of a tunnel's life, with each error; and events that
 * got lost. Messages cut, spoiled, and with unknown attributes: test_kernel_xfrm_read.c.
 */
#include "lab.h"

#include <errno.h>

static const int errors[] = { EPERM, ENOMEM, EEXIST, ESRCH, ENOENT, EINVAL, ENOSYS, ENOBUFS,
                              ETIMEDOUT, EMSGSIZE };

/* The tunnel comes all the same, or the next one does; nothing is left over. */
static void f21_every_request_refused_once(void **state)
{
    (void)state;
    for (unsigned host = 0; host < 2; host++) {
        for (unsigned n = 1; n <= 8; n++) {
            for (size_t e = 0; e < sizeof errors / sizeof errors[0]; e++) {
                struct lab *l = lab_new(NULL);
                l->host[host].kernel->refuse_at = l->host[host].kernel->requests + n;
                l->host[host].kernel->refuse_with = errors[e];
                lab_initiate(l, 0);
                lab_pass(l, 300000);
                if (!lab_up(l)) {
                    lab_whack(l, 0, "whack-terminate name=net");
                    lab_pass(l, 100000);
                    lab_initiate(l, 0);
                    lab_pass(l, 300000);
                }
                if (!lab_up(l)) {
                    fail_msg("host %u, request %u, error %d:\n%.*s\n---\n%.*s", host, n, errors[e],
                             (int)l->host[0].log.len, (const char *)l->host[0].log.data,
                             (int)l->host[1].log.len, (const char *)l->host[1].log.data);
                }
                for (unsigned h = 0; h < 2; h++) {
                    assert_int_equal(l->host[h].kernel->sas, 2);
                    assert_int_equal(l->host[h].kernel->policies, 3);
                }
                lab_free(l);
            }
        }
    }
}

/* The same when a tunnel ends: what could not be removed is not lost sight of. */
static void f21_every_request_refused_at_the_end(void **state)
{
    (void)state;
    for (unsigned host = 0; host < 2; host++) {
        for (unsigned n = 1; n <= 8; n++) {
            for (size_t e = 0; e < sizeof errors / sizeof errors[0]; e++) {
                struct lab *l = lab_new(NULL);
                lab_initiate(l, 0);
                assert_true(lab_up(l));
                l->host[host].kernel->refuse_at = l->host[host].kernel->requests + n;
                l->host[host].kernel->refuse_with = errors[e];
                lab_whack(l, 0, "whack-terminate name=net");
                lab_pass(l, 100000);
                lab_initiate(l, 0);
                lab_pass(l, 300000);
                assert_true(lab_up(l));
                lab_free(l);
            }
        }
    }
}

/* ENOBUFS: what there is is read again, and what went meanwhile is noticed. */
static void f21_events_lost_and_plutod(void **state)
{
    struct lab *l = lab_new(NULL);
    struct fake *kernel = l->host[1].kernel;
    (void)state;
    lab_initiate(l, 0);
    unsigned requests = kernel->requests;
    core_events_lost(kernel->core, "the kernel had more events than its buffer holds", l->now);
    fake_serve(kernel);
    lab_settle(l);
    assert_true(kernel->requests > requests);
    assert_true(lab_logged(l, 1, "more events than its buffer holds"));
    assert_true(lab_up(l));
    kernel->sas = 0; /* both went, and nobody said so */
    core_events_lost(kernel->core, "the kernel had more events than its buffer holds", l->now);
    fake_serve(kernel);
    lab_settle(l);
    assert_true(lab_count(&l->host[1].log, "another program deleted") > 0);
    lab_free(l);
}

/* Another program empties the kernel: the tunnel is there again at once, and both ends agree about it. */
static void f21_another_program_flushes(void **state)
{
    (void)state;
    for (unsigned host = 0; host < 2; host++) {
        struct lab *l = lab_new(NULL);
        struct fake *kernel = l->host[host].kernel;
        const struct kernel_event sas = { .kind = EVENT_SAS_FLUSHED };
        const struct kernel_event policies = { .kind = EVENT_POLICIES_FLUSHED };
        lab_initiate(l, 0);
        assert_true(lab_up(l));
        kernel->sas = kernel->policies = 0;
        core_event(kernel->core, &sas, l->now);
        core_event(kernel->core, &policies, l->now);
        core_tick(kernel->core, l->now);
        fake_serve(kernel);
        assert_int_equal(kernel->policies, 3);
        lab_pass(l, 1000);
        assert_true(lab_logged(l, host, "another program deleted the IPsec SA from the kernel"));
        assert_true(lab_logged(l, host, "they were put back"));
        assert_true(lab_up(l));
        for (unsigned h = 0; h < 2; h++) {
            assert_int_equal(l->host[h].kernel->sas, 2);
            assert_int_equal(l->host[h].kernel->policies, 3);
        }
        lab_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f21_every_request_refused_once),
        cmocka_unit_test(f21_every_request_refused_at_the_end),
        cmocka_unit_test(f21_events_lost_and_plutod),
        cmocka_unit_test(f21_another_program_flushes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
