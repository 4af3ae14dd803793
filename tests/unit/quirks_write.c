/* Messages of a quirk peer put together again; see quirks.h. */
#include "quirks_private.h"

#include "secrets/derive.h"

#include <bsd/sys/endian.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

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
        parts[count++] = quirk_part(&l->quick_ni_b);
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
        .hash = sa->suite.hash->id, .ni_b = quirk_part(&l->ni_b), .nr_b = quirk_part(&l->nr_b),
        .g_xi = quirk_part(&l->g_xi), .g_xr = quirk_part(&l->g_xr),
        .cky_i = { sa->cky_i, COOKIE_LEN }, .cky_r = { sa->cky_r, COOKIE_LEN },
        .sai_b = quirk_part(&l->sai_b),
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

void quirk_write(const struct quirk_layer *l, struct quirk_message *m, struct buffer *out,
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
