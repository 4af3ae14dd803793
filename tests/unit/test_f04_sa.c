/* F4: SA payloads, in messages 1 and 2 of Main Mode and of Quick Mode. Forms: also test_sa_forms.c. */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

/* ---- an SA payload put together by hand ---- */

struct offer_form {
    bool esp;                /* else phase 1 */
    /* How it differs from what is right: other bits of these, */
    unsigned doi, situation, protocol, id;
    /* more or fewer of those. */
    int proposals, transforms, spi_size;
    int transforms_said;
    const uint8_t *attributes;
    size_t attributes_len;
    int proposal_longer, transform_longer; /* their length fields, by so much */
    unsigned cut;            /* bytes at the end */
    unsigned after;          /* bytes more */
    uint8_t next;            /* what follows the last transform, by its word; 0: nothing */
};

#define ATTRIBUTES(...) \
    .attributes = (const uint8_t[]){ __VA_ARGS__ }, \
    .attributes_len = sizeof((const uint8_t[]){ __VA_ARGS__ })
#define CIPHER 0x80, 1, 0, 7
#define BITS 0x80, 14, 0, 128
#define HASH 0x80, 2, 0, 2
#define PSK 0x80, 3, 0, 1
#define GROUP 0x80, 4, 0, 31
#define LIFE 0x80, 11, 0, 1, 0x80, 12, 0x0e, 0x10
#define IKE_RIGHT CIPHER, BITS, HASH, PSK, GROUP, LIFE
#define ESP .esp = true
#define ESP_LIFE 0x80, 1, 0, 1, 0x80, 2, 0x0e, 0x10
#define ESP_MODE 0x80, 4, 0, 1
#define ESP_BITS 0x80, 6, 0, 128
#define ESP_AUTH 0x80, 5, 0, 2
#define ESP_RIGHT ESP_LIFE, ESP_MODE, ESP_BITS, ESP_AUTH


static unsigned spi_size_of(const struct offer_form *f)
{
    return (unsigned)((f->esp ? 4 : 0) + f->spi_size);
}

static void put_transform(struct buffer *b, const struct offer_form *f, bool last, unsigned n)
{
    buffer_add_u8(b, last ? f->next : PAYLOAD_T);
    buffer_add_u8(b, 0);
    buffer_add_u16(b, (unsigned)((int)(8 + f->attributes_len) + f->transform_longer) & 0xffff);
    buffer_add_u8(b, n & 0xff);
    buffer_add_u8(b, (f->esp ? 12 : 1) ^ f->id);
    buffer_add_u16(b, 0);
    buffer_add(b, f->attributes, f->attributes_len);
}

static void put_proposal(struct buffer *b, const struct offer_form *f, bool last, unsigned n)
{
    int transforms = 1 + f->transforms;
    int len = (int)(8 + spi_size_of(f) + (unsigned)transforms * (8 + f->attributes_len));
    buffer_add_u8(b, last ? PAYLOAD_NONE : PAYLOAD_P);
    buffer_add_u8(b, 0);
    buffer_add_u16(b, (unsigned)(len + f->proposal_longer) & 0xffff);
    buffer_add_u8(b, n & 0xff);
    buffer_add_u8(b, (f->esp ? 3 : 1) ^ f->protocol);
    buffer_add_u8(b, spi_size_of(f));
    buffer_add_u8(b, (unsigned)(transforms + f->transforms_said) & 0xff);
    for (unsigned i = 0; i < spi_size_of(f); i++) {
        buffer_add_u8(b, 0x77);
    }
    for (int i = 1; i <= transforms; i++) {
        put_transform(b, f, i == transforms, (unsigned)i);
    }
}

static void put_form(struct buffer *b, const struct offer_form *f)
{
    buffer_add_u32(b, 1 ^ f->doi);
    buffer_add_u32(b, 1 ^ f->situation);
    for (int i = 1; i <= 1 + f->proposals; i++) {
        put_proposal(b, f, i == 1 + f->proposals, (unsigned)i);
    }
    for (unsigned i = 0; i < f->after; i++) {
        buffer_add_u8(b, 0);
    }
    buffer_truncate(b, b->len > f->cut ? b->len - f->cut : 0);
}

