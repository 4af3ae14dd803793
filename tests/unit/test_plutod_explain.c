/* [W12] whack --explain: the true reason for each way in which a connection does not come up. */
#include "test_plutod_negotiations.h"

static void explain(struct world *w, const char *name)
{
    clear(w);
    assert_null(feed(w, W_P, "whack-explain name=%s", name));
}

static void test_all_is_well(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    explain(w, "net");
    assert_true(has(&w->said, "000 \"net\": 10.1.0.0/24===10.9.0.1[10.9.0.1]...10.9.0.2[10.9.0.2]===10.2.0.0/24\n"));
    assert_true(has(&w->said, "if we began now: Main Mode from 10.9.0.1:500 to 10.9.0.2:500, as 10.9.0.1, proposing "
                              "--ike default with --psk; the peer must prove to be 10.9.0.2\n"));
    assert_true(has(&w->said, "then Quick Mode for 10.1.0.0/24 (ours) and 10.2.0.0/24 (the peer's), proposing --esp default"));
    assert_true(has(&w->said, "a first message of IKE from 10.9.0.2 to 10.9.0.1: it is for \"net\""));
    assert_true(has(&w->said, "Quick Mode for its clients, exactly these, is for it\n"));
    assert_true(has(&w->said, "no negotiation of it has failed"));
    const struct record *r = sent(w, &w->s[1], P_S, V_SECRET);
    assert_string_equal(record_text(r, K_PEER_ID), "10.9.0.2");
    assert_int_equal(w->holds, 1);
    assert_null(feed(w, S_P, "ok id=%" PRIu64 " re=secret found=/etc/ipsec.secrets:3", w->k.next_id));
    assert_true(has(&w->said, "its secret is that of /etc/ipsec.secrets:3\n"));
    assert_int_equal(w->holds, 0);
    explain(w, "nobody");
    assert_true(has(&w->said, "021 "));
    world_free(w);
}

static void test_no_secret(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    explain(w, "net");
    assert_null(feed(w, S_P, "fail id=%" PRIu64 " re=secret why=no%%20preshared%%20secret", w->k.next_id));
    assert_true(has(&w->said, "so it does not come up, whoever begins: no preshared secret\n"));
    explain(w, "net");
    keying_worker_down(&w->k, 1);
    assert_true(has(&w->said, "secrets died before it answered"));
    assert_int_equal(w->holds, 0);
    explain(w, "net");
    assert_true(has(&w->said, "it would not come up: secrets is not running"));
    assert_int_equal(w->holds, 0);
    world_free(w);
}

static void test_not_listening_not_oriented(void **state)
{
    struct world *w = world_new("10.9.0.9");
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY));
    explain(w, "net");
    assert_true(has(&w->said, "if we began now, it would not come up: cannot orient: neither of its hosts is an "
                              "address of this machine that we listen on: 10.9.0.1 is not, 10.9.0.2 is not"));
    assert_true(has(&w->said, "if the peer began now, it would not be for this one: not oriented: "));
    world_listen(w, "10.9.0.1");
    keying_unlisten(&w->k);
    explain(w, "net");
    assert_true(has(&w->said, "would not come up: not listening for IKE messages"));
    assert_true(has(&w->said, "if the peer began now, nobody would hear him: not listening"));
    world_free(w);
}

/* The one that was asked dies: where there is another one it is asked, and nobody else need ask again. */
static void another_worker_answers(void **state)
{
    (void)state;
    for (unsigned answers = 0; answers < 2; answers++) {
        struct world *w = net_that_is_known();
        explain(w, "net");
        clear(w);
        assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
        keying_worker_down(&w->k, 1);
        assert_int_equal(w->said.len, 0);
        assert_int_equal(w->holds, 1);
        const struct record *r = sent(w, &w->s[2], P_S, V_SECRET);
        assert_non_null(r);
        assert_string_equal(record_text(r, K_PEER_ID), "10.9.0.2");
        if (answers) {
            w->worker = 2;
            assert_null(feed(w, S_P, "ok id=%" PRIu64 " re=secret found=/etc/ipsec.secrets:3", w->k.next_id));
            assert_true(has(&w->said, "000 \"net\": its secret is that of /etc/ipsec.secrets:3\n"));
        } else {
            keying_worker_down(&w->k, 2); /* of the question: to ask again would be in vain */
            assert_true(has(&w->said, "000 \"net\": whether there is a secret is not known: two processes of secrets have died"));
        }
        assert_int_equal(w->holds, 0);
        world_free(w);
    }
    struct world *w = net_that_is_known();
    explain(w, "net");
    clear(w);
    keying_worker_down(&w->k, 1);
    assert_true(has(&w->said, "000 \"net\": secrets died before it answered: ask again\n"));
    assert_int_equal(w->holds, 0);
    world_free(w);
}

