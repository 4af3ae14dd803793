/*
 * F17: what plutod refuses of an ike-negotiate that lies about who the peer is and what was agreed, and of a secrets process that
 * speaks of exchanges which are not its. What else a liar says: test_plutod_lies.c, test_plutod_lies_many.c.
 */
#include "test_plutod_negotiations.h"

#define STRONG "aes256-sha2_256-modp2048"
#define WEAK "3des-md5-modp1024"

static const char waits_for_none[] = "chosen: this exchange waits for no choice";
static const char other_keys[] = "chosen: secrets made keys for another connection or proposal";

static const char *choose(struct world *w, uint64_t x, const char *connection, const char *proposal)
{
    return feed(w, N_P, "chosen exchange=%" PRIu64 " connection=%s proposal=%s", x, connection, proposal);
}

static const char *prove(struct world *w, uint64_t x, const char *connection, const char *peer, const char *matched)
{
    return feed(w, S_P, "authenticated exchange=%" PRIu64 " connection=%s peer=%s method=psk proposal=" STRONG " matched=%s",
                x, connection, peer, matched);
}

/* "net" and "other" fit the peer's address, "far" does not. */
static struct world *three(uint64_t *x)
{
    struct world *w = net_that_is_known();
    assert_null(feed(w, W_P, "whack-connection name=other left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=10.9.0.2 "
                     "right-id=@other right-client=10.4.0.0/24 ike=" STRONG " " NET_POLICY));
    assert_null(feed(w, W_P, "whack-connection name=far left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=10.9.0.9 "
                     "right-client=10.5.0.0/24 " NET_POLICY));
    *x = first(w, "10.9.0.2");
    clear(w);
    return w;
}

static void f17_choices(void **state)
{
    uint64_t x;
    struct world *w = three(&x);
    (void)state;
    assert_string_equal(choose(w, x, "far", STRONG), "chosen: not one of the candidates");
    assert_string_equal(choose(w, x, "nosuch", STRONG), "chosen: not one of the candidates");
    assert_null(choose(w, x, "net", STRONG));
    assert_string_equal(choose(w, x, "net", STRONG), waits_for_none);
    assert_string_equal(choose(w, x, "other", STRONG), waits_for_none);
    assert_string_equal(choose(w, x, "net", WEAK), waits_for_none);
    assert_null(prove(w, x, "net", "10.9.0.2", "yes"));
    assert_null(up(w, x));
    assert_string_equal(choose(w, x, "net", STRONG), waits_for_none); /* it stands */
    assert_null(choose(w, x + 77, "net", STRONG)); /* it has ended, say */
    world_free(w);

    /* One that we began has no candidates. */
    struct tunnel t = tunnel_up();
    assert_string_equal(choose(t.w, t.x, "net", STRONG), waits_for_none);
    world_free(t.w);
}

/* Whichever comes first, the choice or the proof: what secrets made keys for is what counts. */
static void f17_another_choice_than_was_proved(void **state)
{
    uint64_t x;
    struct world *w = three(&x);
    (void)state;
    assert_null(prove(w, x, "net", "10.9.0.2", "yes"));
    assert_string_equal(choose(w, x, "other", STRONG), other_keys);
    world_free(w);
    w = three(&x);
    assert_null(prove(w, x, "net", "10.9.0.2", "yes"));
    assert_string_equal(choose(w, x, "net", WEAK), other_keys);
    world_free(w);
    for (unsigned i = 0; i < 2; i++) {
        w = three(&x);
        assert_null(choose(w, x, i == 0 ? "other" : "net", i == 0 ? STRONG : WEAK));
        assert_null(prove(w, x, "net", "10.9.0.2", "yes"));
        assert_string_equal(up(w, x), "isakmp-up: secrets made keys for another connection or proposal");
        const char *why = feed(w, N_P, "quick-ask id=9 parent=%" PRIu64 " our-client=10.1.0.0/24 peer-client=10.2.0.0/24", x);
        assert_string_equal(why, "quick-ask: another connection or proposal was chosen than secrets made keys for");
        world_free(w);
        w = three(&x);
        assert_null(choose(w, x, i == 0 ? "other" : "net", i == 0 ? STRONG : WEAK));
        assert_null(prove(w, x, "net", "@east", "no"));
        why = feed(w, N_P, "identify id=4 exchange=%" PRIu64, x);
        assert_string_equal(why, "identify: another connection or proposal was chosen than secrets made keys for");
        assert_null(sent(w, &w->s[1], P_S, V_ACCEPT));
        world_free(w);
    }
}

