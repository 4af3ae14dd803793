/* What the log says about whom: prefixes [P5], whose own file a line goes to [P6], debug classes [P9]. */
#include "test_plutod_negotiations.h"

#include "lab.h"

#define OTHER "whack-connection name=other left-host=10.9.0.1 right-host=10.9.0.3 policy=psk,encrypt"

static uint64_t begin(struct world *w, const char *name)
{
    assert_null(feed(w, W_P, "whack-initiate name=%s asynchronous=yes", name));
    const struct record *r = sent(w, &w->n, P_N, V_INITIATE);
    assert_non_null(r);
    return record_number(r, K_EXCHANGE);
}

static bool is_in_file_of(const struct world *w, const char *peer)
{
    struct address a = { 0 };
    if (peer != NULL) {
        assert_null(address_parse(&a, peer));
    }
    return memcmp(&w->log_peer, &a, sizeof a) == 0;
}

static void test_prefixes(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-client=10.1.0.0/24 "
                     "right-host=%%25any left-nexthop=%%25direct " NET_POLICY));
    assert_null(feed(w, W_P, NET NET_POLICY));
    uint64_t x = begin(w, "net");
    assert_null(feed(w, N_P, "log level=info text=hello exchange=%" PRIu64, x));
    assert_true(has(&w->log, "\"net\" 10.9.0.2 #1: hello\n"));
    x = main_mode(w, "10.9.0.7", "road", "@traveller");
    assert_null(feed(w, N_P, "log level=info text=hello exchange=%" PRIu64, x));
    assert_true(has(&w->log, "\"road\"[1] 10.9.0.7 #3: hello\n"));
    assert_null(feed(w, N_P, "log level=info text=hello remote=10.9.0.8 remote-port=4711"));
    assert_true(has(&w->log, "packet from 10.9.0.8:4711: hello\n"));
    x = first(w, "10.9.0.9"); /* nothing is known of it but where it comes from */
    assert_null(feed(w, N_P, "log level=info text=hello exchange=%" PRIu64, x));
    assert_true(has(&w->log, "packet from 10.9.0.9:500: hello\n"));
    world_free(w);
}

/* Whom no connection names, and who has not proved himself, makes no file. */
static void test_who_has_a_file(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-client=10.1.0.0/24 "
                     "right-host=%%25any left-nexthop=%%25direct " NET_POLICY));
    assert_null(feed(w, W_P, NET NET_POLICY));
    assert_true(is_in_file_of(w, "10.9.0.2")); /* "added connection description" */
    assert_null(feed(w, N_P, "log level=info text=hello remote=10.9.0.2 remote-port=4711"));
    assert_true(is_in_file_of(w, "10.9.0.2"));
    assert_null(feed(w, N_P, "log level=info text=hello remote=10.9.0.7 remote-port=500"));
    assert_true(is_in_file_of(w, NULL));
    uint64_t x = first(w, "10.9.0.7");
    chosen(w, x, "road");
    assert_null(feed(w, N_P, "log level=info text=hello exchange=%" PRIu64, x));
    assert_true(is_in_file_of(w, NULL));
    authenticated(w, x, "road", "@traveller", "yes");
    assert_null(up(w, x));
    assert_true(is_in_file_of(w, "10.9.0.7"));
    assert_null(feed(w, N_P, "log level=info text=hello remote=10.9.0.7 remote-port=500"));
    assert_true(is_in_file_of(w, "10.9.0.7"));
    world_free(w);
}

static bool debug_line(struct world *w, uint64_t x, const char *class)
{
    buffer_wipe(&w->log);
    assert_null(feed(w, N_P, "log level=debug text=hello classes=%s exchange=%" PRIu64, class, x));
    return w->log.len > 0;
}

static bool debug_packet(struct world *w, const char *remote)
{
    buffer_wipe(&w->log);
    assert_null(feed(w, N_P, "log level=debug text=hello classes=control remote=%s remote-port=500",
                     remote));
    return w->log.len > 0;
}

