/* plutod's core: what a peer ends, by a Delete or by INITIAL-CONTACT, and what he cannot. */
#include "test_plutod_negotiations.h"

static void test_peer_deletes(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=esp spis=00009999", t.x));
    assert_non_null(xchg_find(&w->k, t.y)); /* not one of his */
    assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=esp "
                     "spis=000099990000bbbb", t.x));
    assert_null(xchg_find(&w->k, t.y));
    assert_non_null(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA));
    assert_null(sent(w, &w->n, P_N, V_DELETE_SA)); /* he knows */
    down_scripts(w);
    assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64,
                     t.x, t.x));
    assert_null(xchg_find(&w->k, t.x));
    world_free(w);
}

/* Q10: an ISAKMP SA that the peer deletes takes no IPsec SA with it. */
static void test_isakmp_delete_leaves_ipsec(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    clear(w);
    assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64,
                     t.x, t.x));
    assert_null(xchg_find(&w->k, t.x));
    assert_non_null(xchg_find(&w->k, t.y));
    assert_null(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA));
    world_free(w);
}

/*
 * [F17] A Delete or a lifetime under the ISAKMP SA of another peer finds nothing: not at another address, and not behind
 * the same one (a translator's, say) under another identity.
 */
static void test_delete_of_anothers_sa(void **state)
{
    static const char *const peers[][2] = { { "10.9.0.9", "10.9.0.9" }, { "10.9.0.2", "@other" } };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tunnel t = tunnel_up();
        struct world *w = t.w;
        assert_null(feed(w, W_P, "whack-connection name=far left-host=10.9.0.1 right-host=%s right-id=%s policy=psk",
                         peers[i][0], peers[i][1]));
        assert_null(feed(w, W_P, "whack-initiate name=far"));
        uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
        assert_null(feed(w, S_P, "authenticated exchange=%" PRIu64 " connection=far peer=%s method=psk "
                         "proposal=aes256-sha2_256-modp2048 matched=yes", x, peers[i][1]));
        assert_null(feed(w, N_P, "isakmp-up exchange=%" PRIu64 " role=initiator proposal=aes256-sha2_256-modp2048 "
                         "life=3600 cky-i=0102030405060708 cky-r=0807060504030201", x));
        clear(w);
        assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=esp spis=0000bbbb", x));
        assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64, x, t.x));
        assert_null(feed(w, N_P, "responder-lifetime exchange=%" PRIu64 " protocol=esp spi-out=0000bbbb life=60", x));
        assert_null(feed(w, N_P, "responder-lifetime exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64 " life=60",
                         x, t.x));
        assert_true(has(&w->log, "Delete for ESP SPI 0000bbbb, which is none of this peer's: ignored"));
        assert_true(has(&w->log, "Delete for an ISAKMP SA that is not with this peer: ignored"));
        assert_true(has(&w->log, "RESPONDER-LIFETIME for ESP SPI 0000bbbb, which is none of this peer's"));
        assert_true(has(&w->log, "RESPONDER-LIFETIME for an ISAKMP SA that is not with this peer: ignored"));
        assert_null(sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA));
        assert_non_null(xchg_find(&w->k, t.x));
        assert_non_null(xchg_find(&w->k, t.y));
        world_free(w);
    }
}

/* Q10: ... but the same peer may name an older one of his under a newer one. */
static void test_delete_of_an_older_isakmp_sa(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    uint64_t x = main_mode(w, "10.9.0.2", "net", "10.9.0.2");
    assert_non_null(xchg_find(&w->k, t.x));
    assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64, x,
                     t.x));
    assert_null(xchg_find(&w->k, t.x));
    assert_non_null(xchg_find(&w->k, x));
    assert_non_null(xchg_find(&w->k, t.y));
    world_free(w);
}

static void test_initial_contact(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    uint64_t x = first(w, "10.9.0.2");
    chosen(w, x, "net");
    assert_null(feed(w, N_P, "initial-contact exchange=%" PRIu64, x)); /* not yet believed */
    assert_non_null(xchg_find(&w->k, t.y));
    authenticated(w, x, "net", "10.9.0.2", "yes");
    assert_null(up(w, x));
    assert_null(feed(w, N_P, "initial-contact exchange=%" PRIu64, x));
    assert_null(xchg_find(&w->k, t.y));
    assert_null(xchg_find(&w->k, t.x));
    assert_non_null(xchg_find(&w->k, x));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        { "Q10: a deleted ISAKMP SA leaves its IPsec SAs", test_isakmp_delete_leaves_ipsec, NULL, NULL, NULL },
        cmocka_unit_test(test_peer_deletes),
        cmocka_unit_test(test_delete_of_anothers_sa),
        { "Q10: an older ISAKMP SA of the same peer, deleted under a newer one",
          test_delete_of_an_older_isakmp_sa, NULL, NULL, NULL },
        cmocka_unit_test(test_initial_contact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
