/* Q3, plutod's part: a peer that wants an SA to live less long than was agreed (RESPONDER-LIFETIME). */
#include "test_plutod_negotiations.h"

#include "plutod/agenda.h"

static void says_esp(const struct tunnel *t, unsigned life)
{
    assert_null(feed(t->w, N_P, "responder-lifetime exchange=%" PRIu64 " protocol=esp life=%u "
                     "spi-out=0000bbbb", t->x, life));
}

static void says_isakmp(const struct tunnel *t, unsigned life)
{
    assert_null(feed(t->w, N_P, "responder-lifetime exchange=%" PRIu64 " protocol=isakmp life=%u "
                     "target=%" PRIu64, t->x, life, t->x));
}

/* The next order to kernel-sa, which must be for that life; returns its id. */
static uint64_t kernel_is_told(const struct tunnel *t, unsigned life)
{
    const struct record *r = sent(t->w, &t->w->kernel, P_K, V_UPDATE_KERNEL_SA);
    assert_non_null(r);
    assert_int_equal(record_number(r, K_EXCHANGE), t->y);
    assert_int_equal(record_number(r, K_LIFE), life);
    return record_number(r, K_ID);
}

static unsigned life_of(const struct tunnel *t, uint64_t number)
{
    return xchg_find(&t->w->k, number)->life;
}

static void an_ipsec_sa(void **state)
{
    struct tunnel t = tunnel_up();
    (void)state;
    t.w->k.now += 100000;
    says_esp(&t, 600);
    uint64_t id = kernel_is_told(&t, 600);
    assert_int_equal(life_of(&t, t.y), 600);
    assert_true(has(&t.w->log, "this SA live 600s, not 3600s"));
    assert_null(feed(t.w, K_P, "ok id=%" PRIu64 " re=update-kernel-sa", id));
    assert_null(feed(t.w, W_P, "whack-status"));
    const struct record *r = sent(t.w, &t.w->kernel, P_K, V_SAMPLE);
    assert_null(feed(t.w, K_P, "ok id=%" PRIu64 " re=sample bytes-in=0 bytes-out=0 packets-in=0 "
                     "packets-out=0", record_number(r, K_ID)));
    assert_true(has(&t.w->said, "EVENT_SA_EXPIRE in 500s"));
    /* The kernel's clock ends it. */
    t.w->k.now += 1000000;
    keying_tick(&t.w->k);
    assert_non_null(xchg_find(&t.w->k, t.y));
    assert_null(feed(t.w, K_P, "sa-expired exchange=%" PRIu64 " protocol=esp hard=yes", t.y));
    assert_null(xchg_find(&t.w->k, t.y));
    world_free(t.w);
}

static void never_longer(void **state)
{
    struct tunnel t = tunnel_up();
    (void)state;
    says_esp(&t, 600);
    (void)kernel_is_told(&t, 600);
    says_esp(&t, 600);
    says_esp(&t, 3600);
    says_esp(&t, UINT32_MAX);
    says_isakmp(&t, 3600);
    says_isakmp(&t, 86400);
    assert_true(has(&t.w->log, "not shorter than 600s: nothing changes"));
    assert_null(sent(t.w, &t.w->kernel, P_K, V_UPDATE_KERNEL_SA));
    assert_int_equal(life_of(&t, t.y), 600);
    assert_int_equal(life_of(&t, t.x), 3600);
    world_free(t.w);
}

static void an_isakmp_sa(void **state)
{
    struct tunnel t = tunnel_up();
    (void)state;
    t.w->k.now += 100000;
    says_isakmp(&t, 600);
    assert_int_equal(life_of(&t, t.x), 600);
    assert_null(sent(t.w, &t.w->kernel, P_K, V_UPDATE_KERNEL_SA));
    t.w->k.now += 499999;
    keying_tick(&t.w->k);
    assert_non_null(xchg_find(&t.w->k, t.x));
    t.w->k.now += 1;
    keying_tick(&t.w->k);
    assert_null(xchg_find(&t.w->k, t.x));
    assert_non_null(xchg_find(&t.w->k, t.y));
    world_free(t.w);
}

/* What should have ended already ends now. */
static void a_life_that_is_over(void **state)
{
    struct tunnel t = tunnel_up();
    (void)state;
    t.w->k.now += 700000;
    says_esp(&t, 700);
    assert_null(xchg_find(&t.w->k, t.y));
    assert_non_null(sent(t.w, &t.w->kernel, P_K, V_DELETE_KERNEL_SA));
    assert_non_null(sent(t.w, &t.w->n, P_N, V_DELETE_SA));
    says_isakmp(&t, 1);
    keying_tick(&t.w->k);
    assert_null(xchg_find(&t.w->k, t.x));
    world_free(t.w);
}

/* Where the kernel does not end it, we do. */
static void the_kernel_refuses(void **state)
{
    struct tunnel t = tunnel_up();
    (void)state;
    says_esp(&t, 600);
    uint64_t id = kernel_is_told(&t, 600);
    assert_null(feed(t.w, K_P, "fail id=%" PRIu64 " re=update-kernel-sa why=because", id));
    assert_true(has(&t.w->log, "update-kernel-sa: because; it is ended by plutod's own clock"));
    t.w->k.now += 599999;
    keying_tick(&t.w->k);
    assert_non_null(xchg_find(&t.w->k, t.y));
    t.w->k.now += 1;
    keying_tick(&t.w->k);
    assert_null(xchg_find(&t.w->k, t.y));
    assert_non_null(sent(t.w, &t.w->kernel, P_K, V_DELETE_KERNEL_SA));
    world_free(t.w);
}

