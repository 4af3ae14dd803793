/* F2: chains of payloads that loop, are cut, lie about lengths or types, or have no end. */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

/* How many payloads each message has, and their bytes (of "net" with LAB_CHEAP). */
struct shape {
    size_t payloads;
    size_t len;
};

static void measure(struct lab *l, const struct datagram *d, struct shape *shape)
{
    struct opened *o = malloc(sizeof *o);
    assert_non_null(o);
    assert_true(hostile_open(l, d, o));
    shape->payloads = payload_count(o);
    shape->len = o->len;
    free(o);
}

static unsigned measure_each(struct lab *l, struct datagram *d, unsigned number)
{
    struct shape *shapes = l->data;
    if (number <= MESSAGES) {
        measure(l, d, &shapes[number]);
    }
    return 1;
}

static int set_up(void **state)
{
    struct shape *shapes = calloc(MESSAGES + 1, sizeof *shapes);
    struct lab *l = lab_new(NULL);
    assert_non_null(shapes);
    l->network = measure_each;
    l->data = shapes;
    lab_initiate(l, 0);
    assert_true(lab_up(l));
    lab_free(l);
    *state = shapes;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

/* ---- cut ---- */

static void cut_to(struct opened *o, size_t len)
{
    o->len = len;
}

/* The header says how long the message is, and is right: the payloads end too early. */
static void f2_cut_at_every_byte(void **state)
{
    const struct shape *shapes = *state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t len = 0; len < shapes[at].len; len++) {
            /* Padding of an encrypted message would stand for what was cut. */
            if (at >= 5 && (len + 15) / 16 * 16 >= shapes[at].len) {
                continue;
            }
            attack(&(struct attack){ .at = at, .change = cut_to, .variant = len });
        }
    }
}

/* As it goes over the wire, where a cut hits a whole block or not. */
static void shorten(struct datagram *d, size_t bytes)
{
    d->len -= bytes;
    d->bytes[26] = (uint8_t)(d->len >> 8);
    d->bytes[27] = (uint8_t)d->len;
}

static void f2_ciphertext_cut_at_every_byte(void **state)
{
    const struct shape *shapes = *state;
    for (unsigned at = 5; at <= MESSAGES; at++) {
        for (size_t bytes = 1; bytes <= shapes[at].len; bytes++) {
            attack(&(struct attack){ .at = at, .spoil = shorten, .variant = bytes });
        }
    }
}

/* ---- lengths of payloads ---- */

static void set_length(uint8_t *payload, size_t len)
{
    payload[2] = (uint8_t)(len >> 8);
    payload[3] = (uint8_t)len;
}

/* variant: payload * 0x10000 + length */
static void payload_length(struct opened *o, size_t variant)
{
    set_length(payload_at(o, variant >> 16, NULL), variant & 0xffff);
}

/* With a length of 0 the next payload is the same again: that is how a chain loops. */
static void f2_a_chain_that_loops(void **state)
{
    const struct shape *shapes = *state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t n = 0; n < shapes[at].payloads; n++) {
            attack(&(struct attack){ .at = at, .change = payload_length, .variant = n << 16,
                                     .line = "a payload length of less than 4" });
        }
    }
}

static void f2_payload_lengths_of_1_2_and_3(void **state)
{
    const struct shape *shapes = *state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t n = 0; n < shapes[at].payloads; n++) {
            for (size_t len = 1; len < 4; len++) {
                attack(&(struct attack){ .at = at, .change = payload_length,
                                         .variant = n << 16 | len,
                                         .line = "a payload length of less than 4" });
            }
        }
    }
}

static void f2_payloads_longer_than_the_message(void **state)
{
    static const size_t lengths[] = { 1000, 0x7fff, 0x8000, 0xfffc, 0xffff };
    const struct shape *shapes = *state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t n = 0; n < shapes[at].payloads; n++) {
            for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
                attack(&(struct attack){ .at = at, .change = payload_length,
                                         .variant = n << 16 | lengths[i],
                                         .line = "a payload that is longer than what holds it" });
            }
        }
    }
}

/* One byte more or less: what follows is read at the wrong place. */
static void payload_off_by(struct opened *o, size_t variant)
{
    size_t len;
    uint8_t *p = payload_at(o, variant >> 16, &len);
    set_length(p, len + (variant & 0xffff) - 4);
}

static void f2_payload_lengths_off_by_a_few(void **state)
{
    const struct shape *shapes = *state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t n = 0; n < shapes[at].payloads; n++) {
            for (size_t by = 0; by <= 8; by++) {
                /* A message is sealed with the HASH of what it has become, and the last payload of
                 * some is data of any length: those are for their own tests (F6, F7). */
                bool last = n + 1 == shapes[at].payloads;
                if (by != 4 && !last) {
                    attack(&(struct attack){ .at = at, .change = payload_off_by,
                                             .variant = n << 16 | by, .instead = true,
                                             .answers = 1, .notify = 0 });
                }
            }
        }
    }
}

