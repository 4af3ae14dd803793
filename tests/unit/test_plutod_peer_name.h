/*
 * [W4] The world around the core of plutod (test_plutod_world.h) with a peer whose host was given as a name, and a dnskey
 * that is asked where he is. All static, each test has its own.
 */
#ifndef TEST_PLUTOD_PEER_NAME_H
#define TEST_PLUTOD_PEER_NAME_H

#include "test_plutod_negotiations.h"

#define GW "right-host-name=gw.example.org "
#define MOVED "gw.example.org is 10.9.0.7 now, and 10.9.0.2 no more: so is the peer"

/* "net", whose peer's host was given as a name, and with these words; dnskey runs. */
static inline struct world *named_net(const char *words)
{
    struct world *w = world_new("10.9.0.1");
    keying_dnskey_up(&w->k, &w->d);
    assert_null(feed(w, W_P, NET GW "%s", words));
    clear(w);
    buffer_wipe(&w->d);
    return w;
}

static inline void initiate(struct world *w)
{
    assert_null(feed(w, W_P, "whack-initiate name=net"));
}

/* dnskey is asked for it; the id of the request. 0: it is not. */
static inline uint64_t asked_dns(struct world *w)
{
    const struct record *r = sent(w, &w->d, P_D, V_RESOLVE);
    if (r == NULL) {
        return 0;
    }
    assert_string_equal(record_text(r, K_HOST), "gw.example.org");
    return record_number(r, K_ID);
}

static inline void dns_says(struct world *w, const char *addresses)
{
    const uint64_t id = asked_dns(w);
    assert_true(id != 0);
    assert_null(feed(w, D_P, "ok id=%" PRIu64 " re=resolve addresses=%s ttl=60", id, addresses));
}

static inline void dns_fails(struct world *w, const char *why)
{
    const uint64_t id = asked_dns(w);
    assert_true(id != 0);
    assert_null(feed(w, D_P, "fail id=%" PRIu64 " re=resolve %s", id, why));
}

/* Main Mode begins, with a peer there. */
static inline void begins_with(struct world *w, const char *peer)
{
    const struct record *r = sent(w, &w->n, P_N, V_INITIATE);
    assert_non_null(r);
    assert_string_equal(record_text(r, K_REMOTE), peer);
}

#endif