/* [X3] what is off by default is named, and the option that turns it on. */
static void test_weak_algorithms(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=old left-host=10.9.0.1 right-host=10.9.0.3 policy=psk,encrypt "
                     "ike=classic"));
    explain(w, "net");
    assert_true(has(&w->said, "nothing better than 3des md5 modp1024 modp1536 is refused, as --ike is default: --ike classic"));
    explain(w, "old");
    assert_false(has(&w->said, "nothing better than"));
    assert_null(feed(w, W_P, "whack-connection name=own left-host=10.9.0.1 right-host=10.9.0.4 policy=psk,encrypt "
                     "ike=aes128-sha2_256-modp2048"));
    explain(w, "own"); /* all else is refused, weak or not */
    assert_false(has(&w->said, "nothing better than"));
    world_free(w);
}

/* What the log said, explain says again: no proposal in common, a wrong identity, other clients. */
static void test_last_failure(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    uint64_t x = first(w, "10.9.0.2");
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=214 why=no%%20proposal%%20chosen:%%203des", x));
    pass(w, 5000);
    explain(w, "net");
    assert_true(has(&w->said, "it failed last 5 s ago: no proposal chosen: 3des\n"));

    x = first(w, "10.9.0.2");
    chosen(w, x, "net");
    authenticated(w, x, "net", "@stranger", "no");
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=218 why=refused", x));
    explain(w, "net");
    assert_true(has(&w->said, "it failed last 0 s ago: the peer proved to be @stranger, which no connection expects with the "
                              "secret that was used; --id with that for its end would match: \"net\": it expects the "
                              "identity 10.9.0.2, not @stranger"));

    x = main_mode(w, "10.9.0.2", "net", "10.9.0.2");
    (void)quick_ask(w, x, "10.1.0.0/24", "10.66.0.0/24");
    explain(w, "net");
    assert_true(has(&w->said, "no connection with this peer has the clients 10.1.0.0/24 (ours) and 10.66.0.0/24 (the peer's); "
                              "compare --client of both sides: \"net\": the peer's client is 10.2.0.0/24, not 10.66.0.0/24"));
    world_free(w);
}

/* [W12] A Main Mode that is stuck is no ISAKMP SA: what it waits for is said, and what whack --initiate would do. */
static void test_under_way(void **state)
{
    struct world *w = net_that_begins();
    char anew[] = "if we began now: Main Mode from 10.9.0.1:500 to 10.9.0.2:500";
    (void)state;
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_I1", x));
    pass(w, 3000);
    assert_null(feed(w, N_P, "notified exchange=%" PRIu64 " notification=14 protected=no text=NO-PROPOSAL-CHOSEN", x));
    explain(w, "net");
    assert_true(has(&w->said, "000 \"net\": under way since 3 s: #1: STATE_MAIN_I1 (initiate): the peer last said "
                              "NO-PROPOSAL-CHOSEN (not protected, so only a hint); we proposed default with --psk: "
                              "compare --ike, --psk and --rsasig of both sides\n"));
    assert_true(has(&w->said, "if we began now: Quick Mode would wait for the Main Mode #1, which is under way"));
    assert_false(has(&w->said, "that is there"));
    assert_false(has(&w->said, "#2")); /* it waits for that Main Mode, which is shown */

    /* The next attempt is nobody's: whack --initiate would begin it anew, and does. */
    assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silence", x));
    w->k.now = agenda_next(&w->k.agenda);
    keying_tick(&w->k);
    explain(w, "net");
    assert_true(has(&w->said, "\"net\": under way since 0 s: #3: STATE_MAIN_I1 (initiate)\n"));
    assert_true(has(&w->said, anew));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    assert_true(has(&w->log, "#3: ended before it was up: whack --initiate begins it anew"));
    world_free(w);

    struct tunnel t = tunnel_up();
    explain(t.w, "net");
    assert_true(has(&t.w->said, "if we began now: Quick Mode under the ISAKMP SA #1 that is there\n"));
    assert_false(has(&t.w->said, "under way"));
    world_free(t.w);
}