/* ---- types ---- */

/* variant: payload * 256 + type */
static void type_of_payload(struct opened *o, size_t variant)
{
    payload_type(o, variant / 256, variant % 256);
}

static bool is_known(unsigned type)
{
    return payload_spec(type) != NULL;
}

static void f2_unknown_payload_types(void **state)
{
    const struct shape *shapes = *state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t n = 0; n < shapes[at].payloads; n++) {
            for (unsigned type = 2; type < 256; type += type > 34 && type < 120 ? 7 : 1) {
                if (!is_known(type) && type < 128) {
                    attack(&(struct attack){ .at = at, .change = type_of_payload,
                                             .variant = n * 256 + type,
                                             .line = type >= 33 && type <= 54
                                                         ? "a payload type of IKEv2"
                                                         : "an unknown payload type" });
                }
            }
        }
    }
}

/* A private type is skipped: then the payload that stood there is missing. */
static void f2_private_payload_types(void **state)
{
    const struct shape *shapes = *state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t n = 0; n < shapes[at].payloads; n++) {
            for (unsigned type = 128; type < 256; type += 9) {
                if (!is_known(type) && !(at >= 7 && n > 2)) {
                    attack(&(struct attack){ .at = at, .change = type_of_payload,
                                             .variant = n * 256 + type, .line = "is ignored" });
                }
            }
        }
    }
}

/* Proposals and transforms are payloads only inside of an SA payload. */
static void f2_inner_payloads_outside(void **state)
{
    const struct shape *shapes = *state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t n = 0; n < shapes[at].payloads; n++) {
            for (unsigned type = PAYLOAD_P; type <= PAYLOAD_T; type++) {
                attack(&(struct attack){ .at = at, .change = type_of_payload,
                                         .variant = n * 256 + type,
                                         .line = "a proposal or transform outside" });
            }
        }
    }
}

/* ---- how many ---- */

static void add_vendor_ids(struct opened *o, size_t count)
{
    size_t end = payload_count(o);
    for (size_t i = 0; i < count; i++) {
        payload_insert(o, end, PAYLOAD_VID, "hostile", i % 8);
    }
}

static void fill_up_to(struct opened *o, size_t count)
{
    add_vendor_ids(o, count - payload_count(o));
}

static void f2_number_of_payloads(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        attack(&(struct attack){ .at = at, .change = fill_up_to, .variant = PAYLOADS_MAX + 1,
                                 .line = "too many payloads" });
        attack(&(struct attack){ .at = at, .change = fill_up_to, .variant = 1000,
                                 .line = "too many payloads" });
    }
    /* At the limit it is a right message. In the clear, the next one does not depend on it. */
    for (unsigned at = 1; at <= 4; at++) {
        attack(&(struct attack){ .at = at, .change = fill_up_to, .variant = PAYLOADS_MAX,
                                 .answers = 1, .never = "too many payloads" });
        attack(&(struct attack){ .at = at, .change = fill_up_to, .variant = PAYLOADS_MAX - 1,
                                 .answers = 1, .never = "too many payloads" });
    }
}

/* As many as fit into the largest message that we read, without a body. */
static void only_headers(struct opened *o, size_t count)
{
    while (payload_count(o) > 0) {
        payload_remove(o, 0);
    }
    for (size_t i = 0; i < count; i++) {
        payload_insert(o, 0, PAYLOAD_VID, "", 0);
    }
}

static void f2_nothing_but_headers(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        attack(&(struct attack){ .at = at, .change = only_headers, .variant = 4000,
                                 .line = "too many payloads" });
        attack(&(struct attack){ .at = at, .change = only_headers, .variant = 0 });
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f2_cut_at_every_byte),
        cmocka_unit_test(f2_ciphertext_cut_at_every_byte),
        cmocka_unit_test(f2_a_chain_that_loops),
        cmocka_unit_test(f2_payload_lengths_of_1_2_and_3),
        cmocka_unit_test(f2_payloads_longer_than_the_message),
        cmocka_unit_test(f2_payload_lengths_off_by_a_few),
        cmocka_unit_test(f2_unknown_payload_types),
        cmocka_unit_test(f2_private_payload_types),
        cmocka_unit_test(f2_inner_payloads_outside),
        cmocka_unit_test(f2_number_of_payloads),
        cmocka_unit_test(f2_nothing_but_headers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
