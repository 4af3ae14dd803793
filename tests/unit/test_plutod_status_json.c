/* [W12] whack --status --json: what is in the document, and how it is said in pieces. */
#include "test_plutod_negotiations.h"

#include "plutod/xchg.h"

#include <jansson.h>

static void add_connections(struct world *w, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_null(feed(w, W_P, "whack-connection name=c%u left-host=10.9.0.1 right-host=10.8.0.%u "
                         NET_POLICY, i, i + 1));
    }
}

/* So many pieces, and no more. */
static void pieces(struct world *w, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(status_more(&w->k, CLIENT), STATUS_SAID);
    }
}

static json_t *document(struct world *w)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)w->said.data, w->said.len, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        fail_msg("no JSON: line %d: %s: %.*s", error.line, error.text, (int)w->said.len,
                 (const char *)w->said.data);
    }
    buffer_wipe(&w->said);
    return json;
}

static json_t *status_json_of(struct world *w)
{
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status json=yes"));
    return document(w);
}

static const json_t *at(const json_t *array, size_t place, const char *key)
{
    const json_t *value = json_object_get(json_array_get(array, place), key);
    if (value == NULL) {
        fail_msg("no %s at %zu", key, place);
    }
    return value;
}

#define text_at(array, place, key) json_string_value(at(array, place, key))
#define number_at(array, place, key) json_integer_value(at(array, place, key))

/* Each may be freed while a slow whack has not taken what was before it. */
static void test_what_goes_between_two_pieces(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    add_connections(w, 5);
    for (unsigned i = 0; i < 5; i++) {
        struct conn *c = conn_find(&w->k, (const char[]){ 'c', (char)('0' + i), '\0' });
        struct xchg *x = xchg_new(&w->k, c, false, true);
        assert_non_null(x);
        x->remote = c->peer_host;
        x->local = c->our_host;
    }
    clear(w);
    status_begin(&w->k, CLIENT, true);
    pieces(w, 1 + 2); /* head, c0, c1 */
    ends_and_remove(&w->k, conn_find(&w->k, "c0"), 0, "test"); /* was said */
    ends_and_remove(&w->k, conn_find(&w->k, "c2"), 0, "test"); /* is the next one */
    pieces(w, 1);                                      /* c3 */
    ends_and_remove(&w->k, conn_find(&w->k, "c3"), 0, "test");
    pieces(w, 1 + 1 + 1); /* c4, that there are no more, what is between */
    ends_main(&w->k, xchg_by_serial(&w->k, 2), ENDS_SILENTLY, "test"); /* c1's, the next one */
    shown(w);
    assert_int_equal(w->holds, 0);
    json_t *json = document(w);
    const json_t *conns = json_object_get(json, "connections");
    const json_t *states = json_object_get(json, "states");
    assert_int_equal(json_array_size(conns), 4);
    for (size_t i = 0; i < 4; i++) {
        static const char *const names[] = { "c0", "c1", "c3", "c4" };
        assert_string_equal(text_at(conns, i, "name"), names[i]);
    }
    assert_int_equal(json_array_size(states), 1);
    assert_string_equal(text_at(states, 0, "connection"), "c4");
    json_decref(json);
    /* Whack goes in the midst of it: nothing is said any more. */
    status_begin(&w->k, CLIENT, false);
    pieces(w, 2);
    status_forget(&w->k, CLIENT);
    assert_int_equal(status_more(&w->k, CLIENT), STATUS_NOTHING);
    world_free(w);
}

/* However many SAs there are, kernel-sa has few orders before it that only whack waits for. */
static void test_counters_are_asked_a_few_ahead(void **state)
{
    enum { SAS = 3 * SAMPLES_AHEAD };
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    unsigned asked = 0;
    (void)state;
    for (unsigned i = 1; i < SAS; i++) {
        struct xchg *y = xchg_new(&w->k, conn_find(&w->k, "net"), true, false);
        assert_non_null(y);
        y->up = true;
        y->life = 1000;
    }
    assert_null(feed(w, W_P, "whack-status json=yes"));
    while (w->holds > 0) {
        assert_in_range(w->k.samples, 1, SAMPLES_AHEAD);
        const struct record *r = sent(w, &w->kernel, P_K, V_SAMPLE);
        assert_non_null(r);
        counts(w, record_number(r, K_ID), ++asked, 0);
    }
    assert_int_equal(asked, SAS);
    json_t *json = document(w);
    const json_t *states = json_object_get(json, "states");
    assert_int_equal(json_array_size(states), SAS + 1);
    for (unsigned i = 1; i <= SAS; i++) {
        const json_t *ipsec = at(states, i, "ipsec");
        assert_int_equal(json_integer_value(json_object_get(ipsec, "bytes_in")), i);
        assert_int_equal(json_integer_value(json_object_get(ipsec, "counted_ago")), 0);
    }
    json_decref(json);
    world_free(w);
}

