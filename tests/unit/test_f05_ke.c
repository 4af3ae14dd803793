/* F5: public values that no honest peer sends, in Main Mode and in Quick Mode with PFS. */
#include "hostile.h"

#include "secrets/dh.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the values ---- */

#define VALUES_MAX 16

struct values {
    size_t count;
    uint8_t bytes[VALUES_MAX][KE_MAX];
};

static uint8_t *add_value(struct values *v)
{
    assert_true(v->count < VALUES_MAX);
    return v->bytes[v->count++];
}

static void add_bn(struct values *v, const BIGNUM *n, size_t len)
{
    assert_int_equal(BN_bn2binpad(n, add_value(v), (int)len), (int)len);
}

/* RFC 2409, 6.2; RFC 3526 */
static BIGNUM *prime_of(enum group_id g)
{
    switch (g) {
    case GROUP_MODP1024:
        return BN_get_rfc2409_prime_1024(NULL);
    case GROUP_MODP1536:
        return BN_get_rfc3526_prime_1536(NULL);
    case GROUP_MODP2048:
        return BN_get_rfc3526_prime_2048(NULL);
    case GROUP_MODP3072:
        return BN_get_rfc3526_prime_3072(NULL);
    default:
        return BN_get_rfc3526_prime_4096(NULL);
    }
}

/* 0, 1, p-1, p, p+1, all ones */
static void modp_values(struct values *v, enum group_id g, size_t len)
{
    BIGNUM *p = prime_of(g);
    add_value(v);
    add_value(v)[len - 1] = 1;
    BN_sub_word(p, 1);
    for (int i = 0; i < 3; i++) {
        add_bn(v, p, len);
        BN_add_word(p, 1);
    }
    BN_free(p);
    memset(add_value(v), 0xff, len);
}

/* (0, 0), which stands for infinity in some; (0, 1); all ones; off the curve; (x+p, y); (p, 0) */
static void ecp_values(struct values *v, enum group_id g, size_t len)
{
    int nid = g == GROUP_ECP256   ? NID_X9_62_prime256v1
              : g == GROUP_ECP384 ? NID_secp384r1
                                  : NID_secp521r1;
    EC_GROUP *group = EC_GROUP_new_by_curve_name(nid);
    BIGNUM *p = BN_new();
    BIGNUM *x = BN_new();
    BIGNUM *y = BN_new();
    size_t half = len / 2;
    assert_int_equal(EC_GROUP_get_curve(group, p, NULL, NULL, NULL), 1);
    assert_int_equal(EC_POINT_get_affine_coordinates(group, EC_GROUP_get0_generator(group), x, y,
                                                     NULL), 1);
    add_value(v);
    add_value(v)[len - 1] = 1;
    memset(add_value(v), 0xff, len);
    uint8_t *at = add_value(v);
    BN_bn2binpad(x, at, (int)half);
    BN_bn2binpad(y, at + half, (int)half);
    at[len - 1] ^= 1;
    at = add_value(v);
    BN_bn2binpad(p, at, (int)half);
    at = add_value(v); /* x = 0 and y = p */
    BN_bn2binpad(p, at + half, (int)half);
    if (BN_add(x, x, p) == 1 && (size_t)BN_num_bytes(x) <= half) {
        at = add_value(v);
        BN_bn2binpad(x, at, (int)half);
        BN_bn2binpad(y, at + half, (int)half);
    }
    BN_free(p);
    BN_free(x);
    BN_free(y);
    EC_GROUP_free(group);
}

/* RFC 7748, 6.1: all that give 0. The top bit is ignored, so each stands there with and without. */
static void x25519_values(struct values *v)
{
    static const uint8_t small[][32] = {
        { 0 }, { 1 },
        { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
          0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
          0xb8, 0x00 },
        { 0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
          0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
          0x11, 0x57 },
    };
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        for (unsigned top = 0; top < 256; top += 128) {
            uint8_t *at = add_value(v);
            memcpy(at, small[i], 32);
            at[31] |= (uint8_t)top;
        }
    }
    for (unsigned low = 0xec; low <= 0xee; low++) { /* p-1, p, p+1 */
        for (unsigned top = 0x7f; top < 256; top += 128) {
            uint8_t *at = add_value(v);
            memset(at, 0xff, 32);
            at[0] = (uint8_t)low;
            at[31] = (uint8_t)top;
        }
    }
}

