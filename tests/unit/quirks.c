#include "quirks.h"

#include "secrets/derive.h"

#include <bsd/sys/endian.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])
#define SEEN_MAX 64
#define CHAINS_MAX 16

struct bytes {
    uint8_t *data;
    size_t len;
};

struct quirk_layer {
    struct world *world;
    unsigned peer;
    const struct quirk *quirk;
    unsigned applied;
    unsigned lose_at;
    unsigned lose_count;
    struct {
        struct bytes before, after;
    } seen[SEEN_MAX]; /* every datagram, so that one that comes again is changed alike */
    size_t seen_count;
    /* What both ends know, read off the wire. */
    uint8_t iv[IV_MAX]; /* of the next message of phase 1 */
    struct {
        uint32_t message_id;
        uint8_t iv[IV_MAX];
    } chain[CHAINS_MAX]; /* of Quick Modes */
    size_t chains;
    struct bytes sai_b, ni_b, nr_b, g_xi, g_xr, quick_ni_b;
};

static void set_bytes(struct bytes *b, const void *data, size_t len)
{
    free(b->data);
    b->data = malloc(len > 0 ? len : 1);
    memcpy(b->data, data, len);
    b->len = len;
}

static struct part part_of(const struct bytes *b)
{
    return (struct part){ b->data, b->len };
}

/* ---- reading ---- */

static unsigned kind_of(const struct isakmp_header *h, const struct message *m, unsigned from)
{
    static const uint8_t none[COOKIE_LEN];
    if (h->exchange == EXCHANGE_INFORMATIONAL) {
        return AT_INFO;
    }
    if (h->exchange == EXCHANGE_QUICK) {
        return from == 1 ? AT_QUICK_2 : message_count(m, PAYLOAD_SA) > 0 ? AT_QUICK_1 : AT_QUICK_3;
    }
    if ((h->flags & FLAG_ENCRYPTION) != 0) {
        return from == 0 ? AT_MAIN_5 : AT_MAIN_6;
    }
    if (memcmp(h->cky_r, none, COOKIE_LEN) == 0) {
        return AT_MAIN_1;
    }
    return from == 0 ? AT_MAIN_3 : message_count(m, PAYLOAD_SA) > 0 ? AT_MAIN_2 : AT_MAIN_4;
}

static uint8_t *chain_iv(struct quirk_layer *l, const struct isakmp_keys *keys, uint32_t message_id)
{
    for (size_t i = 0; i < l->chains; i++) {
        if (l->chain[i].message_id == message_id) {
            return l->chain[i].iv;
        }
    }
    assert_true(l->chains < CHAINS_MAX);
    l->chain[l->chains].message_id = message_id;
    iv_phase2(keys, l->iv, message_id, l->chain[l->chains].iv);
    return l->chain[l->chains++].iv;
}

/* The IV with which a sealed message begins; it becomes that of the next one when written to. */
static uint8_t *iv_of(struct quirk_layer *l, const struct exchange *main,
                      const struct isakmp_header *h, uint8_t scratch[IV_MAX])
{
    if (h->exchange == EXCHANGE_MAIN) {
        return l->iv;
    }
    if (h->exchange == EXCHANGE_QUICK) {
        return chain_iv(l, &main->sa->keys, h->message_id);
    }
    iv_phase2(&main->sa->keys, l->iv, h->message_id, scratch);
    return scratch;
}

/* Takes a datagram apart; `plain` holds what was sealed under iv (NULL: it is in clear). */
static const char *read_message(const struct isakmp_header *h, const struct exchange *main,
                                const uint8_t *iv, const uint8_t *bytes, size_t len,
                                uint8_t *plain, struct message *m)
{
    uint8_t used[IV_MAX];
    memcpy(plain, bytes + ISAKMP_HEADER_LEN, len - ISAKMP_HEADER_LEN);
    if (iv != NULL) {
        memcpy(used, iv, IV_MAX);
        isakmp_decrypt(&main->sa->keys, used, plain, len - ISAKMP_HEADER_LEN);
    }
    m->header = *h;
    return payloads_decode(m, h->next_payload, plain, len - ISAKMP_HEADER_LEN);
}

