/* F7: ID payloads of every type and length, names that are none, in phase 1 and phase 2. */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

struct id {
    unsigned type, protocol, port;
    const void *value;
    size_t len;
    bool second; /* Quick Mode: IDcr */
};

/* In phase 1 the HASH is right, as of one who knows the secret. */
static void change_id(struct opened *o, size_t variant)
{
    const struct id *id = (const struct id *)variant;
    uint8_t *body = calloc(1, id->len + 4);
    assert_non_null(body);
    body[0] = (uint8_t)id->type;
    body[1] = (uint8_t)id->protocol;
    body[2] = (uint8_t)(id->port >> 8);
    body[3] = (uint8_t)id->port;
    if (id->len > 0) {
        memcpy(body + 4, id->value, id->len);
    }
    payload_body(o, payload_place(o, PAYLOAD_ID) + (id->second ? 1 : 0), body, id->len + 4);
    if (o->header.exchange == EXCHANGE_MAIN) {
        hostile_prove(o);
    }
    free(body);
}

/* ---- phase 1 ---- */

/* To message 5 a notification is the answer; to message 6 a Delete follows, as for him the SA stands. */
static void phase1(const struct id *id, const char *line, const char *never)
{
    for (unsigned at = 5; at <= 6; at++) {
        attack(&(struct attack){ .at = at, .instead = true, .change = change_id,
                                 .variant = (size_t)id, .line = line, .answers = at - 4,
                                 .notify = ANY_NOTIFICATION, .never = never });
    }
}

/* The peer's own address, if its type and length were right: so it is them that are refused. */
static void f7_every_type_with_every_length(void **state)
{
    static const size_t lengths[] = { 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 255, 256 };
    (void)state;
    for (unsigned type = 0; type < 16; type++) {
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            for (unsigned at = 5; at <= 6; at++) {
                uint8_t value[256] = { 10, 9, 0, (uint8_t)(at == 5 ? 1 : 2), 255, 255, 255, 255 };
                const struct id id = { .type = type == 15 ? 255 : type, .value = value,
                                       .len = lengths[i] };
                if (type != 1 || lengths[i] != 4) {
                    attack(&(struct attack){ .at = at, .instead = true, .change = change_id,
                                             .variant = (size_t)&id, .answers = at - 4,
                                             .notify = ANY_NOTIFICATION });
                }
            }
        }
    }
}

/* Whoever it is, it is nobody's name: what was expected stays expected. */
static void f7_types_that_mean_a_net(void **state)
{
    static const uint8_t net[] = { 10, 9, 0, 0, 255, 255, 255, 0 };
    static const uint8_t us[] = { 10, 9, 0, 1, 255, 255, 255, 255 };
    static const uint8_t range[] = { 10, 9, 0, 1, 10, 9, 0, 2 };
    static const uint8_t net6[32] = { 0x20, 1 };
    static const char line[] = "a subnet or range is no identity in phase 1";
    (void)state;
    phase1(&(struct id){ .type = 4, .value = net, .len = 8 }, line, NULL);
    phase1(&(struct id){ .type = 4, .value = us, .len = 8 }, line, NULL);
    phase1(&(struct id){ .type = 7, .value = range, .len = 8 }, line, NULL);
    phase1(&(struct id){ .type = 6, .value = net6, .len = 32 }, line, NULL);
    phase1(&(struct id){ .type = 8, .value = net6, .len = 32 }, line, NULL);
}

static void f7_protocols_and_ports(void **state)
{
    static const uint8_t other[] = { 10, 9, 0, 77 };
    static const struct {
        unsigned protocol, port;
    } odd[] = { { 17, 499 }, { 6, 500 }, { 255, 65535 }, { 0, 1 }, { 1, 0 } };
    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        phase1(&(struct id){ .type = 1, .protocol = odd[i].protocol, .port = odd[i].port,
                             .value = other, .len = 4 },
               "with another protocol and port than UDP 500", NULL);
    }
}

/* A name is shown, if at all, without anything that a terminal or a log reader obeys. */
static void f7_names_that_are_none(void **state)
{
    static const struct {
        const char *value;
        size_t len;
    } names[] = {
        { "%n%n%n%s", 8 },
        { "a\nFORGED: line", 14 },
        { "a\r\nFORGED: line\n", 16 },
        { "\033[2JFORGED", 10 },
        { "a\0b", 3 },
        { "\0", 1 },
        { "a b;$(reboot)`id`'\"\\", 20 },
        { "\377\376\200", 3 },
        { "..", 2 },
        { "user@", 5 },
        { "@", 1 },
        { "%any", 4 },
        { "%opportunistic", 14 },
        { "\xc3\xa4.example", 10 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (unsigned type = 2; type <= 3; type++) {
            phase1(&(struct id){ .type = type, .value = names[i].value, .len = names[i].len }, NULL,
                   "FORGED");
        }
        phase1(&(struct id){ .type = 9, .value = names[i].value, .len = names[i].len }, NULL,
               "FORGED");
        phase1(&(struct id){ .type = 11, .value = names[i].value, .len = names[i].len }, NULL,
               "FORGED");
    }
}

/* Longer than 256 bytes: not even asked about, so the right one after it is taken. */
static void f7_longer_than_any_name(void **state)
{
    static const size_t lengths[] = { 257, 1000, 15000 };
    uint8_t *value = malloc(15000);
    (void)state;
    assert_non_null(value);
    memset(value, 'a', 15000);
    for (unsigned type = 1; type < 12; type++) {
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            const struct id id = { .type = type, .value = value, .len = lengths[i] };
            for (unsigned at = 5; at <= 6; at++) {
                attack(&(struct attack){ .at = at, .change = change_id, .variant = (size_t)&id,
                                         .line = "the ID payload is too long" });
            }
        }
    }
    free(value);
}

