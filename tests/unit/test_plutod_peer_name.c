/* [W4] plutod's core: the name of the peer's host is asked of dnskey before we begin, and he is where it leads to. */
#include "test_plutod_peer_name.h"

#include "plutod/index.h"
#include "plutod/peer_name.h"

static void w4_moved(void **state)
{
    struct world *w = named_net(NET_POLICY);
    (void)state;
    initiate(w);
    assert_false(has(&w->n, "initiate")); /* it waits, and so does whack */
    assert_int_equal(w->holds, 1);
    dns_says(w, "10.9.0.6,10.9.0.7");
    assert_int_equal(count_of(&w->said, "002 \"net\": gw.example.org is 10.9.0.6 now, and 10.9.0.2 no more: so is the peer\n"), 1);
    assert_int_equal(count_of(&w->log, "gw.example.org is 10.9.0.6 now, and 10.9.0.2 no more: so is the peer\n"), 1);
    begins_with(w, "10.9.0.6"); /* the first one */
    const struct record *r = sent(w, &w->s[1], P_S, V_ANNOUNCE);
    assert_string_equal(record_text(r, K_PEER_ID), "10.9.0.6"); /* no --id was given */
    r = sent(w, &w->kernel, P_K, V_PERMIT);
    assert_string_equal(record_text(r, K_PEER_CLIENT), "10.2.0.0/24"); /* --client was */
    assert_int_equal(w->holds, 2);
    world_free(w);
}

/* What is derived of the host, for whoever comes from there, and for packets. */
static void w4_all_that_follows(void **state)
{
    struct world *w = world_new("10.9.0.1");
    struct address new;
    struct address old;
    struct address ours;
    (void)state;
    keying_dnskey_up(&w->k, &w->d);
    assert_null(feed(w, W_P, "whack-connection name=net left-host=10.9.0.1 right-host=10.9.0.2 " GW "policy=psk,encrypt"));
    assert_null(address_parse(&new, "10.9.0.7"));
    assert_null(address_parse(&old, "10.9.0.2"));
    assert_null(address_parse(&ours, "10.9.0.1"));
    initiate(w);
    dns_says(w, "10.9.0.7");
    const struct conn *c = conn_find(&w->k, "net");
    assert_true(c->oriented);
    assert_ptr_equal(index_by_hosts(&w->k, &ours, &new), c);
    assert_null(index_by_hosts(&w->k, &ours, &old));
    assert_true(subnet_is_host(&c->peer_client, &new));
    struct script_job *job = script_job_new(&w->k, c, "up", 1);
    bool next_hop = false;
    for (char **v = job->environment; *v != NULL; v++) {
        next_hop = next_hop || strcmp(*v, "PLUTO_NEXT_HOP=10.9.0.7") == 0;
    }
    script_job_free(job);
    assert_true(next_hop);
    assert_true(status_says(w, "\"net\": 10.9.0.1[10.9.0.1]...10.9.0.7[10.9.0.7]; "));
    assert_true(has(&w->said, "\"net\":   host gw.example.org is 10.9.0.7; dnskey is asked for it whenever we begin"));
    assert_null(feed(w, W_P, "whack-terminate name=net asynchronous=yes"));
    clear(w);
    (void)first(w, "10.9.0.7"); /* the peer may begin from there */
    initiate(w);
    dns_says(w, "10.9.0.7");
    assert_false(has(&w->log, "now, and"));
    world_free(w);
}

static void w4_given_words_stay(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    keying_dnskey_up(&w->k, &w->d);
    assert_null(feed(w, W_P, NET GW "right-id=@east left-nexthop=10.9.0.254 right-ikeport=4500 " NET_POLICY));
    initiate(w);
    dns_says(w, "10.9.0.7");
    const struct conn *c = conn_find(&w->k, "net");
    const struct record *r = sent(w, &w->s[1], P_S, V_ANNOUNCE);
    assert_string_equal(record_text(r, K_PEER_ID), "@east");
    r = sent(w, &w->n, P_N, V_INITIATE);
    assert_string_equal(record_text(r, K_REMOTE), "10.9.0.7");
    assert_int_equal(record_number(r, K_REMOTE_PORT), 4500);
    assert_int_equal(conn_our_end(c)->nexthop_kind, NEXTHOP_ADDRESS);
    world_free(w);
}

