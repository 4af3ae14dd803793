/* SA payloads taken apart and put together, whatever they say; see quirks.h. */
#include "quirks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static void open_transform(struct quirk_transform *t, const uint8_t *body, size_t len)
{
    const uint8_t *at = body + 4;
    size_t left = len - 4;
    *t = (struct quirk_transform){ .number = body[0], .id = body[1] };
    while (left > 0) {
        struct attribute a;
        assert_null(attribute_take(&a, &at, &left));
        assert_true(t->count < LENGTH(t->attribute) && a.len <= 8);
        struct quirk_attribute *q = &t->attribute[t->count++];
        *q = (struct quirk_attribute){ .type = a.type, .basic = a.basic, .len = (uint8_t)a.len };
        memcpy(q->bytes, a.bytes, a.len);
    }
}

static void open_proposal(struct quirk_proposal *p, const uint8_t *body, size_t len)
{
    *p = (struct quirk_proposal){ .number = body[0], .protocol = body[1], .spi_len = body[2] };
    memcpy(p->spi, body + 4, p->spi_len);
    const uint8_t *at = body + 4 + p->spi_len;
    size_t left = len - 4 - p->spi_len;
    while (left > 0) {
        struct chain_item item;
        assert_null(chain_take(&item, &at, &left));
        assert_true(p->count < LENGTH(p->transform));
        open_transform(&p->transform[p->count++], item.body, item.body_len);
    }
}

void quirk_sa_open(struct quirk_sa *sa, struct quirk_message *m)
{
    const struct quirk_payload *p = quirk_find(m, PAYLOAD_SA, 0);
    const uint8_t *at = p->body + 8; /* behind DOI and situation */
    size_t left = p->len - 8;
    sa->count = 0;
    while (left > 0) {
        struct chain_item item;
        assert_null(chain_take(&item, &at, &left));
        assert_true(sa->count < LENGTH(sa->proposal));
        open_proposal(&sa->proposal[sa->count++], item.body, item.body_len);
    }
}

static size_t begin(struct buffer *out, unsigned next)
{
    size_t at = out->len;
    buffer_add_u16(out, next << 8);
    buffer_add_u16(out, 0);
    return at;
}

static void end(struct buffer *out, size_t at)
{
    buffer_put_u16(out, at + 2, (unsigned)(out->len - at));
}

static void put_transform(struct buffer *out, const struct quirk_transform *t, bool last)
{
    size_t at = begin(out, last ? PAYLOAD_NONE : PAYLOAD_T);
    buffer_add_u8(out, t->number);
    buffer_add_u8(out, t->id);
    buffer_add_u16(out, 0);
    for (size_t i = 0; i < t->count; i++) {
        const struct quirk_attribute *a = &t->attribute[i];
        buffer_add_u16(out, a->basic ? 0x8000u | a->type : a->type);
        if (!a->basic) {
            buffer_add_u16(out, a->len);
        }
        buffer_add(out, a->bytes, a->len);
    }
    end(out, at);
}

void quirk_sa_close(const struct quirk_sa *sa, struct quirk_message *m)
{
    struct quirk_payload *payload = quirk_find(m, PAYLOAD_SA, 0);
    struct buffer out;
    buffer_init(&out, QUIRK_BODY);
    buffer_add(&out, payload->body, 8);
    for (size_t i = 0; i < sa->count; i++) {
        const struct quirk_proposal *p = &sa->proposal[i];
        size_t at = begin(&out, i + 1 < sa->count ? PAYLOAD_P : PAYLOAD_NONE);
        buffer_add_u8(&out, p->number);
        buffer_add_u8(&out, p->protocol);
        buffer_add_u8(&out, (unsigned)p->spi_len);
        buffer_add_u8(&out, (unsigned)p->count);
        buffer_add(&out, p->spi, p->spi_len);
        for (size_t j = 0; j < p->count; j++) {
            put_transform(&out, &p->transform[j], j + 1 == p->count);
        }
        end(&out, at);
    }
    assert_false(out.overflowed);
    quirk_set(payload, out.data, out.len);
    buffer_wipe(&out);
}

struct quirk_attribute *quirk_attribute(struct quirk_transform *t, unsigned type)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->attribute[i].type == type) {
            return &t->attribute[i];
        }
    }
    return NULL;
}

static void set_value(struct quirk_attribute *a, unsigned type, uint32_t value)
{
    a->type = (uint16_t)type;
    a->basic = value <= 0xffff;
    a->len = a->basic ? 2 : 4;
    for (unsigned i = 0; i < a->len; i++) {
        a->bytes[i] = (uint8_t)(value >> 8 * (a->len - 1u - i));
    }
}

void quirk_attribute_add(struct quirk_transform *t, unsigned type, uint32_t value)
{
    assert_true(t->count < LENGTH(t->attribute));
    set_value(&t->attribute[t->count++], type, value);
}

void quirk_attribute_set(struct quirk_transform *t, unsigned type, uint32_t value)
{
    struct quirk_attribute *a = quirk_attribute(t, type);
    if (a != NULL) {
        set_value(a, type, value);
    } else {
        quirk_attribute_add(t, type, value);
    }
}

void quirk_attribute_drop(struct quirk_transform *t, unsigned type)
{
    struct quirk_attribute *a = quirk_attribute(t, type);
    if (a != NULL) {
        size_t place = (size_t)(a - t->attribute);
        t->count--;
        memmove(a, a + 1, (t->count - place) * sizeof *a);
    }
}

bool quirk_phase1(const struct quirk_message *m)
{
    return m->header.exchange == EXCHANGE_MAIN;
}

void quirk_each(struct quirk_message *m, void (*f)(struct quirk_transform *t, bool phase1))
{
    struct quirk_sa sa;
    quirk_sa_open(&sa, m);
    for (size_t i = 0; i < sa.count; i++) {
        for (size_t j = 0; j < sa.proposal[i].count; j++) {
            f(&sa.proposal[i].transform[j], quirk_phase1(m));
        }
    }
    quirk_sa_close(&sa, m);
}
