/*
 * F16 F17: many records in random order, made of values that the cores themselves gave out. Whatever
 * comes, no KEYMAT leaves before the peer of its parent was authenticated, each of our values is
 * given out under one exchange only, and all memory comes back. Seeded: the same each time.
 */
#include "secrets_side.h"

#include <stdio.h>

#define EXCHANGES 8
#define POOL 24
#define RECORDS 30000

enum pool { POOL_KE, POOL_NONCE, POOL_ID, POOL_HASH, POOLS };

static const enum key pool_key[POOLS] = { K_KE, K_NONCE, K_ID_BODY, K_HASH };

struct chaos {
    uint64_t random;
    struct side *side[2];
    char value[POOLS][POOL][1100]; /* hex */
    bool authenticated[2][EXCHANGES];
    unsigned parent[2][EXCHANGES];
    unsigned oks;
    unsigned keys;
};

/* xorshift64 */
static unsigned draw(struct chaos *c, unsigned bound)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return (unsigned)(c->random >> 33) % bound;
}

static const char *pick(struct chaos *c, const char *const *words, unsigned count)
{
    return words[draw(c, count)];
}

static const char *value(struct chaos *c, enum pool pool)
{
    return c->value[pool][draw(c, POOL)];
}

static const char *const ids[] = { "10.9.0.1", "10.9.0.2", "@c", "%25any" };
static const char *const groups[] = { "ecp256", "curve25519" };
static const char *const suites[] = { "aes128-sha1-ecp256", "aes128-sha1-curve25519" };
static const char *const roles[] = { "initiator", "responder" };
static const char *const pfs[] = { "no", "curve25519" };
static const char *const spi[] = { "00001111", "00002222", "000000ff" };

/* Even exchanges are Main Modes, odd ones Quick Modes; mostly. */
static unsigned exchange(struct chaos *c, bool quick)
{
    unsigned n = draw(c, EXCHANGES / 2) * 2 + (quick ? 1 : 0);
    return draw(c, 40) == 0 ? draw(c, EXCHANGES) : n;
}

static void announce(struct chaos *c, struct side *s, unsigned who)
{
    unsigned n = exchange(c, false);
    const char *ours = draw(c, 8) == 0 ? pick(c, ids, 4) : ids[who];
    const char *peer = draw(c, 8) == 0 ? pick(c, ids, 4) : ids[1 - who];
    side_say(s, "announce exchange=%u connection=net role=%s methods=psk "
             "ike=aes128-sha1-ecp256,aes128-sha1-curve25519 our-id=%s peer-id=%s", n + 1,
             roles[who], ours, peer);
}

static void announce_quick(struct chaos *c, struct side *s, unsigned who)
{
    unsigned n = exchange(c, true);
    unsigned parent = draw(c, 3) == 0 ? exchange(c, false) : 0;
    size_t before = secrets_exchanges(s->core);
    side_say(s, "announce-quick exchange=%u parent=%u role=%s esp=aes128gcm16 pfs=%s", n + 1,
             parent + 1, pick(c, roles, 2), pick(c, pfs, 2));
    if (secrets_exchanges(s->core) > before) {
        c->parent[who][n] = parent;
    }
}

static void forget(struct chaos *c, struct side *s, unsigned who)
{
    unsigned n = exchange(c, draw(c, 50) != 0);
    side_say(s, "forget exchange=%u", n + 1);
    c->authenticated[who][n] = false;
}

static void ask_main(struct chaos *c, struct side *s)
{
    unsigned n = exchange(c, false) + 1;
    switch (draw(c, 4)) {
    case 0:
        side_say(s, "ke id=1 exchange=%u group=%s", n, pick(c, groups, 2));
        break;
    case 1:
        side_say(s, "keys id=1 exchange=%u connection=net method=psk proposal=%s cky-i=0102030405060708 "
                 "cky-r=1112131415161718 sa-body=0000000000000000 ke-peer=%s nonce-peer=%s", n,
                 pick(c, suites, 2), value(c, POOL_KE), value(c, POOL_NONCE));
        break;
    case 2:
        side_say(s, "auth id=1 exchange=%u id-body=%s hash=%s", n, value(c, POOL_ID),
                 value(c, POOL_HASH));
        break;
    default:
        side_say(s, "finish id=1 exchange=%u", n);
        break;
    }
}

