/* [R1] [R2] Which connection plutod's core chooses for a peer, and that it costs the same however many there are. */
#include "test_plutod_choose.h"

#include "plutod/choose.h"
#include "plutod/index.h"

#include "lab.h"

#include <time.h>

/* Of more than a first message is offered, those that were added first; the ones to %any only where there is room. */
static void test_first_message_of_many_words(void **state)
{
    static const char *const ciphers[] = { "aes256", "aes192", "aes128" };
    static const char *const hashes[] = { "sha2_512", "sha2_384", "sha2_256", "sha1" };
    static const char *const groups[] = { "modp4096", "modp3072", "modp2048" };
    struct world *w = world_new("10.9.0.1");
    struct address local;
    struct address remote;
    struct conn *list[CHOOSE_MAX];
    (void)state;
    assert_null(address_parse(&local, "10.9.0.1"));
    assert_null(address_parse(&remote, "10.9.0.2"));
    add(w, "name=road " ROAD NET_POLICY);
    for (unsigned i = 0; i < 36; i++) {
        char words[160];
        snprintf(words, sizeof words, "name=c%u left-host=10.9.0.1 right-host=10.9.0.2 right-id=@c%u policy=psk,encrypt "
                 "ike=%s-%s-%s", i, i, ciphers[i % 3], hashes[i / 3 % 4], groups[i / 12]);
        add(w, words);
        if (i == 30) {
            assert_int_equal(choose_first(&w->k, NULL, &local, &remote, list), CHOOSE_MAX);
            assert_string_equal(list[31]->name, "road");
        }
    }
    assert_int_equal(choose_first(&w->k, NULL, &local, &remote, list), CHOOSE_MAX);
    for (unsigned i = 0; i < CHOOSE_MAX; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%u", i);
        assert_string_equal(list[i]->name, name);
    }
    world_free(w);
}

/* [R1] */
static void test_first_message_by_addresses_alone(void **state)
{
    struct world *w = world_new("10.9.0.1");
    struct address local;
    struct address remote;
    struct conn *list[CHOOSE_MAX];
    (void)state;
    assert_null(address_parse(&local, "10.9.0.1"));
    assert_null(address_parse(&remote, "10.9.0.2"));
    add(w, "name=road " ROAD NET_POLICY);
    add(w, "name=b left-host=10.9.0.1 right-host=10.9.0.2 right-id=@b policy=psk,encrypt ike=aes128-sha1-modp2048");
    add(w, "name=a left-host=10.9.0.1 right-host=10.9.0.2 right-id=@a policy=psk,encrypt ike=aes256-sha1-modp2048");
    add(w, "name=b2 left-host=10.9.0.1 right-host=10.9.0.2 right-id=@b2 policy=psk,encrypt ike=aes128-sha1-modp2048");
    add(w, "name=elsewhere left-host=10.9.0.1 right-host=10.9.0.3 policy=psk,encrypt");
    assert_int_equal(choose_first(&w->k, NULL, &local, &remote, list), 3);
    assert_string_equal(list[0]->name, "b"); /* these hosts first, in order of adding; then %any */
    assert_string_equal(list[1]->name, "a");
    assert_string_equal(list[2]->name, "road");
    assert_null(feed(w, W_P, "whack-delete name=b")); /* b2 was added after a */
    assert_int_equal(choose_first(&w->k, NULL, &local, &remote, list), 3);
    assert_string_equal(list[0]->name, "a");
    assert_string_equal(list[1]->name, "b2");
    world_free(w);
}

/* [R1]: all tools together: the first connection whose --ike the offer can satisfy, not the first of all. */
static void r1_the_first_that_the_offer_satisfies(void **state)
{
    struct lab *l = lab_new(NULL);
    (void)state;
    lab_whack(l, 1, "whack-delete name=net");
    lab_whack(l, 1, "whack-connection name=stronger left-host=10.9.0.1 right-host=10.9.0.2 policy=psk,encrypt "
              "ike=aes256-sha2_512-ecp384");
    lab_whack(l, 1, "whack-connection name=net left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=10.9.0.2 "
              "right-client=10.2.0.0/24 " LAB_CHEAP);
    lab_whack(l, 1, "whack-connection name=later left-host=10.9.0.1 right-host=10.9.0.2 " LAB_CHEAP);
    lab_initiate(l, 0);
    lab_settle(l);
    assert_true(lab_up(l));
    assert_true(lab_logged(l, 1, "\"net\" 10.9.0.1 #1: STATE_MAIN_R1"));
    assert_false(lab_logged(l, 1, "\"stronger\" 10.9.0.1 #"));
    assert_false(lab_logged(l, 1, "\"later\" 10.9.0.1 #"));
    lab_free(l);
}