static void test_other_candidates(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=east left-host=10.9.0.1 right-host=10.9.0.2 right-id=@east "
                     "policy=psk,encrypt"));
    assert_null(feed(w, W_P, "whack-connection name=twin left-host=10.9.0.1 left-client=10.1.0.0/24 "
                     "right-host=10.9.0.2 right-client=10.2.0.0/24 " NET_POLICY));
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-nexthop=%%25direct "
                     "right-host=%%25any right-id=@road left-client=10.1.0.0/24 " NET_POLICY));
    explain(w, "twin");
    assert_true(has(&w->said, "\"twin\": not \"east\" in its place, unless the peer proves to be @east\n"));
    assert_true(has(&w->said, "\"twin\": not \"road\" in its place, unless the peer proves to be @road\n"));
    assert_true(has(&w->said, "\"twin\": Quick Mode for its clients is for \"net\", which has the same and was added before it"));
    explain(w, "road");
    assert_true(has(&w->said, "029") || has(&w->said, "the peer's address is not known (--host %any)"));
    assert_true(has(&w->said, "a first message of IKE from any address to 10.9.0.1: it is for \"road\""));
    world_free(w);
}

/* [R2] Whose the ISAKMP SA becomes: with one identity the first's; with others, by one secret only; never %any's. */
static void r2_whose_it_becomes(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=a left-host=10.9.0.1 right-host=10.9.0.2 right-id=@a " NET_POLICY));
    assert_null(feed(w, W_P, "whack-connection name=b left-host=10.9.0.1 right-host=10.9.0.2 right-id=@b " NET_POLICY));
    assert_null(feed(w, W_P, "whack-connection name=b2 left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=10.9.0.2 "
                     "right-id=@b " NET_POLICY));
    explain(w, "a");
    assert_true(has(&w->said, "\"a\": it goes on as this one if the peer proves to be @a\n"));
    explain(w, "b");
    assert_true(has(&w->said, "\"b\": it goes on as this one if the peer proves to be @b; having begun as \"a\", only if "
                              "that one has the very same secret, as no other is tried\n"));
    assert_true(has(&w->said, "\"b\": not \"a\" in its place, unless the peer proves to be @a\n"));
    assert_false(has(&w->said, "b2\" in its place"));
    assert_int_equal(w->holds, 1 + 2); /* the secret of the former one, two of this one */
    assert_null(feed(w, S_P, "ok id=%" PRIu64 " re=secret found=/etc/ipsec.secrets:1", w->k.next_id - 1));
    assert_null(feed(w, S_P, "ok id=%" PRIu64 " re=secret found=/etc/ipsec.secrets:2", w->k.next_id));
    assert_true(has(&w->said, "\"a\": its secret is that of /etc/ipsec.secrets:1\n"));
    assert_true(has(&w->said, "\"b\": its secret is that of /etc/ipsec.secrets:2\n"));
    explain(w, "b2");
    assert_true(has(&w->said, "\"b2\": the ISAKMP SA is \"b\"'s, which has the same hosts and identities and was added "
                              "before it; it serves this one as well\n"));
    assert_null(feed(w, W_P, "whack-connection name=ann left-host=10.9.0.1 left-nexthop=%%25direct right-host=%%25any "
                     "right-id=@ann left-client=10.1.0.0/24 " NET_POLICY));
    assert_null(feed(w, W_P, "whack-connection name=all left-host=10.9.0.1 left-nexthop=%%25direct right-host=%%25any "
                     "left-client=10.1.0.0/24 " NET_POLICY));
    explain(w, "ann");
    assert_true(has(&w->said, "not \"all\" in its place, unless the peer proves to be somebody whom no connection to his own "
                              "address and no other to %any names\n"));
    explain(w, "all");
    assert_true(has(&w->said, "\"all\": it goes on as this one if the peer proves to be somebody whom no connection to "
                              "his own address and no other to %any names; having begun as \"ann\""));
    assert_false(has(&w->said, "proves to be %any"));
    world_free(w);
}

/* The line of a refused peer and that of whack are one. */
static void test_unknown_address(void **state)
{
    struct world *w = net_that_is_known();
    char why[4000];
    (void)state;
    assert_null(feed(w, N_P, "first id=1 local=10.9.0.1 local-port=500 remote=10.9.0.7 remote-port=500"));
    const struct record *r = sent(w, &w->n, P_N, V_FAIL);
    snprintf(why, sizeof why, "000 a first message of IKE is refused: %s\n", record_text(r, K_WHY));
    clear(w);
    assert_null(feed(w, W_P, "whack-explain from=10.9.0.7 to=10.9.0.1"));
    assert_true(has(&w->said, why));
    world_free(w);
}