/* variant: a struct offer_form */
static void change_sa(struct opened *o, size_t variant)
{
    struct buffer b;
    buffer_init(&b, 0);
    put_form(&b, (const struct offer_form *)variant);
    payload_body(o, payload_place(o, PAYLOAD_SA), b.data == NULL ? (const uint8_t *)"" : b.data,
                 b.len);
    buffer_wipe(&b);
}

/* ---- forms that cannot be read ---- */

static const struct offer_form malformed[] = {
    { ATTRIBUTES(IKE_RIGHT), .proposals = -1 },
    { ATTRIBUTES(IKE_RIGHT), .transforms = -1 },
    { ATTRIBUTES(IKE_RIGHT), .transforms_said = 1 },
    { ATTRIBUTES(IKE_RIGHT), .transforms_said = -1 },
    { ATTRIBUTES(IKE_RIGHT), .transforms_said = 254 },
    { ATTRIBUTES(IKE_RIGHT), .transforms = 1, .transforms_said = -1 },
    { ATTRIBUTES(IKE_RIGHT), .proposals = 32 },
    { ATTRIBUTES(IKE_RIGHT), .proposals = 254 },
    { ATTRIBUTES(CIPHER), .transforms = 255 },
    { ATTRIBUTES(IKE_RIGHT), .transform_longer = 1 },
    { ATTRIBUTES(IKE_RIGHT), .transform_longer = -1 },
    { ATTRIBUTES(IKE_RIGHT), .transform_longer = 1000 },
    { ATTRIBUTES(CIPHER), .transform_longer = -8 },
    { ATTRIBUTES(CIPHER), .transform_longer = -12 },
    { ATTRIBUTES(IKE_RIGHT), .proposal_longer = 1 },
    { ATTRIBUTES(IKE_RIGHT), .proposal_longer = -1 },
    { ATTRIBUTES(IKE_RIGHT), .proposal_longer = -36 },
    { ATTRIBUTES(IKE_RIGHT), .proposal_longer = 30000 },
    { ATTRIBUTES(IKE_RIGHT), .after = 1 },
    { ATTRIBUTES(IKE_RIGHT), .after = 8 },
    { ATTRIBUTES(IKE_RIGHT), .next = PAYLOAD_T },
    { ATTRIBUTES(IKE_RIGHT), .next = PAYLOAD_P },
    { ATTRIBUTES(IKE_RIGHT), .next = PAYLOAD_SA },
    { ATTRIBUTES(IKE_RIGHT), .spi_size = 251, .transforms = -1 },
    { ATTRIBUTES(IKE_RIGHT), .cut = 1 },
    { ATTRIBUTES(IKE_RIGHT), .cut = 33 },
    { ATTRIBUTES(IKE_RIGHT), .cut = 44 },
    { ATTRIBUTES(0x80) },
    { ATTRIBUTES(IKE_RIGHT, 0x80, 1) },
    { ATTRIBUTES(IKE_RIGHT, 0x80, 1, 0) },
    { ATTRIBUTES(IKE_RIGHT, 0, 12, 0, 4, 0, 0, 0) },
    { ATTRIBUTES(IKE_RIGHT, 0, 12, 0xff, 0xff) },
    { ATTRIBUTES(IKE_RIGHT, 0, 12, 0, 1) },
    { ATTRIBUTES(IKE_RIGHT), .doi = 0x1 },
    { ATTRIBUTES(IKE_RIGHT), .doi = 0x3 },
    { ATTRIBUTES(IKE_RIGHT), .doi = 0xfffffffe },
    { ATTRIBUTES(IKE_RIGHT), .situation = 0x1 },
    { ATTRIBUTES(IKE_RIGHT), .situation = 0x3 },
    { ATTRIBUTES(IKE_RIGHT), .situation = 0x2 },
    { ATTRIBUTES(IKE_RIGHT), .situation = 0xfffffffe },
};