/* Before the peer has proved himself nothing stands and nothing is told of what he may have. */
static void f17_before_the_proof(void **state)
{
    uint64_t x;
    struct world *w = three(&x);
    (void)state;
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_string_equal(record_text(sent(w, &w->n, P_N, V_FAIL), K_WHY), "this exchange has ended");
    assert_null(sent(w, &w->s[1], P_S, V_ACCEPT));
    assert_non_null(up(w, x));
    assert_null(choose(w, x, "net", STRONG));
    assert_string_equal(up(w, x), "an ISAKMP SA that secrets has not reported as authenticated");
    const char *why = feed(w, N_P, "quick-ask id=9 parent=%" PRIu64 " our-client=10.1.0.0/24 peer-client=10.2.0.0/24", x);
    assert_string_equal(why, "quick-ask: under an ISAKMP SA whose peer is not authenticated");
    assert_int_equal(w->kernel.len, 0);
    assert_null(sent(w, &w->s[1], P_S, V_ANNOUNCE_QUICK));
    /* He is another one than was announced, and plutod was not asked yet. */
    assert_null(prove(w, x, "net", "@east", "no"));
    assert_string_equal(up(w, x), "an ISAKMP SA that secrets has not reported as authenticated");
    why = feed(w, N_P, "quick-ask id=9 parent=%" PRIu64 " our-client=10.1.0.0/24 peer-client=10.2.0.0/24", x);
    assert_string_equal(why, "quick-ask: under an ISAKMP SA whose peer is not authenticated");
    world_free(w);
}

static void f17_stands_once(void **state)
{
    uint64_t x;
    struct world *w = net_answers(&x);
    (void)state;
    assert_string_equal(up(w, x), "this ISAKMP SA stands already");
    assert_string_equal(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x), "identify: nothing to ask in this exchange");
    clear(w);
    assert_null(feed(w, N_P, "hint exchange=%" PRIu64 " why=lie", x)); /* nothing is wrong with it */
    assert_int_equal(w->said.len + w->log.len, 0);
    world_free(w);
}

/* Each step forward would be one of the other kind of exchange, or of the other end's. */
static void f17_steps_of_another_kind(void **state)
{
    static const char *const of_main[] = { "MAIN_I1", "MAIN_I2", "MAIN_I3", "MAIN_I4", "MAIN_R1", "MAIN_R2", "MAIN_R3" };
    static const char *const of_quick[] = { "QUICK_I1", "QUICK_I2", "QUICK_R0", "QUICK_R1", "QUICK_R2" };
    struct world *w = net_that_begins();
    (void)state;
    const uint64_t x = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    const uint64_t y = record_number(sent(w, &w->n, P_N, V_QUICK), K_EXCHANGE);
    const uint64_t theirs = first(w, "10.9.0.2");
    clear(w);
    for (size_t i = 0; i < sizeof of_main / sizeof of_main[0]; i++) {
        assert_non_null(feed(w, N_P, "state exchange=%" PRIu64 " state=%s", y, of_main[i]));
        if (of_main[i][5] == 'R') {
            assert_non_null(feed(w, N_P, "state exchange=%" PRIu64 " state=%s", x, of_main[i]));
        } else {
            assert_non_null(feed(w, N_P, "state exchange=%" PRIu64 " state=%s", theirs, of_main[i]));
        }
    }
    for (size_t i = 0; i < sizeof of_quick / sizeof of_quick[0]; i++) {
        assert_non_null(feed(w, N_P, "state exchange=%" PRIu64 " state=%s", x, of_quick[i]));
        assert_non_null(feed(w, N_P, "state exchange=%" PRIu64 " state=%s", theirs, of_quick[i]));
        if (of_quick[i][6] == 'R') {
            assert_non_null(feed(w, N_P, "state exchange=%" PRIu64 " state=%s", y, of_quick[i]));
        }
    }
    assert_int_equal(w->said.len + w->log.len, 0);
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_I1", x));
    world_free(w);
}

