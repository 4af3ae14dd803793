/* The journal of events [W8]: what is in it, of which connection, and how much. */
#include "test_plutod_negotiations.h"

#include "lab.h"
#include "plutod/journal.h"

#include <malloc.h>

#define ROAD "whack-connection name=road left-host=10.9.0.1 left-client=10.1.0.0/24 " \
             "right-host=%%25any left-nexthop=%%25direct " NET_POLICY

static void events(struct world *w, const char *name)
{
    buffer_wipe(&w->said);
    if (name == NULL) {
        assert_null(feed(w, W_P, "whack-events"));
    } else {
        assert_null(feed(w, W_P, "whack-events name=%s", name));
    }
    buffer_add_u8(&w->said, 0); /* printable */
    buffer_truncate(&w->said, w->said.len - 1);
}

static void test_a_tunnel(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, W_P, "whack-terminate name=net"));
    events(w, "net");
    static const char *const lines[] = {
        "\"net\" 10.9.0.2 #1: we begin Main Mode\n",
        "\"net\" 10.9.0.2 #2: Quick Mode is to follow Main Mode #1\n",
        "\"net\" 10.9.0.2 #1: STATE_MAIN_I4: ISAKMP SA established as initiator: aes256-sha2_256-modp2048, peer 10.9.0.2 by "
        "preshared secret, life 3600s\n",
        "\"net\" 10.9.0.2 #2: STATE_QUICK_I2: sent QI2, IPsec SA established as initiator: ESP aes256-sha2_256, tunnel mode, SPI 0000aaaa in, "
        "0000bbbb out, 10.1.0.0/24 to 10.2.0.0/24, life 3600s, under #1\n",
        "\"net\" 10.9.0.2 #2: deleting the IPsec SA: whack --terminate\n",
        "\"net\" 10.9.0.2 #1: deleting the ISAKMP SA: whack --terminate\n",
    };
    const char *at = (const char *)w->said.data;
    assert_true(has(&w->said, "000 1970-01-"));
    for (size_t i = 0; i < sizeof lines / sizeof lines[0] && at != NULL; i++) {
        at = memmem(at, w->said.len - (size_t)(at - (const char *)w->said.data), lines[i], strlen(lines[i]));
        if (at == NULL) {
            fail_msg("not there, or not in order: %s%.*s", lines[i], (int)w->said.len, w->said.data);
        }
    }
    events(w, NULL);
    assert_true(has(&w->said, lines[0]));
    events(w, "nosuch");
    assert_true(has(&w->said, "021 no connection named \"nosuch\""));
    world_free(w);
}

/* An instance is gone with its last SA; what happened to it is not. */
static void test_instances(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, ROAD));
    events(w, "road");
    assert_true(has(&w->said, "000 \"road\": nothing has happened yet\n"));
    assert_null(conn_find(&w->k, "road")->journal);
    uint64_t x = main_mode(w, "10.9.0.7", "road", "@traveller");
    assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64, x, x));
    assert_null(conn_find(&w->k, "road[1]"));
    events(w, "road");
    assert_true(has(&w->said, "\"road\"[1] 10.9.0.7 #1: STATE_MAIN_R3: sent MR3, ISAKMP SA established as responder: "));
    assert_true(has(&w->said, "peer @traveller by preshared secret"));
    assert_true(has(&w->said, "\"road\"[1] 10.9.0.7 #1: deleting the ISAKMP SA: the peer deleted the ISAKMP SA "
                              "before anything was negotiated under it: perhaps he does not expect that we are \"10.9.0.1\"\n"));
    /* nobody knows why where he had begun a Quick Mode, or later */
    x = main_mode(w, "10.9.0.7", "road", "@traveller");
    (void)quick_ask(w, x, "10.1.0.0/24", "10.9.0.7/32");
    assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64, x, x));
    events(w, "road");
    assert_true(has(&w->said, " 10.9.0.7 #2: deleting the ISAKMP SA: the peer deleted the ISAKMP SA\n"));
    x = main_mode(w, "10.9.0.7", "road", "@traveller");
    w->k.now += 5000;
    assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64, x, x));
    events(w, "road");
    assert_true(has(&w->said, " 10.9.0.7 #4: deleting the ISAKMP SA: the peer deleted the ISAKMP SA\n"));
    world_free(w);
}

static void test_described_anew_and_deleted(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY " replace=yes"));
    events(w, "net");
    assert_true(has(&w->said, "#1: STATE_MAIN_I4: ISAKMP SA established"));
    assert_true(has(&w->said, "#2: deleting the IPsec SA: it is described anew (whack --delete)\n"));
    assert_true(has(&w->said, "\"net\" 10.9.0.2: added connection description anew\n"));
    keying_note(&w->k, NULL, "between");
    assert_null(feed(w, W_P, "whack-delete name=net"));
    events(w, "net");
    assert_true(has(&w->said, "021 "));
    events(w, NULL);
    assert_true(has(&w->said, "#1: STATE_MAIN_I4: ISAKMP SA established"));
    assert_true(has(&w->said, "between\n"));
    assert_true(has(&w->said, "\"net\" 10.9.0.2: deleting connection: whack --delete\n"));
    world_free(w);
}

/* The oldest go first; strangers push out nobody else's. */
static void test_bounds_of_one(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    struct conn *c = conn_find(&w->k, "net");
    for (unsigned i = 0; i < 2 * JOURNAL_EVENTS; i++) {
        keying_event_conn(&w->k, c, "event %u.", i);
    }
    for (unsigned i = 0; i < 1000; i++) {
        w->k.now += 2 * JOURNAL_CHEAP_REFILL;
        uint64_t x = first(w, "10.9.0.2");
        chosen(w, x, "net");
        assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=31 why=silent", x));
    }
    events(w, "net");
    assert_int_equal(count_of(&w->said, "\n"), JOURNAL_EVENTS);
    assert_int_equal(count_of(&w->said, "silent"), JOURNAL_CHEAP);
    assert_true(has(&w->said, "event 511."));
    assert_true(has(&w->said, "event 320.")); /* 256 - 64 of them */
    assert_false(has(&w->said, "event 319."));
    world_free(w);
}