static unsigned notification_of(const struct offer_form *f)
{
    return f->doi != 0         ? NOTIFY_DOI_NOT_SUPPORTED
           : f->situation != 0 ? NOTIFY_SITUATION_NOT_SUPPORTED : NOTIFY_BAD_PROPOSAL_SYNTAX;
}

/* In Main Mode a stranger is not answered; in Quick Mode the peer is told what was wrong. */
static void f4_forms_that_cannot_be_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        struct offer_form f = malformed[i];
        for (unsigned at = 1; at <= 2; at++) {
            attack(&(struct attack){ .at = at, .change = change_sa, .variant = (size_t)&f,
                                     .line = "is ignored: " });
        }
        f.esp = true;
        attack(&(struct attack){ .at = 7, .change = change_sa, .variant = (size_t)&f,
                                 .instead = true, .line = "is ignored: ", .answers = 1,
                                 .notify = notification_of(&f) });
        attack(&(struct attack){ .at = 8, .change = change_sa, .variant = (size_t)&f,
                                 .instead = true, .line = "message 2 of Quick Mode: ",
                                 .answers = 1, .notify = NOTIFY_NO_PROPOSAL_CHOSEN });
    }
}

static void cut_the_body(struct opened *o, size_t variant)
{
    uint8_t body[1000];
    size_t len;
    size_t n = payload_place(o, PAYLOAD_SA);
    memcpy(body, payload_at(o, n, &len) + GENERIC_HEADER_LEN, variant);
    payload_body(o, n, body, variant);
}

static void f4_cut_at_every_byte(void **state)
{
    (void)state;
    for (size_t len = 0; len < 52; len++) {
        attack(&(struct attack){ .at = 1, .change = cut_the_body, .variant = len,
                                 .line = "is ignored: " });
        attack(&(struct attack){ .at = 2, .change = cut_the_body, .variant = len,
                                 .line = "is ignored: " });
        if (len >= 8) {
            attack(&(struct attack){ .at = 7, .change = cut_the_body, .variant = len - 8,
                                     .instead = true, .line = "is ignored: ",
                                     .answers = len < 16 ? 0 : 1,
                                     .notify = len < 16 ? 0 : NOTIFY_BAD_PROPOSAL_SYNTAX });
        }
    }
}

/* ---- forms that can be read, and are none of what is allowed ---- */