/* ---- what is in it ---- */

static void test_json_of_a_tunnel(void **state)
{
    struct tunnel t = tunnel_up();
    struct world *w = t.w;
    (void)state;
    w->k.now += 100000;
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status json=yes"));
    w->k.now += 2000;
    counts(w, w->k.next_id, 11, 22);
    json_t *json = document(w);
    assert_int_equal(json_integer_value(json_object_get(json, "schema")), 1);
    const json_t *conns = json_object_get(json, "connections");
    assert_string_equal(text_at(conns, 0, "state"), "up");
    assert_string_equal(text_at(conns, 0, "routing"), "erouted");
    assert_true(json_is_true(at(conns, 0, "routed")));
    assert_int_equal(number_at(conns, 0, "eroute_owner"), 2);
    assert_int_equal(number_at(conns, 0, "isakmp_sa"), 1);
    assert_int_equal(number_at(conns, 0, "ipsec_sa"), 2);
    const json_t *peer = at(conns, 0, "peer");
    assert_string_equal(json_string_value(json_object_get(peer, "host")), "10.9.0.2");
    assert_string_equal(json_string_value(json_object_get(peer, "client")), "10.2.0.0/24");
    const json_t *states = json_object_get(json, "states");
    assert_string_equal(text_at(states, 0, "state"), "MAIN_I4");
    assert_string_equal(text_at(states, 0, "algorithms"), "aes256-sha2_256-modp2048");
    assert_string_equal(text_at(states, 0, "peer_id"), "10.9.0.2");
    assert_int_equal(number_at(states, 0, "life_left"), 3600 - 100);
    const json_t *ipsec = at(states, 1, "ipsec");
    assert_string_equal(json_string_value(json_object_get(ipsec, "spi_out")), "0x0000bbbb");
    assert_string_equal(json_string_value(json_object_get(ipsec, "spi_in")), "0x0000aaaa");
    assert_int_equal(json_integer_value(json_object_get(ipsec, "bytes_out")), 22);
    assert_int_equal(json_integer_value(json_object_get(ipsec, "packets_out")), 2);
    const json_t *processes = json_object_get(json, "processes");
    assert_int_equal(number_at(processes, 1, "restarts"), 2);
    assert_int_equal(number_at(processes, 1, "queued"), 300);
    assert_true(json_is_null(at(processes, 2, "pid")));
    assert_int_equal(number_at(processes, 2, "dead_for"), 3);
    json_decref(json);
    world_free(w);
}

static const char *state_of(struct world *w, const char *name)
{
    static char state[20];
    keying_kernel_down(&w->k); /* nobody is to wait for counters */
    json_t *json = status_json_of(w);
    const json_t *conns = json_object_get(json, "connections");
    snprintf(state, sizeof state, "(none)");
    for (size_t i = 0; i < json_array_size(conns); i++) {
        if (strcmp(text_at(conns, i, "name"), name) == 0) {
            snprintf(state, sizeof state, "%s%s", text_at(conns, i, "state"),
                     json_is_true(at(conns, i, "negotiating")) ? " +" : "");
        }
    }
    json_decref(json);
    return state;
}

static void test_json_says_which_are_up(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=road left-host=10.9.0.1 left-nexthop=%%25direct "
                     "right-host=%%25any " NET_POLICY));
    assert_null(feed(w, W_P, "whack-connection name=far left-host=10.7.0.1 right-host=10.7.0.2 "
                     NET_POLICY));
    assert_string_equal(state_of(w, "net"), "down");
    assert_string_equal(state_of(w, "road"), "down");
    assert_string_equal(state_of(w, "far"), "unoriented");
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    assert_string_equal(state_of(w, "net"), "down +");
    (void)main_mode_goes_well(w);
    assert_string_equal(state_of(w, "net"), "half-up +");
    uint64_t y = quick_mode_goes_well(w, 0x1234, true);
    assert_string_equal(state_of(w, "net"), "up");
    ends_quick(&w->k, xchg_find_quick(&w->k, y), ENDS_SILENTLY, 0, "test");
    assert_string_equal(state_of(w, "net"), "half-up");
    (void)main_mode(w, "10.9.0.77", "road", "10.9.0.77");
    assert_string_equal(state_of(w, "road[1]"), "half-up");
    assert_string_equal(state_of(w, "road"), "down");
    world_free(w);
}