static void open_up(struct quirk_message *q, const struct message *m)
{
    q->header = m->header;
    q->count = 0;
    for (size_t i = 0; i < m->count; i++) {
        quirk_insert(q, i, m->payload[i].type, m->payload[i].body, m->payload[i].body_len);
    }
}

/* ---- writing ---- */

static void put_payload(struct buffer *out, size_t next_at, const struct quirk_payload *p)
{
    out->data[next_at] = p->type;
    buffer_add_u8(out, PAYLOAD_NONE);
    buffer_add_u8(out, p->reserved);
    buffer_add_u16(out, (unsigned)(GENERIC_HEADER_LEN + p->len));
    buffer_add(out, p->body, p->len);
}

static void put_padding(struct buffer *out, const struct quirk_message *m, size_t block)
{
    uint8_t bytes[5 * IV_MAX] = { 0 };
    size_t odd = (out->len - ISAKMP_HEADER_LEN) % block;
    size_t need = odd == 0 ? 0 : block - odd;
    if (m->padding == PAD_RANDOM || m->padding == PAD_COUNT) {
        need = need == 0 ? block : need;
        assert_int_equal(RAND_bytes(bytes, (int)need), 1);
        bytes[0] |= 1; /* odd for certain */
    }
    if (m->padding == PAD_COUNT) {
        bytes[need - 1] = (uint8_t)need;
    }
    assert_true(m->padding != PAD_NONE || need == 0);
    buffer_add(out, bytes, need + (m->padding == PAD_LONG ? 4 * block : 0));
}

static void write_chain(struct buffer *out, const struct quirk_message *m)
{
    size_t next_at = 16;
    buffer_truncate(out, ISAKMP_HEADER_LEN);
    out->data[next_at] = PAYLOAD_NONE;
    for (size_t i = 0; i < m->count; i++) {
        size_t at = out->len;
        put_payload(out, next_at, &m->payload[i]);
        next_at = at;
    }
}

/* HASH(1) or HASH(2) over the bytes from behind it to `end`; HASH(3) covers no payload. */
static void set_quick_hash(const struct quirk_layer *l, const struct quirk_message *m,
                           struct buffer *out, size_t end)
{
    const struct isakmp_keys *keys = &m->main->sa->keys;
    size_t at = ISAKMP_HEADER_LEN + GENERIC_HEADER_LEN;
    size_t rest = at + keys->hash->len;
    uint8_t hash[HASH_MAX];
    uint8_t m_id[4];
    struct part parts[3] = { { m_id, sizeof m_id } };
    size_t count = 1;
    if (m->at == AT_QUICK_3 || m->keep_hash || m->payload[0].type != PAYLOAD_HASH) {
        return;
    }
    be32enc(m_id, m->header.message_id);
    if (m->at == AT_QUICK_2) {
        parts[count++] = part_of(&l->quick_ni_b);
    }
    parts[count++] = (struct part){ out->data + rest, end - rest };
    isakmp_hash(keys, parts, count, hash);
    memcpy(out->data + at, hash, keys->hash->len);
}

/* HASH_I or HASH_R over the identity as it stands now. */
static void set_main_hash(const struct quirk_layer *l, struct quirk_message *m)
{
    const struct isakmp_sa *sa = m->main->sa;
    const struct phase1_values v = {
        .hash = sa->suite.hash->id, .ni_b = part_of(&l->ni_b), .nr_b = part_of(&l->nr_b),
        .g_xi = part_of(&l->g_xi), .g_xr = part_of(&l->g_xr),
        .cky_i = { sa->cky_i, COOKIE_LEN }, .cky_r = { sa->cky_r, COOKIE_LEN },
        .sai_b = part_of(&l->sai_b),
    };
    const struct quirk_payload *id = quirk_find(m, PAYLOAD_ID, 0);
    struct skeyids s; /* SKEYID alone is right: the others would need g^xy */
    derive_skeyid_psk(&s, &v, (struct part){ (const uint8_t *)QUIRK_PSK, strlen(QUIRK_PSK) });
    if (id != NULL && !m->keep_hash) {
        derive_hash(quirk_find(m, PAYLOAD_HASH, 0)->body, &v, s.skeyid, m->at == AT_MAIN_5,
                    (struct part){ id->body, id->len });
    }
}