static const struct offer_form ike_refused[] = {
    { ATTRIBUTES(IKE_RIGHT), .protocol = 0x1 },
    { ATTRIBUTES(IKE_RIGHT), .protocol = 0x2 },
    { ATTRIBUTES(IKE_RIGHT), .protocol = 0xfe },
    { ATTRIBUTES(IKE_RIGHT), .id = 0x1 },
    { ATTRIBUTES(IKE_RIGHT), .id = 0x3 },
    { ATTRIBUTES(CIPHER, BITS, HASH, PSK, LIFE) },                      /* no group */
    { ATTRIBUTES(CIPHER, BITS, HASH, PSK, 0x80, 4, 0, 1, LIFE) },       /* MODP768 */
    { ATTRIBUTES(CIPHER, BITS, HASH, PSK, 0x80, 4, 0, 0, LIFE) },
    { ATTRIBUTES(CIPHER, BITS, HASH, PSK, 0x80, 4, 0x80, 0, LIFE) },    /* private */
    { ATTRIBUTES(CIPHER, BITS, HASH, PSK, 0x80, 4, 0xff, 0xff, LIFE) },
    { ATTRIBUTES(CIPHER, BITS, HASH, PSK, GROUP, 0x80, 5, 0, 1, LIFE) }, /* by numbers */
    { ATTRIBUTES(CIPHER, BITS, HASH, PSK, 0x80, 5, 0, 1, 0, 6, 0, 4, 0, 0, 0, 23, LIFE) },
    { ATTRIBUTES(BITS, HASH, PSK, GROUP, LIFE) },                       /* no cipher */
    { ATTRIBUTES(0x80, 1, 0, 1, HASH, PSK, GROUP, LIFE) },              /* DES */
    { ATTRIBUTES(0x80, 1, 0xff, 0xff, HASH, PSK, GROUP, LIFE) },
    { ATTRIBUTES(CIPHER, 0x80, 14, 0, 0, HASH, PSK, GROUP, LIFE) },     /* key length */
    { ATTRIBUTES(CIPHER, 0x80, 14, 0, 1, HASH, PSK, GROUP, LIFE) },
    { ATTRIBUTES(CIPHER, 0x80, 14, 0, 127, HASH, PSK, GROUP, LIFE) },
    { ATTRIBUTES(CIPHER, 0x80, 14, 0xff, 0xff, HASH, PSK, GROUP, LIFE) },
    { ATTRIBUTES(CIPHER, 0, 14, 0, 8, 1, 0, 0, 0, 0, 0, 0, 128, HASH, PSK, GROUP, LIFE) },
    { ATTRIBUTES(CIPHER, 0, 14, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 128, HASH, PSK, GROUP,
                           LIFE) },
    { ATTRIBUTES(CIPHER, 0, 14, 0, 0, HASH, PSK, GROUP, LIFE) },        /* no value */
    { ATTRIBUTES(CIPHER, BITS, PSK, GROUP, LIFE) },                     /* no hash */
    { ATTRIBUTES(CIPHER, BITS, 0x80, 2, 0, 99, PSK, GROUP, LIFE) },
    { ATTRIBUTES(CIPHER, BITS, HASH, GROUP, LIFE) },                    /* no method */
    { ATTRIBUTES(CIPHER, BITS, HASH, 0x80, 3, 0, 3, GROUP, LIFE) },     /* rsasig */
    { ATTRIBUTES(CIPHER, BITS, HASH, 0x80, 3, 0xfd, 0xe9, GROUP, LIFE) }, /* XAUTH */
    { ATTRIBUTES(CIPHER, BITS, HASH, 0x80, 3, 0, 33, GROUP, LIFE) },    /* 1 << 33 */
    { ATTRIBUTES(CIPHER, CIPHER, BITS, HASH, PSK, GROUP, LIFE) },       /* twice */
    { ATTRIBUTES(IKE_RIGHT, 0x80, 13, 0, 1) },                          /* a PRF */
    { ATTRIBUTES(IKE_RIGHT, 0xff, 0xff, 0, 1) },
    { ATTRIBUTES(CIPHER, BITS, HASH, PSK, GROUP, 0x80, 11, 0, 1) },     /* no duration */
    { ATTRIBUTES(CIPHER, BITS, HASH, PSK, GROUP, 0x80, 12, 0, 9) },     /* no type */
    { ATTRIBUTES(CIPHER, BITS, HASH, PSK, GROUP, 0x80, 11, 0, 1, 0x80, 12, 0, 0) },
    { ATTRIBUTES(CIPHER, BITS, HASH, PSK, GROUP, 0x80, 11, 0, 7, 0x80, 12, 0, 9) },
    { ATTRIBUTES(CIPHER, BITS, HASH, PSK, GROUP, 0x80, 11, 0, 1, 0, 12, 0, 4, 0xff, 0xff,
                           0xff, 0xff) },
    { ATTRIBUTES(IKE_RIGHT), .spi_size = 17 },
    { ATTRIBUTES(IKE_RIGHT), .spi_size = 255 },
    { ATTRIBUTES(0x80, 1, 0, 1), .transforms = 254 },
    { ATTRIBUTES(CIPHER, BITS, HASH, PSK, 0x80, 4, 0x80, 1, LIFE), .transforms = 99 },
    { ATTRIBUTES(CIPHER, BITS, HASH, PSK, 0x80, 4, 0x80, 1, LIFE), .proposals = 31,
      .transforms = 6 },
    { .esp = false }, /* no attribute */
};