static void ask_quick(struct chaos *c, struct side *s)
{
    unsigned n = exchange(c, true) + 1;
    bool with_pfs = draw(c, 2) == 0;
    if (draw(c, 3) == 0) {
        side_say(s, "quick-ke id=1 exchange=%u%s", n, with_pfs ? " group=curve25519" : "");
        return;
    }
    side_say(s, "keymat id=1 exchange=%u protocol=esp proposal=aes128gcm16 spi-in=%s spi-out=%s "
             "nonce-peer=%s%s%s", n, pick(c, spi, 3), pick(c, spi, 3), value(c, POOL_NONCE),
             with_pfs ? " group=curve25519 ke-peer=" : "", with_pfs ? value(c, POOL_KE) : "");
}

static void learn(struct chaos *c, struct side *s)
{
    while (side_take(s, &s->negotiator, S_N)) {
        c->oks += s->answer.verb == V_OK;
        for (enum pool p = POOL_KE; s->answer.verb == V_OK && p < POOLS; p++) {
            if (record_has(&s->answer, pool_key[p])) {
                snprintf(c->value[p][draw(c, POOL)], sizeof c->value[p][0], "%s",
                         side_hex(s, pool_key[p]));
            }
        }
    }
}

static void check_said(struct chaos *c, struct side *s, unsigned who)
{
    while (side_take(s, &s->plutod, S_P)) {
        if (s->answer.verb == V_AUTHENTICATED) {
            const char *peer = record_text(&s->answer, K_PEER_NAME);
            assert_string_equal(peer, ids[1 - who]);
            c->authenticated[who][record_number(&s->answer, K_EXCHANGE) - 1] = true;
        }
    }
    while (side_take(s, &s->kernel, S_K)) {
        unsigned n = (unsigned)record_number(&s->answer, K_EXCHANGE) - 1;
        uint64_t id = record_number(&s->answer, K_ID);
        assert_true(c->authenticated[who][c->parent[who][n]]);
        c->keys++;
        if (draw(c, 2) == 0) {
            side_say(s, "ok id=%llu re=sa-keys", (unsigned long long)id);
        }
    }
}

static void chaos_step(struct chaos *c)
{
    unsigned who = draw(c, 2);
    struct side *s = c->side[who];
    s->now += draw(c, 100);
    switch (draw(c, 16)) {
    case 0:
    case 1:
        announce(c, s, who);
        break;
    case 2:
    case 3:
        announce_quick(c, s, who);
        break;
    case 4:
        forget(c, s, who);
        break;
    case 5:
        side_say(s, "accept id=1 exchange=%u connection=net our-id=%s peer-id=%s",
                 exchange(c, false) + 1, ids[who], pick(c, ids, 4));
        break;
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
        ask_quick(c, s);
        break;
    default:
        ask_main(c, s);
        break;
    }
    check_said(c, s, who);
    learn(c, s);
}