static void fit_without_padding(struct quirk_message *m, size_t len, size_t block)
{
    static const uint8_t vendor[IV_MAX + GENERIC_HEADER_LEN] = "no padding";
    size_t odd = (len - ISAKMP_HEADER_LEN + GENERIC_HEADER_LEN) % block;
    quirk_insert(m, m->count, PAYLOAD_VID, vendor, odd == 0 ? 0 : block - odd);
}

static void seal(const struct quirk_layer *l, struct quirk_message *m, struct buffer *out,
                 uint8_t *iv)
{
    const struct isakmp_keys *keys = &m->main->sa->keys;
    if (m->padding == PAD_NONE) {
        write_chain(out, m);
        fit_without_padding(m, out->len, keys->cipher->block_len);
    }
    if (m->header.exchange == EXCHANGE_MAIN) {
        set_main_hash(l, m);
    }
    write_chain(out, m);
    size_t end = out->len;
    put_padding(out, m, keys->cipher->block_len);
    if (m->header.exchange != EXCHANGE_MAIN) {
        set_quick_hash(l, m, out, m->hash_over_padding ? out->len : end);
    }
    isakmp_encrypt(keys, iv, out->data + ISAKMP_HEADER_LEN, out->len - ISAKMP_HEADER_LEN);
}

static void write_message(const struct quirk_layer *l, struct quirk_message *m, struct buffer *out,
                          uint8_t *iv)
{
    struct message_writer w;
    message_begin(&w, out, m->header.cky_i, m->header.cky_r, m->header.exchange, m->header.flags,
                  m->header.message_id);
    if ((m->at & AT_SEALED) != 0) {
        seal(l, m, out, iv);
    } else {
        write_chain(out, m);
        buffer_add(out, m->tail, m->tail_len);
    }
    assert_false(out->overflowed);
    assert_true(message_end(&w));
}

/* ---- the layer ---- */

/* What both ends know by this message, in the form in which it arrives. */
static void learn(struct quirk_layer *l, const struct exchange *main, const struct message *m,
                  unsigned at)
{
    const struct payload *nonce = message_find(m, PAYLOAD_NONCE, 0);
    const struct payload *ke = message_find(m, PAYLOAD_KE, 0);
    if (at == AT_MAIN_1) {
        const struct payload *sa = message_find(m, PAYLOAD_SA, 0);
        set_bytes(&l->sai_b, sa->body, sa->body_len);
    } else if (nonce == NULL || (at != AT_QUICK_1 && ke == NULL)) {
        return; /* no more than a fragment */
    } else if (at == AT_MAIN_3) {
        set_bytes(&l->g_xi, ke->body, ke->body_len);
        set_bytes(&l->ni_b, nonce->body, nonce->body_len);
    } else if (at == AT_MAIN_4) {
        set_bytes(&l->g_xr, ke->body, ke->body_len);
        set_bytes(&l->nr_b, nonce->body, nonce->body_len);
        const struct part g_xi = part_of(&l->g_xi);
        const struct part g_xr = part_of(&l->g_xr);
        iv_phase1(&main->sa->suite, &g_xi, &g_xr, l->iv);
    } else if (at == AT_QUICK_1) {
        set_bytes(&l->quick_ni_b, nonce->body, nonce->body_len);
    }
}

/* The peer's core goes on from what it is thought to have sent. */
static void believe(const struct quirk_layer *l, struct exchange *main, const struct message *m,
                    unsigned at, const uint8_t *iv)
{
    struct exchange *quick = quick_by_message_id(main->sa, m->header.message_id);
    if (at == AT_MAIN_1) {
        free(main->main->sa_body);
        main->main->sa_body = malloc(l->sai_b.len);
        memcpy(main->main->sa_body, l->sai_b.data, l->sai_b.len);
        main->main->sa_body_len = l->sai_b.len;
    } else if ((at & (AT_MAIN_5 | AT_MAIN_6)) != 0) {
        memcpy(main->sa->iv, iv, IV_MAX);
    } else if (m->header.exchange == EXCHANGE_QUICK && quick != NULL) {
        memcpy(quick->iv, iv, IV_MAX);
    }
}