/* The answer comes when the SA has ended. */
static void a_late_refusal(void **state)
{
    struct tunnel t = tunnel_up();
    (void)state;
    says_esp(&t, 600);
    uint64_t id = kernel_is_told(&t, 600);
    assert_null(feed(t.w, K_P, "sa-expired exchange=%" PRIu64 " protocol=esp hard=yes", t.y));
    assert_null(feed(t.w, K_P, "fail id=%" PRIu64 " re=update-kernel-sa why=gone", id));
    assert_non_null(feed(t.w, K_P, "ok id=%" PRIu64 " re=update-kernel-sa", id)); /* twice */
    world_free(t.w);
}

/* kernel-sa dies, with the order unread or before it: its successor is told, after the permit. */
static void kernel_sa_dies(void **state)
{
    (void)state;
    for (int before = 0; before < 2; before++) {
        struct tunnel t = tunnel_up();
        if (before == 0) {
            says_esp(&t, 600);
            (void)kernel_is_told(&t, 600);
        }
        keying_kernel_down(&t.w->k);
        if (before == 1) {
            says_esp(&t, 600);
        }
        clear(t.w);
        keying_kernel_up(&t.w->k, &t.w->kernel);
        assert_non_null(sent(t.w, &t.w->kernel, P_K, V_PERMIT));
        uint64_t id = kernel_is_told(&t, 600);
        assert_null(feed(t.w, K_P, "ok id=%" PRIu64 " re=update-kernel-sa", id));
        keying_kernel_down(&t.w->k);
        keying_kernel_up(&t.w->k, &t.w->kernel); /* what was done is not done again */
        assert_null(sent(t.w, &t.w->kernel, P_K, V_UPDATE_KERNEL_SA));
        world_free(t.w);
    }
}

/* Main Mode of ours with that peer, up to its SA; returns the exchange's number. */
static uint64_t another_isakmp_sa(struct world *w, const char *host, const char *id, const char *net)
{
    assert_null(feed(w, W_P, "whack-connection name=other left-host=10.9.0.1 "
                     "left-client=10.1.0.0/24 right-host=%s right-id=%s right-client=%s " NET_POLICY,
                     host, id, net));
    assert_null(feed(w, W_P, "whack-initiate name=other"));
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    assert_non_null(feed(w, N_P, "responder-lifetime exchange=%" PRIu64 " protocol=esp life=600 "
                         "spi-out=0000bbbb", x)); /* it does not stand yet */
    assert_null(feed(w, S_P, "authenticated exchange=%" PRIu64 " connection=other peer=%s "
                     "method=psk proposal=aes256-sha2_256-modp2048 matched=yes", x, id));
    assert_null(feed(w, N_P, "isakmp-up exchange=%" PRIu64 " role=initiator "
                     "proposal=aes256-sha2_256-modp2048 life=3600 cky-i=0102030405060708 "
                     "cky-r=0807060504030202", x));
    return x;
}

/* [F17] under the ISAKMP SA of another peer, be it another host or another identity there */
static void not_this_peers(void **state)
{
    static const char *const others[][3] = {
        { "10.9.0.3", "10.9.0.3", "10.3.0.0/24" }, { "10.9.0.2", "@other", "10.3.0.0/24" },
    };
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct tunnel t = tunnel_up();
        struct world *w = t.w;
        uint64_t x = another_isakmp_sa(w, others[i][0], others[i][1], others[i][2]);
        assert_null(feed(w, N_P, "responder-lifetime exchange=%" PRIu64 " protocol=esp life=600 "
                         "spi-out=0000bbbb", x));
        assert_true(has(&w->log, "ESP SPI 0000bbbb, which is none of this peer's: ignored"));
        assert_null(feed(w, N_P, "responder-lifetime exchange=%" PRIu64 " protocol=isakmp life=600 "
                         "target=%" PRIu64, x, t.x));
        assert_true(has(&w->log, "ISAKMP SA that is not with this peer: ignored"));
        assert_null(sent(w, &w->kernel, P_K, V_UPDATE_KERNEL_SA));
        assert_int_equal(life_of(&t, t.y), 3600);
        assert_int_equal(life_of(&t, t.x), 3600);
        world_free(w);
    }
}

/* Of an SPI that nobody has, under an ISAKMP SA that has ended, and of nothing. */
static void nothing_is_meant(void **state)
{
    struct tunnel t = tunnel_up();
    (void)state;
    assert_null(feed(t.w, N_P, "responder-lifetime exchange=%" PRIu64 " protocol=esp life=600 "
                     "spi-out=00004321", t.x));
    assert_true(has(&t.w->log, "ESP SPI 00004321, which is none of this peer's: ignored"));
    assert_null(feed(t.w, N_P, "responder-lifetime exchange=77 protocol=esp life=600 "
                     "spi-out=0000bbbb"));
    assert_non_null(feed(t.w, N_P, "responder-lifetime exchange=%" PRIu64 " protocol=esp life=600",
                         t.x));
    assert_null(sent(t.w, &t.w->kernel, P_K, V_UPDATE_KERNEL_SA));
    assert_int_equal(life_of(&t, t.y), 3600);
    world_free(t.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ipsec_sa),
        cmocka_unit_test(never_longer),
        cmocka_unit_test(an_isakmp_sa),
        cmocka_unit_test(a_life_that_is_over),
        cmocka_unit_test(the_kernel_refuses),
        cmocka_unit_test(a_late_refusal),
        cmocka_unit_test(kernel_sa_dies),
        cmocka_unit_test(not_this_peers),
        cmocka_unit_test(nothing_is_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