static void no_value(struct opened *o, size_t len)
{
    payload_body(o, payload_place(o, PAYLOAD_ID), "\1\0\0\0", len);
}

static void f7_no_value(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 4; len++) {
        for (unsigned at = 5; at <= 8; at++) {
            attack(&(struct attack){ .at = at, .change = no_value, .variant = len,
                                     .line = len < 4 ? "a payload that is shorter than its fields"
                                                     : "a payload that is too short" });
        }
    }
}

/* ---- phase 2 ---- */

/* The value's second byte becomes that of the client in whose place it is: "net" has 10.1 and 10.2. */
static void phase2(const struct id *first)
{
    uint8_t value[1000];
    struct id id = *first;
    memcpy(value, first->value, first->len);
    id.value = value;
    for (unsigned second = 0; second < 2; second++) {
        id.second = second == 1;
        value[id.len > 1 ? 1 : 0] = (uint8_t)(second + 1);
        attack(&(struct attack){ .at = 7, .instead = true, .change = change_id,
                                 .variant = (size_t)&id, .answers = 1,
                                 .notify = NOTIFY_INVALID_ID_INFORMATION });
        attack(&(struct attack){ .at = 8, .instead = true, .change = change_id,
                                 .variant = (size_t)&id, .answers = 1,
                                 .line = "message 2 of Quick Mode: ", .notify = ANY_NOTIFICATION });
    }
}

static void f7_clients_of_every_type_and_length(void **state)
{
    static const size_t lengths[] = { 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 256, 1000 };
    static const uint8_t value[1000] = { 10, 0, 0, 0, 255, 255, 255, 0 };
    (void)state;
    for (unsigned type = 0; type < 14; type++) {
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            if (type != 4 || lengths[i] != 8) { /* that one is right */
                phase2(&(struct id){ .type = type == 13 ? 255 : type, .value = value,
                                     .len = lengths[i] });
            }
        }
    }
}

static void f7_clients_that_are_no_net(void **state)
{
    static const uint8_t odd[][8] = {
        { 10, 2, 0, 0, 255, 0, 255, 0 },         /* a mask with a hole */
        { 10, 2, 0, 0, 255, 255, 127, 128 },     /* ... and 24 bits all the same */
        { 10, 2, 0, 0, 0, 0, 0, 255 },
        { 10, 2, 0, 0, 255, 255, 255, 253 },
        { 0, 0, 0, 0, 0, 0, 0, 0 },              /* everything */
        { 255, 255, 255, 255, 255, 255, 255, 255 },
        { 224, 0, 0, 0, 240, 0, 0, 0 },
        { 127, 0, 0, 1, 255, 255, 255, 255 },
    };
    static const uint8_t ranges[][8] = {
        { 10, 2, 0, 9, 10, 2, 0, 1 },            /* from high to low */
        { 10, 2, 0, 0, 10, 2, 0, 254 },          /* no net */
        { 0, 0, 0, 0, 255, 255, 255, 255 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        phase2(&(struct id){ .type = 4, .value = odd[i], .len = 8 });
    }
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        phase2(&(struct id){ .type = 7, .value = ranges[i], .len = 8 });
    }
}

static void f7_clients_with_protocol_or_port(void **state)
{
    static const uint8_t net[] = { 10, 1, 0, 0, 255, 255, 255, 0 };
    (void)state;
    phase2(&(struct id){ .type = 4, .protocol = 6, .value = net, .len = 8 });
    phase2(&(struct id){ .type = 4, .port = 80, .value = net, .len = 8 });
    phase2(&(struct id){ .type = 4, .protocol = 255, .port = 65535, .value = net, .len = 8 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f7_every_type_with_every_length),
        cmocka_unit_test(f7_types_that_mean_a_net),
        cmocka_unit_test(f7_protocols_and_ports),
        cmocka_unit_test(f7_names_that_are_none),
        cmocka_unit_test(f7_longer_than_any_name),
        cmocka_unit_test(f7_no_value),
        cmocka_unit_test(f7_clients_of_every_type_and_length),
        cmocka_unit_test(f7_clients_that_are_no_net),
        cmocka_unit_test(f7_clients_with_protocol_or_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