/* ---- secrets ---- */

static void f17_authenticated_once(void **state)
{
    uint64_t x;
    struct world *w = three(&x);
    (void)state;
    assert_null(choose(w, x, "net", STRONG));
    assert_null(prove(w, x, "net", "10.9.0.2", "yes"));
    assert_string_equal(prove(w, x, "net", "10.9.0.2", "yes"), "authenticated: twice for one exchange");
    assert_string_equal(prove(w, x, "net", "@else", "yes"), "authenticated: twice for one exchange");
    assert_null(up(w, x));
    assert_non_null(prove(w, x, "other", "10.9.0.2", "yes"));
    assert_string_equal(xchg_find(&w->k, x)->conn->name, "net");
    world_free(w);
}

/* Another worker was not told of it, so it can know nothing about it. */
static void f17_exchanges_of_another_worker(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    assert_null(feed(w, W_P, NET NET_POLICY));
    uint64_t x = first(w, "10.9.0.2");
    const uint32_t own = xchg_find(&w->k, x)->worker;
    assert_null(choose(w, x, "net", STRONG));
    w->worker = 3 - own;
    assert_string_equal(prove(w, x, "net", "10.9.0.2", "yes"), "authenticated: an exchange of another worker");
    assert_false(xchg_find(&w->k, x)->authenticated);
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    uint64_t ours = record_number(sent(w, &w->n, P_N, V_INITIATE), K_EXCHANGE);
    w->worker = 3 - xchg_find(&w->k, ours)->worker;
    const char *why = feed(w, S_P, "failed exchange=%" PRIu64 " code=28 why=lie", ours);
    assert_string_equal(why, "failed: not a negotiation that this worker was told of as ours");
    assert_non_null(xchg_find(&w->k, ours));
    world_free(w);
}

/* It says of what we begin, and only while that is under way, that there is no secret for it. */
static void f17_failed_by_secrets(void **state)
{
    static const char refused[] = "failed: not a negotiation that this worker was told of as ours";
    struct tunnel t = tunnel_up();
    uint64_t x;
    (void)state;
    assert_string_equal(feed(t.w, S_P, "failed exchange=%" PRIu64 " code=28 why=lie", t.x), refused); /* it stands */
    assert_non_null(xchg_find(&t.w->k, t.x));
    assert_null(feed(t.w, S_P, "failed exchange=%" PRIu64 " code=28 why=lie", t.y)); /* no Main Mode: as if unknown */
    assert_non_null(xchg_find(&t.w->k, t.y));
    assert_int_equal(t.w->kernel.len, 0);
    world_free(t.w);
    struct world *w = three(&x);
    assert_string_equal(feed(w, S_P, "failed exchange=%" PRIu64 " code=28 why=lie", x), refused); /* the peer's */
    assert_non_null(xchg_find(&w->k, x));
    world_free(w);
}

/* ---- what the peer ends ---- */

