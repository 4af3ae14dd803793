/* The layer that makes a host of a world a quirk peer; see quirks.h. */
#include "quirks_private.h"

#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static void set_bytes(struct bytes *b, const void *data, size_t len)
{
    free(b->data);
    b->data = malloc(len > 0 ? len : 1);
    memcpy(b->data, data, len);
    b->len = len;
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
        const struct part g_xi = quirk_part(&l->g_xi);
        const struct part g_xr = quirk_part(&l->g_xr);
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

/* Writes the changed message into d, and reads it into m and plain; false: nobody can read it. */
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
    quirk_write(l, &q, &out, iv);
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
    if (from != l->peer && l->quirk != NULL && (l->quirk->watch & at) != 0) {
        static struct quirk_message ours;
        memset(&ours, 0, sizeof ours);
        open_up(&ours, &m);
        l->quirk->look(&ours);
        l->applied++;
    }
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

static void begin_inform(struct quirk_layer *l, struct quirk_message *m, unsigned exchange,
                         uint32_t message_id)
{
    memset(m, 0, sizeof *m);
    m->main = quirk_main(l->world, l->peer);
    m->at = AT_INFO;
    m->header = (struct isakmp_header){ .exchange = (uint8_t)exchange,
                                        .message_id = message_id };
    memcpy(m->header.cky_i, m->main->sa->cky_i, COOKIE_LEN);
    memcpy(m->header.cky_r, m->main->sa->cky_r, COOKIE_LEN);
    while (m->header.message_id == 0) {
        assert_int_equal(RAND_bytes((uint8_t *)&m->header.message_id, 4), 1);
    }
}

void quirk_send(struct quirk_layer *l, unsigned exchange, uint32_t message_id, bool quick_iv,
                unsigned type, const void *body, size_t len)
{
    static struct quirk_message m;
    static const uint8_t zeros[HASH_MAX];
    uint8_t iv[IV_MAX];
    struct buffer out;
    begin_inform(l, &m, exchange, message_id);
    m.header.flags = FLAG_ENCRYPTION;
    iv_phase2(&m.main->sa->keys, m.main->sa->iv, m.header.message_id, iv);
    if (quick_iv) {
        memcpy(iv, chain_iv(l, &m.main->sa->keys, message_id), IV_MAX);
    }
    quirk_insert(&m, 0, PAYLOAD_HASH, zeros, m.main->sa->keys.hash->len);
    quirk_insert(&m, 1, type, body, len);
    if (l->quirk != NULL && (l->quirk->at & AT_INFO) != 0) {
        l->quirk->change(&m);
    }
    buffer_init(&out, MESSAGE_MAX);
    quirk_write(l, &m, &out, iv);
    inject(l, m.main, &out);
}

void quirk_send_clear(struct quirk_layer *l, unsigned type, const void *body, size_t len)
{
    static struct quirk_message m;
    struct buffer out;
    begin_inform(l, &m, EXCHANGE_INFORMATIONAL, 0);
    m.at = AT_MAIN_1; /* in clear */
    quirk_insert(&m, 0, type, body, len);
    buffer_init(&out, MESSAGE_MAX);
    quirk_write(l, &m, &out, NULL);
    inject(l, m.main, &out);
}