static struct values *values_of(enum group_id g)
{
    struct values *v = calloc(1, sizeof *v);
    size_t len = group_get(g)->public_len;
    assert_non_null(v);
    if (g <= GROUP_MODP4096) {
        modp_values(v, g, len);
    } else if (g <= GROUP_ECP521) {
        ecp_values(v, g, len);
    } else {
        x25519_values(v);
    }
    return v;
}

/* ---- the arithmetic alone ---- */

static void f5_refused_by_every_group(void **state)
{
    const char *why = NULL;
    struct dh_lib *lib = dh_lib_new(&why);
    (void)state;
    for (unsigned g = 0; g < GROUP_COUNT; g++) {
        size_t len = group_get((enum group_id)g)->public_len;
        uint8_t secret[KE_MAX];
        uint8_t value[KE_MAX + 1] = { 0 };
        struct values *v = values_of((enum group_id)g);
        struct dh *dh = dh_new(lib, (enum group_id)g);
        struct dh *other = dh_new(lib, (enum group_id)g);
        for (size_t i = 0; i < v->count; i++) {
            assert_non_null(dh_agree(lib, dh, v->bytes[i], len, secret));
        }
        assert_non_null(dh_agree(lib, dh, dh_public_view(dh), len, secret)); /* reflected */
        memcpy(value, dh_public_view(other), len);
        const size_t wrong[] = { 0, 1, len - 1, len + 1 };
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            assert_non_null(dh_agree(lib, dh, value, wrong[i], secret));
        }
        assert_null(dh_agree(lib, dh, value, len, secret));
        dh_free(other);
        dh_free(dh);
        free(v);
    }
    dh_lib_free(lib);
}

/* The last that may be: 2 and p-2. */
static void f5_taken_next_to_them(void **state)
{
    const char *why = NULL;
    struct dh_lib *lib = dh_lib_new(&why);
    (void)state;
    for (unsigned g = GROUP_MODP1024; g <= GROUP_MODP4096; g++) {
        size_t len = group_get((enum group_id)g)->public_len;
        uint8_t secret[KE_MAX];
        uint8_t value[KE_MAX] = { 0 };
        BIGNUM *p = prime_of((enum group_id)g);
        struct dh *dh = dh_new(lib, (enum group_id)g);
        value[len - 1] = 2;
        assert_null(dh_agree(lib, dh, value, len, secret));
        BN_sub_word(p, 2);
        BN_bn2binpad(p, value, (int)len);
        assert_null(dh_agree(lib, dh, value, len, secret));
        BN_free(p);
        dh_free(dh);
    }
    dh_lib_free(lib);
}

/* ---- in messages ---- */

static const char *words_of(unsigned g)
{
    static char words[GROUP_COUNT][200];
    const char *name = group_get((enum group_id)g)->word;
    snprintf(words[g], sizeof words[g], "policy=psk,encrypt,tunnel,pfs ike=aes128-sha1-%s "
             "esp=aes128-sha1 pfsgroup=%s", name, name);
    return words[g];
}

struct change {
    const uint8_t *value;
    size_t len;
};

static void change_ke(struct opened *o, size_t variant)
{
    const struct change *c = (const struct change *)variant;
    payload_body(o, payload_place(o, PAYLOAD_KE), c->value, c->len);
}

/*
 * Messages 3 and 4 end the negotiation without a word: it may be a stranger's. In Quick Mode the
 * peer is told; as initiator, that the SA that he has made by now goes.
 */