/* The address that is known stays as long as it is one of the name's. */
static void w4_the_same_among_several(void **state)
{
    struct world *w = named_net(NET_POLICY);
    (void)state;
    initiate(w);
    dns_says(w, "10.0.0.1,10.9.0.2,10.9.0.7,2001:db8::1");
    assert_int_equal(w->log.len, 0);
    assert_false(has(&w->said, "gw.example.org"));
    begins_with(w, "10.9.0.2");
    world_free(w);
}

static void w4_family(void **state)
{
    struct world *w = world_new("2001:db8::1,10.9.0.1");
    (void)state;
    keying_dnskey_up(&w->k, &w->d);
    assert_null(feed(w, W_P, "whack-connection name=six left-host=2001:db8::1 right-host=2001:db8::2 " GW "policy=psk,encrypt"));
    assert_null(feed(w, W_P, "whack-initiate name=six"));
    const struct record *r = sent(w, &w->d, P_D, V_RESOLVE);
    assert_int_equal(record_word(r, K_FAMILY), 1);
    assert_null(feed(w, D_P, "ok id=%" PRIu64 " re=resolve addresses=10.9.0.7,2001:db8::7,2001:db8::8", record_number(r, K_ID)));
    begins_with(w, "2001:db8::7");
    assert_null(feed(w, W_P, NET GW NET_POLICY));
    initiate(w);
    r = sent(w, &w->d, P_D, V_RESOLVE);
    assert_int_equal(record_word(r, K_FAMILY), 0);
    world_free(w);
}

/* A tunnel to the address that was ends: his SAs, its routes; with the same address it goes on. */
static void w4_tunnel_that_is_up(void **state)
{
    (void)state;
    for (unsigned same = 0; same < 2; same++) {
        struct world *w = named_net(NET_POLICY);
        initiate(w);
        dns_says(w, "10.9.0.2");
        const uint64_t x = main_mode_goes_well(w);
        const uint64_t y = quick_mode_goes_well(w, 0x1234, true);
        clear(w);
        initiate(w);
        assert_false(has(&w->n, "quick exchange"));
        dns_says(w, same ? "10.9.0.2" : "10.9.0.7");
        if (same) {
            assert_int_equal(w->job_count, 0);
            assert_int_equal(record_number(sent(w, &w->n, P_N, V_QUICK), K_PARENT), x);
        } else {
            assert_non_null(sent(w, &w->n, P_N, V_DELETE_SA)); /* he may be there still */
            const struct record *r = sent(w, &w->n, P_N, V_DELETE);
            assert_int_equal(record_number(r, K_EXCHANGE), x);
            begins_with(w, "10.9.0.7");
            r = sent(w, &w->kernel, P_K, V_DELETE_KERNEL_SA);
            assert_int_equal(record_number(r, K_EXCHANGE), y);
            assert_true(has(&w->log, "deleting the IPsec SA: its peer has another address now"));
            down_scripts(w);
        }
        world_free(w);
    }
}

/* Each attempt asks; what goes on by itself, or holds packets back, does not. */
static void w4_each_attempt(void **state)
{
    struct world *w = named_net(NET_POLICY " keyingtries=3");
    (void)state;
    initiate(w);
    dns_says(w, "10.9.0.2");
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silent", x));
    assert_int_equal(w->holds, 0);
    pass(w, 1000);
    assert_null(sent(w, &w->n, P_N, V_INITIATE));
    dns_says(w, "10.9.0.7");
    assert_true(has(&w->log, MOVED));
    x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silent", x));
    assert_true(has(&w->log, "keying attempt 3 of at most 3 follows"));
    pass(w, 1000);
    dns_fails(w, "retry=1 why=down");
    x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silent", x));
    pass(w, 60000);
    assert_true(asked_dns(w) == 0); /* that was the last one */
    world_free(w);
}

