/* Messages opened, changed and sealed again; see hostile.h. */
#include "hostile.h"

#include "secrets/derive.h"

#include <bsd/sys/endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening and sealing ---- */

const struct exchange *hostile_main(const struct lab *l, unsigned host)
{
    const struct exchange *found = NULL;
    const struct exchange *x = l->host[host].ike->exchanges;
    for (; x != NULL; x = x->by_serial.next) {
        found = x->is_quick ? found : x;
    }
    return found;
}

static const struct exchange *find_quick(const struct isakmp_sa *sa, uint32_t message_id)
{
    const struct exchange *q;
    LIST_FOREACH(q, &sa->quicks, siblings) {
        if (q->message_id == message_id) {
            return q;
        }
    }
    return NULL;
}

/* Where the receiver stands says which IV it is going to use, and which HASH it expects. */
static void find_keys(struct opened *o)
{
    uint32_t id = o->header.message_id;
    if (o->header.exchange == EXCHANGE_QUICK) {
        o->quick = find_quick(o->sa, id);
        o->hash = o->quick == NULL ? 1 : o->quick->state == QUICK_I1 ? 2 : 3;
    } else {
        o->hash = o->header.exchange == EXCHANGE_INFORMATIONAL ? 1 : 0;
    }
    if (o->quick != NULL) {
        memcpy(o->iv, o->quick->iv, IV_MAX);
    } else if (id != 0) {
        iv_phase2(&o->sa->keys, o->sa->iv, id, o->iv);
    } else {
        memcpy(o->iv, o->sa->iv, IV_MAX);
    }
}

bool hostile_open(struct lab *l, const struct datagram *d, struct opened *o)
{
    struct message m = { 0 };
    memset(o, 0, offsetof(struct opened, chain));
    o->lab = l;
    o->path = d->path;
    o->to = lab_host_of(&d->path.local);
    if (o->to == LAB_NOBODY || header_decode(&o->header, d->bytes, d->len) != NULL) {
        return false;
    }
    o->encrypted = (o->header.flags & FLAG_ENCRYPTION) != 0;
    o->len = d->len - ISAKMP_HEADER_LEN;
    memcpy(o->chain, d->bytes + ISAKMP_HEADER_LEN, o->len);
    const struct exchange *main = exchange_by_cookies(l->host[o->to].ike, o->header.cky_i,
                                                      o->header.cky_r);
    o->sa = main == NULL ? NULL : main->sa;
    if (o->encrypted) {
        uint8_t iv[IV_MAX];
        if (o->sa == NULL || o->sa->keys.cipher == NULL) {
            return false;
        }
        find_keys(o);
        memcpy(iv, o->iv, IV_MAX);
        isakmp_decrypt(&o->sa->keys, iv, o->chain, o->len);
    }
    if (payloads_decode(&m, o->header.next_payload, o->chain, o->len) != NULL) {
        return false;
    }
    o->len = m.payloads_len;
    return true;
}

void hostile_begin(struct lab *l, unsigned to, unsigned exchange, uint32_t message_id,
                   struct opened *o)
{
    const struct exchange *main = hostile_main(l, to);
    assert_non_null(main);
    memset(o, 0, offsetof(struct opened, chain));
    o->lab = l;
    o->to = to;
    o->path = lab_path(to, 1 - to);
    o->sa = main->sa;
    o->encrypted = main->sa->keys.cipher != NULL;
    o->header = (struct isakmp_header){ .version = ISAKMP_VERSION, .exchange = (uint8_t)exchange,
                                        .message_id = message_id };
    memcpy(o->header.cky_i, main->sa->cky_i, COOKIE_LEN);
    memcpy(o->header.cky_r, main->sa->cky_r, COOKIE_LEN);
    if (o->encrypted) {
        find_keys(o);
        static const uint8_t zeros[HASH_MAX];
        payload_insert(o, 0, PAYLOAD_HASH, zeros, o->sa->keys.hash->len);
    }
}

void hostile_renumber(struct opened *o, uint32_t message_id)
{
    o->header.message_id = message_id;
    find_keys(o);
}