static void test_classes_of_one_connection(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    assert_null(feed(w, W_P, OTHER));
    clear(w);
    assert_null(feed(w, W_P, "whack-debug classes=control,private name=net"));
    assert_string_equal(record_text(sent(w, &w->n, P_N, V_DEBUG), K_CLASSES), "control");
    assert_string_equal(record_text(sent(w, &w->kernel, P_K, V_DEBUG), K_CLASSES), "control");
    assert_string_equal(record_text(sent(w, &w->s[1], P_S, V_DEBUG), K_CLASSES), "control");
    uint64_t net = begin(w, "net");
    uint64_t other = begin(w, "other");
    assert_string_equal(record_text(sent(w, &w->s[1], P_S, V_ANNOUNCE), K_CLASSES), "control,private");
    assert_string_equal(record_text(sent(w, &w->s[1], P_S, V_ANNOUNCE_QUICK), K_CLASSES),
                        "control,private");
    assert_false(record_has(sent(w, &w->s[1], P_S, V_ANNOUNCE), K_CLASSES));
    assert_true(debug_line(w, net, "control"));
    assert_true(debug_line(w, net, "raw,control"));
    assert_false(debug_line(w, net, "raw"));
    assert_false(debug_line(w, other, "control"));
    assert_true(debug_packet(w, "10.9.0.2"));
    assert_false(debug_packet(w, "10.9.0.3"));
    assert_false(debug_packet(w, "10.9.0.4"));

    assert_null(feed(w, W_P, "whack-debug classes=raw")); /* added to, not replaced */
    assert_true(debug_line(w, net, "raw"));
    assert_true(debug_line(w, net, "control"));
    assert_true(debug_line(w, other, "raw"));
    assert_false(debug_line(w, other, "control"));
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status"));
    assert_true(has(&w->said, "000 debug raw\n"));
    assert_true(has(&w->said, "000 \"net\":   debug control,private\n"));

    assert_null(feed(w, W_P, "whack-debug classes=private"));
    assert_string_equal(record_text(sent(w, &w->s[1], P_S, V_DEBUG), K_CLASSES), "raw,control");
    assert_string_equal(record_text(sent(w, &w->s[1], P_S, V_DEBUG), K_CLASSES), "control,private");
    assert_null(feed(w, W_P, "whack-delete name=net"));
    assert_null(feed(w, W_P, "whack-debug classes="));
    assert_false(debug_line(w, other, "control"));
    world_free(w);
}

/* Before it is known whose negotiation it is, it may be that connection's. */
static void test_classes_of_a_template(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-client=10.1.0.0/24 "
                     "right-host=%%25any left-nexthop=%%25direct " NET_POLICY));
    assert_null(feed(w, W_P, NET NET_POLICY));
    assert_null(feed(w, W_P, "whack-debug classes=control name=road"));
    uint64_t x = first(w, "10.9.0.7");
    assert_true(debug_line(w, x, "control"));
    chosen(w, x, "road");
    authenticated(w, x, "road", "@traveller", "yes");
    assert_null(up(w, x));
    assert_true(debug_line(w, x, "control")); /* of the instance */
    x = main_mode(w, "10.9.0.2", "net", "10.9.0.2");
    assert_false(debug_line(w, x, "control"));
    world_free(w);
}

/* All tools together: keys are told for the connection that they were asked for, and no other. */
static void test_keys_of_one_connection(void **state)
{
    struct lab *l = lab_new(NULL);
    (void)state;
    lab_whack(l, 0, "whack-connection name=other left-host=10.9.0.1 left-client=10.1.0.0/24 "
              "right-host=10.9.0.3 right-client=10.3.0.0/24 " LAB_CHEAP);
    lab_whack(l, 2, "whack-connection name=other left-host=10.9.0.1 left-client=10.1.0.0/24 "
              "right-host=10.9.0.3 right-client=10.3.0.0/24 " LAB_CHEAP);
    lab_whack(l, 0, "whack-debug classes=private,control name=other");
    lab_initiate(l, 0);
    lab_settle(l);
    assert_true(lab_up(l));
    assert_false(lab_logged(l, 0, "SKEYID"));
    assert_false(lab_logged(l, 0, "state MAIN_I1"));
    lab_whack(l, 0, "whack-initiate name=other");
    lab_settle(l);
    assert_true(lab_logged(l, 0, "\"other\" 10.9.0.3 #3: SKEYID_d "));
    assert_true(lab_logged(l, 0, "\"other\" 10.9.0.3 #3: state MAIN_I1"));
    assert_true(lab_logged(l, 0, "\"other\" 10.9.0.3 #3: keys: ok"));
    assert_false(lab_logged(l, 2, "SKEYID"));
    lab_forget_log(l);
    lab_whack(l, 0, "whack-debug classes=crypt,control");
    lab_whack(l, 0, "whack-debug classes= name=other");
    lab_whack(l, 0, "whack-terminate name=other");
    lab_whack(l, 0, "whack-initiate name=other");
    lab_settle(l);
    assert_true(lab_logged(l, 0, "with the secret of lab:1"));
    assert_false(lab_logged(l, 0, "SKEYID"));
    lab_free(l);
}