/* A flood makes few events, too. */
static void test_strangers_are_slow(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        assert_null(feed(w, N_P, "first id=1 local=10.9.0.1 local-port=500 remote=192.0.2.%u "
                         "remote-port=500", i % 250));
    }
    assert_int_equal(w->k.event_count, JOURNAL_CHEAP_AT_ONCE);
    events(w, NULL);
    assert_int_equal(count_of(&w->said, "a first message of Main Mode is refused: no connection is known between "
                                        "10.9.0.1 (ours) and 192.0.2."), JOURNAL_CHEAP);
    world_free(w);
}

/* Ten thousand connections, each with more events than it may have. */
static void test_bounds_of_all(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        assert_null(feed(w, W_P, "whack-connection name=c%u left-host=10.9.0.1 right-host=10.%u.%u.1 policy=psk",
                         i, 10 + i / 250, i % 250));
    }
    assert_null(conn_find(&w->k, "c5000")->journal);
    size_t before = mallinfo2().uordblks;
    for (unsigned n = 0; n < 100; n++) {
        for (struct conn *c = w->k.conns; c != NULL; c = c->hh.next) {
            keying_event_conn(&w->k, c, "event %u of %s, which is about as long as most of them are, say so long.",
                              n, c->name);
        }
        buffer_wipe(&w->log);
    }
    assert_true(w->k.event_bytes <= JOURNAL_BYTES);
    assert_true(w->k.event_bytes > JOURNAL_BYTES - 1000);
    assert_true(mallinfo2().uordblks - before < JOURNAL_BYTES + (4u << 20));
    events(w, "c77");
    assert_true(has(&w->said, "event 99 of c77"));
    assert_false(has(&w->said, "event 2 of c77"));
    world_free(w);
}

/* With all tools: a peer that refuses. */
static void test_in_the_lab(void **state)
{
    struct lab *l = lab_new(NULL);
    (void)state;
    lab_initiate(l, 0);
    lab_settle(l);
    assert_true(lab_up(l));
    for (unsigned i = 0; i < 2; i++) {
        buffer_wipe(&l->host[i].said);
        lab_whack(l, i, "whack-events name=net");
        assert_int_equal(lab_count(&l->host[i].said, "ISAKMP SA established as "), 1);
        assert_int_equal(lab_count(&l->host[i].said, "IPsec SA established as "), 1);
    }
    lab_whack(l, 1, "whack-terminate name=net");
    lab_settle(l);
    buffer_wipe(&l->host[0].said);
    lab_whack(l, 0, "whack-events");
    assert_int_equal(lab_count(&l->host[0].said, "deleting the IPsec SA: the peer deleted the IPsec SA\n"), 1);
    lab_free(l);
}

/* Begins to read; nothing is said yet. */
static void begins_to_read(struct world *w, const char *line)
{
    buffer_wipe(&w->said);
    assert_true(request_take(&w->k, CLIENT, world_parse(w, W_P, line, strlen(line))));
    assert_int_equal(w->said.len, 0);
    assert_int_equal(w->holds, 1);
}

/* [W8] [F22]: events are said one by one, as they are taken; what is dropped or comes meanwhile harms nobody. */
static void w8_events_are_said_as_they_are_taken(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    for (unsigned i = 0; i < JOURNAL_EVENTS; i++) {
        keying_note(&w->k, NULL, "event %u.", i);
    }
    begins_to_read(w, "whack-events");
    assert_int_equal(status_more(&w->k, CLIENT), STATUS_SAID);
    assert_int_equal(count_of(&w->said, "\n"), 1);
    assert_true(has(&w->said, "event 0."));
    for (unsigned i = 0; i < 10; i++) { /* push the next ones out */
        keying_note(&w->k, NULL, "later %u.", i);
    }
    shown(w);
    assert_true(has(&w->said, "event 10."));
    assert_false(has(&w->said, "event 9."));
    assert_true(has(&w->said, "event 255."));
    assert_false(has(&w->said, "later"));
    assert_int_equal(w->holds, 0);

    /* The connection goes, and its events go over to the others. */
    assert_null(feed(w, W_P, NET NET_POLICY));
    for (unsigned i = 0; i < 3; i++) {
        keying_event_conn(&w->k, conn_find(&w->k, "net"), "net's %u.", i);
    }
    begins_to_read(w, "whack-events name=net");
    while (!has(&w->said, "net's 0.")) {
        assert_int_equal(status_more(&w->k, CLIENT), STATUS_SAID);
    }
    static const char delete[] = "whack-delete name=net";
    assert_true(request_take(&w->k, CLIENT, world_parse(w, W_P, delete, sizeof delete - 1)));
    assert_int_equal(status_more(&w->k, CLIENT), STATUS_SAID);
    assert_int_equal(status_more(&w->k, CLIENT), STATUS_NOTHING);
    assert_false(has(&w->said, "later"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tunnel),
        cmocka_unit_test(test_instances),
        cmocka_unit_test(test_described_anew_and_deleted),
        cmocka_unit_test(test_bounds_of_one),
        cmocka_unit_test(test_strangers_are_slow),
        cmocka_unit_test(test_bounds_of_all),
        cmocka_unit_test(test_in_the_lab),
        cmocka_unit_test(w8_events_are_said_as_they_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