/* [R1]: not even for the identity that was proved, a connection that forbids what was agreed. */
static void r1_no_switch_to_what_forbids_it(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=net left-host=10.9.0.1 right-host=10.9.0.2 " NET_POLICY);
    add(w, "name=strict left-host=10.9.0.1 right-host=10.9.0.2 right-id=@me " NET_POLICY " ike=aes256-sha2_512-ecp384");
    uint64_t x = first(w, "10.9.0.2");
    chosen(w, x, "net");
    authenticated(w, x, "net", "@me", "no");
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_null(sent(w, &w->s[1], P_S, V_ACCEPT));
    const struct record *r = sent(w, &w->n, P_N, V_FAIL);
    assert_non_null(strstr(record_text(r, K_WHY), "\"strict\": "));
    assert_non_null(strstr(record_text(r, K_WHY), "aes256-sha2_512-ecp384"));
    world_free(w);
}

/* [R1] [R4]: a road warrior who comes again is asked for the secret of all of them, by what he is not yet. */
static void test_an_instance_is_not_offered(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=road " ROAD NET_POLICY);
    uint64_t x = main_mode(w, "192.0.2.7", "road", "@me");
    assert_non_null(conn_find(&w->k, "road[1]"));
    buffer_wipe(&w->s[1]);
    uint64_t again = first(w, "192.0.2.7");
    const struct record *r = sent(w, &w->s[1], P_S, V_ANNOUNCE);
    assert_string_equal(record_text(r, K_CONNECTION), "road");
    assert_string_equal(record_text(r, K_PEER_ID), "%any");
    assert_true(record_yes(r, K_WHOEVER)); /* and no wait more than the first time */
    chosen(w, again, "road");
    authenticated(w, again, "road", "@me", "yes");
    assert_null(up(w, again));
    assert_ptr_equal(xchg_find(&w->k, again)->conn, xchg_find(&w->k, x)->conn);
    assert_null(conn_find(&w->k, "road[2]"));
    world_free(w);
}

/* [R2] */
static void test_same_hosts_then_any_then_whoever(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add(w, "name=road " ROAD NET_POLICY);
    add(w, "name=me " ROAD "right-id=@me " NET_POLICY);
    add(w, "name=other left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=192.0.2.7 " NET_POLICY);
    add(w, "name=here left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=192.0.2.7 right-id=@me " NET_POLICY);
    uint64_t x = first(w, "192.0.2.7");
    chosen(w, x, "other");
    authenticated(w, x, "other", "@me", "no");
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    static const char *const order[] = { "here", "me", "road" };
    for (size_t i = 0; i < 3; i++) {
        const struct record *r = sent(w, &w->s[1], P_S, V_ACCEPT);
        assert_non_null(r);
        assert_string_equal(record_text(r, K_CONNECTION), order[i]);
        assert_null(feed(w, S_P, "fail id=%" PRIu64 " re=accept why=another%%20secret", w->k.next_id));
    }
    const struct record *r = sent(w, &w->n, P_N, V_FAIL);
    assert_int_equal(record_number(r, K_NOTIFICATION), 18);
    assert_non_null(strstr(record_text(r, K_WHY), "not as \"me\": another secret"));
    assert_non_null(strstr(record_text(r, K_WHY), "\"other\": it expects the identity 192.0.2.7, not @me"));
    world_free(w);
}

/* [W2] */
static void test_orientation_follows_the_interfaces(void **state)
{
    struct world *w = world_new("10.9.0.9");
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY));
    clear(w);
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    assert_true(has(&w->said, "022 \"net\": cannot orient: neither of its hosts is an address of this "
                              "machine that we listen on: 10.9.0.1 is not, 10.9.0.2 is not"));
    world_listen(w, "10.9.0.2");
    assert_true(conn_find(&w->k, "net")->oriented);
    assert_int_equal(conn_find(&w->k, "net")->ours, END_RIGHT);
    world_listen(w, "10.9.0.2,10.9.0.1");
    clear(w);
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    assert_true(has(&w->said, "022 \"net\": cannot orient: both its hosts, 10.9.0.1 and 10.9.0.2"));
    world_listen(w, "10.9.0.1");
    w->k.settings.ikeport = 501;
    world_listen(w, "10.9.0.1");
    clear(w);
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    assert_true(has(&w->said, "10.9.0.1 is, but with --ikeport 500, and ours is 501"));
    world_free(w);
}