/* What is on the wire, and what is in it. */
static void test_messages(void **state)
{
    struct lab *l = lab_new(NULL);
    (void)state;
    lab_whack(l, 0, "whack-debug classes=raw,emitting");
    lab_whack(l, 1, "whack-debug classes=parsing");
    lab_initiate(l, 0);
    lab_settle(l);
    assert_true(lab_logged(l, 0, "\"net\" 10.9.0.2 #1: sent to 10.9.0.2:500, "));
    assert_true(lab_logged(l, 0, "packet from 10.9.0.2:500: received from 10.9.0.2:500, "));
    assert_int_equal(lab_count(&l->host[0].log, "ISAKMP 1.0, cookies"), 5); /* 1, 3 and 5; 1 and 3 */
    assert_int_equal(lab_count(&l->host[1].log, "ISAKMP 1.0, cookies"), 5);
    assert_int_equal(lab_count(&l->host[1].log, "received from "), 0);
    lab_free(l);
}

/* The class alone shows what is encrypted and decrypted, and how; no key with it. */
static void p9_encryption_of_messages(void **state)
{
    static const char *const lines[] = {
        "\"net\" 10.9.0.2 #1: encrypted by aes128, IV ", "\"net\" 10.9.0.2 #1: decrypted by aes128, IV ",
        "\"net\" 10.9.0.2 #2: encrypted by aes128, IV ", "\"net\" 10.9.0.2 #2: decrypted by aes128, IV ",
    };
    struct lab *l = lab_new(NULL);
    (void)state;
    lab_whack(l, 0, "whack-debug classes=crypt");
    lab_initiate(l, 0);
    lab_settle(l);
    assert_true(lab_up(l));
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (!lab_logged(l, 0, lines[i])) {
            fail_msg("no line %s", lines[i]);
        }
    }
    /* Message 5: our identity is in what was encrypted. */
    assert_true(lab_logged(l, 0, " bytes: 0800000c010000000a090001"));
    assert_false(lab_logged(l, 0, "SKEYID"));
    assert_false(lab_logged(l, 0, "ISAKMP 1.0, cookies"));
    assert_false(lab_logged(l, 0, "sent to "));
    assert_int_equal(lab_count(&l->host[1].log, "crypted by"), 0);
    lab_whack(l, 0, "whack-debug classes=");
    lab_forget_log(l);
    lab_whack(l, 0, "whack-terminate name=net");
    lab_settle(l);
    assert_false(lab_logged(l, 0, "crypted by"));
    lab_free(l);
}

/* [P5] What was agreed on stands in the log, behind who it is; a traveller has an address from his first message on. */
static void p5_what_was_agreed(void **state)
{
    static const char *const lines[2][2] = {
        { "\"net\" 10.9.0.2 #1: STATE_MAIN_I4: ISAKMP SA established as initiator: aes128-sha1-curve25519, peer 10.9.0.2 "
          "by preshared secret, life 10800s\n",
          "\"net\" 10.9.0.2 #2: STATE_QUICK_I2: sent QI2, IPsec SA established as initiator: ESP aes128-sha1, tunnel "
          "mode, SPI " },
        { "\"net\" 10.9.0.1 #1: STATE_MAIN_R3: sent MR3, ISAKMP SA established as responder: aes128-sha1-curve25519, "
          "peer 10.9.0.1 by preshared secret, life 10800s\n",
          "\"net\" 10.9.0.1 #2: STATE_QUICK_R2: IPsec SA established as responder: ESP aes128-sha1, tunnel mode, SPI " },
    };
    struct lab *l = lab_new(NULL);
    (void)state;
    lab_initiate(l, 0);
    lab_settle(l);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(lab_logged(l, i, lines[i][0]));
        assert_true(lab_logged(l, i, lines[i][1]));
        assert_true(lab_logged(l, i, i == 0 ? " out, 10.1.0.0/24 to 10.2.0.0/24, life 3600s, under #1\n"
                                            : " out, 10.2.0.0/24 to 10.1.0.0/24, life 3600s, under #1\n"));
    }
    lab_free(l);

    struct world *w = world_new("10.9.0.1");
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-client=10.1.0.0/24 "
                     "right-host=%%25any left-nexthop=%%25direct " NET_POLICY));
    uint64_t x = first(w, "10.9.0.7");
    chosen(w, x, "road");
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_R1", x));
    assert_true(has(&w->log, "\"road\" 10.9.0.7 #1: STATE_MAIN_R1: "));
    (void)first(w, "10.9.0.8");
    assert_null(feed(w, W_P, "whack-status"));
    shown(w);
    assert_true(has(&w->said, "000 #1: \"road\" 10.9.0.7 STATE_MAIN_R1 ("));
    assert_true(has(&w->said, "000 #2: (no connection yet) 10.9.0.8 STATE_MAIN_R0 ("));
    world_free(w);
}

