/* What a script of the exchange target changes in a message. */
#include "script.h"

#include "fuzz.h"

#include "tests/unit/flood.h"

#include <stdlib.h>
#include <string.h>

void script_fill(uint8_t *bytes, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(seed * 31 + i * (seed & 3));
    }
    if (len > 8 && (seed & 4) != 0) { /* a DOI, a protocol, a size of 4: N, D */
        memcpy(bytes, "\0\0\0\1\3\4\0\1", 8);
    }
}

static void copy_payload(struct opened *o, size_t from, size_t to)
{
    uint8_t body[2000];
    size_t len;
    const uint8_t *at = payload_at(o, from, &len);
    unsigned type = from == 0 ? o->header.next_payload : *payload_at(o, from - 1, NULL);
    if (len <= sizeof body) {
        memcpy(body, at, len);
        payload_insert(o, to, type, body + GENERIC_HEADER_LEN, len - GENERIC_HEADER_LEN);
    }
}

static void change_payloads(struct opened *o, const struct step *s)
{
    uint8_t body[256];
    size_t count = payload_count(o);
    size_t len = 0;
    if (s->what == INSERT) {
        script_fill(body, s->b & 255u, s->which);
        payload_insert(o, s->a % (count + 1), s->b >> 8, body, s->b & 255u);
        return;
    }
    if (count == 0) {
        return;
    }
    size_t n = s->a % count;
    switch (s->what) {
    case REMOVE:
        payload_remove(o, n);
        break;
    case COPY:
        copy_payload(o, n, s->b % (count + 1));
        break;
    case RETYPE:
        payload_type(o, n, s->b & 255u);
        break;
    case SHORTEN:
        (void)payload_at(o, n, &len);
        len = s->b % (len - GENERIC_HEADER_LEN + 1);
        if (len <= sizeof body) {
            memcpy(body, payload_at(o, n, NULL) + GENERIC_HEADER_LEN, len);
            payload_body(o, n, body, len);
        }
        break;
    default:
        break;
    }
}

/* Has it a proof that can be made anew? */
static bool is_proof(struct opened *o)
{
    const struct exchange *x = exchange_by_cookies(o->lab->host[o->to].ike, o->header.cky_i,
                                                   o->header.cky_r);
    return x != NULL && x->main != NULL && o->encrypted && o->header.exchange == EXCHANGE_MAIN
           && o->header.next_payload == PAYLOAD_ID && payload_count(o) == 2
           && o->chain[0] == PAYLOAD_HASH;
}

static void mirror(struct opened *o, bool nonce)
{
    const struct exchange *x = exchange_by_cookies(o->lab->host[o->to].ike, o->header.cky_i,
                                                   o->header.cky_r);
    const unsigned type = nonce ? PAYLOAD_NONCE : PAYLOAD_KE;
    struct message m = { 0 };
    if (x == NULL || x->main == NULL
        || payloads_decode(&m, o->header.next_payload, o->chain, o->len) != NULL
        || message_count(&m, type) == 0) {
        return;
    }
    payload_body(o, payload_place(o, type), nonce ? x->main->nonce : x->main->ke,
                 nonce ? x->main->nonce_len : x->main->ke_len);
}

void script_change(struct opened *o, const struct step *s)
{
    size_t hash_len = o->sa == NULL || o->sa->keys.hash == NULL ? 0 : o->sa->keys.hash->len;
    if (s->what == SET_BYTE && o->len > 0) {
        o->chain[s->a % o->len] = (uint8_t)s->b;
    } else if (s->what == SET_WORD && o->len > 1) {
        o->chain[s->a % (o->len - 1)] = (uint8_t)(s->b >> 8);
        o->chain[s->a % (o->len - 1) + 1] = (uint8_t)s->b;
    } else if (s->what == HEADER && s->a % 4 == 0) {
        o->header.exchange = (uint8_t)s->b;
    } else if (s->what == HEADER && s->a % 4 == 1) {
        o->header.flags = (uint8_t)s->b;
    } else if (s->what == HEADER && s->a % 4 == 2) {
        memset(o->header.cky_r, 0, COOKIE_LEN);
        memcpy(o->header.cky_r, o->header.cky_i, (s->b & 1) != 0 ? COOKIE_LEN : 0);
    } else if (s->what == HEADER && o->encrypted) {
        hostile_renumber(o, s->b);
    } else if (s->what == PUT) {
        known_append(o, (enum known)((s->b >> 8) % KNOWN_COUNT), s->b & 255u);
    } else if (s->what == MISPROVE && o->hash != 0 && hash_len > 0
               && o->len >= GENERIC_HEADER_LEN + hash_len) {
        hostile_hash(o);
        o->chain[GENERIC_HEADER_LEN + s->a % hash_len] ^= (uint8_t)s->b;
    } else if (s->what == MIRROR) {
        mirror(o, s->a % 2 != 0);
    } else if (s->what == IDENTIFY && is_proof(o)) {
        payload_remove(o, 0);
        known_append(o, KNOWN_IDENTITY, s->b);
        hostile_prove(o);
    } else {
        change_payloads(o, s);
    }
}

/* As many as fill the table, at most: by their number from one address, by their size from all. */
void script_flood(struct lab *l, const struct step *s)
{
    bool one_address = (s->b & 1) != 0;
    bool large = (s->b & 2) != 0;
    unsigned count = s->a % (large ? 600u : 400u);
    struct datagram *d = calloc(1, sizeof *d);
    fuzz_check(d != NULL);
    for (unsigned n = 1; n <= count; n++) {
        const struct path path = flood_path(one_address ? 1 : n);
        flood_first(d, s->which * 1000u + n, &path);
        if (large) {
            flood_grow(d, 16000);
        }
        lab_hear(l, &path, d->bytes, d->len);
    }
    free(d);
    lab_settle(l);
}