void hostile_prove(struct opened *o)
{
    const struct exchange *x = exchange_by_cookies(o->lab->host[o->to].ike, o->header.cky_i,
                                                   o->header.cky_r);
    const struct main_scratch *m = x->main;
    const bool to_initiator = x->initiator;
    const struct part ours = { m->ke, m->ke_len };
    const struct part peers = { m->ke_peer, m->ke_peer_len };
    const struct part our_nonce = { m->nonce, m->nonce_len };
    const struct part peer_nonce = { m->nonce_peer, m->nonce_peer_len };
    const struct phase1_values v = {
        .hash = x->sa->suite.hash->id,
        .ni_b = to_initiator ? our_nonce : peer_nonce,
        .nr_b = to_initiator ? peer_nonce : our_nonce,
        .g_xi = to_initiator ? ours : peers,
        .g_xr = to_initiator ? peers : ours,
        .cky_i = { x->sa->cky_i, COOKIE_LEN },
        .cky_r = { x->sa->cky_r, COOKIE_LEN },
        .sai_b = { m->sa_body, m->sa_body_len },
    };
    struct skeyids s;
    uint8_t hash[HASH_MAX];
    size_t len;
    const uint8_t *id = payload_at(o, payload_place(o, PAYLOAD_ID), &len);
    derive_skeyid_psk(&s, &v, (struct part){ (const uint8_t *)"x", 1 });
    derive_hash(hash, &v, s.skeyid, !to_initiator,
                (struct part){ id + GENERIC_HEADER_LEN, len - GENERIC_HEADER_LEN });
    payload_body(o, payload_place(o, PAYLOAD_HASH), hash, x->sa->suite.hash->len);
}

/* HASH(1) to HASH(3) over the payloads as they are now, if there still is a place for it. */
static void put_hash(const struct opened *o, uint8_t *chain)
{
    const struct hash *hash = o->sa->keys.hash;
    size_t head = GENERIC_HEADER_LEN + hash->len;
    uint8_t m_id[4];
    uint8_t out[HASH_MAX];
    static const uint8_t zero = 0;
    if (o->header.next_payload != PAYLOAD_HASH || o->len < head
        || (size_t)(chain[2] << 8 | chain[3]) != head) {
        return;
    }
    be32enc(m_id, o->header.message_id);
    const struct quick_scratch *q = o->quick == NULL ? NULL : o->quick->quick;
    const struct part rest = { chain + head, o->len - head };
    const struct part ours = { q == NULL ? NULL : q->nonce, q == NULL ? 0 : q->nonce_len };
    const struct part peers = { q == NULL ? NULL : q->nonce_peer,
                                q == NULL ? 0 : q->nonce_peer_len };
    const struct part first[] = { { m_id, 4 }, rest };
    const struct part second[] = { { m_id, 4 }, ours, rest };
    const struct part third[] = { { &zero, 1 }, { m_id, 4 }, peers, ours };
    if (o->hash == 1) {
        isakmp_hash(&o->sa->keys, first, 2, out);
    } else if (o->hash == 2) {
        isakmp_hash(&o->sa->keys, second, 3, out);
    } else {
        isakmp_hash(&o->sa->keys, third, 4, out);
    }
    memcpy(chain + GENERIC_HEADER_LEN, out, hash->len);
}

void hostile_hash(struct opened *o)
{
    if (o->hash != 0) {
        put_hash(o, o->chain);
        o->hash = 0;
    }
}

void hostile_seal(const struct opened *o, struct datagram *d)
{
    struct buffer bytes;
    struct message_writer w;
    uint8_t iv[IV_MAX];
    uint8_t *chain = malloc(o->len + 1);
    assert_non_null(chain);
    memcpy(chain, o->chain, o->len);
    if (o->hash != 0) {
        put_hash(o, chain);
    }
    buffer_init(&bytes, 0);
    message_begin(&w, &bytes, o->header.cky_i, o->header.cky_r, o->header.exchange,
                  o->header.flags & (unsigned)~FLAG_ENCRYPTION, o->header.message_id);
    buffer_add(&bytes, chain, o->len);
    if (o->encrypted && o->len == 0) {
        static const uint8_t zeros[IV_MAX];
        buffer_add(&bytes, zeros, sizeof zeros); /* nothing but padding */
    }
    bytes.data[16] = o->header.next_payload;
    assert_true(message_end(&w));
    if (o->encrypted) {
        memcpy(iv, o->iv, IV_MAX);
        assert_true(message_seal(&bytes, &o->sa->keys, iv));
    }
    assert_in_range(bytes.len, 1, sizeof d->bytes);
    d->path = o->path;
    d->len = bytes.len;
    memcpy(d->bytes, bytes.data, bytes.len);
    buffer_wipe(&bytes);
    free(chain);
}

