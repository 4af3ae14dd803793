/* F8: SIG payloads that are not the proof, and what else a peer with certificates sends, between whole hosts [X1]. */
#include "hostile.h"

#define RSA_WORDS "policy=rsasig,encrypt,tunnel ike=aes128-sha1-curve25519 esp=aes128-sha1"

static void x1_hosts_with_keys(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 2; first++) {
        struct lab *l = lab_new(RSA_WORDS);
        lab_initiate(l, first);
        lab_settle(l);
        assert_true(lab_up(l));
        assert_true(lab_logged(l, 0, "by RSA signature"));
        assert_true(lab_logged(l, 1, "by RSA signature"));
        lab_free(l);
    }
}

static void spoil_signature(struct opened *o, size_t len)
{
    payload_spoil(o, PAYLOAD_SIG, len);
}

static void f8_signatures(void **state)
{
    static const size_t lengths[] = { 0, 1, 63, 64, 65, 1024, 1025, 2000 }; /* the key has 512 bits */
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        const bool asked = lengths[i] >= 1 && lengths[i] <= 1024; /* then it is over */
        for (unsigned at = 5; at <= 6; at++) {
            attack(&(struct attack){ .words = RSA_WORDS, .at = at, .instead = asked, .change = spoil_signature,
                                     .variant = lengths[i], .answers = asked ? at - 4 : 0,
                                     .notify = asked ? ANY_NOTIFICATION : 0,
                                     .line = asked ? "was made by none of the 1 public keys that are known of him"
                                             : lengths[i] == 0 ? "a payload that is too short"
                                                               : "the SIG payload is longer than any key makes it" });
        }
    }
}

/* Since message 5 the SA stands for whoever answered: he has to hear that it does not, or would begin under it, in vain. */
static void x1_whoever_is_refused_hears_it(void **state)
{
    char modulus[2 * 64 + 1]; /* odd, and not his */
    (void)state;
    struct lab *l = lab_new(RSA_WORDS);
    memset(modulus, 'f', sizeof modulus - 1);
    modulus[sizeof modulus - 1] = '\0';
    lab_whack(l, 0, "whack-key keyid=10.9.0.2 pubkeyrsa=03010001%s", modulus);
    lab_initiate(l, 0);
    lab_settle(l);
    assert_true(lab_logged(l, 1, "authenticated notification from the peer: AUTHENTICATION-FAILED"));
    assert_true(lab_logged(l, 1, "the peer deleted the ISAKMP SA before anything was negotiated under it: "
                                 "perhaps he refuses our signature"));
    lab_initiate(l, 1);
    lab_settle(l);
    assert_true(lab_logged(l, 1, "the peer answered AUTHENTICATION-FAILED"));
    lab_free(l);
}

/* The proof of another method than was agreed on. */
static void hash_for_signature(struct opened *o, size_t len)
{
    payload_type(o, payload_place(o, PAYLOAD_SIG), PAYLOAD_HASH);
    (void)len;
}

static void f8_another_proof(void **state)
{
    (void)state;
    for (unsigned at = 5; at <= 6; at++) {
        attack(&(struct attack){ .words = RSA_WORDS, .at = at, .change = hash_for_signature,
                                 .line = "a HASH payload does not belong here" });
    }
}

/* ---- certificates ---- */

static unsigned with_certificates(struct lab *l, struct datagram *d, unsigned number)
{
    static struct opened o;
    static const uint8_t certificate[300] = { 4 };
    const unsigned *at = l->data;
    if (number == *at && hostile_open(l, d, &o)) {
        payload_insert(&o, 1, PAYLOAD_CERT, certificate, sizeof certificate);
        payload_insert(&o, 1, PAYLOAD_CERT, certificate, sizeof certificate);
        payload_insert(&o, payload_count(&o), PAYLOAD_CR, certificate, 1);
        hostile_seal(&o, d);
    }
    return 1;
}

/* Its sender encrypts on from what he sent himself, so that what follows is lost: an ISAKMP SA stands there. */
static void x1_certificates_are_ignored(void **state)
{
    (void)state;
    for (unsigned at = 5; at <= 6; at++) {
        const unsigned to = at == 5 ? 1 : 0;
        struct lab *l = lab_new(RSA_WORDS);
        l->network = with_certificates;
        l->data = &at;
        lab_initiate(l, 0);
        lab_settle(l);
        assert_true(lab_logged(l, to, "the peer sends certificates, which are ignored"));
        assert_true(lab_logged(l, to, "ISAKMP SA established"));
        lab_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x1_hosts_with_keys),
        cmocka_unit_test(f8_signatures),
        cmocka_unit_test(x1_whoever_is_refused_hears_it),
        cmocka_unit_test(f8_another_proof),
        cmocka_unit_test(x1_certificates_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
