#include "rsa_pair.h"

void side_add_key(struct side *s, const char *id, const char *pem)
{
    struct index index = { .kind = INDEX_ID };
    assert_null(identity_parse(&index.id, id));
    assert_null(store_add_rsa(s->store, "ipsec.secrets", 9, &index, 1, rsa_test_key(pem)));
}

struct side *side_with(const char *secrets, const char *id, const char *pem)
{
    struct side *s = side_new(secrets);
    if (pem != NULL) {
        side_add_key(s, id, pem);
    }
    return s;
}

char *public_text(const char *pem, char *text)
{
    struct rsa_key *key = rsa_test_key(pem);
    rsa_public_print(rsa_key_public(key), text);
    rsa_key_free(key);
    return text;
}

void pair_announce(struct pair *p, const char *methods)
{
    side_say(p->i, "announce exchange=1 connection=net role=initiator methods=%s ike=%s our-id=10.9.0.1 peer-id=10.9.0.2",
             methods, p->ike);
    side_say(p->r, "announce exchange=7 connection=net role=responder methods=%s ike=%s our-id=10.9.0.2 peer-id=10.9.0.1",
             methods, p->ike);
}

void pair_make_keys(struct pair *p)
{
    side_good(p->i, "ke id=1 exchange=1 group=ecp256");
    char *ke = side_hex(p->i, K_KE);
    char *nonce = side_hex(p->i, K_NONCE);
    side_good(p->r, "keys id=1 exchange=7 connection=net method=rsasig proposal=%s " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", p->ike, ke, nonce);
    char *skeyid = side_hex(p->r, K_SKEYID_A);
    ke = side_hex(p->r, K_KE);
    nonce = side_hex(p->r, K_NONCE);
    side_good(p->i, "keys id=2 exchange=1 connection=net method=rsasig proposal=%s " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", p->ike, ke, nonce);
    assert_string_equal(side_hex(p->i, K_SKEYID_A), skeyid);
    assert_false(record_has(&p->i->answer, K_HASH));
    p->id = side_hex(p->i, K_ID_BODY);
    p->proof = side_hex(p->i, K_SIG);
}

struct pair *pair_of(struct side *i, struct side *r, const char *ike)
{
    struct pair *p = calloc(1, sizeof *p);
    if (p == NULL) {
        abort();
    }
    *p = (struct pair){ .i = i, .r = r, .ike = ike };
    return p;
}

struct pair *pair_new(const char *ike, const char *pem_i, const char *pem_r)
{
    struct pair *p = pair_of(side_with("", "10.9.0.1", pem_i), side_with("", "10.9.0.2", pem_r), ike);
    pair_announce(p, "rsasig");
    return p;
}

void pair_free(struct pair *p)
{
    side_free(p->i);
    side_free(p->r);
    free(p);
}

uint64_t pair_auth(struct side *s, unsigned exchange, const char *id, const char *sig)
{
    side_say(s, "auth id=5 exchange=%u id-body=%s sig=%s", exchange, id, sig);
    while (side_take(s, &s->plutod, S_P)) {
        if (s->answer.verb == V_PUBLIC_KEYS) {
            assert_int_equal(record_number(&s->answer, K_EXCHANGE), exchange);
            assert_int_equal(s->negotiator.len, 0);
            return record_number(&s->answer, K_ID);
        }
    }
    return 0;
}

bool pair_keys_are(struct side *s, uint64_t asked, const char *keys)
{
    side_say(s, "ok id=%llu re=public-keys pubkeys=%s", (unsigned long long)asked, keys);
    assert_true(side_take(s, &s->negotiator, S_N));
    assert_int_equal(record_number(&s->answer, K_ID), 5);
    return s->answer.verb == V_OK;
}
