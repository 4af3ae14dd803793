/* plutod's core: whom a peer may be, and connections and workers that go while that is found out. */
#include "test_plutod_negotiations.h"

#include "plutod/name.h"

#define EAST "whack-connection name=east left-host=10.9.0.1 left-client=10.1.0.0/24 " \
             "right-host=10.9.0.2 right-id=@east right-client=10.3.0.0/24 " NET_POLICY
#define ROAD "whack-connection name=road left-host=10.9.0.1 left-nexthop=%%25direct " \
             "right-host=%%25any policy=psk,encrypt"

/* Another connection, by which this machine is called @gate. */
#define GATE "whack-connection name=gate left-host=10.9.0.1 left-id=@gate right-host=10.9.0.77 " \
             "policy=psk,encrypt"

/* [F17]: what proves it is our own proof, sent back to us as if it were a road warrior's. */
static void test_our_identity_of_another_connection(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, ROAD));
    assert_null(feed(w, W_P, GATE));
    uint64_t x = first(w, "10.9.0.66");
    chosen(w, x, "road");
    authenticated(w, x, "road", "@GATE", "no"); /* names are compared without case */
    assert_null(xchg_find(&w->k, x));
    assert_non_null(sent(w, &w->n, P_N, V_DELETE));
    assert_non_null(sent(w, &w->s[1], P_S, V_FORGET));
    assert_true(has(&w->log, "@GATE, which is an identity of ours"));
    assert_null(conn_find(&w->k, "road[1]"));

    assert_null(feed(w, W_P, "whack-delete name=gate")); /* from now on somebody else's */
    x = first(w, "10.9.0.66");
    chosen(w, x, "road");
    authenticated(w, x, "road", "@gate", "no");
    assert_non_null(xchg_find(&w->k, x));
    world_free(w);
}

static void test_our_identity_when_we_begin(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=net left-host=10.9.0.1 right-host=10.9.0.2 "
                     "right-id=@gate policy=psk,encrypt keyingtries=1"));
    assert_null(feed(w, W_P, GATE));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    authenticated(w, x, "net", "@gate", "yes");
    assert_null(xchg_find(&w->k, x));
    assert_true(has(&w->said, "027 "));
    assert_int_equal(w->holds, 0);
    world_free(w);
}

/* An ISAKMP SA stands already with a peer whose name becomes ours. */
static void test_our_identity_later(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=net left-host=10.9.0.1 left-client=10.1.0.0/24 "
                     "right-host=10.9.0.2 right-id=@gate right-client=10.2.0.0/24 " NET_POLICY));
    uint64_t x = main_mode(w, "10.9.0.2", "net", "@gate");
    assert_null(feed(w, W_P, GATE));
    assert_null(feed(w, N_P, "quick-ask id=9 parent=%" PRIu64 " our-client=10.1.0.0/24 "
                     "peer-client=10.2.0.0/24", x));
    assert_non_null(sent(w, &w->n, P_N, V_FAIL));
    assert_null(sent(w, &w->kernel, P_K, V_PERMIT));
    world_free(w);
}

/* Two spellings of one name, among many others: whose it is does not hang on where they are kept. */
static void test_our_identity_spelled_otherwise(void **state)
{
    static const char *const ours[] = { "@gate", "@GATE", "@gATe" };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct world *w = world_new("10.9.0.1");
        for (size_t n = 0; n < 40; n++) {
            assert_null(feed(w, W_P, "whack-connection name=c%zu left-host=10.9.0.1 left-id=@o%zu "
                             "right-host=10.9.1.%zu right-id=%s policy=psk,encrypt", n, n % 7, n + 1,
                             n % 2 == 0 ? "@Gate" : "@gAtE"));
        }
        struct identity id;
        assert_null(identity_parse(&id, "@GaTe"));
        assert_false(name_is_ours(&w->k, &id));
        assert_null(feed(w, W_P, "whack-connection name=gate left-host=10.9.0.1 left-id=%s "
                         "right-host=10.9.0.77 policy=psk,encrypt", ours[i]));
        assert_true(name_is_ours(&w->k, &id));
        assert_null(feed(w, W_P, "whack-delete name=gate"));
        assert_false(name_is_ours(&w->k, &id));
        world_free(w);
    }
}

/* A name that is the same however many blanks it has; as a word of a record, where a % begins an escape. */
static void name_with_blanks(int blanks, struct identity *id, char word[3 * IDENTITY_TEXT])
{
    char text[IDENTITY_TEXT];
    (void)snprintf(text, sizeof text, "CN=a%*s gate", blanks, "");
    assert_null(identity_parse(id, text));
    identity_print(id, text);
    for (const char *from = text; *from != '\0'; from++) {
        *word++ = *from;
        if (*from == '%') {
            *word++ = '2';
            *word++ = '5';
        }
    }
    *word = '\0';
}

/* Each spelling of a distinguished name may have a length of its own. */
static void test_our_distinguished_name_spelled_otherwise(void **state)
{
    static const int blanks[] = { 120, 1, 60, 0, 200, 2 };
    const size_t count = sizeof blanks / sizeof blanks[0];
    char word[3 * IDENTITY_TEXT];
    struct identity id;
    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct world *w = world_new("10.9.0.1");
        for (size_t n = 0; n < count; n++) {
            name_with_blanks(blanks[(i + n) % count], &id, word);
            assert_null(feed(w, W_P, "whack-connection name=c%zu left-host=10.9.0.1 %s=%s right-host=10.9.1.%zu "
                             "policy=psk,encrypt", n, n == 0 ? "left-id" : "left-id=@x right-id", word, n + 1));
        }
        assert_null(identity_parse(&id, "CN=A    Gate"));
        assert_true(name_is_ours(&w->k, &id));
        assert_null(feed(w, W_P, "whack-delete name=c0"));
        assert_false(name_is_ours(&w->k, &id));
        world_free(w);
    }
}

