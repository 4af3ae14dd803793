/* F6: nonces of 0, 7, 257 and more bytes are refused; 8 and 256 are the last that are taken.
 * What secrets does with them: f6_nonce_lengths in test_secrets_abuse.c. */
#include "hostile.h"

static void nonce_of(struct opened *o, size_t len)
{
    static const uint8_t bytes[16000] = { 7 };
    payload_body(o, payload_place(o, PAYLOAD_NONCE), bytes, len);
}

static void f6_in_messages(void **state)
{
    static const size_t lengths[] = { 0, 1, 7, 257, 1000, 16000 };
    static const unsigned messages[] = { 3, 4, 7, 8 };
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (size_t n = 0; n < sizeof messages / sizeof messages[0]; n++) {
            attack(&(struct attack){ .at = messages[n], .change = nonce_of, .variant = lengths[i],
                                     .line = lengths[i] < 8 ? "a payload that is too short"
                                                            : "a payload that is too long" });
        }
    }
}

/* They are taken, and as the peer knows of another one, no proof fits. */
static void f6_at_the_limits(void **state)
{
    static const size_t lengths[] = { 8, 256 };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        attack(&(struct attack){ .at = 3, .instead = true, .change = nonce_of,
                                 .variant = lengths[i], .answers = 1,
                                 .line = "STATE_MAIN_R2: sent MR2" });
        attack(&(struct attack){ .at = 4, .instead = true, .change = nonce_of,
                                 .variant = lengths[i], .answers = 1,
                                 .line = "STATE_MAIN_I3: sent MI3" });
        attack(&(struct attack){ .at = 7, .instead = true, .change = nonce_of,
                                 .variant = lengths[i], .answers = 1,
                                 .line = "STATE_QUICK_R1: sent QR1" });
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f6_in_messages), cmocka_unit_test(f6_at_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