static void random_records(void **state)
{
    (void)state;
    static struct chaos c;
    unsigned oks = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        memset(&c, 0, sizeof c);
        c.random = seed * 0x9e3779b97f4a7c15u;
        for (unsigned i = 0; i < 2; i++) {
            c.side[i] = side_new("10.9.0.1 10.9.0.2 : PSK \"one\"\n10.9.0.2 %any : PSK \"one\"\n");
        }
        for (unsigned p = 0; p < POOL; p++) {
            snprintf(c.value[POOL_KE][p], sizeof c.value[0][0], "%064u", p + 2);
            snprintf(c.value[POOL_NONCE][p], sizeof c.value[0][0], "%032u", p + 1);
            snprintf(c.value[POOL_ID][p], sizeof c.value[0][0], "010000000a09000%u", p % 3 + 1);
            snprintf(c.value[POOL_HASH][p], sizeof c.value[0][0], "%040u", p);
        }
        for (unsigned i = 0; i < RECORDS / 8; i++) {
            chaos_step(&c);
        }
        oks += c.oks;
        side_free(c.side[0]);
        side_free(c.side[1]);
    }
    assert_true(oks > 500);
}

/*
 * The same, but with the two talking honestly in between, so that there is something to protect: a
 * Main Mode is completed, and then Quick Modes run amid the noise.
 */
static void honest_one(struct side *a, struct side *b)
{
    side_say(a, "forget exchange=1");
    side_say(b, "forget exchange=1");
    side_say(a, "announce exchange=1 connection=net role=initiator methods=psk "
             "ike=aes128-sha1-ecp256,aes128-sha1-curve25519 our-id=10.9.0.1 peer-id=10.9.0.2");
    side_say(b, "announce exchange=1 connection=net role=responder methods=psk "
             "ike=aes128-sha1-ecp256,aes128-sha1-curve25519 our-id=10.9.0.2 peer-id=10.9.0.1");
    side_good(a, "ke id=1 exchange=1 group=curve25519");
    const char *ke = side_hex(a, K_KE);
    const char *nonce = side_hex(a, K_NONCE);
    side_good(b, "keys id=1 exchange=1 connection=net method=psk proposal=aes128-sha1-curve25519 "
              "cky-i=0102030405060708 cky-r=1112131415161718 sa-body=0000000000000000 ke-peer=%s "
              "nonce-peer=%s", ke, nonce);
    ke = side_hex(b, K_KE);
    nonce = side_hex(b, K_NONCE);
    side_good(a, "keys id=1 exchange=1 connection=net method=psk proposal=aes128-sha1-curve25519 "
              "cky-i=0102030405060708 cky-r=1112131415161718 sa-body=0000000000000000 ke-peer=%s "
              "nonce-peer=%s", ke, nonce);
    const char *id = side_hex(a, K_ID_BODY);
    const char *hash = side_hex(a, K_HASH);
    side_good(b, "auth id=1 exchange=1 id-body=%s hash=%s", id, hash);
    id = side_hex(b, K_ID_BODY);
    hash = side_hex(b, K_HASH);
    side_good(a, "auth id=1 exchange=1 id-body=%s hash=%s", id, hash);
}

static void random_records_amid_honest_ones(void **state)
{
    (void)state;
    static struct chaos c;
    memset(&c, 0, sizeof c);
    c.random = 0x2545f4914f6cdd1du;
    for (unsigned i = 0; i < 2; i++) {
        c.side[i] = side_new("10.9.0.1 10.9.0.2 : PSK \"one\"\n");
    }
    for (unsigned p = 0; p < POOL; p++) {
        for (unsigned pool = 0; pool < POOLS; pool++) {
            snprintf(c.value[pool][p], sizeof c.value[0][0], "%064u", p + 1);
        }
    }
    for (unsigned round = 0; round < 60; round++) {
        c.authenticated[0][0] = c.authenticated[1][0] = false;
        honest_one(c.side[0], c.side[1]);
        check_said(&c, c.side[0], 0);
        check_said(&c, c.side[1], 1);
        for (unsigned i = 0; i < 300; i++) {
            chaos_step(&c);
        }
    }
    assert_true(c.keys > 50);
    side_free(c.side[0]);
    side_free(c.side[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_records), cmocka_unit_test(random_records_amid_honest_ones),
    };
    return cmocka_run_group_tests(tests, side_dh_set_up, side_dh_tear_down);
}
