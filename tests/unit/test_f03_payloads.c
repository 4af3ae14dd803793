/* F3: a payload missing, twice, in the wrong place, of another message, or of IKEv2. */
#include "hostile.h"

#include <string.h>

/* The payloads of the messages of "net" with LAB_CHEAP. */
static const uint8_t payloads[MESSAGES + 1][8] = {
    { 0 },
    { PAYLOAD_SA }, { PAYLOAD_SA },
    { PAYLOAD_KE, PAYLOAD_NONCE }, { PAYLOAD_KE, PAYLOAD_NONCE },
    { PAYLOAD_ID, PAYLOAD_HASH }, { PAYLOAD_ID, PAYLOAD_HASH },
    { PAYLOAD_HASH, PAYLOAD_SA, PAYLOAD_NONCE, PAYLOAD_ID, PAYLOAD_ID },
    { PAYLOAD_HASH, PAYLOAD_SA, PAYLOAD_NONCE, PAYLOAD_ID, PAYLOAD_ID },
    { PAYLOAD_HASH },
};

static bool belongs(unsigned at, unsigned type)
{
    return memchr(payloads[at], (int)type, sizeof payloads[at]) != NULL;
}

static size_t count_of(unsigned at)
{
    return strlen((const char *)payloads[at]);
}

/* The first message of a Quick Mode is one of its own, so that the honest one can follow. */
static void another_quick(struct opened *o)
{
    if (o->header.exchange == EXCHANGE_QUICK && o->quick == NULL) {
        hostile_renumber(o, 0x12345678);
    }
}

static void leave_out(struct opened *o, size_t n)
{
    another_quick(o);
    payload_remove(o, n);
}

static void f3_missing(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t n = 0; n < count_of(at); n++) {
            const char *line = payloads[at][n] == PAYLOAD_ID && at >= 7
                                   ? "1 ID payloads, where there are two or none"
                                   : "payload is missing";
            attack(&(struct attack){ .at = at, .change = leave_out, .variant = n, .line = line });
        }
    }
}

static void leave_all_out(struct opened *o, size_t but)
{
    another_quick(o);
    while (payload_count(o) > but) {
        payload_remove(o, but);
    }
}

static void f3_all_missing(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        attack(&(struct attack){ .at = at, .change = leave_all_out, .line = "payload is missing" });
        if (count_of(at) > 1) {
            attack(&(struct attack){ .at = at, .change = leave_all_out, .variant = 1,
                                     .line = "payload is missing" });
        }
    }
}

/* ---- twice ---- */

static void twice(struct opened *o, size_t n)
{
    uint8_t body[1000];
    size_t len;
    another_quick(o);
    const uint8_t *p = payload_at(o, n, &len);
    unsigned type = o->header.next_payload;
    for (size_t i = 0; i < n; i++) {
        type = payload_at(o, i, NULL)[0];
    }
    assert_true(len <= sizeof body);
    memcpy(body, p + GENERIC_HEADER_LEN, len - GENERIC_HEADER_LEN);
    payload_insert(o, payload_count(o), type, body, len - GENERIC_HEADER_LEN);
}

static void f3_twice(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t n = 0; n < count_of(at); n++) {
            attack(&(struct attack){ .at = at, .change = twice, .variant = n,
                                     .line = at >= 7 && payloads[at][n] == PAYLOAD_ID
                                                 ? "3 ID payloads, where there are two or none"
                                                 : "more than one " });
        }
    }
}

/* ---- what does not belong there ---- */

/* A right body for each type that we know. */
static const struct {
    unsigned type;
    size_t len;
    uint8_t body[32];
} known[] = {
    { PAYLOAD_SA, 28, { 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 20, 1, 1, 0, 1, 0, 0, 0, 12, 1, 1, 0, 0,
                        0x80, 1, 0, 7 } },
    { PAYLOAD_KE, 32, { 9 } },
    { PAYLOAD_ID, 8, { 1, 0, 0, 0, 10, 9, 0, 9 } },
    { PAYLOAD_CERT, 5, { 4, 1, 2, 3, 4 } },
    { PAYLOAD_HASH, 20, { 1, 2, 3 } },
    { PAYLOAD_SIG, 20, { 1, 2, 3 } },
    { PAYLOAD_NONCE, 16, { 1, 2, 3 } },
    { PAYLOAD_ATTRIBUTES, 8, { 1, 0, 0, 1, 0x80, 1, 0, 1 } },
    { PAYLOAD_FRAGMENT, 8, { 0, 1, 1, 1 } },
};

