/*
 * By hand: children that were taken over, and say what is right by the schema and was not asked for. Whole
 * negotiations by hand: test_ike_exchanges.c.
 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NETS "--psk --encrypt --tunnel --host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2 --client 10.2.0.0/24"
#define KEY "0x03010001" "8000000000000000000000000000000000000000000000000000000000000000" \
            "0000000000000000000000000000000000000000000000000000000000000001" /* 512 bits */
#define INSTALL "install id=4 exchange=2 protocol=esp proposal=aes128-sha1 mode=tunnel spi-in=00001234 " \
    "spi-out=c0ffee00 our-host=10.9.0.1 peer-host=10.9.0.2 our-client=10.1.0.0/24 peer-client=10.2.0.0/24 " \
    "life=3600 activate=no"

/* To host 1, which waits for a peer. */
static void says(struct world *w, unsigned which, unsigned from, const char *text)
{
    struct hand_line line = { .hand = &w->host[1].hand, .which = which };
    struct record *r = malloc(sizeof *r);
    char *copy = strdup(text);
    enum key field;
    assert_non_null(copy);
    assert_non_null(r);
    assert_null(record_parse(r, copy, strlen(copy), from, &field));
    assert_true(hand_record(&line, NULL, r, -1));
    free(copy);
    free(r);
}

static struct world *begun(void)
{
    struct world *w = world_new(NETS, "a secret", "a secret");
    says(w, LINE_SECRETS, S_P, "loaded entries=1 errors=0");
    assert_false(w->host[1].hand.done);
    return w;
}

static void ends(struct world *w)
{
    assert_true(w->host[1].hand.done);
    assert_int_equal(w->host[1].hand.status, 111);
    world_free(w);
}

static void loaded_twice(void **state)
{
    struct world *w = begun();
    (void)state;
    says(w, LINE_SECRETS, S_P, "loaded entries=1 errors=0");
    ends(w);
}

/* That was an answer to a request without an id: a failed assertion. */
static void an_answer_that_nobody_asked_for(void **state)
{
    struct world *w = begun();
    (void)state;
    says(w, LINE_SECRETS, S_P, "ok id=1 re=accept");
    ends(w);
    w = begun();
    says(w, LINE_SECRETS, S_P, "fail id=1 re=accept why=no");
    ends(w);
}

/* A peer who is quicker than the secrets file; another one of his is told to come again. */
static void first_before_loaded(void **state)
{
    struct world *w = world_new(NETS, "a secret", "a secret");
    struct host *h = &w->host[1];
    const struct buffer *out = &h->out[LINE_NEGOTIATOR];
    (void)state;
    says(w, LINE_NEGOTIATOR, N_P, "first id=5 local=10.9.0.2 local-port=500 remote=10.9.0.1 remote-port=500");
    assert_int_equal(out->len, 0);
    says(w, LINE_NEGOTIATOR, N_P, "first id=6 local=10.9.0.2 local-port=500 remote=10.9.0.1 remote-port=500");
    assert_true(world_holds(out, "fail id=6 "));
    says(w, LINE_SECRETS, S_P, "loaded entries=1 errors=0");
    assert_true(world_holds(out, "ok id=5 "));
    assert_true(world_holds(out, "candidates=net:psk:"));
    world_free(w);
}

/* What its secrets file holds is asked for where there is a choice, and told once. */
static void w2a_methods_by_hand(void **state)
{
    static const struct {
        const char *rsasig, *psk, *candidates;
    } cases[] = {
        { "ok id=2 re=secret found=x:1", "ok id=3 re=secret found=x:2", "candidates=net:psk+rsasig:" },
        { "ok id=2 re=secret found=x:1", "fail id=3 re=secret why=none", "candidates=net:rsasig:" },
        { "fail id=2 re=secret why=none", "ok id=3 re=secret found=x:2", "candidates=net:psk:" },
        { "fail id=2 re=secret why=none", "fail id=3 re=secret why=none", "candidates=net:psk:" },
    };
    char why[CONNECTION_WHY];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = world_new("--rsasig " NETS, "a secret", "a secret");
        struct host *h = &w->host[1];
        assert_true(hand_take_key(&h->hand, NULL, KEY, why));
        says(w, LINE_NEGOTIATOR, N_P, "first id=5 local=10.9.0.2 local-port=500 remote=10.9.0.1 remote-port=500");
        says(w, LINE_SECRETS, S_P, "loaded entries=1 errors=0");
        assert_true(world_holds(&h->out[LINE_SECRETS], "secret id=2 method=rsasig "));
        assert_true(world_holds(&h->out[LINE_SECRETS], "secret id=3 method=psk "));
        says(w, LINE_SECRETS, S_P, cases[i].rsasig);
        assert_int_equal(h->out[LINE_NEGOTIATOR].len, 0);
        says(w, LINE_SECRETS, S_P, cases[i].psk);
        assert_true(world_holds(&h->out[LINE_NEGOTIATOR], cases[i].candidates));
        assert_false(h->hand.done);
        says(w, LINE_SECRETS, S_P, cases[i].psk);
        ends(w);
    }
    struct world *w = begun();
    says(w, LINE_SECRETS, S_P, "ok id=2 re=secret found=x:1");
    ends(w);
}