static bool seen_before(const struct quirk_layer *l, struct datagram *d)
{
    for (size_t i = 0; i < l->seen_count; i++) {
        const struct bytes *before = &l->seen[i].before;
        const struct bytes *after = &l->seen[i].after;
        if (before->len == d->len && memcmp(before->data, d->bytes, d->len) == 0) {
            memcpy(d->bytes, after->data, after->len);
            d->len = after->len;
            return true;
        }
    }
    return false;
}

/* Writes the changed message into d. True: read again into m and plain; false: nobody can read it. */
static bool change(struct quirk_layer *l, struct datagram *d, struct exchange *main,
                   struct message *m, unsigned at, uint8_t *plain, uint8_t *iv)
{
    static struct quirk_message q; /* about 120 KB */
    uint8_t first_iv[IV_MAX];
    struct buffer out;
    memset(&q, 0, sizeof q);
    memcpy(first_iv, iv, IV_MAX);
    q.main = main;
    q.at = at;
    open_up(&q, m);
    l->quirk->change(&q);
    buffer_init(&out, MESSAGE_MAX);
    write_message(l, &q, &out, iv);
    memcpy(d->bytes, out.data, d->len = out.len);
    buffer_wipe(&out);
    assert_null(header_decode(&m->header, d->bytes, d->len));
    l->applied++;
    return read_message(&m->header, main, (at & AT_SEALED) != 0 ? first_iv : NULL, d->bytes, d->len,
                        plain, m) == NULL;
}

static unsigned network(struct world *w, struct datagram *d, unsigned number)
{
    struct quirk_layer *l = w->data;
    static const uint8_t none[COOKIE_LEN];
    unsigned from = 1 - d->to;
    struct message m;
    uint8_t plain[MESSAGE_MAX];
    uint8_t scratch[IV_MAX] = { 0 };
    struct isakmp_header h;

    (void)number;
    if (seen_before(l, d)) {
        return 1;
    }
    assert_null(header_decode(&h, d->bytes, d->len));
    struct exchange *main = exchange_by_cookies(w->host[from].ike, h.cky_i, h.cky_r);
    main = main != NULL ? main : exchange_by_cookies(w->host[from].ike, h.cky_i, none);
    bool sealed = (h.flags & FLAG_ENCRYPTION) != 0;
    if (main == NULL || l->seen_count == SEEN_MAX) {
        assert_null(main); /* a refusal of something unknown: nothing to keep track of */
        return 1;
    }
    uint8_t *iv = sealed ? iv_of(l, main, &h, scratch) : scratch;
    assert_null(read_message(&h, main, sealed ? iv : NULL, d->bytes, d->len, plain, &m));
    unsigned at = kind_of(&h, &m, from);
    if ((l->lose_at & at) != 0 && l->lose_count > 0) {
        l->lose_count--;
        return 0;
    }
    set_bytes(&l->seen[l->seen_count].before, d->bytes, d->len);
    bool changes = from == l->peer && l->quirk != NULL && (l->quirk->at & at) != 0
                   && l->quirk->change != NULL;
    bool readable = true;
    if (changes) {
        readable = change(l, d, main, &m, at, plain, iv);
    } else if (sealed) {
        size_t block = main->sa->keys.cipher->block_len;
        memcpy(iv, d->bytes + d->len - block, block);
    }
    set_bytes(&l->seen[l->seen_count++].after, d->bytes, d->len);
    if (readable) {
        learn(l, main, &m, at);
    }
    if (changes && readable) {
        believe(l, main, &m, at, iv);
    }
    return 1;
}