static void all_logged(const struct world *w, const char *const texts[], size_t count, bool there)
{
    for (size_t i = 0; i < count; i++) {
        if (has(&w->log, texts[i]) != there) {
            fail_msg("%s: %s\n%.*s", there ? "not there" : "there", texts[i], (int)w->log.len, w->log.data);
        }
    }
}

/* [P9] lifecycle: connections, instances, negotiations and SAs come and go. */
static void p9_lifecycle(void **state)
{
    static const char *const texts[] = {
        "\"net\" 10.9.0.2: is known, as reqid ",
        "\"net\" 10.9.0.2 #1: Main Mode begins, as initiator; now there are 1 exchanges\n",
        "\"net\" 10.9.0.2 #2: Quick Mode begins, as initiator; now there are 2 exchanges\n",
        "\"net\" 10.9.0.2 #1: Main Mode has made its SA, after 0 s\n",
        "\"net\" 10.9.0.2 #2: Quick Mode has made its SA, after 0 s\n",
        "\"net\" 10.9.0.2 #2: the IPsec SA is over, 5 s after it came up; now there are 1 exchanges\n",
        "\"net\" 10.9.0.2 #1: the ISAKMP SA is over, 5 s after it came up; now there are 0 exchanges\n",
        "\"net\" 10.9.0.2: is known no more; now there are 0\n",
    };
    (void)state;
    for (int debug = 1; debug >= 0; debug--) {
        struct world *w = world_new("10.9.0.1");
        assert_null(feed(w, W_P, "whack-debug classes=%s", debug ? "lifecycle" : "crypt,control,kernel"));
        assert_null(feed(w, W_P, NET NET_POLICY));
        assert_null(feed(w, W_P, "whack-initiate name=net"));
        (void)main_mode_goes_well(w);
        (void)quick_mode_goes_well(w, 0x1234, true);
        w->k.now += 5000;
        assert_null(feed(w, W_P, "whack-delete name=net"));
        all_logged(w, texts, sizeof texts / sizeof texts[0], debug != 0);
        world_free(w);
    }
}

/* [P9] control: why it is this connection; instances' lifecycle beside it. */
static void p9_decisions_about_a_road_warrior(void **state)
{
    static const char *const texts[] = {
        "\"road\": candidate 1 of 2 for #1, by its hosts, in the order of adding: the first that the offer satisfies",
        "\"other\": candidate 2 of 2 for #1, ",
        "\"road\"[1] 10.9.0.7: is made of \"road\", as reqid ",
        "\"road\"[1] 10.9.0.7 #1: the peer proved to be @seven by preshared secret, and goes on as this connection, "
        "which expects @seven\n",
        "\"road\"[1] 10.9.0.7 #2: of those with this peer's identity it is the one for 10.1.0.0/24 (ours) and "
        "10.9.0.7/32 that leaves the peer's address open: it is an instance of that one\n",
        "\"road\"[1] 10.9.0.7: is known no more: an instance without exchanges; now there are 2\n",
    };
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, "whack-debug classes=control,lifecycle"));
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-client=10.1.0.0/24 "
                     "right-host=%%25any left-nexthop=%%25direct " NET_POLICY));
    assert_null(feed(w, W_P, "whack-connection name=other left-host=10.9.0.1 left-client=10.4.0.0/24 "
                     "right-host=%%25any right-id=@other left-nexthop=%%25direct ike=aes128-sha2_256-modp2048 "
                     NET_POLICY));
    uint64_t x = main_mode(w, "10.9.0.7", "road", "@seven");
    (void)quick_ask(w, x, "10.1.0.0/24", "10.9.0.7/32");
    assert_null(feed(w, W_P, "whack-terminate name=road"));
    all_logged(w, texts, sizeof texts / sizeof texts[0], true);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(p5_what_was_agreed),
        cmocka_unit_test(test_who_has_a_file),
        cmocka_unit_test(test_classes_of_one_connection),
        cmocka_unit_test(test_classes_of_a_template),
        cmocka_unit_test(test_keys_of_one_connection),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(p9_encryption_of_messages),
        cmocka_unit_test(p9_lifecycle),
        cmocka_unit_test(p9_decisions_about_a_road_warrior),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