static void f5_in_messages(void **state)
{
    (void)state;
    for (unsigned g = 0; g < GROUP_COUNT; g++) {
        struct values *v = values_of((enum group_id)g);
        for (size_t i = 0; i < v->count; i++) {
            const struct change c = { v->bytes[i], group_get((enum group_id)g)->public_len };
            struct attack a = { .words = words_of(g), .instead = true, .change = change_ke,
                                .variant = (size_t)&c, .line = "the peer's public value is " };
            for (unsigned at = 3; at <= 8; at++) {
                a.at = at;
                a.answers = at >= 7 ? 1 : 0;
                a.notify = at == 7 ? NOTIFY_INVALID_KEY_INFORMATION : 0;
                if (at != 5 && at != 6) {
                    attack(&a);
                }
            }
        }
        free(v);
    }
}

/* Without a right length nothing is asked of secrets: the honest message after it is taken. */
static void f5_lengths(void **state)
{
    uint8_t *value = calloc(1, 16000);
    (void)state;
    assert_non_null(value);
    memset(value, 5, 16000);
    for (unsigned g = 0; g < GROUP_COUNT; g++) {
        size_t len = group_get((enum group_id)g)->public_len;
        size_t other = group_get((enum group_id)((g + 1) % GROUP_COUNT))->public_len;
        const size_t lengths[] = { 0, 1, len - 1, len + 1, other, KE_MAX + 1, 16000 };
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            const struct change c = { value, lengths[i] };
            struct attack a = { .words = words_of(g), .change = change_ke, .variant = (size_t)&c };
            for (a.at = 3; a.at <= 4; a.at++) {
                a.line = lengths[i] == 0 ? "a payload that is too short"
                                         : "the KE payload has not the length of its group";
                attack(&a);
            }
            a.instead = true;
            for (a.at = 7; a.at <= 8; a.at++) {
                a.line = lengths[i] == 0       ? "a payload that is too short"
                         : lengths[i] > KE_MAX ? "the KE payload has an impossible length"
                                               : "the KE payload has not the length of its group";
                a.answers = 1;
                a.notify = ANY_NOTIFICATION;
                attack(&a);
            }
        }
    }
    free(value);
}

static void leave_out(struct opened *o, size_t type)
{
    payload_remove(o, payload_place(o, (unsigned)type));
}

static void f5_absent(void **state)
{
    const char *words = words_of(GROUP_CURVE25519);
    (void)state;
    for (unsigned at = 3; at <= 4; at++) {
        attack(&(struct attack){ .words = words, .at = at, .change = leave_out,
                                 .variant = PAYLOAD_KE, .line = "the KE payload is missing" });
    }
    attack(&(struct attack){ .words = words, .at = 7, .instead = true, .change = leave_out,
                             .variant = PAYLOAD_KE, .line = "a group, but no KE payload for it",
                             .answers = 1, .notify = NOTIFY_NO_PROPOSAL_CHOSEN });
    attack(&(struct attack){ .words = words, .at = 8, .instead = true, .change = leave_out,
                             .variant = PAYLOAD_KE,
                             .line = "the peer left out the KE payload that PFS needs",
                             .answers = 1, .notify = NOTIFY_NO_PROPOSAL_CHOSEN });
}

/* The value that we sent comes back. */
static void reflect(struct opened *o, size_t variant)
{
    const struct exchange *x = hostile_main(o->lab, o->to);
    (void)variant;
    if (x->main != NULL) {
        payload_body(o, payload_place(o, PAYLOAD_KE), x->main->ke, x->main->ke_len);
    } else {
        payload_body(o, payload_place(o, PAYLOAD_KE), o->quick->quick->ke, o->quick->quick->ke_len);
    }
}

static void f5_our_own(void **state)
{
    const char *words = words_of(GROUP_CURVE25519);
    (void)state;
    attack(&(struct attack){ .words = words, .at = 4, .change = reflect,
                             .line = "it is our own message, sent back to us" });
    attack(&(struct attack){ .words = words, .at = 8, .instead = true, .change = reflect,
                             .line = "the peer's public value is our own", .answers = 1 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f5_refused_by_every_group),
        cmocka_unit_test(f5_taken_next_to_them),
        cmocka_unit_test(f5_in_messages),
        cmocka_unit_test(f5_lengths),
        cmocka_unit_test(f5_absent),
        cmocka_unit_test(f5_our_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