/* The one line has the offer in it, however long; what does not fit is left out. */
static void f4_offers_that_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ike_refused / sizeof ike_refused[0]; i++) {
        attack(&(struct attack){ .at = 1, .change = change_sa, .variant = (size_t)&ike_refused[i],
                                 .line = "no proposal chosen (NO-PROPOSAL-CHOSEN sent)",
                                 .answers = 1, .notify = NOTIFY_NO_PROPOSAL_CHOSEN });
        attack(&(struct attack){ .at = 2, .change = change_sa, .variant = (size_t)&ike_refused[i],
                                 .line = "the peer's choice is none of ours" });
    }
}

static const struct offer_form esp_refused[] = {
    { ESP, ATTRIBUTES(ESP_RIGHT), .protocol = 0x3 },
    { ESP, ATTRIBUTES(ESP_RIGHT), .protocol = 0x2 },
    { ESP, ATTRIBUTES(ESP_RIGHT), .protocol = 0x1 },
    { ESP, ATTRIBUTES(ESP_RIGHT), .protocol = 0x7 },
    { ESP, ATTRIBUTES(ESP_RIGHT), .protocol = 0xfc },
    { ESP, ATTRIBUTES(ESP_RIGHT), .id = 0xc },
    { ESP, ATTRIBUTES(ESP_RIGHT), .id = 0x7 },                    /* null encryption */
    { ESP, ATTRIBUTES(ESP_RIGHT), .id = 0xf3 },
    { ESP, ATTRIBUTES(ESP_LIFE, ESP_MODE, ESP_BITS) },           /* no authentication */
    { ESP, ATTRIBUTES(ESP_LIFE, ESP_MODE, ESP_BITS, 0x80, 5, 0, 0) },
    { ESP, ATTRIBUTES(ESP_LIFE, ESP_MODE, ESP_BITS, 0x80, 5, 0xff, 0xff) },
    { ESP, ATTRIBUTES(ESP_LIFE, ESP_MODE, ESP_AUTH, 0x80, 6, 0, 0) },
    { ESP, ATTRIBUTES(ESP_LIFE, ESP_MODE, ESP_AUTH, 0x80, 6, 0, 1) },
    { ESP, ATTRIBUTES(ESP_LIFE, ESP_MODE, ESP_AUTH, 0x80, 6, 0xff, 0xff) },
    { ESP, ATTRIBUTES(ESP_LIFE, ESP_BITS, ESP_AUTH, 0x80, 4, 0, 0) }, /* mode */
    { ESP, ATTRIBUTES(ESP_LIFE, ESP_BITS, ESP_AUTH, 0x80, 4, 0, 2) },
    { ESP, ATTRIBUTES(ESP_LIFE, ESP_BITS, ESP_AUTH, 0x80, 4, 0, 3) },
    { ESP, ATTRIBUTES(ESP_LIFE, ESP_BITS, ESP_AUTH, 0x80, 4, 0xf0, 3) },
    { ESP, ATTRIBUTES(ESP_LIFE, ESP_BITS, ESP_AUTH, 0x80, 4, 0xff, 0xff) },
    { ESP, ATTRIBUTES(ESP_RIGHT, 0x80, 3, 0, 14) },              /* a group without KE */
    { ESP, ATTRIBUTES(ESP_RIGHT, 0x80, 3, 0x80, 1) },
    { ESP, ATTRIBUTES(ESP_RIGHT, 0x80, 3, 0xff, 0xff) },
    { ESP, ATTRIBUTES(ESP_RIGHT, ESP_MODE) },                    /* twice */
    { ESP, ATTRIBUTES(ESP_RIGHT, 0x80, 11, 0, 1) },
    { ESP, ATTRIBUTES(ESP_RIGHT, 0xff, 0xff, 0, 1) },
    { ESP, ATTRIBUTES(ESP_MODE, ESP_BITS, ESP_AUTH, 0x80, 1, 0, 1) },
    { ESP, ATTRIBUTES(ESP_MODE, ESP_BITS, ESP_AUTH, 0x80, 2, 0, 9) },
    { ESP, ATTRIBUTES(ESP_MODE, ESP_BITS, ESP_AUTH, 0x80, 1, 0, 3, 0x80, 2, 0, 9) },
    { ESP, ATTRIBUTES(0x80, 5, 0, 1), .transforms = 199 },
    { ESP },
};

