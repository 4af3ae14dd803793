/*
 * Workers of secrets and dnskey around the core of plutod: for the tests of names in ipsec.secrets. Not for: anything else.
 */
#ifndef TEST_PLUTOD_NAMES_H
#define TEST_PLUTOD_NAMES_H

#include "test_plutod_world.h"

#define OTHER 2 /* another worker */

static inline struct world *begin(void)
{
    struct world *w = world_new("10.9.0.1");
    assert_true(keying_worker_up(&w->k, OTHER, &w->s[2]));
    clear(w);
    buffer_wipe(&w->s[2]);
    return w;
}

/* dnskey runs, too. */
static inline struct world *begin_with_dnskey(void)
{
    struct world *w = begin();
    keying_dnskey_up(&w->k, &w->d);
    return w;
}

static inline void asks(struct world *w, uint32_t worker, unsigned id, const char *host)
{
    w->worker = worker;
    assert_null(feed(w, S_P, "resolve id=%u host=%s", id, host));
}

/* dnskey is asked for this name; its request's id. 0: for none. */
static inline uint64_t wants(struct world *w, const char *host)
{
    const struct record *r = sent(w, &w->d, P_D, V_RESOLVE);
    assert_true((r == NULL) == (host == NULL));
    if (r == NULL) {
        return 0;
    }
    assert_string_equal(record_text(r, K_HOST), host);
    return record_number(r, K_ID);
}

static inline void answers(struct world *w, uint64_t id, const char *text)
{
    assert_null(feed(w, D_P, "ok id=%" PRIu64 " re=resolve %s", id, text));
}

static inline void fails(struct world *w, uint64_t id, const char *text)
{
    assert_null(feed(w, D_P, "fail id=%" PRIu64 " re=resolve %s", id, text));
}

/* The worker's answer. addresses NULL: there is none yet. */
static inline void gets(struct world *w, uint32_t worker, unsigned id, const char *addresses)
{
    const struct record *r = sent(w, &w->s[worker], P_S, V_OK);
    assert_true((r == NULL) == (addresses == NULL));
    if (r != NULL) {
        assert_int_equal(record_number(r, K_ID), id);
        assert_string_equal(record_text(r, K_ADDRESSES), addresses);
    }
}

/* The first worker asks for this name, and is told. */
static inline void learns(struct world *w, const char *host, const char *address)
{
    char text[100];
    asks(w, 1, 1, host);
    (void)snprintf(text, sizeof text, "addresses=%s", address);
    answers(w, wants(w, host), text);
    gets(w, 1, 1, address);
}

static inline void gets_refusal(struct world *w, uint32_t worker, unsigned id, const char *why)
{
    const struct record *r = sent(w, &w->s[worker], P_S, V_FAIL);
    assert_non_null(r);
    assert_int_equal(record_number(r, K_ID), id);
    assert_string_equal(record_text(r, K_WHY), why);
}

/* It ends, and is begun again. */
static inline void dnskey_restarts(struct world *w)
{
    keying_dnskey_down(&w->k);
    keying_dnskey_up(&w->k, &w->d);
}

static inline void later(struct world *w, uint64_t ms)
{
    w->k.now += ms;
    keying_tick(&w->k);
}

static inline void nobody_waits(const struct world *w)
{
    struct resolve_view view;
    assert_int_equal(resolve_waiting(&w->k), 0);
    assert_false(resolve_view(&w->k, 0, &view));
}

#endif