static void add_known(struct opened *o, size_t i)
{
    another_quick(o);
    payload_insert(o, payload_count(o), known[i].type, known[i].body, known[i].len);
}

static bool may_be_there(unsigned at, unsigned type)
{
    return belongs(at, type) || type >= 128                 /* private ones are skipped */
           || ((at == 5 || at == 6) && type == PAYLOAD_CERT) /* skipped too */
           || (at >= 7 && type == PAYLOAD_ID) || (at >= 7 && at <= 8 && type == PAYLOAD_KE);
}

static void f3_of_another_message(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            if (!may_be_there(at, known[i].type)) {
                attack(&(struct attack){ .at = at, .change = add_known, .variant = i,
                                         .line = "payload does not belong here" });
            }
        }
    }
}

/* KE without PFS: refused by what is proposed, not by the form. */
static void f3_ke_that_was_not_agreed(void **state)
{
    (void)state;
    attack(&(struct attack){ .at = 7, .instead = true, .change = add_known, .variant = 1,
                             .line = "a KE payload, but no group for it", .answers = 1,
                             .notify = NOTIFY_NO_PROPOSAL_CHOSEN });
    attack(&(struct attack){ .at = 8, .instead = true, .change = add_known, .variant = 1,
                             .line = "the peer added a KE payload that we did not propose",
                             .answers = 1, .notify = NOTIFY_NO_PROPOSAL_CHOSEN });
}

/* variant: type * 16 + place */
static void add_ikev2(struct opened *o, size_t variant)
{
    another_quick(o);
    payload_insert(o, variant % 16, (unsigned)(variant / 16), "\0\0\0\0\0\0\0", 8);
}

static void f3_of_ikev2(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= MESSAGES; at++) {
        for (size_t type = 33; type <= 54; type++) {
            for (size_t place = 0; place <= count_of(at); place += type < 36 ? 1 : count_of(at)) {
                attack(&(struct attack){ .at = at, .change = add_ikev2,
                                         .variant = type * 16 + place,
                                         .line = "a payload type of IKEv2" });
            }
        }
    }
}

/* ---- order ---- */

static void swap(struct opened *o, size_t n)
{
    uint8_t body[1000];
    size_t len;
    another_quick(o);
    unsigned type = n == 0 ? o->header.next_payload : payload_at(o, n - 1, NULL)[0];
    const uint8_t *p = payload_at(o, n, &len);
    assert_true(len <= sizeof body);
    memcpy(body, p + GENERIC_HEADER_LEN, len - GENERIC_HEADER_LEN);
    payload_remove(o, n);
    payload_insert(o, n + 1, type, body, len - GENERIC_HEADER_LEN);
}

static void vendor_id_first(struct opened *o, size_t n)
{
    another_quick(o);
    payload_insert(o, n, PAYLOAD_VID, "hostile", 7);
}

static void f3_order(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= 2; at++) {
        attack(&(struct attack){ .at = at, .change = vendor_id_first,
                                 .line = "the SA payload does not come first" });
    }
    for (unsigned at = 3; at <= 4; at++) { /* any order will do */
        attack(&(struct attack){ .at = at, .change = swap, .answers = 1 });
    }
    for (unsigned at = 7; at <= 8; at++) {
        attack(&(struct attack){ .at = at, .change = swap,
                                 .line = "the HASH payload does not come first" });
        attack(&(struct attack){ .at = at, .change = swap, .variant = 1,
                                 .line = "the SA payload does not follow the HASH payload" });
        attack(&(struct attack){ .at = at, .change = vendor_id_first,
                                 .line = "the HASH payload does not come first" });
        attack(&(struct attack){ .at = at, .change = vendor_id_first, .variant = 1,
                                 .line = "the SA payload does not follow the HASH payload" });
    }
    attack(&(struct attack){ .at = 9, .change = vendor_id_first,
                             .line = "the HASH payload does not come first" });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f3_missing),
        cmocka_unit_test(f3_all_missing),
        cmocka_unit_test(f3_twice),
        cmocka_unit_test(f3_of_another_message),
        cmocka_unit_test(f3_ke_that_was_not_agreed),
        cmocka_unit_test(f3_of_ikev2),
        cmocka_unit_test(f3_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