static void refused_in_quick_mode(const struct offer_form *f)
{
    attack(&(struct attack){ .at = 7, .instead = true, .change = change_sa, .variant = (size_t)f,
                             .line = "no proposal chosen (NO-PROPOSAL-CHOSEN sent)", .answers = 1,
                             .notify = NOTIFY_NO_PROPOSAL_CHOSEN });
    attack(&(struct attack){ .at = 8, .instead = true, .change = change_sa, .variant = (size_t)f,
                             .line = "the peer's choice is none of ours", .answers = 1,
                             .notify = NOTIFY_NO_PROPOSAL_CHOSEN });
}

static void f4_quick_mode_offers_that_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof esp_refused / sizeof esp_refused[0]; i++) {
        refused_in_quick_mode(&esp_refused[i]);
    }
}

/* ---- SPIs ---- */

/* In Main Mode 0 to 16 bytes, their value ignored (interop Q4); in Quick Mode 4 and no others. */
static void f4_spi_sizes(void **state)
{
    (void)state;
    for (unsigned size = 0; size < 256; size += size < 20 ? 1 : 47) {
        struct offer_form f = { ATTRIBUTES(IKE_RIGHT), .spi_size = (int)size };
        bool good = size <= 16;
        /* HASH_I covers the SA payload of message 1: what was changed comes to light there. */
        attack(&(struct attack){ .at = 1, .change = change_sa, .variant = (size_t)&f,
                                 .instead = true, .answers = good ? 3 : 1,
                                 .notify = good ? NOTIFY_AUTHENTICATION_FAILED
                                                : NOTIFY_NO_PROPOSAL_CHOSEN });
        attack(&(struct attack){ .at = 2, .change = change_sa, .variant = (size_t)&f,
                                 .answers = good ? 1 : 0 });
        if (size != 4) {
            refused_in_quick_mode(&(struct offer_form){ ESP, ATTRIBUTES(ESP_RIGHT),
                                                        .spi_size = (int)size - 4 });
        }
    }
}

static void spi_value(struct opened *o, size_t value)
{
    size_t n = payload_place(o, PAYLOAD_SA);
    uint8_t *spi = payload_at(o, n, NULL) + GENERIC_HEADER_LEN + 8 + 8;
    for (size_t i = 0; i < 4; i++) {
        spi[i] = (uint8_t)(value >> 8 * (3 - i));
    }
}

static void f4_reserved_spis(void **state)
{
    static const size_t values[] = { 0, 1, 255 };
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        attack(&(struct attack){ .at = 7, .instead = true, .change = spi_value,
                                 .variant = values[i], .line = "a reserved SPI", .answers = 1,
                                 .notify = NOTIFY_NO_PROPOSAL_CHOSEN });
        attack(&(struct attack){ .at = 8, .instead = true, .change = spi_value,
                                 .variant = values[i], .line = "a reserved SPI", .answers = 1,
                                 .notify = NOTIFY_NO_PROPOSAL_CHOSEN });
    }
}

/* ---- [X5]: an answer must be one of what was offered ---- */

static void weaken(struct opened *o, size_t variant)
{
    static const uint8_t sha[] = { 0x80, 0x02, 0x00, 0x02 };
    (void)variant;
    uint8_t *at = memmem(o->chain, o->len, sha, sizeof sha);
    assert_non_null(at);
    at[3] = 1; /* MD5 */
}

static void f4_an_answer_that_was_not_offered(void **state)
{
    (void)state;
    attack(&(struct attack){ .at = 2, .change = weaken,
                             .line = "): it answered "
                                     "aes128-md5-curve25519" });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f4_forms_that_cannot_be_read),
        cmocka_unit_test(f4_cut_at_every_byte),
        cmocka_unit_test(f4_offers_that_are_refused),
        cmocka_unit_test(f4_quick_mode_offers_that_are_refused),
        cmocka_unit_test(f4_spi_sizes),
        cmocka_unit_test(f4_reserved_spis),
        cmocka_unit_test(f4_an_answer_that_was_not_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
