/*
 * Negotiations in the world around the core of plutod (test_plutod_world.h): Main Modes and Quick Modes that go well, of
 * ours and of peers, as far as a test needs them behind it. All static, each test has its own.
 */
#ifndef TEST_PLUTOD_NEGOTIATIONS_H
#define TEST_PLUTOD_NEGOTIATIONS_H

#include "test_plutod_world.h"

/* ---- we begin ---- */

/* Main Mode as initiator, up to its SA. Returns the exchange's number. */
static inline uint64_t main_mode_goes_well(struct world *w)
{
    const struct record *r = sent(w, &w->n, P_N, V_INITIATE);
    assert_non_null(r);
    uint64_t x = record_number(r, K_EXCHANGE);
    const char *connection = "net";
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_I1", x));
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_I2", x));
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=MAIN_I3", x));
    assert_null(feed(w, S_P, "authenticated exchange=%" PRIu64 " connection=%s peer=10.9.0.2 "
                     "method=psk proposal=aes256-sha2_256-modp2048 matched=yes", x, connection));
    assert_null(feed(w, N_P, "isakmp-up exchange=%" PRIu64 " role=initiator "
                     "proposal=aes256-sha2_256-modp2048 life=3600 cky-i=0102030405060708 "
                     "cky-r=0807060504030201", x));
    return x;
}

static inline void sas_up(struct world *w, uint64_t y, unsigned spi_out)
{
    assert_null(feed(w, K_P, "sa-up exchange=%" PRIu64 " protocol=esp proposal=aes256-sha2_256 "
                     "mode=tunnel spi-in=0000aaaa spi-out=%08x", y, spi_out));
}

/* Quick Mode as initiator, and its scripts. */
static inline uint64_t quick_mode_goes_well(struct world *w, unsigned spi_out, bool scripts)
{
    const struct record *r = sent(w, &w->n, P_N, V_QUICK);
    assert_non_null(r);
    uint64_t y = record_number(r, K_EXCHANGE);
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=QUICK_I1", y));
    sas_up(w, y, spi_out);
    assert_null(feed(w, N_P, "state exchange=%" PRIu64 " state=QUICK_I2", y));
    if (scripts) {
        script_ends(w, "prepare-client", false); /* its failure is ignored */
        script_ends(w, "route-client", true);
        script_ends(w, "up-client", true);
    }
    return y;
}

/* ---- a tunnel that is up ---- */

struct tunnel {
    struct world *w;
    uint64_t x, y;
};

static inline struct tunnel tunnel_up(void)
{
    struct tunnel t = { .w = world_new("10.9.0.1") };
    assert_null(feed(t.w, W_P, NET NET_POLICY));
    assert_null(feed(t.w, W_P, "whack-initiate name=net"));
    t.x = main_mode_goes_well(t.w);
    t.y = quick_mode_goes_well(t.w, 0xbbbb, true);
    clear(t.w);
    return t;
}

/* ---- the peer begins ---- */

static inline uint64_t first(struct world *w, const char *remote)
{
    assert_null(feed(w, N_P, "first id=1 local=10.9.0.1 local-port=500 remote=%s remote-port=500",
                     remote));
    const struct record *r = sent(w, &w->n, P_N, V_OK);
    assert_non_null(r);
    return record_number(r, K_EXCHANGE);
}

static inline void chosen(struct world *w, uint64_t x, const char *connection)
{
    assert_null(feed(w, N_P, "chosen exchange=%" PRIu64 " connection=%s "
                     "proposal=aes256-sha2_256-modp2048", x, connection));
}

static inline void authenticated(struct world *w, uint64_t x, const char *connection, const char *peer,
                          const char *matched)
{
    assert_null(feed(w, S_P, "authenticated exchange=%" PRIu64 " connection=%s peer=%s method=psk "
                     "proposal=aes256-sha2_256-modp2048 matched=%s", x, connection, peer, matched));
}

static inline const char *up(struct world *w, uint64_t x)
{
    return feed(w, N_P, "isakmp-up exchange=%" PRIu64 " role=responder "
                "proposal=aes256-sha2_256-modp2048 life=3600 cky-i=0102030405060708 "
                "cky-r=0807060504030201", x);
}

static inline uint64_t main_mode(struct world *w, const char *remote, const char *connection,
                          const char *peer)
{
    uint64_t x = first(w, remote);
    chosen(w, x, connection);
    authenticated(w, x, connection, peer, "yes");
    assert_null(up(w, x));
    return x;
}

/* "net", and a Main Mode that its peer has begun, and that is up. */
static inline struct world *net_answers(uint64_t *x)
{
    struct world *w = world_new("10.9.0.1");
    assert_null(feed(w, W_P, NET NET_POLICY));
    *x = main_mode(w, "10.9.0.2", "net", "10.9.0.2");
    return w;
}

/* "net" and "east", and a Main Mode that was taken for net's, and whose peer proves to be @east. */
static inline struct world *east_comes(uint64_t *x)
{
    struct world *w = world_new("10.9.0.1");
    assert_null(feed(w, W_P, NET NET_POLICY));
    assert_null(feed(w, W_P, "whack-connection name=east left-host=10.9.0.1 left-client=10.1.0.0/24 "
                     "right-host=10.9.0.2 right-id=@east right-client=10.3.0.0/24 " NET_POLICY));
    *x = first(w, "10.9.0.2");
    chosen(w, *x, "net");
    authenticated(w, *x, "net", "@east", "no");
    return w;
}

static inline const struct record *quick_ask(struct world *w, uint64_t x, const char *ours,
                                      const char *peer)
{
    assert_null(feed(w, N_P, "quick-ask id=9 parent=%" PRIu64 " our-client=%s peer-client=%s", x, ours,
                     peer));
    struct buffer copy;
    buffer_init(&copy, 0);
    buffer_add(&copy, w->n.data, w->n.len);
    const struct record *r = sent(w, &w->n, P_N, V_OK);
    if (r == NULL) {
        r = sent(w, &copy, P_N, V_FAIL);
    }
    buffer_wipe(&copy);
    assert_non_null(r);
    return r;
}

#endif