/* Whatever a name or a record holds, the document is JSON, and all ASCII; bytes stand as in the log. */
static void test_json_escapes(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, NET NET_POLICY " left-updown=/x%%20\"\\%%C3%%BC%%FF right-id=@a%%25C3%%25BCb"));
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    assert_null(feed(w, N_P, "notified exchange=%" PRIu64 " notification=24 protected=no "
                     "text=\"%%0A%%FF", x));
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status json=yes"));
    for (size_t i = 0; i < w->said.len; i++) {
        assert_true((w->said.data[i] >= ' ' && w->said.data[i] <= '~') || w->said.data[i] == '\n');
    }
    json_t *json = document(w);
    const json_t *conns = json_object_get(json, "connections");
    const json_t *ours = at(conns, 0, "ours");
    const json_t *peer = at(conns, 0, "peer");
    assert_string_equal(json_string_value(json_object_get(ours, "updown")),
                        "/x \"\\134\\303\\274\\377");
    assert_string_equal(json_string_value(json_object_get(peer, "id")), "@a%C3%BCb");
    const json_t *states = json_object_get(json, "states");
    assert_non_null(strstr(text_at(states, 0, "notified"), "\"\\012\\377"));
    json_decref(json);
    world_free(w);
}

static json_int_t counter(struct world *w, const char *group, const char *name)
{
    json_t *json = status_json_of(w);
    const json_t *of = json_object_get(json_object_get(json_object_get(json, "counters"), group), name);
    assert_non_null(of);
    json_int_t value = json_integer_value(of);
    json_decref(json);
    return value;
}

/* Somebody is asked for a passphrase (%prompt), or nobody is. */
static void w12_a_question_that_is_open(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, "whack-status"));
    assert_false(has(&w->said, "question"));
    json_t *json = NULL;
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status json=yes"));
    json = document(w);
    assert_true(json_is_null(json_object_get(json, "question")));
    json_decref(json);
    w->asks = true;
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status"));
    assert_true(has(&w->said, "000 question 327681 is open for 4s: passphrase of the RSA key file /etc/ipsec.d/private/east "
                              "key.pem, asked for at the terminal of whack --listen; 1 typed before was wrong\n"));
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status json=yes"));
    json = document(w);
    const json_t *question = json_object_get(json, "question");
    assert_int_equal(json_integer_value(json_object_get(question, "number")), 327681);
    assert_int_equal(json_integer_value(json_object_get(question, "open_for")), 4);
    assert_int_equal(json_integer_value(json_object_get(question, "wrong")), 1);
    assert_string_equal(json_string_value(json_object_get(question, "file")), "/etc/ipsec.d/private/east key.pem");
    json_decref(json);
    world_free(w);
}

static void test_counters(void **state)
{
    struct world *w = net_that_is_known();
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        static const unsigned codes[] = { 31, 214, 230 };
        assert_null(feed(w, W_P, "whack-initiate name=net"));
        uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
        assert_null(feed(w, N_P, "retransmitted exchange=%" PRIu64 " attempt=2 wait=20", x));
        assert_null(feed(w, N_P, "failed exchange=%" PRIu64 " code=%u why=x", x, codes[i]));
    }
    assert_null(feed(w, N_P, "ignored flaw=wrong-hash times=7"));
    assert_null(feed(w, N_P, "ignored flaw=wrong-hash times=2"));
    assert_null(feed(w, N_P, "first id=1 local=10.9.0.1 local-port=500 remote=10.9.9.9 remote-port=500"));
    assert_int_equal(counter(w, "negotiations", "begun_by_us"), 6);
    assert_int_equal(counter(w, "failed", "no_answer"), 1);
    assert_int_equal(counter(w, "failed", "no_proposal_chosen"), 1);
    assert_int_equal(counter(w, "failed", "other_notification"), 1);
    assert_int_equal(counter(w, "failed", "with_its_main_mode"), 3);
    assert_int_equal(counter(w, "failed", "no_connection"), 1);
    assert_int_equal(counter(w, "messages", "retransmissions"), 3);
    assert_int_equal(counter(w, "ignored", "wrong_hash"), 9);
    assert_true(status_says(w, "000 counted, ignored messages: wrong-hash 9\n"));
    assert_true(has(&w->said, "000 counted, messages: retransmissions 3\n"));
    assert_true(has(&w->said, "000 \"net\":   failed last 0s ago: x\n"));
    json_t *json = status_json_of(w);
    const json_t *failure = at(json_object_get(json, "connections"), 0, "last_failure");
    assert_string_equal(json_string_value(json_object_get(failure, "why")), "x");
    json_decref(json);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_goes_between_two_pieces),
        cmocka_unit_test(test_counters_are_asked_a_few_ahead),
        cmocka_unit_test(test_json_of_a_tunnel),
        cmocka_unit_test(test_json_says_which_are_up),
        cmocka_unit_test(test_json_escapes),
        cmocka_unit_test(test_counters),
        cmocka_unit_test(w12_a_question_that_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