static void test_packet(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    uint32_t reqid = conn_find(&w->k, "net")->reqid;
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=other left-host=10.9.0.1 left-client=10.3.0.0/24 "
                     "right-host=10.9.0.2 right-client=10.4.0.0/24 " NET_POLICY));
    clear(w);
    assert_null(feed(w, W_P, "whack-explain from=10.1.0.7 to=10.2.0.7"));
    assert_true(has(&w->said, "\"net\" is for it: between 10.1.0.0/24 (ours) and 10.2.0.0/24; it is erouted\n"));
    assert_true(has(&w->said, "\"other\" is not for it: it is between 10.3.0.0/24 (ours) and 10.4.0.0/24\n"));
    const struct record *r = sent(w, &w->kernel, P_K, V_LOOKUP);
    assert_string_equal(record_text(r, K_WAY), "out");
    uint64_t id = record_number(r, K_ID);
    assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=lookup found=out%%20policy kind=ipsec reqid=%u sa=esp%%201 "
                     "others=wide", id, reqid));
    assert_true(has(&w->said, "a packet that leaves: caught by the policy out policy, which is of \"net\"\n"));
    assert_true(has(&w->said, "a packet that leaves: sent by the SA esp 1\n"));
    assert_true(has(&w->said, "a packet that leaves: not by wide\n"));
    assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=lookup found=in kind=ipsec our-client=10.1.0.0/24 "
                     "peer-client=10.2.0.0/24", id + 1));
    assert_true(has(&w->said, "a packet that comes in for this machine: caught by the policy in, which is of \"net\"\n"));
    assert_int_equal(w->holds, 1);
    keying_kernel_down(&w->k);
    assert_true(has(&w->said, "kernel-sa died before it answered"));
    assert_int_equal(w->holds, 0);
    clear(w);
    assert_null(feed(w, W_P, "whack-explain from=10.1.0.7 to=10.2.0.7"));
    assert_true(has(&w->said, "kernel-sa is not running"));
    assert_int_equal(w->holds, 0);
    world_free(w);
}

/* [W12] A packet for us meets what is asked of packets that come in; and is told of the hosts that matter. */
static void test_packet_of_ours(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    world_listen(w, "10.9.0.1,10.1.0.1");
    assert_null(feed(w, W_P, "whack-explain from=10.9.0.2 to=10.9.0.1"));
    const struct record *r = sent(w, &w->kernel, P_K, V_LOOKUP);
    assert_string_equal(record_text(r, K_WAY), "in");
    uint64_t id = record_number(r, K_ID);
    assert_int_equal(w->holds, 1);
    assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=lookup", id));
    assert_int_equal(w->holds, 0);
    assert_true(has(&w->said, "000 a packet that comes in for this machine: accepted in the clear: no policy of the "
                              "kernel asks for more\n"));
    assert_false(has(&w->said, "that leaves"));
    clear(w);

    assert_null(feed(w, W_P, "whack-explain from=10.9.0.1 to=10.9.0.2"));
    r = sent(w, &w->kernel, P_K, V_LOOKUP);
    assert_string_equal(record_text(r, K_WAY), "out");
    assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=lookup", record_number(r, K_ID)));
    assert_true(has(&w->said, "000 a packet that leaves: in the clear: no policy of the kernel catches it\n"));
    assert_int_equal(w->holds, 0);
    clear(w);

    /* The inner address of the gateway is one of ours, and no other host of IKE is behind the tunnel. */
    assert_null(feed(w, W_P, "whack-explain from=10.1.0.1 to=10.2.0.1"));
    assert_true(has(&w->said, "000 \"net\" is for it: "));
    assert_false(has(&w->said, "first message"));
    world_free(w);
}

/* Feeds the answer to the next question of the kernel's policies; returns its way. */
static const char *kernel_says(struct world *w, const char *what, char way[16])
{
    const struct record *r = sent(w, &w->kernel, P_K, V_LOOKUP);
    assert_non_null(r);
    snprintf(way, 16, "%s", record_text(r, K_WAY));
    assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=lookup %s", record_number(r, K_ID), what));
    return way;
}