/* The same identity goes to the peer as it was spelled last. */
static void test_myid_spelled_otherwise(void **state)
{
    static const int blanks[] = { 200, 0, 60 };
    struct world *w = world_new("10.9.0.1");
    (void)state;
    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++) {
        char word[3 * IDENTITY_TEXT];
        struct identity id;
        name_with_blanks(blanks[i], &id, word);
        assert_null(feed(w, W_P, "whack-myid myid=%s", word));
        if (i == 0) {
            assert_null(feed(w, W_P, "whack-connection name=net left-host=10.9.0.1 left-id=%%25myid right-host=10.9.0.2 "
                             "policy=psk,encrypt"));
        }
        const struct identity *ours = conn_find(&w->k, "net")->our_id;
        assert_int_equal(ours->len, id.len);
        assert_memory_equal(ours->bytes, id.bytes, id.len);
    }
    world_free(w);
}

/* No instance can be made (here: its name is taken): the negotiation ends, and says why. */
static void test_no_instance(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, ROAD));
    (void)main_mode(w, "192.0.2.7", "road", "192.0.2.7");
    conn_find(&w->k, "road")->next_instance = 0;
    uint64_t x = first(w, "192.0.2.8");
    chosen(w, x, "road");
    authenticated(w, x, "road", "192.0.2.8", "yes");
    assert_null(xchg_find(&w->k, x));
    assert_true(has(&w->log, "no memory for an instance"));
    assert_non_null(sent(w, &w->n, P_N, V_DELETE));

    conn_find(&w->k, "road")->next_instance = 0;
    x = first(w, "192.0.2.9");
    chosen(w, x, "road");
    authenticated(w, x, "road", "@me", "no");
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_null(feed(w, S_P, "ok id=%" PRIu64 " re=accept", w->k.next_id));
    assert_null(xchg_find(&w->k, x));
    world_free(w);
}

/* secrets is asked about @east; what it is asked. */
static uint64_t identity_is_asked_about(struct world *w)
{
    assert_null(feed(w, W_P, NET NET_POLICY));
    assert_null(feed(w, W_P, EAST));
    uint64_t x = first(w, "10.9.0.2");
    chosen(w, x, "net");
    authenticated(w, x, "net", "@east", "no");
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_non_null(sent(w, &w->s[1], P_S, V_ACCEPT));
    return x;
}

/* What secrets accepted was another connection of that name, which expected somebody else. */
static void test_another_of_the_same_name(void **state)
{
    struct world *w = world_new("10.9.0.1");
    uint64_t x = identity_is_asked_about(w);
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=east left-host=10.9.0.1 left-client=10.1.0.0/24 "
                     "right-host=10.9.0.2 right-id=@somebody right-client=10.3.0.0/24 "
                     NET_POLICY " replace=yes"));
    assert_null(feed(w, S_P, "ok id=%" PRIu64 " re=accept", w->k.next_id));
    const struct record *r = sent(w, &w->n, P_N, V_FAIL);
    assert_non_null(r);
    assert_false(xchg_find_main(&w->k, x)->matched);
    assert_non_null(strstr(record_text(r, K_WHY), "not as \"east\": it was deleted meanwhile"));
    world_free(w);
}

/* The same between the first message and the choice: it is not the negotiator's fault. */
static void test_candidate_of_the_same_name(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    uint64_t x = first(w, "10.9.0.2");
    assert_null(feed(w, W_P, NET NET_POLICY " right-id=@other replace=yes"));
    chosen(w, x, "net");
    assert_null(xchg_find(&w->k, x));
    x = first(w, "10.9.0.2");
    authenticated(w, x, "net", "@other", "yes");
    assert_null(up(w, x));

    x = first(w, "10.9.0.2");
    assert_null(feed(w, W_P, NET NET_POLICY " replace=yes"));
    authenticated(w, x, "net", "@other", "yes");
    assert_null(xchg_find(&w->k, x));
    world_free(w);
}

static const char *worker_says(struct world *w, uint32_t worker, const char *text)
{
    const char *why = "no reason given";
    const struct record *r = world_parse(w, S_P, text, strlen(text));
    return keying_from_secrets(&w->k, worker, r, &why) ? NULL : why;
}

/* [F17] only the worker that was asked may answer; with its death the question ends. */
static void test_answer_of_another_worker(void **state)
{
    struct world *w = world_new("10.9.0.1");
    uint64_t x = identity_is_asked_about(w);
    (void)state;
    assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    assert_non_null(worker_says(w, 2, "ok id=1 re=accept"));
    assert_false(xchg_find_main(&w->k, x)->matched);
    assert_true(keying_waits(&w->k, PENDING_ACCEPT));
    keying_worker_down(&w->k, 2);
    assert_true(keying_waits(&w->k, PENDING_ACCEPT));
    keying_worker_down(&w->k, 1);
    assert_false(keying_waits(&w->k, PENDING_ACCEPT));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_our_identity_of_another_connection),
        cmocka_unit_test(test_our_identity_when_we_begin),
        cmocka_unit_test(test_our_identity_later),
        cmocka_unit_test(test_our_identity_spelled_otherwise),
        cmocka_unit_test(test_our_distinguished_name_spelled_otherwise),
        cmocka_unit_test(test_myid_spelled_otherwise),
        cmocka_unit_test(test_no_instance),
        cmocka_unit_test(test_another_of_the_same_name),
        cmocka_unit_test(test_candidate_of_the_same_name),
        cmocka_unit_test(test_answer_of_another_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