/* ---- payloads ---- */

static size_t length_at(const uint8_t *p)
{
    return (size_t)(p[2] << 8 | p[3]);
}

/* Place in the chain of the byte that names payload n's type; *at: where it begins. */
static uint8_t *type_of(struct opened *o, size_t n, size_t *at)
{
    uint8_t *type = &o->header.next_payload;
    *at = 0;
    while (n-- > 0) {
        assert_true(*at + GENERIC_HEADER_LEN <= o->len);
        type = o->chain + *at;
        *at += length_at(o->chain + *at);
    }
    return type;
}

size_t payload_count(const struct opened *o)
{
    size_t n = 0;
    uint8_t type = o->header.next_payload;
    for (size_t at = 0; type != PAYLOAD_NONE; n++) {
        type = o->chain[at];
        at += length_at(o->chain + at);
    }
    return n;
}

uint8_t *payload_at(struct opened *o, size_t n, size_t *len)
{
    size_t at;
    (void)type_of(o, n, &at);
    if (len != NULL) {
        *len = length_at(o->chain + at);
    }
    return o->chain + at;
}

size_t payload_place(struct opened *o, unsigned type)
{
    size_t at;
    size_t n = 0;
    while (*type_of(o, n, &at) != type) {
        n++;
        assert_true(n < 100);
    }
    return n;
}

unsigned payload_type_of(struct opened *o, size_t n)
{
    size_t at;
    return *type_of(o, n, &at);
}

void payload_type(struct opened *o, size_t n, unsigned type)
{
    size_t at;
    *type_of(o, n, &at) = (uint8_t)type;
}

void payload_insert(struct opened *o, size_t n, unsigned type, const void *body, size_t len)
{
    size_t at;
    uint8_t *before = type_of(o, n, &at);
    size_t whole = GENERIC_HEADER_LEN + len;
    assert_true(o->len + whole <= sizeof o->chain && whole <= UINT16_MAX);
    memmove(o->chain + at + whole, o->chain + at, o->len - at);
    o->len += whole;
    o->chain[at] = *before;
    o->chain[at + 1] = 0;
    o->chain[at + 2] = (uint8_t)(whole >> 8);
    o->chain[at + 3] = (uint8_t)whole;
    if (len > 0) {
        memcpy(o->chain + at + GENERIC_HEADER_LEN, body, len);
    }
    *before = (uint8_t)type;
}

void payload_remove(struct opened *o, size_t n)
{
    size_t at;
    uint8_t *before = type_of(o, n, &at);
    size_t whole = length_at(o->chain + at);
    *before = o->chain[at];
    memmove(o->chain + at, o->chain + at + whole, o->len - at - whole);
    o->len -= whole;
}

void payload_body(struct opened *o, size_t n, const void *body, size_t len)
{
    size_t at;
    unsigned type = *type_of(o, n, &at);
    payload_remove(o, n);
    payload_insert(o, n, type, body, len);
}

void payload_spoil(struct opened *o, unsigned type, size_t len)
{
    uint8_t body[2048] = { 0 };
    size_t whole;
    size_t n = payload_place(o, type);
    const uint8_t *p = payload_at(o, n, &whole);
    whole -= GENERIC_HEADER_LEN;
    assert_true(whole <= sizeof body && len <= sizeof body);
    memcpy(body, p + GENERIC_HEADER_LEN, whole);
    if (len == whole) {
        body[len - 1] ^= 1;
    }
    payload_body(o, n, body, len);
}
