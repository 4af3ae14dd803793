/* Peers among whose connections plutod's core chooses: for test_plutod_choose*.c. All static, each has its own. */
#ifndef TEST_PLUTOD_CHOOSE_H
#define TEST_PLUTOD_CHOOSE_H

#include "test_plutod_negotiations.h"

#define ROAD "left-host=10.9.0.1 left-nexthop=%25direct right-host=%25any left-client=10.1.0.0/24 "

static inline const char *quick(struct world *w, uint64_t x, const char *ours, const char *peer)
{
    buffer_wipe(&w->n);
    const struct record *r = quick_ask(w, x, ours, peer);
    return r->verb == V_OK ? record_text(r, K_CONNECTION) : "refused";
}

/* A peer who proves `id` under `announced`; secrets accepts the first connection that it is asked about. */
static inline uint64_t identified(struct world *w, const char *remote, const char *announced, const char *id)
{
    uint64_t x = first(w, remote);
    chosen(w, x, announced);
    authenticated(w, x, announced, id, "no");
    assert_null(feed(w, N_P, "identify id=4 exchange=%" PRIu64, x));
    assert_null(feed(w, S_P, "ok id=%" PRIu64 " re=accept", w->k.next_id));
    assert_null(up(w, x));
    buffer_wipe(&w->n);
    return x;
}

#endif