static void w4_not_at_a_renewal(void **state)
{
    struct world *w = named_net(NET_POLICY);
    (void)state;
    initiate(w);
    dns_says(w, "10.9.0.2");
    (void)main_mode_goes_well(w);
    const uint64_t y = quick_mode_goes_well(w, 0x1234, true);
    negotiator_dies(w);
    keying_negotiator_up(&w->k, &w->n);
    pass(w, 1000);
    assert_true(asked_dns(w) == 0);
    begins_with(w, "10.9.0.2");
    /* Another program deletes the SAs: their policies hold until others have taken their place. */
    clear(w);
    assert_null(feed(w, K_P, "sa-deleted exchange=%" PRIu64 " protocol=esp", y));
    pass(w, 30000);
    assert_true(has(&w->log, "another program deleted the IPsec SA"));
    assert_true(has(&w->n, "quick exchange"));
    assert_true(asked_dns(w) == 0);
    world_free(w);
}

/* What is taken back while dnskey is asked does not begin. */
static void w4_taken_back(void **state)
{
    static const char *const words[] = { "whack-terminate name=net", "whack-delete name=net",
                                         NET "replace=yes " NET_POLICY };
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct world *w = named_net(NET_POLICY);
        initiate(w);
        const uint64_t id = asked_dns(w);
        assert_int_equal(w->holds, 1);
        assert_true(status_says(w, "host gw.example.org is 10.9.0.2; dnskey is being asked for it"));
        assert_null(feed(w, W_P, "%s", words[i]));
        assert_true(has(&w->said, "031 \"net\": ended before it began: "));
        assert_null(feed(w, D_P, "ok id=%" PRIu64 " re=resolve addresses=10.9.0.7", id));
        pass(w, PEER_NAME_TIME);
        assert_null(sent(w, &w->n, P_N, V_INITIATE));
        assert_false(has(&w->log, "so is the peer"));
        world_free(w);
    }
}

/* Not listening any more, or shutting down. */
static void w4_deaf(void **state)
{
    (void)state;
    for (unsigned stop = 0; stop < 2; stop++) {
        struct world *w = named_net(NET_POLICY);
        initiate(w);
        if (stop) {
            keying_stop(&w->k);
            assert_true(has(&w->said, "031 \"net\": ended before it began: plutod is shutting down"));
        } else {
            keying_unlisten(&w->k);
            dns_says(w, "10.9.0.7");
            assert_true(has(&w->said, "024 \"net\": "));
        }
        assert_int_equal(w->holds, 0);
        initiate(w);
        assert_true(asked_dns(w) == 0 || stop);
        world_free(w);
    }
}

/* Two whacks that begin the same are both answered; dnskey is asked once. */
static void w4_two_at_once(void **state)
{
    struct world *w = named_net(NET_POLICY);
    (void)state;
    initiate(w);
    initiate(w);
    assert_int_equal(w->holds, 2);
    dns_says(w, "10.9.0.7");
    assert_true(asked_dns(w) == 0);
    assert_int_equal(count_of(&w->said, MOVED), 2);
    begins_with(w, "10.9.0.7");
    assert_null(sent(w, &w->n, P_N, V_INITIATE)); /* under the same Main Mode */
    assert_int_equal(count_of(&w->log, MOVED), 1);
    world_free(w);
}

