/*
 * [F15] Connections for which secrets may have nothing, "a" and "b", in plutod's world: for test_plutod_missing.c and
 * test_plutod_at_hand.c. All static, each has its own.
 */
#ifndef TEST_PLUTOD_MISSING_H
#define TEST_PLUTOD_MISSING_H

#include "test_plutod_negotiations.h"

#define ENDS "left-host=10.9.0.1 left-client=10.1.0.0/24 right-host=10.9.0.2 right-client=10.2.0.0/24 "
#define KEY "03010001" "8000000000000000000000000000000000000000000000000000000000000000" \
            "0000000000000000000000000000000000000000000000000000000000000001" /* 512 bits */
#define FIRST "first id=1 local=10.9.0.1 local-port=500 remote=10.9.0.2 remote-port=500"
#define PSK "policy=psk,encrypt,tunnel"
#define RSASIG "policy=rsasig,encrypt,tunnel"
#define AES "aes128-sha2_256-modp2048"
#define ROAD "left-host=10.9.0.1 left-nexthop=%25direct right-host=%25any left-client=10.1.0.0/24 "

static inline void offers(struct world *w, const char *candidates)
{
    const struct record *r = sent(w, &w->n, P_N, V_OK);
    assert_non_null(r);
    assert_string_equal(record_text(r, K_CANDIDATES), candidates);
}

static inline struct world *with(const char *first, const char *second)
{
    struct world *w = world_new("10.9.0.1");
    w->asked = true;
    assert_null(feed(w, W_P, "whack-connection name=a %s", first));
    if (second != NULL) {
        assert_null(feed(w, W_P, "whack-connection name=b %s", second));
    }
    clear(w);
    return w;
}

/* As he is whose offer does not fit: with the same notification. Nothing of him is kept. */
static inline void refuses(struct world *w, const char *why)
{
    const struct record *r = sent(w, &w->n, P_N, V_FAIL);
    assert_non_null(r);
    assert_int_equal(r->re, V_FIRST);
    assert_int_equal(record_number(r, K_NOTIFICATION), 14);
    assert_string_equal(record_text(r, K_WHY), why);
    assert_int_equal(w->k.half_open, 0);
    assert_null(w->k.exchanges);
}

#define NO_SECRET "\"a\": there is none (whack --listen reads ipsec.secrets anew)"

#endif