/* Under a Main Mode that is not finished, of the very same peer; and such a one as what is meant. */
static void f17_deletes_of_what_is_half_open(void **state)
{
    struct tunnel t = tunnel_up();
    (void)state;
    const uint64_t half = first(t.w, "10.9.0.2");
    assert_null(choose(t.w, half, "net", STRONG));
    assert_null(prove(t.w, half, "net", "10.9.0.2", "yes"));
    clear(t.w);
    const char *why = feed(t.w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=esp spis=0000bbbb", half);
    assert_string_equal(why, "a Delete under an ISAKMP SA that does not stand");
    why = feed(t.w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64, half, t.x);
    assert_string_equal(why, "a Delete under an ISAKMP SA that does not stand");
    why = feed(t.w, N_P, "responder-lifetime exchange=%" PRIu64 " protocol=esp spi-out=0000bbbb life=1", half);
    assert_string_equal(why, "a RESPONDER-LIFETIME under an ISAKMP SA that does not stand");
    assert_null(feed(t.w, N_P, "initial-contact exchange=%" PRIu64, half));
    assert_non_null(xchg_find(&t.w->k, t.x));
    assert_non_null(xchg_find(&t.w->k, t.y));
    assert_int_equal(t.w->kernel.len, 0);

    assert_null(feed(t.w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64, t.x, half));
    assert_true(has(&t.w->log, "Delete for an ISAKMP SA that is not with this peer: ignored"));
    assert_null(feed(t.w, N_P, "responder-lifetime exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64 " life=1", t.x, half));
    assert_true(has(&t.w->log, "RESPONDER-LIFETIME for an ISAKMP SA that is not with this peer: ignored"));
    pass(t.w, 2000);
    assert_non_null(xchg_find(&t.w->k, half));
    assert_null(up(t.w, half)); /* it goes on */
    world_free(t.w);
}

/* The same identity at another address: what it has there is ended from there. */
static void f17_deletes_from_another_address(void **state)
{
    struct world *w = world_new("10.9.0.1");
    uint64_t x[2];
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_null(feed(w, W_P, "whack-connection name=c%u left-host=10.9.0.1 right-host=10.9.0.%u right-id=@peer "
                         NET_POLICY, i, 2 + i));
        x[i] = main_mode(w, i == 0 ? "10.9.0.2" : "10.9.0.3", i == 0 ? "c0" : "c1", "@peer");
    }
    clear(w);
    assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64, x[0], x[1]));
    assert_true(has(&w->log, "Delete for an ISAKMP SA that is not with this peer: ignored"));
    assert_null(feed(w, N_P, "responder-lifetime exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64 " life=1", x[0], x[1]));
    assert_true(has(&w->log, "RESPONDER-LIFETIME for an ISAKMP SA that is not with this peer: ignored"));
    assert_non_null(xchg_find(&w->k, x[1]));
    assert_null(feed(w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=isakmp target=%" PRIu64, x[1], x[1]));
    assert_null(xchg_find(&w->k, x[1]));
    world_free(w);
}

static void f17_lifetimes_of_nothing(void **state)
{
    static const char *const named[] = { "protocol=esp", "protocol=ah spi-out=0000bbbb", "protocol=isakmp",
                                         "protocol=isakmp spi-out=0000bbbb", "protocol=ipcomp spi-out=0000bbbb" };
    struct tunnel t = tunnel_up();
    (void)state;
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        const char *why = feed(t.w, N_P, "responder-lifetime exchange=%" PRIu64 " %s life=1", t.x, named[i]);
        assert_string_equal(why, "responder-lifetime: names neither an ESP SA nor an ISAKMP SA");
    }
    assert_null(feed(t.w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=ah spis=0000bbbb", t.x)); /* we have none */
    assert_null(feed(t.w, N_P, "peer-deleted exchange=%" PRIu64 " protocol=isakmp", t.x));
    assert_non_null(xchg_find(&t.w->k, t.x));
    assert_non_null(xchg_find(&t.w->k, t.y));
    assert_int_equal(t.w->kernel.len, 0);
    world_free(t.w);
}

/* The peer speaks of what it has with this identity of ours. */
static void f17_initial_contact_with_another_of_us(void **state)
{
    struct world *w = world_new("10.9.0.1");
    (void)state;
    assert_null(feed(w, W_P, "whack-connection name=one left-host=10.9.0.1 left-id=@one left-client=10.1.0.0/24 "
                     "right-host=10.9.0.2 right-id=@peer right-client=10.2.0.0/24 ike=" STRONG " " NET_POLICY));
    assert_null(feed(w, W_P, "whack-connection name=two left-host=10.9.0.1 left-id=@two left-client=10.3.0.0/24 "
                     "right-host=10.9.0.2 right-id=@peer right-client=10.2.0.0/24 " NET_POLICY));
    uint64_t x[2];
    uint64_t y[2];
    for (unsigned i = 0; i < 2; i++) {
        x[i] = main_mode(w, "10.9.0.2", i == 0 ? "one" : "two", "@peer");
        y[i] = record_number(quick_ask(w, x[i], i == 0 ? "10.1.0.0/24" : "10.3.0.0/24", "10.2.0.0/24"), K_EXCHANGE);
        sas_up(w, y[i], 0xbbb0 + i);
        assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=QUICK_R2", y[i]));
    }
    const uint64_t again = main_mode(w, "10.9.0.2", "two", "@peer");
    assert_null(feed(w, N_P, "initial-contact exchange=%" PRIu64, again));
    assert_non_null(xchg_find(&w->k, x[0]));
    assert_non_null(xchg_find(&w->k, y[0]));
    assert_null(xchg_find(&w->k, x[1]));
    assert_null(xchg_find(&w->k, y[1]));
    world_free(w);
}

/* ---- answers ---- */

static void f17_answers_to_nothing(void **state)
{
    static const char nothing[] = "an answer to nothing that was asked";
    uint64_t x;
    struct world *w = east_comes(&x);
    (void)state;
    assert_string_equal(feed(w, S_P, "ok id=4711 re=accept"), nothing);
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    const uint64_t id = record_number(sent(w, &w->s[1], P_S, V_ACCEPT), K_ID);
    assert_true(keying_worker_up(&w->k, 2, &w->s[2]));
    w->worker = 2; /* it was not asked */
    assert_string_equal(feed(w, S_P, "ok id=%" PRIu64 " re=accept", id), nothing);
    w->worker = 1;
    assert_string_equal(feed(w, K_P, "ok id=%" PRIu64 " re=flush", id), nothing);
    assert_false(xchg_find(&w->k, x)->matched);
    assert_null(feed(w, S_P, "ok id=%" PRIu64 " re=accept", id));
    assert_true(xchg_find(&w->k, x)->matched);
    assert_string_equal(feed(w, S_P, "ok id=%" PRIu64 " re=accept", id), nothing);
    assert_string_equal(feed(w, K_P, "ok id=4711 re=delete-kernel-sa"), nothing);
    assert_string_equal(feed(w, K_P, "fail id=4711 re=sample why=x"), nothing);
    world_free(w);
}

/* ---- kernel-sa ---- */

static void f17_events_of_what_does_not_stand(void **state)
{
    uint64_t x;
    struct world *w = net_answers(&x);
    (void)state;
    const uint64_t y = record_number(quick_ask(w, x, "10.1.0.0/24", "10.2.0.0/24"), K_EXCHANGE);
    assert_null(feed(w, K_P, "sa-expired exchange=%" PRIu64 " protocol=esp hard=yes", y)); /* it is not up yet */
    assert_non_null(xchg_find(&w->k, y));
    assert_null(feed(w, K_P, "sa-up exchange=%" PRIu64 " protocol=esp proposal=aes256-sha2_256 mode=tunnel spi-in=0000aaaa "
                     "spi-out=0000bbbb", x)); /* no Quick Mode */
    assert_null(feed(w, K_P, "sa-up exchange=4711 protocol=esp proposal=aes256-sha2_256 mode=tunnel spi-in=0000aaaa "
                     "spi-out=0000bbbb"));
    sas_up(w, y, 0xbbbb);
    assert_true(xchg_find(&w->k, y)->up);
    sas_up(w, y, 0xbbbb); /* the next kernel-sa says it again */
    assert_string_equal(feed(w, K_P, "sa-up exchange=%" PRIu64 " protocol=esp proposal=aes256-sha2_256 mode=tunnel "
                             "spi-in=0000aaaa spi-out=0000cccc", y), "the SAs of this exchange stand already, with other SPIs");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f17_choices),
        cmocka_unit_test(f17_another_choice_than_was_proved),
        cmocka_unit_test(f17_before_the_proof),
        cmocka_unit_test(f17_stands_once),
        cmocka_unit_test(f17_steps_of_another_kind),
        cmocka_unit_test(f17_authenticated_once),
        cmocka_unit_test(f17_exchanges_of_another_worker),
        cmocka_unit_test(f17_failed_by_secrets),
        cmocka_unit_test(f17_deletes_of_what_is_half_open),
        cmocka_unit_test(f17_deletes_from_another_address),
        cmocka_unit_test(f17_lifetimes_of_nothing),
        cmocka_unit_test(f17_initial_contact_with_another_of_us),
        cmocka_unit_test(f17_answers_to_nothing),
        cmocka_unit_test(f17_events_of_what_does_not_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
