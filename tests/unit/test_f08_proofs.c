/*
 * F8: HASH payloads that are not the proof: short, long, empty, a bit changed. What is left of a short one is right, so
 * that its length is what it is refused for. In Main Mode secrets checks again: f8_hashes in test_secrets_abuse.c.
 */
#include "informational.h"

static void spoil_hash(struct opened *o, size_t len)
{
    hostile_hash(o);
    payload_spoil(o, PAYLOAD_HASH, len);
}

static const size_t lengths[] = { 0, 1, 8, 19, 20, 21 }; /* SHA-1 has 20 */

static void f8_in_main_mode(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (unsigned at = 5; at <= 6; at++) {
            const bool asked = lengths[i] == 20; /* then it is over */
            attack(&(struct attack){ .at = at, .instead = asked, .change = spoil_hash,
                                     .variant = lengths[i], .answers = asked ? at - 4 : 0,
                                     .notify = asked ? ANY_NOTIFICATION : 0,
                                     .line = asked             ? "does not match: probably a wrong secret"
                                             : lengths[i] == 0 ? "a payload that is too short"
                                                               : "the HASH payload has not the length of its" });
        }
    }
}

static void f8_in_quick_mode(void **state)
{
    static const char *const lines[] = { "HASH(1) is wrong", "HASH(2) is wrong", "HASH(3) is wrong" };
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (unsigned at = 7; at <= 9; at++) {
            attack(&(struct attack){ .at = at, .change = spoil_hash, .variant = lengths[i],
                                     .line = lengths[i] == 0 ? "a payload that is too short"
                                                             : lines[at - 7] });
        }
    }
}

static void f8_in_informationals(void **state)
{
    struct informational *s = *state;
    uint8_t body[32];
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (unsigned to = 0; to < 2; to++) {
            informational_begin(s, to);
            payload_insert(&s->o, 1, PAYLOAD_N, body, notification_body(body, 1, 0, 14, 8));
            spoil_hash(&s->o, lengths[i]);
            informational_end(s, lengths[i] == 0 ? "a payload that is too short"
                                                 : "an Informational with a wrong HASH is ignored");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f8_in_main_mode),
        cmocka_unit_test(f8_in_quick_mode),
        cmocka_unit_test_setup_teardown(f8_in_informationals, informational_set_up,
                                        informational_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