/* [W12] No policy, but a default: that decides, and is named, for each direction. */
static void w12_the_kernels_default(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    char way[16];
    (void)state;
    assert_null(feed(w, W_P, "whack-explain from=10.9.0.1 to=10.9.0.2"));
    assert_string_equal(kernel_says(w, "default=block", way), "out");
    assert_true(has(&w->said, "000 a packet that leaves: dropped: no policy of the kernel catches it, and its default for "
                              "out is block (ip xfrm policy getdefault)\n"));
    clear(w);
    assert_null(feed(w, W_P, "whack-explain from=10.9.0.2 to=10.9.0.1"));
    assert_string_equal(kernel_says(w, "default=block", way), "in");
    assert_true(has(&w->said, "for this machine: dropped: no policy of the kernel catches it, and its default for in is "
                              "block (ip xfrm policy getdefault)\n"));
    clear(w);
    assert_null(feed(w, W_P, "whack-explain from=10.9.0.1 to=10.9.0.2"));
    (void)kernel_says(w, "default=accept", way);
    assert_true(has(&w->said, "in the clear: no policy of the kernel catches it, and its default for out is accept"));
    clear(w);
    assert_null(feed(w, W_P, "whack-explain from=10.77.0.1 to=10.78.0.1")); /* through this machine, perhaps */
    (void)kernel_says(w, "default=accept", way);
    (void)kernel_says(w, "default=accept", way);
    assert_false(has(&w->said, "comes in for this machine"));
    assert_string_equal(kernel_says(w, "default=block", way), "fwd");
    assert_true(has(&w->said, "000 a packet that passes through: dropped: no policy of the kernel catches it, and its "
                              "default for fwd is block"));
    assert_int_equal(w->holds, 0);
    clear(w);
    world_listen(w, "10.9.0.1,10.1.0.1"); /* over the loopback interface, which has no default */
    assert_null(feed(w, W_P, "whack-explain from=10.1.0.1 to=10.9.0.1"));
    (void)kernel_says(w, "default=block", way);
    assert_true(has(&w->said, "a packet that leaves: in the clear: no policy of the kernel catches it\n"));
    world_free(w);
}

/* [W12] Templates that are optional, and policies of type sub. */
static void w12_optional_and_sub(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    char way[16];
    (void)state;
    assert_null(feed(w, W_P, "whack-explain from=10.9.0.1 to=10.9.0.2"));
    (void)kernel_says(w, "found=p kind=ipsec optional=yes beside=q", way);
    assert_true(has(&w->said, "a packet that leaves: in the clear: there is no SA for that policy, which is optional\n"));
    assert_true(has(&w->said, "a packet that leaves: and what the policy q wants, beside that\n"));
    clear(w);
    assert_null(feed(w, W_P, "whack-explain from=10.9.0.2 to=10.9.0.1"));
    (void)kernel_says(w, "found=p kind=ipsec optional=yes", way);
    assert_true(has(&w->said, "accepted in the clear, too, as that policy is optional\n"));
    world_free(w);
}

/* `bad` is an answer, too: whoever waits for it does not wait for ever. */
static void w12_a_question_that_is_not_understood(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, W_P, "whack-explain name=net"));
    const struct record *r = sent(w, &w->s[1], P_S, V_SECRET);
    assert_non_null(r);
    uint64_t id = record_number(r, K_ID);
    assert_int_equal(w->holds, 1);
    assert_null(feed(w, S_P, "bad why=field%%20method:%%20no%%20such%%20word")); /* about nothing that was asked */
    assert_int_equal(w->holds, 1);
    assert_null(feed(w, S_P, "bad id=%" PRIu64 " re=secret why=no%%20such%%20word", id));
    assert_int_equal(w->holds, 0);
    assert_true(has(&w->said, "whether there is a secret is not known: secrets does not understand the question: no such "
                              "word\n"));
    assert_false(has(&w->said, "so it does not come up"));
    assert_null(feed(w, W_P, "whack-explain from=10.9.0.1 to=10.9.0.2"));
    r = sent(w, &w->kernel, P_K, V_LOOKUP);
    assert_int_equal(w->holds, 1);
    assert_null(feed(w, K_P, "bad id=%" PRIu64 " re=lookup why=no", record_number(r, K_ID)));
    assert_int_equal(w->holds, 0);
    assert_true(has(&w->said, "what the kernel does with it is not known: no\n"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_well),
        cmocka_unit_test(test_no_secret),
        cmocka_unit_test(another_worker_answers),
        cmocka_unit_test(test_not_listening_not_oriented),
        cmocka_unit_test(test_weak_algorithms),
        cmocka_unit_test(test_last_failure),
        cmocka_unit_test(test_under_way),
        cmocka_unit_test(test_other_candidates),
        cmocka_unit_test(r2_whose_it_becomes),
        cmocka_unit_test(test_unknown_address),
        cmocka_unit_test(test_packet),
        cmocka_unit_test(test_packet_of_ours),
        cmocka_unit_test(w12_the_kernels_default),
        cmocka_unit_test(w12_optional_and_sub),
        cmocka_unit_test(w12_a_question_that_is_not_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
