/* What a core refuses in Quick Mode: a negotiator that lies (F17), wrong values, too many. */
#include "secrets_scene.h"

#define QUICK "proposal=aes256gcm16 spi-in=00002222 spi-out=00001111"

static void announce_quick(struct side *s, unsigned number, unsigned parent, const char *role,
                           const char *pfs)
{
    side_say(s, "announce-quick exchange=%u parent=%u role=%s esp=aes256gcm16 pfs=%s", number,
             parent, role, pfs);
}

static void f17_no_keymat_before_authentication(void **state)
{
    struct scene *e = *state;
    announce_quick(e->r, 100, 7, "responder", "no");
    announce_quick(e->r, 101, 55, "responder", "no");
    announce_quick(e->r, 102, 100, "responder", "no"); /* its parent is a Quick Mode */
    side_bad(e->r, "keymat id=1 exchange=100 protocol=esp " QUICK " nonce-peer=" NONCE);
    scene_make_keys(e);
    side_bad(e->r, "keymat id=1 exchange=100 protocol=esp " QUICK " nonce-peer=" NONCE);
    side_fails(e->r, "keymat id=1 exchange=101 protocol=esp " QUICK " nonce-peer=" NONCE);
    side_fails(e->r, "keymat id=1 exchange=102 protocol=esp " QUICK " nonce-peer=" NONCE);
    assert_int_equal(e->r->kernel.len, 0);
    side_good(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
    side_good(e->r, "keymat id=1 exchange=100 protocol=esp " QUICK " nonce-peer=" NONCE);
    assert_int_not_equal(e->r->kernel.len, 0);
    side_bad(e->r, "keymat id=1 exchange=100 protocol=esp proposal=aes256gcm16 spi-in=00002223 "
             "spi-out=00001111 nonce-peer=" NONCE);
}

/* --pfs holds whatever the negotiator says that the peer has sent. */
static void f17_no_keymat_without_pfs(void **state)
{
    struct scene *e = *state;
    scene_authenticate(e);
    side_say(e->r, "announce-quick exchange=100 parent=7 role=responder esp=aes256gcm16 pfs=ecp256 pfs-required=yes");
    side_bad(e->r, "keymat id=1 exchange=100 protocol=esp " QUICK " nonce-peer=" NONCE);
    assert_int_equal(e->r->kernel.len, 0);
    side_say(e->r, "announce-quick exchange=101 parent=7 role=responder esp=aes256gcm16 pfs=ecp256 pfs-required=no");
    side_good(e->r, "keymat id=2 exchange=101 protocol=esp " QUICK " nonce-peer=" NONCE);
    assert_int_not_equal(e->r->kernel.len, 0);
}

static void f17_not_announced_for_quick_mode(void **state)
{
    struct scene *e = *state;
    scene_authenticate(e);
    announce_quick(e->r, 100, 7, "responder", "ecp256");
    announce_quick(e->i, 100, 1, "initiator", "ecp256");
    announce_quick(e->i, 101, 1, "initiator", "no");
    side_bad(e->r, "keymat id=1 exchange=100 protocol=esp proposal=aes128gcm16 spi-in=00002222 "
             "spi-out=00001111 nonce-peer=" NONCE);
    side_bad(e->r, "keymat id=1 exchange=100 protocol=esp proposal=nonsense spi-in=00002222 "
             "spi-out=00001111 nonce-peer=" NONCE);
    side_bad(e->r, "keymat id=1 exchange=100 protocol=ah " QUICK " nonce-peer=" NONCE);
    side_bad(e->r, "keymat id=1 exchange=100 protocol=esp " QUICK " group=curve25519 ke-peer=%064d "
             "nonce-peer=" NONCE, 9);
    side_bad(e->r, "keymat id=1 exchange=100 protocol=esp " QUICK " group=ecp256 nonce-peer=" NONCE);
    side_bad(e->r, "keymat id=1 exchange=100 protocol=esp " QUICK " ke-peer=%s nonce-peer=" NONCE,
             e->ke_i);
    side_bad(e->r, "quick-ke id=1 exchange=100 group=ecp256"); /* a responder */
    side_bad(e->i, "keymat id=1 exchange=100 protocol=esp " QUICK " nonce-peer=" NONCE);
    side_bad(e->i, "quick-ke id=1 exchange=100");           /* PFS was announced */
    side_bad(e->i, "quick-ke id=1 exchange=100 group=modp1024");
    side_bad(e->i, "quick-ke id=1 exchange=101 group=ecp256"); /* no PFS */
    side_bad(e->i, "keymat id=1 exchange=101 protocol=esp " QUICK " nonce-peer=" NONCE);
    side_good(e->i, "quick-ke id=1 exchange=100 group=ecp256");
    side_bad(e->i, "quick-ke id=1 exchange=101 group=ecp384");
    assert_int_equal(e->r->kernel.len + e->i->kernel.len, 0);
}

static void spis(void **state)
{
    struct scene *e = *state;
    scene_authenticate(e);
    announce_quick(e->r, 100, 7, "responder", "no");
    side_fails(e->r, "keymat id=1 exchange=100 protocol=esp proposal=aes256gcm16 spi-in=00002222 "
               "spi-out=00002222 nonce-peer=" NONCE);
    assert_true(side_why_has(e->r, "both SPIs are the same"));
    side_fails(e->r, "keymat id=1 exchange=100 protocol=esp proposal=aes256gcm16 spi-in=00002222 "
               "spi-out=000000ff nonce-peer=" NONCE);
    side_fails(e->r, "keymat id=1 exchange=100 protocol=esp proposal=aes256gcm16 spi-in=00000000 "
               "spi-out=00001111 nonce-peer=" NONCE);
    assert_int_equal(e->r->kernel.len, 0);
    side_good(e->r, "keymat id=1 exchange=100 protocol=esp proposal=aes256gcm16 spi-in=00000100 "
              "spi-out=00001111 nonce-peer=" NONCE);
}

/* One nonce string, cut at two places by two exchanges with different roles, would make one key. */
static void nonces_come_once(void **state)
{
    struct scene *e = *state;
    scene_authenticate(e);
    for (unsigned n = 100; n < 104; n++) {
        announce_quick(e->i, n, 1, n % 2 == 0 ? "initiator" : "responder", "no");
    }
    side_good(e->i, "quick-ke id=1 exchange=100");
    char *a = side_hex(e->i, K_NONCE);
    side_fails(e->i, "keymat id=1 exchange=100 protocol=esp " QUICK " nonce-peer=%s", a);
    side_good(e->i, "keymat id=1 exchange=101 protocol=esp " QUICK " nonce-peer=%s" NONCE, a);
    char *b = side_hex(e->i, K_NONCE);
    /* A|N|B again, as A and N|B */
    side_fails(e->i, "keymat id=1 exchange=100 protocol=esp " QUICK " nonce-peer=" NONCE "%s", b);
    assert_true(side_why_has(e->i, "used before"));
    side_fails(e->i, "keymat id=1 exchange=100 protocol=esp " QUICK " nonce-peer=%s", b);
    side_good(e->i, "keymat id=1 exchange=100 protocol=esp " QUICK " nonce-peer=" NONCE "00");
    side_fails(e->i, "keymat id=1 exchange=103 protocol=esp " QUICK " nonce-peer=" NONCE "00");
}

static void quick_mode_public_values(void **state)
{
    struct scene *e = *state;
    scene_authenticate(e);
    announce_quick(e->i, 100, 1, "initiator", "ecp256");
    side_good(e->i, "quick-ke id=1 exchange=100 group=ecp256");
    char *ke = side_hex(e->i, K_KE);
    side_fails(e->i, "keymat id=1 exchange=100 protocol=esp " QUICK " group=ecp256 ke-peer=%s "
               "nonce-peer=" NONCE, ke);
    side_fails(e->i, "keymat id=1 exchange=100 protocol=esp " QUICK " group=ecp256 ke-peer=%064d "
               "nonce-peer=" NONCE, 2);
    assert_int_equal(record_number(&e->i->answer, K_NOTIFICATION), 17);
    assert_int_equal(e->i->kernel.len, 0);
    side_good(e->i, "keymat id=1 exchange=100 protocol=esp " QUICK " group=ecp256 ke-peer=%s "
              "nonce-peer=" NONCE, e->ke_i);
}

static void quick_modes_per_parent(void **state)
{
    struct scene *e = *state;
    unsigned made = 0;
    scene_authenticate(e);
    for (unsigned n = 0; n < 5000; n++) {
        announce_quick(e->r, 1000 + n, 7, "responder", "no");
        if (side_ask(e->r, "keymat id=1 exchange=%u protocol=esp " QUICK " nonce-peer=%016u",
                     1000 + n, n)) {
            made++;
        }
        buffer_truncate(&e->r->kernel, 0);
        side_say(e->r, "forget exchange=%u", 1000 + n);
    }
    assert_int_equal(made, 4096);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(f17_no_keymat_before_authentication), TEST(f17_not_announced_for_quick_mode),
        TEST(f17_no_keymat_without_pfs), TEST(f17_not_announced_for_quick_mode),
        TEST(spis), TEST(nonces_come_once), TEST(quick_mode_public_values),
        TEST(quick_modes_per_parent),
    };
    return cmocka_run_group_tests(tests, side_dh_set_up, side_dh_tear_down);
}