struct quirk_layer *quirk_put_on(struct world *w, unsigned peer, const struct quirk *q)
{
    struct quirk_layer *l = calloc(1, sizeof *l);
    *l = (struct quirk_layer){ .world = w, .peer = peer, .quirk = q };
    w->data = l;
    w->network = network;
    return l;
}

void quirk_take_off(struct quirk_layer *l)
{
    struct bytes *all[] = { &l->sai_b, &l->ni_b, &l->nr_b, &l->g_xi, &l->g_xr, &l->quick_ni_b };
    for (size_t i = 0; i < LENGTH(all); i++) {
        free(all[i]->data);
    }
    for (size_t i = 0; i < l->seen_count; i++) {
        free(l->seen[i].before.data);
        free(l->seen[i].after.data);
    }
    free(l);
}

unsigned quirk_applied(const struct quirk_layer *l)
{
    return l->applied;
}

void quirk_lose(struct quirk_layer *l, unsigned at, unsigned count)
{
    l->lose_at = at;
    l->lose_count = count;
}

/* ---- Informationals ---- */

struct exchange *quirk_main(struct world *w, unsigned host)
{
    struct exchange *x = w->host[host].ike->exchanges;
    while (x != NULL && x->is_quick) {
        x = x->by_serial.next;
    }
    return x;
}

struct exchange *quirk_quick(struct world *w, unsigned host)
{
    const struct exchange *main = quirk_main(w, host);
    return main == NULL ? NULL : LIST_FIRST(&main->sa->quicks);
}

static void inject(const struct quirk_layer *l, const struct exchange *main, struct buffer *out)
{
    struct datagram d = { .to = 1 - l->peer, .len = out->len };
    d.path = (struct path){ .local = main->sa->path.remote, .remote = main->sa->path.local,
                            .local_port = main->sa->path.remote_port,
                            .remote_port = main->sa->path.local_port };
    memcpy(d.bytes, out->data, out->len);
    buffer_wipe(out);
    world_inject(l->world, &d);
    world_settle(l->world);
}

static void begin_inform(struct quirk_layer *l, struct quirk_message *m, uint32_t message_id)
{
    memset(m, 0, sizeof *m);
    m->main = quirk_main(l->world, l->peer);
    m->at = AT_INFO;
    m->header = (struct isakmp_header){ .exchange = EXCHANGE_INFORMATIONAL,
                                        .message_id = message_id };
    memcpy(m->header.cky_i, m->main->sa->cky_i, COOKIE_LEN);
    memcpy(m->header.cky_r, m->main->sa->cky_r, COOKIE_LEN);
    while (m->header.message_id == 0) {
        assert_int_equal(RAND_bytes((uint8_t *)&m->header.message_id, 4), 1);
    }
}

void quirk_inform(struct quirk_layer *l, uint32_t message_id, bool quick_iv, unsigned type,
                  const void *body, size_t len)
{
    static struct quirk_message m;
    static const uint8_t zeros[HASH_MAX];
    uint8_t iv[IV_MAX];
    struct buffer out;
    begin_inform(l, &m, message_id);
    m.header.flags = FLAG_ENCRYPTION;
    iv_phase2(&m.main->sa->keys, m.main->sa->iv, m.header.message_id, iv);
    if (quick_iv) {
        memcpy(iv, chain_iv(l, &m.main->sa->keys, message_id), IV_MAX);
    }
    quirk_insert(&m, 0, PAYLOAD_HASH, zeros, m.main->sa->keys.hash->len);
    quirk_insert(&m, 1, type, body, len);
    buffer_init(&out, MESSAGE_MAX);
    write_message(l, &m, &out, iv);
    inject(l, m.main, &out);
}

void quirk_inform_clear(struct quirk_layer *l, unsigned type, const void *body, size_t len)
{
    static struct quirk_message m;
    struct buffer out;
    begin_inform(l, &m, 0);
    m.at = AT_MAIN_1; /* in clear */
    quirk_insert(&m, 0, type, body, len);
    buffer_init(&out, MESSAGE_MAX);
    write_message(l, &m, &out, NULL);
    inject(l, m.main, &out);
}
