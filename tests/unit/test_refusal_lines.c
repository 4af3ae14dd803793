/* Q13, [X3]: however long an offer is, the line that refuses it says what is to be done about it. */
#include "hostile.h"
#include "sa_body.h"

#include "ike-negotiate/attribute.h"

#include <stdlib.h>
#include <string.h>

#define WHACK_LINE 2000u /* what plutod writes at most */

struct offered {
    unsigned cipher, hash, method, group;
};

static void second_connection(struct lab *l)
{
    lab_whack(l, 1, "whack-connection name=another.connection.with.a.rather.long.name "
              "left-host=10.9.0.1 left-client=10.11.0.0/24 right-host=10.9.0.2 "
              "right-client=10.12.0.0/24 policy=psk,encrypt,tunnel ike=aes256-sha2_512-modp4096");
}

static void hear_first(struct lab *l, const struct offered *of, unsigned count)
{
    const struct path path = lab_path(1, 0);
    static const uint8_t cky_i[COOKIE_LEN] = { 7 }, cky_r[COOKIE_LEN];
    struct message_writer w;
    struct sa_body b;
    struct buffer m;
    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ISAKMP, 0);
    for (unsigned i = 0; i < count; i++) {
        body_transform(&b, i + 1, 1);
        body_basic(&b, IKE_ENCRYPTION, of->cipher);
        if (of->cipher == 7) {
            body_basic(&b, IKE_KEY_LENGTH, i % 2 == 0 ? 128 : 256);
        }
        body_basic(&b, IKE_HASH, of->hash);
        body_basic(&b, IKE_AUTH_METHOD, of->method);
        body_basic(&b, IKE_GROUP, of->group);
        body_basic(&b, IKE_LIFE_TYPE, LIFE_SECONDS);
        body_basic(&b, IKE_LIFE_DURATION, 3600 + i);
    }
    buffer_init(&m, MESSAGE_MAX);
    message_begin(&w, &m, cky_i, cky_r, EXCHANGE_MAIN, 0, 0);
    message_raw(&w, PAYLOAD_SA, b.bytes, b.len);
    assert_true(message_end(&w));
    lab_hear(l, &path, m.data, m.len);
    lab_settle(l);
    buffer_wipe(&m);
}

/* One line has what to do, and both lists. */
static void is_said(const struct lab *l, const char *what)
{
    const struct buffer *b = &l->host[1].log;
    const char *line = memmem(b->data, b->len, "no proposal chosen", 18);
    assert_non_null(line);
    size_t len = (size_t)((const char *)memchr(line, '\n', 4000) - line);
    assert_in_range(len, 1, WHACK_LINE - 100);
    if (memmem(line, len, what, strlen(what)) == NULL
        || memmem(line, len, "; the peer proposed ", 20) == NULL
        || memmem(line, len, "; we allow ", 11) == NULL) {
        fail_msg("no \"%s\" in: %.*s", what, (int)len, line);
    }
}

static void first_messages(const struct offered *of, const char *what)
{
    static const unsigned counts[] = { 1, 4, 12, 30, 60, 200 };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (unsigned connections = 1; connections <= 2; connections++) {
            struct lab *l = lab_new("policy=psk,encrypt,tunnel ike=default");
            if (connections == 2) {
                second_connection(l);
            }
            lab_forget_log(l);
            hear_first(l, of, counts[i]);
            is_said(l, what);
            assert_int_equal(lab_logged(l, 1, "(\"another.connection"), connections == 2);
            bool shortened = lab_logged(l, 1, " more; we allow ");
            assert_true(counts[i] < 4 ? !shortened : counts[i] < 30 || shortened);
            lab_free(l);
        }
    }
}

static void xauth_is_named(void **state)
{
    (void)state;
    first_messages(&(struct offered){ 7, 2, 65001, 2 },
                   "the peer is set to XAUTH (extended authentication): switch it off there");
    first_messages(&(struct offered){ 1, 1, 65001, 1 }, /* DES, MODP768: what is wrong with them, too */
                   "the peer is set to XAUTH (extended authentication): switch it off there");
}

static void a_weak_proposal_is_named(void **state)
{
    (void)state;
    first_messages(&(struct offered){ 5, 2, 1, 2 }, "--ike 3des-sha1-modp1024 would allow it");
}

/* ---- Quick Mode ---- */

static void quick_modes(unsigned count)
{
    static const uint8_t nonce[32] = { 1 };
    static const uint8_t clients[2][12] = { { 4, 0, 0, 0, 10, 1, 0, 0, 255, 255, 255, 0 },
                                            { 4, 0, 0, 0, 10, 2, 0, 0, 255, 255, 255, 0 } };
    struct lab *l = lab_new("policy=psk,encrypt,tunnel ike=aes128-sha1-curve25519 esp=default");
    struct opened *o = malloc(sizeof *o);
    struct datagram *d = malloc(sizeof *d);
    struct sa_body b;
    assert_non_null(o);
    assert_non_null(d);
    lab_initiate(l, 0);
    lab_forget_log(l);
    body_begin(&b);
    body_proposal(&b, 1, PROTOCOL_ESP, 4);
    for (unsigned i = 0; i < count; i++) {
        body_transform(&b, i + 1, 3);
        body_basic(&b, IPSEC_AUTH, 1);
        body_basic(&b, IPSEC_MODE, SA_MODE_TUNNEL);
        body_basic(&b, IPSEC_LIFE_TYPE, LIFE_SECONDS);
        body_basic(&b, IPSEC_LIFE_DURATION, 3600 + i);
    }
    hostile_begin(l, 1, EXCHANGE_QUICK, 4711, o);
    payload_insert(o, 1, PAYLOAD_SA, b.bytes, b.len);
    payload_insert(o, 2, PAYLOAD_NONCE, nonce, sizeof nonce);
    payload_insert(o, 3, PAYLOAD_ID, clients[0], sizeof clients[0]);
    payload_insert(o, 4, PAYLOAD_ID, clients[1], sizeof clients[1]);
    hostile_seal(o, d);
    lab_hear(l, &d->path, d->bytes, d->len);
    lab_settle(l);
    is_said(l, "3des-md5 is refused by default; --esp 3des-md5 would allow it");
    assert_true(lab_logged(l, 1, ", each in tunnel or transport mode")
                || lab_logged(l, 1, ", each in tunnel mode"));
    lab_free(l);
    free(o);
    free(d);
}

static void a_weak_esp_is_named(void **state)
{
    (void)state;
    quick_modes(1);
    quick_modes(30);
    quick_modes(200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xauth_is_named),
        cmocka_unit_test(a_weak_proposal_is_named),
        cmocka_unit_test(a_weak_esp_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