/* whack begins anew while another attempt asks: there is one Main Mode, and the attempts begin again. */
static void w4_whack_and_another_attempt(void **state)
{
    struct world *w = named_net(NET_POLICY " keyingtries=3");
    (void)state;
    initiate(w);
    dns_says(w, "10.9.0.2");
    const uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silent", x));
    pass(w, 1000);
    initiate(w);
    assert_int_equal(w->holds, 1);
    dns_says(w, "10.9.0.7");
    assert_int_equal(count_of(&w->said, MOVED), 1);
    begins_with(w, "10.9.0.7");
    assert_null(sent(w, &w->n, P_N, V_INITIATE));
    assert_int_equal(conn_find(&w->k, "net")->attempt, 1);
    assert_int_equal(w->holds, 2); /* Main Mode and Quick Mode */
    world_free(w);
}

/* --asynchronous, and a packet that wants through: nobody waits. */
static void w4_nobody_waits(void **state)
{
    struct world *w = named_net(NET_POLICY);
    (void)state;
    assert_null(feed(w, W_P, "whack-initiate name=net asynchronous=yes"));
    assert_int_equal(w->holds, 0); /* it is let go at once */
    dns_says(w, "10.9.0.7");
    assert_int_equal(w->said.len, 0);
    assert_int_equal(w->holds, 0);
    begins_with(w, "10.9.0.7");
    assert_null(feed(w, W_P, "whack-terminate name=net asynchronous=yes"));
    initiate_wanted(&w->k, conn_find(&w->k, "net"));
    initiate_wanted(&w->k, conn_find(&w->k, "net"));
    dns_says(w, "10.9.0.2");
    begins_with(w, "10.9.0.2");
    assert_true(asked_dns(w) == 0);
    world_free(w);
}

/* Our own host's name is not asked for, nor the peer's while it is not known who that is. */
static void w4_ours(void **state)
{
    struct world *w = world_new("10.9.0.2");
    (void)state;
    keying_dnskey_up(&w->k, &w->d);
    assert_null(feed(w, W_P, NET GW NET_POLICY));
    initiate(w);
    assert_true(asked_dns(w) == 0);
    begins_with(w, "10.9.0.1");
    assert_true(status_says(w, "\"net\":   host gw.example.org is 10.9.0.2; as it was when whack looked it up"));
    world_listen(w, "10.9.0.50");
    initiate(w);
    assert_true(asked_dns(w) == 0);
    assert_true(has(&w->said, "022 \"net\": cannot orient"));
    world_free(w);
}

/* The public key of the identity that he has there. */
static void w4_public_key(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    keying_dnskey_up(&w->k, &w->d);
    assert_null(feed(w, W_P, NET GW "policy=rsasig,encrypt,tunnel"));
    assert_null(feed(w, W_P, "whack-initiate name=net asynchronous=yes")); /* what is known now tells who does not wait */
    assert_true(asked_dns(w) == 0);
    assert_true(has(&w->said, "028 \"net\": "));
    clear(w);
    initiate(w);
    dns_says(w, "10.9.0.7");
    assert_true(has(&w->said, "028 \"net\": "));
    assert_true(has(&w->said, "10.9.0.7\""));
    world_free(w);
}

static void w4_explained(void **state)
{
    struct world *w = named_net(NET_POLICY);
    (void)state;
    assert_null(feed(w, W_P, "whack-explain name=net"));
    assert_true(has(&w->said, "\"net\": before we begin, dnskey is asked for gw.example.org: if that is not 10.9.0.2 any more, the "
                              "peer is where it is then"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(w4_moved), cmocka_unit_test(w4_all_that_follows), cmocka_unit_test(w4_given_words_stay),
        cmocka_unit_test(w4_the_same_among_several), cmocka_unit_test(w4_family),
        cmocka_unit_test(w4_tunnel_that_is_up), cmocka_unit_test(w4_each_attempt),
        cmocka_unit_test(w4_not_at_a_renewal), cmocka_unit_test(w4_taken_back), cmocka_unit_test(w4_deaf),
        cmocka_unit_test(w4_two_at_once), cmocka_unit_test(w4_whack_and_another_attempt),
        cmocka_unit_test(w4_nobody_waits), cmocka_unit_test(w4_ours), cmocka_unit_test(w4_public_key),
        cmocka_unit_test(w4_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