/* The key is given for whom it is, and for nobody else. */
static void w7_whose_key_by_hand(void **state)
{
    static const struct {
        const char *keyid, *peer;
        bool given;
    } cases[] = { { NULL, "10.9.0.1", true }, { NULL, "@west", false }, { "10.9.0.1", "10.9.0.1", true },
                  { "10.9.0.1", "@west", false } };
    char why[CONNECTION_WHY];
    char text[200];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = world_new("--rsasig " NETS, "a secret", "a secret");
        struct host *h = &w->host[1];
        assert_true(hand_take_key(&h->hand, cases[i].keyid, KEY, why));
        assert_true(hand_key_fits(&h->hand));
        snprintf(text, sizeof text, "public-keys id=9 exchange=1 our-id=10.9.0.2 peer-id=%s", cases[i].peer);
        says(w, LINE_SECRETS, S_P, text);
        assert_true(world_holds(&h->out[LINE_SECRETS], cases[i].given ? "ok id=9 re=public-keys pubkeys=0sAw"
                                                                      : "fail id=9 re=public-keys why="));
        world_free(w);
    }
    struct world *w = world_new("--rsasig " NETS, "a secret", "a secret");
    assert_true(hand_take_key(&w->host[1].hand, "@north", KEY, why));
    assert_false(hand_key_fits(&w->host[1].hand));
    world_free(w);
}

/* The first one waits for its keys; a second one is refused, and not printed together with it. */
static void two_pairs_of_sas(void **state)
{
    struct world *w = begun();
    struct host *h = &w->host[1];
    (void)state;
    says(w, LINE_NEGOTIATOR_KERNEL, N_K, INSTALL);
    size_t waits = h->hand.install.len;
    buffer_truncate(&h->out[LINE_NEGOTIATOR_KERNEL], 0);
    says(w, LINE_NEGOTIATOR_KERNEL, N_K, INSTALL);
    assert_int_equal(h->hand.install.len, waits);
    const struct buffer *out = &h->out[LINE_NEGOTIATOR_KERNEL];
    assert_true(out->len > 5 && memcmp(out->data, "fail ", 5) == 0);
    world_free(w);
}

/* [K1] secrets asks for names, no more of which dnskey is asked at once than it takes; it begins when all are known. */
static void k1_names_by_hand(void **state)
{
    struct world *w = world_new(NETS, "a secret", "a secret");
    struct host *h = &w->host[1];
    char line[120];
    (void)state;
    for (unsigned i = 1; i <= RESOLVES_MAX + 1; i++) {
        snprintf(line, sizeof line, "resolve id=%u host=gate%u.example.org", i, i);
        says(w, LINE_SECRETS, S_P, line);
    }
    says(w, LINE_SECRETS, S_P, "loaded entries=0 errors=0 names=513");
    assert_false(h->hand.done);
    snprintf(line, sizeof line, "resolve id=%u ", RESOLVES_MAX);
    assert_true(world_holds(&h->out[LINE_DNSKEY], line));
    snprintf(line, sizeof line, "resolve id=%u ", RESOLVES_MAX + 1);
    assert_false(world_holds(&h->out[LINE_DNSKEY], line));
    buffer_truncate(&h->out[LINE_SECRETS], 0);
    says(w, LINE_DNSKEY, D_P, "ok id=2 re=resolve addresses=10.9.0.1,10.9.0.3 ttl=5");
    assert_true(world_holds(&h->out[LINE_SECRETS], "ok id=2 re=resolve addresses=10.9.0.1,10.9.0.3\n"));
    assert_true(world_holds(&h->out[LINE_DNSKEY], line));
    says(w, LINE_DNSKEY, D_P, "fail id=1 re=resolve why=no retry=5");
    assert_true(world_holds(&h->out[LINE_SECRETS], "fail id=1 re=resolve why=no\n"));
    assert_false(h->hand.loaded);
    says(w, LINE_SECRETS, S_P, "loaded entries=1 errors=1");
    assert_true(h->hand.loaded);
    world_free(w);
    w = begun();
    says(w, LINE_DNSKEY, D_P, "ok id=2 re=resolve addresses=10.9.0.1");
    ends(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loaded_twice),
        cmocka_unit_test(an_answer_that_nobody_asked_for),
        cmocka_unit_test(two_pairs_of_sas),
        cmocka_unit_test(first_before_loaded),
        cmocka_unit_test(w2a_methods_by_hand),
        cmocka_unit_test(w7_whose_key_by_hand),
        cmocka_unit_test(k1_names_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