/* [R1]: the line that ike-negotiate logs, and whack --explain has. */
static void test_a_refused_stranger_is_told_apart(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    add(w, "name=far left-host=10.66.0.1 right-host=10.9.0.7 policy=psk,encrypt");
    assert_null(feed(w, N_P, "first id=1 local=10.9.0.1 local-port=500 remote=10.9.0.7 remote-port=500"));
    const char *why = record_text(sent(w, &w->n, P_N, V_FAIL), K_WHY);
    assert_non_null(strstr(why, "\"net\": its peer is 10.9.0.2, not 10.9.0.7"));
    assert_non_null(strstr(why, "\"far\": not oriented: "));
    for (unsigned i = 0; i < 2000; i++) { /* he cannot make us write a book */
        char words[120];
        snprintf(words, sizeof words, "name=c%u left-host=10.9.0.1 right-host=10.10.%u.%u policy=psk,encrypt",
                 i, i / 250, i % 250 + 1);
        add(w, words);
    }
    assert_null(feed(w, N_P, "first id=1 local=10.9.0.1 local-port=500 remote=10.9.0.7 remote-port=500"));
    why = record_text(sent(w, &w->n, P_N, V_FAIL), K_WHY);
    assert_true(strlen(why) < 3000);
    assert_non_null(strstr(why, "; and 1994 more"));
    world_free(w);
}

/* ---- many ---- */

static uint64_t cpu_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* `count` connections to %any, each with an identity, and as many client pairs with one peer. */
static struct world *world_with(unsigned count)
{
    struct world *w = world_new("10.9.0.1");
    char words[300];
    for (unsigned i = 0; i < count; i++) {
        snprintf(words, sizeof words, "name=r%u %sright-id=@r%u %s", i, ROAD, i,
                 NET_POLICY);
        add(w, words);
        snprintf(words, sizeof words, "name=n%u left-host=10.9.0.1 left-client=10.%u.%u.0/24 "
                 "right-host=10.9.0.2 right-client=10.200.0.0/24 " NET_POLICY, i, 10 + i / 250, i % 250);
        add(w, words);
    }
    clear(w);
    return w;
}

/* What choosing takes all in all, for the connection that was added last. */
static uint64_t cost(struct world *w, unsigned count)
{
    char last[40];
    char client[40];
    uint64_t best = UINT64_MAX;
    snprintf(last, sizeof last, "@r%u", count - 1);
    snprintf(client, sizeof client, "10.%u.%u.0/24", 10 + (count - 1) / 250, (count - 1) % 250);
    w->k.settings.uniqueids = true;
    for (int round = 0; round < 5; round++) {
        uint64_t from = cpu_time();
        for (int i = 0; i < 20; i++) {
            uint64_t x = identified(w, "192.0.2.7", "r0", last);
            assert_string_equal(strchr(quick(w, x, "10.1.0.0/24", "192.0.2.7/32"), '['), "[1]");
            assert_null(feed(w, W_P, "whack-terminate name=r%u", count - 1));
            conn_find(&w->k, last + 1)->next_instance = 0;
            x = main_mode(w, "10.9.0.2", "n0", "10.9.0.2");
            assert_int_equal(quick(w, x, client, "10.200.0.0/24")[0], 'n');
            assert_null(feed(w, W_P, "whack-initiate name=n%u asynchronous=yes", count / 2));
            assert_null(feed(w, W_P, "whack-terminate name=n%u", count / 2));
            assert_null(feed(w, W_P, "whack-terminate name=n%u", count - 1));
            assert_null(feed(w, W_P, "whack-terminate name=n0"));
            assert_null(feed(w, K_P, "acquire reqid=%u our-client=%s peer-client=10.200.0.0/24 seq=1",
                             conn_find(&w->k, "n0")->reqid, client));
            assert_null(feed(w, W_P, "whack-terminate name=n0"));
            clear(w);
        }
        uint64_t took = cpu_time() - from;
        best = took < best ? took : best;
    }
    return best;
}

/* Forty times as many connections; what grows with their number would take about forty times as long. */
static void test_the_number_of_connections_does_not_matter(void **state)
{
    struct world *few = world_with(100);
    struct world *many = world_with(4000);
    (void)state;
    uint64_t a = cost(few, 100);
    uint64_t b = cost(many, 4000);
    print_message("100: %" PRIu64 " us, 4000: %" PRIu64 " us\n", a / 20000, b / 20000);
    assert_true(b < 15 * a);
    world_free(few);
    world_free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_message_by_addresses_alone),
        cmocka_unit_test(test_first_message_of_many_words),
        cmocka_unit_test(r1_the_first_that_the_offer_satisfies),
        cmocka_unit_test(r1_no_switch_to_what_forbids_it),
        cmocka_unit_test(test_an_instance_is_not_offered),
        cmocka_unit_test(test_same_hosts_then_any_then_whoever),
        cmocka_unit_test(test_orientation_follows_the_interfaces),
        cmocka_unit_test(test_a_refused_stranger_is_told_apart),
        cmocka_unit_test(test_the_number_of_connections_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
